//! A program under construction: values, their types, and the tidying that Burn's gradients need.
//!
//! Autodiff leaves obvious waste: tensors of ones times a constant, double reshapes, masks computed
//! twice. Each operation is therefore simplified when it is added, and one that is there already is
//! used again. Whatever no output needs is left out in the end. The rules only use identities that
//! hold for rounded arithmetic too, up to the sign of a zero.

use codec::Encode;
use repops::{
	number,
	program::{
		Bits, Input, Operation, OperationKind, Output, Program, Relation, Source, StateTensor,
		Target, ValueId, ARITHMETIC_VERSION,
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
}

struct Node {
	origin: Origin,
	kind: TensorType,
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

	/// The number that all elements of a value are known to be.
	pub(crate) fn constant_value(&self, value: ValueId) -> Option<f32> {
		match &self.nodes[value as usize].origin {
			Origin::Operation(Operation {
				kind: OperationKind::Constant { value, .. },
				..
			}) => Some((*value).into()),
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

	pub(crate) fn gather_rows(&mut self, table: ValueId, indices: ValueId) -> ValueId {
		let mut shape = self.shape(table).to_vec();
		shape[0] = self.shape(indices)[0];
		self.push(
			OperationKind::GatherRows,
			&[table, indices],
			self.dtype(table),
			shape,
		)
	}

	/// The product of two matrices; transpositions of the operands become part of it.
	pub(crate) fn matmul(
		&mut self,
		(mut left, mut transpose_left): (ValueId, bool),
		(mut right, mut transpose_right): (ValueId, bool),
	) -> ValueId {
		while let Some((OperationKind::Transpose, inner)) = self.origin(left) {
			(left, transpose_left) = (inner, !transpose_left);
		}
		while let Some((OperationKind::Transpose, inner)) = self.origin(right) {
			(right, transpose_right) = (inner, !transpose_right);
		}
		let rows = self.shape(left)[usize::from(transpose_left)];
		let columns = self.shape(right)[usize::from(!transpose_right)];
		let kind = OperationKind::MatMul {
			transpose_left,
			transpose_right,
		};
		self.push(kind, &[left, right], DType::F32, vec![rows, columns])
	}

	pub(crate) fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
		if let Some(b) = self.constant_value(b) {
			return self.add_scalar(a, b);
		}
		if let Some(a) = self.constant_value(a) {
			return self.add_scalar(b, a);
		}
		if let Some(b) = self.negated(b) {
			return self.subtract(a, b);
		}
		if let Some(a) = self.negated(a) {
			return self.subtract(b, a);
		}
		self.push_like(OperationKind::Add, &[a, b], a)
	}

	pub(crate) fn subtract(&mut self, a: ValueId, b: ValueId) -> ValueId {
		if let Some(b) = self.constant_value(b) {
			return self.add_scalar(a, -b);
		}
		if let Some(b) = self.negated(b) {
			return self.add(a, b);
		}
		self.push_like(OperationKind::Subtract, &[a, b], a)
	}

	/// `x`, if the value is `-x`.
	fn negated(&self, value: ValueId) -> Option<ValueId> {
		match self.origin(value) {
			Some((OperationKind::MultiplyScalar(factor), inner)) if f32::from(*factor) == -1.0 => {
				Some(inner)
			}
			_ => None,
		}
	}

	pub(crate) fn multiply(&mut self, a: ValueId, b: ValueId) -> ValueId {
		if let Some(b) = self.constant_value(b) {
			return self.multiply_scalar(a, b);
		}
		if let Some(a) = self.constant_value(a) {
			return self.multiply_scalar(b, a);
		}
		self.push_like(OperationKind::Multiply, &[a, b], a)
	}

	pub(crate) fn divide(&mut self, a: ValueId, b: ValueId) -> ValueId {
		self.push_like(OperationKind::Divide, &[a, b], a)
	}

	pub(crate) fn add_scalar(&mut self, a: ValueId, b: f32) -> ValueId {
		match self.constant_value(a) {
			Some(a_value) => {
				let shape = self.shape(a).to_vec();
				self.constant(number::add(a_value, b), &shape)
			}
			None if b == 0.0 => a,
			None => self.push_like(OperationKind::AddScalar(b.into()), &[a], a),
		}
	}

	pub(crate) fn multiply_scalar(&mut self, a: ValueId, b: f32) -> ValueId {
		if b == 1.0 {
			return a;
		}
		if let Some(a_value) = self.constant_value(a) {
			let shape = self.shape(a).to_vec();
			return self.constant(number::mul(a_value, b), &shape);
		}
		match self.origin(a) {
			// Two factors are one only if no rounding is lost between them.
			Some((OperationKind::MultiplyScalar(inner), operand))
				if b == -1.0 || f32::from(*inner) == -1.0 =>
			{
				let factor = f32::from(*inner) * b;
				self.multiply_scalar(operand, factor)
			}
			Some((OperationKind::Broadcast { shape }, operand)) => {
				let shape = shape.0.clone();
				let scaled = self.multiply_scalar(operand, b);
				self.broadcast(scaled, &shape)
			}
			Some((OperationKind::Reshape { shape }, operand)) => {
				let shape = shape.0.clone();
				let scaled = self.multiply_scalar(operand, b);
				self.reshape(scaled, &shape)
			}
			_ => self.push_like(OperationKind::MultiplyScalar(b.into()), &[a], a),
		}
	}

	/// An operation on each element: `Exp`, `Log`, `Sqrt`, `Tanh` or `Reciprocal`.
	pub(crate) fn unary(&mut self, kind: OperationKind, a: ValueId) -> ValueId {
		if let Some((OperationKind::Broadcast { shape }, operand)) = self.origin(a) {
			let shape = shape.0.clone();
			let inner = self.unary(kind, operand);
			return self.broadcast(inner, &shape);
		}
		self.push_like(kind, &[a], a)
	}

	pub(crate) fn compare(&mut self, relation: Relation, a: ValueId, b: ValueId) -> ValueId {
		let shape = self.shape(a).to_vec();
		self.push(OperationKind::Compare(relation), &[a, b], DType::U32, shape)
	}

	pub(crate) fn compare_scalar(&mut self, relation: Relation, a: ValueId, b: f32) -> ValueId {
		let kind = OperationKind::CompareScalar(relation, b.into());
		// Relu and its gradient ask for `x <= 0` and `relu(x) <= 0`. What was filled with `b` where
		// `x <= b` is `<= b` in just the same places.
		if relation == Relation::LessEqual && !b.is_nan() {
			if let Origin::Operation(Operation {
				kind: OperationKind::Fill(filled),
				operands,
			}) = &self.nodes[a as usize].origin
			{
				let mask = Operation {
					kind: kind.clone(),
					operands: vec![operands[1]],
				};
				if *filled == Bits::from(b) && self.known.get(&mask.encode()) == Some(&operands[0])
				{
					return operands[0];
				}
			}
		}
		let shape = self.shape(a).to_vec();
		self.push(kind, &[a], DType::U32, shape)
	}

	/// `a` where the mask is not 0, else `b`.
	pub(crate) fn select(&mut self, mask: ValueId, a: ValueId, b: ValueId) -> ValueId {
		match self.constant_value(a) {
			Some(value) => self.fill(mask, b, value),
			None => self.push_like(OperationKind::Select, &[mask, a, b], a),
		}
	}

	/// The constant where the mask is not 0, else `a`.
	pub(crate) fn fill(&mut self, mask: ValueId, a: ValueId, value: f32) -> ValueId {
		self.push_like(OperationKind::Fill(value.into()), &[mask, a], a)
	}

	pub(crate) fn sum(&mut self, a: ValueId, axis: usize) -> ValueId {
		self.reduce(OperationKind::Sum { axis: axis as u8 }, a, axis)
	}

	pub(crate) fn max(&mut self, a: ValueId, axis: usize) -> ValueId {
		self.reduce(OperationKind::Max { axis: axis as u8 }, a, axis)
	}

	fn reduce(&mut self, kind: OperationKind, a: ValueId, axis: usize) -> ValueId {
		let mut shape = self.shape(a).to_vec();
		if shape[axis] == 1 {
			return a;
		}
		shape[axis] = 1;
		self.push(kind, &[a], DType::F32, shape)
	}

	/// All elements in one row: `[1, n]`.
	pub(crate) fn flatten(&mut self, a: ValueId) -> ValueId {
		let elements = self.shape(a).iter().product();
		self.reshape(a, &[1, elements])
	}

	pub(crate) fn arg_max(&mut self, a: ValueId) -> ValueId {
		let mut shape = self.shape(a).to_vec();
		if let Some(last) = shape.last_mut() {
			*last = 1;
		}
		self.push(OperationKind::ArgMax, &[a], DType::U32, shape)
	}

	pub(crate) fn broadcast(&mut self, a: ValueId, shape: &[u32]) -> ValueId {
		if self.shape(a) == shape {
			return a;
		}
		if let Some(value) = self.constant_value(a) {
			return self.constant(value, shape);
		}
		if let Some((OperationKind::Broadcast { .. }, inner)) = self.origin(a) {
			return self.broadcast(inner, shape);
		}
		let kind = OperationKind::Broadcast {
			shape: Shape(shape.to_vec()),
		};
		self.push(kind, &[a], self.dtype(a), shape.to_vec())
	}

	/// A tensor of one element, repeated to a shape of any rank.
	pub(crate) fn broadcast_scalar(&mut self, a: ValueId, shape: &[u32]) -> ValueId {
		let a = self.reshape(a, &vec![1; shape.len()]);
		self.broadcast(a, shape)
	}

	pub(crate) fn one_hot(&mut self, labels: ValueId, classes: u32) -> ValueId {
		let shape = vec![self.shape(labels)[0], classes];
		self.push(
			OperationKind::OneHot { classes },
			&[labels],
			DType::F32,
			shape,
		)
	}

	pub(crate) fn count_nonzero(&mut self, mask: ValueId) -> ValueId {
		self.push(OperationKind::CountNonzero, &[mask], DType::U32, vec![1])
	}

	pub(crate) fn reshape(&mut self, a: ValueId, shape: &[u32]) -> ValueId {
		if self.shape(a) == shape {
			return a;
		}
		if let Some(value) = self.constant_value(a) {
			return self.constant(value, shape);
		}
		if let Some((OperationKind::Reshape { .. }, inner)) = self.origin(a) {
			return self.reshape(inner, shape);
		}
		let kind = OperationKind::Reshape {
			shape: Shape(shape.to_vec()),
		};
		self.push(kind, &[a], self.dtype(a), shape.to_vec())
	}

	pub(crate) fn transpose(&mut self, a: ValueId) -> ValueId {
		let shape = vec![self.shape(a)[1], self.shape(a)[0]];
		if let Some(value) = self.constant_value(a) {
			return self.constant(value, &shape);
		}
		if let Some((OperationKind::Transpose, inner)) = self.origin(a) {
			return inner;
		}
		self.push(OperationKind::Transpose, &[a], self.dtype(a), shape)
	}

	/// The program with these outputs: without what they don't need, and numbered anew. The same
	/// operations in the same order give the same program.
	pub(crate) fn finish(
		self,
		state: Vec<StateTensor>,
		outputs: Vec<(Target, ValueId)>,
	) -> Program {
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
				Origin::Operation(operation) => operations.push((index, operation)),
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
		Program {
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
		}
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
