//! Demands: supervisors show what they have attested, or lose their tickets, and nobody else loses anything.

use super::{
	arithmetic::{self, commit, round, Own, TASK},
	audits::audited,
};
use crate::{mock::*, Error, Event, HoldReason, MAX_DEMANDS};
use pallet_ml_tasks::Removal;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::{DispatchError, TokenError},
};
use pouw_primitives::{
	demand::Demanded,
	status::{DutyKind, Phase, TicketState},
	ticket::Role,
	DemandId, RoundIndex, Slot, TaskId, POUW,
};
use repops::{shown::ProvenTile, tensor::Tensor};

const BOND: u128 = 10 * POUW;
const TICKET: u128 = 10 * POUW;

/// A tile of the second checkpoint of the first trainer's round.
const WHAT: Demanded = of(0, 0, 1);
const DATA: Demanded = Demanded::TrainingData { tensor: 0, tile: 0 };

const fn of(round: RoundIndex, slot: Slot, checkpoint: u32) -> Demanded {
	Demanded::Checkpoint {
		round,
		slot,
		checkpoint,
		tensor: 0,
		tile: 0,
	}
}

fn demand(
	who: AccountId,
	task: TaskId,
	slot: Slot,
	what: Demanded,
) -> Result<DemandId, DispatchError> {
	let id = crate::NextDemand::<Test>::get();
	Pouw::demand_shown(RuntimeOrigin::signed(who), task, slot, what).map(|()| id)
}

fn show(who: AccountId, id: DemandId, shown: ProvenTile) -> Result<(), DispatchError> {
	Pouw::show(RuntimeOrigin::signed(who), id, Box::new(shown))
}

fn supervisor(task: TaskId, slot: Slot) -> AccountId {
	let is_it = |worker: &&pouw_primitives::status::Worker<AccountId>| {
		worker.role == Role::Supervisor && worker.slot == slot
	};
	status(task).workers.iter().find(is_it).unwrap().account
}

fn tile(own: &Own, checkpoint: u32, tensor: u32, tile: u32) -> ProvenTile {
	let state: Vec<&Tensor> = own.checkpoints[checkpoint as usize].iter().collect();
	let shown = ProvenTile::new(&state, tensor, tile).unwrap();
	shown.of_checkpoint(&own.roots(), checkpoint).unwrap()
}

fn data_tile(tensor: u32, tile: u32) -> ProvenTile {
	ProvenTile::new(&[&TASK.features, &TASK.labels], tensor, tile).unwrap()
}

/// A task whose first trainer has really computed its first round, which all supervisors have attested.
fn attested() -> (TaskId, Own<'static>) {
	let task = submit(CLIENT, arithmetic::spec());
	pass(3);
	for trainer in workers(task, Role::Trainer) {
		set_conduct(trainer, Conduct::LeavesAfterAccepting);
	}
	VERIFIERS.for_each(|verifier| set_conduct(verifier, Conduct::Absent));
	live_until("training", 30, || phase(task) == Phase::Training(0));
	let own = round(task, 0, 0, &[]).compute(None);
	commit(workers(task, Role::Trainer)[0], task, 0, &own);
	live(2);
	(task, own)
}

/// Lets everybody go on as they should until the task has ended.
fn finish(task: TaskId) {
	TRAINERS.for_each(|trainer| set_conduct(trainer, Conduct::Honest));
	assert_eq!(live_to_end(task).phase, Phase::Settled);
}

fn ended() -> Vec<(DemandId, bool)> {
	let ended = |event| match event {
		RuntimeEvent::Pouw(Event::DemandEnded { demand, shown, .. }) => Some((demand, shown)),
		_ => None,
	};
	events().into_iter().filter_map(ended).collect()
}

fn refuted() -> Vec<DemandId> {
	let refuted = |event| match event {
		RuntimeEvent::Pouw(Event::AttestationRefuted { demand, .. }) => Some(demand),
		_ => None,
	};
	events().into_iter().filter_map(refuted).collect()
}

