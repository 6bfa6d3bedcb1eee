//! Operations on each element for itself.

use super::{Graph, Origin};
use codec::Encode;
use repops::{
	number,
	program::{Bits, Operation, OperationKind, Relation, ValueId},
	tensor::DType,
};

impl Graph {
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
		if let Some(a) = self.constant_value(a) {
			let negated = self.multiply_scalar(b, -1.0);
			return self.add_scalar(negated, a);
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

	/// `a / b`, as a product with the rounded `1 / b` if that is a normal number.
	pub(crate) fn divide_scalar(&mut self, a: ValueId, b: f32) -> ValueId {
		let factor = number::div(1.0, b);
		if factor.is_normal() {
			return self.multiply_scalar(a, factor);
		}
		let shape = self.shape(a).to_vec();
		let divisor = self.constant(b, &shape);
		self.divide(a, divisor)
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

	/// An operation on each element: `Exp`, `Log`, `Sqrt`, `Tanh`, `Erf` or `Reciprocal`.
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

	/// 1 where a mask is 0, else 0.
	pub(crate) fn not(&mut self, mask: ValueId) -> ValueId {
		let numbers = self.to_number(mask);
		self.compare_scalar(Relation::Equal, numbers, 0.0)
	}

	/// Numbers as integers: without their fraction; 0 for those below 1.
	pub(crate) fn to_integer(&mut self, a: ValueId) -> ValueId {
		if let Some((OperationKind::ToNumber, inner)) = self.origin(a) {
			return inner;
		}
		let shape = self.shape(a).to_vec();
		self.push(OperationKind::ToInteger, &[a], DType::U32, shape)
	}

	/// Integers as numbers.
	pub(crate) fn to_number(&mut self, a: ValueId) -> ValueId {
		if let Some((OperationKind::Broadcast { shape }, inner)) = self.origin(a) {
			let shape = shape.0.clone();
			let inner = self.to_number(inner);
			return self.broadcast(inner, &shape);
		}
		let shape = self.shape(a).to_vec();
		self.push(OperationKind::ToNumber, &[a], DType::F32, shape)
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
}
