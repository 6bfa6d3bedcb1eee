//! What someone might try for their own gain.

use crate::{mock::*, Error, NextToMature, Place, SubstrateWeight, WeightInfo};
use polkadot_sdk::{
	frame_support::{
		assert_err, assert_noop, assert_ok,
		traits::{
			fungible::Mutate,
			tokens::{Fortitude, Precision, Preservation},
		},
	},
	sp_runtime::{Permill, TokenError},
};
use pouw_primitives::{seams::TicketPool, ticket::Role, Balance};

/// A trainer that expects to be caught tries to get its stake out first.
#[test]
fn a_slash_is_not_dodged_by_retiring_expiring_or_transferring() {
	with_purses(|| {
		Lifetime::set(50);
		let id = pool_of(Role::Trainer, 1)[0];
		draw(Role::Trainer, 5, &[], 0).unwrap();

		assert_ok!(Tickets::retire_ticket(RuntimeOrigin::signed(1), id));
		assert_noop!(
			Tickets::retire_ticket(RuntimeOrigin::signed(1), id),
			Error::<Test>::AlreadyRetiring
		);
		pass(100);
		assert_noop!(
			Tickets::reap_ticket(RuntimeOrigin::signed(1), id),
			Error::<Test>::Locked
		);
		assert_err!(
			Balances::transfer_allow_death(RuntimeOrigin::signed(1), 2, PURSE),
			TokenError::FundsUnavailable
		);
		assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(1), 2, false));
		assert_err!(
			Balances::burn_from(
				&1,
				FLOOR,
				Preservation::Expendable,
				Precision::Exact,
				Fortitude::Force
			),
			TokenError::FundsUnavailable
		);

		assert_eq!(Tickets::slash(id, Permill::zero(), &[]).burned, FLOOR);
		assert_eq!(held(1), 0);
	});
}

/// Many tickets are retired for the moment in which the price is set, so that they can be bought back for
/// less.
#[test]
fn churning_at_the_end_of_a_window_hardly_moves_the_price() {
	let price_after = |churn: bool| -> Balance {
		let mut price = 0;
		with_purses(|| {
			// Within the largest step, so that a difference would be seen.
			TargetPool::set(18);
			for account in 1..=20 {
				buy(account, Role::Trainer);
			}
			pass(98);
			if churn {
				for id in 0..20 {
					assert_ok!(Tickets::retire_ticket(RuntimeOrigin::signed(id + 1), id));
				}
			}
			pass(1);
			price = Tickets::price(Role::Trainer);
		});
		price
	};
	assert_eq!(price_after(true), price_after(false));
}

/// Many tickets are bought for a moment, so that others pay more.
#[test]
fn a_crowd_of_a_few_blocks_hardly_moves_the_price() {
	with_purses(|| {
		TargetPool::set(30);
		for account in 1..=30 {
			buy(account, Role::Trainer);
		}
		pass(100);
		let price = Tickets::price(Role::Trainer);
		pass(96);
		for account in 31..=40 {
			buy(account, Role::Trainer);
		}
		// By their number in that block the price would rise by an eighth.
		pass(10);
		assert_eq!(Tickets::price(Role::Trainer), price);
	});
}

/// Tickets are bought and given up again, so that the hook is kept busy with what is not there.
#[test]
fn the_hook_is_not_kept_busy_by_tickets_that_are_given_up() {
	with_purses(|| {
		// Enough for one ticket in a block, or for several numbers without a ticket.
		let of_one = SubstrateWeight::<Test>::look() + SubstrateWeight::<Test>::promote();
		MaximumWeight::set(SubstrateWeight::<Test>::poll() + of_one);
		for _ in 0..2 {
			for account in 1..=10 {
				let id = buy(account, Role::Trainer);
				assert_ok!(Tickets::retire_ticket(RuntimeOrigin::signed(account), id));
			}
		}
		let honest = buy(1, Role::Trainer);
		// They are passed before the ticket behind them is due.
		pass(9);
		assert_eq!(NextToMature::<Test>::get(), honest);
		pass(1);
		assert_eq!(place(honest), Place::Pooled { index: 0 });
	});
}

/// A ticket is bought when it is known what will be drawn.
#[test]
fn a_ticket_bought_for_known_randomness_is_not_mature_in_time() {
	with_purses(|| {
		pool_of(Role::Trainer, 1);
		for account in 2..=40 {
			buy(account, Role::Trainer);
		}
		// A draw with randomness that was known at the purchase comes a few blocks later at most.
		pass(5);
		assert_eq!(draw(Role::Trainer, 0, &[], 1).unwrap().account, 1);
	});
}

/// A verifier that has missed duties gives its ticket up to keep the whole stake.
#[test]
fn a_fine_can_not_be_escaped_by_retiring_in_mid_task() {
	with_purses(|| {
		let id = pool_of(Role::Verifier, 1)[0];
		draw(Role::Verifier, 0, &[], 0).unwrap();
		Tickets::duty_missed(id);
		Tickets::duty_missed(id);
		assert_ok!(Tickets::retire_ticket(RuntimeOrigin::signed(1), id));
		Tickets::duty_missed(id);
		assert_eq!(held(1), FLOOR - FLOOR / 10);
	});
}
