//! A state as a blob: what workers store and send.
//!
//! A magic tag, then the tensors' elements in the order of the program's declaration, row-major, each four
//! bytes, little-endian. Shapes come from the program. So a state has one encoding and every decoded blob
//! encodes to itself. A NaN other than [`crate::number::NAN`] is refused: no computation produces one.
//! Infinities and that NaN pass, because a run may end with the outcome *diverged*.

use crate::{
	number,
	program::StateTensor,
	tensor::{Elements, Tensor},
};
use alloc::{vec, vec::Vec};
use core::fmt;

/// What a state blob begins with.
pub const MAGIC: [u8; 8] = *b"POUWSTAT";

/// Why bytes are not the state of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateBlobError {
	/// The bytes don't begin with [`MAGIC`].
	NotAState,
	/// The length is not the one that the declared shapes need.
	Length {
		/// The length that they need, if it is less than 2^64.
		expected: Option<u64>,
		/// The blob's.
		found: u64,
	},
	/// An element is a NaN that no computation produces.
	ForeignNan {
		/// The index of the tensor.
		tensor: u32,
		/// The index of the element.
		element: u64,
	},
}

impl fmt::Display for StateBlobError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::NotAState => write!(f, "not a state: the blob doesn't begin with POUWSTAT"),
			Self::Length {
				expected: Some(expected),
				found,
			} => {
				write!(
					f,
					"the program's state takes {expected} bytes, but the blob has {found}"
				)
			}
			Self::Length {
				expected: None,
				found,
			} => {
				write!(
					f,
					"the program's state is larger than any blob; this one has {found} bytes"
				)
			}
			Self::ForeignNan { tensor, element } => {
				write!(f, "element {element} of state tensor {tensor} is a NaN that no computation produces")
			}
		}
	}
}

impl core::error::Error for StateBlobError {}

/// The length of the blob of a state that is declared like this, if it is less than 2^64.
pub fn encoded_length(declaration: &[StateTensor]) -> Option<u64> {
	declaration
		.iter()
		.try_fold(MAGIC.len() as u64, |sum, tensor| {
			sum.checked_add(tensor.shape.elements()?.checked_mul(4)?)
		})
}

/// The blob of a state.
pub fn encode(state: &[Tensor]) -> Vec<u8> {
	let elements = state
		.iter()
		.fold(0usize, |sum, tensor| sum.saturating_add(tensor.len()));
	let mut blob = vec![0; elements.saturating_mul(4).saturating_add(MAGIC.len())];
	let (magic, words) = blob.split_at_mut(MAGIC.len());
	magic.copy_from_slice(&MAGIC);
	let bits = state.iter().flat_map(Tensor::bits);
	words
		.chunks_exact_mut(4)
		.zip(bits)
		.for_each(|(word, bits)| word.copy_from_slice(&bits.to_le_bytes()));
	blob
}

/// The state in a blob. Memory is taken only once the length has turned out right.
pub fn decode(blob: &[u8], declaration: &[StateTensor]) -> Result<Vec<Tensor>, StateBlobError> {
	let mut rest = blob.strip_prefix(&MAGIC).ok_or(StateBlobError::NotAState)?;
	let (expected, found) = (encoded_length(declaration), blob.len() as u64);
	if expected != Some(found) {
		return Err(StateBlobError::Length { expected, found });
	}
	let mut state = Vec::with_capacity(declaration.len());
	for (declared, tensor) in declaration.iter().zip(0u32..) {
		let bytes = declared.shape.elements().unwrap_or(0) as usize * 4;
		let (own, others) = rest.split_at(bytes);
		rest = others;
		let words = own.chunks_exact(4);
		let elements: Vec<f32> = words
			.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
			.collect();
		let foreign = |number: &f32| number.is_nan() && number.to_bits() != number::NAN.to_bits();
		if let Some(element) = elements.iter().position(foreign) {
			return Err(StateBlobError::ForeignNan {
				tensor,
				element: element as u64,
			});
		}
		state.push(Tensor {
			shape: declared.shape.clone(),
			elements: Elements::F32(elements),
		});
	}
	Ok(state)
}
