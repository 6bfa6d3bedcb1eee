//! For each reward: how one would steal it, and why that fails.

use crate::{mock::*, Error, WeightInfo};
use pallet_ml_tasks::HoldReason;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::H256,
	sp_runtime::Permill,
};
use pouw_primitives::{
	proof::audit_commitment,
	seams::{Proofs, TicketPool},
	status::Phase,
	ticket::Role,
	AuditId, Balance, TaskId, POUW,
};

fn first_audit() -> (TaskId, AuditId, Vec<AccountId>) {
	let task = submit(CLIENT, small_spec());
	live_until("training", 30, || phase(task) == Phase::Training(0));
	live_a_block();
	pass(4);
	let id = crate::Audits::<Test>::iter_keys().min().unwrap();
	let parties = Pouw::audit_status(id).unwrap().parties;
	(
		task,
		id,
		parties.iter().map(|party| party.account).collect(),
	)
}

#[test]
fn a_copied_commitment_to_an_answer_cannot_be_revealed() {
	in_market(|| {
		let (_, id, parties) = first_audit();
		let answer = right_answer(&Pouw::audit_status(id).unwrap());
		let [trainer, thief, others @ ..] = &parties[..] else {
			panic!()
		};
		let copied = audit_commitment(&others[0], id, &answer);
		for party in [trainer].into_iter().chain(others) {
			let commitment = audit_commitment(party, id, &answer);
			assert_ok!(Pouw::commit_audit(
				RuntimeOrigin::signed(*party),
				id,
				commitment
			));
		}
		assert_ok!(Pouw::commit_audit(
			RuntimeOrigin::signed(*thief),
			id,
			copied
		));
		assert_ok!(Pouw::reveal_audit(
			RuntimeOrigin::signed(others[0]),
			id,
			answer
		));
		// Now it knows the answer, but has not committed to it.
		let refused = Pouw::reveal_audit(RuntimeOrigin::signed(*thief), id, answer);
		assert_eq!(refused, Err(Error::<Test>::CommitmentMismatch.into()));
	});
}

#[test]
fn an_old_answer_is_of_no_use_for_a_renewed_audit() {
	in_market(|| {
		let (_, id, _) = first_audit();
		let before = Pouw::audit_status(id).unwrap().randomness;
		pass(12);
		let renewed = || Pouw::audit_status(id).unwrap().randomness;
		for _ in 0..5 {
			pass(1);
		}
		assert_ne!(renewed(), before);
	});
}

#[test]
fn who_holds_no_place_commits_and_attests_nothing() {
	in_market(|| {
		let (task, id, parties) = first_audit();
		let outsiders = [CLIENT, OTHER_CLIENT, STRANGER, parties[1]];
		for outsider in outsiders {
			assert_noop!(
				commit_round(outsider, task, 1, 0, true),
				Error::<Test>::NotItsWorker
			);
			assert_noop!(attest(outsider, task, 1, &[0]), Error::<Test>::NotItsWorker);
		}
		for outsider in [CLIENT, OTHER_CLIENT, STRANGER] {
			assert_noop!(
				Pouw::commit_audit(RuntimeOrigin::signed(outsider), id, H256::zero()),
				Error::<Test>::NotItsWorker
			);
		}
	});
}

#[test]
fn one_answer_counts_once() {
	in_market(|| {
		let (task, id, parties) = first_audit();
		let answer = right_answer(&Pouw::audit_status(id).unwrap());
		for party in &parties {
			let commitment = audit_commitment(party, id, &answer);
			assert_ok!(Pouw::commit_audit(
				RuntimeOrigin::signed(*party),
				id,
				commitment
			));
		}
		assert_ok!(Pouw::reveal_audit(
			RuntimeOrigin::signed(parties[1]),
			id,
			answer
		));
		let again = Pouw::reveal_audit(RuntimeOrigin::signed(parties[1]), id, answer);
		assert_eq!(again, Err(Error::<Test>::AlreadyDone.into()));
		live_to_end(task);
	});
}

/// Someone is client, both trainers and all verifiers.
#[test]
fn farming_ones_own_tasks_costs_at_least_what_it_earns() {
	in_market_with(2, || {
		AuditRate::set(Permill::one());
		let ring: Vec<AccountId> = [CLIENT]
			.into_iter()
			.chain(TRAINERS)
			.chain(VERIFIERS)
			.collect();
		let wealth_of_ring = || -> Balance { ring.iter().map(|account| wealth(*account)).sum() };
		buy_ticket(22, Role::Supervisor);
		buy_ticket(42, Role::Evaluator);
		pass(6);
		let before = wealth_of_ring();
		let mut spec = small_spec();
		spec.fee = MlTasks::estimate_fee(spec.clone()).unwrap().floor;
		let task = submit(CLIENT, spec);
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert!(summary.subsidy <= summary.burned);
		assert!(wealth_of_ring() <= before);
	});
}

