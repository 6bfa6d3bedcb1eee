//! A runtime of balances and the four pallets of the market, wired to each other, and people in it who do
//! what their duties say, each in its own manner.

use crate as pallet_pouw;
use crate::{tests::arithmetic, Error};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{
		self, assert_ok, derive_impl, parameter_types,
		traits::{
			fungible::{Inspect, InspectHold},
			ConstU128, ConstU32, OnPoll, Randomness as RandomnessT,
		},
		weights::{constants::RocksDbWeight, Weight, WeightMeter},
		BoundedVec,
	},
	frame_system::{self, EnsureRoot},
	pallet_balances,
	sp_core::H256,
	sp_io,
	sp_io::hashing::blake2_256,
	sp_runtime::{traits::IdentityLookup, BuildStorage, DispatchResult, Permill, TokenError},
};
use pouw_primitives::{
	proof::{audit_commitment, audit_digest, evaluation_commitment, AuditAnswer},
	spec::{CostSpec, DataSpec, TaskSpec, TrainingSpec},
	status::{AuditStatus, Duty, DutyKind, Phase, SpecVerdict, TaskStatus, TaskSummary},
	ticket::{feature::OPERATIONS_1, Capabilities, Endpoint, Role, SocketAddress},
	AuditId, Balance, BlockNumber, DisputeId, RoundIndex, Slot, TaskId, TicketId, POUW,
};
use repops::commit::{trace_root, Hash};

pub(crate) type AccountId = u64;

/// What each account has at first.
pub(crate) const PURSE: Balance = 100_000 * POUW;
/// The accounts that have it are those from 1 to this one.
pub(crate) const ACCOUNTS: AccountId = 60;
/// The clients, of which the first pays for most tasks.
pub(crate) const CLIENT: AccountId = 1;
pub(crate) const OTHER_CLIENT: AccountId = 2;
/// The accounts with a trainer's ticket, of another role likewise.
pub(crate) const TRAINERS: core::ops::Range<AccountId> = 10..20;
pub(crate) const SUPERVISORS: core::ops::Range<AccountId> = 20..30;
pub(crate) const VERIFIERS: core::ops::Range<AccountId> = 30..40;
pub(crate) const EVALUATORS: core::ops::Range<AccountId> = 40..50;
/// Somebody without any part.
pub(crate) const STRANGER: AccountId = 60;

mod checks;
mod people;

pub(crate) use checks::check_invariants;
pub(crate) use people::*;

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
	#[runtime::pallet_index(3)]
	pub type MlTasks = pallet_ml_tasks;
	#[runtime::pallet_index(4)]
	pub type Pouw = pallet_pouw;
	#[runtime::pallet_index(5)]
	pub type Rewards = pallet_rewards;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type AccountData = pallet_balances::AccountData<Balance>;
	type AccountId = AccountId;
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type DbWeight = RocksDbWeight;
	type Lookup = IdentityLookup<AccountId>;
	type OnKilledAccount = Rewards;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<{ POUW / 100 }>;
}

parameter_types! {
	pub static RandomnessWorks: bool = true;
	pub static RandomSeed: u64 = 0;
	pub static AuditRate: Permill = Permill::from_percent(25);
	pub static VerifiersPerAudit: u32 = 3;
	pub static MaxRoundsAhead: RoundIndex = 4;
	pub static HookWeight: Weight = Weight::MAX;
	pub static DrawDelay: BlockNumber = 3;
	pub static AuditDelay: BlockNumber = 2;
	pub static CommitWindow: BlockNumber = 10;
	pub static RevealWindow: BlockNumber = 10;
	pub static ChallengeWindow: BlockNumber = 5;
	pub static ChallengeBond: Balance = 10 * POUW;
	pub static DisputeClock: BlockNumber = 5;
	pub static ReferenceSpeed: u64 = u64::MAX;
	pub static MissedDutyLimit: u32 = 100;
	pub const MissedDutyFine: Permill = Permill::from_percent(10);
	pub const ClientBondShare: Permill = Permill::from_percent(10);
	pub static MinimumClientBond: Balance = POUW;
	pub static PlacePrice: Balance = POUW / 10;
}

