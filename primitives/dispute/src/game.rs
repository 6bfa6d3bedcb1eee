//! The state of a dispute, and what each move makes of it.

use crate::{
	AgreedNode, ChallengerMove, DefenderMove, Descent, Facts, MoveError, OperandRoot, Party, Span,
	Subject,
};
use alloc::{vec, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use repops::{
	commit::{
		root_of_top, tensor_root, tensor_root_of_top, tile_count, tile_leaf, Domain, Hash,
		MerkleProof, TILE, TILE_BYTES,
	},
	parts::Parts,
	program::{Source, Target, ValueId},
	random::{initial_element, Purpose, Stream},
	referee::{element_at, judge, passages, tile_bits, Evidence, Operand, Question, Running},
	tensor::{Tensor, TensorType},
};
use scale_info::TypeInfo;

/// The agreed nodes of a way through the greatest tree of operations: at most 15 at each of its levels.
const MAX_AGREED: u32 = 128;

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

/// A dispute.
///
/// Whoever calls gives the same program and facts each time, or as much of the program as a move asks for
/// ([`repops::parts`]): for [`Subject::Initial`] and
/// [`Subject::Steps`] the task's step program, for the others the merge or evaluation program.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Dispute {
	subject: Subject,
	/// The step in question, and the root of the state before it, where there is one.
	step: u64,
	before: Option<Hash>,
	agreed: BoundedVec<AgreedNode, ConstU32<MAX_AGREED>>,
	position: Position,
}

impl Dispute {
	/// A dispute about this claim.
	pub fn new(subject: Subject, program: &impl Parts, facts: &Facts) -> Result<Self, MoveError> {
		let (before, position) = match subject {
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
			Subject::Merge { claimed } => (facts.state, tensors(claimed, program)?),
			Subject::Evaluation { correct } => {
				let claimed = Tensor::u32([1], vec![correct]);
				let claimed = claimed.map_err(|_| MoveError::NoSuchThing)?;
				let root = tensor_root(&claimed);
				(facts.state, output(Target::Correct, root, program)?)
			}
		};
		let mut dispute = Dispute {
			subject,
			step: 0,
			before,
			agreed: BoundedVec::new(),
			position,
		};
		dispute.leave_steps(program)?;
		Ok(dispute)
	}

	/// What the dispute is about.
	pub fn subject(&self) -> &Subject {
		&self.subject
	}

