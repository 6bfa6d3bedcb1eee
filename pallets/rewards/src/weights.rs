//! Weights of the calls.
//!
//! Estimates until the benchmarks have been run on reference hardware: the number of storage reads and
//! writes, listed beside each, at the runtime's database weights, and 10 µs of computation for each
//! storage item that is touched.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// Weight functions needed for `pallet_rewards`.
pub trait WeightInfo {
	/// The call `set_split`.
	fn set_split() -> Weight;
}

/// The weights with a runtime's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Writes: split.
	fn set_split() -> Weight {
		Weight::from_parts(10_000_000, 0).saturating_add(T::DbWeight::get().writes(1))
	}
}
