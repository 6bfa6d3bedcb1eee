//! Matrix products, in turns with the `gemm` crate's and beside the peak.

use crate::{
	by_crate::{self, ByCrate},
	peak,
};
use ml_worker_engine::{Engine, EngineOptions, InstructionSet};
use repops::{
	check::{check, Limits, Role},
	interpret::Bindings,
	program::{
		Initialiser, Input, Operation, OperationKind, Output, Program, Source, StateRole,
		StateTensor, Target, ValueId, ARITHMETIC_VERSION,
	},
	tensor::{Tensor, TensorType},
};
use std::{error::Error, num::NonZeroUsize, ops::ControlFlow, time::Instant};

/// Products one after another, `left * (left * (… * right))`, so that what a step does besides counts for little.
pub(crate) const CHAIN: u32 = 8;

/// GFLOP/s in each round: the engine's, the crate's (if it has this set), the peak.
pub(crate) fn measure(
	set: InstructionSet,
	size: u32,
	threads: usize,
	rounds: usize,
) -> Result<[Vec<f64>; 3], Box<dyn Error>> {
	let engine = Engine::new(EngineOptions {
		threads: NonZeroUsize::new(threads),
		instruction_set: Some(set),
	})?;
	let compiled = engine.compile(check(&program(size), Role::Step, &Limits::default())?);
	let state = [matrix(size, 1)?, matrix(size, 2)?];
	let mut session = compiled.session(&Bindings {
		state: &state,
		..Bindings::default()
	})?;
	let mut products = ByCrate::new(size, threads, &state)?;

	let operations = f64::from(CHAIN) * 2.0 * f64::from(size).powi(3) / 1e9;
	let mut speeds = [const { Vec::new() }; 3];
	for round in 0..=rounds as u64 {
		let start = Instant::now();
		session.steps(round..round + 1, |_, _| ControlFlow::Continue(()));
		let by_engine = operations / start.elapsed().as_secs_f64();
		let by_crate = operations / products.multiply();
		let peak = peak::gflops(set, threads);
		if round == 0 {
			expect_equal(&session.state()[1], &products.right)?;
			continue;
		}
		speeds[0].push(by_engine);
		speeds[1].extend((set == by_crate::instruction_set()).then_some(by_crate));
		speeds[2].extend(peak);
	}
	Ok(speeds)
}

/// A step that multiplies the second state tensor by the first one, [`CHAIN`] times.
fn program(size: u32) -> Program {
	let kind = TensorType::f32([size, size]);
	let tensor = |name: &str| StateTensor {
		name: name.into(),
		shape: kind.shape.clone(),
		role: StateRole::Parameter,
		initial: Initialiser::Constant(0.0.into()),
	};
	let input = |tensor| Input {
		source: Source::State(tensor),
		kind: kind.clone(),
	};
	let [left, right]: [ValueId; 2] = [0, 1];
	let mut operations: Vec<Operation> = (0..CHAIN)
		.map(|product| Operation {
			kind: OperationKind::MatMul {
				transpose_left: false,
				transpose_right: false,
			},
			operands: vec![left, right + product],
		})
		.collect();
	operations.push(Operation {
		kind: OperationKind::Constant {
			shape: [1].into(),
			value: 0.0.into(),
		},
		operands: vec![],
	});
	let output = |target, value| Output { target, value };
	Program {
		version: ARITHMETIC_VERSION,
		state: vec![tensor("left"), tensor("right")],
		inputs: vec![input(0), input(1)],
		operations,
		outputs: vec![
			output(Target::State(0), left),
			output(Target::State(1), right + CHAIN),
			output(Target::Loss, right + CHAIN + 1),
		],
	}
}

/// Random numbers of such a size that products neither vanish nor grow.
fn matrix(size: u32, seed: u64) -> Result<Tensor, Box<dyn Error>> {
	let bound = (3.0 / size as f32).sqrt();
	let mut word = seed;
	let elements = (0..size * size).map(|_| {
		word = word
			.wrapping_mul(6_364_136_223_846_793_005)
			.wrapping_add(1_442_695_040_888_963_407);
		bound * ((word >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
	});
	Ok(Tensor::f32([size, size], elements.collect())?)
}

/// Both have computed the same thing, but for roundings.
fn expect_equal(engine: &Tensor, products: &[f32]) -> Result<(), Box<dyn Error>> {
	let engine = engine.as_f32().ok_or("not F32")?;
	let most = products.iter().fold(0.0f32, |most, x| most.max(x.abs()));
	let differ = |(a, b): (&f32, &f32)| (a - b).abs() > 1e-4 * most;
	match engine.iter().zip(products).any(differ) {
		true => Err("the engine's product is another than the crate's".into()),
		false => Ok(()),
	}
}