fn removed(account: AccountId) -> Vec<Removal> {
	let removed = |event| match event {
		RuntimeEvent::MlTasks(pallet_ml_tasks::Event::WorkerRemoved {
			account: of,
			reason,
			..
		}) if of == account => Some(reason),
		_ => None,
	};
	events().into_iter().filter_map(removed).collect()
}

fn has_to_show(who: AccountId, id: DemandId) -> bool {
	MlTasks::open_duties(who)
		.iter()
		.any(|duty| duty.kind == DutyKind::ShowDemanded { demand: id })
}

#[test]
fn who_shows_is_paid_for_it() {
	in_market(|| {
		let (task, own) = attested();
		let supervisor = supervisor(task, 1);
		let (before, issued) = (wealth(supervisor), Balances::total_issuance());
		let id = demand(STRANGER, task, 1, WHAT).unwrap();
		assert_eq!(held(HoldReason::Demand, STRANGER), BOND);
		assert!(has_to_show(supervisor, id) && !has_to_show(STRANGER, id));
		assert_eq!(Pouw::open_demands(Some(task), 10), vec![id]);
		assert!(Pouw::open_demands(Some(task + 1), 10).is_empty());
		check_invariants();

		assert_ok!(show(supervisor, id, tile(&own, 1, 0, 0)));
		assert!(!has_to_show(supervisor, id) && Pouw::demand_status(id).unwrap().shown);
		check_invariants();
		pass(1);
		assert_eq!(ended(), vec![(id, true)]);
		assert_eq!(Pouw::demand_status(id), None);
		assert_eq!(wealth(STRANGER), PURSE - BOND);
		assert_eq!(wealth(supervisor), before + BOND / 2);
		assert_eq!(Balances::total_issuance(), issued - BOND / 2);
		assert!(ticket_of(supervisor).is_some());
		assert!(workers(task, Role::Supervisor).contains(&supervisor));
		finish(task);
	});
}

#[test]
fn whatever_is_demanded_can_be_shown() {
	in_market(|| {
		let (task, own) = attested();
		let numbers = [0, 1, 2, 3, 7, 1_000, u32::MAX];
		for checkpoint in 0..=3 {
			for tensor in numbers {
				let tile_number = tensor.rotate_left(checkpoint);
				let what = Demanded::Checkpoint {
					round: 0,
					slot: 0,
					checkpoint,
					tensor,
					tile: tile_number,
				};
				let id = demand(CLIENT, task, 0, what).unwrap();
				let shown = tile(&own, checkpoint, tensor, tile_number);
				assert_ok!(show(supervisor(task, 0), id, shown));
				// The hook ends it, without waiting for anybody.
				pass(1);
				assert_eq!(Pouw::demand_status(id), None);
			}
		}
		for tensor in numbers {
			let what = Demanded::TrainingData {
				tensor,
				tile: tensor ^ 5,
			};
			let id = demand(CLIENT, task, 0, what).unwrap();
			assert_ok!(show(supervisor(task, 0), id, data_tile(tensor, tensor ^ 5)));
			pass(1);
		}
		assert!(ended().into_iter().all(|(_, shown)| shown) && refuted().is_empty());
		check_invariants();
	});
}

