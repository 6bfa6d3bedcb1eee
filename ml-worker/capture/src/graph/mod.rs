//! A program under construction: values, their types, and the tidying that Burn's gradients need.
//!
//! Autodiff leaves obvious waste: tensors of ones times a constant, double reshapes, masks computed
//! twice. Each operation is therefore simplified when it is added, and one that is there already is
//! used again. Whatever no output needs is left out in the end. The rules only use identities that
//! hold for rounded arithmetic too, up to the sign of a zero.

mod contraction;
mod elementwise;
mod movement;

pub(crate) use contraction::Factor;

use codec::Encode;
use repops::{
	program::{
		Initialiser, Input, Operation, OperationKind, Output, Program, Source, StateTensor, Target,
		ValueId, ARITHMETIC_VERSION,
	},
	tensor::{DType, Shape, TensorType},
};
use std::collections::HashMap;

/// A program under construction.
#[derive(Default)]
pub(crate) struct Graph {
	nodes: Vec<Node>,
	/// The encoded operation of each node, to find equal ones.
	known: HashMap<Vec<u8>, ValueId>,
	/// The recorded operation that is being lowered.
	pub(crate) recorded: Option<usize>,
}

struct Node {
	origin: Origin,
	kind: TensorType,
	/// The recorded operation that it was made for.
	recorded: Option<usize>,
}

/// A finished program.
pub(crate) struct Finished {
	/// The program.
	pub(crate) program: Program,
	/// For each of its operations the recorded one that it was made for; none for the batch and the optimiser.
	pub(crate) recorded: Vec<Option<usize>>,
}

enum Origin {
	Input(Source),
	Operation(Operation),
}

impl Graph {
	/// The value that is read from a source.
	pub(crate) fn input(&mut self, source: Source, dtype: DType, shape: &[u32]) -> ValueId {
		let found = self
			.nodes
			.iter()
			.position(|node| matches!(node.origin, Origin::Input(existing) if existing == source));
		match found {
			Some(id) => id as ValueId,
			None => self.add_node(Origin::Input(source), dtype, shape.to_vec()),
		}
	}

	/// The shape of a value.
	pub(crate) fn shape(&self, value: ValueId) -> &[u32] {
		&self.nodes[value as usize].kind.shape.0
	}

	/// The element type of a value.
	pub(crate) fn dtype(&self, value: ValueId) -> DType {
		self.nodes[value as usize].kind.dtype
	}

	fn add_node(&mut self, origin: Origin, dtype: DType, shape: Vec<u32>) -> ValueId {
		self.nodes.push(Node {
			origin,
			kind: TensorType {
				dtype,
				shape: Shape(shape),
			},
			recorded: self.recorded,
		});
		(self.nodes.len() - 1) as ValueId
	}

	/// Adds an operation, or finds it.
	fn push(
		&mut self,
		kind: OperationKind,
		operands: &[ValueId],
		dtype: DType,
		shape: Vec<u32>,
	) -> ValueId {
		let operation = Operation {
			kind,
			operands: operands.to_vec(),
		};
		let key = operation.encode();
		if let Some(existing) = self.known.get(&key) {
			return *existing;
		}
		let value = self.add_node(Origin::Operation(operation), dtype, shape);
		self.known.insert(key, value);
		value
	}

	/// Adds an operation whose result has the type of `like`.
	fn push_like(&mut self, kind: OperationKind, operands: &[ValueId], like: ValueId) -> ValueId {
		let TensorType { dtype, shape } = self.nodes[like as usize].kind.clone();
		self.push(kind, operands, dtype, shape.0)
	}

	/// What makes a value, with its first operand.
	fn origin(&self, value: ValueId) -> Option<(&OperationKind, ValueId)> {
		match &self.nodes[value as usize].origin {
			Origin::Operation(Operation { kind, operands }) => {
				operands.first().map(|operand| (kind, *operand))
			}
			Origin::Input(_) => None,
		}
	}

	/// The operation that makes a value, with its operands.
	fn operation_of(&self, value: ValueId) -> Option<&Operation> {
		match &self.nodes[value as usize].origin {
			Origin::Operation(operation) => Some(operation),
			Origin::Input(_) => None,
		}
	}

