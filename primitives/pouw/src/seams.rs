//! The small traits by which the pallets reach each other. A pallet's `Config` names the traits that it
//! needs; the runtime says which pallet stands behind them.

use crate::{
	proof::{Score, WrongScore},
	status::{Commitment, Duty, Paid, ScoreStatus, TicketStatus},
	ticket::{Capabilities, Endpoint, Role},
	Balance, RoundIndex, SegmentIndex, Slot, TaskId, TicketId,
};
use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::H256,
	sp_runtime::{DispatchError, Permill},
};
use scale_info::TypeInfo;

/// A ticket that a draw has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnTicket<AccountId> {
	/// The ticket.
	pub ticket: TicketId,
	/// Its owner.
	pub account: AccountId,
}

/// The pools of tickets, as the market and the proofs see them.
pub trait TicketPool<AccountId> {
	/// Draws a ticket of a role that meets the needs, does not belong to an excluded account, and is
	/// free or already locked to this very task (verifiers answer several audits of one task). The draw
	/// is uniform over what qualifies, and a function of the pool and the randomness alone. The ticket is
	/// then locked to the task. `None` where nothing was found within the bounded number of tries.
	fn draw(
		role: Role,
		task: TaskId,
		needs: &Capabilities,
		excluded: &[AccountId],
		randomness: &H256,
	) -> Option<DrawnTicket<AccountId>>;

	/// Lets a ticket go that this task holds: back to its pool, or to its owner if it is retiring,
	/// expired or has missed too many duties.
	fn release(ticket: TicketId, task: TaskId);

	/// Notes that the ticket did a duty.
	fn duty_done(ticket: TicketId);

	/// Notes that the ticket missed a duty. At the limit it is fined and retires, once while a task holds it.
	fn duty_missed(ticket: TicketId);

	/// Takes a ticket's whole stake: this share goes to the beneficiaries in equal parts, the rest is
	/// burned. The ticket is gone afterwards. Returns what was slashed and what each beneficiary got.
	fn slash(ticket: TicketId, share: Permill, beneficiaries: &[AccountId]) -> Slashed;

	/// The ticket as people see it.
	fn status(ticket: TicketId) -> Option<TicketStatus>;

	/// Where the ticket's blobs are served.
	fn endpoint(ticket: TicketId) -> Option<Endpoint>;

	/// Puts a mature ticket into the pool for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_ticket(owner: &AccountId, role: Role) -> TicketId;
}

/// What a slash took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slashed {
	/// All that was taken.
	pub total: Balance,
	/// What each beneficiary got of it.
	pub each: Balance,
	/// What was burned of it.
	pub burned: Balance,
}

/// Work that is to be paid for, in units that only compare within their list: accepted or standing
/// segments for trainers, duties done for the others.
pub type Shares<AccountId> = Vec<(AccountId, u32)>;

/// A task whose fee is to be split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement<AccountId> {
	/// The fee.
	pub fee: Balance,
	/// Whether the required accuracy was reached (or the client forfeited its say by not revealing the
	/// hidden part). Otherwise the trainers get half and the client the rest.
	pub accuracy_met: bool,
	/// Trainers by standing segments.
	pub trainers: Shares<AccountId>,
	/// Verifiers by answered audits.
	pub verifiers: Shares<AccountId>,
	/// Supervisors by attestations.
	pub supervisors: Shares<AccountId>,
	/// Evaluators by scores.
	pub evaluators: Shares<AccountId>,
}

/// How a fee is split. Σ `payments` + `refunded` + `burned` equals the fee exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution<AccountId> {
	/// Who gets how much, an account once for each role.
	pub payments: Vec<(AccountId, Balance)>,
	/// The same by role.
	pub paid: Paid,
	/// What goes back to the client.
	pub refunded: Balance,
	/// What is burned.
	pub burned: Balance,
}

/// A fact about an account's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkFact {
	/// Segments of its training were accepted by audits.
	SegmentsAccepted(u32),
	/// It answered an audit rightly.
	AuditDone,
	/// It attested or evaluated rightly.
	DutyDone,
	/// It was proven wrong.
	Fault,
}

/// Who is paid what, as the market sees it.
pub trait Rewards<AccountId> {
	/// Splits a fee. It moves no money: the pallet that holds the fee does.
	fn split(settlement: &Settlement<AccountId>) -> Distribution<AccountId>;

	/// Mints the subsidy for accepted segments, at most what is left of the era's budget and at most
	/// `cap`, which is what the task burned. Returns what was minted.
	fn pay_subsidy(
		task: TaskId,
		segments: &Shares<AccountId>,
		cap: Balance,
	) -> Result<Balance, DispatchError>;

