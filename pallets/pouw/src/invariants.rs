//! What is always true of this pallet's storage and configuration.

use crate::{
	commitments::place,
	pallet::{
		Agenda, AgendaFrom, Answered, Attestors, AuditOfSegment, Audits, AuditsOf, Challenges,
		Commitments, Config, Demands, DemandsFrom, DemandsOn, Disputes, DisputesOf, HoldReason,
		NextAudit, NextDemand, NextDispute, Pallet, Scores, ShownTile, TaskAudit, VerifierLocks,
		VerifierWork,
	},
	types::{AuditStage, Item, Locks, MAX_VERIFIERS},
	verifiers::MAX_OPEN_AUDITS,
};
use alloc::{collections::BTreeMap, vec::Vec};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::InspectHold, Get},
	},
	sp_runtime::TryRuntimeError,
};
use pouw_primitives::{
	proof::two_thirds, seams::MAX_TASK_VERIFIERS, Balance, BlockNumber, TaskId, TicketId,
};

impl<T: Config> Pallet<T> {
	/// Checks that the configuration can work.
	///
	/// # Panics
	///
	/// If it can't; it is called by the runtime's tests only.
	pub(crate) fn check_config() {
		assert!(
			T::AuditDelay::get() >= 2,
			"the randomness of an audit must be of a later block"
		);
		let verifiers = T::VerifiersPerAudit::get();
		assert!(
			(1..=MAX_VERIFIERS).contains(&verifiers),
			"an audit has 1 to 7 verifiers"
		);
		assert!(two_thirds(verifiers) > 0, "somebody must decide");
		let (hook, entry) = (T::HookWeight::get(), Self::least_hook_weight());
		assert!(
			entry.all_lte(hook),
			"the hook could never serve an entry: {entry:?} > {hook:?}"
		);
	}

