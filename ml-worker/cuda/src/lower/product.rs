//! Matrix products.

use super::{count, reduction, Addresses, Operation};
use crate::{launch::Launch, EngineError};
use repops::{kernel::CHUNK, program::OperationKind, tensor::TensorType};

/// The most words that the chunks' results may take.
const MOST_SCRATCH: usize = 1 << 26;

/// A matrix product as the kernels take it.
struct Product {
	/// The products in the result's stack.
	stack: usize,
	rows: usize,
	columns: usize,
	/// The terms of an element.
	inner: usize,
	/// Where products are summed and their terms don't lie on: the terms of one pair of matrices.
	matrix_inner: Option<usize>,
	left: Factor,
	right: Factor,
}

/// How a factor lies in memory: the distance of neighbouring lines (rows of the left factor, columns of the right
/// one), of neighbouring terms, and of neighbouring matrices, which is 0 for one that is a factor of each product.
struct Factor {
	line: usize,
	term: usize,
	matrix: usize,
}

/// The matrices in the last two axes: how many, and rows and columns as stored.
fn matrices(kind: &TensorType) -> (usize, usize, usize) {
	match kind.shape.0[..] {
		[ref stack @ .., rows, columns] => {
			let stack = stack.iter().map(|length| *length as usize).product();
			(stack, rows as usize, columns as usize)
		}
		_ => (1, 1, 1),
	}
}

impl Factor {
	/// A factor whose lines lie in a matrix's rows as stored, or in its columns.
	fn new(lines_in_rows: bool, stack: usize, rows: usize, columns: usize) -> Self {
		Factor {
			line: if lines_in_rows { columns } else { 1 },
			term: if lines_in_rows { 1 } else { columns },
			matrix: if stack > 1 { rows * columns } else { 0 },
		}
	}
}

impl Product {
	fn of(operation: &Operation) -> Self {
		let (transpose_left, transpose_right, sum) = match operation.kind {
			OperationKind::MatMul {
				transpose_left,
				transpose_right,
			} => (*transpose_left, *transpose_right, false),
			OperationKind::MatMulSum {
				transpose_left,
				transpose_right,
			} => (*transpose_left, *transpose_right, true),
			_ => unreachable!("`lower` gives no other operation"),
		};
		let (left_stack, left_rows, left_columns) = matrices(operation.operand(0));
		let (right_stack, right_rows, right_columns) = matrices(operation.operand(1));
		let (rows, inner) = match transpose_left {
			true => (left_columns, left_rows),
			false => (left_rows, left_columns),
		};
		let mut product = Product {
			stack: if sum { 1 } else { left_stack.max(right_stack) },
			rows,
			columns: if transpose_right {
				right_rows
			} else {
				right_columns
			},
			inner,
			matrix_inner: None,
			left: Factor::new(!transpose_left, left_stack, left_rows, left_columns),
			right: Factor::new(transpose_right, right_stack, right_rows, right_columns),
		};
		if sum {
			product.inner *= left_stack;
			// The terms of all matrices lie on in both factors.
			let lie_on = transpose_left && !transpose_right;
			if left_stack > 1 && !lie_on {
				product.matrix_inner = Some(inner);
			}
		} else if left_stack > 1 && product.right.matrix == 0 && !transpose_left {
			// The rows of all matrices lie on: one product.
			product.rows *= left_stack;
			product.stack = 1;
		}
		product
	}

	fn chunks(&self) -> usize {
		self.inner.div_ceil(CHUNK).max(1)
	}

	/// The blocks for tiles of this length, without those for the chunks.
	fn tiles(&self, tile: usize) -> Option<usize> {
		let tiles = self
			.rows
			.div_ceil(tile)
			.checked_mul(self.columns.div_ceil(tile))?;
		tiles.checked_mul(self.stack)
	}

	/// The length of the tiles, and whether each chunk has a block of its own: the largest tiles that give every
	/// multiprocessor work, if need be with the chunks apart.
	fn shape(&self, multiprocessors: u32) -> (usize, bool) {
		let enough = |blocks: usize| blocks >= multiprocessors as usize;
		let results = self.rows * self.columns * self.stack * self.chunks();
		let may_split = self.chunks() > 1 && results <= MOST_SCRATCH;
		for tile in [128, 64] {
			let blocks = self.tiles(tile).unwrap_or(usize::MAX);
			if enough(blocks) {
				return (tile, false);
			}
			if may_split && enough(blocks.saturating_mul(self.chunks())) {
				return (tile, true);
			}
		}
		(32, may_split)
	}
}

/// The chunks' results, where they are kept apart.
pub(super) fn scratch_words(operation: &Operation) -> Result<usize, EngineError> {
	let product = Product::of(operation);
	let (_, apart) = product.shape(operation.multiprocessors);
	Ok(if apart {
		count(operation.result) * product.chunks()
	} else {
		0
	})
}

pub(super) fn lower(operation: &Operation, at: &Addresses) -> Result<Vec<Launch>, EngineError> {
	let product = Product::of(operation);
	let (tile, apart) = product.shape(operation.multiprocessors);
	let kernel = match (tile, product.matrix_inner.is_some()) {
		(128, false) => "product_128",
		(64, false) => "product_64",
		(_, false) => "product_32",
		(128, true) => "product_sum_128",
		(64, true) => "product_sum_64",
		(_, true) => "product_sum_32",
	};
	let chunks = product.chunks();
	let blocks = product
		.tiles(tile)
		.and_then(|tiles| tiles.checked_mul(if apart { chunks } else { 1 }))
		.and_then(|blocks| i32::try_from(blocks).ok())
		.ok_or_else(|| operation.too_much_work())?;
	let fields = [
		product.rows,
		product.columns,
		product.inner,
		product.left.line,
		product.left.term,
		product.right.line,
		product.right.term,
		product.left.matrix,
		product.right.matrix,
		product.matrix_inner.unwrap_or(product.inner),
		usize::from(apart),
	];
	let to = if apart { at.scratch } else { at.result };
	let mut parameters = vec![at.operand(0), at.operand(1), to];
	parameters.extend(fields.map(|field| field as u64));
	let mut launches = vec![Launch {
		kernel,
		blocks: blocks as u32,
		parameters,
	}];
	if apart {
		let elements = product.rows * product.columns;
		launches.push(reduction::add_chunks(operation, at, chunks, elements));
	}
	Ok(launches)
}
