//! Weights of the calls and of the hook's parts.
//!
//! Estimates until the benchmarks have been run on reference hardware: each is the number of storage
//! reads and writes of its worst case, listed beside it, at the runtime's database weights, and 10 µs of
//! computation for each storage item that is touched. *Market* stands for what the market reads and
//! writes when it hears of something: task, specification, agenda, governed parameters (10 and 4).
//!
//! What a move of a dispute takes beside that is measured in wasm, as the node runs it:
//! `scripts/bench.sh referee`, whose table is in `docs/disputes.md`. The figures here are twice as high, for slower
//! machines and for the runtime's allocator, which is not in the measurement.

use codec::Encode;
use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};
use pouw_dispute::{ChallengerMove, DefenderMove};
use repops::{
	parts::{Part, PartProof},
	program::OperationKind,
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
	/// The call `pursue_dispute` with this many bytes, without what follows here.
	fn pursue_dispute(bytes: u32) -> Weight;
	/// The call `challenge_score` with this many bytes.
	fn challenge_score(bytes: u32) -> Weight;
	/// Reading a dispute in which the longest trace is stored.
	fn read_trace() -> Weight;
	/// The referee's word on an element that is made of a few others.
	fn judge_element() -> Weight;
	/// The referee's word on a row's number in a batch.
	fn judge_batch_rows() -> Weight;
	/// The referee's word on a passage of a matrix product.
	fn judge_matrix_product() -> Weight;
	/// The referee's word on a passage of a sum, of whatever: of elements, rows, windows or products of matrices.
	fn judge_sum() -> Weight;
	/// The referee's word on a passage of a greatest element.
	fn judge_max() -> Weight;
	/// The referee's word on a passage of a greatest element's index.
	fn judge_arg_max() -> Weight;
	/// The referee's word on a passage of a count.
	fn judge_count() -> Weight;
	/// The end of a dispute: the trainer is refuted and the task goes back over as many rounds as it may.
	fn end_dispute() -> Weight;
	/// The call `demand_shown`.
	fn demand_shown() -> Weight;
	/// The call `show` with this many bytes.
	fn show(bytes: u32) -> Weight;
	/// The end of a demand: the supervisor is refuted while others wait for it too.
	fn end_demand() -> Weight;
}

/// Weight of a move of the trainer's, with the parts of the program that are shown with it.
pub(crate) fn of_defence<W: WeightInfo>(parts: &[PartProof], made: &DefenderMove) -> Weight {
	W::defend_dispute(bytes(parts, made))
}

/// Weight of a move of the challenger's, with the parts of the program that are shown with it. It holds whether the
/// move is taken or refused.
pub(crate) fn of_pursuit<W: WeightInfo>(parts: &[PartProof], made: &ChallengerMove) -> Weight {
	let computed = match made {
		ChallengerMove::Part(_) => W::read_trace(),
		ChallengerMove::Element { .. } => W::judge_element(),
		ChallengerMove::Input(_) => Weight::zero(),
		ChallengerMove::Evidence { .. } => parts
			.iter()
			.filter_map(|shown| match &shown.part {
				Part::Operation(operation, _) => Some(of_passage::<W>(&operation.kind)),
				_ => None,
			})
			// Of a merge no operation is shown. It has only those whose elements are made of a few others.
			.fold(W::judge_element(), |most, weight| most.max(weight)),
	};
	W::pursue_dispute(bytes(parts, made)).saturating_add(computed)
}

fn bytes(parts: &[PartProof], made: &impl Encode) -> u32 {
	let bytes = parts.encoded_size().saturating_add(made.encoded_size());
	bytes.try_into().unwrap_or(u32::MAX)
}

/// Weight of the worst passage of an operation. What is shown for it is not in it.
fn of_passage<W: WeightInfo>(kind: &OperationKind) -> Weight {
	match kind {
		OperationKind::BatchRows { .. } => W::judge_batch_rows(),
		OperationKind::MatMul { .. } => W::judge_matrix_product(),
		OperationKind::Sum { .. }
		| OperationKind::MatMulSum { .. }
		| OperationKind::Fold { .. }
		| OperationKind::Unpool { .. }
		| OperationKind::ScatterRows { .. } => W::judge_sum(),
		OperationKind::Max { .. } => W::judge_max(),
		OperationKind::ArgMax { .. } => W::judge_arg_max(),
		OperationKind::CountNonzero => W::judge_count(),
		OperationKind::GatherRows
		| OperationKind::Add
		| OperationKind::Subtract
		| OperationKind::Multiply
		| OperationKind::Divide
		| OperationKind::AddScalar(_)
		| OperationKind::MultiplyScalar(_)
		| OperationKind::Reciprocal
		| OperationKind::Exp
		| OperationKind::Log
		| OperationKind::Sqrt
		| OperationKind::Tanh
		| OperationKind::Compare(_)
		| OperationKind::CompareScalar(..)
		| OperationKind::Select
		| OperationKind::Fill(_)
		| OperationKind::Broadcast { .. }
		| OperationKind::OneHot { .. }
		| OperationKind::Reshape { .. }
		| OperationKind::Permute { .. }
		| OperationKind::Constant { .. }
		| OperationKind::Unfold { .. }
		| OperationKind::Slice { .. }
		| OperationKind::Insert { .. }
		| OperationKind::Erf
		| OperationKind::Random { .. }
		| OperationKind::Iota { .. }
		| OperationKind::ToInteger
		| OperationKind::ToNumber => W::judge_element(),
	}
}

/// The weights with a runtime's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// Weight of work on this many storage items.
fn estimate<T: frame_system::Config>(reads: u64, writes: u64) -> Weight {
	Weight::from_parts(10_000_000, 0)
		.saturating_mul(reads.max(writes))
		.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}

