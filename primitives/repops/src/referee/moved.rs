//! Elements that are a truth, a random number, or another's bits.

use super::{
	element::{product, split, word, Read},
	window,
};
use crate::{
	kernel,
	program::OperationKind,
	random::{batch_row, initial_element, Purpose, Seed, Stream},
	tensor::{DType, Shape, TensorType},
};
use alloc::vec::Vec;

/// An element that is a truth, a number of a row, or another's bits.
pub(super) fn moved<E>(
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
			let (seed, position) = seed_and_position(read)?;
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
		OperationKind::Permute { axes } => {
			let strides = strides(first);
			let of = |axis: &u8| strides.get(usize::from(*axis)).copied().unwrap_or(0);
			let places = coordinates(&result.shape, element);
			let places = places.zip(axes.iter().rev().map(of));
			read(0, flat_index(places))
		}
		OperationKind::Slice { starts, .. } => {
			let places = coordinates(&result.shape, element).zip(starts.iter().rev());
			let places = places.map(|(place, start)| place.saturating_add(u64::from(*start)));
			read(0, flat_index(places.zip(strides(first).into_iter().rev())))
		}
		OperationKind::Insert { starts } => {
			let part = operands.get(1).map_or(&empty, |kind| &kind.shape);
			let places = coordinates(&result.shape, element).zip(starts.iter().rev());
			let places = places.map(|(place, start)| place.checked_sub(u64::from(*start)));
			let within = places.zip(part.0.iter().rev());
			let within: Option<Vec<u64>> = within
				.map(|(place, length)| place.filter(|place| *place < u64::from(*length)))
				.collect();
			match within {
				Some(places) => {
					let strides = strides(part).into_iter().rev();
					read(1, flat_index(places.into_iter().zip(strides)))
				}
				None => read(0, element),
			}
		}
		OperationKind::Unfold { window, fill } => {
			match window::shown(window, first, &result.shape, element) {
				Some(place) => read(0, place),
				None => Ok(fill.0),
			}
		}
		OperationKind::Random {
			stream,
			distribution,
			..
		} => {
			let (seed, position) = seed_and_position(read)?;
			let purpose = Purpose::Noise {
				position,
				stream: *stream,
			};
			let stream = Stream::new(&seed, purpose);
			Ok(initial_element(*distribution, &stream, element).to_bits())
		}
		OperationKind::Iota { axis, .. } => {
			let after = usize::from(*axis).saturating_add(1);
			let inner = result.shape.0.get(after..).map_or(1, product);
			let length = result.shape.0.get(usize::from(*axis)).copied();
			let (index, _) = split(element, inner);
			let (_, index) = split(index, length.map_or(1, u64::from));
			Ok((word(index) as f32).to_bits())
		}
		OperationKind::ToInteger => Ok(f32::from_bits(read(0, element)?) as u32),
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
		| OperationKind::ArgMax { .. }
		| OperationKind::CountNonzero
		| OperationKind::MatMulSum { .. }
		| OperationKind::Fold { .. }
		| OperationKind::Unpool { .. }
		| OperationKind::ScatterRows { .. }
		| OperationKind::Erf
		| OperationKind::ToNumber => read(0, element),
	}
}

/// What the random numbers of a step follow from.
fn seed_and_position<E>(read: &mut Read<E>) -> Result<(Seed, u64), E> {
	let mut words = [0; 8];
	for (at, word) in (0..).zip(&mut words) {
		*word = read(0, at)?;
	}
	let (low, high) = (u64::from(read(1, 0)?), u64::from(read(1, 1)?));
	Ok((Seed::from_words(words), high << 32 | low))
}

/// How far the elements of each axis lie apart.
fn strides(shape: &Shape) -> Vec<u64> {
	let mut stride = 1u64;
	let mut strides = Vec::with_capacity(shape.rank());
	for length in shape.0.iter().rev() {
		strides.push(stride);
		stride = stride.saturating_mul(u64::from(*length));
	}
	strides.reverse();
	strides
}

/// The coordinates of an element, the last axis first.
fn coordinates(shape: &Shape, element: u64) -> impl Iterator<Item = u64> + '_ {
	let mut rest = element;
	shape.0.iter().rev().map(move |length| {
		let (outer, coordinate) = split(rest, u64::from(*length));
		rest = outer;
		coordinate
	})
}

/// The index of the element with these coordinates, each with its axis' stride.
fn flat_index(places: impl Iterator<Item = (u64, u64)>) -> u64 {
	places.fold(0, |index, (place, stride)| {
		index.saturating_add(place.saturating_mul(stride))
	})
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
