//! The score that a task's evaluators have agreed on: challenged, and what follows where it was wrong.
//!
//! A score claims two things: the final state, which is the merge of the last sealed set, and the number of right
//! answers that the evaluation program counts for that state. Whoever challenges it says which of them is wrong;
//! each evaluator that has claimed it can be made to defend it.

use crate::{
	disputes::{Disputable, Standing, SHARE_OF_WINNER},
	pallet::{Agenda, Config, Error, Event, HoldReason, Pallet, Scores, TaskAudit},
	types::{AgreedScore, Contest, DisputeOf, Item},
};
use alloc::vec::Vec;
use polkadot_sdk::frame_support::{ensure, pallet_prelude::DispatchResult, BoundedVec};
use pouw_dispute::{Dispute, Subject};
use pouw_primitives::{
	proof::{Score, WrongScore},
	seams::{Claimant, Market, Rewards, TicketPool, WorkFact},
	status::ScoreStatus,
	BlockNumber, RoundIndex, Slot, TaskId, TicketId,
};
use repops::parts::PartProof;

impl<T: Config> Pallet<T> {
	/// Evaluators have agreed on a score.
	pub(crate) fn open_score(
		task: TaskId,
		rounds: RoundIndex,
		score: Score,
		claimants: Vec<Claimant<T::AccountId>>,
	) {
		Self::remove_score(task);
		let grounds = T::Market::score_grounds(task, WrongScore::Correct);
		let agreed = AgreedScore {
			score,
			rounds,
			// No more than a task has evaluators.
			claimants: BoundedVec::truncate_from(claimants),
			block: Self::now(),
			contest: Contest {
				until: Self::window_from_now(grounds),
				..Contest::default()
			},
			wake: 0,
		};
		TaskAudit::<T>::mutate(task, |audits| audits.open = audits.open.saturating_add(1));
		Self::save_score(task, agreed);
	}

	/// Takes a task's score out. Disputes about it end without a loser.
	pub(crate) fn remove_score(task: TaskId) {
		if let Some(agreed) = Scores::<T>::take(task) {
			Agenda::<T>::remove(agreed.wake, Item::Score { task });
			TaskAudit::<T>::mutate(task, |audits| audits.open = audits.open.saturating_sub(1));
		}
	}

	/// Stores a score and enters it in the agenda for the block after its window, or to look again while
	/// disputes about it are open.
	fn save_score(task: TaskId, mut agreed: AgreedScore<T::AccountId>) {
		let item = Item::Score { task };
		let mut wake = agreed.contest.until.saturating_add(1);
		if agreed.contest.open > 0 {
			wake = wake.max(Self::now().saturating_add(Self::commit_window()));
		}
		if wake != agreed.wake {
			Agenda::<T>::remove(agreed.wake, item);
			Agenda::<T>::insert(wake, item, ());
			agreed.wake = wake;
		}
		Scores::<T>::insert(task, agreed);
	}

	/// A score's turn in the agenda has come.
	pub(crate) fn score_due(task: TaskId, now: BlockNumber) {
		let Some(mut agreed) = Scores::<T>::get(task) else {
			return;
		};
		if agreed.contest.open > 0 || now <= agreed.contest.until {
			agreed.wake = 0;
			return Self::save_score(task, agreed);
		}
		Self::remove_score(task);
		T::Market::checked_further(task);
	}

	/// The score in dispute, if it stands and its defender still stands by it.
	pub(crate) fn disputed_score(dispute: &DisputeOf<T>) -> Option<AgreedScore<T::AccountId>> {
		let stands_by_it = |claimant: &Claimant<_>| claimant.ticket == dispute.ticket;
		Scores::<T>::get(dispute.task).filter(|agreed| {
			agreed.block == dispute.committed && agreed.claimants.iter().any(stands_by_it)
		})
	}

