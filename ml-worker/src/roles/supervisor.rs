//! The supervisor: checks what clients and trainers publish, keeps it and serves it.

use super::{
	manifest::Checkpoint,
	task::{holders, Task, TaskStatusOf},
	RoleError, Worker,
};
use crate::chain::{AccountId, Call, View};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	status::{Commitment, Duty, SpecVerdict},
	RoundIndex, Slot,
};

/// So many blocks before a deadline a supervisor says what it could not get.
const LAST_CALL: u32 = 3;

impl Worker {
	pub(super) async fn attest_spec(&self, duty: &Duty) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let verdict = match self.check_spec(&task, &status).await {
			Ok(root) => SpecVerdict::Good {
				training_tensor: Some(root),
			},
			Err(error) if error.is_the_clients_fault() => {
				tracing::warn!(task = task.id, %error, "the specification is bad");
				SpecVerdict::Bad
			}
			Err(error @ RoleError::Fetch(_)) if is_last_call(&view, duty) => {
				tracing::warn!(task = task.id, %error, "the client does not deliver");
				SpecVerdict::Bad
			}
			Err(error) => return Err(error),
		};
		self.submit(duty, Call::attest_spec(task.id, verdict))
			.await?;
		Ok(match verdict {
			SpecVerdict::Good { .. } => "good".into(),
			SpecVerdict::Bad => "bad".into(),
		})
	}

	/// Fetches and checks programs and training data; gives the root of the training tensor.
	async fn check_spec(&self, task: &Task, status: &TaskStatusOf) -> Result<H256, RoleError> {
		let holders = holders(status, None);
		task.programs(&self.workshop, &holders).await?;
		let part = task.training_part(&self.workshop, &holders).await?;
		Ok(H256(
			tokio::task::spawn_blocking(move || part.root()).await?,
		))
	}

	pub(super) async fn attest_availability(
		&self,
		duty: &Duty,
		round: RoundIndex,
		slots: &[Slot],
	) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let start = task
			.agreed(&self.workshop, &view, &status, round)
			.await?
			.root;
		let committed = view.round_status(task.id, round).await?;
		let committed = committed.map_or(Vec::new(), |round| round.commitments);
		let mut held: Vec<Slot> = Vec::new();
		let mut failed: Option<RoleError> = None;
		for commitment in committed
			.iter()
			.filter(|commitment| slots.contains(&commitment.slot))
		{
			match self.hold(&task, &status, commitment, &start).await {
				Ok(()) => held.push(commitment.slot),
				Err(error) => {
					let slot = commitment.slot;
					tracing::warn!(task = task.id, round, slot, %error, "not available");
					failed = Some(error);
				}
			}
		}
		// Nothing to say yet: the trainer may still deliver. Silence, though, would be a missed duty.
		if held.is_empty() && !is_last_call(&view, duty) {
			return Err(failed.unwrap_or(RoleError::NotOpen));
		}
		self.submit(duty, Call::attest_available(task.id, round, &held))
			.await?;
		Ok(format!("places {held:?}"))
	}

	/// Fetches and checks all that a commitment stands for.
	async fn hold(
		&self,
		task: &Task,
		status: &TaskStatusOf,
		commitment: &Commitment<AccountId>,
		start: &H256,
	) -> Result<(), RoleError> {
		let checkpoints: Vec<Checkpoint> =
			task.checkpoints(&self.workshop, status, commitment).await?;
		if checkpoints.first().map(|first| first.state) != Some(*start) {
			let what = "the first checkpoint is not the state that the round starts from";
			let slot = commitment.slot;
			return Err(super::WrongContent::Commitment { slot, what }.into());
		}
		let holders = holders(status, Some(&commitment.account));
		for checkpoint in &checkpoints {
			task.state(&self.workshop, checkpoint, &holders).await?;
		}
		Ok(())
	}

	pub(super) async fn attest_test(&self, duty: &Duty) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let matches = match task
			.hidden_part(&self.workshop, &holders(&status, None))
			.await
		{
			Ok(_) => true,
			Err(error) if error.is_the_clients_fault() => {
				tracing::warn!(task = task.id, %error, "the test part is bad");
				false
			}
			Err(error @ RoleError::Fetch(_)) if is_last_call(&view, duty) => {
				tracing::warn!(task = task.id, %error, "the client does not deliver the test part");
				false
			}
			Err(error) => return Err(error),
		};
		self.submit(duty, Call::attest_test(task.id, matches))
			.await?;
		Ok(if matches {
			"it is what was committed to".into()
		} else {
			"it is not".into()
		})
	}
}

fn is_last_call(view: &View, duty: &Duty) -> bool {
	view.head().number.saturating_add(LAST_CALL) >= duty.deadline
}
