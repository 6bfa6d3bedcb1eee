//! The verdict on an audit.
//!
//! Until a referee on chain can recompute what is in dispute, two thirds of an audit's verifiers decide.
//! This module is the only place that says so, and the one that the referee will replace. Two rules keep
//! the verdict from being worth more to liars than it must be:
//!
//! - A commitment is accepted if two thirds of the verifiers that were *drawn* agree that it is right. It is
//!   rejected only if as many agree that it is wrong as two thirds of the verifiers *wanted*: where few
//!   verifiers can be found, a lone one must not be able to take a trainer's stake.
//! - A verifier that differs from the others misses a duty, but keeps its stake: it may be the honest one.
//!
//! What verifiers agree on is the answer as a whole: the digest of the segment's run, and whether its end is
//! in the trainer's trace. A trainer that has not answered, but whose trace has the right end, was only
//! absent: that is a missed duty, no fault.

use pouw_primitives::proof::{two_thirds, AuditAnswer};

/// What an audit has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
	/// The trainer is right. This is the right answer.
	Accepted(AuditAnswer),
	/// The trainer is wrong. This is the right answer.
	Rejected(AuditAnswer),
	/// The verifiers don't agree.
	Undecided,
}

/// Judges an audit by the trainer's answer and those of all drawn verifiers, `None` for the silent, where
/// so many verifiers were wanted.
pub fn judge(
	trainer: Option<&AuditAnswer>,
	verifiers: &[Option<AuditAnswer>],
	wanted: u32,
) -> Verdict {
	let drawn = verifiers.len() as u32;
	let to_accept = two_thirds(drawn);
	let to_reject = two_thirds(drawn.max(wanted));
	for answer in verifiers.iter().flatten() {
		let agreeing = verifiers
			.iter()
			.flatten()
			.filter(|other| *other == answer)
			.count() as u32;
		let right = answer.in_trace && trainer.is_none_or(|claimed| claimed == answer);
		if right && agreeing >= to_accept {
			return Verdict::Accepted(*answer);
		}
		if !right && agreeing >= to_reject {
			return Verdict::Rejected(*answer);
		}
	}
	Verdict::Undecided
}

#[cfg(test)]
mod tests {
	use super::*;
	use polkadot_sdk::sp_core::H256;

	fn answer(byte: u8, in_trace: bool) -> AuditAnswer {
		AuditAnswer {
			digest: H256::repeat_byte(byte),
			in_trace,
		}
	}

	#[test]
	fn agreement_with_the_trainer_accepts() {
		let right = answer(1, true);
		let verifiers = [Some(right), Some(right), Some(answer(2, true))];
		assert_eq!(judge(Some(&right), &verifiers, 3), Verdict::Accepted(right));
	}

	#[test]
	fn agreement_against_the_trainer_rejects() {
		let right = answer(1, true);
		let verifiers = [Some(right), None, Some(right)];
		assert_eq!(
			judge(Some(&answer(2, true)), &verifiers, 3),
			Verdict::Rejected(right)
		);
	}

	#[test]
	fn the_right_digest_does_not_save_a_wrong_trace() {
		let found = answer(1, false);
		let verifiers = [Some(found), Some(found), Some(found)];
		assert_eq!(
			judge(Some(&answer(1, true)), &verifiers, 3),
			Verdict::Rejected(found)
		);
		// Nor does saying so oneself.
		assert_eq!(judge(Some(&found), &verifiers, 3), Verdict::Rejected(found));
		assert_eq!(judge(None, &verifiers, 3), Verdict::Rejected(found));
	}

	#[test]
	fn an_absent_trainer_with_a_right_trace_is_accepted() {
		let right = answer(1, true);
		assert_eq!(
			judge(None, &[Some(right), Some(right), None], 3),
			Verdict::Accepted(right)
		);
	}

	#[test]
	fn a_lone_verifier_can_accept_but_not_reject() {
		let right = answer(1, true);
		assert_eq!(
			judge(Some(&right), &[Some(right)], 3),
			Verdict::Accepted(right)
		);
		assert_eq!(
			judge(Some(&answer(2, true)), &[Some(right)], 3),
			Verdict::Undecided
		);
		assert_eq!(
			judge(Some(&answer(2, true)), &[Some(right)], 1),
			Verdict::Rejected(right)
		);
	}

	#[test]
	fn without_two_thirds_nothing_is_decided() {
		let (a, b) = (answer(1, true), answer(2, true));
		assert_eq!(
			judge(Some(&a), &[Some(a), Some(b), None], 3),
			Verdict::Undecided
		);
		assert_eq!(judge(Some(&a), &[None, None, None], 3), Verdict::Undecided);
		assert_eq!(judge(Some(&a), &[], 3), Verdict::Undecided);
	}
}
