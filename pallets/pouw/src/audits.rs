//! Audits: opened, answered by commit and reveal, and ended.

use crate::{
	agreement::agreed,
	pallet::{
		Agenda, AuditOfSegment, Audits, AuditsOf, Commitments, Config, Error, Event, NextAudit,
		Pallet, TaskAudit,
	},
	types::{Audit, AuditOf, AuditStage, Item},
};
use alloc::vec::Vec;
use codec::Encode;
use polkadot_sdk::{frame_support::ensure, sp_core::H256};
use pouw_primitives::{
	proof::{audit_commitment, AuditAnswer},
	seams::{AuditOutcome, Market, Rewards, TicketPool, WorkFact},
	status::{AuditParty, Commitment},
	AuditId, BlockNumber, RoundIndex, SegmentIndex, Slot, TaskId,
};

/// How often verifiers may fail to agree on an audit before it lapses.
pub const MAX_ATTEMPTS: u8 = 3;

impl<T: Config> Pallet<T> {
	/// Opens an audit of a segment. Its verifiers are drawn later, from randomness that nobody knows yet: that
	/// of the segment's draw may be public for long before the hook has the weight to get here. The
	/// commitment's count of open audits is the caller's.
	pub(crate) fn open_audit(
		task: TaskId,
		round: RoundIndex,
		commitment: &Commitment<T::AccountId>,
		segment: SegmentIndex,
		(randomness, known_since): (H256, BlockNumber),
		now: BlockNumber,
	) {
		let id = NextAudit::<T>::get();
		NextAudit::<T>::put(id.saturating_add(1));
		let audit = Audit {
			task,
			round,
			slot: commitment.slot,
			segment,
			trainer: commitment.account.clone(),
			ticket: commitment.ticket,
			committed: commitment.block,
			known_since,
			randomness,
			stage: Self::seeking(now),
			wake: 0,
			attempts: 0,
			parties: Default::default(),
		};
		AuditOfSegment::<T>::insert((task, round, commitment.slot, segment), id);
		Self::deposit_event(Event::AuditDrawn {
			audit: id,
			task,
			round,
			slot: commitment.slot,
			segment,
		});
		Self::save_audit(id, audit, Some(Self::next_try(now)));
	}

	/// Whether the audited commitment is still there.
	pub(crate) fn stands(audit: &AuditOf<T>) -> bool {
		Commitments::<T>::get((audit.task, audit.round, audit.slot))
			.is_some_and(|committed| committed.commitment.block == audit.committed)
	}

	/// Lets a party of an audit do its part, if the audit is in the stage that takes it.
	fn take_part(
		id: AuditId,
		who: &T::AccountId,
		takes: fn(&AuditStage) -> bool,
		part: impl FnOnce(&mut AuditParty<T::AccountId>) -> Result<(), Error<T>>,
	) -> Result<AuditOf<T>, Error<T>> {
		let mut audit = Audits::<T>::get(id).ok_or(Error::<T>::NoSuchAudit)?;
		ensure!(Self::stands(&audit), Error::<T>::AuditVoid);
		let stage = audit.stage;
		let party = audit.parties.iter_mut().find(|party| party.account == *who);
		let party = party.ok_or(Error::<T>::NotItsWorker)?;
		ensure!(takes(&stage), Error::<T>::WrongPhase);
		ensure!(Self::now() <= stage.until(), Error::<T>::TooLate);
		part(party)?;
		Ok(audit)
	}

	/// A party commits to its answer.
	pub(crate) fn do_commit_audit(
		id: AuditId,
		who: T::AccountId,
		commitment: H256,
	) -> Result<(), Error<T>> {
		let takes = |stage: &AuditStage| matches!(stage, AuditStage::Committing { .. });
		let mut audit = Self::take_part(id, &who, takes, |party| {
			ensure!(party.commitment.is_none(), Error::<T>::AlreadyDone);
			party.commitment = Some(commitment);
			Ok(())
		})?;
		Self::deposit_event(Event::AuditCommitted {
			audit: id,
			account: who,
		});
		if audit.parties.iter().all(|party| party.commitment.is_some()) {
			Self::open_reveals(id, &mut audit, Self::now());
		}
		Self::save_audit(id, audit, None);
		Ok(())
	}

