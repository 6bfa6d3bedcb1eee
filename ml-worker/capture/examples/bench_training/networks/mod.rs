//! The networks that the benchmarks train, and made-up data for them.

pub(crate) mod data;

mod convolutional;
mod prepared;
mod transformer;

pub(crate) use data::Data;
pub(crate) use prepared::Prepared;

use burn::{backend::Autodiff, module::AutodiffModule};
use burn_flex::Flex;
use convolutional::Convolutional;
use ml_worker_capture::{
	network::Chain, spec::Layer, CaptureError, Model, ModelSpec, OptimiserSpec, Sizes,
};
use repops::random::Seed;
use std::error::Error;
use transformer::Transformer;

/// What batches and initial states are drawn from.
pub(crate) const SEED: Seed = Seed([1; 32]);

/// Burn's own backend for the CPU.
pub(crate) type Stock = Autodiff<Flex>;

/// The pixels along one side of a picture.
const SIDE: usize = 28;
/// The numbers of samples: what a task's data set has.
const TRAINING_ROWS: u32 = 8000;
const TEST_ROWS: u32 = 2000;

pub(crate) const SGD: OptimiserSpec = OptimiserSpec::sgd(0.1);
pub(crate) const ADAM: OptimiserSpec = OptimiserSpec::adam(0.001);

/// A network, and how it is trained.
pub(crate) struct Network<M> {
	/// What it is called here and by `scripts/bench_step.py`.
	pub(crate) name: &'static str,
	/// Its layers, in words.
	pub(crate) layers: &'static str,
	pub(crate) model: M,
	pub(crate) optimiser: OptimiserSpec,
	pub(crate) sizes: Sizes,
	pub(crate) kind: Kind,
	/// The steps of one measurement, so that it lasts some tens of milliseconds.
	pub(crate) steps: u64,
}

impl<M> Network<M> {
	/// The optimiser in a word.
	pub(crate) fn optimiser_name(&self) -> &'static str {
		match self.optimiser {
			OptimiserSpec::Sgd { .. } => "SGD",
			OptimiserSpec::Adam { .. } => "Adam",
			OptimiserSpec::AdamW { .. } => "AdamW",
		}
	}
}

/// What a network learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
	/// Pixels, most of which are 0, with labels.
	Pictures,
	/// Numbers of characters; the label is the last.
	Text,
}

/// A model that can be trained side by side with others.
pub(crate) trait Trained: Model + Sync {}

impl<M: Model + Sync> Trained for M {}

/// What is done with each network in turn.
pub(crate) trait Visitor {
	/// Looks at one network.
	fn visit<M: Trained>(&mut self, network: &Network<M>) -> Result<(), Box<dyn Error>>
	where
		M::Module<Stock>: AutodiffModule<Stock>;
}

/// Shows all networks to `visitor`, the smallest first.
pub(crate) fn visit_all(visitor: &mut impl Visitor) -> Result<(), Box<dyn Error>> {
	let pictures = |batch| Sizes {
		columns: (SIDE * SIDE) as u32,
		classes: 10,
		batch,
		training_rows: TRAINING_ROWS,
		test_rows: TEST_ROWS,
	};
	visitor.visit(&Network {
		name: "mlp-sgd",
		layers: "MLP 784-128-64-10",
		model: perceptron(&[128, 64], &pictures(100))?,
		optimiser: SGD,
		sizes: pictures(100),
		kind: Kind::Pictures,
		steps: 50,
	})?;
	visitor.visit(&Network {
		name: "mlp-adam",
		layers: "MLP 784-128-64-10",
		model: perceptron(&[128, 64], &pictures(32))?,
		optimiser: ADAM,
		sizes: pictures(32),
		kind: Kind::Pictures,
		steps: 50,
	})?;
	visitor.visit(&Network {
		name: "wide-mlp",
		layers: "MLP 784-1024-1024-10",
		model: perceptron(&[1024, 1024], &pictures(128))?,
		optimiser: SGD,
		sizes: pictures(128),
		kind: Kind::Pictures,
		steps: 4,
	})?;
	visitor.visit(&Network {
		name: "cnn",
		layers: "CNN conv32-pool-conv64-pool-128-10",
		model: Convolutional,
		optimiser: SGD,
		sizes: pictures(64),
		kind: Kind::Pictures,
		steps: 4,
	})?;
	visitor.visit(&Network {
		name: "transformer",
		layers: "transformer, 64 characters, 2 layers of 128",
		model: Transformer,
		optimiser: ADAM,
		sizes: transformer::sizes(16),
		kind: Kind::Text,
		steps: 3,
	})
}

/// Linear layers with ReLU between them, from pictures to their classes.
fn perceptron(hidden: &[u32], sizes: &Sizes) -> Result<Chain, CaptureError> {
	let linear = |outputs| Layer::Linear {
		outputs,
		bias: true,
	};
	let mut layers: Vec<Layer> = hidden
		.iter()
		.flat_map(|outputs| [linear(*outputs), Layer::Relu {}])
		.collect();
	layers.push(linear(sizes.classes));
	Chain::new(&ModelSpec::new(layers), sizes)
}
