//! Audits: drawn, answered, accepted, rejected, without a verdict.

use crate::{mock::*, Error, Event, WeightInfo, MAX_ATTEMPTS};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::H256,
	sp_runtime::Permill,
};
use pouw_primitives::{
	proof::audit_commitment,
	seams::{Proofs, TicketPool},
	status::{AuditStatus, DutyKind, Phase},
	ticket::Role,
	AuditId, TaskId, POUW,
};

pub(super) fn open_audits() -> Vec<AuditId> {
	let mut audits: Vec<_> = crate::Audits::<Test>::iter_keys().collect();
	audits.sort();
	audits
}

pub(super) fn audit(id: AuditId) -> AuditStatus<AccountId> {
	Pouw::audit_status(id).unwrap()
}

/// A task with audits of its first round that nobody has answered.
pub(super) fn audited() -> (TaskId, AuditId) {
	let task = submit(CLIENT, small_spec());
	live_until("training", 30, || phase(task) == Phase::Training(0));
	live_a_block();
	assert_eq!(phase(task), Phase::Training(1));
	pass(4);
	(task, open_audits()[0])
}

/// All parties of an audit commit to the right answer and reveal it.
fn answer_rightly(id: AuditId) {
	let status = audit(id);
	let answer = right_answer(&status);
	for party in &status.parties {
		let commitment = audit_commitment(&party.account, id, &answer);
		let origin = RuntimeOrigin::signed(party.account);
		assert_ok!(Pouw::commit_audit(origin, id, commitment));
	}
	for party in &status.parties {
		let origin = RuntimeOrigin::signed(party.account);
		assert_ok!(Pouw::reveal_audit(origin, id, answer));
	}
}

fn has_missed(account: AccountId) -> bool {
	events().iter().any(|event| {
		matches!(
			event,
			RuntimeEvent::Tickets(pallet_tickets::Event::DutyMissed { owner, .. }) if *owner == account
		)
	})
}

pub(super) fn count(matches: impl Fn(&Event<Test>) -> bool) -> usize {
	events()
		.iter()
		.filter(|event| matches!(event, RuntimeEvent::Pouw(event) if matches(event)))
		.count()
}

#[test]
fn at_least_one_segment_of_each_commitment_is_audited() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		AuditRate::set(Permill::from_parts(1));
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		// Two trainers, three rounds.
		assert_eq!(summary.segments.audited, 6);
		assert_eq!(summary.segments.accepted, 6);
	});
}

#[test]
fn at_a_rate_of_one_every_segment_is_audited() {
	in_market(|| {
		AuditRate::set(Permill::one());
		let task = submit(CLIENT, small_spec());
		assert_eq!(live_to_end(task).segments.audited, 24);
	});
}

#[test]
fn audits_are_drawn_at_the_rate() {
	let mut audited = 0u32;
	for seed in 0..1_000u32 {
		let randomness = H256::from_low_u64_be(u64::from(seed));
		let rate = Permill::from_rational(1u32, 16);
		audited += (0..16)
			.filter(|segment| crate::is_audited(&randomness, *segment, 16, rate))
			.count() as u32;
	}
	// 1 + 15/16 on average.
	assert!((1_838..=2_038).contains(&audited), "{audited}");
}

#[test]
fn the_draw_comes_after_the_commitment_is_available() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let trainer = workers(task, Role::Trainer)[0];
		assert_ok!(commit_round(trainer, task, 0, 0, true));
		pass(5);
		assert!(open_audits().is_empty());
		for supervisor in workers(task, Role::Supervisor) {
			assert_ok!(attest(supervisor, task, 0, &[0]));
		}
		pass(1);
		assert!(open_audits().is_empty());
		RandomnessWorks::set(false);
		pass(3);
		assert!(open_audits().is_empty());
		RandomnessWorks::set(true);
		pass(1);
		assert!(!open_audits().is_empty());
	});
}