#[test]
fn what_is_not_the_tile_counts_for_nothing() {
	in_market(|| {
		let (task, own) = attested();
		let who = supervisor(task, 0);
		let id = demand(STRANGER, task, 0, WHAT).unwrap();
		let right = tile(&own, 1, 0, 0);
		let changed = |change: &dyn Fn(&mut ProvenTile)| {
			let mut shown = right.clone();
			change(&mut shown);
			shown
		};
		let wrong = [
			tile(&own, 2, 0, 0),
			tile(&own, 1, 1, 0),
			data_tile(0, 0),
			changed(&|shown| shown.bytes[4_095] ^= 1),
			changed(&|shown| shown.tensors += 1),
			changed(&|shown| shown.kind.shape.0.push(1)),
			changed(&|shown| shown.kind.shape.0.clear()),
			changed(&|shown| shown.in_state.siblings[0][0] ^= 1),
			changed(&|shown| shown.in_trace.siblings.clear()),
		];
		for wrong in wrong {
			assert_noop!(show(who, id, wrong), Error::<Test>::NotProven);
		}
		let large = changed(&|shown| shown.in_trace.siblings.resize(200, [0; 32]));
		assert_noop!(show(who, id, large), Error::<Test>::MoveTooLarge);
		let other = supervisor(task, 1);
		for not_asked in [other, STRANGER] {
			let shown = right.clone();
			assert_noop!(show(not_asked, id, shown), Error::<Test>::NotItsWorker);
		}
		assert_noop!(
			show(who, id + 1, right.clone()),
			Error::<Test>::NoSuchDemand
		);
		// The time has gone on all the while; the hook has not come to it in this block.
		let deadline = Pouw::demand_status(id).unwrap().deadline;
		System::set_block_number(deadline + 1);
		assert_noop!(show(who, id, right.clone()), Error::<Test>::TooLate);
		System::set_block_number(deadline);
		assert_ok!(show(who, id, right.clone()));
		assert_noop!(show(who, id, right), Error::<Test>::AlreadyDone);
		pass(1);
		assert_eq!(ended(), vec![(id, true)]);
	});
}

#[test]
fn who_does_not_show_loses_ticket_place_and_pay() {
	in_market(|| {
		let (task, _) = attested();
		let who = supervisor(task, 1);
		let id = demand(STRANGER, task, 1, DATA).unwrap();
		let deadline = Pouw::demand_status(id).unwrap().deadline;
		// It has not to be computed again.
		assert_eq!(deadline, System::block_number() + 5);
		let issued = Balances::total_issuance();
		pass(5);
		assert!(refuted().is_empty());
		pass(1);
		assert_eq!(refuted(), vec![id]);
		assert_eq!(ticket_of(who), None);
		assert_eq!(wealth(STRANGER), PURSE + TICKET / 2);
		assert_eq!(Balances::total_issuance(), issued - TICKET / 2);
		assert_eq!(removed(who), vec![Removal::NotShown]);
		assert_eq!(Rewards::reputation(who).faults, 1);
		assert!(!workers(task, Role::Supervisor).contains(&who));
		check_invariants();
		// Another one takes its place, and it is paid nothing for what it has done.
		live_until("another supervisor", 20, || {
			workers(task, Role::Supervisor).len() == 3
		});
		finish(task);
		assert_eq!(wealth(who), PURSE - TICKET);
	});
}

#[test]
fn only_what_a_supervisor_has_attested_is_demanded_of_it() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		assert_noop!(demand(STRANGER, task, 0, DATA), Error::<Test>::NotAttested);
		let holds_nothing = workers(task, Role::Supervisor)[2];
		set_conduct(holds_nothing, Conduct::HoldsNothing);
		live_until("training", 30, || phase(task) == Phase::Training(0));
		assert_noop!(
			demand(STRANGER, task, 0, WHAT),
			Error::<Test>::NothingCommitted
		);
		live_a_block();
		for (slot, error) in [
			(2, Error::<Test>::NotAttested),
			(3, Error::<Test>::NotAttested),
			(u16::MAX, Error::<Test>::NotAttested),
		] {
			assert_noop!(demand(STRANGER, task, slot, WHAT), error);
		}
		for what in [of(0, 2, 1), of(0, u16::MAX, 1), of(7, 0, 1)] {
			assert_noop!(
				demand(STRANGER, task, 0, what),
				Error::<Test>::NothingCommitted
			);
		}
		assert_ok!(demand(STRANGER, task, 0, of(0, 0, 4)));
		assert_noop!(
			demand(CLIENT, task, 0, of(0, 0, 5)),
			Error::<Test>::NoSuchPart
		);
		let own = supervisor(task, 1);
		assert_noop!(demand(own, task, 1, WHAT), Error::<Test>::OwnAttestation);
		assert_noop!(
			demand(CLIENT, task + 1, 0, WHAT),
			Error::<Test>::NotAttested
		);
		// It has attested the data, and a supervisor may demand from another one.
		assert_ok!(demand(own, task, 2, DATA));
	});
}

