//! Whatever people do, in whatever order: what is always true stays true, and every task comes to an end.

use crate::mock::*;
use polkadot_sdk::{frame_support::weights::Weight, sp_runtime::Permill};
use pouw_primitives::{demand::Demanded, ticket::Role, TaskId};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Deed {
	/// Everybody does its duties for some blocks.
	Live(u32),
	/// Blocks pass in which nobody does anything.
	Sleep(u32),
	/// A block without weight for the hooks.
	Starve,
	/// A block with little weight for the hooks.
	Hunger,
	/// Somebody changes its manners.
	Change(AccountId, u8),
	/// Some of the duties of somebody, in the order that it likes.
	Work(AccountId),
	/// A task is submitted.
	Submit {
		client: AccountId,
		trainers: u16,
		supervisors: u16,
		evaluators: u16,
		rounds: u32,
	},
	/// The client of a task takes it back.
	Cancel(TaskId),
	/// A ticket is given up.
	Retire(AccountId),
	/// A ticket is bought.
	Buy(AccountId),
	/// A supervisor is to show something, which it can't: there was no arithmetic.
	Demand {
		who: AccountId,
		task: TaskId,
		supervisor: u16,
		what: Demanded,
	},
	/// Blocks have randomness, or not.
	Randomness(bool),
}

fn conduct_of(number: u8) -> Conduct {
	match number {
		0..=3 => Conduct::Honest,
		4 => Conduct::Absent,
		5 => Conduct::LeavesAfterAccepting,
		6 => Conduct::Fakes,
		7 => Conduct::FakesAndHides,
		8 => Conduct::DoesNotAnswer,
		9 => Conduct::Lies,
		10 => Conduct::HoldsNothing,
		11 => Conduct::Accuses,
		_ => Conduct::DoesNotReveal,
	}
}

fn worker() -> impl Strategy<Value = AccountId> {
	prop_oneof![10u64..15, 20u64..25, 30u64..36, 40u64..44, 1u64..3]
}

fn deed() -> impl Strategy<Value = Deed> {
	prop_oneof![
		6 => (1u32..8).prop_map(Deed::Live),
		2 => (1u32..25).prop_map(Deed::Sleep),
		1 => Just(Deed::Starve),
		2 => Just(Deed::Hunger),
		5 => (worker(), 0u8..13).prop_map(|(who, conduct)| Deed::Change(who, conduct)),
		4 => worker().prop_map(Deed::Work),
		2 => (1u64..3, 1u16..4, 1u16..4, 1u16..4, 1u32..5).prop_map(
			|(client, trainers, supervisors, evaluators, rounds)| {
				Deed::Submit { client, trainers, supervisors, evaluators, rounds }
			}
		),
		1 => (0u32..4).prop_map(Deed::Cancel),
		1 => worker().prop_map(Deed::Retire),
		2 => worker().prop_map(Deed::Buy),
		2 => (50u64..53, 0u32..3, 0u16..4, demanded()).prop_map(
			|(who, task, supervisor, what)| Deed::Demand { who, task, supervisor, what }
		),
		1 => any::<bool>().prop_map(Deed::Randomness),
	]
}

fn demanded() -> impl Strategy<Value = Demanded> {
	let checkpoint = (0u32..4, 0u16..3).prop_map(|(round, slot)| Demanded::Checkpoint {
		round,
		slot,
		checkpoint: 1,
		tensor: 0,
		tile: 0,
	});
	prop_oneof![
		checkpoint,
		Just(Demanded::TrainingData { tensor: 0, tile: 0 })
	]
}

fn role_of(account: AccountId) -> Option<Role> {
	match account {
		10..20 => Some(Role::Trainer),
		20..30 => Some(Role::Supervisor),
		30..40 => Some(Role::Verifier),
		40..50 => Some(Role::Evaluator),
		_ => None,
	}
}

fn apply(deed: Deed) {
	match deed {
		Deed::Live(blocks) => (0..blocks).for_each(|_| live_a_block()),
		Deed::Sleep(blocks) => pass(blocks),
		Deed::Starve | Deed::Hunger => {
			System::set_block_number(System::block_number() + 1);
			let limit = match deed {
				Deed::Starve => Weight::zero(),
				_ => MlTasks::least_hook_weight(),
			};
			assert!(poll(limit).all_lte(limit));
		}
		Deed::Change(who, conduct) => set_conduct(who, conduct_of(conduct)),
		Deed::Work(who) => do_duties(who),
		Deed::Submit {
			client,
			trainers,
			supervisors,
			evaluators,
			rounds,
		} => {
			let mut spec = small_spec();
			spec.training.trainers = trainers;
			spec.training.supervisors = supervisors;
			spec.training.evaluators = evaluators;
			spec.training.rounds = rounds;
			submit(client, spec);
		}
		Deed::Cancel(task) => {
			if let Some(status) = MlTasks::task_status(task) {
				let _ = MlTasks::cancel_task(RuntimeOrigin::signed(status.client), task);
			}
		}
		Deed::Retire(who) => {
			if let Some(ticket) = ticket_of(who) {
				let _ = Tickets::retire_ticket(RuntimeOrigin::signed(who), ticket);
			}
		}
		Deed::Buy(who) => {
			if let Some(role) = role_of(who) {
				let _ = Tickets::buy_ticket(
					RuntimeOrigin::signed(who),
					role,
					capabilities(),
					endpoint(),
					u128::MAX,
				);
			}
		}
		Deed::Demand {
			who,
			task,
			supervisor,
			what,
		} => {
			let _ = Pouw::demand_shown(RuntimeOrigin::signed(who), task, supervisor, what);
		}
		Deed::Randomness(works) => RandomnessWorks::set(works),
	}
}

proptest! {
	#[test]
	fn invariants_hold_and_every_task_ends(
		seed in any::<u64>(),
		rate in 1u32..=100,
		tickets in 2u64..6,
		deeds in prop::collection::vec(deed(), 1..60),
	) {
		in_market_with(tickets, || {
			RandomSeed::set(seed);
			AuditRate::set(Permill::from_percent(rate));
			MissedDutyLimit::set(4);
			submit(CLIENT, small_spec());
			for deed in deeds {
				apply(deed);
				check_invariants();
			}
			RandomnessWorks::set(true);
			let mut blocks = 0;
			while pallet_ml_tasks::Tasks::<Test>::iter_keys().next().is_some() {
				live_a_block();
				blocks += 1;
				assert!(blocks < 4_000, "a task does not end");
			}
			check_invariants();
			live(5);
			// Everything is paid, released and cleared.
			assert!(pallet_ml_tasks::Clearing::<Test>::iter_keys().next().is_none());
			assert!(crate::Audits::<Test>::iter_keys().next().is_none());
			assert!(crate::Disputes::<Test>::iter_keys().next().is_none());
			assert!(crate::Demands::<Test>::iter_keys().next().is_none());
			assert!(pallet_tickets::LockedTo::<Test>::iter_keys().next().is_none());
			for (_, summary) in pallet_ml_tasks::Summaries::<Test>::iter() {
				let paid = summary.paid;
				let sum = paid.trainers + paid.verifiers + paid.supervisors + paid.evaluators;
				assert_eq!(sum + summary.refunded + summary.burned, summary.fee);
				assert!(summary.subsidy <= summary.burned);
			}
		});
	}
}
