//! Convolutions of one and two dimensions.

use crate::stock::{agreement::agrees, Data};
use burn::{
	module::Module,
	nn::{
		conv::{Conv1d, Conv1dConfig, Conv2d, Conv2dConfig},
		Linear, LinearConfig, PaddingConfig1d, PaddingConfig2d,
	},
	tensor::{backend::Backend, Tensor},
};
use ml_worker_capture::{Model, Sizes};

/// Pictures of two channels, 6 high and 5 wide.
const PICTURE: [usize; 3] = [2, 6, 5];
const SIZES: Sizes = Sizes {
	columns: 60,
	classes: 4,
	batch: 3,
	training_rows: 12,
	test_rows: 12,
};

/// A convolution before the tested one, so that this has a gradient to pass on.
#[derive(Module, Debug)]
struct Pictures<B: Backend> {
	before: Conv2d<B>,
	tested: Conv2d<B>,
	after: Linear<B>,
}

struct Tested {
	config: Conv2dConfig,
	/// The elements that it leaves.
	flat: usize,
}

impl Model for Tested {
	type Module<B: Backend> = Pictures<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Pictures<B> {
		Pictures {
			before: Conv2dConfig::new([2, 3], [1, 1]).init(device),
			tested: self.config.init(device),
			after: LinearConfig::new(self.flat, 4).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Pictures<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let [rows, _] = features.dims();
		let [channels, height, width] = PICTURE;
		let x = features.reshape([rows, channels, height, width]);
		let x = module
			.tested
			.forward(module.before.forward(x).tanh())
			.tanh();
		module.after.forward(x.flatten(1, 3))
	}
}

fn check(config: Conv2dConfig, flat: usize) {
	agrees(&Tested { config, flat }, &Data::synthetic(SIZES));
}

#[test]
fn plain() {
	check(Conv2dConfig::new([3, 4], [3, 3]), 4 * 4 * 3);
}

#[test]
fn unequal_kernel_without_bias() {
	check(
		Conv2dConfig::new([3, 2], [2, 4]).with_bias(false),
		2 * 5 * 2,
	);
}

#[test]
fn padding() {
	let config = Conv2dConfig::new([3, 4], [3, 3]);
	check(
		config.with_padding(PaddingConfig2d::Explicit(1, 2, 1, 2)),
		4 * 6 * 7,
	);
}

#[test]
fn padding_on_one_side_only() {
	let config = Conv2dConfig::new([3, 2], [2, 2]);
	check(config.with_padding(PaddingConfig2d::Same), 2 * 6 * 5);
}

#[test]
fn stride() {
	check(
		Conv2dConfig::new([3, 4], [3, 2]).with_stride([2, 3]),
		4 * 2 * 2,
	);
}

#[test]
fn stride_and_padding() {
	let config = Conv2dConfig::new([3, 4], [3, 3]).with_stride([2, 2]);
	check(
		config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)),
		4 * 3 * 3,
	);
}

#[test]
fn dilation() {
	let config = Conv2dConfig::new([3, 4], [2, 2]).with_dilation([3, 2]);
	check(config, 4 * 3 * 3);
}

#[test]
fn single_elements() {
	check(Conv2dConfig::new([3, 5], [1, 1]), 5 * 6 * 5);
}

#[test]
fn one_dimension() {
	#[derive(Module, Debug)]
	struct Sounds<B: Backend> {
		before: Conv1d<B>,
		tested: Conv1d<B>,
		after: Linear<B>,
	}
	struct Tested;
	impl Model for Tested {
		type Module<B: Backend> = Sounds<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Sounds<B> {
			Sounds {
				before: Conv1dConfig::new(2, 3, 1).init(device),
				tested: Conv1dConfig::new(3, 4, 4)
					.with_stride(2)
					.with_padding(PaddingConfig1d::Explicit(1, 1))
					.init(device),
				after: LinearConfig::new(4 * 15, 4).init(device),
			}
		}

		fn forward<B: Backend>(&self, module: &Sounds<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
			let [rows, _] = features.dims();
			let x = features.reshape([rows, 2, 30]);
			let x = module
				.tested
				.forward(module.before.forward(x).tanh())
				.tanh();
			module.after.forward(x.flatten(1, 2))
		}
	}
	agrees(&Tested, &Data::synthetic(SIZES));
}
