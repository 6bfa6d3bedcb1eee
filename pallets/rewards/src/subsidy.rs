//! The work subsidy: new money for accepted segments, from a budget for each era.

use crate::{
	pallet::{Config, CurrentEra, Event, Pallet},
	shares::divide,
	types::Era,
};
use polkadot_sdk::{
	frame_support::traits::{fungible::Mutate, Get},
	sp_runtime::traits::BlockNumberProvider,
};
use pouw_primitives::{seams::Shares, Balance, TaskId};

impl<T: Config> Pallet<T> {
	/// The era of this block, a new one if the last is over.
	pub(crate) fn era() -> Era {
		let now = T::BlockNumberProvider::current_block_number();
		CurrentEra::<T>::get()
			.filter(|era| now.saturating_sub(era.start) < T::EraLength::get().max(1))
			.unwrap_or_else(|| Era {
				start: now,
				budget: T::EraBudget::get(),
				minted: 0,
			})
	}

	/// What can still be minted in an era. A budget that governance has lowered counts at once, one that
	/// it has raised from the next era on.
	pub(crate) fn budget_left(era: &Era) -> Balance {
		era.budget
			.min(T::EraBudget::get())
			.saturating_sub(era.minted)
	}

	/// Mints the subsidy for a task's accepted segments. What can't be minted to an account, because it
	/// does not exist and its part is less than the existential deposit, is not minted at all.
	pub(crate) fn mint_subsidy(
		task: TaskId,
		segments: &Shares<T::AccountId>,
		cap: Balance,
	) -> Balance {
		let count = segments.iter().fold(0u128, |sum, (_, segments)| {
			sum.saturating_add(u128::from(*segments))
		});
		let mut era = Self::era();
		let amount = T::SegmentSubsidy::get()
			.saturating_mul(count)
			.min(cap)
			.min(Self::budget_left(&era));
		let parts = divide(amount, segments).unwrap_or_default();

		let mut minted: Balance = 0;
		for (account, part) in parts.into_iter().filter(|(_, part)| *part > 0) {
			if let Ok(amount) = T::Currency::mint_into(&account, part) {
				minted = minted.saturating_add(amount);
				Self::deposit_event(Event::SubsidyPaid {
					task,
					account,
					amount,
				});
			}
		}
		if minted > 0 {
			era.minted = era.minted.saturating_add(minted);
			CurrentEra::<T>::put(era);
		}
		minted
	}
}
