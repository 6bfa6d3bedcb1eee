//! # ML tasks
//!
//! The market for training runs: specification, escrow, matching, rounds, evaluation, settlement.
//!
//! ## Overview
//!
//! A client submits a [`TaskSpec`](pouw_primitives::spec::TaskSpec) and pays in advance: the fee and a bond
//! go on hold. The chain draws the workers from the tickets, seals one round of training after the other,
//! has the final model scored on data that nobody could train on, and pays. How it is proven that the
//! training is right is not this pallet's concern: it hears of it through the seam
//! [`Market`](pouw_primitives::seams::Market), and asks through
//! [`Proofs`](pouw_primitives::seams::Proofs).
//!
//! ## Terms
//!
//! - **Place** (slot): what a worker holds in a task. A place that has become empty is drawn for again.
//! - **Live**: a worker that has accepted its draw and still holds its place.
//! - **Two thirds**: the least number that is two thirds of the *places* of a role
//!   ([`two_thirds`](pouw_primitives::proof::two_thirds)). Empty places count, so that nothing is gained by
//!   driving others out. A task that asks for a single supervisor trusts it alone.
//! - **Sealed**: a round whose set of commitments is fixed. The merge of the set is the next round's start.
//! - **Checked**: a sealed round whose audits, and those of all rounds before it, are over. It can't be
//!   lost any more.
//! - **Forfeited**: a client's bond that is taken from it. All of it is burned, so that no worker gains by
//!   bringing it about.
//! - **Lapsed**: an audit that has found out nothing. The commitment that it was of stays, but none of its
//!   segments is paid for.
//!
//! ## Life cycle
//!
//! ```text
//! submit_task ─> Pending ─(draw, accept_assignment, attest_spec)─> Training(0) ─> … ─> Training(R−1)
//!                   │ │                                             ▲   │(none came)        │
//!      cancel_task ─┘ └─> Failed(NoWorkers | BadSpec)               │   └> Failed(NoProgress)
//!         └> Cancelled                        (a sealed round lost) └──────────┐            │
//!                                                                              │            ▼
//!  Settled <─(all checked)─ Closed <─ reveal, commit <─ attest_test <─ reveal_test <─ Evaluating
//!  Failed(NoEvaluation) <──────┘
//! ```
//!
//! - **Pending.** The draw comes `DrawDelay` blocks after the submission, from randomness newer than that;
//!   the task's seed, and with it the hidden part of the data, come from the same. Who is drawn accepts
//!   within `AcceptWindow`, a trainer by placing the task's bond. Who stays silent misses a duty, and the
//!   place is drawn for again. Supervisors check programs and data. If all that is not done at the
//!   assignment deadline, the client gets everything back.
//! - **Training.** A round is sealed as soon as the commitments of all live trainers are available, or at
//!   its deadline with those that are. If commitments are not attested at the deadline while supervisors
//!   were silent, those are replaced and the deadline moves, once for each round. A trainer that has missed
//!   two rounds is replaced and loses a quarter of its bond. A supervisor that did not show what it had attested
//!   is replaced too, and paid for nothing. At most `MaxRoundsAhead` rounds run ahead of the audits.
//! - **Rewind.** When a trainer is proven wrong in a sealed round, its bond is taken, its commitment and
//!   all later rounds are void, and training goes on after that round, or with it if nothing of it is left.
//!   The others are paid for the segments that are lost with it out of the bond, of which at least half is
//!   burned. If nobody is left in the open round, its deadline waits for successors.
//! - **Evaluating.** The client reveals the hidden part, supervisors attest that it is what it had
//!   committed to and what tensor it makes, evaluators score by commit and reveal. What two thirds of them say
//!   can be challenged for some time; if it is refuted, those who have claimed it lose place and pay, and others
//!   score the model. Without agreement others are drawn as evaluators too, twice at most.
//! - **The end** waits for the last audit, and until the score can't be challenged any more. Then fee, bonds and subsidy are paid out, tickets released, a
//!   [`TaskSummary`](pouw_primitives::status::TaskSummary) is kept, and everything else is cleared in
//!   bounded steps.
//!
//! ## What is paid at the end
//!
//! Work is paid for in the proportion in which it was delivered: of the fee, the share *standing segments ÷
//! segments ordered* is split among the workers ([`Rewards`](pouw_primitives::seams::Rewards)), the rest
//! goes back to the client. So nobody's pay grows when another is driven out, and a trainer's bond covers
//! what a segment can ever bring.
//!
//! | end | paid of the fee | client's bond |
//! |---|---|---|
//! | `Settled`, accuracy reached | delivered share | back |
//! | `Settled`, accuracy missed | delivered share, trainers half | back |
//! | `Settled`, test part not revealed | delivered share, trainers in full | forfeited |
//! | `Failed(NoEvaluation)` | delivered share, trainers half | back |
//! | `Failed(NoProgress)` | delivered share, trainers half | back |
//! | `Failed(NoWorkers)` | nothing | back |
//! | `Failed(BadSpec)` | nothing | forfeited |
//! | `Cancelled` two blocks before the draw or earlier | nothing | back |
//! | `Cancelled` later | nothing | forfeited, or a client could draw until it likes the workers |
//!
//! ## Time
//!
//! Every task stands in the agenda once, for the block in which something of it falls due. The hook serves
//! the agenda in order and within `HookWeight`; what does not fit into a block is served in the next.
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
mod assignment;
// What a benchmark sets up is never run by a chain; it may fail by a panic.
#[cfg(feature = "runtime-benchmarks")]
#[allow(
	clippy::arithmetic_side_effects,
	clippy::expect_used,
	clippy::indexing_slicing
)]
mod benchmarking;
mod config;
mod ending;
mod errors;
mod evaluation;
mod events;
mod fees;
mod invariants;
mod market;
mod money;
mod rewind;
mod rounds;
mod status;
pub mod types;
pub mod weights;

