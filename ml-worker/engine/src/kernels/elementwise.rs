//! Operations on elements of the same place, one block of elements at a time.

use crate::instruction_set::{for_each_set, MultiplyAdd};
use repops::{
	number::{self, canonical},
	program::Relation,
};

/// An operation on up to three operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
	/// `a`
	Copy,
	/// `a + b`
	Add,
	/// `a - b`
	Subtract,
	/// `a * b`
	Multiply,
	/// `a / b`
	Divide,
	/// `a + b * c`, rounded twice.
	AddProduct,
	/// `a - b * c`, rounded twice.
	SubtractProduct,
	/// `e^a`
	Exp,
	/// Natural logarithm.
	Log,
	/// Square root.
	Sqrt,
	/// Hyperbolic tangent.
	Tanh,
	/// The error function.
	Erf,
	/// Without its fraction, as an integer.
	ToInteger,
	/// The number that an integer is.
	ToNumber,
	/// 1 if the floats are in the relation, else 0, as integers.
	Compare(Relation),
	/// 1 if the integers are in the relation, else 0, as integers.
	CompareIntegers(Relation),
	/// `b` where the integer `a` is not 0, else `c`.
	Select,
}

/// An operand's elements in a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Elements<'a> {
	/// One for each place.
	Each(&'a [f32]),
	/// One for all places.
	Same(f32),
}

for_each_set! {
	/// Applies a function to each place of a block.
	pub(crate) fn apply(function: Function, operands: [Elements; 3], result: &mut [f32]) = apply_with;
	/// [`apply`] where the first operand is what stands in the result; see [`Function::updates`].
	pub(crate) fn update(function: Function, operands: [Elements; 2], result: &mut [f32]) = update_with;
	/// Whether no element is a NaN or an infinity.
	pub(crate) fn all_finite(elements: &[f32]) -> bool = all_finite_with;
}

#[inline(always)]
fn apply_with<M: MultiplyAdd>(function: Function, [a, b, c]: [Elements; 3], result: &mut [f32]) {
	match function {
		Function::Copy => map(a, result, |a| a),
		Function::Add => zip(a, b, result, |a, b| canonical(a + b)),
		Function::Subtract => zip(a, b, result, |a, b| canonical(a - b)),
		Function::Multiply => zip(a, b, result, |a, b| canonical(a * b)),
		Function::Divide => zip(a, b, result, |a, b| canonical(a / b)),
		Function::AddProduct => zip_product(a, b, c, result, |a, product| canonical(a + product)),
		Function::SubtractProduct => {
			zip_product(a, b, c, result, |a, product| canonical(a - product))
		}
		Function::Exp => map(a, result, |a| number::exp_with(a, M::fused)),
		Function::Log => map(a, result, |a| number::log_with(a, M::fused)),
		Function::Sqrt => map(a, result, number::sqrt),
		Function::Tanh => map(a, result, |a| number::tanh_with(a, M::fused)),
		Function::Erf => map(a, result, |a| number::erf_with(a, M::fused)),
		Function::ToInteger => map(a, result, |a| f32::from_bits(a as u32)),
		Function::ToNumber => map(a, result, |a| a.to_bits() as f32),
		Function::Compare(relation) => match relation {
			Relation::Equal => zip(a, b, result, |a, b| integer(a == b)),
			Relation::NotEqual => zip(a, b, result, |a, b| integer(a != b)),
			Relation::Less => zip(a, b, result, |a, b| integer(a < b)),
			Relation::LessEqual => zip(a, b, result, |a, b| integer(a <= b)),
			Relation::Greater => zip(a, b, result, |a, b| integer(a > b)),
			Relation::GreaterEqual => zip(a, b, result, |a, b| integer(a >= b)),
		},
		Function::CompareIntegers(relation) => zip(a, b, result, |a, b| {
			integer(repops::kernel::compare(
				relation,
				&a.to_bits(),
				&b.to_bits(),
			))
		}),
		Function::Select => select(a, b, c, result),
	}
}

#[inline(always)]
fn update_with<M: MultiplyAdd>(function: Function, [b, c]: [Elements; 2], result: &mut [f32]) {
	match function {
		Function::Add => zip_in_place(b, result, |a, b| canonical(a + b)),
		Function::Subtract => zip_in_place(b, result, |a, b| canonical(a - b)),
		Function::Multiply => zip_in_place(b, result, |a, b| canonical(a * b)),
		Function::Divide => zip_in_place(b, result, |a, b| canonical(a / b)),
		Function::AddProduct => match c {
			Elements::Same(c) => zip_in_place(b, result, |a, b| canonical(a + b * c)),
			Elements::Each(c) => {
				zip_product_in_place(b, c, result, |a, product| canonical(a + product))
			}
		},
		Function::SubtractProduct => match c {
			Elements::Same(c) => zip_in_place(b, result, |a, b| canonical(a - b * c)),
			Elements::Each(c) => {
				zip_product_in_place(b, c, result, |a, product| canonical(a - product))
			}
		},
		_ => unreachable!("the plan updates with these functions only; see `Function::updates`"),
	}
}

impl Function {
	/// Whether [`update`] has it.
	pub(crate) fn updates(self) -> bool {
		matches!(
			self,
			Function::Add
				| Function::Subtract
				| Function::Multiply
				| Function::Divide
				| Function::AddProduct
				| Function::SubtractProduct
		)
	}
}

