//! Operations that move elements and keep their bits, and those that make indices.

use super::{matmul::square_transposer, prefetch::prefetch};
use crate::{
	buffer::{as_u32, as_u32_mut},
	instruction_set::Vectors,
	team::Team,
};
use repops::random::{batch_rows, Seed};
use std::ops::Range;

/// The least floats to move that are worth another thread.
const LEAST_WORK: usize = 1 << 14;

/// How many rows ahead a row is asked for.
const AHEAD: usize = 2;

/// The rows of these indices, of a table of rows of `row` elements; zeros for an index past its end.
pub(crate) fn gather_rows(
	team: &Team,
	table: &[f32],
	row: usize,
	indices: &[f32],
	rows: &mut [f32],
) {
	let indices = as_u32(indices);
	let chunk = team.chunk(indices.len(), LEAST_WORK.div_ceil(row), 1) * row;
	team.for_each_chunk(rows, chunk, |_, start, rows| {
		let indices = &indices[start / row..];
		let elements = |index: u32| {
			let start = (index as usize).saturating_mul(row);
			table.get(start..start.saturating_add(row))
		};
		for (place, at) in rows.chunks_exact_mut(row).zip(0..) {
			// Rows lie anywhere, so the CPU can't foresee the next one.
			if let Some(next) = indices.get(at + AHEAD).and_then(|index| elements(*index)) {
				prefetch(next, 1, row, 0);
			}
			match elements(indices[at]) {
				Some(elements) => place.copy_from_slice(elements),
				None => place.fill(0.0),
			}
		}
	});
}

/// The rows of a batch.
pub(crate) fn batch(seed: &[f32], position: &[f32], population: u32, rows: &mut [f32]) {
	let seed = as_u32(seed);
	let seed = Seed::from_words(std::array::from_fn(|word| seed[word]));
	let position = as_u32(position);
	let position = u64::from(position[1]) << 32 | u64::from(position[0]);
	let indices = batch_rows(&seed, position, rows.len() as u32, population);
	for (row, index) in as_u32_mut(rows).iter_mut().zip(indices) {
		*row = index;
	}
}

/// For each label a row of `classes` elements: 1 at the label's place, else 0.
pub(crate) fn one_hot(labels: &[f32], classes: usize, rows: &mut [f32]) {
	rows.fill(0.0);
	for (row, label) in rows.chunks_exact_mut(classes).zip(as_u32(labels)) {
		if let Some(element) = row.get_mut(*label as usize) {
			*element = 1.0;
		}
	}
}

/// How many elements are not 0, modulo 2^32.
pub(crate) fn count_nonzero(mask: &[f32]) -> u32 {
	as_u32(mask).iter().fold(0u32, |count, mask| {
		count.wrapping_add(u32::from(*mask != 0))
	})
}

/// The rows and columns that are transposed at a time.
const BAND: usize = 8;

/// A matrix of so many columns, transposed.
pub(crate) fn transpose(
	team: &Team,
	vectors: Vectors,
	matrix: &[f32],
	columns: usize,
	result: &mut [f32],
) {
	let rows = matrix.len() / columns;
	let chunk = team.chunk(columns, LEAST_WORK.div_ceil(rows), BAND) * rows;
	team.for_each_chunk(result, chunk, |_, start, result| {
		// `result` is a run of columns of the matrix.
		let first = start / rows;
		let run = first..first + result.len() / rows;
		transpose_part(vectors, matrix, columns, rows, run, result);
	});
}

/// These columns of a matrix, from row to row `stride`, each as a row of `rows` elements.
fn transpose_part(
	vectors: Vectors,
	matrix: &[f32],
	stride: usize,
	rows: usize,
	columns: Range<usize>,
	result: &mut [f32],
) {
	let transpose_square = square_transposer(vectors);
	let (first, count) = (columns.start, columns.len());
	for column in (0..count).step_by(BAND) {
		for row in (0..rows).step_by(BAND) {
			let from = &matrix[row * stride + first + column..];
			let to = &mut result[column * rows + row..];
			if column + BAND <= count && row + BAND <= rows {
				transpose_square(from, stride, to, rows);
				continue;
			}
			for j in 0..BAND.min(count - column) {
				for i in 0..BAND.min(rows - row) {
					to[j * rows + i] = from[i * stride + j];
				}
			}
		}
	}
}

/// An axis of a tensor that is read in another order: how long it is in the result, and how far its elements lie apart
/// in the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StridedAxis {
	pub(crate) length: usize,
	pub(crate) stride: usize,
}