pub use assignment::trainer_bond;
pub use evaluation::MAX_ATTEMPTS;
pub use fees::{fee_floor, Prices};
pub use pallet::*;
pub use rewind::SHARED_BOND;
pub use rounds::{MAX_MISSED_ROUNDS, MISSED_ROUNDS_FINE};
pub use types::{Former, Removal, Score, SealedRound, Seat, Stage, Task, MAX_FORMER, MAX_PLACES};
pub use weights::WeightInfo;

const LOG_TARGET: &str = "runtime::ml-tasks";

type TaskOf<T> = Task<<T as polkadot_sdk::frame_system::Config>::AccountId>;

// The code that the macros make uses `expect`.
#[allow(clippy::expect_used)]
#[import_section(config::config)]
#[import_section(errors::errors)]
#[import_section(events::events)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
	use crate::{Removal, Score, SealedRound, Stage, Task, WeightInfo};
	use alloc::{boxed::Box, vec::Vec};
	use polkadot_sdk::{
		frame_support::{
			pallet_prelude::*,
			traits::{
				fungible::{Inspect, MutateHold},
				Randomness,
			},
			weights::WeightMeter,
		},
		frame_system::pallet_prelude::*,
		sp_core::H256,
		sp_runtime::{traits::BlockNumberProvider, Permill},
	};
	use pouw_primitives::{
		seams::{Proofs, Rewards, TicketPool},
		spec::{SpecFault, TaskSpec},
		status::{Duty, FeeEstimate, Phase, RoundStatus, SpecVerdict, TaskStatus, TaskSummary},
		ticket::Role,
		Balance, BlockNumber, RoundIndex, Slot, TaskId, TicketId,
	};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Why funds are on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The fee of a task.
		#[codec(index = 0)]
		Fee,
		/// The bond of a task's client.
		#[codec(index = 1)]
		ClientBond,
		/// The bond of a trainer.
		#[codec(index = 2)]
		TrainerBond,
	}

	/// The number of the next task.
	#[pallet::storage]
	pub type NextTask<T: Config> = StorageValue<_, TaskId, ValueQuery>;

	/// The tasks that have not ended. Their numbers are given out by the chain, so a fast hasher is safe;
	/// each is backed by a fee on hold.
	#[pallet::storage]
	pub type Tasks<T: Config> = StorageMap<_, Twox64Concat, TaskId, Task<T::AccountId>>;

	/// The specifications of the tasks that have not ended. They never change, so they are kept apart from
	/// what does.
	#[pallet::storage]
	pub type Specs<T: Config> = StorageMap<_, Twox64Concat, TaskId, TaskSpec>;

	/// The sealed rounds of a task that are not checked, and the last one that is: at most
	/// [`Config::MaxRoundsAhead`] and two.
	#[pallet::storage]
	pub type Rounds<T: Config> =
		StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, RoundIndex, SealedRound>;

	/// The tasks that an account is client of or holds a place in. The accounts are chosen by users, hence
	/// the cryptographic hasher; each entry is backed by a fee or a ticket on hold.
	#[pallet::storage]
	pub type Engagements<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, TaskId, ()>;

	/// The agenda: the tasks of which something falls due, by block. Every task that has not ended stands
	/// in it once.
	#[pallet::storage]
	pub type Agenda<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BlockNumber, Twox64Concat, TaskId, ()>;

	/// The first block whose entries of the agenda may not all have been served.
	#[pallet::storage]
	pub type AgendaFrom<T: Config> = StorageValue<_, BlockNumber>;

	/// The tasks that have ended and of which storage is still to be cleared.
	#[pallet::storage]
	pub type Clearing<T: Config> = StorageMap<_, Twox64Concat, TaskId, ()>;

	/// What stays of the tasks that have ended.
	#[pallet::storage]
	pub type Summaries<T: Config> = StorageMap<_, Twox64Concat, TaskId, TaskSummary<T::AccountId>>;

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Serves the agenda and clears what is left of ended tasks, within [`Config::HookWeight`]. It runs
		/// before transactions, so that nobody can change the pools once the randomness of a draw is known.
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
		/// Orders a training run and pays for it in advance.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the client.
		///
		/// ## Details
		///
		/// The fee and the client's bond are put on hold. What the specification says can't be changed
		/// afterwards. Programs and data must be served at the specification's endpoint until the task has
		/// ended, the hidden segments from `reveal_test` on.
		///
		/// - `spec`: what is ordered. The view function `estimate_fee` tells beforehand whether it can work
		///   and what it costs at least.
		///
		/// ## Errors
		///
		/// - `Error::Spec…`: the specification can't work; each fault has an error of its own.
		/// - [`Error::FeeBelowFloor`]: the fee does not cover the task's size.
		/// - Errors of the currency: fee and bond can't be put on hold.
		///
		/// ## Events
		///
		/// - [`Event::TaskSubmitted`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::submit_task())]
		pub fn submit_task(origin: OriginFor<T>, spec: Box<TaskSpec>) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::do_submit(client, *spec)
		}

		/// Withdraws a task that has not begun.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the task's client.
		///
		/// ## Details
		///
		/// Until two blocks before the draw it costs nothing. Then the bond is forfeited: else a client could
		/// submit and cancel until the draw pleases it, which who makes the block before it can foresee. The
		/// money is moved in the next block.
		///
		/// - `task`: the task.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTask`]: there is no such task, or it has ended.
		/// - [`Error::NotClient`]: the account is not its client.
		/// - [`Error::WrongPhase`]: training has begun.
		///
		/// ## Events
		///
		/// - [`Event::TaskEnded`], and [`Event::ClientBondForfeited`] after the draw, in the next block.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::cancel_task())]
		pub fn cancel_task(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::change(task, |record, _| {
				ensure!(record.client == who, Error::<T>::NotClient);
				ensure!(
					matches!(record.stage, Stage::Pending { .. }),
					Error::<T>::WrongPhase
				);
				record.forfeited = record.draw_is_known(Self::now());
				record.stage = Stage::Ending(Phase::Cancelled);
				Ok(())
			})
		}

		/// Takes the place that a ticket was drawn for.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the ticket's owner.
		///
		/// ## Details
		///
		/// A trainer's bond is put on hold until the task ends. A trainer that joins during training may
		/// commit to the open round, but only from the next one on is it waited for.
		///
		/// - `task`: the task.
		/// - `ticket`: the ticket that was drawn.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTask`]: there is no such task, or it has ended.
		/// - [`Error::NotDrawn`]: the ticket was not drawn for the task, or the place was given to another.
		/// - [`Error::AlreadyDone`]: the draw was accepted already.
		/// - [`Error::TooLate`]: the time for it is over.
		/// - Errors of the currency: the bond can't be put on hold.
		///
		/// ## Events
		///
		/// - [`Event::AssignmentAccepted`].
		/// - [`Event::RoundOpened`] if training begins with it.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::accept_assignment())]
		pub fn accept_assignment(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			#[pallet::compact] ticket: TicketId,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::change(task, |record, spec| {
				Self::accept(task, record, spec, who, ticket)
			})
		}

		/// Says whether programs and data are what a task's specification says.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by a supervisor of the task that has accepted.
		///
		/// ## Details
		///
		/// Two thirds of the supervisors decide. For `Good` they must name the same root of the training
		/// tensor. The task begins when that is decided and every place is taken. Supervisors that said
		/// something else miss a duty.
		///
		/// - `task`: the task.
		/// - `verdict`: what was found.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTask`]: there is no such task, or it has ended.
		/// - [`Error::WrongPhase`]: training has begun.
		/// - [`Error::NotItsWorker`]: the account is not a supervisor of the task.
		/// - [`Error::AlreadyDone`]: it has attested already.
		///
		/// ## Events
		///
		/// - [`Event::SpecAttested`].
		/// - [`Event::RoundOpened`] if training begins with it.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::attest_spec())]
		pub fn attest_spec(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			verdict: SpecVerdict,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::change(task, |record, spec| {
				Self::judge_spec(task, record, spec, who, verdict)
			})
		}

		/// Says that the hidden segments are served now.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the task's client.
		///
		/// ## Details
		///
		/// It counts once all rounds are sealed. A client that does not do it in time, or serves something
		/// else than it had committed to, forfeits its bond, and the trainers are paid in full. The bond is
		/// burned.
		///
		/// - `task`: the task.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTask`]: there is no such task, or it has ended.
		/// - [`Error::NotClient`]: the account is not its client.
		/// - [`Error::AlreadyDone`]: the test part was revealed already.
		/// - [`Error::WrongPhase`]: not all rounds are sealed.
		/// - [`Error::TooLate`]: the time for it is over.
		///
		/// ## Events
		///
		/// - [`Event::TestRevealed`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::reveal_test())]
		pub fn reveal_test(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::change(task, |record, _| Self::accept_test(task, record, who))
		}

		/// Says what the revealed segments make, or that they are not those that the client had committed to.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by a supervisor of the task.
		///
		/// ## Details
		///
		/// Two thirds of the supervisors decide. Those that said something else miss a duty. What they attest is
		/// what disputes about the score are judged by.
		///
		/// - `task`: the task.
		/// - `tensor`: the root over the features and labels of all hidden segments
		///   (`pouw_dispute::data_root`); none if the hash of one of them is not right.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTask`]: there is no such task, or it has ended.
		/// - [`Error::WrongPhase`]: the client has not revealed, or it is decided.
		/// - [`Error::NotItsWorker`]: the account is not a supervisor of the task.
		/// - [`Error::AlreadyDone`]: it has attested already.
		/// - [`Error::TooLate`]: the time for it is over.
		///
		/// ## Events
		///
		/// - [`Event::TestAttested`].
		/// - [`Event::TestForfeited`] if two thirds say that it is something else.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::attest_test())]
		pub fn attest_test(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			tensor: Option<H256>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::change(task, |record, _| {
				Self::judge_test(task, record, who, tensor)
			})
		}

		/// Commits to a score of the final model.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by an evaluator of the task.
		///
		/// ## Details
		///
		/// The score is hidden until all have committed or the time is over, so that nobody can copy it.
		///
		/// - `task`: the task.
		/// - `commitment`: `pouw_primitives::proof::evaluation_commitment` of account, task, attempt (which
		///   `task_status` tells), score and a random salt.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTask`]: there is no such task, or it has ended.
		/// - [`Error::WrongPhase`]: no scores are asked for.
		/// - [`Error::NotItsWorker`]: the account is not an evaluator of the task.
		/// - [`Error::AlreadyDone`]: it has committed already.
		/// - [`Error::TooLate`]: the time for it is over.
		///
		/// ## Events
		///
		/// - [`Event::EvaluationCommitted`].
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::commit_evaluation())]
		pub fn commit_evaluation(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			commitment: H256,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::change(task, |record, _| {
				Self::accept_score_commitment(task, record, who, commitment)
			})
		}

		/// Reveals a score of the final model.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by an evaluator of the task that has committed.
		///
		/// ## Details
		///
		/// Two thirds of the task's evaluators decide. Those that said something else, or nothing, miss a
		/// duty and get no share.
		///
		/// - `task`: the task.
		/// - `correct`: right answers on the hidden part.
		/// - `state_root`: the root of the final state.
		/// - `salt`: the salt of the commitment.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTask`]: there is no such task, or it has ended.
		/// - [`Error::WrongPhase`]: scores are not revealed now.
		/// - [`Error::NotItsWorker`]: the account is not an evaluator of the task, or has not committed.
		/// - [`Error::AlreadyDone`]: it has revealed already.
		/// - [`Error::TooLate`]: the time for it is over.
		/// - [`Error::ImpossibleScore`]: more right answers than rows.
		/// - [`Error::CommitmentMismatch`]: it is not what was committed to.
		///
		/// ## Events
		///
		/// - [`Event::EvaluationRevealed`].
		/// - [`Event::EvaluationAgreed`] or [`Event::EvaluationUndecided`] if it was the last one.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::reveal_evaluation())]
		pub fn reveal_evaluation(
			origin: OriginFor<T>,
			#[pallet::compact] task: TaskId,
			correct: u32,
			state_root: H256,
			salt: H256,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let score = Score {
				correct,
				state_root,
			};
			Self::change(task, |record, spec| {
				Self::accept_score(task, record, spec, who, score, salt)
			})
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A task that has not ended.
		pub fn task_status(task: TaskId) -> Option<TaskStatus<T::AccountId>> {
			Self::status_of(task)
		}

		/// What stays of a task that has ended.
		pub fn task_summary(task: TaskId) -> Option<TaskSummary<T::AccountId>> {
			Summaries::<T>::get(task)
		}

		/// The tasks that have not ended, at most `limit`, from `start` on.
		pub fn open_tasks(start: TaskId, limit: u32) -> Vec<TaskId> {
			Self::tasks_from(start, limit)
		}

		/// A round of a task that has not ended, if it is open or can still be lost.
		pub fn round_status(task: TaskId, round: RoundIndex) -> Option<RoundStatus<T::AccountId>> {
			Self::round_of(task, round)
		}

		/// What an account must do now, the most urgent first.
		pub fn open_duties(account: T::AccountId) -> Vec<Duty> {
			Self::duties_of(&account)
		}

		/// What a task would cost, or why it can't work.
		pub fn estimate_fee(spec: TaskSpec) -> Result<FeeEstimate, SpecFault> {
			Self::estimate(&spec)
		}
	}
}
