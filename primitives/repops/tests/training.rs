//! Whole programs: training lowers the loss, divergence is a result, and the bits are these for ever.

mod support;

use repops::{
	check::{check, Checked, Limits, Role},
	commit::{state_root, trace_root, Hash},
	initial::initial_state,
	interpret::{run, run_observed, Bindings, RunError},
	merge::average_program,
	program::{Program, Source},
	random::Seed,
	tensor::{Tensor, TensorType},
};
use support::{clusters, golden, hex, mlp, mlp_evaluation, Words};

const SEED: Seed = golden::SEED;

fn checked(program: &Program, role: Role) -> Checked {
	check(program, role, &Limits::default()).unwrap()
}

/// Trains from the initial state; gives the losses, the last state and each step's root.
fn train(
	program: &Program,
	data: &(Tensor, Tensor),
	steps: u64,
) -> (Vec<f32>, Vec<Tensor>, Vec<Hash>) {
	let step = checked(program, Role::Step);
	let mut state = initial_state(program, &SEED);
	let (mut losses, mut roots) = (vec![], vec![state_root(&state)]);
	for position in 0..steps {
		let bindings = Bindings {
			state: &state,
			features: Some(&data.0),
			labels: Some(&data.1),
			seed: SEED,
			position,
			updates: &[],
		};
		let outputs = run(&step, &bindings).unwrap();
		assert!(!outputs.diverged);
		losses.push(outputs.loss.unwrap());
		state = outputs.state;
		roots.push(state_root(&state));
	}
	(losses, state, roots)
}

fn right_answers(program: &Program, state: &[Tensor], data: &(Tensor, Tensor)) -> u32 {
	let evaluation = checked(
		&mlp_evaluation(program, data.1.len() as u32),
		Role::Evaluate,
	);
	let bindings = Bindings {
		state,
		features: Some(&data.0),
		labels: Some(&data.1),
		..Bindings::default()
	};
	run(&evaluation, &bindings).unwrap().correct.unwrap()
}

#[test]
fn an_mlp_learns() {
	let program = mlp(400, 12, 32, 4, 40, 0.3);
	let data = clusters(400, 12, 4, 1);
	let before = right_answers(&program, &initial_state(&program, &SEED), &data);
	let (losses, state, _) = train(&program, &data, 60);
	let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
	let (early, late) = (mean(&losses[..5]), mean(&losses[55..]));
	assert!(late < 0.25 * early, "the loss went from {early} to {late}");
	let after = right_answers(&program, &state, &data);
	assert!(
		after > 380 && before < 250,
		"{before} right answers of 400, then {after}"
	);
}

/// The gradient that the hand-written program computes is that of its loss, by finite differences.
#[test]
fn the_gradient_is_the_slope_of_the_loss() {
	let (rate, width) = (1.0, 1e-2);
	let program = mlp(30, 5, 6, 3, 30, rate);
	let data = clusters(30, 5, 3, 2);
	let step = checked(&program, Role::Step);
	let state = initial_state(&program, &SEED);
	let at = |state: &[Tensor]| {
		let bindings = Bindings {
			state,
			features: Some(&data.0),
			labels: Some(&data.1),
			seed: SEED,
			..Bindings::default()
		};
		run(&step, &bindings).unwrap()
	};
	let updated = at(&state).state;
	for (tensor, element) in [(0, 0), (0, 17), (1, 2), (2, 5), (2, 11), (3, 0), (3, 2)] {
		let value = |state: &[Tensor]| state[tensor].as_f32().unwrap()[element];
		let gradient = (value(&state) - value(&updated)) / rate;
		let loss = |change: f32| {
			let mut moved = state.clone();
			let mut elements = moved[tensor].as_f32().unwrap().to_vec();
			elements[element] += change;
			moved[tensor] = Tensor::f32(moved[tensor].shape.clone(), elements).unwrap();
			at(&moved).loss.unwrap()
		};
		let slope = (loss(width) - loss(-width)) / (2.0 * width);
		assert!(
			(gradient - slope).abs() < 2e-3,
			"tensor {tensor}, element {element}: {gradient} and {slope}"
		);
	}
}

#[test]
fn three_steps_have_these_bits() {
	let (program, data) = golden::task();
	let (losses, _, roots) = train(&program, &data, 3);
	let trace = trace_root(&roots);
	let found: Vec<String> = roots
		.iter()
		.chain([&trace, &program.hash()])
		.map(|root| hex(root))
		.collect();
	let losses: Vec<u32> = losses.iter().map(|loss| loss.to_bits()).collect();
	assert_eq!(found, golden::THREE_STEPS);
	assert_eq!(losses, golden::THREE_LOSSES);
}

