//! The state of a dispute, and what each move makes of it.

use crate::{
	program::SubjectParts,
	transition::{ends_with_zeros, kind_of, output, tensors},
	AgreedNode, ChallengerMove, DefenderMove, Descent, Facts, MoveError, Outcome, Party, Position,
	Span, Start, Subject, MAX_CHECKPOINTS,
};
use alloc::vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use repops::{
	commit::{root_of_top, tensor_root, tensor_root_of_top, tile_leaf, trace_root, Domain, Hash},
	parts::Parts,
	program::Target,
	referee::{element_at, tile_bits},
	tensor::Tensor,
};
use scale_info::TypeInfo;

/// The agreed nodes of a way through the greatest tree of operations: at most 15 at each of its levels.
const MAX_AGREED: u32 = 128;

/// A dispute.
///
/// Whoever calls gives the same program and facts each time, or as much of the program as a move asks for
/// ([`repops::parts`], [`Dispute::parts_of_defence`]): for [`Subject::Evaluation`] the evaluation program, for
/// all others the task's step program, from which the program of a merge follows.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Dispute {
	pub(crate) subject: Subject,
	/// The checkpoint that was named, where the dispute began with a round.
	pub(crate) checkpoint: Option<u32>,
	/// The step in question, and the root of the state before it, where there is one.
	pub(crate) step: u64,
	pub(crate) before: Option<Hash>,
	pub(crate) agreed: BoundedVec<AgreedNode, ConstU32<MAX_AGREED>>,
	pub(crate) position: Position,
}

impl Dispute {
	/// A dispute about this claim. Of [`Subject::Round`] nothing of the program or the facts is asked yet.
	pub fn new(subject: Subject, program: &impl Parts, facts: &Facts) -> Result<Self, MoveError> {
		Self::about(subject, program, facts)
	}

	fn about(subject: Subject, program: &dyn Parts, facts: &Facts) -> Result<Self, MoveError> {
		let (before, position) = match subject {
			Subject::Round {
				segments,
				steps_per_segment,
				..
			} => {
				if segments == 0 || segments >= MAX_CHECKPOINTS || steps_per_segment == 0 {
					return Err(MoveError::NoSuchThing);
				}
				(None, Position::Trace(BoundedVec::new()))
			}
			Subject::Steps { steps: 0, .. } => return Err(MoveError::NoSuchThing),
			Subject::Steps {
				before,
				claimed,
				steps,
				..
			} => {
				let span = Span::new(0, u64::from(steps), before, claimed);
				(Some(before), Position::Steps(span))
			}
			Subject::Initial { claimed } => (None, tensors(claimed, program)?),
			Subject::Merge { .. } if facts.updates.is_empty() => {
				return Err(MoveError::NoSuchThing)
			}
			Subject::Merge { claimed } => (None, tensors(claimed, program)?),
			Subject::Evaluation { state, correct } => {
				let claimed = Tensor::u32([1], vec![correct]);
				let claimed = claimed.map_err(|_| MoveError::NoSuchThing)?;
				let root = tensor_root(&claimed);
				(Some(state), output(Target::Correct, root, program)?)
			}
		};
		let mut dispute = Dispute {
			subject,
			checkpoint: None,
			step: 0,
			before,
			agreed: BoundedVec::new(),
			position,
		};
		dispute.leave_steps(program)?;
		Ok(dispute)
	}

	/// What the dispute is about: once a checkpoint of a round is named, that checkpoint.
	pub fn subject(&self) -> &Subject {
		&self.subject
	}

	/// The checkpoint of the round that was named, from 0; none before, and where the dispute was not about a
	/// round. The first one of a trace that does not start with the given state counts as named.
	pub fn checkpoint(&self) -> Option<u32> {
		self.checkpoint
	}

	/// The step in question, once there is one, counted from the subject's first.
	pub fn step(&self) -> u64 {
		self.step
	}

	/// How far the dispute has come.
	pub fn position(&self) -> &Position {
		&self.position
	}

	/// The nodes of the tree over the step's operations that both agree on.
	pub fn agreed(&self) -> &[AgreedNode] {
		&self.agreed
	}

	/// Who is to move.
	pub fn to_move(&self) -> Party {
		self.position.to_move()
	}

	/// A move of the defender's. After an error nothing has changed.
	pub fn defend(
		&mut self,
		made: DefenderMove,
		program: &impl Parts,
		facts: &Facts,
	) -> Result<Outcome, MoveError> {
		if self.to_move() != Party::Defender {
			return Err(MoveError::NotNow);
		}
		if !made.is_within_bounds() {
			return Err(MoveError::TooLarge);
		}
		let mut next = self.clone();
		let program = SubjectParts::new(&self.subject, program, facts);
		let outcome = next.made_by_defender(made, &program)?;
		*self = next;
		Ok(outcome)
	}

	/// A move of the challenger's. After an error nothing has changed.
	pub fn challenge(
		&mut self,
		made: ChallengerMove,
		program: &impl Parts,
		facts: &Facts,
	) -> Result<Outcome, MoveError> {
		if self.to_move() != Party::Challenger {
			return Err(MoveError::NotNow);
		}
		if !made.is_within_bounds() {
			return Err(MoveError::TooLarge);
		}
		let mut next = self.clone();
		let program = SubjectParts::new(&self.subject, program, facts);
		let outcome = next.made_by_challenger(made, &program, facts)?;
		*self = next;
		Ok(outcome)
	}

