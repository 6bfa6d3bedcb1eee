//! Rounds: commitments, availability, sealing, missed rounds, replaced workers.

use crate::{mock::*, Error};
use pallet_ml_tasks::{HoldReason, Removal};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::H256,
	sp_runtime::Permill,
};
use pouw_primitives::{
	proof::record_round,
	seams::{Market, TicketPool},
	status::{DutyKind, FailureReason, Phase},
	ticket::Role,
	RoundIndex, TaskId, POUW,
};

/// A task whose first round is open.
fn training() -> TaskId {
	let task = submit(CLIENT, small_spec());
	live_until("training", 30, || phase(task) == Phase::Training(0));
	task
}

fn round_of(task: TaskId) -> RoundIndex {
	match phase(task) {
		Phase::Training(round) => round,
		phase => panic!("not training: {phase:?}"),
	}
}

#[test]
fn a_round_is_sealed_when_the_last_attestation_lands() {
	in_market(|| {
		let task = training();
		let trainers = workers(task, Role::Trainer);
		let supervisors = workers(task, Role::Supervisor);
		assert_ok!(commit_round(trainers[0], task, 0, 0, true));
		assert_ok!(attest(supervisors[0], task, 0, &[0]));
		assert_ok!(attest(supervisors[1], task, 0, &[0]));
		let round = MlTasks::round_status(task, 0).unwrap();
		assert!(!round.sealed && round.commitments[0].available);
		assert_ok!(commit_round(trainers[1], task, 0, 1, true));
		assert_ok!(attest(supervisors[1], task, 0, &[1]));
		assert_eq!(round_of(task), 0);
		assert_ok!(attest(supervisors[2], task, 0, &[1]));
		assert_eq!(round_of(task), 1);

		let round = MlTasks::round_status(task, 0).unwrap();
		assert!(round.sealed);
		assert_eq!(round.commitments.len(), 2);
		let sealed = [(0, right_end(task, 0, 0)), (1, right_end(task, 0, 1))];
		assert_eq!(status(task).record, record_round(&H256::zero(), 0, &sealed));
		assert_eq!(status(task).segments.committed, 8);
	});
}

#[test]
fn commitments_are_taken_once_from_trainers_for_the_open_round() {
	in_market(|| {
		let task = training();
		let trainers = workers(task, Role::Trainer);
		assert_noop!(
			commit_round(trainers[0], task, 1, 0, true),
			Error::<Test>::RoundNotOpen
		);
		assert_noop!(
			commit_round(STRANGER, task, 0, 0, true),
			Error::<Test>::NotItsWorker
		);
		assert_noop!(
			commit_round(CLIENT, task, 0, 0, true),
			Error::<Test>::NotItsWorker
		);
		assert_noop!(
			commit_round(trainers[0], task + 1, 0, 0, true),
			Error::<Test>::NoSuchTask
		);
		assert_ok!(commit_round(trainers[0], task, 0, 0, true));
		assert_noop!(
			commit_round(trainers[0], task, 0, 0, true),
			Error::<Test>::AlreadyDone
		);
		assert!(MlTasks::open_duties(trainers[0]).is_empty());
	});
}

#[test]
fn attestations_are_taken_from_supervisors_for_what_was_committed() {
	in_market(|| {
		let task = training();
		let trainers = workers(task, Role::Trainer);
		let supervisor = workers(task, Role::Supervisor)[0];
		assert_noop!(
			attest(supervisor, task, 0, &[0]),
			Error::<Test>::NothingCommitted
		);
		assert_ok!(commit_round(trainers[0], task, 0, 0, true));
		assert_eq!(
			MlTasks::open_duties(supervisor)[0].kind,
			DutyKind::AttestAvailability {
				round: 0,
				slots: vec![0]
			}
		);
		assert_noop!(attest(STRANGER, task, 0, &[0]), Error::<Test>::NotItsWorker);
		assert_noop!(
			attest(trainers[1], task, 0, &[0]),
			Error::<Test>::NotItsWorker
		);
		assert_noop!(
			attest(supervisor, task, 1, &[0]),
			Error::<Test>::RoundNotOpen
		);
		assert_noop!(
			attest(supervisor, task, 0, &[0, 1]),
			Error::<Test>::NothingCommitted
		);
		// One voice, however often it speaks.
		assert_ok!(attest(supervisor, task, 0, &[0, 0, 0]));
		assert_noop!(
			attest(supervisor, task, 0, &[0]),
			Error::<Test>::AlreadyDone
		);
		assert_noop!(attest(supervisor, task, 0, &[]), Error::<Test>::AlreadyDone);
		assert!(!MlTasks::round_status(task, 0).unwrap().commitments[0].available);
	});
}

