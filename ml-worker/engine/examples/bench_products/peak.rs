//! How fast a core can multiply and add if nothing has to be fetched.

use ml_worker_engine::InstructionSet;
use std::{hint::black_box, time::Instant};

/// Chains of multiply-adds side by side: more than a CPU has under way.
const CHAINS: usize = 12;
const ROUNDS: usize = 1 << 20;

/// Billions of floating-point operations a second of chains of fused multiply-adds in registers, by so many threads
/// together; none for a set that is not measured.
pub(crate) fn gflops(set: InstructionSet, threads: usize) -> Option<f64> {
	if !set.is_available() {
		return None;
	}
	let (lanes, chains): (usize, fn() -> f32) = match set {
		// SAFETY: the set was found to be available.
		#[cfg(target_arch = "x86_64")]
		InstructionSet::Avx512 => (16, || unsafe { avx512() }),
		// SAFETY: as above.
		#[cfg(target_arch = "x86_64")]
		InstructionSet::Avx2 => (8, || unsafe { avx2() }),
		_ => return None,
	};
	let start = Instant::now();
	std::thread::scope(|scope| {
		for _ in 0..threads {
			scope.spawn(move || black_box(chains()));
		}
	});
	let operations = 2 * lanes * CHAINS * ROUNDS * threads;
	Some(operations as f64 / start.elapsed().as_secs_f64() / 1e9)
}

/// Chains of vectors; the sum of them all, so that none can be left out.
macro_rules! chains {
	($zero:ident, $splat:ident, $multiply_add:ident, $add:ident, $first:ident) => {{
		let factor = $splat(black_box(0.5));
		let term = $splat(black_box(1.0));
		let mut sums = [$zero(); CHAINS];
		for _ in 0..ROUNDS {
			for sum in &mut sums {
				*sum = $multiply_add(*sum, factor, term);
			}
		}
		let sum = sums.into_iter().fold($zero(), |a, b| $add(a, b));
		$first(sum)
	}};
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512() -> f32 {
	use std::arch::x86_64::*;
	chains!(
		_mm512_setzero_ps,
		_mm512_set1_ps,
		_mm512_fmadd_ps,
		_mm512_add_ps,
		_mm512_cvtss_f32
	)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2() -> f32 {
	use std::arch::x86_64::*;
	chains!(
		_mm256_setzero_ps,
		_mm256_set1_ps,
		_mm256_fmadd_ps,
		_mm256_add_ps,
		_mm256_cvtss_f32
	)
}
