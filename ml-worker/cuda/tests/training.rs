//! Training on every engine leaves the reference's state, step after step, and every value can be seen on the way.

mod engines;
mod programs;

use engines::{assert_conforms, assert_observed, name, ENGINES};
use ml_worker_cuda::EngineError;
use programs::{mlp, mlp_evaluation, Numbers, Optimiser};
use repops::{
	check::{check, Checked, Limits, Role},
	commit::state_root,
	initial::initial_state,
	interpret::{self, Bindings},
	merge::average_program,
	random::Seed,
	tensor::Tensor,
};
use std::ops::ControlFlow;

const SIZES: [u32; 4] = [33, 48, 20, 7];
const POPULATION: u32 = 230;
const STEPS: u64 = 200;

/// A program that trains a perceptron, and what it reads.
struct Training {
	checked: Checked,
	state: Vec<Tensor>,
	features: Tensor,
	labels: Tensor,
}

impl Training {
	fn new(optimiser: Optimiser) -> Self {
		let mut numbers = Numbers(11);
		let program = mlp(&SIZES, 40, POPULATION, optimiser);
		Training {
			checked: check(&program, Role::Step, &Limits::default()).expect("the program is right"),
			state: initial_state(&program, &Seed([5; 32])),
			features: numbers.tensor([POPULATION, SIZES[0]]),
			labels: numbers.labels(POPULATION, SIZES[3]),
		}
	}

	fn bindings(&self) -> Bindings<'_> {
		Bindings {
			state: &self.state,
			features: Some(&self.features),
			labels: Some(&self.labels),
			seed: Seed([5; 32]),
			..Bindings::default()
		}
	}

	/// The reference's losses and states after so many steps, or until one diverges.
	fn expected(&self, steps: u64) -> (Vec<f32>, Vec<Tensor>) {
		let (mut state, mut losses) = (self.state.clone(), Vec::new());
		for position in 0..steps {
			let bindings = Bindings {
				state: &state,
				position,
				..self.bindings()
			};
			let outputs = interpret::run(&self.checked, &bindings).expect("everything is given");
			losses.push(outputs.loss.expect("a step has a loss"));
			state = outputs.state;
			if outputs.diverged {
				break;
			}
		}
		(losses, state)
	}

	/// Trains on every engine, from a state that is set once more on the way.
	fn assert_conforms(&self, steps: u64) -> Vec<f32> {
		let (losses, state) = self.expected(steps);
		for engine in ENGINES.iter() {
			let compiled = engine.compile(self.checked.clone()).expect("it is small");
			let mut session = compiled
				.session(&self.bindings())
				.expect("everything is given");
			let mut found = Vec::new();
			let after = session.steps(0..3, |_, outcome| {
				found.push(outcome.loss.to_bits());
				ControlFlow::Continue(())
			});
			let between = session.state().expect("the device works");
			session.set_state(&between).expect("its own state fits");
			let after = after.expect("the device works");
			let after = session.steps(after..steps.max(after), |_, outcome| {
				found.push(outcome.loss.to_bits());
				ControlFlow::Continue(())
			});
			assert_eq!(
				after.expect("the device works"),
				losses.len() as u64,
				"{}",
				name(engine)
			);
			let expected: Vec<u32> = losses.iter().map(|loss| loss.to_bits()).collect();
			assert_eq!(found, expected, "{}", name(engine));
			let root = session.state_root().expect("the device works");
			assert_eq!(root, state_root(&state), "{}", name(engine));
		}
		losses
	}
}

#[test]
fn with_plain_descent() {
	let losses = Training::new(Optimiser::Sgd { rate: 0.3 }).assert_conforms(STEPS);
	let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
	assert!(
		mean(&losses[180..]) < 0.9 * mean(&losses[..20]),
		"it learns something: {losses:?}"
	);
}

#[test]
fn with_momentum() {
	Training::new(Optimiser::Momentum {
		rate: 0.1,
		momentum: 0.9,
	})
	.assert_conforms(STEPS);
}

#[test]
fn with_adam() {
	Training::new(Optimiser::Adam { rate: 0.003 }).assert_conforms(STEPS);
}

#[test]
fn a_divergence_is_an_outcome() {
	let training = Training::new(Optimiser::Sgd { rate: 3e38 });
	let (losses, _) = training.expected(STEPS);
	assert!((losses.len() as u64) < STEPS, "it diverges");
	// Whether it is seen: the first engine's steps end where the reference's do.
	for engine in ENGINES.iter() {
		let compiled = engine
			.compile(training.checked.clone())
			.expect("it is small");
		let mut session = compiled
			.session(&training.bindings())
			.expect("everything is given");
		let mut diverged = Vec::new();
		let after = session.steps(0..STEPS, |_, outcome| {
			diverged.push(outcome.diverged);
			ControlFlow::Continue(())
		});
		assert_eq!(after.expect("the device works"), losses.len() as u64);
		assert_eq!(diverged.pop(), Some(true), "{}", name(engine));
		assert!(!diverged.contains(&true), "{}", name(engine));
	}
}

