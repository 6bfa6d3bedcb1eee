//! What time does to tickets: they mature and expire. Tickets are numbered in the order of purchase, and
//! that is the order in which they come due; so each sweep is a cursor over their numbers and needs no
//! list of its own. If the periods are changed, tickets bought before the change keep their blocks, and
//! a later one that is due earlier waits for them.

use crate::{
	pallet::{Config, Event, NextTicket, NextToExpire, NextToMature, Pallet, Tickets},
	types::{Place, Ticket},
	weights::WeightInfo,
};
use polkadot_sdk::frame_support::weights::{Weight, WeightMeter};
use pouw_primitives::{BlockNumber, TicketId};

impl<T: Config> Pallet<T> {
	/// Puts tickets that have matured into their pools.
	pub(crate) fn sweep_matured(now: BlockNumber, meter: &mut WeightMeter) {
		let (from, end) = (NextToMature::<T>::get(), NextTicket::<T>::get());
		let due = |ticket: &Ticket<T::AccountId>| !matches!(ticket.place, Place::Maturing { until } if until > now);
		let to = Self::sweep(
			from,
			end,
			due,
			T::WeightInfo::promote(),
			meter,
			|id, ticket| {
				Self::deposit_event(Event::TicketMatured { ticket: id });
				Self::pool(id, ticket);
			},
		);
		if to != from {
			NextToMature::<T>::put(to);
		}
	}

	/// Gives the stakes of expired tickets back. What a task holds is passed over: it goes back when the
	/// task lets it go.
	pub(crate) fn sweep_expired(now: BlockNumber, meter: &mut WeightMeter) {
		let (from, end) = (NextToExpire::<T>::get(), NextToMature::<T>::get());
		let due = |ticket: &Ticket<T::AccountId>| ticket.expired(now);
		let to = Self::sweep(
			from,
			end,
			due,
			T::WeightInfo::expire(),
			meter,
			|id, ticket| {
				if matches!(ticket.place, Place::Pooled { .. })
					&& Self::give_back(id, &ticket).is_err()
				{
					log::error!(target: crate::LOG_TARGET, "stake of ticket {id} can't be released");
				}
			},
		);
		if to != from {
			NextToExpire::<T>::put(to);
		}
	}

	/// Acts on the tickets from a number on, until one is not due, or the end or the meter's limit is
	/// reached. Returns the number to go on with.
	fn sweep(
		mut next: TicketId,
		end: TicketId,
		due: impl Fn(&Ticket<T::AccountId>) -> bool,
		weight_of_act: Weight,
		meter: &mut WeightMeter,
		mut act: impl FnMut(TicketId, Ticket<T::AccountId>),
	) -> TicketId {
		while next < end && meter.try_consume(T::WeightInfo::look()).is_ok() {
			// A number without a ticket is that of one that ended before its time.
			if let Some(ticket) = Tickets::<T>::get(next) {
				if !due(&ticket) || meter.try_consume(weight_of_act).is_err() {
					break;
				}
				act(next, ticket);
			}
			next = next.saturating_add(1);
		}
		next
	}
}