#[test]
fn without_a_bond_nothing_is_demanded() {
	in_market(|| {
		let (task, _) = audited();
		ChallengeBond::set(PURSE + 1);
		assert_noop!(
			demand(STRANGER, task, 0, WHAT),
			DispatchError::Token(TokenError::FundsUnavailable)
		);
		live_to_end(task);
	});
}

#[test]
fn no_more_is_demanded_than_can_be_shown_in_time() {
	in_market(|| {
		let (task, own) = attested();
		// Four steps of a million multiply-adds: two blocks for a segment.
		ReferenceSpeed::set(2_000_000);
		let who = supervisor(task, 0);
		let open: Vec<DemandId> = (0..u64::from(MAX_DEMANDS))
			.map(|nth| demand(50 + nth, task, 0, WHAT).unwrap())
			.collect();
		for (nth, id) in (1..).zip(&open) {
			let deadline = Pouw::demand_status(*id).unwrap().deadline;
			assert_eq!(deadline, System::block_number() + 5 + 2 * nth);
		}
		assert_noop!(
			demand(STRANGER, task, 0, WHAT),
			Error::<Test>::TooManyDemands
		);
		assert_noop!(demand(50, task, 0, DATA), Error::<Test>::AlreadyDone);
		// Another supervisor has not to wait for it.
		assert_ok!(demand(50, task, 1, WHAT));
		for id in &open {
			assert_ok!(show(who, *id, tile(&own, 1, 0, 0)));
			check_invariants();
		}
		pass(1);
		assert_eq!(ended().len(), open.len());
		assert_ok!(demand(STRANGER, task, 0, WHAT));
	});
}

#[test]
fn the_first_who_is_not_shown_anything_wins_and_the_others_lose_nothing() {
	in_market(|| {
		let (task, own) = attested();
		let who = supervisor(task, 0);
		let before = wealth(who);
		let first = demand(50, task, 0, WHAT).unwrap();
		pass(2);
		let second = demand(51, task, 0, DATA).unwrap();
		let third = demand(52, task, 0, WHAT).unwrap();
		pass(4);
		// It holds this, which does not help it with the other one.
		assert_ok!(show(who, third, tile(&own, 1, 0, 0)));
		pass(1);
		assert_eq!(refuted(), vec![first]);
		let mut others = ended();
		others.sort_unstable();
		assert_eq!(others, vec![(second, false), (third, true)]);
		assert_eq!(wealth(50), PURSE + TICKET / 2);
		assert_eq!(wealth(51), PURSE);
		assert_eq!(wealth(52), PURSE - BOND);
		assert_eq!(wealth(who), before - TICKET + BOND / 2);
		check_invariants();
		pass(10);
		assert_eq!(refuted().len(), 1);
		finish(task);
	});
}

#[test]
fn a_successor_need_not_show_what_another_has_attested() {
	in_market(|| {
		let (task, own) = attested();
		let who = supervisor(task, 0);
		assert_ok!(demand(STRANGER, task, 0, DATA));
		pass(6);
		assert_eq!(removed(who), vec![Removal::NotShown]);
		let refused = |what| {
			assert_noop!(demand(STRANGER, task, 0, what), Error::<Test>::NotAttested);
		};
		refused(WHAT);
		live_until("another supervisor", 20, || {
			workers(task, Role::Supervisor).len() == 3
		});
		live(3);
		let successor = supervisor(task, 0);
		assert_ne!(successor, who);
		// The place has attested it, this supervisor has not.
		refused(WHAT);
		refused(DATA);
		// What it attests itself it must show.
		let trainer = workers(task, Role::Trainer)[1];
		let other = round(task, 0, 1, &[]).compute(None);
		commit(trainer, task, 0, &other);
		// Before the others, who seal the round by it.
		assert_ok!(attest(successor, task, 0, &[1]));
		live(1);
		refused(WHAT);
		let id = demand(STRANGER, task, 0, of(0, 1, 2)).unwrap();
		assert_ok!(show(successor, id, tile(&other, 2, 0, 0)));
		// Those that are still there have attested both.
		assert_ok!(demand(STRANGER, task, 1, WHAT));
		assert_ok!(show(supervisor(task, 1), id + 1, tile(&own, 1, 0, 0)));
		finish(task);
	});
}