#[test]
fn answers_are_committed_first_and_revealed_then() {
	in_market(|| {
		let (_, id) = audited();
		let status = audit(id);
		let parties: Vec<_> = status.parties.iter().map(|party| party.account).collect();
		let answer = right_answer(&status);
		let commit = |who| {
			let commitment = audit_commitment(&who, id, &answer);
			Pouw::commit_audit(RuntimeOrigin::signed(who), id, commitment)
		};
		let reveal = |who, answer| Pouw::reveal_audit(RuntimeOrigin::signed(who), id, answer);

		assert_noop!(commit(STRANGER), Error::<Test>::NotItsWorker);
		assert_noop!(
			Pouw::commit_audit(RuntimeOrigin::signed(parties[0]), id + 99, H256::zero()),
			Error::<Test>::NoSuchAudit
		);
		assert!(MlTasks::open_duties(parties[1])
			.iter()
			.any(|duty| duty.kind == DutyKind::CommitAudit { audit: id }));
		assert_ok!(commit(parties[1]));
		assert_noop!(commit(parties[1]), Error::<Test>::AlreadyDone);
		// Nobody reveals before the others have committed.
		assert!(reveal(parties[1], answer).is_err());
		for party in [parties[0], parties[2], parties[3]] {
			assert_ok!(commit(party));
		}
		assert!(audit(id).revealing);
		assert_noop!(commit(parties[1]), Error::<Test>::WrongPhase);

		let mut other = answer;
		other.in_trace = false;
		assert!(reveal(parties[1], other).is_err());
		assert!(reveal(STRANGER, answer).is_err());
		for party in [parties[1], parties[2], parties[0]] {
			assert_ok!(reveal(party, answer));
		}
		assert!(reveal(parties[1], answer).is_err());
		pass(1);
		assert!(Pouw::audit_status(id).is_some());
		// After the last one the chain ends it; who was last pays for its own answer only.
		assert_ok!(reveal(parties[3], answer));
		assert!(Pouw::audit_status(id).is_some());
		pass(1);
		assert!(Pouw::audit_status(id).is_none());
		assert_eq!(
			count(|event| matches!(event, Event::AuditAccepted { .. })),
			1
		);
	});
}

#[test]
fn to_reveal_costs_less_than_the_end_of_an_audit() {
	type Weights = <Test as crate::Config>::WeightInfo;
	let (reveal, end) = (Weights::reveal_audit(), Weights::end_audit());
	assert!(reveal.ref_time() * 10 < end.ref_time());
}

#[test]
fn late_answers_do_not_count() {
	in_market(|| {
		let (_, id) = audited();
		let verifier = audit(id).parties[1].account;
		let deadline = audit(id).deadline;
		while System::block_number() <= deadline {
			pass(1);
		}
		assert_noop!(
			Pouw::commit_audit(RuntimeOrigin::signed(verifier), id, H256::zero()),
			Error::<Test>::WrongPhase
		);
	});
}

#[test]
fn a_faked_segment_costs_ticket_bond_and_pay() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let faker = workers(task, Role::Trainer)[0];
		let stake = Tickets::ticket(ticket_of(faker).unwrap()).unwrap().stake;
		set_conduct(faker, Conduct::Fakes);
		AuditRate::set(Permill::one());
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert!(summary.segments.rejected >= 1);
		assert_eq!(ticket_of(faker), None);
		// Its stake, and the bond it had placed at the rate of a quarter.
		assert_eq!(wealth(faker), PURSE - stake - 160 * POUW);
		assert!(Rewards::reputation(faker).faults >= 1);
		assert_eq!(Rewards::reputation(faker).segments_accepted, 0);
	});
}

