//! What users and workers ask.

use crate::{
	pallet::{Config, Engagements, Pallet, Rounds, Specs, Tasks},
	types::{has_place, EvaluationStep, Seat, Stage, Word},
	TaskOf,
};
use alloc::vec::Vec;
use pouw_primitives::{
	seams::{Proofs, TicketPool},
	spec::hidden_segments,
	status::{Duty, DutyKind, RoundStatus, TaskStatus, Worker},
	ticket::Role,
	BlockNumber, RoundIndex, Slot, TaskId,
};

/// The most tasks that one answer covers.
const MAX_ANSWER: usize = 1_000;

impl<T: Config> Pallet<T> {
	pub(crate) fn status_of(id: TaskId) -> Option<TaskStatus<T::AccountId>> {
		let task = Tasks::<T>::get(id)?;
		let spec = Specs::<T>::get(id)?;
		let hidden = task
			.seed
			.map(|seed| hidden_segments(&seed, spec.data.segments, spec.data.hidden_segments));
		let workers = task
			.seated()
			.filter_map(|(role, slot, seat)| {
				Some(Worker {
					role,
					slot,
					account: seat.account.clone(),
					ticket: seat.ticket,
					accepted: seat.accepted,
					endpoint: T::Tickets::endpoint(seat.ticket)?,
				})
			})
			.collect();
		Some(TaskStatus {
			task: id,
			client: task.client.clone(),
			phase: task.stage.phase(),
			deadline: task.stage.until(),
			seed: task.seed,
			hidden_segments: hidden.unwrap_or_default(),
			workers,
			training_tensor: task.training_tensor,
			test: task.test,
			test_tensor: task.test_tensor,
			score: T::Proofs::score(id),
			evaluation_attempt: task.stage.attempt(),
			trainer_bond: task.trainer_bond,
			checked_rounds: task.checked_rounds,
			record: task.record,
			segments: task.segments,
			spec,
		})
	}

	pub(crate) fn tasks_from(start: TaskId, limit: u32) -> Vec<TaskId> {
		let mut tasks: Vec<TaskId> = Tasks::<T>::iter_keys().filter(|id| *id >= start).collect();
		tasks.sort_unstable();
		tasks.truncate((limit as usize).min(MAX_ANSWER));
		tasks
	}

	pub(crate) fn round_of(id: TaskId, round: RoundIndex) -> Option<RoundStatus<T::AccountId>> {
		let task = Tasks::<T>::get(id)?;
		let sealed = Rounds::<T>::contains_key(id, round);
		let open = matches!(task.stage, Stage::Training { round: open, .. } if open == round);
		(sealed || open).then(|| RoundStatus {
			round,
			sealed,
			commitments: T::Proofs::commitments(id, round)
				.into_iter()
				.map(|standing| standing.commitment)
				.collect(),
		})
	}

	pub(crate) fn duties_of(account: &T::AccountId) -> Vec<Duty> {
		let mut duties = T::Proofs::duties(account);
		for id in Engagements::<T>::iter_key_prefix(account).take(MAX_ANSWER) {
			if let Some(task) = Tasks::<T>::get(id) {
				duties.extend(Self::duties_in(id, &task, account));
			}
		}
		duties.sort_by_key(|duty| (duty.deadline, duty.task));
		duties
	}

	fn duties_in(id: TaskId, task: &TaskOf<T>, account: &T::AccountId) -> Option<Duty> {
		let duty = |kind, deadline| {
			Some(Duty {
				kind,
				task: id,
				deadline,
			})
		};
		if Self::is_over(task) {
			let deadline = Self::may_check_score(id, task, account)?;
			return duty(DutyKind::CheckScore, deadline);
		}
		if task.client == *account {
			return match task.stage {
				Stage::Evaluating {
					step: EvaluationStep::RevealTest,
					until,
					..
				} => duty(DutyKind::RevealTest, until),
				_ => None,
			};
		}
		let (role, slot, seat) = task
			.seated()
			.find(|(_, _, seat)| seat.account == *account)?;
		if !seat.accepted {
			let ticket = seat.ticket;
			return duty(DutyKind::Accept { ticket, role }, seat.until?);
		}
		let (kind, deadline) = Self::duty_of_live(id, task, role, slot, seat)?;
		duty(kind, deadline)
	}

	/// Until when an account may check the score that was agreed on: a supervisor, who has all that it takes, or
	/// an evaluator that has not claimed it.
	fn may_check_score(
		id: TaskId,
		task: &TaskOf<T>,
		account: &T::AccountId,
	) -> Option<BlockNumber> {
		let score = T::Proofs::score(id)?;
		let supervises = task.worker(Role::Supervisor, account).is_some();
		let evaluator = task.worker(Role::Evaluator, account);
		let dissents = evaluator.is_some_and(|(slot, _)| !score.evaluators.contains(&slot));
		(supervises || dissents).then_some(score.challenge_until)
	}

	fn duty_of_live(
		id: TaskId,
		task: &TaskOf<T>,
		role: Role,
		slot: Slot,
		seat: &Seat<T::AccountId>,
	) -> Option<(DutyKind, BlockNumber)> {
		let silent = seat.said.is_none();
		match (role, task.stage) {
			(Role::Supervisor, Stage::Pending { until }) if silent => {
				Some((DutyKind::AttestSpec, seat.until.unwrap_or(until)))
			}
			(Role::Trainer, Stage::Training { round, until, .. }) => {
				let commitments = T::Proofs::commitments(id, round);
				let done = commitments
					.iter()
					.any(|standing| standing.commitment.slot == slot);
				(!done).then_some((DutyKind::Train { round, slot }, until))
			}
			(Role::Supervisor, Stage::Training { round, until, .. }) => {
				let slots: Vec<Slot> = T::Proofs::commitments(id, round)
					.into_iter()
					.filter(|standing| !has_place(standing.attested, slot))
					.map(|standing| standing.commitment.slot)
					.collect();
				(!slots.is_empty())
					.then_some((DutyKind::AttestAvailability { round, slots }, until))
			}
			(
				Role::Supervisor,
				Stage::Evaluating {
					step: EvaluationStep::AttestTest,
					until,
					..
				},
			) if silent => Some((DutyKind::AttestTest, until)),
			(
				Role::Evaluator,
				Stage::Evaluating {
					step: EvaluationStep::Commit,
					until,
					..
				},
			) if silent => Some((DutyKind::CommitEvaluation, until)),
			(
				Role::Evaluator,
				Stage::Evaluating {
					step: EvaluationStep::Reveal,
					until,
					..
				},
			) if matches!(seat.said, Some(Word::Committed(_))) => Some((DutyKind::RevealEvaluation, until)),
			_ => None,
		}
	}
}
