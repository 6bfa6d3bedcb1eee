//! The end of a task: who is paid what, and what is left of it.

use crate::{mock::*, Event};
use pallet_ml_tasks::HoldReason;
use polkadot_sdk::{frame_support::storage::unhashed, sp_core::H256, sp_io};
use pouw_primitives::{
	status::{Phase, TaskSummary, TicketState},
	ticket::Role,
	Balance, RoundIndex, POUW,
};

fn paid(summary: &TaskSummary<AccountId>) -> Balance {
	let paid = summary.paid;
	paid.trainers + paid.verifiers + paid.supervisors + paid.evaluators
}

/// The keys in storage that are not of the system, which keeps blocks and events.
fn keys() -> usize {
	let system = sp_io::hashing::twox_128(b"System");
	let mut key = Vec::new();
	let mut count = 0;
	while let Some(next) = sp_io::storage::next_key(&key) {
		if !next.starts_with(&system) && unhashed::exists(&next) {
			count += 1;
		}
		key = next;
	}
	count
}

#[test]
fn an_honest_task_settles_and_everybody_is_paid() {
	in_market(|| {
		let issuance = Balances::total_issuance();
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let seed = status(task).seed;
		let [trainers, supervisors, evaluators] =
			[Role::Trainer, Role::Supervisor, Role::Evaluator].map(|role| workers(task, role));
		let summary = live_to_end(task);

		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(
			(summary.client, summary.seed, summary.rounds),
			(CLIENT, seed, 3)
		);
		assert_eq!(summary.accuracy, Some((RIGHT_SCORE, TEST_ROWS)));
		assert_eq!(summary.state_root, Some(H256::repeat_byte(6)));
		assert_eq!(summary.segments.committed, 24);
		assert!(summary.segments.audited >= 6);
		assert_eq!(summary.segments.accepted, summary.segments.audited);
		assert_eq!(summary.segments.rejected, 0);

		assert_eq!(summary.fee, 240 * POUW);
		assert_eq!(
			paid(&summary) + summary.refunded + summary.burned,
			summary.fee
		);
		assert_eq!(summary.refunded, 0);
		assert_eq!(summary.paid.trainers, 168 * POUW);
		assert_eq!(summary.burned, 12 * POUW);
		let accepted = Balance::from(summary.segments.accepted);
		assert_eq!(summary.subsidy, accepted * POUW / 10);
		assert_eq!(
			Balances::total_issuance(),
			issuance - summary.burned + summary.subsidy
		);

		assert_eq!(wealth(CLIENT), PURSE - 240 * POUW);
		let gains = |accounts: &[AccountId]| -> Balance {
			accounts
				.iter()
				.map(|account| wealth(*account) - PURSE)
				.sum()
		};
		assert_eq!(gains(&trainers), summary.paid.trainers + summary.subsidy);
		assert_eq!(gains(&supervisors), summary.paid.supervisors);
		assert_eq!(gains(&evaluators), summary.paid.evaluators);
		assert_eq!(
			gains(&VERIFIERS.collect::<Vec<_>>()),
			summary.paid.verifiers
		);
		for trainer in &trainers {
			assert_eq!(held(HoldReason::TrainerBond, *trainer), 0);
			// Equal work, equal pay.
			assert!(wealth(*trainer) - PURSE >= 84 * POUW);
		}
	});
}

#[test]
fn tickets_are_free_again() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_to_end(task);
		for account in TRAINERS
			.chain(SUPERVISORS)
			.chain(VERIFIERS)
			.chain(EVALUATORS)
		{
			let status = Tickets::ticket(ticket_of(account).unwrap()).unwrap();
			assert_eq!(status.state, TicketState::Pooled);
		}
	});
}

#[test]
fn a_ticket_that_was_given_up_is_returned_at_the_end() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let trainer = workers(task, Role::Trainer)[0];
		let ticket = ticket_of(trainer).unwrap();
		assert!(Tickets::retire_ticket(RuntimeOrigin::signed(trainer), ticket).is_ok());
		assert_eq!(
			Tickets::ticket(ticket).unwrap().state,
			TicketState::Retiring(task),
			"a locked ticket keeps its duties"
		);
		live_to_end(task);
		assert_eq!(ticket_of(trainer), None);
	});
}

