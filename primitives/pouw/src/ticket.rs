//! Tickets: the roles that they are for, what their owners' machines can do, where those are found.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// An off-chain role that tickets are bought for.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Role {
	/// Trains rounds and commits to their results.
	Trainer,
	/// Fetches what is committed and attests that it is there.
	Supervisor,
	/// Replays audited segments.
	Verifier,
	/// Scores the final model on the hidden part of the data.
	Evaluator,
}

/// All roles, in the order of their encoding.
pub const ROLES: [Role; 4] = [
	Role::Trainer,
	Role::Supervisor,
	Role::Verifier,
	Role::Evaluator,
];

/// What a ticket's machine can do. A ticket meets a task's needs if it has every feature that the task
/// asks for and each of its maxima is at least what the task needs.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
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
pub struct Capabilities {
	/// Bits: see [`feature`].
	pub features: u32,
	/// The most parameters of a model.
	pub parameters: u64,
	/// The most bytes of a data set.
	pub data_bytes: u64,
}

/// The bits of [`Capabilities::features`].
pub mod feature {
	/// The operations of arithmetic version 1.
	pub const OPERATIONS_1: u32 = 1;
	/// A GPU engine.
	pub const GPU: u32 = 1 << 31;
}

impl Capabilities {
	/// Whether a machine with these capabilities can work on a task with those needs.
	pub fn meet(&self, needs: &Capabilities) -> bool {
		self.features & needs.features == needs.features
			&& self.parameters >= needs.parameters
			&& self.data_bytes >= needs.data_bytes
	}
}

/// An address of an endpoint.
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
pub enum SocketAddress {
	/// IPv4 address and UDP port.
	V4([u8; 4], u16),
	/// IPv6 address and UDP port.
	V6([u8; 16], u16),
}

/// Where a worker's or client's blobs are served.
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
pub struct Endpoint {
	/// The Ed25519 public key that the peer proves.
	#[serde(with = "crate::json::key")]
	pub key: [u8; 32],
	/// Direct addresses, tried in their order.
	pub addresses: BoundedVec<SocketAddress, ConstU32<4>>,
}
