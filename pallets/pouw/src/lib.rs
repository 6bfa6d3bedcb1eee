//! # Proofs of useful work
//!
//! Commitments to rounds of training, who holds what they commit to, audits of their segments, disputes about
//! them, and demands that who says that it holds something show it.
//!
//! ## Overview
//!
//! A trainer commits to its round: to the root of its checkpoints (*trace*) and the state at its end. Where
//! it started from is not a claim: that is the merge of the last sealed set. It names that set by the task's
//! *record*, and is refused where it has trained from another, say because the task went back meanwhile.
//! Supervisors attest that they hold what is committed to. Then the chain draws segments of it, and verifiers
//! who run them again. The arithmetic of training is defined bit by bit, so a segment has one right result,
//! and to check it is to compare hashes.
//!
//! Whoever finds another result than the commitment has, verifier or not, challenges it. Nothing is voted on
//! then: the two play a game ([`pouw_dispute`]) that brings them to one element of one operation, which the
//! chain computes itself. One honest party is enough, however many others are in league.
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
//! - **Score**: what the evaluators of a task have agreed on: its final state and how many rows of the hidden
//!   part that state's model gets right.
//! - **Dispute**: the game between a commitment's trainer, or an evaluator, and somebody who says that it is wrong.
//! - **Void**: an audit or dispute whose commitment does not stand any more, because its trainer was proven
//!   wrong elsewhere in the round or the round was lost with an earlier one. Nobody needs to answer it.
//! - **Demand**: somebody's demand that a supervisor show a tile of something that it has attested.
//!
//! ## Life cycle of an audit
//!
//! ```text
//! commit_round ─> attest_available … ─(two thirds)─> available ─(AuditDelay)─> segments are drawn
//!   for each of them:
//!     Seeking ─(verifiers drawn)─> Committing ─(all, or deadline)─> Revealing ─(all, or deadline)─┐
//!       ▲  └(none for long)─> lapsed                                                              │
//!       └──────────────────────────(no two thirds, twice at most)─────────────────────────────────┤
//!                 <─(the commitment can't be challenged any more)─ Held <─ accepted, lapsed <─────┘
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
//! - **Accepted**: two thirds of the drawn verifiers say that the trace holds, with the same digest. The segment
//!   counts for the subsidy. **Lapsed**: they don't, after three attempts or where no verifiers were found for
//!   long. The market does not pay for the commitment then: who withholds what it has committed to, or keeps
//!   verifiers away, gains nothing by it.
//! - A verifier that finds another state than the trace has says so and opens a dispute. While one is open, no
//!   audit of the commitment is closed. An accusation that has led to none, or that was refuted in one, is no
//!   answer.
//! - Silence is a missed duty, for verifiers and trainers; that of a trainer that has committed to its answer
//!   and was never asked to reveal it is none. A verifier's answer that differs from what two thirds of them say
//!   is a missed duty too, unless the trainer's is the same: verifiers in league must not cost the others anything.
//! - An audit with an outcome is *held* until its commitment can't be challenged any more. Only then does the
//!   round count as checked.
//!
//! ## Disputes
//!
//! ```text
//! challenge ─> defend_dispute ⇄ pursue_dispute ─(proof, or somebody's clock)─> one of them is wrong
//! ```
//!
//! - Anyone may challenge an available commitment, with a bond, for `ChallengeWindow` after it has become
//!   available and for as long as its audits are open. Several disputes about one commitment go on side by
//!   side; the first one that is won decides.
//! - A party that does not move in time loses. A move is given the blocks that it takes to run a segment.
//! - **The trainer is wrong**, or can't show what it has committed to: its whole ticket is slashed, half of it
//!   for the challenger; the market takes its bond and goes back to the round. Verifiers that have approved the
//!   very segment that was proven wrong lose their tickets.
//! - **The challenger is wrong**: it loses its bond, half of it to the trainer. That confirms nothing: the
//!   time for other challenges begins anew.
//!
//! ### About scores
//!
//! Two thirds of a task's evaluators make a score, but that makes it no more than a claim: for `ChallengeWindow`
//! anyone may challenge it (`challenge_score`), and the task does not end before. If it is proven wrong, all who
//! have claimed it lose their tickets, and others score the model. An evaluator that does not defend it loses its
//! own ticket; the score stands for as long as one of them does.
//!
//! ## Demands
//!
//! ```text
//! demand_shown ─> show ─> half of the bond is the supervisor's
//!       └─(its clock)──> the supervisor loses its ticket
//! ```
//!
//! - A supervisor says that it holds trainers' checkpoints, and the training data. Anyone but the supervisor may
//!   demand, with a bond, that it show a tile of it: of a checkpoint while the commitment can be challenged, of
//!   the data as long as a round is trained or can be proven wrong. It shows the tile with Merkle proofs up to
//!   the root that it has attested.
//! - It has the clock of a dispute, and the time to run a segment again for each demand on it. At most
//!   [`MAX_DEMANDS`] are open on one supervisor at a time, one by the same account.
//! - **Shown**: half of the bond is the supervisor's, the rest is burned. **Not shown in time**: its whole
//!   ticket is slashed, half of it for who had demanded; it loses its place in the task and what it was to be
//!   paid. Others who wait for it have their bonds back.
//! - Only what a supervisor has attested with its own ticket is demanded of it, not what another one has that
//!   held its place before. One that has lost its place, or whose task has ended, can't be demanded from any
//!   more: its ticket is free. What was demanded before it must show all the same, whatever becomes of its place
//!   or the commitment; its ticket is kept for that, and the task does not end before.
//! - So what was attested must be kept until the commitment can't be challenged any more, the training data until
//!   all rounds are checked, and both until what was demanded of them until then is shown.
//! - A demand shows that something is held. It makes nobody deliver the whole of it: where a commitment is not
//!   to be had although supervisors can show it, its audits lapse, and it is not paid for. Nor does a commitment
//!   become unavailable when one of its supervisors is found out.
//!
//! ## Time
//!
//! Every draw, audit, dispute and demand stands in the agenda once, for the block in which it falls due. The hook
//! serves the agenda in order and within `HookWeight`; what does not fit into a block is served in the next.
//! Audits, disputes and demands end there only, never in a call: their consequences may be larger than a call should
//! be.
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

