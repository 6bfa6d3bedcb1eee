//! How far a dispute can have come.

use crate::{Descent, Party, Span, MAX_CHECKPOINTS};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use repops::{
	commit::Hash,
	program::ValueId,
	referee::{Question, Running},
};
use scale_info::TypeInfo;

/// Whose element is in question.
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
pub enum Origin {
	/// A tensor of the initial state.
	Initial {
		/// Its index in the state.
		tensor: u16,
	},
	/// The result of an operation.
	Operation {
		/// Its index in the program.
		index: u32,
	},
}

/// How far a dispute has come.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Position {
	/// The checkpoints of a round, the start state's first; none while the defender is to say them.
	Trace(BoundedVec<Hash, ConstU32<MAX_CHECKPOINTS>>),
	/// States after so many steps.
	Steps(Span<Hash>),
	/// The tree over the tensors of a state that was claimed.
	Tensors(Descent),
	/// The output that was claimed to have this root is the value of an operation; the defender is to commit
	/// to all of the step's operations.
	Values {
		/// The value.
		value: ValueId,
		/// The claimed root.
		root: Hash,
	},
	/// The output that was claimed to have this root is an input, handed through; the challenger is to show
	/// that it has another root.
	Input {
		/// The value.
		value: ValueId,
		/// The claimed root.
		root: Hash,
	},
	/// The tree over the operations' results.
	Operations(Descent),
	/// The tree over a tensor's tiles.
	Tiles {
		/// The tensor.
		origin: Origin,
		/// The way.
		descent: Descent,
	},
	/// A tile, which the defender is to show.
	Tile {
		/// The tensor.
		origin: Origin,
		/// The tile's number.
		tile: u32,
		/// Its hash.
		leaf: Hash,
	},
	/// A tile that was shown; the challenger is to name a wrong element.
	Element {
		/// The tensor.
		origin: Origin,
		/// The tile's number.
		tile: u32,
		/// Its hash.
		leaf: Hash,
	},
	/// The running results of an element.
	Passages {
		/// The operation.
		operation: u32,
		/// The element of its result.
		element: u64,
		/// The passages.
		span: Span<Running>,
	},
	/// One passage, which the challenger is to prove wrong.
	Passage {
		/// The operation.
		operation: u32,
		/// The passage.
		question: Question,
		/// The running result before, which is agreed on.
		before: Running,
		/// The claimed running result after.
		claimed: Running,
	},
}

/// What a move has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
	/// The dispute goes on.
	Open,
	/// This party is wrong.
	Lost(Party),
}

impl Position {
	/// Who is to move.
	pub fn to_move(&self) -> Party {
		let after_posting = |posted: bool| {
			if posted {
				Party::Challenger
			} else {
				Party::Defender
			}
		};
		match self {
			Position::Trace(checkpoints) => after_posting(!checkpoints.is_empty()),
			Position::Steps(span) => after_posting(span.is_posted()),
			Position::Passages { span, .. } => after_posting(span.is_posted()),
			Position::Tensors(descent)
			| Position::Operations(descent)
			| Position::Tiles { descent, .. } => after_posting(descent.is_posted()),
			Position::Values { .. } | Position::Tile { .. } => Party::Defender,
			Position::Input { .. } | Position::Element { .. } | Position::Passage { .. } => {
				Party::Challenger
			}
		}
	}
}
