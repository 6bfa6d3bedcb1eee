//! Dropout: other elements in each step, the same on every machine, and none in an evaluation.

use crate::{stock::Data, SIZES};
use burn::{
	module::Module,
	nn::{Dropout, DropoutConfig, Linear, LinearConfig},
	tensor::{backend::Backend, Distribution, Int, Tensor},
};
use ml_worker_capture::{capture, LearningRate, Model, OptimiserSpec, Sizes};
use repops::program::{OperationKind, Program};

#[derive(Module, Debug)]
struct Dropping<B: Backend> {
	dropout: Dropout,
	head: Linear<B>,
}

/// The loss is the sum of what is left of the products with the weights, so that the gradient of the weights is the
/// batch's mean of what is left of the features.
struct Tested;

impl Model for Tested {
	type Module<B: Backend> = Dropping<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Dropping<B> {
		Dropping {
			dropout: DropoutConfig::new(0.25).init(),
			head: LinearConfig::new(1000, 4).with_bias(false).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Dropping<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		module.head.forward(module.dropout.forward(features))
	}

	fn loss<B: Backend>(&self, scores: Tensor<B, 2>, _: Tensor<B, 1, Int>) -> Tensor<B, 1> {
		scores.sum()
	}
}

/// One row of ones.
fn ones() -> Data {
	let sizes = Sizes {
		columns: 1000,
		batch: 1,
		training_rows: 4,
		test_rows: 4,
		..SIZES
	};
	let mut data = Data::synthetic(sizes);
	data.features = repops::tensor::Tensor::f32([4, 1000], vec![1.0; 4000]).unwrap();
	data
}

const MOMENTUM: OptimiserSpec = OptimiserSpec::Sgd {
	learning_rate: LearningRate::Constant(1e-3),
	momentum: 0.5,
	weight_decay: 0.0,
	clip_norm: None,
};

fn randoms(program: &Program) -> usize {
	let operations = program.operations.iter();
	let is_random = |kind: &OperationKind| matches!(kind, OperationKind::Random { .. });
	operations
		.filter(|operation| is_random(&operation.kind))
		.count()
}

#[test]
fn what_is_left_is_scaled_and_differs_from_step_to_step() {
	let data = ones();
	let program = capture(&Tested, &MOMENTUM, &data.sizes).unwrap().step;
	let outputs = data.train(&program, 2);
	let first = outputs[0].state[1].as_f32().unwrap().to_vec();
	let both = outputs[1].state[1].as_f32().unwrap();
	let second: Vec<f32> = both
		.iter()
		.zip(&first)
		.map(|(both, first)| both - first * 0.5)
		.collect();
	for gradient in [&first, &second] {
		let left = gradient
			.iter()
			.step_by(4)
			.filter(|number| **number != 0.0)
			.count();
		assert!((700..800).contains(&left), "{left} of 1000 are left");
		for number in gradient {
			let expected = [0.0, 1.0 / 0.75];
			assert!(
				expected.iter().any(|e| (number - e).abs() < 1e-6),
				"{number}"
			);
		}
	}
	assert_ne!(first, second);
	// The engine draws the same.
	let (losses, state) = data.train_by_engine(&program, 2);
	assert_eq!(Some(losses[1]), outputs[1].loss);
	assert_eq!(state, outputs[1].state);
}

#[test]
fn an_evaluation_drops_nothing() {
	let programs = capture(&Tested, &MOMENTUM, &ones().sizes).unwrap();
	assert_eq!(randoms(&programs.step), 1);
	assert_eq!(randoms(&programs.evaluation), 0);
}

/// Noise of every distribution, in a step only.
struct Noisy;

impl Model for Noisy {
	type Module<B: Backend> = Linear<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Linear<B> {
		LinearConfig::new(1000, 4).with_bias(false).init(device)
	}

	fn forward<B: Backend>(&self, module: &Linear<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		module.forward(features)
	}

	fn training_loss<B: Backend>(
		&self,
		module: &Linear<B>,
		features: Tensor<B, 2>,
		_: Tensor<B, 1, Int>,
	) -> Tensor<B, 1> {
		let uniform = features.random_like(Distribution::Uniform(1.0, 2.0));
		let normal = features.random_like(Distribution::Normal(5.0, 0.01));
		module.forward(features * uniform + normal * 10.0).sum()
	}
}

#[test]
fn noise_of_each_distribution() {
	let data = ones();
	let program = capture(&Noisy, &MOMENTUM, &data.sizes).unwrap().step;
	assert_eq!(randoms(&program), 2);
	let gradient = data.train(&program, 1).remove(0).state.remove(1);
	let gradient = gradient.as_f32().unwrap();
	assert!(
		gradient.iter().all(|number| (50.0..53.0).contains(number)),
		"{gradient:?}"
	);
	let mean = gradient.iter().sum::<f32>() / gradient.len() as f32;
	assert!((51.4..51.6).contains(&mean), "{mean}");
}
