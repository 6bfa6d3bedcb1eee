//! What is always true of this pallet's storage.

use crate::{
	pallet::{
		Config, HoldReason, LockedTo, NextTicket, NextToExpire, NextToMature, Pallet, PoolSize,
		Pools, Supplies, Tickets, TicketsOf,
	},
	types::Place,
};
use polkadot_sdk::{
	frame_support::{ensure, traits::fungible::InspectHold},
	sp_runtime::TryRuntimeError,
};
use pouw_primitives::{ticket::ROLES, Balance};

impl<T: Config> Pallet<T> {
	/// Checks all invariants. It reads the whole of the pallet's storage: for tests and `try-runtime`.
	///
	/// 1. What is on hold for tickets of an account is the sum of their stakes.
	/// 2. Every ticket is listed with its owner, and nothing else is.
	/// 3. Every ticket is in exactly one place: maturing (all of them behind the cursor's reach), in its
	///    pool at its index, or in the list of the task that holds it.
	/// 4. Pools have no gaps and no entries beyond their sizes.
	/// 5. The supply of a role is the number of its tickets.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_places()?;
		Self::check_owners()?;
		Self::check_counts()
	}

	fn check_places() -> Result<(), TryRuntimeError> {
		let (cursor, end) = (NextToMature::<T>::get(), NextTicket::<T>::get());
		ensure!(
			NextToExpire::<T>::get() <= cursor && cursor <= end,
			"cursors are out of order"
		);
		for (id, ticket) in Tickets::<T>::iter() {
			ensure!(id < end, "a ticket's number was not given out");
			ensure!(
				matches!(ticket.place, Place::Maturing { .. }) == (id >= cursor),
				"the cursor has passed a maturing ticket, or not reached a matured one"
			);
			match ticket.place {
				Place::Maturing { until } => {
					ensure!(
						until <= ticket.expires,
						"a ticket expires before it matures"
					)
				}
				Place::Pooled { index } => ensure!(
					Pools::<T>::get(ticket.role, index) == Some(id),
					"a pooled ticket is not at its index"
				),
				Place::Locked {
					task,
					retiring,
					fined,
				} => {
					ensure!(
						LockedTo::<T>::get(task, ticket.role).contains(&id),
						"a locked ticket is not in its task's list"
					);
					ensure!(retiring || !fined, "a fined ticket does not retire");
				}
			}
		}
		for (role, index, id) in Pools::<T>::iter() {
			let ticket = Tickets::<T>::get(id).ok_or("a pool has an entry without a ticket")?;
			ensure!(
				ticket.role == role && ticket.place == Place::Pooled { index },
				"a pool's entry is of a ticket that is elsewhere"
			);
		}
		for (task, role, held) in LockedTo::<T>::iter() {
			ensure!(
				!held.is_empty(),
				"an empty list of locked tickets is stored"
			);
			for (place, id) in held.iter().enumerate() {
				let ticket = Tickets::<T>::get(id).ok_or("a task holds what is no ticket")?;
				ensure!(
					ticket.role == role
						&& matches!(ticket.place, Place::Locked { task: holder, .. } if holder == task)
						&& !held
							.iter()
							.skip(place.saturating_add(1))
							.any(|other| other == id),
					"a task's list has a ticket that is elsewhere, or has it twice"
				);
			}
		}
		Ok(())
	}

	fn check_owners() -> Result<(), TryRuntimeError> {
		let mut listed: u32 = 0;
		for (owner, tickets) in TicketsOf::<T>::iter() {
			ensure!(
				!tickets.is_empty(),
				"an empty list of an account's tickets is stored"
			);
			let mut stakes: Balance = 0;
			for id in &tickets {
				let ticket = Tickets::<T>::get(id).ok_or("an account has what is no ticket")?;
				ensure!(
					ticket.owner == owner,
					"a ticket is listed with another than its owner"
				);
				stakes = stakes.saturating_add(ticket.stake);
				listed = listed.saturating_add(1);
			}
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Ticket.into(), &owner) == stakes,
				"what is on hold for tickets is not the sum of the stakes"
			);
		}
		// Every listed number is its owner's, so equal counts mean that each ticket is listed once.
		ensure!(
			listed as usize == Tickets::<T>::iter_keys().count(),
			"a ticket is not listed once"
		);
		Ok(())
	}

	fn check_counts() -> Result<(), TryRuntimeError> {
		for role in ROLES {
			let tickets = Tickets::<T>::iter_values().filter(|ticket| ticket.role == role);
			let (mut all, mut pooled) = (0u32, 0u32);
			for ticket in tickets {
				all = all.saturating_add(1);
				if matches!(ticket.place, Place::Pooled { .. }) {
					pooled = pooled.saturating_add(1);
				}
			}
			ensure!(
				Supplies::<T>::get(role).tickets == all,
				"a role's supply is miscounted"
			);
			ensure!(
				PoolSize::<T>::get(role) == pooled,
				"a pool's size is miscounted"
			);
			ensure!(
				Pools::<T>::iter_key_prefix(role).count() == pooled as usize,
				"a pool has entries beyond its size"
			);
		}
		Ok(())
	}
}
