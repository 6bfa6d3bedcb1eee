//! Memory that will be needed soon is asked for while something else is computed.

/// The floats of a cache line.
const LINE: usize = 16;

/// Asks a part of a matrix into the level-2 cache: so many rows and columns from its first element on, each row
/// `stride` floats after the one before. It may go beyond the end: a prefetch reads nothing.
pub(crate) fn prefetch(from: &[f32], rows: usize, columns: usize, stride: usize) {
	#[cfg(target_arch = "x86_64")]
	for row in 0..rows {
		for column in (0..columns).step_by(LINE) {
			use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T1};
			let address = from.as_ptr().wrapping_add(row * stride + column);
			// SAFETY: a prefetch is only a hint; it reads nothing, and any address will do.
			unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) };
		}
	}
	#[cfg(not(target_arch = "x86_64"))]
	let _ = (from, rows, columns, stride);
}
