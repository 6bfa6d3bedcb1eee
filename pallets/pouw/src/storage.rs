//! What the pallet stores. The pallet's own module imports this section.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The storage.
#[pallet_section]
mod storage {
	/// Why funds are on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The bond of a challenger.
		#[codec(index = 0)]
		Challenge,
		/// The bond of somebody who demands to be shown what a supervisor has attested.
		#[codec(index = 1)]
		Demand,
	}

	/// The commitments by task, round and place: of the open round, of those that are not checked, and of
	/// the last one that is. No key is chosen by users, so a fast hasher is safe.
	#[pallet::storage]
	pub type Commitments<T: Config> = StorageNMap<
		_,
		(
			NMapKey<Twox64Concat, TaskId>,
			NMapKey<Twox64Concat, RoundIndex>,
			NMapKey<Twox64Concat, Slot>,
		),
		Committed<T::AccountId>,
	>;

	/// The supervisors, by their places, that have attested anything of a round.
	#[pallet::storage]
	pub type Answered<T: Config> =
		StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, RoundIndex, Places, ValueQuery>;

	/// Which commitments of a round its supervisors have attested, one entry for each place at most.
	#[pallet::storage]
	pub type Attestors<T: Config> = StorageDoubleMap<
		_,
		Twox64Concat,
		TaskId,
		Twox64Concat,
		RoundIndex,
		BoundedVec<Attestor, ConstU32<{ MAX_SUPERVISORS as u32 }>>,
		ValueQuery,
	>;

	/// How much of a task is under audit.
	#[pallet::storage]
	pub type TaskAudit<T: Config> = StorageMap<_, Twox64Concat, TaskId, TaskAudits, ValueQuery>;

	/// The number of the next audit.
	#[pallet::storage]
	pub type NextAudit<T: Config> = StorageValue<_, AuditId, ValueQuery>;

	/// The audits that are open. Their numbers are given out by the chain.
	#[pallet::storage]
	pub type Audits<T: Config> = StorageMap<_, Twox64Concat, AuditId, Audit<T::AccountId>>;

	/// The audit of a segment of a commitment.
	#[pallet::storage]
	pub type AuditOfSegment<T: Config> = StorageNMap<
		_,
		(
			NMapKey<Twox64Concat, TaskId>,
			NMapKey<Twox64Concat, RoundIndex>,
			NMapKey<Twox64Concat, Slot>,
			NMapKey<Twox64Concat, SegmentIndex>,
		),
		AuditId,
	>;

	/// The open audits that an account is a party of. The accounts are chosen by users, hence the
	/// cryptographic hasher.
	#[pallet::storage]
	pub type AuditsOf<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, AuditId, ()>;

	/// What a verifier's ticket is kept for by a task. Where that is nothing it is let go.
	#[pallet::storage]
	pub type VerifierLocks<T: Config> =
		StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, TicketId, Locks>;

	/// The audits of a task that a verifier has answered rightly, for those that are paid for it: the first
	/// [`MAX_TASK_VERIFIERS`](pouw_primitives::seams::MAX_TASK_VERIFIERS) accounts.
	#[pallet::storage]
	pub type VerifierWork<T: Config> =
		StorageDoubleMap<_, Twox64Concat, TaskId, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// The scores that evaluators have agreed on and that can be challenged.
	#[pallet::storage]
	pub type Scores<T: Config> = StorageMap<_, Twox64Concat, TaskId, AgreedScore<T::AccountId>>;

	/// The number of the next dispute.
	#[pallet::storage]
	pub type NextDispute<T: Config> = StorageValue<_, DisputeId, ValueQuery>;

	/// The disputes that are open. Their numbers are given out by the chain.
	#[pallet::storage]
	pub type Disputes<T: Config> =
		StorageMap<_, Twox64Concat, DisputeId, OpenDispute<T::AccountId>>;

	/// The open disputes that an account is a party of.
	#[pallet::storage]
	pub type DisputesOf<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, DisputeId, ()>;

	/// The open dispute of a challenger about a commitment, or about the score of an evaluator: that is in its
	/// place of the round after the last.
	#[pallet::storage]
	pub type Challenges<T: Config> = StorageNMap<
		_,
		(
			NMapKey<Twox64Concat, TaskId>,
			NMapKey<Twox64Concat, RoundIndex>,
			NMapKey<Twox64Concat, Slot>,
			NMapKey<Blake2_128Concat, T::AccountId>,
		),
		DisputeId,
	>;

	/// The tile that a dispute's defender has shown, while the challenger is to name an element of it: it must
	/// be known to somebody who comes back later, too.
	#[pallet::storage]
	pub type ShownTile<T: Config> =
		StorageMap<_, Twox64Concat, DisputeId, BoundedVec<u8, ConstU32<{ TILE_BYTES as u32 }>>>;

	/// The number of the next demand.
	#[pallet::storage]
	pub type NextDemand<T: Config> = StorageValue<_, DemandId, ValueQuery>;

	/// The demands that are open. Their numbers are given out by the chain.
	#[pallet::storage]
	pub type Demands<T: Config> = StorageMap<_, Twox64Concat, DemandId, OpenDemand<T::AccountId>>;

	/// The open demands on a supervisor, by its ticket, and who demands. A ticket is held by one task at a time.
	#[pallet::storage]
	pub type DemandsOn<T: Config> = StorageMap<
		_,
		Twox64Concat,
		TicketId,
		BoundedVec<(DemandId, T::AccountId), ConstU32<MAX_DEMANDS>>,
		ValueQuery,
	>;

	/// The open demands that an account is to answer.
	#[pallet::storage]
	pub type DemandsFrom<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, DemandId, ()>;

	/// The agenda: draws, audits, disputes, scores and demands by the block in which they fall due.
	#[pallet::storage]
	pub type Agenda<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BlockNumber, Twox64Concat, Item, ()>;

	/// The first block whose entries of the agenda may not all have been served.
	#[pallet::storage]
	pub type AgendaFrom<T: Config> = StorageValue<_, BlockNumber>;
}
