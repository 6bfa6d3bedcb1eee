//! Weights of the calls and of the hook's parts.
//!
//! Estimates until the benchmarks have been run on reference hardware: each is the number of storage
//! reads and writes of its worst case, listed beside it, at the runtime's database weights, and 10 µs of
//! computation for each storage item that is touched. *Task* stands for what every change of a task
//! reads (task, specification, governed parameters: 6) and writes (task, two entries of the agenda: 3).

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// Weight functions needed for `pallet_ml_tasks`.
pub trait WeightInfo {
	/// The call `submit_task`.
	fn submit_task() -> Weight;
	/// The call `cancel_task`.
	fn cancel_task() -> Weight;
	/// The call `accept_assignment`.
	fn accept_assignment() -> Weight;
	/// The call `attest_spec`.
	fn attest_spec() -> Weight;
	/// The call `reveal_test`.
	fn reveal_test() -> Weight;
	/// The call `attest_test`.
	fn attest_test() -> Weight;
	/// The call `commit_evaluation`.
	fn commit_evaluation() -> Weight;
	/// The call `reveal_evaluation`.
	fn reveal_evaluation() -> Weight;
	/// What the hook reads in each block.
	fn poll() -> Weight;
	/// Looking for the next entry of the agenda.
	fn agenda_entry() -> Weight;
	/// A task's turn, without draws and without its end.
	fn turn() -> Weight;
	/// Drawing workers for this many places.
	fn draw(places: u32) -> Weight;
	/// The end of a task that pays or lets go this many workers.
	fn end(workers: u32) -> Weight;
	/// Clearing this many entries of an ended task.
	fn clear(entries: u32) -> Weight;
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
	/// Reads: next number, four prices, bond's share and floor, audit rate, two windows, holds, account.
	/// Writes: next number, task, specification, engagement, agenda, holds, account.
	fn submit_task() -> Weight {
		estimate::<T>(12, 7)
	}

	/// Task.
	fn cancel_task() -> Weight {
		estimate::<T>(6, 3)
	}

	/// Task; holds, account, own ticket; at the start of training the ticket and reputation of each of 8
	/// supervisors.
	fn accept_assignment() -> Weight {
		estimate::<T>(25, 22)
	}

	/// As `accept_assignment`, without the hold.
	fn attest_spec() -> Weight {
		estimate::<T>(23, 20)
	}

	/// Task.
	fn reveal_test() -> Weight {
		estimate::<T>(6, 3)
	}

	/// Task; ticket and reputation of each of 8 supervisors.
	fn attest_test() -> Weight {
		estimate::<T>(22, 19)
	}

	/// Task.
	fn commit_evaluation() -> Weight {
		estimate::<T>(6, 3)
	}

	/// Task; ticket (its pool's entries too where it is let go), reputation and engagement of each of 8
	/// evaluators.
	fn reveal_evaluation() -> Weight {
		estimate::<T>(54, 51)
	}

	/// Reads: agenda's cursor, list of ended tasks. Writes: cursor.
	fn poll() -> Weight {
		estimate::<T>(2, 1)
	}

	/// Reads: an entry of the agenda. Writes: it.
	fn agenda_entry() -> Weight {
		estimate::<T>(1, 1)
	}

	/// Task; a round's 16 commitments with their entries in the agenda of audits, 16 trainers' tickets and
	/// holds, 8 supervisors' tickets with the entries of their pool, reputations.
	fn turn() -> Weight {
		estimate::<T>(150, 150)
	}

	/// Reads: for each place 64 looks at a pool's entry and its ticket. Writes: for each the ticket, the
	/// pool's size, the entry and the one moved there, the task's list, the engagement.
	fn draw(places: u32) -> Weight {
		let places = u64::from(places);
		estimate::<T>(130u64.saturating_mul(places), 6u64.saturating_mul(places))
	}

	/// Task; for each worker holds and account on both sides, ticket with its pool's entries, reputation,
	/// engagement; supply; summary.
	fn end(workers: u32) -> Weight {
		let workers = u64::from(workers);
		estimate::<T>(
			9u64.saturating_mul(workers).saturating_add(20),
			9u64.saturating_mul(workers).saturating_add(20),
		)
	}

	/// Reads and writes: each entry.
	fn clear(entries: u32) -> Weight {
		estimate::<T>(
			u64::from(entries).saturating_add(2),
			u64::from(entries).saturating_add(1),
		)
	}
}
