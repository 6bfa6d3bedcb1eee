//! What happens to a task when a trainer is proven wrong in a round that is sealed.

use crate::mock::*;
use pallet_ml_tasks::{Event, HoldReason};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	proof::record_round,
	seams::{AuditOutcome, Market},
	status::{Phase, TestPart},
	ticket::Role,
	RoundIndex, TaskId, POUW,
};

/// The rewinds so far: the round, and what still stands in it.
fn rewinds() -> Vec<(RoundIndex, Vec<u16>)> {
	events()
		.into_iter()
		.filter_map(|event| match event {
			RuntimeEvent::MlTasks(Event::TaskRewound { round, slots, .. }) => Some((round, slots)),
			_ => None,
		})
		.collect()
}

/// A task of many rounds that is being trained, its verifiers away.
fn running_ahead(trainers: u16) -> TaskId {
	let mut spec = small_spec();
	spec.training.rounds = 8;
	spec.training.trainers = trainers;
	let task = submit(CLIENT, spec);
	pass(3);
	for verifier in VERIFIERS {
		set_conduct(verifier, Conduct::Absent);
	}
	task
}

fn verifiers_return() {
	for verifier in VERIFIERS {
		set_conduct(verifier, Conduct::Honest);
	}
}

/// A trainer fakes the first round, and is found out when others have gone on. Nobody has done anything since.
fn lost(task: TaskId, faker: AccountId, ahead: RoundIndex) {
	set_conduct(faker, Conduct::Fakes);
	live_until("the first round", 60, || phase(task) == Phase::Training(1));
	set_conduct(faker, Conduct::Honest);
	live_until("rounds to run ahead", 60, || {
		phase(task) == Phase::Training(ahead)
	});
	verifiers_return();
	for _ in 0..120 {
		pass(1);
		check_invariants();
		if !rewinds().is_empty() {
			return;
		}
		(1..=ACCOUNTS).for_each(do_duties);
	}
	panic!("no rewind");
}

#[test]
fn the_round_stays_sealed_without_the_loser_and_later_ones_are_trained_again() {
	in_market(|| {
		let task = running_ahead(3);
		let faker = workers(task, Role::Trainer)[1];
		lost(task, faker, 3);
		assert_eq!(rewinds()[0], (0, vec![0, 2]));
		// Nothing of the later rounds is left.
		assert_eq!(phase(task), Phase::Training(1));
		assert!(MlTasks::round_status(task, 2).is_none());
		assert!(MlTasks::round_status(task, 1)
			.unwrap()
			.commitments
			.is_empty());
		let round = MlTasks::round_status(task, 0).unwrap();
		assert!(round.sealed);
		let slots: Vec<_> = round.commitments.iter().map(|c| c.slot).collect();
		assert_eq!(slots, vec![0, 2]);
		// The record is that of the set that stands.
		let set = [(0, right_end(task, 0, 0)), (2, right_end(task, 0, 2))];
		assert_eq!(status(task).record, record_round(&H256::zero(), 0, &set));
		assert_eq!(status(task).segments.committed, 8);

		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.rounds, 8);
		assert_eq!(ticket_of(faker), None);
	});
}

#[test]
fn a_round_of_which_nothing_is_left_is_trained_again() {
	in_market(|| {
		let task = running_ahead(1);
		let faker = workers(task, Role::Trainer)[0];
		lost(task, faker, 2);
		assert_eq!(rewinds()[0], (0, vec![]));
		assert_eq!(phase(task), Phase::Training(0));
		assert_eq!(status(task).record, H256::zero());
		assert_eq!(status(task).segments.committed, 0);
		// Another trainer is drawn and trains it all.
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.segments.committed, 32);
		assert_eq!(summary.segments.rejected, 1);
	});
}

#[test]
fn honest_trainers_are_paid_for_lost_rounds_out_of_the_losers_bond() {
	in_market(|| {
		let task = running_ahead(2);
		let trainers = workers(task, Role::Trainer);
		let (honest, faker) = (trainers[0], trainers[1]);
		let bond = status(task).trainer_bond;
		// 64 segments for 240 POUW; four times that at a rate of a quarter.
		assert_eq!(bond, 60 * POUW);
		set_conduct(faker, Conduct::Fakes);
		live_until("rounds to run ahead", 60, || {
			phase(task) == Phase::Training(3)
		});
		let (before, round) = (wealth(honest), status(task).phase);
		assert_eq!(round, Phase::Training(3));
		verifiers_return();
		live_until("a rewind", 120, || !rewinds().is_empty());
		let lost_rounds = events()
			.iter()
			.filter(|event| {
				matches!(
					event,
					RuntimeEvent::MlTasks(Event::RoundSealed { round, .. }) if *round > 0
				)
			})
			.count() as u128;
		let gained = wealth(honest) - before;
		let per_round = 4 * (240 * POUW / 64);
		// The round that was open may have been committed to as well.
		assert!(
			gained == (bond / 2).min(lost_rounds * per_round)
				|| gained == (bond / 2).min((lost_rounds + 1) * per_round),
			"{gained}"
		);
		assert_eq!(held(HoldReason::TrainerBond, faker), 0);
		live_to_end(task);
	});
}

