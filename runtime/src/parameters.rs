//! Figures that governance sets without a release of the runtime.
//!
//! Each has a default that holds until it is set; setting one to none brings the default back. The
//! market's are set by the market administrator's track or root, everything else by root alone.

use crate::{
	currency::{MILLI, UNIT},
	governance::MarketAdmin,
	AccountId, Balance, BlockNumber, Runtime, RuntimeEvent, RuntimeOrigin, Treasury,
};
use frame_support::{
	dynamic_params::{dynamic_pallet_params, dynamic_params},
	traits::{EnsureOrigin, EnsureOriginWithArg},
};
use frame_system::EnsureRoot;
use polkadot_sdk::*;
use sp_runtime::{AccountId32, Permill};

/// The parameters, one module for each part of the chain that reads them.
#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
pub mod dynamic_params {
	use super::*;

	/// Who may do what beside the referenda's own origins.
	#[dynamic_pallet_params]
	#[codec(index = 0)]
	pub mod governance {
		/// Account, usually a multisig of people who read code, whose word lets a call take the
		/// whitelist's faster track. It can't pass anything alone: the referendum still decides. Until it
		/// is set it is the treasury's account, for which nobody can sign.
		#[codec(index = 0)]
		pub static Whitelister: AccountId32 = Treasury::account_id();
	}

	/// Tickets: how long they wait and last, what they cost, what silence costs.
	#[dynamic_pallet_params]
	#[codec(index = 1)]
	pub mod tickets {
		/// Blocks from a ticket's purchase until it can be drawn. Longer than randomness can be foreseen.
		#[codec(index = 0)]
		pub static Maturity: BlockNumber = 10;

		/// Blocks from a ticket's maturity until it expires and its stake returns: a day.
		#[codec(index = 1)]
		pub static Lifetime: BlockNumber = 28_800;

		/// The least price of a ticket.
		#[codec(index = 2)]
		pub static PriceFloor: Balance = 10 * UNIT;

		/// Tickets of each role that the price steers toward.
		#[codec(index = 3)]
		pub static TargetPool: u32 = 1_000;

		/// Blocks between two steps of the price: an hour.
		#[codec(index = 4)]
		pub static RetargetWindow: BlockNumber = 1_200;

		/// Duties missed in a row at which a ticket is fined and retires.
		#[codec(index = 5)]
		pub static MissedDutyLimit: u32 = 3;

		/// The share of its stake that it then loses.
		#[codec(index = 6)]
		pub static MissedDutyFine: Permill = Permill::from_percent(10);
	}

	/// Tasks: how long everybody has for what, and what a task must at least pay.
	#[dynamic_pallet_params]
	#[codec(index = 2)]
	pub mod tasks {
		/// Blocks from a task's submission, or from a place becoming empty, until workers are drawn: at
		/// least 2, for the randomness has to be newer than what is drawn over.
		#[codec(index = 0)]
		pub static DrawDelay: BlockNumber = 3;

		/// Blocks that a drawn worker has to accept.
		#[codec(index = 1)]
		pub static AcceptWindow: BlockNumber = 5;

		/// Blocks from the submission after which a task that has not begun fails.
		#[codec(index = 2)]
		pub static AssignmentWindow: BlockNumber = 200;

		/// Blocks that supervisors have to check a specification, or what they were late with.
		#[codec(index = 3)]
		pub static AttestWindow: BlockNumber = 20;

		/// Blocks that the client has to reveal the hidden part of the data.
		#[codec(index = 4)]
		pub static RevealTestWindow: BlockNumber = 40;

		/// Blocks that evaluators have to score the final model.
		#[codec(index = 5)]
		pub static EvaluationWindow: BlockNumber = 40;

		/// Blocks that evaluators have to reveal their scores.
		#[codec(index = 6)]
		pub static EvaluationRevealWindow: BlockNumber = 10;

		/// The client's bond, as a share of the fee.
		#[codec(index = 7)]
		pub static ClientBondShare: Permill = Permill::from_percent(10);

		/// The least fee for 10⁹ multiply-adds.
		#[codec(index = 8)]
		pub static GigaMultiplyAddPrice: Balance = 10 * MILLI;

		/// The least fee for a segment beside its multiply-adds: it has to be stored, fetched and judged.
		#[codec(index = 9)]
		pub static SegmentPrice: Balance = 100 * MILLI;

		/// The least fee for a worker's place beside its work: it binds a ticket for as long as the task
		/// lasts.
		#[codec(index = 10)]
		pub static PlacePrice: Balance = UNIT;

