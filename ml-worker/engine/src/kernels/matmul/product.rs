//! The lengths of a matrix product, and how it is best cut into parts for the caches. No bit depends on it.

use super::tile::{tile_columns, vector_width, TILE_ROWS};
use crate::instruction_set::Vectors;
use repops::kernel::CHUNK;

/// The lengths of a matrix product and how its operands are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Product {
	pub(crate) rows: usize,
	pub(crate) columns: usize,
	/// The terms of each sum.
	pub(crate) inner: usize,
	pub(crate) left_transposed: bool,
	pub(crate) right_transposed: bool,
	/// From row to row of the right matrix, as it is stored.
	pub(crate) right_stride: usize,
}

/// The most floats of packed matrix at a time if that is all of it: 1 MiB, half of the level-2 cache that the
/// threads of current server CPUs have for themselves.
const PACKED_WHOLE: usize = 1 << 18;

/// The most floats of packed matrix at a time if there are several passes: the next pass's part of the stored
/// matrix has to find room beside it.
const PACKED_PART: usize = 1 << 17;

/// The most floats of product rows that are finished before what follows them: 192 KiB.
const ROW_BLOCK: usize = 48 << 10;

/// The rows of a product for which a panel of the right matrix is read from far but once.
const FEW_ROWS: usize = 512;

/// The floats of a matrix that the level-2 cache doesn't hold for long: 512 KiB.
const FAR: usize = 1 << 17;

/// The least multiply-adds that are worth another thread, a few microseconds.
const LEAST_WORK: usize = 1 << 18;

/// How a product is cut into passes: each packs some chunks of some panels, then adds them to the product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passes {
	/// Columns of a full panel.
	pub(super) panel: usize,
	/// Panels of a pass.
	pub(super) panels: usize,
	/// Chunks of a pass.
	pub(super) chunks: usize,
	/// From one packed panel of a chunk to the next.
	pub(super) stride: usize,
}

impl Product {
	/// A product of matrices that are stored without gaps.
	pub(crate) fn new(
		[rows, inner, columns]: [usize; 3],
		left_transposed: bool,
		right_transposed: bool,
	) -> Self {
		Product {
			rows,
			columns,
			inner,
			left_transposed,
			right_transposed,
			right_stride: if right_transposed { inner } else { columns },
		}
	}

	pub(super) fn passes(&self, vectors: Vectors) -> Passes {
		let panel = tile_columns(vectors);
		let (all_panels, all_chunks) = (
			self.columns.div_ceil(panel),
			self.inner.div_ceil(CHUNK).max(1),
		);
		if self.reads_right(vectors) {
			return Passes {
				panel,
				panels: all_panels,
				chunks: all_chunks,
				stride: 0,
			};
		}
		let stride = panel * self.inner.min(CHUNK);
		let whole = all_panels * all_chunks * stride <= PACKED_WHOLE;
		let fitting = if whole { PACKED_WHOLE } else { PACKED_PART } / stride;
		let panels = all_panels.min(fitting);
		let chunks = (fitting / panels).clamp(1, all_chunks);
		Passes {
			panel,
			panels,
			chunks,
			stride,
		}
	}

	/// Whether rows are finished block by block in one pass, so that the product itself need not be kept.
	pub(crate) fn finishes_blocks(&self, vectors: Vectors) -> bool {
		let passes = self.passes(vectors);
		let is_single =
			passes.panels * passes.panel >= self.columns && passes.chunks * CHUNK >= self.inner;
		is_single && !self.streams_right(vectors)
	}

	/// The floats that packing takes.
	pub(crate) fn packed_length(&self, vectors: Vectors) -> usize {
		let passes = self.passes(vectors);
		passes.stride * passes.panels * passes.chunks
	}

	/// The rows that are finished before what follows them is done.
	pub(super) fn row_block(&self, vectors: Vectors) -> usize {
		if self.streams_right(vectors) {
			return self.rows;
		}
		(ROW_BLOCK / self.columns)
			.max(1)
			.next_multiple_of(TILE_ROWS)
			.min(self.rows)
	}

	/// The floats of a block of rows of the product.
	pub(crate) fn row_block_length(&self, vectors: Vectors) -> usize {
		self.row_block(vectors) * self.columns
	}

	/// Whether the right matrix is read as it is stored. That spares the packing where it was measured to gain
	/// little: there is but one panel; or chunks are long, and rows are short, so that few pages are touched,
	/// or the product has few rows to use a panel for.
	pub(super) fn reads_right(&self, vectors: Vectors) -> bool {
		let panel = tile_columns(vectors);
		let gains_little = self.inner > CHUNK / 2 && (self.columns <= 256 || self.rows <= FEW_ROWS);
		!self.right_transposed
			&& self.columns.next_multiple_of(vector_width(vectors)) <= self.right_stride
			&& (self.columns <= panel || gains_little)
	}

	/// Whether the right matrix is read as it is stored and so large that each panel shall be read from far
	/// but once, for all rows.
	pub(super) fn streams_right(&self, vectors: Vectors) -> bool {
		self.reads_right(vectors) && self.rows <= FEW_ROWS && self.is_right_far()
	}

	/// Whether the product doesn't stay in the level-2 cache, nor what is as large.
	pub(super) fn is_far(&self) -> bool {
		self.rows * self.columns >= FAR
	}

	/// Whether the right matrix doesn't stay in the level-2 cache.
	pub(super) fn is_right_far(&self) -> bool {
		self.inner * self.columns >= FAR
	}

	/// The least rows that are worth another thread.
	pub(super) fn least_rows(&self, workers: usize) -> usize {
		let least = LEAST_WORK.div_ceil(self.columns * self.inner).max(4);
		if self.is_right_far() {
			// Each share of rows reads all of it from far.
			least.max(self.rows.div_ceil(workers).min(64))
		} else {
			least
		}
	}

	/// Whether rows of the left matrix are copied to lie side by side: where it is stored transposed, each
	/// term of a tile lies in another page, and many tiles read them.
	pub(super) fn packs_left(&self, vectors: Vectors) -> bool {
		self.left_transposed && self.columns > 3 * tile_columns(vectors)
	}

	/// The floats that a worker's packed rows of the left matrix take.
	pub(crate) fn packed_left_length(&self, vectors: Vectors) -> usize {
		match self.packs_left(vectors) {
			true => self.row_block(vectors) * self.inner.min(CHUNK),
			false => 0,
		}
	}
}
