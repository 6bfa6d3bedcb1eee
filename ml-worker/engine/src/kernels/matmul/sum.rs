//! One chunk of terms of a long contraction, whose operands were gathered before.

use super::{
	pack::{pack_panels, Panel, Right},
	tile::{self, tile_columns, vector_width, Left, Tile},
	tiles,
};
use crate::instruction_set::Vectors;

/// As many columns as a tile may read of a row that has so many.
pub(crate) fn readable_columns(vectors: Vectors, columns: usize) -> usize {
	columns.next_multiple_of(vector_width(vectors))
}

/// The operands of a chunk: for each row of the product the left terms side by side, and for each column the right
/// ones.
#[derive(Clone, Copy)]
pub(crate) struct SumTiles<'a> {
	pub(crate) columns: usize,
	pub(crate) terms: usize,
	pub(crate) left: &'a [f32],
	pub(crate) right: &'a [f32],
	/// From row to row of either.
	pub(crate) stride: usize,
	/// Whether the chunk's sums are added to what there is, or replace it.
	pub(crate) add: bool,
	/// Whether the right one is packed already.
	pub(crate) is_packed: bool,
}

/// Adds a chunk to these rows of a product.
pub(crate) fn sum_tiles(vectors: Vectors, of: SumTiles, packed: &mut [f32], sums: &mut [f32]) {
	let panel = tile_columns(vectors);
	let panel_stride = panel * of.terms;
	let panels = (0..of.columns).step_by(panel).map(|start| {
		let columns = start..of.columns.min(start + panel);
		let width = readable_columns(vectors, columns.len());
		Panel { columns, width }
	});
	if !of.is_packed {
		let right = Right {
			elements: of.right,
			stride: of.stride,
			transposed: true,
		};
		pack_panels(
			vectors,
			right,
			0..of.terms,
			panels.clone(),
			panel_stride,
			packed,
		);
	}
	for (number, panel) in panels.enumerate() {
		for rows in tiles(sums.len() / of.columns) {
			let tile = Tile {
				rows: rows.len(),
				columns: panel.columns.len(),
				terms: of.terms,
				left: &of.left[rows.start * of.stride..],
				layout: Left::Rows(of.stride),
				right: &packed[number * panel_stride..],
				right_stride: panel.width,
				product: &mut sums[rows.start * of.columns + panel.columns.start..],
				stride: of.columns,
				add: of.add,
			};
			tile::multiply(vectors, tile);
		}
	}
}
