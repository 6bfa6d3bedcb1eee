//! The models that a task file can name, as Burn modules.

mod layers;
mod sizes;

pub use layers::{Embedded, Network, NetworkLayer};

use crate::{
	capture::{Model, Sizes},
	error::CaptureError,
	spec::{Layer, ModelSpec},
};
use burn::tensor::{backend::Backend, Int, Tensor};
use layers::Flow;
use sizes::Size;

/// A chain of layers whose sizes fit.
#[derive(Clone, Debug)]
pub struct Chain {
	/// Each layer, and what enters it.
	layers: Vec<(Layer, Size)>,
	/// The rows of an embedding that does not say how many it has.
	classes: u32,
}

impl Chain {
	/// Checks that the layers of a specification lead from the columns to the classes.
	pub fn new(spec: &ModelSpec, sizes: &Sizes) -> Result<Self, CaptureError> {
		sizes.check()?;
		Ok(Self {
			layers: sizes::check(spec, sizes)?,
			classes: sizes.classes,
		})
	}

	fn run<B: Backend>(&self, module: &Network<B>, features: Tensor<B, 2>) -> Flow<B> {
		let mut flow = match self.layers.first() {
			Some((_, Size::Picture([channels, height, width]))) => {
				let [channels, height, width] = [*channels, *height, *width].map(|n| n as usize);
				let [rows, _] = features.dims();
				Flow::Picture(features.reshape([rows, channels, height, width]))
			}
			_ => Flow::Columns(features),
		};
		for layer in &module.layers {
			flow = layer.forward(flow);
		}
		flow
	}
}

impl Model for Chain {
	type Module<B: Backend> = Network<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Network<B> {
		let layers = self.layers.iter();
		Network {
			layers: layers
				.map(|(layer, size)| NetworkLayer::new(layer, *size, self.classes, device))
				.collect(),
		}
	}

	/// Of a sequence the scores are those of its last place.
	fn forward<B: Backend>(&self, module: &Network<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		match self.run(module, features) {
			Flow::Columns(scores) => scores,
			Flow::Sequence(scores) => {
				let [rows, length, classes] = scores.dims();
				let last = scores.slice([0..rows, length - 1..length]);
				last.reshape([rows, classes])
			}
			Flow::Picture(scores) => scores.flatten(1, 3),
		}
	}

	/// Of a sequence the mean over all places: each foretells the feature at the next place, and the last one the
	/// label.
	fn training_loss<B: Backend>(
		&self,
		module: &Network<B>,
		features: Tensor<B, 2>,
		labels: Tensor<B, 1, Int>,
	) -> Tensor<B, 1> {
		let Flow::Sequence(scores) = self.run(module, features.clone()) else {
			return self.loss(self.forward(module, features), labels);
		};
		let [rows, length, classes] = scores.dims();
		let mut next = labels.reshape([rows, 1]);
		if length > 1 {
			let later = features.int().slice([0..rows, 1..length]);
			next = Tensor::cat(vec![later, next], 1);
		}
		self.loss(
			scores.reshape([rows * length, classes]),
			next.reshape([rows * length]),
		)
	}
}
