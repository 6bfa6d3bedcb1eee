//! Models: chains of layers.

use serde::{Deserialize, Serialize};

/// A model as a chain of layers, from the features of one sample to one number for each class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
	/// Channels, height and width of the pictures that the features are, channel by channel and row by row; none if
	/// they are no pictures.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub picture: Option<[u32; 3]>,
	/// The layers, in the order in which data flows through them. What leaves the last one must be as many columns
	/// as there are classes, or a sequence of so many columns.
	pub layers: Vec<Layer>,
}

impl ModelSpec {
	/// Layers on features that are no pictures.
	pub const fn new(layers: Vec<Layer>) -> Self {
		Self {
			picture: None,
			layers,
		}
	}

	/// Layers on pictures of these channels, height and width.
	pub const fn on_pictures(picture: [u32; 3], layers: Vec<Layer>) -> Self {
		Self {
			picture: Some(picture),
			layers,
		}
	}
}

/// One layer.
///
/// Each sample is a row of columns, a picture of some channels, or a sequence of places with some columns each.
// Those without settings are written with braces, because serde lets unit variants have any fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Layer {
	/// `x · weight + bias`, with weight `[inputs, outputs]`, for a row or for each place of a sequence. Weight and
	/// bias start uniform in `±1 / √inputs`, as in Burn.
	Linear {
		/// The number of columns that leave the layer.
		outputs: u32,
		/// Whether there is a bias; there is one if nothing is said.
		#[serde(default = "enabled")]
		bias: bool,
	},
	/// The greater of 0 and `x`.
	Relu {},
	/// Hyperbolic tangent.
	Tanh {},
	/// `1 / (1 + e^−x)`
	Sigmoid {},
	/// `x · (1 + erf(x / √2)) / 2`. Its gradient is Burn's, an approximation to about four digits.
	Gelu {},
	/// A convolution of pictures with square windows, with weight `[channels, channels before, kernel, kernel]`.
	/// Weight and bias start uniform in `±1 / √(channels before · kernel²)`, as in Burn.
	Conv2d {
		/// The channels that leave the layer.
		channels: u32,
		/// The side of the window.
		kernel: u32,
		/// How far the window moves at a time.
		#[serde(default = "one")]
		stride: u32,
		/// How many zeros there are beyond each border.
		#[serde(default)]
		padding: u32,
		/// Whether there is a bias; there is one if nothing is said.
		#[serde(default = "enabled")]
		bias: bool,
	},
	/// The greatest element that a square window shows.
	MaxPool {
		/// The side of the window.
		kernel: u32,
		/// How far the window moves at a time; as far as it is wide if nothing is said.
		stride: Option<u32>,
		/// How far the window goes beyond each border.
		#[serde(default)]
		padding: u32,
	},
	/// The mean of what a square window shows; zeros beyond the border count.
	AveragePool {
		/// The side of the window.
		kernel: u32,
		/// How far the window moves at a time; as far as it is wide if nothing is said.
		stride: Option<u32>,
		/// How far the window goes beyond each border.
		#[serde(default)]
		padding: u32,
	},
	/// All elements of a picture or a sequence in one row.
	Flatten {},
	/// `(x − mean) / √(variance + 1e-5) · scale + shift` over the columns of a row or of each place of a sequence. The
	/// scale starts at 1, the shift at 0.
	LayerNorm {},
	/// In training sets elements to 0 with this probability, others in each step, and divides the rest by what is left
	/// of 1; in an evaluation it does nothing.
	Dropout {
		/// At least 0 and less than 1.
		probability: f32,
	},
	/// From a row of integers, for instance the characters of a text, to a sequence: for each its row of a table, which
	/// starts normal with deviation 1. Only the first layer can be one.
	Embedding {
		/// The rows of the table: one more than the greatest integer. As many as there are classes if nothing is said.
		vocabulary: Option<u32>,
		/// The columns of the table.
		dimension: u32,
		/// Whether a learnt row for each place of the sequence is added, which starts alike.
		#[serde(default = "enabled")]
		positions: bool,
	},
	/// A block of a transformer: `x + attention(norm(x))`, then `x + linear(gelu(linear(norm(x))))`.
	TransformerBlock {
		/// The heads of the attention; the sequence's columns are a multiple.
		heads: u32,
		/// The columns between the two linear layers.
		feed_forward: u32,
		/// Whether each place attends only to itself and those before it.
		#[serde(default = "enabled")]
		causal: bool,
		/// The probability of dropout, of the attention's scores and after each part; 0 if nothing is said.
		#[serde(default)]
		dropout: f32,
	},
}

fn enabled() -> bool {
	true
}

fn one() -> u32 {
	1
}