		/// The least bond of a client, however small the fee.
		#[codec(index = 11)]
		pub static MinimumClientBond: Balance = 10 * UNIT;
	}

	/// Audits: how many, by how many, and how long they may take.
	#[dynamic_pallet_params]
	#[codec(index = 3)]
	pub mod audits {
		/// The chance of a segment to be audited. Trainers' bonds are derived from it: half the chance
		/// is twice the bond.
		#[codec(index = 0)]
		pub static AuditRate: Permill = Permill::from_parts(62_500);

		/// Verifiers of an audit; what goes beyond `pallet_pouw::MAX_VERIFIERS` counts for nothing.
		#[codec(index = 1)]
		pub static VerifiersPerAudit: u32 = 3;

		/// Blocks that verifiers and the audited trainer have to commit to their answers.
		#[codec(index = 2)]
		pub static CommitWindow: BlockNumber = 10;

		/// Blocks that they then have to reveal them.
		#[codec(index = 3)]
		pub static RevealWindow: BlockNumber = 10;

		/// Blocks from a commitment's becoming available to the draw of its audits: at least 2, for the
		/// randomness has to be newer than the commitment.
		#[codec(index = 4)]
		pub static AuditDelay: BlockNumber = 2;
	}

	/// Disputes: how long commitments can be challenged, how long a move may take, what it costs to be wrong.
	#[dynamic_pallet_params]
	#[codec(index = 5)]
	pub mod disputes {
		/// Blocks in which an available commitment can be challenged, beside those that it takes to run one
		/// of its segments. Rounds wait for it before they count as checked.
		#[codec(index = 0)]
		pub static ChallengeWindow: BlockNumber = 15;

		/// What is held of a challenger, and of who demands that a supervisor show what it has attested. It must
		/// deter those who only keep a trainer or supervisor busy.
		#[codec(index = 1)]
		pub static ChallengeBond: Balance = 10 * UNIT;

		/// Blocks for a move, or to show what is demanded, beside those that it takes to run a segment.
		#[codec(index = 2)]
		pub static DisputeClock: BlockNumber = 20;

		/// Multiply-adds that a party is expected to make in the time of a block: 10⁹ a second, a tenth of
		/// what one core of a present machine does.
		#[codec(index = 3)]
		pub static ReferenceSpeed: u64 = 3_000_000_000;
	}

	/// Rewards: what is minted for work beside the fees. How fees are split is set by a call of the
	/// rewards pallet, for the shares must make one whole.
	#[dynamic_pallet_params]
	#[codec(index = 4)]
	pub mod rewards {
		/// Blocks of an era of the subsidy: six hours.
		#[codec(index = 0)]
		pub static EraLength: BlockNumber = 7_200;

		/// The most that is minted in an era.
		#[codec(index = 1)]
		pub static EraBudget: Balance = 1_000 * UNIT;

		/// What is minted for an accepted segment, where neither the budget nor what the task burned is
		/// in the way.
		#[codec(index = 2)]
		pub static SegmentSubsidy: Balance = UNIT;
	}
}

/// Says who may set which parameter.
pub struct ParametersAdmin;

impl EnsureOriginWithArg<RuntimeOrigin, RuntimeParametersKey> for ParametersAdmin {
	type Success = ();

	fn try_origin(origin: RuntimeOrigin, key: &RuntimeParametersKey) -> Result<(), RuntimeOrigin> {
		let origin = match <EnsureRoot<AccountId> as EnsureOrigin<_>>::try_origin(origin) {
			Ok(()) => return Ok(()),
			Err(origin) => origin,
		};
		match key {
			RuntimeParametersKey::Governance(_) => Err(origin),
			RuntimeParametersKey::Tickets(_)
			| RuntimeParametersKey::Tasks(_)
			| RuntimeParametersKey::Audits(_)
			| RuntimeParametersKey::Disputes(_)
			| RuntimeParametersKey::Rewards(_) => MarketAdmin::try_origin(origin),
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_: &RuntimeParametersKey) -> Result<RuntimeOrigin, ()> {
		Ok(RuntimeOrigin::root())
	}
}

impl pallet_parameters::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeParameters = RuntimeParameters;
	type AdminOrigin = ParametersAdmin;
	type WeightInfo = ();
}

#[cfg(feature = "runtime-benchmarks")]
impl Default for RuntimeParameters {
	fn default() -> Self {
		RuntimeParameters::Governance(dynamic_params::governance::Parameters::Whitelister(
			dynamic_params::governance::Whitelister,
			None,
		))
	}
}
