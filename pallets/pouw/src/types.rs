//! What is stored about commitments, audits, disputes and demands.

use codec::{Decode, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{traits::ConstU32, BoundedVec},
	sp_core::H256,
};
use pouw_dispute::{Dispute, Party};
use pouw_primitives::{
	demand::Demanded,
	proof::{Score, WrongScore},
	seams::{Claimant, Places},
	spec::MAX_EVALUATORS,
	status::{AuditParty, Commitment},
	AuditId, Balance, BlockNumber, DemandId, DisputeId, RoundIndex, SegmentIndex, Slot, TaskId,
	TicketId,
};
use scale_info::TypeInfo;

/// The most verifiers of one audit.
pub const MAX_VERIFIERS: u32 = 7;

/// The most that answer an audit: the trainer and the verifiers.
pub const MAX_PARTIES: u32 = MAX_VERIFIERS + 1;

/// A commitment and what is going on about it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Committed<AccountId> {
	/// The commitment.
	pub commitment: Commitment<AccountId>,
	/// The segments that it is for.
	pub segments: SegmentIndex,
	/// The supervisors that have attested it.
	pub attested: Places,
	/// The draw of its audits, until all are drawn.
	pub draw: Option<AuditDraw>,
	/// Its audits that are open or held.
	pub open: u32,
	/// Whether one of its audits has lapsed.
	pub lapsed: bool,
	/// How it is challenged, once it is available. Its audits are held until it can't be any more.
	pub contest: Contest,
}

/// How something that was claimed is challenged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Contest {
	/// The last block in which it can be challenged.
	pub until: BlockNumber,
	/// The disputes about it that are open.
	pub open: u32,
	/// The disputes about it that challengers have lost.
	pub lost: u32,
}

/// The score of a task's final model that its evaluators have agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct AgreedScore<AccountId> {
	/// The score.
	pub score: Score,
	/// The number of the task's rounds, under which disputes about the score are known.
	pub rounds: RoundIndex,
	/// The evaluators that stand by it, at least one.
	pub claimants: BoundedVec<Claimant<AccountId>, ConstU32<{ MAX_EVALUATORS as u32 }>>,
	/// The block in which it was agreed on. It tells it from a later one.
	pub block: BlockNumber,
	/// How it is challenged.
	pub contest: Contest,
	/// The block for which it stands in the agenda.
	pub wake: BlockNumber,
}

impl<AccountId> Committed<AccountId> {
	/// Whether it can still be proven wrong: its audits, at least one of which each commitment has, are kept
	/// for as long as it can be challenged.
	pub fn is_contestable(&self) -> bool {
		self.draw.is_some() || self.open > 0 || self.contest.open > 0
	}
}

/// The draw of a commitment's audits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct AuditDraw {
	/// The block in which the commitment became available: the randomness must be newer.
	pub asked: BlockNumber,
	/// The block for which the draw stands in the agenda.
	pub wake: BlockNumber,
	/// The randomness, once it is known, with the block since when it could be known.
	pub randomness: Option<(H256, BlockNumber)>,
	/// The first segment that has not been looked at.
	pub next: SegmentIndex,
}

/// An audit in a runtime.
pub(crate) type AuditOf<T> = Audit<<T as polkadot_sdk::frame_system::Config>::AccountId>;

/// An audit of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Audit<AccountId> {
	/// The task.
	pub task: TaskId,
	/// The round.
	pub round: RoundIndex,
	/// The trainer's place.
	pub slot: Slot,
	/// The segment.
	pub segment: SegmentIndex,
	/// The trainer.
	pub trainer: AccountId,
	/// The trainer's ticket.
	pub ticket: TicketId,
	/// The block of the commitment. It tells the commitment from a later one in its place.
	pub committed: BlockNumber,
	/// The block since when the audit's randomness could be known.
	pub known_since: BlockNumber,
	/// The randomness that an answer binds; before verifiers were drawn, that of the draw of the segment.
	pub randomness: H256,
	/// What is waited for.
	pub stage: AuditStage,
	/// The block for which the audit stands in the agenda.
	pub wake: BlockNumber,
	/// How often verifiers have failed to agree.
	pub attempts: u8,
	/// The trainer, then the verifiers. While verifiers are sought, those of the last attempt.
	pub parties: BoundedVec<AuditParty<AccountId>, ConstU32<MAX_PARTIES>>,
}

impl<AccountId> Audit<AccountId> {
	/// Whether all that have committed to an answer have revealed it.
	pub fn all_revealed(&self) -> bool {
		self.parties
			.iter()
			.all(|party| party.commitment.is_none() || party.answer.is_some())
	}
}

