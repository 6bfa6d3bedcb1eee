//! A network of convolutions learns as by stock Burn.

use crate::stock::{agreement::follows, Data};
use burn::{
	module::Module,
	nn::{
		conv::{Conv2d, Conv2dConfig},
		pool::{MaxPool2d, MaxPool2dConfig},
		Linear, LinearConfig, PaddingConfig2d, Relu,
	},
	tensor::{backend::Backend, Tensor},
};
use ml_worker_capture::{LearningRate, Model, OptimiserSpec, Sizes};

#[derive(Module, Debug)]
struct Network<B: Backend> {
	first: Conv2d<B>,
	second: Conv2d<B>,
	pool: MaxPool2d,
	activation: Relu,
	hidden: Linear<B>,
	output: Linear<B>,
}

struct Tested;

impl Model for Tested {
	type Module<B: Backend> = Network<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Network<B> {
		let convolution = |channels| {
			Conv2dConfig::new(channels, [3, 3])
				.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
				.init(device)
		};
		Network {
			first: convolution([1, 6]),
			second: convolution([6, 8]),
			pool: MaxPool2dConfig::new([2, 2]).init(),
			activation: Relu::new(),
			hidden: LinearConfig::new(8 * 2 * 2, 16).init(device),
			output: LinearConfig::new(16, 5).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Network<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let [rows, _] = features.dims();
		let x = features.reshape([rows, 1, 8, 8]);
		let x = module
			.pool
			.forward(module.activation.forward(module.first.forward(x)));
		let x = module
			.pool
			.forward(module.activation.forward(module.second.forward(x)));
		let x = module
			.activation
			.forward(module.hidden.forward(x.flatten(1, 3)));
		module.output.forward(x)
	}
}

const SIZES: Sizes = Sizes {
	columns: 64,
	classes: 5,
	batch: 10,
	training_rows: 100,
	test_rows: 20,
};

#[test]
fn by_gradient_descent() {
	let optimiser = OptimiserSpec::Sgd {
		learning_rate: LearningRate::Constant(0.1),
		momentum: 0.9,
		weight_decay: 0.0,
		clip_norm: None,
	};
	follows(&Tested, &optimiser, &Data::synthetic(SIZES), 50);
}

#[test]
fn by_adam() {
	follows(
		&Tested,
		&OptimiserSpec::adam(0.02),
		&Data::synthetic(SIZES),
		30,
	);
}
