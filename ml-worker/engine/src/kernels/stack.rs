//! Products of stacks of matrices, each done by one worker, and sums of such products.
//!
//! What windows show of a picture is a matrix that is made when its turn comes, in memory that stays in the level-2
//! cache: it is never there for all pictures together.

use super::{
	convolution::{
		add_rows, add_terms, close_rows, multiply_rows, pad, spread_rows, unpad, Padded, Terms,
	},
	elementwise::all_finite,
	matmul::{multiply, readable_columns, sum_tiles, Panels, Product, Workspace},
	window::{fold_picture, unfold_rows, Pictures},
};
use crate::{
	buffer::{lock, Buffer},
	instruction_set::Vectors,
	team::Team,
};
use repops::kernel::CHUNK;
use std::{ops::Range, sync::Mutex};

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

/// How a product of a stack is computed.
#[derive(Clone, Copy)]
enum Way {
	/// Of matrices that are stored, or unfolded before.
	Plain,
	/// Of a matrix and a padded picture.
	Convolved(Padded),
	/// Of a matrix and rows that are spread, such that the product can be added to a padded picture.
	Folded(Padded),
}

/// The floats of product rows that are finished before what follows them.
const ROW_BLOCK: usize = 32 << 10;

impl StackProduct {
	/// The floats of an element of the result's stack.
	pub(crate) fn result_length(&self) -> usize {
		match self.folded {
			Some(pictures) => pictures.picture(),
			None => self.product.rows * self.product.columns,
		}
	}

	/// The best way to compute the products.
	fn way(&self) -> Way {
		let Product {
			left_transposed,
			right_transposed,
			..
		} = self.product;
		let padded = |pictures: Pictures| Padded::new(&pictures);
		match (self.right, self.folded) {
			(Matrices::Unfolded(pictures), None) if !left_transposed && !right_transposed => {
				padded(pictures).map_or(Way::Plain, Way::Convolved)
			}
			(Matrices::Each, Some(pictures)) if !right_transposed => {
				padded(pictures).map_or(Way::Plain, Way::Folded)
			}
			_ => Way::Plain,
		}
	}

	/// The product, as it is computed of what is in the worker's memory.
	fn own(&self, vectors: Vectors, way: Way) -> Product {
		let mut product = self.product;
		match (way, self.right) {
			(Way::Folded(padded), _) => {
				product.columns = padded.row();
				product.right_stride = padded.row();
			}
			(_, Matrices::Unfolded(_)) if !product.right_transposed => {
				product.right_stride = readable_columns(vectors, product.columns);
			}
			_ => (),
		}
		product
	}

	/// The floats that a worker needs: packed matrices, the right matrix as it is read, a product that is not yet what
	/// is wanted, and a padded picture.
	fn parts(&self, vectors: Vectors, way: Way) -> [usize; 4] {
		let own = self.own(vectors, way);
		let packed = own.packed_length(vectors);
		let parts = match (way, self.right) {
			(Way::Convolved(padded), _) => {
				[0, padded.length(), self.row_block(padded) * padded.row(), 0]
			}
			(Way::Folded(padded), _) => [
				packed,
				own.inner * padded.row(),
				own.rows * padded.row(),
				padded.length(),
			],
			(Way::Plain, right) => {
				let unfolded = match right {
					Matrices::Unfolded(_) if own.right_transposed => own.columns * own.inner,
					Matrices::Unfolded(_) => own.inner * own.right_stride,
					_ => 0,
				};
				let product = self.folded.map_or(0, |_| own.rows * own.columns);
				[packed, unfolded, product, 0]
			}
		};
		parts.map(padded_length)
	}

	/// The rows of a convolution that are computed before what follows them.
	fn row_block(&self, padded: Padded) -> usize {
		let rows = (ROW_BLOCK / padded.row()).next_multiple_of(6).max(6);
		rows.min(self.product.rows)
	}

	/// The most of something that any of the ways that may be taken needs.
	fn most(&self, of: impl Fn(Way) -> usize) -> usize {
		match self.way() {
			Way::Convolved(padded) => of(Way::Convolved(padded)),
			way => of(way).max(of(Way::Plain)),
		}
	}