#[test]
fn divergence_is_a_result() {
	let program = mlp(50, 4, 8, 2, 25, 1e30);
	let data = clusters(50, 4, 2, 4);
	let step = checked(&program, Role::Step);
	let mut state = initial_state(&program, &SEED);
	let mut outcomes = vec![];
	for position in 0..4 {
		let bindings = Bindings {
			state: &state,
			features: Some(&data.0),
			labels: Some(&data.1),
			seed: SEED,
			position,
			updates: &[],
		};
		let outputs = run(&step, &bindings).unwrap();
		let finite =
			outputs.loss.unwrap().is_finite() && outputs.state.iter().all(Tensor::is_finite);
		assert_eq!(outputs.diverged, !finite);
		outcomes.push(outputs.diverged);
		state = outputs.state;
	}
	assert!(!outcomes[0] && outcomes[3], "{outcomes:?}");
	// What it left is defined all the same: a NaN is the one NaN.
	let words = state
		.iter()
		.flat_map(Tensor::bits)
		.filter(|bits| f32::from_bits(*bits).is_nan());
	assert!(words.into_iter().all(|bits| bits == 0x7FC0_0000));
}

#[test]
fn an_observer_sees_every_result() {
	let program = mlp(50, 4, 8, 2, 25, 0.1);
	let data = clusters(50, 4, 2, 5);
	let step = checked(&program, Role::Step);
	let state = initial_state(&program, &SEED);
	let bindings = Bindings {
		state: &state,
		features: Some(&data.0),
		labels: Some(&data.1),
		seed: SEED,
		..Bindings::default()
	};
	let mut seen = vec![];
	let outputs = run_observed(&step, &bindings, |index, value| {
		assert_eq!(value.kind(), step.types()[program.inputs.len() + index]);
		seen.push(value.clone());
	})
	.unwrap();
	assert_eq!(seen.len(), program.operations.len());
	for output in &program.outputs {
		if let repops::program::Target::State(tensor) = output.target {
			let value = output.value as usize - program.inputs.len();
			assert_eq!(seen[value], outputs.state[usize::from(tensor)]);
		}
	}
}

#[test]
fn missing_and_wrong_inputs_are_named() {
	let program = mlp(50, 4, 8, 2, 25, 0.1);
	let (features, labels) = clusters(50, 4, 2, 6);
	let step = checked(&program, Role::Step);
	let state = initial_state(&program, &SEED);
	let bindings = Bindings {
		state: &state,
		features: Some(&features),
		labels: Some(&labels),
		..Bindings::default()
	};
	run(&step, &bindings).unwrap();
	let missing = run(
		&step,
		&Bindings {
			labels: None,
			..bindings
		},
	)
	.unwrap_err();
	assert_eq!(missing, RunError::Missing(Source::Labels));
	assert_eq!(
		missing.to_string(),
		"the program reads Labels, which was not given"
	);
	let missing = run(
		&step,
		&Bindings {
			state: &state[..3],
			..bindings
		},
	)
	.unwrap_err();
	assert_eq!(missing, RunError::Missing(Source::State(3)));
	let (fewer, _) = clusters(49, 4, 2, 6);
	let wrong = run(
		&step,
		&Bindings {
			features: Some(&fewer),
			..bindings
		},
	)
	.unwrap_err();
	let (expected, found) = (TensorType::f32([50, 4]), TensorType::f32([49, 4]));
	assert_eq!(
		wrong,
		RunError::Type {
			source: Source::Features,
			expected,
			found
		}
	);
	let mut broken = labels.clone();
	broken.shape = [50].into();
	broken.elements = repops::tensor::Elements::U32(vec![0; 49]);
	let malformed = run(
		&step,
		&Bindings {
			labels: Some(&broken),
			..bindings
		},
	)
	.unwrap_err();
	assert_eq!(malformed, RunError::Malformed(Source::Labels));
}

#[test]
fn a_merge_is_the_sum_in_order_divided_by_the_count() {
	let program = mlp(50, 4, 8, 2, 25, 0.1);
	let mut words = Words::new(7);
	for updates in [1u16, 2, 3, 7] {
		let states: Vec<Vec<Tensor>> = (0..updates)
			.map(|_| {
				let tensors = program.state.iter().map(|declared| {
					let count = declared.shape.elements().unwrap() as usize;
					Tensor::f32(declared.shape.clone(), words.numbers(count)).unwrap()
				});
				tensors.collect()
			})
			.collect();
		let merge = checked(
			&average_program(&program.state, updates),
			Role::Merge { updates },
		);
		let merged = run(
			&merge,
			&Bindings {
				updates: &states,
				..Bindings::default()
			},
		)
		.unwrap();
		assert!(!merged.diverged && merged.loss.is_none());
		for (tensor, result) in merged.state.iter().enumerate() {
			for (at, element) in result.as_f32().unwrap().iter().enumerate() {
				let values = states
					.iter()
					.map(|state| state[tensor].as_f32().unwrap()[at]);
				let sum = values.reduce(|sum, value| sum + value).unwrap();
				assert_eq!(element.to_bits(), (sum / f32::from(updates)).to_bits());
			}
		}
		if updates == 1 {
			assert_eq!(merged.state, states[0]);
		}
	}
}
