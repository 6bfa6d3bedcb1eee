//! The innermost loop: a small tile of the product, held in registers, over one chunk of terms.
//!
//! Each place of the tile is a chain of fused multiply-adds over the terms in ascending order from +0, so the
//! shape of the tile and the width of the vectors change no bit. NaNs' payloads may differ inside of a chain,
//! for they steer nothing; every sum that is written is made canonical.

use super::vector::{Floats, Vector};
use crate::{instruction_set::Vectors, InstructionSet};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

/// The rows of a full tile, in each instruction set.
pub(super) const TILE_ROWS: usize = 6;

/// The most vectors of a tile's row.
const TILE_VECTORS: usize = 4;

/// The greatest number of columns of a tile.
const MOST_COLUMNS: usize = 64;

/// The columns of a full tile.
pub(super) fn tile_columns(vectors: Vectors) -> usize {
	match vectors.set() {
		// 24 sums, 4 columns and a factor of 32 registers: 10 loads for 24 multiply-adds.
		InstructionSet::Avx512 => 64,
		// 12 sums, 2 columns and a factor of 16 registers.
		InstructionSet::Avx2 | InstructionSet::Portable => 16,
	}
}

/// The floats of a vector.
pub(super) fn vector_width(vectors: Vectors) -> usize {
	match vectors.set() {
		InstructionSet::Avx512 => 16,
		InstructionSet::Avx2 | InstructionSet::Portable => 8,
	}
}

/// How the left matrix is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
	/// A row's terms lie side by side; from row to row it is so far.
	Rows(usize),
	/// A term's rows lie side by side; from term to term it is so far.
	Terms(usize),
}

/// One tile's work.
pub(super) struct Tile<'a> {
	/// How many rows, up to [`TILE_ROWS`].
	pub(super) rows: usize,
	/// How many columns, up to [`tile_columns`].
	pub(super) columns: usize,
	/// The terms of this chunk.
	pub(super) terms: usize,
	/// The left matrix from the tile's first row and the chunk's first term.
	pub(super) left: &'a [f32],
	pub(super) layout: Left,
	/// For each term its columns, up to a whole vector readable.
	pub(super) right: &'a [f32],
	/// From term to term of the right matrix.
	pub(super) right_stride: usize,
	/// The product from the tile's first element.
	pub(super) product: &'a mut [f32],
	/// From row to row of the product.
	pub(super) stride: usize,
	/// Whether the chunk's sums are added to what stands in the product, or replace it.
	pub(super) add: bool,
}

/// What the kernels get: a [`Tile`] whose accesses were found to lie within its slices.
struct Raw {
	terms: usize,
	columns: usize,
	left: *const f32,
	left_stride: usize,
	right: *const f32,
	right_stride: usize,
	product: *mut f32,
	stride: usize,
	add: bool,
}

/// Computes a tile.
pub(super) fn multiply(vectors: Vectors, tile: Tile) {
	let width = vector_width(vectors);
	let across = tile.columns.div_ceil(width);
	assert!(tile.rows >= 1 && tile.rows <= TILE_ROWS && tile.columns >= 1 && tile.terms >= 1);
	assert!(tile.columns <= tile_columns(vectors) && tile.columns <= tile.stride);
	let (rows, terms) = (tile.rows, tile.terms);
	let reach = match tile.layout {
		Left::Rows(stride) => (rows - 1) * stride + terms,
		Left::Terms(stride) => (terms - 1) * stride + rows,
	};
	assert!(tile.left.len() >= reach);
	assert!(tile.right.len() >= (terms - 1) * tile.right_stride + across * width);
	assert!(tile.product.len() >= (rows - 1) * tile.stride + tile.columns);
	let (left_stride, by_rows) = match tile.layout {
		Left::Rows(stride) => (stride, true),
		Left::Terms(stride) => (stride, false),
	};
	let raw = Raw {
		terms,
		columns: tile.columns,
		left: tile.left.as_ptr(),
		left_stride,
		right: tile.right.as_ptr(),
		right_stride: tile.right_stride,
		product: tile.product.as_mut_ptr(),
		stride: tile.stride,
		add: tile.add,
	};
	let kernels = match vectors.set() {
		#[cfg(target_arch = "x86_64")]
		InstructionSet::Avx512 => &AVX512,
		#[cfg(target_arch = "x86_64")]
		InstructionSet::Avx2 => &AVX2,
		_ => &PORTABLE,
	};
	let kernel = kernels[usize::from(by_rows)][rows - 1][across - 1];
	// SAFETY: `Vectors` proves that the CPU has the instructions; the assertions above are the kernel's other
	// conditions.
	unsafe { kernel(&raw) }
}

