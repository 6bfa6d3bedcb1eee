//! Which move was sent for which position, so that none is sent twice.
//!
//! The chain's best block may show a position again that a move was already made for: the block with the move
//! was left for another one, and the node's pool holds the transaction still. A transaction is bound to the block
//! on which it was signed and valid for few blocks from there; while both hold, its move is under way.

use super::{super::Workshop, DisputeStatusOf};
use crate::{
	chain::{last_valid_block, Head, SubmitError},
	roles::{task::Task, RoleError},
};
use codec::Encode;
use polkadot_sdk::{sp_core::H256, sp_io::hashing::blake2_256};
use serde::{Deserialize, Serialize};

/// For how many blocks a transaction is of use. Then it is sent again: few blocks are lost by one that got lost.
const USEFUL: u32 = 8;

/// The last block in which a transaction that is signed on this block is of use.
pub(in crate::roles) fn until(birth: Head, deadline: u32) -> u32 {
	deadline.min(birth.number.saturating_add(USEFUL - 1))
}

/// Whether a transaction may come into a block after this error.
pub(super) fn is_unsure(error: &RoleError) -> bool {
	matches!(
		error,
		RoleError::Late(_)
			| RoleError::Submit(SubmitError::NotIncluded { .. } | SubmitError::Chain(_))
	)
}

/// A transaction that was handed to the node.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Sent {
	/// What it was sent for.
	pub(super) matter: H256,
	/// The block that it is bound to.
	birth: (u32, H256),
	/// The last block that can have it.
	until: u32,
}

impl Sent {
	/// A transaction about this that is signed on this block and is of no use after the deadline.
	pub(super) fn new(matter: H256, birth: Head, deadline: u32) -> Self {
		Sent {
			matter,
			birth: (birth.number, birth.hash),
			until: last_valid_block(birth, deadline),
		}
	}

	/// Whether it may still come into a block on top of the best one.
	pub(super) async fn is_alive(&self, workshop: &Workshop) -> Result<bool, RoleError> {
		let best = workshop.chain.best().await?.head().number;
		let (number, hash) = self.birth;
		if best >= self.until || best < number {
			return Ok(false);
		}
		Ok(workshop.chain.block(number).await?.head().hash == hash)
	}
}

fn name(status: &DisputeStatusOf) -> String {
	format!("dispute-{}", status.dispute)
}

/// What a position is told apart by. None comes twice in a game.
fn position(status: &DisputeStatusOf) -> H256 {
	let game = (&status.defender.0, &status.challenger.0, &status.game);
	H256(game.using_encoded(blake2_256))
}

/// Whether a move for this very position was sent and may still come into a block.
pub(super) async fn is_under_way(
	workshop: &Workshop,
	task: &Task,
	status: &DisputeStatusOf,
) -> Result<bool, RoleError> {
	match task.journal.read::<Sent>(&name(status))? {
		Some(sent) if sent.matter == position(status) => sent.is_alive(workshop).await,
		_ => Ok(false),
	}
}

/// Notes that a move for this position is about to be sent, on top of this block.
pub(super) fn note(
	task: &Task,
	status: &DisputeStatusOf,
	birth: Head,
	until: u32,
) -> Result<(), RoleError> {
	let sent = Sent::new(position(status), birth, until);
	Ok(task.journal.write(&name(status), &sent)?)
}

/// Notes that the move for this position is not under way any more.
pub(super) fn forget(task: &Task, status: &DisputeStatusOf) -> Result<(), RoleError> {
	let birth = Head {
		hash: H256::zero(),
		number: 0,
	};
	let sent = Sent::new(H256::zero(), birth, 0);
	Ok(task.journal.write(&name(status), &sent)?)
}
