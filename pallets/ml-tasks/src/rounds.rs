//! Rounds: opened, sealed, and checked by audits.

use crate::{
	pallet::{Config, Event, HoldReason, Pallet, Rounds},
	types::{has_place, place, slots, Removal, SealedRound, Stage},
	TaskOf,
};
use alloc::vec::Vec;
use polkadot_sdk::{
	frame_support::{traits::Get, BoundedVec},
	sp_core::H256,
	sp_runtime::Permill,
};
use pouw_primitives::{
	proof::record_round,
	seams::{Places, Proofs, Rewards, TicketPool, WorkFact},
	spec::TaskSpec,
	status::{FailureReason, Phase},
	ticket::Role,
	BlockNumber, RoundIndex, Slot, TaskId, TicketId,
};

/// The missed rounds at which a trainer is replaced. They need not follow each other, or a trainer could
/// hold up every other round for nothing.
pub const MAX_MISSED_ROUNDS: u32 = 2;

/// What a trainer that is replaced for missed rounds loses of its bond.
pub const MISSED_ROUNDS_FINE: Permill = Permill::from_percent(25);

impl<T: Config> Pallet<T> {
	/// Opens a round.
	pub(crate) fn open_round(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		round: RoundIndex,
		now: BlockNumber,
	) {
		let until = now.saturating_add(spec.round_deadline);
		task.stage = Stage::Training {
			round,
			until,
			available: 0,
			extended: false,
		};
		if task.vacancies() > 0 {
			task.ask_draw(now, Self::draw_delay());
		}
		Self::deposit_event(Event::RoundOpened {
			task: id,
			round,
			until,
		});
	}

	/// The trainers that a round waits for.
	pub(crate) fn awaited(task: &TaskOf<T>, round: RoundIndex) -> Places {
		task.live(Role::Trainer)
			.filter(|(_, seat)| seat.since <= round)
			.fold(0, |places, (slot, _)| places | place(slot))
	}

	/// Whether another round may be sealed before audits of earlier ones are over.
	fn has_room(task: &TaskOf<T>, round: RoundIndex) -> bool {
		round.saturating_sub(task.checked_rounds) < T::MaxRoundsAhead::get()
	}

	/// Seals the open round if all that it waits for is available.
	pub(crate) fn try_seal(id: TaskId, task: &mut TaskOf<T>, spec: &TaskSpec, now: BlockNumber) {
		let Stage::Training {
			round, available, ..
		} = task.stage
		else {
			return;
		};
		let missing = Self::awaited(task, round) & !available;
		if available != 0 && missing == 0 && Self::has_room(task, round) {
			Self::seal(id, task, spec, round, now);
		}
	}

	/// Fixes the set of a round: what is available now. What was committed and is not available is
	/// dropped, and trainers that the round has waited for in vain have missed it.
	fn seal(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		round: RoundIndex,
		now: BlockNumber,
	) {
		let segments = spec.segments_per_round();
		let awaited = Self::awaited(task, round);
		let mut sealed: Vec<(Slot, H256)> = Vec::new();
		let mut attested: Vec<Places> = Vec::new();
		for standing in T::Proofs::commitments(id, round) {
			let commitment = standing.commitment;
			if commitment.available {
				sealed.push((commitment.slot, commitment.end_root));
				attested.push(standing.attested);
				if standing.lapsed {
					continue;
				}
				task.segments.committed = task.segments.committed.saturating_add(segments);
				task.count_trainer(commitment.ticket, |work, _| {
					*work = work.saturating_add(segments);
				});
			} else {
				T::Proofs::void_commitment(id, round, commitment.slot);
			}
		}
		for (slot, seat) in (0..).zip(task.seats_mut(Role::Supervisor)) {
			let Some(seat) = seat else { continue };
			let held = attested
				.iter()
				.filter(|places| has_place(**places, slot))
				.count() as u32;
			if held > 0 {
				seat.work = seat.work.saturating_add(held);
				T::Rewards::note(&seat.account, WorkFact::DutyDone);
			}
		}

		let places = sealed
			.iter()
			.fold(0, |places, (slot, _)| places | place(*slot));
		Rounds::<T>::insert(
			id,
			round,
			SealedRound {
				record: task.record,
				// No more than there are trainers.
				ends: BoundedVec::truncate_from(sealed.clone()),
			},
		);
		task.record = record_round(&task.record, round, &sealed);
		task.sealed_rounds = round.saturating_add(1);
		Self::deposit_event(Event::RoundSealed {
			task: id,
			round,
			slots: slots(places).collect(),
			record: task.record,
		});
		for slot in slots(awaited & !places) {
			Self::miss_round(id, task, slot, now);
		}
		Self::advance_checked(id, task);
		Self::after_round(id, task, spec, now);
	}

	/// Goes on after the last sealed round: with the next one, or the evaluation.
	pub(crate) fn after_round(id: TaskId, task: &mut TaskOf<T>, spec: &TaskSpec, now: BlockNumber) {
		if task.sealed_rounds < spec.training.rounds {
			Self::open_round(id, task, spec, task.sealed_rounds, now);
		} else {
			Self::start_evaluation(id, task, now);
		}
	}