#[test]
fn at_its_deadline_a_round_is_sealed_with_what_is_available() {
	in_market(|| {
		let task = training();
		let absent = workers(task, Role::Trainer)[1];
		set_conduct(absent, Conduct::LeavesAfterAccepting);
		live_until("a sealed round", 30, || phase(task) == Phase::Training(1));
		assert_eq!(MlTasks::round_status(task, 0).unwrap().commitments.len(), 1);
		assert_eq!(
			Tickets::ticket(ticket_of(absent).unwrap()).unwrap().missed,
			1
		);
		assert!(workers(task, Role::Trainer).contains(&absent));
		// Too late.
		assert_noop!(
			commit_round(absent, task, 0, 1, true),
			Error::<Test>::RoundNotOpen
		);
	});
}

#[test]
fn a_trainer_that_misses_two_rounds_is_replaced_and_fined() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.rounds = 12;
		let task = submit(CLIENT, spec);
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let absent = workers(task, Role::Trainer)[1];
		set_conduct(absent, Conduct::LeavesAfterAccepting);
		live_until("a removal", 60, || {
			status(task)
				.workers
				.iter()
				.all(|worker| worker.account != absent)
		});
		assert!(events().iter().any(|event| matches!(
			event,
			RuntimeEvent::MlTasks(pallet_ml_tasks::Event::WorkerRemoved {
				account, reason: Removal::MissedRounds, ..
			}) if *account == absent
		)));
		// A quarter of the bond is burned; the rest stays, with the ticket, until the task ends.
		// 240 POUW for 96 segments; four times that at a rate of a quarter.
		assert_eq!(held(HoldReason::TrainerBond, absent), 30 * POUW);
		live_until("a successor", 20, || {
			let accepted = |worker: &pouw_primitives::status::Worker<u64>| {
				worker.role == Role::Trainer && worker.accepted
			};
			status(task)
				.workers
				.iter()
				.filter(|worker| accepted(worker))
				.count() == 2
		});
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(held(HoldReason::TrainerBond, absent), 0);
		assert_eq!(wealth(absent), PURSE - 10 * POUW);
		// What was not delivered was not paid for.
		let (delivered, ordered) = (u128::from(summary.segments.committed), 96);
		let paid = summary.paid;
		let sum = paid.trainers + paid.verifiers + paid.supervisors + paid.evaluators;
		assert!(sum + summary.burned <= 240 * POUW * delivered / ordered);
		assert_eq!(sum + summary.burned + summary.refunded, 240 * POUW);
	});
}

#[test]
fn without_any_commitment_the_task_fails() {
	in_market(|| {
		let task = training();
		for trainer in workers(task, Role::Trainer) {
			set_conduct(trainer, Conduct::LeavesAfterAccepting);
		}
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Failed(FailureReason::NoProgress));
		assert_eq!(summary.refunded, 240 * POUW);
		assert_eq!(free(CLIENT), PURSE);
	});
}

