//! A small transformer that foretells characters learns as by stock Burn.

use crate::stock::{agreement::follows_within, Data};
use burn::{
	module::{Initializer, Module, Param},
	nn::{
		attention::generate_autoregressive_mask,
		transformer::{TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput},
		Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig,
	},
	tensor::{backend::Backend, Int, Tensor},
};
use ml_worker_capture::{Model, OptimiserSpec, Sizes};

const CHARACTERS: usize = 9;
const CONTEXT: usize = 8;
const WIDTH: usize = 16;

#[derive(Module, Debug)]
struct Network<B: Backend> {
	characters: Embedding<B>,
	places: Param<Tensor<B, 2>>,
	blocks: TransformerEncoder<B>,
	norm: LayerNorm<B>,
	head: Linear<B>,
}

struct Tested {
	is_norm_first: bool,
}

impl<B: Backend> Network<B> {
	fn scores(&self, features: Tensor<B, 2>) -> Tensor<B, 3> {
		let [rows, _] = features.dims();
		let mask = generate_autoregressive_mask(rows, CONTEXT, &features.device());
		let x = self.characters.forward(features.int()) + self.places.val().unsqueeze();
		let input = TransformerEncoderInput::new(x).mask_attn(mask);
		self.head
			.forward(self.norm.forward(self.blocks.forward(input)))
	}
}

impl Model for Tested {
	type Module<B: Backend> = Network<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Network<B> {
		let normal = Initializer::Normal {
			mean: 0.0,
			std: 0.5,
		};
		Network {
			characters: EmbeddingConfig::new(CHARACTERS, WIDTH)
				.with_initializer(normal.clone())
				.init(device),
			places: normal.init([CONTEXT, WIDTH], device),
			blocks: TransformerEncoderConfig::new(WIDTH, 2 * WIDTH, 2, 2)
				.with_dropout(0.0)
				.with_norm_first(self.is_norm_first)
				.init(device),
			norm: LayerNormConfig::new(WIDTH).init(device),
			head: LinearConfig::new(WIDTH, CHARACTERS).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Network<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let [rows, _] = features.dims();
		let scores = module.scores(features);
		scores
			.slice([0..rows, CONTEXT - 1..CONTEXT])
			.reshape([rows, CHARACTERS])
	}

	/// Each character of the row is told from those before it, and the label from all of them.
	fn training_loss<B: Backend>(
		&self,
		module: &Network<B>,
		features: Tensor<B, 2>,
		labels: Tensor<B, 1, Int>,
	) -> Tensor<B, 1> {
		let [rows, _] = features.dims();
		let scores = module.scores(features.clone());
		let later = features.int().slice([0..rows, 1..CONTEXT]);
		let next = Tensor::cat(vec![later, labels.reshape([rows, 1])], 1);
		self.loss(
			scores.reshape([rows * CONTEXT, CHARACTERS]),
			next.reshape([rows * CONTEXT]),
		)
	}
}

const SIZES: Sizes = Sizes {
	columns: CONTEXT as u32,
	classes: CHARACTERS as u32,
	batch: 10,
	training_rows: 100,
	test_rows: 20,
};

/// Burn records GELU's gradient by an approximation to four digits.
const TOLERANCE: f32 = 2e-3;

#[test]
fn with_norms_first() {
	let data = Data::sequences(SIZES, CHARACTERS as u32);
	let model = Tested {
		is_norm_first: true,
	};
	follows_within(&model, &OptimiserSpec::adam(0.01), &data, 30, TOLERANCE);
}

#[test]
fn with_norms_last() {
	let data = Data::sequences(SIZES, CHARACTERS as u32);
	let model = Tested {
		is_norm_first: false,
	};
	follows_within(&model, &OptimiserSpec::adam(0.01), &data, 30, TOLERANCE);
}