/// Randomness as a block's author makes it: that of the block before is known in each block.
// The macro's runtime is public, and names it.
#[allow(unreachable_pub)]
pub struct TestRandomness;

impl RandomnessT<Option<H256>, BlockNumber> for TestRandomness {
	fn random(subject: &[u8]) -> (Option<H256>, BlockNumber) {
		let known_since = System::block_number() - 1;
		let randomness = (RandomSeed::get(), subject, known_since).using_encoded(blake2_256);
		(
			RandomnessWorks::get().then_some(H256(randomness)),
			known_since,
		)
	}
}

impl pallet_tickets::Config for Test {
	type WeightInfo = pallet_tickets::weights::SubstrateWeight<Test>;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type BlockNumberProvider = System;
	type Maturity = ConstU32<5>;
	type Lifetime = ConstU32<100_000>;
	type PriceFloor = ConstU128<{ 10 * POUW }>;
	type TargetPool = ConstU32<100>;
	type RetargetWindow = ConstU32<10_000>;
	type MissedDutyLimit = MissedDutyLimit;
	type MissedDutyFine = MissedDutyFine;
	type MaxTicketsPerAccount = ConstU32<16>;
	type MaxLockedPerTask = ConstU32<64>;
	type MaximumWeight = HookWeight;
}

impl pallet_rewards::Config for Test {
	type WeightInfo = pallet_rewards::weights::SubstrateWeight<Test>;
	type Currency = Balances;
	type AdminOrigin = EnsureRoot<AccountId>;
	type BlockNumberProvider = System;
	type EraLength = ConstU32<1_000>;
	type EraBudget = ConstU128<{ 1_000 * POUW }>;
	type SegmentSubsidy = ConstU128<{ POUW / 10 }>;
}

impl pallet_ml_tasks::Config for Test {
	type WeightInfo = pallet_ml_tasks::weights::SubstrateWeight<Test>;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type BlockNumberProvider = System;
	type Randomness = TestRandomness;
	type Tickets = Tickets;
	type Proofs = Pouw;
	type Rewards = Rewards;
	type DrawDelay = DrawDelay;
	type AcceptWindow = ConstU32<5>;
	type AssignmentWindow = ConstU32<60>;
	type AttestWindow = ConstU32<10>;
	type RevealTestWindow = ConstU32<20>;
	type EvaluationWindow = ConstU32<20>;
	type EvaluationRevealWindow = ConstU32<10>;
	type AuditRate = AuditRate;
	type ClientBondShare = ClientBondShare;
	type MinimumClientBond = MinimumClientBond;
	type GigaMultiplyAddPrice = ConstU128<{ POUW / 100 }>;
	type SegmentPrice = ConstU128<{ POUW / 100 }>;
	type PlacePrice = PlacePrice;
	type MaxRoundsAhead = MaxRoundsAhead;
	type HookWeight = HookWeight;
}

impl pallet_pouw::Config for Test {
	type WeightInfo = crate::weights::SubstrateWeight<Test>;
	type BlockNumberProvider = System;
	type Randomness = TestRandomness;
	type Market = MlTasks;
	type Tickets = Tickets;
	type Rewards = Rewards;
	type AuditDelay = AuditDelay;
	type AuditRate = AuditRate;
	type VerifiersPerAudit = VerifiersPerAudit;
	type CommitWindow = CommitWindow;
	type RevealWindow = RevealWindow;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ChallengeWindow = ChallengeWindow;
	type ChallengeBond = ChallengeBond;
	type DisputeClock = DisputeClock;
	type ReferenceSpeed = ReferenceSpeed;
	type HookWeight = HookWeight;
}

