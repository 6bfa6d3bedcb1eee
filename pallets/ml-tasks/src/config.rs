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

		/// The currency that fees and bonds are held in.
		type Currency: Inspect<Self::AccountId, Balance = Balance>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;

		/// The block number that deadlines are counted in.
		type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

		/// Randomness, with the block since when it could be known.
		type Randomness: Randomness<Option<H256>, BlockNumberFor<Self>>;

		/// The pools that workers are drawn from.
		type Tickets: TicketPool<Self::AccountId>;

		/// The proofs of the work.
		type Proofs: Proofs<Self::AccountId>;

		/// How pay is split.
		type Rewards: Rewards<Self::AccountId>;

		/// Blocks from the submission, or from a place becoming empty, to the draw. At least 2: the
		/// randomness must be of a later block.
		type DrawDelay: Get<BlockNumber>;

		/// Blocks that a drawn worker has to accept.
		type AcceptWindow: Get<BlockNumber>;

		/// Blocks from the submission until a task that has not begun fails.
		type AssignmentWindow: Get<BlockNumber>;

		/// Blocks that supervisors have to check a specification, or what they were late with.
		type AttestWindow: Get<BlockNumber>;

		/// Blocks that the client has to reveal the hidden part.
		type RevealTestWindow: Get<BlockNumber>;

		/// Blocks that evaluators have to score the final model.
		type EvaluationWindow: Get<BlockNumber>;

		/// Blocks that evaluators have to reveal their scores.
		type EvaluationRevealWindow: Get<BlockNumber>;

		/// The chance of a segment to be audited, which trainers' bonds are derived from.
		type AuditRate: Get<Permill>;

		/// The client's bond, as a share of the fee.
		type ClientBondShare: Get<Permill>;

		/// The least bond of a client, however small the fee: what it costs at least to have workers drawn
		/// and then let go.
		type MinimumClientBond: Get<Balance>;

		/// The least fee for 10⁹ multiply-adds.
		type GigaMultiplyAddPrice: Get<Balance>;

		/// The least fee for a segment, beside its multiply-adds: it must be stored, fetched and judged.
		type SegmentPrice: Get<Balance>;

		/// The least fee for a place of a worker, beside the work: it binds a ticket for as long as the task
		/// lasts, and takes room on chain.
		type PlacePrice: Get<Balance>;

		/// The most rounds that may be sealed beyond those that are checked. It bounds what a rewind
		/// takes back. Never set it lower than it was while tasks are under way.
		#[pallet::constant]
		type MaxRoundsAhead: Get<RoundIndex>;

		/// The most weight that the hook takes in a block.
		#[pallet::constant]
		type HookWeight: Get<Weight>;
	}
}
