//! From a Burn module to a step program: the only room that knows Burn.
//!
//! A [`Model`]'s forward pass, loss and gradients are run once on a Burn backend that computes
//! nothing and writes down every operation. What was written down is turned into operations of
//! [`repops`], tidied, numbered anew and joined by the optimiser, which gives a step program and an
//! evaluation program. Engines execute programs and never see Burn.
//!
//! Supported are Burn's linear layers, convolutions and poolings of one and two dimensions, layer and RMS norms, embeddings,
//! attention, dropout, the usual activations and losses, and functions made of arithmetic, products of matrices,
//! reductions, parts, masks and choices by index. Convolutions have one group of channels, poolings no windows
//! beyond the padding; integers are exact up to 2^24; tensors made from data hold one number, or numbers at equal
//! distances. Whatever else there is is refused, with the operation, its shapes, and the parameter that was used
//! last before it.
//!
//! [`build`] does this for the models that a task file can name; [`capture()`] for any Burn module
//! that is made of supported operations.

pub mod capture;
pub mod error;
pub mod network;
pub mod spec;

mod graph;
mod lower;
mod optimiser;
mod parameter;
mod record;

pub use capture::{capture, Model, Programs, Sizes};
pub use error::CaptureError;
pub use spec::{Layer, LearningRate, ModelSpec, OptimiserSpec};

/// Builds the programs of a model that is given by its layers, with the softmax's cross-entropy as
/// its loss. The same arguments give the same programs, byte by byte.
///
/// `columns` is the number of features of a sample, `classes` that of different labels, `batch` that
/// of samples in a step; `training_rows` and `test_rows` are the sizes of the data set's two parts.
pub fn build(
	model: &ModelSpec,
	optimiser: &OptimiserSpec,
	columns: u32,
	classes: u32,
	batch: u32,
	training_rows: u32,
	test_rows: u32,
) -> Result<Programs, CaptureError> {
	let sizes = Sizes {
		columns,
		classes,
		batch,
		training_rows,
		test_rows,
	};
	capture(&network::Chain::new(model, &sizes)?, optimiser, &sizes)
}
