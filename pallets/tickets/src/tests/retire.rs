//! Retiring.

use crate::{mock::*, Error, Event, Place};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use pouw_primitives::{seams::TicketPool, status::TicketState, ticket::Role};

fn retire(who: AccountId, id: u64) -> polkadot_sdk::frame_support::pallet_prelude::DispatchResult {
	Tickets::retire_ticket(RuntimeOrigin::signed(who), id)
}

#[test]
fn a_maturing_ticket_ends_at_once() {
	with_purses(|| {
		let id = buy(1, Role::Trainer);
		assert_ok!(retire(1, id));
		assert_eq!(held(1), 0);
		assert_eq!(Tickets::tickets_of(1), vec![]);
		System::assert_last_event(
			Event::TicketReturned {
				ticket: id,
				owner: 1,
				amount: FLOOR,
			}
			.into(),
		);
		pass(20);
		assert_eq!(Tickets::pool_size(Role::Trainer), 0);
	});
}

#[test]
fn the_last_of_the_pool_takes_a_retired_tickets_place() {
	with_purses(|| {
		let tickets = pool_of(Role::Trainer, 3);
		assert_ok!(retire(1, tickets[0]));
		assert_eq!(Tickets::pool_size(Role::Trainer), 2);
		assert_eq!(place(tickets[2]), Place::Pooled { index: 0 });
		assert_eq!(place(tickets[1]), Place::Pooled { index: 1 });
	});
}

#[test]
fn a_locked_ticket_stays_liable_until_its_task_lets_it_go() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		draw(Role::Trainer, 5, &[], 0).unwrap();
		assert_ok!(retire(1, id));
		System::assert_last_event(
			Event::TicketRetiring {
				ticket: id,
				task: 5,
			}
			.into(),
		);
		assert_eq!(Tickets::status(id).unwrap().state, TicketState::Retiring(5));
		assert_eq!(held(1), FLOOR);
		assert_noop!(retire(1, id), Error::<Test>::AlreadyRetiring);
		// It gets no new duties.
		assert_eq!(draw(Role::Trainer, 5, &[], 1), None);

		Tickets::release(id, 5);
		assert_eq!(held(1), 0);
		assert_eq!(Tickets::status(id), None);
	});
}

#[test]
fn only_the_owner_retires() {
	with_purses(|| {
		let id = buy(1, Role::Trainer);
		assert_noop!(retire(2, id), Error::<Test>::NotOwner);
		assert_noop!(retire(1, id + 1), Error::<Test>::NoSuchTicket);
	});
}
