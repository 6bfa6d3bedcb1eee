//! The evaluation: the hidden part is revealed and attested, the final model scored.
//!
//! Two thirds of the task's supervisors decide whether the revealed part is what was committed to; two
//! thirds of its evaluators what is claimed to be the score. That can be challenged: the proofs decide then, and
//! where it was wrong the model is scored anew without those who have claimed it. Where two thirds are not reached in time, supervisors that were
//! silent, and all evaluators, are drawn anew, [`MAX_ATTEMPTS`] times in all. Evaluators that have failed are
//! not drawn again. If it is not reached then either, the task ends without a result, and pays as if the
//! accuracy had been missed.

use crate::{
	pallet::{Config, Error, Event, Pallet},
	types::{EvaluationResult, EvaluationStep, Removal, Score, Stage, Word},
	TaskOf,
};
use alloc::vec::Vec;
use polkadot_sdk::{
	frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get},
	sp_core::H256,
};
use pouw_primitives::{
	proof::{evaluation_commitment, two_thirds},
	seams::{Claimant, Proofs},
	spec::TaskSpec,
	status::TestPart,
	ticket::Role,
	BlockNumber, Slot, TaskId, TicketId,
};

/// How often supervisors, and evaluators, may fail to agree before a task ends without a result.
pub const MAX_ATTEMPTS: u8 = 3;

impl<T: Config> Pallet<T> {
	/// All rounds are sealed.
	pub(crate) fn start_evaluation(id: TaskId, task: &mut TaskOf<T>, now: BlockNumber) {
		let step = match task.test {
			TestPart::Hidden => EvaluationStep::RevealTest,
			// A round was lost after the hidden part was revealed. What was trained can't depend on it.
			TestPart::Revealed => EvaluationStep::AttestTest,
			TestPart::Attested => EvaluationStep::Commit,
			TestPart::Forfeited => EvaluationStep::Closed(EvaluationResult::Forfeited),
		};
		Self::begin_step(task, step, 0, now);
		let until = task.stage.until().unwrap_or(now);
		Self::deposit_event(Event::EvaluationStarted { task: id, until });
	}

	fn begin_step(task: &mut TaskOf<T>, step: EvaluationStep, attempts: u8, now: BlockNumber) {
		let mut window = match step {
			EvaluationStep::RevealTest => T::RevealTestWindow::get(),
			EvaluationStep::AttestTest => T::AttestWindow::get(),
			EvaluationStep::Commit => T::EvaluationWindow::get(),
			EvaluationStep::Reveal => T::EvaluationRevealWindow::get(),
			EvaluationStep::Closed(_) => 0,
		};
		if task.vacancies() > 0 {
			// Somebody must be drawn first, and accept.
			window = window.saturating_add(Self::arrival());
		}
		if step != EvaluationStep::Reveal {
			task.clear_words();
		}
		let until = now.saturating_add(window);
		task.stage = Stage::Evaluating {
			step,
			until,
			attempts,
		};
	}

	/// Refuses what does not belong to the present step, or comes too late.
	fn ensure_step(task: &TaskOf<T>, wanted: EvaluationStep) -> Result<u8, Error<T>> {
		match task.stage {
			Stage::Evaluating {
				step,
				until,
				attempts,
			} if step == wanted => {
				ensure!(Self::now() <= until, Error::<T>::TooLate);
				Ok(attempts)
			}
			_ => Err(Error::<T>::WrongPhase),
		}
	}

	/// The client serves the hidden part.
	pub(crate) fn accept_test(
		id: TaskId,
		task: &mut TaskOf<T>,
		who: T::AccountId,
	) -> DispatchResult {
		ensure!(task.client == who, Error::<T>::NotClient);
		ensure!(task.test == TestPart::Hidden, Error::<T>::AlreadyDone);
		Self::ensure_step(task, EvaluationStep::RevealTest)?;
		task.test = TestPart::Revealed;
		Self::deposit_event(Event::TestRevealed { task: id });
		Self::begin_step(task, EvaluationStep::AttestTest, 0, Self::now());
		Ok(())
	}

