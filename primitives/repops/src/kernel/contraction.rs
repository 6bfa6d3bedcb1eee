//! The matrix product.

use super::CHUNK;
use crate::{commit::TILE, number, tensor::Tensor};
use alloc::{vec, vec::Vec};
use core::ops::Range;

/// The elements of a tile of a matrix, row by row; zeros where the matrix has ended.
pub type TileElements = [f32; TILE * TILE];

/// A matrix as it is stored, and whether it is meant transposed.
#[derive(Clone, Copy, Debug)]
pub struct MatrixView<'a> {
	elements: &'a [f32],
	stored_columns: usize,
	transposed: bool,
}

impl<'a> MatrixView<'a> {
	/// A view of row-major elements with so many columns as stored.
	pub fn new(elements: &'a [f32], stored_columns: usize, transposed: bool) -> Self {
		MatrixView {
			elements,
			stored_columns,
			transposed,
		}
	}

	/// The rows of the matrix that is meant.
	pub fn rows(&self) -> usize {
		if self.transposed {
			self.stored_columns
		} else {
			self.elements.len() / self.stored_columns.max(1)
		}
	}

	/// The columns of the matrix that is meant.
	pub fn columns(&self) -> usize {
		if self.transposed {
			self.elements.len() / self.stored_columns.max(1)
		} else {
			self.stored_columns
		}
	}

	/// An element; 0 outside of the matrix.
	#[inline(always)]
	pub fn at(&self, row: usize, column: usize) -> f32 {
		let (row, column) = if self.transposed {
			(column, row)
		} else {
			(row, column)
		};
		self.elements
			.get(row * self.stored_columns + column)
			.copied()
			.unwrap_or(0.0)
	}
}

/// One element of a matrix product: the contraction of `inner` pairs of terms. It is the definition that
/// [`matmul_tile`] follows for many elements at once.
pub fn matmul_element(
	inner: usize,
	left: impl Fn(usize) -> f32,
	right: impl Fn(usize) -> f32,
) -> f32 {
	let chunk = |start: usize| {
		let terms = start..inner.min(start + CHUNK);
		number::canonical(terms.fold(0.0, |sum, k| number::fused(left(k), right(k), sum)))
	};
	let mut results = (0..inner).step_by(CHUNK).map(chunk);
	let first = results.next().unwrap_or(0.0);
	results.fold(first, number::add)
}

/// What one chunk of terms adds to a tile of a matrix product: for each element of these rows and columns
/// (at most a tile's) the chain of fused multiply-adds over the terms, from +0. Both matrices are given by
/// their elements, `left(row, term)` and `right(term, column)`.
pub fn matmul_chunk(
	rows: Range<usize>,
	columns: Range<usize>,
	terms: Range<usize>,
	left: impl Fn(usize, usize) -> f32,
	right: impl Fn(usize, usize) -> f32,
) -> TileElements {
	let mut sums = [0.0; TILE * TILE];
	let mut right_row = [0.0; TILE];
	for k in terms {
		for (element, column) in right_row.iter_mut().zip(columns.clone()) {
			*element = right(k, column);
		}
		for (row, sums) in rows.clone().zip(sums.chunks_exact_mut(TILE)) {
			let factor = left(row, k);
			for ((sum, element), _) in sums.iter_mut().zip(&right_row).zip(columns.clone()) {
				*sum = number::fused(factor, *element, *sum);
			}
		}
	}
	sums.map(number::canonical)
}

/// The tile of a matrix product with these rows and columns (at most a tile's) and `inner` terms: the
/// results of the chunks, added in ascending order.
pub fn matmul_tile(
	rows: Range<usize>,
	columns: Range<usize>,
	inner: usize,
	left: impl Fn(usize, usize) -> f32,
	right: impl Fn(usize, usize) -> f32,
) -> TileElements {
	let mut running = [0.0; TILE * TILE];
	for start in (0..inner).step_by(CHUNK) {
		let terms = start..inner.min(start + CHUNK);
		let chunk = matmul_chunk(rows.clone(), columns.clone(), terms, &left, &right);
		if start == 0 {
			running = chunk;
		} else {
			for (sum, result) in running.iter_mut().zip(chunk) {
				*sum = number::add(*sum, result);
			}
		}
	}
	running
}

/// The product of two matrices whose inner lengths agree, row-major.
pub fn matmul(left: &MatrixView, right: &MatrixView) -> Vec<f32> {
	product(
		[left.rows(), left.columns(), right.columns()],
		|row, k| left.at(row, k),
		|k, column| right.at(k, column),
	)
}

/// All tiles of a matrix product with so many rows, terms and columns, as a row-major matrix.
fn product(
	[rows, inner, columns]: [usize; 3],
	left: impl Fn(usize, usize) -> f32,
	right: impl Fn(usize, usize) -> f32,
) -> Vec<f32> {
	let mut product = vec![0.0; rows * columns];
	for first_row in (0..rows).step_by(TILE) {
		for first_column in (0..columns).step_by(TILE) {
			let tile_rows = first_row..rows.min(first_row + TILE);
			let tile_columns = first_column..columns.min(first_column + TILE);
			let (of_rows, of_columns) = (tile_rows.clone(), tile_columns.clone());
			let tile = matmul_tile(of_rows, of_columns, inner, &left, &right);
			for (row, elements) in tile_rows.zip(tile.chunks_exact(TILE)) {
				let start = row * columns + first_column;
				product[start..start + tile_columns.len()]
					.copy_from_slice(&elements[..tile_columns.len()]);
			}
		}
	}
	product
}

/// A stack of matrices of the same size; a single matrix is one for each of the other operand's.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a> {
	elements: &'a [f32],
	/// The number of matrices.
	pub count: usize,
	stored_columns: usize,
	transposed: bool,
}

impl<'a> Stack<'a> {
	/// The matrices in the last two axes of a tensor; none if they are not `F32`.
	pub fn new(tensor: &'a Tensor, transposed: bool) -> Option<Self> {
		let (stack, _) = tensor.shape.0.split_last_chunk::<2>()?;
		Some(Stack {
			elements: tensor.as_f32()?,
			count: stack.iter().map(|length| *length as usize).product(),
			stored_columns: tensor.shape.columns(),
			transposed,
		})
	}

	/// A matrix of the stack.
	pub fn matrix(&self, at: usize) -> MatrixView<'a> {
		let length = self.elements.len() / self.count.max(1);
		let start = if self.count > 1 { at * length } else { 0 };
		let elements = self.elements.get(start..start + length);
		MatrixView::new(
			elements.unwrap_or(&[]),
			self.stored_columns,
			self.transposed,
		)
	}
}

/// The sum of the products of the matrices of two stacks, row-major: each element is one contraction, whose terms
/// are those of the first matrices, then those of the second ones, and so on.
pub fn matmul_sum(left: &Stack, right: &Stack) -> Vec<f32> {
	let lefts: Vec<MatrixView> = (0..left.count).map(|at| left.matrix(at)).collect();
	let rights: Vec<MatrixView> = (0..left.count).map(|at| right.matrix(at)).collect();
	let (first, other) = (left.matrix(0), right.matrix(0));
	let inner = first.columns();
	product(
		[first.rows(), inner * left.count, other.columns()],
		|row, term| lefts[term / inner].at(row, term % inner),
		|term, column| rights[term / inner].at(term % inner, column),
	)
}
