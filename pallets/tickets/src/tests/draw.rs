//! Drawing.

use crate::{mock::*, Event, Place, MAX_LOOKS, VERIFIERS_OF_A_TASK};
use polkadot_sdk::{frame_support::assert_ok, sp_core::H256};
use pouw_primitives::{
	seams::TicketPool,
	ticket::{feature::GPU, Capabilities, Role},
	TicketId,
};

fn find(role: Role, excluded: &[AccountId], seed: u64) -> Option<TicketId> {
	let randomness = H256::from_low_u64_be(seed);
	Tickets::find(role, 0, &Capabilities::default(), excluded, &randomness).map(|(id, _)| id)
}

/// The statistic of Pearson's test that all of these were drawn equally often.
fn chi_square(counts: &[u32]) -> f64 {
	let mean = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
	counts
		.iter()
		.map(|count| (f64::from(*count) - mean).powi(2) / mean)
		.sum()
}

#[test]
fn a_drawn_ticket_is_locked_to_its_task() {
	with_purses(|| {
		pool_of(Role::Trainer, 3);
		let drawn = draw(Role::Trainer, 5, &[], 0).unwrap();
		assert_eq!(
			place(drawn.ticket),
			Place::Locked {
				task: 5,
				retiring: false,
				fined: false,
			}
		);
		assert_eq!(ticket(drawn.ticket).owner, drawn.account);
		assert_eq!(Tickets::pool_size(Role::Trainer), 2);
		System::assert_last_event(
			Event::TicketDrawn {
				ticket: drawn.ticket,
				owner: drawn.account,
				role: Role::Trainer,
				task: 5,
			}
			.into(),
		);
	});
}

#[test]
fn a_task_leaves_verifiers_to_others() {
	with_purses(|| {
		pool_of(Role::Verifier, 2 * u64::from(VERIFIERS_OF_A_TASK));
		let mut excluded = Vec::new();
		while let Some(found) = draw(Role::Verifier, 0, &excluded, 0) {
			excluded.push(found.account);
		}
		assert_eq!(excluded.len(), VERIFIERS_OF_A_TASK as usize);
		// Those that it holds it may draw again, and others have the same chance.
		let again = draw(Role::Verifier, 0, &[], 1).unwrap();
		assert!(excluded.contains(&again.account));
		assert!(draw(Role::Verifier, 1, &excluded, 0).is_some());
	});
}

#[test]
fn it_is_a_function_of_the_pool_and_the_randomness() {
	with_purses(|| {
		pool_of(Role::Trainer, 30);
		let first: Vec<_> = (0..50).map(|seed| find(Role::Trainer, &[], seed)).collect();
		let second: Vec<_> = (0..50).map(|seed| find(Role::Trainer, &[], seed)).collect();
		assert_eq!(first, second);
		assert!(first.iter().any(|found| *found != first[0]));
	});
}

#[test]
fn in_a_small_pool_the_only_one_that_qualifies_is_found() {
	with_purses(|| {
		let able = Capabilities {
			features: GPU | 1,
			..machine()
		};
		let needs = Capabilities {
			features: GPU,
			..Default::default()
		};
		for account in 1..=30 {
			buy(account, Role::Trainer);
		}
		let id = buy_able(31, Role::Trainer, able);
		for account in 1..=30 {
			buy(account, Role::Trainer);
		}
		pass(20);
		assert!(Tickets::pool_size(Role::Trainer) <= MAX_LOOKS);
		for seed in 0..50 {
			let randomness = H256::from_low_u64_be(seed);
			let found = Tickets::find(Role::Trainer, 0, &needs, &[], &randomness);
			assert_eq!(found.map(|(id, _)| id), Some(id));
		}
	});
}

#[test]
fn every_need_counts() {
	with_purses(|| {
		pool_of(Role::Trainer, 1);
		let has = machine();
		let draw_for = |needs| Tickets::draw(Role::Trainer, 0, &needs, &[], &H256::zero());
		let lacking = [
			Capabilities {
				features: has.features | GPU,
				..has
			},
			Capabilities {
				parameters: has.parameters + 1,
				..has
			},
			Capabilities {
				data_bytes: has.data_bytes + 1,
				..has
			},
		];
		for needs in lacking {
			assert_eq!(draw_for(needs), None);
		}
		assert!(draw_for(has).is_some());
	});
}

#[test]
fn excluded_accounts_are_not_drawn() {
	with_purses(|| {
		pool_of(Role::Trainer, 5);
		for seed in 0..50 {
			assert_eq!(find(Role::Trainer, &[1, 2, 4, 5], seed), Some(2));
		}
		assert_eq!(draw(Role::Trainer, 0, &[1, 2, 3, 4, 5], 0), None);
	});
}

