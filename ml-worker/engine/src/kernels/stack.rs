//! Products of stacks of matrices, each done by one worker, and sums of such products.
//!
//! What windows show of a picture is a matrix that is made when its turn comes, in memory that stays in the level-2
//! cache: it is never there for all pictures together.

use super::{
	matmul::{multiply, readable_columns, sum_tiles, Product, SumTiles, Workspace},
	window::{canonicalise, Pictures},
};
use crate::{
	buffer::{lock, Buffer},
	instruction_set::Vectors,
	team::Team,
};
use repops::kernel::CHUNK;
use std::sync::Mutex;

/// Where the matrices of an operand are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Matrices {
	/// One for all products.
	Single,
	/// One after another.
	Each,
	/// What windows show of pictures, one picture for each product. They are not stored.
	Unfolded(Pictures),
}

/// Products of the matrices of two stacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StackProduct {
	/// Each product.
	pub(crate) product: Product,
	pub(crate) count: usize,
	pub(crate) left: Matrices,
	pub(crate) right: Matrices,
	/// The pictures that each product is folded to.
	pub(crate) folded: Option<Pictures>,
}

impl StackProduct {
	/// The floats of an element of the result's stack.
	pub(crate) fn result_length(&self) -> usize {
		match self.folded {
			Some(pictures) => pictures.picture(),
			None => self.product.rows * self.product.columns,
		}
	}

	/// The product, as it is computed of what is in the worker's memory.
	fn own(&self, vectors: Vectors) -> Product {
		let mut product = self.product;
		if let Matrices::Unfolded(_) = self.right {
			product.right_stride = match product.right_transposed {
				true => product.inner,
				false => readable_columns(vectors, product.columns),
			};
		}
		product
	}

	/// The floats that a worker needs: packed matrices, an unfolded one, and a product that is to be folded.
	fn parts(&self, vectors: Vectors) -> [usize; 3] {
		let own = self.own(vectors);
		let unfolded = match self.right {
			Matrices::Unfolded(_) if own.right_transposed => own.columns * own.inner,
			Matrices::Unfolded(_) => own.inner * own.right_stride,
			_ => 0,
		};
		let product = match self.folded {
			Some(_) => own.rows * own.columns,
			None => 0,
		};
		[own.packed_length(vectors), unfolded, product].map(padded)
	}

	/// The floats that a worker needs.
	pub(crate) fn scratch_length(&self, vectors: Vectors) -> usize {
		self.parts(vectors).iter().sum()
	}

	/// The rows of a worker's own memory for products that are not kept.
	pub(crate) fn row_block_length(&self, vectors: Vectors) -> usize {
		self.own(vectors).row_block_length(vectors)
	}

	/// The floats that a worker's packed rows of the left matrix take.
	pub(crate) fn packed_left_length(&self, vectors: Vectors) -> usize {
		self.own(vectors).packed_left_length(vectors)
	}

	/// Whether rows are finished block by block, so that the product itself need not be kept.
	pub(crate) fn finishes_blocks(&self, vectors: Vectors) -> bool {
		self.own(vectors).finishes_blocks(vectors)
	}
}

/// Whole cache lines, and one more, so that copies may go beyond the end.
fn padded(length: usize) -> usize {
	match length {
		0 => 0,
		length => length.next_multiple_of(16) + 16,
	}
}

/// What workers compute with besides [`Workspace`].
#[derive(Clone, Copy)]
pub(crate) struct Scratch<'a> {
	pub(crate) workspace: Workspace<'a>,
	/// For each worker as many floats as the stage says.
	pub(crate) own: &'a [Mutex<Buffer>],
}

