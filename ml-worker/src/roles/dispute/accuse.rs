//! The opening of a dispute, and the checkpoint that it is about.

use super::{
	place,
	sent::{self, Sent},
	DisputeStatusOf,
};
use crate::{
	chain::{AccountId, Call, SubmitError, View},
	roles::{
		task::{Task, TaskStatusOf},
		RoleError, Worker, WrongContent,
	},
	training::run::Place,
};
use codec::Encode;
use polkadot_sdk::{sp_core::H256, sp_io::hashing::blake2_256};
use pouw_primitives::status::{Commitment, Duty};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most open disputes of a task that are looked at for one's own.
const LOOKED_AT: u32 = 256;

/// What was found wrong in a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::roles) enum Wrong {
	/// This checkpoint, counted from the start state.
	Checkpoint(u32),
	/// The trace's root; these are the roots of the states that a replay of the round gives.
	Trace(Vec<H256>),
}

/// An accusation on disk: of which commitment, what was found, and how far it has got.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Accusation {
	commitment: H256,
	wrong: Wrong,
	sent: Option<Sent>,
	/// Whether the chain has taken it, or refused it for good. It is not made again then.
	done: bool,
}

/// What a commitment is told apart by.
fn identity(commitment: &Commitment<AccountId>) -> H256 {
	let of = (
		&commitment.account.0,
		commitment.trace_root,
		commitment.end_root,
		commitment.block,
	);
	H256(of.using_encoded(blake2_256))
}

fn name(place: Place) -> String {
	format!("accusation-{}-{}", place.round, place.slot)
}

/// Whether something of what a trainer has committed to is withheld, or not what the commitment says.
pub(in crate::roles) fn is_withheld(error: &RoleError) -> bool {
	error.is_undelivered()
		|| matches!(
			error,
			RoleError::Wrong(
				WrongContent::State { .. }
					| WrongContent::StateRoot { .. }
					| WrongContent::Manifest(_)
					| WrongContent::Commitment { .. }
			) | RoleError::Fetch(crate::store::FetchError::TooLarge { .. })
		)
}

/// Whether a challenge was refused for now only: there are as many disputes about the commitment as there may
/// be. When one of them ends there is time for another.
fn is_for_now(error: &SubmitError) -> bool {
	matches!(error, SubmitError::Refused { refusal, .. } if refusal.name == "Pouw.TooManyDisputes")
}

impl Worker {
	/// Writes down what was found wrong in a commitment, for the dispute to come.
	pub(in crate::roles) fn note_wrong(
		&self,
		task: &Task,
		commitment: &Commitment<AccountId>,
		place: Place,
		wrong: Wrong,
	) -> Result<(), RoleError> {
		let commitment = identity(commitment);
		let known = task.journal.read::<Accusation>(&name(place))?;
		if known.is_some_and(|known| known.commitment == commitment) {
			return Ok(());
		}
		let accusation = Accusation {
			commitment,
			wrong,
			sent: None,
			done: false,
		};
		Ok(task.journal.write(&name(place), &accusation)?)
	}

	/// Opens a dispute about a commitment that was found wrong, unless this account has done so before. What
	/// the chain refuses for good (the commitment does not stand any more, or the bond can't be paid) is no
	/// error.
	pub(in crate::roles) async fn accuse(
		&self,
		duty: &Duty,
		task: &Task,
		commitment: &Commitment<AccountId>,
		place: Place,
	) -> Result<(), RoleError> {
		let known = task.journal.read::<Accusation>(&name(place))?;
		let known = known.filter(|known| known.commitment == identity(commitment));
		let Some(mut accusation) = known.filter(|known| !known.done) else {
			return Ok(());
		};
		let view = self.workshop.chain.best().await?;
		let about_it = |status: &DisputeStatusOf| {
			status.score.is_none() && (status.round, status.slot) == (place.round, place.slot)
		};
		if self.has_challenged(&view, task, about_it).await? {
			accusation.done = true;
			return Ok(task.journal.write(&name(place), &accusation)?);
		}
		if let Some(sent) = &accusation.sent {
			if sent.is_alive(&self.workshop).await? {
				return Ok(());
			}
		}
		let until = sent::until(view.head(), duty.deadline);
		accusation.sent = Some(Sent::new(accusation.commitment, view.head(), until));
		task.journal.write(&name(place), &accusation)?;
		let call = Call::challenge(task.id, place.round, place.slot);
		match self.send(&view, until, call).await {
			Ok(_) => tracing::info!(task = task.id, ?place, "the commitment is challenged"),
			Err(RoleError::Submit(error @ SubmitError::Refused { .. })) if !is_for_now(&error) => {
				tracing::warn!(task = task.id, ?place, %error, "the commitment can't be challenged");
			}
			Err(error) => {
				if !sent::is_unsure(&error) {
					accusation.sent = None;
					task.journal.write(&name(place), &accusation)?;
				}
				return Err(error);
			}
		}
		accusation.done = true;
		Ok(task.journal.write(&name(place), &accusation)?)
	}

	/// Whether this account has a dispute of a task open that is about this.
	pub(super) async fn has_challenged(
		&self,
		view: &View,
		task: &Task,
		about_it: impl Fn(&DisputeStatusOf) -> bool,
	) -> Result<bool, RoleError> {
		for dispute in view.open_disputes(Some(task.id), LOOKED_AT).await? {
			let status = view.dispute_status(dispute).await?;
			if status.is_some_and(|status| {
				status.challenger == *self.account() && about_it(&status) && !status.void
			}) {
				return Ok(true);
			}
		}
		Ok(false)
	}

	/// The checkpoint of an opened trace that this challenger says is wrong: what it found when it challenged,
	/// or else the first one that its own replay does not give. None if all are right.
	pub(super) async fn wrong_checkpoint(
		&self,
		view: &View,
		task: &Arc<Task>,
		task_status: &TaskStatusOf,
		status: &DisputeStatusOf,
		claimed: &[H256],
	) -> Result<Option<u32>, RoleError> {
		let place = place(status);
		let agreed = task
			.agreed(&self.workshop, view, task_status, place.round)
			.await?;
		if claimed.first() != Some(&agreed.root) {
			return Ok(Some(0));
		}
		let commitment = task.commitment(view, place).await?;
		let known = task.journal.read::<Accusation>(&name(place))?;
		let known = known.filter(|known| known.commitment == identity(&commitment));
		match known.map(|known| known.wrong) {
			Some(Wrong::Checkpoint(wrong)) => Ok(Some(wrong)),
			Some(Wrong::Trace(own)) => Ok(first_difference(&own, claimed)),
			None => {
				let right = |roots: &[H256]| first_difference(roots, claimed).is_none();
				let segments = task.spec.segments_per_round();
				let replayed = self.replay_round(view, task, task_status, place, segments, right);
				Ok(first_difference(&replayed.await?.roots, claimed))
			}
		}
	}
}

/// The first place at which both have something and differ.
fn first_difference(own: &[H256], claimed: &[H256]) -> Option<u32> {
	let differs = |(own, claimed): (&H256, &H256)| own != claimed;
	let first = own.iter().zip(claimed).position(differs)?;
	first.try_into().ok()
}
