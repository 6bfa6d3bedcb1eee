//! What the verifiers of an audit agree on, which decides who is paid for it.
//!
//! It takes nobody's stake. That a commitment is wrong is proven in a dispute, or it is not the case; a
//! verifier that says so opens one, and while one is open no audit of the commitment is closed. So what is
//! left to agree on here is who has run the segment: those whose digest is that of two thirds of the verifiers
//! that were *drawn*. Somebody who has not run it can't know it, and an audit in which there are not so many is
//! tried again with others. Where the trainer says another digest, as many as two thirds of the verifiers
//! *wanted* must stand against it: where few verifiers can be found, a lone one must not be paid for whatever
//! it says.

use pouw_primitives::proof::{two_thirds, AuditAnswer};

/// What is agreed on about a segment whose trace holds, by the trainer's answer and those of all drawn
/// verifiers, `None` for the silent, where so many verifiers were wanted.
pub(crate) fn agreed(
	trainer: Option<&AuditAnswer>,
	verifiers: &[Option<AuditAnswer>],
	wanted: u32,
) -> Option<AuditAnswer> {
	let drawn = verifiers.len() as u32;
	let agreeing = |answer: &AuditAnswer| {
		let same = verifiers.iter().flatten().filter(|other| *other == answer);
		same.count() as u32
	};
	let enough = |answer: &&AuditAnswer| {
		let contradicted = trainer.is_some_and(|claimed| claimed != *answer);
		let of = if contradicted {
			drawn.max(wanted)
		} else {
			drawn
		};
		agreeing(answer) >= two_thirds(of)
	};
	let mut holding = verifiers.iter().flatten().filter(|answer| answer.in_trace);
	holding.find(enough).copied()
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
	fn two_thirds_of_the_drawn_agree() {
		let right = Some(answer(1, true));
		let other = Some(answer(2, true));
		for trainer in [None, right.as_ref()] {
			assert_eq!(agreed(trainer, &[right, other, right], 3), right);
			assert_eq!(agreed(trainer, &[right, None, right], 3), right);
			assert_eq!(agreed(trainer, &[right], 3), right);
		}
	}

	#[test]
	fn as_many_of_the_wanted_outweigh_the_trainer() {
		let (right, other) = (Some(answer(1, true)), answer(2, true));
		assert_eq!(agreed(Some(&other), &[right, None, right], 3), right);
		assert_eq!(agreed(Some(&other), &[right], 3), None);
		assert_eq!(agreed(Some(&other), &[right], 1), right);
	}

	#[test]
	fn fewer_do_not() {
		let (a, b) = (Some(answer(1, true)), Some(answer(2, true)));
		assert_eq!(agreed(None, &[a, b, None], 3), None);
		assert_eq!(agreed(None, &[a, None], 3), None);
		assert_eq!(agreed(None, &[None, None, None], 3), None);
		assert_eq!(agreed(None, &[], 3), None);
	}

	#[test]
	fn nothing_is_agreed_on_against_the_trainer() {
		let accusation = Some(answer(1, false));
		assert_eq!(agreed(None, &[accusation, accusation, accusation], 3), None);
	}
}
