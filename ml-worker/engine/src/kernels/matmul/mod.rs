//! The matrix product, in the order that [`repops::kernel`] defines.
//!
//! The right matrix is packed into panels as wide as a tile; the left one is read as it is stored, for its
//! elements go one at a time into every place of a vector. Rows of the product are shared out among the
//! threads. Each element's chain of a chunk stays in a register; chunks are added in ascending order because
//! passes and chunks are walked in that order.

mod pack;
mod product;
mod sum;
mod tile;
mod vector;

pub(crate) use pack::square_transposer;
pub(crate) use product::Product;
pub(crate) use sum::{panels, readable_columns, sum_tiles, Panels};
pub(crate) use tile::{multiply as multiply_tile, Left, Offsets, Right, Tile};

use super::prefetch::prefetch;
use crate::{
	buffer::{lock, Buffer},
	instruction_set::Vectors,
	team::Team,
};
use pack::{pack_left, pack_panels, Panel, Right as Stored};
use product::Passes;
use repops::kernel::CHUNK;
use std::{ops::Range, sync::Mutex};
use tile::{vector_width, TILE_ROWS};

/// What a product is computed with.
#[derive(Clone, Copy)]
pub(crate) struct Workspace<'a> {
	pub(crate) team: &'a Team,
	pub(crate) vectors: Vectors,
	/// For each worker [`Product::row_block_length`] floats, used if the product itself is not kept.
	pub(crate) rows: &'a [Mutex<Buffer>],
	/// For each worker [`Product::packed_left_length`] floats.
	pub(crate) left: &'a [Mutex<Buffer>],
}

/// Computes a product. `outputs[0]` is the product; it may be empty if one pass is enough and nobody needs the
/// whole. `follow(worker, start, finished, outputs)` is called for each finished block of rows: the place of
/// its first element in the product, its elements, and the same range of each of the outputs, the first one
/// being empty.
pub(crate) fn multiply<const N: usize>(
	workspace: Workspace,
	product: &Product,
	left: &[f32],
	right: &[f32],
	packed: &mut [f32],
	mut outputs: [&mut [f32]; N],
	follow: impl Fn(usize, usize, &[f32], [&mut [f32]; N]) + Sync,
) {
	let Workspace { team, vectors, .. } = workspace;
	let Product {
		rows,
		columns,
		inner,
		..
	} = *product;
	let passes = product.passes(vectors);
	let pass_columns = passes.panels * passes.panel;
	let pass_terms = passes.chunks * CHUNK;
	let least_rows = product.least_rows(team.workers());
	let whole_tiles = rows >= 2 * TILE_ROWS * team.workers();
	let chunk = team.chunk(rows, least_rows, if whole_tiles { TILE_ROWS } else { 1 });
	let block = product.row_block(vectors) * columns;
	for first_column in (0..columns).step_by(pass_columns) {
		for first_term in (0..inner).step_by(pass_terms) {
			let pass = Pass {
				product,
				passes,
				vectors,
				columns: first_column..columns.min(first_column + pass_columns),
				terms: first_term..inner.min(first_term + pass_terms),
			};
			let next = pass.after_pass(right);
			let operands = Operands {
				left,
				right: pass.pack(team, right, packed),
				next,
			};
			let outputs = outputs.each_mut().map(|output| &mut **output);
			let work = |worker: usize, start: usize, mut outputs: [&mut [f32]; N]| {
				let whole = std::mem::take(&mut outputs[0]);
				let mut spare = whole.is_empty().then(|| lock(&workspace.rows[worker]));
				let mut packed_left = lock(&workspace.left[worker]);
				let length = (chunk * columns).min(rows * columns - start);
				for offset in (0..length).step_by(block) {
					let end = length.min(offset + block);
					let finished = match &mut spare {
						Some(rows) => &mut rows[..end - offset],
						None => &mut whole[offset..end],
					};
					let parts = outputs.each_mut().map(|output| match output.is_empty() {
						true => Default::default(),
						false => &mut output[offset..end],
					});
					let first_row = (start + offset) / columns;
					pass.add_rows(operands, first_row, finished, &mut packed_left, &parts);
					if pass.is_last() {
						follow(worker, start + offset, finished, parts);
					}
				}
			};
			team.for_each_chunk_of(outputs, rows * columns, chunk * columns, work);
		}
	}
}

/// Some chunks of terms for some columns of a product.
struct Pass<'a> {
	product: &'a Product,
	passes: Passes,
	vectors: Vectors,
	columns: Range<usize>,
	terms: Range<usize>,
}

/// A part of the right matrix as it is stored.
#[derive(Clone, Copy)]
struct Source<'a> {
	elements: &'a [f32],
	rows: usize,
	columns: usize,
	stride: usize,
}

