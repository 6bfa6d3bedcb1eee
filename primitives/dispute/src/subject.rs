//! What a dispute is about.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use repops::{commit::Hash, random::Seed};
use scale_info::TypeInfo;

/// What the defender has claimed.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Subject {
	/// The state that a task starts from.
	Initial {
		/// Its claimed root.
		claimed: Hash,
	},
	/// The state after some steps of a step program.
	Steps {
		/// The root of the state before, which is agreed on.
		before: Hash,
		/// The claimed root of the state after.
		claimed: Hash,
		/// The number of steps.
		steps: u32,
		/// The number of the first step's batch since the task's start; the others follow.
		first_position: u64,
	},
	/// The state that a merge program makes of the updates.
	Merge {
		/// Its claimed root.
		claimed: Hash,
	},
	/// The number of right answers that an evaluation program counts.
	Evaluation {
		/// The claimed number.
		correct: u32,
	},
}

/// What is agreed on beside the dispute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
	/// The task's seed.
	pub seed: Seed,
	/// The root of the features: the training part's for a step, the hidden part's for an evaluation.
	pub features: Option<Hash>,
	/// The root of the labels of the same part.
	pub labels: Option<Hash>,
	/// For an evaluation: the root of the state that is evaluated.
	pub state: Option<Hash>,
	/// For a merge: the roots of the sealed updates, in slot order.
	pub updates: Vec<Hash>,
}
