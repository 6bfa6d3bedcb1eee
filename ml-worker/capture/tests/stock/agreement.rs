//! Whether a captured model computes what stock Burn does.

use super::{correct, difference, gradients, losses, Data, Stock};
use burn::module::AutodiffModule;
use ml_worker_capture::{capture, LearningRate, Model, OptimiserSpec};

/// With momentum the velocity after the first step is the gradient itself.
const SGD: OptimiserSpec = OptimiserSpec::Sgd {
	learning_rate: LearningRate::Constant(0.1),
	momentum: 0.9,
	weight_decay: 0.0,
	clip_norm: None,
};

/// Each number is the result of a few dozen operations, each rounded to 2^-24.
const TOLERANCE: f32 = 32.0 * f32::EPSILON;

/// The gradients of the first step are near stock Burn's, and so are the answers after it.
pub(crate) fn agrees(model: &impl Model, data: &Data) {
	agrees_within(model, data, TOLERANCE);
}

/// The same with another tolerance, relative to the greatest number of a gradient or to 1.
pub(crate) fn agrees_within(model: &impl Model, data: &Data, tolerance: f32) {
	let programs = capture(model, &SGD, &data.sizes).unwrap();
	let expected = gradients(model, data, &programs.step);
	let after = data.train(&programs.step, 1).remove(0).state;
	let velocities = &after[expected.len()..];
	assert_eq!(velocities.len(), expected.len());
	for (index, (found, expected)) in velocities.iter().zip(&expected).enumerate() {
		assert!(
			expected.iter().any(|number| *number != 0.0),
			"gradient {index} is all zeros"
		);
		let difference = difference(found.as_f32().unwrap(), expected);
		assert!(
			difference <= tolerance,
			"gradient {index}: {difference:e}\n{found:?}\n{expected:?}"
		);
	}
	assert_eq!(
		data.evaluate(&programs.evaluation, &after),
		correct(model, data, &after)
	);
}

/// The losses of so many steps are near stock Burn's and fall; reference and engine agree in every bit.
pub(crate) fn follows<M: Model>(model: &M, optimiser: &OptimiserSpec, data: &Data, steps: u64)
where
	M::Module<Stock>: AutodiffModule<Stock>,
{
	// A few roundings a step.
	follows_within(
		model,
		optimiser,
		data,
		steps,
		steps as f32 * 4.0 * f32::EPSILON,
	);
}

/// The same with another tolerance, relative to the greatest loss or to 1.
pub(crate) fn follows_within<M: Model>(
	model: &M,
	optimiser: &OptimiserSpec,
	data: &Data,
	steps: u64,
	tolerance: f32,
) where
	M::Module<Stock>: AutodiffModule<Stock>,
{
	let program = capture(model, optimiser, &data.sizes).unwrap().step;
	let reference = data.train(&program, steps);
	let (found, state) = data.train_by_engine(&program, steps);
	for (outputs, loss) in reference.iter().zip(&found) {
		assert_eq!(
			outputs.loss.map(f32::to_bits),
			Some(loss.to_bits()),
			"engine and reference differ"
		);
	}
	assert_eq!(
		reference.last().map(|outputs| &outputs.state),
		Some(&state),
		"engine and reference differ"
	);
	let expected = losses(model, optimiser, data, &program, steps);
	assert!(
		expected[steps as usize - 1] < 0.7 * expected[0],
		"stock Burn itself learns nothing here: {expected:?}"
	);
	let difference = difference(&found, &expected);
	assert!(
		difference <= tolerance,
		"{difference:e}\n{found:?}\n{expected:?}"
	);
}
