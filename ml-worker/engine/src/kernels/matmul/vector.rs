//! Vectors of floats, for the innermost loop of the matrix product.

use crate::instruction_set::{Everywhere, MultiplyAdd};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A vector of floats. Its operations may only be called where the CPU has its instructions.
pub(crate) trait Vector: Copy {
	/// The number of floats.
	const WIDTH: usize;

	/// This number in each place.
	///
	/// # Safety
	/// The CPU must have the vector's instructions.
	unsafe fn splat(number: f32) -> Self;

	/// `WIDTH` floats from memory.
	///
	/// # Safety
	/// The CPU must have the vector's instructions, and all of these floats must be readable.
	unsafe fn load(from: *const f32) -> Self;

	/// Writes `WIDTH` floats.
	///
	/// # Safety
	/// The CPU must have the vector's instructions, and all of these floats must be writable.
	unsafe fn store(self, to: *mut f32);

	/// `self * factor + addend`, each rounded once.
	///
	/// # Safety
	/// The CPU must have the vector's instructions.
	unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self;

	/// `self + other`
	///
	/// # Safety
	/// The CPU must have the vector's instructions.
	unsafe fn add(self, other: Self) -> Self;

	/// Each NaN as the one NaN.
	///
	/// # Safety
	/// The CPU must have the vector's instructions.
	unsafe fn canonical(self) -> Self;
}

#[cfg(target_arch = "x86_64")]
impl Vector for __m512 {
	const WIDTH: usize = 16;

	#[inline(always)]
	unsafe fn splat(number: f32) -> Self {
		// SAFETY: the caller's CPU has AVX-512; the same holds below.
		unsafe { _mm512_set1_ps(number) }
	}

	#[inline(always)]
	unsafe fn load(from: *const f32) -> Self {
		// SAFETY: the caller says that 16 floats are readable.
		unsafe { _mm512_loadu_ps(from) }
	}

	#[inline(always)]
	unsafe fn store(self, to: *mut f32) {
		// SAFETY: the caller says that 16 floats are writable.
		unsafe { _mm512_storeu_ps(to, self) }
	}

	#[inline(always)]
	unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
		// SAFETY: see `splat`.
		unsafe { _mm512_fmadd_ps(self, factor, addend) }
	}

	#[inline(always)]
	unsafe fn add(self, other: Self) -> Self {
		// SAFETY: see `splat`.
		unsafe { _mm512_add_ps(self, other) }
	}

	#[inline(always)]
	unsafe fn canonical(self) -> Self {
		// SAFETY: see `splat`.
		unsafe {
			let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self, self);
			_mm512_mask_blend_ps(nan, self, _mm512_set1_ps(repops::number::NAN))
		}
	}
}

#[cfg(target_arch = "x86_64")]
impl Vector for __m256 {
	const WIDTH: usize = 8;

	#[inline(always)]
	unsafe fn splat(number: f32) -> Self {
		// SAFETY: the caller's CPU has AVX2 and FMA; the same holds below.
		unsafe { _mm256_set1_ps(number) }
	}

	#[inline(always)]
	unsafe fn load(from: *const f32) -> Self {
		// SAFETY: the caller says that 8 floats are readable.
		unsafe { _mm256_loadu_ps(from) }
	}

	#[inline(always)]
	unsafe fn store(self, to: *mut f32) {
		// SAFETY: the caller says that 8 floats are writable.
		unsafe { _mm256_storeu_ps(to, self) }
	}

	#[inline(always)]
	unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
		// SAFETY: see `splat`.
		unsafe { _mm256_fmadd_ps(self, factor, addend) }
	}

	#[inline(always)]
	unsafe fn add(self, other: Self) -> Self {
		// SAFETY: see `splat`.
		unsafe { _mm256_add_ps(self, other) }
	}

	#[inline(always)]
	unsafe fn canonical(self) -> Self {
		// SAFETY: see `splat`.
		unsafe {
			let nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(self, self);
			_mm256_blendv_ps(self, _mm256_set1_ps(repops::number::NAN), nan)
		}
	}
}

/// A vector of plain floats.
#[derive(Clone, Copy)]
pub(crate) struct Floats([f32; 8]);

impl Vector for Floats {
	const WIDTH: usize = 8;

	#[inline(always)]
	unsafe fn splat(number: f32) -> Self {
		Floats([number; 8])
	}

	#[inline(always)]
	unsafe fn load(from: *const f32) -> Self {
		// SAFETY: the caller says that 8 floats are readable.
		Floats(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
	}

	#[inline(always)]
	unsafe fn store(self, to: *mut f32) {
		// SAFETY: the caller says that 8 floats are writable.
		unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
	}

	#[inline(always)]
	unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
		Floats(std::array::from_fn(|at| {
			Everywhere::fused(self.0[at], factor.0[at], addend.0[at])
		}))
	}

	#[inline(always)]
	unsafe fn add(self, other: Self) -> Self {
		Floats(std::array::from_fn(|at| self.0[at] + other.0[at]))
	}

	#[inline(always)]
	unsafe fn canonical(self) -> Self {
		Floats(self.0.map(repops::number::canonical))
	}
}
