//! Copies the right matrix into panels: for each term the columns of one tile, side by side, padded with
//! zeros to whole vectors. The sums of padding columns are never written.

use crate::instruction_set::Vectors;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;
use std::ops::Range;

/// The right matrix as it is stored.
#[derive(Clone, Copy)]
pub(super) struct Right<'a> {
	pub(super) elements: &'a [f32],
	/// From row to row, as stored.
	pub(super) stride: usize,
	/// Whether a stored row is a column of the matrix that is meant.
	pub(super) transposed: bool,
}

/// A panel's columns and those with padding.
#[derive(Clone)]
pub(super) struct Panel {
	pub(super) columns: Range<usize>,
	pub(super) width: usize,
}

/// Packs these terms of these panels, of which each starts `stride` floats after the one before.
pub(super) fn pack_panels(
	vectors: Vectors,
	right: Right,
	terms: Range<usize>,
	panels: impl Iterator<Item = Panel> + Clone,
	stride: usize,
	packed: &mut [f32],
) {
	if right.transposed {
		for (panel, packed) in panels.zip(packed.chunks_mut(stride)) {
			pack_transposed(
				vectors,
				right,
				terms.clone(),
				panel.columns,
				panel.width,
				packed,
			);
		}
		return;
	}
	// Row by row, because memory is read fastest in its own order.
	for (place, k) in terms.enumerate() {
		let row = &right.elements[k * right.stride..][..right.stride];
		for (panel, packed) in panels.clone().zip(packed.chunks_mut(stride)) {
			let packed = &mut packed[place * panel.width..][..panel.width];
			let (filled, padding) = packed.split_at_mut(panel.columns.len());
			filled.copy_from_slice(&row[panel.columns]);
			padding.fill(0.0);
		}
	}
}

/// Copies these rows and terms of a left matrix that is stored transposed, its stored rows `stride` floats
/// apart: for each group of rows its terms, one after another, each with the group's rows side by side.
pub(super) fn pack_left(
	left: &[f32],
	stride: usize,
	terms: Range<usize>,
	groups: impl Iterator<Item = Range<usize>> + Clone,
	packed: &mut [f32],
) {
	let mut rest = packed;
	for rows in groups {
		let (packed, others) = rest.split_at_mut(rows.len() * terms.len());
		rest = others;
		for (k, packed) in terms.clone().zip(packed.chunks_exact_mut(rows.len())) {
			packed.copy_from_slice(&left[k * stride..][rows.clone()]);
		}
	}
}

/// The side of the squares that are transposed at a time.
const SQUARE: usize = 8;

fn pack_transposed(
	vectors: Vectors,
	right: Right,
	terms: Range<usize>,
	columns: Range<usize>,
	width: usize,
	panel: &mut [f32],
) {
	let transpose_square = square_transposer(vectors);
	// Two squares side by side, so that a cache line is written at once.
	for pair in (0..width).step_by(2 * SQUARE) {
		for first_term in (0..terms.len()).step_by(SQUARE) {
			for first_column in (pair..width.min(pair + 2 * SQUARE)).step_by(SQUARE) {
				let packed = &mut panel[first_term * width + first_column..];
				let column = columns.start + first_column;
				let start = column * right.stride + terms.start + first_term;
				if column + SQUARE <= columns.end && first_term + SQUARE <= terms.len() {
					transpose_square(&right.elements[start..], right.stride, packed, width);
					continue;
				}
				for k in 0..SQUARE.min(terms.len() - first_term) {
					for j in 0..SQUARE {
						let place = start + j * right.stride + k;
						let is_padding = column + j >= columns.end;
						packed[k * width + j] = if is_padding {
							0.0
						} else {
							right.elements[place]
						};
					}
				}
			}
		}
	}
}

/// Writes a square of 8 × 8 floats transposed: `(from, from row to row, to, from row to row)`.
pub(crate) type TransposeSquare = fn(&[f32], usize, &mut [f32], usize);

/// The fastest way to transpose squares.
pub(crate) fn square_transposer(vectors: Vectors) -> TransposeSquare {
	#[cfg(target_arch = "x86_64")]
	if vectors.set() != crate::InstructionSet::Portable {
		return |from, from_stride, to, to_stride| {
			let reach = |stride: usize| (SQUARE - 1) * stride + SQUARE;
			assert!(from.len() >= reach(from_stride) && to.len() >= reach(to_stride));
			// SAFETY: this closure is only given out if the CPU has AVX2; the assertion is the other condition.
			unsafe { transpose_square_avx(from.as_ptr(), from_stride, to.as_mut_ptr(), to_stride) }
		};
	}
	let _ = vectors;
	|from, from_stride, to, to_stride| {
		for row in 0..SQUARE {
			for column in 0..SQUARE {
				to[column * to_stride + row] = from[row * from_stride + column];
			}
		}
	}
}

/// # Safety
/// The CPU must have AVX2; 8 rows of 8 floats must be readable from `from` and writable to `to`, each row its
/// stride after the one before.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn transpose_square_avx(
	from: *const f32,
	from_stride: usize,
	to: *mut f32,
	to_stride: usize,
) {
	// SAFETY: row `row` and its 8 floats are readable by the caller's word.
	let row = |row: usize| unsafe { _mm256_loadu_ps(from.add(row * from_stride)) };
	let pairs = |a, b| (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
	let (a0, a1) = pairs(row(0), row(1));
	let (a2, a3) = pairs(row(2), row(3));
	let (a4, a5) = pairs(row(4), row(5));
	let (a6, a7) = pairs(row(6), row(7));
	let quads = |a, b| {
		(
			_mm256_shuffle_ps::<0x44>(a, b),
			_mm256_shuffle_ps::<0xEE>(a, b),
		)
	};
	let (b0, b1) = quads(a0, a2);
	let (b2, b3) = quads(a1, a3);
	let (b4, b5) = quads(a4, a6);
	let (b6, b7) = quads(a5, a7);
	let low = |a, b| _mm256_permute2f128_ps::<0x20>(a, b);
	let high = |a, b| _mm256_permute2f128_ps::<0x31>(a, b);
	let columns = [
		low(b0, b4),
		low(b1, b5),
		low(b2, b6),
		low(b3, b7),
		high(b0, b4),
		high(b1, b5),
		high(b2, b6),
		high(b3, b7),
	];
	for (place, column) in columns.into_iter().enumerate() {
		// SAFETY: row `place` and its 8 floats are writable by the caller's word.
		unsafe { _mm256_storeu_ps(to.add(place * to_stride), column) }
	}
}
