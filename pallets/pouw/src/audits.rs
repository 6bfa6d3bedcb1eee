//! Audits: verifiers are sought, they and the trainer answer by commit and reveal, and the audit ends.

use crate::{
	pallet::{
		Agenda, Audits, AuditsOf, Commitments, Config, Error, Event, NextAudit, Pallet, TaskAudit,
		VerifierLocks, VerifierWork,
	},
	types::{Audit, AuditStage, Item, MAX_VERIFIERS},
	verdict::{judge, Verdict},
};
use alloc::vec::Vec;
use codec::Encode;
use polkadot_sdk::{
	frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get},
	sp_core::H256,
	sp_io::hashing::blake2_256,
	sp_runtime::Permill,
};
use pouw_primitives::{
	proof::{audit_commitment, AuditAnswer},
	seams::{AuditOutcome, DrawnTicket, Market, Rewards, TicketPool, WorkFact, MAX_TASK_VERIFIERS},
	status::{AuditParty, Commitment},
	ticket::Role,
	AuditId, BlockNumber, RoundIndex, SegmentIndex, TaskId, TicketId,
};

/// How often verifiers may fail to agree on an audit before it lapses.
pub const MAX_ATTEMPTS: u8 = 3;

/// How long verifiers are sought, in times that an audit takes.
const SEEK_PATIENCE: BlockNumber = 4;

/// Of a slashed ticket, the share of the verifiers that were right; the rest is burned.
pub const SHARE_OF_VERIFIERS: Permill = Permill::from_percent(50);

