//! What the pallet asks of a runtime. The pallet's own module imports this section.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The configuration.
#[pallet_section]
mod config {
	/// What the runtime must provide.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Weights of the calls and of the hook's parts.
		type WeightInfo: WeightInfo;

		/// The block number that deadlines are counted in.
		type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

		/// Randomness, with the block since when it could be known.
		type Randomness: Randomness<Option<H256>, BlockNumberFor<Self>>;

		/// The tasks that are worked on.
		type Market: Market<Self::AccountId>;

		/// The pools that verifiers are drawn from.
		type Tickets: TicketPool<Self::AccountId>;

		/// The accounts' reputation.
		type Rewards: Rewards<Self::AccountId>;

		/// Blocks from a commitment's becoming available to the draw of its audits, and from there to the
		/// draw of their verifiers. At least 2: the randomness must be of a later block.
		type AuditDelay: Get<BlockNumber>;

		/// The chance of a segment to be audited.
		type AuditRate: Get<Permill>;

		/// The verifiers of an audit, at most [`MAX_VERIFIERS`](crate::MAX_VERIFIERS).
		type VerifiersPerAudit: Get<u32>;

		/// Blocks to run a segment and commit to the answer.
		type CommitWindow: Get<BlockNumber>;

		/// Blocks to reveal the answer.
		type RevealWindow: Get<BlockNumber>;

		/// The currency that challengers' bonds are held in.
		type Currency: Inspect<Self::AccountId, Balance = Balance>
			+ Mutate<Self::AccountId>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;

		/// Blocks in which an available commitment can be challenged, beside those that it takes to run one
		/// of its segments.
		type ChallengeWindow: Get<BlockNumber>;

		/// What is held of a challenger until its dispute has ended, and of who demands that a supervisor show
		/// what it has attested.
		type ChallengeBond: Get<Balance>;

		/// Blocks for a move of a dispute, or to show what is demanded, beside those that it takes to run a segment.
		type DisputeClock: Get<BlockNumber>;

		/// Multiply-adds that a party of a dispute is expected to make in the time of a block.
		type ReferenceSpeed: Get<u64>;

		/// The most weight that the hook takes in a block.
		#[pallet::constant]
		type HookWeight: Get<Weight>;
	}
}
