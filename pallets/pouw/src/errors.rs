//! Why the pallet refuses calls. The pallet's own module imports this section.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The errors.
#[pallet_section]
mod errors {
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
		/// A trainer in this place has not committed to the round, or no evaluator in it stands by an agreed
		/// score. Attest and challenge only what was committed to.
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
		/// This can't be challenged: it is not available yet, or the time for it is over, or this runtime has
		/// another arithmetic than its task was ordered with.
		NotChallengeable,
		/// Nobody can challenge its own commitment or score.
		OwnCommitment,
		/// So many disputes about it are open already that whoever defends it could not answer more. The
		/// time for a challenge is prolonged when one of them ends: try again then.
		TooManyDisputes,
		/// There is no such dispute, or it has ended.
		NoSuchDispute,
		/// What is in dispute does not stand any more. Nothing is to be done; the bond returns.
		DisputeVoid,
		/// The other party is to move.
		NotYourMove,
		/// The move, or what is shown, has more of something than there need be.
		MoveTooLarge,
		/// A part of the program that is shown is not one of the task's program, or the counts are not
		/// the first of them.
		PartsNotProven,
		/// A part of the program that the move is about must be shown with it.
		PartMissing,
		/// Another kind of move is due. `dispute_status` tells the position.
		AnotherMoveDue,
		/// The move has more or fewer hashes or operands than there must be.
		WrongCount,
		/// The hashes do not make the node or the trace in question.
		NotTheChildren,
		/// There is no such part, element or checkpoint.
		NoSuchPart,
		/// The bytes are not those of the tile in question.
		NotTheTile,
		/// A proof does not lead to what is agreed on.
		NotProven,
		/// The passage can't be computed from the tiles that were shown: some are missing, not needed, or not
		/// what their operand's root commits to.
		NotJudgeable,
		/// The supervisor in this place has not attested this itself, or its part in it is over: what it has
		/// attested can be demanded as long as it holds its place.
		NotAttested,
		/// This can't be demanded any more: the commitment can't be challenged any more, or the task was ordered
		/// with another arithmetic than this runtime's.
		NotDemandable,
		/// A supervisor can't demand from itself.
		OwnAttestation,
		/// So much is demanded of the supervisor already that it could not answer more. Try again when one of
		/// the demands has ended.
		TooManyDemands,
		/// There is no such demand, or it has ended.
		NoSuchDemand,
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
}
