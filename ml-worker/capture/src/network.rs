//! The models that a task file can name, as Burn modules.

use crate::{
	capture::{Model, Sizes},
	error::CaptureError,
	spec::{Layer, ModelSpec},
};
use burn::{
	module::Module,
	nn::{Linear, LinearConfig, Relu, Sigmoid, Tanh},
	tensor::{backend::Backend, Tensor},
};

/// A chain of layers whose sizes fit.
#[derive(Clone, Debug)]
pub struct Chain {
	columns: u32,
	layers: Vec<Layer>,
}

/// The Burn module of a [`Chain`].
#[derive(Module, Debug)]
pub struct Network<B: Backend> {
	layers: Vec<NetworkLayer<B>>,
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
}

impl Chain {
	/// Checks that the layers of a specification lead from the columns to the classes.
	pub fn new(spec: &ModelSpec, sizes: &Sizes) -> Result<Self, CaptureError> {
		sizes.check()?;
		let mut columns = sizes.columns;
		let mut last = None;
		for (index, layer) in spec.layers.iter().enumerate() {
			if let Layer::Linear { outputs, .. } = layer {
				if *outputs == 0 {
					return Err(CaptureError::Layer {
						index,
						layer: layer.clone(),
						reason: "`outputs` must be at least 1".to_owned(),
					});
				}
				columns = *outputs;
				last = Some((index, layer));
			}
		}
		match last {
			None => Err(CaptureError::Setting {
				name: "layers",
				value: format!("{:?}", spec.layers),
				reason: "there must be at least one `linear` layer, or there is nothing to train"
					.to_owned(),
			}),
			Some((index, layer)) if columns != sizes.classes => Err(CaptureError::Layer {
				index,
				layer: layer.clone(),
				reason: format!(
					"the last `linear` layer must have as many outputs as there are classes: {}",
					sizes.classes
				),
			}),
			Some(_) => Ok(Self {
				columns: sizes.columns,
				layers: spec.layers.clone(),
			}),
		}
	}
}

impl Model for Chain {
	type Module<B: Backend> = Network<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Network<B> {
		let mut columns = self.columns;
		let layers = self.layers.iter().map(|layer| match layer {
			Layer::Linear { outputs, bias } => {
				let config = LinearConfig::new(columns as usize, *outputs as usize);
				columns = *outputs;
				NetworkLayer::Linear(config.with_bias(*bias).init(device))
			}
			Layer::Relu {} => NetworkLayer::Relu(Relu::new()),
			Layer::Tanh {} => NetworkLayer::Tanh(Tanh::new()),
			Layer::Sigmoid {} => NetworkLayer::Sigmoid(Sigmoid::new()),
		});
		Network {
			layers: layers.collect(),
		}
	}

	fn forward<B: Backend>(&self, module: &Network<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		module.layers.iter().fold(features, |x, layer| match layer {
			NetworkLayer::Linear(linear) => linear.forward(x),
			NetworkLayer::Relu(relu) => relu.forward(x),
			NetworkLayer::Tanh(tanh) => tanh.forward(x),
			NetworkLayer::Sigmoid(sigmoid) => sigmoid.forward(x),
		})
	}
}
