//! What a client asks for: the specification of a task.
//!
//! Everything in it is bounded; [`TaskSpec::check`] refuses what can't work, with a reason of its own.

use crate::{
	ticket::{Capabilities, Endpoint},
	Balance, BlockNumber, SegmentIndex,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{traits::ConstU32, BoundedVec},
	sp_core::H256,
	sp_runtime::Permill,
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

pub use repops::program::ARITHMETIC_VERSION;

/// The most bytes of a task's name.
pub const MAX_NAME: u32 = 64;
/// The fewest segments that a data set is cut into.
pub const MIN_DATA_SEGMENTS: u16 = 10;
/// The most segments that a data set is cut into.
pub const MAX_DATA_SEGMENTS: u16 = 100;
/// The most trainers of a task.
pub const MAX_TRAINERS: u16 = 16;
/// The most supervisors of a task.
pub const MAX_SUPERVISORS: u16 = 8;
/// The most evaluators of a task.
pub const MAX_EVALUATORS: u16 = 8;
/// The most rounds of a task.
pub const MAX_ROUNDS: u32 = 1_000;
/// The most segments of a trainer's round.
pub const MAX_ROUND_SEGMENTS: u32 = 1_024;
/// The most steps of a segment.
pub const MAX_SEGMENT_STEPS: u32 = 65_536;
/// The most elements of a state: the old and the new one are what programs may take of memory
/// (`repops::check::Limits::live_bytes`).
pub const MAX_STATE_ELEMENTS: u64 = 1 << 30;
/// The most elements of a state for each parameter. Who takes on a model takes it on by its parameters.
pub const MAX_STATE_PER_PARAMETER: u64 = 16;
/// The least blocks that a round may last.
pub const MIN_ROUND_DEADLINE: BlockNumber = 20;
/// The most blocks that a round may last.
pub const MAX_ROUND_DEADLINE: BlockNumber = 28_800;

/// The data set of a task. Its rows are cut into `segments` blobs of `rows_per_segment` rows each; each
/// blob begins with a random salt, so that a hidden one can't be guessed from its hash.
#[derive(
	Clone,
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
pub struct DataSpec {
	/// Merkle root over the hashes of the segments' blobs (`repops::commit::data_root`).
	pub root: H256,
	/// BLAKE3 hash of the blob that lists the segments' hashes.
	pub manifest: H256,
	/// The number of segments.
	pub segments: u16,
	/// How many of them the chain hides for the test.
	pub hidden_segments: u16,
	/// The rows of each segment.
	pub rows_per_segment: u32,
	/// The features of a row.
	pub columns: u32,
	/// The number of classes; labels are below it.
	pub classes: u32,
}

/// How the training is laid out.
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
pub struct TrainingSpec {
	/// Trainers that work side by side.
	pub trainers: u16,
	/// Supervisors of the task.
	pub supervisors: u16,
	/// Evaluators of the final model.
	pub evaluators: u16,
	/// Rounds; after each the trainers' states are merged.
	pub rounds: u32,
	/// Steps of each trainer in a round; a multiple of `steps_per_segment`.
	pub steps_per_round: u32,
	/// Steps between two checkpoints.
	pub steps_per_segment: u32,
	/// Rows of a batch.
	pub batch: u32,
}

/// What the programs cost, as the client claims it; supervisors check the claim before round 0.
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
pub struct CostSpec {
	/// Elements of all state tensors together.
	pub state_elements: u64,
	/// Elements of the parameters among them.
	pub parameters: u64,
	/// Multiply-adds of one training step (`repops::check::Checked`).
	pub step_multiply_adds: u64,
	/// Multiply-adds of the evaluation.
	pub evaluation_multiply_adds: u64,
}

/// A state that is given, and not made from the seed: all tensors that the step program declares, the
/// optimiser's too.
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
pub struct StateSpec {
	/// BLAKE3 hash of the state's blob (`repops::state_blob`).
	pub blob: H256,
	/// The state's root (`repops::commit::state_root`): what the first round must start from.
	pub root: H256,
}

/// A task, as its client asks for it.
#[derive(
	Clone,
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
pub struct TaskSpec {
	/// A name for people, UTF-8.
	#[serde(with = "crate::json::name")]
	pub name: BoundedVec<u8, ConstU32<MAX_NAME>>,
	/// The version of the arithmetic ([`ARITHMETIC_VERSION`]).
	pub arithmetic_version: u16,
	/// BLAKE3 hash of the step program's blob.
	pub step_program: H256,
	/// The root over the step program's parts (`repops::parts::program_root`): what is shown of the program
	/// in a dispute is proven against it.
	pub step_program_parts: H256,
	/// BLAKE3 hash of the evaluation program's blob.
	pub evaluation_program: H256,
	/// The root over the evaluation program's parts, for disputes about the score.
	pub evaluation_program_parts: H256,
	/// The state that the training starts from; none if it follows from the seed, as the step program declares.
	/// Supervisors check before the first round that the blob is the state of this root.
	pub initial_state: Option<StateSpec>,
	/// The data set.
	pub data: DataSpec,
	/// The layout of the training.
	pub training: TrainingSpec,
	/// The programs' cost.
	pub cost: CostSpec,
	/// What the workers' machines must be able to do.
	pub needs: Capabilities,
	/// The share of right answers on the hidden part at which trainers are paid in full.
	pub required_accuracy: Permill,
	/// What the client pays.
	#[serde(with = "crate::json::amount")]
	pub fee: Balance,
	/// Blocks that a round may last.
	pub round_deadline: BlockNumber,
	/// Where the client serves programs and data.
	pub endpoint: Endpoint,
}

/// Why a specification can't work.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum SpecFault {
	/// The arithmetic's version is not one that this chain knows.
	ArithmeticVersion,
	/// The number of data segments is out of bounds.
	DataSegments,
	/// A given state without a hash or a root.
	InitialState,
	/// No segment, or every segment, would be hidden.
	HiddenSegments,
	/// A segment without rows, a row without features, or fewer than two classes.
	DataShape,
	/// No trainer, supervisor or evaluator, or too many of them.
	Workers,
	/// No rounds, or too many.
	Rounds,
	/// No steps, too many, or steps of a round that are not a multiple of the steps of a segment.
	Steps,
	/// An empty batch, or one larger than the training part.
	Batch,
	/// A claimed cost of zero, more parameters than state, much more state than parameters, or a product that
	/// overflows.
	Cost,
	/// The needs are below what the task's own sizes ask for.
	Needs,
	/// The round's deadline is out of bounds.
	RoundDeadline,
	/// The client's endpoint has no address.
	Endpoint,
}

