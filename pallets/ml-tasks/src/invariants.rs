//! What is always true of this pallet's storage and configuration.

use crate::{
	pallet::{
		Agenda, AgendaFrom, Clearing, Config, Engagements, HoldReason, NextTask, Pallet, Rounds,
		Specs, Summaries, Tasks,
	},
	types::{Stage, MAX_PLACES},
	TaskOf,
};
use alloc::collections::BTreeMap;
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::InspectHold, Get},
	},
	sp_runtime::TryRuntimeError,
};
use pouw_primitives::{
	proof::two_thirds,
	seams::TicketPool,
	spec::{TaskSpec, MAX_EVALUATORS, MAX_SUPERVISORS},
	status::{Phase, TicketState},
	ticket::Role,
	Balance, TaskId,
};

impl<T: Config> Pallet<T> {
	/// Checks that the configuration can work.
	///
	/// # Panics
	///
	/// If it can't; it is called by the runtime's tests only.
	pub(crate) fn check_config() {
		assert!(
			T::DrawDelay::get() >= 2,
			"the randomness of a draw must be of a later block"
		);
		assert!(
			T::MaxRoundsAhead::get() >= 1,
			"a round must be sealed before it can be audited"
		);
		assert!(
			!T::AuditRate::get().is_zero(),
			"bonds can't cover segments that are never audited"
		);
		assert!(
			u32::from(MAX_SUPERVISORS.max(MAX_EVALUATORS)) <= MAX_PLACES && two_thirds(1) == 1,
			"every role's places must fit"
		);
		let (hook, turn) = (T::HookWeight::get(), Self::least_hook_weight());
		assert!(
			turn.all_lte(hook),
			"the hook could never serve a task: {turn:?} > {hook:?}"
		);
	}