/// Accounts with purses, in block 1, nobody having bought a ticket.
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
	RandomnessWorks::set(true);
	RandomSeed::set(0);
	AuditRate::set(Permill::from_percent(25));
	VerifiersPerAudit::set(3);
	MaxRoundsAhead::set(4);
	HookWeight::set(Weight::MAX);
	DrawDelay::set(3);
	AuditDelay::set(2);
	CommitWindow::set(10);
	RevealWindow::set(10);
	ChallengeWindow::set(5);
	ChallengeBond::set(10 * POUW);
	DisputeClock::set(5);
	ReferenceSpeed::set(u64::MAX);
	MissedDutyLimit::set(100);
	make_all_honest();
	let mut externalities = sp_io::TestExternalities::new(storage);
	externalities.execute_with(|| System::set_block_number(1));
	externalities
}

/// Runs a test in a market with ten mature tickets of each role, and checks the invariants after it.
pub(crate) fn in_market(test: impl FnOnce()) {
	in_market_with(10, test);
}

/// The same with fewer tickets of each role.
pub(crate) fn in_market_with(tickets: u64, test: impl FnOnce()) {
	externalities().execute_with(|| {
		for (role, accounts) in [
			(Role::Trainer, TRAINERS),
			(Role::Supervisor, SUPERVISORS),
			(Role::Verifier, VERIFIERS),
			(Role::Evaluator, EVALUATORS),
		] {
			for account in accounts.take(tickets as usize) {
				buy_ticket(account, role);
			}
		}
		pass(6);
		test();
		check_invariants();
	});
}

pub(crate) fn buy_ticket(account: AccountId, role: Role) -> TicketId {
	let ticket = pallet_tickets::NextTicket::<Test>::get();
	assert_ok!(Tickets::buy_ticket(
		RuntimeOrigin::signed(account),
		role,
		capabilities(),
		endpoint(),
		Balance::MAX,
	));
	ticket
}

pub(crate) fn capabilities() -> Capabilities {
	Capabilities {
		features: OPERATIONS_1,
		parameters: 1_000_000,
		data_bytes: 1_000_000_000,
	}
}

pub(crate) fn endpoint() -> Endpoint {
	let addresses = vec![SocketAddress::V4([127, 0, 0, 1], 4_000)]
		.try_into()
		.unwrap();
	Endpoint {
		key: [7; 32],
		addresses,
	}
}

/// A small task: two trainers, three supervisors and three evaluators, three rounds of four segments.
pub(crate) fn small_spec() -> TaskSpec {
	TaskSpec {
		name: b"digits".to_vec().try_into().unwrap(),
		arithmetic_version: 1,
		step_program: H256::repeat_byte(1),
		step_program_parts: H256(arithmetic::TASK.program_root()),
		evaluation_program: H256::repeat_byte(2),
		evaluation_program_parts: arithmetic::TEST.program_root(),
		initial_state: None,
		data: DataSpec {
			root: H256::repeat_byte(3),
			manifest: H256::repeat_byte(4),
			segments: 20,
			hidden_segments: 4,
			rows_per_segment: 50,
			columns: 64,
			classes: 10,
		},
		training: TrainingSpec {
			trainers: 2,
			supervisors: 3,
			evaluators: 3,
			rounds: 3,
			steps_per_round: 40,
			steps_per_segment: 10,
			batch: 32,
		},
		cost: CostSpec {
			state_elements: 10_000,
			parameters: 5_000,
			step_multiply_adds: 1_000_000,
			evaluation_multiply_adds: 1_000_000,
		},
		needs: Capabilities {
			features: OPERATIONS_1,
			parameters: 5_000,
			data_bytes: 1_000_000,
		},
		required_accuracy: Permill::from_percent(90),
		fee: 240 * POUW,
		round_deadline: 20,
		endpoint: endpoint(),
	}
}

/// The rows of the small task's hidden part.
pub(crate) const TEST_ROWS: u32 = 200;

pub(crate) fn submit(client: AccountId, spec: TaskSpec) -> TaskId {
	let task = pallet_ml_tasks::NextTask::<Test>::get();
	assert_ok!(MlTasks::submit_task(
		RuntimeOrigin::signed(client),
		Box::new(spec)
	));
	task
}