/// A supervisor that is silent in the second round, of which something of the first is demanded, and that loses
/// its place while it has time yet to show it.
fn replaced(show_it: bool) {
	DisputeClock::set(100);
	let mut spec = arithmetic::spec();
	spec.round_deadline = 20;
	let task = submit(CLIENT, spec);
	pass(3);
	let trainers = workers(task, Role::Trainer);
	for trainer in &trainers {
		set_conduct(*trainer, Conduct::LeavesAfterAccepting);
	}
	VERIFIERS.for_each(|verifier| set_conduct(verifier, Conduct::Absent));
	live_until("training", 30, || phase(task) == Phase::Training(0));
	let own = round(task, 0, 0, &[]).compute(None);
	commit(trainers[0], task, 0, &own);
	let other = round(task, 0, 1, &[]).compute(None);
	commit(trainers[1], task, 0, &other);
	live_until("the second round", 10, || phase(task) == Phase::Training(1));

	let (who, ticket) = (supervisor(task, 0), ticket_of(supervisor(task, 0)).unwrap());
	let id = demand(STRANGER, task, 0, WHAT).unwrap();
	set_conduct(who, Conduct::Absent);
	set_conduct(supervisor(task, 1), Conduct::HoldsNothing);
	assert_ok!(commit_round(trainers[0], task, 1, 0, true));
	live_until("its removal", 40, || !removed(who).is_empty());
	assert_eq!(removed(who), vec![Removal::Silent]);
	let state = || Tickets::ticket(ticket).map(|ticket| ticket.state);
	assert_eq!(state(), Some(TicketState::Locked(task)));
	assert!(has_to_show(who, id));
	if show_it {
		assert_ok!(show(who, id, tile(&own, 1, 0, 0)));
		pass(1);
		assert_eq!(ended(), vec![(id, true)]);
		assert!(matches!(state(), Some(TicketState::Pooled)));
	} else {
		live_until("the deadline", 110, || !refuted().is_empty());
		assert_eq!(state(), None);
		assert_eq!(wealth(who), PURSE - TICKET);
		assert_eq!(wealth(STRANGER), PURSE + TICKET / 2);
	}
	check_invariants();
	live_to_end(task);
	if !show_it {
		assert_eq!(wealth(who), PURSE - TICKET);
	}
}

#[test]
fn no_supervisor_escapes_by_losing_its_place() {
	in_market(|| replaced(false));
}

#[test]
fn a_replaced_supervisor_that_shows_has_its_ticket_back() {
	in_market(|| replaced(true));
}

#[test]
fn the_fall_of_the_commitment_changes_nothing() {
	in_market(|| {
		let (task, own) = attested();
		DisputeClock::set(40);
		let shows = demand(50, task, 0, WHAT).unwrap();
		let fails = demand(50, task, 1, WHAT).unwrap();
		let (holds, lies) = (supervisor(task, 0), supervisor(task, 1));
		DisputeClock::set(3);
		// Its trainer does not answer.
		assert_ok!(Pouw::challenge(RuntimeOrigin::signed(STRANGER), task, 0, 0));
		pass(6);
		assert!(!crate::Commitments::<Test>::contains_key((task, 0, 0)));
		check_invariants();
		assert_ok!(show(holds, shows, tile(&own, 1, 0, 0)));
		pass(40);
		assert_eq!((ended(), refuted()), (vec![(shows, true)], vec![fails]));
		assert!(ticket_of(holds).is_some() && ticket_of(lies).is_none());
		finish(task);
	});
}