	/// Checks all invariants. It reads the whole of the pallet's storage: for tests and `try-runtime`.
	///
	/// 1. What is on hold for fees, clients' bonds and trainers' bonds is what the tasks say is held.
	/// 2. Every task has a specification, stands in the agenda once, for a block that is not yet served,
	///    and is listed with its client and the workers that hold places; nothing else is.
	/// 3. No account holds two places in a task, or one in its own; tickets in places are locked to it.
	/// 4. A task in training has at least one live trainer, or looks for one; never more than it asked for.
	/// 5. Counts of rounds and segments fit each other and the sealed rounds that are kept; those are no
	///    more than the bound. No more segments are paid for than stand.
	/// 6. Of a task that has ended, nothing remains but its summary, once it is cleared.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_holds()?;
		for (id, task) in Tasks::<T>::iter() {
			ensure!(
				id < NextTask::<T>::get(),
				"a task's number was not given out"
			);
			let spec = Specs::<T>::get(id).ok_or("a task has no specification")?;
			Self::check_task(id, &task, &spec)?;
			Self::check_rounds(id, &task, &spec)?;
		}
		Self::check_lists()
	}

	fn check_holds() -> Result<(), TryRuntimeError> {
		let mut held = BTreeMap::<T::AccountId, [Balance; 3]>::new();
		let mut add = |account: &T::AccountId, reason: usize, amount: Balance| {
			if let Some(sum) = held.entry(account.clone()).or_default().get_mut(reason) {
				*sum = sum.saturating_add(amount);
			}
		};
		for (_, task) in Tasks::<T>::iter() {
			add(&task.client, 0, task.fee);
			add(&task.client, 1, task.client_bond);
			for (_, _, seat) in task.seated() {
				add(&seat.account, 2, seat.bond);
			}
			for former in &task.former {
				add(&former.account, 2, former.bond);
			}
		}
		for (account, [fees, client_bonds, trainer_bonds]) in held {
			let on_hold =
				|reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &account);
			ensure!(
				on_hold(HoldReason::Fee) == fees,
				"held fees are not what the tasks say"
			);
			ensure!(
				on_hold(HoldReason::ClientBond) == client_bonds,
				"held bonds of clients are not what the tasks say"
			);
			ensure!(
				on_hold(HoldReason::TrainerBond) == trainer_bonds,
				"held bonds of trainers are not what the tasks say"
			);
		}
		Ok(())
	}

	fn check_task(id: TaskId, task: &TaskOf<T>, spec: &TaskSpec) -> Result<(), TryRuntimeError> {
		ensure!(
			Agenda::<T>::contains_key(task.wake, id),
			"a task is not in the agenda"
		);
		ensure!(
			AgendaFrom::<T>::get().is_none_or(|from| task.wake >= from),
			"the agenda has passed a task"
		);
		ensure!(
			Engagements::<T>::contains_key(&task.client, id),
			"a client is not listed"
		);
		let places = [
			(Role::Trainer, spec.training.trainers),
			(Role::Supervisor, spec.training.supervisors),
			(Role::Evaluator, spec.training.evaluators),
		];
		for (role, wanted) in places {
			ensure!(
				task.seats(role).len() == usize::from(wanted),
				"places are missing"
			);
		}
		for (role, slot, seat) in task.seated() {
			ensure!(
				Engagements::<T>::contains_key(&seat.account, id),
				"a worker is not listed"
			);
			ensure!(
				seat.account != task.client,
				"a client works on its own task"
			);
			let others = task
				.seated()
				.filter(|(_, _, other)| other.account == seat.account);
			ensure!(others.count() == 1, "an account holds two places in a task");
			let locked = T::Tickets::status(seat.ticket).is_some_and(|status| {
				status.role == role
					&& matches!(
						status.state,
						TicketState::Locked(to) | TicketState::Retiring(to) if to == id
					)
			});
			ensure!(locked, "the ticket of a place is not locked to the task");
			ensure!(
				seat.bond == 0 || (role == Role::Trainer && seat.accepted),
				"a bond is held for no reason"
			);
			let awaited = seat.since <= task.sealed_rounds.saturating_add(1);
			ensure!(
				awaited && usize::from(slot) < MAX_PLACES as usize,
				"a place is out of bounds"
			);
		}
		ensure!(
			task.vacancies() == 0 || task.draw.is_some() || Self::is_over(task),
			"an empty place is not drawn for"
		);
		if let Stage::Ending(phase) = task.stage {
			let ended = matches!(phase, Phase::Settled | Phase::Cancelled | Phase::Failed(_));
			ensure!(ended, "a task ends without an end");
		}
		ensure!(
			!task
				.seated()
				.any(|(role, _, seat)| role == Role::Evaluator
					&& task.dismissed.contains(&seat.account)),
			"an evaluator that has failed was drawn again"
		);
		let begun = task.training_tensor.is_some() || task.sealed_rounds > 0;
		ensure!(
			!begun || task.seed.is_some(),
			"a task was begun without a seed"
		);
		Ok(())
	}

	fn check_rounds(id: TaskId, task: &TaskOf<T>, spec: &TaskSpec) -> Result<(), TryRuntimeError> {
		let (sealed, checked) = (task.sealed_rounds, task.checked_rounds);
		ensure!(
			checked <= sealed && sealed <= spec.training.rounds,
			"rounds are checked before they are sealed, or sealed that were not ordered"
		);
		ensure!(
			sealed.saturating_sub(checked) <= T::MaxRoundsAhead::get(),
			"too many rounds run ahead of their audits"
		);
		for round in Rounds::<T>::iter_key_prefix(id) {
			ensure!(
				round < sealed && round >= checked.saturating_sub(1),
				"a round is kept that was lost or is no longer needed"
			);
		}
		for round in checked.saturating_sub(1)..sealed {
			ensure!(
				Rounds::<T>::contains_key(id, round),
				"a sealed round is not kept"
			);
		}
		match task.stage {
			Stage::Pending { .. } => ensure!(sealed == 0, "a pending task has sealed rounds"),
			Stage::Training { round, .. } => {
				ensure!(
					round == sealed,
					"the open round does not follow the last sealed one"
				);
				let live = task.live(Role::Trainer).count();
				let looks = task.draw.is_some() || task.trainers.iter().flatten().count() > live;
				ensure!(
					live > 0 || looks,
					"a task trains without a trainer, and looks for none"
				);
			}
			Stage::Evaluating { .. } => {
				ensure!(
					sealed == spec.training.rounds,
					"a task is scored before its last round"
				);
			}
			Stage::Ending(_) => {}
		}
		let counts = task.segments;
		ensure!(
			counts.accepted <= counts.audited,
			"more audits were accepted than were drawn"
		);
		ensure!(
			u64::from(counts.committed) <= spec.total_segments(),
			"more segments stand than were ordered"
		);
		let trainers = task.trainers.iter().flatten().map(|seat| seat.work);
		let former = task
			.former
			.iter()
			.filter(|former| former.role == Role::Trainer)
			.map(|former| former.work);
		ensure!(
			trainers.chain(former).fold(0u32, u32::saturating_add) <= counts.committed,
			"more segments are paid for than stand"
		);
		Ok(())
	}

	fn check_lists() -> Result<(), TryRuntimeError> {
		let mut listed: usize = 0;
		for (wake, id) in Agenda::<T>::iter_keys() {
			let task = Tasks::<T>::get(id).ok_or("the agenda has what is no task")?;
			ensure!(task.wake == wake, "a task is in the agenda twice");
			listed = listed.saturating_add(1);
		}
		ensure!(
			listed == Tasks::<T>::iter_keys().count(),
			"a task is not in the agenda once"
		);
		for (account, id) in Engagements::<T>::iter_keys() {
			let task = Tasks::<T>::get(id).ok_or("an account is listed with what is no task")?;
			ensure!(
				task.client == account || task.seated().any(|(_, _, seat)| seat.account == account),
				"an account is listed with a task that it has no part in"
			);
		}
		for id in Specs::<T>::iter_keys() {
			ensure!(Tasks::<T>::contains_key(id), "a specification has no task");
		}
		for id in Clearing::<T>::iter_keys() {
			ensure!(
				!Tasks::<T>::contains_key(id),
				"a task is cleared that has not ended"
			);
		}
		for (id, _) in Rounds::<T>::iter_keys() {
			ensure!(
				Tasks::<T>::contains_key(id) || Clearing::<T>::contains_key(id),
				"rounds remain of a task that has ended"
			);
		}
		for id in Summaries::<T>::iter_keys() {
			ensure!(
				!Tasks::<T>::contains_key(id),
				"a task has a summary before its end"
			);
		}
		Ok(())
	}
}
