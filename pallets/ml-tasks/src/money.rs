//! The three ways in which money leaves a hold. None of them can fail halfway: what can't be moved is
//! logged and stays where it can do no harm.

use crate::{
	pallet::{Config, HoldReason, Pallet},
	LOG_TARGET,
};
use polkadot_sdk::frame_support::traits::{
	fungible::MutateHold,
	tokens::{Fortitude, Precision, Restriction},
};
use pouw_primitives::Balance;

impl<T: Config> Pallet<T> {
	/// Pays out of a hold. Returns what has arrived: nothing, if the payee's account has been closed and
	/// the amount is too small to open it again.
	pub(crate) fn pay(
		reason: HoldReason,
		payer: &T::AccountId,
		payee: &T::AccountId,
		amount: Balance,
	) -> Balance {
		if amount == 0 {
			return 0;
		}
		T::Currency::transfer_on_hold(
			&reason.into(),
			payer,
			payee,
			amount,
			Precision::BestEffort,
			Restriction::Free,
			Fortitude::Force,
		)
		.unwrap_or_else(|error| {
			log::warn!(target: LOG_TARGET, "{amount} can't be paid: {error:?}");
			0
		})
	}

	/// Burns out of a hold. Returns what was burned.
	pub(crate) fn burn(reason: HoldReason, who: &T::AccountId, amount: Balance) -> Balance {
		if amount == 0 {
			return 0;
		}
		let burned = T::Currency::burn_held(
			&reason.into(),
			who,
			amount,
			Precision::BestEffort,
			Fortitude::Force,
		);
		burned.unwrap_or_else(|error| {
			log::error!(target: LOG_TARGET, "{amount} can't be burned: {error:?}");
			0
		})
	}

	/// Gives held money back to its owner.
	pub(crate) fn give_back(reason: HoldReason, who: &T::AccountId, amount: Balance) {
		if amount == 0 {
			return;
		}
		if let Err(error) = T::Currency::release(&reason.into(), who, amount, Precision::BestEffort)
		{
			log::error!(target: LOG_TARGET, "{amount} can't be released: {error:?}");
		}
	}
}