	/// A trainer has missed a round. At the limit it is fined and replaced.
	fn miss_round(id: TaskId, task: &mut TaskOf<T>, slot: Slot, now: BlockNumber) {
		let full = task.former.is_full();
		let Some(Some(seat)) = task.trainers.get_mut(usize::from(slot)) else {
			return;
		};
		seat.missed = seat.missed.saturating_add(1);
		if seat.missed < MAX_MISSED_ROUNDS || full {
			T::Tickets::duty_missed(seat.ticket);
			return;
		}
		let fine = MISSED_ROUNDS_FINE.mul_floor(seat.bond);
		let burned = Self::burn(HoldReason::TrainerBond, &seat.account, fine);
		seat.bond = seat.bond.saturating_sub(burned);
		Self::deposit_event(Event::BondSlashed {
			task: id,
			account: seat.account.clone(),
			amount: burned,
			burned,
		});
		Self::remove_worker(id, task, Role::Trainer, slot, Removal::MissedRounds, now);
	}

	/// The open round's deadline has passed.
	pub(crate) fn close_round(id: TaskId, task: &mut TaskOf<T>, spec: &TaskSpec, now: BlockNumber) {
		let Stage::Training {
			round,
			available,
			extended,
			..
		} = task.stage
		else {
			return;
		};
		let wait = |until: BlockNumber, extended: bool| Stage::Training {
			round,
			until,
			available,
			extended,
		};
		if !Self::has_room(task, round) {
			// Audits end in bounded time, and the end of each looks at the round again.
			task.stage = wait(now.saturating_add(T::AcceptWindow::get()), extended);
			return;
		}
		if !extended && Self::replace_silent_supervisors(id, task, round, now) {
			let until = now
				.saturating_add(Self::arrival())
				.saturating_add(T::AttestWindow::get());
			task.stage = wait(until, true);
			Self::deposit_event(Event::RoundExtended {
				task: id,
				round,
				until,
			});
			return;
		}
		if available != 0 {
			return Self::seal(id, task, spec, round, now);
		}
		for slot in slots(Self::awaited(task, round)) {
			if let Some(Some(seat)) = task.trainers.get(usize::from(slot)) {
				T::Tickets::duty_missed(seat.ticket);
			}
		}
		task.stage = Stage::Ending(Phase::Failed(FailureReason::NoProgress));
	}

	/// Before a commitment that was not attested counts against its trainer: removes the supervisors that
	/// were silent in this round, and those that have not attested what at least half of them hold. Returns
	/// whether there is reason to wait for others.
	fn replace_silent_supervisors(
		id: TaskId,
		task: &mut TaskOf<T>,
		round: RoundIndex,
		now: BlockNumber,
	) -> bool {
		let live = task
			.live(Role::Supervisor)
			.fold(0, |places, (slot, _)| places | place(slot));
		let lacking: Vec<Places> = T::Proofs::commitments(id, round)
			.into_iter()
			.filter(|standing| !standing.commitment.available)
			.map(|standing| standing.attested & live)
			.collect();
		if lacking.is_empty() {
			return false;
		}
		// What so many hold is served, and could have been fetched.
		let served = |held: Places| held.count_ones().saturating_mul(2) >= live.count_ones();
		let done = lacking
			.into_iter()
			.filter(|held| served(*held))
			.fold(T::Proofs::answered(id, round), |done, held| done & held);
		for slot in slots(live & !done) {
			Self::remove_worker(id, task, Role::Supervisor, slot, Removal::Silent, now);
		}
		task.live(Role::Supervisor).count() < task.supervisors.len()
	}

	/// An audit of a trainer's commitment to this round has lapsed, the first one of it: nobody knows whether
	/// what it commits to was trained, so none of it is paid for. It was not proven wrong either: the trainer
	/// keeps its stake, and its state stays in the merge. Before the round is sealed nothing was counted, and
	/// the seal leaves it out.
	pub(crate) fn leave_unpaid(
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		round: RoundIndex,
		ticket: TicketId,
	) {
		if round < task.sealed_rounds {
			let segments = spec.segments_per_round();
			task.segments.committed = task.segments.committed.saturating_sub(segments);
			task.count_trainer(ticket, |work, _| *work = work.saturating_sub(segments));
		}
	}

	/// Counts the rounds whose audits are over, and forgets those that are no longer needed: of the checked
	/// rounds, all but the last, whose merge the next one starts from.
	pub(crate) fn advance_checked(id: TaskId, task: &mut TaskOf<T>) {
		while task.checked_rounds < task.sealed_rounds
			&& !T::Proofs::unchecked(id, task.checked_rounds)
		{
			task.checked_rounds = task.checked_rounds.saturating_add(1);
			if let Some(old) = task.checked_rounds.checked_sub(2) {
				T::Proofs::void_round(id, old);
				Rounds::<T>::remove(id, old);
			}
		}
	}
}
