//! Demands: what a supervisor that has attested something is asked to show of it.

use crate::{Balance, BlockNumber, DemandId, RoundIndex, Slot, TaskId, TicketId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_core::H256;
use repops::shown::Whole;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What a supervisor is asked to show: one tile ([`repops::commit`]) of something that it has attested.
///
/// Whoever demands need not know shapes: `tensor` is taken modulo the number of tensors, `tile` modulo that of
/// the tensor's tiles.
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
#[serde(rename_all = "camelCase", tag = "of")]
pub enum Demanded {
	/// A tile of a checkpoint of a trainer's round.
	#[serde(rename_all = "camelCase")]
	Checkpoint {
		/// The round.
		round: RoundIndex,
		/// The trainer's place.
		slot: Slot,
		/// The checkpoint, counted from the start state.
		checkpoint: u32,
		/// The tensor of the state.
		tensor: u32,
		/// The tile of the tensor.
		tile: u32,
	},
	/// A tile of the training part of the task's data.
	#[serde(rename_all = "camelCase")]
	TrainingData {
		/// The features, or the labels.
		tensor: u32,
		/// The tile of it.
		tile: u32,
	},
}

impl Demanded {
	/// The numbers of tensor and tile, as they were demanded.
	pub fn place(&self) -> (u32, u32) {
		match *self {
			Demanded::Checkpoint { tensor, tile, .. } | Demanded::TrainingData { tensor, tile } => {
				(tensor, tile)
			}
		}
	}

	/// What the tile is a tile of, where what was attested has this root: the trace of a round that has so many
	/// checkpoints, or the training data.
	pub fn whole(&self, root: &H256, checkpoints: u32) -> Whole {
		match *self {
			Demanded::Checkpoint { checkpoint, .. } => Whole::Checkpoint {
				trace: root.0,
				count: checkpoints,
				index: checkpoint,
			},
			Demanded::TrainingData { .. } => Whole::Tensors { root: root.0 },
		}
	}
}

/// A demand that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct DemandStatus<AccountId> {
	/// The demand's number.
	pub demand: DemandId,
	/// The task.
	pub task: TaskId,
	/// The place that the supervisor had when it was demanded. It may have lost it since, and must show what it
	/// has attested all the same.
	pub supervisor_slot: Slot,
	/// The supervisor.
	pub supervisor: AccountId,
	/// Its ticket, which it loses if it does not show in time.
	pub ticket: TicketId,
	/// Who demands it.
	pub demander: AccountId,
	/// What is demanded.
	pub what: Demanded,
	/// The root of what was attested: that of the trace, or of the training data.
	pub root: H256,
	/// The hash of the blob that lists the checkpoints; zero for training data.
	pub manifest: H256,
	/// What is held of who demands it.
	pub bond: Balance,
	/// The block in which it was demanded.
	pub opened: BlockNumber,
	/// The last block in which it can be shown.
	pub deadline: BlockNumber,
	/// Whether it was shown. The demand ends with the next block then.
	pub shown: bool,
}
