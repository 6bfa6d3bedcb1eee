//! Burn's layers: forward and gradients near stock Burn's from the same weights. One module for each behaviour; one
//! program for all, because linking takes longer than running.

// Not every test program uses all of it.
#[allow(dead_code)]
#[path = "../stock/mod.rs"]
mod stock;

mod attention;
mod convolution;
mod dropout;
mod embedding;
mod integers;
mod normalisation;
mod parts;
mod picture_network;
mod pooling;
mod products;
mod task_files;
mod transformer;

use burn::{
	module::Module,
	nn::{Linear, LinearConfig},
	tensor::{backend::Backend, Tensor},
};
use ml_worker_capture::{Model, Sizes};

/// A linear layer around a function without parameters, so that the function has a gradient to pass on.
#[derive(Module, Debug)]
pub(crate) struct Around<B: Backend> {
	before: Linear<B>,
	after: Linear<B>,
}

/// What stands between the two layers of [`Around`]: from `[rows, before]` to `[rows, after]`.
pub(crate) trait Between {
	/// The columns that come from the first layer and go to the second one.
	const COLUMNS: [usize; 2];

	/// The function.
	fn apply<B: Backend>(&self, x: Tensor<B, 2>) -> Tensor<B, 2>;
}

/// The model of a function.
pub(crate) struct AroundModel<F>(pub(crate) F);

impl<F: Between> Model for AroundModel<F> {
	type Module<B: Backend> = Around<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Around<B> {
		let [before, after] = F::COLUMNS;
		Around {
			before: LinearConfig::new(SIZES.columns as usize, before).init(device),
			after: LinearConfig::new(after, SIZES.classes as usize).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Around<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let x = module.before.forward(features);
		module.after.forward(self.0.apply(x))
	}
}

/// All rows are one batch, so that functions may rely on how many there are.
pub(crate) const SIZES: Sizes = Sizes {
	columns: 6,
	classes: 4,
	batch: 8,
	training_rows: 8,
	test_rows: 8,
};

/// Tests of functions between two linear layers, from `[8, before]` to `[8, after]`.
macro_rules! agree {
	($($name:ident: $before:literal => $after:literal, |$x:ident| $result:expr;)*) => {$(
		#[test]
		fn $name() {
			struct Tested;
			impl crate::Between for Tested {
				const COLUMNS: [usize; 2] = [$before, $after];

				fn apply<B: burn::tensor::backend::Backend>(
					&self,
					$x: burn::tensor::Tensor<B, 2>,
				) -> burn::tensor::Tensor<B, 2> {
					$result
				}
			}
			let data = crate::stock::Data::synthetic(crate::SIZES);
			crate::stock::agreement::agrees(&crate::AroundModel(Tested), &data);
		}
	)*};
}

pub(crate) use agree;
