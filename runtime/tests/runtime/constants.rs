//! Figures that have to fit together, and what a transaction costs.

use crate::chain::{account, genesis};
use frame_support::traits::InstanceFilter;
use polkadot_sdk::*;
use pouw_runtime::{
	consensus::{EpochDuration, MaxSetIdSessionEntries, ReportLongevity},
	currency::{EXISTENTIAL_DEPOSIT, MILLI, UNIT},
	presets::DEVELOPMENT,
	proxies::ProxyType,
	staking::{
		BondingDuration, ElectionLimits, HistoryDepth, MaxValidators, SessionsPerEra,
		SlashDeferDuration, MAX_CANDIDATES, MAX_NOMINATORS,
	},
	system::MinimumPeriod,
	time::{DAYS, MILLISECS_PER_SLOT},
	Runtime, RuntimeCall, TransactionPayment, VERSION,
};
use sp_runtime::MultiAddress;

#[test]
fn time_is_counted_in_slots_of_three_seconds() {
	assert_eq!(MILLISECS_PER_SLOT, 3_000);
	assert_eq!(MinimumPeriod::get() * 2, MILLISECS_PER_SLOT);
	assert_eq!(DAYS, 28_800);
	// BABE counts epochs with it from genesis on: it can never change.
	assert_eq!(EpochDuration::get(), 200);
}

#[test]
fn stake_is_slashable_for_as_long_as_an_offence_can_be_reported() {
	let era = EpochDuration::get() * u64::from(SessionsPerEra::get());
	assert_eq!(
		ReportLongevity::get(),
		era * u64::from(BondingDuration::get())
	);
	assert!(SlashDeferDuration::get() < BondingDuration::get());
	assert!(HistoryDepth::get() > BondingDuration::get());
	assert_eq!(
		MaxSetIdSessionEntries::get(),
		u64::from(SessionsPerEra::get()) * u64::from(BondingDuration::get())
	);
}

#[test]
fn an_election_counts_everybody_who_may_stake() {
	let limits = ElectionLimits::get();
	assert_eq!(
		limits.voters.count.map(|c| c.0),
		Some(MAX_NOMINATORS + MAX_CANDIDATES)
	);
	assert_eq!(limits.targets.count.map(|c| c.0), Some(MAX_CANDIDATES));
	assert_eq!(MaxValidators::get(), MAX_CANDIDATES);
}

#[test]
fn addresses_and_names_are_our_own() {
	assert_eq!(<Runtime as frame_system::Config>::SS58Prefix::get(), 6067);
	assert_eq!(VERSION.spec_name, "pouw");
	use sp_core::crypto::{Ss58AddressFormat, Ss58Codec};
	let address = account("Alice").to_ss58check_with_version(Ss58AddressFormat::custom(6067));
	assert!(address.starts_with("pw"), "{address}");
}

#[test]
fn a_transfer_is_cheap_and_a_large_proof_affordable() {
	genesis(DEVELOPMENT).execute_with(|| {
		let call = RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
			dest: MultiAddress::Id(account("Bob")),
			value: UNIT,
		});
		let fee = TransactionPayment::query_call_info(call, 150).partial_fee;
		assert!(fee > MILLI / 10, "{fee}");
		assert!(fee < EXISTENTIAL_DEPOSIT, "{fee}");
		let proof = TransactionPayment::length_to_fee(512 * 1024);
		assert!(proof > UNIT / 4 && proof < UNIT, "{proof}");
	});
}

#[test]
fn a_proxy_never_hands_on_more_than_it_may() {
	let calls = [
		RuntimeCall::Balances(pallet_balances::Call::transfer_all {
			dest: MultiAddress::Id(account("Bob")),
			keep_alive: true,
		}),
		RuntimeCall::Staking(pallet_staking::Call::chill {}),
		RuntimeCall::Session(pallet_session::Call::purge_keys {}),
		RuntimeCall::Referenda(pallet_referenda::Call::kill { index: 0 }),
		RuntimeCall::System(frame_system::Call::remark { remark: vec![] }),
		RuntimeCall::Utility(pallet_utility::Call::batch { calls: vec![] }),
		RuntimeCall::MlTasks(pallet_ml_tasks::Call::cancel_task { task: 0 }),
		RuntimeCall::MlTasks(pallet_ml_tasks::Call::reveal_test { task: 0 }),
		RuntimeCall::Tickets(pallet_tickets::Call::retire_ticket { ticket: 0 }),
		RuntimeCall::Proxy(pallet_proxy::Call::reject_announcement {
			delegate: MultiAddress::Id(account("Bob")),
			call_hash: Default::default(),
		}),
	];
	let kinds = [
		ProxyType::Any,
		ProxyType::NonTransfer,
		ProxyType::Governance,
		ProxyType::Staking,
		ProxyType::CancelProxy,
		ProxyType::Work,
	];
	for larger in kinds {
		for smaller in kinds.into_iter().filter(|kind| larger.is_superset(kind)) {
			for call in calls.iter().filter(|call| smaller.filter(call)) {
				assert!(
					larger.filter(call),
					"{larger:?} lacks what {smaller:?} has: {call:?}"
				);
			}
		}
	}
	assert!(!ProxyType::NonTransfer.filter(&calls[0]));
	assert!(!ProxyType::CancelProxy.filter(&calls[1]));
}
