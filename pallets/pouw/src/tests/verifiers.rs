//! Verifiers: who they are, how many, and what happens where there are few.

use super::audits::{audit, audited, count, open_audits};
use crate::{mock::*, AuditStage, Event, MAX_OPEN_AUDITS};
use polkadot_sdk::{
	frame_support::{assert_ok, weights::Weight},
	sp_runtime::Permill,
};
use pouw_primitives::{seams::MAX_TASK_VERIFIERS, status::Phase, ticket::Role};

/// Verifiers give up their tickets, all but these.
fn leave_verifiers(kept: usize) {
	for verifier in VERIFIERS.skip(kept) {
		let ticket = ticket_of(verifier).unwrap();
		assert_ok!(Tickets::retire_ticket(
			RuntimeOrigin::signed(verifier),
			ticket
		));
	}
}

#[test]
fn verifiers_have_no_other_part_in_the_task() {
	in_market(|| {
		for account in TRAINERS.chain([CLIENT]) {
			buy_ticket(account, Role::Verifier);
		}
		pass(6);
		let (task, _) = audited();
		let trainers = workers(task, Role::Trainer);
		for id in open_audits() {
			let status = audit(id);
			assert_eq!(status.parties.len(), 4);
			let verifiers: Vec<_> = status.parties[1..]
				.iter()
				.map(|party| party.account)
				.collect();
			assert!(!verifiers.contains(&CLIENT));
			assert!(verifiers.iter().all(|account| !trainers.contains(account)));
		}
	});
}

#[test]
fn verifiers_that_come_later_are_found() {
	in_market(|| {
		leave_verifiers(0);
		let (_, id) = audited();
		live(10);
		assert!(audit(id).parties.is_empty());
		buy_ticket(VERIFIERS.start, Role::Verifier);
		live_until("a verdict", 100, || Pouw::audit_status(id).is_none());
		// A lone one suffices to accept.
		assert!(count(|event| matches!(event, Event::AuditAccepted { .. })) > 0);
	});
}

#[test]
fn a_verifier_serves_several_audits_and_its_ticket_is_let_go_after_the_last() {
	in_market_with(3, || {
		AuditRate::set(Permill::one());
		let (task, _) = audited();
		let verifier = VERIFIERS.start;
		let ticket = ticket_of(verifier).unwrap();
		assert_eq!(Pouw::audits_of(verifier).len(), 8);
		let locks = || {
			crate::VerifierLocks::<Test>::get(task, ticket).map(|locks| (locks.open, locks.held))
		};
		assert_eq!(locks(), Some((8, 0)));
		live_until("the audits' end", 60, || {
			Pouw::audits_of(verifier).is_empty()
		});
		// It is kept for as long as what it has approved can be proven wrong.
		assert_eq!(locks(), Some((0, 8)));
		live_until("the end of the challenge window", 20, || locks().is_none());
	});
}

#[test]
fn verifiers_are_drawn_from_newer_randomness_than_segments() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		live_a_block();
		pass(2);
		let opened = System::block_number();
		let audits = open_audits();
		assert!(!audits.is_empty());
		assert!(audits.iter().all(|id| audit(*id).parties.is_empty()));
		pass(2);
		for id in audits {
			assert_eq!(audit(id).parties.len(), 4);
			assert!(crate::Audits::<Test>::get(id).unwrap().known_since > opened);
		}
	});
}

#[test]
fn an_audit_waits_for_all_the_verifiers_that_it_wants() {
	in_market(|| {
		leave_verifiers(2);
		let (_, id) = audited();
		live(30);
		assert!(audit(id).parties.is_empty());
		// Nobody is kept meanwhile.
		assert_eq!(Tickets::pool_size(Role::Verifier), 2);
		let third = VERIFIERS.start + 2;
		buy_ticket(third, Role::Verifier);
		live_until("a verdict", 15, || Pouw::audit_status(id).is_none());
		assert!(Rewards::reputation(third).audits_done > 0);
	});
}

#[test]
fn who_was_drawn_and_does_not_answer_takes_nobodys_share() {
	in_market(|| {
		VERIFIERS.for_each(|verifier| set_conduct(verifier, Conduct::Absent));
		let (task, id) = audited();
		live_until("an attempt to fail", 40, || {
			crate::Audits::<Test>::get(id).is_some_and(|audit| audit.attempts == 1)
		});
		assert_eq!(crate::TaskAudit::<Test>::get(task).verifiers, 0);
		VERIFIERS.for_each(|verifier| set_conduct(verifier, Conduct::Honest));
		live_until("a verdict", 30, || {
			crate::TaskAudit::<Test>::get(task).verifiers > 0
		});
	});
}

#[test]
fn a_task_with_all_the_verifiers_that_it_pays_is_audited_all_the_same() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		crate::TaskAudit::<Test>::mutate(task, |audits| audits.verifiers = MAX_TASK_VERIFIERS);
		live_until("verifiers", 40, || {
			Pouw::audit_status(0).is_some_and(|audit| audit.parties.len() == 4)
		});
		let summary = live_to_end(task);
		assert!(summary.segments.accepted > 0);
		assert_eq!(summary.segments.accepted, summary.segments.audited);
		assert_eq!(summary.paid.verifiers, 0);
		assert!(
			VERIFIERS
				.map(|who| Rewards::reputation(who).audits_done)
				.sum::<u32>()
				> 0
		);
	});
}

#[test]
fn a_ticket_answers_so_many_audits_at_a_time_and_others_wait() {
	in_market_with(3, || {
		AuditRate::set(Permill::one());
		let mut spec = small_spec();
		spec.training.steps_per_round = 200;
		spec.training.rounds = 1;
		let task = submit(CLIENT, spec);
		live_until("training", 30, || phase(task) == Phase::Training(0));
		live_a_block();
		pass(4);
		let seeking = || {
			crate::Audits::<Test>::iter_values()
				.filter(|audit| matches!(audit.stage, AuditStage::Seeking { .. }))
				.count()
		};
		let most = MAX_OPEN_AUDITS as usize;
		assert_eq!((open_audits().len(), seeking()), (40, 40 - most));
		assert_eq!(Pouw::audits_of(VERIFIERS.start).len(), most);
		let summary = live_to_end(task);
		assert_eq!(summary.segments.audited, 40);
		assert_eq!(summary.segments.accepted, 40);
	});
}

#[test]
fn an_audit_that_could_not_be_served_for_long_is_still_tried() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		live_a_block();
		pass(2);
		let id = open_audits()[0];
		let until = audit(id).deadline;
		while System::block_number() <= until {
			System::set_block_number(System::block_number() + 1);
			poll(Weight::zero());
		}
		pass(1);
		assert_eq!(audit(id).parties.len(), 4);
	});
}