#[test]
fn a_small_pool_is_drawn_from_uniformly() {
	with_purses(|| {
		// Ten qualify among twenty, in an uneven pattern.
		let excluded: Vec<AccountId> = vec![1, 2, 3, 4, 5, 7, 8, 11, 16, 20];
		pool_of(Role::Trainer, 20);
		let mut counts = [0u32; 20];
		for seed in 0..5_000 {
			counts[find(Role::Trainer, &excluded, seed).unwrap() as usize] += 1;
		}
		let qualified: Vec<u32> = counts.into_iter().filter(|count| *count > 0).collect();
		assert_eq!(qualified.len(), 10);
		// The seeds are fixed, so this is no matter of luck. 27.9 is the 99.9th percentile for nine
		// degrees of freedom.
		assert!(chi_square(&qualified) < 27.9, "{qualified:?}");
	});
}

#[test]
fn a_large_pool_is_drawn_from_uniformly() {
	with_purses(|| {
		for _ in 0..3 {
			for account in 1..=40 {
				buy(account, Role::Trainer);
			}
		}
		pass(20);
		assert_eq!(Tickets::pool_size(Role::Trainer), 120);
		// The tickets of the first twenty accounts do not qualify: runs of unqualified ones, which must
		// not favour those behind them.
		let excluded: Vec<AccountId> = (1..=20).collect();
		let mut counts = [0u32; 120];
		for seed in 0..12_000 {
			counts[find(Role::Trainer, &excluded, seed).unwrap() as usize] += 1;
		}
		let qualified: Vec<u32> = counts.into_iter().filter(|count| *count > 0).collect();
		assert_eq!(qualified.len(), 60);
		// The 99.9th percentile for 59 degrees of freedom.
		assert!(chi_square(&qualified) < 98.4, "{qualified:?}");
	});
}

#[test]
fn draws_that_differ_in_exclusions_only_are_independent() {
	with_purses(|| {
		pool_of(Role::Verifier, 5);
		// Pairs as an audit draws them: the second with the first excluded, from the same randomness.
		let mut counts = [0u32; 20];
		for seed in 0..4_000 {
			let first = find(Role::Verifier, &[], seed).unwrap();
			let second = find(Role::Verifier, &[first + 1], seed).unwrap();
			assert_ne!(first, second);
			let place = if second > first { second - 1 } else { second };
			counts[(first * 4 + place) as usize] += 1;
		}
		// The 99.9th percentile for nineteen degrees of freedom.
		assert!(chi_square(&counts) < 43.8, "{counts:?}");
	});
}

#[test]
fn two_tasks_never_hold_one_ticket() {
	with_purses(|| {
		pool_of(Role::Verifier, 4);
		let held: Vec<_> = (0..4)
			.map(|task| draw(Role::Verifier, task, &[], 7).unwrap())
			.collect();
		for (place, one) in held.iter().enumerate() {
			assert!(!held[place + 1..]
				.iter()
				.any(|other| other.ticket == one.ticket));
		}
		assert_eq!(draw(Role::Verifier, 4, &[], 7), None);
	});
}

#[test]
fn what_the_task_holds_already_can_be_drawn_again() {
	with_purses(|| {
		pool_of(Role::Verifier, 2);
		let first = draw(Role::Verifier, 0, &[], 0).unwrap();
		let second = draw(Role::Verifier, 0, &[first.account], 0).unwrap();
		assert_ne!(first.ticket, second.ticket);
		// The pool is empty, and both are held.
		let again: Vec<_> = (1..40)
			.map(|seed| draw(Role::Verifier, 0, &[], seed).unwrap().ticket)
			.collect();
		assert!(again.contains(&first.ticket) && again.contains(&second.ticket));
	});
}

#[test]
fn a_task_that_holds_all_it_may_draws_among_those() {
	with_purses(|| {
		pool_of(Role::Verifier, 20);
		let mut excluded = vec![];
		for seed in 0..8 {
			excluded.push(draw(Role::Verifier, 0, &excluded, seed).unwrap().account);
		}
		assert_eq!(draw(Role::Verifier, 0, &excluded, 9), None);
		for seed in 10..30 {
			let drawn = draw(Role::Verifier, 0, &[], seed).unwrap();
			assert!(excluded.contains(&drawn.account));
		}
		assert_eq!(Tickets::pool_size(Role::Verifier), 12);
	});
}

#[test]
fn stake_weighs_by_the_number_of_tickets() {
	with_purses(|| {
		for _ in 0..9 {
			buy(1, Role::Trainer);
		}
		buy(2, Role::Trainer);
		pass(10);
		let of_two = (0..2_000)
			.filter(|seed| find(Role::Trainer, &[], *seed) == Some(9))
			.count();
		assert!((140..260).contains(&of_two), "{of_two}");
	});
}

#[test]
fn an_empty_pool_gives_nothing() {
	with_purses(|| {
		assert_eq!(draw(Role::Trainer, 0, &[], 0), None);
		let id = buy(1, Role::Trainer);
		assert_eq!(draw(Role::Trainer, 0, &[], 0), None);
		assert_ok!(Tickets::retire_ticket(RuntimeOrigin::signed(1), id));
		pass(20);
		assert_eq!(draw(Role::Trainer, 0, &[], 0), None);
	});
}
