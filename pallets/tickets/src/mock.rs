//! A runtime with real balances around the pallet.

use crate as pallet_tickets;
use crate::{Place, SubstrateWeight, Ticket};
use polkadot_sdk::{
	frame_support::{
		self, assert_ok, derive_impl, parameter_types,
		traits::{fungible::InspectHold, ConstU128, ConstU32, OnPoll},
		weights::{constants::RocksDbWeight, Weight, WeightMeter},
		BoundedVec,
	},
	frame_system, pallet_balances,
	sp_core::H256,
	sp_io,
	sp_runtime::{traits::IdentityLookup, BuildStorage, Permill},
};
use pouw_primitives::{
	seams::{DrawnTicket, TicketPool},
	ticket::{feature::OPERATIONS_1, Capabilities, Endpoint, Role, SocketAddress, ROLES},
	Balance, BlockNumber, TaskId, TicketId, POUW,
};

pub(crate) type AccountId = u64;
/// What each account has at first.
pub(crate) const PURSE: Balance = 100_000 * POUW;
/// The accounts that have it are those from 1 to this one.
pub(crate) const ACCOUNTS: AccountId = 40;
pub(crate) const FLOOR: Balance = 10 * POUW;

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
	pub type Tickets = pallet_tickets;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type AccountData = pallet_balances::AccountData<Balance>;
	type AccountId = AccountId;
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type DbWeight = RocksDbWeight;
	type Lookup = IdentityLookup<AccountId>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<{ POUW / 100 }>;
}

parameter_types! {
	pub static Maturity: BlockNumber = 10;
	pub static Lifetime: BlockNumber = 1_000;
	pub static TargetPool: u32 = 10;
	pub static RetargetWindow: BlockNumber = 100;
	pub static MissedDutyLimit: u32 = 3;
	pub static MaximumWeight: Weight = Weight::MAX;
	pub const MissedDutyFine: Permill = Permill::from_percent(10);
}

impl pallet_tickets::Config for Test {
	type WeightInfo = SubstrateWeight<Test>;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type BlockNumberProvider = System;
	type Maturity = Maturity;
	type Lifetime = Lifetime;
	type PriceFloor = ConstU128<FLOOR>;
	type TargetPool = TargetPool;
	type RetargetWindow = RetargetWindow;
	type MissedDutyLimit = MissedDutyLimit;
	type MissedDutyFine = MissedDutyFine;
	type MaxTicketsPerAccount = ConstU32<16>;
	type MaxLockedPerTask = ConstU32<8>;
	type MaximumWeight = MaximumWeight;
}

/// Accounts with purses, in block 1.
pub(crate) fn externalities() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: (1..=ACCOUNTS).map(|account| (account, PURSE)).collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	Maturity::set(10);
	Lifetime::set(1_000);
	TargetPool::set(10);
	RetargetWindow::set(100);
	MissedDutyLimit::set(3);
	MaximumWeight::set(Weight::MAX);
	let mut externalities = sp_io::TestExternalities::new(storage);
	externalities.execute_with(|| System::set_block_number(1));
	externalities
}

/// Runs a test and checks the invariants after it.
pub(crate) fn with_purses(test: impl FnOnce()) {
	externalities().execute_with(|| {
		test();
		check_invariants();
	});
}

/// Checks what is always true. Beyond what the pallet can see: no account has funds on hold but for its
/// tickets.
pub(crate) fn check_invariants() {
	Tickets::do_try_state().unwrap();
	let held: Balance = (1..=ACCOUNTS).map(held).sum();
	let stakes: Balance = pallet_tickets::Tickets::<Test>::iter_values()
		.map(|ticket| ticket.stake)
		.sum();
	assert_eq!(held, stakes);
}

/// Lets blocks pass with all the weight that the hook may want.
pub(crate) fn pass(blocks: BlockNumber) {
	for _ in 0..blocks {
		let block = System::block_number() + 1;
		System::set_block_number(block);
		poll(Weight::MAX);
	}
}

/// Runs the hook with so much weight, and returns what it used.
pub(crate) fn poll(limit: Weight) -> Weight {
	let mut meter = WeightMeter::with_limit(limit);
	<Tickets as OnPoll<BlockNumber>>::on_poll(System::block_number(), &mut meter);
	meter.consumed()
}

pub(crate) fn machine() -> Capabilities {
	Capabilities {
		features: OPERATIONS_1,
		parameters: 1_000_000,
		data_bytes: 1 << 30,
	}
}

pub(crate) fn endpoint() -> Endpoint {
	Endpoint {
		key: [7; 32],
		addresses: BoundedVec::truncate_from(vec![SocketAddress::V4([127, 0, 0, 1], 4_433)]),
	}
}

/// Buys a ticket at any price.
pub(crate) fn buy(owner: AccountId, role: Role) -> TicketId {
	buy_able(owner, role, machine())
}

/// Buys a ticket for a machine of these capabilities.
pub(crate) fn buy_able(owner: AccountId, role: Role, capabilities: Capabilities) -> TicketId {
	let id = pallet_tickets::NextTicket::<Test>::get();
	assert_ok!(Tickets::buy_ticket(
		RuntimeOrigin::signed(owner),
		role,
		capabilities,
		endpoint(),
		Balance::MAX
	));
	id
}

/// Buys a ticket for each account from 1 on and waits until they are in the pool.
pub(crate) fn pool_of(role: Role, accounts: AccountId) -> Vec<TicketId> {
	let tickets = (1..=accounts).map(|account| buy(account, role)).collect();
	pass(Maturity::get());
	tickets
}

/// A draw for a task without particular needs.
pub(crate) fn draw(
	role: Role,
	task: TaskId,
	excluded: &[AccountId],
	seed: u64,
) -> Option<DrawnTicket<AccountId>> {
	let randomness = H256::from_low_u64_be(seed);
	Tickets::draw(role, task, &Capabilities::default(), excluded, &randomness)
}

pub(crate) fn held(account: AccountId) -> Balance {
	Balances::balance_on_hold(&pallet_tickets::HoldReason::Ticket.into(), &account)
}

pub(crate) fn ticket(id: TicketId) -> Ticket<AccountId> {
	pallet_tickets::Tickets::<Test>::get(id).unwrap()
}

pub(crate) fn place(id: TicketId) -> Place {
	ticket(id).place
}

pub(crate) fn role(number: u8) -> Role {
	ROLES[usize::from(number) % ROLES.len()]
}
