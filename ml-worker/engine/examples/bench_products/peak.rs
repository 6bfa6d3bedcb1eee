//! How fast a core can multiply and add if nothing has to be fetched.

use ml_worker_engine::InstructionSet;
use std::{hint::black_box, time::Instant};

/// Chains of multiply-adds side by side: more than a CPU has under way.
const CHAINS: usize = 12;
const ROUNDS: usize = 1 << 20;

/// Billions of floating-point operations a second of chains of fused multiply-adds in registers, by so many threads
/// together; none where the set has no such instruction.
pub(crate) fn gflops(set: InstructionSet, threads: usize) -> Option<f64> {
	if !set.is_available() {
		return None;
	}
	let (lanes, chains): (usize, fn() -> f32) = match set {
		#[cfg(target_arch = "x86_64")]
		// SAFETY: the set was found to be available.
		InstructionSet::Avx512 => (16, || unsafe { avx512() }),
		#[cfg(target_arch = "x86_64")]
		// SAFETY: as above.
		InstructionSet::Avx2 => (8, || unsafe { avx2() }),
		#[cfg(target_arch = "aarch64")]
		InstructionSet::Portable => (4, chains::<4>),
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

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512() -> f32 {
	chains::<16>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2() -> f32 {
	chains::<8>()
}

/// The sum of all chains, so that none can be left out.
#[inline(always)]
fn chains<const LANES: usize>() -> f32 {
	let factor = black_box([0.5f32; LANES]);
	let term = black_box([1.0f32; LANES]);
	let mut sums = [[0.0f32; LANES]; CHAINS];
	for _ in 0..ROUNDS {
		for sum in &mut sums {
			for lane in 0..LANES {
				sum[lane] = sum[lane].mul_add(factor[lane], term[lane]);
			}
		}
	}
	sums.iter().flatten().sum()
}
