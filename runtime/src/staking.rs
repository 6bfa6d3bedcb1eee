//! Nominated stake: who may validate, what they earn and what they lose.

use crate::{
	fees::ToTreasury, governance::StakingAdmin, AccountId, Balance, Balances, Runtime,
	RuntimeEvent, RuntimeHoldReason, Session, Staking, Timestamp,
};
use frame_election_provider_support::{
	bounds::{ElectionBounds, ElectionBoundsBuilder},
	onchain, SequentialPhragmen,
};
use frame_support::{
	parameter_types,
	traits::{ConstBool, ConstU32, EitherOf, Nothing},
};
use frame_system::EnsureRoot;
use pallet_staking::UseValidatorsMap;
use polkadot_sdk::*;
use sp_runtime::{curve::PiecewiseLinear, Perbill};
use sp_staking::{EraIndex, SessionIndex};

/// Nominators that an election can count. The chain refuses more of them, so that nobody's stake is
/// silently left out.
pub const MAX_NOMINATORS: u32 = 900;
/// Accounts that can stand for election; each also votes for itself.
pub const MAX_CANDIDATES: u32 = 100;
/// Validators that a nominator can name.
pub const MAX_NOMINATIONS: u32 = 16;

// Yearly inflation over the share of all tokens that is staked: it draws stake toward half.
pallet_staking_reward_curve::build! {
	const REWARD_CURVE: PiecewiseLinear<'static> = curve!(
		min_inflation: 0_025_000,
		max_inflation: 0_100_000,
		ideal_stake: 0_500_000,
		falloff: 0_050_000,
		max_piece_count: 40,
		test_precision: 0_005_000,
	);
}

parameter_types! {
	/// An era is six hours.
	pub const SessionsPerEra: SessionIndex = 36;
	/// Stake stays slashable for a week after it was withdrawn.
	pub const BondingDuration: EraIndex = 28;
	/// A slash is carried out just before the stake would be free; until then a referendum can undo it.
	pub const SlashDeferDuration: EraIndex = 27;
	/// Eras for which rewards can be claimed.
	pub const HistoryDepth: u32 = 84;
	/// Validators that can be elected.
	pub const MaxValidators: u32 = MAX_CANDIDATES;
	pub const RewardCurve: &'static PiecewiseLinear<'static> = &REWARD_CURVE;
	pub ElectionLimits: ElectionBounds = ElectionBoundsBuilder::default()
		.voters_count((MAX_NOMINATORS + MAX_CANDIDATES).into())
		.targets_count(MAX_CANDIDATES.into())
		.build();
}

/// Elections: sequential Phragmén over everybody who stakes, computed in the block that needs it.
pub struct Elections;

impl onchain::Config for Elections {
	type Sort = ConstBool<true>;
	type System = Runtime;
	type Solver = SequentialPhragmen<AccountId, Perbill>;
	type MaxBackersPerWinner = ConstU32<{ MAX_NOMINATORS + MAX_CANDIDATES }>;
	type MaxWinnersPerPage = MaxValidators;
	type DataProvider = Staking;
	type WeightInfo = frame_election_provider_support::weights::SubstrateWeight<Runtime>;
	type Bounds = ElectionLimits;
}

impl pallet_staking::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OldCurrency = Balances;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CurrencyBalance = Balance;
	type UnixTime = Timestamp;
	type CurrencyToVote = sp_staking::currency_to_vote::U128CurrencyToVote;
	type ElectionProvider = onchain::OnChainExecution<Elections>;
	type GenesisElectionProvider = Self::ElectionProvider;
	type NominationsQuota = pallet_staking::FixedNominationsQuota<MAX_NOMINATIONS>;
	type HistoryDepth = HistoryDepth;
	type RewardRemainder = ToTreasury;
	type Slash = ToTreasury;
	type Reward = ();
	type SessionsPerEra = SessionsPerEra;
	type BondingDuration = BondingDuration;
	type SlashDeferDuration = SlashDeferDuration;
	type AdminOrigin = EitherOf<EnsureRoot<AccountId>, StakingAdmin>;
	type SessionInterface = Self;
	type EraPayout = pallet_staking::ConvertCurve<RewardCurve>;
	type NextNewSession = Session;
	type MaxExposurePageSize = ConstU32<256>;
	type MaxValidatorSet = MaxValidators;
	type VoterList = pallet_staking::UseNominatorsAndValidatorsMap<Self>;
	type TargetList = UseValidatorsMap<Self>;
	type MaxUnlockingChunks = ConstU32<32>;
	type MaxControllersInDeprecationBatch = ConstU32<100>;
	type EventListeners = ();
	type Filter = Nothing;
	type BenchmarkingConfig = BenchmarkLimits;
	type WeightInfo = pallet_staking::weights::SubstrateWeight<Runtime>;
}

/// Sizes that the staking pallet's benchmarks go up to.
pub struct BenchmarkLimits;

impl pallet_staking::BenchmarkingConfig for BenchmarkLimits {
	type MaxNominators = ConstU32<MAX_NOMINATORS>;
	type MaxValidators = ConstU32<MAX_CANDIDATES>;
}
