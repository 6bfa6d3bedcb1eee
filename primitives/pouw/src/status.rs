//! What the chain tells about tickets, tasks, rounds and audits, and who must do what next.

use crate::{
	proof::{AuditAnswer, Score, WrongScore},
	spec::TaskSpec,
	ticket::{Capabilities, Endpoint, Role},
	AuditId, Balance, BlockNumber, DemandId, DisputeId, RoundIndex, SegmentIndex, Slot, TaskId,
	TicketId,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{sp_core::H256, sp_runtime::Permill};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Where a task stands.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
	/// Waiting for the draw, the acceptance of the drawn, and the supervisors' check of the data.
	Pending,
	/// In this round of training.
	Training(RoundIndex),
	/// All rounds are sealed; open audits, the hidden part's reveal and its evaluation are under way.
	Evaluating,
	/// Done and paid.
	Settled,
	/// Withdrawn by the client before it was matched.
	Cancelled,
	/// Ended without a result.
	Failed(FailureReason),
}

/// Why a task ended without a result.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum FailureReason {
	/// Not enough tickets took the task before its assignment deadline, or its supervisors had not
	/// agreed on its specification by then.
	NoWorkers,
	/// The supervisors found that the specification, programs or data are not what was claimed.
	BadSpec,
	/// A round ended without a single available commitment.
	NoProgress,
	/// The evaluators did not agree on a result in time.
	NoEvaluation,
}

/// A worker of a task.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Worker<AccountId> {
	/// Its role.
	pub role: Role,
	/// Its place among the task's workers of that role.
	pub slot: Slot,
	/// Whose ticket was drawn.
	pub account: AccountId,
	/// The drawn ticket.
	pub ticket: TicketId,
	/// Whether the draw was accepted.
	pub accepted: bool,
	/// Where the worker serves its blobs.
	pub endpoint: Endpoint,
}

/// A task that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus<AccountId> {
	/// The task's number.
	pub task: TaskId,
	/// Who pays.
	pub client: AccountId,
	/// What was asked for.
	pub spec: TaskSpec,
	/// Where the task stands.
	pub phase: Phase,
	/// The block at which the phase's own deadline lies, if it has one.
	pub deadline: Option<BlockNumber>,
	/// The seed of weights and batches; unknown before the draw.
	pub seed: Option<H256>,
	/// The data segments that are hidden for the test, ascending; empty before the draw.
	pub hidden_segments: Vec<u16>,
	/// The workers, by role and place. Verifiers are drawn for each audit and are not among them.
	pub workers: Vec<Worker<AccountId>>,
	/// The root of the training tensor that the supervisors found, once they have.
	pub training_tensor: Option<H256>,
	/// What is known of the hidden part.
	pub test: TestPart,
	/// The root of the tensor that the hidden part makes, once supervisors have attested it.
	pub test_tensor: Option<H256>,
	/// The score that the evaluators have agreed on, while it can be challenged.
	pub score: Option<ScoreStatus>,
	/// How often the present step of the evaluation was begun anew with other workers: what an evaluator
	/// binds into its commitment ([`crate::proof::evaluation_commitment`]).
	pub evaluation_attempt: u32,
	/// What each trainer places as bond.
	#[serde(with = "crate::json::amount")]
	pub trainer_bond: Balance,
	/// Rounds, from the first, whose audits are all over. They can't be lost any more, and the
	/// commitments of all but the last of them are no longer kept.
	pub checked_rounds: RoundIndex,
	/// The record of the sealed rounds ([`crate::proof::record_round`]).
	pub record: H256,
	/// Segments so far.
	pub segments: SegmentCounts,
}

/// A score that evaluators have agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScoreStatus {
	/// The score.
	pub score: Score,
	/// The places of the evaluators that have claimed it and stand by it.
	pub evaluators: Vec<Slot>,
	/// The last block in which it can be challenged.
	pub challenge_until: BlockNumber,
}

/// What is known of the hidden part of a task's data.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum TestPart {
	/// The client has not revealed it.
	#[default]
	Hidden,
	/// The client serves it; its supervisors have not agreed yet on whether it is what was committed to.
	Revealed,
	/// Two thirds of the supervisors have found that it is, and agree on the tensor that it makes.
	Attested,
	/// The client did not reveal it in time, or what it served is not what it had committed to. Its bond
	/// is forfeited and the trainers are paid in full.
	Forfeited,
}

/// What a supervisor found when it checked a task's programs and training data.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum SpecVerdict {
	/// Everything is what the specification says.
	#[serde(rename_all = "camelCase")]
	Good {
		/// The root of the training tensor that the open segments make.
		training_tensor: Option<H256>,
	},
	/// Hashes, shapes, limits or costs are not what the specification says.
	Bad,
}