	/// The floats that a worker needs.
	pub(crate) fn scratch_length(&self, vectors: Vectors) -> usize {
		self.most(|way| self.parts(vectors, way).iter().sum())
	}

	/// The rows of a worker's own memory for products that are not kept.
	pub(crate) fn row_block_length(&self, vectors: Vectors) -> usize {
		self.most(|way| match way {
			Way::Convolved(padded) => self.row_block(padded) * self.product.columns,
			_ => self.own(vectors, way).row_block_length(vectors),
		})
	}

	/// The floats that a worker's packed rows of the left matrix take.
	pub(crate) fn packed_left_length(&self, vectors: Vectors) -> usize {
		self.most(|way| self.own(vectors, way).packed_left_length(vectors))
	}

	/// Whether rows are finished block by block, so that the product itself need not be kept.
	pub(crate) fn finishes_blocks(&self, vectors: Vectors) -> bool {
		match self.way() {
			Way::Convolved(_) => true,
			way => self.own(vectors, way).finishes_blocks(vectors),
		}
	}
}

/// Whole cache lines, and one more, so that copies may go beyond the end.
fn padded_length(length: usize) -> usize {
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
	let way = match stack.way() {
		// A product with what is between the lines must be 0.
		Way::Folded(_) if !all_finite(vectors, left) => Way::Plain,
		way => way,
	};
	let places = match way {
		Way::Plain => vec![],
		Way::Convolved(padded) | Way::Folded(padded) => padded.places(),
	};
	let length = stack.result_length();
	let Product {
		rows,
		columns,
		inner,
		..
	} = stack.product;
	let work = (rows * columns * inner).max(1);
	let chunk = team.chunk(stack.count, LEAST_WORK.div_ceil(work), 1) * length;
	let work = |worker: usize, start: usize, mut outputs: [&mut [f32]; N]| {
		let mut own = lock(&own[worker]);
		let alone = Team::alone();
		let mut one = One {
			stack,
			way,
			places: &places,
			workspace: Workspace {
				team: &alone,
				rows: &workspace.rows[worker..=worker],
				left: &workspace.left[worker..=worker],
				vectors,
			},
			scratch: cut(&mut own, stack.parts(vectors, way)),
		};
		let end = chunk.min(stack.count * length - start);
		for (first, at) in (0..end).step_by(length).zip(start / length..) {
			let matrices = [(stack.left, left), (stack.right, right)];
			let matrices = matrices.map(|(matrices, elements)| match matrices {
				Matrices::Single => elements,
				_ => {
					let length = elements.len() / stack.count;
					&elements[at * length..(at + 1) * length]
				}
			});
			let parts = outputs.each_mut().map(|output| match output.is_empty() {
				true => Default::default(),
				false => &mut output[first..first + length],
			});
			one.compute(matrices, parts, |place, rows, outputs| {
				follow(worker, at * length + place, rows, outputs)
			});
		}
	};
	team.for_each_chunk_of(outputs, stack.count * length, chunk, work);
}

/// The least multiply-adds that are worth another thread.
const LEAST_WORK: usize = 1 << 18;

/// Cuts a worker's memory into parts.
fn cut<const N: usize>(memory: &mut [f32], lengths: [usize; N]) -> [&mut [f32]; N] {
	let mut rest = memory;
	lengths.map(|length| {
		let (part, others) = std::mem::take(&mut rest).split_at_mut(length);
		rest = others;
		part
	})
}

/// One worker's products.
struct One<'a> {
	stack: &'a StackProduct,
	way: Way,
	/// Where the rows of an unfolded picture begin in a padded one.
	places: &'a [u32],
	workspace: Workspace<'a>,
	scratch: [&'a mut [f32]; 4],
}

