//! Minting the subsidy.

use crate::{mock::*, Event, Pallet};
use pouw_primitives::{seams::Rewards as _, Balance, POUW};

fn balance(account: AccountId) -> Balance {
	Balances::free_balance(account)
}

#[test]
fn it_is_a_rate_for_each_segment() {
	with_accounts(|| {
		let issued = Balances::total_issuance();
		assert_eq!(
			Rewards::pay_subsidy(7, &vec![(1, 3), (2, 1)], 100 * POUW),
			Ok(4 * POUW)
		);
		assert_eq!((balance(1), balance(2)), (1_003 * POUW, 1_001 * POUW));
		assert_eq!(Balances::total_issuance(), issued + 4 * POUW);
		System::assert_has_event(
			Event::SubsidyPaid {
				task: 7,
				account: 1,
				amount: 3 * POUW,
			}
			.into(),
		);
	});
}

#[test]
fn it_is_never_above_the_cap() {
	with_accounts(|| {
		assert_eq!(
			Rewards::pay_subsidy(7, &vec![(1, 3), (2, 1)], 2 * POUW),
			Ok(2 * POUW)
		);
		assert_eq!(balance(1), 1_000 * POUW + 3 * POUW / 2);
		assert_eq!(Rewards::pay_subsidy(7, &vec![(1, 3)], 0), Ok(0));
	});
}

#[test]
fn an_era_mints_no_more_than_its_budget() {
	with_accounts(|| {
		EraBudget::set(5 * POUW);
		assert_eq!(
			Rewards::pay_subsidy(1, &vec![(1, 3)], 100 * POUW),
			Ok(3 * POUW)
		);
		assert_eq!(Pallet::<Test>::subsidy_budget_left(), 2 * POUW);
		assert_eq!(
			Rewards::pay_subsidy(2, &vec![(1, 3)], 100 * POUW),
			Ok(2 * POUW)
		);
		assert_eq!(Rewards::pay_subsidy(3, &vec![(1, 3)], 100 * POUW), Ok(0));
		assert_eq!(Pallet::<Test>::subsidy_budget_left(), 0);
	});
}

#[test]
fn the_next_era_has_a_budget_of_its_own() {
	with_accounts(|| {
		EraBudget::set(5 * POUW);
		assert_eq!(
			Rewards::pay_subsidy(1, &vec![(1, 9)], 100 * POUW),
			Ok(5 * POUW)
		);
		System::set_block_number(EraLength::get());
		assert_eq!(Rewards::pay_subsidy(2, &vec![(1, 9)], 100 * POUW), Ok(0));
		System::set_block_number(1 + EraLength::get());
		assert_eq!(Pallet::<Test>::subsidy_budget_left(), 5 * POUW);
		assert_eq!(
			Rewards::pay_subsidy(3, &vec![(1, 9)], 100 * POUW),
			Ok(5 * POUW)
		);
	});
}

#[test]
fn a_lowered_budget_counts_at_once_and_a_raised_one_in_the_next_era() {
	with_accounts(|| {
		EraBudget::set(5 * POUW);
		assert_eq!(
			Rewards::pay_subsidy(1, &vec![(1, 3)], 100 * POUW),
			Ok(3 * POUW)
		);
		EraBudget::set(4 * POUW);
		assert_eq!(Rewards::pay_subsidy(1, &vec![(1, 3)], 100 * POUW), Ok(POUW));
		EraBudget::set(1_000 * POUW);
		assert_eq!(Rewards::pay_subsidy(1, &vec![(1, 3)], 100 * POUW), Ok(POUW));
		assert_eq!(Pallet::<Test>::subsidy_budget_left(), 0);
	});
}

#[test]
fn without_segments_nothing_is_minted() {
	with_accounts(|| {
		assert_eq!(Rewards::pay_subsidy(1, &vec![], 100 * POUW), Ok(0));
		assert_eq!(Rewards::pay_subsidy(1, &vec![(1, 0)], 100 * POUW), Ok(0));
	});
}

#[test]
fn what_an_account_can_not_take_is_not_minted() {
	with_accounts(|| {
		let issued = Balances::total_issuance();
		// Account 99 does not exist and its part is below the existential deposit.
		SegmentSubsidy::set(EXISTENTIAL_DEPOSIT / 2);
		let minted = Rewards::pay_subsidy(1, &vec![(99, 1), (1, 1)], 100 * POUW);
		assert_eq!(minted, Ok(EXISTENTIAL_DEPOSIT / 2));
		assert_eq!(Balances::total_issuance(), issued + EXISTENTIAL_DEPOSIT / 2);
		assert_eq!(
			Pallet::<Test>::subsidy_budget_left(),
			EraBudget::get() - EXISTENTIAL_DEPOSIT / 2
		);
	});
}

#[test]
fn an_era_without_length_does_not_mint_without_limit() {
	with_accounts(|| {
		EraBudget::set(POUW);
		EraLength::set(0);
		assert_eq!(Rewards::pay_subsidy(1, &vec![(1, 9)], 100 * POUW), Ok(POUW));
		assert_eq!(Rewards::pay_subsidy(1, &vec![(1, 9)], 100 * POUW), Ok(0));
	});
}