type AuditOf<T> = Audit<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
	/// Opens an audit of a segment, and seeks its verifiers. The commitment's count of open audits is the
	/// caller's.
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
		Self::deposit_event(Event::AuditDrawn {
			audit: id,
			task,
			round,
			slot: commitment.slot,
			segment,
		});
		Self::seek(id, audit, Some((randomness, known_since)), now);
	}

	fn seeking(now: BlockNumber) -> AuditStage {
		let one = T::CommitWindow::get().saturating_add(T::RevealWindow::get());
		AuditStage::Seeking {
			asked: now,
			until: now.saturating_add(one.saturating_mul(SEEK_PATIENCE)),
		}
	}

	/// How many verifiers an audit is to have, whatever governance says.
	fn verifiers_wanted() -> u32 {
		T::VerifiersPerAudit::get().clamp(1, MAX_VERIFIERS)
	}

	/// Whether the audited commitment is still there.
	pub(crate) fn stands(audit: &AuditOf<T>) -> bool {
		Commitments::<T>::get((audit.task, audit.round, audit.slot))
			.is_some_and(|committed| committed.commitment.block == audit.committed)
	}

	/// Draws verifiers for an audit; where there are none, it stays in the agenda to be tried again.
	pub(crate) fn seek(
		id: AuditId,
		mut audit: AuditOf<T>,
		randomness: Option<(H256, BlockNumber)>,
		now: BlockNumber,
	) {
		let again = Some(Self::next_try(now));
		let Some((randomness, known_since)) = randomness else {
			return Self::save_audit(id, audit, again);
		};
		let last: Vec<T::AccountId> = audit
			.parties
			.iter()
			.skip(1)
			.map(|party| party.account.clone())
			.collect();
		let drawn = Self::draw_verifiers(id, &audit, &last, &randomness);
		if drawn.is_empty() {
			return Self::save_audit(id, audit, again);
		}

		// Fresh for each attempt: answers to the last one are public.
		audit.randomness = H256((b"pouw/audit", id, randomness).using_encoded(blake2_256));
		audit.known_since = known_since;
		audit.parties = Default::default();
		let trainer = DrawnTicket {
			ticket: audit.ticket,
			account: audit.trainer.clone(),
		};
		for DrawnTicket { ticket, account } in core::iter::once(trainer).chain(drawn) {
			AuditsOf::<T>::insert(&account, id, ());
			let party = AuditParty {
				account,
				ticket,
				commitment: None,
				answer: None,
			};
			if audit.parties.try_push(party).is_err() {
				break;
			}
		}
		let until = now.saturating_add(T::CommitWindow::get());
		audit.stage = AuditStage::Committing { until };
		Self::deposit_event(Event::VerifiersDrawn {
			audit: id,
			verifiers: audit
				.parties
				.iter()
				.skip(1)
				.map(|party| party.account.clone())
				.collect(),
			randomness: audit.randomness,
			commit_until: until,
		});
		Self::save_audit(id, audit, None);
	}

	/// Draws and locks verifiers, others than those of the last attempt if there are any.
	fn draw_verifiers(
		id: AuditId,
		audit: &AuditOf<T>,
		last: &[T::AccountId],
		randomness: &H256,
	) -> Vec<DrawnTicket<T::AccountId>> {
		let task = audit.task;
		let wanted = Self::verifiers_wanted() as usize;
		let mut drawn = Vec::new();
		let Some(needs) = T::Market::needs(task) else {
			return drawn;
		};
		let lots =
			H256((b"pouw/verifiers", id, audit.attempts, randomness).using_encoded(blake2_256));
		let mut base = T::Market::involved(task);
		base.push(audit.trainer.clone());
		for avoided in [last, &[]] {
			let mut excluded = base.clone();
			excluded.extend_from_slice(avoided);
			for _ in 0..wanted {
				if drawn.len() >= wanted {
					break;
				}
				let Some(found) = T::Tickets::draw(Role::Verifier, task, &needs, &excluded, &lots)
				else {
					break;
				};
				excluded.push(found.account.clone());
				base.push(found.account.clone());
				if Self::engage(task, &found) {
					drawn.push(found);
				}
			}
			if last.is_empty() {
				break;
			}
		}
		drawn
	}

	/// Takes a drawn verifier on, unless the task has as many as it can pay: then the ticket is let go.
	fn engage(task: TaskId, found: &DrawnTicket<T::AccountId>) -> bool {
		let locks = VerifierLocks::<T>::get(task, found.ticket);
		if !VerifierWork::<T>::contains_key(task, &found.account) {
			let mut audits = TaskAudit::<T>::get(task);
			if audits.verifiers >= MAX_TASK_VERIFIERS {
				if locks == 0 {
					T::Tickets::release(found.ticket, task);
				}
				return false;
			}
			audits.verifiers = audits.verifiers.saturating_add(1);
			TaskAudit::<T>::insert(task, audits);
			VerifierWork::<T>::insert(task, &found.account, 0);
		}
		VerifierLocks::<T>::insert(task, found.ticket, locks.saturating_add(1));
		true
	}

	/// Lets a verifier's ticket go, if it answers no other audit of the task.
	fn disengage(task: TaskId, ticket: TicketId) {
		let locks = VerifierLocks::<T>::get(task, ticket).saturating_sub(1);
		if locks == 0 {
			VerifierLocks::<T>::remove(task, ticket);
			T::Tickets::release(ticket, task);
		} else {
			VerifierLocks::<T>::insert(task, ticket, locks);
		}
	}

	/// Finds an audit that the account answers, with the index of its party.
	fn party_of(id: AuditId, who: &T::AccountId) -> Result<(AuditOf<T>, usize), Error<T>> {
		let audit = Audits::<T>::get(id).ok_or(Error::<T>::NoSuchAudit)?;
		ensure!(Self::stands(&audit), Error::<T>::AuditVoid);
		ensure!(
			!matches!(audit.stage, AuditStage::Seeking { .. }),
			Error::<T>::WrongPhase
		);
		let index = audit.parties.iter().position(|party| party.account == *who);
		Ok((audit, index.ok_or(Error::<T>::NotItsWorker)?))
	}

	/// A party commits to its answer.
	pub(crate) fn do_commit_audit(
		id: AuditId,
		who: T::AccountId,
		commitment: H256,
	) -> DispatchResult {
		let (mut audit, index) = Self::party_of(id, &who)?;
		let AuditStage::Committing { until } = audit.stage else {
			return Err(Error::<T>::WrongPhase.into());
		};
		let now = Self::now();
		ensure!(now <= until, Error::<T>::TooLate);
		let party = audit
			.parties
			.get_mut(index)
			.ok_or(Error::<T>::NotItsWorker)?;
		ensure!(party.commitment.is_none(), Error::<T>::AlreadyDone);
		party.commitment = Some(commitment);
		Self::deposit_event(Event::AuditCommitted {
			audit: id,
			account: who,
		});
		if audit.parties.iter().all(|party| party.commitment.is_some()) {
			Self::open_reveals(id, &mut audit, now);
		}
		Self::save_audit(id, audit, None);
		Ok(())
	}

	fn open_reveals(id: AuditId, audit: &mut AuditOf<T>, now: BlockNumber) {
		let reveal_until = now.saturating_add(T::RevealWindow::get());
		audit.stage = AuditStage::Revealing {
			until: reveal_until,
		};
		Self::deposit_event(Event::RevealsOpened {
			audit: id,
			reveal_until,
		});
	}

	/// A party reveals its answer. Returns whether that has ended the audit, or the attempt.
	pub(crate) fn do_reveal_audit(
		id: AuditId,
		who: T::AccountId,
		answer: AuditAnswer,
	) -> Result<bool, Error<T>> {
		let (mut audit, index) = Self::party_of(id, &who)?;
		let AuditStage::Revealing { until } = audit.stage else {
			return Err(Error::<T>::WrongPhase);
		};
		let now = Self::now();
		ensure!(now <= until, Error::<T>::TooLate);
		let party = audit
			.parties
			.get_mut(index)
			.ok_or(Error::<T>::NotItsWorker)?;
		ensure!(party.answer.is_none(), Error::<T>::AlreadyDone);
		let expected = audit_commitment(&who, id, &answer);
		ensure!(
			party.commitment == Some(expected),
			Error::<T>::CommitmentMismatch
		);
		party.answer = Some(answer);
		Self::deposit_event(Event::AuditRevealed {
			audit: id,
			account: who,
			answer,
		});
		let all = audit
			.parties
			.iter()
			.all(|party| party.commitment.is_none() || party.answer.is_some());
		if all {
			Self::close(id, audit, now);
		} else {
			Self::save_audit(id, audit, None);
		}
		Ok(all)
	}

	/// An audit's turn in the agenda has come.
	pub(crate) fn audit_due(id: AuditId, mut audit: AuditOf<T>, now: BlockNumber) {
		if !Self::stands(&audit) {
			Self::deposit_event(Event::AuditVoided { audit: id });
			return Self::finish(id, audit, AuditOutcome::Void);
		}
		match audit.stage {
			AuditStage::Seeking { until, .. } if now > until => Self::lapse(id, audit),
			AuditStage::Seeking { asked, .. } => {
				let randomness = Self::randomness(&(b"pouw/seek", id).encode(), asked);
				Self::seek(id, audit, randomness, now);
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
			AuditStage::Revealing { until } if now > until => Self::close(id, audit, now),
			_ => Self::save_audit(id, audit, None),
		}
	}

	/// All answers that will come are there.
	fn close(id: AuditId, audit: AuditOf<T>, now: BlockNumber) {
		let trainer = audit.parties.first().and_then(|party| party.answer);
		let answers: Vec<Option<AuditAnswer>> = audit
			.parties
			.iter()
			.skip(1)
			.map(|party| party.answer)
			.collect();
		let verdict = judge(trainer.as_ref(), &answers, Self::verifiers_wanted());
		if trainer.is_none() && !matches!(verdict, Verdict::Rejected(_)) {
			T::Tickets::duty_missed(audit.ticket);
		}
		match verdict {
			Verdict::Accepted(answer) => {
				Self::judge_verifiers(&audit, Some(&answer));
				T::Rewards::note(&audit.trainer, WorkFact::SegmentsAccepted(1));
				Self::deposit_event(Event::AuditAccepted {
					audit: id,
					task: audit.task,
					round: audit.round,
					slot: audit.slot,
					segment: audit.segment,
				});
				let outcome = AuditOutcome::Accepted(audit.ticket);
				Self::finish(id, audit, outcome);
			}
			Verdict::Rejected(answer) => {
				let right = Self::judge_verifiers(&audit, Some(&answer));
				T::Rewards::note(&audit.trainer, WorkFact::Fault);
				let slashed = T::Tickets::slash(audit.ticket, SHARE_OF_VERIFIERS, &right);
				Self::deposit_event(Event::AuditRejected {
					audit: id,
					task: audit.task,
					round: audit.round,
					slot: audit.slot,
					segment: audit.segment,
					trainer: audit.trainer.clone(),
					slashed: slashed.total,
					burned: slashed.burned,
				});
				let outcome = AuditOutcome::Rejected(audit.slot, audit.ticket);
				Self::finish(id, audit, outcome);
			}
			Verdict::Undecided => {
				Self::judge_verifiers(&audit, None);
				Self::renew(id, audit, now);
			}
		}
	}

	/// Notes what verifiers did. Those with the right answer have done their duty and are returned; the
	/// silent, and those with another answer than the right one, have missed theirs. Where nothing was
	/// decided, only silence counts.
	fn judge_verifiers(audit: &AuditOf<T>, right: Option<&AuditAnswer>) -> Vec<T::AccountId> {
		let mut agreed = Vec::new();
		for party in audit.parties.iter().skip(1) {
			match (&party.answer, right) {
				(None, _) => T::Tickets::duty_missed(party.ticket),
				(Some(_), None) => T::Tickets::duty_done(party.ticket),
				(Some(answer), Some(right)) if answer == right => {
					T::Tickets::duty_done(party.ticket);
					T::Rewards::note(&party.account, WorkFact::AuditDone);
					VerifierWork::<T>::mutate(audit.task, &party.account, |work| {
						*work = work.saturating_add(1);
					});
					agreed.push(party.account.clone());
				}
				(Some(_), Some(_)) => {
					T::Tickets::duty_missed(party.ticket);
					T::Rewards::note(&party.account, WorkFact::Fault);
				}
			}
		}
		agreed
	}

	/// Lets all parties of an audit go.
	fn dismiss(id: AuditId, audit: &AuditOf<T>) {
		for (index, party) in audit.parties.iter().enumerate() {
			AuditsOf::<T>::remove(&party.account, id);
			// While verifiers are sought, those that are listed were let go already.
			if index > 0 && !matches!(audit.stage, AuditStage::Seeking { .. }) {
				Self::disengage(audit.task, party.ticket);
			}
		}
	}

	/// The verifiers have not agreed: others are sought, or the audit lapses.
	fn renew(id: AuditId, mut audit: AuditOf<T>, now: BlockNumber) {
		audit.attempts = audit.attempts.saturating_add(1);
		if audit.attempts >= MAX_ATTEMPTS {
			return Self::lapse(id, audit);
		}
		Self::dismiss(id, &audit);
		audit.stage = Self::seeking(now);
		Self::deposit_event(Event::AuditRenewed { audit: id });
		Self::save_audit(id, audit, Some(Self::next_try(now)));
	}

	/// Nothing was found out: the segment is neither accepted nor rejected.
	fn lapse(id: AuditId, audit: AuditOf<T>) {
		Self::deposit_event(Event::AuditLapsed {
			audit: id,
			task: audit.task,
			round: audit.round,
			slot: audit.slot,
			segment: audit.segment,
		});
		Self::finish(id, audit, AuditOutcome::Lapsed);
	}

	/// Removes an audit and tells the market.
	fn finish(id: AuditId, audit: AuditOf<T>, outcome: AuditOutcome) {
		Self::dismiss(id, &audit);
		if audit.wake != 0 {
			Agenda::<T>::remove(audit.wake, Item::Audit { audit: id });
		}
		Audits::<T>::remove(id);
		TaskAudit::<T>::mutate(audit.task, |audits| {
			audits.open = audits.open.saturating_sub(1)
		});
		let key = (audit.task, audit.round, audit.slot);
		let committed = Commitments::<T>::get(key).filter(|_| outcome != AuditOutcome::Void);
		if let Some(mut committed) = committed {
			committed.open = committed.open.saturating_sub(1);
			Commitments::<T>::insert(key, committed);
		}
		T::Market::audit_ended(audit.task, audit.round, outcome);
	}
}