/// Reads a tensor along other axes, outermost first.
pub(crate) fn permute(
	team: &Team,
	vectors: Vectors,
	elements: &[f32],
	axes: &[StridedAxis],
	result: &mut [f32],
) {
	let outermost = axes.first().map_or(1, |axis| axis.length);
	let part = result.len() / outermost;
	let chunk = team.chunk(outermost, LEAST_WORK.div_ceil(part), 1) * part;
	team.for_each_chunk(result, chunk, |_, start, result| {
		for (result, index) in result.chunks_exact_mut(part).zip(start / part..) {
			match axes.split_first() {
				Some((axis, inner)) => {
					permute_part(vectors, &elements[index * axis.stride..], inner, result)
				}
				None => result.copy_from_slice(&elements[..result.len()]),
			}
		}
	});
}

fn permute_part(vectors: Vectors, elements: &[f32], axes: &[StridedAxis], result: &mut [f32]) {
	match axes {
		[] => result[0] = elements[0],
		[StridedAxis { stride: 1, length }] => result.copy_from_slice(&elements[..*length]),
		[axis] => {
			for (place, element) in result.iter_mut().zip(elements.iter().step_by(axis.stride)) {
				*place = *element;
			}
		}
		[StridedAxis { length, stride: 1 }, StridedAxis {
			length: rows,
			stride,
		}] => transpose_part(vectors, elements, *stride, *rows, 0..*length, result),
		[axis, inner @ ..] => {
			let parts = result.chunks_exact_mut(result.len() / axis.length);
			for (index, part) in parts.enumerate() {
				permute_part(vectors, &elements[index * axis.stride..], inner, part);
			}
		}
	}
}

/// Copies a part of a tensor between places that lie apart: `(from, its strides, to, its strides)`, along axes of these
/// lengths, the last of which has stride 1 in both.
pub(crate) fn copy_part(
	from: &[f32],
	from_strides: &[usize],
	to: &mut [f32],
	to_strides: &[usize],
	lengths: &[usize],
) {
	let (Some((length, lengths)), Some((from_stride, from_strides)), Some((to_stride, to_strides))) = (
		lengths.split_first(),
		from_strides.split_first(),
		to_strides.split_first(),
	) else {
		to[0] = from[0];
		return;
	};
	if lengths.is_empty() {
		return to[..*length].copy_from_slice(&from[..*length]);
	}
	for index in 0..*length {
		copy_part(
			&from[index * from_stride..],
			from_strides,
			&mut to[index * to_stride..],
			to_strides,
			lengths,
		);
	}
}

/// For each row of the result the sum of the rows whose index it is.
pub(crate) fn scatter_rows(
	team: &Team,
	vectors: Vectors,
	elements: &[f32],
	row: usize,
	indices: &[f32],
	sums: &mut [f32],
) {
	let indices = as_u32(indices);
	let rows = sums.len() / row;
	// Each share of rows looks at all indices.
	let least = LEAST_WORK.div_ceil(row).max(rows.div_ceil(team.workers()));
	let chunk = team.chunk(rows, least, 1) * row;
	team.for_each_chunk(sums, chunk, |_, start, sums| {
		let (first, count) = (start / row, sums.len() / row);
		sums.fill(0.0);
		for (elements, index) in elements.chunks_exact(row).zip(indices) {
			let Some(at) = (*index as usize)
				.checked_sub(first)
				.filter(|at| *at < count)
			else {
				continue;
			};
			for (sum, element) in sums[at * row..][..row].iter_mut().zip(elements) {
				*sum += element;
			}
		}
		super::window::canonicalise(vectors, sums);
	});
}

/// The index along an axis, of which the axes after it have `inner` elements.
pub(crate) fn iota(length: usize, inner: usize, result: &mut [f32]) {
	for (at, place) in result.iter_mut().enumerate() {
		*place = (at / inner % length) as f32;
	}
}

/// An axis of a broadcast: how long it is in the result, and how far its elements lie apart in the operand
/// (0 where they are repeated).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BroadcastAxis {
	pub(crate) length: usize,
	pub(crate) stride: usize,
}

/// Repeats elements along axes, outermost first.
pub(crate) fn broadcast(elements: &[f32], axes: &[BroadcastAxis], result: &mut [f32]) {
	let (axis, inner) = match axes {
		[] | [BroadcastAxis { stride: 1, .. }] => {
			return result.copy_from_slice(&elements[..result.len()])
		}
		[BroadcastAxis { stride: 0, .. }] => return result.fill(elements[0]),
		[axis, inner @ ..] => (axis, inner),
	};
	for (index, part) in result
		.chunks_exact_mut(result.len() / axis.length)
		.enumerate()
	{
		broadcast(&elements[index * axis.stride..], inner, part);
	}
}
