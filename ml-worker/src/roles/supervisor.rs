//! The supervisor: checks what clients and trainers publish, keeps it and serves it.

use super::{
	follow::LAST_CALL,
	manifest::Checkpoint,
	task::{holders, Task, TaskStatusOf},
	RoleError, Worker,
};
use crate::{
	chain::{AccountId, Call},
	dataset::segments::Part,
};
use futures::{stream::FuturesUnordered, StreamExt};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	status::{Commitment, Duty, SpecVerdict},
	ticket::Endpoint,
	RoundIndex, Slot,
};
use std::{future::Future, time::Duration};
use tokio::time::{sleep_until, Instant};

/// How long those commitments that are held wait for the others, so that one attestation is for several.
/// The others are attested later.
const GATHERING: Duration = Duration::from_secs(6);

impl Worker {
	pub(super) async fn attest_spec(&self, duty: &Duty) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let holders = holders(&status, None);
		let fetched = self.fetch_spec(&task, &holders);
		let verdict = match self.before_last_call(duty, fetched).await {
			Ok(part) => {
				let root = tokio::task::spawn_blocking(move || part.root()).await?;
				SpecVerdict::Good {
					training_tensor: Some(H256(root)),
				}
			}
			Err(error) if self.is_to_blame(duty, &error, &holders).await? => {
				tracing::warn!(task = task.id, %error, "the specification is bad");
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

	/// Fetches and checks programs, the state to start from, and training data.
	async fn fetch_spec(&self, task: &Task, holders: &[Endpoint]) -> Result<Part, RoleError> {
		task.programs(&self.workshop, holders).await?;
		task.given_state(&self.workshop, holders).await?;
		task.training_part(&self.workshop, holders).await
	}

	/// Whether the client is to blame for what went wrong: what it published is wrong, or it has not
	/// delivered by the last call. Not, though, while nobody can be reached: that may be this machine's fault.
	async fn is_to_blame(
		&self,
		duty: &Duty,
		error: &RoleError,
		holders: &[Endpoint],
	) -> Result<bool, RoleError> {
		if error.is_the_clients_fault() {
			return Ok(true);
		}
		Ok(error.is_undelivered()
			&& self.workshop.store.has_reached(holders)
			&& self.is_last_call(duty).await?)
	}

	/// What this gives if it is ready before the last call.
	async fn before_last_call<T>(
		&self,
		duty: &Duty,
		work: impl Future<Output = Result<T, RoleError>>,
	) -> Result<T, RoleError> {
		tokio::select! {
			done = work => done,
			() = self.last_call(duty) => Err(RoleError::NotInTime),
		}
	}

	/// Ready at a duty's last call. At the last call itself, some time is left for one more try.
	async fn last_call(&self, duty: &Duty) {
		let last_call = duty.deadline.saturating_sub(LAST_CALL);
		if *self.inner.block.borrow() >= last_call {
			self.reached(duty.deadline.saturating_sub(1)).await;
		} else {
			self.reached(last_call).await;
		}
	}

	pub(super) async fn is_last_call(&self, duty: &Duty) -> Result<bool, RoleError> {
		let now = self.workshop.chain.best().await?.head().number;
		Ok(now.saturating_add(LAST_CALL) >= duty.deadline)
	}

	pub(super) async fn attest_availability(
		&self,
		duty: &Duty,
		round: RoundIndex,
		slots: &[Slot],
	) -> Result<String, RoleError> {
		#[cfg(feature = "faults")]
		if self.fault.is_some_and(|fault| fault.withholds()) {
			let call = Call::attest_available(duty.task, round, slots);
			self.submit(duty, call).await?;
			return Ok(format!("places {slots:?}, unseen"));
		}
		let mut held: Vec<Slot> = Vec::new();
		let gathered = self.gather(duty, round, slots, &mut held).await;
		// Nothing to say yet: the trainer may still deliver. Silence, though, would be a missed duty.
		if held.is_empty() && !self.is_last_call(duty).await? {
			return Err(gathered.err().unwrap_or(RoleError::NotOpen));
		}
		held.sort_unstable();
		self.submit(duty, Call::attest_available(duty.task, round, &held))
			.await?;
		Ok(format!("places {held:?}"))
	}

	/// Fetches and checks the commitments of all these places at the same time, so that no trainer keeps
	/// another's waiting. `held` are those that are here when this returns.
	async fn gather(
		&self,
		duty: &Duty,
		round: RoundIndex,
		slots: &[Slot],
		held: &mut Vec<Slot>,
	) -> Result<(), RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let agreed = task.agreed(&self.workshop, &view, &status, round);
		let start = self.before_last_call(duty, agreed).await?.root;
		let committed = view.round_status(task.id, round).await?;
		let committed = committed.map_or(Vec::new(), |round| round.commitments);
		let (task, status, start) = (&task, &status, &start);
		let mut holding: FuturesUnordered<_> = committed
			.iter()
			.filter(|commitment| slots.contains(&commitment.slot))
			.map(|commitment| async move {
				let done = self.hold(task, status, commitment, start).await;
				(commitment.slot, done)
			})
			.collect();
		let mut result = Ok(());
		let mut until: Option<Instant> = None;
		loop {
			tokio::select! {
				done = holding.next() => match done {
					None => return result,
					Some((slot, Ok(()))) => {
						held.push(slot);
						until.get_or_insert_with(|| Instant::now() + GATHERING);
					}
					Some((slot, Err(error))) => {
						tracing::warn!(task = task.id, round, slot, %error, "not available");
						result = Err(error);
					}
				},
				() = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
					return result;
				}
				() = self.last_call(duty) => return Err(RoleError::NotInTime),
			}
		}
	}

	/// Fetches and checks all that a commitment stands for.
	async fn hold(
		&self,
		task: &Task,
		status: &TaskStatusOf,
		commitment: &Commitment<AccountId>,
		start: &H256,
	) -> Result<(), RoleError> {
		let holders = holders(status, Some(&commitment.account));
		let checkpoints: Vec<Checkpoint> = task
			.checkpoints(&self.workshop, commitment, &holders)
			.await?;
		if checkpoints.first().map(|first| first.state) != Some(*start) {
			let what = "the first checkpoint is not the state that the round starts from";
			let slot = commitment.slot;
			return Err(super::WrongContent::Commitment { slot, what }.into());
		}
		for checkpoint in &checkpoints {
			task.state(&self.workshop, checkpoint, &holders).await?;
		}
		Ok(())
	}

	pub(super) async fn attest_test(&self, duty: &Duty) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let holders = holders(&status, None);
		let hidden = task.hidden_part(&self.workshop, &holders);
		let tensor = match self.before_last_call(duty, hidden).await {
			Ok(part) => {
				let root = tokio::task::spawn_blocking(move || part.root()).await?;
				Some(H256(root))
			}
			Err(error) if self.is_to_blame(duty, &error, &holders).await? => {
				tracing::warn!(task = task.id, %error, "the test part is bad");
				None
			}
			Err(error) => return Err(error),
		};
		self.submit(duty, Call::attest_test(task.id, tensor))
			.await?;
		Ok(if tensor.is_some() {
			"it is what was committed to".into()
		} else {
			"it is not".into()
		})
	}
}