/// Computes the products of two stacks. Outputs and `follow` are those of [`multiply`], with the stack's products one
/// after another; where products are folded `follow` is not called and `outputs[0]` are the pictures.
pub(crate) fn multiply_stack<const N: usize>(
	scratch: Scratch,
	stack: &StackProduct,
	[left, right]: [&[f32]; 2],
	outputs: [&mut [f32]; N],
	follow: impl Fn(usize, usize, &[f32], [&mut [f32]; N]) + Sync,
) {
	let Scratch { workspace, own } = scratch;
	let Workspace { team, vectors, .. } = workspace;
	let product = stack.own(vectors);
	let length = stack.result_length();
	let work = product.rows * product.columns * product.inner;
	let chunk = team.chunk(stack.count, (1usize << 18).div_ceil(work.max(1)), 1) * length;
	let [packed_length, unfolded_length, _] = stack.parts(vectors);
	let matrix = |matrices: Matrices, elements: &[f32], at: usize| match matrices {
		Matrices::Single => 0..elements.len(),
		Matrices::Each => {
			let length = elements.len() / stack.count;
			at * length..(at + 1) * length
		}
		Matrices::Unfolded(pictures) => at * pictures.picture()..(at + 1) * pictures.picture(),
	};
	team.for_each_chunk_of(
		outputs,
		stack.count * length,
		chunk,
		|worker, start, mut outputs| {
			let mut own = lock(&own[worker]);
			let (packed, rest) = own.split_at_mut(packed_length);
			let (unfolded, whole) = rest.split_at_mut(unfolded_length);
			let alone = Team::alone();
			let workspace = Workspace {
				team: &alone,
				rows: &workspace.rows[worker..=worker],
				left: &workspace.left[worker..=worker],
				vectors,
			};
			for (first, at) in (0..chunk.min(stack.count * length - start))
				.step_by(length)
				.zip(start / length..)
			{
				let left = &left[matrix(stack.left, left, at)];
				let right = &right[matrix(stack.right, right, at)];
				let right = match stack.right {
					Matrices::Unfolded(pictures) => {
						unfold(&pictures, right, product.right_stride, unfolded);
						&*unfolded
					}
					_ => right,
				};
				if let Some(pictures) = stack.folded {
					let size = product.rows * product.columns;
					let nothing = |_: usize, _: usize, _: &[f32], _: [&mut [f32]; 1]| ();
					let product_of = [&mut whole[..size]];
					multiply(
						workspace, &product, left, right, packed, product_of, nothing,
					);
					let picture = &mut outputs[0][first..first + length];
					pictures.fold_picture(whole, product.columns, picture);
					canonicalise(picture);
					continue;
				}
				let parts = outputs.each_mut().map(|output| match output.is_empty() {
					true => Default::default(),
					false => &mut output[first..first + length],
				});
				let follow = |_: usize, place: usize, rows: &[f32], outputs: [&mut [f32]; N]| {
					follow(worker, at * length + place, rows, outputs)
				};
				multiply(workspace, &product, left, right, packed, parts, follow);
			}
		},
	);
}

/// Writes what windows show of a picture: a row for each position of each channel.
fn unfold(pictures: &Pictures, picture: &[f32], stride: usize, unfolded: &mut [f32]) {
	for row in 0..pictures.rows() {
		let windows = 0..pictures.window_count();
		pictures.unfold_row(picture, row, windows, &mut unfolded[row * stride..]);
	}
}

/// The sum of the products of two stacks: one contraction over the terms of all matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StackSum {
	/// Rows, inner length and columns of each product.
	pub(crate) rows: usize,
	pub(crate) inner: usize,
	pub(crate) columns: usize,
	pub(crate) count: usize,
	pub(crate) left: Matrices,
	pub(crate) left_transposed: bool,
	pub(crate) right: Matrices,
	pub(crate) right_transposed: bool,
}

/// An operand of a sum of products, seen as one long matrix whose rows are its outer indices and whose columns are the
/// terms of all matrices.
#[derive(Clone, Copy)]
struct Long<'a> {
	elements: &'a [f32],
	outer: usize,
	inner: usize,
	matrices: Matrices,
	/// Whether the terms of a row lie side by side.
	by_rows: bool,
}

/// The most rows of the longer side that are gathered at a time.
const ROWS: usize = 96;

impl StackSum {
	/// Whether the operands change places: the one with fewer outer indices is packed.
	fn is_swapped(&self) -> bool {
		self.rows < self.columns
	}

	/// The lengths of the longer and the shorter side.
	fn sides(&self) -> [usize; 2] {
		match self.is_swapped() {
			true => [self.columns, self.rows],
			false => [self.rows, self.columns],
		}
	}

	/// The floats that a worker needs: gathered rows of either side, and the packed shorter side.
	fn parts(&self, vectors: Vectors) -> [usize; 3] {
		let [longer, shorter] = self.sides();
		let packed = CHUNK * readable_columns(vectors, shorter);
		[longer.min(ROWS) * CHUNK, shorter * CHUNK, packed].map(padded)
	}

