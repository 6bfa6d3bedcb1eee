//! The game of a dispute.
//!
//! A *defender* has claimed a state, a *challenger* says that it is another. Both have computed the same
//! program on the same agreed inputs, so they differ somewhere in it. The game finds one such place: at each
//! move the defender says more about what it claims, and the challenger names the first part that is wrong.
//! After few moves one element of one operation's result is left, and few of its terms; the referee
//! ([`repops::referee`]) computes them from tiles that the challenger shows with proofs against what both
//! have agreed on. Nothing is voted on.
//!
//! | position | the defender says | the challenger names |
//! |---|---|---|
//! | [`Position::Trace`] | all checkpoints of a round | the first wrong one |
//! | [`Position::Steps`] | up to 15 states between two steps | the first wrong one |
//! | [`Position::Tensors`] | up to 16 nodes of the tree over a state's tensors | a wrong one |
//! | [`Position::Values`] | the tree over all operations' results of the step | |
//! | [`Position::Operations`] | up to 16 nodes of that tree | the first wrong one |
//! | [`Position::Tiles`] | up to 16 nodes of the tree over a result's tiles | a wrong one |
//! | [`Position::Tile`] | the tile | a wrong element |
//! | [`Position::Passages`] | up to 15 running results of that element | the first wrong one |
//! | [`Position::Passage`] | | the evidence |
//!
//! A trainer commits to a round as a whole ([`Subject::Round`]). With the checkpoint that the challenger names, the
//! dispute becomes one about the start state or about the steps of one segment. The state at a segment's start
//! is taken as the defender has claimed it: if it is wrong too, an earlier checkpoint was the one to name.
//!
//! Exactly one party is to move at any time ([`Dispute::to_move`]), and each move is bound by hashes to the
//! one before. So an honest party wins against any other: an honest challenger always finds a wrong part,
//! as two different hashes have different children, and an honest defender's last claim is what the referee
//! computes. Who doesn't move in time loses; clocks are the caller's.
//!
//! Everything here is a pure function of what is given: the chain and both parties run the same code.
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![deny(
	clippy::arithmetic_side_effects,
	clippy::indexing_slicing,
	clippy::unwrap_used,
	clippy::expect_used,
	clippy::panic
)]

extern crate alloc;

mod descent;
mod game;
mod judgement;
mod moves;
mod party;
mod position;
mod program;
mod span;
mod subject;
mod transition;
#[cfg(any(feature = "std", feature = "runtime-benchmarks"))]
pub mod worst;

pub use descent::{AgreedNode, Descent};
pub use game::Dispute;
pub use moves::{ChallengerMove, DefenderMove, MoveError, OperandRoot, MAX_OPERANDS, MAX_SIBLINGS};
pub use party::{challenge, defend, Computation, PartyError};
pub use position::{Origin, Outcome, Position};
pub use span::Span;
pub use subject::{data_root, Facts, Start, Subject, MAX_CHECKPOINTS};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The most parts that something is cut into at one move.
pub const WAYS: u32 = 16;

/// A side of a dispute.
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
pub enum Party {
	/// Who has claimed a state.
	Defender,
	/// Who says that it is another.
	Challenger,
}