/// Else two trainers in league could fake, and one get back what the other loses.
#[test]
fn an_accomplice_gets_at_most_half_of_the_losers_bond() {
	in_market(|| {
		let task = running_ahead(2);
		let [accomplice, faker] = workers(task, Role::Trainer)[..] else {
			panic!("two places")
		};
		let bond = status(task).trainer_bond;
		let before = wealth(accomplice);
		// Three rounds of 15 POUW are lost with the first one.
		lost(task, faker, 4);
		assert_eq!(wealth(accomplice) - before, bond / 2);
		let slashed = events().into_iter().find_map(|event| match event {
			RuntimeEvent::MlTasks(Event::BondSlashed { amount, burned, .. }) => {
				Some((amount, burned))
			}
			_ => None,
		});
		assert_eq!(slashed, Some((bond, bond / 2)));
		live_to_end(task);
	});
}

/// It may have committed to other rounds whose audits are still open.
#[test]
fn who_was_proven_wrong_gains_nothing_by_other_audits() {
	in_market(|| {
		let task = running_ahead(2);
		let faker = workers(task, Role::Trainer)[1];
		let ticket = ticket_of(faker).unwrap();
		lost(task, faker, 2);
		// As the proofs do when they find another of its segments right.
		<MlTasks as Market<AccountId>>::audits_drawn(task, 1);
		<MlTasks as Market<AccountId>>::audit_ended(task, 0, AuditOutcome::Accepted(ticket));
		let claims = pallet_ml_tasks::Tasks::<Test>::get(task).unwrap().former;
		let claim = claims
			.iter()
			.find(|former| former.ticket == ticket)
			.unwrap();
		assert_eq!((claim.work, claim.accepted_segments), (0, 0));
		live_to_end(task);
	});
}

/// Nobody can accept while nothing but audits is waited for.
#[test]
fn a_worker_that_could_not_accept_has_missed_nothing() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.rounds = 2;
		let task = submit(CLIENT, spec);
		pass(3);
		let faker = workers(task, Role::Trainer)[1];
		// Audits take long, but don't lapse.
		for verifier in VERIFIERS {
			set_conduct(verifier, Conduct::DoesNotReveal);
		}
		live_until("the last round", 30, || phase(task) == Phase::Training(1));
		set_conduct(faker, Conduct::Fakes);
		live_until("the evaluation", 30, || phase(task) == Phase::Evaluating);

		// One supervisor says what it found of the test part; of those that are drawn for the other two
		// places one accepts, and with its word the task is scored at once.
		let first = workers(task, Role::Supervisor)[0];
		for supervisor in SUPERVISORS.filter(|account| *account != first) {
			set_conduct(supervisor, Conduct::Absent);
		}
		let drawn = || {
			let workers = status(task).workers.into_iter();
			workers
				.filter(|worker| worker.role == Role::Supervisor && !worker.accepted)
				.collect::<Vec<_>>()
		};
		live_until("a draw", 30, || drawn().len() == 2);
		set_conduct(drawn()[0].account, Conduct::Honest);
		let late = drawn()[1].clone();
		live_until("a score", 4, || {
			events()
				.iter()
				.any(|event| matches!(event, RuntimeEvent::MlTasks(Event::EvaluationAgreed { .. })))
		});
		let missed = || Tickets::ticket(late.ticket).unwrap().missed;
		let before = missed();
		live(6);
		// The final model is another one then, and not scored at once.
		for evaluator in EVALUATORS {
			set_conduct(evaluator, Conduct::Absent);
		}
		verifiers_return();
		live_until("a rewind", 120, || !rewinds().is_empty());
		live(1);
		assert_eq!(missed(), before);
		assert!(drawn().contains(&late));
		set_conduct(late.account, Conduct::Honest);
		live(1);
		assert!(drawn().is_empty());
		for evaluator in EVALUATORS {
			set_conduct(evaluator, Conduct::Honest);
		}
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

