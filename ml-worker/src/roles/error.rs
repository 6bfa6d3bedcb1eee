//! Why a duty could not be done.

use super::{manifest::ManifestError, DisputeError, JournalError};
use crate::{
	chain::{ChainError, SubmitError},
	dataset::segments::{ManifestError as DataManifestError, SegmentError},
	store::{FetchError, StoreError},
	training::{cost::TooMuchWork, TrainingError},
};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{DemandId, RoundIndex, Slot, TaskId};
use repops::state_blob::StateBlobError;

/// Why a duty could not be done. It is tried again with the next blocks, for as long as it is open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoleError {
	/// The chain can't be asked.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The chain did not take a call.
	#[error(transparent)]
	Submit(#[from] SubmitError),
	/// A blob is not to be had.
	#[error(transparent)]
	Fetch(#[from] FetchError),
	/// This machine's store failed.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// This machine's journal failed.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The computation failed.
	#[error(transparent)]
	Training(#[from] TrainingError),
	/// The task asks for more than this machine takes on.
	#[error("the place is not accepted: {0}")]
	TooMuch(#[from] TooMuchWork),
	/// What was fetched is not what the chain says.
	#[error("{0}")]
	Wrong(#[from] WrongContent),
	/// A move of a dispute can't be made.
	#[error(transparent)]
	Dispute(#[from] DisputeError),
	/// What is demanded is not what this machine has, or can make.
	#[error(
		"what demand {0} wants to be shown is neither in this machine's store nor to be had from others, and \
		 to compute it again does not give it"
	)]
	CannotShow(DemandId),
	/// The chain doesn't know the task (any more).
	#[error("the chain knows no open task {0}")]
	NoSuchTask(TaskId),
	/// The chain keeps no summary of the task.
	#[error("task {0} has not ended, or there never was one")]
	NotEnded(TaskId),
	/// The task ended before a round was sealed.
	#[error("task {0} ended before any round was sealed: there is nothing to train again")]
	NothingSealed(TaskId),
	/// The task has not been drawn.
	#[error("task {0} has not been drawn yet")]
	NotDrawn(TaskId),
	/// The round before is not sealed, so nobody knows the state that follows from it.
	#[error("round {round} of task {task} is not sealed")]
	NotSealed {
		/// The task.
		task: TaskId,
		/// The round.
		round: RoundIndex,
	},
	/// There is no such commitment.
	#[error("trainer {slot} has no commitment to round {round} of task {task}")]
	NoCommitment {
		/// The task.
		task: TaskId,
		/// The round.
		round: RoundIndex,
		/// The trainer's place.
		slot: Slot,
	},
	/// Not all was here when the last call came.
	#[error("not all was here in time")]
	NotInTime,
	/// The deadline passed before the transaction was in a block.
	#[error("block {0}, its deadline, passed before its transaction was in a block")]
	Late(u32),
	/// The chain no longer waits for this: it was done, or a rewind or the end came first.
	#[error("the chain no longer waits for it")]
	NotOpen,
	/// The system has no random numbers.
	#[error("the system gives no random numbers: {0}")]
	Random(#[from] getrandom::Error),
	/// The data of one's own task can't be read.
	#[error("{0}")]
	OwnTask(String),
	/// A thread was lost.
	#[error("the computation was broken off: {0}")]
	Thread(#[from] tokio::task::JoinError),
}

/// What of a blob with the right hash is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WrongContent {
	/// A state's bytes.
	#[error("checkpoint {root:?}: {error}")]
	State {
		/// The root under which it is listed.
		root: H256,
		/// What is wrong.
		error: StateBlobError,
	},
	/// A state of another root.
	#[error("a checkpoint is listed with root {listed:?}, but its state has {found:?}")]
	StateRoot {
		/// The root that is listed.
		listed: H256,
		/// The root of the state.
		found: H256,
	},
	/// The bytes of the state that the task is to start from.
	#[error("the state to start from: {0}")]
	InitialState(StateBlobError),
	/// A state to start from that has another root.
	#[error("the state to start from has the root {found:?}, but the task says {claimed:?}")]
	InitialRoot {
		/// What the task claims.
		claimed: H256,
		/// The root of the state.
		found: H256,
	},
	/// A state to start from with a NaN or an infinity.
	#[error(
		"the state to start from has diverged before the first step: `{tensor}` has a NaN or an infinity"
	)]
	InitialDiverged {
		/// The first tensor that has one.
		tensor: String,
	},
	/// A round's manifest.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// A manifest that is not of the commitment.
	#[error("the checkpoints of trainer {slot}'s manifest don't make its commitment: {what}")]
	Commitment {
		/// The trainer's place.
		slot: Slot,
		/// What differs.
		what: &'static str,
	},
	/// A data set's manifest.
	#[error(transparent)]
	DataManifest(#[from] DataManifestError),
	/// A data set's root.
	#[error(
		"the hashes of the data segments make the root {found:?}, but the task says {expected:?}"
	)]
	DataRoot {
		/// The task's.
		expected: H256,
		/// What the hashes make.
		found: H256,
	},
	/// A data segment that is there twice: what is hidden would be seen.
	#[error("data segments {first} and {second} are the same")]
	SameSegment {
		/// The one.
		first: u16,
		/// The other.
		second: u16,
	},
	/// A data segment.
	#[error("data segment {number}: {error}")]
	Segment {
		/// Its number.
		number: u16,
		/// What is wrong.
		error: SegmentError,
	},
	/// The root over the step program's parts.
	#[error(
		"the parts of the {which} program make the root {found:?}, but the task says {claimed:?}"
	)]
	ProgramParts {
		/// Which program.
		which: &'static str,
		/// What the task claims.
		claimed: H256,
		/// What the parts make.
		found: H256,
	},
	/// The programs' costs.
	#[error("the programs cost {found}, but the task claims {claimed}")]
	Cost {
		/// What the task claims.
		claimed: String,
		/// What they cost.
		found: String,
	},
}

impl RoleError {
	/// Whether something did not come from those who should hold it. What this machine's own store or node
	/// refuses is not of that kind.
	pub fn is_undelivered(&self) -> bool {
		matches!(
			self,
			RoleError::NotInTime | RoleError::Fetch(FetchError::NotFound { .. })
		)
	}

	/// Whether the fault lies with what the client published, so that nobody can work with it.
	pub fn is_the_clients_fault(&self) -> bool {
		matches!(
			self,
			RoleError::Wrong(
				WrongContent::DataManifest(_)
					| WrongContent::DataRoot { .. }
					| WrongContent::SameSegment { .. }
					| WrongContent::Segment { .. }
					| WrongContent::ProgramParts { .. }
					| WrongContent::InitialState(_)
					| WrongContent::InitialRoot { .. }
					| WrongContent::InitialDiverged { .. }
					| WrongContent::Cost { .. },
			) | RoleError::Training(TrainingError::Programs(_))
				| RoleError::Fetch(FetchError::TooLarge { .. })
		)
	}
}
