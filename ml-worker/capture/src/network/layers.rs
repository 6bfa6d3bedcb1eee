//! The layers of a chain as Burn modules.

use super::sizes::Size;
use crate::spec::Layer;
use burn::{
	module::Module,
	nn::{
		attention::generate_autoregressive_mask,
		conv::{Conv2d, Conv2dConfig},
		pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d, MaxPool2dConfig},
		transformer::{TransformerEncoderConfig, TransformerEncoderLayer},
		Dropout, DropoutConfig, Embedding, EmbeddingConfig, Gelu, LayerNorm, LayerNormConfig,
		Linear, LinearConfig, PaddingConfig2d, Relu, Sigmoid, Tanh,
	},
	tensor::{backend::Backend, Tensor},
};

/// The Burn module of a [`super::Chain`].
#[derive(Module, Debug)]
pub struct Network<B: Backend> {
	pub(super) layers: Vec<NetworkLayer<B>>,
}

/// One layer of a [`Network`].
// A network has a few layers: the room that the small ones waste does not matter.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum NetworkLayer<B: Backend> {
	/// [`Layer::Linear`]
	Linear(Linear<B>),
	/// [`Layer::Relu`]
	Relu(Relu),
	/// [`Layer::Tanh`]
	Tanh(Tanh),
	/// [`Layer::Sigmoid`]
	Sigmoid(Sigmoid),
	/// [`Layer::Gelu`]
	Gelu(Gelu),
	/// [`Layer::Conv2d`]
	Conv2d(Conv2d<B>),
	/// [`Layer::MaxPool`]
	MaxPool(MaxPool2d),
	/// [`Layer::AveragePool`]
	AveragePool(AvgPool2d),
	/// [`Layer::Flatten`]
	Flatten(Flatten),
	/// [`Layer::LayerNorm`]
	LayerNorm(LayerNorm<B>),
	/// [`Layer::Dropout`]
	Dropout(Dropout),
	/// [`Layer::Embedding`]
	Embedding(Embedded<B>),
	/// [`Layer::TransformerBlock`]
	TransformerBlock(Block<B>),
}

/// [`Layer::Flatten`]
#[derive(Module, Clone, Debug, Default)]
pub struct Flatten;

/// [`Layer::Embedding`]
#[derive(Module, Debug)]
pub struct Embedded<B: Backend> {
	table: Embedding<B>,
	positions: Option<Embedding<B>>,
}

/// [`Layer::TransformerBlock`]
#[derive(Module, Debug)]
pub struct Block<B: Backend> {
	inner: TransformerEncoderLayer<B>,
	causal: bool,
}

/// What flows between two layers.
pub(super) enum Flow<B: Backend> {
	/// `[rows, columns]`
	Columns(Tensor<B, 2>),
	/// `[rows, channels, height, width]`
	Picture(Tensor<B, 4>),
	/// `[rows, places, columns]`
	Sequence(Tensor<B, 3>),
}

/// Applies a layer that takes tensors of any rank.
macro_rules! each_rank {
	($layer:expr, $flow:expr) => {
		match $flow {
			Flow::Columns(x) => Flow::Columns($layer.forward(x)),
			Flow::Picture(x) => Flow::Picture($layer.forward(x)),
			Flow::Sequence(x) => Flow::Sequence($layer.forward(x)),
		}
	};
}