	fn open_reveals(id: AuditId, audit: &mut AuditOf<T>, now: BlockNumber) {
		let reveal_until = now.saturating_add(Self::reveal_window());
		audit.stage = AuditStage::Revealing {
			until: reveal_until,
		};
		Self::deposit_event(Event::RevealsOpened {
			audit: id,
			reveal_until,
		});
	}

	/// A party reveals its answer. After the last one the hook closes the audit in the next block: what
	/// follows, be it that the task goes back over many rounds, is no matter of who happened to be last.
	pub(crate) fn do_reveal_audit(
		id: AuditId,
		who: T::AccountId,
		answer: AuditAnswer,
	) -> Result<(), Error<T>> {
		let takes = |stage: &AuditStage| matches!(stage, AuditStage::Revealing { .. });
		let audit = Self::take_part(id, &who, takes, |party| {
			ensure!(party.answer.is_none(), Error::<T>::AlreadyDone);
			let expected = audit_commitment(&who, id, &answer);
			ensure!(
				party.commitment == Some(expected),
				Error::<T>::CommitmentMismatch
			);
			party.answer = Some(answer);
			Ok(())
		})?;
		Self::deposit_event(Event::AuditRevealed {
			audit: id,
			account: who,
			answer,
		});
		let wake = audit.all_revealed().then(|| Self::now().saturating_add(1));
		Self::save_audit(id, audit, wake);
		Ok(())
	}

	/// An audit's turn in the agenda has come.
	pub(crate) fn audit_due(id: AuditId, mut audit: AuditOf<T>, now: BlockNumber) {
		if !Self::stands(&audit) {
			return Self::void(id, audit);
		}
		match audit.stage {
			AuditStage::Seeking { asked, .. } => {
				match Self::randomness(&(b"pouw/seek", id).encode(), asked) {
					Some(known) => Self::seek(id, audit, known, now),
					None => Self::save_audit(id, audit, Some(Self::next_try(now))),
				}
			}
			AuditStage::Committing { until } if now > until => {
				let verifiers = audit.parties.iter().skip(1);
				if verifiers.clone().any(|party| party.commitment.is_some()) {
					Self::open_reveals(id, &mut audit, now);
					Self::save_audit(id, audit, None);
				} else {
					Self::close(id, audit, now);
				}
			}
			AuditStage::Revealing { until } if now > until || audit.all_revealed() => {
				Self::close(id, audit, now)
			}
			AuditStage::Held { .. } => Self::let_go(id, audit, now),
			_ => Self::save_audit(id, audit, None),
		}
	}

