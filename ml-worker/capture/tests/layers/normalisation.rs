//! Layers that normalise, and activations that are more than one function of each element.

use crate::{
	agree,
	stock::{
		agreement::{agrees, agrees_within},
		Data,
	},
	AroundModel, Between, SIZES,
};
use burn::{
	module::Module,
	nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig, RmsNorm, RmsNormConfig},
	tensor::{activation, backend::Backend, Tensor},
};
use ml_worker_capture::Model;

agree! {
	softmax_over_any_axis: 12 => 12, |x| activation::softmax(x.reshape([8, 3, 4]), 1).reshape([8, 12]);
	log_softmax_over_any_axis: 12 => 12, |x| activation::log_softmax(x.reshape([8, 3, 4]), 2).reshape([8, 12]);
	greatest_over_any_axis: 12 => 12, |x| {
		let x = x.reshape([8, 3, 4]);
		(x.clone() * x.max_dim(1)).reshape([8, 12])
	};
}

/// Burn records GELU's gradient by an approximation with tanh, while its own backend computes it exactly.
#[test]
fn gelu() {
	struct Gelu;
	impl Between for Gelu {
		const COLUMNS: [usize; 2] = [8, 8];

		fn apply<B: Backend>(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
			activation::gelu(x)
		}
	}
	agrees_within(&AroundModel(Gelu), &Data::synthetic(SIZES), 1e-3);
}

#[derive(Module, Debug)]
struct Normed<B: Backend> {
	before: Linear<B>,
	layer: LayerNorm<B>,
	mean_square: RmsNorm<B>,
	after: Linear<B>,
}

struct Tested;

impl Model for Tested {
	type Module<B: Backend> = Normed<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Normed<B> {
		Normed {
			before: LinearConfig::new(6, 12).init(device),
			layer: LayerNormConfig::new(4).init(device),
			mean_square: RmsNormConfig::new(12).init(device),
			after: LinearConfig::new(12, 4).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Normed<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let x = module.before.forward(features).reshape([0, 3, 4]);
		let x = module.layer.forward(x).tanh().flatten(1, 2);
		module.after.forward(module.mean_square.forward(x))
	}
}

#[test]
fn norms_with_parameters() {
	agrees(&Tested, &Data::synthetic(SIZES));
}