/// # Safety
/// The CPU must have the vector's instructions. With `R` rows and `V` vectors across: `columns` is at most
/// `V` vectors and more than `V - 1`; `left` is readable at `i * left_stride + k` (with `ROWS`, else at
/// `k * left_stride + i`) for each row `i` and term `k`; `V` vectors of `right` are readable at `k * right_stride`;
/// `product` is readable and writable at `i * stride + j` for each row `i` and column `j`.
#[inline(always)]
unsafe fn multiply_tile<F: Vector, const R: usize, const V: usize, const ROWS: bool>(tile: &Raw) {
	// SAFETY: each pointer below is at a place that the conditions name.
	unsafe {
		let mut sums = [[F::splat(0.0); V]; R];
		let mut left = tile.left;
		let mut right = tile.right;
		let (row_stride, term_stride) = if ROWS {
			(tile.left_stride, 1)
		} else {
			(1, tile.left_stride)
		};
		let mut terms = tile.terms;
		while terms >= 4 {
			for ahead in 0..4 {
				multiply_term(
					&mut sums,
					left.wrapping_add(ahead * term_stride),
					row_stride,
					right,
				);
				right = right.wrapping_add(tile.right_stride);
			}
			left = left.wrapping_add(4 * term_stride);
			terms -= 4;
		}
		while terms > 0 {
			multiply_term(&mut sums, left, row_stride, right);
			left = left.wrapping_add(term_stride);
			right = right.wrapping_add(tile.right_stride);
			terms -= 1;
		}
		if tile.columns == V * F::WIDTH {
			for (i, sums) in sums.iter().enumerate() {
				for (j, sum) in sums.iter().enumerate() {
					let place = tile.product.add(i * tile.stride + j * F::WIDTH);
					let sum = if tile.add {
						F::load(place).add(sum.canonical())
					} else {
						*sum
					};
					sum.canonical().store(place);
				}
			}
		} else {
			write_part(&sums, tile);
		}
	}
}

/// One term for each sum.
///
/// # Safety
/// As [`multiply_tile`], for one term.
#[inline(always)]
unsafe fn multiply_term<F: Vector, const R: usize, const V: usize>(
	sums: &mut [[F; V]; R],
	left: *const f32,
	row_stride: usize,
	right: *const f32,
) {
	// SAFETY: the caller's.
	unsafe {
		let mut columns = [F::splat(0.0); V];
		for (j, column) in columns.iter_mut().enumerate() {
			*column = F::load(right.add(j * F::WIDTH));
		}
		for (i, sums) in sums.iter_mut().enumerate() {
			let factor = F::splat(*left.add(i * row_stride));
			for (sum, column) in sums.iter_mut().zip(&columns) {
				*sum = factor.multiply_add(*column, *sum);
			}
		}
	}
}

/// Writes a tile whose last vector is not full.
///
/// # Safety
/// As [`multiply_tile`].
#[inline(always)]
unsafe fn write_part<F: Vector, const R: usize, const V: usize>(sums: &[[F; V]; R], tile: &Raw) {
	let mut row = [0.0; MOST_COLUMNS];
	for (i, sums) in sums.iter().enumerate() {
		for (sum, place) in sums.iter().zip(row.chunks_exact_mut(F::WIDTH)) {
			// SAFETY: the place has `WIDTH` floats; the CPU is the caller's concern.
			unsafe { sum.canonical().store(place.as_mut_ptr()) };
		}
		// SAFETY: these are the tile's places in row `i`.
		let product = unsafe {
			std::slice::from_raw_parts_mut(tile.product.add(i * tile.stride), tile.columns)
		};
		for (place, sum) in product.iter_mut().zip(&row) {
			*place = if tile.add {
				repops::number::add(*place, *sum)
			} else {
				*sum
			};
		}
	}
}

type Kernel = unsafe fn(&Raw);
type Kernels = [[[Kernel; TILE_VECTORS]; TILE_ROWS]; 2];

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512<const R: usize, const V: usize, const ROWS: bool>(tile: &Raw) {
	// SAFETY: the caller's.
	unsafe { multiply_tile::<__m512, R, V, ROWS>(tile) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const R: usize, const V: usize, const ROWS: bool>(tile: &Raw) {
	// SAFETY: the caller's.
	unsafe { multiply_tile::<__m256, R, V, ROWS>(tile) }
}

unsafe fn portable<const R: usize, const V: usize, const ROWS: bool>(tile: &Raw) {
	// SAFETY: the caller's; every CPU has these instructions.
	unsafe { multiply_tile::<Floats, R, V, ROWS>(tile) }
}

/// The kernels of an instruction set whose full tile is so many vectors wide.
macro_rules! kernels {
	($kernel:ident, 4) => {
		kernels!(@layouts $kernel, 1 2 3 4)
	};
	($kernel:ident, 2) => {
		kernels!(@layouts $kernel, 1 2 2 2)
	};
	(@layouts $kernel:ident, $($vectors:literal)*) => {
		[kernels!(@rows $kernel, false, $($vectors)*), kernels!(@rows $kernel, true, $($vectors)*)]
	};
	(@rows $kernel:ident, $by_rows:literal, $a:literal $b:literal $c:literal $d:literal) => {
		[
			kernels!(@row $kernel, $by_rows, 1, $a $b $c $d),
			kernels!(@row $kernel, $by_rows, 2, $a $b $c $d),
			kernels!(@row $kernel, $by_rows, 3, $a $b $c $d),
			kernels!(@row $kernel, $by_rows, 4, $a $b $c $d),
			kernels!(@row $kernel, $by_rows, 5, $a $b $c $d),
			kernels!(@row $kernel, $by_rows, 6, $a $b $c $d),
		]
	};
	(@row $kernel:ident, $by_rows:literal, $rows:literal, $($vectors:literal)*) => {
		[$($kernel::<$rows, $vectors, $by_rows>),*]
	};
}

#[cfg(target_arch = "x86_64")]
static AVX512: Kernels = kernels!(avx512, 4);
/// A row is at most two vectors, so the last two are never called.
#[cfg(target_arch = "x86_64")]
static AVX2: Kernels = kernels!(avx2, 2);
/// As for AVX2.
static PORTABLE: Kernels = kernels!(portable, 2);
