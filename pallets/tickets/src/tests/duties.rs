//! Duties done and missed.

use crate::{mock::*, Event, Place};
use pouw_primitives::{seams::TicketPool, status::TicketState, ticket::Role, Balance};

const FINE: Balance = FLOOR / 10;

#[test]
fn a_duty_done_forgives_those_missed() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		draw(Role::Trainer, 0, &[], 0).unwrap();
		for _ in 0..5 {
			Tickets::duty_missed(id);
			Tickets::duty_missed(id);
			assert_eq!(Tickets::status(id).unwrap().missed, 2);
			Tickets::duty_done(id);
			assert_eq!(Tickets::status(id).unwrap().missed, 0);
		}
		assert_eq!(held(1), FLOOR);
	});
}

#[test]
fn at_the_limit_the_ticket_is_fined_and_retires() {
	with_purses(|| {
		let issued = Balances::total_issuance();
		let id = pool_of(Role::Trainer, 1)[0];
		draw(Role::Trainer, 5, &[], 0).unwrap();
		for _ in 0..3 {
			Tickets::duty_missed(id);
		}
		System::assert_has_event(
			Event::DutyMissed {
				ticket: id,
				owner: 1,
				missed: 3,
			}
			.into(),
		);
		System::assert_last_event(
			Event::TicketFined {
				ticket: id,
				owner: 1,
				amount: FINE,
			}
			.into(),
		);
		assert_eq!(Balances::total_issuance(), issued - FINE);
		let status = Tickets::status(id).unwrap();
		assert_eq!(
			(status.state, status.stake),
			(TicketState::Retiring(5), FLOOR - FINE)
		);

		Tickets::release(id, 5);
		assert_eq!((held(1), Balances::free_balance(1)), (0, PURSE - FINE));
	});
}

#[test]
fn one_outage_is_fined_once_however_many_duties_it_misses() {
	with_purses(|| {
		let id = pool_of(Role::Verifier, 1)[0];
		draw(Role::Verifier, 5, &[], 0).unwrap();
		for _ in 0..20 {
			Tickets::duty_missed(id);
		}
		assert_eq!(held(1), FLOOR - FINE);
		// They are counted all the same, and it retires.
		let status = Tickets::status(id).unwrap();
		assert_eq!(
			(status.missed, status.state),
			(17, TicketState::Retiring(5))
		);
	});
}

#[test]
fn a_ticket_that_retires_by_itself_is_fined_too() {
	with_purses(|| {
		let id = pool_of(Role::Verifier, 1)[0];
		draw(Role::Verifier, 5, &[], 0).unwrap();
		Tickets::retire_ticket(RuntimeOrigin::signed(1), id).unwrap();
		for _ in 0..3 {
			Tickets::duty_missed(id);
		}
		assert_eq!(held(1), FLOOR - FINE);
	});
}

#[test]
fn a_ticket_that_was_let_go_already_is_fined_and_goes_back() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		for _ in 0..3 {
			Tickets::duty_missed(id);
		}
		assert_eq!(Tickets::status(id), None);
		assert_eq!(Tickets::pool_size(Role::Trainer), 0);
		assert_eq!((held(1), Balances::free_balance(1)), (0, PURSE - FINE));
	});
}

#[test]
fn missed_duties_are_remembered_in_the_pool() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		for task in 0..3 {
			assert_eq!(place(id), Place::Pooled { index: 0 });
			draw(Role::Trainer, task, &[], 0).unwrap();
			Tickets::duty_missed(id);
			Tickets::release(id, task);
		}
		assert_eq!(Tickets::status(id), None);
	});
}

#[test]
fn what_is_gone_has_no_duties() {
	with_purses(|| {
		Tickets::duty_missed(99);
		Tickets::duty_done(99);
		assert_eq!(System::events().len(), 0);
	});
}