impl<B: Backend> NetworkLayer<B> {
	/// A layer of a specification, where this enters it.
	pub(super) fn new(layer: &Layer, size: Size, classes: u32, device: &B::Device) -> Self {
		let columns = match size {
			Size::Columns(columns) | Size::Sequence([_, columns]) => columns as usize,
			Size::Picture([channels, ..]) => channels as usize,
		};
		match layer {
			Layer::Linear { outputs, bias } => {
				let config = LinearConfig::new(columns, *outputs as usize);
				NetworkLayer::Linear(config.with_bias(*bias).init(device))
			}
			Layer::Relu {} => NetworkLayer::Relu(Relu::new()),
			Layer::Tanh {} => NetworkLayer::Tanh(Tanh::new()),
			Layer::Sigmoid {} => NetworkLayer::Sigmoid(Sigmoid::new()),
			Layer::Gelu {} => NetworkLayer::Gelu(Gelu::new()),
			Layer::Conv2d {
				channels,
				kernel,
				stride,
				padding,
				bias,
			} => {
				let config = Conv2dConfig::new([columns, *channels as usize], both(*kernel))
					.with_stride(both(*stride))
					.with_padding(around(*padding))
					.with_bias(*bias);
				NetworkLayer::Conv2d(config.init(device))
			}
			Layer::MaxPool {
				kernel,
				stride,
				padding,
			} => {
				let config = MaxPool2dConfig::new(both(*kernel))
					.with_strides(both(stride.unwrap_or(*kernel)))
					.with_padding(around(*padding));
				NetworkLayer::MaxPool(config.init())
			}
			Layer::AveragePool {
				kernel,
				stride,
				padding,
			} => {
				let config = AvgPool2dConfig::new(both(*kernel))
					.with_strides(both(stride.unwrap_or(*kernel)))
					.with_padding(around(*padding));
				NetworkLayer::AveragePool(config.init())
			}
			Layer::Flatten {} => NetworkLayer::Flatten(Flatten),
			Layer::LayerNorm {} => {
				NetworkLayer::LayerNorm(LayerNormConfig::new(columns).init(device))
			}
			Layer::Dropout { probability } => {
				NetworkLayer::Dropout(DropoutConfig::new(f64::from(*probability)).init())
			}
			Layer::Embedding {
				vocabulary,
				dimension,
				positions,
			} => {
				let rows = vocabulary.unwrap_or(classes) as usize;
				let table = |rows| EmbeddingConfig::new(rows, *dimension as usize).init(device);
				NetworkLayer::Embedding(Embedded {
					table: table(rows),
					positions: positions.then(|| table(columns)),
				})
			}
			Layer::TransformerBlock {
				heads,
				feed_forward,
				causal,
				dropout,
			} => {
				let (heads, inner) = (*heads as usize, *feed_forward as usize);
				let config = TransformerEncoderConfig::new(columns, inner, heads, 1)
					.with_norm_first(true)
					.with_dropout(f64::from(*dropout));
				NetworkLayer::TransformerBlock(Block {
					inner: TransformerEncoderLayer::new(&config, device),
					causal: *causal,
				})
			}
		}
	}

	/// What leaves the layer. The sizes have been checked, so each layer meets what it can take.
	pub(super) fn forward(&self, flow: Flow<B>) -> Flow<B> {
		match (self, flow) {
			(NetworkLayer::Linear(layer), Flow::Columns(x)) => Flow::Columns(layer.forward(x)),
			(NetworkLayer::Linear(layer), Flow::Sequence(x)) => Flow::Sequence(layer.forward(x)),
			(NetworkLayer::Relu(layer), flow) => each_rank!(layer, flow),
			(NetworkLayer::Tanh(layer), flow) => each_rank!(layer, flow),
			(NetworkLayer::Sigmoid(layer), flow) => each_rank!(layer, flow),
			(NetworkLayer::Gelu(layer), flow) => each_rank!(layer, flow),
			(NetworkLayer::Dropout(layer), flow) => each_rank!(layer, flow),
			(NetworkLayer::LayerNorm(layer), flow) => each_rank!(layer, flow),
			(NetworkLayer::Conv2d(layer), Flow::Picture(x)) => Flow::Picture(layer.forward(x)),
			(NetworkLayer::MaxPool(layer), Flow::Picture(x)) => Flow::Picture(layer.forward(x)),
			(NetworkLayer::AveragePool(layer), Flow::Picture(x)) => Flow::Picture(layer.forward(x)),
			(NetworkLayer::Flatten(_), Flow::Picture(x)) => Flow::Columns(x.flatten(1, 3)),
			(NetworkLayer::Flatten(_), Flow::Sequence(x)) => Flow::Columns(x.flatten(1, 2)),
			(NetworkLayer::Embedding(layer), Flow::Columns(x)) => Flow::Sequence(layer.forward(x)),
			(NetworkLayer::TransformerBlock(layer), Flow::Sequence(x)) => {
				Flow::Sequence(layer.forward(x))
			}
			(_, flow) => flow,
		}
	}
}

impl<B: Backend> Embedded<B> {
	fn forward(&self, features: Tensor<B, 2>) -> Tensor<B, 3> {
		let [_, length] = features.dims();
		let device = features.device();
		let rows = self.table.forward(features.int());
		match &self.positions {
			Some(positions) => {
				let places = Tensor::arange(0..length as i64, &device).unsqueeze();
				rows + positions.forward(places)
			}
			None => rows,
		}
	}
}

impl<B: Backend> Block<B> {
	fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
		let [rows, length, _] = x.dims();
		let device = x.device();
		let mask = self
			.causal
			.then(|| generate_autoregressive_mask(rows, length, &device));
		self.inner.forward(x, None, mask)
	}
}

fn both(side: u32) -> [usize; 2] {
	[side as usize; 2]
}

fn around(padding: u32) -> PaddingConfig2d {
	let padding = padding as usize;
	PaddingConfig2d::Explicit(padding, padding, padding, padding)
}
