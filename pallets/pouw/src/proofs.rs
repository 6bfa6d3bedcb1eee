//! The proofs as the market sees them, and an account's duties in audits and disputes.

use crate::{
	pallet::{
		Agenda, Answered, Attestors, Audits, AuditsOf, Commitments, Config, DemandsFrom, DemandsOn,
		DisputesOf, Pallet, TaskAudit, VerifierWork,
	},
	types::{AuditStage, Item},
};
use alloc::vec::Vec;
use pouw_primitives::{
	proof::Score,
	seams::{Claimant, Places, Proofs, Shares, Standing},
	status::{AuditStatus, Duty, DutyKind, ScoreStatus},
	AuditId, RoundIndex, Slot, TaskId, TicketId,
};

/// The most audits that one answer covers.
const MAX_ANSWER: usize = 1_000;

impl<T: Config> Pallet<T> {
	pub(crate) fn status_of(id: AuditId) -> Option<AuditStatus<T::AccountId>> {
		let audit = Audits::<T>::get(id).filter(|audit| !audit.stage.is_held())?;
		Some(AuditStatus {
			audit: id,
			task: audit.task,
			round: audit.round,
			slot: audit.slot,
			segment: audit.segment,
			randomness: audit.randomness,
			revealing: matches!(audit.stage, AuditStage::Revealing { .. }),
			deadline: audit.stage.until(),
			void: !Self::stands(&audit),
			parties: audit.parties.into_inner(),
		})
	}

	fn duty_in(id: AuditId, account: &T::AccountId) -> Option<Duty> {
		let audit = Audits::<T>::get(id).filter(Self::stands)?;
		let party = audit
			.parties
			.iter()
			.find(|party| party.account == *account)?;
		let kind = match audit.stage {
			AuditStage::Committing { .. } if party.commitment.is_none() => {
				DutyKind::CommitAudit { audit: id }
			}
			AuditStage::Revealing { .. }
				if party.commitment.is_some() && party.answer.is_none() =>
			{
				DutyKind::RevealAudit { audit: id }
			}
			_ => return None,
		};
		Some(Duty {
			kind,
			task: audit.task,
			deadline: audit.stage.until(),
		})
	}
}

impl<T: Config> Proofs<T::AccountId> for Pallet<T> {
	fn commitments(task: TaskId, round: RoundIndex) -> Vec<Standing<T::AccountId>> {
		let mut standing: Vec<_> = Commitments::<T>::iter_prefix_values((task, round))
			.map(|committed| Standing {
				commitment: committed.commitment,
				attested: committed.attested,
				lapsed: committed.lapsed,
			})
			.collect();
		standing.sort_by_key(|standing| standing.commitment.slot);
		standing
	}

	fn answered(task: TaskId, round: RoundIndex) -> Places {
		Answered::<T>::get(task, round)
	}

	fn unchecked(task: TaskId, round: RoundIndex) -> bool {
		Commitments::<T>::iter_prefix_values((task, round))
			.any(|committed| committed.is_contestable())
	}

	fn void_commitment(task: TaskId, round: RoundIndex, slot: Slot) {
		let Some(committed) = Commitments::<T>::take((task, round, slot)) else {
			return;
		};
		if let Some(draw) = committed.draw {
			Agenda::<T>::remove(draw.wake, Item::Draw { task, round, slot });
			TaskAudit::<T>::mutate(task, |audits| audits.open = audits.open.saturating_sub(1));
		}
	}

	fn void_round(task: TaskId, round: RoundIndex) {
		// No more than there are places.
		let slots: Vec<Slot> = Commitments::<T>::iter_key_prefix((task, round)).collect();
		for slot in slots {
			Self::void_commitment(task, round, slot);
		}
		Answered::<T>::remove(task, round);
		Attestors::<T>::remove(task, round);
	}

	fn score_agreed(
		task: TaskId,
		rounds: RoundIndex,
		score: Score,
		claimants: Vec<Claimant<T::AccountId>>,
	) {
		Self::open_score(task, rounds, score, claimants);
	}

	fn score(task: TaskId) -> Option<ScoreStatus> {
		Self::score_of(task)
	}

	fn void_score(task: TaskId) {
		Self::remove_score(task);
	}

	fn open_audits(task: TaskId) -> u32 {
		TaskAudit::<T>::get(task).open
	}

	fn verifier_shares(task: TaskId) -> Shares<T::AccountId> {
		let mut shares: Shares<T::AccountId> = VerifierWork::<T>::iter_prefix(task).collect();
		shares.sort();
		shares
	}

	fn duties(account: &T::AccountId) -> Vec<Duty> {
		let audits = AuditsOf::<T>::iter_key_prefix(account)
			.take(MAX_ANSWER)
			.filter_map(|id| Self::duty_in(id, account));
		let disputes = DisputesOf::<T>::iter_key_prefix(account)
			.take(MAX_ANSWER)
			.filter_map(|id| Self::move_due(id, account));
		let demands = DemandsFrom::<T>::iter_key_prefix(account)
			.take(MAX_ANSWER)
			.filter_map(Self::showing_due);
		audits.chain(disputes).chain(demands).collect()
	}

	fn is_demanded(ticket: TicketId) -> bool {
		DemandsOn::<T>::contains_key(ticket)
	}

	fn clear(task: TaskId, limit: u32) -> bool {
		let limit = limit as usize;
		let verifiers: Vec<_> = VerifierWork::<T>::iter_key_prefix(task)
			.take(limit)
			.collect();
		for account in &verifiers {
			VerifierWork::<T>::remove(task, account);
		}
		let limit = limit.saturating_sub(verifiers.len());
		let commitments: Vec<_> = Commitments::<T>::iter_key_prefix((task,))
			.take(limit)
			.collect();
		for (round, slot) in &commitments {
			Commitments::<T>::remove((task, *round, *slot));
		}
		let limit = limit.saturating_sub(commitments.len());
		let rounds: Vec<_> = Answered::<T>::iter_key_prefix(task).take(limit).collect();
		for round in &rounds {
			Answered::<T>::remove(task, round);
			Attestors::<T>::remove(task, round);
		}
		let done = rounds.len() < limit;
		if done {
			TaskAudit::<T>::remove(task);
		}
		done
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_commitment(
		task: TaskId,
		round: RoundIndex,
		slot: Slot,
		trainer: &T::AccountId,
		available: bool,
	) {
		crate::benchmarking::put_commitment::<T>(task, round, slot, trainer, available);
	}
}
