//! Disputes about commitments and scores: opened, played and ended.
//!
//! The game itself is [`pouw_dispute`]'s, a pure function. Here is what surrounds it: who may open one and
//! what that costs, what the game is judged by, the clock, and what follows from its end for commitments. For
//! scores that is in `scores`.

use crate::{
	pallet::{
		Agenda, AuditOfSegment, Audits, Challenges, Commitments, Config, Disputes, DisputesOf,
		Error, Event, HoldReason, NextDispute, Pallet, Scores, ShownTile, TaskAudit,
	},
	types::{Contest, DisputeOf, Item, OpenDispute},
};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{
		ensure,
		pallet_prelude::DispatchResult,
		traits::{fungible::MutateHold, Get},
		BoundedVec,
	},
	sp_runtime::Permill,
};
use pouw_dispute::{
	ChallengerMove, DefenderMove, Dispute, Facts, MoveError, Outcome, Party, Position, Start,
	Subject,
};
use pouw_primitives::{
	proof::WrongScore,
	seams::{Grounds, Market, Rewards, TicketPool, WorkFact},
	spec::ARITHMETIC_VERSION,
	status::{DisputeStatus, Duty, DutyKind},
	Balance, BlockNumber, DisputeId, RoundIndex, SegmentIndex, Slot, TaskId, TicketId,
};
use repops::{
	parts::{PartProof, Parts, ShownParts},
	random::Seed,
};

/// The most disputes about one commitment, or one score, that are open at a time. Whoever defends it must be able
/// to answer them all.
pub const MAX_DISPUTES: u32 = 8;

/// The most bytes of a move with the parts of the program that are shown with it. The largest is the evidence
/// for a passage: 40 tiles of 4 KiB with their proofs.
pub const MAX_MOVE_BYTES: usize = 256 * 1024;

/// The most parts of the program that are shown with a move.
pub const MAX_PARTS: usize = 8;

/// The most hashes of a proof that a part is one of the program's.
const MAX_SIBLINGS: usize = 32;

/// Of what a loser loses, the share of the winner; the rest is burned. So somebody who plays against itself
/// loses by it.
pub const SHARE_OF_WINNER: Permill = Permill::from_percent(50);

/// How often the bond for challenging one commitment or score is doubled at most.
const MAX_DOUBLINGS: u32 = 16;

/// The longest that the running of a segment again is waited for: about a day.
const MAX_RUN: BlockNumber = 28_800;

impl<T: Config> From<MoveError> for Error<T> {
	fn from(error: MoveError) -> Self {
		match error {
			MoveError::NotNow => Error::AnotherMoveDue,
			MoveError::TooLarge => Error::MoveTooLarge,
			MoveError::Count { .. } => Error::WrongCount,
			MoveError::NotTheChildren => Error::NotTheChildren,
			MoveError::NoSuchPart => Error::NoSuchPart,
			MoveError::NotTheTile => Error::NotTheTile,
			MoveError::NotProven => Error::NotProven,
			MoveError::Judge(_) => Error::NotJudgeable,
			// Whatever else there is, something is missing in what was shown.
			_ => Error::PartMissing,
		}
	}
}

/// What is disputed, as far as it can be challenged.
pub(crate) struct Disputable<AccountId> {
	pub(crate) task: TaskId,
	pub(crate) round: RoundIndex,
	pub(crate) slot: Slot,
	pub(crate) score: Option<WrongScore>,
	pub(crate) committed: BlockNumber,
	pub(crate) defender: AccountId,
	pub(crate) ticket: TicketId,
	pub(crate) standing: Standing,
}

/// How what is disputed stands.
#[derive(Clone, Copy)]
pub(crate) struct Standing {
	pub(crate) contest: Contest,
	/// The segments of a round; 1 for a score.
	pub(crate) segments: SegmentIndex,
}

