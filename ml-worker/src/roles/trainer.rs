//! The trainer: trains its round and commits to it.

use super::{
	manifest::{self, Checkpoint},
	task::{holders, Agreed, Task},
	Notice, RoleError, Worker,
};
use crate::{
	chain::Call,
	metrics::METRICS,
	training::{
		run::{mean, Place, Run},
		State,
	},
};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{status::Duty, RoundIndex, Slot};
use repops::state_blob;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How far a round has come, on disk. The losses stay until the task is forgotten: audits ask for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RoundRecord {
	/// What was merged before; another set makes the record void.
	pub(super) sealed: Vec<(Slot, H256)>,
	/// The checkpoints so far, the start state's first.
	pub(super) checkpoints: Vec<Checkpoint>,
	/// The bits of the losses of each segment's steps.
	pub(super) losses: Vec<Vec<u32>>,
}

pub(super) fn record_name(round: RoundIndex, slot: Slot) -> String {
	format!("round-{round}-{slot}")
}

impl Worker {
	pub(super) async fn train(
		&self,
		duty: &Duty,
		round: RoundIndex,
		slot: Slot,
	) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		// The commitment names what it builds on, as this very view has it.
		let base = status.record;
		let agreed = task.agreed(&self.workshop, &view, &status, round).await?;
		let run = task.run(&self.workshop, &holders(&status, None)).await?;
		let place = Place { round, slot };
		let (mut record, mut state) = self.resume(&task, &run, &agreed, place).await?;

		#[cfg(feature = "faults")]
		if self.fault == Some(super::fault::Fault::CopyUpdate) {
			record = self
				.copied_round(duty, &task, &status, &agreed, place)
				.await?;
		}

		let segments = run.segments();
		while record.losses.len() < segments as usize {
			if !self.is_open(duty) {
				return Err(RoleError::NotOpen);
			}
			let segment = record.losses.len() as u32;
			let (losses, end) = self
				.train_segment(&task, &run, state, (place, segment))
				.await?;
			let blob = self
				.workshop
				.store
				.put(&task.group, state_blob::encode(&end))
				.await?;
			let root = H256(self.workshop.engine.state_root(&end));
			record.checkpoints.push(Checkpoint { state: root, blob });
			record
				.losses
				.push(losses.iter().map(|loss| loss.to_bits()).collect());
			task.journal.write(&record_name(round, slot), &record)?;
			state = end;
			self.tell(Notice::Trained {
				task: task.id,
				round,
				slot,
				segments: segment + 1,
				of: segments,
				loss: losses.last().copied().unwrap_or(f32::NAN),
			});
		}

		let manifest = self
			.workshop
			.store
			.put(&task.group, manifest::encode(&record.checkpoints))
			.await?;
		// The chain may have gone back to an earlier round in the meantime.
		let view = self.workshop.chain.best().await?;
		let (_, status) = self.task(&view, duty.task).await?;
		let now = task.agreed(&self.workshop, &view, &status, round).await?;
		if status.record != base || now.sealed != agreed.sealed {
			return Err(RoleError::NotOpen);
		}
		let losses: Vec<f32> = record
			.losses
			.iter()
			.flatten()
			.copied()
			.map(f32::from_bits)
			.collect();
		let mean_loss = mean(&losses);
		let end_root = record
			.checkpoints
			.last()
			.map_or(agreed.root, |end| end.state);
		let samples = u64::from(task.spec.training.steps_per_round)
			.saturating_mul(u64::from(task.spec.training.batch));
		let call = Call::commit_round(
			task.id,
			round,
			base,
			manifest::root(&record.checkpoints),
			end_root,
			manifest,
			samples,
			mean_loss.to_bits(),
		);
		self.submit(duty, call).await?;
		Ok(format!("mean loss {mean_loss:.4}, end state {end_root:?}"))
	}

	/// The round as the journal has it, with its last state; from its start if the journal has nothing that
	/// fits.
	async fn resume(
		&self,
		task: &Task,
		run: &Run,
		agreed: &Agreed,
		place: Place,
	) -> Result<(RoundRecord, State), RoleError> {
		let name = record_name(place.round, place.slot);
		let record = task.journal.read::<RoundRecord>(&name)?;
		let record = record.filter(|record| {
			record.sealed == agreed.sealed
				&& record.checkpoints.first().map(|start| start.state) == Some(agreed.root)
				&& record.checkpoints.len() == record.losses.len() + 1
		});
		if let Some(record) = record {
			let last = record.checkpoints.last().map(|last| last.blob);
			let blob = match last {
				Some(blob) => self.workshop.store.get(&blob).await?,
				None => None,
			};
			let state = blob.and_then(|blob| state_blob::decode(&blob, run.declaration()).ok());
			if let Some(state) = state {
				return Ok((record, state));
			}
			tracing::warn!(
				task = task.id,
				?place,
				"the last checkpoint is lost; training anew"
			);
		}
		let blob = self
			.workshop
			.store
			.put(&task.group, state_blob::encode(&agreed.state))
			.await?;
		let record = RoundRecord {
			sealed: agreed.sealed.clone(),
			checkpoints: vec![Checkpoint {
				state: agreed.root,
				blob,
			}],
			losses: Vec::new(),
		};
		task.journal.write(&name, &record)?;
		Ok((record, agreed.state.clone()))
	}

	async fn train_segment(
		&self,
		#[cfg_attr(not(feature = "faults"), allow(unused_variables))] task: &Task,
		run: &Arc<Run>,
		start: State,
		(place, segment): (Place, u32),
	) -> Result<(Vec<f32>, State), RoleError> {
		#[cfg(feature = "faults")]
		if let Some(fault) = self.fault {
			return self
				.train_falsely(fault, task, run, start, (place, segment))
				.await;
		}
		let run = run.clone();
		let segment = self
			.workshop
			.compute(move || {
				let mut count = |_| METRICS.steps.inc();
				Ok(run.run_segment(&start, place, segment, &mut count)?)
			})
			.await?;
		Ok((segment.losses, segment.end_state))
	}
}
