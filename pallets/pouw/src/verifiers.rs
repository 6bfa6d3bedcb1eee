//! Verifiers: sought for an audit, taken on, and let go.

use crate::{
	pallet::{AuditsOf, Config, Event, Pallet, TaskAudit, VerifierLocks, VerifierWork},
	types::{AuditOf, AuditStage, Locks, MAX_VERIFIERS},
};
use alloc::vec::Vec;
use codec::Encode;
use polkadot_sdk::{frame_support::traits::Get, sp_core::H256, sp_io::hashing::blake2_256};
use pouw_primitives::{
	seams::{DrawnTicket, Market, TicketPool, MAX_TASK_VERIFIERS},
	status::AuditParty,
	ticket::Role,
	AuditId, BlockNumber, TaskId, TicketId,
};

/// How long all the verifiers that are wanted are waited for, in times that an audit takes.
const SEEK_PATIENCE: BlockNumber = 4;

/// The most open audits that one ticket answers at a time. Nobody can run any number of segments within one
/// window; what is more waits until others have ended.
pub const MAX_OPEN_AUDITS: u32 = 16;

/// What a draw of verifiers has brought.
struct Found<AccountId> {
	/// Those that were drawn and taken on.
	drawn: Vec<DrawnTicket<AccountId>>,
	/// Whether some were found that have enough to do.
	busy: bool,
}

impl<T: Config> Pallet<T> {
	/// The stage of an audit that needs verifiers from now on.
	pub(crate) fn seeking(now: BlockNumber) -> AuditStage {
		let one = Self::commit_window().saturating_add(Self::reveal_window());
		AuditStage::Seeking {
			asked: now,
			until: now.saturating_add(one.saturating_mul(SEEK_PATIENCE)),
		}
	}

	/// How many verifiers an audit is to have, whatever governance says.
	pub(crate) fn verifiers_wanted() -> u32 {
		T::VerifiersPerAudit::get().clamp(1, MAX_VERIFIERS)
	}

	/// Draws verifiers for an audit. If there are too few it stays in the agenda to be tried again, for as
	/// long as its patience lasts: whoever empties the pool for a moment must not choose who decides. After
	/// that it goes on with those that there are, and without any it lapses. Patience does not run out
	/// while verifiers are busy with other audits of the task, which end in bounded time.
	pub(crate) fn seek(
		id: AuditId,
		mut audit: AuditOf<T>,
		(randomness, known_since): (H256, BlockNumber),
		now: BlockNumber,
	) {
		let wanted = Self::verifiers_wanted() as usize;
		let last: Vec<T::AccountId> = audit
			.parties
			.iter()
			.skip(1)
			.map(|party| party.account.clone())
			.collect();
		let Found { drawn, busy } = Self::draw_verifiers(id, &audit, &last, &randomness, wanted);
		if drawn.len() < wanted && (busy || now <= audit.stage.until()) {
			for verifier in &drawn {
				Self::disengage(audit.task, verifier.ticket, false);
			}
			if busy {
				audit.stage = Self::seeking(now);
			}
			return Self::save_audit(id, audit, Some(Self::next_try(now)));
		}
		if drawn.is_empty() {
			return Self::lapse(id, audit, now);
		}

		// Fresh for each attempt: answers to the last one are public.
		audit.randomness = H256((b"pouw/audit", id, randomness).using_encoded(blake2_256));
		audit.known_since = known_since;
		Self::appoint(id, &mut audit, drawn);
		let until = now.saturating_add(Self::commit_window());
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

	/// Makes the trainer and the drawn verifiers the parties of an audit.
	fn appoint(id: AuditId, audit: &mut AuditOf<T>, drawn: Vec<DrawnTicket<T::AccountId>>) {
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
	}

	/// Draws and locks verifiers, others than those of the last attempt if there are any.
	fn draw_verifiers(
		id: AuditId,
		audit: &AuditOf<T>,
		last: &[T::AccountId],
		randomness: &H256,
		wanted: usize,
	) -> Found<T::AccountId> {
		let task = audit.task;
		let mut found = Found {
			drawn: Vec::new(),
			busy: false,
		};
		let Some(needs) = T::Market::needs(task) else {
			return found;
		};
		let lots =
			H256((b"pouw/verifiers", id, audit.attempts, randomness).using_encoded(blake2_256));
		let mut base = T::Market::involved(task);
		base.push(audit.trainer.clone());
		for avoided in [last, &[]] {
			let mut excluded = base.clone();
			excluded.extend_from_slice(avoided);
			for _ in 0..wanted {
				if found.drawn.len() >= wanted {
					break;
				}
				let Some(ticket) = T::Tickets::draw(Role::Verifier, task, &needs, &excluded, &lots)
				else {
					break;
				};
				excluded.push(ticket.account.clone());
				base.push(ticket.account.clone());
				if Self::engage(task, ticket.ticket) {
					found.drawn.push(ticket);
				} else {
					found.busy = true;
				}
			}
			if last.is_empty() {
				break;
			}
		}
		found
	}

	/// Takes a drawn verifier on, unless it has enough to do.
	fn engage(task: TaskId, ticket: TicketId) -> bool {
		VerifierLocks::<T>::mutate(task, ticket, |locks| {
			let locks = locks.get_or_insert_default();
			let free = locks.open < MAX_OPEN_AUDITS;
			if free {
				locks.open = locks.open.saturating_add(1);
			}
			free
		})
	}

	/// A verifier has answered an audit that is held from now on, and its ticket with it.
	pub(crate) fn keep(task: TaskId, ticket: TicketId) {
		VerifierLocks::<T>::mutate(task, ticket, |locks| {
			let locks = locks.get_or_insert_default();
			locks.open = locks.open.saturating_sub(1);
			locks.held = locks.held.saturating_add(1);
		});
	}

	/// Lets a verifier's ticket go, if no other audit of the task needs it.
	pub(crate) fn disengage(task: TaskId, ticket: TicketId, held: bool) {
		let Some(mut locks) = VerifierLocks::<T>::get(task, ticket) else {
			return;
		};
		let count = if held {
			&mut locks.held
		} else {
			&mut locks.open
		};
		*count = count.saturating_sub(1);
		if locks == Locks::default() {
			VerifierLocks::<T>::remove(task, ticket);
			T::Tickets::release(ticket, task);
		} else {
			VerifierLocks::<T>::insert(task, ticket, locks);
		}
	}

	/// Forgets that a verifier is to be paid by a task: it has approved what was proven wrong.
	pub(crate) fn discredit(task: TaskId, account: &T::AccountId) {
		if VerifierWork::<T>::take(task, account) != 0 {
			TaskAudit::<T>::mutate(task, |audits| {
				audits.verifiers = audits.verifiers.saturating_sub(1);
			});
		}
	}

	/// Counts an audit that a verifier has answered rightly, to be paid for it. A task pays so many
	/// verifiers; others that answer do their duty, but have no share in its fee.
	pub(crate) fn credit(task: TaskId, account: &T::AccountId) {
		if !VerifierWork::<T>::contains_key(task, account) {
			let mut audits = TaskAudit::<T>::get(task);
			if audits.verifiers >= MAX_TASK_VERIFIERS {
				return;
			}
			audits.verifiers = audits.verifiers.saturating_add(1);
			TaskAudit::<T>::insert(task, audits);
		}
		VerifierWork::<T>::mutate(task, account, |work| *work = work.saturating_add(1));
	}
}