#[test]
fn nothing_is_left_but_the_summary_however_many_rounds_there_were() {
	let growth = |rounds: RoundIndex| {
		let mut growth = None;
		in_market(|| {
			// The first task brings what stays in any case: counters, reputations.
			let task = submit(CLIENT, small_spec());
			live_to_end(task);
			live(3);
			let before = keys();
			let mut spec = small_spec();
			spec.training.rounds = rounds;
			spec.training.trainers = 8;
			spec.training.supervisors = 8;
			let task = submit(CLIENT, spec);
			assert_eq!(live_to_end(task).rounds, rounds);
			live(3);
			assert!(pallet_ml_tasks::Clearing::<Test>::iter_keys()
				.next()
				.is_none());
			growth = Some(keys() - before);
		});
		growth.unwrap()
	};
	let one = growth(1);
	// The summary; and a reputation for each worker that had none before.
	assert!(one <= 1 + 8 + 8 + 3 + 10, "{one}");
	assert!(growth(30) <= one + 10);
}

#[test]
fn two_tasks_run_side_by_side() {
	in_market(|| {
		let first = submit(CLIENT, small_spec());
		let second = submit(OTHER_CLIENT, small_spec());
		live_until("both to train", 30, || {
			[first, second]
				.iter()
				.all(|task| matches!(phase(*task), Phase::Training(_)))
		});
		let trainers = workers(first, Role::Trainer);
		assert!(workers(second, Role::Trainer)
			.iter()
			.all(|account| !trainers.contains(account)));
		assert_eq!(live_to_end(first).phase, Phase::Settled);
		assert_eq!(live_to_end(second).phase, Phase::Settled);
	});
}

#[test]
fn the_smallest_market_suffices() {
	in_market_with(1, || {
		let mut spec = small_spec();
		spec.training.trainers = 1;
		spec.training.supervisors = 1;
		spec.training.evaluators = 1;
		VerifiersPerAudit::set(1);
		let task = submit(CLIENT, spec);
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(
			paid(&summary) + summary.refunded + summary.burned,
			summary.fee
		);
	});
}

#[test]
fn the_record_tells_what_was_merged() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		let summary = live_to_end(task);
		let record = (0..3).fold(H256::zero(), |record, round| {
			let sealed = [0, 1].map(|slot| (slot, right_end(task, round, slot)));
			pouw_primitives::proof::record_round(&record, round, &sealed)
		});
		assert_eq!(summary.record, record);
	});
}

/// Else a trainer could commit to anything and see to it that nobody can fetch what it commits to.
#[test]
fn what_could_not_be_checked_is_not_paid_for() {
	in_market(|| {
		for verifier in VERIFIERS {
			set_conduct(verifier, Conduct::Absent);
		}
		let task = submit(CLIENT, small_spec());
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.segments.committed, 0);
		assert_eq!((paid(&summary), summary.refunded), (0, 240 * POUW));
		// Nor is it proven that anybody has cheated.
		for account in TRAINERS {
			assert_eq!(wealth(account), PURSE);
			assert!(ticket_of(account).is_some());
		}
	});
}

#[test]
fn a_lapsed_audit_costs_the_pay_for_its_commitment_alone() {
	in_market(|| {
		let mut spec = small_spec();
		spec.round_deadline = 400;
		let task = submit(CLIENT, spec);
		for verifier in VERIFIERS {
			set_conduct(verifier, Conduct::Absent);
		}
		pass(3);
		let trainers = workers(task, Role::Trainer);
		set_conduct(trainers[1], Conduct::LeavesAfterAccepting);
		let lapsed = || {
			let is_lapse = |event: &RuntimeEvent| {
				matches!(event, RuntimeEvent::Pouw(Event::AuditLapsed { .. }))
			};
			events().iter().filter(|event| is_lapse(event)).count()
		};
		// While the round is open.
		live_until("a lapse", 300, || lapsed() > 0);
		live(20);
		assert_eq!(status(task).segments.committed, 0);
		for account in VERIFIERS.chain(trainers.iter().copied()) {
			set_conduct(account, Conduct::Honest);
		}
		let summary = live_to_end(task);
		// One trainer's four segments of one round.
		assert_eq!(summary.segments.committed, 20);
		assert_eq!(summary.paid.trainers, 168 * POUW * 20 / 24);
		assert_eq!(summary.refunded, 240 * POUW * 4 / 24);
		assert!(wealth(trainers[0]) < wealth(trainers[1]));
	});
}
