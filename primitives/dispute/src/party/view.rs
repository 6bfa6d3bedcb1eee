//! What is in dispute, as a party's own computation has it.

use super::{Computation, PartyError};
use crate::{
	AgreedNode, ChallengerMove, DefenderMove, Descent, Dispute, OperandRoot, Origin, Span,
};
use alloc::vec::Vec;
use repops::{
	check::infer,
	commit::{merkle_root, tensor_root, write_tile, Hash, MerkleProof, TileBytes, TILE_BYTES},
	parts::Parts,
	program::{Operation, Source, ValueId},
	referee::{advance, collect, Question, Running},
	tensor::{Tensor, TensorType},
};

/// The children of a node of the tree over these leaves.
pub(super) fn children<E>(
	descent: &Descent,
	leaves: &[Hash],
) -> Result<DefenderMove, PartyError<E>> {
	let covered = run(leaves, descent.first, descent.width).ok_or(PartyError::NoSuchThing)?;
	let width = descent.child_width() as usize;
	Ok(DefenderMove::Children(
		covered.chunks(width.max(1)).map(merkle_root).collect(),
	))
}

/// The first child that is not the node of the tree over these leaves.
pub(super) fn first_wrong<E>(
	descent: &Descent,
	leaves: &[Hash],
) -> Result<ChallengerMove, PartyError<E>> {
	let is_wrong =
		|node: &AgreedNode| run(leaves, node.first, node.width).map(merkle_root) != Some(node.node);
	let mut posted = (0u32..).zip(descent.children());
	let wrong = posted.find(|(_, node)| is_wrong(node));
	let (part, _) = wrong.ok_or(PartyError::NothingWrong)?;
	Ok(ChallengerMove::Part(part))
}

fn run(leaves: &[Hash], first: u32, width: u32) -> Option<&[Hash]> {
	let first = first as usize;
	leaves.get(first..first.checked_add(width as usize)?)
}

pub(super) fn tile_of(tensor: &Tensor, tile: u32) -> TileBytes {
	let mut bytes = TileBytes::from([0; TILE_BYTES]);
	write_tile(tensor, tile, &mut bytes);
	bytes
}

/// A dispute and the own computation of it.
pub(super) struct View<'a, C> {
	dispute: &'a Dispute,
	program: &'a dyn Parts,
	pub(super) own: &'a mut C,
}

impl<'a, C: Computation> View<'a, C> {
	pub(super) fn new(dispute: &'a Dispute, program: &'a dyn Parts, own: &'a mut C) -> Self {
		View {
			dispute,
			program,
			own,
		}
	}

	fn operation(&self, index: u32) -> Result<Operation, PartyError<C::Error>> {
		let operation = self.program.operation(index);
		operation
			.map(|(operation, _)| operation)
			.ok_or(PartyError::NoSuchThing)
	}

	pub(super) fn tensors(&mut self) -> Result<Vec<Hash>, PartyError<C::Error>> {
		let roots = self.own.tensor_roots_after(self.dispute.step());
		roots.map_err(PartyError::Computation)
	}

	pub(super) fn results(&mut self) -> Result<Vec<Hash>, PartyError<C::Error>> {
		let roots = self.own.result_roots(self.dispute.step());
		roots.map_err(PartyError::Computation)
	}

	fn value(&mut self, value: ValueId) -> Result<Tensor, PartyError<C::Error>> {
		let value = self.own.value(self.dispute.step(), value);
		value.map_err(PartyError::Computation)
	}

	pub(super) fn tensor(&mut self, origin: Origin) -> Result<Tensor, PartyError<C::Error>> {
		match origin {
			Origin::Initial { tensor } => self.own.initial(tensor).map_err(PartyError::Computation),
			Origin::Operation { index } => {
				let inputs = self.program.counts().inputs;
				self.value(inputs.saturating_add(index))
			}
		}
	}

