//! What NVRTC makes of the kernels, without a GPU: every operation on numbers in PTX is one that rounds once to the
//! nearest, none is joined with another, and none flushes subnormals or approximates.
//!
//! It needs NVRTC, whose library file the environment variable `POUW_NVRTC` names; `scripts/setup.sh` fetches it.

use ml_worker_cuda::{compile_to_ptx, KERNELS};
use std::collections::BTreeMap;

/// Generations of GPUs: Turing, Ampere, Hopper.
const CAPABILITIES: [(u32, u32); 3] = [(7, 5), (8, 0), (9, 0)];

/// The instructions that compute with numbers or convert them, and that the kernels may consist of.
const ROUNDED: [&str; 9] = [
	"add.rn.f32",
	"sub.rn.f32",
	"mul.rn.f32",
	"fma.rn.f32",
	"div.rn.f32",
	"sqrt.rn.f32",
	"cvt.rn.f32.u32",
	"cvt.rn.f32.s32",
	"cvt.rzi.u32.f32",
];

/// Those that move numbers or compare them.
const EXACT: [&str; 5] = ["ld.", "st.", "mov.", "selp.f32", "setp."];

/// The fused multiply-adds that the source has, but for those of the matrix products.
const FUSED: [(&str, usize); 6] = [
	("error_functions", 21),
	("exponentials", 9),
	("hyperbolic_tangents", 14),
	("logarithms", 10),
	// Four numbers at once.
	("normal_noise", 4 * 20),
	("uniform_noise", 4),
];

/// The instructions of each kernel in their order, without operands.
fn instructions(ptx: &str) -> BTreeMap<String, Vec<String>> {
	let mut kernels: BTreeMap<String, Vec<String>> = BTreeMap::new();
	let mut current = None;
	for line in ptx.lines().map(str::trim) {
		if let Some((_, entry)) = line.split_once(".entry ") {
			let name: String = entry.chars().take_while(|c| *c != '(').collect();
			current = Some(name.clone());
			assert!(
				kernels.insert(name, vec![]).is_none(),
				"a kernel occurs twice"
			);
			continue;
		}
		assert!(
			!line.contains(".func"),
			"a function that is not part of a kernel: {line}"
		);
		// `@%p1 bra label;` is done where the predicate holds.
		let mut words = line
			.split_whitespace()
			.skip_while(|word| word.starts_with('@'));
		let (Some(instruction), Some(kernel)) = (words.next(), &current) else {
			continue;
		};
		let of_kernel = kernels.get_mut(kernel).expect("it was inserted");
		of_kernel.push(instruction.trim_end_matches(';').to_owned());
	}
	kernels
}

#[test]
fn every_number_is_rounded_once_to_the_nearest() {
	for capability in CAPABILITIES {
		let ptx = compile_to_ptx(capability).unwrap_or_else(|error| panic!("{error}"));
		let kernels = instructions(&ptx);
		let names: Vec<&str> = kernels.keys().map(String::as_str).collect();
		assert_eq!(
			names, KERNELS,
			"the kernels of compute capability {capability:?}"
		);
		for (kernel, instructions) in &kernels {
			for instruction in instructions {
				let place = format!("{instruction} in {kernel} for {capability:?}");
				for forbidden in [
					".ftz", ".approx", ".full", ".f64", ".f16", ".sat", "call", "mad.f32",
				] {
					assert!(!instruction.contains(forbidden), "{place}");
				}
				let exact = EXACT.iter().any(|exact| instruction.starts_with(exact));
				let rounded = ROUNDED.contains(&instruction.as_str());
				// Declarations begin with a point.
				let of_numbers = instruction.contains(".f32") && !instruction.starts_with('.');
				assert!(!of_numbers || exact || rounded, "{place}");
			}
		}
	}
}

#[test]
fn no_multiplication_is_fused_that_the_source_does_not_fuse() {
	for capability in CAPABILITIES {
		let ptx = compile_to_ptx(capability).unwrap_or_else(|error| panic!("{error}"));
		for (kernel, instructions) in instructions(&ptx) {
			let count = |of: &str| instructions.iter().filter(|found| *found == of).count();
			let place = format!("{kernel} for {capability:?}");
			let fused = count("fma.rn.f32");
			if kernel.starts_with("product_") {
				// Each term of a tile is a multiply-add for each of the thread's elements; how often the loop over
				// the terms is unrolled is the compiler's.
				let length: usize = kernel
					.rsplit('_')
					.next()
					.and_then(|n| n.parse().ok())
					.unwrap();
				assert!(
					fused > 0 && fused % (length / 16).pow(2) == 0,
					"{place}: {fused}"
				);
				assert_eq!(count("mul.rn.f32"), 0, "{place}");
				continue;
			}
			let expected = FUSED.iter().find(|(name, _)| *name == kernel);
			let expected = expected.map_or(0, |(_, count)| *count);
			assert_eq!(fused, expected, "fused multiply-adds in {place}");
		}
	}
}
