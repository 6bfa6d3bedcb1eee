//! A network of two convolutions for pictures of 28 × 28.

use super::SIDE;
use burn::{
	module::Module,
	nn::{
		conv::{Conv2d, Conv2dConfig},
		pool::{MaxPool2d, MaxPool2dConfig},
		Linear, LinearConfig, PaddingConfig2d, Relu,
	},
	tensor::{backend::Backend, Tensor},
};
use ml_worker_capture::Model;

/// The channels after each convolution, and the width of the layer after them.
const CHANNELS: [usize; 2] = [32, 64];
const HIDDEN: usize = 128;

/// Two convolutions of 3 × 3, each before a max pooling of 2 × 2, and two linear layers.
pub(crate) struct Convolutional;

#[derive(Module, Debug)]
pub(crate) struct ConvolutionalModule<B: Backend> {
	convolution1: Conv2d<B>,
	convolution2: Conv2d<B>,
	pool: MaxPool2d,
	activation: Relu,
	hidden: Linear<B>,
	output: Linear<B>,
}

impl Model for Convolutional {
	type Module<B: Backend> = ConvolutionalModule<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> ConvolutionalModule<B> {
		let convolution = |channels| {
			Conv2dConfig::new(channels, [3, 3])
				.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
				.init(device)
		};
		// Each pooling halves both sides.
		let pixels = (SIDE / 4) * (SIDE / 4);
		ConvolutionalModule {
			convolution1: convolution([1, CHANNELS[0]]),
			convolution2: convolution(CHANNELS),
			pool: MaxPool2dConfig::new([2, 2]).init(),
			activation: Relu::new(),
			hidden: LinearConfig::new(CHANNELS[1] * pixels, HIDDEN).init(device),
			output: LinearConfig::new(HIDDEN, 10).init(device),
		}
	}

	fn forward<B: Backend>(
		&self,
		module: &ConvolutionalModule<B>,
		features: Tensor<B, 2>,
	) -> Tensor<B, 2> {
		let [rows, _] = features.dims();
		let x = features.reshape([rows, 1, SIDE, SIDE]);
		let x = module.activation.forward(module.convolution1.forward(x));
		let x = module.pool.forward(x);
		let x = module.activation.forward(module.convolution2.forward(x));
		let x: Tensor<B, 2> = module.pool.forward(x).flatten(1, 3);
		let x = module.activation.forward(module.hidden.forward(x));
		module.output.forward(x)
	}
}
