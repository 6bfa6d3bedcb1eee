//! Sums and greatest elements over an axis.

use super::{CHUNK, LANES};
use crate::{number, tensor::Shape};
use alloc::vec::Vec;

/// A tensor seen as `outer × length × inner`, the axis that is reduced in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisView {
	/// The product of the axes before.
	pub outer: usize,
	/// The length of the axis.
	pub length: usize,
	/// The product of the axes after.
	pub inner: usize,
	/// Whether the axis is the last one. Its sums have an order of their own, also where `inner` is 1 for
	/// another axis.
	pub last: bool,
}

impl AxisView {
	/// For each output in its order: the place of its first element.
	fn starts(self) -> impl Iterator<Item = usize> {
		let AxisView {
			outer,
			length,
			inner,
			..
		} = self;
		(0..outer)
			.flat_map(move |block| (0..inner).map(move |offset| block * length * inner + offset))
	}
}

/// The view of a tensor of this shape along an axis, if it has that axis.
pub fn axis_view(shape: &Shape, axis: u8) -> Option<AxisView> {
	let axis = usize::from(axis);
	let length = *shape.0.get(axis)? as usize;
	let product = |axes: &[u32]| axes.iter().map(|length| *length as usize).product();
	Some(AxisView {
		outer: product(&shape.0[..axis]),
		length,
		inner: product(&shape.0[axis + 1..]),
		last: axis + 1 == shape.rank(),
	})
}

/// The sum of a chunk (at most [`CHUNK`] terms) along the last axis: chain `l` starts at +0 and adds the
/// elements `l, l + 16, …`; then the upper half of the chains is added to the lower half, `8 + 8`, `4 + 4`,
/// `2 + 2`, `1 + 1`. A chain without elements stays +0; as no chain ever reaches −0, elements of +0 in the
/// missing places would not change a bit.
pub fn sum_last_chunk(terms: &[f32]) -> f32 {
	let mut chains = [0.0f32; LANES];
	for terms in terms.chunks(LANES) {
		for (chain, term) in chains.iter_mut().zip(terms) {
			*chain += term;
		}
	}
	let mut width = LANES;
	while width > 1 {
		width /= 2;
		let (lower, upper) = chains.split_at_mut(width);
		for (low, high) in lower.iter_mut().zip(upper) {
			*low += *high;
		}
	}
	number::canonical(chains[0])
}

/// The sum over a last axis with these elements: the chunks' results in ascending order.
pub fn sum_last(terms: &[f32]) -> f32 {
	let mut results = terms.chunks(CHUNK).map(sum_last_chunk);
	let first = results.next().unwrap_or(0.0);
	results.fold(first, number::add)
}

/// The sum over an axis other than the last: within a chunk a chain of additions from +0; then the chunks'
/// results in ascending order.
pub fn sum_strided(length: usize, term: impl Fn(usize) -> f32) -> f32 {
	let chunk = |start: usize| {
		let terms = start..length.min(start + CHUNK);
		number::canonical(terms.fold(0.0, |sum, at| sum + term(at)))
	};
	let mut results = (0..length).step_by(CHUNK).map(chunk);
	let first = results.next().unwrap_or(0.0);
	results.fold(first, number::add)
}

pub(super) fn sum(elements: &[f32], view: &AxisView) -> Vec<f32> {
	if view.last {
		elements.chunks(view.length.max(1)).map(sum_last).collect()
	} else {
		let one = |start: usize| sum_strided(view.length, |at| elements[start + at * view.inner]);
		view.starts().map(one).collect()
	}
}

/// The greater of two numbers; a NaN among them gives NaN, and +0 is greater than −0.
pub fn maximum(a: f32, b: f32) -> f32 {
	if a.is_nan() || b.is_nan() {
		number::NAN
	} else if a > b {
		a
	} else if b > a {
		b
	} else {
		// The bits are the same but for the sign of a zero.
		f32::from_bits(a.to_bits() & b.to_bits())
	}
}

pub(super) fn max(elements: &[f32], view: &AxisView) -> Vec<f32> {
	let along = |start: usize| {
		elements[start..]
			.iter()
			.step_by(view.inner)
			.take(view.length)
	};
	view.starts()
		.map(|start| along(start).copied().fold(f32::NEG_INFINITY, maximum))
		.collect()
}

/// The index of the greatest element, the least such index. A NaN is greater than any number; zeros are
/// equal. 0 if there is no element.
pub fn arg_max(elements: impl IntoIterator<Item = f32>) -> u32 {
	let mut elements = elements.into_iter();
	let mut best = (0, elements.next().unwrap_or(0.0));
	for (index, element) in (1u32..).zip(elements) {
		if element > best.1 || (element.is_nan() && !best.1.is_nan()) {
			best = (index, element);
		}
	}
	best.0
}

pub(super) fn arg_max_along(elements: &[f32], view: &AxisView) -> Vec<u32> {
	let along = |start: usize| {
		let axis = elements[start..].iter().step_by(view.inner);
		arg_max(axis.take(view.length).copied())
	};
	view.starts().map(along).collect()
}