#[test]
fn driving_the_other_trainer_out_does_not_raise_ones_own_pay() {
	let pay = |other: Conduct| {
		let mut gained = 0;
		in_market(|| {
			let task = submit(CLIENT, small_spec());
			pass(3);
			let trainers = workers(task, Role::Trainer);
			set_conduct(trainers[1], other);
			assert_eq!(live_to_end(task).phase, Phase::Settled);
			gained = wealth(trainers[0]) - PURSE;
			gained -= Balance::from(Rewards::reputation(trainers[0]).segments_accepted) * POUW / 10;
		});
		gained
	};
	let alone = pay(Conduct::LeavesAfterAccepting);
	let together = pay(Conduct::Honest);
	// Pay is rounded down to whole units, and what can't be divided goes to the last one.
	assert!(alone <= together + 10, "{alone} > {together}");
}

#[test]
fn leaving_does_not_save_the_stake() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let faker = workers(task, Role::Trainer)[0];
		let ticket = ticket_of(faker).unwrap();
		set_conduct(faker, Conduct::FakesAndHides);
		live_a_block();
		let stake = Tickets::ticket(ticket).unwrap().stake;
		assert_ok!(Tickets::retire_ticket(RuntimeOrigin::signed(faker), ticket));
		assert!(Tickets::reap_ticket(RuntimeOrigin::signed(faker), ticket).is_err());
		// The last bit keeps the account alive.
		let all = free(faker) - POUW / 100;
		assert_ok!(Balances::transfer_allow_death(
			RuntimeOrigin::signed(faker),
			STRANGER,
			all
		));
		live_to_end(task);
		assert_eq!(ticket_of(faker), None);
		// Neither the stake nor the bond was among what it could take away.
		assert_eq!(
			wealth(STRANGER) + wealth(faker),
			2 * PURSE - stake - 160 * POUW
		);
	});
}

#[test]
fn a_lone_verifier_cannot_take_a_stake() {
	in_market_with(2, || {
		for account in [22, 42] {
			buy_ticket(
				account,
				if account == 22 {
					Role::Supervisor
				} else {
					Role::Evaluator
				},
			);
		}
		let thief = VERIFIERS.start;
		let other = ticket_of(VERIFIERS.start + 1).unwrap();
		assert_ok!(Tickets::retire_ticket(
			RuntimeOrigin::signed(VERIFIERS.start + 1),
			other
		));
		set_conduct(thief, Conduct::Lies);
		pass(6);
		let task = submit(CLIENT, small_spec());
		let summary = live_to_end(task);
		assert_eq!(summary.segments.rejected, 0);
		assert!(wealth(thief) <= PURSE);
		for trainer in TRAINERS.take(2) {
			assert!(ticket_of(trainer).is_some());
		}
	});
}

#[test]
fn a_bond_covers_what_faking_one_segment_brings() {
	for (fee, segments, rate) in [
		(240 * POUW, 24u64, Permill::from_percent(25)),
		(1, 1, Permill::from_parts(62_500)),
		(7, 3, Permill::from_parts(62_500)),
		(1_000_000 * POUW, 1_024 * 16, Permill::from_parts(1)),
	] {
		let bond = pallet_ml_tasks::trainer_bond(fee, segments, rate);
		// rate × what is burned of the bond in any case ≥ 2 × fee ÷ segments
		let (parts, segments) = (Balance::from(rate.deconstruct()), Balance::from(segments));
		let burned = bond - pallet_ml_tasks::SHARED_BOND.mul_floor(bond);
		assert!(parts * burned * segments >= 2 * fee * 1_000_000);
	}
}

#[test]
fn supervisors_gain_less_by_condemning_a_task_than_by_serving_it() {
	let gain = |lie: bool| {
		let mut gained = 0;
		in_market(|| {
			let task = submit(CLIENT, small_spec());
			pass(3);
			let supervisors = workers(task, Role::Supervisor);
			for supervisor in &supervisors {
				set_conduct(
					*supervisor,
					if lie { Conduct::Lies } else { Conduct::Honest },
				);
			}
			live_to_end(task);
			gained = supervisors
				.iter()
				.map(|account| wealth(*account) - PURSE)
				.sum::<Balance>();
		});
		gained
	};
	assert!(gain(true) < gain(false));
}

