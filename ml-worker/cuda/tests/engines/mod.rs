//! The engines that are tested, and the comparison of each with the reference: the kernels on this machine's CPU, in
//! several orders of blocks and threads, and on a GPU if the environment variable `POUW_TEST_GPU` has its number.
#![allow(
	dead_code,
	unreachable_pub,
	reason = "each test that includes this file uses a part of it"
)]

pub mod emulator;

use emulator::{Emulator, Order};
use ml_worker_cuda::Engine;
use repops::{
	check::Checked,
	interpret::{self, Bindings, Outputs},
	tensor::Tensor,
};
use std::{
	ops::ControlFlow,
	sync::{Arc, LazyLock},
};

/// The environment variable with the number of the GPU to be tested.
const GPU_VARIABLE: &str = "POUW_TEST_GPU";

/// Emulated devices of different sizes, which choose different kernels, and the GPU.
pub static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(|| {
	let emulated = [
		(Order::Ascending, 1),
		(Order::Descending, 4),
		(Order::Mixed, 132),
	];
	let mut engines: Vec<Engine> = emulated
		.into_iter()
		.map(|(order, multiprocessors)| Engine::on(Arc::new(Emulator::new(order, multiprocessors))))
		.collect();
	if let Some(gpu) = std::env::var_os(GPU_VARIABLE) {
		let ordinal = gpu.to_str().and_then(|number| number.parse().ok());
		let ordinal = ordinal.unwrap_or_else(|| panic!("{GPU_VARIABLE} is not a GPU's number"));
		engines.push(Engine::new(ordinal).unwrap_or_else(|error| panic!("{error}")));
	}
	engines
});

/// What an engine is, for messages.
pub fn name(engine: &Engine) -> String {
	engine.device_name()
}

/// Says where two tensors differ first.
pub fn assert_same_tensor(place: &str, expected: &Tensor, found: &Tensor) {
	assert_eq!(expected.kind(), found.kind(), "{place}");
	let pairs = expected.bits().zip(found.bits()).enumerate();
	for (element, (expected, found)) in pairs {
		assert!(
			expected == found,
			"{place}: element {element} is {} ({found:#010x}) instead of {} ({expected:#010x})",
			f32::from_bits(found),
			f32::from_bits(expected),
		);
	}
}

/// Says where two results differ first.
pub fn assert_same(name: &str, expected: &Outputs, found: &Outputs) {
	assert_eq!(expected.state.len(), found.state.len(), "{name}");
	for (tensor, (expected, found)) in expected.state.iter().zip(&found.state).enumerate() {
		assert_same_tensor(&format!("{name}, state tensor {tensor}"), expected, found);
	}
	let loss = |outputs: &Outputs| outputs.loss.map(f32::to_bits);
	assert_eq!(loss(expected), loss(found), "{name}: loss");
	assert_eq!(expected.correct, found.correct, "{name}: right answers");
	assert_eq!(expected.diverged, found.diverged, "{name}: diverged");
}

/// One run on every engine against the reference.
pub fn assert_conforms(checked: &Checked, bindings: &Bindings) {
	let expected = interpret::run(checked, bindings).expect("everything is given");
	for engine in ENGINES.iter() {
		let compiled = engine.compile(checked.clone()).expect("it is small");
		let found = compiled.run(bindings).expect("everything is given");
		assert_same(&name(engine), &expected, &found);
	}
}

/// Some steps on every engine, each in one session, against the reference. After a divergence the steps go on
/// here, so that nothing remains untested behind a NaN.
pub fn assert_steps_conform(checked: &Checked, bindings: &Bindings, steps: u64) {
	let mut expected = Vec::new();
	let mut state = bindings.state.to_vec();
	for position in bindings.position..bindings.position + steps {
		let at = Bindings {
			state: &state,
			position,
			..*bindings
		};
		let outputs = interpret::run(checked, &at).expect("everything is given");
		state = outputs.state.clone();
		expected.push(outputs);
	}
	for engine in ENGINES.iter() {
		let compiled = engine.compile(checked.clone()).expect("it is small");
		let mut session = compiled.session(bindings).expect("everything is given");
		for (position, expected) in (bindings.position..).zip(&expected) {
			let mut outcome = None;
			let after = session.steps(position..position + 1, |at, of_step| {
				assert_eq!(at, position);
				outcome = Some(of_step);
				ControlFlow::Continue(())
			});
			assert_eq!(after.expect("the device works"), position + 1);
			let outcome = outcome.expect("one step was done");
			let found = Outputs {
				state: session.state().expect("the device works"),
				loss: Some(outcome.loss),
				correct: None,
				diverged: outcome.diverged,
			};
			let place = format!("{}, step {position}", name(engine));
			assert_same(&place, expected, &found);
		}
	}
}

/// Looks at all values of a run on each engine.
pub fn assert_observed(checked: &Checked, bindings: &Bindings) {
	let mut expected: Vec<Tensor> = Vec::new();
	interpret::run_observed(checked, bindings, |_, value| expected.push(value.clone()))
		.expect("everything is given");
	let inputs = checked.program().inputs.len();
	for engine in ENGINES.iter() {
		let mut seen = 0;
		let compiled = engine.compile(checked.clone()).expect("it is small");
		let observed = compiled.run_observed(bindings, |index, operands, value| {
			let index = index as usize;
			assert_eq!(index, seen);
			seen += 1;
			let operation = &checked.program().operations[index];
			let place = format!("{}, operation {index}, {:?}", name(engine), operation.kind);
			assert_same_tensor(&place, &expected[index], value);
			assert_eq!(operands.len(), operation.operands.len(), "{place}");
			for (shown, value) in operands.iter().zip(&operation.operands) {
				if let Some(made) = (*value as usize).checked_sub(inputs) {
					assert_same_tensor(&place, &expected[made], shown);
				}
			}
			ControlFlow::Continue(())
		});
		observed.expect("everything is given");
		assert_eq!(seen, expected.len(), "{}", name(engine));
	}
}
