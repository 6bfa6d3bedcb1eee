//! The hook does a bounded amount of work, and what is left over in the next blocks.

use crate::{mock::*, NextToExpire, NextToMature, SubstrateWeight, WeightInfo};
use polkadot_sdk::frame_support::weights::Weight;
use pouw_primitives::ticket::Role;

fn buy_many(count: u64) {
	for number in 0..count {
		buy(1 + number % ACCOUNTS, Role::Verifier);
	}
}

type Weights = SubstrateWeight<Test>;

fn promotion() -> Weight {
	Weights::look() + Weights::promote()
}

fn expiry() -> Weight {
	Weights::look() + Weights::expire()
}

#[test]
fn it_leaves_the_rest_for_the_next_blocks() {
	with_purses(|| {
		buy_many(50);
		MaximumWeight::set(Weights::poll() + promotion() * 20);
		pass(10);
		assert_eq!(Tickets::pool_size(Role::Verifier), 20);
		pass(1);
		assert_eq!(Tickets::pool_size(Role::Verifier), 40);
		pass(1);
		assert_eq!(Tickets::pool_size(Role::Verifier), 50);
	});
}

#[test]
fn it_uses_no_more_weight_than_it_gets() {
	with_purses(|| {
		buy_many(50);
		System::set_block_number(11);

		let short = Weights::poll() - Weight::from_parts(1, 0);
		assert_eq!(poll(short), Weight::zero());
		assert_eq!(NextToMature::<Test>::get(), 0);

		let for_three = Weights::poll() + promotion() * 3;
		assert_eq!(poll(for_three), for_three);
		assert_eq!(NextToMature::<Test>::get(), 3);

		// A look at the fourth, which there is not enough left to act upon, and one at what may expire.
		let nearly_four = for_three + promotion() - Weight::from_parts(1, 0);
		assert_eq!(poll(nearly_four), for_three + Weights::look() * 2);
		assert_eq!(NextToMature::<Test>::get(), 6);
	});
}

#[test]
fn it_leaves_weight_to_others() {
	with_purses(|| {
		buy_many(50);
		System::set_block_number(11);
		let limit = Weights::poll() + promotion() * 4;
		MaximumWeight::set(limit);
		assert_eq!(poll(Weight::MAX), limit);
		assert_eq!(NextToMature::<Test>::get(), 4);
	});
}

#[test]
fn prices_wait_for_weight() {
	with_purses(|| {
		buy_many(20);
		System::set_block_number(101);
		let price = Tickets::price(Role::Verifier);
		poll(Weights::poll());
		assert_eq!(Tickets::price(Role::Verifier), price);
		poll(Weight::MAX);
		assert!(Tickets::price(Role::Verifier) > price);
	});
}

#[test]
fn expiring_is_bounded_too() {
	with_purses(|| {
		Lifetime::set(80);
		buy_many(50);
		pass(20);
		assert_eq!(Tickets::pool_size(Role::Verifier), 50);
		System::set_block_number(91);
		poll(Weights::poll() + expiry() * 20);
		assert_eq!(NextToExpire::<Test>::get(), 20);
		assert_eq!(Tickets::pool_size(Role::Verifier), 30);
		pass(1);
		assert_eq!(Tickets::pool_size(Role::Verifier), 0);
		assert!((1..=ACCOUNTS).all(|account| held(account) == 0));
	});
}

#[test]
fn an_idle_block_costs_little() {
	with_purses(|| {
		buy_many(1);
		pass(50);
		System::set_block_number(System::block_number() + 1);
		// One ticket is looked at, and found not to be due.
		assert_eq!(poll(Weight::MAX), Weights::poll() + Weights::look());
	});
}