	/// The step in question, once there is one.
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
		let after_posting = |posted: bool| {
			if posted {
				Party::Challenger
			} else {
				Party::Defender
			}
		};
		match &self.position {
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

	/// A move of the defender's. After an error nothing has changed.
	pub fn defend(
		&mut self,
		made: DefenderMove,
		program: &impl Parts,
	) -> Result<Outcome, MoveError> {
		if self.to_move() != Party::Defender {
			return Err(MoveError::NotNow);
		}
		let mut next = self.clone();
		let outcome = next.made_by_defender(made, program)?;
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
		let mut next = self.clone();
		let outcome = next.made_by_challenger(made, program, facts)?;
		*self = next;
		Ok(outcome)
	}

	fn made_by_defender(
		&mut self,
		made: DefenderMove,
		program: &impl Parts,
	) -> Result<Outcome, MoveError> {
		match (&mut self.position, made) {
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
		program: &impl Parts,
		facts: &Facts,
	) -> Result<Outcome, MoveError> {
		match (&mut self.position, made) {
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

	fn leave_steps(&mut self, program: &impl Parts) -> Result<(), MoveError> {
		if let Position::Steps(span) = &self.position {
			if span.is_single() {
				self.step = span.start;
				self.before = Some(span.agreed);
				self.position = tensors(span.claimed, program)?;
			}
		}
		Ok(())
	}

	fn leave_tensors(&mut self, program: &impl Parts) -> Result<(), MoveError> {
		let Position::Tensors(descent) = &self.position else {
			return Ok(());
		};
		let Some(root) = descent.leaf() else {
			return Ok(());
		};
		let tensor = u16::try_from(descent.first).map_err(|_| MoveError::NoSuchThing)?;
		self.position = if matches!(self.subject, Subject::Initial { .. }) {
			tiles(Origin::Initial { tensor }, root, program)?
		} else {
			output(Target::State(tensor), root, program)?
		};
		Ok(())
	}

	fn leave_operations(&mut self, program: &impl Parts) -> Result<(), MoveError> {
		if let Position::Operations(descent) = &self.position {
			if let Some(root) = descent.leaf() {
				let index = descent.first;
				self.position = tiles(Origin::Operation { index }, root, program)?;
			}
		}
		Ok(())
	}

	fn leave_tiles(&mut self) {
		if let Position::Tiles { origin, descent } = &self.position {
			if let Some(leaf) = descent.leaf() {
				self.position = Position::Tile {
					origin: *origin,
					tile: descent.first,
					leaf,
				};
			}
		}
	}

	fn leave_passages(&mut self) {
		if let Position::Passages {
			operation,
			element,
			span,
		} = &self.position
		{
			if span.is_single() {
				self.position = Position::Passage {
					operation: *operation,
					question: Question {
						element: *element,
						passage: span.start,
					},
					before: span.agreed,
					claimed: span.claimed,
				};
			}
		}
	}

	/// The challenger has named an element, which the defender has claimed to have these bits.
	fn dispute_element(
		&mut self,
		origin: Origin,
		element: u64,
		bits: u32,
		program: &impl Parts,
		facts: &Facts,
	) -> Result<Outcome, MoveError> {
		match origin {
			Origin::Initial { tensor } => {
				let tensor = u32::from(tensor);
				let declared = program.state_tensor(tensor).ok_or(MoveError::NoSuchThing)?;
				let stream = Stream::new(&facts.seed, Purpose::Initial(tensor));
				let right = initial_element(declared.initial, &stream, element).to_bits();
				Ok(Outcome::Lost(loser(right == bits)))
			}
			Origin::Operation { index } => {
				let count = self.passages(index, program)?;
				let claimed = Running([bits, 0]);
				self.position = Position::Passages {
					operation: index,
					element,
					span: Span::new(0, count, Running::default(), claimed),
				};
				self.leave_passages();
				Ok(Outcome::Open)
			}
		}
	}

	fn passages(&self, operation: u32, program: &impl Parts) -> Result<u64, MoveError> {
		let (operation, _) = program.operation(operation).ok_or(MoveError::NoSuchThing)?;
		let types: Option<Vec<TensorType>> = operation
			.operands
			.iter()
			.map(|value| program.value_type(*value))
			.collect();
		let types = types.ok_or(MoveError::NoSuchThing)?;
		Ok(passages(&operation.kind, &types.iter().collect::<Vec<_>>()))
	}

	/// The referee's word on the passage.
	fn judge(
		&self,
		roots: &[OperandRoot],
		tiles: &Evidence,
		program: &impl Parts,
		facts: &Facts,
	) -> Result<Outcome, MoveError> {
		let Position::Passage {
			operation,
			question,
			before,
			claimed,
		} = &self.position
		else {
			return Err(MoveError::NotNow);
		};
		let is_last = question.passage.saturating_add(1) == self.passages(*operation, program)?;
		let (operation, _) = program
			.operation(*operation)
			.ok_or(MoveError::NoSuchThing)?;
		if roots.len() != operation.operands.len() {
			return Err(MoveError::Count {
				expected: operation.operands.len() as u32,
				found: roots.len() as u32,
			});
		}
		let mut operands = Vec::with_capacity(roots.len());
		for (value, shown) in operation.operands.iter().zip(roots) {
			let kind = program.value_type(*value);
			operands.push(Operand {
				kind: kind.ok_or(MoveError::NoSuchThing)?,
				root: self.operand_root(*value, shown, program, facts)?,
			});
		}
		let after = judge(&operation.kind, &operands, *question, *before, tiles)?;
		// The tile that was shown holds no more than the element.
		let right = if is_last {
			after.element() == claimed.element()
		} else {
			after == *claimed
		};
		Ok(Outcome::Lost(loser(right)))
	}

	/// The agreed root of a value of the step.
	fn operand_root(
		&self,
		value: ValueId,
		shown: &OperandRoot,
		program: &impl Parts,
		facts: &Facts,
	) -> Result<Hash, MoveError> {
		let OperandRoot { root, proof } = shown;
		if let Some(index) = program.operation_of(value) {
			let node = self.agreed.iter().find(|node| node.covers(index));
			let node = node.ok_or(MoveError::NotProven)?;
			let at = index.saturating_sub(node.first);
			let proven = proof.top(node.width, at, root) == Some(node.node);
			return proven.then_some(*root).ok_or(MoveError::NotProven);
		}
		let source = program.input(value).ok_or(MoveError::NoSuchThing)?.source;
		let count = program.counts().state;
		let in_state = |state: Option<&Hash>, tensor: u16| {
			let state = state.ok_or(MoveError::NoSuchThing)?;
			let proven = proof.verify(Domain::State, state, count, u32::from(tensor), root);
			proven.then_some(*root).ok_or(MoveError::NotProven)
		};
		let known = match source {
			Source::State(tensor) => return in_state(self.before.as_ref(), tensor),
			Source::Update { update, tensor } => {
				return in_state(facts.updates.get(usize::from(update)), tensor)
			}
			Source::Features => facts.features,
			Source::Labels => facts.labels,
			Source::Seed => Tensor::u32([8], facts.seed.words().to_vec())
				.ok()
				.map(|seed| tensor_root(&seed)),
			Source::Position => self.batch_position().map(|position| tensor_root(&position)),
		};
		let known = known.ok_or(MoveError::NoSuchThing)?;
		let shown = known == *root && *proof == MerkleProof::default();
		shown.then_some(known).ok_or(MoveError::NotProven)
	}

	/// The number of the step's batch, as programs read it.
	fn batch_position(&self) -> Option<Tensor> {
		let Subject::Steps { first_position, .. } = self.subject else {
			return None;
		};
		let position = first_position.saturating_add(self.step);
		let (low, high) = (position as u32, position.checked_shr(32)? as u32);
		Tensor::u32([2], vec![low, high]).ok()
	}
}

/// Who is wrong, where the defender's last claim is right or not.
fn loser(claim_is_right: bool) -> Party {
	if claim_is_right {
		Party::Challenger
	} else {
		Party::Defender
	}
}

/// Into the tree over a state's tensors.
fn tensors(claimed: Hash, program: &impl Parts) -> Result<Position, MoveError> {
	match program.counts().state {
		0 => Err(MoveError::NoSuchThing),
		count => Ok(Position::Tensors(Descent::from_root(claimed, count))),
	}
}

/// To what an output is, which was claimed to have this root.
fn output(target: Target, root: Hash, program: &impl Parts) -> Result<Position, MoveError> {
	let value = program.output(target).ok_or(MoveError::NoSuchThing)?;
	Ok(if program.operation_of(value).is_some() {
		Position::Values { value, root }
	} else {
		Position::Input { value, root }
	})
}

/// Into the tree over a tensor's tiles.
fn tiles(origin: Origin, root: Hash, program: &impl Parts) -> Result<Position, MoveError> {
	let count = tile_count(&kind_of(origin, program)?.shape).filter(|count| *count > 0);
	let count = count.ok_or(MoveError::NoSuchThing)?;
	Ok(Position::Tiles {
		origin,
		descent: Descent::from_root(root, count),
	})
}

fn kind_of(origin: Origin, program: &impl Parts) -> Result<TensorType, MoveError> {
	let kind = match origin {
		Origin::Initial { tensor } => program
			.state_tensor(u32::from(tensor))
			.map(|tensor| TensorType::f32(tensor.shape)),
		Origin::Operation { index } => program.operation(index).map(|(_, kind)| kind),
	};
	kind.ok_or(MoveError::NoSuchThing)
}

/// Whether there are zeros where the tensor has ended. A tile with other bytes there would be wrong without a
/// wrong element.
fn ends_with_zeros(kind: &TensorType, tile: u32, bytes: &[u8; TILE_BYTES]) -> bool {
	(0..TILE.saturating_mul(TILE))
		.all(|place| element_at(kind, tile, place).is_some() || tile_bits(bytes, place) == Some(0))
}