	/// Notes a fact in the account's reputation.
	fn note(account: &AccountId, fact: WorkFact);
}

/// A set of places: bits, the first place's the lowest.
pub type Places = u16;

/// A trainer's or supervisor's place in a task whose round is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
	/// The place among the task's trainers, or among its supervisors.
	pub slot: Slot,
	/// The ticket that was drawn for it.
	pub ticket: TicketId,
	/// Places of that role in the task.
	pub places: u32,
	/// Segments of a trainer's round.
	pub segments: SegmentIndex,
	/// The record of the sealed rounds ([`crate::proof::record_round`]): what the round starts from.
	pub record: H256,
}

/// Why an account has no say in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
	/// There is no such task, or it has ended.
	NoSuchTask,
	/// The task is not in this round of training.
	RoundNotOpen,
	/// The account does not hold a place of that role.
	NotItsWorker,
}

/// How an audit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOutcome {
	/// The verifiers agree with the trainer who holds this ticket.
	Accepted(TicketId),
	/// Nothing was found out: the verifiers did not agree in all their tries, or too few were to be had.
	/// The round counts as checked in this respect, but what was not verified earns nothing.
	Lapsed {
		/// The place of the trainer whose commitment was audited.
		slot: Slot,
		/// The ticket that it holds.
		ticket: TicketId,
		/// Whether no other audit of the same commitment has lapsed before.
		first: bool,
	},
	/// The commitment did not stand any more.
	Void,
}

/// What a dispute is judged by: all that follows from what is agreed on. It stays the same for as long as what is
/// disputed stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
	/// The task's seed.
	pub seed: H256,
	/// The version of the arithmetic that the task was ordered with.
	pub arithmetic_version: u16,
	/// The root over the parts of the program: the evaluation program where it is about a score's right answers,
	/// the step program otherwise.
	pub program_parts: H256,
	/// The root over the features and labels that the program reads, as supervisors have attested it: those of the
	/// hidden part, or the training part.
	pub data: H256,
	/// The root of the state that the task starts from, where that was given; none where it follows from the seed.
	pub initial_root: Option<H256>,
	/// The roots of the states whose merge the round starts from, or whose merge is the final state, in the order
	/// of the places; none for the first round.
	pub updates: Vec<H256>,
	/// The steps of a segment.
	pub steps_per_segment: u32,
	/// The number of the trainer's first batch of the round since the task's start.
	pub first_position: u64,
	/// The multiply-adds of a segment, or of the evaluation.
	pub multiply_adds: u64,
}

/// An evaluator that stands by a score.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Claimant<AccountId> {
	/// Its place among the task's evaluators.
	pub slot: Slot,
	/// Who it is.
	pub account: AccountId,
	/// Its ticket.
	pub ticket: TicketId,
}

/// A supervisor's place in a task, and what it has said to hold beside what trainers have committed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervision<AccountId> {
	/// The supervisor, who has accepted.
	pub account: AccountId,
	/// The ticket that was drawn for the place.
	pub ticket: TicketId,
	/// The root over the features and labels of the training part, if this supervisor has attested it and a
	/// round is still to be trained or can be proven wrong.
	pub training_tensor: Option<H256>,
	/// The version of the arithmetic that the task was ordered with.
	pub arithmetic_version: u16,
}

/// The market, as the proofs see it.
pub trait Market<AccountId> {
	/// The place of a trainer who may commit to this round now.
	fn trainer(task: TaskId, round: RoundIndex, account: &AccountId) -> Result<Place, Refusal>;

	/// The place of a supervisor who may attest commitments of this round now.
	fn supervisor(task: TaskId, round: RoundIndex, account: &AccountId) -> Result<Place, Refusal>;

	/// What the task needs of a machine.
	fn needs(task: TaskId) -> Option<Capabilities>;

	/// The accounts that have a part in the task, its client included: none of them may verify it.
	fn involved(task: TaskId) -> Vec<AccountId>;

	/// Commitments have become available. Seals the round if that was all it waited for.
	fn commitments_available(task: TaskId, round: RoundIndex, places: Places);

	/// So many audits of the task were drawn.
	fn audits_drawn(task: TaskId, audits: u32);

	/// An audit of this round is over.
	fn audit_ended(task: TaskId, round: RoundIndex, outcome: AuditOutcome);

	/// What a dispute about a trainer's commitment to this round is judged by. None if the task is not
	/// known so well, or has ended.
	fn grounds(task: TaskId, round: RoundIndex, slot: Slot) -> Option<Grounds>;

