//! Operations on tensors of any type: other shapes, parts, choices by masks, new tensors.

use super::{number, shape, unsupported, Lowered, Lowering, Refusal};
use burn::tensor::{DType as BurnType, Slice};
use burn_ir::{BaseOperationIr, BinaryOpIr, CatOpIr, RepeatDimOpIr, ScalarOpIr, TensorIr};
use repops::{
	program::{Relation, ValueId},
	tensor::DType,
};

impl Lowering<'_> {
	pub(super) fn base(&mut self, operation: &BaseOperationIr, out: &TensorIr) -> Lowered {
		use BaseOperationIr::*;
		if out.dtype.is_float() && out.dtype != BurnType::F32 {
			return unsupported("only F32 numbers are");
		}
		Ok(match operation {
			Reshape(op) => {
				let input = self.operand(&op.input)?;
				self.graph.reshape(input, &shape(out))
			}
			SwapDims(op) => {
				let mut axes: Vec<usize> = (0..op.input.shape.num_dims()).collect();
				axes.swap(op.dim1, op.dim2);
				let input = self.operand(&op.input)?;
				self.graph.permute(input, &axes)
			}
			Permute(op) => {
				let input = self.operand(&op.input)?;
				self.graph.permute(input, &op.axes)
			}
			Expand(op) => self.operand_as(&op.input, out)?,
			RepeatDim(op) => self.repeat(op)?,
			Cast(op) if op.input.dtype == op.out.dtype => self.operand(&op.input)?,
			Slice(op) => {
				let whole = self.operand(&op.tensor)?;
				let starts = starts(&op.ranges, &op.tensor)?;
				self.graph.slice(whole, &starts, &shape(out))
			}
			SliceAssign(op) => {
				let (whole, part) = self.alike(&op.tensor, &op.value)?;
				let starts = starts(&op.ranges, &op.tensor)?;
				self.graph.insert(whole, part, &starts)
			}
			Cat(op) => self.concatenation(op)?,
			// What is in an empty tensor is not said; zeros are as good as anything.
			Empty(_) | Zeros(_) => self.filled(0.0, out),
			Ones(_) => self.filled(1.0, out),
			Equal(op) => self.compare(Relation::Equal, op)?,
			EqualElem(op) => self.compare_scalar(Relation::Equal, op)?,
			MaskWhere(op) => {
				let mask = self.operand_as(&op.mask, out)?;
				let (tensor, value) = self.alike(&op.tensor, &op.value)?;
				let tensor = self.expand(tensor, &shape(out));
				let value = self.expand(value, &shape(out));
				self.graph.select(mask, value, tensor)
			}
			MaskFill(op) => {
				let mask = self.operand_as(&op.mask, out)?;
				let tensor = self.number_as(&op.tensor, out)?;
				let filled = self.graph.fill(mask, tensor, number(op.value));
				self.as_declared(filled, out)
			}
			Select(op) => self.select(op)?,
			SelectAssign(op) => self.select_assign(op)?,
			Gather(op) => self.gather(op)?,
			Scatter(op) => self.scatter(op, out)?,
			_ => return unsupported(""),
		})
	}

	/// A tensor of equal elements of Burn's type.
	pub(super) fn filled(&mut self, value: f32, out: &TensorIr) -> ValueId {
		let filled = self.graph.constant(value, &shape(out));
		self.as_declared(filled, out)
	}

	/// Numbers 0 and 1 as truth values, if this is what Burn says that they are.
	pub(super) fn as_declared(&mut self, value: ValueId, out: &TensorIr) -> ValueId {
		match out.dtype.is_bool() {
			true => self.as_integer(value),
			false => value,
		}
	}

	/// Two operands of the same type: integers are numbers if one of them has been computed with.
	pub(super) fn alike(
		&mut self,
		a: &TensorIr,
		b: &TensorIr,
	) -> Result<(ValueId, ValueId), Refusal> {
		let (a, b) = (self.operand(a)?, self.operand(b)?);
		if self.graph.dtype(a) == self.graph.dtype(b) {
			return Ok((a, b));
		}
		Ok((self.as_number(a), self.as_number(b)))
	}

	/// An axis that is repeated as a whole: as another axis before it.
	fn repeat(&mut self, op: &RepeatDimOpIr) -> Lowered {
		let value = self.operand(&op.tensor)?;
		let from = self.graph.shape(value).to_vec();
		let Ok(times) = u32::try_from(op.times) else {
			return unsupported("repeats too often");
		};
		if from[op.dim] == 1 {
			return Ok(self.expand(value, &shape(&op.out)));
		}
		let outer = from[..op.dim].iter().product();
		let inner = from[op.dim..].iter().product();
		let value = self.graph.reshape(value, &[outer, 1, inner]);
		let value = self.graph.broadcast(value, &[outer, times, inner]);
		Ok(self.graph.reshape(value, &shape(&op.out)))
	}

	fn concatenation(&mut self, op: &CatOpIr) -> Lowered {
		let mut parts = Vec::with_capacity(op.tensors.len());
		for tensor in &op.tensors {
			parts.push(self.operand(tensor)?);
		}
		let mut whole = self.graph.constant(0.0, &shape(&op.out));
		let is_number = |part: &ValueId| self.graph.dtype(*part) == DType::F32;
		if parts.iter().any(is_number) {
			parts = parts.iter().map(|part| self.as_number(*part)).collect();
		} else {
			whole = self.graph.integer_of(whole);
		}
		let mut starts = vec![0; op.out.shape.num_dims()];
		for part in parts {
			whole = self.graph.insert(whole, part, &starts);
			starts[op.dim] += self.graph.shape(part)[op.dim];
		}
		Ok(whole)
	}

	pub(super) fn compare(&mut self, relation: Relation, op: &BinaryOpIr) -> Lowered {
		let (a, b) = self.alike(&op.lhs, &op.rhs)?;
		let a = self.expand(a, &shape(&op.out));
		let b = self.expand(b, &shape(&op.out));
		Ok(self.graph.compare(relation, a, b))
	}

	pub(super) fn compare_scalar(&mut self, relation: Relation, op: &ScalarOpIr) -> Lowered {
		let a = self.number(&op.lhs)?;
		Ok(self.graph.compare_scalar(relation, a, number(op.rhs)))
	}
}

/// The first index of each axis of a part.
fn starts(ranges: &[Slice], whole: &TensorIr) -> Result<Vec<u32>, Refusal> {
	let mut starts = vec![0; whole.shape.num_dims()];
	for ((slice, length), start) in ranges.iter().zip(whole.shape.iter()).zip(&mut starts) {
		if slice.step != 1 {
			return unsupported("only parts without gaps, in the same order");
		}
		*start = u32::try_from(slice.to_range(*length).start).unwrap_or(u32::MAX);
	}
	Ok(starts)
}
