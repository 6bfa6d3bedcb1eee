//! Weights of the calls and of the hook's parts.
//!
//! Estimates until the benchmarks have been run on reference hardware: each is the number of storage
//! reads and writes of its worst case, listed beside it, at the runtime's database weights, and 10 µs of
//! computation for each storage item that is touched. *Market* stands for what the market reads and
//! writes when it hears of something: task, specification, agenda, governed parameters (10 and 4).

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// Weight functions needed for `pallet_pouw`.
pub trait WeightInfo {
	/// The call `commit_round`.
	fn commit_round() -> Weight;
	/// The call `attest_available` of this many commitments that seals the round.
	fn attest_available(slots: u32) -> Weight;
	/// The same where nothing becomes available by it.
	fn attest_available_early(slots: u32) -> Weight;
	/// The call `commit_audit`.
	fn commit_audit() -> Weight;
	/// The call `reveal_audit`.
	fn reveal_audit() -> Weight;
	/// What the hook reads in each block.
	fn poll() -> Weight;
	/// Looking for the next entry of the agenda.
	fn agenda_entry() -> Weight;
	/// The draw of a commitment's audits, without its segments.
	fn draw() -> Weight;
	/// A segment that is not audited.
	fn pass_segment() -> Weight;
	/// Opening an audit of a segment.
	fn open_audit() -> Weight;
	/// Seeking verifiers for an audit, which may lapse where there are none.
	fn seek_verifiers() -> Weight;
	/// The end of an audit.
	fn end_audit() -> Weight;
	/// The call `challenge`.
	fn challenge() -> Weight;
	/// The call `defend_dispute` with this many bytes.
	fn defend_dispute(bytes: u32) -> Weight;
	/// The call `pursue_dispute` with this many bytes.
	fn pursue_dispute(bytes: u32) -> Weight;
	/// The call `challenge_score` with this many bytes.
	fn challenge_score(bytes: u32) -> Weight;
	/// The end of a dispute: the trainer is refuted and the task goes back over as many rounds as it may.
	fn end_dispute() -> Weight;
	/// The call `demand_shown`.
	fn demand_shown() -> Weight;
	/// The call `show` with this many bytes.
	fn show(bytes: u32) -> Weight;
	/// The end of a demand: the supervisor is refuted while others wait for it too.
	fn end_demand() -> Weight;
}

/// The weights with a runtime's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// Weight of work on this many storage items.
fn estimate<T: frame_system::Config>(reads: u64, writes: u64) -> Weight {
	Weight::from_parts(10_000_000, 0)
		.saturating_mul(reads.max(writes))
		.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

/// Weight of decoding and hashing this many bytes in wasm: 10 ns each.
fn shown(bytes: u32) -> Weight {
	Weight::from_parts(10_000, 0).saturating_mul(u64::from(bytes))
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Reads: task, specification, commitment, ticket. Writes: commitment, ticket.
	fn commit_round() -> Weight {
		estimate::<T>(4, 2)
	}

	/// Reads: task, specification, ticket, two masks, count, delay; each commitment. Writes: two masks, ticket, count;
	/// each commitment and its entry in the agenda. Market, and at the seal 16 commitments, trainers and
	/// supervisors with tickets and reputations.
	fn attest_available(slots: u32) -> Weight {
		let slots = u64::from(slots);
		estimate::<T>(
			slots.saturating_add(111),
			2u64.saturating_mul(slots).saturating_add(81),
		)
	}

	/// Reads: task, specification, ticket, two masks; each commitment. Writes: two masks, ticket; each
	/// commitment.
	fn attest_available_early(slots: u32) -> Weight {
		let slots = u64::from(slots);
		estimate::<T>(slots.saturating_add(5), slots.saturating_add(3))
	}

	/// Reads: audit, commitment, window. Writes: audit, two entries of the agenda.
	fn commit_audit() -> Weight {
		estimate::<T>(3, 3)
	}

	/// Reads: audit, commitment. Writes: audit, two entries of the agenda.
	fn reveal_audit() -> Weight {
		estimate::<T>(2, 3)
	}

	/// Reads and writes: agenda's cursor.
	fn poll() -> Weight {
		estimate::<T>(1, 1)
	}

	/// Reads: an entry of the agenda. Writes: it.
	fn agenda_entry() -> Weight {
		estimate::<T>(1, 1)
	}

	/// Reads: commitment, count, randomness, rate. Writes: commitment, count. Market.
	fn draw() -> Weight {
		estimate::<T>(14, 7)
	}

	/// Two hashes.
	fn pass_segment() -> Weight {
		Weight::from_parts(5_000_000, 0)
	}

	/// Reads: next number, windows, delay. Writes: audit, agenda, next number.
	fn open_audit() -> Weight {
		estimate::<T>(4, 3)
	}

	/// Reads: task, specification, randomness, windows; for each of 7 verifiers up to two draws of 64 looks
	/// at a pool's entry and its ticket, and lock. Writes: audit, agenda; for each verifier ticket, pool's
	/// size, two entries, the task's list, lock, the account's list, and most of these again if it is let
	/// go. If it lapses: commitment, count, market, and a round that is sealed by it.
	fn seek_verifiers() -> Weight {
		estimate::<T>(1_950, 150)
	}

	/// Reads and writes: for each of 8 parties ticket with its pool's entries, lock, work, reputation, the
	/// account's list, balance. Market, and a round that is sealed by it.
	fn end_audit() -> Weight {
		estimate::<T>(250, 200)
	}

	/// Reads: commitment, task, specification, round, 16 commitments before it, number, account, figures.
	/// Writes: dispute, number, holds, two lists, challenge, commitment, count, agenda.
	fn challenge() -> Weight {
		estimate::<T>(32, 12)
	}

	/// As for `challenge`, with what is shown decoded and hashed.
	fn challenge_score(bytes: u32) -> Weight {
		Self::challenge().saturating_add(shown(bytes))
	}

	/// Reads: dispute, commitment, task, specification, round, 16 commitments before it, figures. Writes:
	/// dispute, two entries of the agenda, tile. What is shown is decoded and hashed.
	fn defend_dispute(bytes: u32) -> Weight {
		estimate::<T>(24, 4).saturating_add(shown(bytes))
	}

	/// As for the defender, and what the referee computes.
	fn pursue_dispute(bytes: u32) -> Weight {
		estimate::<T>(24, 4)
			.saturating_add(shown(bytes))
			.saturating_add(Weight::from_parts(200_000_000, 0))
	}

	/// Reads and writes: dispute with its entries; the trainer's ticket and holds; for each of 7 verifiers ticket
	/// with its pool's entries, work, reputation, balance. Market, and on the way back 9 rounds of 16
	/// commitments with their entries in the agenda, and the pay of 16 trainers.
	fn end_dispute() -> Weight {
		estimate::<T>(450, 450)
	}

	/// Reads: task, specification, commitment, attestors; again task, specification, round, for the time; open
	/// demands, number, account, figures. Writes: demand, number, hold, two lists, count, agenda.
	fn demand_shown() -> Weight {
		estimate::<T>(16, 8)
	}

	/// Reads: demand. Writes: demand, two entries of the agenda. What is shown is decoded and hashed.
	fn show(bytes: u32) -> Weight {
		estimate::<T>(2, 3).saturating_add(shown(bytes))
	}

	/// Reads and writes: 4 demands with their entries, holds and lists; the supervisor's ticket with its pool's
	/// entries, account and reputation, its place and the draw for it. Market, twice, and a round that is
	/// sealed by it.
	fn end_demand() -> Weight {
		estimate::<T>(220, 180)
	}
}
