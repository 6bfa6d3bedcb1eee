//! Every engine has the bits of the reference on random programs: whatever is fused, put in place of something
//! else, or delayed.

mod engines;
mod programs;

use engines::assert_steps_conform;
use programs::random::random_step;
use proptest::prelude::*;

fn run_random_program(seed: u64, operations: usize, lengths: &[u32]) {
	let step = random_step(seed, operations, lengths);
	assert_steps_conform(&step.program, &step.bindings(), 3);
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

	#[test]
	fn small(seed: u64, operations in 1..60usize) {
		run_random_program(seed, operations, &[1, 2, 3, 5, 8, 13, 16, 17, 40]);
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

	/// Large enough for several threads, several blocks and several chunks.
	#[test]
	fn large(seed: u64, operations in 1..30usize) {
		run_random_program(seed, operations, &[70, 190, 260]);
	}
}
