//! Who works on a task: the draw, acceptance, the supervisors' word on the specification, and the loss
//! of a place.

use crate::{
	pallet::{Config, Engagements, Error, Event, HoldReason, Pallet},
	types::{DrawOrder, Former, Removal, Seat, Stage, Word, SEATED_ROLES},
	TaskOf,
};
use alloc::vec::Vec;
use codec::Encode;
use polkadot_sdk::{
	frame_support::{
		ensure,
		pallet_prelude::DispatchResult,
		traits::{fungible::MutateHold, Get, Randomness},
	},
	sp_core::H256,
	sp_io::hashing::blake2_256,
	sp_runtime::{traits::SaturatedConversion, Permill},
};
use pouw_primitives::{
	proof::two_thirds,
	seams::{DrawnTicket, Proofs, Rewards, TicketPool, WorkFact},
	spec::TaskSpec,
	status::{FailureReason, Phase, SpecVerdict},
	ticket::Role,
	Balance, BlockNumber, Slot, TaskId, TicketId,
};

/// What a trainer places as bond: four times what one segment can bring it, divided by the chance that the
/// segment is audited. At least half of a bond that is taken is burned, whoever shares the rest
/// ([`crate::SHARED_BOND`]); that half alone is twice what faking the segment brings on average. What
/// a segment can bring is reckoned as if trainers got all of the fee.
pub fn trainer_bond(fee: Balance, segments: u64, audit_rate: Permill) -> Balance {
	let per_segment = fee.div_ceil(Balance::from(segments.max(1)));
	let parts = Balance::from(audit_rate.deconstruct().max(1));
	per_segment
		.saturating_mul(4)
		.saturating_mul(1_000_000)
		.div_ceil(parts)
}

impl<T: Config> Pallet<T> {
	/// Blocks until a draw, whatever governance says: its randomness must be of a later block.
	pub(crate) fn draw_delay() -> BlockNumber {
		T::DrawDelay::get().max(2)
	}

	/// Blocks until who is drawn for a place that is empty now must have accepted.
	pub(crate) fn arrival() -> BlockNumber {
		Self::draw_delay().saturating_add(T::AcceptWindow::get())
	}

	/// Randomness about a task that was unknown in the block in which it was asked for.
	fn randomness(id: TaskId, asked: BlockNumber) -> Option<H256> {
		let subject = (b"pouw/task", id).encode();
		let (randomness, known_since) = T::Randomness::random(&subject);
		let newer = known_since.saturated_into::<BlockNumber>() > asked;
		randomness.filter(|_| newer)
	}

	/// Draws workers for the empty places, if it is time. Where tickets are lacking it is tried again: each
	/// block while the task is pending, at leisure while it goes on without them.
	pub(crate) fn draw_workers(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		now: BlockNumber,
	) {
		let Some(order) = task.draw.filter(|order| order.next <= now) else {
			return;
		};
		let mut lacking = true;
		if let Some(randomness) = Self::randomness(id, order.asked) {
			if task.seed.is_none() {
				let seed = H256((b"pouw/seed", id, randomness).using_encoded(blake2_256));
				task.seed = Some(seed);
				Self::deposit_event(Event::TaskSeeded { task: id, seed });
			}
			let wanted = SEATED_ROLES.into_iter().filter(|role| task.wants(*role));
			for role in wanted.collect::<Vec<_>>() {
				Self::draw_role(id, task, spec, role, &randomness, now);
			}
			lacking = task.vacancies() > 0;
		}
		task.draw = lacking.then(|| {
			let pending = matches!(task.stage, Stage::Pending { .. });
			let pause = if pending {
				1
			} else {
				T::AcceptWindow::get().max(1)
			};
			DrawOrder {
				next: now.saturating_add(pause),
				..order
			}
		});
	}

	pub(crate) fn draw_role(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		role: Role,
		randomness: &H256,
		now: BlockNumber,
	) {
		let empty: Vec<Slot> = (0..)
			.zip(task.seats(role))
			.filter(|(_, seat)| seat.is_none())
			.map(|(slot, _)| slot)
			.collect();
		for slot in empty {
			let excluded = Self::excluded(task);
			let Some(DrawnTicket { ticket, account }) =
				T::Tickets::draw(role, id, &spec.needs, &excluded, randomness)
			else {
				return;
			};
			let accept_until = now.saturating_add(T::AcceptWindow::get());
			let seat = Seat::drawn(account.clone(), ticket, accept_until);
			if let Some(place) = task.seats_mut(role).nth(usize::from(slot)) {
				*place = Some(seat);
			}
			Engagements::<T>::insert(&account, id, ());
			Self::deposit_event(Event::WorkerDrawn {
				task: id,
				role,
				slot,
				account,
				ticket,
				accept_until,
			});
		}
	}

