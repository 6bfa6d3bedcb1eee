//! Where tickets are: every move from one place to another is made here, so that a ticket is always in
//! exactly one.

use crate::{
	pallet::{
		Config, Event, HoldReason, LockedTo, Pallet, PoolSize, Pools, Supplies, Tickets, TicketsOf,
	},
	types::{Place, Ticket},
};
use polkadot_sdk::{
	frame_support::{
		pallet_prelude::DispatchResult,
		traits::{
			fungible::MutateHold,
			tokens::{Fortitude, Precision, Restriction},
		},
	},
	sp_runtime::{traits::BlockNumberProvider, Permill},
};
use pouw_primitives::{seams::Slashed, ticket::Role, BlockNumber, TaskId, TicketId};

impl<T: Config> Pallet<T> {
	/// The block that counts.
	pub(crate) fn now() -> BlockNumber {
		T::BlockNumberProvider::current_block_number()
	}

	/// Puts a ticket that is in no place into its role's pool.
	pub(crate) fn pool(id: TicketId, mut ticket: Ticket<T::AccountId>) {
		let index = PoolSize::<T>::get(ticket.role);
		Pools::<T>::insert(ticket.role, index, id);
		PoolSize::<T>::insert(ticket.role, index.saturating_add(1));
		ticket.place = Place::Pooled { index };
		Tickets::<T>::insert(id, ticket);
	}

	/// Closes the gap that a ticket leaves in its pool: the last one moves into it.
	fn unpool(role: Role, index: u32) {
		let last = PoolSize::<T>::get(role).saturating_sub(1);
		PoolSize::<T>::insert(role, last);
		let Some(moved) = Pools::<T>::take(role, last) else {
			return;
		};
		if index != last {
			Pools::<T>::insert(role, index, moved);
			Tickets::<T>::mutate(moved, |ticket| {
				if let Some(ticket) = ticket {
					ticket.place = Place::Pooled { index };
				}
			});
		}
	}

	/// Locks a pooled ticket to a task. Fails if the task holds as many of that role as it may.
	pub(crate) fn lock(
		id: TicketId,
		mut ticket: Ticket<T::AccountId>,
		index: u32,
		task: TaskId,
	) -> Result<(), ()> {
		LockedTo::<T>::try_mutate(task, ticket.role, |held| held.try_push(id)).map_err(drop)?;
		Self::unpool(ticket.role, index);
		ticket.place = Place::Locked {
			task,
			retiring: false,
			fined: false,
		};
		Self::deposit_event(Event::TicketDrawn {
			ticket: id,
			owner: ticket.owner.clone(),
			role: ticket.role,
			task,
		});
		Tickets::<T>::insert(id, ticket);
		Ok(())
	}

	/// Takes a ticket out of the place where it is.
	pub(crate) fn leave(id: TicketId, ticket: &Ticket<T::AccountId>) {
		match ticket.place {
			Place::Maturing { .. } => {}
			Place::Pooled { index } => Self::unpool(ticket.role, index),
			Place::Locked { task, .. } => LockedTo::<T>::mutate_exists(task, ticket.role, |held| {
				if let Some(list) = held {
					list.retain(|other| *other != id);
					if list.is_empty() {
						*held = None;
					}
				}
			}),
		}
	}

	/// Ends a ticket whose stake has been dealt with.
	fn forget(id: TicketId, ticket: &Ticket<T::AccountId>) {
		Self::leave(id, ticket);
		Tickets::<T>::remove(id);
		TicketsOf::<T>::mutate_exists(&ticket.owner, |tickets| {
			if let Some(list) = tickets {
				list.retain(|other| *other != id);
				if list.is_empty() {
					*tickets = None;
				}
			}
		});
		let now = Self::now();
		Supplies::<T>::mutate(ticket.role, |supply| {
			*supply = supply.up_to(now);
			supply.tickets = supply.tickets.saturating_sub(1);
		});
	}

	/// Ends a ticket and gives its stake back. If that fails nothing has changed.
	pub(crate) fn give_back(id: TicketId, ticket: &Ticket<T::AccountId>) -> DispatchResult {
		T::Currency::release(
			&HoldReason::Ticket.into(),
			&ticket.owner,
			ticket.stake,
			Precision::Exact,
		)?;
		Self::forget(id, ticket);
		Self::deposit_event(Event::TicketReturned {
			ticket: id,
			owner: ticket.owner.clone(),
			amount: ticket.stake,
		});
		Ok(())
	}

	/// Burns a share of a ticket's stake. The caller stores the ticket.
	pub(crate) fn fine(id: TicketId, ticket: &mut Ticket<T::AccountId>, share: Permill) {
		let burned = T::Currency::burn_held(
			&HoldReason::Ticket.into(),
			&ticket.owner,
			share.mul_floor(ticket.stake),
			Precision::BestEffort,
			Fortitude::Force,
		)
		.unwrap_or_default();
		ticket.stake = ticket.stake.saturating_sub(burned);
		Self::deposit_event(Event::TicketFined {
			ticket: id,
			owner: ticket.owner.clone(),
			amount: burned,
		});
	}

	/// Ends a ticket and takes its stake: each beneficiary gets an equal part of the share, all else is
	/// burned, a part that a beneficiary's account can't take included.
	pub(crate) fn confiscate(
		id: TicketId,
		ticket: &Ticket<T::AccountId>,
		share: Permill,
		beneficiaries: &[T::AccountId],
	) -> Slashed {
		let reason = HoldReason::Ticket.into();
		let each = share
			.mul_floor(ticket.stake)
			.checked_div(beneficiaries.len() as u128)
			.unwrap_or_default();
		let mut rest = ticket.stake;
		for beneficiary in beneficiaries {
			let paid = T::Currency::transfer_on_hold(
				&reason,
				&ticket.owner,
				beneficiary,
				each,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			);
			rest = rest.saturating_sub(paid.unwrap_or_default());
		}
		let burned = T::Currency::burn_held(
			&reason,
			&ticket.owner,
			rest,
			Precision::BestEffort,
			Fortitude::Force,
		)
		.unwrap_or_default();
		Self::forget(id, ticket);
		Self::deposit_event(Event::TicketSlashed {
			ticket: id,
			owner: ticket.owner.clone(),
			amount: ticket.stake,
			burned,
		});
		Slashed {
			total: ticket.stake,
			each,
			burned,
		}
	}
}
