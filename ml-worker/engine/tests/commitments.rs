//! Commitments that all threads make are those of the reference.

mod engines;
mod programs;

use engines::{name, ENGINES};
use programs::Numbers;
use proptest::prelude::*;
use repops::commit;

proptest! {
	#![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

	#[test]
	fn roots_are_the_same(seed: u64, shape in prop::collection::vec(1..90u32, 1..4)) {
		let mut numbers = Numbers(seed);
		let count = shape.iter().product::<u32>().min(2000);
		let state = [numbers.nasty_tensor(shape), numbers.labels(count, u32::MAX)];
		for engine in ENGINES.iter() {
			let name = name(engine);
			for tensor in &state {
				prop_assert_eq!(engine.tensor_leaves(tensor), commit::tensor_leaves(tensor), "{}", &name);
				prop_assert_eq!(engine.tensor_root(tensor), commit::tensor_root(tensor), "{}", &name);
			}
			prop_assert_eq!(engine.state_root(&state), commit::state_root(&state), "{}", &name);
		}
	}
}
