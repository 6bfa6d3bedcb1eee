//! The evaluation: the hidden part is revealed and attested, the model scored.

use super::arithmetic;
use crate::mock::*;
use pallet_ml_tasks::{Error, Event};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::H256,
	sp_runtime::{DispatchError, Permill},
};
use pouw_primitives::{
	proof::evaluation_commitment,
	status::{DutyKind, FailureReason, Phase, TestPart},
	ticket::Role,
	TaskId, POUW,
};

/// A task whose rounds are all sealed, its client not having revealed the hidden part.
fn trained() -> TaskId {
	set_conduct(CLIENT, Conduct::Absent);
	let task = submit(CLIENT, small_spec());
	live_until("the evaluation", 60, || phase(task) == Phase::Evaluating);
	task
}

/// A task that waits for scores.
fn to_be_scored() -> TaskId {
	let task = trained();
	assert_ok!(MlTasks::reveal_test(RuntimeOrigin::signed(CLIENT), task));
	for supervisor in &workers(task, Role::Supervisor)[..2] {
		assert_ok!(MlTasks::attest_test(
			RuntimeOrigin::signed(*supervisor),
			task,
			Some(arithmetic::TEST.data_root())
		));
	}
	assert_eq!(status(task).test, TestPart::Attested);
	task
}

fn commitment(who: AccountId, task: TaskId, correct: u32) -> H256 {
	commitment_in(0, who, task, correct)
}

fn commitment_in(attempt: u32, who: AccountId, task: TaskId, correct: u32) -> H256 {
	evaluation_commitment(
		&who,
		task,
		attempt,
		correct,
		&H256::repeat_byte(6),
		&H256::repeat_byte(1),
	)
}

fn commit(who: AccountId, task: TaskId, correct: u32) -> Result<(), DispatchError> {
	MlTasks::commit_evaluation(
		RuntimeOrigin::signed(who),
		task,
		commitment(who, task, correct),
	)
}

fn reveal(who: AccountId, task: TaskId, correct: u32) -> Result<(), DispatchError> {
	MlTasks::reveal_evaluation(
		RuntimeOrigin::signed(who),
		task,
		correct,
		H256::repeat_byte(6),
		H256::repeat_byte(1),
	)
}