	fn made_by_defender(
		&mut self,
		made: DefenderMove,
		program: &dyn Parts,
	) -> Result<Outcome, MoveError> {
		match (&mut self.position, made) {
			(Position::Trace(posted), DefenderMove::Trace(checkpoints)) => {
				let Subject::Round {
					trace,
					end,
					segments,
					start,
					..
				} = self.subject
				else {
					return Err(MoveError::NotNow);
				};
				let (expected, found) = (segments.saturating_add(1), checkpoints.len() as u32);
				if expected != found {
					return Err(MoveError::Count { expected, found });
				}
				if trace_root(&checkpoints) != trace {
					return Err(MoveError::NotTheChildren);
				}
				if checkpoints.last() != Some(&end) {
					return Ok(Outcome::Lost(Party::Defender));
				}
				let given =
					|root: &Hash| matches!(start, Start::Given { root: given } if given != *root);
				if checkpoints.first().is_some_and(given) {
					// It needs not be named by the challenger.
					self.checkpoint = Some(0);
					return Ok(Outcome::Lost(Party::Defender));
				}
				*posted = checkpoints.try_into().map_err(|_| MoveError::NotNow)?;
			}
			(Position::Steps(span), DefenderMove::States(states)) => span.post(states)?,
			(Position::Tensors(descent), DefenderMove::Children(children)) => {
				let count = descent.width;
				let seal = |top: &Hash| root_of_top(Domain::State, count, top);
				descent.post(children, seal)?;
				self.leave_tensors(program)?;
			}
			(Position::Values { value, root }, DefenderMove::Values { top, proof }) => {
				let count = program.counts().operations;
				let index = program.operation_of(*value).ok_or(MoveError::NoSuchThing)?;
				if proof.top(count, index, root) != Some(top) {
					return Err(MoveError::NotProven);
				}
				self.position = Position::Operations(Descent::from_top(top, count));
				self.leave_operations(program)?;
			}
			(Position::Operations(descent), DefenderMove::Children(children)) => {
				descent.post(children, |top| *top)?;
				self.leave_operations(program)?;
			}
			(Position::Tiles { origin, descent }, DefenderMove::Children(children)) => {
				let kind = kind_of(*origin, program)?;
				descent.post(children, |top| tensor_root_of_top(&kind, top))?;
				self.leave_tiles();
			}
			(Position::Tile { origin, tile, leaf }, DefenderMove::Tile(bytes)) => {
				let (origin, tile, leaf) = (*origin, *tile, *leaf);
				if tile_leaf(&bytes) != leaf {
					return Err(MoveError::NotTheTile);
				}
				if !ends_with_zeros(&kind_of(origin, program)?, tile, &bytes) {
					return Ok(Outcome::Lost(Party::Defender));
				}
				self.position = Position::Element { origin, tile, leaf };
			}
			(Position::Passages { span, .. }, DefenderMove::Running(cuts)) => span.post(cuts)?,
			_ => return Err(MoveError::NotNow),
		}
		Ok(Outcome::Open)
	}

	fn made_by_challenger(
		&mut self,
		made: ChallengerMove,
		program: &dyn Parts,
		facts: &Facts,
	) -> Result<Outcome, MoveError> {
		match (&mut self.position, made) {
			(Position::Trace(checkpoints), ChallengerMove::Part(picked)) => {
				let subject = self.subject.checkpoint(checkpoints, picked);
				*self = Dispute {
					checkpoint: Some(picked),
					..Self::about(subject.ok_or(MoveError::NoSuchPart)?, program, facts)?
				};
			}
			(Position::Steps(span), ChallengerMove::Part(part)) => {
				span.pick(part)?;
				self.leave_steps(program)?;
			}
			(Position::Tensors(descent), ChallengerMove::Part(part)) => {
				descent.pick(part)?;
				self.leave_tensors(program)?;
			}
			(Position::Operations(descent), ChallengerMove::Part(part)) => {
				for node in descent.pick(part)? {
					let pushed = self.agreed.try_push(node);
					pushed.map_err(|_| MoveError::NoSuchThing)?;
				}
				self.leave_operations(program)?;
			}
			(Position::Tiles { descent, .. }, ChallengerMove::Part(part)) => {
				descent.pick(part)?;
				self.leave_tiles();
			}
			(Position::Passages { span, .. }, ChallengerMove::Part(part)) => {
				span.pick(part)?;
				self.leave_passages();
			}
			(Position::Input { value, root }, ChallengerMove::Input(shown)) => {
				let (value, claimed) = (*value, *root);
				let root = self.operand_root(value, &shown, program, facts)?;
				return if root == claimed {
					Err(MoveError::NotProven)
				} else {
					Ok(Outcome::Lost(Party::Defender))
				};
			}
			(
				Position::Element { origin, tile, leaf },
				ChallengerMove::Element { tile: bytes, place },
			) => {
				let (origin, tile) = (*origin, *tile);
				if tile_leaf(&bytes) != *leaf {
					return Err(MoveError::NotTheTile);
				}
				let place = usize::from(place);
				let kind = kind_of(origin, program)?;
				let element = element_at(&kind, tile, place).ok_or(MoveError::NoSuchPart)?;
				let bits = tile_bits(&bytes, place).ok_or(MoveError::NoSuchPart)?;
				return self.dispute_element(origin, element, bits, program, facts);
			}
			(Position::Passage { .. }, ChallengerMove::Evidence { operands, tiles }) => {
				return self.judge(&operands, &tiles, program, facts);
			}
			_ => return Err(MoveError::NotNow),
		}
		Ok(Outcome::Open)
	}
}