	/// Who can't be drawn: the client, who holds a place, trainers that have left, and evaluators that have
	/// failed the evaluation. Supervisors that were silent may be drawn again: they may have come back, and
	/// there may be few.
	fn excluded(task: &TaskOf<T>) -> Vec<T::AccountId> {
		let seated = task.seated().map(|(_, _, seat)| &seat.account);
		let former = task
			.former
			.iter()
			.filter(|former| former.role == Role::Trainer);
		core::iter::once(&task.client)
			.chain(seated)
			.chain(former.map(|former| &former.account))
			.chain(&task.dismissed)
			.cloned()
			.collect()
	}

	/// A drawn worker takes its place.
	pub(crate) fn accept(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		who: T::AccountId,
		ticket: TicketId,
	) -> DispatchResult {
		let now = Self::now();
		let (role, slot, seat) = task
			.seated()
			.find(|(_, _, seat)| seat.account == who && seat.ticket == ticket)
			.ok_or(Error::<T>::NotDrawn)?;
		ensure!(!seat.accepted, Error::<T>::AlreadyDone);
		ensure!(
			seat.until.is_none_or(|until| now <= until),
			Error::<T>::TooLate
		);
		ensure!(!Self::is_over(task), Error::<T>::WrongPhase);

		let bond = if role == Role::Trainer {
			task.trainer_bond
		} else {
			0
		};
		if bond > 0 {
			T::Currency::hold(&HoldReason::TrainerBond.into(), &who, bond)?;
		}
		let alone = role == Role::Trainer && task.live(Role::Trainer).next().is_none();
		let since = match &mut task.stage {
			// Nobody else could have begun with the round: it gets the whole of its time.
			Stage::Training { round, until, .. } if alone => {
				*until = now.saturating_add(spec.round_deadline);
				Self::deposit_event(Event::RoundOpened {
					task: id,
					round: *round,
					until: *until,
				});
				*round
			}
			Stage::Training { round, .. } => round.saturating_add(1),
			_ => 0,
		};
		let checks_spec = role == Role::Supervisor && matches!(task.stage, Stage::Pending { .. });
		if let Some(Some(seat)) = task.seats_mut(role).nth(usize::from(slot)) {
			seat.accepted = true;
			seat.bond = bond;
			seat.since = since;
			seat.until = checks_spec.then(|| now.saturating_add(T::AttestWindow::get()));
		}
		// To accept is no duty done: or a worker could let every other one slip, and be forgiven by the next
		// draw.
		Self::deposit_event(Event::AssignmentAccepted {
			task: id,
			role,
			slot,
			account: who,
			bond,
		});
		Self::try_start(id, task, spec, now);
		Ok(())
	}

	/// A supervisor's word on the specification.
	pub(crate) fn judge_spec(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		who: T::AccountId,
		verdict: SpecVerdict,
	) -> DispatchResult {
		ensure!(
			matches!(task.stage, Stage::Pending { .. }),
			Error::<T>::WrongPhase
		);
		let seat = task
			.worker_mut(Role::Supervisor, &who)
			.ok_or(Error::<T>::NotItsWorker)?;
		ensure!(seat.said.is_none(), Error::<T>::AlreadyDone);
		seat.said = Some(Word::Spec(verdict));
		seat.until = None;
		Self::deposit_event(Event::SpecAttested {
			task: id,
			supervisor: who,
			verdict,
		});
		Self::try_start(id, task, spec, Self::now());
		Ok(())
	}

	/// Begins the training once every place is taken and two thirds of the supervisors have found the
	/// specification good, or ends the task once they have found it bad.
	fn try_start(id: TaskId, task: &mut TaskOf<T>, spec: &TaskSpec, now: BlockNumber) {
		if !matches!(task.stage, Stage::Pending { .. }) {
			return;
		}
		let quorum = two_thirds(task.supervisors.len() as u32);
		let verdicts: Vec<SpecVerdict> = task
			.live(Role::Supervisor)
			.filter_map(|(_, seat)| match seat.said {
				Some(Word::Spec(verdict)) => Some(verdict),
				_ => None,
			})
			.collect();
		let agreed = verdicts.iter().copied().find(|verdict| {
			verdicts.iter().filter(|other| *other == verdict).count() as u32 >= quorum
		});
		match agreed {
			None => {}
			Some(verdict @ SpecVerdict::Bad) => {
				Self::reward_words(task, Role::Supervisor, &Word::Spec(verdict));
				task.stage = Stage::Ending(Phase::Failed(FailureReason::BadSpec));
				task.forfeited = true;
			}
			Some(verdict @ SpecVerdict::Good { training_tensor }) => {
				if !task.complete() {
					return;
				}
				for seat in task.supervisors.iter_mut().flatten() {
					seat.attested_data = seat.said == Some(Word::Spec(verdict));
					seat.until = None;
				}
				Self::reward_words(task, Role::Supervisor, &Word::Spec(verdict));
				task.training_tensor = training_tensor;
				Self::open_round(id, task, spec, 0, now);
			}
		}
	}

