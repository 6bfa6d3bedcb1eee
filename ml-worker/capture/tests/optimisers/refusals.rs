//! Optimisers whose numbers can't work are refused, with the number and the reason.

use super::{linear, SIZES};
use ml_worker_capture::{build, LearningRate, OptimiserSpec};

fn refusal(optimiser: &OptimiserSpec) -> String {
	build(
		&linear(true),
		optimiser,
		SIZES.columns,
		SIZES.classes,
		SIZES.batch,
		SIZES.training_rows,
		SIZES.test_rows,
	)
	.unwrap_err()
	.to_string()
}

#[track_caller]
fn assert_says(optimiser: &OptimiserSpec, parts: &[&str]) {
	let message = refusal(optimiser);
	for part in parts {
		assert!(message.contains(part), "`{part}` is missing in: {message}");
	}
}

#[test]
fn constants_out_of_range() {
	for constant in [
		OptimiserSpec::sgd,
		OptimiserSpec::adam,
		OptimiserSpec::adam_w,
	] {
		assert_says(&constant(0.0), &["`learning_rate` is 0"]);
		assert_says(&constant(-0.1), &["`learning_rate` is -0.1"]);
		assert_says(&constant(f32::NAN), &["`learning_rate` is NaN"]);
		assert_says(&constant(f32::INFINITY), &["`learning_rate` is inf"]);
	}
}

#[test]
fn settings_of_sgd() {
	let sgd = |momentum, weight_decay| OptimiserSpec::Sgd {
		learning_rate: 0.1.into(),
		momentum,
		weight_decay,
		clip_norm: None,
	};
	assert_says(&sgd(1.0, 0.0), &["`momentum` is 1"]);
	assert_says(&sgd(0.9, -0.1), &["`weight_decay` is -0.1"]);
}

#[test]
fn settings_of_adam() {
	let adam = |beta1, beta2, epsilon| OptimiserSpec::Adam {
		learning_rate: 0.1.into(),
		beta1,
		beta2,
		epsilon,
		clip_norm: None,
	};
	assert_says(&adam(1.5, 0.9, 1e-8), &["`beta1` is 1.5"]);
	assert_says(&adam(0.9, f32::NAN, 1e-8), &["`beta2` is NaN"]);
	assert_says(&adam(0.9, 0.9, 0.0), &["`epsilon` is 0"]);
}

#[test]
fn settings_of_adam_w() {
	let adam_w = |beta1, beta2, epsilon, weight_decay| OptimiserSpec::AdamW {
		learning_rate: 0.1.into(),
		beta1,
		beta2,
		epsilon,
		weight_decay,
		clip_norm: None,
	};
	assert_says(&adam_w(-0.5, 0.9, 1e-8, 0.0), &["`beta1` is -0.5"]);
	assert_says(&adam_w(0.9, 1.0, 1e-8, 0.0), &["`beta2` is 1"]);
	assert_says(&adam_w(0.9, 0.9, -1.0, 0.0), &["`epsilon` is -1"]);
	assert_says(&adam_w(0.9, 0.9, 1e-8, -0.1), &["`weight_decay` is -0.1"]);
	assert_says(
		&adam_w(0.9, 0.9, 1e-8, f32::NAN),
		&["`weight_decay` is NaN"],
	);
}

#[test]
fn norms_out_of_range() {
	for optimiser in super::each() {
		for norm in [0.0, -1.0, f32::NAN, f32::INFINITY] {
			let clipped = optimiser.clone().with_clip_norm(norm);
			assert_says(
				&clipped,
				&[&format!("`clip_norm` is {norm}"), "greater than 0"],
			);
		}
	}
}

#[test]
fn tables_that_cannot_be_followed() {
	let table = |points: &[(u32, f32)]| {
		OptimiserSpec::adam(0.1).with_learning_rate(LearningRate::Table(points.to_vec()))
	};
	assert_says(
		&table(&[]),
		&["`learning_rate` is a table of 0 points", "2 to 64"],
	);
	assert_says(&table(&[(0, 0.1)]), &["a table of 1 points", "constant"]);
	let long: Vec<_> = (0..65).map(|step| (step, 0.1)).collect();
	assert_says(&table(&long), &["a table of 65 points", "2 to 64"]);
	let unordered = table(&[(0, 0.0), (10, 0.1), (10, 0.2)]);
	assert_says(
		&unordered,
		&[
			"point 2 is [10, 0.2]",
			"greater than that of the point before, 10",
		],
	);
	let unordered = table(&[(5, 0.0), (3, 0.1)]);
	assert_says(&unordered, &["point 1 is [3, 0.1]", "the point before, 5"]);
	assert_says(
		&table(&[(0, f32::NAN), (3, 0.1)]),
		&["point 0 is [0, NaN]", "at least 0"],
	);
	assert_says(
		&table(&[(0, 0.1), (3, -0.1)]),
		&["point 1 is [3, -0.1]", "at least 0"],
	);
	assert_says(
		&table(&[(0, 0.1), (3, f32::INFINITY)]),
		&["point 1 is [3, inf]"],
	);
	assert_says(&table(&[(0, 0.0), (3, 0.0)]), &["0 at all steps"]);
	assert_says(
		&table(&[(0, 0.1), (1_048_577, 0.0)]),
		&["[1048577, 0]", "1048576"],
	);
}
