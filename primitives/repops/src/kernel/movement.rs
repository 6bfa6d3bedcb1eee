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

/// A tensor of shape `from` with its axes in another order: axis `i` of the result is axis `axes[i]`.
pub fn permute<T: Copy>(elements: &[T], from: &Shape, axes: &[u8]) -> Vec<T> {
	let of = |axis: &u8| usize::from(*axis);
	let strides = strides(from);
	let shape = Shape(axes.iter().map(|axis| from.0[of(axis)]).collect());
	let strides = axes.iter().map(|axis| strides[of(axis)]).collect();
	let moved = places(&shape, strides).map(|place| elements[place]);
	moved.collect()
}

/// The part of a tensor of shape `from` that begins at these indices and has the shape `part`.
pub fn slice<T: Copy>(elements: &[T], from: &Shape, starts: &[u32], part: &Shape) -> Vec<T> {
	let start = start_of(from, starts);
	places(part, strides(from))
		.map(|place| elements[start + place])
		.collect()
}

/// A tensor of shape `from` with a part of the shape `of` written over it from these indices on.
pub fn insert<T: Copy>(
	elements: &[T],
	from: &Shape,
	starts: &[u32],
	part: &[T],
	of: &Shape,
) -> Vec<T> {
	let mut result = elements.to_vec();
	let start = start_of(from, starts);
	for (place, element) in places(of, strides(from)).zip(part) {
		result[start + place] = *element;
	}
	result
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

/// Where the element with these indices lies in a tensor.
fn start_of(whole: &Shape, indices: &[u32]) -> usize {
	let indices = indices.iter().zip(strides(whole));
	indices
		.map(|(index, stride)| *index as usize * stride)
		.sum()
}

/// The places of all elements of a shape whose axes' elements lie so far apart, the last axis running fastest.
fn places(shape: &Shape, strides: Vec<usize>) -> impl Iterator<Item = usize> + '_ {
	let count: usize = shape.0.iter().map(|length| *length as usize).product();
	(0..count).map(move |index| {
		let (mut rest, mut place) = (index, 0);
		for (length, stride) in shape.0.iter().zip(&strides).rev() {
			place += rest % *length as usize * stride;
			rest /= *length as usize;
		}
		place
	})
}

/// Repeats the axes of length 1 of a tensor of shape `from` until its shape is `to`.
pub fn broadcast<T: Copy>(elements: &[T], from: &Shape, to: &Shape) -> Vec<T> {
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
