//! What happens when a trainer is proven wrong: its bond is taken, and the task goes back.

use crate::{
	pallet::{Config, Event, HoldReason, Pallet, Rounds},
	types::{place, Removal, Stage, SEATED_ROLES},
	TaskOf,
};
use alloc::{collections::BTreeMap, vec::Vec};
use polkadot_sdk::{frame_support::traits::Get, sp_core::H256, sp_runtime::Permill};
use pouw_primitives::{
	proof::record_round,
	seams::{Proofs, Shares},
	spec::TaskSpec,
	ticket::Role,
	Balance, BlockNumber, RoundIndex, Slot, TaskId, TicketId,
};

/// Of a bond that is taken, the most that goes to others for what they lose; the rest is burned. So a trainer
/// that is in league with them still loses more than faking can bring it.
pub const SHARED_BOND: Permill = Permill::from_percent(50);

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
		let counted = T::Proofs::commitments(id, round)
			.iter()
			.any(|standing| standing.commitment.slot == slot && !standing.lapsed);
		T::Proofs::void_commitment(id, round, slot);
		let mut lost = Lost::new();
		if matches!(task.stage, Stage::Ending(_)) {
			// Nothing is trained any more; the pay for what stands is all that remains.
		} else if round < task.sealed_rounds {
			if counted {
				let segments = spec.segments_per_round();
				task.segments.committed = task.segments.committed.saturating_sub(segments);
			}
			lost = Self::rewind(id, task, spec, round, slot, now);
		} else if let Stage::Training { available, .. } = &mut task.stage {
			*available &= !place(slot);
			Self::try_seal(id, task, spec, now);
			Self::await_successors(id, task, spec, round, now);
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

	/// Where nobody is left that the open round waits for, it waits for whoever still holds a place, and for
	/// those that are drawn now: its deadline must not come before they can train.
	fn await_successors(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		round: RoundIndex,
		now: BlockNumber,
	) {
		let awaited = Self::awaited(task, round);
		let Stage::Training {
			round: open,
			until,
			available: 0,
			..
		} = &mut task.stage
		else {
			return;
		};
		if *open != round || awaited != 0 {
			return;
		}
		let begins = now.saturating_add(Self::arrival());
		let moved = begins.saturating_add(spec.round_deadline);
		if *until < moved {
			*until = moved;
			Self::deposit_event(Event::RoundExtended {
				task: id,
				round,
				until: moved,
			});
		}
		for seat in task.trainers.iter_mut().flatten() {
			seat.since = seat.since.min(round);
		}
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
		let was_over = Self::is_over(task);
		// It was that of another state.
		T::Proofs::void_score(id);
		let segments = spec.segments_per_round();
		let mut lost = Lost::new();
		// The rounds after it, the open one included: there nothing was counted yet.
		for later in round.saturating_add(1)..=task.sealed_rounds {
			let sealed = later < task.sealed_rounds;
			for standing in T::Proofs::commitments(id, later) {
				let commitment = standing.commitment;
				// What would not have been paid for is no loss.
				if !commitment.available || standing.lapsed {
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

		let kept: Vec<(Slot, H256)> = T::Proofs::commitments(id, round)
			.into_iter()
			.map(|standing| (standing.commitment.slot, standing.commitment.end_root))
			.collect();
		if let Some(mut sealed) = Rounds::<T>::get(id, round) {
			task.record = sealed.record;
			let slots = kept.iter().map(|(slot, _)| *slot).collect();
			if kept.is_empty() {
				Rounds::<T>::remove(id, round);
				T::Proofs::void_round(id, round);
			} else {
				task.record = record_round(&sealed.record, round, &kept);
				sealed.ends.retain(|(of, _)| *of != slot);
				Rounds::<T>::insert(id, round, sealed);
			}
			Self::deposit_event(Event::TaskRewound {
				task: id,
				round,
				slots,
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
		if was_over {
			// Who was drawn before the end seemed certain could not accept since.
			let until = now.saturating_add(T::AcceptWindow::get());
			for role in SEATED_ROLES {
				for seat in task.seats_mut(role).flatten().filter(|seat| !seat.accepted) {
					seat.until = seat.until.max(Some(until));
				}
			}
		}
		Self::advance_checked(id, task);
		Self::after_round(id, task, spec, now);
		lost
	}

	/// Pays the others for the segments that they have lost, as much as the task pays for a segment, out of
	/// the shared part of the loser's bond; less if that does not suffice. The rest is burned.
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
		let affordable = SHARED_BOND
			.mul_floor(bond)
			.checked_div(all)
			.unwrap_or_default();
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
