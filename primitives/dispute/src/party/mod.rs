//! What an honest party does.

mod view;

use crate::{program::SubjectParts, ChallengerMove, DefenderMove, Dispute, Facts, Position};
use alloc::vec::Vec;
use core::fmt;
use repops::{
	commit::{merkle_root, tensor_leaves, Hash, MerkleProof, TILE, TILE_BYTES},
	parts::Parts,
	program::ValueId,
	referee::{element_at, tile_bits, Running},
	tensor::Tensor,
};
use view::{children, first_wrong, tile_of, View};

/// A party's own computation of what is in dispute. A dispute asks for few things, and for one step only
/// once it has come to it; whoever implements this computes them when they are asked for.
///
/// Where there is but one step (a merge, an evaluation, the initial state) its number is 0. Once a checkpoint of a
/// round is named ([`Dispute::checkpoint`]), steps count from the start of the segment that ends with it.
pub trait Computation {
	/// Why something can't be computed.
	type Error;

	/// The defender's: the roots of the states that it has claimed as the round's checkpoints, the start
	/// state's first.
	fn checkpoint_roots(&mut self) -> Result<Vec<Hash>, Self::Error>;

	/// The challenger's: the first of the claimed checkpoints that is wrong, from 0; none if all are right, as far
	/// as it knows.
	fn wrong_checkpoint(&mut self, claimed: &[Hash]) -> Result<Option<u32>, Self::Error>;

	/// The roots of the features and of the labels.
	fn data_roots(&mut self) -> Result<[Hash; 2], Self::Error>;

	/// The root of the state after so many of the steps in dispute.
	fn state_root(&mut self, steps: u64) -> Result<Hash, Self::Error>;

