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
	let lengths: Vec<usize> = axes.iter().map(|axis| from.0[of(axis)] as usize).collect();
	let strides = strides(from);
	let strides: Vec<usize> = axes.iter().map(|axis| strides[of(axis)]).collect();
	places(&lengths, &strides)
		.map(|place| elements[place])
		.collect()
}

/// The part of a tensor of shape `from` that begins at these indices and has the shape `part`.
pub fn slice<T: Copy>(elements: &[T], from: &Shape, starts: &[u32], part: &Shape) -> Vec<T> {
	part_places(from, starts, part)
		.map(|place| elements[place])
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
	for (place, element) in part_places(from, starts, of).zip(part) {
		result[place] = *element;
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

/// Where the elements of a part lie in the whole.
fn part_places(whole: &Shape, starts: &[u32], part: &Shape) -> impl Iterator<Item = usize> {
	let strides = strides(whole);
	let start: usize = starts
		.iter()
		.zip(&strides)
		.map(|(start, stride)| *start as usize * stride)
		.sum();
	let lengths: Vec<usize> = part.0.iter().map(|length| *length as usize).collect();
	places(&lengths, &strides)
		.collect::<Vec<_>>()
		.into_iter()
		.map(move |place| start + place)
}

/// The places of all elements along axes of these lengths and strides, the last axis running fastest.
fn places<'a>(lengths: &'a [usize], strides: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
	let count: usize = lengths.iter().product();
	(0..count).map(move |index| {
		let (mut rest, mut place) = (index, 0);
		for (length, stride) in lengths.iter().zip(strides).rev() {
			place += rest % length * stride;
			rest /= length;
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
