//! What is stored about tasks.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{traits::ConstU32, BoundedVec},
	sp_core::H256,
};
pub use pouw_primitives::proof::Score;
use pouw_primitives::{
	seams::Places,
	spec::{MAX_EVALUATORS, MAX_TRAINERS},
	status::{Phase, SegmentCounts, SpecVerdict, TestPart},
	ticket::Role,
	Balance, BlockNumber, RoundIndex, Slot, TicketId,
};
use scale_info::TypeInfo;

/// The most places of one role in a task; no role has more than trainers.
pub const MAX_PLACES: u32 = MAX_TRAINERS as u32;

/// The most workers that a task remembers after they have left it. A task that has lost so many goes on
/// with those that it has.
pub const MAX_FORMER: u32 = 32;

/// The most evaluators that a task refuses to draw again: as many as can fail it before it is given up. If a
/// round that is lost begins the evaluation anew and there are more, the first are forgotten.
pub const MAX_DISMISSED: u32 = 2 * MAX_EVALUATORS as u32;

/// The roles whose places are drawn with the task. Verifiers are drawn for each audit.
pub const SEATED_ROLES: [Role; 3] = [Role::Trainer, Role::Supervisor, Role::Evaluator];

/// The places of one role, by slot; an empty one waits for a draw.
pub type Seats<AccountId> = BoundedVec<Option<Seat<AccountId>>, ConstU32<MAX_PLACES>>;

/// A task that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Task<AccountId> {
	/// Who pays.
	pub client: AccountId,
	/// The fee, on hold on the client's account.
	pub fee: Balance,
	/// The client's bond, on hold likewise.
	pub client_bond: Balance,
	/// What each trainer places as bond.
	pub trainer_bond: Balance,
	/// The seed of weights, batches and the split; unknown before the first draw.
	pub seed: Option<H256>,
	/// Where the task stands.
	pub stage: Stage,
	/// The block for which the task stands in the agenda.
	pub wake: BlockNumber,
	/// A draw for empty places that is to be made.
	pub draw: Option<DrawOrder>,
	/// The places of the trainers.
	pub trainers: Seats<AccountId>,
	/// The places of the supervisors.
	pub supervisors: Seats<AccountId>,
	/// The places of the evaluators.
	pub evaluators: Seats<AccountId>,
	/// Workers that have left and are owed something or can still be held to account.
	pub former: BoundedVec<Former<AccountId>, ConstU32<MAX_FORMER>>,
	/// Evaluators that were silent or could not agree. They are not drawn again: who disagrees on purpose
	/// must not get another try.
	pub dismissed: BoundedVec<AccountId, ConstU32<MAX_DISMISSED>>,
	/// Whether the client's bond is taken at the end: for a specification that lied, a test part that was
	/// not revealed, or workers that were not to its liking.
	pub forfeited: bool,
	/// The root of the training tensor, as the supervisors found it.
	pub training_tensor: Option<H256>,
	/// What is known of the hidden part.
	pub test: TestPart,
	/// The root of the tensor that the hidden part makes, as the supervisors found it.
	pub test_tensor: Option<H256>,
	/// Rounds that are sealed.
	pub sealed_rounds: RoundIndex,
	/// Rounds, from the first, whose audits are all over.
	pub checked_rounds: RoundIndex,
	/// The record of the sealed rounds.
	pub record: H256,
	/// What has become of the segments.
	pub segments: SegmentCounts,
}

/// Where a task stands. Each `until` is the last block in which what is waited for counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Stage {
	/// Waiting for the draw, for the drawn to accept, and for the supervisors' word on the data.
	Pending {
		/// The assignment deadline.
		until: BlockNumber,
	},
	/// A round is open.
	Training {
		/// The round.
		round: RoundIndex,
		/// Its deadline.
		until: BlockNumber,
		/// The trainers whose commitments are available.
		available: Places,
		/// Whether silent supervisors were replaced and the deadline moved for it.
		extended: bool,
	},
	/// All rounds are sealed.
	Evaluating {
		/// What is waited for.
		step: EvaluationStep,
		/// The step's deadline.
		until: BlockNumber,
		/// How often the step was begun anew with other workers.
		attempts: u8,
	},
	/// The end is certain: `Settled`, `Cancelled` or `Failed`. Open audits are waited for.
	Ending(Phase),
}

