//! Attack: someone submits tasks, and works, audits, supervises and evaluates under all the names, to be
//! paid the subsidy for work that nobody needed.

use crate::{mock::*, FeeSplit};
use polkadot_sdk::{
	frame_support::{
		assert_ok,
		traits::{
			fungible::Mutate,
			tokens::{Fortitude, Precision, Preservation},
		},
	},
	sp_runtime::Permill,
};
use pouw_primitives::{
	seams::{Rewards as _, Settlement},
	Balance, POUW,
};
use proptest::prelude::*;

/// What account 1 owns after it has paid a fee to itself in all roles and got the subsidy.
fn farm(fee: Balance, segments: u32, accuracy_met: bool) -> Balance {
	let share = vec![(1, segments)];
	let distribution = Rewards::split(&Settlement {
		fee,
		accuracy_met,
		trainers: share.clone(),
		verifiers: share.clone(),
		supervisors: share.clone(),
		evaluators: share.clone(),
	});
	// Everything else of the fee comes back to the same purse.
	assert_ok!(Balances::burn_from(
		&1,
		distribution.burned,
		Preservation::Expendable,
		Precision::Exact,
		Fortitude::Force
	));
	assert_ok!(Rewards::pay_subsidy(0, &share, distribution.burned));
	Balances::free_balance(1)
}

#[test]
fn farming_earns_nothing_however_high_the_rate() {
	with_accounts(|| {
		SegmentSubsidy::set(Balance::MAX);
		EraBudget::set(Balance::MAX);
		assert_eq!(farm(100 * POUW, 1_000_000, true), 1_000 * POUW);
	});
}

#[test]
fn farming_costs_where_the_rate_is_the_limit() {
	with_accounts(|| {
		assert_eq!(farm(100 * POUW, 2, true), 1_000 * POUW - 3 * POUW);
	});
}

proptest! {
	#[test]
	fn farming_never_earns(
		burned in 0u32..=1_000_000,
		fees in proptest::collection::vec(0..10 * POUW, 1..8),
		segments: u32,
		rate: Balance,
		budget: Balance,
		accuracy_met: bool,
	) {
		with_accounts(|| {
			SegmentSubsidy::set(rate);
			EraBudget::set(budget);
			assert_ok!(Rewards::set_split(RuntimeOrigin::root(), FeeSplit {
				trainers: Permill::from_parts(1_000_000 - burned),
				verifiers: Permill::zero(),
				supervisors: Permill::zero(),
				evaluators: Permill::zero(),
				burned: Permill::from_parts(burned),
			}));
			let mut owned = Balances::free_balance(1);
			for fee in fees {
				let after = farm(fee, segments, accuracy_met);
				assert!(after <= owned);
				owned = after;
			}
		});
	}
}
