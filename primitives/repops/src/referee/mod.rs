//! The referee: who is right about one element.
//!
//! A dispute ends in one element of one operation's result. What that element is, is computed here from
//! the operands' elements alone, whatever the size of the tensors. The same code serves those who argue
//! and the one who decides, natively and in wasm.
//!
//! **Passages.** An element that depends on many others (a matrix product, a sum, a greatest element, a
//! count) is computed in [`passages`], each of which reads few operands' elements and takes one
//! [`Running`] result to the next. Who claims an element claims all of its running results, so that two who
//! differ can be brought to a single passage whose start they agree on. Any other element has one passage.
//!
//! **Evidence.** The elements that a passage reads are shown as whole tiles with Merkle proofs against the
//! operands' roots; see [`Evidence`]. No passage reads more than [`MAX_TILES`].

mod element;
mod evidence;
mod moved;
mod window;

pub use element::{advance, passages, STRETCH};
pub use evidence::{
	collect, element_at, tile_bits, tile_place, Evidence, EvidenceError, Operand, TileProof,
	MAX_TILES,
};

use crate::{
	check::{infer, Reason},
	program::OperationKind,
	tensor::TensorType,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// How far the computation of an element has come: two words, of which most operations use the first.
/// After the last passage the first word is the element's bits.
///
/// | operation | first word | second word |
/// |---|---|---|
/// | matrix product, sum over the last axis | the sum of the chunks so far | 0 |
/// | sum over another axis, sum of matrix products | the sum of the finished chunks | the chain of the open chunk |
/// | fold, unpooling, scattering of rows | the sum so far | 0 |
/// | maximum | the greatest so far | 0 |
/// | arg max | its index | the greatest so far |
/// | count | the count so far, modulo 2^32 | 0 |
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Running(pub [u32; 2]);

impl Running {
	/// The bits of the element, once all passages are made.
	pub fn element(self) -> u32 {
		self.0[0]
	}
}

/// Why nothing could be judged. A wrong claim is no error: it differs from what [`judge`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JudgeError {
	/// The operation does not take operands of these types.
	Operands(Reason),
	/// The result has no such element.
	NoSuchElement,
	/// The element has no such passage.
	NoSuchPassage,
	/// What was shown does not suffice, or is not what the roots commit to.
	Evidence(EvidenceError),
}

impl fmt::Display for JudgeError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			JudgeError::Operands(reason) => write!(f, "{reason}"),
			JudgeError::NoSuchElement => write!(f, "the result has no such element"),
			JudgeError::NoSuchPassage => write!(f, "the element has no such passage"),
			JudgeError::Evidence(error) => write!(f, "{error}"),
		}
	}
}

impl core::error::Error for JudgeError {}

impl From<EvidenceError> for JudgeError {
	fn from(error: EvidenceError) -> Self {
		JudgeError::Evidence(error)
	}
}

/// Which passage of which element of an operation's result.
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
pub struct Question {
	/// The element's index in the result, row-major.
	pub element: u64,
	/// The passage, from 0.
	pub passage: u64,
}

/// The running result after a passage, given that before it, from evidence.
pub fn judge(
	kind: &OperationKind,
	operands: &[Operand],
	question: Question,
	before: Running,
	evidence: &Evidence,
) -> Result<Running, JudgeError> {
	let types: alloc::vec::Vec<&TensorType> =
		operands.iter().map(|operand| &operand.kind).collect();
	let result = infer(kind, &types).map_err(JudgeError::Operands)?;
	if question.element >= result.shape.elements().unwrap_or(0) {
		return Err(JudgeError::NoSuchElement);
	}
	if question.passage >= passages(kind, &types) {
		return Err(JudgeError::NoSuchPassage);
	}
	let tiles = evidence.open(operands)?;
	let mut read = |operand, index| tiles.read(operand, index);
	let after = advance(kind, &types, &result, question, before, &mut read)?;
	tiles.all_were_read()?;
	Ok(after)
}