	fn operands(&mut self, operation: u32) -> Result<Vec<Tensor>, PartyError<C::Error>> {
		let operation = self.operation(operation)?;
		operation
			.operands
			.iter()
			.map(|value| self.value(*value))
			.collect()
	}

	/// The running results of an element after so many passages, from what is agreed on.
	pub(super) fn running(
		&mut self,
		operation: u32,
		element: u64,
		span: &Span<Running>,
		after: &[u64],
	) -> Result<Vec<Running>, PartyError<C::Error>> {
		let kind = &self.operation(operation)?.kind;
		let operands = self.operands(operation)?;
		let types: Vec<TensorType> = operands.iter().map(Tensor::kind).collect();
		let types: Vec<&TensorType> = types.iter().collect();
		let result = infer(kind, &types).map_err(|_| PartyError::NoSuchThing)?;
		let mut read = |operand: usize, index: u64| {
			let index = usize::try_from(index).ok();
			let element = operands
				.get(operand)
				.zip(index)
				.and_then(|(tensor, index)| tensor.bits_at(index));
			element.ok_or(PartyError::NoSuchThing)
		};
		let (mut running, mut passage) = (span.agreed, span.start);
		let mut found = Vec::with_capacity(after.len());
		for end in after {
			while passage < *end {
				let question = Question { element, passage };
				running = advance(kind, &types, &result, question, running, &mut read)?;
				passage = passage.saturating_add(1);
			}
			found.push(running);
		}
		Ok(found)
	}

	pub(super) fn evidence(
		&mut self,
		operation: u32,
		question: Question,
		before: Running,
	) -> Result<ChallengerMove, PartyError<C::Error>> {
		let operands = self.operands(operation)?;
		let operation = self.operation(operation)?;
		let shown: Vec<&Tensor> = operands.iter().collect();
		let (_, tiles) = collect(&operation.kind, &shown, question, before)
			.map_err(|_| PartyError::NoSuchThing)?;
		let roots: Result<Vec<OperandRoot>, _> = operation
			.operands
			.iter()
			.map(|value| self.operand_root(*value))
			.collect();
		Ok(ChallengerMove::Evidence {
			operands: roots?,
			tiles,
		})
	}

	/// A value's root, and its way to what is agreed on.
	pub(super) fn operand_root(
		&mut self,
		value: ValueId,
	) -> Result<OperandRoot, PartyError<C::Error>> {
		let step = self.dispute.step();
		if let Some(index) = self.program.operation_of(value) {
			let leaves = self.results()?;
			let mut agreed = self.dispute.agreed().iter();
			let node = agreed.find(|node| node.covers(index));
			let node = node.ok_or(PartyError::NoSuchThing)?;
			let covered = run(&leaves, node.first, node.width).ok_or(PartyError::NoSuchThing)?;
			return opened(covered, index.saturating_sub(node.first));
		}
		let input = self.program.input(value);
		let (leaves, tensor) = match input.ok_or(PartyError::NoSuchThing)?.source {
			Source::State(tensor) => (self.own.tensor_roots_before(step), tensor),
			Source::Update { update, tensor } => (self.own.tensor_roots_of_update(update), tensor),
			Source::Features => (self.own.data_roots().map(Vec::from), 0),
			Source::Labels => (self.own.data_roots().map(Vec::from), 1),
			_ => {
				return Ok(OperandRoot {
					root: tensor_root(&self.value(value)?),
					proof: MerkleProof::default(),
				})
			}
		};
		opened(&leaves.map_err(PartyError::Computation)?, u32::from(tensor))
	}
}

/// A leaf of a tree, with its proof.
fn opened<E>(leaves: &[Hash], index: u32) -> Result<OperandRoot, PartyError<E>> {
	let root = leaves.get(index as usize).copied();
	let proof = MerkleProof::new(leaves, index);
	match (root, proof) {
		(Some(root), Some(proof)) => Ok(OperandRoot { root, proof }),
		_ => Err(PartyError::NoSuchThing),
	}
}
