//! Drawing a ticket: uniform over what qualifies, at a cost that does not depend on the pool's size.

use crate::{
	pallet::{Config, LockedTo, Pallet, PoolSize, Pools, Tickets},
	types::{Place, Ticket},
};
use alloc::vec::Vec;
use codec::Encode;
use polkadot_sdk::{frame_support::traits::Get, sp_core::H256, sp_io::hashing::blake2_256};
use pouw_primitives::{
	ticket::{Capabilities, Role},
	TaskId, TicketId,
};

/// The most tickets that one draw looks at. Where there are no more than that, all of them are looked
/// at, so that a draw in a small pool finds a ticket that qualifies if there is one. In a larger pool as
/// many are tried at random, which fails only where few qualify, and then not for long: the caller tries
/// again with later randomness. Going on in the order of the pool would always find one, but would favour
/// tickets that stand behind a run of others, a place that an owner can arrange.
pub const MAX_LOOKS: u32 = 64;

/// The most verifiers that a task takes without regard for others. One that holds so many leaves at least as
/// many in the pool as it holds itself: a verifier answers several audits of a task, so that few suffice for
/// a large one, and no task may keep those of others waiting.
pub const VERIFIERS_OF_A_TASK: u32 = 7;

/// Numbers that are uniform and fixed by what they are made from.
struct Lots([u8; 32]);

impl Lots {
	/// The excluded accounts are part of it: draws that differ in them only, like those of the verifiers
	/// of one audit, are independent.
	fn new<AccountId: Encode>(
		role: Role,
		task: TaskId,
		excluded: &[AccountId],
		randomness: &H256,
	) -> Self {
		Self((b"pouw/draw", role, task, excluded, randomness).using_encoded(blake2_256))
	}

	/// The `nth` number below a bound, biased by less than 2^−32; zero for the bound zero.
	fn below(&self, nth: u32, bound: u32) -> u32 {
		let [a, b, c, d, e, f, g, h, ..] = (self.0, nth).using_encoded(blake2_256);
		let fraction = u128::from(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
		let product = fraction.saturating_mul(u128::from(bound)).checked_shr(64);
		product
			.and_then(|number| number.try_into().ok())
			.unwrap_or_default()
	}
}

impl<T: Config> Pallet<T> {
	/// Finds a ticket that a task may draw. Candidates are the pool and what the task holds already.
	pub(crate) fn find(
		role: Role,
		task: TaskId,
		needs: &Capabilities,
		excluded: &[T::AccountId],
		randomness: &H256,
	) -> Option<(TicketId, Ticket<T::AccountId>)> {
		let now = Self::now();
		let held = LockedTo::<T>::get(task, role);
		let held_count = held.len() as u32;
		// A task that holds as many as it may must do with those.
		let free = PoolSize::<T>::get(role);
		let fair = role != Role::Verifier || held_count < VERIFIERS_OF_A_TASK || held_count < free;
		let pooled = if held_count < T::MaxLockedPerTask::get() && fair {
			free
		} else {
			0
		};
		let candidates = pooled.saturating_add(held_count);

		let look = |index: u32| {
			let id = match index.checked_sub(pooled) {
				None => Pools::<T>::get(role, index)?,
				Some(place) => *held.get(place as usize)?,
			};
			let ticket = Tickets::<T>::get(id)?;
			let qualifies = !ticket.expired(now)
				&& !matches!(ticket.place, Place::Locked { retiring: true, .. })
				&& ticket.capabilities.meet(needs)
				&& !excluded.contains(&ticket.owner);
			qualifies.then_some((id, ticket))
		};

		let lots = Lots::new(role, task, excluded, randomness);
		if candidates <= MAX_LOOKS {
			let qualified: Vec<_> = (0..candidates).filter_map(look).collect();
			let chosen = lots.below(0, qualified.len() as u32);
			qualified.into_iter().nth(chosen as usize)
		} else {
			(0..MAX_LOOKS).find_map(|nth| look(lots.below(nth, candidates)))
		}
	}
}