/// What has become of a task's segments so far.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct SegmentCounts {
	/// Committed to by trainers, in rounds that stand.
	pub committed: u32,
	/// Drawn for an audit.
	pub audited: u32,
	/// Accepted by an audit.
	pub accepted: u32,
	/// Proven wrong in a dispute: one for each commitment that was refuted.
	pub rejected: u32,
}

/// A trainer's commitment to its round.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Commitment<AccountId> {
	/// The trainer's place.
	pub slot: Slot,
	/// The trainer.
	pub account: AccountId,
	/// The trainer's ticket.
	pub ticket: TicketId,
	/// Merkle root over the roots of the round's checkpoints, the start state's first
	/// (`repops::commit::trace_root`).
	pub trace_root: H256,
	/// The root of the state after the last step: the last leaf of the trace.
	pub end_root: H256,
	/// BLAKE3 hash of the blob that lists, for each checkpoint, its state root and its blob's hash.
	pub manifest: H256,
	/// Rows trained on.
	pub samples: u64,
	/// The bits of the mean loss of the round's steps (`f32`); a claim for people, not for money.
	pub mean_loss: u32,
	/// The block of the commitment.
	pub block: BlockNumber,
	/// Whether two thirds of the supervisors hold it.
	pub available: bool,
}

/// A round of a task.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundStatus<AccountId> {
	/// The round.
	pub round: RoundIndex,
	/// Whether the set is sealed: then the commitments are those that are merged, in slot order.
	pub sealed: bool,
	/// The commitments, in slot order. In a sealed round a voided one is left out.
	pub commitments: Vec<Commitment<AccountId>>,
}

/// An audit of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditStatus<AccountId> {
	/// The audit's number.
	pub audit: AuditId,
	/// The task.
	pub task: TaskId,
	/// The round.
	pub round: RoundIndex,
	/// The trainer's place.
	pub slot: Slot,
	/// The segment that is audited.
	pub segment: SegmentIndex,
	/// The randomness that an answer binds.
	pub randomness: H256,
	/// The trainer, then the verifiers.
	pub parties: Vec<AuditParty<AccountId>>,
	/// Whether answers are revealed now; before that, commitments to them are taken.
	pub revealing: bool,
	/// The last block in which a commitment, or now a reveal, is taken.
	pub deadline: BlockNumber,
	/// Whether the audited commitment no longer stands, so that nobody needs to answer.
	pub void: bool,
}

/// One who answers an audit.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct AuditParty<AccountId> {
	/// Who answers.
	pub account: AccountId,
	/// The ticket that it answers with.
	pub ticket: TicketId,
	/// The commitment to its answer.
	pub commitment: Option<H256>,
	/// Its answer.
	pub answer: Option<AuditAnswer>,
}

/// A dispute about a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct DisputeStatus<AccountId> {
	/// The dispute's number.
	pub dispute: DisputeId,
	/// The task.
	pub task: TaskId,
	/// The round. Rounds count from 0; their number, the one after the last, stands for the evaluation.
	pub round: RoundIndex,
	/// The place of the defender among the task's trainers, or its evaluators.
	pub slot: Slot,
	/// What of a score it is about; none where it is about a trainer's round.
	pub score: Option<WrongScore>,
	/// The trainer or evaluator who has claimed what is in dispute.
	pub defender: AccountId,
	/// Who says that it is wrong.
	pub challenger: AccountId,
	/// What is held of the challenger.
	pub bond: Balance,
	/// The block in which it was opened.
	pub opened: BlockNumber,
	/// The last block for the move that is due; who misses it has lost.
	pub deadline: BlockNumber,
	/// Whether the commitment, or the score, does not stand any more. The dispute ends without a loser then.
	pub void: bool,
	/// The roots of the states whose merge the round starts from, in the order of the places; none for the
	/// first round. For a dispute about a score, those whose merge is the final state.
	pub updates: Vec<H256>,
	/// The bytes of the tile that the defender has shown, while the challenger is to name an element of it;
	/// else none.
	pub shown: Vec<u8>,
	/// How far it has come.
	pub game: pouw_dispute::Dispute,
}

/// Something that an account must do now, and the last block in which it counts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Duty {
	/// What is to be done.
	pub kind: DutyKind,
	/// The task that it is for.
	pub task: TaskId,
	/// The last block in which it counts.
	pub deadline: BlockNumber,
}