#[test]
fn the_client_reveals_once_and_in_time() {
	in_market(|| {
		set_conduct(CLIENT, Conduct::Absent);
		let task = submit(CLIENT, small_spec());
		let reveal = |who| MlTasks::reveal_test(RuntimeOrigin::signed(who), task);
		assert_noop!(reveal(CLIENT), Error::<Test>::WrongPhase);
		live_until("the evaluation", 60, || phase(task) == Phase::Evaluating);
		assert_eq!(MlTasks::open_duties(CLIENT)[0].kind, DutyKind::RevealTest);
		assert_noop!(reveal(STRANGER), Error::<Test>::NotClient);
		assert_ok!(reveal(CLIENT));
		assert_noop!(reveal(CLIENT), Error::<Test>::AlreadyDone);
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

#[test]
fn a_client_that_does_not_reveal_forfeits_its_bond_and_pays_in_full() {
	in_market(|| {
		let task = trained();
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!((summary.accuracy, summary.state_root), (None, None));
		// 70 % of the fee for trainers.
		assert_eq!(summary.paid.trainers, 168 * POUW);
		assert_eq!(summary.paid.evaluators, 0);
		assert_eq!(
			wealth(CLIENT),
			PURSE - 240 * POUW + summary.refunded - 24 * POUW
		);
		assert_noop!(
			MlTasks::reveal_test(RuntimeOrigin::signed(CLIENT), task),
			Error::<Test>::NoSuchTask
		);
	});
}

#[test]
fn a_client_that_reveals_something_else_forfeits_its_bond() {
	in_market(|| {
		let task = trained();
		assert_ok!(MlTasks::reveal_test(RuntimeOrigin::signed(CLIENT), task));
		for supervisor in workers(task, Role::Supervisor) {
			set_conduct(supervisor, Conduct::Lies);
		}
		live_until("the verdict", 10, || {
			status(task).test == TestPart::Forfeited
		});
		let summary = live_to_end(task);
		assert_eq!(summary.paid.trainers, 168 * POUW);
		assert_eq!(
			wealth(CLIENT),
			PURSE - 240 * POUW + summary.refunded - 24 * POUW
		);
	});
}

#[test]
fn the_test_part_is_attested_by_supervisors_once_each() {
	in_market(|| {
		let task = trained();
		let supervisor = workers(task, Role::Supervisor)[0];
		let attest = |who| {
			MlTasks::attest_test(RuntimeOrigin::signed(who), task, Some(H256::repeat_byte(8)))
		};
		assert_noop!(attest(supervisor), Error::<Test>::WrongPhase);
		assert_ok!(MlTasks::reveal_test(RuntimeOrigin::signed(CLIENT), task));
		assert_noop!(attest(STRANGER), Error::<Test>::NotItsWorker);
		assert_noop!(
			attest(workers(task, Role::Trainer)[0]),
			Error::<Test>::NotItsWorker
		);
		assert_ok!(attest(supervisor));
		assert_noop!(attest(supervisor), Error::<Test>::AlreadyDone);
	});
}

#[test]
fn silent_supervisors_are_replaced_while_the_test_part_is_attested() {
	in_market(|| {
		let task = trained();
		let silent = workers(task, Role::Supervisor)[..2].to_vec();
		assert_ok!(MlTasks::reveal_test(RuntimeOrigin::signed(CLIENT), task));
		for supervisor in &silent {
			set_conduct(*supervisor, Conduct::Absent);
		}
		let summary = live_to_end(task);
		assert_eq!(summary.accuracy, Some((RIGHT_SCORE, TEST_ROWS)));
	});
}

#[test]
fn scores_are_committed_first_and_revealed_then() {
	in_market(|| {
		let task = to_be_scored();
		let evaluators = workers(task, Role::Evaluator);
		assert_noop!(commit(STRANGER, task, 190), Error::<Test>::NotItsWorker);
		assert_noop!(reveal(evaluators[0], task, 190), Error::<Test>::WrongPhase);
		assert_ok!(commit(evaluators[0], task, 190));
		assert_noop!(commit(evaluators[0], task, 190), Error::<Test>::AlreadyDone);
		assert_ok!(commit(evaluators[1], task, 190));
		// Another's commitment is of no use.
		let copied = commitment(evaluators[0], task, 190);
		assert_ok!(MlTasks::commit_evaluation(
			RuntimeOrigin::signed(evaluators[2]),
			task,
			copied
		));
		assert_noop!(
			reveal(evaluators[2], task, 190),
			Error::<Test>::CommitmentMismatch
		);
		assert_noop!(
			reveal(evaluators[0], task, 191),
			Error::<Test>::CommitmentMismatch
		);
		assert_noop!(
			reveal(evaluators[0], task, 201),
			Error::<Test>::ImpossibleScore
		);
		assert_ok!(reveal(evaluators[0], task, 190));
		assert_noop!(reveal(evaluators[0], task, 190), Error::<Test>::AlreadyDone);
		assert_ok!(reveal(evaluators[1], task, 190));
		set_conduct(evaluators[2], Conduct::Absent);
		let summary = live_to_end(task);
		assert_eq!(summary.accuracy, Some((190, TEST_ROWS)));
		assert_eq!(summary.state_root, Some(H256::repeat_byte(6)));
		// The one who copied gets no share, and has missed a duty.
		assert!(wealth(evaluators[0]) > PURSE);
		assert_eq!(wealth(evaluators[2]), PURSE);
		assert_eq!(
			Tickets::ticket(ticket_of(evaluators[2]).unwrap())
				.unwrap()
				.missed,
			1
		);
	});
}

#[test]
fn a_lone_dissenter_gets_nothing() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let liar = workers(task, Role::Evaluator)[0];
		set_conduct(liar, Conduct::Lies);
		let summary = live_to_end(task);
		assert_eq!(summary.accuracy, Some((RIGHT_SCORE, TEST_ROWS)));
		assert_eq!(wealth(liar), PURSE);
		assert_eq!(Rewards::reputation(liar).faults, 1);
	});
}

#[test]
fn where_evaluators_stay_away_others_are_drawn() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		for evaluator in workers(task, Role::Evaluator) {
			set_conduct(evaluator, Conduct::LeavesAfterAccepting);
		}
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.accuracy, Some((RIGHT_SCORE, TEST_ROWS)));
	});
}

#[test]
fn without_agreement_trainers_are_paid_as_if_the_accuracy_was_missed() {
	in_market(|| {
		for evaluator in EVALUATORS {
			set_conduct(evaluator, Conduct::DoesNotReveal);
		}
		let task = submit(CLIENT, small_spec());
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Failed(FailureReason::NoEvaluation));
		assert_eq!(summary.paid.trainers, 84 * POUW);
		assert_eq!(summary.paid.evaluators, 0);
		assert_eq!(wealth(CLIENT), PURSE - 240 * POUW + summary.refunded);
		assert!(events().iter().any(|event| matches!(
			event,
			RuntimeEvent::MlTasks(Event::EvaluationUndecided { .. })
		)));
	});
}

#[test]
fn missed_accuracy_halves_the_trainers_pay() {
	in_market(|| {
		let mut spec = small_spec();
		// 190 of 200 are 95 %.
		spec.required_accuracy = Permill::from_parts(950_001);
		let task = submit(CLIENT, spec);
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.paid.trainers, 84 * POUW);
		assert_eq!(summary.refunded, 84 * POUW);
		assert_eq!(wealth(CLIENT), PURSE - 156 * POUW);
	});
}

#[test]
fn accuracy_that_is_just_reached_pays_in_full() {
	in_market(|| {
		let mut spec = small_spec();
		spec.required_accuracy = Permill::from_parts(950_000);
		let task = submit(CLIENT, spec);
		assert_eq!(live_to_end(task).paid.trainers, 168 * POUW);
	});
}

