//! What an element of an operation's result is, by reading single elements of the operands.
//!
//! These rules repeat what [`crate::kernel`] computes for whole tensors. Operands and results are of the
//! types that [`crate::check::infer`] accepts and gives; on others the rules are total and mean nothing.

use super::{Question, Running};
use crate::{
	kernel::{self, CHUNK},
	number,
	program::OperationKind,
	random::{batch_row, Seed},
	tensor::{DType, Shape, TensorType},
};
use alloc::vec::Vec;

/// The elements of a passage whose elements may each lie in a tile of their own.
pub const STRETCH: u64 = 32;

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
		OperationKind::Sum { axis } if is_last(first, *axis) => along(*axis).div_ceil(TERMS),
		OperationKind::Sum { axis } | OperationKind::Max { axis } => along(*axis).div_ceil(STRETCH),
		OperationKind::ArgMax => first.map_or(1, columns).div_ceil(TERMS),
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
		| OperationKind::Transpose
		| OperationKind::Constant { .. } => 1,
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
			let terms = passage(TERMS, inner_length(shape(0), *transpose_left));
			let (row, column) = split(element, columns(&result.shape));
			let (left, right) = (columns(shape(0)), columns(shape(1)));
			let mut sum = 0.0;
			for k in terms.range() {
				let left = read(0, flat(row, k, left, *transpose_left))?;
				let right = read(1, flat(k, column, right, *transpose_right))?;
				sum = number::fused(f32::from_bits(left), f32::from_bits(right), sum);
			}
			Ok(terms.chunk_added(before, number::canonical(sum)))
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
			let opens_chunk = terms.start.checked_rem(TERMS) == Some(0);
			let mut chain = if opens_chunk {
				0.0
			} else {
				f32::from_bits(before.0[1])
			};
			for at in terms.range() {
				chain += f32::from_bits(read(0, axis.index(element, at))?);
			}
			let chain = number::canonical(chain);
			let closes_chunk = terms.end == axis.length || terms.end.checked_rem(TERMS) == Some(0);
			if !closes_chunk {
				return Ok(Running([before.0[0], chain.to_bits()]));
			}
			let in_first_chunk = terms.start < TERMS;
			Ok(add_chunk(in_first_chunk, before, chain))
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
		OperationKind::ArgMax => {
			let length = columns(shape(0));
			let terms = passage(TERMS, length);
			let row = element.saturating_mul(length);
			let mut best = before;
			for at in terms.range() {
				let bits = read(0, row.saturating_add(at))?;
				let (number, greatest) = (f32::from_bits(bits), f32::from_bits(best.0[1]));
				let greater = number > greatest || (number.is_nan() && !greatest.is_nan());
				if at == 0 || greater {
					best = Running([word(at), bits]);
				}
			}
			Ok(best)
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
		_ => return moved(kind, operands, result, element, read),
	};
	Ok(computed.to_bits())
}