/// What an account must do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "duty")]
pub enum DutyKind {
	/// Accept the draw of this ticket.
	#[serde(rename_all = "camelCase")]
	Accept {
		/// The drawn ticket.
		ticket: TicketId,
		/// The role that it was drawn for.
		role: Role,
	},
	/// Supervisor: check programs and data and attest the result.
	AttestSpec,
	/// Trainer: train this round and commit to it.
	#[serde(rename_all = "camelCase")]
	Train {
		/// The round.
		round: RoundIndex,
		/// The trainer's place.
		slot: Slot,
	},
	/// Supervisor: fetch these trainers' commitments and attest those that are there. One that holds
	/// none of them says so by attesting none: only silence is a missed duty.
	#[serde(rename_all = "camelCase")]
	AttestAvailability {
		/// The round.
		round: RoundIndex,
		/// The places of the trainers that have committed and that this account has not attested.
		slots: Vec<Slot>,
	},
	/// Verifier or audited trainer: publish the commitment to the answer.
	#[serde(rename_all = "camelCase")]
	CommitAudit {
		/// The audit.
		audit: AuditId,
	},
	/// Verifier or audited trainer: reveal the answer.
	#[serde(rename_all = "camelCase")]
	RevealAudit {
		/// The audit.
		audit: AuditId,
	},
	/// Defender or challenger: make the move of a dispute that is due.
	#[serde(rename_all = "camelCase")]
	AnswerDispute {
		/// The dispute.
		dispute: DisputeId,
	},
	/// Client: serve the hidden segments and say so.
	RevealTest,
	/// Supervisor: fetch the hidden segments and attest whether their hashes match.
	AttestTest,
	/// Evaluator: publish the commitment to the score.
	CommitEvaluation,
	/// Evaluator: reveal the score.
	RevealEvaluation,
	/// Supervisor, or an evaluator that has not said so itself: check the score that was agreed on, and
	/// challenge it if it is wrong. To leave it undone is no missed duty.
	CheckScore,
	/// Supervisor: show what is demanded of what it has attested.
	#[serde(rename_all = "camelCase")]
	ShowDemanded {
		/// The demand.
		demand: DemandId,
	},
}

/// A ticket.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct TicketStatus {
	/// The ticket's number.
	pub ticket: TicketId,
	/// Its role.
	pub role: Role,
	/// What is held for it.
	#[serde(with = "crate::json::amount")]
	pub stake: Balance,
	/// Where it stands.
	pub state: TicketState,
	/// What its machine can do.
	pub capabilities: Capabilities,
	/// Where its blobs are served.
	pub endpoint: Endpoint,
	/// The block from which its stake can be had back, unless it is locked.
	pub expires: BlockNumber,
	/// Duties missed since the last one that was done.
	pub missed: u32,
}

/// Where a ticket stands.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum TicketState {
	/// Bought, and not drawn before this block.
	Maturing(BlockNumber),
	/// In its role's pool.
	Pooled,
	/// Held by this task.
	Locked(TaskId),
	/// Held by this task, and given back to its owner when that lets it go.
	Retiring(TaskId),
}

/// What was paid to whom, by role. With the refund and what was burned the sum is the fee.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Paid {
	/// To trainers.
	#[serde(with = "crate::json::amount")]
	pub trainers: Balance,
	/// To verifiers.
	#[serde(with = "crate::json::amount")]
	pub verifiers: Balance,
	/// To supervisors.
	#[serde(with = "crate::json::amount")]
	pub supervisors: Balance,
	/// To evaluators.
	#[serde(with = "crate::json::amount")]
	pub evaluators: Balance,
}

/// What stays of a task that has ended.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct TaskSummary<AccountId> {
	/// Who paid.
	pub client: AccountId,
	/// How it ended: `Settled`, `Cancelled` or `Failed`.
	pub phase: Phase,
	/// The seed, if the task was drawn.
	pub seed: Option<H256>,
	/// BLAKE2-256 of the encoded specification.
	pub spec_hash: H256,
	/// Rounds that were sealed.
	pub rounds: RoundIndex,
	/// The record of the sealed rounds ([`crate::proof::record_round`]).
	pub record: H256,
	/// The root of the final state, as the evaluators agreed.
	pub state_root: Option<H256>,
	/// Right answers on the hidden part, and of how many rows.
	pub accuracy: Option<(u32, u32)>,
	/// What was required.
	pub required_accuracy: Permill,
	/// What became of the segments.
	pub segments: SegmentCounts,
	/// The fee.
	#[serde(with = "crate::json::amount")]
	pub fee: Balance,
	/// What was paid of it.
	pub paid: Paid,
	/// What went back to the client.
	#[serde(with = "crate::json::amount")]
	pub refunded: Balance,
	/// What was burned.
	#[serde(with = "crate::json::amount")]
	pub burned: Balance,
	/// What was minted for accepted segments.
	#[serde(with = "crate::json::amount")]
	pub subsidy: Balance,
	/// The block of the end.
	pub block: BlockNumber,
}

/// What a task would cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeeEstimate {
	/// The least fee that is taken.
	#[serde(with = "crate::json::amount")]
	pub floor: Balance,
	/// What is held of the client beside the fee until the end.
	#[serde(with = "crate::json::amount")]
	pub client_bond: Balance,
	/// What each trainer must place as bond at that fee.
	#[serde(with = "crate::json::amount")]
	pub trainer_bond: Balance,
}
