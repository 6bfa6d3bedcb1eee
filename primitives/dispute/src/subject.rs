//! What a dispute is about.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use repops::{
	commit::{root, Domain, Hash},
	random::Seed,
};
use scale_info::TypeInfo;

/// The most checkpoints that a round has: those at the ends of its segments, and the one at its start.
pub const MAX_CHECKPOINTS: u32 = 1_025;

/// What a round starts from.
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
pub enum Start {
	/// The state that the task starts from, which follows from the seed.
	Initial,
	/// A state that was given with the task, so that there is nothing to compute: a trace that starts with another
	/// one is wrong as soon as it is opened.
	Given {
		/// Its root.
		root: Hash,
	},
	/// The average of the updates that the round before was sealed with.
	Merge,
}

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
	/// All that a trainer commits to for a round: the states at its start and after each of its segments. When
	/// the challenger has named a checkpoint, that one becomes the subject: the first as an initial state or a
	/// merge, each other one as the end of its segment's steps.
	Round {
		/// The root over the checkpoints' state roots, see [`repops::commit::trace_root`].
		trace: Hash,
		/// The claimed root of the state after the last step.
		end: Hash,
		/// The number of segments, at most [`MAX_CHECKPOINTS`] less one.
		segments: u32,
		/// The number of steps of each segment.
		steps_per_segment: u32,
		/// The number of the round's first batch since the task's start; the others follow.
		first_position: u64,
		/// What the round starts from.
		start: Start,
	},
	/// The state that a task starts from, where it follows from the seed.
	Initial {
		/// Its claimed root.
		claimed: Hash,
	},
	/// The state after some steps of a step program.
	Steps {
		/// The root of the state before, which is agreed on or was claimed by the defender itself.
		before: Hash,
		/// The claimed root of the state after.
		claimed: Hash,
		/// The number of steps.
		steps: u32,
		/// The number of the first step's batch since the task's start; the others follow.
		first_position: u64,
	},
	/// The state that [`repops::merge::average_program`] makes of the updates.
	Merge {
		/// Its claimed root.
		claimed: Hash,
	},
	/// The number of right answers that an evaluation program counts.
	Evaluation {
		/// The root of the state that is evaluated, which was claimed with the number: if it is wrong, that was
		/// the claim to dispute.
		state: Hash,
		/// The claimed number.
		correct: u32,
	},
}

impl Subject {
	/// The checkpoint of a round as a subject of its own; none if this is no round, or has no such checkpoint.
	pub(crate) fn checkpoint(&self, checkpoints: &[Hash], picked: u32) -> Option<Subject> {
		let Subject::Round {
			steps_per_segment,
			first_position,
			start,
			..
		} = *self
		else {
			return None;
		};
		let at = |checkpoint: u32| checkpoints.get(usize::try_from(checkpoint).ok()?).copied();
		let claimed = at(picked)?;
		Some(match (picked.checked_sub(1), start) {
			(None, Start::Initial) => Subject::Initial { claimed },
			(None, Start::Merge) => Subject::Merge { claimed },
			// The trace could not have been opened with another one.
			(None, Start::Given { .. }) => return None,
			(Some(segment), _) => {
				let steps_before = u64::from(segment).saturating_mul(u64::from(steps_per_segment));
				Subject::Steps {
					before: at(segment)?,
					claimed,
					steps: steps_per_segment,
					first_position: first_position.saturating_add(steps_before),
				}
			}
		})
	}
}

/// What is agreed on beside the dispute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
	/// The task's seed.
	pub seed: Seed,
	/// The root over the roots of features and labels, see [`data_root`]: the training part's for a step, the
	/// hidden part's for an evaluation.
	pub data: Option<Hash>,
	/// For a merge: the roots of the sealed updates, in slot order.
	pub updates: Vec<Hash>,
}

/// The number of tensors of a data set: features and labels.
pub(crate) const DATA_TENSORS: u32 = 2;

/// The root that commits to a data set's features and labels, given by their roots.
pub fn data_root(tensors: &[Hash; DATA_TENSORS as usize]) -> Hash {
	root(Domain::State, tensors)
}
