//! Who gets how much of a fee.

use crate::{shares::divide, types::FeeSplit};
use alloc::vec::Vec;
use pouw_primitives::{
	seams::{Distribution, Settlement, Shares},
	status::Paid,
	Balance,
};

/// Splits a fee. Each role's part is rounded down except that of the trainers, which is what the others
/// leave. The part of a role in which nobody worked goes back to the client: work that was not done is
/// not paid for. If the accuracy was missed, trainers get half of their part, rounded down, and the other
/// half goes back as well; the other roles' work is worth what it is worth either way.
pub(crate) fn split_fee<AccountId: Clone + Ord>(
	split: &FeeSplit,
	settlement: &Settlement<AccountId>,
) -> Distribution<AccountId> {
	let fee = settlement.fee;
	let verifiers = split.verifiers.mul_floor(fee);
	let supervisors = split.supervisors.mul_floor(fee);
	let evaluators = split.evaluators.mul_floor(fee);
	let burned = split.burned.mul_floor(fee);
	let trainers = [verifiers, supervisors, evaluators, burned]
		.into_iter()
		.fold(fee, |rest, part| rest.saturating_sub(part));
	let trainers_due = if settlement.accuracy_met {
		trainers
	} else {
		trainers.checked_div(2).unwrap_or_default()
	};

	let mut payments = Vec::new();
	let mut refunded = trainers.saturating_sub(trainers_due);
	let mut pay = |amount: Balance, shares: &Shares<AccountId>| match divide(amount, shares) {
		Some(parts) => {
			payments.extend(parts.into_iter().filter(|(_, part)| *part > 0));
			amount
		}
		None => {
			refunded = refunded.saturating_add(amount);
			0
		}
	};
	let paid = Paid {
		trainers: pay(trainers_due, &settlement.trainers),
		verifiers: pay(verifiers, &settlement.verifiers),
		supervisors: pay(supervisors, &settlement.supervisors),
		evaluators: pay(evaluators, &settlement.evaluators),
	};
	Distribution {
		payments,
		paid,
		refunded,
		burned,
	}
}