#[test]
fn every_value_is_shown() {
	let training = Training::new(Optimiser::Adam { rate: 0.003 });
	assert_observed(&training.checked, &training.bindings());
	for engine in ENGINES.iter() {
		let compiled = engine
			.compile(training.checked.clone())
			.expect("it is small");
		// Until it is told to stop.
		let mut count = 0;
		let stopped = compiled.run_observed(&training.bindings(), |_, _, _| {
			count += 1;
			ControlFlow::Break(())
		});
		stopped.expect("everything is given");
		assert_eq!(count, 1);
	}
}

#[test]
fn evaluations_count_the_same_answers() {
	let rows = 700;
	let mut numbers = Numbers(9);
	let (features, labels) = (
		numbers.tensor([rows, SIZES[0]]),
		numbers.labels(rows, SIZES[3]),
	);
	let program = mlp_evaluation(&SIZES, rows);
	let checked =
		check(&program, Role::Evaluate, &Limits::default()).expect("the program is right");
	let state: Vec<Tensor> = program
		.state
		.iter()
		.map(|tensor| numbers.tensor(tensor.shape.clone()))
		.collect();
	let bindings = Bindings {
		state: &state,
		features: Some(&features),
		labels: Some(&labels),
		..Bindings::default()
	};
	let expected = interpret::run(&checked, &bindings)
		.expect("everything is given")
		.correct;
	assert!(expected.is_some_and(|correct| correct > 0 && correct < rows));
	for engine in ENGINES.iter() {
		let compiled = engine.compile(checked.clone()).expect("it is small");
		let found = compiled
			.run_evaluate(&bindings)
			.expect("everything is given");
		assert_eq!(Some(found), expected, "{}", name(engine));
		let session = compiled.session(&bindings);
		assert!(
			matches!(session, Err(EngineError::Role { .. })),
			"an evaluation has no steps"
		);
	}
}

#[test]
fn merges_are_the_same() {
	let mut numbers = Numbers(2);
	let optimiser = Optimiser::Momentum {
		rate: 0.1,
		momentum: 0.9,
	};
	let declared = mlp(&SIZES, 1, 1, optimiser).state;
	for count in [1, 2, 5] {
		let program = average_program(&declared, count);
		let checked = check(&program, Role::Merge { updates: count }, &Limits::default());
		let mut updates: Vec<Vec<Tensor>> = Vec::new();
		for _ in 0..count {
			let shapes = declared.iter().map(|tensor| tensor.shape.clone());
			updates.push(shapes.map(|shape| numbers.nasty_tensor(shape)).collect());
		}
		let bindings = Bindings {
			updates: &updates,
			..Bindings::default()
		};
		assert_conforms(&checked.expect("the program is right"), &bindings);
	}
}

#[test]
fn what_is_not_given_is_named() {
	let training = Training::new(Optimiser::Sgd { rate: 0.1 });
	for engine in ENGINES.iter() {
		let compiled = engine
			.compile(training.checked.clone())
			.expect("it is small");
		assert!(compiled.memory_bytes() >= training.checked.state_bytes());
		for (bindings, named) in [
			(
				Bindings {
					features: None,
					..training.bindings()
				},
				"Features",
			),
			(
				Bindings {
					features: Some(&training.labels),
					..training.bindings()
				},
				"Features",
			),
			(
				Bindings {
					state: &training.state[1..],
					..training.bindings()
				},
				"State",
			),
		] {
			let refused = compiled
				.session(&bindings)
				.map(|_| ())
				.expect_err("something is missing");
			assert!(refused.to_string().contains(named), "{refused}");
			assert!(compiled.run(&bindings).is_err());
		}
		let refused = compiled
			.run_evaluate(&training.bindings())
			.expect_err("it is a step");
		assert!(refused.to_string().contains("evaluation"), "{refused}");
	}
}

/// Where there is no GPU, the message says what to do.
#[test]
fn a_missing_gpu_is_an_error() {
	match ml_worker_cuda::Engine::new(1_000_000) {
		Ok(_) => panic!("there are no million GPUs"),
		Err(error) => assert!(error.to_string().contains("engine for CPUs"), "{error}"),
	}
}