/// An element that is a truth, a number of a row, or another's bits.
fn moved<E>(
	kind: &OperationKind,
	operands: &[&TensorType],
	result: &TensorType,
	element: u64,
	read: &mut Read<E>,
) -> Result<u32, E> {
	let empty = Shape(Vec::new());
	let first = operands.first().map_or(&empty, |kind| &kind.shape);
	match kind {
		OperationKind::Compare(relation) => {
			let (left, right) = (read(0, element)?, read(1, element)?);
			let floats = operands
				.first()
				.is_some_and(|kind| kind.dtype == DType::F32);
			Ok(u32::from(if floats {
				kernel::compare(*relation, &f32::from_bits(left), &f32::from_bits(right))
			} else {
				kernel::compare(*relation, &left, &right)
			}))
		}
		OperationKind::CompareScalar(relation, constant) => {
			let left = f32::from_bits(read(0, element)?);
			Ok(u32::from(kernel::compare(
				*relation,
				&left,
				&(*constant).into(),
			)))
		}
		// Both sides are read, so that what is needed doesn't depend on a number.
		OperationKind::Select => {
			let (mask, a, b) = (read(0, element)?, read(1, element)?, read(2, element)?);
			Ok(if mask != 0 { a } else { b })
		}
		OperationKind::Fill(constant) => {
			let (mask, a) = (read(0, element)?, read(1, element)?);
			Ok(if mask != 0 { constant.0 } else { a })
		}
		OperationKind::BatchRows { population, batch } => {
			let mut words = [0; 8];
			for (at, word) in (0..).zip(&mut words) {
				*word = read(0, at)?;
			}
			let (low, high) = (u64::from(read(1, 0)?), u64::from(read(1, 1)?));
			let position = high << 32 | low;
			let seed = Seed::from_words(words);
			Ok(batch_row(
				&seed,
				position,
				*batch,
				*population,
				word(element),
			))
		}
		OperationKind::GatherRows => {
			let row_length = first.0.get(1..).map_or(1, product);
			let rows = first.0.first().copied().unwrap_or(0);
			let (row, offset) = split(element, row_length);
			let index = read(1, row)?;
			if index >= rows {
				return Ok(0);
			}
			let start = u64::from(index).saturating_mul(row_length);
			read(0, start.saturating_add(offset))
		}
		OperationKind::Broadcast { .. } => read(0, before_broadcast(first, &result.shape, element)),
		OperationKind::OneHot { classes } => {
			let (row, class) = split(element, u64::from(*classes));
			let label = u64::from(read(0, row)?);
			Ok(f32::to_bits(if label == class { 1.0 } else { 0.0 }))
		}
		OperationKind::Transpose => {
			let (row, column) = split(element, columns(&result.shape));
			read(0, flat(row, column, columns(first), true))
		}
		OperationKind::Constant { value, .. } => Ok(value.0),
		OperationKind::Reshape { .. } => read(0, element),
		// Each has its rule above. They are named so that a new operation can't be taken for a reshape.
		OperationKind::MatMul { .. }
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
		| OperationKind::Sum { .. }
		| OperationKind::Max { .. }
		| OperationKind::ArgMax
		| OperationKind::CountNonzero => read(0, element),
	}
}

/// A part of something long.
struct Stretch {
	start: u64,
	end: u64,
}

impl Stretch {
	/// The part of this number, each of `length` but the last, of a whole of `of`.
	fn new(number: u64, length: u64, of: u64) -> Self {
		let start = number.saturating_mul(length).min(of);
		let end = start.saturating_add(length).min(of);
		Stretch { start, end }
	}

	fn range(&self) -> core::ops::Range<u64> {
		self.start..self.end
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

fn product(axes: &[u32]) -> u64 {
	axes.iter().fold(1, |product, length| {
		product.saturating_mul(u64::from(*length))
	})
}

fn columns(shape: &Shape) -> u64 {
	shape.0.last().copied().map_or(1, u64::from)
}

/// The inner length of a matrix product with this left operand.
fn inner_length(left: &Shape, transposed: bool) -> u64 {
	let axis = usize::from(!transposed);
	left.0.get(axis).copied().map_or(0, u64::from)
}

/// Quotient and remainder; nothing is divided by 0 after a check.
fn split(number: u64, by: u64) -> (u64, u64) {
	(
		number.checked_div(by).unwrap_or(0),
		number.checked_rem(by).unwrap_or(0),
	)
}

/// The index of an element of a matrix with so many columns as stored, which may be meant transposed.
fn flat(row: u64, column: u64, stored_columns: u64, transposed: bool) -> u64 {
	let (row, column) = if transposed {
		(column, row)
	} else {
		(row, column)
	};
	row.saturating_mul(stored_columns).saturating_add(column)
}

/// The index of the element that broadcasting has put at this index.
fn before_broadcast(from: &Shape, to: &Shape, element: u64) -> u64 {
	let (mut rest, mut index, mut stride) = (element, 0u64, 1u64);
	for (old, new) in from.0.iter().zip(&to.0).rev() {
		let (outer, coordinate) = split(rest, u64::from(*new));
		if old == new {
			index = index.saturating_add(coordinate.saturating_mul(stride));
		}
		stride = stride.saturating_mul(u64::from(*old));
		rest = outer;
	}
	index
}

/// Lengths of axes fit in a word.
fn word(number: u64) -> u32 {
	number.try_into().unwrap_or(u32::MAX)
}
