//! How the price moves.

use crate::{mock::*, price::retargeted, Event, MAX_STEP};
use pouw_primitives::{
	ticket::{Role, ROLES},
	Balance, POUW,
};
use proptest::prelude::*;

#[test]
fn above_the_target_it_rises_and_below_it_falls() {
	with_purses(|| {
		for account in 1..=20 {
			buy(account, Role::Trainer);
		}
		pass(100);
		// Twenty where ten are wanted: the largest step.
		let risen = FLOOR + FLOOR / 8;
		assert_eq!(Tickets::price(Role::Trainer), risen);
		System::assert_has_event(
			Event::PriceSet {
				role: Role::Trainer,
				price: risen,
				average: 19,
			}
			.into(),
		);
		assert_eq!(Tickets::price(Role::Verifier), FLOOR);

		for id in 0..20 {
			Tickets::retire_ticket(RuntimeOrigin::signed(id + 1), id).unwrap();
		}
		pass(100);
		assert_eq!(Tickets::price(Role::Trainer), FLOOR);
	});
}

#[test]
fn at_the_target_it_stays() {
	with_purses(|| {
		for account in 1..=20 {
			buy(account, Role::Trainer);
		}
		pass(100);
		let risen = Tickets::price(Role::Trainer);
		TargetPool::set(20);
		pass(300);
		assert_eq!(Tickets::price(Role::Trainer), risen);
	});
}

#[test]
fn tickets_keep_what_was_paid_for_them() {
	with_purses(|| {
		for account in 1..=20 {
			buy(account, Role::Trainer);
		}
		pass(100);
		let price = Tickets::price(Role::Trainer);
		let id = buy(21, Role::Trainer);
		assert_eq!((ticket(0).stake, ticket(id).stake), (FLOOR, price));
		assert_eq!(held(21), price);
	});
}

#[test]
fn nothing_moves_within_a_window() {
	with_purses(|| {
		for account in 1..=20 {
			buy(account, Role::Trainer);
		}
		pass(98);
		assert_eq!(Tickets::price(Role::Trainer), FLOOR);
	});
}

#[test]
fn without_tickets_it_stays_at_the_floor() {
	with_purses(|| {
		pass(500);
		for role in ROLES {
			assert_eq!(Tickets::price(role), FLOOR);
		}
	});
}

#[test]
fn a_target_of_zero_and_a_window_of_zero_do_no_harm() {
	with_purses(|| {
		TargetPool::set(0);
		RetargetWindow::set(0);
		buy(1, Role::Trainer);
		pass(10);
		assert!(Tickets::price(Role::Trainer) >= FLOOR);
	});
}

proptest! {
	#[test]
	fn a_step_is_bounded_and_never_below_the_floor(
		price: Balance,
		average: u32,
		target: u32,
		floor in 0..1_000_000 * POUW,
	) {
		let new = retargeted(price, average, target, floor);
		let step = MAX_STEP.mul_floor(price);
		prop_assert!(new >= floor);
		prop_assert!(new <= price.saturating_add(step).max(floor));
		prop_assert!(new >= price.saturating_sub(step));
		if price >= floor {
			prop_assert!(average <= target.max(1) || new >= price);
			prop_assert!(average > target.max(1) || new <= price);
			prop_assert!(average != target.max(1) || new == price);
		}
	}
}
