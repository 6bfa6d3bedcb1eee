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
pub(crate) fn tile_columns(vectors: Vectors) -> usize {
	match vectors.set() {
		// 24 sums, 4 columns and a factor of 32 registers: 10 loads for 24 multiply-adds.
		InstructionSet::Avx512 => 64,
		// 12 sums, 2 columns and a factor of 16 registers.
		InstructionSet::Avx2 | InstructionSet::Portable => 16,
	}
}

/// The floats of a vector.
pub(crate) fn vector_width(vectors: Vectors) -> usize {
	match vectors.set() {
		InstructionSet::Avx512 => 16,
		InstructionSet::Avx2 | InstructionSet::Portable => 8,
	}
}

/// How the left matrix is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Left<'a> {
	/// A row's terms lie side by side; from row to row it is so far.
	Rows(usize),
	/// A term's rows lie side by side; from term to term it is so far.
	Terms(usize),
	/// Each row, and each term, has a place of its own; an element lies at their sum.
	Places {
		rows: Offsets<'a>,
		terms: Offsets<'a>,
	},
}

/// How the right matrix is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right<'a> {
	/// From term to term it is so far.
	Strided(usize),
	/// Each term's columns begin at a place of their own. The left matrix must be stored by rows.
	Places(Offsets<'a>),
}

/// Places, none of which is beyond a bound that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offsets<'a> {
	places: &'a [u32],
	most: usize,
}

impl<'a> Offsets<'a> {
	/// Looks at all of them once.
	pub(crate) fn new(places: &'a [u32]) -> Self {
		let most = places.iter().copied().max().unwrap_or(0) as usize;
		Offsets { places, most }
	}
}

/// One tile's work.
pub(crate) struct Tile<'a> {
	/// How many rows, up to [`TILE_ROWS`].
	pub(crate) rows: usize,
	/// How many columns, up to [`tile_columns`].
	pub(crate) columns: usize,
	/// The terms of this chunk.
	pub(crate) terms: usize,
	/// The left matrix from the tile's first row and the chunk's first term.
	pub(crate) left: &'a [f32],
	pub(crate) left_layout: Left<'a>,
	/// For each term its columns, up to a whole vector readable.
	pub(crate) right: &'a [f32],
	pub(crate) right_layout: Right<'a>,
	/// The product from the tile's first element.
	pub(crate) product: &'a mut [f32],
	/// From row to row of the product.
	pub(crate) stride: usize,
	/// Whether the chunk's sums are added to what stands in the product, or replace it.
	pub(crate) add: bool,
}

/// What the kernels get: a [`Tile`] whose accesses were found to lie within its slices.
struct Raw {
	terms: usize,
	columns: usize,
	left: *const f32,
	left_stride: usize,
	/// The places of rows and terms, for [`LEFT_PLACES`].
	left_rows: *const u32,
	left_terms: *const u32,
	right: *const f32,
	right_stride: usize,
	/// The places of terms, for [`RIGHT_PLACES`].
	right_terms: *const u32,
	product: *mut f32,
	stride: usize,
	add: bool,
}

/// A term's rows lie side by side.
const TERMS: usize = 0;
/// A row's terms lie side by side.
const ROWS: usize = 1;
/// A row's terms lie side by side, and the right matrix' terms have places.
const RIGHT_PLACES: usize = 2;
/// The left matrix' rows and terms have places.
const LEFT_PLACES: usize = 3;
/// The kinds of kernels.
const LAYOUTS: usize = 4;

/// Computes a tile.
pub(crate) fn multiply(vectors: Vectors, tile: Tile) {
	let width = vector_width(vectors);
	let across = tile.columns.div_ceil(width);
	assert!(tile.rows >= 1 && tile.rows <= TILE_ROWS && tile.columns >= 1 && tile.terms >= 1);
	assert!(tile.columns <= tile_columns(vectors) && tile.columns <= tile.stride);
	assert!(tile.product.len() >= (tile.rows - 1) * tile.stride + tile.columns);
	let (rows, terms) = (tile.rows, tile.terms);
	let mut raw = Raw {
		terms,
		columns: tile.columns,
		left: tile.left.as_ptr(),
		left_stride: 0,
		left_rows: std::ptr::null(),
		left_terms: std::ptr::null(),
		right: tile.right.as_ptr(),
		right_stride: 0,
		right_terms: std::ptr::null(),
		product: tile.product.as_mut_ptr(),
		stride: tile.stride,
		add: tile.add,
	};
	let (mut layout, reach) = match tile.left_layout {
		Left::Rows(stride) => {
			raw.left_stride = stride;
			(ROWS, (rows - 1) * stride + terms)
		}
		Left::Terms(stride) => {
			raw.left_stride = stride;
			(TERMS, (terms - 1) * stride + rows)
		}
		Left::Places {
			rows: of_rows,
			terms: of_terms,
		} => {
			assert!(of_rows.places.len() >= rows && of_terms.places.len() >= terms);
			raw.left_rows = of_rows.places.as_ptr();
			raw.left_terms = of_terms.places.as_ptr();
			(LEFT_PLACES, of_rows.most + of_terms.most + 1)
		}
	};
	assert!(tile.left.len() >= reach);
	let reach = match tile.right_layout {
		Right::Strided(stride) => {
			raw.right_stride = stride;
			(terms - 1) * stride
		}
		Right::Places(of_terms) => {
			assert!(layout == ROWS && of_terms.places.len() >= terms);
			layout = RIGHT_PLACES;
			raw.right_terms = of_terms.places.as_ptr();
			of_terms.most
		}
	};
	assert!(tile.right.len() >= reach + across * width);
	let kernels = match vectors.set() {
		#[cfg(target_arch = "x86_64")]
		InstructionSet::Avx512 => &AVX512,
		#[cfg(target_arch = "x86_64")]
		InstructionSet::Avx2 => &AVX2,
		_ => &PORTABLE,
	};
	let kernel = kernels[layout][rows - 1][across - 1];
	// SAFETY: `Vectors` proves that the CPU has the instructions; the assertions above are the kernel's other
	// conditions.
	unsafe { kernel(&raw) }
}

