//! What an element of an operation's result is, by reading single elements of the operands.
//!
//! These rules repeat what [`crate::kernel`] computes for whole tensors. Here are those of contractions and
//! reductions; [`super::moved`] and [`super::window`] have others. Operands and results are of the
//! types that [`crate::check::infer`] accepts and gives; on others the rules are total and mean nothing.

use super::{moved::moved, window, Question, Running};
use crate::{
	kernel::{self, CHUNK},
	number,
	program::OperationKind,
	tensor::{Shape, TensorType},
};
use alloc::vec::Vec;

/// The elements of a passage whose elements may each lie in a tile of their own.
pub const STRETCH: u64 = 32;

/// The pairs of elements of a passage each of whose elements may lie in a tile of its own.
pub(super) const PAIRS: u64 = STRETCH >> 1;

/// The elements of a passage of a count.
const COUNTED: u64 = 1024;

/// The terms of a chunk.
const TERMS: u64 = CHUNK as u64;

/// Reads the bits of an element: of which operand, at which row-major index.
pub(super) type Read<'a, E> = dyn FnMut(usize, u64) -> Result<u32, E> + 'a;

/// The number of passages of each element of the result on operands of these types; at least 1.
pub fn passages(kind: &OperationKind, operands: &[&TensorType]) -> u64 {
	let first = operands.first().map(|operand| &operand.shape);
	let along = |axis: u8| first.map_or(1, |shape| Axis::of(shape, axis).length);
	let stretches = match kind {
		OperationKind::MatMul { transpose_left, .. } => first.map_or(1, |left| {
			inner_length(left, *transpose_left).div_ceil(TERMS)
		}),
		OperationKind::MatMulSum { transpose_left, .. } => first.map_or(1, |left| {
			let inner = inner_length(left, *transpose_left);
			inner.saturating_mul(stack(left)).div_ceil(PAIRS)
		}),
		OperationKind::Sum { axis } if is_last(first, *axis) => along(*axis).div_ceil(TERMS),
		OperationKind::ArgMax { axis } if is_last(first, *axis) => along(*axis).div_ceil(TERMS),
		OperationKind::Sum { axis }
		| OperationKind::Max { axis }
		| OperationKind::ArgMax { axis } => along(*axis).div_ceil(STRETCH),
		OperationKind::Fold { window, .. } => {
			u64::from(window.positions().unwrap_or(0)).div_ceil(STRETCH)
		}
		OperationKind::Unpool { window, .. } => {
			u64::from(window.positions().unwrap_or(0)).div_ceil(PAIRS)
		}
		OperationKind::ScatterRows { .. } => first.map_or(1, rows).div_ceil(STRETCH),
		OperationKind::CountNonzero => first
			.and_then(Shape::elements)
			.unwrap_or(0)
			.div_ceil(COUNTED),
		OperationKind::BatchRows { .. }
		| OperationKind::GatherRows
		| OperationKind::Add
		| OperationKind::Subtract
		| OperationKind::Multiply
		| OperationKind::Divide
		| OperationKind::AddScalar(_)
		| OperationKind::MultiplyScalar(_)
		| OperationKind::Reciprocal
		| OperationKind::Exp
		| OperationKind::Log
		| OperationKind::Sqrt
		| OperationKind::Tanh
		| OperationKind::Compare(_)
		| OperationKind::CompareScalar(..)
		| OperationKind::Select
		| OperationKind::Fill(_)
		| OperationKind::Broadcast { .. }
		| OperationKind::OneHot { .. }
		| OperationKind::Reshape { .. }
		| OperationKind::Permute { .. }
		| OperationKind::Constant { .. }
		| OperationKind::Unfold { .. }
		| OperationKind::Slice { .. }
		| OperationKind::Insert { .. }
		| OperationKind::Erf
		| OperationKind::Random { .. }
		| OperationKind::Iota { .. }
		| OperationKind::ToInteger
		| OperationKind::ToNumber => 1,
	};
	stretches.max(1)
}