use polkadot_sdk::frame_support::pallet_macros::import_section;

mod agenda;
mod agreement;
mod audits;
// What a benchmark sets up is never run by a chain; it may fail by a panic.
#[cfg(feature = "runtime-benchmarks")]
#[allow(
	clippy::arithmetic_side_effects,
	clippy::expect_used,
	clippy::indexing_slicing
)]
mod benchmarking;
mod bonds;
mod commitments;
mod config;
mod demands;
mod disputes;
mod errors;
mod events;
mod invariants;
#[cfg(test)]
mod mock;
mod proofs;
mod scores;
mod storage;
#[cfg(test)]
mod tests;
pub mod types;
mod verifiers;
pub mod weights;

pub use audits::MAX_ATTEMPTS;
pub use commitments::is_audited;
pub use demands::{MAX_DEMANDS, MAX_SHOWN_BYTES};
pub use disputes::{MAX_DISPUTES, MAX_MOVE_BYTES, MAX_PARTS, SHARE_OF_WINNER};
pub use pallet::*;
pub use types::{
	AgreedScore, Attestor, Audit, AuditStage, Committed, Item, OpenDemand, OpenDispute,
	MAX_VERIFIERS,
};
pub use verifiers::MAX_OPEN_AUDITS;
pub use weights::WeightInfo;

const LOG_TARGET: &str = "runtime::pouw";

