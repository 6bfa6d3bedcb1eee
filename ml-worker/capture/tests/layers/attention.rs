//! Attention, plain and by Burn's module of several heads.

use crate::{
	agree,
	stock::{agreement::agrees, Data},
	SIZES,
};
use burn::{
	module::Module,
	nn::{
		attention::{
			generate_autoregressive_mask, MhaInput, MultiHeadAttention, MultiHeadAttentionConfig,
		},
		Linear, LinearConfig,
	},
	tensor::{backend::Backend, module::attention, ops::AttentionModuleOptions, Tensor},
};
use ml_worker_capture::Model;

agree! {
	of_one_call: 24 => 24, |x| {
		let x = x.reshape([8, 2, 4, 3]);
		let options = AttentionModuleOptions { is_causal: true, ..Default::default() };
		attention(x.clone(), x.clone().tanh(), x, None, None, options).reshape([8, 24])
	};
}

#[derive(Module, Debug)]
struct Attending<B: Backend> {
	before: Linear<B>,
	heads: MultiHeadAttention<B>,
	after: Linear<B>,
}

struct Tested {
	is_causal: bool,
	is_quiet: bool,
}

impl Model for Tested {
	type Module<B: Backend> = Attending<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Attending<B> {
		Attending {
			before: LinearConfig::new(6, 20).init(device),
			heads: MultiHeadAttentionConfig::new(4, 2)
				.with_dropout(0.0)
				.with_quiet_softmax(self.is_quiet)
				.init(device),
			after: LinearConfig::new(20, 4).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Attending<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let [rows, _] = features.dims();
		let x = module.before.forward(features).reshape([rows, 5, 4]);
		let mut input = MhaInput::self_attn(x.clone());
		if self.is_causal {
			input = input.mask_attn(generate_autoregressive_mask(rows, 5, &x.device()));
		}
		let x = x + module.heads.forward(input).context;
		module.after.forward(x.flatten(1, 2))
	}
}

#[test]
fn of_several_heads() {
	let model = Tested {
		is_causal: false,
		is_quiet: false,
	};
	agrees(&model, &Data::synthetic(SIZES));
}

#[test]
fn to_what_came_before() {
	let model = Tested {
		is_causal: true,
		is_quiet: true,
	};
	agrees(&model, &Data::synthetic(SIZES));
}
