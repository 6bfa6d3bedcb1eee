//! Why calls are refused. The pallet's own module imports this section.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The errors.
#[pallet_section]
mod errors {
	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no such task, or it has ended: then `task_summary` tells how.
		NoSuchTask,
		/// The task is not in a phase, or its evaluation not in a step, in which this counts. `open_duties`
		/// tells what is waited for.
		WrongPhase,
		/// The time for this is over. Whoever was to do it has missed it.
		TooLate,
		/// The account is not the task's client.
		NotClient,
		/// The account does not hold a place of the role that this is for, or has not accepted it. Call
		/// `accept_assignment` first.
		NotItsWorker,
		/// This ticket of this account was not drawn for the task, or the place was given to another.
		NotDrawn,
		/// The account has done this already.
		AlreadyDone,
		/// Score and salt don't make the hash that was committed to. Reveal exactly what was committed.
		CommitmentMismatch,
		/// More right answers than the hidden part has rows.
		ImpossibleScore,
		/// The fee is below the floor for the task's size. `estimate_fee` tells the floor.
		FeeBelowFloor,
		/// The chain does not know this version of the arithmetic. Build the programs with a client of the
		/// chain's release.
		SpecArithmeticVersion,
		/// A state to start from needs the hash of its blob and its root. Without one the task starts from its seed.
		SpecInitialState,
		/// The data must be cut into 10 to 100 segments.
		SpecDataSegments,
		/// At least one data segment must be hidden for the test, and not all of them.
		SpecHiddenSegments,
		/// Segments need rows, rows features, labels at least two classes, and the training part at most
		/// 2³² − 1 rows.
		SpecDataShape,
		/// The task needs 1 to 16 trainers, 1 to 8 supervisors and 1 to 8 evaluators.
		SpecWorkers,
		/// The task needs 1 to 1,000 rounds.
		SpecRounds,
		/// The steps of a round must be a multiple of those of a segment (1 to 65,536), and make 1 to 1,024
		/// segments.
		SpecSteps,
		/// A batch must have rows, and no more than the training part.
		SpecBatch,
		/// Costs must not be zero, parameters are part of the state, and their product must not overflow.
		SpecCost,
		/// The needs must cover the model's parameters and the data set's bytes.
		SpecNeeds,
		/// A round may last 20 to 28,800 blocks.
		SpecRoundDeadline,
		/// The client's endpoint needs an address: workers fetch programs and data from it.
		SpecEndpoint,
	}

	impl<T> From<SpecFault> for Error<T> {
		fn from(fault: SpecFault) -> Self {
			match fault {
				SpecFault::ArithmeticVersion => Error::SpecArithmeticVersion,
				SpecFault::InitialState => Error::SpecInitialState,
				SpecFault::DataSegments => Error::SpecDataSegments,
				SpecFault::HiddenSegments => Error::SpecHiddenSegments,
				SpecFault::DataShape => Error::SpecDataShape,
				SpecFault::Workers => Error::SpecWorkers,
				SpecFault::Rounds => Error::SpecRounds,
				SpecFault::Steps => Error::SpecSteps,
				SpecFault::Batch => Error::SpecBatch,
				SpecFault::Cost => Error::SpecCost,
				SpecFault::Needs => Error::SpecNeeds,
				SpecFault::RoundDeadline => Error::SpecRoundDeadline,
				SpecFault::Endpoint => Error::SpecEndpoint,
			}
		}
	}
}
