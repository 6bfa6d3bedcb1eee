//! Every value of a run is there, with the reference's bits, also where a plan would have fused it away.

mod engines;
mod programs;

use engines::{assert_observed, ENGINES};
use programs::{mlp, random::random_step, Numbers, Optimiser};
use proptest::prelude::*;
use repops::{
	check::{check, Limits, Role},
	initial::initial_state,
	interpret::Bindings,
	random::Seed,
};
use std::ops::ControlFlow;

proptest! {
	#![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

	#[test]
	fn of_random_programs(seed: u64, operations in 1..60usize) {
		let step = random_step(seed, operations, &[1, 2, 3, 5, 8, 13, 16, 17, 40]);
		assert_observed(&step.program, &step.bindings());
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

	#[test]
	fn of_large_random_programs(seed: u64, operations in 1..30usize) {
		let step = random_step(seed, operations, &[70, 190, 260]);
		assert_observed(&step.program, &step.bindings());
	}
}

#[test]
fn of_a_training_step() {
	let (sizes, population, batch) = ([33, 300, 70, 7], 230, 40);
	let mut numbers = Numbers(11);
	let (features, labels) = (
		numbers.tensor([population, sizes[0]]),
		numbers.labels(population, sizes[3]),
	);
	let program = mlp(&sizes, batch, population, Optimiser::Adam { rate: 0.003 });
	let checked = check(&program, Role::Step, &Limits::default()).expect("the program is right");
	let seed = Seed([5; 32]);
	let state = initial_state(&program, &seed);
	let bindings = Bindings {
		state: &state,
		features: Some(&features),
		labels: Some(&labels),
		seed,
		position: 3,
		..Bindings::default()
	};
	assert_observed(&checked, &bindings);
}

#[test]
fn until_it_is_enough() {
	let step = random_step(3, 20, &[3, 5, 17]);
	let engine = &ENGINES[0];
	let mut seen = 0;
	let compiled = engine.compile(step.program.clone());
	let observed = compiled.run_observed(&step.bindings(), |index, _, _| {
		seen += 1;
		match index {
			2 => ControlFlow::Break(()),
			_ => ControlFlow::Continue(()),
		}
	});
	observed.expect("everything is given");
	assert_eq!(seen, 3);
}
