//! Sums and greatest elements over an axis, in the orders that [`repops::kernel`] defines.

use crate::{
	buffer::as_u32_mut,
	instruction_set::{for_each_set, MultiplyAdd, Vectors},
	team::Team,
};
use repops::{
	kernel::{arg_max, AxisView, CHUNK, LANES},
	number::{canonical, NAN},
};

/// The least elements to read that are worth another thread.
const LEAST_WORK: usize = 1 << 14;

/// The sum over an axis.
pub(crate) fn sum(
	team: &Team,
	vectors: Vectors,
	elements: &[f32],
	view: &AxisView,
	sums: &mut [f32],
) {
	let length = view.length;
	let chunk = team.chunk(sums.len(), LEAST_WORK.div_ceil(length), LANES);
	if view.last {
		return team.for_each_chunk(sums, chunk, |_, start, sums| {
			sum_rows(
				vectors,
				&elements[start * length..][..sums.len() * length],
				length,
				sums,
			)
		});
	}
	team.for_each_chunk(sums, chunk, |_, start, sums| {
		for_each_column_block(view, start, sums, |start, sums| {
			sum_columns(vectors, &elements[start..], length, view.inner, sums)
		})
	});
}

/// The greatest element over an axis. The order changes nothing, so that of the columns serves all axes.
pub(crate) fn max(
	team: &Team,
	vectors: Vectors,
	elements: &[f32],
	view: &AxisView,
	greatest: &mut [f32],
) {
	let length = view.length;
	let chunk = team.chunk(greatest.len(), LEAST_WORK.div_ceil(length), LANES);
	if view.inner == 1 {
		return team.for_each_chunk(greatest, chunk, |_, start, greatest| {
			max_rows(
				vectors,
				&elements[start * length..][..greatest.len() * length],
				length,
				greatest,
			)
		});
	}
	team.for_each_chunk(greatest, chunk, |_, start, greatest| {
		for_each_column_block(view, start, greatest, |start, greatest| {
			max_columns(vectors, &elements[start..], length, view.inner, greatest)
		})
	});
}

/// The index of the greatest element over an axis.
pub(crate) fn arg_max_along(team: &Team, elements: &[f32], view: &AxisView, indices: &mut [f32]) {
	let AxisView { length, inner, .. } = *view;
	let chunk = team.chunk(indices.len(), LEAST_WORK.div_ceil(length), 1);
	team.for_each_chunk(indices, chunk, |_, start, indices| {
		for (index, at) in as_u32_mut(indices).iter_mut().zip(start..) {
			let first = at / inner * length * inner + at % inner;
			let axis = elements[first..].iter().step_by(inner);
			*index = arg_max(axis.take(length).copied());
		}
	});
}

/// The columns that are reduced together.
const COLUMNS: usize = 256;

/// Cuts results from number `start` on into runs of at most [`COLUMNS`] whose first terms lie side by side, and
/// calls `work(place of the first term, results)` for each.
fn for_each_column_block(
	view: &AxisView,
	start: usize,
	results: &mut [f32],
	work: impl Fn(usize, &mut [f32]),
) {
	let (mut at, mut rest) = (start, results);
	while !rest.is_empty() {
		let (outer, column) = (at / view.inner, at % view.inner);
		let length = rest.len().min(view.inner - column).min(COLUMNS);
		let (results, others) = rest.split_at_mut(length);
		work(outer * view.length * view.inner + column, results);
		rest = others;
		at += length;
	}
}

for_each_set! {
	/// The sum of each row, rows of `length` elements.
	fn sum_rows(elements: &[f32], length: usize, sums: &mut [f32]) = sum_rows_with;
	/// The sums of up to [`COLUMNS`] columns of `length` elements, each row `stride` after the one before.
	fn sum_columns(elements: &[f32], length: usize, stride: usize, sums: &mut [f32]) = sum_columns_with;
	/// The greatest element of each row, rows of `length` elements.
	fn max_rows(elements: &[f32], length: usize, greatest: &mut [f32]) = max_rows_with;
	/// The greatest elements of columns of `length` elements, each row `stride` after the one before.
	fn max_columns(elements: &[f32], length: usize, stride: usize, greatest: &mut [f32]) = max_columns_with;
}