/// What an audit waits for. Each `until` is the last block in which it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum AuditStage {
	/// Verifiers.
	Seeking {
		/// The block in which they were asked for: the randomness must be newer.
		asked: BlockNumber,
		/// The last block in which all that are wanted are waited for. After it a single one suffices, and
		/// without any the audit lapses.
		until: BlockNumber,
	},
	/// Commitments to answers.
	Committing {
		/// The deadline.
		until: BlockNumber,
	},
	/// Answers.
	Revealing {
		/// The deadline.
		until: BlockNumber,
	},
	/// Nothing any more: it was accepted or has lapsed. It is kept, with its verifiers' tickets, for as long
	/// as its commitment can be proven wrong.
	Held {
		/// When to look whether that is over.
		until: BlockNumber,
	},
}

impl AuditStage {
	/// Whether the audit has an outcome.
	pub fn is_held(&self) -> bool {
		matches!(self, AuditStage::Held { .. })
	}

	/// The stage's deadline.
	pub fn until(&self) -> BlockNumber {
		match self {
			AuditStage::Seeking { until, .. }
			| AuditStage::Committing { until }
			| AuditStage::Revealing { until }
			| AuditStage::Held { until } => *until,
		}
	}
}

/// What stands in the agenda.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Item {
	/// The draw of a commitment's audits.
	Draw {
		/// The task.
		task: TaskId,
		/// The round.
		round: RoundIndex,
		/// The trainer's place.
		slot: Slot,
	},
	/// An audit.
	Audit {
		/// The audit.
		audit: AuditId,
	},
	/// A dispute.
	Dispute {
		/// The dispute.
		dispute: DisputeId,
	},
	/// The end of the time in which a task's score can be challenged.
	Score {
		/// The task.
		task: TaskId,
	},
	/// A demand.
	Demand {
		/// The demand.
		demand: DemandId,
	},
}

/// How much of a task is under audit, and by how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct TaskAudits {
	/// Draws of audits that are not finished, audits that are open or held, open disputes, void ones
	/// included, open demands, and a score that can be challenged.
	pub open: u32,
	/// Accounts that are paid as verifiers.
	pub verifiers: u32,
}

/// What a verifier's ticket is kept for by a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Locks {
	/// Audits that it is to answer.
	pub open: u32,
	/// Audits that it has answered and that are held.
	pub held: u32,
}

/// Which commitments of a round the supervisor in a place has attested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Attestor {
	/// The supervisor's place.
	pub slot: Slot,
	/// The ticket with which it holds the place. Who comes after it has attested nothing.
	pub ticket: TicketId,
	/// The trainers' places.
	pub attested: Places,
}

/// A demand in a runtime.
pub(crate) type DemandOf<T> = OpenDemand<<T as polkadot_sdk::frame_system::Config>::AccountId>;

/// A demand that a supervisor show what it has attested. It stays what it is if the commitment goes: what it
/// needs of that is here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct OpenDemand<AccountId> {
	/// The task.
	pub task: TaskId,
	/// The place that the supervisor had when it was demanded.
	pub slot: Slot,
	/// The supervisor.
	pub supervisor: AccountId,
	/// Its ticket.
	pub ticket: TicketId,
	/// Who demands it.
	pub demander: AccountId,
	/// What is demanded.
	pub what: Demanded,
	/// The root of what was attested: of the trace, or of the training data.
	pub root: H256,
	/// The number of checkpoints in the trace.
	pub checkpoints: u32,
	/// The hash of the blob that lists the checkpoints.
	pub manifest: H256,
	/// The version of the arithmetic that the task was ordered with.
	pub arithmetic_version: u16,
	/// What is on hold of who demands it.
	pub bond: Balance,
	/// The block in which it was demanded.
	pub opened: BlockNumber,
	/// The last block in which it can be shown.
	pub until: BlockNumber,
	/// The block for which the demand stands in the agenda.
	pub wake: BlockNumber,
	/// Whether it was shown. The hook ends the demand then.
	pub shown: bool,
}

/// A dispute in a runtime.
pub(crate) type DisputeOf<T> = OpenDispute<<T as polkadot_sdk::frame_system::Config>::AccountId>;

/// A dispute about a commitment or a score.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct OpenDispute<AccountId> {
	/// The task.
	pub task: TaskId,
	/// The round. For a score it is the number of rounds, the one after the last.
	pub round: RoundIndex,
	/// The place of the trainer, or the evaluator.
	pub slot: Slot,
	/// What of a score it is about; none where it is about a round.
	pub score: Option<WrongScore>,
	/// The block of the commitment, or of the agreement on the score. It tells what is disputed from what is
	/// later in its place.
	pub committed: BlockNumber,
	/// The trainer, or the evaluator.
	pub defender: AccountId,
	/// Its ticket.
	pub ticket: TicketId,
	/// Who says that it is wrong.
	pub challenger: AccountId,
	/// What is on hold of the challenger.
	pub bond: Balance,
	/// The block in which it was opened.
	pub opened: BlockNumber,
	/// The last block for the move that is due.
	pub until: BlockNumber,
	/// The block for which the dispute stands in the agenda.
	pub wake: BlockNumber,
	/// Who was proven wrong, until the hook ends the dispute.
	pub proven_wrong: Option<Party>,
	/// How far it has come.
	pub game: Dispute,
}
