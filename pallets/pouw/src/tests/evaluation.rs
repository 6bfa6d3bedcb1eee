//! The evaluation: the hidden part is revealed and attested, the model scored.

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
			true
		));
	}
	assert_eq!(status(task).test, TestPart::Attested);
	task
}

fn commitment(who: AccountId, task: TaskId, correct: u32) -> H256 {
	evaluation_commitment(
		&who,
		task,
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
		let attest = |who| MlTasks::attest_test(RuntimeOrigin::signed(who), task, true);
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
fn without_agreement_the_task_ends_without_a_result_and_trainers_are_paid() {
	in_market(|| {
		for evaluator in EVALUATORS {
			set_conduct(evaluator, Conduct::DoesNotReveal);
		}
		let task = submit(CLIENT, small_spec());
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Failed(FailureReason::NoEvaluation));
		assert_eq!(summary.paid.trainers, 168 * POUW);
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