	/// What a dispute about this part of a score is judged by. None if the task has not come so far, or has
	/// ended.
	fn score_grounds(task: TaskId, wrong: WrongScore) -> Option<Grounds>;

	/// The commitment of the trainer in this place, who holds this ticket, was proven wrong. The ticket has
	/// been slashed; the trainer's bond is taken now, and the task goes back to the round.
	fn commitment_refuted(task: TaskId, round: RoundIndex, slot: Slot, ticket: TicketId);

	/// The score that was agreed on was refuted for these evaluators, whose tickets have been slashed. If nobody
	/// stands by it any more the model is scored anew.
	fn score_refuted(task: TaskId, tickets: &[TicketId]);

	/// The supervisor in this place of the task.
	fn supervision(task: TaskId, slot: Slot) -> Option<Supervision<AccountId>>;

	/// Whether a place of the task is held with this ticket, accepted or not.
	fn is_seated(task: TaskId, ticket: TicketId) -> bool;

	/// The supervisor with this ticket, in its place or gone, could not show what it had attested. The ticket
	/// has been slashed; it loses its place and what it was to be paid.
	fn attestation_refuted(task: TaskId, ticket: TicketId);

	/// Something that the task waits for is over: a dispute, or the time in which a commitment or a score could
	/// be challenged.
	fn checked_further(task: TaskId);

	/// Makes a task whose first round is open for benchmarks, as large as a task can be, with this root over the
	/// parts of its step program: the task, its trainers and its supervisors, each in the order of their places.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_open_round(step_program_parts: H256) -> (TaskId, Vec<AccountId>, Vec<AccountId>);
}

/// The most accounts that are paid as verifiers of one task. Others may verify it too, without a share.
pub const MAX_TASK_VERIFIERS: u32 = 128;

/// A commitment and who holds what it commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<AccountId> {
	/// The commitment.
	pub commitment: Commitment<AccountId>,
	/// The supervisors that have attested it.
	pub attested: Places,
	/// Whether an audit of it has lapsed: then it earns nothing.
	pub lapsed: bool,
}

/// The proofs, as the market sees them.
pub trait Proofs<AccountId> {
	/// The commitments to a round, in the order of the places.
	fn commitments(task: TaskId, round: RoundIndex) -> Vec<Standing<AccountId>>;

	/// The supervisors that have attested anything of the round, be it that they hold nothing: bits by
	/// their places. The latter is no duty done; which commitments each of them holds, `commitments` tells.
	fn answered(task: TaskId, round: RoundIndex) -> Places;

	/// Whether a commitment to this round can still be proven wrong: audits of it are still to be drawn or
	/// open, or it can be challenged.
	fn unchecked(task: TaskId, round: RoundIndex) -> bool;

	/// Takes a commitment out. Its audits that are open end without effect.
	fn void_commitment(task: TaskId, round: RoundIndex, slot: Slot);

	/// Takes everything out that is kept about a round.
	fn void_round(task: TaskId, round: RoundIndex);

	/// Evaluators have agreed on a score, after so many rounds. It can be challenged now.
	fn score_agreed(
		task: TaskId,
		rounds: RoundIndex,
		score: Score,
		claimants: Vec<Claimant<AccountId>>,
	);

	/// The score that can be challenged, and who stands by it.
	fn score(task: TaskId) -> Option<ScoreStatus>;

	/// Takes a task's score out: the task went back.
	fn void_score(task: TaskId);

	/// Audits, disputes and demands of the task that are still to be drawn or open, void ones included, and a
	/// score that can be challenged.
	fn open_audits(task: TaskId) -> u32;

	/// What verifiers have done for the task: at most [`MAX_TASK_VERIFIERS`].
	fn verifier_shares(task: TaskId) -> Shares<AccountId>;

	/// What the account must do in audits, disputes and demands.
	fn duties(account: &AccountId) -> Vec<Duty>;

	/// Whether a supervisor with this ticket has still to show something of what it has attested. Until then
	/// the ticket is not to be released; it is released here if it holds no place then.
	fn is_demanded(ticket: TicketId) -> bool;

	/// Takes out what is left of a task that has ended, at most so many entries. Returns whether
	/// nothing remains.
	fn clear(task: TaskId, limit: u32) -> bool;

	/// Puts a commitment of this trainer there for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_commitment(
		task: TaskId,
		round: RoundIndex,
		slot: Slot,
		trainer: &AccountId,
		available: bool,
	);
}