#[test]
fn a_fault_in_the_open_round_loses_nothing_else() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let trainers = workers(task, Role::Trainer);
		// The other one has not committed when the faker's audit ends.
		set_conduct(trainers[0], Conduct::Fakes);
		set_conduct(trainers[1], Conduct::LeavesAfterAccepting);
		live_until("training", 30, || phase(task) == Phase::Training(0));
		live_until("a rejection", 15, || status(task).segments.rejected == 1);
		assert_eq!(phase(task), Phase::Training(0));
		assert!(rewinds().is_empty());
		set_conduct(trainers[1], Conduct::Honest);
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

#[test]
fn audits_of_lost_rounds_are_void() {
	in_market(|| {
		let task = running_ahead(2);
		let faker = workers(task, Role::Trainer)[0];
		lost(task, faker, 3);
		let void: Vec<_> = crate::Audits::<Test>::iter_keys()
			.filter(|id| Pouw::audit_status(*id).is_some_and(|status| status.void))
			.collect();
		assert!(!void.is_empty());
		for id in &void {
			for party in Pouw::audit_status(*id).unwrap().parties {
				let refused =
					Pouw::commit_audit(RuntimeOrigin::signed(party.account), *id, H256::zero());
				assert_eq!(refused, Err(crate::Error::<Test>::AuditVoid.into()));
				let duties = MlTasks::open_duties(party.account);
				assert!(!duties.iter().any(|duty| matches!(
					duty.kind,
					pouw_primitives::status::DutyKind::CommitAudit { audit } if audit == *id
				)));
			}
		}
		// They end in time, and nobody has missed anything by them.
		live_until("void audits to end", 120, || {
			void.iter().all(|id| Pouw::audit_status(*id).is_none())
		});
		assert_eq!(live_to_end(task).segments.rejected, 1);
	});
}

#[test]
fn a_fault_in_the_last_round_opens_the_evaluation_again() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.rounds = 2;
		let task = submit(CLIENT, spec);
		pass(3);
		let faker = workers(task, Role::Trainer)[1];
		for verifier in VERIFIERS {
			set_conduct(verifier, Conduct::Absent);
		}
		live_until("the last round", 30, || phase(task) == Phase::Training(1));
		set_conduct(faker, Conduct::Fakes);
		live_until("a score", 30, || {
			events()
				.iter()
				.any(|event| matches!(event, RuntimeEvent::MlTasks(Event::EvaluationAgreed { .. })))
		});
		assert_eq!(phase(task), Phase::Evaluating);
		verifiers_return();
		live_until("a rewind", 120, || !rewinds().is_empty());
		// Nothing is trained again, but what was scored is no longer the final model.
		assert_eq!(rewinds()[0], (1, vec![0]));
		assert_eq!(phase(task), Phase::Evaluating);
		assert_eq!(status(task).test, TestPart::Attested);
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		let scores = events()
			.iter()
			.filter(|event| matches!(event, RuntimeEvent::MlTasks(Event::EvaluationAgreed { .. })))
			.count();
		assert_eq!(scores, 2);
	});
}

#[test]
fn a_trainer_that_has_left_can_still_be_held_to_account() {
	in_market(|| {
		let task = running_ahead(2);
		let faker = workers(task, Role::Trainer)[0];
		MaxRoundsAhead::set(8);
		// Audits take long, but don't lapse.
		for verifier in VERIFIERS {
			set_conduct(verifier, Conduct::DoesNotReveal);
		}
		set_conduct(faker, Conduct::Fakes);
		live_until("a round", 40, || phase(task) == Phase::Training(1));
		let ticket = ticket_of(faker).unwrap();
		let stake = Tickets::ticket(ticket).unwrap().stake;
		set_conduct(faker, Conduct::LeavesAfterAccepting);
		live_until("its removal", 80, || {
			!workers(task, Role::Trainer).contains(&faker)
		});
		assert!(held(HoldReason::TrainerBond, faker) > 0);
		assert!(Tickets::retire_ticket(RuntimeOrigin::signed(faker), ticket).is_ok());
		assert_eq!(ticket_of(faker), Some(ticket));
		verifiers_return();
		live_until("a rewind", 160, || !rewinds().is_empty());
		assert_eq!(ticket_of(faker), None);
		assert_eq!(wealth(faker), PURSE - stake - 60 * POUW);
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}
