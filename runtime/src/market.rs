//! The market in training runs: our four pallets, joined to each other and to the chain.
//!
//! They reach each other by the traits of `pouw_primitives::seams` alone; here is said who stands behind
//! which. Their figures are governance's ([`crate::parameters`]), except for those that bound what is
//! stored or done in a block.

use crate::{
	governance::MarketAdmin,
	parameters::dynamic_params::{audits, disputes, rewards, tasks, tickets},
	system::RuntimeBlockWeights,
	AccountId, Balances, MlTasks, Pouw, Rewards, Runtime, RuntimeHoldReason, System, Tickets,
};
use frame_support::{
	parameter_types,
	traits::{ConstU32, EitherOf},
	weights::Weight,
};
use frame_system::EnsureRoot;
use pallet_babe::ParentBlockRandomness;
use polkadot_sdk::*;
use pouw_primitives::{seams::MAX_TASK_VERIFIERS, RoundIndex};
use sp_runtime::Perbill;

parameter_types! {
	/// The most of a block that each of the market's hooks takes.
	pub HookWeight: Weight = Perbill::from_percent(15) * RuntimeBlockWeights::get().max_block;
	/// Rounds that may be sealed before their audits are over. More hides the audits' time behind the
	/// training; less keeps a rewind short.
	pub const MaxRoundsAhead: RoundIndex = 8;
}

impl pallet_tickets::Config for Runtime {
	type WeightInfo = pallet_tickets::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type BlockNumberProvider = System;
	type Maturity = tickets::Maturity;
	type Lifetime = tickets::Lifetime;
	type PriceFloor = tickets::PriceFloor;
	type TargetPool = tickets::TargetPool;
	type RetargetWindow = tickets::RetargetWindow;
	type MissedDutyLimit = tickets::MissedDutyLimit;
	type MissedDutyFine = tickets::MissedDutyFine;
	type MaxTicketsPerAccount = ConstU32<256>;
	type MaxLockedPerTask = ConstU32<MAX_TASK_VERIFIERS>;
	type MaximumWeight = HookWeight;
}

impl pallet_rewards::Config for Runtime {
	type WeightInfo = pallet_rewards::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type AdminOrigin = EitherOf<EnsureRoot<AccountId>, MarketAdmin>;
	type BlockNumberProvider = System;
	type EraLength = rewards::EraLength;
	type EraBudget = rewards::EraBudget;
	type SegmentSubsidy = rewards::SegmentSubsidy;
}

impl pallet_ml_tasks::Config for Runtime {
	type WeightInfo = pallet_ml_tasks::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type BlockNumberProvider = System;
	type Randomness = ParentBlockRandomness<Runtime>;
	type Tickets = Tickets;
	type Proofs = Pouw;
	type Rewards = Rewards;
	type DrawDelay = tasks::DrawDelay;
	type AcceptWindow = tasks::AcceptWindow;
	type AssignmentWindow = tasks::AssignmentWindow;
	type AttestWindow = tasks::AttestWindow;
	type RevealTestWindow = tasks::RevealTestWindow;
	type EvaluationWindow = tasks::EvaluationWindow;
	type EvaluationRevealWindow = tasks::EvaluationRevealWindow;
	type AuditRate = audits::AuditRate;
	type ClientBondShare = tasks::ClientBondShare;
	type MinimumClientBond = tasks::MinimumClientBond;
	type GigaMultiplyAddPrice = tasks::GigaMultiplyAddPrice;
	type SegmentPrice = tasks::SegmentPrice;
	type PlacePrice = tasks::PlacePrice;
	type MaxRoundsAhead = MaxRoundsAhead;
	type HookWeight = HookWeight;
}

impl pallet_pouw::Config for Runtime {
	type WeightInfo = pallet_pouw::weights::SubstrateWeight<Runtime>;
	type BlockNumberProvider = System;
	type Randomness = ParentBlockRandomness<Runtime>;
	type Market = MlTasks;
	type Tickets = Tickets;
	type Rewards = Rewards;
	type AuditDelay = audits::AuditDelay;
	type AuditRate = audits::AuditRate;
	type VerifiersPerAudit = audits::VerifiersPerAudit;
	type CommitWindow = audits::CommitWindow;
	type RevealWindow = audits::RevealWindow;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ChallengeWindow = disputes::ChallengeWindow;
	type ChallengeBond = disputes::ChallengeBond;
	type DisputeClock = disputes::DisputeClock;
	type ReferenceSpeed = disputes::ReferenceSpeed;
	type HookWeight = HookWeight;
}