	/// The operation that makes a value.
	fn operation(&self, value: ValueId) -> Option<&OperationKind> {
		self.operation_of(value).map(|operation| &operation.kind)
	}

	/// The number that all elements of a value are known to be.
	pub(crate) fn constant_value(&self, value: ValueId) -> Option<f32> {
		match self.operation(value) {
			Some(OperationKind::Constant { value, .. }) => Some((*value).into()),
			_ => None,
		}
	}

	/// A tensor whose elements are all `value`.
	pub(crate) fn constant(&mut self, value: f32, shape: &[u32]) -> ValueId {
		let kind = OperationKind::Constant {
			shape: Shape(shape.to_vec()),
			value: value.into(),
		};
		self.push(kind, &[], DType::F32, shape.to_vec())
	}

	pub(crate) fn batch_rows(
		&mut self,
		seed: ValueId,
		position: ValueId,
		population: u32,
		batch: u32,
	) -> ValueId {
		let kind = OperationKind::BatchRows { population, batch };
		self.push(kind, &[seed, position], DType::U32, vec![batch])
	}

	/// Random numbers, others for each stream.
	pub(crate) fn random(
		&mut self,
		[seed, position]: [ValueId; 2],
		stream: u32,
		shape: &[u32],
		distribution: Initialiser,
	) -> ValueId {
		let kind = OperationKind::Random {
			stream,
			shape: Shape(shape.to_vec()),
			distribution,
		};
		self.push(kind, &[seed, position], DType::F32, shape.to_vec())
	}

	/// The program with these outputs: without what they don't need, and numbered anew. The same
	/// operations in the same order give the same program.
	pub(crate) fn finish(
		self,
		state: Vec<StateTensor>,
		outputs: Vec<(Target, ValueId)>,
	) -> Finished {
		let mut needed = vec![false; self.nodes.len()];
		for (_, value) in &outputs {
			needed[*value as usize] = true;
		}
		// Operands always come before the operation, so one pass from the end finds them all.
		for (index, node) in self.nodes.iter().enumerate().rev() {
			if let (true, Origin::Operation(operation)) = (needed[index], &node.origin) {
				for operand in &operation.operands {
					needed[*operand as usize] = true;
				}
			}
		}

		let mut inputs = Vec::new();
		let mut operations = Vec::new();
		let mut recorded = Vec::new();
		for (index, node) in self.nodes.into_iter().enumerate() {
			match node.origin {
				_ if !needed[index] => {}
				Origin::Input(source) => inputs.push((
					index,
					Input {
						source,
						kind: node.kind,
					},
				)),
				Origin::Operation(operation) => {
					operations.push((index, operation));
					recorded.push(node.recorded);
				}
			}
		}
		inputs.sort_by_key(|(_, input)| source_order(input.source));

		let mut numbers = vec![0; needed.len()];
		let in_order = inputs
			.iter()
			.map(|(index, _)| *index)
			.chain(operations.iter().map(|o| o.0));
		for (number, index) in in_order.enumerate() {
			numbers[index] = number as ValueId;
		}
		let renumber = |value: ValueId| numbers[value as usize];
		let program = Program {
			version: ARITHMETIC_VERSION,
			state,
			inputs: inputs.into_iter().map(|(_, input)| input).collect(),
			operations: operations
				.into_iter()
				.map(|(_, Operation { kind, operands })| Operation {
					kind,
					operands: operands.into_iter().map(renumber).collect(),
				})
				.collect(),
			outputs: outputs
				.into_iter()
				.map(|(target, value)| Output {
					target,
					value: renumber(value),
				})
				.collect(),
		};
		Finished { program, recorded }
	}
}

/// State first, then the data, then what chooses the batch.
fn source_order(source: Source) -> (u8, u16, u16) {
	match source {
		Source::State(index) => (0, index, 0),
		Source::Features => (1, 0, 0),
		Source::Labels => (2, 0, 0),
		Source::Seed => (3, 0, 0),
		Source::Position => (4, 0, 0),
		Source::Update { update, tensor } => (5, update, tensor),
	}
}
