//! Products of matrices, reductions, and windows over pictures.

use super::Graph;
use repops::{
	program::{Operation, OperationKind, ValueId, Window},
	tensor::DType,
};

/// A factor of a matrix product, and whether each of its matrices is transposed first.
pub(crate) type Factor = (ValueId, bool);

impl Graph {
	/// The product of two matrices or stacks of them, as [`OperationKind::MatMul`] takes them; transpositions of
	/// the operands become part of it.
	pub(crate) fn matmul(&mut self, left: Factor, right: Factor) -> ValueId {
		let (left, transpose_left) = self.without_transposition(left);
		let (right, transpose_right) = self.without_transposition(right);
		let (left_stack, [rows, _]) = self.matrices((left, transpose_left));
		let (right_stack, [_, columns]) = self.matrices((right, transpose_right));
		let mut shape = match left_stack.is_empty() {
			true => right_stack,
			false => left_stack,
		};
		shape.extend([rows, columns]);
		let kind = OperationKind::MatMul {
			transpose_left,
			transpose_right,
		};
		self.push(kind, &[left, right], DType::F32, shape)
	}

	/// The sum of the products of two stacks of matrices.
	pub(crate) fn matmul_sum(&mut self, left: Factor, right: Factor) -> ValueId {
		let (left, transpose_left) = self.without_transposition(left);
		let (right, transpose_right) = self.without_transposition(right);
		let (_, [rows, _]) = self.matrices((left, transpose_left));
		let (_, [_, columns]) = self.matrices((right, transpose_right));
		let kind = OperationKind::MatMulSum {
			transpose_left,
			transpose_right,
		};
		self.push(kind, &[left, right], DType::F32, vec![rows, columns])
	}

	/// The same factor with its transposition as a mark, unless the elements of a row lie side by side anyway.
	fn without_transposition(&mut self, (value, transposed): Factor) -> Factor {
		let Some((OperationKind::Permute { axes }, inner)) = self.origin(value) else {
			return (value, transposed);
		};
		let mut axes: Vec<usize> = axes.iter().map(|axis| usize::from(*axis)).collect();
		let last = axes.len() - 1;
		if axes[last - 1] != last {
			return (value, transposed);
		}
		axes.swap(last - 1, last);
		(self.permute(inner, &axes), !transposed)
	}

	/// A product whose matrices are transposed: that of the factors in the other order. Each element is the same chain
	/// of the same products.
	pub(super) fn transposed_product(&mut self, product: ValueId) -> Option<ValueId> {
		let Operation { kind, operands } = self.operation_of(product)?;
		let OperationKind::MatMul {
			transpose_left,
			transpose_right,
		} = *kind
		else {
			return None;
		};
		let (left, right) = (operands[0], operands[1]);
		Some(self.matmul((right, !transpose_right), (left, !transpose_left)))
	}

	/// The axes of a stack, and rows and columns of each of its matrices after the transposition.
	fn matrices(&self, (value, transposed): Factor) -> (Vec<u32>, [u32; 2]) {
		let shape = self.shape(value);
		let (stack, matrix) = shape.split_at(shape.len() - 2);
		let matrix = match transposed {
			true => [matrix[1], matrix[0]],
			false => [matrix[0], matrix[1]],
		};
		(stack.to_vec(), matrix)
	}

	pub(crate) fn sum(&mut self, a: ValueId, axis: usize) -> ValueId {
		if let Some(a) = self.negated(a) {
			let sum = self.sum(a, axis);
			return self.multiply_scalar(sum, -1.0);
		}
		self.reduce(OperationKind::Sum { axis: axis as u8 }, a, axis)
	}

	pub(crate) fn max(&mut self, a: ValueId, axis: usize) -> ValueId {
		self.reduce(OperationKind::Max { axis: axis as u8 }, a, axis)
	}

	/// The index of the greatest element over an axis.
	pub(crate) fn arg_max(&mut self, a: ValueId, axis: usize) -> ValueId {
		let mut shape = self.shape(a).to_vec();
		shape[axis] = 1;
		let kind = OperationKind::ArgMax { axis: axis as u8 };
		self.push(kind, &[a], DType::U32, shape)
	}

	fn reduce(&mut self, kind: OperationKind, a: ValueId, axis: usize) -> ValueId {
		let mut shape = self.shape(a).to_vec();
		if shape[axis] == 1 {
			return a;
		}
		shape[axis] = 1;
		self.push(kind, &[a], DType::F32, shape)
	}

	/// What a window shows of pictures `[n, c, h, w]`: `[n, c, positions, windows]`. Lowering has made sure that
	/// there is a window.
	pub(crate) fn unfold(
		&mut self,
		a: ValueId,
		window: Window,
		fill: f32,
		windows: u32,
	) -> ValueId {
		let from = self.shape(a).to_vec();
		let positions = window.kernel[0] * window.kernel[1];
		let shape = vec![from[0], from[1], positions, windows];
		if shows_all(&window) {
			return self.reshape(a, &shape);
		}
		if let (Some(value), [0, 0]) = (self.constant_value(a), window.padding) {
			return self.constant(value, &shape);
		}
		let kind = OperationKind::Unfold {
			window,
			fill: fill.into(),
		};
		self.push(kind, &[a], DType::F32, shape)
	}

	/// Pictures of this size from the sums of what stands in the windows on them, `[n, c, positions, windows]`.
	pub(crate) fn fold(&mut self, a: ValueId, window: Window, size: [u32; 2]) -> ValueId {
		let from = self.shape(a);
		let shape = vec![from[0], from[1], size[0], size[1]];
		if shows_all(&window) {
			return self.reshape(a, &shape);
		}
		self.push(
			OperationKind::Fold { window, size },
			&[a],
			DType::F32,
			shape,
		)
	}

	/// As [`Graph::fold`], of one number `[n, c, 1, windows]` in each window, at these positions.
	pub(crate) fn unpool(
		&mut self,
		a: ValueId,
		positions: ValueId,
		window: Window,
		size: [u32; 2],
	) -> ValueId {
		let from = self.shape(a);
		let shape = vec![from[0], from[1], size[0], size[1]];
		let kind = OperationKind::Unpool { window, size };
		self.push(kind, &[a, positions], DType::F32, shape)
	}
}

/// Whether each place of a picture has a window of its own that shows it alone.
fn shows_all(window: &Window) -> bool {
	window.kernel == [1, 1] && window.stride == [1, 1] && window.padding == [0, 0]
}
