//! What a ticket costs: each window the price of each role takes a bounded step, up if there were more
//! tickets than wanted, down if there were fewer.

use crate::{
	pallet::{Config, Event, Pallet, Prices, Supplies, WindowStart},
	types::Supply,
	weights::WeightInfo,
};
use polkadot_sdk::{
	frame_support::{traits::Get, weights::WeightMeter},
	sp_runtime::Permill,
};
use pouw_primitives::{
	ticket::{Role, ROLES},
	Balance, BlockNumber,
};

/// The most that a price moves in one window: an eighth.
pub const MAX_STEP: Permill = Permill::from_parts(125_000);

/// The price after a window in which there were `average` tickets and `target` were wanted. The step is
/// the distance from the target in parts of it, at most [`MAX_STEP`].
pub fn retargeted(price: Balance, average: u32, target: u32, floor: Balance) -> Balance {
	let target = target.max(1);
	let step = Permill::from_rational(average.abs_diff(target), target)
		.min(MAX_STEP)
		.mul_floor(price);
	let moved = if average > target {
		price.saturating_add(step)
	} else {
		price.saturating_sub(step)
	};
	moved.max(floor)
}

impl<T: Config> Pallet<T> {
	/// What a ticket of a role costs now.
	pub(crate) fn price_of(role: Role) -> Balance {
		Prices::<T>::get(role).max(T::PriceFloor::get())
	}

	/// Sets the prices anew if a window is over.
	pub(crate) fn retarget(now: BlockNumber, meter: &mut WeightMeter) {
		let elapsed = now.saturating_sub(WindowStart::<T>::get());
		if elapsed < T::RetargetWindow::get().max(1)
			|| meter.try_consume(T::WeightInfo::retarget()).is_err()
		{
			return;
		}
		WindowStart::<T>::put(now);
		for role in ROLES {
			let supply = Supplies::<T>::get(role).up_to(now);
			let average = supply
				.ticket_blocks
				.checked_div(u64::from(elapsed))
				.and_then(|average| u32::try_from(average).ok())
				.unwrap_or(u32::MAX);
			Supplies::<T>::insert(
				role,
				Supply {
					ticket_blocks: 0,
					..supply
				},
			);

			let before = Self::price_of(role);
			let price = retargeted(before, average, T::TargetPool::get(), T::PriceFloor::get());
			if price != before {
				Prices::<T>::insert(role, price);
				Self::deposit_event(Event::PriceSet {
					role,
					price,
					average,
				});
			}
		}
	}
}
