//! A user's own module, with parameters and a loss that no task file can name.

// Not every test file uses all of it.
#[allow(dead_code)]
mod stock;

use burn::{
	module::{Initializer, Module, Param},
	nn::{Linear, LinearConfig},
	tensor::{backend::Backend, Int, Tensor},
};
use ml_worker_capture::{capture, LearningRate, Model, OptimiserSpec, Sizes};
use repops::program::{Initialiser, StateRole};
use stock::{correct, difference, losses, Data};

/// Two residual blocks with a learnt scale, and a layer whose weights stay as they are.
#[derive(Module, Debug)]
struct Residual<B: Backend> {
	widen: Linear<B>,
	blocks: Vec<Block<B>>,
	narrow: Linear<B>,
}

#[derive(Module, Debug)]
struct Block<B: Backend> {
	inner: Linear<B>,
	scale: Param<Tensor<B, 1>>,
}

struct ResidualModel {
	columns: usize,
	width: usize,
	classes: usize,
}

impl Model for ResidualModel {
	type Module<B: Backend> = Residual<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Residual<B> {
		let normal = Initializer::Normal {
			mean: 0.0,
			std: 0.5,
		};
		let block = || Block {
			inner: LinearConfig::new(self.width, self.width)
				.with_bias(false)
				.init(device),
			scale: Initializer::Constant { value: 0.5 }.init([self.width], device),
		};
		Residual {
			widen: LinearConfig::new(self.columns, self.width)
				.with_initializer(normal)
				.init(device)
				.no_grad(),
			blocks: vec![block(), block()],
			narrow: LinearConfig::new(self.width, self.classes).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Residual<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let x = module.widen.forward(features).tanh();
		let x = module.blocks.iter().fold(x, |x, block| {
			x.clone() + block.inner.forward(x).tanh() * block.scale.val().unsqueeze()
		});
		module.narrow.forward(x)
	}

	/// The mean squared distance from 1 for the right class and 0 for the others.
	fn loss<B: Backend>(&self, scores: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
		let [rows, _] = scores.dims();
		let right = scores.clone().gather(1, labels.reshape([rows, 1]));
		(scores.powi_scalar(2).sum_dim(1) - right * 2.0 + 1.0).mean()
	}
}

const SIZES: Sizes = Sizes {
	columns: 10,
	classes: 4,
	batch: 20,
	training_rows: 100,
	test_rows: 100,
};
const MODEL: ResidualModel = ResidualModel {
	columns: 10,
	width: 12,
	classes: 4,
};
const ADAM: OptimiserSpec = OptimiserSpec::Adam {
	learning_rate: LearningRate::Constant(0.005),
	beta1: 0.9,
	beta2: 0.999,
	epsilon: 1e-6,
	clip_norm: None,
};

#[test]
fn it_is_trained_as_by_burn() {
	let programs = capture(&MODEL, &ADAM, &SIZES).unwrap();
	let data = Data::synthetic(SIZES);
	let outputs = data.train(&programs.step, 60);
	let found: Vec<f32> = outputs
		.iter()
		.map(|outputs| outputs.loss.unwrap())
		.collect();
	let expected = losses(&MODEL, &ADAM, &data, &programs.step, 60);
	assert!(
		expected[59] < 0.5 * expected[0],
		"stock Burn itself learns nothing: {expected:?}"
	);
	// See the tests of loss curves: a few roundings a step, over sixty steps.
	let difference = difference(&found, &expected);
	assert!(
		difference <= 60.0 * f32::EPSILON,
		"{difference:e}\n{found:?}\n{expected:?}"
	);

	let last = &outputs[59].state;
	let right = data.evaluate(&programs.evaluation, last);
	assert_eq!(right, correct(&MODEL, &data, last));
	assert!(right > 80, "{right} of 100");
}

#[test]
fn its_parameters_keep_their_names_and_starts() {
	let programs = capture(&MODEL, &ADAM, &SIZES).unwrap();
	let parameters: Vec<_> = programs
		.step
		.state
		.iter()
		.filter(|tensor| tensor.role == StateRole::Parameter)
		.map(|tensor| {
			(
				String::from_utf8(tensor.name.clone()).unwrap(),
				tensor.initial,
			)
		})
		.collect();
	let names: Vec<_> = parameters.iter().map(|(name, _)| name.as_str()).collect();
	assert_eq!(
		names,
		[
			"widen.weight",
			"widen.bias",
			"blocks.0.inner.weight",
			"blocks.0.scale",
			"blocks.1.inner.weight",
			"blocks.1.scale",
			"narrow.weight",
			"narrow.bias"
		]
	);
	let normal = Initialiser::Normal {
		mean: 0.0.into(),
		deviation: 0.5.into(),
	};
	assert_eq!(parameters[0].1, normal);
	assert_eq!(parameters[3].1, Initialiser::Constant(0.5.into()));
}

#[test]
fn parameters_without_gradient_stay_and_have_no_optimiser_state() {
	let programs = capture(&MODEL, &ADAM, &SIZES).unwrap();
	let named = |name: &str| {
		programs
			.step
			.state
			.iter()
			.position(|tensor| tensor.name == name.as_bytes())
	};
	assert_eq!(named("moment1.widen.weight"), None);
	assert!(named("moment1.narrow.weight").is_some());

	let data = Data::synthetic(SIZES);
	let outputs = data.train(&programs.step, 3);
	let frozen = named("widen.weight").unwrap();
	let trained = named("narrow.weight").unwrap();
	assert_eq!(outputs[0].state[frozen], outputs[2].state[frozen]);
	assert_ne!(outputs[0].state[trained], outputs[2].state[trained]);
}