	/// All answers that will come are there.
	fn close(id: AuditId, audit: AuditOf<T>, now: BlockNumber) {
		let accuses =
			|party: &AuditParty<T::AccountId>| party.answer.is_some_and(|answer| !answer.in_trace);
		if audit.parties.iter().skip(1).any(accuses) && Self::is_disputed(&audit) {
			// Whether they are right will be known then.
			let wake = now.saturating_add(Self::commit_window());
			return Self::save_audit(id, audit, Some(wake));
		}
		let revealing = matches!(audit.stage, AuditStage::Revealing { .. });
		// An accusation that nobody has stood up for in a dispute, or that a dispute has refuted, is no answer.
		let answer =
			|party: &AuditParty<T::AccountId>| party.answer.filter(|answer| answer.in_trace);
		let answers: Vec<_> = audit.parties.iter().skip(1).map(answer).collect();
		let trainer = audit.parties.first().and_then(answer);
		let agreed = agreed(trainer.as_ref(), &answers, Self::verifiers_wanted());
		if let Some(trainer) = audit.parties.first() {
			// Who has committed has done all that it could, if reveals were never opened.
			let silent = trainer.answer.is_none() && (revealing || trainer.commitment.is_none());
			match (trainer.answer, agreed) {
				(Some(answer), Some(agreed)) if answer == agreed => {
					T::Tickets::duty_done(audit.ticket)
				}
				// Its trace holds, and verifiers may be in league: what they say takes nothing from it.
				(Some(_), Some(_)) => {}
				_ if silent => T::Tickets::duty_missed(audit.ticket),
				_ => {}
			}
		}
		Self::judge_verifiers(&audit, agreed.as_ref());
		if agreed.is_none() {
			return Self::renew(id, audit, now);
		}
		T::Rewards::note(&audit.trainer, WorkFact::SegmentsAccepted(1));
		Self::deposit_event(Event::AuditAccepted {
			audit: id,
			task: audit.task,
			round: audit.round,
			slot: audit.slot,
			segment: audit.segment,
		});
		let outcome = AuditOutcome::Accepted(audit.ticket);
		Self::hold(id, audit, outcome, now);
	}

	/// Notes what verifiers did. Those with the right answer have done their duty; the silent, and those with
	/// another answer than the right one that is not the trainer's either, have missed theirs. Where nothing was
	/// agreed on, only silence counts.
	fn judge_verifiers(audit: &AuditOf<T>, right: Option<&AuditAnswer>) {
		let trainer = audit.parties.first();
		let trainer = trainer.and_then(|trainer| trainer.answer.as_ref());
		for party in audit.parties.iter().skip(1) {
			match (&party.answer, right) {
				(None, _) => T::Tickets::duty_missed(party.ticket),
				(Some(answer), None) if !answer.in_trace => T::Tickets::duty_missed(party.ticket),
				(Some(_), None) => T::Tickets::duty_done(party.ticket),
				(Some(answer), Some(right)) if answer == right => {
					T::Tickets::duty_done(party.ticket);
					T::Rewards::note(&party.account, WorkFact::AuditDone);
					Self::credit(audit.task, &party.account);
				}
				// Two who don't decide together have come to the same: it may be the others that are wrong.
				(Some(answer), Some(_)) if Some(answer) == trainer => {}
				(Some(_), Some(_)) => {
					T::Tickets::duty_missed(party.ticket);
					T::Rewards::note(&party.account, WorkFact::Fault);
				}
			}
		}
	}

	/// The verifiers have not agreed: others are sought, or the audit lapses.
	fn renew(id: AuditId, mut audit: AuditOf<T>, now: BlockNumber) {
		audit.attempts = audit.attempts.saturating_add(1);
		if audit.attempts >= MAX_ATTEMPTS {
			return Self::lapse(id, audit, now);
		}
		Self::dismiss(id, &audit);
		audit.stage = Self::seeking(now);
		Self::deposit_event(Event::AuditRenewed { audit: id });
		Self::save_audit(id, audit, Some(Self::next_try(now)));
	}

	/// Nothing was agreed on: the segment is not accepted. The task goes on, but the commitment earns
	/// nothing, or to keep verifiers from answering would be worth as much as to train.
	pub(crate) fn lapse(id: AuditId, audit: AuditOf<T>, now: BlockNumber) {
		Self::deposit_event(Event::AuditLapsed {
			audit: id,
			task: audit.task,
			round: audit.round,
			slot: audit.slot,
			segment: audit.segment,
		});
		let first = Commitments::<T>::mutate(Self::commitment_key(&audit), |committed| {
			committed
				.as_mut()
				.is_some_and(|committed| !core::mem::replace(&mut committed.lapsed, true))
		});
		let outcome = AuditOutcome::Lapsed {
			slot: audit.slot,
			ticket: audit.ticket,
			first,
		};
		Self::hold(id, audit, outcome, now);
	}

