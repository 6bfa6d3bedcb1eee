//! Operations that move elements and keep their bits, and those that make indices.

use super::{matmul::square_transposer, prefetch::prefetch};
use crate::{
	buffer::{as_u32, as_u32_mut},
	instruction_set::Vectors,
	team::Team,
};
use repops::random::{batch_rows, Seed};

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
	let transpose_square = square_transposer(vectors);
	let chunk = team.chunk(columns, LEAST_WORK.div_ceil(rows), BAND) * rows;
	team.for_each_chunk(result, chunk, |_, start, result| {
		// `result` is a run of columns of the matrix.
		let (first, count) = (start / rows, result.len() / rows);
		for column in (0..count).step_by(BAND) {
			for row in (0..rows).step_by(BAND) {
				let from = &matrix[row * columns + first + column..];
				let to = &mut result[column * rows + row..];
				if column + BAND <= count && row + BAND <= rows {
					transpose_square(from, columns, to, rows);
					continue;
				}
				for j in 0..BAND.min(count - column) {
					for i in 0..BAND.min(rows - row) {
						to[j * rows + i] = from[i * columns + j];
					}
				}
			}
		}
	});
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
