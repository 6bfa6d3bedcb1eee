//! Weights of the calls and of the hook's parts.
//!
//! Estimates until the benchmarks have been run on reference hardware: each is the number of storage
//! reads and writes of its worst case, listed beside it, at the runtime's database weights, and 10 µs of
//! computation for each storage item that is touched. Reads of governed parameters count as reads.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// Weight functions needed for `pallet_tickets`.
pub trait WeightInfo {
	/// The call `buy_ticket`.
	fn buy_ticket() -> Weight;
	/// The call `retire_ticket`.
	fn retire_ticket() -> Weight;
	/// The call `update_endpoint`.
	fn update_endpoint() -> Weight;
	/// The call `reap_ticket`.
	fn reap_ticket() -> Weight;
	/// What the hook reads and writes in each block.
	fn poll() -> Weight;
	/// A look at the number of a ticket.
	fn look() -> Weight;
	/// A step of the prices of all roles.
	fn retarget() -> Weight;
	/// One ticket's way into its pool.
	fn promote() -> Weight;
	/// One expired ticket's end.
	fn expire() -> Weight;
}

/// The weights with a runtime's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// Weight of work on this many storage items.
fn estimate<T: frame_system::Config>(reads: u64, writes: u64) -> Weight {
	Weight::from_parts(10_000_000, 0)
		.saturating_mul(reads.max(writes))
		.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Reads: price, supply, next number, owner's tickets, holds, account, three parameters.
	/// Writes: supply, next number, owner's tickets, holds, account, ticket.
	fn buy_ticket() -> Weight {
		estimate::<T>(9, 6)
	}

	/// Reads: ticket, pool's size, last entry, moved ticket, owner's tickets, supply, holds, account.
	/// Writes: the same and the entry that the last one moves into.
	fn retire_ticket() -> Weight {
		estimate::<T>(8, 9)
	}

	/// Reads and writes: ticket.
	fn update_endpoint() -> Weight {
		estimate::<T>(1, 1)
	}

	/// As `retire_ticket`.
	fn reap_ticket() -> Weight {
		estimate::<T>(8, 9)
	}

	/// Reads: window's start, window's length, next number, both cursors. Writes: both cursors.
	fn poll() -> Weight {
		estimate::<T>(5, 2)
	}

	/// Reads: ticket.
	fn look() -> Weight {
		estimate::<T>(1, 0)
	}

	/// Reads: for each of four roles supply and price; floor and target. Writes: for each role supply and
	/// price; window's start.
	fn retarget() -> Weight {
		estimate::<T>(10, 9)
	}

	/// Beyond the look, reads: pool's size; writes: ticket, pool's size, entry.
	fn promote() -> Weight {
		estimate::<T>(1, 3)
	}

	/// As `retire_ticket`, but for the look.
	fn expire() -> Weight {
		estimate::<T>(7, 9)
	}
}
