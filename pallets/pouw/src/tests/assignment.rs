//! The draw, acceptance, and the supervisors' word on the specification.

use crate::mock::*;
use pallet_ml_tasks::{weights::SubstrateWeight, Error, HoldReason, Removal, WeightInfo};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, weights::Weight},
	sp_runtime::TokenError,
};
use pouw_primitives::{
	spec::hidden_segments,
	status::{DutyKind, FailureReason, Phase, SpecVerdict, TicketState},
	ticket::Role,
	POUW,
};

#[test]
fn the_draw_waits_for_randomness_that_is_newer() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(2);
		assert_eq!(status(task).seed, None);
		pass(1);
		let status = status(task);
		let seed = status.seed.unwrap();
		assert_eq!(status.hidden_segments, hidden_segments(&seed, 20, 4));
		assert_eq!(status.hidden_segments.len(), 4);
		assert_eq!(workers(task, Role::Trainer).len(), 2);
		assert_eq!(workers(task, Role::Supervisor).len(), 3);
		assert_eq!(workers(task, Role::Evaluator).len(), 3);
		assert!(workers(task, Role::Trainer)
			.iter()
			.all(|account| TRAINERS.contains(account)));
		for worker in &status.workers {
			assert!(!worker.accepted);
			let state = Tickets::ticket(worker.ticket).unwrap().state;
			assert_eq!(state, TicketState::Locked(task));
		}
	});
}

#[test]
fn without_randomness_the_draw_is_tried_again() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		RandomnessWorks::set(false);
		pass(10);
		assert_eq!(status(task).seed, None);
		RandomnessWorks::set(true);
		pass(1);
		assert!(status(task).seed.is_some());
	});
}

#[test]
fn other_randomness_draws_others() {
	let draw = |seed: u64| {
		let mut drawn = None;
		in_market(|| {
			RandomSeed::set(seed);
			let task = submit(CLIENT, small_spec());
			pass(3);
			drawn = Some((status(task).seed, workers(task, Role::Trainer)));
		});
		drawn.unwrap()
	};
	assert_eq!(draw(1), draw(1));
	let draws: Vec<_> = (0..8).map(draw).collect();
	assert!(draws.iter().any(|(_, trainers)| *trainers != draws[0].1));
	assert!(draws[1..].iter().all(|(seed, _)| *seed != draws[0].0));
}

#[test]
fn a_trainer_places_its_bond() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let trainer = workers(task, Role::Trainer)[0];
		let ticket = ticket_of(trainer).unwrap();
		let duties = MlTasks::open_duties(trainer);
		assert_eq!(duties.len(), 1);
		assert_eq!(
			duties[0].kind,
			DutyKind::Accept {
				ticket,
				role: Role::Trainer
			}
		);
		assert_ok!(MlTasks::accept_assignment(
			RuntimeOrigin::signed(trainer),
			task,
			ticket
		));
		assert_eq!(held(HoldReason::TrainerBond, trainer), 160 * POUW);
		assert_noop!(
			MlTasks::accept_assignment(RuntimeOrigin::signed(trainer), task, ticket),
			Error::<Test>::AlreadyDone
		);

		let supervisor = workers(task, Role::Supervisor)[0];
		let ticket = ticket_of(supervisor).unwrap();
		assert_ok!(MlTasks::accept_assignment(
			RuntimeOrigin::signed(supervisor),
			task,
			ticket
		));
		assert_eq!(held(HoldReason::TrainerBond, supervisor), 0);
	});
}

#[test]
fn only_the_drawn_can_accept() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let trainers = workers(task, Role::Trainer);
		let ticket = ticket_of(trainers[0]).unwrap();
		let refused = |who, task, ticket| {
			MlTasks::accept_assignment(RuntimeOrigin::signed(who), task, ticket)
		};
		assert_noop!(refused(STRANGER, task, ticket), Error::<Test>::NotDrawn);
		assert_noop!(refused(trainers[1], task, ticket), Error::<Test>::NotDrawn);
		assert_noop!(
			refused(trainers[0], task + 1, ticket),
			Error::<Test>::NoSuchTask
		);
		let undrawn = TRAINERS
			.into_iter()
			.find(|account| !trainers.contains(account))
			.unwrap();
		assert_noop!(
			refused(undrawn, task, ticket_of(undrawn).unwrap()),
			Error::<Test>::NotDrawn
		);
	});
}