#[test]
fn half_of_a_slashed_ticket_goes_to_the_challenger() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let faker = workers(task, Role::Trainer)[0];
		set_conduct(faker, Conduct::Fakes);
		live_until("a refutation", 60, || {
			count(|event| matches!(event, Event::CommitmentRefuted { .. })) > 0
		});
		let refuted = events().into_iter().find_map(|event| match event {
			RuntimeEvent::Pouw(Event::CommitmentRefuted {
				trainer,
				challenger,
				slashed,
				burned,
				..
			}) => Some((trainer, challenger, slashed, burned)),
			_ => None,
		});
		let (trainer, challenger, slashed, burned) = refuted.unwrap();
		assert_eq!(trainer, faker);
		assert_eq!((slashed, burned), (10 * POUW, 5 * POUW));
		// Its bond has returned; it has paid for its ticket.
		assert_eq!(wealth(challenger), PURSE + 5 * POUW);
		live_to_end(task);
	});
}

#[test]
fn to_hide_from_an_audit_does_not_help_who_has_faked() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let faker = workers(task, Role::Trainer)[0];
		set_conduct(faker, Conduct::FakesAndHides);
		let summary = live_to_end(task);
		assert!(summary.segments.rejected >= 1);
		assert_eq!(ticket_of(faker), None);
	});
}

#[test]
fn an_honest_trainer_that_does_not_answer_misses_a_duty_and_keeps_its_stake() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let trainer = workers(task, Role::Trainer)[0];
		set_conduct(trainer, Conduct::DoesNotAnswer);
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.segments.rejected, 0);
		assert_eq!(summary.segments.accepted, summary.segments.audited);
		assert!(wealth(trainer) > PURSE);
	});
}

#[test]
fn one_liar_among_the_verifiers_changes_nothing() {
	in_market_with(3, || {
		let liar = VERIFIERS.start;
		set_conduct(liar, Conduct::Lies);
		let task = submit(CLIENT, small_spec());
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.segments.accepted, summary.segments.audited);
		assert!(Rewards::reputation(liar).faults > 0);
		assert_eq!(Rewards::reputation(liar).audits_done, 0);
		// It is paid nothing, and what it can lose is a fine.
		assert!(wealth(liar) <= PURSE);
	});
}

#[test]
fn silent_verifiers_miss_a_duty() {
	in_market_with(3, || {
		let (silent, secretive) = (VERIFIERS.start, VERIFIERS.start + 1);
		set_conduct(silent, Conduct::Absent);
		let task = submit(CLIENT, small_spec());
		live_until("an accepted audit", 60, || {
			status(task).segments.accepted > 0
		});
		assert!(count(|event| matches!(event, Event::AuditAccepted { .. })) > 0);
		set_conduct(secretive, Conduct::DoesNotReveal);
		live(20);
		assert!(has_missed(silent));
		assert!(has_missed(secretive));
	});
}

#[test]
fn without_agreement_others_are_drawn_and_at_last_it_lapses() {
	in_market(|| {
		for verifier in VERIFIERS {
			let conduct = if verifier % 2 == 0 {
				Conduct::DoesNotReveal
			} else {
				Conduct::Absent
			};
			set_conduct(verifier, conduct);
		}
		let (task, id) = audited();
		let first: Vec<_> = audit(id).parties[1..]
			.iter()
			.map(|party| party.account)
			.collect();
		let randomness = audit(id).randomness;
		live_until("an attempt to fail", 40, || {
			crate::Audits::<Test>::get(id).is_some_and(|audit| audit.attempts == 1)
		});
		live_until("other verifiers", 10, || audit(id).randomness != randomness);
		let second: Vec<_> = audit(id).parties[1..]
			.iter()
			.map(|party| party.account)
			.collect();
		assert_eq!(second.len(), 3);
		assert!(second.iter().all(|account| !first.contains(account)));
		live_until("a lapse", 100, || Pouw::audit_status(id).is_none());
		assert!(count(|event| matches!(event, Event::AuditLapsed { .. })) > 0);
		assert!(
			count(|event| matches!(event, Event::AuditRenewed { audit } if *audit == id))
				== usize::from(MAX_ATTEMPTS) - 1
		);
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(
			(summary.segments.accepted, summary.segments.rejected),
			(0, 0)
		);
		assert_eq!((summary.subsidy, summary.paid.verifiers), (0, 0));
		// What nobody has verified earns nothing.
		assert_eq!(summary.paid.trainers, 0);
	});
}