#[test]
fn nothing_is_demanded_once_all_is_checked_and_the_task_waits_for_what_was() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.rounds = 1;
		let task = submit(CLIENT, spec);
		live_until("the round's end", 40, || phase(task) == Phase::Evaluating);
		let contestable = || {
			crate::Commitments::<Test>::get((task, 0, 0))
				.is_some_and(|committed| committed.is_contestable())
		};
		assert!(contestable());
		DisputeClock::set(200);
		let (first, second) = (supervisor(task, 0), supervisor(task, 1));
		let id = demand(STRANGER, task, 0, WHAT).unwrap();
		assert_ok!(demand(STRANGER, task, 1, DATA));
		let deadline = Pouw::demand_status(id).unwrap().deadline;
		live_until("the end of all audits", 60, || {
			status(task).checked_rounds == 1
		});
		assert!(!contestable());
		assert_noop!(demand(CLIENT, task, 0, WHAT), Error::<Test>::NotDemandable);
		assert_noop!(demand(CLIENT, task, 0, DATA), Error::<Test>::NotAttested);
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert!(System::block_number() > deadline);
		assert_eq!(refuted().len(), 2);
		for lost in [first, second] {
			assert_eq!(wealth(lost), PURSE - TICKET);
		}
		// Nobody can be asked any more.
		assert_noop!(demand(CLIENT, task, 2, DATA), Error::<Test>::NotAttested);
	});
}

#[test]
fn a_supervisor_of_two_tasks_answers_for_each_with_its_own_ticket() {
	in_market_with(3, || {
		for (role, accounts) in [
			(Role::Trainer, TRAINERS),
			(Role::Supervisor, SUPERVISORS),
			(Role::Evaluator, EVALUATORS),
		] {
			for account in accounts.take(3) {
				buy_ticket(account, role);
			}
		}
		pass(6);
		let tasks = [
			submit(CLIENT, small_spec()),
			submit(OTHER_CLIENT, small_spec()),
		];
		live_until("training", 30, || {
			tasks.iter().all(|task| phase(*task) == Phase::Training(0))
		});
		live_a_block();
		let who = supervisor(tasks[0], 0);
		let slot = workers(tasks[1], Role::Supervisor)
			.iter()
			.position(|account| *account == who);
		let slot = slot.unwrap() as Slot;
		for (task, slot) in [(tasks[0], 0), (tasks[1], slot)] {
			assert_ok!(demand(STRANGER, task, slot, WHAT));
		}
		let kept = Pouw::demand_status(1).unwrap().ticket;
		// There was time for the second only.
		crate::Demands::<Test>::mutate(1, |demand| demand.as_mut().unwrap().shown = true);
		pass(7);
		assert_eq!((refuted(), ended()), (vec![0], vec![(1, true)]));
		assert_eq!(
			Tickets::ticket(kept).unwrap().state,
			TicketState::Locked(tasks[1])
		);
		assert_eq!(supervisor(tasks[1], slot), who);
		check_invariants();
	});
}

/// A supervisor in league with others keeps its demands taken, so that nobody else can demand anything.
#[test]
fn to_keep_others_from_demanding_costs_half_of_each_bond() {
	in_market(|| {
		let (task, own) = attested();
		let who = supervisor(task, 0);
		let league: Vec<AccountId> = (50..50 + u64::from(MAX_DEMANDS)).collect();
		let all =
			|league: &[AccountId]| league.iter().map(|account| wealth(*account)).sum::<u128>();
		let before = all(&league) + wealth(who);
		for account in &league {
			let id = demand(*account, task, 0, WHAT).unwrap();
			assert_ok!(show(who, id, tile(&own, 1, 0, 0)));
		}
		assert_noop!(
			demand(STRANGER, task, 0, DATA),
			Error::<Test>::TooManyDemands
		);
		pass(1);
		let lost = before - all(&league) - wealth(who);
		assert_eq!(lost, u128::from(MAX_DEMANDS) * BOND / 2);
		assert_ok!(demand(STRANGER, task, 0, DATA));
	});
}