#[inline(always)]
fn zip_in_place(b: Elements, result: &mut [f32], function: impl Fn(f32, f32) -> f32) {
	match b {
		Elements::Each(b) => {
			for (result, b) in result.iter_mut().zip(b) {
				*result = function(*result, *b);
			}
		}
		Elements::Same(b) => {
			for result in result {
				*result = function(*result, b);
			}
		}
	}
}

#[inline(always)]
fn zip_product_in_place(
	b: Elements,
	c: &[f32],
	result: &mut [f32],
	function: impl Fn(f32, f32) -> f32,
) {
	match b {
		Elements::Each(b) => {
			for ((result, b), c) in result.iter_mut().zip(b).zip(c) {
				*result = function(*result, b * c);
			}
		}
		Elements::Same(b) => zip_in_place(Elements::Each(c), result, |a, c| function(a, b * c)),
	}
}

#[inline(always)]
fn zip_product(
	a: Elements,
	b: Elements,
	c: Elements,
	result: &mut [f32],
	function: impl Fn(f32, f32) -> f32,
) {
	match (a, b, c) {
		(Elements::Each(a), Elements::Each(b), Elements::Each(c)) => {
			for (((result, a), b), c) in result.iter_mut().zip(a).zip(b).zip(c) {
				*result = function(*a, b * c);
			}
		}
		(Elements::Same(a), Elements::Each(b), Elements::Each(c)) => {
			for ((result, b), c) in result.iter_mut().zip(b).zip(c) {
				*result = function(a, b * c);
			}
		}
		(a, Elements::Same(b), c) => zip(a, c, result, |a, c| function(a, b * c)),
		(a, b, Elements::Same(c)) => zip(a, b, result, |a, b| function(a, b * c)),
	}
}

#[inline(always)]
fn integer(truth: bool) -> f32 {
	f32::from_bits(u32::from(truth))
}

#[inline(always)]
fn map(a: Elements, result: &mut [f32], function: impl Fn(f32) -> f32) {
	match a {
		Elements::Each(a) => {
			for (result, a) in result.iter_mut().zip(a) {
				*result = function(*a);
			}
		}
		Elements::Same(a) => result.fill(function(a)),
	}
}

#[inline(always)]
fn zip(a: Elements, b: Elements, result: &mut [f32], function: impl Fn(f32, f32) -> f32) {
	match (a, b) {
		(Elements::Each(a), Elements::Each(b)) => {
			for ((result, a), b) in result.iter_mut().zip(a).zip(b) {
				*result = function(*a, *b);
			}
		}
		(Elements::Each(a), Elements::Same(b)) => {
			map(Elements::Each(a), result, |a| function(a, b))
		}
		(Elements::Same(a), b) => map(b, result, |b| function(a, b)),
	}
}

#[inline(always)]
fn select(mask: Elements, a: Elements, b: Elements, result: &mut [f32]) {
	let set = |mask: f32| mask.to_bits() != 0;
	let mask = match mask {
		Elements::Each(mask) => mask,
		Elements::Same(mask) => return map(if set(mask) { a } else { b }, result, |chosen| chosen),
	};
	match (a, b) {
		(Elements::Each(a), Elements::Each(b)) => {
			for (((result, mask), a), b) in result.iter_mut().zip(mask).zip(a).zip(b) {
				*result = if set(*mask) { *a } else { *b };
			}
		}
		(Elements::Same(a), b) => zip(Elements::Each(mask), b, result, |mask, b| {
			if set(mask) {
				a
			} else {
				b
			}
		}),
		(a, Elements::Same(b)) => zip(Elements::Each(mask), a, result, |mask, a| {
			if set(mask) {
				a
			} else {
				b
			}
		}),
	}
}

#[inline(always)]
fn all_finite_with<M: MultiplyAdd>(elements: &[f32]) -> bool {
	let infinite = |element: &f32| element.to_bits() & 0x7FFF_FFFF >= f32::INFINITY.to_bits();
	// Without an early exit, so that it becomes vectors.
	!elements
		.iter()
		.fold(false, |any, element| any | infinite(element))
}

/// Which element of a smaller tensor stands at each place: `(place / run) % period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread {
	/// How often each element is repeated.
	pub(crate) run: usize,
	/// The number of elements, which then start again.
	pub(crate) period: usize,
}

impl Spread {
	/// Writes the elements at the places from `start` on.
	pub(crate) fn fill(self, elements: &[f32], start: usize, places: &mut [f32]) {
		let (mut element, within) = (start / self.run % self.period, start % self.run);
		let mut rest = places;
		if self.run == 1 {
			while !rest.is_empty() {
				let length = rest.len().min(self.period - element);
				let (places, others) = rest.split_at_mut(length);
				places.copy_from_slice(&elements[element..element + length]);
				rest = others;
				element = 0;
			}
			return;
		}
		let mut length = self.run - within;
		while !rest.is_empty() {
			let (places, others) = rest.split_at_mut(length.min(rest.len()));
			places.fill(elements[element]);
			rest = others;
			element = (element + 1) % self.period;
			length = self.run;
		}
	}
}