#[inline(always)]
fn sum_rows_with<M: MultiplyAdd>(elements: &[f32], length: usize, sums: &mut [f32]) {
	for (sum, row) in sums.iter_mut().zip(elements.chunks_exact(length)) {
		let mut chunks = row.chunks(CHUNK).map(sum_chunk);
		let first = chunks.next().unwrap_or(0.0);
		*sum = chunks.fold(first, |sum, chunk| canonical(sum + chunk));
	}
}

/// One chunk of a sum over the last axis: [`LANES`] chains, then a tree.
#[inline(always)]
fn sum_chunk(terms: &[f32]) -> f32 {
	let mut chains = [0.0f32; LANES];
	let (vectors, rest) = terms.as_chunks::<LANES>();
	for vector in vectors {
		for (chain, term) in chains.iter_mut().zip(vector) {
			*chain += term;
		}
	}
	for (chain, term) in chains.iter_mut().zip(rest) {
		*chain += term;
	}
	let eight: [f32; 8] = std::array::from_fn(|lane| chains[lane] + chains[lane + 8]);
	let four: [f32; 4] = std::array::from_fn(|lane| eight[lane] + eight[lane + 4]);
	canonical((four[0] + four[2]) + (four[1] + four[3]))
}

#[inline(always)]
fn sum_columns_with<M: MultiplyAdd>(
	elements: &[f32],
	length: usize,
	stride: usize,
	sums: &mut [f32],
) {
	let mut chains = [0.0f32; COLUMNS];
	let chains = &mut chains[..sums.len()];
	for first in (0..length).step_by(CHUNK) {
		chains.fill(0.0);
		for row in first..length.min(first + CHUNK) {
			let terms = &elements[row * stride..][..chains.len()];
			for (chain, term) in chains.iter_mut().zip(terms) {
				*chain += term;
			}
		}
		if first == 0 {
			for (sum, chain) in sums.iter_mut().zip(&*chains) {
				*sum = canonical(*chain);
			}
		} else {
			for (sum, chain) in sums.iter_mut().zip(&*chains) {
				*sum = canonical(*sum + *chain);
			}
		}
	}
}

/// [`repops::kernel::maximum`], without branches.
#[inline(always)]
pub(super) fn maximum(a: f32, b: f32) -> f32 {
	// Where neither is greater, the bits are the same but for the sign of a zero.
	let equal = f32::from_bits(a.to_bits() & b.to_bits());
	let greater = if a > b { a } else { equal };
	let greater = if b > a { b } else { greater };
	if a.is_nan() | b.is_nan() {
		NAN
	} else {
		greater
	}
}

#[inline(always)]
fn max_rows_with<M: MultiplyAdd>(elements: &[f32], length: usize, greatest: &mut [f32]) {
	for (greatest, row) in greatest.iter_mut().zip(elements.chunks_exact(length)) {
		let mut lanes = [f32::NEG_INFINITY; LANES];
		let (vectors, rest) = row.as_chunks::<LANES>();
		for vector in vectors {
			for (lane, element) in lanes.iter_mut().zip(vector) {
				*lane = maximum(*lane, *element);
			}
		}
		for (lane, element) in lanes.iter_mut().zip(rest) {
			*lane = maximum(*lane, *element);
		}
		let eight: [f32; 8] = std::array::from_fn(|lane| maximum(lanes[lane], lanes[lane + 8]));
		let four: [f32; 4] = std::array::from_fn(|lane| maximum(eight[lane], eight[lane + 4]));
		*greatest = maximum(maximum(four[0], four[2]), maximum(four[1], four[3]));
	}
}

#[inline(always)]
fn max_columns_with<M: MultiplyAdd>(
	elements: &[f32],
	length: usize,
	stride: usize,
	greatest: &mut [f32],
) {
	greatest.fill(f32::NEG_INFINITY);
	for row in 0..length {
		let elements = &elements[row * stride..][..greatest.len()];
		for (greatest, element) in greatest.iter_mut().zip(elements) {
			*greatest = maximum(*greatest, *element);
		}
	}
}
