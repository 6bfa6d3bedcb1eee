//! Operations on each element for itself.

use super::{Graph, Origin};
use codec::Encode;
use repops::{
	number,
	program::{Bits, Operation, OperationKind, Relation, ValueId},
	tensor::DType,
};

impl Graph {
	/// Adds an operation on elements of the same places. If all operands are reshaped from the same shape, so is the
	/// result: the operations before and after it then form one chain.
	fn element(&mut self, kind: OperationKind, operands: &[ValueId], dtype: DType) -> ValueId {
		let shape = self.shape(operands[0]).to_vec();
		let inner: Option<Vec<ValueId>> = operands.iter().map(|a| self.reshaped(*a)).collect();
		if let Some(inner) = inner {
			let from = self.shape(inner[0]);
			if inner.iter().all(|other| self.shape(*other) == from) {
				let result = self.element(kind, &inner, dtype);
				return self.reshape(result, &shape);
			}
		}
		self.push(kind, operands, dtype, shape)
	}

	/// What a value is reshaped from.
	fn reshaped(&self, value: ValueId) -> Option<ValueId> {
		match self.origin(value) {
			Some((OperationKind::Reshape { .. }, inner)) => Some(inner),
			_ => None,
		}
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
		self.element(OperationKind::Add, &[a, b], DType::F32)
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
		self.element(OperationKind::Subtract, &[a, b], DType::F32)
	}

	/// `x`, if the value is `-x`.
	pub(super) fn negated(&mut self, value: ValueId) -> Option<ValueId> {
		match self.origin(value)? {
			(OperationKind::MultiplyScalar(factor), inner) if f32::from(*factor) == -1.0 => {
				Some(inner)
			}
			(OperationKind::Reshape { shape }, inner) => {
				let shape = shape.0.clone();
				let inner = self.negated(inner)?;
				Some(self.reshape(inner, &shape))
			}
			(OperationKind::Broadcast { shape }, inner) => {
				let shape = shape.0.clone();
				let inner = self.negated(inner)?;
				Some(self.broadcast(inner, &shape))
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
		if let Some(a) = self.negated(a) {
			let product = self.multiply(a, b);
			return self.multiply_scalar(product, -1.0);
		}
		if let Some(b) = self.negated(b) {
			let product = self.multiply(a, b);
			return self.multiply_scalar(product, -1.0);
		}
		self.element(OperationKind::Multiply, &[a, b], DType::F32)
	}

	pub(crate) fn divide(&mut self, a: ValueId, b: ValueId) -> ValueId {
		if let Some(a) = self.negated(a) {
			let quotient = self.divide(a, b);
			return self.multiply_scalar(quotient, -1.0);
		}
		self.element(OperationKind::Divide, &[a, b], DType::F32)
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
			None => self.element(OperationKind::AddScalar(b.into()), &[a], DType::F32),
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
			_ => match self.reshaped(a) {
				Some(operand) => {
					let shape = self.shape(a).to_vec();
					let scaled = self.multiply_scalar(operand, b);
					self.reshape(scaled, &shape)
				}
				None => self.element(OperationKind::MultiplyScalar(b.into()), &[a], DType::F32),
			},
		}
	}

	/// An operation on each element: `Exp`, `Log`, `Sqrt`, `Tanh`, `Erf` or `Reciprocal`.
	pub(crate) fn unary(&mut self, kind: OperationKind, a: ValueId) -> ValueId {
		if let Some((OperationKind::Broadcast { shape }, operand)) = self.origin(a) {
			let shape = shape.0.clone();
			let inner = self.unary(kind, operand);
			return self.broadcast(inner, &shape);
		}
		self.element(kind, &[a], DType::F32)
	}

	pub(crate) fn compare(&mut self, relation: Relation, a: ValueId, b: ValueId) -> ValueId {
		self.element(OperationKind::Compare(relation), &[a, b], DType::U32)
	}

	pub(crate) fn compare_scalar(&mut self, relation: Relation, a: ValueId, b: f32) -> ValueId {
		if let Some(inner) = self.reshaped(a) {
			let shape = self.shape(a).to_vec();
			let mask = self.compare_scalar(relation, inner, b);
			return self.reshape(mask, &shape);
		}
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
		self.element(kind, &[a], DType::U32)
	}

	/// `a` where the mask is not 0, else `b`.
	pub(crate) fn select(&mut self, mask: ValueId, a: ValueId, b: ValueId) -> ValueId {
		match self.constant_value(a) {
			Some(value) => self.fill(mask, b, value),
			None => self.element(OperationKind::Select, &[mask, a, b], self.dtype(a)),
		}
	}

	/// The constant where the mask is not 0, else `a`.
	pub(crate) fn fill(&mut self, mask: ValueId, a: ValueId, value: f32) -> ValueId {
		self.element(OperationKind::Fill(value.into()), &[mask, a], DType::F32)
	}

	/// 1 where a mask is 0, else 0.
	pub(crate) fn not(&mut self, mask: ValueId) -> ValueId {
		let numbers = self.number_of(mask);
		self.compare_scalar(Relation::Equal, numbers, 0.0)
	}

	/// Numbers as integers: without their fraction; 0 for those below 1.
	pub(crate) fn integer_of(&mut self, a: ValueId) -> ValueId {
		if let Some((OperationKind::ToNumber, inner)) = self.origin(a) {
			return inner;
		}
		self.element(OperationKind::ToInteger, &[a], DType::U32)
	}

	/// Integers as numbers.
	pub(crate) fn number_of(&mut self, a: ValueId) -> ValueId {
		if let Some((OperationKind::Broadcast { shape }, inner)) = self.origin(a) {
			let shape = shape.0.clone();
			let inner = self.number_of(inner);
			return self.broadcast(inner, &shape);
		}
		self.element(OperationKind::ToNumber, &[a], DType::F32)
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