/// The running result after a passage. `read` is asked for each element that the passage needs, in an order
/// that depends on what it answers; its errors are passed on.
pub fn advance<E>(
	kind: &OperationKind,
	operands: &[&TensorType],
	result: &TensorType,
	question: Question,
	before: Running,
	read: &mut Read<E>,
) -> Result<Running, E> {
	let Question { element, passage } = question;
	let empty = Shape(Vec::new());
	let shape = |operand: usize| operands.get(operand).map_or(&empty, |kind| &kind.shape);
	let passage = |length: u64, of: u64| Stretch::new(passage, length, of);
	match kind {
		OperationKind::MatMul {
			transpose_left,
			transpose_right,
		} => {
			let product = Product::of(shape(0), *transpose_left, shape(1), *transpose_right);
			let terms = passage(TERMS, product.inner);
			let (at, row, column) = product.place(element);
			let mut sum = 0.0;
			for k in terms.range() {
				let left = read(0, product.left.index(at, row, k))?;
				let right = read(1, product.right.index(at, k, column))?;
				sum = number::fused(f32::from_bits(left), f32::from_bits(right), sum);
			}
			Ok(terms.chunk_added(before, number::canonical(sum)))
		}
		OperationKind::MatMulSum {
			transpose_left,
			transpose_right,
		} => {
			let product = Product::of(shape(0), *transpose_left, shape(1), *transpose_right);
			let all = product.inner.saturating_mul(stack(shape(0)));
			let terms = passage(PAIRS, all);
			let (_, row, column) = product.place(element);
			let mut chain = terms.open_chain(before);
			for term in terms.range() {
				let (at, k) = split(term, product.inner);
				let left = read(0, product.left.index(at, row, k))?;
				let right = read(1, product.right.index(at, k, column))?;
				chain = number::fused(f32::from_bits(left), f32::from_bits(right), chain);
			}
			Ok(terms.chain_added(before, chain))
		}
		OperationKind::Sum { axis } if is_last(operands.first().map(|kind| &kind.shape), *axis) => {
			let length = columns(shape(0));
			let terms = passage(TERMS, length);
			let start = element.saturating_mul(length);
			let mut elements = Vec::with_capacity(CHUNK);
			for at in terms.range() {
				elements.push(f32::from_bits(read(0, start.saturating_add(at))?));
			}
			Ok(terms.chunk_added(before, kernel::sum_last_chunk(&elements)))
		}
		OperationKind::Sum { axis } => {
			let axis = Axis::of(shape(0), *axis);
			let terms = passage(STRETCH, axis.length);
			let mut chain = terms.open_chain(before);
			for at in terms.range() {
				chain += f32::from_bits(read(0, axis.index(element, at))?);
			}
			Ok(terms.chain_added(before, chain))
		}
		OperationKind::Max { axis } => {
			let axis = Axis::of(shape(0), *axis);
			let terms = passage(STRETCH, axis.length);
			let mut greatest = if terms.start == 0 {
				f32::NEG_INFINITY
			} else {
				f32::from_bits(before.0[0])
			};
			for at in terms.range() {
				let element = f32::from_bits(read(0, axis.index(element, at))?);
				greatest = kernel::maximum(greatest, element);
			}
			Ok(Running([greatest.to_bits(), 0]))
		}
		OperationKind::ArgMax { axis } => {
			let is_last = is_last(operands.first().map(|kind| &kind.shape), *axis);
			let axis = Axis::of(shape(0), *axis);
			let terms = passage(if is_last { TERMS } else { STRETCH }, axis.length);
			let mut best = before;
			for at in terms.range() {
				let bits = read(0, axis.index(element, at))?;
				let (number, greatest) = (f32::from_bits(bits), f32::from_bits(best.0[1]));
				let greater = number > greatest || (number.is_nan() && !greatest.is_nan());
				if at == 0 || greater {
					best = Running([word(at), bits]);
				}
			}
			Ok(best)
		}
		OperationKind::Fold { window, .. } => {
			let positions = passage(STRETCH, window.positions().unwrap_or(0).into());
			window::fold(
				window,
				shape(0),
				&result.shape,
				element,
				&positions,
				before,
				read,
			)
		}
		OperationKind::Unpool { window, .. } => {
			let positions = passage(PAIRS, window.positions().unwrap_or(0).into());
			window::unpool(
				window,
				shape(0),
				&result.shape,
				element,
				&positions,
				before,
				read,
			)
		}
		OperationKind::ScatterRows { .. } => {
			let terms = passage(STRETCH, rows(shape(0)));
			let row_length = shape(0).0.get(1..).map_or(1, product);
			let (row, offset) = split(element, row_length);
			let mut sum = terms.open_sum(before);
			for at in terms.range() {
				if u64::from(read(1, at)?) == row {
					let start = at.saturating_mul(row_length);
					sum += f32::from_bits(read(0, start.saturating_add(offset))?);
				}
			}
			Ok(Running([number::canonical(sum).to_bits(), 0]))
		}
		OperationKind::CountNonzero => {
			let of = shape(0).elements().unwrap_or(0);
			let masks = passage(COUNTED, of);
			let mut count = if masks.start == 0 { 0 } else { before.0[0] };
			for at in masks.range() {
				count = count.wrapping_add(u32::from(read(0, at)? != 0));
			}
			Ok(Running([count, 0]))
		}
		_ => simple(kind, operands, result, element, read).map(|bits| Running([bits, 0])),
	}
}

