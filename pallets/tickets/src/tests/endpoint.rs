//! Changing the endpoint.

use crate::{mock::*, Error, Event};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, BoundedVec};
use pouw_primitives::{
	seams::TicketPool,
	ticket::{Endpoint, Role, SocketAddress},
};

fn moved() -> Endpoint {
	Endpoint {
		key: [8; 32],
		addresses: BoundedVec::truncate_from(vec![SocketAddress::V6([1; 16], 9)]),
	}
}

#[test]
fn the_owner_changes_it_even_while_a_task_holds_the_ticket() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		draw(Role::Trainer, 0, &[], 0).unwrap();
		assert_eq!(Tickets::endpoint(id), Some(endpoint()));
		assert_ok!(Tickets::update_endpoint(
			RuntimeOrigin::signed(1),
			id,
			moved()
		));
		assert_eq!(Tickets::endpoint(id), Some(moved()));
		System::assert_last_event(Event::EndpointUpdated { ticket: id }.into());
	});
}

#[test]
fn it_keeps_an_address() {
	with_purses(|| {
		let id = buy(1, Role::Supervisor);
		let nowhere = Endpoint {
			key: [8; 32],
			addresses: Default::default(),
		};
		assert_noop!(
			Tickets::update_endpoint(RuntimeOrigin::signed(1), id, nowhere),
			Error::<Test>::NoAddress
		);
	});
}

#[test]
fn nobody_else_changes_it() {
	with_purses(|| {
		let id = buy(1, Role::Trainer);
		assert_noop!(
			Tickets::update_endpoint(RuntimeOrigin::signed(2), id, moved()),
			Error::<Test>::NotOwner
		);
		assert_noop!(
			Tickets::update_endpoint(RuntimeOrigin::signed(1), 99, moved()),
			Error::<Test>::NoSuchTicket
		);
	});
}
