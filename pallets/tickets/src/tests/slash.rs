//! Slashing.

use crate::{mock::*, Event};
use polkadot_sdk::{frame_support::assert_ok, sp_runtime::Permill};
use pouw_primitives::{
	seams::{Slashed, TicketPool},
	ticket::Role,
	POUW,
};

#[test]
fn half_goes_to_the_challenger_and_half_is_burned() {
	with_purses(|| {
		let issued = Balances::total_issuance();
		let id = pool_of(Role::Trainer, 2)[0];
		draw(Role::Trainer, 5, &[2], 0).unwrap();
		let slashed = Tickets::slash(id, Permill::from_percent(50), &[2]);
		assert_eq!(
			slashed,
			Slashed {
				total: FLOOR,
				each: FLOOR / 2,
				burned: FLOOR / 2
			}
		);
		assert_eq!(held(1), 0);
		assert_eq!(Balances::free_balance(1), PURSE - FLOOR);
		assert_eq!(Balances::free_balance(2), PURSE - FLOOR + FLOOR / 2);
		assert_eq!(Balances::total_issuance(), issued - FLOOR / 2);
		assert_eq!(Tickets::status(id), None);
		assert_eq!(Tickets::tickets_of(1), vec![]);
		System::assert_last_event(
			Event::TicketSlashed {
				ticket: id,
				owner: 1,
				amount: FLOOR,
				burned: FLOOR / 2,
			}
			.into(),
		);
	});
}

#[test]
fn beneficiaries_get_equal_parts_and_what_can_not_be_divided_is_burned() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		let slashed = Tickets::slash(id, Permill::one(), &[2, 3, 4]);
		assert_eq!(slashed.each, FLOOR / 3);
		assert_eq!(slashed.burned, FLOOR - 3 * (FLOOR / 3));
		assert_eq!(slashed.total, 3 * slashed.each + slashed.burned);
	});
}

#[test]
fn without_beneficiaries_all_is_burned() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		let slashed = Tickets::slash(id, Permill::from_percent(50), &[]);
		assert_eq!(
			slashed,
			Slashed {
				total: FLOOR,
				each: 0,
				burned: FLOOR
			}
		);
	});
}

#[test]
fn what_a_beneficiary_can_not_take_is_burned() {
	with_purses(|| {
		let issued = Balances::total_issuance();
		let id = pool_of(Role::Trainer, 1)[0];
		// Account 99 does not exist, and its part is below the existential deposit.
		let slashed = Tickets::slash(id, Permill::from_parts(1), &[99]);
		assert_eq!((slashed.total, slashed.burned), (FLOOR, FLOOR));
		assert_eq!(Balances::total_issuance(), issued - FLOOR);
	});
}

#[test]
fn a_ticket_is_slashed_wherever_it_is() {
	with_purses(|| {
		let tickets = pool_of(Role::Trainer, 3);
		let drawn = draw(Role::Trainer, 5, &[], 0).unwrap().ticket;
		let pooled = tickets.into_iter().find(|id| *id != drawn).unwrap();
		let maturing = buy(4, Role::Trainer);
		for id in [drawn, pooled, maturing] {
			assert_eq!(Tickets::slash(id, Permill::zero(), &[]).total, FLOOR);
			assert_eq!(Tickets::status(id), None);
		}
		assert_eq!(Tickets::pool_size(Role::Trainer), 1);
	});
}

#[test]
fn what_is_gone_is_not_slashed_again() {
	with_purses(|| {
		let id = pool_of(Role::Trainer, 1)[0];
		Tickets::slash(id, Permill::one(), &[2]);
		assert_eq!(Tickets::slash(id, Permill::one(), &[2]), Slashed::default());
	});
}

#[test]
fn other_tickets_of_the_owner_are_left_alone() {
	with_purses(|| {
		let (first, second) = (buy(1, Role::Trainer), buy(1, Role::Verifier));
		Tickets::slash(first, Permill::one(), &[2]);
		assert_eq!(held(1), FLOOR);
		assert_ok!(Tickets::retire_ticket(RuntimeOrigin::signed(1), second));
		assert_eq!(Balances::free_balance(1), PURSE - 10 * POUW);
	});
}
