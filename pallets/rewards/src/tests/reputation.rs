//! Reputation.

use crate::{mock::*, Pallet, Reputation, Reputations};
use polkadot_sdk::frame_support::assert_ok;
use pouw_primitives::seams::{Rewards as _, WorkFact};

#[test]
fn facts_are_counted() {
	with_accounts(|| {
		Rewards::note(&1, WorkFact::SegmentsAccepted(3));
		Rewards::note(&1, WorkFact::SegmentsAccepted(2));
		Rewards::note(&1, WorkFact::AuditDone);
		Rewards::note(&1, WorkFact::DutyDone);
		Rewards::note(&1, WorkFact::DutyDone);
		Rewards::note(&1, WorkFact::Fault);
		assert_eq!(
			Pallet::<Test>::reputation(1),
			Reputation {
				segments_accepted: 5,
				audits_done: 1,
				duties_done: 2,
				faults: 1
			}
		);
		assert_eq!(Pallet::<Test>::reputation(2), Reputation::default());
	});
}

#[test]
fn counters_stop_at_their_maximum() {
	with_accounts(|| {
		Rewards::note(&1, WorkFact::SegmentsAccepted(u32::MAX));
		Rewards::note(&1, WorkFact::SegmentsAccepted(1));
		assert_eq!(Pallet::<Test>::reputation(1).segments_accepted, u32::MAX);
	});
}

#[test]
fn it_ends_with_the_account() {
	with_accounts(|| {
		Rewards::note(&1, WorkFact::Fault);
		assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(1), 2, false));
		assert!(!Reputations::<Test>::contains_key(1));
	});
}

#[test]
fn what_does_not_exist_has_none() {
	with_accounts(|| {
		Rewards::note(&99, WorkFact::Fault);
		Rewards::note(&1, WorkFact::SegmentsAccepted(0));
		assert_eq!(Reputations::<Test>::iter().count(), 0);
	});
}
