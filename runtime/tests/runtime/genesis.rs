//! The presets are states that a chain can start from.

use crate::chain::{assert_invariants, genesis, genesis_config, stash};
use polkadot_sdk::*;
use pouw_runtime::{
	currency::{EXISTENTIAL_DEPOSIT, UNIT},
	presets::{get_preset, preset_names, DEVELOPMENT, LOCAL, TESTNET},
	staking::{MAX_CANDIDATES, MAX_NOMINATORS},
	AccountId, Babe, Balances, Grandpa, Runtime, Session, System, Treasury,
};
use std::collections::BTreeSet;

fn validators(preset: &str) -> Vec<AccountId> {
	genesis(preset).execute_with(Session::validators)
}

#[test]
fn each_preset_has_the_validators_that_it_names() {
	let named = |names: &[&str]| names.iter().map(|n| stash(n)).collect::<BTreeSet<_>>();
	for (preset, names) in [
		(DEVELOPMENT, &["Alice"][..]),
		(LOCAL, &["Alice", "Bob"]),
		(TESTNET, &["Alice", "Bob", "Charlie", "Dave"]),
	] {
		let elected = validators(preset).into_iter().collect::<BTreeSet<_>>();
		assert_eq!(elected, named(names), "{preset}");
		genesis(preset).execute_with(|| {
			assert_eq!(Babe::authorities().len(), names.len(), "{preset}");
			assert_eq!(
				Grandpa::grandpa_authorities().len(),
				names.len(),
				"{preset}"
			);
			assert_invariants();
		});
	}
	assert_eq!(preset_names().len(), 3);
	assert_eq!(get_preset(&"no such preset".into()), None);
}

#[test]
fn validators_have_different_stakes() {
	for preset in [LOCAL, TESTNET] {
		genesis(preset).execute_with(|| {
			let stakes = Session::validators()
				.iter()
				.map(|v| pallet_staking::Pallet::<Runtime>::eras_stakers(0, v).total)
				.collect::<BTreeSet<_>>();
			assert_eq!(stakes.len(), Session::validators().len(), "{preset}");
		});
	}
}

#[test]
fn the_development_accounts_have_plenty() {
	for preset in [DEVELOPMENT, LOCAL, TESTNET] {
		genesis(preset).execute_with(|| {
			assert!(Balances::free_balance(crate::chain::account("Alice")) >= 1_000_000 * UNIT);
			for name in ["Bob", "Charlie", "Dave", "Eve", "Ferdie"] {
				assert!(
					Balances::free_balance(crate::chain::account(name)) >= 100_000 * UNIT,
					"{name}"
				);
			}
		});
	}
}

#[test]
fn no_account_starts_below_the_existential_deposit_and_the_treasury_exists() {
	for preset in [DEVELOPMENT, LOCAL, TESTNET] {
		genesis(preset).execute_with(|| {
			for (account, info) in frame_system::Account::<Runtime>::iter() {
				let total = info.data.free + info.data.reserved;
				assert!(total >= EXISTENTIAL_DEPOSIT, "{account} in {preset}");
			}
			assert!(System::account_exists(&Treasury::account_id()));
		});
	}
}

#[test]
fn nobody_whom_an_election_can_not_count_may_stake() {
	for preset in [DEVELOPMENT, LOCAL, TESTNET] {
		genesis(preset).execute_with(|| {
			let nominators = pallet_staking::MaxNominatorsCount::<Runtime>::get();
			let candidates = pallet_staking::MaxValidatorsCount::<Runtime>::get();
			assert_eq!(nominators, Some(MAX_NOMINATORS));
			assert_eq!(candidates, Some(MAX_CANDIDATES));
		});
	}
}

#[test]
fn presets_name_only_what_the_genesis_knows() {
	// A key that is misspelt in a preset would otherwise be ignored.
	for preset in [DEVELOPMENT, LOCAL, TESTNET] {
		let merged = genesis_config(preset);
		let parsed: pouw_runtime::RuntimeGenesisConfig =
			serde_json::from_value(merged.clone()).expect("the merged configuration parses");
		assert_eq!(
			serde_json::to_value(parsed).expect("serialises"),
			merged,
			"{preset}"
		);
	}
}