impl One<'_> {
	/// Computes one product.
	fn compute<const N: usize>(
		&mut self,
		[left, right]: [&[f32]; 2],
		outputs: [&mut [f32]; N],
		follow: impl Fn(usize, &[f32], [&mut [f32]; N]) + Sync,
	) {
		let vectors = self.workspace.vectors;
		let product = self.stack.own(vectors, self.way);
		let size = product.rows * product.columns;
		let nothing = |_: usize, _: usize, _: &[f32], _: [&mut [f32]; 1]| ();
		let [packed, read, whole, picture] = &mut self.scratch;
		let workspace = self.workspace;
		match (self.way, self.stack.folded) {
			(Way::Convolved(padded), _) => self.convolve(&padded, [left, right], outputs, follow),
			(Way::Folded(padded), _) => {
				spread_rows(vectors, &padded, right, read);
				let product_of = [&mut whole[..size]];
				multiply(workspace, &product, left, read, packed, product_of, nothing);
				picture[..padded.length()].fill(0.0);
				add_rows(vectors, &padded, self.places, whole, picture);
				unpad(vectors, &padded, picture, outputs[0]);
			}
			(Way::Plain, folded) => {
				let right = match self.stack.right {
					Matrices::Unfolded(pictures) => {
						let (rows, windows) = (0..pictures.rows(), 0..pictures.window_count());
						let stride = product.right_stride;
						unfold_rows(vectors, &pictures, right, rows, windows, stride, read);
						&**read
					}
					_ => right,
				};
				match folded {
					Some(pictures) => {
						let product_of = [&mut whole[..size]];
						multiply(
							workspace, &product, left, right, packed, product_of, nothing,
						);
						fold_picture(vectors, &pictures, whole, product.columns, outputs[0]);
					}
					None => multiply(
						workspace,
						&product,
						left,
						right,
						packed,
						outputs,
						|_: usize, place, rows, outputs| follow(place, rows, outputs),
					),
				}
			}
		}
	}

	/// Computes a product with what windows show of a picture.
	fn convolve<const N: usize>(
		&mut self,
		padded: &Padded,
		[left, right]: [&[f32]; 2],
		mut outputs: [&mut [f32]; N],
		follow: impl Fn(usize, &[f32], [&mut [f32]; N]) + Sync,
	) {
		let vectors = self.workspace.vectors;
		let Product { rows, columns, .. } = self.stack.product;
		let [_, picture, spread, _] = &mut self.scratch;
		pad(vectors, padded, right, picture);
		let whole = std::mem::take(&mut outputs[0]);
		let mut spare = lock(&self.workspace.rows[0]);
		let block = self.stack.row_block(*padded);
		for first in (0..rows).step_by(block) {
			let block = first..rows.min(first + block);
			multiply_rows(
				vectors,
				padded,
				block.clone(),
				left,
				picture,
				self.places,
				spread,
			);
			let range = block.start * columns..block.end * columns;
			let finished = match whole.is_empty() {
				true => &mut spare[..range.len()],
				false => &mut whole[range.clone()],
			};
			close_rows(
				vectors,
				padded,
				&spread[..block.len() * padded.row()],
				finished,
			);
			let parts = outputs.each_mut().map(|output| match output.is_empty() {
				true => Default::default(),
				false => &mut output[range.clone()],
			});
			follow(range.start, finished, parts);
		}
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

/// The most rows that are gathered at a time.
const ROWS: usize = 96;

/// From row to row of what is gathered: a chunk, and room for copies that go beyond its end.
const GATHERED: usize = CHUNK + 16;

impl StackSum {
	/// The pictures, if one operand is what dense windows show of them, with the windows as terms; and whether it is the
	/// left one.
	fn padded(&self) -> Option<(Padded, bool)> {
		let by_rows = [!self.left_transposed, self.right_transposed];
		match ([self.left, self.right], by_rows) {
			([Matrices::Unfolded(pictures), _], [true, _]) => {
				Padded::new(&pictures).map(|padded| (padded, true))
			}
			([_, Matrices::Unfolded(pictures)], [_, true]) => {
				Padded::new(&pictures).map(|padded| (padded, false))
			}
			_ => None,
		}
	}

	/// Whether the operands change places: the one with fewer outer indices is packed, but never pictures that can be
	/// read where they are.
	fn is_swapped(&self) -> bool {
		match self.padded() {
			Some((_, is_left)) => !is_left,
			None => self.rows < self.columns,
		}
	}

	/// The lengths of the side that is read row by row and of the one that is packed.
	fn sides(&self) -> [usize; 2] {
		match self.is_swapped() {
			true => [self.columns, self.rows],
			false => [self.rows, self.columns],
		}
	}

	/// The floats that a worker needs: gathered rows or padded pictures of the one side, gathered rows of the other, and
	/// what is packed of them.
	fn parts(&self, vectors: Vectors) -> [usize; 3] {
		let [read, packed] = self.sides();
		let gathered = match self.padded() {
			Some((padded, _)) => Terms::most_pictures(&padded, self.count) * padded.length(),
			None => read.min(ROWS) * GATHERED,
		};
		let panels = CHUNK * readable_columns(vectors, packed);
		[gathered, packed * GATHERED, panels].map(padded_length)
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
	/// Writes these terms of these rows, each row [`GATHERED`] after the one before. What stands behind a row's terms is not
	/// said.
	fn gather(
		&self,
		vectors: Vectors,
		rows: Range<usize>,
		terms: Range<usize>,
		gathered: &mut [f32],
	) {
		let mut term = terms.start;
		while term < terms.end {
			let (at, k) = (term / self.inner, term % self.inner);
			let length = (self.inner - k).min(terms.end - term);
			let gathered = &mut gathered[term - terms.start..];
			self.gather_of_matrix(vectors, at, rows.clone(), k..k + length, gathered);
			term += length;
		}
	}

	/// Writes these terms of one of the matrices.
	fn gather_of_matrix(
		&self,
		vectors: Vectors,
		at: usize,
		rows: Range<usize>,
		terms: Range<usize>,
		gathered: &mut [f32],
	) {
		if let Matrices::Unfolded(pictures) = self.matrices {
			let picture = &self.elements[at * pictures.picture()..][..pictures.picture()];
			return unfold_rows(vectors, &pictures, picture, rows, terms, GATHERED, gathered);
		}
		let matrix = &self.elements[at * self.outer * self.inner..][..self.outer * self.inner];
		for (row, gathered) in rows.zip(gathered.chunks_mut(GATHERED)) {
			let gathered = &mut gathered[..terms.len()];
			if self.by_rows {
				gathered.copy_from_slice(&matrix[row * self.inner..][terms.clone()]);
				continue;
			}
			let column = matrix[terms.start * self.outer + row..].iter();
			for (place, element) in gathered.iter_mut().zip(column.step_by(self.outer)) {
				*place = *element;
			}
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
	let (read, packed, sums) = match stack.is_swapped() {
		true => (right, left, &mut *turned),
		false => (left, right, &mut *result),
	};
	let terms = stack.inner * stack.count;
	let columns = packed.outer;
	let padded = stack.padded().map(|(padded, _)| (padded, padded.places()));
	// Each share of rows packs the other side for itself.
	let share = match read.outer * terms * columns < LEAST_WORK {
		true => read.outer,
		false => read.outer.div_ceil(team.workers()).next_multiple_of(6),
	};
	team.for_each_chunk(sums, share * columns, |worker, start, sums| {
		let mut own = lock(&own[worker]);
		let [gathered, rows_of_packed, panels] = cut(&mut own, stack.parts(vectors));
		let first_row = start / columns;
		for first in (0..terms).step_by(CHUNK) {
			let chunk = first..terms.min(first + CHUNK);
			packed.gather(vectors, 0..columns, chunk.clone(), rows_of_packed);
			let size = [columns, chunk.len()];
			let panels = Panels::pack(vectors, rows_of_packed, GATHERED, size, panels);
			let add = first > 0;
			if let Some((padded, places)) = &padded {
				let terms = Terms::new(padded, chunk);
				let picture = padded.pictures().picture();
				let slots = gathered.chunks_exact_mut(padded.length());
				for (slot, at) in slots.zip(terms.pictures.clone()) {
					pad(
						vectors,
						padded,
						&read.elements[at * picture..][..picture],
						slot,
					);
				}
				let places = &places[first_row..first_row + sums.len() / columns];
				add_terms(vectors, &terms, places, gathered, panels, add, sums);
				continue;
			}
			for (number, sums) in sums.chunks_mut(ROWS * columns).enumerate() {
				let first_row = first_row + number * ROWS;
				let rows = first_row..first_row + sums.len() / columns;
				read.gather(vectors, rows, chunk.clone(), gathered);
				sum_tiles(vectors, gathered, GATHERED, panels, add, sums);
			}
		}
	});
	if stack.is_swapped() {
		super::movement::transpose(team, vectors, turned, columns, result);
	}
}