	/// The end of a step that two thirds have decided: who said what they said has done a duty, who said
	/// something else has missed one, and who had not spoken yet is let off.
	pub(crate) fn reward_words(task: &mut TaskOf<T>, role: Role, decided: &Word) {
		for seat in task.seats_mut(role).flatten() {
			match seat.said.take() {
				None => {}
				Some(word) if word == *decided => {
					seat.work = seat.work.saturating_add(1);
					T::Tickets::duty_done(seat.ticket);
					T::Rewards::note(&seat.account, WorkFact::DutyDone);
				}
				Some(_) => {
					T::Tickets::duty_missed(seat.ticket);
					T::Rewards::note(&seat.account, WorkFact::Fault);
				}
			}
		}
	}

	/// Takes their places from workers whose own time is over.
	pub(crate) fn remove_overdue(id: TaskId, task: &mut TaskOf<T>, now: BlockNumber) {
		let overdue: Vec<(Role, Slot, bool)> = task
			.seated()
			.filter(|(_, _, seat)| seat.is_overdue(now))
			.map(|(role, slot, seat)| (role, slot, seat.accepted))
			.collect();
		for (role, slot, accepted) in overdue {
			let reason = if accepted {
				Removal::Silent
			} else {
				Removal::NotAccepted
			};
			Self::remove_worker(id, task, role, slot, reason, now);
		}
	}

	/// Takes a place from a worker and asks for a draw. Whatever it was removed for, other than a lie that has
	/// cost it its ticket, is a missed duty. The ticket is released, but for that of a trainer, which stays
	/// liable for the rounds that it has committed to, and of a supervisor that has still to show what it has
	/// attested: the proofs release it then. Where the task can't remember any more workers, it stays.
	pub(crate) fn remove_worker(
		id: TaskId,
		task: &mut TaskOf<T>,
		role: Role,
		slot: Slot,
		reason: Removal,
		now: BlockNumber,
	) {
		let place = usize::from(slot);
		let Some(seat) = task.seats(role).get(place).cloned().flatten() else {
			return;
		};
		let liable = role == Role::Trainer && seat.accepted;
		if !reason.is_slashed() {
			T::Tickets::duty_missed(seat.ticket);
		}
		if liable || seat.work > 0 {
			let former = Former {
				role,
				account: seat.account.clone(),
				ticket: seat.ticket,
				bond: seat.bond,
				work: seat.work,
				accepted_segments: seat.accepted_segments,
			};
			let forgotten = task.former.try_push(former).is_err();
			if forgotten && !reason.is_slashed() {
				// It is waited for no longer by itself: its next duty has a deadline of its own.
				if let Some(Some(seat)) = task.seats_mut(role).nth(place) {
					seat.until = None;
				}
				return;
			}
		}
		if let Some(place) = task.seats_mut(role).nth(place) {
			*place = None;
		}
		let demanded = role == Role::Supervisor && T::Proofs::is_demanded(seat.ticket);
		if !liable && !demanded {
			T::Tickets::release(seat.ticket, id);
		}
		if role == Role::Evaluator && reason != Removal::NotAccepted {
			task.dismiss(seat.account.clone());
		}
		Engagements::<T>::remove(&seat.account, id);
		task.ask_draw(now, Self::draw_delay());
		Self::deposit_event(Event::WorkerRemoved {
			task: id,
			role,
			slot,
			account: seat.account,
			reason,
		});
	}

	/// Takes place and pay from a supervisor that did not show what it had attested, in its place or gone.
	pub(crate) fn expel_supervisor(
		id: TaskId,
		task: &mut TaskOf<T>,
		ticket: TicketId,
		now: BlockNumber,
	) {
		let former = task.former.iter_mut();
		for former in former.filter(|former| former.ticket == ticket) {
			former.work = 0;
		}
		let seated = (0..)
			.zip(task.supervisors.iter_mut())
			.find_map(|(slot, seat)| Some((slot, seat.as_mut().filter(|s| s.ticket == ticket)?)));
		if let Some((slot, seat)) = seated {
			seat.work = 0;
			Self::remove_worker(id, task, Role::Supervisor, slot, Removal::NotShown, now);
		}
	}

	/// The assignment deadline has passed.
	pub(crate) fn fail_assignment(task: &mut TaskOf<T>) {
		task.stage = Stage::Ending(Phase::Failed(FailureReason::NoWorkers));
	}
}