	/// A supervisor's word on the hidden part.
	pub(crate) fn judge_test(
		id: TaskId,
		task: &mut TaskOf<T>,
		who: T::AccountId,
		tensor: Option<H256>,
	) -> DispatchResult {
		Self::ensure_step(task, EvaluationStep::AttestTest)?;
		let seat = task
			.worker_mut(Role::Supervisor, &who)
			.ok_or(Error::<T>::NotItsWorker)?;
		ensure!(seat.said.is_none(), Error::<T>::AlreadyDone);
		let word = Word::Test(tensor);
		seat.said = Some(word);
		Self::deposit_event(Event::TestAttested {
			task: id,
			supervisor: who,
			tensor,
		});

		let agreeing = task.count_words(Role::Supervisor, |said| *said == word);
		if agreeing >= two_thirds(task.supervisors.len() as u32) {
			Self::reward_words(task, Role::Supervisor, &word);
			let now = Self::now();
			if tensor.is_some() {
				task.test = TestPart::Attested;
				task.test_tensor = tensor;
				Self::begin_step(task, EvaluationStep::Commit, 0, now);
			} else {
				Self::forfeit_test(id, task, now);
			}
		}
		Ok(())
	}

	fn forfeit_test(id: TaskId, task: &mut TaskOf<T>, now: BlockNumber) {
		task.test = TestPart::Forfeited;
		task.forfeited = true;
		Self::begin_step(
			task,
			EvaluationStep::Closed(EvaluationResult::Forfeited),
			0,
			now,
		);
		Self::deposit_event(Event::TestForfeited { task: id });
	}

	/// An evaluator's commitment to its score.
	pub(crate) fn accept_score_commitment(
		id: TaskId,
		task: &mut TaskOf<T>,
		who: T::AccountId,
		commitment: H256,
	) -> DispatchResult {
		let attempts = Self::ensure_step(task, EvaluationStep::Commit)?;
		let seat = task
			.worker_mut(Role::Evaluator, &who)
			.ok_or(Error::<T>::NotItsWorker)?;
		ensure!(seat.said.is_none(), Error::<T>::AlreadyDone);
		seat.said = Some(Word::Committed(commitment));
		Self::deposit_event(Event::EvaluationCommitted {
			task: id,
			evaluator: who,
		});
		let committed = task.count_words(Role::Evaluator, |_| true);
		if committed == task.evaluators.len() as u32 {
			Self::begin_step(task, EvaluationStep::Reveal, attempts, Self::now());
		}
		Ok(())
	}

	/// An evaluator's score.
	pub(crate) fn accept_score(
		id: TaskId,
		task: &mut TaskOf<T>,
		spec: &TaskSpec,
		who: T::AccountId,
		score: Score,
		salt: H256,
	) -> DispatchResult {
		Self::ensure_step(task, EvaluationStep::Reveal)?;
		let attempt = task.stage.attempt();
		let seat = task
			.worker_mut(Role::Evaluator, &who)
			.ok_or(Error::<T>::NotItsWorker)?;
		let commitment = match seat.said {
			Some(Word::Committed(commitment)) => commitment,
			Some(Word::Scored(_)) => return Err(Error::<T>::AlreadyDone.into()),
			_ => return Err(Error::<T>::NotItsWorker.into()),
		};
		ensure!(
			u64::from(score.correct) <= spec.test_rows(),
			Error::<T>::ImpossibleScore
		);
		let Score {
			correct,
			state_root,
		} = score;
		let expected = evaluation_commitment(&who, id, attempt, correct, &state_root, &salt);
		ensure!(commitment == expected, Error::<T>::CommitmentMismatch);
		seat.said = Some(Word::Scored(score));
		Self::deposit_event(Event::EvaluationRevealed {
			task: id,
			evaluator: who,
			score,
		});
		if task.count_words(Role::Evaluator, |said| matches!(said, Word::Committed(_))) == 0 {
			Self::decide_score(id, task, spec, Self::now());
		}
		Ok(())
	}

	/// The deadline of a step has passed.
	pub(crate) fn close_step(id: TaskId, task: &mut TaskOf<T>, spec: &TaskSpec, now: BlockNumber) {
		let Stage::Evaluating { step, attempts, .. } = task.stage else {
			return;
		};
		match step {
			EvaluationStep::RevealTest => Self::forfeit_test(id, task, now),
			EvaluationStep::AttestTest => {
				let silent: Vec<Slot> = task
					.live(Role::Supervisor)
					.filter(|(_, seat)| seat.said.is_none())
					.map(|(slot, _)| slot)
					.collect();
				let attempts = attempts.saturating_add(1);
				let all_spoke =
					task.count_words(Role::Supervisor, |_| true) == task.supervisors.len() as u32;
				if all_spoke || attempts >= MAX_ATTEMPTS {
					return Self::give_up(id, task, now);
				}
				for slot in silent {
					Self::remove_worker(id, task, Role::Supervisor, slot, Removal::Silent, now);
				}
				Self::begin_step(task, step, attempts, now);
			}
			EvaluationStep::Commit => {
				let committed = task.count_words(Role::Evaluator, |_| true) > 0;
				// Who accepts from now on can't commit any more, and is not to blame for it.
				for seat in task.evaluators.iter_mut().flatten() {
					if seat.accepted {
						seat.said.get_or_insert(Word::Silent);
					}
				}
				if committed {
					Self::begin_step(task, EvaluationStep::Reveal, attempts, now);
				} else {
					Self::renew_evaluators(id, task, now);
				}
			}
			EvaluationStep::Reveal => Self::decide_score(id, task, spec, now),
			EvaluationStep::Closed(_) => {}
		}
	}