#[test]
fn without_any_verifier_audits_lapse_and_the_task_settles() {
	externalities().execute_with(|| {
		for (role, accounts) in [
			(Role::Trainer, TRAINERS),
			(Role::Supervisor, SUPERVISORS),
			(Role::Evaluator, EVALUATORS),
		] {
			accounts.for_each(|account| {
				buy_ticket(account, role);
			});
		}
		pass(6);
		let task = submit(CLIENT, small_spec());
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert!(summary.segments.audited >= 6);
		assert_eq!((summary.segments.accepted, summary.subsidy), (0, 0));
	});
}

#[test]
fn figures_that_make_no_sense_do_no_harm() {
	for (verifiers, delay) in [(0, 0), (1_000, 0)] {
		in_market(|| {
			VerifiersPerAudit::set(verifiers);
			AuditDelay::set(delay);
			DrawDelay::set(delay);
			let task = submit(CLIENT, small_spec());
			let summary = live_to_end(task);
			assert_eq!(summary.phase, Phase::Settled);
			assert_eq!(summary.segments.accepted, summary.segments.audited);
		});
	}
	in_market(|| {
		AuditDelay::set(0);
		assert_eq!(Pouw::next_try(5), 7);
		for (figure, counts) in [(0, 1), (u32::MAX, 28_800)] {
			CommitWindow::set(figure);
			RevealWindow::set(figure);
			assert_eq!(
				(Pouw::commit_window(), Pouw::reveal_window()),
				(counts, counts)
			);
		}
	});
}

#[test]
fn a_trainer_that_was_never_asked_to_reveal_has_missed_nothing() {
	in_market(|| {
		let (task, _) = audited();
		let [willing, silent] = workers(task, Role::Trainer)[..] else {
			panic!("two trainers")
		};
		for id in Pouw::audits_of(willing) {
			let commitment = H256::repeat_byte(1);
			assert_ok!(Pouw::commit_audit(
				RuntimeOrigin::signed(willing),
				id,
				commitment
			));
		}
		let ids = open_audits();
		pass(11);
		for id in ids {
			assert_eq!(crate::Audits::<Test>::get(id).unwrap().attempts, 1);
		}
		assert!(has_missed(silent));
		assert!(!has_missed(willing));
	});
}

#[test]
fn a_trainer_that_answers_rightly_has_done_a_duty() {
	in_market(|| {
		let (_, id) = audited();
		let ticket = audit(id).parties[0].ticket;
		let missed = || Tickets::ticket(ticket).unwrap().missed;
		<Tickets as TicketPool<AccountId>>::duty_missed(ticket);
		assert_eq!(missed(), 1);
		answer_rightly(id);
		pass(1);
		assert!(Pouw::audit_status(id).is_none());
		assert_eq!(missed(), 0);
	});
}

#[test]
fn a_lapse_is_remembered_with_the_commitment() {
	in_market(|| {
		VERIFIERS.for_each(|verifier| set_conduct(verifier, Conduct::Absent));
		let (task, id) = audited();
		let slot = audit(id).slot;
		let lapsed = || {
			Pouw::commitments(task, 0)
				.into_iter()
				.find(|standing| standing.commitment.slot == slot)
				.map(|standing| standing.lapsed)
		};
		assert_eq!(lapsed(), Some(false));
		live_until("a lapse", 100, || Pouw::audit_status(id).is_none());
		assert_eq!(lapsed(), Some(true));
		// The round counts as checked all the same.
		live_until("a checked round", 60, || status(task).checked_rounds > 0);
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}