/// The steps of the evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum EvaluationStep {
	/// The client serves the hidden part.
	RevealTest,
	/// Supervisors attest that it is what was committed to.
	AttestTest,
	/// Evaluators publish commitments to their scores.
	Commit,
	/// Evaluators reveal their scores.
	Reveal,
	/// It is over. A round that is lost before the task ends opens it again.
	Closed(EvaluationResult),
}

/// How an evaluation came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum EvaluationResult {
	/// Two thirds of the evaluators agree. It can be challenged for some time.
	Scored(Score),
	/// The client did not let the model be scored.
	Forfeited,
	/// Supervisors or evaluators did not agree in all their tries.
	Undecided,
}

/// A draw that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct DrawOrder {
	/// The block in which it was asked for: its randomness must be newer.
	pub asked: BlockNumber,
	/// The block of the next try.
	pub next: BlockNumber,
}

/// A worker's place.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Seat<AccountId> {
	/// Whose ticket was drawn.
	pub account: AccountId,
	/// The ticket.
	pub ticket: TicketId,
	/// Whether the draw was accepted.
	pub accepted: bool,
	/// The last block in which the worker may do what is waited for from it alone: accept the draw, or
	/// attest the specification.
	pub until: Option<BlockNumber>,
	/// What the worker has said in the present step.
	pub said: Option<Word>,
	/// A trainer's bond, on hold on its account.
	pub bond: Balance,
	/// What it is paid for: a trainer's segments in sealed rounds, a supervisor's attestations, an
	/// evaluator's scores.
	pub work: u32,
	/// A trainer's segments that audits have accepted.
	pub accepted_segments: u32,
	/// Rounds that a trainer has missed.
	pub missed: u32,
	/// The first round that waits for this trainer.
	pub since: RoundIndex,
	/// Whether this supervisor is among those who have attested the training data that the task was begun
	/// with.
	pub attested_data: bool,
}

/// What a worker has said in a step that waits for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Word {
	/// A supervisor, about the specification.
	Spec(SpecVerdict),
	/// A supervisor: the root of the tensor that the revealed test part makes; none if it is not the one
	/// committed to.
	Test(Option<H256>),
	/// An evaluator that has let the time for its commitment pass.
	Silent,
	/// An evaluator's commitment to its score.
	Committed(H256),
	/// An evaluator's score.
	Scored(Score),
}

/// A worker that has left its place.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Former<AccountId> {
	/// What it was.
	pub role: Role,
	/// Who it was.
	pub account: AccountId,
	/// Its ticket. A trainer's stays locked to the task: the rounds that it has committed to may still
	/// be audited.
	pub ticket: TicketId,
	/// What is left of its bond, on hold on its account.
	pub bond: Balance,
	/// What it is paid for.
	pub work: u32,
	/// Segments that audits have accepted.
	pub accepted_segments: u32,
}

/// A sealed round that can still be lost, or whose merge the open one starts from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct SealedRound {
	/// The record before it.
	pub record: H256,
	/// The sealed set, in the order of the places: where each trainer's state ended. It is kept here for the
	/// rounds that have started from it: what they started from does not change when a commitment goes.
	pub ends: BoundedVec<(Slot, H256), ConstU32<{ MAX_TRAINERS as u32 }>>,
}

/// Why a worker has lost its place.
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
)]
pub enum Removal {
	/// It did not accept the draw in time.
	NotAccepted,
	/// It was silent when its word was due, or denied what others hold.
	Silent,
	/// A trainer that has missed too many rounds.
	MissedRounds,
	/// A trainer or evaluator that was proven wrong, or has not defended what it has claimed.
	ProvenWrong,
	/// An evaluator: none of those who scored agreed with enough others.
	NoAgreement,
	/// A supervisor that did not show what it had attested.
	NotShown,
}