#[test]
fn a_trainer_that_cannot_pay_the_bond_does_not_get_the_place() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let trainer = workers(task, Role::Trainer)[0];
		let rest = 159 * POUW;
		assert_ok!(Balances::transfer_keep_alive(
			RuntimeOrigin::signed(trainer),
			STRANGER,
			free(trainer) - rest
		));
		assert_noop!(
			MlTasks::accept_assignment(
				RuntimeOrigin::signed(trainer),
				task,
				ticket_of(trainer).unwrap()
			),
			TokenError::FundsUnavailable
		);
		// It can't dodge by it either: that is silence.
		set_conduct(trainer, Conduct::Absent);
		live_to_end(task);
		assert_eq!(phase(task), Phase::Settled);
	});
}

#[test]
fn silence_is_a_missed_duty_and_the_place_is_drawn_again() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let silent = workers(task, Role::Trainer)[0];
		set_conduct(silent, Conduct::Absent);
		let ticket = ticket_of(silent).unwrap();
		live_until("a removal", 10, || {
			!workers(task, Role::Trainer).contains(&silent)
		});
		let status = Tickets::ticket(ticket).unwrap();
		assert_eq!((status.missed, status.state), (1, TicketState::Pooled));
		assert!(events().iter().any(|event| matches!(
			event,
			RuntimeEvent::MlTasks(pallet_ml_tasks::Event::WorkerRemoved {
				account, reason: Removal::NotAccepted, ..
			}) if *account == silent
		)));
		assert_noop!(
			MlTasks::accept_assignment(RuntimeOrigin::signed(silent), task, ticket),
			Error::<Test>::NotDrawn
		);
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

#[test]
fn without_workers_the_client_gets_everything_back() {
	in_market_with(1, || {
		let task = submit(CLIENT, small_spec());
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Failed(FailureReason::NoWorkers));
		assert_eq!(summary.refunded, 240 * POUW);
		assert_eq!(free(CLIENT), PURSE);
		// Nobody lost anything, and the one who had placed a bond has it again.
		assert_eq!(held(HoldReason::TrainerBond, TRAINERS.start), 0);
		assert_eq!(wealth(TRAINERS.start), PURSE);
	});
}

#[test]
fn tickets_that_come_later_are_drawn_too() {
	in_market_with(2, || {
		let task = submit(CLIENT, small_spec());
		live(6);
		assert_eq!(workers(task, Role::Supervisor).len(), 2);
		buy_ticket(22, Role::Supervisor);
		buy_ticket(42, Role::Evaluator);
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

#[test]
fn the_client_is_not_drawn_for_its_own_task() {
	in_market_with(2, || {
		for account in [20, 21, 22] {
			buy_ticket(account, Role::Trainer);
		}
		pass(6);
		let task = submit(TRAINERS.start, small_spec());
		pass(3);
		let trainers = workers(task, Role::Trainer);
		assert_eq!(trainers.len(), 2);
		assert!(!trainers.contains(&TRAINERS.start));
		// Nobody has two places, whatever tickets it has.
		let mut all: Vec<_> = status(task)
			.workers
			.iter()
			.map(|worker| worker.account)
			.collect();
		let places = all.len();
		all.sort();
		all.dedup();
		assert_eq!(all.len(), places);
	});
}

#[test]
fn training_begins_when_all_have_accepted_and_two_thirds_find_the_data_good() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let supervisors = workers(task, Role::Supervisor);
		set_conduct(supervisors[0], Conduct::LeavesAfterAccepting);
		live_a_block();
		// Two of three suffice, in the block in which the last of them speaks.
		assert_eq!(phase(task), Phase::Training(0));
		assert!(status(task).training_tensor.is_some());
		assert_noop!(
			MlTasks::attest_spec(RuntimeOrigin::signed(supervisors[0]), task, good()),
			Error::<Test>::WrongPhase
		);
	});
}

