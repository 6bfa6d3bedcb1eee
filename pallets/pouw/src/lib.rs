//! # Proofs of useful work
//!
//! Commitments to rounds of training, who holds what they commit to, and audits of their segments.
//!
//! ## Overview
//!
//! A trainer commits to its round: to the root of its checkpoints (*trace*) and the state at its end. Where
//! it started from is not a claim: that is the merge of the last sealed set. It names that set by the task's
//! *record*, and is refused where it has trained from another, say because the task went back meanwhile.
//! Supervisors attest that they
//! hold what is committed to. Then the chain draws segments of it, and verifiers who run them again. The
//! arithmetic of training is defined bit by bit, so a segment has one right result, and to check it is to
//! compare hashes.
//!
//! What follows for a task from all of this is not this pallet's concern: it tells the market through the
//! seam [`Market`](pouw_primitives::seams::Market), and answers it through
//! [`Proofs`](pouw_primitives::seams::Proofs).
//!
//! ## Terms
//!
//! - **Commitment**: what a trainer says about its round, once.
//! - **Available**: attested by two thirds of the task's supervisors. Only then does a commitment count.
//! - **Audit**: the check of one segment by verifiers that were drawn for it.
//! - **Party** of an audit: the trainer, or one of its verifiers.
//! - **Void**: an audit whose commitment does not stand any more, because its trainer was proven wrong
//!   elsewhere in the round or the round was lost with an earlier one. Nobody needs to answer it.
//!
//! ## Life cycle of an audit
//!
//! ```text
//! commit_round ─> attest_available … ─(two thirds)─> available ─(AuditDelay)─> segments are drawn
//!   for each of them:
//!     Seeking ─(verifiers drawn)─> Committing ─(all, or deadline)─> Revealing ─(all, or deadline)─┐
//!       ▲  └(none for long)─> lapsed                                                              │
//!       └──────────────────────────(no two thirds, twice at most)─────────────────────────────────┤
//!                                               accepted, rejected, lapsed <──────────────────────┘
//! ```
//!
//! - The segments are drawn from randomness newer than the block in which the commitment became available,
//!   each with the chance `AuditRate`, and always at least one. Their verifiers are drawn after that, from
//!   randomness newer than the audits' opening.
//! - An audit waits for as many verifiers as are wanted; a ticket answers
//!   [`MAX_OPEN_AUDITS`] at a time. Where the wanted are not to be had for long, fewer decide.
//! - Whoever answers first publishes a hash that binds its account, and reveals when all have done so or the
//!   time is over. The digest of an answer binds the audit's own randomness, so nothing that was published
//!   before can contain it.
//! - A verifier runs a segment from an agreed state: segment 0 from the merge of the last sealed set, which
//!   is no claim of the trainer's, any other one from the checkpoint at its start that the trainer's
//!   manifest lists. That checkpoint is a claim, but it is the end of the segment before, which has the
//!   same chance to be audited: to start from a false state a trainer must have faked a segment before.
//!   The answer also says whether the segment's end is in the trace
//!   ([`AuditAnswer`](pouw_primitives::proof::AuditAnswer)).
//! - The verdict is in [`verdict`], which says who decides.
//! - **Accepted**: the segment counts for the subsidy. **Rejected**: the trainer's whole ticket is slashed,
//!   half of it to the verifiers that were right, and the market takes its bond and goes back to the
//!   round. **Lapsed**: neither, after three attempts or where no verifiers were found for long. The round
//!   counts as checked, so that the task goes on, but the market does not pay for the commitment: who
//!   withholds what it has committed to, or keeps verifiers away, gains nothing by it.
//! - Silence is a missed duty, for verifiers and trainers; that of a trainer that has committed to its answer
//!   and was never asked to reveal it is none. An answer that differs from what two thirds of the verifiers
//!   say is a missed duty too, but no more than that: until a referee can tell, it may have been the right
//!   one.
//!
//! ## Time
//!
//! Every draw and every audit stands in the agenda once, for the block in which it falls due. The hook
//! serves the agenda in order and within `HookWeight`; what does not fit into a block is served in the
//! next. Audits end there only, never in a call: their consequences may be larger than a call should be.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	not(test),
	deny(
		clippy::arithmetic_side_effects,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

mod agenda;
mod audits;
// What a benchmark sets up is never run by a chain; it may fail by a panic.
#[cfg(feature = "runtime-benchmarks")]
#[allow(
	clippy::arithmetic_side_effects,
	clippy::expect_used,
	clippy::indexing_slicing
)]
mod benchmarking;
mod commitments;
mod invariants;
#[cfg(test)]
mod mock;
mod proofs;
#[cfg(test)]
mod tests;
pub mod types;
pub mod verdict;
mod verifiers;
pub mod weights;

