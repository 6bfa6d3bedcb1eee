//! Training on every engine leaves the reference's state, step after step.

mod engines;
mod programs;

use engines::{name, ENGINES};
use programs::{mlp, mlp_evaluation, Numbers, Optimiser};
use repops::{
	check::{check, Limits, Role},
	commit::state_root,
	initial::initial_state,
	interpret::{self, Bindings},
	merge::average_program,
	program::StateRole,
	random::Seed,
	tensor::Tensor,
};
use std::ops::ControlFlow;

const SIZES: [u32; 4] = [33, 48, 20, 7];
const STEPS: u64 = 200;

fn train(optimiser: Optimiser) {
	let (population, batch) = (230, 40);
	let mut numbers = Numbers(11);
	let (features, labels) = (
		numbers.tensor([population, SIZES[0]]),
		numbers.labels(population, SIZES[3]),
	);
	let program = mlp(&SIZES, batch, population, optimiser);
	let checked = check(&program, Role::Step, &Limits::default()).expect("the program is right");
	let seed = Seed([5; 32]);
	let initial = initial_state(&program, &seed);
	let bindings = Bindings {
		state: &initial,
		features: Some(&features),
		labels: Some(&labels),
		seed,
		..Bindings::default()
	};

	let mut state = initial.clone();
	let mut losses = Vec::new();
	for position in 0..STEPS {
		let outputs = interpret::run(
			&checked,
			&Bindings {
				state: &state,
				position,
				..bindings
			},
		)
		.expect("everything is given");
		assert!(!outputs.diverged, "step {position}");
		losses.push(outputs.loss.expect("a step has a loss"));
		state = outputs.state;
	}
	let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
	assert!(
		mean(&losses[180..]) < 0.9 * mean(&losses[..20]),
		"it learns something: {losses:?}"
	);

	let root = state_root(&state);
	for engine in ENGINES.iter() {
		let mut session = engine
			.compile(checked.clone())
			.session(&bindings)
			.expect("everything is given");
		let mut found = Vec::new();
		let after = session.steps(0..STEPS - 1, |_, outcome| {
			found.push(outcome.loss);
			ControlFlow::Continue(())
		});
		assert_eq!(after, STEPS - 1);
		found.push(session.step(STEPS - 1).loss);
		assert_eq!(found, losses, "{}", name(engine));
		assert_eq!(session.state_root(), root, "{}", name(engine));
		assert_eq!(
			engine.state_root(&session.state()),
			root,
			"{}",
			name(engine)
		);
	}
}

#[test]
fn with_plain_descent() {
	train(Optimiser::Sgd { rate: 0.3 });
}

#[test]
fn with_momentum() {
	train(Optimiser::Momentum {
		rate: 0.1,
		momentum: 0.9,
	});
}

#[test]
fn with_adam() {
	train(Optimiser::Adam { rate: 0.003 });
}

#[test]
fn a_divergence_is_an_outcome() {
	let (population, batch) = (60, 20);
	let mut numbers = Numbers(4);
	let (features, labels) = (
		numbers.tensor([population, SIZES[0]]),
		numbers.labels(population, SIZES[3]),
	);
	let program = mlp(&SIZES, batch, population, Optimiser::Sgd { rate: 3e38 });
	let checked = check(&program, Role::Step, &Limits::default()).expect("the program is right");
	let seed = Seed([6; 32]);
	let initial = initial_state(&program, &seed);
	let bindings = Bindings {
		state: &initial,
		features: Some(&features),
		labels: Some(&labels),
		seed,
		..Bindings::default()
	};
	let mut state = initial.clone();
	let mut position = 0;
	loop {
		let outputs = interpret::run(
			&checked,
			&Bindings {
				state: &state,
				position,
				..bindings
			},
		)
		.expect("everything is given");
		state = outputs.state;
		position += 1;
		if outputs.diverged {
			break;
		}
	}
	for engine in ENGINES.iter() {
		let mut session = engine
			.compile(checked.clone())
			.session(&bindings)
			.expect("everything is given");
		let mut outcomes = Vec::new();
		let after = session.steps(0..1000, |_, outcome| {
			outcomes.push(outcome.diverged);
			ControlFlow::Continue(())
		});
		assert_eq!(after, position, "{}", name(engine));
		assert_eq!(outcomes.iter().filter(|diverged| **diverged).count(), 1);
		assert_eq!(session.state_root(), state_root(&state), "{}", name(engine));
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
		let compiled = engine.compile(checked.clone());
		let found = compiled
			.run_evaluate(&bindings)
			.expect("everything is given");
		assert_eq!(Some(found), expected, "{}", name(engine));
		assert!(
			compiled.session(&bindings).is_err(),
			"an evaluation has no steps"
		);
	}
}

#[test]
fn merges_are_the_same() {
	let mut numbers = Numbers(2);
	let declared = mlp(
		&SIZES,
		1,
		1,
		Optimiser::Momentum {
			rate: 0.1,
			momentum: 0.9,
		},
	)
	.state;
	assert!(declared
		.iter()
		.any(|tensor| tensor.role == StateRole::Optimiser));
	for count in [1, 2, 5] {
		let program = average_program(&declared, count);
		let checked = check(&program, Role::Merge { updates: count }, &Limits::default())
			.expect("the program is right");
		let updates: Vec<Vec<Tensor>> = (0..count)
			.map(|_| {
				declared
					.iter()
					.map(|tensor| numbers.nasty_tensor(tensor.shape.clone()))
					.collect()
			})
			.collect();
		engines::assert_conforms(
			&checked,
			&Bindings {
				updates: &updates,
				..Bindings::default()
			},
		);
	}
}
