//! What is stored about rewards.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{frame_support::traits::Get, sp_runtime::Permill};
use pouw_primitives::{Balance, BlockNumber};
use scale_info::TypeInfo;

/// How a fee is split.
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
)]
pub struct FeeSplit {
	/// To trainers.
	pub trainers: Permill,
	/// To verifiers.
	pub verifiers: Permill,
	/// To supervisors.
	pub supervisors: Permill,
	/// To evaluators.
	pub evaluators: Permill,
	/// To nobody: burned.
	pub burned: Permill,
}

impl FeeSplit {
	/// Whether the shares make one whole.
	pub fn is_whole(&self) -> bool {
		[
			self.trainers,
			self.verifiers,
			self.supervisors,
			self.evaluators,
			self.burned,
		]
		.into_iter()
		.try_fold(0u32, |sum, share| sum.checked_add(share.deconstruct()))
			== Some(Permill::one().deconstruct())
	}
}

/// The split until governance sets another: 70 % to trainers, 10 % to verifiers, 10 % to supervisors, 5 %
/// to evaluators, 5 % burned.
pub struct InitialSplit;

impl Get<FeeSplit> for InitialSplit {
	fn get() -> FeeSplit {
		FeeSplit {
			trainers: Permill::from_percent(70),
			verifiers: Permill::from_percent(10),
			supervisors: Permill::from_percent(10),
			evaluators: Permill::from_percent(5),
			burned: Permill::from_percent(5),
		}
	}
}

/// An era of the subsidy. A new one begins with the first subsidy after the last one's blocks are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Era {
	/// Its first block.
	pub start: BlockNumber,
	/// What can be minted in it, as was set when it began.
	pub budget: Balance,
	/// What has been minted in it.
	pub minted: Balance,
}

/// What is known of an account's work. The counters stop at their maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Reputation {
	/// Segments of its training that audits accepted.
	pub segments_accepted: u32,
	/// Audits that it answered rightly.
	pub audits_done: u32,
	/// Attestations and evaluations that it made rightly.
	pub duties_done: u32,
	/// Times that it was proven wrong.
	pub faults: u32,
}
