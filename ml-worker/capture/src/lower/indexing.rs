//! Rows of tables and elements of rows that integers choose.

use super::{shape, unsupported, Lowered, Lowering, Refusal};
use burn::tensor::IndexingUpdateOp;
use burn_ir::{
	EmbeddingBackwardOpIr, EmbeddingOpIr, GatherOpIr, ScatterOpIr, SelectAssignOpIr, SelectOpIr,
	TensorIr,
};
use repops::program::{Relation, ValueId};

impl Lowering<'_> {
	/// Indices as one list.
	fn list(&mut self, indices: &TensorIr) -> Lowered {
		let indices = self.integer(indices)?;
		let count = self.graph.shape(indices).iter().product();
		Ok(self.graph.reshape(indices, &[count]))
	}

	pub(super) fn embedding(&mut self, op: &EmbeddingOpIr) -> Lowered {
		let table = self.operand(&op.weights)?;
		let indices = self.list(&op.indices)?;
		let rows = self.graph.gather_rows(table, indices);
		Ok(self.graph.reshape(rows, &shape(&op.out)))
	}

	pub(super) fn embedding_backward(&mut self, op: &EmbeddingBackwardOpIr) -> Lowered {
		let [rows, columns] = shape(&op.weights)[..] else {
			return unsupported("an embedding is a matrix");
		};
		let gradient = self.operand(&op.out_grad)?;
		let indices = self.list(&op.indices)?;
		let count = self.graph.shape(indices)[0];
		let gradient = self.graph.reshape(gradient, &[count, columns]);
		Ok(self.graph.scatter_rows(gradient, indices, rows))
	}

	/// Rows along any axis, which changes places with the first one for that.
	pub(super) fn select(&mut self, op: &SelectOpIr) -> Lowered {
		let table = self.operand(&op.tensor)?;
		let indices = self.list(&op.indices)?;
		let table = self.swap_with_first(table, op.dim);
		let rows = self.graph.gather_rows(table, indices);
		Ok(self.swap_with_first(rows, op.dim))
	}

	pub(super) fn select_assign(&mut self, op: &SelectAssignOpIr) -> Lowered {
		if op.update != IndexingUpdateOp::Add || !op.out.dtype.is_float() {
			return unsupported("only numbers that are added");
		}
		let table = self.operand(&op.tensor)?;
		let value = self.operand(&op.value)?;
		let indices = self.list(&op.indices)?;
		let rows = self.graph.shape(table)[op.dim];
		let value = self.swap_with_first(value, op.dim);
		let sums = self.graph.scatter_rows(value, indices, rows);
		let sums = self.swap_with_first(sums, op.dim);
		Ok(self.graph.add(sums, table))
	}

	fn swap_with_first(&mut self, value: ValueId, axis: usize) -> ValueId {
		let mut axes: Vec<usize> = (0..self.graph.shape(value).len()).collect();
		axes.swap(0, axis);
		self.graph.permute(value, &axes)
	}

	/// One element of each row along an axis, as a sum over that axis in which all others are 0: so it is exact.
	pub(super) fn gather(&mut self, op: &GatherOpIr) -> Lowered {
		let table = self.number(&op.tensor)?;
		let zeros = self.graph.constant(0.0, &shape(&op.tensor));
		let chosen = self.chosen(&op.indices, op.dim, &op.tensor, table, zeros)?;
		let sum = self.graph.sum(chosen, op.dim);
		Ok(self.as_declared(sum, &op.out))
	}

	pub(super) fn scatter(&mut self, op: &ScatterOpIr, out: &TensorIr) -> Lowered {
		if op.update != IndexingUpdateOp::Add || !out.dtype.is_float() {
			return unsupported("only numbers that are added");
		}
		let table = self.operand(&op.tensor)?;
		let zeros = self.graph.constant(0.0, &shape(out));
		let value = self.operand_as(&op.value, out)?;
		let added = self.chosen(&op.indices, op.dim, &op.tensor, value, zeros)?;
		Ok(self.graph.add(added, table))
	}

	/// For indices along an axis of a table, where they have length 1: `value` where they point, else `zeros`.
	fn chosen(
		&mut self,
		indices: &TensorIr,
		axis: usize,
		table: &TensorIr,
		value: ValueId,
		zeros: ValueId,
	) -> Result<ValueId, Refusal> {
		let table = shape(table);
		let mut one_of_each = table.clone();
		one_of_each[axis] = 1;
		if shape(indices) != one_of_each {
			return unsupported("only one element of each row along the axis can be chosen");
		}
		let indices = self.integer(indices)?;
		if let ([rows, columns], 1) = (&table[..], axis) {
			let indices = self.graph.reshape(indices, &[*rows]);
			let ones = self.graph.one_hot(indices, *columns);
			return Ok(self.graph.multiply(ones, value));
		}
		let places = self.graph.iota(&table, axis);
		let indices = self.graph.number_of(indices);
		let indices = self.graph.broadcast(indices, &table);
		let mask = self.graph.compare(Relation::Equal, places, indices);
		Ok(self.graph.select(mask, value, zeros))
	}
}
