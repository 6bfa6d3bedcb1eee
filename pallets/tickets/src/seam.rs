//! The pools of tickets, as the market and the proofs see them.

use crate::{
	pallet::{Config, Event, Pallet, Tickets},
	types::Place,
};
use polkadot_sdk::{frame_support::traits::Get, sp_core::H256, sp_runtime::Permill};
use pouw_primitives::{
	seams::{DrawnTicket, Slashed, TicketPool},
	status::TicketStatus,
	ticket::{Capabilities, Endpoint, Role},
	TaskId, TicketId,
};

impl<T: Config> TicketPool<T::AccountId> for Pallet<T> {
	fn draw(
		role: Role,
		task: TaskId,
		needs: &Capabilities,
		excluded: &[T::AccountId],
		randomness: &H256,
	) -> Option<DrawnTicket<T::AccountId>> {
		let (id, ticket) = Self::find(role, task, needs, excluded, randomness)?;
		let account = ticket.owner.clone();
		if let Place::Pooled { index } = ticket.place {
			Self::lock(id, ticket, index, task).ok()?;
		}
		Some(DrawnTicket {
			ticket: id,
			account,
		})
	}

	fn release(id: TicketId, task: TaskId) {
		let Some(ticket) = Tickets::<T>::get(id) else {
			return;
		};
		let Place::Locked {
			task: holder,
			retiring,
			..
		} = ticket.place
		else {
			return;
		};
		if holder != task {
			return;
		}
		if (retiring || ticket.expired(Self::now())) && Self::give_back(id, &ticket).is_ok() {
			return;
		}
		Self::leave(id, &ticket);
		Self::deposit_event(Event::TicketReleased { ticket: id, task });
		Self::pool(id, ticket);
	}

	fn duty_done(id: TicketId) {
		if let Some(mut ticket) = Tickets::<T>::get(id).filter(|ticket| ticket.missed > 0) {
			ticket.missed = 0;
			Tickets::<T>::insert(id, ticket);
		}
	}

	fn duty_missed(id: TicketId) {
		let Some(mut ticket) = Tickets::<T>::get(id) else {
			return;
		};
		ticket.missed = ticket.missed.saturating_add(1);
		Self::deposit_event(Event::DutyMissed {
			ticket: id,
			owner: ticket.owner.clone(),
			missed: ticket.missed,
		});
		// One outage can miss many duties at once, of which a locked ticket can't rid itself by retiring: it is
		// fined once.
		let fined = matches!(ticket.place, Place::Locked { fined: true, .. });
		if ticket.missed >= T::MissedDutyLimit::get() && !fined {
			ticket.missed = 0;
			Self::fine(id, &mut ticket, T::MissedDutyFine::get());
			if let Place::Locked {
				retiring, fined, ..
			} = &mut ticket.place
			{
				(*retiring, *fined) = (true, true);
			} else if Self::give_back(id, &ticket).is_ok() {
				return;
			}
		}
		Tickets::<T>::insert(id, ticket);
	}

	fn slash(id: TicketId, share: Permill, beneficiaries: &[T::AccountId]) -> Slashed {
		Tickets::<T>::get(id)
			.map(|ticket| Self::confiscate(id, &ticket, share, beneficiaries))
			.unwrap_or_default()
	}

	fn status(id: TicketId) -> Option<TicketStatus> {
		Tickets::<T>::get(id).map(|ticket| ticket.status(id))
	}

	fn endpoint(id: TicketId) -> Option<Endpoint> {
		Tickets::<T>::get(id).map(|ticket| ticket.endpoint)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_ticket(owner: &T::AccountId, role: Role) -> TicketId {
		crate::benchmarking::pooled_ticket::<T>(owner, role)
	}
}