/// Lets blocks pass in which nobody does anything.
pub(crate) fn pass(blocks: BlockNumber) {
	for _ in 0..blocks {
		System::set_block_number(System::block_number() + 1);
		poll(Weight::MAX);
	}
}

/// Runs the hooks with so much weight, and returns what they used.
pub(crate) fn poll(limit: Weight) -> Weight {
	let mut meter = WeightMeter::with_limit(limit);
	<AllPalletsWithSystem as OnPoll<BlockNumber>>::on_poll(System::block_number(), &mut meter);
	meter.consumed()
}

// What is right. Most tests have no arithmetic; what a segment's run brings is told by its place.

/// The roots of the checkpoints that a trainer's round has if it was trained.
pub(crate) fn right_checkpoints(task: TaskId, round: RoundIndex, slot: Slot) -> Vec<Hash> {
	let segments = MlTasks::task_status(task).map_or(0, |status| status.spec.segments_per_round());
	let checkpoint =
		|segment| (b"checkpoint", task, round, slot, segment).using_encoded(blake2_256);
	(0..segments)
		.map(checkpoint)
		.chain([right_end(task, round, slot).0])
		.collect()
}

/// The trace that a trainer's round has if it was trained.
pub(crate) fn right_trace(task: TaskId, round: RoundIndex, slot: Slot) -> H256 {
	H256(trace_root(&right_checkpoints(task, round, slot)))
}

/// The root of the state at the end of a trainer's round if it was trained.
pub(crate) fn right_end(task: TaskId, round: RoundIndex, slot: Slot) -> H256 {
	H256((b"end", task, round, slot).using_encoded(blake2_256))
}

/// The answer of who has run the audited segment.
pub(crate) fn right_answer(audit: &AuditStatus<AccountId>) -> AuditAnswer {
	let (task, round, slot) = (audit.task, audit.round, audit.slot);
	let committed = crate::Commitments::<Test>::get((task, round, slot));
	let in_trace =
		committed.is_some_and(|c| c.commitment.trace_root == right_trace(task, round, slot));
	let end = H256((b"end", task, round, slot, audit.segment).using_encoded(blake2_256));
	AuditAnswer {
		digest: audit_digest(&audit.randomness, &[audit.segment as f32], &end),
		in_trace,
	}
}

/// The right answers that the final model gives, out of [`TEST_ROWS`].
pub(crate) const RIGHT_SCORE: u32 = 190;

// What tests look at.

pub(crate) fn status(task: TaskId) -> TaskStatus<AccountId> {
	MlTasks::task_status(task).unwrap()
}

pub(crate) fn phase(task: TaskId) -> Phase {
	match MlTasks::task_status(task) {
		Some(status) => status.phase,
		None => MlTasks::task_summary(task).unwrap().phase,
	}
}

/// The accounts that hold places of a role, in the order of their places.
pub(crate) fn workers(task: TaskId, role: Role) -> Vec<AccountId> {
	let of_role = |worker: &pouw_primitives::status::Worker<AccountId>| worker.role == role;
	status(task)
		.workers
		.into_iter()
		.filter(of_role)
		.map(|worker| worker.account)
		.collect()
}

pub(crate) fn ticket_of(account: AccountId) -> Option<TicketId> {
	pallet_tickets::TicketsOf::<Test>::get(account)
		.first()
		.copied()
}

pub(crate) fn free(account: AccountId) -> Balance {
	Balances::free_balance(account)
}

pub(crate) fn held(reason: impl Into<RuntimeHoldReason>, account: AccountId) -> Balance {
	Balances::balance_on_hold(&reason.into(), &account)
}

/// All that an account has, free or on hold.
pub(crate) fn wealth(account: AccountId) -> Balance {
	Balances::total_balance(&account)
}

/// The events of a kind since the last block whose events were reset, here the first one.
pub(crate) fn events() -> Vec<RuntimeEvent> {
	System::events()
		.into_iter()
		.map(|record| record.event)
		.collect()
}
