//! Operations that move elements and keep their bits.

use crate::tensor::Shape;
use alloc::vec::Vec;

/// The rows of these indices, of a table of rows of `row` elements; zeros for an index past its end.
pub fn gather_rows<T: Copy + Default>(table: &[T], row: usize, indices: &[u32]) -> Vec<T> {
	let mut rows = Vec::with_capacity(indices.len() * row);
	for index in indices {
		let start = (*index as usize).saturating_mul(row);
		match table.get(start..start.saturating_add(row)) {
			Some(elements) => rows.extend_from_slice(elements),
			None => rows.resize(rows.len() + row, T::default()),
		}
	}
	rows
}

/// A matrix of so many columns, transposed.
pub fn transpose<T: Copy>(matrix: &[T], columns: usize) -> Vec<T> {
	let column = |first: usize| matrix.iter().skip(first).step_by(columns.max(1)).copied();
	(0..columns).flat_map(column).collect()
}

/// Repeats the axes of length 1 of a tensor of shape `from` until its shape is `to`.
pub fn broadcast(elements: &[f32], from: &Shape, to: &Shape) -> Vec<f32> {
	// From the innermost axis outwards: each block of what is done so far is repeated as often as needed.
	let mut result = elements.to_vec();
	let mut block = 1;
	for (old, new) in from.0.iter().zip(&to.0).rev() {
		if old != new {
			let repeats = *new as usize;
			result = result
				.chunks(block)
				.flat_map(|elements| core::iter::repeat_n(elements, repeats))
				.flatten()
				.copied()
				.collect();
		}
		block *= *new as usize;
	}
	result
}