/// How many blocks it takes to run so many segments, or evaluations, again on a machine of the speed that
/// everybody is expected to have.
pub(crate) fn run_time<T: Config>(grounds: &Grounds, segments: u32) -> BlockNumber {
	let speed = T::ReferenceSpeed::get().max(1);
	let work = grounds.multiply_adds.saturating_mul(u64::from(segments));
	BlockNumber::try_from(work.div_ceil(speed))
		.unwrap_or(MAX_RUN)
		.min(MAX_RUN)
}

impl<T: Config> Pallet<T> {
	/// The last block in which a commitment that becomes available now can be challenged: there is time to
	/// run any of its segments.
	pub(crate) fn challenge_until(task: TaskId, round: RoundIndex, slot: Slot) -> BlockNumber {
		Self::window_from_now(T::Market::grounds(task, round, slot))
	}

	/// The last block of a window for challenges that begins now, with the time to run once what is judged by
	/// these grounds.
	pub(crate) fn window_from_now(grounds: Option<Grounds>) -> BlockNumber {
		let run = grounds.map_or(0, |grounds| run_time::<T>(&grounds, 1));
		Self::now()
			.saturating_add(Self::challenge_window())
			.saturating_add(run)
	}

	/// The last block for a move that becomes due now. A party may have to run the segment in question again for
	/// any of them, be it that it was started anew in between; before a segment is named, all of the round. A
	/// trainer may have to do so for all the disputes about its commitment.
	fn move_until(game: &Dispute, standing: &Standing, grounds: &Grounds) -> BlockNumber {
		let segments = match game.position() {
			Position::Trace(_) => standing.segments,
			_ => 1,
		};
		let games = match game.to_move() {
			Party::Defender => standing.contest.open.max(1),
			Party::Challenger => 1,
		};
		Self::now()
			.saturating_add(Self::dispute_clock())
			.saturating_add(run_time::<T>(grounds, segments.saturating_mul(games)))
	}

	/// What a dispute is judged by.
	pub(crate) fn facts(grounds: &Grounds) -> Facts {
		Facts {
			seed: Seed(grounds.seed.0),
			data: Some(grounds.data.0),
			updates: grounds.updates.iter().map(|root| root.0).collect(),
		}
	}

	/// What is held of whoever challenges this: twice as much after each challenge of it that was lost. Who only
	/// means to hold a task up pays more and more for it; an honest challenger has all of it back.
	fn challenge_bond(contest: &Contest) -> Balance {
		let factor = Balance::from(2u8).saturating_pow(contest.lost.min(MAX_DOUBLINGS));
		T::ChallengeBond::get().saturating_mul(factor)
	}

	/// Somebody says that a commitment is wrong.
	pub(crate) fn do_challenge(
		task: TaskId,
		round: RoundIndex,
		slot: Slot,
		who: T::AccountId,
	) -> DispatchResult {
		let committed = Commitments::<T>::get((task, round, slot));
		let committed = committed.ok_or(Error::<T>::NothingCommitted)?;
		let contestable = committed.commitment.available && committed.is_contestable();
		ensure!(contestable, Error::<T>::NotChallengeable);
		let grounds = T::Market::grounds(task, round, slot).ok_or(Error::<T>::NoSuchTask)?;
		let commitment = committed.commitment;
		let subject = Subject::Round {
			trace: commitment.trace_root.0,
			end: commitment.end_root.0,
			segments: committed.segments,
			steps_per_segment: grounds.steps_per_segment,
			first_position: grounds.first_position,
			start: match (round, grounds.initial_root) {
				(0, None) => Start::Initial,
				(0, Some(root)) => Start::Given { root: root.0 },
				_ => Start::Merge,
			},
		};
		let game = Dispute::new(subject, &ShownParts::default(), &Facts::default())
			.map_err(Error::<T>::from)?;
		let disputable = Disputable {
			task,
			round,
			slot,
			score: None,
			committed: commitment.block,
			defender: commitment.account,
			ticket: commitment.ticket,
			standing: Standing {
				contest: committed.contest,
				segments: committed.segments,
			},
		};
		Self::open_dispute(disputable, game, &grounds, who)
	}

