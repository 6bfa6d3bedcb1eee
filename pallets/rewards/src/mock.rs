//! A runtime with real balances around the pallet.

use crate as pallet_rewards;
use polkadot_sdk::{
	frame_support::{self, derive_impl, parameter_types, traits::ConstU128},
	frame_system::{self, EnsureRoot},
	pallet_balances, sp_io,
	sp_runtime::{traits::IdentityLookup, BuildStorage},
};
use pouw_primitives::{Balance, BlockNumber, POUW};

pub(crate) type AccountId = u64;
pub(crate) const EXISTENTIAL_DEPOSIT: Balance = POUW / 100;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Rewards = pallet_rewards;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type AccountData = pallet_balances::AccountData<Balance>;
	type AccountId = AccountId;
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type Lookup = IdentityLookup<AccountId>;
	type OnKilledAccount = Rewards;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
}

parameter_types! {
	pub static EraLength: BlockNumber = 100;
	pub static EraBudget: Balance = 1_000 * POUW;
	pub static SegmentSubsidy: Balance = POUW;
}

impl pallet_rewards::Config for Test {
	type WeightInfo = pallet_rewards::SubstrateWeight<Test>;
	type Currency = Balances;
	type AdminOrigin = EnsureRoot<AccountId>;
	type BlockNumberProvider = System;
	type EraLength = EraLength;
	type EraBudget = EraBudget;
	type SegmentSubsidy = SegmentSubsidy;
}

/// Accounts 1 to 9 with 1,000 POUW each, in block 1.
pub(crate) fn externalities() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: (1..10).map(|account| (account, 1_000 * POUW)).collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	EraLength::set(100);
	EraBudget::set(1_000 * POUW);
	SegmentSubsidy::set(POUW);
	let mut externalities = sp_io::TestExternalities::new(storage);
	externalities.execute_with(|| System::set_block_number(1));
	externalities
}

/// Runs a test and checks the invariants after it.
pub(crate) fn with_accounts(test: impl FnOnce()) {
	externalities().execute_with(|| {
		test();
		Rewards::do_try_state().unwrap();
	});
}
