//! What the pallet tells of what has happened. The pallet's own module imports this section.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The events.
#[pallet_section]
mod events {
	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A task was submitted; fee and bond are on hold.
		TaskSubmitted {
			/// The task.
			task: TaskId,
			/// Who pays.
			client: T::AccountId,
			/// The fee.
			fee: Balance,
			/// The client's bond.
			bond: Balance,
		},
		/// A task's seed is known, and with it which data segments are hidden.
		TaskSeeded {
			/// The task.
			task: TaskId,
			/// The seed.
			seed: H256,
		},
		/// A ticket was drawn for a place.
		WorkerDrawn {
			/// The task.
			task: TaskId,
			/// The place's role.
			role: Role,
			/// The place.
			slot: Slot,
			/// The ticket's owner.
			account: T::AccountId,
			/// The ticket.
			ticket: TicketId,
			/// The last block in which the draw can be accepted.
			accept_until: BlockNumber,
		},
		/// A drawn worker has taken its place.
		AssignmentAccepted {
			/// The task.
			task: TaskId,
			/// The place's role.
			role: Role,
			/// The place.
			slot: Slot,
			/// The worker.
			account: T::AccountId,
			/// The bond that was put on hold.
			bond: Balance,
		},
		/// A worker has lost its place.
		WorkerRemoved {
			/// The task.
			task: TaskId,
			/// The place's role.
			role: Role,
			/// The place.
			slot: Slot,
			/// The worker.
			account: T::AccountId,
			/// Why.
			reason: Removal,
		},
		/// A supervisor has said what it found of a specification.
		SpecAttested {
			/// The task.
			task: TaskId,
			/// The supervisor.
			supervisor: T::AccountId,
			/// What it found.
			verdict: SpecVerdict,
		},
		/// A round is open for commitments.
		RoundOpened {
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The last block in which they count.
			until: BlockNumber,
		},
		/// Workers that a round can't do without were removed, and its deadline was moved for their
		/// successors.
		RoundExtended {
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The new deadline.
			until: BlockNumber,
		},
		/// The set of a round is fixed.
		RoundSealed {
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The places whose commitments are merged.
			slots: Vec<Slot>,
			/// The record of the rounds up to this one.
			record: H256,
		},
		/// A trainer was proven wrong in a sealed round, and the rounds after it are void.
		TaskRewound {
			/// The task.
			task: TaskId,
			/// The round in which the trainer was proven wrong.
			round: RoundIndex,
			/// The places that are still merged in it. If there are none, it is trained again.
			slots: Vec<Slot>,
			/// The record of the rounds that still stand.
			record: H256,
		},
		/// A trainer's bond, or a part of it, was taken.
		BondSlashed {
			/// The task.
			task: TaskId,
			/// The trainer.
			account: T::AccountId,
			/// What was taken.
			amount: Balance,
			/// What was burned of it; the rest went to trainers whose rounds were lost.
			burned: Balance,
		},
		/// A client's bond was taken.
		ClientBondForfeited {
			/// The task.
			task: TaskId,
			/// What was taken, and burned.
			amount: Balance,
		},
		/// All rounds are sealed; the evaluation begins.
		EvaluationStarted {
			/// The task.
			task: TaskId,
			/// The last block in which the step that comes next counts.
			until: BlockNumber,
		},
		/// The client serves the hidden part.
		TestRevealed {
			/// The task.
			task: TaskId,
		},
		/// A supervisor has said whether the revealed part is the one committed to.
		TestAttested {
			/// The task.
			task: TaskId,
			/// The supervisor.
			supervisor: T::AccountId,
			/// The root of the tensor that it makes; none if it is not.
			tensor: Option<H256>,
		},
		/// The client has forfeited its bond: it did not reveal the hidden part in time, or revealed
		/// something else.
		TestForfeited {
			/// The task.
			task: TaskId,
		},
		/// An evaluator has committed to its score.
		EvaluationCommitted {
			/// The task.
			task: TaskId,
			/// The evaluator.
			evaluator: T::AccountId,
		},
		/// An evaluator has revealed its score.
		EvaluationRevealed {
			/// The task.
			task: TaskId,
			/// The evaluator.
			evaluator: T::AccountId,
			/// The score.
			score: Score,
		},
		/// Two thirds of the evaluators agree.
		EvaluationAgreed {
			/// The task.
			task: TaskId,
			/// Their score.
			score: Score,
			/// The rows of the hidden part.
			of: u32,
		},
		/// Supervisors or evaluators did not agree in all their tries.
		EvaluationUndecided {
			/// The task.
			task: TaskId,
		},
		/// A task has ended and everything is paid.
		TaskEnded {
			/// The task.
			task: TaskId,
			/// How it ended.
			phase: Phase,
			/// What was paid to workers out of the fee.
			paid: Balance,
			/// What went back to the client out of the fee.
			refunded: Balance,
			/// What was burned of the fee.
			burned: Balance,
			/// What was minted for accepted segments.
			subsidy: Balance,
		},
	}
}
