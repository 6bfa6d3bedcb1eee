//! The game as a wasm module, without `std`, for the program that measures it.
//!
//! The host asks for room by [`heap::allocate`], writes an encoded question there, and gets the place of the answer
//! from [`ask`]. Each question begins with an empty heap.
#![no_std]

extern crate alloc;

#[path = "../../../../repops/tests/wasm/heap.rs"]
mod heap;
#[path = "../questions.rs"]
mod questions;

/// Answers the encoded question of this length at this place. The answer's place is in the upper half, its
/// length in the lower one.
///
/// # Safety
/// The place is that which [`heap::allocate`] gave, with the same length.
#[no_mangle]
pub unsafe extern "C" fn ask(place: *const u8, length: usize) -> u64 {
	let encoded = core::slice::from_raw_parts(place, length);
	let answer = questions::answer(encoded).leak();
	(answer.as_ptr() as u64) << 32 | answer.len() as u64
}
