//! Splitting a fee.

use crate::mock::*;
use pouw_primitives::{
	seams::{Rewards as _, Settlement},
	status::Paid,
	POUW,
};

fn settlement() -> Settlement<AccountId> {
	Settlement {
		fee: 100 * POUW,
		accuracy_met: true,
		trainers: vec![(1, 30), (2, 10)],
		verifiers: vec![(3, 1), (4, 1)],
		supervisors: vec![(5, 7)],
		evaluators: vec![(6, 1)],
	}
}

#[test]
fn each_role_gets_its_part_by_work_done() {
	with_accounts(|| {
		let distribution = Rewards::split(&settlement());
		assert_eq!(
			distribution.payments,
			vec![
				(1, 52_500_000_000_000),
				(2, 17_500_000_000_000),
				(3, 5 * POUW),
				(4, 5 * POUW),
				(5, 10 * POUW),
				(6, 5 * POUW),
			]
		);
		assert_eq!(
			distribution.paid,
			Paid {
				trainers: 70 * POUW,
				verifiers: 10 * POUW,
				supervisors: 10 * POUW,
				evaluators: 5 * POUW
			}
		);
		assert_eq!((distribution.refunded, distribution.burned), (0, 5 * POUW));
	});
}

#[test]
fn missed_accuracy_halves_the_trainers_part_only() {
	with_accounts(|| {
		let distribution = Rewards::split(&Settlement {
			accuracy_met: false,
			..settlement()
		});
		assert_eq!(distribution.paid.trainers, 35 * POUW);
		assert_eq!(distribution.refunded, 35 * POUW);
		assert_eq!(distribution.paid.verifiers, 10 * POUW);
		assert_eq!(distribution.burned, 5 * POUW);
	});
}

#[test]
fn the_part_of_a_role_without_work_goes_back() {
	with_accounts(|| {
		let distribution = Rewards::split(&Settlement {
			verifiers: vec![],
			evaluators: vec![(6, 0)],
			..settlement()
		});
		assert_eq!(
			(distribution.paid.verifiers, distribution.paid.evaluators),
			(0, 0)
		);
		assert_eq!(distribution.refunded, 15 * POUW);
		assert!(distribution
			.payments
			.iter()
			.all(|(account, _)| *account != 6));
	});
}

#[test]
fn a_task_that_nobody_worked_for_goes_back_but_for_what_is_burned() {
	with_accounts(|| {
		let distribution = Rewards::split(&Settlement {
			fee: 100 * POUW,
			accuracy_met: false,
			trainers: vec![],
			verifiers: vec![],
			supervisors: vec![],
			evaluators: vec![],
		});
		assert_eq!(distribution.payments, vec![]);
		assert_eq!(
			(distribution.refunded, distribution.burned),
			(95 * POUW, 5 * POUW)
		);
	});
}

#[test]
fn what_can_not_be_divided_goes_to_the_last_payee() {
	with_accounts(|| {
		let distribution = Rewards::split(&Settlement {
			fee: 100,
			trainers: vec![(1, 1), (2, 1), (3, 1), (4, 0)],
			..settlement()
		});
		let trainers: Vec<_> = distribution.payments.iter().take(3).copied().collect();
		assert_eq!(trainers, vec![(1, 23), (2, 23), (3, 24)]);
	});
}

#[test]
fn an_account_gets_one_part_of_a_role() {
	with_accounts(|| {
		let distribution = Rewards::split(&Settlement {
			trainers: vec![(1, 1), (2, 2), (1, 1)],
			..settlement()
		});
		let trainers: Vec<_> = distribution.payments.iter().take(2).copied().collect();
		assert_eq!(trainers, vec![(1, 35 * POUW), (2, 35 * POUW)]);
	});
}

#[test]
fn an_account_with_two_roles_gets_two_parts() {
	with_accounts(|| {
		let distribution = Rewards::split(&Settlement {
			evaluators: vec![(5, 1)],
			..settlement()
		});
		let of_five: Vec<_> = distribution
			.payments
			.into_iter()
			.filter(|(account, _)| *account == 5)
			.collect();
		assert_eq!(of_five, vec![(5, 10 * POUW), (5, 5 * POUW)]);
	});
}
