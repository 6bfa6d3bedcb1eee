//! Every engine that this machine can run, and the comparison of each with the reference.
#![allow(
	dead_code,
	unreachable_pub,
	reason = "each test that includes this file uses a part of it"
)]

use ml_worker_engine::{Engine, EngineOptions, InstructionSet};
use repops::{
	check::Checked,
	interpret::{self, Bindings, Outputs},
	tensor::Tensor,
};
use std::{num::NonZeroUsize, ops::ControlFlow, sync::LazyLock};

/// An engine for each instruction set that the CPU has, with one and with two threads.
pub static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(|| {
	let sets = InstructionSet::ALL
		.into_iter()
		.filter(|set| set.is_available());
	let options = sets.flat_map(|set| {
		[1, 2].map(|threads| EngineOptions {
			threads: NonZeroUsize::new(threads),
			instruction_set: Some(set),
		})
	});
	options
		.map(|options| Engine::new(options).expect("the CPU has it"))
		.collect()
});

/// What an engine is, for messages.
pub fn name(engine: &Engine) -> String {
	format!("{}, {} threads", engine.instruction_set(), engine.threads())
}

/// Says where two results differ first.
pub fn assert_same(name: &str, expected: &Outputs, found: &Outputs) {
	for (tensor, (expected, found)) in expected.state.iter().zip(&found.state).enumerate() {
		assert_eq!(
			expected.kind(),
			found.kind(),
			"{name}: state tensor {tensor}"
		);
		for (element, (expected, found)) in expected.bits().zip(found.bits()).enumerate() {
			assert!(
				expected == found,
				"{name}: element {element} of state tensor {tensor} is {} ({found:#010x}) instead of {} ({expected:#010x})",
				f32::from_bits(found),
				f32::from_bits(expected),
			);
		}
	}
	assert_eq!(expected.state.len(), found.state.len(), "{name}");
	assert_eq!(
		expected.loss.map(f32::to_bits),
		found.loss.map(f32::to_bits),
		"{name}: loss"
	);
	assert_eq!(expected.correct, found.correct, "{name}: right answers");
	assert_eq!(expected.diverged, found.diverged, "{name}: diverged");
}

/// One run on every engine against the reference.
pub fn assert_conforms(checked: &Checked, bindings: &Bindings) {
	let expected = interpret::run(checked, bindings).expect("everything is given");
	for engine in ENGINES.iter() {
		let found = engine
			.compile(checked.clone())
			.run(bindings)
			.expect("everything is given");
		assert_same(&name(engine), &expected, &found);
	}
}

/// Some steps on every engine, each in one session, against the reference. After a divergence the steps go on
/// here, so that nothing remains untested behind a NaN.
pub fn assert_steps_conform(checked: &Checked, bindings: &Bindings, steps: u64) {
	let mut expected = Vec::new();
	let mut state = bindings.state.to_vec();
	for position in bindings.position..bindings.position + steps {
		let outputs = interpret::run(
			checked,
			&Bindings {
				state: &state,
				position,
				..*bindings
			},
		);
		let outputs = outputs.expect("everything is given");
		state = outputs.state.clone();
		expected.push(outputs);
	}
	for engine in ENGINES.iter() {
		let compiled = engine.compile(checked.clone());
		let mut session = compiled.session(bindings).expect("everything is given");
		for (position, expected) in (bindings.position..).zip(&expected) {
			let mut outcome = None;
			let after = session.steps(position..position + 1, |at, of_step| {
				assert_eq!(at, position);
				outcome = Some(of_step);
				ControlFlow::Continue(())
			});
			assert_eq!(after, position + 1);
			let outcome = outcome.expect("one step was done");
			let found = Outputs {
				state: session.state(),
				loss: Some(outcome.loss),
				correct: None,
				diverged: outcome.diverged,
			};
			assert_same(
				&format!("{}, step {position}", name(engine)),
				expected,
				&found,
			);
		}
		assert_eq!(
			session.state_root(),
			repops::commit::state_root(&state),
			"{}",
			name(engine)
		);
	}
}

/// Looks at all values of a run on each engine.
pub fn assert_observed(checked: &Checked, bindings: &Bindings) {
	let mut expected: Vec<Tensor> = Vec::new();
	interpret::run_observed(checked, bindings, |index, value| {
		assert_eq!(index, expected.len());
		expected.push(value.clone());
	})
	.expect("everything is given");
	let inputs = checked.program().inputs.len();
	for engine in ENGINES.iter() {
		let mut seen = 0;
		let compiled = engine.compile(checked.clone());
		let observed = compiled.run_observed(bindings, |index, operands, value| {
			let index = index as usize;
			assert_eq!(index, seen);
			seen += 1;
			let operation = &checked.program().operations[index];
			let message = || format!("{}, operation {index}, {:?}", name(engine), operation.kind);
			assert!(same(value, &expected[index]), "{}", message());
			assert_eq!(operands.len(), operation.operands.len(), "{}", message());
			for (shown, value) in operands.iter().zip(&operation.operands) {
				let made = (*value as usize).checked_sub(inputs);
				if let Some(made) = made {
					assert!(same(shown, &expected[made]), "{}", message());
				}
			}
			ControlFlow::Continue(())
		});
		observed.expect("everything is given");
		assert_eq!(seen, expected.len(), "{}", name(engine));
	}
}

fn same(one: &Tensor, other: &Tensor) -> bool {
	one.kind() == other.kind() && one.bits().eq(other.bits())
}