	/// Checks all invariants. It reads the whole of the pallet's storage: for tests and `try-runtime`.
	///
	/// 1. No audit was drawn from randomness that could be known when its segment was committed to.
	/// 2. Draws and audits stand in the agenda once, for a block that is not yet served; nothing else does.
	/// 3. A commitment counts its open audits; a task counts its draws and audits.
	/// 4. An audit is listed with its parties, and its verifiers' tickets are locked once for each.
	/// 5. An available commitment was attested by supervisors that have answered.
	/// 6. Verifiers that a task pays are counted, and are no more than it can pay.
	/// 7. No verifier's ticket answers more audits at a time than it may.
	/// 8. A commitment or score counts its open disputes, and a challenger's holds are the bonds of its disputes.
	/// 9. Every dispute that is about something stands in the agenda no later than the block after its
	///    deadline, and is listed with its parties.
	/// 10. The supervisor in a place that has attested a commitment is known with its ticket, or was.
	/// 11. Every demand stands in the agenda no later than the block after its deadline, is counted by its task
	///     and listed with its supervisor and on its ticket, where no account is listed twice; the holds of
	///     those who demand are the bonds of their demands.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut open = BTreeMap::<TaskId, u32>::new();
		let mut count = |task: TaskId| {
			let sum = open.entry(task).or_default();
			*sum = sum.saturating_add(1);
		};
		let mut entries: usize = 0;
		for ((task, round, slot), committed) in Commitments::<T>::iter() {
			let commitment = &committed.commitment;
			ensure!(
				commitment.slot == slot,
				"a commitment is in another's place"
			);
			ensure!(
				commitment.available || (committed.draw.is_none() && committed.open == 0),
				"what is not available is audited"
			);
			ensure!(
				committed.attested & !Answered::<T>::get(task, round) == 0,
				"a supervisor has attested without an answer"
			);
			if let Some(draw) = committed.draw {
				count(task);
				entries = entries.saturating_add(1);
				ensure!(
					Agenda::<T>::contains_key(draw.wake, Item::Draw { task, round, slot }),
					"a draw is not in the agenda"
				);
				Self::check_wake(draw.wake)?;
				ensure!(
					draw.asked >= commitment.block,
					"audits were asked for too early"
				);
			}
			let audits = Audits::<T>::iter_values().filter(|audit| {
				(audit.task, audit.round, audit.slot, audit.committed)
					== (task, round, slot, commitment.block)
			});
			ensure!(
				audits.count() == committed.open as usize,
				"open audits are miscounted"
			);
			let disputes = Disputes::<T>::iter_values().filter(|dispute| {
				dispute.score.is_none()
					&& (dispute.task, dispute.round, dispute.slot, dispute.committed)
						== (task, round, slot, commitment.block)
			});
			ensure!(
				disputes.count() == committed.contest.open as usize,
				"open disputes are miscounted"
			);
		}
		for (task, agreed) in Scores::<T>::iter() {
			count(task);
			entries = entries.saturating_add(1);
			ensure!(
				Agenda::<T>::contains_key(agreed.wake, Item::Score { task }),
				"a score is not in the agenda"
			);
			Self::check_wake(agreed.wake)?;
			ensure!(
				!agreed.claimants.is_empty(),
				"nobody stands by an agreed score"
			);
			let disputes = Disputes::<T>::iter_values().filter(|dispute| {
				dispute.score.is_some() && (dispute.task, dispute.committed) == (task, agreed.block)
			});
			ensure!(
				disputes.count() == agreed.contest.open as usize,
				"open disputes about a score are miscounted"
			);
		}
		for (id, dispute) in Disputes::<T>::iter() {
			count(dispute.task);
			entries = entries.saturating_add(1);
			ensure!(
				id < NextDispute::<T>::get(),
				"a dispute's number was not given out"
			);
			ensure!(
				Agenda::<T>::contains_key(dispute.wake, Item::Dispute { dispute: id }),
				"a dispute is not in the agenda"
			);
			Self::check_wake(dispute.wake)?;
			ensure!(
				dispute.wake <= dispute.until.saturating_add(1),
				"a dispute is not looked at after its deadline"
			);
		}
		for (id, demand) in Demands::<T>::iter() {
			count(demand.task);
			entries = entries.saturating_add(1);
			ensure!(
				id < NextDemand::<T>::get(),
				"a demand's number was not given out"
			);
			ensure!(
				Agenda::<T>::contains_key(demand.wake, Item::Demand { demand: id }),
				"a demand is not in the agenda"
			);
			Self::check_wake(demand.wake)?;
			ensure!(
				demand.wake <= demand.until.saturating_add(1),
				"a demand is not looked at after its deadline"
			);
		}
		for (id, audit) in Audits::<T>::iter() {
			count(audit.task);
			entries = entries.saturating_add(1);
			ensure!(
				id < NextAudit::<T>::get(),
				"an audit's number was not given out"
			);
			ensure!(
				audit.known_since > audit.committed,
				"an audit was drawn from randomness older than its commitment"
			);
			ensure!(
				Agenda::<T>::contains_key(audit.wake, Item::Audit { audit: id }),
				"an audit is not in the agenda"
			);
			Self::check_wake(audit.wake)?;
			let place = (audit.task, audit.round, audit.slot, audit.segment);
			ensure!(
				!Self::stands(&audit) || AuditOfSegment::<T>::get(place) == Some(id),
				"an audit is not found by its segment"
			);
			if !matches!(
				audit.stage,
				AuditStage::Seeking { .. } | AuditStage::Held { .. }
			) {
				ensure!(audit.parties.len() > 1, "an audit has no verifier");
				for party in &audit.parties {
					ensure!(
						AuditsOf::<T>::contains_key(&party.account, id),
						"a party of an audit is not listed"
					);
				}
			}
		}
		ensure!(
			Agenda::<T>::iter_keys().count() == entries,
			"the agenda has what is not due"
		);
		for (task, audits) in TaskAudit::<T>::iter() {
			ensure!(
				open.remove(&task).unwrap_or_default() == audits.open,
				"audits are miscounted"
			);
			let verifiers = VerifierWork::<T>::iter_key_prefix(task).count();
			ensure!(
				verifiers <= audits.verifiers as usize && audits.verifiers <= MAX_TASK_VERIFIERS,
				"verifiers are miscounted"
			);
		}
		ensure!(open.is_empty(), "audits of a task are not counted");
		Self::check_locks()?;
		Self::check_disputes()?;
		Self::check_attestors()?;
		Self::check_demands()
	}

	fn check_attestors() -> Result<(), TryRuntimeError> {
		for (task, round, attestors) in Attestors::<T>::iter() {
			let places = attestors
				.iter()
				.fold(0, |places, attestor| places | place(attestor.slot));
			ensure!(
				places.count_ones() as usize == attestors.len(),
				"two supervisors have attested in one place"
			);
			ensure!(
				places & !Answered::<T>::get(task, round) == 0,
				"a supervisor is known that has not answered"
			);
			for committed in Commitments::<T>::iter_prefix_values((task, round)) {
				ensure!(
					committed.attested & !places == 0,
					"nobody is known who has attested a commitment"
				);
			}
		}
		Ok(())
	}

	fn check_demands() -> Result<(), TryRuntimeError> {
		let mut bonds = Vec::<(T::AccountId, Balance)>::new();
		for (id, demand) in Demands::<T>::iter() {
			ensure!(
				DemandsFrom::<T>::contains_key(&demand.supervisor, id),
				"a demand is not listed with its supervisor"
			);
			let on_ticket = DemandsOn::<T>::get(demand.ticket);
			let own = on_ticket.iter().filter(|(_, who)| *who == demand.demander);
			ensure!(
				own.map(|(own, _)| *own).eq([id]),
				"a demand is not listed once on the ticket"
			);
			ensure!(
				demand.supervisor != demand.demander,
				"a supervisor demands from itself"
			);
			match bonds.iter_mut().find(|(who, _)| *who == demand.demander) {
				Some((_, sum)) => *sum = sum.saturating_add(demand.bond),
				None => bonds.push((demand.demander, demand.bond)),
			}
		}
		for (who, sum) in bonds {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Demand.into(), &who) == sum,
				"the bonds of who demands are not on hold"
			);
		}
		let listed = |id| Demands::<T>::contains_key(id);
		ensure!(
			DemandsFrom::<T>::iter_keys().all(|(_, id)| listed(id))
				&& DemandsOn::<T>::iter_values()
					.all(|list| { !list.is_empty() && list.into_iter().all(|(id, _)| listed(id)) }),
			"something is kept of a demand that has ended"
		);
		Ok(())
	}

	fn check_disputes() -> Result<(), TryRuntimeError> {
		let mut bonds = Vec::<(T::AccountId, Balance)>::new();
		for (id, dispute) in Disputes::<T>::iter() {
			for party in [&dispute.defender, &dispute.challenger] {
				ensure!(
					DisputesOf::<T>::contains_key(party, id),
					"a party of a dispute is not listed"
				);
			}
			match bonds.iter_mut().find(|(who, _)| *who == dispute.challenger) {
				Some((_, sum)) => *sum = sum.saturating_add(dispute.bond),
				None => bonds.push((dispute.challenger, dispute.bond)),
			}
		}
		for (who, sum) in bonds {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Challenge.into(), &who) == sum,
				"a challenger's bonds are not on hold"
			);
		}
		for (_, _, _, who) in Challenges::<T>::iter_keys() {
			ensure!(
				DisputesOf::<T>::iter_key_prefix(who).next().is_some(),
				"a challenge has no dispute"
			);
		}
		let listed = |id| Disputes::<T>::contains_key(id);
		ensure!(
			DisputesOf::<T>::iter_keys().all(|(_, id)| listed(id))
				&& Challenges::<T>::iter_values().all(listed)
				&& ShownTile::<T>::iter_keys().all(listed),
			"something is kept of a dispute that has ended"
		);
		Ok(())
	}

	fn check_wake(wake: BlockNumber) -> Result<(), TryRuntimeError> {
		ensure!(
			AgendaFrom::<T>::get().is_none_or(|from| wake >= from),
			"the agenda has passed an entry"
		);
		Ok(())
	}

	fn check_locks() -> Result<(), TryRuntimeError> {
		let mut locks = BTreeMap::<(TaskId, TicketId), Locks>::new();
		for audit in Audits::<T>::iter_values() {
			if matches!(audit.stage, AuditStage::Seeking { .. }) {
				continue;
			}
			for party in audit.parties.iter().skip(1) {
				let sum = locks.entry((audit.task, party.ticket)).or_default();
				let count = if audit.stage.is_held() {
					&mut sum.held
				} else {
					&mut sum.open
				};
				*count = count.saturating_add(1);
			}
		}
		for (task, ticket, count) in VerifierLocks::<T>::iter() {
			ensure!(
				locks.remove(&(task, ticket)) == Some(count),
				"a verifier's locks are miscounted"
			);
			ensure!(
				count.open <= MAX_OPEN_AUDITS,
				"a verifier answers too many audits at a time"
			);
		}
		ensure!(locks.is_empty(), "a verifier's ticket is not locked");
		for (account, id) in AuditsOf::<T>::iter_keys() {
			let listed = Audits::<T>::get(id)
				.is_some_and(|audit| audit.parties.iter().any(|party| party.account == account));
			ensure!(
				listed,
				"an account is listed with an audit that it is no party of"
			);
		}
		Ok(())
	}
}
