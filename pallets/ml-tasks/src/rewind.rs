//! What happens when a trainer is proven wrong: its bond is taken, and the task goes back.

use crate::{
	pallet::{Config, Event, HoldReason, Pallet, Rounds},
	types::{place, slots, Removal, Stage},
	TaskOf,
};
use alloc::{collections::BTreeMap, vec::Vec};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	proof::record_round,
	seams::{Proofs, Shares},
	spec::TaskSpec,
	ticket::Role,
	Balance, BlockNumber, RoundIndex, Slot, TaskId, TicketId,
};

/// Segments lost with another's round, by ticket.
type Lost<AccountId> = BTreeMap<TicketId, (AccountId, u32)>;

impl<T: Config> Pallet<T> {
	/// The trainer with this ticket was proven wrong in a round.
	pub(crate) fn prove_wrong(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		round: RoundIndex,
		slot: Slot,
		ticket: TicketId,
		now: BlockNumber,
	) {
		let loser = Self::expel(id, task, ticket, now);
		T::Proofs::void_commitment(id, round, slot);
		let mut lost = Lost::new();
		if matches!(task.stage, Stage::Ending(_)) {
			// Nothing is trained any more; the pay for what stands is all that remains.
		} else if round < task.sealed_rounds {
			lost = Self::rewind(id, task, spec, round, slot, now);
		} else if let Stage::Training { available, .. } = &mut task.stage {
			*available &= !place(slot);
			Self::try_seal(id, task, spec, now);
		}
		if let Some((account, bond)) = loser {
			lost.remove(&ticket);
			Self::share_bond(id, task, spec, &account, bond, lost.into_values().collect());
		}
	}

	/// Takes place, pay and bond from a trainer. Its account and bond are returned; its ticket has been
	/// slashed.
	fn expel(
		id: TaskId,
		task: &mut TaskOf<T>,
		ticket: TicketId,
		now: BlockNumber,
	) -> Option<(T::AccountId, Balance)> {
		let seated = (0..)
			.zip(task.trainers.iter_mut())
			.find_map(|(slot, seat)| Some((slot, seat.as_mut().filter(|s| s.ticket == ticket)?)));
		if let Some((slot, seat)) = seated {
			// What it still has counts for nothing; it is remembered so that it isn't drawn again.
			let loser = (seat.account.clone(), seat.bond);
			seat.bond = 0;
			seat.work = 0;
			seat.accepted_segments = 0;
			Self::remove_worker(id, task, Role::Trainer, slot, Removal::ProvenWrong, now);
			return Some(loser);
		}
		let former = task
			.former
			.iter_mut()
			.find(|former| former.role == Role::Trainer && former.ticket == ticket)?;
		let loser = (former.account.clone(), former.bond);
		former.bond = 0;
		former.work = 0;
		former.accepted_segments = 0;
		Some(loser)
	}

	/// Takes a task back to a sealed round: its merge is redone without the loser, and what came after is
	/// void. Returns what others lose by it.
	fn rewind(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		round: RoundIndex,
		slot: Slot,
		now: BlockNumber,
	) -> Lost<T::AccountId> {
		let segments = spec.segments_per_round();
		let mut lost = Lost::new();
		// The rounds after it, the open one included: there nothing was counted yet.
		for later in round.saturating_add(1)..=task.sealed_rounds {
			let sealed = later < task.sealed_rounds;
			for standing in T::Proofs::commitments(id, later) {
				let commitment = standing.commitment;
				if !commitment.available {
					continue;
				}
				let (_, sum) = lost
					.entry(commitment.ticket)
					.or_insert((commitment.account, 0));
				*sum = sum.saturating_add(segments);
				if sealed {
					task.segments.committed = task.segments.committed.saturating_sub(segments);
					task.count_trainer(commitment.ticket, |work, _| {
						*work = work.saturating_sub(segments);
					});
				}
			}
			T::Proofs::void_round(id, later);
			Rounds::<T>::remove(id, later);
		}

		task.segments.committed = task.segments.committed.saturating_sub(segments);
		let kept: Vec<(Slot, H256)> = T::Proofs::commitments(id, round)
			.into_iter()
			.map(|standing| (standing.commitment.slot, standing.commitment.end_root))
			.collect();
		if let Some(mut sealed) = Rounds::<T>::get(id, round) {
			task.record = sealed.record;
			sealed.places &= !place(slot);
			if kept.is_empty() {
				Rounds::<T>::remove(id, round);
				T::Proofs::void_round(id, round);
			} else {
				task.record = record_round(&sealed.record, round, &kept);
				Rounds::<T>::insert(id, round, sealed);
			}
			Self::deposit_event(Event::TaskRewound {
				task: id,
				round,
				slots: slots(sealed.places).collect(),
				record: task.record,
			});
		}
		task.sealed_rounds = if kept.is_empty() {
			round
		} else {
			round.saturating_add(1)
		};
		task.clear_words();
		for seat in task.trainers.iter_mut().flatten() {
			seat.since = seat.since.min(task.sealed_rounds);
		}
		Self::advance_checked(id, task);
		Self::after_round(id, task, spec, now);
		lost
	}

	/// Pays the others for the segments that they have lost, as much as the task pays for a segment, out of
	/// the loser's bond; less if that does not suffice. The rest is burned.
	fn share_bond(
		id: TaskId,
		task: &TaskOf<T>,
		spec: &TaskSpec,
		loser: &T::AccountId,
		bond: Balance,
		lost: Shares<T::AccountId>,
	) {
		if bond == 0 {
			return;
		}
		let price = task
			.fee
			.checked_div(Balance::from(spec.total_segments()))
			.unwrap_or_default();
		let all: Balance = lost
			.iter()
			.map(|(_, segments)| Balance::from(*segments))
			.sum();
		let affordable = bond.checked_div(all).unwrap_or_default();
		let price = price.min(affordable);
		let mut paid: Balance = 0;
		for (account, segments) in &lost {
			let due = price.saturating_mul(Balance::from(*segments));
			paid = paid.saturating_add(Self::pay(HoldReason::TrainerBond, loser, account, due));
		}
		let burned = Self::burn(HoldReason::TrainerBond, loser, bond.saturating_sub(paid));
		Self::deposit_event(Event::BondSlashed {
			task: id,
			account: loser.clone(),
			amount: paid.saturating_add(burned),
			burned,
		});
	}
}