	/// Opens a dispute about what can be challenged.
	pub(crate) fn open_dispute(
		disputable: Disputable<T::AccountId>,
		game: Dispute,
		grounds: &Grounds,
		who: T::AccountId,
	) -> DispatchResult {
		let Disputable {
			task,
			round,
			slot,
			score,
			committed,
			defender,
			ticket,
			mut standing,
		} = disputable;
		ensure!(defender != who, Error::<T>::OwnCommitment);
		let known = Challenges::<T>::get((task, round, slot, &who)).and_then(Disputes::<T>::get);
		ensure!(
			known.is_none_or(|known| known.committed != committed),
			Error::<T>::AlreadyDone
		);
		let open = standing.contest.open;
		ensure!(open < MAX_DISPUTES, Error::<T>::TooManyDisputes);
		ensure!(
			grounds.arithmetic_version == ARITHMETIC_VERSION,
			Error::<T>::NotChallengeable
		);
		let bond = Self::challenge_bond(&standing.contest);
		T::Currency::hold(&HoldReason::Challenge.into(), &who, bond)?;

		let id = NextDispute::<T>::get();
		NextDispute::<T>::put(id.saturating_add(1));
		standing.contest.open = open.saturating_add(1);
		let until = Self::move_until(&game, &standing, grounds);
		let dispute = OpenDispute {
			task,
			round,
			slot,
			score,
			committed,
			defender,
			ticket,
			challenger: who.clone(),
			bond,
			opened: Self::now(),
			until,
			wake: 0,
			proven_wrong: None,
			game,
		};
		Self::deposit_event(Event::DisputeOpened {
			dispute: id,
			task,
			round,
			slot,
			defender: dispute.defender.clone(),
			challenger: who.clone(),
			bond,
			deadline: until,
		});
		DisputesOf::<T>::insert(&dispute.defender, id, ());
		DisputesOf::<T>::insert(&who, id, ());
		Challenges::<T>::insert((task, round, slot, &who), id);
		Self::change_contest(&dispute, |contest| contest.open = open.saturating_add(1));
		TaskAudit::<T>::mutate(task, |audits| audits.open = audits.open.saturating_add(1));
		Self::save_dispute(id, dispute, None);
		Ok(())
	}

	/// A move of the defender's.
	pub(crate) fn do_defend(
		id: DisputeId,
		who: &T::AccountId,
		parts: &[PartProof],
		made: DefenderMove,
	) -> DispatchResult {
		let bounded = made.is_within_bounds() && Self::is_bounded(parts, &made);
		ensure!(bounded, Error::<T>::MoveTooLarge);
		let shown = match &made {
			DefenderMove::Tile(bytes) => Some(BoundedVec::truncate_from(bytes.to_vec())),
			_ => None,
		};
		Self::play(id, who, Party::Defender, parts, |game, program, facts| {
			game.defend(made, program, facts)
		})?;
		if let Some(shown) = shown {
			ShownTile::<T>::insert(id, shown);
		}
		Ok(())
	}

	/// A move of the challenger's.
	pub(crate) fn do_pursue(
		id: DisputeId,
		who: &T::AccountId,
		parts: &[PartProof],
		made: ChallengerMove,
	) -> DispatchResult {
		let bounded = made.is_within_bounds() && Self::is_bounded(parts, &made);
		ensure!(bounded, Error::<T>::MoveTooLarge);
		Self::play(id, who, Party::Challenger, parts, |game, program, facts| {
			game.challenge(made, program, facts)
		})?;
		ShownTile::<T>::remove(id);
		Ok(())
	}

	/// Whether a move costs no more than any honest one, seen before anything is done for it.
	pub(crate) fn is_bounded(parts: &[PartProof], made: &impl Encode) -> bool {
		let bytes = parts.encoded_size().saturating_add(made.encoded_size());
		parts.len() <= MAX_PARTS
			&& bytes <= MAX_MOVE_BYTES
			&& parts
				.iter()
				.all(|part| part.proof.siblings.len() <= MAX_SIBLINGS)
	}

