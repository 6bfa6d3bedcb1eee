//! Memory whose start suits the widest vectors.

use std::{
	ops::{Deref, DerefMut},
	sync::{Mutex, MutexGuard, PoisonError},
};

/// The floats of a cache line, which is also the widest vector.
const LINE: usize = 16;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Floats that start at a cache line.
pub(crate) struct Buffer(Vec<Line>);

impl Buffer {
	/// Nothing.
	pub(crate) const fn empty() -> Self {
		Buffer(Vec::new())
	}

	/// At least so many zeros.
	pub(crate) fn zeroed(length: usize) -> Self {
		Buffer(vec![Line([0.0; LINE]); length.div_ceil(LINE)])
	}
}

impl Deref for Buffer {
	type Target = [f32];

	fn deref(&self) -> &[f32] {
		// SAFETY: a `Line` is `LINE` floats without padding (its size is its alignment), all initialised;
		// the slice borrows `self`.
		unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LINE) }
	}
}

impl DerefMut for Buffer {
	fn deref_mut(&mut self) -> &mut [f32] {
		// SAFETY: as in `deref`; the slice borrows `self` mutably.
		unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LINE) }
	}
}

/// Integers as the bits of floats.
pub(crate) fn as_f32(integers: &[u32]) -> &[f32] {
	// SAFETY: both types have the same size and alignment, and any 32 bits are a valid value of either.
	unsafe { std::slice::from_raw_parts(integers.as_ptr().cast(), integers.len()) }
}

/// Floats' bits as integers.
pub(crate) fn as_u32(floats: &[f32]) -> &[u32] {
	// SAFETY: as in `as_f32`.
	unsafe { std::slice::from_raw_parts(floats.as_ptr().cast(), floats.len()) }
}

/// Floats' bits as integers, to be written.
pub(crate) fn as_u32_mut(floats: &mut [f32]) -> &mut [u32] {
	// SAFETY: as in `as_f32`; the slice borrows `floats` mutably.
	unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), floats.len()) }
}

/// A worker's own memory. A worker has one part of a job at a time, so it never waits; what a panicked part
/// left in it is overwritten like anything else.
pub(crate) fn lock<T>(own: &Mutex<T>) -> MutexGuard<'_, T> {
	own.lock().unwrap_or_else(PoisonError::into_inner)
}