/// # Safety
/// The CPU must have the vector's instructions. With `R` rows and `V` vectors across: `columns` is at most
/// `V` vectors and more than `V - 1`; `left` is readable at the place of each row `i` and term `k`, which is
/// `i * left_stride + k`, for [`TERMS`] `k * left_stride + i`, and for [`LEFT_PLACES`] `left_rows[i] + left_terms[k]`; `V`
/// vectors of `right` are readable at `k * right_stride`, for [`RIGHT_PLACES`] at `right_terms[k]`; `product` is
/// readable and writable at `i * stride + j` for each row `i` and column `j`.
#[inline(always)]
unsafe fn multiply_tile<F: Vector, const R: usize, const V: usize, const LAYOUT: usize>(
	tile: &Raw,
) {
	// SAFETY: each pointer below is at a place that the conditions name.
	unsafe {
		let mut sums = [[F::splat(0.0); V]; R];
		let rows: [*const f32; R] = match LAYOUT {
			LEFT_PLACES => {
				std::array::from_fn(|i| tile.left.wrapping_add(*tile.left_rows.add(i) as usize))
			}
			_ => [tile.left; R],
		};
		let mut left = tile.left;
		let mut right = tile.right;
		let (row_stride, term_stride) = match LAYOUT {
			TERMS => (1, tile.left_stride),
			_ => (tile.left_stride, 1),
		};
		let mut k = 0;
		// Not a closure, for that has no vector instructions of its own.
		macro_rules! term {
			($ahead:expr) => {
				let columns = match LAYOUT {
					RIGHT_PLACES => {
						let place = *tile.right_terms.add(k + $ahead) as usize;
						tile.right.wrapping_add(place)
					}
					_ => right,
				};
				let mut factors = [left; R];
				for (i, factor) in factors.iter_mut().enumerate() {
					*factor = match LAYOUT {
						LEFT_PLACES => {
							let place = *tile.left_terms.add(k + $ahead) as usize;
							rows[i].wrapping_add(place)
						}
						_ => left.wrapping_add($ahead * term_stride + i * row_stride),
					};
				}
				multiply_term(&mut sums, factors, columns);
				right = right.wrapping_add(tile.right_stride);
			};
		}
		while k + 4 <= tile.terms {
			term!(0);
			term!(1);
			term!(2);
			term!(3);
			left = left.wrapping_add(4 * term_stride);
			k += 4;
		}
		while k < tile.terms {
			term!(0);
			left = left.wrapping_add(term_stride);
			k += 1;
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

/// One term for each sum. `left` is where the rows' factors are.
///
/// # Safety
/// As [`multiply_tile`], for one term.
#[inline(always)]
unsafe fn multiply_term<F: Vector, const R: usize, const V: usize>(
	sums: &mut [[F; V]; R],
	left: [*const f32; R],
	right: *const f32,
) {
	// SAFETY: the caller's.
	unsafe {
		let mut columns = [F::splat(0.0); V];
		for (j, column) in columns.iter_mut().enumerate() {
			*column = F::load(right.add(j * F::WIDTH));
		}
		for (sums, left) in sums.iter_mut().zip(left) {
			let factor = F::splat(*left);
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
type Kernels = [[[Kernel; TILE_VECTORS]; TILE_ROWS]; LAYOUTS];

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512<const R: usize, const V: usize, const LAYOUT: usize>(tile: &Raw) {
	// SAFETY: the caller's.
	unsafe { multiply_tile::<__m512, R, V, LAYOUT>(tile) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const R: usize, const V: usize, const LAYOUT: usize>(tile: &Raw) {
	// SAFETY: the caller's.
	unsafe { multiply_tile::<__m256, R, V, LAYOUT>(tile) }
}

unsafe fn portable<const R: usize, const V: usize, const LAYOUT: usize>(tile: &Raw) {
	// SAFETY: the caller's; every CPU has these instructions.
	unsafe { multiply_tile::<Floats, R, V, LAYOUT>(tile) }
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
		[
			kernels!(@rows $kernel, TERMS, $($vectors)*),
			kernels!(@rows $kernel, ROWS, $($vectors)*),
			kernels!(@rows $kernel, RIGHT_PLACES, $($vectors)*),
			kernels!(@rows $kernel, LEFT_PLACES, $($vectors)*),
		]
	};
	(@rows $kernel:ident, $layout:ident, $a:literal $b:literal $c:literal $d:literal) => {
		[
			kernels!(@row $kernel, $layout, 1, $a $b $c $d),
			kernels!(@row $kernel, $layout, 2, $a $b $c $d),
			kernels!(@row $kernel, $layout, 3, $a $b $c $d),
			kernels!(@row $kernel, $layout, 4, $a $b $c $d),
			kernels!(@row $kernel, $layout, 5, $a $b $c $d),
			kernels!(@row $kernel, $layout, 6, $a $b $c $d),
		]
	};
	(@row $kernel:ident, $layout:ident, $rows:literal, $($vectors:literal)*) => {
		[$($kernel::<$rows, $vectors, $layout>),*]
	};
}

#[cfg(target_arch = "x86_64")]
static AVX512: Kernels = kernels!(avx512, 4);
/// A row is at most two vectors, so the last two are never called.
#[cfg(target_arch = "x86_64")]
static AVX2: Kernels = kernels!(avx2, 2);
/// As for AVX2.
static PORTABLE: Kernels = kernels!(portable, 2);
