//! Who is right, at the end of a dispute.

use crate::{
	subject::DATA_TENSORS, Dispute, Facts, MoveError, OperandRoot, Origin, Outcome, Party,
	Position, Span, Subject,
};
use alloc::{vec, vec::Vec};
use repops::{
	commit::{tensor_root, Domain, Hash, MerkleProof},
	parts::Parts,
	program::{Source, ValueId},
	random::{initial_element, Purpose, Stream},
	referee::{judge, passages, Evidence, Operand, Running},
	tensor::{Tensor, TensorType},
};

impl Dispute {
	/// The challenger has named an element, which the defender has claimed to have these bits.
	pub(crate) fn dispute_element(
		&mut self,
		origin: Origin,
		element: u64,
		bits: u32,
		program: &dyn Parts,
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

	fn passages(&self, operation: u32, program: &dyn Parts) -> Result<u64, MoveError> {
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
	pub(crate) fn judge(
		&self,
		roots: &[OperandRoot],
		tiles: &Evidence,
		program: &dyn Parts,
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
	pub(crate) fn operand_root(
		&self,
		value: ValueId,
		shown: &OperandRoot,
		program: &dyn Parts,
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
		let among = |all: Option<&Hash>, count: u32, tensor: u32| {
			let all = all.ok_or(MoveError::NoSuchThing)?;
			let proven = proof.verify(Domain::State, all, count, tensor, root);
			proven.then_some(*root).ok_or(MoveError::NotProven)
		};
		let in_state = |state: Option<&Hash>, tensor: u16| {
			among(state, program.counts().state, u32::from(tensor))
		};
		let in_data = |tensor| among(facts.data.as_ref(), DATA_TENSORS, tensor);
		let known = match source {
			Source::State(tensor) => return in_state(self.before.as_ref(), tensor),
			Source::Update { update, tensor } => {
				return in_state(facts.updates.get(usize::from(update)), tensor)
			}
			Source::Features => return in_data(0),
			Source::Labels => return in_data(1),
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
