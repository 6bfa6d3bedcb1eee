//! What the pallet tells of what has happened. The pallet's own module imports this section.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The events.
#[pallet_section]
mod events {
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
		/// Somebody says that a commitment, or a score, is wrong.
		DisputeOpened {
			/// The dispute.
			dispute: DisputeId,
			/// The task.
			task: TaskId,
			/// The round. For a score it is the number of rounds, the one after the last.
			round: RoundIndex,
			/// The place of the trainer, or the evaluator.
			slot: Slot,
			/// The trainer, or the evaluator.
			defender: T::AccountId,
			/// Who says so.
			challenger: T::AccountId,
			/// What is on hold of it.
			bond: Balance,
			/// The last block for the first move.
			deadline: BlockNumber,
		},
		/// A party of a dispute has made its move.
		DisputeMoved {
			/// The dispute.
			dispute: DisputeId,
			/// The party.
			by: Party,
			/// Who is to move next.
			to_move: Party,
			/// The last block for it.
			deadline: BlockNumber,
		},
		/// A dispute has ended.
		DisputeEnded {
			/// The dispute.
			dispute: DisputeId,
			/// The task.
			task: TaskId,
			/// The round. For a score it is the number of rounds, the one after the last.
			round: RoundIndex,
			/// The place of the trainer, or the evaluator.
			slot: Slot,
			/// Who is wrong.
			loser: Party,
			/// Whether it has lost by not making its move in time, not by proof.
			timed_out: bool,
		},
		/// A dispute has ended because what it was about does not stand any more. The bond has returned.
		DisputeVoided {
			/// The dispute.
			dispute: DisputeId,
		},
		/// A commitment was proven wrong, or its trainer could not show what it has committed to.
		CommitmentRefuted {
			/// The task.
			task: TaskId,
			/// The round.
			round: RoundIndex,
			/// The trainer's place.
			slot: Slot,
			/// The trainer.
			trainer: T::AccountId,
			/// Who has shown it.
			challenger: T::AccountId,
			/// What was taken of the trainer's ticket.
			slashed: Balance,
			/// What was burned of it; the rest went to the challenger.
			burned: Balance,
		},
		/// The score that an evaluator has claimed was proven wrong, or the evaluator has not defended it.
		ScoreRefuted {
			/// The task.
			task: TaskId,
			/// The evaluator's place.
			slot: Slot,
			/// The evaluator.
			evaluator: T::AccountId,
			/// Who has shown it.
			challenger: T::AccountId,
			/// What was taken of the evaluator's ticket.
			slashed: Balance,
			/// What was burned of it; the rest went to the challenger.
			burned: Balance,
		},
		/// A verifier has lost its ticket, because it had approved what was proven wrong.
		VerifierSlashed {
			/// The audit.
			audit: AuditId,
			/// The verifier.
			verifier: T::AccountId,
			/// What was taken of its ticket, all of which was burned.
			slashed: Balance,
		},
		/// Somebody demands that a supervisor show what it has attested.
		ShowingDemanded {
			/// The demand.
			demand: DemandId,
			/// The task.
			task: TaskId,
			/// The supervisor.
			supervisor: T::AccountId,
			/// Who demands it.
			demander: T::AccountId,
			/// What is demanded.
			what: Demanded,
			/// What is on hold of who demands it.
			bond: Balance,
			/// The last block in which it can be shown.
			deadline: BlockNumber,
		},
		/// A supervisor has shown what was demanded of it.
		Shown {
			/// The demand.
			demand: DemandId,
			/// The task.
			task: TaskId,
			/// The supervisor.
			supervisor: T::AccountId,
		},
		/// A demand has ended without a loss for the supervisor.
		DemandEnded {
			/// The demand.
			demand: DemandId,
			/// The task.
			task: TaskId,
			/// Whether it was shown. If not, it could not be, or the supervisor was found out by another demand.
			shown: bool,
			/// What has returned to who had demanded it: nothing if it was shown.
			returned: Balance,
		},
		/// A supervisor did not show what it had attested.
		AttestationRefuted {
			/// The demand.
			demand: DemandId,
			/// The task.
			task: TaskId,
			/// The supervisor.
			supervisor: T::AccountId,
			/// Who had demanded it.
			demander: T::AccountId,
			/// What was taken of the supervisor's ticket.
			slashed: Balance,
			/// What was burned of it; the rest went to who had demanded it.
			burned: Balance,
		},
	}
}
