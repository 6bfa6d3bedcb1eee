//! Integers and truth values.
//!
//! Burn's integers are signed and have 32 bits; programs count without a sign. What is computed from integers is
//! therefore a number, exact up to 2^24, and becomes an index only where one is needed.

use super::{unsupported, Lowered, Lowering};
use burn_ir::{BoolOperationIr, IntOperationIr, NumericOperationIr, TensorIr};

impl Lowering<'_> {
	pub(super) fn integers(&mut self, operation: &IntOperationIr) -> Lowered {
		match operation {
			IntOperationIr::IntoFloat(op) => self.number(&op.input),
			_ => unsupported(""),
		}
	}

	/// The operations whose results are exact as numbers too.
	pub(super) fn integer_numeric(
		&mut self,
		operation: &NumericOperationIr,
		out: &TensorIr,
	) -> Lowered {
		use NumericOperationIr::*;
		match operation {
			Add(_) | AddScalar(_) | Sub(_) | SubScalar(_) | Mul(_) | MulScalar(_) | Abs(_)
			| Full(_) | Clamp(_) | Max(_) | MaxDim(_) | Min(_) | MinDim(_) | Greater(_)
			| GreaterElem(_) | GreaterEqual(_) | GreaterEqualElem(_) | Lower(_) | LowerElem(_)
			| LowerEqual(_) | LowerEqualElem(_) => self.numeric(operation, out),
			_ => unsupported(""),
		}
	}

	pub(super) fn truth_values(&mut self, operation: &BoolOperationIr) -> Lowered {
		use BoolOperationIr::*;
		Ok(match operation {
			IntoFloat(op) => self.number(&op.input)?,
			IntoInt(op) => self.operand(&op.input)?,
			Not(op) => {
				let a = self.operand(&op.input)?;
				self.graph.not(a)
			}
			And(op) => {
				let a = self.operand_as(&op.lhs, &op.out)?;
				let b = self.operand_as(&op.rhs, &op.out)?;
				self.graph.select(a, b, a)
			}
			Or(op) => {
				let a = self.operand_as(&op.lhs, &op.out)?;
				let b = self.operand_as(&op.rhs, &op.out)?;
				self.graph.select(a, a, b)
			}
		})
	}
}
