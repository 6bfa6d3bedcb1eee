//! How commitments, audit answers and scores are made.

use crate::{AuditId, RoundIndex, Slot};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{sp_core::H256, sp_io::hashing::blake2_256};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What an audit's verifier, or the trainer itself, found by running the segment.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct AuditAnswer {
	/// [`audit_digest`] of the run.
	pub digest: H256,
	/// Whether the root of the state at the segment's end is the one that the trainer's trace has there.
	/// Without this a trainer could commit to anything and train only what is audited. A trainer that
	/// says no admits that its commitment is wrong.
	pub in_trace: bool,
}

/// An evaluator's score of the final model.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Score {
	/// Right answers on the hidden part.
	pub correct: u32,
	/// The root of the final state.
	pub state_root: H256,
}

/// What of a score is said to be wrong.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum WrongScore {
	/// The final state: it is not the merge of the last sealed set.
	State,
	/// The number of right answers, which is not that of the state.
	Correct,
}

/// The answer to an audit of one segment: it binds the audit's own randomness, the bits of the loss of
/// every step of the segment, and the root of the state at its end. Nothing that was published before
/// the audit was drawn contains it, so it can only come from running the segment.
pub fn audit_digest(randomness: &H256, losses: &[f32], end_root: &H256) -> H256 {
	let mut preimage = Vec::with_capacity(losses.len().saturating_mul(4).saturating_add(96));
	preimage.extend_from_slice(b"pouw/audit-digest");
	preimage.extend_from_slice(randomness.as_bytes());
	for loss in losses {
		preimage.extend_from_slice(&loss.to_bits().to_le_bytes());
	}
	preimage.extend_from_slice(end_root.as_bytes());
	H256(blake2_256(&preimage))
}

/// What an account publishes before it reveals its answer to an audit. The account is bound in, so
/// that another's commitment is of no use.
pub fn audit_commitment<AccountId: Encode>(
	account: &AccountId,
	audit: AuditId,
	answer: &AuditAnswer,
) -> H256 {
	H256((b"pouw/audit-answer", account, audit, answer).using_encoded(blake2_256))
}

/// A task's record after one more sealed round: a chain of hashes over the sealed sets, each the places
/// and end roots in the order of the places. It starts from zero. Who has replayed a task and arrives at
/// the same record has found every state that was merged.
pub fn record_round(record: &H256, round: RoundIndex, sealed: &[(Slot, H256)]) -> H256 {
	H256((b"pouw/record", record, round, sealed).using_encoded(blake2_256))
}

/// The least number that is two thirds of a number: what supervisors, verifiers and evaluators need to
/// agree.
pub fn two_thirds(of: u32) -> u32 {
	of.saturating_mul(2).div_ceil(3)
}

/// What an evaluator publishes before it reveals its score.
///
/// `attempt` says how often scores were asked for before: what was revealed in one attempt is of no use in
/// the next. `salt` is random: the score alone could be guessed.
pub fn evaluation_commitment<AccountId: Encode>(
	account: &AccountId,
	task: crate::TaskId,
	attempt: u32,
	correct: u32,
	state_root: &H256,
	salt: &H256,
) -> H256 {
	let claim = (account, task, attempt, correct, state_root, salt);
	H256((b"pouw/evaluation", claim).using_encoded(blake2_256))
}