	/// Lets a party make its move.
	fn play(
		id: DisputeId,
		who: &T::AccountId,
		party: Party,
		parts: &[PartProof],
		make: impl FnOnce(&mut Dispute, &ShownParts, &Facts) -> Result<Outcome, MoveError>,
	) -> DispatchResult {
		let mut dispute = Disputes::<T>::get(id).ok_or(Error::<T>::NoSuchDispute)?;
		ensure!(
			*who == *Self::party(&dispute, party),
			Error::<T>::NotItsWorker
		);
		let standing = Self::standing(&dispute).ok_or(Error::<T>::DisputeVoid)?;
		let due = dispute.proven_wrong.is_none() && dispute.game.to_move() == party;
		ensure!(due, Error::<T>::NotYourMove);
		ensure!(Self::now() <= dispute.until, Error::<T>::TooLate);
		let grounds = Self::grounds(&dispute).ok_or(Error::<T>::NoSuchTask)?;
		let program = Self::program(&grounds, parts)?;
		let facts = Self::facts(&grounds);
		let outcome = make(&mut dispute.game, &program, &facts).map_err(Error::<T>::from)?;
		let wake = match outcome {
			Outcome::Open => {
				dispute.until = Self::move_until(&dispute.game, &standing, &grounds);
				None
			}
			// What follows, be it that the task goes back over many rounds, is no matter of this call.
			Outcome::Lost(loser) => {
				dispute.proven_wrong = Some(loser);
				Some(Self::now().saturating_add(1))
			}
		};
		Self::deposit_event(Event::DisputeMoved {
			dispute: id,
			by: party,
			to_move: dispute.game.to_move(),
			deadline: dispute.until,
		});
		Self::save_dispute(id, dispute, wake);
		Ok(())
	}

	/// The account of a party.
	fn party(dispute: &DisputeOf<T>, party: Party) -> &T::AccountId {
		match party {
			Party::Defender => &dispute.defender,
			Party::Challenger => &dispute.challenger,
		}
	}

	/// What is in dispute, if it still stands.
	fn standing(dispute: &DisputeOf<T>) -> Option<Standing> {
		if dispute.score.is_some() {
			let contest = Self::disputed_score(dispute)?.contest;
			let segments = 1;
			return Some(Standing { contest, segments });
		}
		let committed = Commitments::<T>::get((dispute.task, dispute.round, dispute.slot))
			.filter(|committed| committed.commitment.block == dispute.committed)?;
		Some(Standing {
			contest: committed.contest,
			segments: committed.segments,
		})
	}

	/// Changes how what is in dispute is challenged, if it is still there.
	fn change_contest(dispute: &DisputeOf<T>, change: impl FnOnce(&mut Contest)) {
		if dispute.score.is_some() {
			Scores::<T>::mutate(dispute.task, |agreed| match agreed {
				Some(agreed) if agreed.block == dispute.committed => change(&mut agreed.contest),
				_ => (),
			});
		} else {
			let key = (dispute.task, dispute.round, dispute.slot);
			Self::change_commitment(key, |committed| {
				if committed.commitment.block == dispute.committed {
					change(&mut committed.contest);
				}
			});
		}
	}

	/// What a dispute is judged by.
	fn grounds(dispute: &DisputeOf<T>) -> Option<Grounds> {
		match dispute.score {
			Some(wrong) => T::Market::score_grounds(dispute.task, wrong),
			None => T::Market::grounds(dispute.task, dispute.round, dispute.slot),
		}
	}

	/// The parts of the program that are shown with a move.
	pub(crate) fn program(grounds: &Grounds, parts: &[PartProof]) -> Result<ShownParts, Error<T>> {
		ShownParts::open(&grounds.program_parts.0, parts)
			.ok()
			.filter(|program| program.counts().version == grounds.arithmetic_version)
			.ok_or(Error::<T>::PartsNotProven)
	}

