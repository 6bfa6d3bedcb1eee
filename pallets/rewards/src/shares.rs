//! Dividing an amount among those who worked for it, without losing a unit.

use alloc::{collections::BTreeMap, vec::Vec};
use polkadot_sdk::sp_arithmetic::{helpers_128bit::multiply_by_rational_with_rounding, Rounding};
use pouw_primitives::{seams::Shares, Balance};

/// Divides an amount in proportion to shares. Each part is rounded down, and the last payee gets what is
/// left over. An account that is listed several times gets one part, at its first place; one without a
/// share gets none. Returns `None` if nobody has a share; otherwise the parts' sum is the amount.
pub(crate) fn divide<AccountId: Clone + Ord>(
	amount: Balance,
	shares: &Shares<AccountId>,
) -> Option<Vec<(AccountId, Balance)>> {
	let mut places = BTreeMap::new();
	let mut merged: Vec<(AccountId, u64)> = Vec::with_capacity(shares.len());
	for (account, share) in shares.iter().filter(|(_, share)| *share > 0) {
		let place = *places.entry(account).or_insert(merged.len());
		match merged.get_mut(place) {
			Some((_, sum)) => *sum = sum.saturating_add(u64::from(*share)),
			None => merged.push((account.clone(), u64::from(*share))),
		}
	}
	let whole = merged
		.iter()
		.fold(0u128, |sum, (_, share)| sum.saturating_add((*share).into()));
	let part = |share: u64| {
		multiply_by_rational_with_rounding(amount, share.into(), whole, Rounding::Down)
			.unwrap_or_default()
	};

	let (last, others) = merged.split_last()?;
	let mut parts: Vec<_> = others
		.iter()
		.map(|(account, share)| (account.clone(), part(*share)))
		.collect();
	let given = parts
		.iter()
		.fold(0u128, |sum, (_, part)| sum.saturating_add(*part));
	parts.push((last.0.clone(), amount.saturating_sub(given)));
	Some(parts)
}
