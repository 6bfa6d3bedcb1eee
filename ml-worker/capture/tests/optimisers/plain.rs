//! Training recomputed in double precision, from the formulas of the papers.

use super::{
	names, regression,
	stock::{difference, rate, Data},
	SIZES,
};
use ml_worker_capture::OptimiserSpec;
use repops::{initial::initial_state, program::Program, random::batch_rows};

/// What training in double precision leaves.
pub(crate) struct Run {
	/// The loss before each step.
	pub(crate) losses: Vec<f32>,
	/// Weight and bias after the last step.
	pub(crate) parameters: Vec<Vec<f32>>,
	/// The norm of all gradients together in each step, before they are clipped.
	pub(crate) norms: Vec<f64>,
}

/// Trains a softmax regression with weight and bias.
pub(crate) fn train(optimiser: &OptimiserSpec, data: &Data, program: &Program, steps: u64) -> Run {
	assert_eq!(names(program)[..2], ["layers.0.weight", "layers.0.bias"]);
	let initial = initial_state(program, &data.seed);
	let wide = |index: usize| {
		let numbers = initial[index].as_f32().unwrap();
		numbers.iter().map(|number| f64::from(*number)).collect()
	};
	let mut parameters: [Vec<f64>; 2] = [wide(0), wide(1)];
	// The velocity, or the first moment; and the second one.
	let mut first = [
		vec![0.0; parameters[0].len()],
		vec![0.0; parameters[1].len()],
	];
	let mut second = first.clone();
	let (mut losses, mut norms) = (Vec::new(), Vec::new());
	for position in 0..steps {
		let (loss, mut gradients) = gradients(data, &parameters, position);
		losses.push(loss as f32);
		let squares = gradients
			.iter()
			.flatten()
			.map(|gradient| gradient * gradient);
		let norm = squares.sum::<f64>().sqrt();
		norms.push(norm);
		let factor = optimiser
			.clip_norm()
			.map_or(1.0, |most| (f64::from(most) / (norm + 1e-6)).min(1.0));
		for gradient in gradients.iter_mut().flatten() {
			*gradient *= factor;
		}
		let rate = rate(optimiser.learning_rate(), position);
		for tensor in 0..2 {
			let elements = parameters[tensor]
				.iter_mut()
				.zip(&gradients[tensor])
				.zip(first[tensor].iter_mut().zip(second[tensor].iter_mut()));
			for ((parameter, gradient), (first, second)) in elements {
				update(
					optimiser, position, rate, parameter, *gradient, first, second,
				);
			}
		}
	}
	let parameters = parameters.map(|tensor| tensor.iter().map(|number| *number as f32).collect());
	Run {
		losses,
		parameters: parameters.into(),
		norms,
	}
}

/// One step of one element.
fn update(
	optimiser: &OptimiserSpec,
	position: u64,
	rate: f64,
	parameter: &mut f64,
	gradient: f64,
	first: &mut f64,
	second: &mut f64,
) {
	let (beta1, beta2, epsilon, decay) = match *optimiser {
		OptimiserSpec::Sgd {
			momentum,
			weight_decay,
			..
		} => {
			*first = f64::from(momentum) * *first + gradient + f64::from(weight_decay) * *parameter;
			*parameter -= rate * *first;
			return;
		}
		OptimiserSpec::Adam {
			beta1,
			beta2,
			epsilon,
			..
		} => (beta1, beta2, epsilon, 0.0),
		OptimiserSpec::AdamW {
			beta1,
			beta2,
			epsilon,
			weight_decay,
			..
		} => (beta1, beta2, epsilon, weight_decay),
	};
	let (beta1, beta2) = (f64::from(beta1), f64::from(beta2));
	*first = beta1 * *first + (1.0 - beta1) * gradient;
	*second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
	let steps = position as i32 + 1;
	let mean = *first / (1.0 - beta1.powi(steps));
	let variance = *second / (1.0 - beta2.powi(steps));
	*parameter -=
		rate * f64::from(decay) * *parameter + rate * mean / (variance.sqrt() + f64::from(epsilon));
}

/// The mean cross-entropy of a batch, and its gradients by weight and bias.
fn gradients(data: &Data, [weight, bias]: &[Vec<f64>; 2], position: u64) -> (f64, [Vec<f64>; 2]) {
	let (columns, classes) = (SIZES.columns as usize, SIZES.classes as usize);
	let (features, labels) = (
		data.features.as_f32().unwrap(),
		data.labels.as_u32().unwrap(),
	);
	let mut by_weight = vec![0.0; columns * classes];
	let mut by_bias = vec![0.0; classes];
	let mut loss = 0.0;
	let share = 1.0 / f64::from(SIZES.batch);
	for row in batch_rows(&data.seed, position, SIZES.batch, SIZES.training_rows) {
		let row = row as usize;
		let (x, label) = (&features[row * columns..][..columns], labels[row] as usize);
		let score = |class: usize| {
			let terms = x.iter().enumerate();
			let sum: f64 = terms
				.map(|(column, x)| f64::from(*x) * weight[column * classes + class])
				.sum();
			sum + bias[class]
		};
		let powers: Vec<f64> = (0..classes).map(|class| score(class).exp()).collect();
		let total: f64 = powers.iter().sum();
		loss -= share * (powers[label] / total).ln();
		for class in 0..classes {
			let error = share * (powers[class] / total - f64::from(u8::from(class == label)));
			by_bias[class] += error;
			for (column, x) in x.iter().enumerate() {
				by_weight[column * classes + class] += f64::from(*x) * error;
			}
		}
	}
	(loss, [by_weight, by_bias])
}

/// A step rounds some ten times to 2^-24, and a hundred steps add up.
const TOLERANCE: f32 = 200.0 * f32::EPSILON;

/// The captured program trains as double precision does.
#[track_caller]
pub(crate) fn agrees(optimiser: &OptimiserSpec, steps: u64) -> Run {
	let program = regression(optimiser, true);
	let data = Data::synthetic(SIZES);
	let found = data.train(&program, steps);
	let expected = train(optimiser, &data, &program, steps);
	let losses: Vec<f32> = found.iter().map(|outputs| outputs.loss.unwrap()).collect();
	let apart = difference(&losses, &expected.losses);
	assert!(apart <= TOLERANCE, "losses: {apart:e}");
	let last = &found.last().unwrap().state;
	for (found, expected) in last.iter().zip(&expected.parameters) {
		let apart = difference(found.as_f32().unwrap(), expected);
		assert!(apart <= TOLERANCE, "parameters: {apart:e}");
	}
	expected
}

#[test]
fn each_optimiser_follows_its_formulas() {
	for optimiser in super::each() {
		let run = agrees(&optimiser, 100);
		assert!(
			run.losses[99] < 0.8 * run.losses[0],
			"nothing is learnt here: {:?}",
			run.losses
		);
	}
}