/// An element that takes one passage.
fn simple<E>(
	kind: &OperationKind,
	operands: &[&TensorType],
	result: &TensorType,
	element: u64,
	read: &mut Read<E>,
) -> Result<u32, E> {
	let number = |operand: usize, read: &mut Read<E>| read(operand, element).map(f32::from_bits);
	let computed = match kind {
		OperationKind::Add => number::add(number(0, read)?, number(1, read)?),
		OperationKind::Subtract => number::sub(number(0, read)?, number(1, read)?),
		OperationKind::Multiply => number::mul(number(0, read)?, number(1, read)?),
		OperationKind::Divide => number::div(number(0, read)?, number(1, read)?),
		OperationKind::AddScalar(constant) => number::add(number(0, read)?, (*constant).into()),
		OperationKind::MultiplyScalar(constant) => {
			number::mul(number(0, read)?, (*constant).into())
		}
		OperationKind::Reciprocal => number::div(1.0, number(0, read)?),
		OperationKind::Exp => number::exp(number(0, read)?),
		OperationKind::Log => number::log(number(0, read)?),
		OperationKind::Sqrt => number::sqrt(number(0, read)?),
		OperationKind::Tanh => number::tanh(number(0, read)?),
		OperationKind::Erf => number::erf(number(0, read)?),
		OperationKind::ToNumber => read(0, element)? as f32,
		_ => return moved(kind, operands, result, element, read),
	};
	Ok(computed.to_bits())
}

/// A part of something long.
pub(super) struct Stretch {
	start: u64,
	end: u64,
	/// The length of the whole.
	of: u64,
}

impl Stretch {
	/// The part of this number, each of `length` but the last, of a whole of `of`.
	fn new(number: u64, length: u64, of: u64) -> Self {
		let start = number.saturating_mul(length).min(of);
		let end = start.saturating_add(length).min(of);
		Stretch { start, end, of }
	}

	pub(super) fn range(&self) -> core::ops::Range<u64> {
		self.start..self.end
	}

	/// The sum before the stretch, where all of it is one chain.
	pub(super) fn open_sum(&self, before: Running) -> f32 {
		if self.start == 0 {
			0.0
		} else {
			f32::from_bits(before.0[0])
		}
	}

	/// The chain of the chunk that the stretch lies in, before it.
	fn open_chain(&self, before: Running) -> f32 {
		if self.start.checked_rem(TERMS) == Some(0) {
			0.0
		} else {
			f32::from_bits(before.0[1])
		}
	}

	/// The running result after a stretch by which the chain of its chunk has become this.
	fn chain_added(&self, before: Running, chain: f32) -> Running {
		let chain = number::canonical(chain);
		if self.end != self.of && self.end.checked_rem(TERMS) != Some(0) {
			return Running([before.0[0], chain.to_bits()]);
		}
		add_chunk(self.start < TERMS, before, chain)
	}

	/// The running result after a stretch that is a whole chunk.
	fn chunk_added(&self, before: Running, chunk: f32) -> Running {
		add_chunk(self.start == 0, before, chunk)
	}
}

/// The chunks' results are added in ascending order; the first is taken as it is, as it may be −0.
fn add_chunk(is_first: bool, before: Running, chunk: f32) -> Running {
	let sum = if is_first {
		chunk
	} else {
		number::add(f32::from_bits(before.0[0]), chunk)
	};
	Running([sum.to_bits(), 0])
}

