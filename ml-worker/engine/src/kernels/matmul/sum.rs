//! One chunk of terms of a long contraction, whose operands were gathered before.

use super::{
	pack::{pack_panels, Panel, Right as Stored},
	tile::{self, tile_columns, vector_width, Left, Right, Tile},
	tiles,
};
use crate::instruction_set::Vectors;
use std::ops::Range;

/// As many columns as a tile may read of a row that has so many.
pub(crate) fn readable_columns(vectors: Vectors, columns: usize) -> usize {
	columns.next_multiple_of(vector_width(vectors))
}

/// Cuts columns into those of tiles.
pub(crate) fn panels(
	vectors: Vectors,
	columns: usize,
) -> impl Iterator<Item = Range<usize>> + Clone {
	let panel = tile_columns(vectors);
	(0..columns)
		.step_by(panel)
		.map(move |start| start..columns.min(start + panel))
}

/// The right operand of a chunk, packed for tiles.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
	pub(crate) columns: usize,
	pub(crate) terms: usize,
	packed: &'a [f32],
}

impl<'a> Panels<'a> {
	/// Packs rows of terms, each `stride` after the one before, of which each becomes a column.
	pub(crate) fn pack(
		vectors: Vectors,
		rows: &[f32],
		stride: usize,
		[columns, terms]: [usize; 2],
		packed: &'a mut [f32],
	) -> Self {
		let stored = Stored {
			elements: rows,
			stride,
			transposed: true,
		};
		let panels = panels(vectors, columns).map(|columns| {
			let width = readable_columns(vectors, columns.len());
			Panel { columns, width }
		});
		let stride = tile_columns(vectors) * terms;
		pack_panels(vectors, stored, 0..terms, panels, stride, packed);
		Panels {
			columns,
			terms,
			packed,
		}
	}

	/// For each panel its columns, what was packed, and from term to term of that.
	pub(crate) fn each(
		self,
		vectors: Vectors,
	) -> impl Iterator<Item = (Range<usize>, &'a [f32], usize)> {
		let stride = tile_columns(vectors) * self.terms;
		panels(vectors, self.columns)
			.enumerate()
			.map(move |(number, columns)| {
				let width = readable_columns(vectors, columns.len());
				(columns, &self.packed[number * stride..], width)
			})
	}
}

/// Adds a chunk to rows of a product, or writes it. Each row of it belongs to a row of the left terms, `left_stride`
/// after the one before.
pub(crate) fn sum_tiles(
	vectors: Vectors,
	left: &[f32],
	left_stride: usize,
	panels: Panels,
	add: bool,
	sums: &mut [f32],
) {
	let columns = panels.columns;
	for (panel, packed, width) in panels.each(vectors) {
		for rows in tiles(sums.len() / columns) {
			let tile = Tile {
				rows: rows.len(),
				columns: panel.len(),
				terms: panels.terms,
				left: &left[rows.start * left_stride..],
				left_layout: Left::Rows(left_stride),
				right: packed,
				right_layout: Right::Strided(width),
				product: &mut sums[rows.start * columns + panel.start..],
				stride: columns,
				add,
			};
			tile::multiply(vectors, tile);
		}
	}
}