impl Removal {
	/// Whether the worker was found to have lied, and has lost its ticket for it.
	pub fn is_slashed(&self) -> bool {
		matches!(self, Removal::ProvenWrong | Removal::NotShown)
	}
}

impl<AccountId> Seat<AccountId> {
	/// The place of a drawn ticket's owner, who has until this block to accept.
	pub fn drawn(account: AccountId, ticket: TicketId, until: BlockNumber) -> Self {
		Self {
			account,
			ticket,
			accepted: false,
			until: Some(until),
			said: None,
			bond: 0,
			work: 0,
			accepted_segments: 0,
			missed: 0,
			since: 0,
			attested_data: false,
		}
	}

	/// Whether the time is over in which something was waited for from this worker alone.
	pub fn is_overdue(&self, now: BlockNumber) -> bool {
		self.until.is_some_and(|until| now > until)
	}
}

impl Stage {
	/// The stage as people see it.
	pub fn phase(&self) -> Phase {
		match self {
			Stage::Pending { .. } => Phase::Pending,
			Stage::Training { round, .. } => Phase::Training(*round),
			Stage::Evaluating { .. } => Phase::Evaluating,
			Stage::Ending(phase) => *phase,
		}
	}

	/// How often the present step of the evaluation was begun anew with other workers.
	pub fn attempt(&self) -> u32 {
		match self {
			Stage::Evaluating { attempts, .. } => u32::from(*attempts),
			_ => 0,
		}
	}

	/// The stage's deadline.
	pub fn until(&self) -> Option<BlockNumber> {
		match self {
			Stage::Pending { until } | Stage::Training { until, .. } => Some(*until),
			Stage::Evaluating {
				step: EvaluationStep::Closed(_),
				..
			}
			| Stage::Ending(_) => None,
			Stage::Evaluating { until, .. } => Some(*until),
		}
	}
}

impl<AccountId: PartialEq> Task<AccountId> {
	/// The places of a role. Verifiers have none.
	pub fn seats(&self, role: Role) -> &[Option<Seat<AccountId>>] {
		match role {
			Role::Trainer => &self.trainers,
			Role::Supervisor => &self.supervisors,
			Role::Evaluator => &self.evaluators,
			Role::Verifier => &[],
		}
	}

