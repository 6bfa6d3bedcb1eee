//! Training a task, exactly as its programs, its data and its seed say.
//!
//! Terms: in a *round* each trainer, in its own place (*slot*), starts from the same state and makes the same
//! number of *steps* on batches of its own. After every few steps, a *segment*, it keeps a *checkpoint*: the
//! state at that point, named by its root. The *trace* of the round commits to the checkpoints, the start
//! state first. At the end of the round the trainers' states are merged into the next round's start.
//!
//! - [`programs`]: programs that fit their task; the check that supervisors attest.
//! - [`cost`]: what a task asks of a worker's machine, and what the machine takes on.
//! - [`run`]: rounds, segments and merges, for trainers and for those who check them.
//! - [`disputed`]: what a party of a dispute computes again.
//! - [`evaluation`]: the right answers on the hidden part.
//! - [`offline`]: a whole task on one machine.
//!
//! A state with a NaN or an infinity, *diverged*, is a result like any other and is trained on: every
//! operation is defined for it.

pub mod cost;
pub mod disputed;
pub mod evaluation;
pub mod offline;
pub mod programs;
pub mod run;

use ml_worker_engine::EngineError;
use repops::{interpret::RunError, tensor::Tensor};

/// The tensors of a state, in the order of the program's declaration.
pub type State = Vec<Tensor>;

/// Why something could not be trained, merged or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
	/// The programs are refused.
	#[error(transparent)]
	Programs(#[from] programs::ProgramsError),
	/// The engine refuses the program or what it is to read.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// A merge or an evaluation can't run on what it was given.
	#[error("the {what} can't run: {source}")]
	Run {
		/// Which program.
		what: &'static str,
		/// Why.
		source: RunError,
	},
	/// A segment was asked for that the round doesn't have.
	#[error("there is no segment {segment}: a round has {segments}, counted from 0")]
	NoSuchSegment {
		/// What was asked for.
		segment: u32,
		/// How many there are.
		segments: u32,
	},
	/// A dispute does not ask for this where it is.
	#[error("what is in dispute has no such state or value")]
	NotInDispute,
	/// There is nothing to merge.
	#[error("there are no states to merge")]
	NothingToMerge,
}