	/// Whether this runtime can judge by the arithmetic that the task was ordered with.
	fn is_judgeable(dispute: &DisputeOf<T>) -> bool {
		Self::grounds(dispute)
			.is_some_and(|grounds| grounds.arithmetic_version == ARITHMETIC_VERSION)
	}

	/// Stores a dispute and enters it in the agenda for the block after its deadline, or for another one.
	fn save_dispute(id: DisputeId, mut dispute: DisputeOf<T>, wake: Option<BlockNumber>) {
		let item = Item::Dispute { dispute: id };
		let wake = wake.unwrap_or_else(|| dispute.until.saturating_add(1));
		if wake != dispute.wake {
			Agenda::<T>::remove(dispute.wake, item);
			Agenda::<T>::insert(wake, item, ());
			dispute.wake = wake;
		}
		Disputes::<T>::insert(id, dispute);
	}

	/// A dispute's turn in the agenda has come.
	pub(crate) fn dispute_due(id: DisputeId, dispute: DisputeOf<T>, now: BlockNumber) {
		let task = dispute.task;
		let stands = Self::standing(&dispute).is_some();
		let timed_out = (stands && now > dispute.until).then(|| dispute.game.to_move());
		let Some(loser) = dispute.proven_wrong.or(timed_out) else {
			if stands {
				return Self::save_dispute(id, dispute, None);
			}
			return Self::void_dispute(id, dispute);
		};
		if dispute.proven_wrong.is_none() && !Self::is_judgeable(&dispute) {
			// Nobody could have made a move.
			return Self::void_dispute(id, dispute);
		}
		Self::deposit_event(Event::DisputeEnded {
			dispute: id,
			task,
			round: dispute.round,
			slot: dispute.slot,
			loser,
			timed_out: dispute.proven_wrong.is_none(),
		});
		Self::remove_dispute(id, &dispute);
		match (loser, dispute.score) {
			(Party::Challenger, _) => Self::refute_challenge(dispute, stands),
			(Party::Defender, None) => Self::refute_commitment(dispute, stands),
			(Party::Defender, Some(_)) => Self::refute_score(dispute),
		}
	}

	/// Ends a dispute without a loser.
	fn void_dispute(id: DisputeId, dispute: DisputeOf<T>) {
		Self::give_bond_back(HoldReason::Challenge, &dispute.challenger, dispute.bond);
		Self::remove_dispute(id, &dispute);
		Self::deposit_event(Event::DisputeVoided { dispute: id });
		T::Market::checked_further(dispute.task);
	}

	/// Takes everything out that is kept about a dispute, but its bond.
	fn remove_dispute(id: DisputeId, dispute: &DisputeOf<T>) {
		let (task, round, slot) = (dispute.task, dispute.round, dispute.slot);
		if dispute.wake != 0 {
			Agenda::<T>::remove(dispute.wake, Item::Dispute { dispute: id });
		}
		Disputes::<T>::remove(id);
		ShownTile::<T>::remove(id);
		DisputesOf::<T>::remove(&dispute.defender, id);
		DisputesOf::<T>::remove(&dispute.challenger, id);
		let challenge = (task, round, slot, &dispute.challenger);
		if Challenges::<T>::get(challenge) == Some(id) {
			Challenges::<T>::remove(challenge);
		}
		TaskAudit::<T>::mutate(task, |audits| audits.open = audits.open.saturating_sub(1));
		Self::change_contest(dispute, |contest| {
			contest.open = contest.open.saturating_sub(1);
		});
	}

	/// The challenger was wrong, or has not gone on. That confirms nothing: where what it has challenged still
	/// stands others may find what it has not, and get the time for it.
	fn refute_challenge(dispute: DisputeOf<T>, stands: bool) {
		let who = &dispute.challenger;
		Self::lose_bond(HoldReason::Challenge, who, &dispute.defender, dispute.bond);
		T::Rewards::note(who, WorkFact::Fault);
		if stands {
			let until = Self::window_from_now(Self::grounds(&dispute));
			Self::change_contest(&dispute, |contest| {
				contest.until = contest.until.max(until);
				contest.lost = contest.lost.saturating_add(1);
			});
		}
		T::Market::checked_further(dispute.task);
	}

