//! What an honest party does.

use crate::{ChallengerMove, DefenderMove, Descent, Dispute, OperandRoot, Origin, Position, Span};
use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use repops::{
	check::{infer, Checked},
	commit::{
		merkle_root, tensor_leaves, tensor_root, write_tile, Hash, MerkleProof, TILE, TILE_BYTES,
	},
	parts::Parts,
	program::{Operation, Source, ValueId},
	referee::{advance, collect, element_at, tile_bits, Question, Running},
	tensor::{Tensor, TensorType},
};

/// A party's own computation of what is in dispute. A dispute asks for few things, and for one step only
/// once it has come to it; whoever implements this computes them when they are asked for.
///
/// Where there is but one step (a merge, an evaluation, the initial state) its number is 0.
pub trait Computation {
	/// Why something can't be computed.
	type Error;

	/// The root of the state after so many of the steps in dispute.
	fn state_root(&mut self, steps: u64) -> Result<Hash, Self::Error>;

	/// The roots of the tensors of the state before a step.
	fn tensor_roots_before(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error>;

	/// The roots of the tensors of the state that a step makes.
	fn tensor_roots_after(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error>;

	/// For a merge: the roots of an update's tensors.
	fn tensor_roots_of_update(&mut self, update: u16) -> Result<Vec<Hash>, Self::Error>;

	/// The roots of the results of all of a step's operations.
	fn result_roots(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error>;

	/// A value of a step: an input or an operation's result.
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

/// The move of a defender that has claimed what it computes.
pub fn defend<C: Computation>(
	dispute: &Dispute,
	program: &Checked,
	own: &mut C,
) -> Result<DefenderMove, PartyError<C::Error>> {
	let mut view = View::new(dispute, program, own);
	match dispute.position() {
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
/// here. `shown` is the tile that the defender has shown last.
pub fn challenge<C: Computation>(
	dispute: &Dispute,
	program: &Checked,
	own: &mut C,
	shown: Option<&[u8; TILE_BYTES]>,
) -> Result<ChallengerMove, PartyError<C::Error>> {
	let mut view = View::new(dispute, program, own);
	match dispute.position() {
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
				tile: Box::new(*shown),
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

/// The children of a node of the tree over these leaves.
fn children<E>(descent: &Descent, leaves: &[Hash]) -> Result<DefenderMove, PartyError<E>> {
	let covered = run(leaves, descent.first, descent.width).ok_or(PartyError::NoSuchThing)?;
	let width = descent.child_width() as usize;
	Ok(DefenderMove::Children(
		covered.chunks(width.max(1)).map(merkle_root).collect(),
	))
}

/// The first child that is not the node of the tree over these leaves.
fn first_wrong<E>(descent: &Descent, leaves: &[Hash]) -> Result<ChallengerMove, PartyError<E>> {
	let is_wrong = |node: &crate::AgreedNode| {
		run(leaves, node.first, node.width).map(merkle_root) != Some(node.node)
	};
	let mut posted = (0u32..).zip(descent.children());
	let wrong = posted.find(|(_, node)| is_wrong(node));
	let (part, _) = wrong.ok_or(PartyError::NothingWrong)?;
	Ok(ChallengerMove::Part(part))
}

fn run(leaves: &[Hash], first: u32, width: u32) -> Option<&[Hash]> {
	let first = first as usize;
	leaves.get(first..first.checked_add(width as usize)?)
}

fn tile_of(tensor: &Tensor, tile: u32) -> Box<[u8; TILE_BYTES]> {
	let mut bytes = Box::new([0; TILE_BYTES]);
	write_tile(tensor, tile, &mut bytes);
	bytes
}

/// A dispute and the own computation of it.
struct View<'a, C> {
	dispute: &'a Dispute,
	program: &'a Checked,
	own: &'a mut C,
}

impl<'a, C: Computation> View<'a, C> {
	fn new(dispute: &'a Dispute, program: &'a Checked, own: &'a mut C) -> Self {
		View {
			dispute,
			program,
			own,
		}
	}

	fn operation(&self, index: u32) -> Result<&'a Operation, PartyError<C::Error>> {
		let operation = self.program.program().operations.get(index as usize);
		operation.ok_or(PartyError::NoSuchThing)
	}

	fn tensors(&mut self) -> Result<Vec<Hash>, PartyError<C::Error>> {
		let roots = self.own.tensor_roots_after(self.dispute.step());
		roots.map_err(PartyError::Computation)
	}

	fn results(&mut self) -> Result<Vec<Hash>, PartyError<C::Error>> {
		let roots = self.own.result_roots(self.dispute.step());
		roots.map_err(PartyError::Computation)
	}

	fn value(&mut self, value: ValueId) -> Result<Tensor, PartyError<C::Error>> {
		let value = self.own.value(self.dispute.step(), value);
		value.map_err(PartyError::Computation)
	}

	fn tensor(&mut self, origin: Origin) -> Result<Tensor, PartyError<C::Error>> {
		match origin {
			Origin::Initial { tensor } => self.own.initial(tensor).map_err(PartyError::Computation),
			Origin::Operation { index } => {
				let inputs = self.program.program().inputs.len() as u32;
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
	fn running(
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

	fn evidence(
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
	fn operand_root(&mut self, value: ValueId) -> Result<OperandRoot, PartyError<C::Error>> {
		let step = self.dispute.step();
		if let Some(index) = self.program.operation_of(value) {
			let leaves = self.results()?;
			let mut agreed = self.dispute.agreed().iter();
			let node = agreed.find(|node| node.covers(index));
			let node = node.ok_or(PartyError::NoSuchThing)?;
			let covered = run(&leaves, node.first, node.width).ok_or(PartyError::NoSuchThing)?;
			return opened(covered, index.saturating_sub(node.first));
		}
		let input = self.program.program().inputs.get(value as usize);
		let leaves = match input.ok_or(PartyError::NoSuchThing)?.source {
			Source::State(tensor) => (self.own.tensor_roots_before(step), tensor),
			Source::Update { update, tensor } => (self.own.tensor_roots_of_update(update), tensor),
			_ => {
				return Ok(OperandRoot {
					root: tensor_root(&self.value(value)?),
					proof: MerkleProof::default(),
				})
			}
		};
		let (leaves, tensor) = leaves;
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