impl TaskSpec {
	/// Segments of one trainer's round.
	pub fn segments_per_round(&self) -> SegmentIndex {
		self.training
			.steps_per_round
			.checked_div(self.training.steps_per_segment)
			.unwrap_or(0)
	}

	/// Rows of the training part.
	pub fn training_rows(&self) -> u64 {
		u64::from(self.data.segments.saturating_sub(self.data.hidden_segments))
			.saturating_mul(u64::from(self.data.rows_per_segment))
	}

	/// Rows of the hidden part.
	pub fn test_rows(&self) -> u64 {
		u64::from(self.data.hidden_segments).saturating_mul(u64::from(self.data.rows_per_segment))
	}

	/// Bytes of the whole data set: a 4-byte word for each feature and label.
	pub fn data_bytes(&self) -> u64 {
		u64::from(self.data.segments)
			.saturating_mul(u64::from(self.data.rows_per_segment))
			.saturating_mul(u64::from(self.data.columns).saturating_add(1))
			.saturating_mul(4)
	}

	/// Segments that all trainers make in all rounds.
	pub fn total_segments(&self) -> u64 {
		u64::from(self.training.trainers)
			.saturating_mul(u64::from(self.training.rounds))
			.saturating_mul(u64::from(self.segments_per_round()))
	}

	/// Multiply-adds of the whole training and evaluation; `None` if they overflow 128 bits' half.
	pub fn total_multiply_adds(&self) -> Option<u64> {
		let t = &self.training;
		self.cost
			.step_multiply_adds
			.checked_mul(u64::from(t.trainers))?
			.checked_mul(u64::from(t.rounds))?
			.checked_mul(u64::from(t.steps_per_round))?
			.checked_add(
				self.cost
					.evaluation_multiply_adds
					.checked_mul(u64::from(t.evaluators))?,
			)
	}

