//! What is always true of the pallets together.

use super::*;

/// Checks what is always true of all pallets, and between them.
pub(crate) fn check_invariants() {
	Tickets::do_try_state().unwrap();
	Rewards::do_try_state().unwrap();
	MlTasks::do_try_state().unwrap();
	Pouw::do_try_state().unwrap();
	check_nothing_left();
	check_locked_tickets();
	let total: Balance = (1..=ACCOUNTS).map(wealth).sum();
	assert_eq!(Balances::total_issuance(), total, "money is with nobody");
	for account in 1..=ACCOUNTS {
		let on_hold: Balance = Balances::total_balance_on_hold(&account);
		let known = held(pallet_tickets::HoldReason::Ticket, account)
			+ held(pallet_ml_tasks::HoldReason::Fee, account)
			+ held(pallet_ml_tasks::HoldReason::ClientBond, account)
			+ held(pallet_ml_tasks::HoldReason::TrainerBond, account)
			+ held(crate::HoldReason::Challenge, account)
			+ held(crate::HoldReason::Demand, account);
		assert_eq!(on_hold, known, "something is on hold for no reason");
	}
	// The pallet checks each account of its tasks; equal sums say that there is nothing beside.
	let held_by_all = |reason: pallet_ml_tasks::HoldReason| -> Balance {
		(1..=ACCOUNTS).map(|account| held(reason, account)).sum()
	};
	let tasks = || pallet_ml_tasks::Tasks::<Test>::iter_values();
	let bonds: Balance = tasks()
		.map(|task| {
			let seated: Balance = task.seated().map(|(_, _, seat)| seat.bond).sum();
			seated
				+ task
					.former
					.iter()
					.map(|former| former.bond)
					.sum::<Balance>()
		})
		.sum();
	assert_eq!(
		held_by_all(pallet_ml_tasks::HoldReason::Fee),
		tasks().map(|task| task.fee).sum::<Balance>()
	);
	assert_eq!(
		held_by_all(pallet_ml_tasks::HoldReason::ClientBond),
		tasks().map(|task| task.client_bond).sum::<Balance>()
	);
	assert_eq!(held_by_all(pallet_ml_tasks::HoldReason::TrainerBond), bonds);
}

/// Nothing remains in the proofs of a task that has ended and was cleared.
fn check_nothing_left() {
	let known = |task: TaskId| {
		pallet_ml_tasks::Tasks::<Test>::contains_key(task)
			|| pallet_ml_tasks::Clearing::<Test>::contains_key(task)
	};
	assert!(crate::Commitments::<Test>::iter_keys().all(|(task, _, _)| known(task)));
	assert!(crate::Answered::<Test>::iter_keys().all(|(task, _)| known(task)));
	assert!(crate::Attestors::<Test>::iter_keys().all(|(task, _)| known(task)));
	assert!(crate::TaskAudit::<Test>::iter_keys().all(known));
	assert!(crate::Scores::<Test>::iter_keys().all(known));
	assert!(crate::VerifierWork::<Test>::iter_keys().all(|(task, _)| known(task)));
	assert!(crate::VerifierLocks::<Test>::iter_keys()
		.all(|(task, _)| { pallet_ml_tasks::Tasks::<Test>::contains_key(task) }));
	for audit in crate::Audits::<Test>::iter_values() {
		assert!(pallet_ml_tasks::Tasks::<Test>::contains_key(audit.task));
	}
	for dispute in crate::Disputes::<Test>::iter_values() {
		assert!(pallet_ml_tasks::Tasks::<Test>::contains_key(dispute.task));
	}
	for demand in crate::Demands::<Test>::iter_values() {
		assert!(pallet_ml_tasks::Tasks::<Test>::contains_key(demand.task));
	}
	assert!(crate::AuditOfSegment::<Test>::iter_values().all(crate::Audits::<Test>::contains_key));
}

/// A ticket that a task holds is that of a worker, of a former trainer, of a verifier with an open audit, or of
/// a supervisor of whom something is demanded.
fn check_locked_tickets() {
	for (task, role, tickets) in pallet_tickets::LockedTo::<Test>::iter() {
		let record =
			pallet_ml_tasks::Tasks::<Test>::get(task).expect("an ended task holds tickets");
		for ticket in tickets {
			let seated = record.seated().any(|(_, _, seat)| seat.ticket == ticket);
			let former = record
				.former
				.iter()
				.any(|former| former.role == Role::Trainer && former.ticket == ticket);
			let verifies =
				role == Role::Verifier && crate::VerifierLocks::<Test>::contains_key(task, ticket);
			let demanded =
				role == Role::Supervisor && crate::DemandsOn::<Test>::contains_key(ticket);
			assert!(
				seated || former || verifies || demanded,
				"a ticket is held for nothing"
			);
		}
	}
}