	/// Somebody says that the agreed score is wrong.
	pub(crate) fn do_challenge_score(
		task: TaskId,
		slot: Slot,
		wrong: WrongScore,
		parts: &[PartProof],
		who: T::AccountId,
	) -> DispatchResult {
		ensure!(Self::is_bounded(parts, &()), Error::<T>::MoveTooLarge);
		let agreed = Scores::<T>::get(task).ok_or(Error::<T>::NothingCommitted)?;
		let claimant = agreed
			.claimants
			.into_iter()
			.find(|claimant| claimant.slot == slot)
			.ok_or(Error::<T>::NothingCommitted)?;
		ensure!(
			agreed.contest.open > 0 || Self::now() <= agreed.contest.until,
			Error::<T>::NotChallengeable
		);
		let grounds = T::Market::score_grounds(task, wrong).ok_or(Error::<T>::NoSuchTask)?;
		let Score {
			correct,
			state_root,
		} = agreed.score;
		let subject = match wrong {
			WrongScore::State => Subject::Merge {
				claimed: state_root.0,
			},
			WrongScore::Correct => Subject::Evaluation {
				state: state_root.0,
				correct,
			},
		};
		let program = Self::program(&grounds, parts)?;
		let game = Dispute::new(subject, &program, &Self::facts(&grounds));
		let disputable = Disputable {
			task,
			round: agreed.rounds,
			slot,
			score: Some(wrong),
			committed: agreed.block,
			defender: claimant.account,
			ticket: claimant.ticket,
			standing: Standing {
				contest: agreed.contest,
				segments: 1,
			},
		};
		Self::open_dispute(disputable, game.map_err(Error::<T>::from)?, &grounds, who)
	}

	/// A score was proven wrong, for all that have claimed it; or its defender has not moved, which says nothing
	/// about the others. The defender pays even if the score has gone meanwhile.
	pub(crate) fn refute_score(dispute: DisputeOf<T>) {
		let task = dispute.task;
		Self::give_bond_back(HoldReason::Challenge, &dispute.challenger, dispute.bond);
		let agreed = Scores::<T>::get(task).filter(|agreed| agreed.block == dispute.committed);
		let (mut refuted, standing): (Vec<_>, Vec<_>) = agreed
			.iter()
			.flat_map(|agreed| agreed.claimants.iter().cloned())
			.partition(|claimant| {
				dispute.proven_wrong.is_some() || claimant.ticket == dispute.ticket
			});
		if agreed.is_none() {
			refuted.push(Claimant {
				slot: dispute.slot,
				account: dispute.defender.clone(),
				ticket: dispute.ticket,
			});
		}
		for claimant in &refuted {
			let winner = [dispute.challenger.clone()];
			let slashed = T::Tickets::slash(claimant.ticket, SHARE_OF_WINNER, &winner);
			T::Rewards::note(&claimant.account, WorkFact::Fault);
			Self::deposit_event(Event::ScoreRefuted {
				task,
				slot: claimant.slot,
				evaluator: claimant.account.clone(),
				challenger: dispute.challenger.clone(),
				slashed: slashed.total,
				burned: slashed.burned,
			});
		}
		let Some(mut agreed) = agreed else {
			return T::Market::checked_further(task);
		};
		if standing.is_empty() {
			Self::remove_score(task);
		} else {
			// Whoever has challenged this evaluator may challenge those that still stand by the score.
			let until = Self::window_from_now(T::Market::score_grounds(task, WrongScore::Correct));
			agreed.contest.until = agreed.contest.until.max(until);
			agreed.claimants = BoundedVec::truncate_from(standing);
			Self::save_score(task, agreed);
		}
		let tickets: Vec<TicketId> = refuted.iter().map(|claimant| claimant.ticket).collect();
		T::Market::score_refuted(task, &tickets);
	}

	/// The score that can be challenged, for people.
	pub(crate) fn score_of(task: TaskId) -> Option<ScoreStatus> {
		let agreed = Scores::<T>::get(task)?;
		Some(ScoreStatus {
			score: agreed.score,
			evaluators: agreed
				.claimants
				.iter()
				.map(|claimant| claimant.slot)
				.collect(),
			challenge_until: agreed.contest.until,
		})
	}
}
