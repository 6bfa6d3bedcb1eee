//! Tensors: types, shapes and owned values.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::fmt;
use scale_info::TypeInfo;

/// The type of a tensor's elements.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub enum DType {
	/// IEEE 754 binary32. A NaN that an operation makes is always [`crate::number::NAN`].
	F32,
	/// Unsigned 32-bit integers: labels, row indices, counters, and masks of 0 and 1.
	U32,
}

/// The length of each axis, outermost first. A scalar has the shape `[1]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Shape(pub Vec<u32>);

impl Shape {
	/// The number of axes.
	pub fn rank(&self) -> usize {
		self.0.len()
	}

	/// The number of elements, or nothing if that is more than a `u64` holds.
	pub fn elements(&self) -> Option<u64> {
		self.0.iter().try_fold(1u64, |product, length| {
			product.checked_mul(u64::from(*length))
		})
	}

	/// Rows of the matrix view: the product of all axes but the last. Saturates.
	pub fn rows(&self) -> usize {
		let leading = self.0.split_last().map_or(&[][..], |(_, leading)| leading);
		leading.iter().fold(1, |product, length| {
			product.saturating_mul(*length as usize)
		})
	}

	/// Columns of the matrix view: the length of the last axis.
	pub fn columns(&self) -> usize {
		self.0.last().map_or(1, |length| *length as usize)
	}
}

impl<const N: usize> From<[u32; N]> for Shape {
	fn from(axes: [u32; N]) -> Self {
		Shape(axes.to_vec())
	}
}

impl From<Vec<u32>> for Shape {
	fn from(axes: Vec<u32>) -> Self {
		Shape(axes)
	}
}

impl fmt::Display for Shape {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_list().entries(&self.0).finish()
	}
}

/// What is known of a value before a program runs: element type and shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct TensorType {
	/// The element type.
	pub dtype: DType,
	/// The shape.
	pub shape: Shape,
}

impl TensorType {
	/// A type of `F32` elements.
	pub fn f32(shape: impl Into<Shape>) -> Self {
		TensorType {
			dtype: DType::F32,
			shape: shape.into(),
		}
	}

	/// A type of `U32` elements.
	pub fn u32(shape: impl Into<Shape>) -> Self {
		TensorType {
			dtype: DType::U32,
			shape: shape.into(),
		}
	}
}

impl fmt::Display for TensorType {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{:?} {}", self.dtype, self.shape)
	}
}

/// The elements of a tensor in row-major order.
#[derive(Clone, Debug)]
pub enum Elements {
	/// Elements of type [`DType::F32`].
	F32(Vec<f32>),
	/// Elements of type [`DType::U32`].
	U32(Vec<u32>),
}

/// An owned tensor. Two tensors are equal if type, shape and every bit are: a NaN equals itself, and
/// +0 differs from −0.
#[derive(Clone, Debug)]
pub struct Tensor {
	/// The shape; its product equals the number of elements.
	pub shape: Shape,
	/// The elements, row-major.
	pub elements: Elements,
}

/// A shape that doesn't fit the number of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongElementCount {
	/// How many elements the shape has, if that is less than 2^64.
	pub expected: Option<u64>,
	/// How many there are.
	pub found: u64,
}

impl fmt::Display for WrongElementCount {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self.expected {
			Some(expected) => write!(
				f,
				"the shape has {expected} elements, but there are {}",
				self.found
			),
			None => write!(
				f,
				"the shape has more than 2^64 elements, but there are {}",
				self.found
			),
		}
	}
}

impl core::error::Error for WrongElementCount {}

impl Tensor {
	/// A tensor of these elements.
	pub fn new(shape: impl Into<Shape>, elements: Elements) -> Result<Self, WrongElementCount> {
		let tensor = Tensor {
			shape: shape.into(),
			elements,
		};
		tensor.check()?;
		Ok(tensor)
	}

	/// An `F32` tensor of these elements.
	pub fn f32(shape: impl Into<Shape>, elements: Vec<f32>) -> Result<Self, WrongElementCount> {
		Self::new(shape, Elements::F32(elements))
	}

	/// A `U32` tensor of these elements.
	pub fn u32(shape: impl Into<Shape>, elements: Vec<u32>) -> Result<Self, WrongElementCount> {
		Self::new(shape, Elements::U32(elements))
	}

	/// Whether the shape's product equals the number of elements; both fields are public.
	pub fn check(&self) -> Result<(), WrongElementCount> {
		let expected = self.shape.elements();
		let found = self.len() as u64;
		if expected == Some(found) {
			Ok(())
		} else {
			Err(WrongElementCount { expected, found })
		}
	}

	/// The type of the elements.
	pub fn dtype(&self) -> DType {
		match self.elements {
			Elements::F32(_) => DType::F32,
			Elements::U32(_) => DType::U32,
		}
	}

	/// Element type and shape.
	pub fn kind(&self) -> TensorType {
		TensorType {
			dtype: self.dtype(),
			shape: self.shape.clone(),
		}
	}

	/// The number of elements.
	pub fn len(&self) -> usize {
		match &self.elements {
			Elements::F32(elements) => elements.len(),
			Elements::U32(elements) => elements.len(),
		}
	}

	/// Whether there is no element.
	pub fn is_empty(&self) -> bool {
		self.len() == 0
	}

	/// The elements, if they are of type `F32`.
	pub fn as_f32(&self) -> Option<&[f32]> {
		match &self.elements {
			Elements::F32(elements) => Some(elements),
			Elements::U32(_) => None,
		}
	}

	/// The elements, if they are of type `U32`.
	pub fn as_u32(&self) -> Option<&[u32]> {
		match &self.elements {
			Elements::F32(_) => None,
			Elements::U32(elements) => Some(elements),
		}
	}

	/// The bits of the elements, in their order.
	pub fn bits(&self) -> impl Iterator<Item = u32> + '_ {
		let (floats, integers): (&[f32], &[u32]) = match &self.elements {
			Elements::F32(elements) => (elements, &[]),
			Elements::U32(elements) => (&[], elements),
		};
		floats
			.iter()
			.map(|number| number.to_bits())
			.chain(integers.iter().copied())
	}

	/// The bits of one element, by its row-major index.
	pub fn bits_at(&self, index: usize) -> Option<u32> {
		match &self.elements {
			Elements::F32(elements) => elements.get(index).map(|number| number.to_bits()),
			Elements::U32(elements) => elements.get(index).copied(),
		}
	}

	/// Whether there is neither a NaN nor an infinity in it.
	pub fn is_finite(&self) -> bool {
		match &self.elements {
			// Not `all`: a loop without an early exit is vectorised.
			Elements::F32(elements) => elements
				.iter()
				.fold(true, |finite, number| finite & number.is_finite()),
			Elements::U32(_) => true,
		}
	}
}

impl PartialEq for Tensor {
	fn eq(&self, other: &Self) -> bool {
		self.shape == other.shape && self.dtype() == other.dtype() && self.bits().eq(other.bits())
	}
}

impl Eq for Tensor {}
