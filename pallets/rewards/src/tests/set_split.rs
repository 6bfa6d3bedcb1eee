//! Setting the split.

use crate::{mock::*, Error, Event, FeeSplit, Pallet};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::{DispatchError, Permill},
};

fn halves() -> FeeSplit {
	FeeSplit {
		trainers: Permill::from_percent(50),
		verifiers: Permill::from_percent(20),
		supervisors: Permill::from_percent(10),
		evaluators: Permill::from_percent(10),
		burned: Permill::from_percent(10),
	}
}

#[test]
fn governance_sets_it_and_everyone_sees_it() {
	with_accounts(|| {
		assert_ok!(Rewards::set_split(RuntimeOrigin::root(), halves()));
		assert_eq!(Pallet::<Test>::fee_split(), halves());
		System::assert_last_event(Event::SplitSet { split: halves() }.into());
	});
}

#[test]
fn nobody_else_does() {
	with_accounts(|| {
		assert_noop!(
			Rewards::set_split(RuntimeOrigin::signed(1), halves()),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn it_must_make_one_whole() {
	with_accounts(|| {
		let too_little = FeeSplit {
			burned: Permill::from_parts(99_999),
			..halves()
		};
		let too_much = FeeSplit {
			burned: Permill::from_parts(100_001),
			..halves()
		};
		for split in [too_little, too_much] {
			assert_noop!(
				Rewards::set_split(RuntimeOrigin::root(), split),
				Error::<Test>::NotWhole
			);
		}
	});
}

#[test]
fn the_first_split_makes_one_whole() {
	with_accounts(|| assert!(Pallet::<Test>::fee_split().is_whole()));
}