	/// The places of a role, to be changed.
	pub fn seats_mut(&mut self, role: Role) -> core::slice::IterMut<'_, Option<Seat<AccountId>>> {
		match role {
			Role::Trainer => self.trainers.iter_mut(),
			Role::Supervisor => self.supervisors.iter_mut(),
			Role::Evaluator => self.evaluators.iter_mut(),
			Role::Verifier => core::slice::IterMut::default(),
		}
	}

	/// The workers of a role that have accepted, with their slots.
	pub fn live(&self, role: Role) -> impl Iterator<Item = (Slot, &Seat<AccountId>)> {
		(0..).zip(self.seats(role)).filter_map(|(slot, seat)| {
			seat.as_ref()
				.filter(|seat| seat.accepted)
				.map(|seat| (slot, seat))
		})
	}

	/// The workers that hold a place, accepted or not.
	pub fn seated(&self) -> impl Iterator<Item = (Role, Slot, &Seat<AccountId>)> {
		SEATED_ROLES.into_iter().flat_map(|role| {
			(0..)
				.zip(self.seats(role))
				.filter_map(move |(slot, seat)| Some((role, slot, seat.as_ref()?)))
		})
	}

	/// Whether workers of a role are still needed: once all rounds are sealed, trainers are not.
	pub fn wants(&self, role: Role) -> bool {
		role != Role::Trainer || !matches!(self.stage, Stage::Evaluating { .. })
	}

	/// Empty places that are to be filled.
	pub fn vacancies(&self) -> u32 {
		SEATED_ROLES
			.into_iter()
			.filter(|role| self.wants(*role))
			.flat_map(|role| self.seats(role))
			.filter(|seat| seat.is_none())
			.count() as u32
	}

	/// Whether every place is held by a worker that has accepted.
	pub fn complete(&self) -> bool {
		SEATED_ROLES
			.into_iter()
			.flat_map(|role| self.seats(role))
			.all(|seat| seat.as_ref().is_some_and(|seat| seat.accepted))
	}

	/// The accepted worker of a role with this account.
	pub fn worker(&self, role: Role, account: &AccountId) -> Option<(Slot, &Seat<AccountId>)> {
		self.live(role).find(|(_, seat)| seat.account == *account)
	}

	/// The same, to be changed.
	pub fn worker_mut(&mut self, role: Role, account: &AccountId) -> Option<&mut Seat<AccountId>> {
		self.seats_mut(role)
			.filter_map(Option::as_mut)
			.find(|seat| seat.accepted && seat.account == *account)
	}

	/// Applies a change to the counters of the trainer with this ticket, in its place or gone: what it is
	/// paid for, and its accepted segments. One that was proven wrong has no claim to anything any more.
	pub fn count_trainer(&mut self, ticket: TicketId, change: impl FnOnce(&mut u32, &mut u32)) {
		let seated = self
			.trainers
			.iter_mut()
			.flatten()
			.find(|seat| seat.ticket == ticket);
		if let Some(seat) = seated {
			return change(&mut seat.work, &mut seat.accepted_segments);
		}
		let former = self
			.former
			.iter_mut()
			.find(|former| former.role == Role::Trainer && former.ticket == ticket);
		// Only who was proven wrong has lost the whole of its bond.
		if let Some(former) = former.filter(|former| former.bond > 0) {
			change(&mut former.work, &mut former.accepted_segments);
		}
	}

	/// How many workers of a role have said what `matches` looks for.
	pub fn count_words(&self, role: Role, matches: impl Fn(&Word) -> bool) -> u32 {
		self.live(role)
			.filter(|(_, seat)| seat.said.as_ref().is_some_and(&matches))
			.count() as u32
	}

	/// Begins a step: nobody has said anything.
	pub fn clear_words(&mut self) {
		for role in SEATED_ROLES {
			for seat in self.seats_mut(role).flatten() {
				seat.said = None;
			}
		}
	}

	/// Asks for a draw for the empty places.
	pub fn ask_draw(&mut self, now: BlockNumber, delay: BlockNumber) {
		if self.draw.is_none() {
			self.draw = Some(DrawOrder {
				asked: now,
				next: now.saturating_add(delay),
			});
		}
	}

	/// Whether the workers that will be drawn can be known to somebody, or are drawn: a block's author
	/// knows its own randomness before anybody else, and the draw is made from that of the block before.
	pub fn draw_is_known(&self, now: BlockNumber) -> bool {
		let imminent = |order: DrawOrder| now.saturating_add(1) >= order.next;
		self.seed.is_some() || self.draw.is_some_and(imminent)
	}

	/// Remembers an evaluator that must not be drawn again.
	pub fn dismiss(&mut self, evaluator: AccountId) {
		if self.dismissed.is_full() {
			self.dismissed.remove(0);
		}
		// There is room now.
		let _ = self.dismissed.try_push(evaluator);
	}
}

/// Whether a set of places has this one.
pub fn has_place(places: Places, slot: Slot) -> bool {
	places & place(slot) != 0
}

/// The set of this place alone.
pub fn place(slot: Slot) -> Places {
	Places::from(1u8)
		.checked_shl(u32::from(slot))
		.unwrap_or_default()
}

/// A set's places in their order.
pub fn slots(places: Places) -> impl Iterator<Item = Slot> {
	(0..Places::BITS as Slot).filter(move |slot| has_place(places, *slot))
}