// The code that the macros make uses `expect`, and repeats a call's arguments in functions of its own.
#[allow(clippy::expect_used, clippy::too_many_arguments)]
#[import_section(config::config)]
#[import_section(errors::errors)]
#[import_section(events::events)]
#[import_section(storage::storage)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
	use crate::{
		commitments::Claim,
		types::{
			AgreedScore, Attestor, Audit, Committed, Item, Locks, OpenDemand, OpenDispute,
			TaskAudits,
		},
		WeightInfo, MAX_DEMANDS,
	};
	use alloc::{boxed::Box, vec::Vec};
	use polkadot_sdk::{
		frame_support::{
			pallet_prelude::*,
			traits::{
				fungible::{Inspect, Mutate, MutateHold},
				Randomness,
			},
			weights::WeightMeter,
		},
		frame_system::pallet_prelude::*,
		sp_core::H256,
		sp_runtime::{traits::BlockNumberProvider, Permill},
	};
	use pouw_dispute::{ChallengerMove, DefenderMove, Party};
	use pouw_primitives::{
		demand::{DemandStatus, Demanded},
		proof::{AuditAnswer, WrongScore},
		seams::{Market, Places, Refusal, Rewards, TicketPool},
		spec::{MAX_SUPERVISORS, MAX_TRAINERS},
		status::{AuditStatus, DisputeStatus},
		AuditId, Balance, BlockNumber, DemandId, DisputeId, RoundIndex, SegmentIndex, Slot, TaskId,
		TicketId,
	};
	use repops::{commit::TILE_BYTES, parts::PartProof, shown::ProvenTile};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

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
		/// After the last one the chain closes the audit in the next block: the segment is accepted, or other
		/// verifiers are sought. An answer that the trace is wrong counts for nothing unless a dispute shows it:
		/// `challenge` the commitment before.
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

		/// Says that a trainer's commitment is wrong.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone but the trainer.
		///
		/// ## Details
		///
		/// Opens a dispute and holds `ChallengeBond` until it has ended. The trainer is to move first, and shows
		/// its trace. Who challenges must be ready to run segments of the round, within the dispute's clock.
		/// Whoever is proven wrong pays the other: the trainer with its ticket, the challenger with its bond.
		///
		/// - `task`, `round`, `slot`: the commitment.
		///
		/// ## Errors
		///
		/// - [`Error::NothingCommitted`]: there is no such commitment.
		/// - [`Error::OwnCommitment`]: it is the account's own.
		/// - [`Error::NotChallengeable`]: it is not available yet, or the time for it is over.
		/// - [`Error::AlreadyDone`]: the account has an open dispute about it.
		/// - [`Error::TooManyDisputes`]: as many disputes about it are open as may be.
		/// - [`Error::NoSuchTask`]: the task has ended.
		/// - Those of the currency, where the account has not the bond.
		///
		/// ## Events
		///
		/// - [`Event::DisputeOpened`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::challenge())]
		pub fn challenge(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			#[pallet::compact] round: RoundIndex,
			#[pallet::compact] slot: Slot,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_challenge(task, round, slot, who)
		}

		/// Makes the trainer's move in a dispute.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the dispute's defender.
		///
		/// ## Details
		///
		/// Which move is due, the position says (`dispute_status`, [`pouw_dispute::Position`]). A move that is
		/// no move changes nothing; the clock goes on. The end of a dispute is in the next block.
		///
		/// - `dispute`: the dispute.
		/// - `parts`: the parts of the step program that the move is about, the counts first.
		/// - `made`: the move.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchDispute`]: there is no such dispute, or it has ended.
		/// - [`Error::NotItsWorker`]: the account is not its defender.
		/// - [`Error::DisputeVoid`]: the commitment does not stand any more.
		/// - [`Error::NotYourMove`]: the challenger is to move.
		/// - [`Error::TooLate`]: the time for it is over.
		/// - [`Error::MoveTooLarge`], [`Error::PartsNotProven`], [`Error::PartMissing`],
		///   [`Error::AnotherMoveDue`], [`Error::WrongCount`], [`Error::NotTheChildren`],
		///   [`Error::NotTheTile`], [`Error::NotProven`]: the move is no move.
		/// - [`Error::NoSuchTask`]: the task has ended.
		///
		/// ## Events
		///
		/// - [`Event::DisputeMoved`].
		#[pallet::call_index(5)]
		#[pallet::weight(crate::weights::of_defence::<T::WeightInfo>(parts, made))]
		pub fn defend_dispute(
			origin: OriginFor<T>,
			#[pallet::compact] dispute: DisputeId,
			parts: Vec<PartProof>,
			made: Box<DefenderMove>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_defend(dispute, &who, &parts, *made)
		}

		/// Makes the challenger's move in a dispute.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the dispute's challenger.
		///
		/// ## Details
		///
		/// As for the trainer's. With the last one, the evidence, the chain computes what is in dispute.
		///
		/// - `dispute`: the dispute.
		/// - `parts`: the parts of the step program that the move is about, the counts first.
		/// - `made`: the move.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchDispute`]: there is no such dispute, or it has ended.
		/// - [`Error::NotItsWorker`]: the account is not its challenger.
		/// - [`Error::DisputeVoid`]: the commitment does not stand any more.
		/// - [`Error::NotYourMove`]: the trainer is to move.
		/// - [`Error::TooLate`]: the time for it is over.
		/// - [`Error::MoveTooLarge`], [`Error::PartsNotProven`], [`Error::PartMissing`],
		///   [`Error::AnotherMoveDue`], [`Error::WrongCount`], [`Error::NoSuchPart`],
		///   [`Error::NotTheTile`], [`Error::NotProven`], [`Error::NotJudgeable`]: the move is no move.
		/// - [`Error::NoSuchTask`]: the task has ended.
		///
		/// ## Events
		///
		/// - [`Event::DisputeMoved`].
		#[pallet::call_index(6)]
		#[pallet::weight(crate::weights::of_pursuit::<T::WeightInfo>(parts, made))]
		pub fn pursue_dispute(
			origin: OriginFor<T>,
			#[pallet::compact] dispute: DisputeId,
			parts: Vec<PartProof>,
			made: Box<ChallengerMove>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_pursue(dispute, &who, &parts, *made)
		}

		/// Says that the score which a task's evaluators have agreed on is wrong.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone but the evaluator.
		///
		/// ## Details
		///
		/// Opens a dispute with one of the evaluators that have claimed the score, and holds `ChallengeBond` until
		/// it has ended. Who challenges must be ready to merge the last sealed set, or to run the evaluation,
		/// within the dispute's clock. If the score is proven wrong, all who have claimed it lose their tickets,
		/// half to the challenger, and the model is scored anew by others. An evaluator that does not move in time
		/// loses its own ticket only.
		///
		/// - `task`: the task.
		/// - `slot`: the evaluator's place.
		/// - `wrong`: what of the score is wrong. Where both are, the state: the number is judged by the state
		///   that was claimed with it.
		/// - `parts`: the parts of the step program (for the state), or the evaluation program, that the dispute
		///   begins with, the counts first (`pouw_dispute::Dispute::parts_of_opening`).
		///
		/// ## Errors
		///
		/// - [`Error::NothingCommitted`]: there is no agreed score, or this evaluator has not claimed it.
		/// - [`Error::OwnCommitment`]: it is the account's own.
		/// - [`Error::NotChallengeable`]: the time for it is over.
		/// - [`Error::AlreadyDone`]: the account has an open dispute with this evaluator.
		/// - [`Error::TooManyDisputes`]: as many disputes about it are open as may be.
		/// - [`Error::MoveTooLarge`], [`Error::PartsNotProven`], [`Error::PartMissing`]: the parts are not those
		///   that are asked for.
		/// - [`Error::NoSuchTask`]: the task has ended.
		/// - Those of the currency, where the account has not the bond.
		///
		/// ## Events
		///
		/// - [`Event::DisputeOpened`].
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::challenge_score(parts.encoded_size() as u32))]
		pub fn challenge_score(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			#[pallet::compact] slot: Slot,
			wrong: WrongScore,
			parts: Vec<PartProof>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_challenge_score(task, slot, wrong, &parts, who)
		}

		/// Demands that a supervisor show a tile of what it has attested.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone but the supervisor.
		///
		/// ## Details
		///
		/// Holds `ChallengeBond` until the demand has ended. The supervisor has `DisputeClock` to `show` the
		/// tile, and for checkpoints the blocks to run a segment again for each demand on it. If it does, half
		/// of the bond is its, and the rest is burned; if it does not, it loses its whole ticket, half of which
		/// goes to who had demanded first, its place and its pay.
		///
		/// - `task`, `supervisor`: the supervisor's place in the task.
		/// - `what`: which tile of what. No tile is wrong: tensor and tile are taken modulo what there is.
		///
		/// ## Errors
		///
		/// - [`Error::NotAttested`]: the supervisor in this place has not attested it itself, or there is none.
		/// - [`Error::OwnAttestation`]: it is the account's own place.
		/// - [`Error::NothingCommitted`]: there is no such commitment.
		/// - [`Error::NotDemandable`]: it can't be challenged any more, or this runtime has another arithmetic.
		/// - [`Error::NoSuchPart`]: the round has no such checkpoint.
		/// - [`Error::AlreadyDone`]: the account has a demand on this supervisor open.
		/// - [`Error::TooManyDemands`]: as many demands on it are open as may be.
		/// - [`Error::NoSuchTask`]: the task has ended.
		/// - Those of the currency, where the account has not the bond.
		///
		/// ## Events
		///
		/// - [`Event::ShowingDemanded`].
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::demand_shown())]
		pub fn demand_shown(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			#[pallet::compact] supervisor: Slot,
			what: Demanded,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_demand(task, supervisor, what, who)
		}

		/// Shows what was demanded.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the supervisor that it was demanded of.
		///
		/// ## Details
		///
		/// What is no right tile changes nothing; the clock goes on. The demand ends in the next block.
		///
		/// - `demand`: the demand. `demand_status` tells what is to be shown.
		/// - `shown`: the tile with its proofs.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchDemand`]: there is no such demand, or it has ended.
		/// - [`Error::NotItsWorker`]: it was not demanded of this account.
		/// - [`Error::AlreadyDone`]: it was shown.
		/// - [`Error::TooLate`]: the time for it is over.
		/// - [`Error::MoveTooLarge`]: no tile needs so many bytes.
		/// - [`Error::NotProven`]: it is not the tile in question of what was attested.
		///
		/// ## Events
		///
		/// - [`Event::Shown`].
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::show(shown.encoded_size() as u32))]
		pub fn show(
			origin: OriginFor<T>,
			#[pallet::compact] demand: DemandId,
			shown: Box<ProvenTile>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_show(demand, &who, &shown)
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

		/// A dispute that has not ended.
		pub fn dispute_status(dispute: DisputeId) -> Option<DisputeStatus<T::AccountId>> {
			Self::dispute_status_of(dispute)
		}

		/// The disputes that have not ended, of one task or of all, at most `limit` and at most 1,000, in no
		/// order.
		pub fn open_disputes(task: Option<TaskId>, limit: u32) -> Vec<DisputeId> {
			Disputes::<T>::iter()
				.filter(|(_, dispute)| task.is_none_or(|task| task == dispute.task))
				.map(|(id, _)| id)
				.take(limit.min(1_000) as usize)
				.collect()
		}

		/// A demand that has not ended.
		pub fn demand_status(demand: DemandId) -> Option<DemandStatus<T::AccountId>> {
			Self::demand_status_of(demand)
		}

		/// The demands that have not ended, of one task or of all, at most `limit` and at most 1,000, in no
		/// order.
		pub fn open_demands(task: Option<TaskId>, limit: u32) -> Vec<DemandId> {
			Demands::<T>::iter()
				.filter(|(_, demand)| task.is_none_or(|task| task == demand.task))
				.map(|(id, _)| id)
				.take(limit.min(1_000) as usize)
				.collect()
		}
	}
}
