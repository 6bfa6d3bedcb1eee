//! The arithmetic as a wasm module, without `std`, for the test that runs it.
//!
//! The host asks for room by [`heap::allocate`], writes an encoded question there, and gets the place of the answer
//! from [`ask`]. Each question begins with an empty heap.
#![no_std]

extern crate alloc;

mod heap;
mod questions;

use codec::Decode;
use questions::{answer, Question};

/// Answers the encoded question of this length at this place. The answer's place is in the upper half, its
/// length in the lower one.
///
/// # Safety
/// The place is that which [`heap::allocate`] gave, with the same length.
#[no_mangle]
pub unsafe extern "C" fn ask(place: *const u8, length: usize) -> u64 {
	let mut encoded = core::slice::from_raw_parts(place, length);
	let question = Question::decode(&mut encoded).unwrap();
	let answer = answer(&question).leak();
	(answer.as_ptr() as u64) << 32 | answer.len() as u64
}
