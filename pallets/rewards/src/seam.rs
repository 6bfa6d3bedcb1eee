//! Who is paid what, as the market sees it; and what happens when an account ends.

use crate::{
	pallet::{Config, Pallet, Reputations, Split},
	split::split_fee,
};
use polkadot_sdk::{
	frame_support::traits::OnKilledAccount, frame_system, sp_runtime::DispatchError,
};
use pouw_primitives::{
	seams::{Distribution, Rewards, Settlement, Shares, WorkFact},
	Balance, TaskId,
};

impl<T: Config> Rewards<T::AccountId> for Pallet<T> {
	fn split(settlement: &Settlement<T::AccountId>) -> Distribution<T::AccountId> {
		split_fee(&Split::<T>::get(), settlement)
	}

	fn pay_subsidy(
		task: TaskId,
		segments: &Shares<T::AccountId>,
		cap: Balance,
	) -> Result<Balance, DispatchError> {
		Ok(Self::mint_subsidy(task, segments, cap))
	}

	fn note(account: &T::AccountId, fact: WorkFact) {
		// An account that has ended meanwhile has nobody to ask for its reputation.
		if fact == WorkFact::SegmentsAccepted(0)
			|| !frame_system::Pallet::<T>::account_exists(account)
		{
			return;
		}
		Reputations::<T>::mutate(account, |reputation| {
			let (counter, count) = match fact {
				WorkFact::SegmentsAccepted(count) => (&mut reputation.segments_accepted, count),
				WorkFact::AuditDone => (&mut reputation.audits_done, 1),
				WorkFact::DutyDone => (&mut reputation.duties_done, 1),
				WorkFact::Fault => (&mut reputation.faults, 1),
			};
			*counter = counter.saturating_add(count);
		});
	}
}

impl<T: Config> OnKilledAccount<T::AccountId> for Pallet<T> {
	fn on_killed_account(who: &T::AccountId) {
		Reputations::<T>::remove(who);
	}
}