	/// Checks everything that can be checked without the blobs, the first fault found.
	pub fn check(&self) -> Result<(), SpecFault> {
		let (d, t, c) = (&self.data, &self.training, &self.cost);
		let ensure = |holds: bool, fault: SpecFault| if holds { Ok(()) } else { Err(fault) };
		ensure(
			self.arithmetic_version == ARITHMETIC_VERSION,
			SpecFault::ArithmeticVersion,
		)?;
		let is_named = |state: StateSpec| !state.blob.is_zero() && !state.root.is_zero();
		ensure(
			self.initial_state.is_none_or(is_named),
			SpecFault::InitialState,
		)?;
		ensure(
			(MIN_DATA_SEGMENTS..=MAX_DATA_SEGMENTS).contains(&d.segments),
			SpecFault::DataSegments,
		)?;
		ensure(
			d.hidden_segments > 0 && d.hidden_segments < d.segments,
			SpecFault::HiddenSegments,
		)?;
		ensure(
			d.rows_per_segment > 0
				&& d.columns > 0
				&& d.classes > 1
				&& self.training_rows() <= u64::from(u32::MAX),
			SpecFault::DataShape,
		)?;
		ensure(
			(1..=MAX_TRAINERS).contains(&t.trainers)
				&& (1..=MAX_SUPERVISORS).contains(&t.supervisors)
				&& (1..=MAX_EVALUATORS).contains(&t.evaluators),
			SpecFault::Workers,
		)?;
		ensure((1..=MAX_ROUNDS).contains(&t.rounds), SpecFault::Rounds)?;
		ensure(
			(1..=MAX_SEGMENT_STEPS).contains(&t.steps_per_segment)
				&& t.steps_per_round.checked_rem(t.steps_per_segment) == Some(0)
				&& (1..=MAX_ROUND_SEGMENTS).contains(&self.segments_per_round()),
			SpecFault::Steps,
		)?;
		ensure(
			t.batch > 0 && u64::from(t.batch) <= self.training_rows(),
			SpecFault::Batch,
		)?;
		ensure(
			c.parameters > 0
				&& c.state_elements >= c.parameters
				&& c.state_elements <= MAX_STATE_ELEMENTS
				&& c.state_elements <= c.parameters.saturating_mul(MAX_STATE_PER_PARAMETER)
				&& c.step_multiply_adds > 0
				&& c.evaluation_multiply_adds > 0
				&& self.total_multiply_adds().is_some(),
			SpecFault::Cost,
		)?;
		ensure(
			self.needs.parameters >= c.parameters && self.needs.data_bytes >= self.data_bytes(),
			SpecFault::Needs,
		)?;
		ensure(
			(MIN_ROUND_DEADLINE..=MAX_ROUND_DEADLINE).contains(&self.round_deadline),
			SpecFault::RoundDeadline,
		)?;
		ensure(!self.endpoint.addresses.is_empty(), SpecFault::Endpoint)
	}
}

/// Which data segments are hidden, drawn from the task's seed: the first `hidden` of a permutation of
/// the segments, in ascending order. Chain and worker share this one definition.
pub fn hidden_segments(seed: &H256, segments: u16, hidden: u16) -> Vec<u16> {
	let mut order: Vec<(H256, u16)> = (0..segments)
		.map(|segment| {
			let mut preimage = Vec::with_capacity(64);
			preimage.extend_from_slice(b"pouw/split");
			preimage.extend_from_slice(seed.as_bytes());
			preimage.extend_from_slice(&segment.to_le_bytes());
			(
				H256(polkadot_sdk::sp_io::hashing::blake2_256(&preimage)),
				segment,
			)
		})
		.collect();
	order.sort();
	let mut chosen: Vec<u16> = order
		.into_iter()
		.take(usize::from(hidden))
		.map(|(_, segment)| segment)
		.collect();
	chosen.sort();
	chosen
}

/// The number of a batch since the task's start: trainers of a round work on disjoint batches, and
/// rounds follow each other. Every trainer place counts, whether or not it was filled.
pub fn batch_position(training: &TrainingSpec, round: u32, slot: u16, step: u32) -> u64 {
	u64::from(round)
		.saturating_mul(u64::from(training.trainers))
		.saturating_add(u64::from(slot))
		.saturating_mul(u64::from(training.steps_per_round))
		.saturating_add(u64::from(step))
}
