//! Expiring.

use crate::{mock::*, Error, Event, Place};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, dispatch::Pays, weights::Weight},
	sp_runtime::DispatchError,
};
use pouw_primitives::ticket::Role;

#[test]
fn an_expired_ticket_goes_back_by_itself() {
	with_purses(|| {
		Lifetime::set(50);
		let id = buy(1, Role::Trainer);
		pass(59);
		assert_eq!(place(id), Place::Pooled { index: 0 });
		pass(1);
		assert_eq!(held(1), 0);
		assert_eq!(Tickets::ticket(id), None);
		assert_eq!(Tickets::pool_size(Role::Trainer), 0);
		System::assert_last_event(
			Event::TicketReturned {
				ticket: id,
				owner: 1,
				amount: FLOOR,
			}
			.into(),
		);
	});
}

#[test]
fn an_expired_ticket_is_not_drawn_though_it_is_still_there() {
	with_purses(|| {
		Lifetime::set(50);
		let id = pool_of(Role::Trainer, 1)[0];
		System::set_block_number(ticket(id).expires - 1);
		assert!(Tickets::find(Role::Trainer, 0, &machine(), &[], &Default::default()).is_some());
		System::set_block_number(ticket(id).expires);
		assert!(Tickets::find(Role::Trainer, 0, &machine(), &[], &Default::default()).is_none());
	});
}

#[test]
fn an_expired_ticket_that_a_task_holds_is_not_drawn_by_it_again() {
	with_purses(|| {
		Lifetime::set(50);
		let id = pool_of(Role::Verifier, 1)[0];
		draw(Role::Verifier, 0, &[], 0).unwrap();
		System::set_block_number(ticket(id).expires);
		assert_eq!(draw(Role::Verifier, 0, &[], 1), None);
	});
}

#[test]
fn anyone_has_it_removed_without_a_fee() {
	with_purses(|| {
		Lifetime::set(50);
		let id = pool_of(Role::Trainer, 1)[0];
		let reap = || Tickets::reap_ticket(RuntimeOrigin::signed(2), id);
		assert_noop!(reap(), Error::<Test>::NotExpired);
		// The hook gets no weight in these blocks.
		System::set_block_number(ticket(id).expires);
		poll(Weight::zero());
		assert_eq!(reap().unwrap().pays_fee, Pays::No);
		assert_eq!(held(1), 0);
		assert_noop!(reap(), Error::<Test>::NoSuchTicket);
		assert_noop!(
			Tickets::reap_ticket(RuntimeOrigin::none(), id),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn a_held_ticket_is_not_removed() {
	with_purses(|| {
		Lifetime::set(5);
		let id = pool_of(Role::Trainer, 1)[0];
		draw(Role::Trainer, 0, &[], 0).unwrap();
		pass(30);
		assert_noop!(
			Tickets::reap_ticket(RuntimeOrigin::signed(2), id),
			Error::<Test>::Locked
		);
	});
}

#[test]
fn tickets_before_and_behind_a_held_one_expire() {
	with_purses(|| {
		Lifetime::set(50);
		let tickets = pool_of(Role::Trainer, 3);
		let held = draw(Role::Trainer, 0, &[1, 3], 0).unwrap().ticket;
		assert_eq!(held, tickets[1]);
		pass(60);
		assert_eq!(Tickets::ticket(tickets[0]), None);
		assert!(Tickets::ticket(held).is_some());
		assert_eq!(Tickets::ticket(tickets[2]), None);
	});
}

#[test]
fn a_shorter_lifetime_counts_for_new_tickets_only() {
	with_purses(|| {
		let old = buy(1, Role::Trainer);
		Lifetime::set(5);
		let new = buy(2, Role::Trainer);
		pass(30);
		// The sweep goes in the order of purchase; who does not want to wait has it removed.
		assert!(Tickets::ticket(old).is_some() && Tickets::ticket(new).is_some());
		assert_ok!(Tickets::reap_ticket(RuntimeOrigin::signed(2), new));
		assert_noop!(
			Tickets::reap_ticket(RuntimeOrigin::signed(1), old),
			Error::<Test>::NotExpired
		);
		// The gap does not stop the sweep later.
		pass(1_000);
		assert_eq!(Tickets::ticket(old), None);
	});
}