	/// An audit has an outcome. It is kept for as long as its commitment can be proven wrong, so that those who
	/// have approved it can still be made to answer for it.
	fn hold(id: AuditId, mut audit: AuditOf<T>, outcome: AuditOutcome, now: BlockNumber) {
		for party in &audit.parties {
			AuditsOf::<T>::remove(&party.account, id);
		}
		if matches!(audit.stage, AuditStage::Seeking { .. }) {
			// Those that are listed were let go already.
			audit.parties = Default::default();
		}
		for party in audit.parties.iter().skip(1) {
			Self::keep(audit.task, party.ticket);
		}
		let until = Commitments::<T>::get(Self::commitment_key(&audit))
			.map_or(now, |committed| committed.contest.until.max(now));
		let (task, round) = (audit.task, audit.round);
		audit.stage = AuditStage::Held { until };
		Self::save_audit(id, audit, None);
		T::Market::audit_ended(task, round, outcome);
	}

	/// Whether a dispute about the audited commitment is open.
	fn is_disputed(audit: &AuditOf<T>) -> bool {
		Commitments::<T>::get(Self::commitment_key(audit))
			.is_some_and(|committed| committed.contest.open > 0)
	}

	/// Ends an audit that has an outcome, once its commitment can't be proven wrong any more.
	fn let_go(id: AuditId, mut audit: AuditOf<T>, now: BlockNumber) {
		let committed = Commitments::<T>::get(Self::commitment_key(&audit));
		if let Some(committed) = committed {
			let mut until = committed.contest.until;
			if committed.contest.open > 0 {
				until = until.max(now.saturating_add(Self::commit_window()));
			}
			if now <= until {
				audit.stage = AuditStage::Held { until };
				return Self::save_audit(id, audit, None);
			}
		}
		let task = audit.task;
		Self::change_commitment(Self::commitment_key(&audit), |committed| {
			committed.open = committed.open.saturating_sub(1);
		});
		Self::remove_audit(id, audit);
		T::Market::checked_further(task);
	}

	/// Ends an audit whose commitment does not stand any more.
	fn void(id: AuditId, audit: AuditOf<T>) {
		let (task, round) = (audit.task, audit.round);
		if audit.stage.is_held() {
			Self::remove_audit(id, audit);
			return T::Market::checked_further(task);
		}
		Self::deposit_event(Event::AuditVoided { audit: id });
		Self::remove_audit(id, audit);
		T::Market::audit_ended(task, round, AuditOutcome::Void);
	}

	/// Lets all parties of an audit go.
	fn dismiss(id: AuditId, audit: &AuditOf<T>) {
		for (index, party) in audit.parties.iter().enumerate() {
			AuditsOf::<T>::remove(&party.account, id);
			// While verifiers are sought, those that are listed were let go already.
			if index > 0 && !matches!(audit.stage, AuditStage::Seeking { .. }) {
				Self::disengage(audit.task, party.ticket, audit.stage.is_held());
			}
		}
	}

	/// Takes everything out that is kept about an audit, but its commitment's count.
	fn remove_audit(id: AuditId, audit: AuditOf<T>) {
		Self::dismiss(id, &audit);
		if audit.wake != 0 {
			Agenda::<T>::remove(audit.wake, Item::Audit { audit: id });
		}
		let place = (audit.task, audit.round, audit.slot, audit.segment);
		if AuditOfSegment::<T>::get(place) == Some(id) {
			AuditOfSegment::<T>::remove(place);
		}
		Audits::<T>::remove(id);
		TaskAudit::<T>::mutate(audit.task, |audits| {
			audits.open = audits.open.saturating_sub(1)
		});
	}

	/// Where the audited commitment is stored.
	fn commitment_key(audit: &AuditOf<T>) -> (TaskId, RoundIndex, Slot) {
		(audit.task, audit.round, audit.slot)
	}
}
