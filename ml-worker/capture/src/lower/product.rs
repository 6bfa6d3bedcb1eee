//! Products of matrices and linear layers.

use super::{shape, unsupported, Lowered, Lowering};
use crate::graph::Factor;
use burn_ir::{MatmulOpIr, ModuleOperationIr, TensorIr};
use repops::program::ValueId;

impl Lowering<'_> {
	/// The product of stacks of matrices, whose leading axes are repeated as Burn does it.
	pub(super) fn matmul(&mut self, op: &MatmulOpIr) -> Lowered {
		let out = shape(&op.out);
		let (left, right) = (self.operand(&op.lhs)?, self.operand(&op.rhs)?);
		let rank = out.len();
		if rank < 2 || op.lhs.shape.num_dims() != rank || op.rhs.shape.num_dims() != rank {
			return unsupported("a product needs two matrices, or two stacks of the same rank");
		}
		let stack = &out[..rank - 2];
		let left = self.stacked(left, stack);
		let right = self.stacked(right, stack);
		let product = self.graph.matmul(left, right);
		Ok(self.graph.reshape(product, &out))
	}

	/// A factor whose stack is this one; a plain matrix, if it is the same for all of them.
	fn stacked(&mut self, value: ValueId, stack: &[u32]) -> Factor {
		let own = self.graph.shape(value).to_vec();
		let (leading, matrix) = own.split_at(own.len() - 2);
		if leading.iter().all(|length| *length == 1) {
			return (self.graph.reshape(value, matrix), false);
		}
		let whole = [stack, matrix].concat();
		(self.graph.broadcast(value, &whole), false)
	}

	pub(super) fn linear(&mut self, operation: &ModuleOperationIr, out: &TensorIr) -> Lowered {
		use ModuleOperationIr::*;
		Ok(match operation {
			Linear(op) => {
				let x = self.matrix(&op.x)?;
				let weight = self.operand(&op.weight)?;
				let mut product = self.graph.matmul((x, false), (weight, false));
				if let Some(bias) = &op.bias {
					let bias = self.operand(bias)?;
					let rows = self.graph.shape(product).to_vec();
					let bias = self.expand(bias, &rows);
					product = self.graph.add(product, bias);
				}
				self.graph.reshape(product, &shape(out))
			}
			LinearXBackward(op) => {
				let gradient = self.matrix(&op.output_grad)?;
				let weight = self.operand(&op.weight)?;
				let product = self.graph.matmul((gradient, false), (weight, true));
				self.graph.reshape(product, &shape(out))
			}
			LinearWeightBackward(op) => {
				let x = self.matrix(&op.x)?;
				let gradient = self.matrix(&op.output_grad)?;
				self.graph.matmul((x, true), (gradient, false))
			}
			LinearBiasBackward(op) => {
				let gradient = self.matrix(&op.output_grad)?;
				let sum = self.graph.sum(gradient, 0);
				self.graph.reshape(sum, &shape(out))
			}
			_ => return unsupported(""),
		})
	}

	/// An operand as a matrix: all leading axes by the last one.
	fn matrix(&mut self, tensor: &TensorIr) -> Lowered {
		let value = self.operand(tensor)?;
		let (columns, leading) = match self.graph.shape(value).split_last() {
			Some((columns, leading)) => (*columns, leading.iter().product()),
			None => return unsupported("a tensor without axes"),
		};
		Ok(self.graph.reshape(value, &[leading, columns]))
	}
}
