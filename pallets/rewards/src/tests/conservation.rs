//! No unit is lost or made, whatever the fee, the split and the work.

use crate::{mock::*, shares::divide, FeeSplit};
use polkadot_sdk::{frame_support::assert_ok, sp_runtime::Permill};
use pouw_primitives::{
	seams::{Rewards as _, Settlement, Shares},
	Balance,
};
use proptest::{collection::vec, prelude::*};

fn shares() -> impl Strategy<Value = Shares<AccountId>> {
	vec(
		(1u64..20, prop_oneof![Just(0u32), 1u32..100, any::<u32>()]),
		0..12,
	)
}

/// Four cuts of a whole make five shares.
fn splits() -> impl Strategy<Value = FeeSplit> {
	vec(0u32..=1_000_000, 4).prop_map(|mut cuts| {
		cuts.sort();
		FeeSplit {
			trainers: Permill::from_parts(cuts[0]),
			verifiers: Permill::from_parts(cuts[1] - cuts[0]),
			supervisors: Permill::from_parts(cuts[2] - cuts[1]),
			evaluators: Permill::from_parts(cuts[3] - cuts[2]),
			burned: Permill::from_parts(1_000_000 - cuts[3]),
		}
	})
}

fn fees() -> impl Strategy<Value = Balance> {
	prop_oneof![
		0u128..100,
		any::<u64>().prop_map(Balance::from),
		any::<u128>()
	]
}

proptest! {
	#[test]
	fn a_split_is_exact(
		split in splits(),
		fee in fees(),
		accuracy_met: bool,
		trainers in shares(),
		verifiers in shares(),
		supervisors in shares(),
		evaluators in shares(),
	) {
		with_accounts(|| {
			assert_ok!(Rewards::set_split(RuntimeOrigin::root(), split));
			let distribution = Rewards::split(&Settlement {
				fee,
				accuracy_met,
				trainers,
				verifiers,
				supervisors,
				evaluators,
			});
			let paid = distribution.paid;
			let by_role = paid.trainers + paid.verifiers + paid.supervisors + paid.evaluators;
			let by_account: Balance =
				distribution.payments.iter().map(|(_, amount)| amount).sum();
			assert_eq!(by_role, by_account);
			assert_eq!(by_role + distribution.refunded + distribution.burned, fee);
			assert!(distribution.payments.iter().all(|(_, amount)| *amount > 0));
			// Rounding never burns more than the share says.
			assert_eq!(distribution.burned, split.burned.mul_floor(fee));
		});
	}

	#[test]
	fn parts_are_in_proportion(amount in fees(), shares in shares()) {
		let whole: u128 = shares.iter().map(|(_, share)| u128::from(*share)).sum();
		match divide(amount, &shares) {
			None => prop_assert_eq!(whole, 0),
			Some(parts) => {
				prop_assert_eq!(parts.iter().map(|(_, part)| part).sum::<u128>(), amount);
				let payees = parts.len() as u128;
				for (account, part) in parts {
					let share: u128 = shares
						.iter()
						.filter(|(other, _)| *other == account)
						.map(|(_, share)| u128::from(*share))
						.sum();
					prop_assert!(share > 0);
					// Within a unit of the exact part, but for the last one's remainder.
					if let (Some(exact), true) = (amount.checked_mul(share), whole > 0) {
						prop_assert!(part.abs_diff(exact / whole) <= payees);
					}
				}
			},
		}
	}
}
