//! Gradients that are clipped by the norm of all of them together.

use super::{
	constant_gradient::{step, Sum},
	each, linear, names, plain, regression,
	stock::{difference, losses, Data},
	SIZES,
};
use ml_worker_capture::{network::Chain, OptimiserSpec};
use repops::tensor::Tensor;

/// Between the norms of the first steps and those of the last ones.
const CLIP_NORM: f32 = 0.35;

#[test]
fn all_gradients_together_are_clipped() {
	for optimiser in each() {
		let run = plain::agrees(&optimiser.with_clip_norm(CLIP_NORM), 100);
		let clipped = run
			.norms
			.iter()
			.filter(|norm| **norm > f64::from(CLIP_NORM));
		let clipped = clipped.count();
		assert!(
			(10..=90).contains(&clipped),
			"{clipped} of 100 steps: {:?}",
			run.norms
		);
	}
}

/// Burn clips each parameter by itself, so this model has only one.
#[test]
fn a_single_parameter_is_clipped_as_in_burn() {
	for optimiser in each() {
		let (unclipped, optimiser) = (optimiser.clone(), optimiser.with_clip_norm(CLIP_NORM));
		let program = regression(&optimiser, false);
		let data = Data::synthetic(SIZES);
		let found: Vec<f32> = data
			.train(&program, 100)
			.iter()
			.map(|outputs| outputs.loss.unwrap())
			.collect();
		let chain = Chain::new(&linear(false), &SIZES).unwrap();
		let expected = losses(&chain, &optimiser, &data, &program, 100);
		let unclipped = losses(&chain, &unclipped, &data, &program, 100);
		assert!(
			difference(&unclipped, &expected) > 1e-3,
			"nothing is clipped"
		);
		let apart = difference(&found, &expected);
		assert!(apart <= 200.0 * f32::EPSILON, "{optimiser:?}: {apart:e}");
	}
}

#[test]
fn a_norm_that_is_never_reached_changes_no_bit() {
	for optimiser in each() {
		let data = Data::synthetic(SIZES);
		let train = |optimiser| data.train(&regression(optimiser, true), 20).remove(19);
		let clipped = optimiser.clone().with_clip_norm(1e6);
		assert_ne!(regression(&clipped, true), regression(&optimiser, true));
		assert_eq!(train(&clipped), train(&optimiser));
	}
}

#[test]
fn clipping_keeps_no_state() {
	for optimiser in each() {
		let clipped = optimiser.clone().with_clip_norm(CLIP_NORM);
		assert_eq!(
			names(&regression(&clipped, true)),
			names(&regression(&optimiser, true))
		);
	}
}

/// What a step of rate 1 makes of four zeros whose gradients are all the product of the factors.
fn clipped(factors: [f32; 2], norm: f32) -> repops::interpret::Outputs {
	let program = Sum(factors).program(&OptimiserSpec::sgd(1.0).with_clip_norm(norm));
	step(&program, &[Tensor::f32([4], vec![0.0; 4]).unwrap()])
}

#[test]
fn the_margin_is_that_of_pytorch() {
	for (gradient, norm) in [(3.0f32, 1.0f32), (1e-7, 1e-7), (0.5, 1.0), (2e18, 0.1)] {
		let all = 2.0 * f64::from(gradient);
		let factor = (f64::from(norm) / (all + 1e-6)).min(1.0);
		let expected = -f64::from(gradient) * factor;
		let after = clipped([gradient, 1.0], norm).state.remove(0);
		for found in after.as_f32().unwrap() {
			let apart = (f64::from(*found) - expected).abs();
			assert!(
				apart <= 4.0 * f64::from(f32::EPSILON) * expected.abs(),
				"{gradient} clipped to {norm}: {found} instead of {expected}"
			);
		}
	}
}

#[test]
fn what_can_not_be_clipped_ends_the_run_or_changes_nothing() {
	// The squares overflow, the gradients don't: a factor of 0.
	let outputs = clipped([1e30, 1.0], 1.0);
	assert!(!outputs.diverged);
	assert_eq!(outputs.state[0].as_f32().unwrap(), [0.0; 4]);
	// The gradients themselves overflow.
	let outputs = clipped([1e30, 1e30], 1.0);
	assert!(outputs.diverged);
	assert!(outputs.state[0].as_f32().unwrap()[0].is_nan());
}
