//! Bonds of those who challenge or demand: given back, or lost to the other party.

use crate::{
	disputes::SHARE_OF_WINNER,
	pallet::{Config, HoldReason, Pallet},
};
use polkadot_sdk::frame_support::traits::{
	fungible::MutateHold,
	tokens::{Fortitude, Precision, Restriction},
};
use pouw_primitives::Balance;

impl<T: Config> Pallet<T> {
	/// The bond is free again.
	pub(crate) fn give_bond_back(reason: HoldReason, who: &T::AccountId, bond: Balance) {
		let released = T::Currency::release(&reason.into(), who, bond, Precision::BestEffort);
		if let Err(error) = released {
			log::error!(target: crate::LOG_TARGET, "a bond can't be released: {error:?}");
		}
	}

	/// The winner gets its share of a bond, the rest is burned.
	pub(crate) fn lose_bond(
		reason: HoldReason,
		who: &T::AccountId,
		winner: &T::AccountId,
		bond: Balance,
	) {
		let reason = reason.into();
		// What the winner's account can't take is burned with the rest.
		let paid = T::Currency::transfer_on_hold(
			&reason,
			who,
			winner,
			SHARE_OF_WINNER.mul_floor(bond),
			Precision::BestEffort,
			Restriction::Free,
			Fortitude::Force,
		)
		.unwrap_or_default();
		let rest = bond.saturating_sub(paid);
		let burned =
			T::Currency::burn_held(&reason, who, rest, Precision::BestEffort, Fortitude::Force);
		if let Err(error) = burned {
			log::error!(target: crate::LOG_TARGET, "a bond can't be burned: {error:?}");
		}
	}
}