/// The supervisors' voice decides about the client's bond: it must not be worth anything to them.
#[test]
fn condemning_the_test_part_brings_the_supervisors_nothing() {
	let gain = |conduct: Conduct| {
		let mut gained = 0;
		in_market(|| {
			let task = trained();
			assert_ok!(MlTasks::reveal_test(RuntimeOrigin::signed(CLIENT), task));
			let supervisors = workers(task, Role::Supervisor);
			for supervisor in &supervisors {
				set_conduct(*supervisor, conduct);
			}
			live_to_end(task);
			gained = supervisors.iter().map(|who| wealth(*who) - PURSE).sum();
		});
		gained
	};
	assert_eq!(gain(Conduct::Lies), gain(Conduct::Honest));
}

/// Else who disagrees on purpose could try again and again.
#[test]
fn evaluators_that_have_failed_are_not_drawn_again() {
	in_market_with(4, || {
		let task = to_be_scored();
		let failed = workers(task, Role::Evaluator);
		// One is silent, the others don't agree.
		set_conduct(failed[2], Conduct::Absent);
		for (evaluator, correct) in failed[..2].iter().zip([1, 2]) {
			assert_ok!(commit(*evaluator, task, correct));
		}
		live_until("the time for scores", 30, || {
			reveal(failed[0], task, 1).is_ok()
		});
		assert_ok!(reveal(failed[1], task, 2));
		assert_eq!(status(task).evaluation_attempt, 1);
		// There is one left who may score.
		for _ in 0..15 {
			live_a_block();
			check_invariants();
			let drawn = workers(task, Role::Evaluator);
			assert!(drawn.iter().all(|account| !failed.contains(account)));
		}
		assert_eq!(workers(task, Role::Evaluator).len(), 1);
		live_to_end(task);
	});
}

#[test]
fn a_commitment_to_a_score_is_of_no_use_in_another_attempt() {
	in_market(|| {
		let task = to_be_scored();
		for evaluator in EVALUATORS {
			set_conduct(evaluator, Conduct::LeavesAfterAccepting);
		}
		for evaluator in workers(task, Role::Evaluator) {
			set_conduct(evaluator, Conduct::DoesNotReveal);
		}
		live_until("others", 60, || {
			let status = status(task);
			let accepted = status.workers.iter().all(|worker| worker.accepted);
			status.evaluation_attempt == 1 && status.workers.len() == 8 && accepted
		});
		let [old, new, other] = workers(task, Role::Evaluator)[..] else {
			panic!("three places")
		};
		let commitments = [(old, 0), (new, 1), (other, 1)];
		for (evaluator, attempt) in commitments {
			assert_ok!(MlTasks::commit_evaluation(
				RuntimeOrigin::signed(evaluator),
				task,
				commitment_in(attempt, evaluator, task, 190)
			));
		}
		assert_noop!(reveal(old, task, 190), Error::<Test>::CommitmentMismatch);
		assert_ok!(reveal(new, task, 190));
		live_to_end(task);
	});
}

/// It was drawn for a place that came free, and had no chance to commit.
#[test]
fn an_evaluator_that_comes_too_late_to_commit_misses_nothing() {
	in_market(|| {
		let task = to_be_scored();
		for evaluator in EVALUATORS {
			set_conduct(evaluator, Conduct::DoesNotReveal);
		}
		live_until("a second attempt", 60, || {
			status(task).evaluation_attempt == 1
		});
		for evaluator in EVALUATORS {
			set_conduct(evaluator, Conduct::Absent);
		}
		live_until("a draw", 10, || workers(task, Role::Evaluator).len() == 3);
		let in_time = workers(task, Role::Evaluator)[..2].to_vec();
		for evaluator in &in_time {
			set_conduct(*evaluator, Conduct::DoesNotReveal);
		}
		live_until("the time for commitments to be over", 60, || {
			let duties = MlTasks::open_duties(in_time[0]);
			duties
				.iter()
				.any(|duty| duty.kind == DutyKind::RevealEvaluation)
		});
		let waiting = || {
			let workers = status(task).workers;
			workers
				.into_iter()
				.find(|worker| worker.role == Role::Evaluator && !worker.accepted)
		};
		live_until("another draw", 10, || waiting().is_some());
		let late = waiting().unwrap();
		assert_ok!(MlTasks::accept_assignment(
			RuntimeOrigin::signed(late.account),
			task,
			late.ticket
		));
		let missed = || Tickets::ticket(late.ticket).unwrap().missed;
		let before = missed();
		for evaluator in in_time {
			set_conduct(evaluator, Conduct::Honest);
		}
		let summary = live_to_end(task);
		assert_eq!(summary.accuracy, Some((RIGHT_SCORE, TEST_ROWS)));
		assert_eq!(missed(), before);
		assert_eq!(Rewards::reputation(late.account).faults, 0);
	});
}