#[test]
fn silent_supervisors_are_replaced_before_it_counts_against_trainers() {
	in_market(|| {
		let task = training();
		let silent = workers(task, Role::Supervisor)[..2].to_vec();
		for supervisor in &silent {
			set_conduct(*supervisor, Conduct::Absent);
		}
		live_until("a sealed round", 60, || phase(task) == Phase::Training(1));
		// Both trainers are in the round, and have missed nothing.
		assert_eq!(MlTasks::round_status(task, 0).unwrap().commitments.len(), 2);
		for supervisor in silent {
			let removed = events().iter().any(|event| {
				matches!(
					event,
					RuntimeEvent::MlTasks(pallet_ml_tasks::Event::WorkerRemoved {
						account, reason: Removal::Silent, ..
					}) if *account == supervisor
				)
			});
			assert!(removed);
		}
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

#[test]
fn supervisors_that_hold_nothing_have_answered() {
	in_market(|| {
		let task = training();
		let supervisors = workers(task, Role::Supervisor);
		for supervisor in &supervisors {
			set_conduct(*supervisor, Conduct::HoldsNothing);
			assert_ok!(attest(*supervisor, task, 0, &[]));
		}
		// Nobody is silent, so nobody is replaced: the trainers serve nothing, and the task can't go on.
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Failed(FailureReason::NoProgress));
		for supervisor in supervisors {
			assert_eq!(
				Tickets::ticket(ticket_of(supervisor).unwrap())
					.unwrap()
					.missed,
				0
			);
		}
	});
}

/// With two supervisors, one could else keep any trainer out by saying that it holds nothing.
#[test]
fn a_supervisor_that_denies_what_half_of_them_hold_is_replaced() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.supervisors = 2;
		let task = submit(CLIENT, spec);
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let denier = workers(task, Role::Supervisor)[1];
		set_conduct(denier, Conduct::HoldsNothing);
		live_until("a sealed round", 60, || phase(task) == Phase::Training(1));
		assert!(!workers(task, Role::Supervisor).contains(&denier));
		assert_eq!(MlTasks::round_status(task, 0).unwrap().commitments.len(), 2);
		assert_eq!(
			Tickets::ticket(ticket_of(denier).unwrap()).unwrap().missed,
			1
		);
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

/// The successors of those that were proven wrong need time, however late in the round it came out.
#[test]
fn an_open_round_waits_for_the_successor_of_its_last_trainer() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.trainers = 1;
		let task = submit(CLIENT, spec);
		pass(3);
		let trainer = workers(task, Role::Trainer)[0];
		let ticket = ticket_of(trainer).unwrap();
		set_conduct(trainer, Conduct::LeavesAfterAccepting);
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let deadline = status(task).deadline.unwrap();
		live(deadline - System::block_number());
		// As the proofs do when they find a commitment to the open round wrong.
		<MlTasks as Market<AccountId>>::audits_drawn(task, 1);
		<Tickets as TicketPool<AccountId>>::slash(ticket, Permill::zero(), &[]);
		<MlTasks as Market<AccountId>>::commitment_refuted(task, 0, 0, ticket);
		assert!(status(task).deadline.unwrap() > deadline);
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

#[test]
fn rounds_do_not_run_too_far_ahead_of_their_audits() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.rounds = 20;
		let task = submit(CLIENT, spec);
		// Verifiers that never answer keep every audit open for long.
		for verifier in VERIFIERS {
			set_conduct(verifier, Conduct::Absent);
		}
		live_until("training", 30, || phase(task) == Phase::Training(0));
		for _ in 0..25 {
			live_a_block();
			check_invariants();
			let ahead = round_of(task) - status(task).checked_rounds;
			assert!(ahead <= MaxRoundsAhead::get());
		}
		assert_eq!(round_of(task), MaxRoundsAhead::get());
		// They go on when audits lapse at last.
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

#[test]
fn the_commitments_of_checked_rounds_are_forgotten() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.rounds = 12;
		let task = submit(CLIENT, spec);
		live_until("a late round", 200, || phase(task) == Phase::Training(10));
		let checked = status(task).checked_rounds;
		assert!(checked > 2);
		assert!(MlTasks::round_status(task, checked - 2).is_none());
		// The last checked one is the start of those that come after it.
		assert!(MlTasks::round_status(task, checked - 1).is_some());
		assert!(
			crate::Commitments::<Test>::iter().count() as u32 <= 2 * (MaxRoundsAhead::get() + 2)
		);
	});
}
