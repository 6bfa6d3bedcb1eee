//! A small transformer that tells the next character of a text.

use super::{TEST_ROWS, TRAINING_ROWS};
use burn::{
	module::{Initializer, Module, Param},
	nn::{
		attention::generate_autoregressive_mask,
		transformer::{TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput},
		Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig,
	},
	tensor::{backend::Backend, Int, Tensor},
};
use ml_worker_capture::{Model, Sizes};

/// The characters that there are: those of printable ASCII and the end of a line.
const CHARACTERS: usize = 96;
/// The characters that are read at a time.
const CONTEXT: usize = 64;
const WIDTH: usize = 128;
const HEADS: usize = 4;
const LAYERS: usize = 2;

/// A decoder in two layers, each of attention to what came before and of GELU between linear layers, with layer
/// norms before both.
pub(crate) struct Transformer;

#[derive(Module, Debug)]
pub(crate) struct TransformerModule<B: Backend> {
	characters: Embedding<B>,
	positions: Param<Tensor<B, 2>>,
	encoder: TransformerEncoder<B>,
	norm: LayerNorm<B>,
	head: Linear<B>,
}

/// A sample is a row of characters, the last of which is told at the end.
pub(crate) fn sizes(batch: u32) -> Sizes {
	Sizes {
		columns: CONTEXT as u32 + 1,
		classes: CHARACTERS as u32,
		batch,
		training_rows: TRAINING_ROWS,
		test_rows: TEST_ROWS,
	}
}

impl<B: Backend> TransformerModule<B> {
	/// From characters `[rows, CONTEXT]` to scores of the next ones `[rows, CONTEXT, CHARACTERS]`.
	fn scores(&self, text: Tensor<B, 2, Int>) -> Tensor<B, 3> {
		let [rows, length] = text.dims();
		let mask = generate_autoregressive_mask(rows, length, &text.device());
		let x = self.characters.forward(text) + self.positions.val().unsqueeze();
		let x = self
			.encoder
			.forward(TransformerEncoderInput::new(x).mask_attn(mask));
		self.head.forward(self.norm.forward(x))
	}
}

impl Model for Transformer {
	type Module<B: Backend> = TransformerModule<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> TransformerModule<B> {
		let normal = Initializer::Normal {
			mean: 0.0,
			std: 1.0,
		};
		TransformerModule {
			characters: EmbeddingConfig::new(CHARACTERS, WIDTH).init(device),
			positions: normal.init([CONTEXT, WIDTH], device),
			encoder: TransformerEncoderConfig::new(WIDTH, 4 * WIDTH, HEADS, LAYERS)
				.with_dropout(0.0)
				.with_norm_first(true)
				.init(device),
			norm: LayerNormConfig::new(WIDTH).init(device),
			head: LinearConfig::new(WIDTH, CHARACTERS).init(device),
		}
	}

	/// The scores of the last character.
	fn forward<B: Backend>(
		&self,
		module: &TransformerModule<B>,
		features: Tensor<B, 2>,
	) -> Tensor<B, 2> {
		let [rows, _] = features.dims();
		let scores = module.scores(features.int().slice([0..rows, 0..CONTEXT]));
		scores
			.slice([0..rows, CONTEXT - 1..CONTEXT])
			.reshape([rows, CHARACTERS])
	}

	/// Each character is told from those before it; the label is the last one and is among them.
	fn training_loss<B: Backend>(
		&self,
		module: &TransformerModule<B>,
		features: Tensor<B, 2>,
		_: Tensor<B, 1, Int>,
	) -> Tensor<B, 1> {
		let [rows, columns] = features.dims();
		let text = features.int();
		let scores = module.scores(text.clone().slice([0..rows, 0..CONTEXT]));
		let next = text.slice([0..rows, 1..columns]);
		self.loss(
			scores.reshape([rows * CONTEXT, CHARACTERS]),
			next.reshape([rows * CONTEXT]),
		)
	}
}