	/// The floats that a worker needs.
	pub(crate) fn scratch_length(&self, vectors: Vectors) -> usize {
		self.parts(vectors).iter().sum()
	}

	/// The floats that the whole result takes before it is transposed, if it is.
	pub(crate) fn turned_length(&self) -> usize {
		match self.is_swapped() {
			true => self.rows * self.columns,
			false => 0,
		}
	}

	fn long<'a>(&self, is_left: bool, elements: &'a [f32]) -> Long<'a> {
		let (outer, matrices, by_rows) = match is_left {
			true => (self.rows, self.left, !self.left_transposed),
			false => (self.columns, self.right, self.right_transposed),
		};
		Long {
			elements,
			outer,
			inner: self.inner,
			matrices,
			by_rows,
		}
	}
}

impl Long<'_> {
	/// Writes these terms of a row.
	fn gather(&self, row: usize, terms: std::ops::Range<usize>, gathered: &mut [f32]) {
		let mut term = terms.start;
		while term < terms.end {
			let (at, k) = (term / self.inner, term % self.inner);
			let length = (self.inner - k).min(terms.end - term);
			let place = term - terms.start;
			let matrix = self.outer * self.inner;
			match self.matrices {
				Matrices::Unfolded(pictures) => {
					let picture = &self.elements[at * pictures.picture()..][..pictures.picture()];
					pictures.unfold_row(picture, row, k..k + length, &mut gathered[place..]);
				}
				_ if self.by_rows => {
					let from = at * matrix + row * self.inner + k;
					gathered[place..place + length]
						.copy_from_slice(&self.elements[from..from + length]);
				}
				_ => {
					let column = self.elements[at * matrix + k * self.outer + row..].iter();
					let column = column.step_by(self.outer);
					for (place, element) in gathered[place..place + length].iter_mut().zip(column) {
						*place = *element;
					}
				}
			}
			term += length;
		}
	}
}

/// Computes the sum of the products of two stacks. `turned` has [`StackSum::turned_length`] floats.
pub(crate) fn sum_stack(
	scratch: Scratch,
	stack: &StackSum,
	[left, right]: [&[f32]; 2],
	turned: &mut [f32],
	result: &mut [f32],
) {
	let Scratch { workspace, own } = scratch;
	let Workspace { team, vectors, .. } = workspace;
	let (left, right) = (stack.long(true, left), stack.long(false, right));
	let (longer, shorter, sums) = match stack.is_swapped() {
		true => (right, left, &mut *turned),
		false => (left, right, &mut *result),
	};
	let terms = stack.inner * stack.count;
	let columns = shorter.outer;
	let [gathered_length, shorter_length, _] = stack.parts(vectors);
	// Each share of rows packs the shorter side for itself.
	let share = longer.outer.div_ceil(team.workers());
	let share = if share * terms * columns < 1 << 18 {
		longer.outer
	} else {
		share.next_multiple_of(6)
	};
	team.for_each_chunk(sums, share * columns, |worker, start, sums| {
		let mut own = lock(&own[worker]);
		let (gathered, rest) = own.split_at_mut(gathered_length);
		let (rows_of_shorter, packed) = rest.split_at_mut(shorter_length);
		for first in (0..terms).step_by(CHUNK) {
			let chunk = first..terms.min(first + CHUNK);
			for row in 0..columns {
				shorter.gather(row, chunk.clone(), &mut rows_of_shorter[row * CHUNK..]);
			}
			for (number, sums) in sums.chunks_mut(ROWS * columns).enumerate() {
				let first_row = start / columns + number * ROWS;
				for row in 0..sums.len() / columns {
					let places = &mut gathered[row * CHUNK..];
					longer.gather(first_row + row, chunk.clone(), places);
				}
				let tiles = SumTiles {
					columns,
					terms: chunk.len(),
					left: gathered,
					right: rows_of_shorter,
					stride: CHUNK,
					add: first > 0,
					is_packed: number > 0,
				};
				sum_tiles(vectors, tiles, packed, sums);
			}
		}
	});
	if stack.is_swapped() {
		super::movement::transpose(team, vectors, turned, columns, result);
	}
}