/// Weight of decoding, hashing and storing a byte of a defender's move: a trace has the most hashes for its bytes.
const DEFENCE_BYTE: Weight = Weight::from_parts(22_000, 0);

/// Weight of decoding and hashing a byte of a challenger's move: a tile, or a hash of its proof.
const PURSUIT_BYTE: Weight = Weight::from_parts(12_000, 0);

/// The most bytes of storage that a move of a dispute reads, with the nodes of the trie above them: a dispute of up
/// to 40 KiB, and 24 items of some hundred bytes, each with 2.5 KiB of nodes.
const MOVE_PROOF: u64 = 128 * 1024;

/// Weight of what each move of a dispute reads and writes. Reads: dispute, commitment, task, specification, round, 16
/// commitments before it, figures. Writes: dispute, two entries of the agenda, tile.
fn moved<T: frame_system::Config>(bytes: u32, byte: Weight) -> Weight {
	estimate::<T>(24, 4)
		.saturating_add(Weight::from_parts(0, MOVE_PROOF))
		.saturating_add(byte.saturating_mul(u64::from(bytes)))
}

fn microseconds(time: u64) -> Weight {
	Weight::from_parts(1_000_000, 0).saturating_mul(time)
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
		Self::challenge().saturating_add(PURSUIT_BYTE.saturating_mul(u64::from(bytes)))
	}

	/// See `moved`.
	fn defend_dispute(bytes: u32) -> Weight {
		moved::<T>(bytes, DEFENCE_BYTE)
	}

	/// See `moved`.
	fn pursue_dispute(bytes: u32) -> Weight {
		moved::<T>(bytes, PURSUIT_BYTE)
	}

	fn read_trace() -> Weight {
		microseconds(50)
	}

	fn judge_element() -> Weight {
		microseconds(20)
	}

	fn judge_batch_rows() -> Weight {
		microseconds(20)
	}

	/// 256 multiply-adds on 512 elements.
	fn judge_matrix_product() -> Weight {
		microseconds(70)
	}

	/// 256 elements of 8 tiles, or 64 of 33 tiles.
	fn judge_sum() -> Weight {
		microseconds(20)
	}

	/// 32 elements.
	fn judge_max() -> Weight {
		microseconds(20)
	}

	/// 256 elements of 8 tiles, or 32 of 32 tiles.
	fn judge_arg_max() -> Weight {
		microseconds(20)
	}

	/// 1,024 elements.
	fn judge_count() -> Weight {
		microseconds(70)
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
		estimate::<T>(2, 3).saturating_add(PURSUIT_BYTE.saturating_mul(u64::from(bytes)))
	}

	/// Reads and writes: 4 demands with their entries, holds and lists; the supervisor's ticket with its pool's
	/// entries, account and reputation, its place and the draw for it. Market, twice, and a round that is
	/// sealed by it.
	fn end_demand() -> Weight {
		estimate::<T>(220, 180)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{mock::Test, MAX_MOVE_BYTES};
	use alloc::vec::Vec;
	use polkadot_sdk::frame_support::weights::constants::WEIGHT_REF_TIME_PER_MILLIS;
	use pouw_dispute::worst::{passages_of_all_kinds, unneeded_tiles};

	/// 5 ms, and 512 KiB with the move itself.
	const MOST: Weight = Weight::from_parts(5 * WEIGHT_REF_TIME_PER_MILLIS, 512 * 1024);

	fn weight(parts: &[PartProof], made: &ChallengerMove) -> Weight {
		let shown = parts.encoded_size() + made.encoded_size();
		assert!(shown <= MAX_MOVE_BYTES);
		of_pursuit::<SubstrateWeight<Test>>(parts, made)
			.saturating_add(Weight::from_parts(0, shown as u64))
	}

	#[test]
	fn no_passage_weighs_more_than_the_bound() {
		for passage in passages_of_all_kinds() {
			let last = passage.last_move();
			let weight = weight(&last.parts, &last.made);
			assert!(weight.all_lte(MOST), "{:?}: {weight}", passage.kind);
		}
		let last = unneeded_tiles().last_move();
		assert!(weight(&last.parts, &last.made).all_lte(MOST));
	}

	/// As many bytes as a move may have, of whatever kind.
	#[test]
	fn no_bytes_weigh_more_than_the_bound() {
		let bytes = MAX_MOVE_BYTES as u32;
		for passage in passages_of_all_kinds() {
			let weight = SubstrateWeight::<Test>::pursue_dispute(bytes)
				.saturating_add(of_passage::<SubstrateWeight<Test>>(&passage.kind))
				.saturating_add(Weight::from_parts(0, u64::from(bytes)));
			assert!(weight.all_lte(MOST), "{:?}: {weight}", passage.kind);
		}
	}

	/// What is judged is charged for by its kind, before it is known whether the move is taken.
	#[test]
	fn passages_of_more_terms_weigh_more() {
		let figures = |name: &str| {
			let all = passages_of_all_kinds().into_iter();
			let named =
				all.filter(|passage| alloc::format!("{:?}", passage.kind).starts_with(name));
			let weights = named.map(|passage| {
				let last = passage.last_move();
				let bytes = bytes(&last.parts, &last.made);
				let whole = of_pursuit::<SubstrateWeight<Test>>(&last.parts, &last.made);
				whole.saturating_sub(SubstrateWeight::<Test>::pursue_dispute(bytes))
			});
			weights
				.map(|weight| weight.ref_time())
				.collect::<Vec<u64>>()
		};
		let [product, element] = ["MatMul {", "Select"].map(figures);
		assert!(product.iter().min() > element.iter().max() && !element.is_empty());
		assert!(element.iter().all(|time| *time > 0));
	}
}
