//! Buying.

use crate::{mock::*, Error, Event, Place};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::{DispatchError, TokenError},
};
use pouw_primitives::{
	status::TicketState,
	ticket::{Endpoint, Role, ROLES},
	Balance, POUW,
};

fn nowhere() -> Endpoint {
	Endpoint {
		key: [7; 32],
		addresses: Default::default(),
	}
}

#[test]
fn the_price_is_held_and_the_ticket_matures() {
	with_purses(|| {
		let id = buy(1, Role::Trainer);
		assert_eq!(held(1), FLOOR);
		assert_eq!(place(id), Place::Maturing { until: 11 });
		System::assert_last_event(
			Event::TicketBought {
				ticket: id,
				owner: 1,
				role: Role::Trainer,
				price: FLOOR,
				matures: 11,
				expires: 1_011,
			}
			.into(),
		);

		pass(9);
		assert_eq!(draw(Role::Trainer, 0, &[], 0), None);
		pass(1);
		assert_eq!(place(id), Place::Pooled { index: 0 });
		System::assert_last_event(Event::TicketMatured { ticket: id }.into());
	});
}

#[test]
fn roles_have_pools_of_their_own() {
	with_purses(|| {
		for role in ROLES {
			buy(1, role);
		}
		pass(10);
		for role in ROLES {
			assert_eq!(Tickets::pool_size(role), 1);
			assert_eq!(draw(role, 0, &[], 0).map(|drawn| drawn.account), Some(1));
		}
	});
}

#[test]
fn what_an_account_has_can_be_asked_for() {
	with_purses(|| {
		let (first, second) = (buy(1, Role::Trainer), buy(1, Role::Verifier));
		buy(2, Role::Trainer);
		let tickets = Tickets::tickets_of(1);
		assert_eq!(
			tickets
				.iter()
				.map(|status| status.ticket)
				.collect::<Vec<_>>(),
			vec![first, second]
		);
		assert_eq!(tickets[0].state, TicketState::Maturing(11));
		assert_eq!(tickets[0].stake, FLOOR);
		assert_eq!(Tickets::ticket(second).as_ref(), tickets.get(1));
		assert_eq!(Tickets::ticket(99), None);
	});
}

#[test]
fn a_maximum_price_protects_the_buyer() {
	with_purses(|| {
		let buy_for = |max_price| {
			Tickets::buy_ticket(
				RuntimeOrigin::signed(1),
				Role::Trainer,
				machine(),
				endpoint(),
				max_price,
			)
		};
		assert_noop!(buy_for(FLOOR - 1), Error::<Test>::PriceAboveMaximum);
		assert_ok!(buy_for(Tickets::price(Role::Trainer)));
	});
}

#[test]
fn who_serves_blobs_must_have_an_address() {
	with_purses(|| {
		for role in ROLES {
			let bought = Tickets::buy_ticket(
				RuntimeOrigin::signed(1),
				role,
				machine(),
				nowhere(),
				Balance::MAX,
			);
			if matches!(role, Role::Trainer | Role::Supervisor) {
				assert_noop!(bought, Error::<Test>::NoAddress);
			} else {
				assert_ok!(bought);
			}
		}
	});
}

#[test]
fn an_account_has_so_many_and_no_more() {
	with_purses(|| {
		for _ in 0..16 {
			buy(1, Role::Verifier);
		}
		assert_noop!(
			Tickets::buy_ticket(
				RuntimeOrigin::signed(1),
				Role::Trainer,
				machine(),
				endpoint(),
				Balance::MAX
			),
			Error::<Test>::TooManyTickets
		);
	});
}

#[test]
fn it_takes_the_funds() {
	with_purses(|| {
		assert_ok!(Balances::transfer_allow_death(
			RuntimeOrigin::signed(1),
			2,
			PURSE - FLOOR
		));
		// What is left would pay for the ticket, but not for the existential deposit as well.
		assert_noop!(
			Tickets::buy_ticket(
				RuntimeOrigin::signed(1),
				Role::Trainer,
				machine(),
				endpoint(),
				Balance::MAX
			),
			TokenError::FundsUnavailable
		);
		assert_ok!(Balances::transfer_allow_death(
			RuntimeOrigin::signed(2),
			1,
			POUW
		));
		buy(1, Role::Trainer);
	});
}

#[test]
fn nobody_buys_unsigned() {
	with_purses(|| {
		assert_noop!(
			Tickets::buy_ticket(
				RuntimeOrigin::none(),
				Role::Trainer,
				machine(),
				endpoint(),
				Balance::MAX
			),
			DispatchError::BadOrigin
		);
	});
}