/// A tensor seen along an axis.
struct Axis {
	length: u64,
	inner: u64,
}

impl Axis {
	fn of(shape: &Shape, axis: u8) -> Self {
		let after = usize::from(axis).saturating_add(1);
		Axis {
			length: shape.0.get(usize::from(axis)).copied().map_or(1, u64::from),
			inner: shape.0.get(after..).map_or(1, product),
		}
	}

	/// The index of element `at` along the axis, of those that output `element` is made of.
	fn index(&self, element: u64, at: u64) -> u64 {
		let (outer, offset) = split(element, self.inner);
		outer
			.saturating_mul(self.length)
			.saturating_add(at)
			.saturating_mul(self.inner)
			.saturating_add(offset)
	}
}

fn is_last(shape: Option<&Shape>, axis: u8) -> bool {
	shape.is_some_and(|shape| usize::from(axis).saturating_add(1) == shape.rank())
}

pub(super) fn product(axes: &[u32]) -> u64 {
	axes.iter().fold(1, |product, length| {
		product.saturating_mul(u64::from(*length))
	})
}

pub(super) fn columns(shape: &Shape) -> u64 {
	shape.0.last().copied().map_or(1, u64::from)
}

/// The length of the first axis.
pub(super) fn rows(shape: &Shape) -> u64 {
	shape.0.first().copied().map_or(1, u64::from)
}

/// The number of matrices in the last two axes.
fn stack(shape: &Shape) -> u64 {
	let leading = shape.0.split_last_chunk::<2>();
	leading.map_or(1, |(leading, _)| product(leading))
}

/// The inner length of a matrix product with this left operand.
fn inner_length(left: &Shape, transposed: bool) -> u64 {
	let inner = left.0.split_last_chunk::<2>();
	inner.map_or(0, |(_, [rows, columns])| {
		u64::from(if transposed { *rows } else { *columns })
	})
}

/// Where the elements of a stack of matrices stand.
struct Matrices {
	/// The elements of a matrix; 0 if the same one belongs to each of the other operand's.
	matrix: u64,
	columns: u64,
	transposed: bool,
}

impl Matrices {
	fn of(shape: &Shape, transposed: bool) -> Self {
		let elements = shape.0.split_last_chunk::<2>();
		let elements = elements.map_or(0, |(_, matrix)| product(matrix));
		Matrices {
			matrix: if shape.rank() > 2 { elements } else { 0 },
			columns: columns(shape),
			transposed,
		}
	}

	fn index(&self, at: u64, row: u64, column: u64) -> u64 {
		let start = at.saturating_mul(self.matrix);
		start.saturating_add(flat(row, column, self.columns, self.transposed))
	}
}

/// A matrix product, or several.
struct Product {
	left: Matrices,
	right: Matrices,
	inner: u64,
	/// Rows and columns of a product.
	size: (u64, u64),
}

impl Product {
	fn of(left: &Shape, transpose_left: bool, right: &Shape, transpose_right: bool) -> Self {
		Product {
			left: Matrices::of(left, transpose_left),
			right: Matrices::of(right, transpose_right),
			inner: inner_length(left, transpose_left),
			// What is not the inner length of an operand is an outer one.
			size: (
				inner_length(left, !transpose_left),
				inner_length(right, transpose_right),
			),
		}
	}

	/// Of an element of the result the matrix, the row and the column.
	fn place(&self, element: u64) -> (u64, u64, u64) {
		let (row, column) = split(element, self.size.1);
		let (at, row) = split(row, self.size.0);
		(at, row, column)
	}
}

/// Quotient and remainder; nothing is divided by 0 after a check.
pub(super) fn split(number: u64, by: u64) -> (u64, u64) {
	(
		number.checked_div(by).unwrap_or(0),
		number.checked_rem(by).unwrap_or(0),
	)
}

/// The index of an element of a matrix with so many columns as stored, which may be meant transposed.
pub(super) fn flat(row: u64, column: u64, stored_columns: u64, transposed: bool) -> u64 {
	let (row, column) = if transposed {
		(column, row)
	} else {
		(row, column)
	};
	row.saturating_mul(stored_columns).saturating_add(column)
}

/// Lengths of axes fit in a word.
pub(super) fn word(number: u64) -> u32 {
	number.try_into().unwrap_or(u32::MAX)
}
