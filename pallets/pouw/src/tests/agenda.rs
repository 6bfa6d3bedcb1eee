//! Time: deadlines are served in bounded steps, and nothing is lost where weight is lacking.

use crate::mock::*;
use polkadot_sdk::frame_support::weights::Weight;
use pouw_primitives::{status::Phase, ticket::Role};

#[test]
fn without_weight_nothing_happens_and_nothing_is_lost() {
	in_market(|| {
		let tasks: Vec<_> = (0..3).map(|_| submit(CLIENT, small_spec())).collect();
		for _ in 0..5 {
			System::set_block_number(System::block_number() + 1);
			assert_eq!(poll(Weight::zero()), Weight::zero());
			check_invariants();
		}
		assert!(tasks.iter().all(|task| status(*task).seed.is_none()));
		pass(1);
		assert!(tasks.iter().all(|task| status(*task).seed.is_some()));
	});
}

#[test]
fn what_does_not_fit_into_a_block_is_served_in_the_next() {
	in_market(|| {
		HookWeight::set(MlTasks::least_hook_weight());
		let tasks: Vec<_> = (0..8).map(|_| submit(CLIENT, small_spec())).collect();
		pass(3);
		let seeded = || {
			tasks
				.iter()
				.filter(|task| status(**task).seed.is_some())
				.count()
		};
		let (mut last, mut blocks) = (seeded(), 0);
		assert!(last < 8, "all fitted into one block");
		while seeded() < 8 {
			pass(1);
			check_invariants();
			assert!(seeded() >= last);
			last = seeded();
			blocks += 1;
			assert!(blocks < 10, "the hook does not get on");
		}
	});
}

#[test]
fn a_market_with_little_weight_settles_too() {
	in_market(|| {
		HookWeight::set(MlTasks::least_hook_weight().max(Pouw::least_hook_weight()));
		AuditRate::set(polkadot_sdk::sp_runtime::Permill::one());
		let task = submit(CLIENT, small_spec());
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.segments.audited, 24);
	});
}

#[test]
fn the_hooks_keep_to_their_weight() {
	in_market(|| {
		let limit = MlTasks::least_hook_weight().max(Pouw::least_hook_weight());
		let mut spec = small_spec();
		spec.training.trainers = 6;
		let tasks = [
			submit(CLIENT, spec.clone()),
			submit(OTHER_CLIENT, small_spec()),
		];
		for _ in 0..200 {
			System::set_block_number(System::block_number() + 1);
			let used = poll(limit);
			assert!(used.all_lte(limit), "{used:?} of {limit:?}");
			for account in 1..=ACCOUNTS {
				do_duties(account);
			}
			check_invariants();
		}
		for task in tasks {
			assert_eq!(phase(task), Phase::Settled);
		}
	});
}

#[test]
fn where_a_deadline_is_served_late_it_still_has_passed() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let deadline = status(task).deadline.unwrap();
		while System::block_number() <= deadline {
			System::set_block_number(System::block_number() + 1);
			poll(Weight::zero());
		}
		// The round still stands open, as nobody could close it; but it takes nothing any more.
		assert_eq!(phase(task), Phase::Training(0));
		let trainer = workers(task, Role::Trainer)[0];
		assert_eq!(
			commit_round(trainer, task, 0, 0, true),
			Err(crate::Error::<Test>::RoundNotOpen.into())
		);
		pass(1);
		assert!(matches!(phase(task), Phase::Failed(_)));
	});
}