	/// The roots of the tensors of the state before a step.
	fn tensor_roots_before(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error>;

	/// The roots of the tensors of the state that a step makes.
	fn tensor_roots_after(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error>;

	/// For a merge: the roots of the tensors of a sealed update.
	fn tensor_roots_of_update(&mut self, update: u16) -> Result<Vec<Hash>, Self::Error>;

	/// The roots of the results of all of a step's operations.
	fn result_roots(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error>;

	/// A value of a step, or of a merge: an input or an operation's result.
	fn value(&mut self, step: u64, value: ValueId) -> Result<Tensor, Self::Error>;

	/// A tensor of the initial state.
	fn initial(&mut self, tensor: u16) -> Result<Tensor, Self::Error>;
}

/// Why a party has no move.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartyError<E> {
	/// It is the other's turn.
	NotNow,
	/// The other party is right, as far as can be seen here.
	NothingWrong,
	/// The tile that was shown is needed.
	NoTile,
	/// The dispute is about something that the program has not.
	NoSuchThing,
	/// The own computation failed.
	Computation(E),
}

impl<E: fmt::Display> fmt::Display for PartyError<E> {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			PartyError::NotNow => write!(f, "it is the other party's turn"),
			PartyError::NothingWrong => write!(f, "nothing of what the other party said is wrong"),
			PartyError::NoTile => write!(f, "the tile that was shown is not there"),
			PartyError::NoSuchThing => write!(f, "the program has nothing of that kind"),
			PartyError::Computation(error) => write!(f, "{error}"),
		}
	}
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for PartyError<E> {}

/// The move of a defender that has claimed what it computes. Program and facts are those that
/// [`Dispute::defend`] takes.
pub fn defend<C: Computation>(
	dispute: &Dispute,
	program: &impl Parts,
	facts: &Facts,
	own: &mut C,
) -> Result<DefenderMove, PartyError<C::Error>> {
	let program = SubjectParts::new(dispute.subject(), program, facts);
	let mut view = View::new(dispute, &program, own);
	match dispute.position() {
		Position::Trace(_) => {
			let checkpoints = view.own.checkpoint_roots();
			checkpoints
				.map(DefenderMove::Trace)
				.map_err(PartyError::Computation)
		}
		Position::Steps(span) => {
			let states: Result<_, _> = span.cuts().map(|cut| view.own.state_root(cut)).collect();
			states
				.map(DefenderMove::States)
				.map_err(PartyError::Computation)
		}
		Position::Tensors(descent) => view.tensors().and_then(|leaves| children(descent, &leaves)),
		Position::Operations(descent) => {
			view.results().and_then(|leaves| children(descent, &leaves))
		}
		Position::Tiles { origin, descent } => {
			let tensor = view.tensor(*origin)?;
			children(descent, &tensor_leaves(&tensor))
		}
		Position::Values { value, .. } => {
			let leaves = view.results()?;
			let index = program
				.operation_of(*value)
				.ok_or(PartyError::NoSuchThing)?;
			let proof = MerkleProof::new(&leaves, index).ok_or(PartyError::NoSuchThing)?;
			Ok(DefenderMove::Values {
				top: merkle_root(&leaves),
				proof,
			})
		}
		Position::Tile { origin, tile, .. } => {
			let tensor = view.tensor(*origin)?;
			Ok(DefenderMove::Tile(tile_of(&tensor, *tile)))
		}
		Position::Passages {
			operation,
			element,
			span,
		} => {
			let cuts: Vec<u64> = span.cuts().collect();
			view.running(*operation, *element, span, &cuts)
				.map(DefenderMove::Running)
		}
		_ => Err(PartyError::NotNow),
	}
}

/// The move of a challenger: the first thing that the defender has said and that is not what is computed
/// here. Program and facts are those that [`Dispute::challenge`] takes; `shown` is the tile that the defender has
/// shown last.
pub fn challenge<C: Computation>(
	dispute: &Dispute,
	program: &impl Parts,
	facts: &Facts,
	own: &mut C,
	shown: Option<&[u8; TILE_BYTES]>,
) -> Result<ChallengerMove, PartyError<C::Error>> {
	let program = SubjectParts::new(dispute.subject(), program, facts);
	let mut view = View::new(dispute, &program, own);
	match dispute.position() {
		Position::Trace(claimed) => {
			let wrong = view.own.wrong_checkpoint(claimed);
			let wrong = wrong.map_err(PartyError::Computation)?;
			wrong
				.map(ChallengerMove::Part)
				.ok_or(PartyError::NothingWrong)
		}
		Position::Steps(span) => {
			for (part, (steps, claimed)) in (0u32..).zip(span.claims()) {
				let right = view.own.state_root(steps);
				if right.map_err(PartyError::Computation)? != claimed {
					return Ok(ChallengerMove::Part(part));
				}
			}
			Err(PartyError::NothingWrong)
		}
		Position::Tensors(descent) => {
			let leaves = view.tensors()?;
			first_wrong(descent, &leaves)
		}
		Position::Operations(descent) => {
			let leaves = view.results()?;
			first_wrong(descent, &leaves)
		}
		Position::Tiles { origin, descent } => {
			let tensor = view.tensor(*origin)?;
			first_wrong(descent, &tensor_leaves(&tensor))
		}
		Position::Input { value, .. } => view.operand_root(*value).map(ChallengerMove::Input),
		Position::Element { origin, tile, .. } => {
			let shown = shown.ok_or(PartyError::NoTile)?;
			let tensor = view.tensor(*origin)?;
			let (kind, right) = (tensor.kind(), tile_of(&tensor, *tile));
			let is_wrong = |place: &usize| {
				element_at(&kind, *tile, *place).is_some()
					&& tile_bits(shown, *place) != tile_bits(&right, *place)
			};
			let place = (0..TILE.saturating_mul(TILE)).find(is_wrong);
			let place = place.and_then(|place| place.try_into().ok());
			Ok(ChallengerMove::Element {
				tile: (*shown).into(),
				place: place.ok_or(PartyError::NothingWrong)?,
			})
		}
		Position::Passages {
			operation,
			element,
			span,
		} => {
			let ends: Vec<(u64, Running)> = span.claims().collect();
			let steps: Vec<u64> = ends.iter().map(|(end, _)| *end).collect();
			let right = view.running(*operation, *element, span, &steps)?;
			let wrong = ends
				.iter()
				.zip(&right)
				.position(|((_, claimed), right)| claimed != right);
			// What is not wrong before is wrong at the end, where only the element was claimed.
			let last = ends.len().saturating_sub(1);
			Ok(ChallengerMove::Part(wrong.unwrap_or(last) as u32))
		}
		Position::Passage {
			operation,
			question,
			before,
			..
		} => view.evidence(*operation, *question, *before),
		_ => Err(PartyError::NotNow),
	}
}
