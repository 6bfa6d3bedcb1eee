//! Operations that move elements.

use super::{count, Addresses, Operation};
use crate::{launch::Launch, EngineError};
use repops::{
	kernel::{axis_view, AxisView},
	program::OperationKind,
	tensor::{Shape, TensorType},
};

/// The axes that the kernels have room for.
const AXES: usize = 8;

/// Where elements that are numbered along axes lie, the last axis running fastest.
#[derive(Debug, PartialEq, Eq)]
struct Places {
	/// Length and distance of each axis.
	axes: Vec<(usize, usize)>,
	start: usize,
}

impl Places {
	/// Along axes of these lengths and distances; those that can be joined are.
	fn new(axes: impl IntoIterator<Item = (usize, usize)>, start: usize) -> Self {
		let mut joined: Vec<(usize, usize)> = Vec::new();
		for (length, stride) in axes.into_iter().filter(|(length, _)| *length != 1) {
			match joined.last_mut() {
				// The axis before goes on where this one ends.
				Some((before, distance)) if *distance == length * stride => {
					*before *= length;
					*distance = stride;
				}
				_ => joined.push((length, stride)),
			}
		}
		if joined.is_empty() {
			joined.push((1, 0));
		}
		Places {
			axes: joined,
			start,
		}
	}

	/// The fields of the structure `Places` in `kernels/movement.cu`.
	fn fields(&self, operation: &Operation) -> Result<Vec<u64>, EngineError> {
		if self.axes.len() > AXES {
			return Err(EngineError::TooManyAxes {
				operation: operation.name(),
				found: self.axes.len(),
				limit: AXES,
			});
		}
		let mut fields = vec![0; 2 + 2 * AXES];
		fields[0] = self.axes.len() as u64;
		for (axis, (length, stride)) in self.axes.iter().enumerate() {
			fields[1 + axis] = *length as u64;
			fields[1 + AXES + axis] = *stride as u64;
		}
		fields[1 + 2 * AXES] = self.start as u64;
		Ok(fields)
	}
}

/// How far the elements of each axis lie apart.
fn strides(shape: &Shape) -> Vec<usize> {
	let mut stride = 1;
	let mut strides: Vec<usize> = Vec::with_capacity(shape.rank());
	for length in shape.0.iter().rev() {
		strides.push(stride);
		stride *= *length as usize;
	}
	strides.reverse();
	strides
}

/// The places of a part with this shape, from these indices on.
fn part(whole: &TensorType, starts: &[u32], shape: &Shape) -> Places {
	let strides = strides(&whole.shape);
	let start = starts
		.iter()
		.zip(&strides)
		.map(|(start, stride)| *start as usize * stride)
		.sum();
	let lengths = shape.0.iter().map(|length| *length as usize);
	Places::new(lengths.zip(strides), start)
}

/// Broadcast, permutation and slice: each element of the result is one of the operand's.
pub(super) fn collect(operation: &Operation, at: &Addresses) -> Result<Vec<Launch>, EngineError> {
	let from = operation.operand(0);
	let lengths = operation
		.result
		.shape
		.0
		.iter()
		.map(|length| *length as usize);
	let places = match operation.kind {
		OperationKind::Slice { starts, shape } => part(from, starts, shape),
		OperationKind::Permute { axes } => {
			let strides = strides(&from.shape);
			let strides = axes.iter().map(|axis| strides[usize::from(*axis)]);
			Places::new(lengths.zip(strides), 0)
		}
		_ => {
			let strides = strides(&from.shape);
			let strides = strides.iter().zip(&from.shape.0);
			let strides = strides.map(|(stride, length)| if *length == 1 { 0 } else { *stride });
			Places::new(lengths.zip(strides), 0)
		}
	};
	let mut parameters = vec![at.operand(0), at.result, count(operation.result) as u64];
	parameters.extend(places.fields(operation)?);
	Ok(operation.for_each_result("collect_words", parameters))
}

/// The whole, then the part over it.
pub(super) fn insert(
	operation: &Operation,
	at: &Addresses,
	starts: &[u32],
) -> Result<Vec<Launch>, EngineError> {
	let mut launches = copy(operation, at);
	let inserted = operation.operand(1);
	let mut parameters = vec![at.operand(1), at.result, count(inserted) as u64];
	let places = part(operation.result, starts, &inserted.shape);
	parameters.extend(places.fields(operation)?);
	launches.extend(operation.for_each("distribute_words", count(inserted), parameters));
	Ok(launches)
}

/// The first operand as it is.
pub(super) fn copy(operation: &Operation, at: &Addresses) -> Vec<Launch> {
	let parameters = vec![at.operand(0), at.result, count(operation.result) as u64];
	operation.for_each_result("copy_words", parameters)
}

/// The elements of each row of a table.
fn row_length(table: &TensorType) -> u64 {
	let rows = table.shape.0.first().copied().unwrap_or(1).max(1);
	(count(table) / rows as usize) as u64
}

pub(super) fn gather(operation: &Operation, at: &Addresses) -> Vec<Launch> {
	let table = operation.operand(0);
	let parameters = vec![
		at.operand(0),
		at.operand(1),
		at.result,
		count(operation.result) as u64,
		u64::from(table.shape.0.first().copied().unwrap_or(0)),
		row_length(table),
	];
	operation.for_each_result("gather_rows", parameters)
}

/// Zeros, the links between rows of the same index, then the sums.
pub(super) fn scatter(operation: &Operation, at: &Addresses, rows: u32) -> Vec<Launch> {
	let indices = count(operation.operand(1));
	let (next, first) = (at.scratch, at.scratch + 4 * indices as u64);
	let mut launches = super::fill(operation, at, 0.0.into());
	let links = vec![at.operand(1), next, first, indices as u64];
	launches.extend(operation.for_each("link_rows", indices, links));
	let terms = count(operation.operand(0));
	let parameters = vec![
		at.operand(0),
		at.operand(1),
		next,
		first,
		at.result,
		terms as u64,
		u64::from(rows),
		row_length(operation.operand(0)),
	];
	launches.extend(operation.for_each("scatter_rows", terms, parameters));
	launches
}

pub(super) fn iota(operation: &Operation, at: &Addresses, axis: u8) -> Vec<Launch> {
	let view = axis_view(&operation.result.shape, axis);
	let (length, inner) = view.map_or((1, 1), |AxisView { length, inner, .. }| (length, inner));
	let parameters = vec![
		at.result,
		count(operation.result) as u64,
		length as u64,
		inner as u64,
	];
	operation.for_each_result("indices_along_axis", parameters)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn axes_are_joined_where_elements_lie_on() {
		// The last two of [2, 3, 4] lie on; the first too.
		let whole = Places::new([(2, 12), (3, 4), (4, 1)], 0);
		assert_eq!(whole.axes, [(24, 1)]);
		// A broadcast of [3, 1, 1] to [3, 4, 5].
		let repeated = Places::new([(3, 1), (4, 0), (5, 0)], 0);
		assert_eq!(repeated.axes, [(3, 1), (20, 0)]);
		// A transposition.
		let transposed = Places::new([(4, 1), (1, 7), (3, 4)], 0);
		assert_eq!(transposed.axes, [(4, 1), (3, 4)]);
		assert_eq!(Places::new([(1, 5), (1, 1)], 3).axes, [(1, 0)]);
	}
}
