//! What the parties may do.

use crate::{MAX_CHECKPOINTS, WAYS};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::fmt;
use repops::{
	commit::{Hash, MerkleProof, TileBytes},
	referee::{Evidence, JudgeError, Running, MAX_TILES},
};
use scale_info::TypeInfo;

/// A move of the defender's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum DefenderMove {
	/// The roots of all checkpoints' states, the start state's first.
	Trace(Vec<Hash>),
	/// The roots of the states at the cuts, see [`crate::Span::cuts`].
	States(Vec<Hash>),
	/// The children of the node, see [`crate::Descent`].
	Children(Vec<Hash>),
	/// The tree over the roots of all operations' results of the step.
	Values {
		/// Its top.
		top: Hash,
		/// That the result which became the output in dispute has the root that was claimed.
		proof: MerkleProof,
	},
	/// The tile's bytes.
	Tile(TileBytes),
	/// The running results of the element at the cuts, see [`crate::Span::cuts`].
	Running(Vec<Running>),
}

/// A move of the challenger's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum ChallengerMove {
	/// The part that is wrong, from 0: the checkpoint, which should be the first wrong one; of steps and passages
	/// the first whose end is wrong, of operations the first wrong one, else any.
	Part(u32),
	/// The element that is wrong.
	Element {
		/// The tile again, which is kept nowhere.
		tile: TileBytes,
		/// The element's place in it, row by row of 32.
		place: u16,
	},
	/// Which root the input of the program has that was handed through as an output.
	Input(OperandRoot),
	/// What the referee needs for the passage.
	Evidence {
		/// The roots of the operands.
		operands: Vec<OperandRoot>,
		/// The tiles.
		tiles: Evidence,
	},
}

/// The root of an operand, and that it is agreed on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct OperandRoot {
	/// The root.
	pub root: Hash,
	/// The way up: of a state's or update's tensor to the state's root, of features and labels to the data's
	/// root, of an operation's result to the agreed node that covers it. Empty for everything else.
	pub proof: MerkleProof,
}

/// The most hashes of a proof that any move needs: no tree has more than `2^32` leaves.
pub const MAX_SIBLINGS: usize = 32;

/// The most operands that an operation has.
pub const MAX_OPERANDS: usize = 3;

fn is_short(proof: &MerkleProof) -> bool {
	proof.siblings.len() <= MAX_SIBLINGS
}

impl DefenderMove {
	/// Whether a move can have so many parts at all. What has more is refused without any work for it.
	pub fn is_within_bounds(&self) -> bool {
		let ways = WAYS as usize;
		match self {
			DefenderMove::Trace(checkpoints) => checkpoints.len() <= MAX_CHECKPOINTS as usize,
			DefenderMove::States(states) => states.len() < ways,
			DefenderMove::Children(children) => children.len() <= ways,
			DefenderMove::Values { proof, .. } => is_short(proof),
			DefenderMove::Tile(_) => true,
			DefenderMove::Running(cuts) => cuts.len() < ways,
		}
	}
}

impl ChallengerMove {
	/// Whether a move can have so many parts at all. What has more is refused without any work for it.
	pub fn is_within_bounds(&self) -> bool {
		match self {
			ChallengerMove::Part(_) | ChallengerMove::Element { .. } => true,
			ChallengerMove::Input(shown) => is_short(&shown.proof),
			ChallengerMove::Evidence { operands, tiles } => {
				operands.len() <= MAX_OPERANDS
					&& operands.iter().all(|shown| is_short(&shown.proof))
					&& tiles.tiles.len() <= MAX_TILES as usize
					&& tiles.tiles.iter().all(|shown| is_short(&shown.proof))
			}
		}
	}
}

/// Why a move is no move. The party stays to move.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MoveError {
	/// Another move is due, or the other party's.
	NotNow,
	/// No move has so many parts, see [`DefenderMove::is_within_bounds`] and
	/// [`ChallengerMove::is_within_bounds`].
	TooLarge,
	/// There are more or fewer than there must be.
	Count {
		/// So many there must be.
		expected: u32,
		/// So many there are.
		found: u32,
	},
	/// These are not the children of the node, or not the checkpoints of the trace.
	NotTheChildren,
	/// There is no such part.
	NoSuchPart,
	/// These are not the bytes of the tile.
	NotTheTile,
	/// The proof does not show what it must.
	NotProven,
	/// The program, or what was shown of it, or the facts lack something that the dispute is about.
	NoSuchThing,
	/// The referee can't judge by what was shown.
	Judge(JudgeError),
}

impl fmt::Display for MoveError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			MoveError::NotNow => write!(f, "another move is due"),
			MoveError::TooLarge => write!(f, "no move has so many parts"),
			MoveError::Count { expected, found } => {
				write!(f, "{found} were given where {expected} are due")
			}
			MoveError::NotTheChildren => {
				write!(f, "these don't hash to the node or trace in question")
			}
			MoveError::NoSuchPart => write!(f, "there is no such part"),
			MoveError::NotTheTile => write!(f, "these bytes don't hash to the tile in question"),
			MoveError::NotProven => write!(f, "the proof does not lead to what is agreed on"),
			MoveError::NoSuchThing => {
				write!(f, "a part of the program is missing that the move is about")
			}
			MoveError::Judge(error) => write!(f, "{error}"),
		}
	}
}

impl core::error::Error for MoveError {}

impl From<JudgeError> for MoveError {
	fn from(error: JudgeError) -> Self {
		MoveError::Judge(error)
	}
}