	/// The trainer was wrong, or could not show what it has committed to. If the commitment has gone meanwhile,
	/// because the task went back further, that saves the trainer's place and bond but not its ticket.
	fn refute_commitment(dispute: DisputeOf<T>, stands: bool) {
		let (task, round, slot) = (dispute.task, dispute.round, dispute.slot);
		Self::give_bond_back(HoldReason::Challenge, &dispute.challenger, dispute.bond);
		T::Rewards::note(&dispute.defender, WorkFact::Fault);
		let winner = [dispute.challenger.clone()];
		let slashed = T::Tickets::slash(dispute.ticket, SHARE_OF_WINNER, &winner);
		if dispute.proven_wrong.is_some() {
			Self::slash_approvers(&dispute);
		}
		Self::deposit_event(Event::CommitmentRefuted {
			task,
			round,
			slot,
			trainer: dispute.defender,
			challenger: dispute.challenger,
			slashed: slashed.total,
			burned: slashed.burned,
		});
		if stands {
			T::Market::commitment_refuted(task, round, slot, dispute.ticket);
		} else {
			T::Market::checked_further(task);
		}
	}

	/// Takes the tickets of the verifiers who have said that they have run the segment which was proven wrong,
	/// and found it right.
	fn slash_approvers(dispute: &DisputeOf<T>) {
		let Some(checkpoint) = dispute.game.checkpoint() else {
			return;
		};
		let segment = checkpoint.saturating_sub(1);
		let place = (dispute.task, dispute.round, dispute.slot, segment);
		let Some(id) = AuditOfSegment::<T>::get(place) else {
			return;
		};
		// Another commitment may have been audited in this place before.
		let audit = Audits::<T>::get(id).filter(|audit| audit.committed == dispute.committed);
		let parties = audit.map(|audit| audit.parties);
		for party in parties.iter().flatten().skip(1) {
			if !party.answer.is_some_and(|answer| answer.in_trace) {
				continue;
			}
			let slashed = T::Tickets::slash(party.ticket, Permill::zero(), &[]);
			Self::discredit(dispute.task, &party.account);
			T::Rewards::note(&party.account, WorkFact::Fault);
			if slashed.total == 0 {
				// Its ticket was taken for another segment that it has approved.
				continue;
			}
			Self::deposit_event(Event::VerifierSlashed {
				audit: id,
				verifier: party.account.clone(),
				slashed: slashed.total,
			});
		}
	}

	/// The move that an account is to make in a dispute.
	pub(crate) fn move_due(id: DisputeId, account: &T::AccountId) -> Option<Duty> {
		let dispute = Disputes::<T>::get(id)?;
		let due = dispute.proven_wrong.is_none()
			&& Self::party(&dispute, dispute.game.to_move()) == account
			&& Self::standing(&dispute).is_some();
		due.then_some(Duty {
			kind: DutyKind::AnswerDispute { dispute: id },
			task: dispute.task,
			deadline: dispute.until,
		})
	}

	pub(crate) fn dispute_status_of(id: DisputeId) -> Option<DisputeStatus<T::AccountId>> {
		let dispute = Disputes::<T>::get(id)?;
		let updates = Self::grounds(&dispute).map(|grounds| grounds.updates);
		Some(DisputeStatus {
			dispute: id,
			task: dispute.task,
			round: dispute.round,
			slot: dispute.slot,
			score: dispute.score,
			void: Self::standing(&dispute).is_none(),
			defender: dispute.defender,
			challenger: dispute.challenger,
			bond: dispute.bond,
			opened: dispute.opened,
			deadline: dispute.until,
			updates: updates.unwrap_or_default(),
			shown: ShownTile::<T>::get(id).unwrap_or_default().into_inner(),
			game: dispute.game,
		})
	}
}
