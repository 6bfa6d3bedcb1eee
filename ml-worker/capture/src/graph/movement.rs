//! Operations that move elements: other shapes, parts, rows.

use super::Graph;
use repops::{
	program::{OperationKind, ValueId},
	tensor::{DType, Shape},
};

impl Graph {
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

	/// All elements in one row: `[1, n]`.
	pub(crate) fn flatten(&mut self, a: ValueId) -> ValueId {
		let elements = self.shape(a).iter().product();
		self.reshape(a, &[1, elements])
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

	/// Whether a value consists of elements that are repeated.
	pub(crate) fn is_repeated(&self, value: ValueId) -> bool {
		matches!(self.operation(value), Some(OperationKind::Broadcast { .. }))
	}

	/// A tensor of one element, repeated to a shape of any rank.
	pub(crate) fn broadcast_scalar(&mut self, a: ValueId, shape: &[u32]) -> ValueId {
		let a = self.reshape(a, &vec![1; shape.len()]);
		self.broadcast(a, shape)
	}

	/// The axes in another order: axis `i` of the result is axis `axes[i]`.
	pub(crate) fn permute(&mut self, a: ValueId, axes: &[usize]) -> ValueId {
		let from = self.shape(a).to_vec();
		let shape: Vec<u32> = axes.iter().map(|axis| from[*axis]).collect();
		let long = axes.iter().filter(|axis| from[**axis] != 1);
		if long.is_sorted() {
			// Only axes of length 1 change places: the elements stay in their order.
			return self.reshape(a, &shape);
		}
		if let Some(value) = self.constant_value(a) {
			return self.constant(value, &shape);
		}
		if swaps_last_two(axes) {
			if let Some(product) = self.transposed_product(a) {
				return product;
			}
		}
		match self.origin(a) {
			Some((OperationKind::Permute { axes: inner_axes }, inner)) => {
				let axes: Vec<usize> = axes
					.iter()
					.map(|axis| usize::from(inner_axes[*axis]))
					.collect();
				self.permute(inner, &axes)
			}
			Some((OperationKind::Broadcast { .. }, inner)) => {
				let inner = self.permute(inner, axes);
				self.broadcast(inner, &shape)
			}
			_ => {
				let kind = OperationKind::Permute {
					axes: axes.iter().map(|axis| *axis as u8).collect(),
				};
				self.push(kind, &[a], self.dtype(a), shape)
			}
		}
	}

	/// The part of this shape that begins at these indices.
	pub(crate) fn slice(&mut self, a: ValueId, starts: &[u32], shape: &[u32]) -> ValueId {
		if self.shape(a) == shape {
			return a;
		}
		if let Some(value) = self.constant_value(a) {
			return self.constant(value, shape);
		}
		let kind = OperationKind::Slice {
			starts: starts.to_vec(),
			shape: Shape(shape.to_vec()),
		};
		self.push(kind, &[a], self.dtype(a), shape.to_vec())
	}

	/// `a` with the part written over it from these indices on.
	pub(crate) fn insert(&mut self, a: ValueId, part: ValueId, starts: &[u32]) -> ValueId {
		if self.shape(a) == self.shape(part) {
			return part;
		}
		let kind = OperationKind::Insert {
			starts: starts.to_vec(),
		};
		self.push_like(kind, &[a, part], a)
	}

	/// The rows of a table with these indices.
	pub(crate) fn gather_rows(&mut self, table: ValueId, indices: ValueId) -> ValueId {
		let mut shape = self.shape(table).to_vec();
		let rows = shape[0];
		shape[0] = self.shape(indices)[0];
		if shape[0] <= rows && self.counts_up(indices) {
			return self.slice(table, &vec![0; shape.len()], &shape);
		}
		self.push(
			OperationKind::GatherRows,
			&[table, indices],
			self.dtype(table),
			shape,
		)
	}

	/// A table of so many rows, each the sum of the rows of `a` with its index.
	pub(crate) fn scatter_rows(&mut self, a: ValueId, indices: ValueId, rows: u32) -> ValueId {
		let mut shape = self.shape(a).to_vec();
		if shape[0] <= rows && self.counts_up(indices) {
			shape[0] = rows;
			let zeros = self.constant(0.0, &shape);
			return self.insert(zeros, a, &vec![0; shape.len()]);
		}
		shape[0] = rows;
		let kind = OperationKind::ScatterRows { rows };
		self.push(kind, &[a, indices], DType::F32, shape)
	}

	/// Whether a list of integers is known to be 0, 1, 2, …
	fn counts_up(&self, list: ValueId) -> bool {
		let Some((OperationKind::ToInteger, mut numbers)) = self.origin(list) else {
			return false;
		};
		while let Some((OperationKind::Reshape { .. }, inner)) = self.origin(numbers) {
			numbers = inner;
		}
		match self.operation(numbers) {
			Some(OperationKind::Iota { shape, axis }) => {
				let others = shape.0.iter().enumerate();
				others
					.filter(|(index, _)| *index != usize::from(*axis))
					.all(|(_, length)| *length == 1)
			}
			_ => false,
		}
	}

	/// The index along an axis, as a number.
	pub(crate) fn iota(&mut self, shape: &[u32], axis: usize) -> ValueId {
		let kind = OperationKind::Iota {
			shape: Shape(shape.to_vec()),
			axis: axis as u8,
		};
		self.push(kind, &[], DType::F32, shape.to_vec())
	}
}

/// Whether these axes transpose each matrix of a stack and change nothing else.
fn swaps_last_two(axes: &[usize]) -> bool {
	let Some((stack, matrix)) = axes.split_last_chunk::<2>() else {
		return false;
	};
	let rank = axes.len();
	stack.iter().copied().eq(0..rank - 2) && *matrix == [rank - 1, rank - 2]
}