	/// The one place that says what is claimed as a model's score: what two thirds of the task's evaluators have
	/// revealed alike.
	fn decide_score(id: TaskId, task: &mut TaskOf<T>, spec: &TaskSpec, now: BlockNumber) {
		let quorum = two_thirds(task.evaluators.len() as u32);
		let scores: Vec<Score> = task
			.live(Role::Evaluator)
			.filter_map(|(_, seat)| match seat.said {
				Some(Word::Scored(score)) => Some(score),
				_ => None,
			})
			.collect();
		let agreed = scores
			.iter()
			.copied()
			.find(|score| scores.iter().filter(|other| *other == score).count() as u32 >= quorum);
		let Some(score) = agreed else {
			return Self::renew_evaluators(id, task, now);
		};
		let claimants = task
			.live(Role::Evaluator)
			.filter(|(_, seat)| seat.said == Some(Word::Scored(score)))
			.map(|(slot, seat)| Claimant {
				slot,
				account: seat.account.clone(),
				ticket: seat.ticket,
			})
			.collect();
		Self::reward_words(task, Role::Evaluator, &Word::Scored(score));
		let result = EvaluationResult::Scored(score);
		let attempts = task.stage.attempt() as u8;
		Self::begin_step(task, EvaluationStep::Closed(result), attempts, now);
		T::Proofs::score_agreed(id, spec.training.rounds, score, claimants);
		let of = spec.test_rows().try_into().unwrap_or(u32::MAX);
		Self::deposit_event(Event::EvaluationAgreed {
			task: id,
			score,
			of,
		});
	}

	/// The evaluators have not agreed: others are drawn, or the task ends without a result. Who has come
	/// too late to commit stays.
	fn renew_evaluators(id: TaskId, task: &mut TaskOf<T>, now: BlockNumber) {
		let Stage::Evaluating { attempts, .. } = task.stage else {
			return;
		};
		let attempts = attempts.saturating_add(1);
		if attempts >= MAX_ATTEMPTS {
			return Self::give_up(id, task, now);
		}
		let failed: Vec<(Slot, Removal)> = task
			.live(Role::Evaluator)
			.filter_map(|(slot, seat)| match seat.said? {
				Word::Scored(_) => Some((slot, Removal::NoAgreement)),
				_ => Some((slot, Removal::Silent)),
			})
			.collect();
		for (slot, reason) in failed {
			Self::remove_worker(id, task, Role::Evaluator, slot, reason, now);
		}
		Self::begin_step(task, EvaluationStep::Commit, attempts, now);
	}

	/// The score was refuted for the evaluators with these tickets: they lose their places and their pay. If
	/// nobody stands by it any more the model is scored anew. That is no failure to agree: it has cost those who
	/// have claimed it, so it may happen as often as somebody pays for it.
	pub(crate) fn refute_scorers(
		id: TaskId,
		task: &mut TaskOf<T>,
		tickets: &[TicketId],
		now: BlockNumber,
	) {
		let refuted: Vec<Slot> = (0..)
			.zip(task.evaluators.iter_mut())
			.filter_map(|(slot, seat)| {
				let seat = seat
					.as_mut()
					.filter(|seat| tickets.contains(&seat.ticket))?;
				seat.work = 0;
				Some(slot)
			})
			.collect();
		for slot in refuted {
			Self::remove_worker(id, task, Role::Evaluator, slot, Removal::ProvenWrong, now);
		}
		let scored = matches!(
			task.stage,
			Stage::Evaluating {
				step: EvaluationStep::Closed(EvaluationResult::Scored(_)),
				..
			}
		);
		if scored && T::Proofs::score(id).is_none() {
			let attempts = task.stage.attempt() as u8;
			Self::begin_step(task, EvaluationStep::Commit, attempts, now);
		}
	}

	fn give_up(id: TaskId, task: &mut TaskOf<T>, now: BlockNumber) {
		let result = EvaluationResult::Undecided;
		Self::begin_step(task, EvaluationStep::Closed(result), 0, now);
		Self::deposit_event(Event::EvaluationUndecided { task: id });
	}
}