impl Source<'_> {
	/// Asks that share of it into the cache which these places are of all.
	fn prefetch(&self, places: Range<usize>, all: usize) {
		let rows = self.rows * places.start / all..self.rows * places.end / all;
		let start = rows.start * self.stride;
		prefetch(
			&self.elements[start..],
			rows.len(),
			self.columns,
			self.stride,
		);
	}
}

/// A right matrix as the tiles read it.
#[derive(Clone, Copy)]
enum Prepared<'a> {
	/// As it is stored.
	Stored(&'a [f32]),
	/// The pass's panels.
	Packed(&'a [f32]),
}

/// What a pass multiplies.
#[derive(Clone, Copy)]
struct Operands<'a> {
	left: &'a [f32],
	right: Prepared<'a>,
	/// What the next pass will pack.
	next: Option<Source<'a>>,
}

/// A part of the right matrix to be asked into the cache bit by bit while tiles are computed.
#[derive(Clone, Copy)]
struct Ahead<'a> {
	source: Source<'a>,
	/// How many rows of tiles come before the first one of these tiles, and how many there are in all.
	before: usize,
	all: usize,
}

impl Pass<'_> {
	fn is_last(&self) -> bool {
		self.columns.end == self.product.columns && self.terms.end == self.product.inner
	}

	fn panel_count(&self) -> usize {
		self.columns.len().div_ceil(self.passes.panel)
	}

	/// The pass's panels of these numbers.
	fn panels(&self, numbers: Range<usize>) -> impl Iterator<Item = Panel> + Clone + '_ {
		numbers.map(|number| {
			let start = self.columns.start + number * self.passes.panel;
			let columns = start..self.columns.end.min(start + self.passes.panel);
			let width = columns.len().next_multiple_of(vector_width(self.vectors));
			Panel { columns, width }
		})
	}

	/// The pass's chunks of terms.
	fn chunks(&self) -> impl Iterator<Item = Range<usize>> + '_ {
		let starts = self.terms.clone().step_by(CHUNK);
		starts.map(|start| start..self.terms.end.min(start + CHUNK))
	}

	/// Packs the pass's part of the right matrix, unless it is read as it is stored.
	fn pack<'b>(&self, team: &Team, right: &'b [f32], packed: &'b mut [f32]) -> Prepared<'b> {
		let Product {
			right_transposed: transposed,
			right_stride: stride,
			..
		} = *self.product;
		if self.product.reads_right(self.vectors) {
			return Prepared::Stored(right);
		}
		let right = Stored {
			elements: right,
			stride,
			transposed,
		};
		let (panels, stride) = (self.panel_count(), self.passes.stride);
		// A panel is at most 64 KiB.
		let together = team.chunk(panels, 2, 1);
		for (terms, packed) in self.chunks().zip(packed.chunks_mut(panels * stride)) {
			team.for_each_chunk(packed, together * stride, |_, start, packed| {
				let panels = self.panels(start / stride..panels);
				pack_panels(self.vectors, right, terms.clone(), panels, stride, packed);
			});
		}
		Prepared::Packed(packed)
	}

	/// What of the right matrix is needed after this pass: what the next one will pack.
	fn after_pass<'b>(&self, right: &'b [f32]) -> Option<Source<'b>> {
		let Product { columns, inner, .. } = *self.product;
		let (first_term, first_column) = match self.terms.end < inner {
			true => (self.terms.end, self.columns.start),
			false => (0, self.columns.end),
		};
		if self.product.reads_right(self.vectors) || first_column >= columns {
			return None;
		}
		let terms = first_term..inner.min(first_term + self.passes.chunks * CHUNK);
		let width = self.passes.panels * self.passes.panel;
		let columns = first_column..columns.min(first_column + width);
		Some(self.source(right, terms, columns))
	}

	/// What of a right matrix that is streamed is needed after this panel and chunk: the next panel, or the
	/// first one of the next chunk.
	fn after_panel<'b>(
		&self,
		right: &'b [f32],
		terms: &Range<usize>,
		panel: &Panel,
	) -> Option<Source<'b>> {
		let Product { columns, inner, .. } = *self.product;
		let (terms, first_column) = match panel.columns.end < columns {
			true => (terms.clone(), panel.columns.end),
			false => (terms.end..inner.min(terms.end + CHUNK), 0),
		};
		if terms.is_empty() || !self.product.streams_right(self.vectors) {
			return None;
		}
		let columns = first_column..columns.min(first_column + self.passes.panel);
		Some(self.source(right, terms, columns))
	}

	/// These terms and columns of the right matrix.
	fn source<'b>(
		&self,
		right: &'b [f32],
		terms: Range<usize>,
		columns: Range<usize>,
	) -> Source<'b> {
		let product = self.product;
		let (rows, columns) = match product.right_transposed {
			true => (columns, terms),
			false => (terms, columns),
		};
		let stride = product.right_stride;
		let elements = &right[rows.start * stride + columns.start..];
		Source {
			elements,
			rows: rows.len(),
			columns: columns.len(),
			stride,
		}
	}

	/// Adds the pass's terms to rows of the product, of which `finished` are the elements, of all columns.
	/// What will be written after them or is needed next is asked into the cache meanwhile.
	fn add_rows<const N: usize>(
		&self,
		operands: Operands,
		first_row: usize,
		finished: &mut [f32],
		packed_left: &mut [f32],
		outputs: &[&mut [f32]; N],
	) {
		let all_columns = self.product.columns;
		let rows = first_row..first_row + finished.len() / all_columns;
		let packs_left = self.product.packs_left(self.vectors);
		for (chunk, terms) in self.chunks().enumerate() {
			if packs_left {
				let groups =
					tiles(rows.len()).map(|tile| rows.start + tile.start..rows.start + tile.end);
				pack_left(
					operands.left,
					self.product.rows,
					terms.clone(),
					groups,
					packed_left,
				);
			}
			let writes_next =
				self.is_last() && terms.end == self.product.inner && self.product.is_far();
			for (number, panel) in self.panels(0..self.panel_count()).enumerate() {
				let number = chunk * self.panel_count() + number;
				let (right, right_stride, ahead) =
					self.right_of_panel(&operands, number, &panel, &terms, &rows);
				let columns = panel.columns;
				for tile in tiles(rows.len()) {
					let start = tile.start * all_columns + columns.start;
					if writes_next {
						for output in outputs.iter().filter(|output| !output.is_empty()) {
							prefetch(&output[start..], tile.len(), columns.len(), all_columns);
						}
					}
					if let Some(Ahead {
						source,
						before,
						all,
					}) = ahead
					{
						source.prefetch(before + tile.start..before + tile.end, all);
					}
					let (left, layout) = match packs_left {
						true => (
							&packed_left[tile.start * terms.len()..],
							Left::Terms(tile.len()),
						),
						false => self.left_of_row(operands.left, rows.start + tile.start, &terms),
					};
					let tile = Tile {
						rows: tile.len(),
						columns: columns.len(),
						terms: terms.len(),
						left,
						left_layout: layout,
						right,
						right_layout: Right::Strided(right_stride),
						product: &mut finished[start..],
						stride: all_columns,
						add: terms.start > 0,
					};
					tile::multiply(self.vectors, tile);
				}
			}
		}
	}

	/// The left matrix from this row and the first of these terms on, as it is stored.
	fn left_of_row<'b>(
		&self,
		left: &'b [f32],
		row: usize,
		terms: &Range<usize>,
	) -> (&'b [f32], Left<'static>) {
		let Product { rows, inner, .. } = *self.product;
		match self.product.left_transposed {
			true => (&left[terms.start * rows + row..], Left::Terms(rows)),
			false => (&left[row * inner + terms.start..], Left::Rows(inner)),
		}
	}

	/// The right matrix for the panel of this number, how far its terms lie apart, and what is needed next.
	fn right_of_panel<'b>(
		&self,
		operands: &Operands<'b>,
		number: usize,
		panel: &Panel,
		terms: &Range<usize>,
		rows: &Range<usize>,
	) -> (&'b [f32], usize, Option<Ahead<'b>>) {
		let stride = self.product.right_stride;
		match operands.right {
			Prepared::Stored(right) => {
				let next = self.after_panel(right, terms, panel);
				let ahead = next.map(|source| Ahead {
					source,
					before: 0,
					all: rows.len(),
				});
				(
					&right[terms.start * stride + panel.columns.start..],
					stride,
					ahead,
				)
			}
			Prepared::Packed(packed) => {
				let panels = self.panel_count() * self.chunks().count();
				let ahead = operands.next.map(|source| Ahead {
					source,
					before: number * self.product.rows + rows.start,
					all: panels * self.product.rows,
				});
				(&packed[number * self.passes.stride..], panel.width, ahead)
			}
		}
	}
}

/// Cuts rows into tiles. The last two share what is left for them: a flat tile has too few sums to keep the
/// CPU busy.
pub(crate) fn tiles(rows: usize) -> impl Iterator<Item = Range<usize>> + Clone {
	let mut start = 0;
	std::iter::from_fn(move || {
		let length = match rows - start {
			0 => return None,
			left @ 1..=TILE_ROWS => left,
			left if left < 2 * TILE_ROWS => left.div_ceil(2),
			_ => TILE_ROWS,
		};
		start += length;
		Some(start - length..start)
	})
}