#[test]
fn empty_attestations_are_not_paid() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let supervisors = workers(task, Role::Supervisor);
		set_conduct(supervisors[0], Conduct::HoldsNothing);
		live_to_end(task);
		let gained = |index: usize| wealth(supervisors[index]) - PURSE;
		// It has checked specification and test part at most, the others six commitments beside.
		assert!(gained(0) * 3 <= gained(1), "{} of {}", gained(0), gained(1));
	});
}

/// Two of three verifiers agree on an answer without having run anything. They are paid for it, and that is all.
#[test]
fn verifiers_in_league_take_nothing_from_the_honest() {
	in_market_with(3, || {
		let [first, second, honest] = [0, 1, 2].map(|at| VERIFIERS.start + at);
		for verifier in [first, second] {
			set_conduct(verifier, Conduct::Lies);
		}
		let task = submit(CLIENT, small_spec());
		live_to_end(task);
		assert!(Rewards::reputation(first).audits_done > 0);
		for account in TRAINERS.chain([honest]) {
			let fined = events().iter().any(|event| {
				matches!(
					event,
					RuntimeEvent::Tickets(
						pallet_tickets::Event::DutyMissed { owner, .. }
							| pallet_tickets::Event::TicketFined { owner, .. }
					) if *owner == account
				)
			});
			assert!(!fined, "{account} has paid for what others say");
		}
	});
}

#[test]
fn to_say_that_one_holds_nothing_does_not_undo_missed_duties() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		assert_ok!(commit_round(
			workers(task, Role::Trainer)[0],
			task,
			0,
			0,
			true
		));
		let supervisor = workers(task, Role::Supervisor)[0];
		let ticket = ticket_of(supervisor).unwrap();
		let missed = || Tickets::ticket(ticket).unwrap().missed;
		<Tickets as TicketPool<AccountId>>::duty_missed(ticket);
		assert_eq!(missed(), 1);
		assert_ok!(attest(supervisor, task, 0, &[]));
		// It has answered, once, and that is all.
		assert_eq!(Pouw::answered(task, 0), 1);
		assert_eq!(missed(), 1);
		assert_noop!(attest(supervisor, task, 0, &[]), Error::<Test>::AlreadyDone);
		assert_ok!(attest(supervisor, task, 0, &[0]));
		assert_eq!(missed(), 0);
	});
}

/// Only who makes a commitment available pays for what may follow from that.
#[test]
fn to_attest_costs_less_where_nothing_follows() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let trainer = workers(task, Role::Trainer)[0];
		assert_ok!(commit_round(trainer, task, 0, 0, true));
		let weight = |place: usize| {
			let supervisor = workers(task, Role::Supervisor)[place];
			let slots = vec![0].try_into().unwrap();
			let done =
				Pouw::attest_available(RuntimeOrigin::signed(supervisor), task, 0, slots).unwrap();
			done.actual_weight
		};
		let whole = <Test as crate::Config>::WeightInfo::attest_available(1);
		assert!(weight(0).unwrap().ref_time() * 5 < whole.ref_time());
		// Two of three make it available.
		assert_eq!(weight(1), None);
	});
}

/// The worker has trained the round; before its transaction is included, the task goes back.
#[test]
fn what_was_trained_before_the_task_went_back_cannot_be_committed_after() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let [honest, faker] = workers(task, Role::Trainer)[..] else {
			panic!("two trainers")
		};
		set_conduct(faker, Conduct::Fakes);
		live_until("the second round", 40, || phase(task) == Phase::Training(1));
		let before = status(task).record;
		set_conduct(faker, Conduct::Absent);
		set_conduct(honest, Conduct::Absent);
		live_until("a rewind", 19, || status(task).record != before);
		// The same round is open for the same trainer, but starts from another state.
		assert_eq!(phase(task), Phase::Training(1));
		assert_noop!(
			commit_round_from(honest, task, 1, 0, true, before),
			Error::<Test>::AnotherBase
		);
		assert_ok!(commit_round_from(
			honest,
			task,
			1,
			0,
			true,
			status(task).record
		));
		set_conduct(honest, Conduct::Honest);
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.segments.rejected, 1);
	});
}

#[test]
fn money_on_hold_cannot_be_spent() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		let all = PURSE - 264 * POUW;
		assert!(
			Balances::transfer_allow_death(RuntimeOrigin::signed(CLIENT), STRANGER, all + 1)
				.is_err()
		);
		assert_eq!(held(HoldReason::Fee, CLIENT), 240 * POUW);
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}