#[test]
fn a_supervisor_speaks_once_and_only_for_its_task() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let supervisor = workers(task, Role::Supervisor)[0];
		let attest = |who| MlTasks::attest_spec(RuntimeOrigin::signed(who), task, good());
		assert_noop!(attest(supervisor), Error::<Test>::NotItsWorker);
		let ticket = ticket_of(supervisor).unwrap();
		assert_ok!(MlTasks::accept_assignment(
			RuntimeOrigin::signed(supervisor),
			task,
			ticket
		));
		assert_ok!(attest(supervisor));
		assert_noop!(attest(supervisor), Error::<Test>::AlreadyDone);
		assert_noop!(attest(CLIENT), Error::<Test>::NotItsWorker);
		assert_noop!(
			attest(workers(task, Role::Trainer)[0]),
			Error::<Test>::NotItsWorker
		);
	});
}

#[test]
fn a_bad_specification_costs_the_bond() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		for supervisor in workers(task, Role::Supervisor) {
			set_conduct(supervisor, Conduct::Lies);
		}
		let issuance = Balances::total_issuance();
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Failed(FailureReason::BadSpec));
		assert_eq!(summary.refunded, 240 * POUW);
		assert_eq!(wealth(CLIENT), PURSE - 24 * POUW);
		// Those who decide it have nothing of it, nor has anybody else.
		assert_eq!(Balances::total_issuance(), issuance - 24 * POUW);
	});
}

#[test]
fn a_supervisor_that_differs_misses_a_duty() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let supervisors = workers(task, Role::Supervisor);
		let liar = *supervisors.iter().min().unwrap();
		set_conduct(liar, Conduct::Lies);
		live_until("training", 10, || phase(task) == Phase::Training(0));
		assert_eq!(Tickets::ticket(ticket_of(liar).unwrap()).unwrap().missed, 1);
		assert_eq!(Rewards::reputation(liar).faults, 1);
	});
}

#[test]
fn supervisors_must_name_the_same_training_tensor() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		for (index, supervisor) in workers(task, Role::Supervisor).into_iter().enumerate() {
			let origin = RuntimeOrigin::signed(supervisor);
			let ticket = ticket_of(supervisor).unwrap();
			assert_ok!(MlTasks::accept_assignment(origin.clone(), task, ticket));
			let tensor = polkadot_sdk::sp_core::H256::repeat_byte(index as u8);
			let verdict = SpecVerdict::Good {
				training_tensor: Some(tensor),
			};
			assert_ok!(MlTasks::attest_spec(origin, task, verdict));
		}
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Failed(FailureReason::NoWorkers));
		assert_eq!(free(CLIENT), PURSE);
	});
}

#[test]
fn a_supervisor_that_accepts_and_is_silent_is_replaced() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let supervisors = workers(task, Role::Supervisor);
		for supervisor in &supervisors[..2] {
			set_conduct(*supervisor, Conduct::LeavesAfterAccepting);
		}
		live_until("training", 60, || phase(task) == Phase::Training(0));
		let now = workers(task, Role::Supervisor);
		assert!(now.contains(&supervisors[2]));
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}

/// Or a worker could let every duty slip, and be forgiven by the next draw.
#[test]
fn to_accept_does_not_make_up_for_missed_duties() {
	in_market_with(2, || {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let trainer = workers(task, Role::Trainer)[0];
		let ticket = ticket_of(trainer).unwrap();
		// There are too few supervisors, so it is drawn for in each block, and there is nobody else.
		pass(6);
		let missed = || Tickets::ticket(ticket).unwrap().missed;
		assert_eq!(missed(), 1);
		assert!(workers(task, Role::Trainer).contains(&trainer));
		assert_ok!(MlTasks::accept_assignment(
			RuntimeOrigin::signed(trainer),
			task,
			ticket
		));
		assert_eq!(missed(), 1);
	});
}

/// Else the hook would take more of a block than it says.
#[test]
fn a_turn_weighs_the_draws_for_places_that_it_takes_away() {
	in_market_with(1, || {
		submit(CLIENT, small_spec());
		// One place of each role is drawn, and must be accepted in five blocks; five stay empty.
		pass(3);
		pass(4);
		let weigh = || {
			System::set_block_number(System::block_number() + 1);
			poll(Weight::MAX)
		};
		let (empty, overdue) = (weigh(), weigh());
		let draw = SubstrateWeight::<Test>::draw;
		assert!((overdue - empty).all_gte(draw(8) - draw(5)));
	});
}
