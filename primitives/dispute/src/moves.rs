//! What the parties may do.

use alloc::{boxed::Box, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::fmt;
use repops::{
	commit::{Hash, MerkleProof, TILE_BYTES},
	referee::{Evidence, JudgeError, Running},
};
use scale_info::TypeInfo;

/// A move of the defender's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum DefenderMove {
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
	Tile(Box<[u8; TILE_BYTES]>),
	/// The running results of the element at the cuts, see [`crate::Span::cuts`].
	Running(Vec<Running>),
}

/// A move of the challenger's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum ChallengerMove {
	/// The part that is wrong, from 0: of steps and passages the first whose end is wrong, of operations
	/// the first wrong one, else any.
	Part(u32),
	/// The element that is wrong.
	Element {
		/// The tile again, which is kept nowhere.
		tile: Box<[u8; TILE_BYTES]>,
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
	/// The way up: of a state's or update's tensor to the state's root, of an operation's result to the agreed
	/// node that covers it. Empty for everything else.
	pub proof: MerkleProof,
}

/// Why a move is no move. The party stays to move.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MoveError {
	/// Another move is due, or the other party's.
	NotNow,
	/// There are more or fewer than there must be.
	Count {
		/// So many there must be.
		expected: u32,
		/// So many there are.
		found: u32,
	},
	/// These are not the children of the node.
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
			MoveError::Count { expected, found } => {
				write!(f, "{found} were given where {expected} are due")
			}
			MoveError::NotTheChildren => write!(f, "these don't hash to the node in question"),
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