pub use audits::{MAX_ATTEMPTS, SHARE_OF_VERIFIERS};
pub use commitments::is_audited;
pub use pallet::*;
pub use types::{Audit, AuditStage, Committed, Item, MAX_VERIFIERS};
pub use verifiers::MAX_OPEN_AUDITS;
pub use weights::WeightInfo;

// The code that the macros make uses `expect`, and repeats a call's arguments in functions of its own.
#[allow(clippy::expect_used, clippy::too_many_arguments)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
	use crate::{
		commitments::Claim,
		types::{Audit, Committed, Item, TaskAudits},
		WeightInfo,
	};
	use alloc::vec::Vec;
	use polkadot_sdk::{
		frame_support::{pallet_prelude::*, traits::Randomness, weights::WeightMeter},
		frame_system::pallet_prelude::*,
		sp_core::H256,
		sp_runtime::{traits::BlockNumberProvider, Permill},
	};
	use pouw_primitives::{
		proof::AuditAnswer,
		seams::{Market, Places, Refusal, Rewards, TicketPool},
		spec::MAX_TRAINERS,
		status::AuditStatus,
		AuditId, Balance, BlockNumber, RoundIndex, SegmentIndex, Slot, TaskId, TicketId,
	};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

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

		/// The most weight that the hook takes in a block.
		#[pallet::constant]
		type HookWeight: Get<Weight>;
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

	/// How much of a task is under audit.
	#[pallet::storage]
	pub type TaskAudit<T: Config> = StorageMap<_, Twox64Concat, TaskId, TaskAudits, ValueQuery>;

	/// The number of the next audit.
	#[pallet::storage]
	pub type NextAudit<T: Config> = StorageValue<_, AuditId, ValueQuery>;

	/// The audits that are open. Their numbers are given out by the chain.
	#[pallet::storage]
	pub type Audits<T: Config> = StorageMap<_, Twox64Concat, AuditId, Audit<T::AccountId>>;

	/// The open audits that an account is a party of. The accounts are chosen by users, hence the
	/// cryptographic hasher.
	#[pallet::storage]
	pub type AuditsOf<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, AuditId, ()>;

	/// How many open audits of a task a verifier's ticket answers. At none it is let go.
	#[pallet::storage]
	pub type VerifierLocks<T: Config> =
		StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, TicketId, u32, ValueQuery>;

	/// The audits of a task that a verifier has answered rightly, for those that are paid for it: the first
	/// [`MAX_TASK_VERIFIERS`](pouw_primitives::seams::MAX_TASK_VERIFIERS) accounts.
	#[pallet::storage]
	pub type VerifierWork<T: Config> =
		StorageDoubleMap<_, Twox64Concat, TaskId, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// The agenda: draws and audits by the block in which they fall due.
	#[pallet::storage]
	pub type Agenda<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BlockNumber, Twox64Concat, Item, ()>;

	/// The first block whose entries of the agenda may not all have been served.
	#[pallet::storage]
	pub type AgendaFrom<T: Config> = StorageValue<_, BlockNumber>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A trainer has committed to its round.
		RoundCommitted {
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The trainer's place.
			slot: Slot,
			/// The trainer.
			trainer: T::AccountId,
			/// The root of its checkpoints.
			trace_root: H256,
			/// The root of the state at the end.
			end_root: H256,
			/// The hash of the blob that lists the checkpoints.
			manifest: H256,
			/// Rows trained on.
			samples: u64,
			/// The bits of the mean loss.
			mean_loss: u32,
		},
		/// A supervisor has said which commitments it holds.
		AvailabilityAttested {
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The supervisor.
			supervisor: T::AccountId,
			/// The places whose commitments it holds.
			slots: Vec<Slot>,
		},
		/// Two thirds of the supervisors hold a commitment.
		CommitmentAvailable {
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The trainer's place.
			slot: Slot,
		},
		/// A segment was drawn for an audit.
		AuditDrawn {
			/// The audit.
			audit: AuditId,
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The trainer's place.
			slot: Slot,
			/// The segment.
			segment: SegmentIndex,
		},
		/// Verifiers were drawn for an audit.
		VerifiersDrawn {
			/// The audit.
			audit: AuditId,
			/// The verifiers.
			verifiers: Vec<T::AccountId>,
			/// The randomness that answers bind.
			randomness: H256,
			/// The last block in which commitments to answers are taken.
			commit_until: BlockNumber,
		},
		/// A party of an audit has committed to its answer.
		AuditCommitted {
			/// The audit.
			audit: AuditId,
			/// The party.
			account: T::AccountId,
		},
		/// Answers to an audit are revealed now.
		RevealsOpened {
			/// The audit.
			audit: AuditId,
			/// The last block in which they are taken.
			reveal_until: BlockNumber,
		},
		/// A party of an audit has revealed its answer.
		AuditRevealed {
			/// The audit.
			audit: AuditId,
			/// The party.
			account: T::AccountId,
			/// The answer.
			answer: AuditAnswer,
		},
		/// A segment was found right.
		AuditAccepted {
			/// The audit.
			audit: AuditId,
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The trainer's place.
			slot: Slot,
			/// The segment.
			segment: SegmentIndex,
		},
		/// A segment was found wrong.
		AuditRejected {
			/// The audit.
			audit: AuditId,
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The trainer's place.
			slot: Slot,
			/// The segment.
			segment: SegmentIndex,
			/// The trainer.
			trainer: T::AccountId,
			/// What was taken of its ticket.
			slashed: Balance,
			/// What was burned of it; the rest went to the verifiers.
			burned: Balance,
		},
		/// The verifiers of an audit did not agree; others are sought.
		AuditRenewed {
			/// The audit.
			audit: AuditId,
		},
		/// An audit has ended without a verdict.
		AuditLapsed {
			/// The audit.
			audit: AuditId,
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The trainer's place.
			slot: Slot,
			/// The segment.
			segment: SegmentIndex,
		},
		/// An audit has ended because its commitment does not stand any more.
		AuditVoided {
			/// The audit.
			audit: AuditId,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no such task, or it has ended.
		NoSuchTask,
		/// The task is not in this round of training, or the round's time is over. `task_status` tells the
		/// open round.
		RoundNotOpen,
		/// The account has no part in this. `open_duties` tells what it has to do.
		NotItsWorker,
		/// The account has done this already. It counts once.
		AlreadyDone,
		/// The round starts from another set of sealed states than the commitment was made for: the task has
		/// gone back, or the chain was reorganised. Train the round again from the merge that `task_status`
		/// tells now, and give its record.
		AnotherBase,
		/// A trainer in this place has not committed to the round. Attest only what was committed to.
		NothingCommitted,
		/// There is no such audit, or it has ended.
		NoSuchAudit,
		/// The audited commitment does not stand any more. Nothing is to be done.
		AuditVoid,
		/// The audit does not take this now: first commitments to answers, then answers.
		WrongPhase,
		/// The time for this is over.
		TooLate,
		/// The answer does not make the hash that was committed to. Reveal exactly what was committed.
		CommitmentMismatch,
	}

	impl<T> From<Refusal> for Error<T> {
		fn from(refusal: Refusal) -> Self {
			match refusal {
				Refusal::NoSuchTask => Error::NoSuchTask,
				Refusal::RoundNotOpen => Error::RoundNotOpen,
				Refusal::NotItsWorker => Error::NotItsWorker,
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Serves the agenda within [`Config::HookWeight`]. It runs before transactions, so that nobody can
		/// change the pools once the randomness of a draw is known.
		fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
			Self::serve(meter);
		}

		fn integrity_test() {
			Self::check_config();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(
			_: BlockNumberFor<T>,
		) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Commits to a round of training.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by a trainer of the task that has accepted.
		///
		/// ## Details
		///
		/// Once for each round and place. The blobs that it commits to must be served until the round is
		/// checked. Segments of it are drawn for audits when two thirds of the supervisors hold it; a wrong
		/// one costs the whole ticket, the bond and all pay.
		///
		/// - `task`, `round`: the round, which must be the open one.
		/// - `base`: the task's record of the sealed rounds that the training started from
		///   (`pouw_primitives::proof::record_round`; `task_status` tells it). It keeps a commitment that was
		///   made before the task went back, and is included after, from counting as a false one.
		/// - `trace_root`: Merkle root over the roots of the checkpoints, the start state's first.
		/// - `end_root`: the root of the state after the last step.
		/// - `manifest`: the hash of the blob that lists state root and blob hash of each checkpoint.
		/// - `samples`: rows trained on, for people.
		/// - `mean_loss`: the bits of the steps' mean loss (`f32`), for people.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTask`]: there is no such task, or it has ended.
		/// - [`Error::RoundNotOpen`]: the round is not open.
		/// - [`Error::NotItsWorker`]: the account is not a trainer of the task.
		/// - [`Error::AlreadyDone`]: it has committed to the round.
		/// - [`Error::AnotherBase`]: the round starts from another record.
		///
		/// ## Events
		///
		/// - [`Event::RoundCommitted`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::commit_round())]
		pub fn commit_round(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			#[pallet::compact] round: RoundIndex,
			base: H256,
			trace_root: H256,
			end_root: H256,
			manifest: H256,
			#[pallet::compact] samples: u64,
			mean_loss: u32,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let claim = Claim {
				base,
				trace_root,
				end_root,
				manifest,
				samples,
				mean_loss,
			};
			Self::do_commit_round(task, round, who, claim)
		}

		/// Says which trainers' commitments of a round the supervisor holds.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by a supervisor of the task that has accepted.
		///
		/// ## Details
		///
		/// To attest is to say: I have fetched what these trainers' commitments list, the hashes are right,
		/// the manifest makes the trace root, and I serve it on. It can be called as often as there is more
		/// to attest. A supervisor that can't fetch anything attests no places: that is an answer, which keeps
		/// its place, but no duty done; it neither earns anything nor makes missed duties forgotten. At two
		/// thirds of the task's supervisors a commitment is available; the round is sealed at once if it
		/// waited for nothing else. Where nothing becomes available, the weight of that is refunded.
		///
		/// - `task`, `round`: the round, which must be the open one.
		/// - `slots`: the trainers' places.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTask`]: there is no such task, or it has ended.
		/// - [`Error::RoundNotOpen`]: the round is not open.
		/// - [`Error::NotItsWorker`]: the account is not a supervisor of the task.
		/// - [`Error::NothingCommitted`]: a place has no commitment.
		/// - [`Error::AlreadyDone`]: the account has said all of this before.
		///
		/// ## Events
		///
		/// - [`Event::AvailabilityAttested`].
		/// - [`Event::CommitmentAvailable`] for each commitment that it makes available.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::attest_available(slots.len() as u32))]
		pub fn attest_available(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			#[pallet::compact] round: RoundIndex,
			slots: BoundedVec<Slot, ConstU32<{ MAX_TRAINERS as u32 }>>,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let count = slots.len() as u32;
			let available = Self::do_attest(task, round, who, slots.into_inner())?;
			let weight = (!available).then(|| T::WeightInfo::attest_available_early(count));
			Ok(weight.into())
		}

		/// Commits to the answer to an audit.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by a party of the audit: a verifier drawn for it, or the audited trainer.
		///
		/// ## Details
		///
		/// When all parties have committed, or the time is over, answers are revealed.
		///
		/// - `audit`: the audit.
		/// - `commitment`: `pouw_primitives::proof::audit_commitment` of account, audit and answer.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchAudit`]: there is no such audit, or it has ended.
		/// - [`Error::AuditVoid`]: the audited commitment does not stand any more.
		/// - [`Error::NotItsWorker`]: the account is not a party of the audit.
		/// - [`Error::WrongPhase`]: commitments are not taken now.
		/// - [`Error::TooLate`]: the time for it is over.
		/// - [`Error::AlreadyDone`]: the account has committed.
		///
		/// ## Events
		///
		/// - [`Event::AuditCommitted`].
		/// - [`Event::RevealsOpened`] if all have committed.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::commit_audit())]
		pub fn commit_audit(
			origin: OriginFor<T>,
			#[pallet::compact] audit: AuditId,
			commitment: H256,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Ok(Self::do_commit_audit(audit, who, commitment)?)
		}

		/// Reveals the answer to an audit.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by a party of the audit that has committed.
		///
		/// ## Details
		///
		/// After the last one the chain ends the audit in the next block: the segment is accepted, or rejected
		/// and the trainer slashed, or other verifiers are sought.
		///
		/// - `audit`: the audit.
		/// - `answer`: the digest of the run, and whether its end is in the trainer's trace.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchAudit`]: there is no such audit, or it has ended.
		/// - [`Error::AuditVoid`]: the audited commitment does not stand any more.
		/// - [`Error::NotItsWorker`]: the account is not a party of the audit.
		/// - [`Error::WrongPhase`]: answers are not revealed now.
		/// - [`Error::TooLate`]: the time for it is over.
		/// - [`Error::AlreadyDone`]: the account has revealed.
		/// - [`Error::CommitmentMismatch`]: it is not what was committed to, or nothing was.
		///
		/// ## Events
		///
		/// - [`Event::AuditRevealed`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::reveal_audit())]
		pub fn reveal_audit(
			origin: OriginFor<T>,
			#[pallet::compact] audit: AuditId,
			answer: AuditAnswer,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Ok(Self::do_reveal_audit(audit, who, answer)?)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// An audit that has not ended.
		pub fn audit_status(audit: AuditId) -> Option<AuditStatus<T::AccountId>> {
			Self::status_of(audit)
		}

		/// The open audits that an account is a party of, at most 1,000.
		pub fn audits_of(account: T::AccountId) -> Vec<AuditId> {
			AuditsOf::<T>::iter_key_prefix(account)
				.take(1_000)
				.collect()
		}
	}
}
