//! What a task lets go.

use crate::{mock::*, Event, LockedTo, Place};
use pouw_primitives::{seams::TicketPool, ticket::Role};

#[test]
fn a_released_ticket_is_drawn_again() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		draw(Role::Trainer, 5, &[], 0).unwrap();
		Tickets::release(id, 5);
		System::assert_last_event(
			Event::TicketReleased {
				ticket: id,
				task: 5,
			}
			.into(),
		);
		assert_eq!(place(id), Place::Pooled { index: 0 });
		assert_eq!(
			draw(Role::Trainer, 6, &[], 0).map(|drawn| drawn.ticket),
			Some(id)
		);
	});
}

#[test]
fn only_the_task_that_holds_a_ticket_lets_it_go() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		draw(Role::Trainer, 5, &[], 0).unwrap();
		Tickets::release(id, 4);
		assert_eq!(
			place(id),
			Place::Locked {
				task: 5,
				retiring: false,
				fined: false,
			}
		);
		Tickets::release(id, 5);
		Tickets::release(id, 5);
		assert_eq!(place(id), Place::Pooled { index: 0 });
		Tickets::release(99, 5);
	});
}

#[test]
fn nothing_of_a_task_is_left_when_it_has_let_all_go() {
	with_purses(|| {
		pool_of(Role::Verifier, 6);
		let mut excluded = vec![];
		let mut drawn = vec![];
		for seed in 0..6 {
			let found = draw(Role::Verifier, 5, &excluded, seed).unwrap();
			excluded.push(found.account);
			drawn.push(found.ticket);
		}
		for id in drawn {
			Tickets::release(id, 5);
		}
		assert_eq!(LockedTo::<Test>::iter().count(), 0);
		assert_eq!(Tickets::pool_size(Role::Verifier), 6);
	});
}

#[test]
fn an_expired_ticket_goes_back_to_its_owner() {
	with_purses(|| {
		Lifetime::set(5);
		let id = pool_of(Role::Trainer, 1)[0];
		draw(Role::Trainer, 5, &[], 0).unwrap();
		pass(30);
		assert_eq!(held(1), FLOOR);
		Tickets::release(id, 5);
		assert_eq!(held(1), 0);
		assert_eq!(Tickets::status(id), None);
	});
}
