//! The supervisor shows what is demanded of it.
//!
//! What is to be shown follows from the chain's state alone: a worker that was started again shows it all the same.
//! A tile comes from this machine's store. What is lost there is fetched again, and what nobody delivers is
//! computed, if it can be.

use super::{
	manifest::{self, Checkpoint},
	task::{holders, Task, TaskStatusOf},
	RoleError, Worker, WrongContent,
};
use crate::{
	chain::{AccountId, Call, View},
	training::{run::Place, State},
};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	demand::{DemandStatus, Demanded},
	status::Duty,
	DemandId,
};
use repops::{commit::Hash, shown::ProvenTile, tensor::Tensor};
use std::sync::Arc;

/// A demand's status with this chain's accounts.
type DemandStatusOf = DemandStatus<AccountId>;

impl Worker {
	/// Shows what is demanded, if it is this account that is to show it.
	pub(super) async fn show_demanded(
		&self,
		duty: &Duty,
		demand: DemandId,
	) -> Result<String, RoleError> {
		#[cfg(feature = "faults")]
		if self.fault.is_some_and(|fault| fault.withholds()) {
			return Err(RoleError::NotOpen);
		}
		let view = self.workshop.chain.best().await?;
		let status = view.demand_status(demand).await?;
		let mine = |status: &DemandStatusOf| !status.shown && status.supervisor == *self.account();
		let status = status.filter(mine).ok_or(RoleError::NotOpen)?;
		let (task, task_status) = self.task(&view, status.task).await?;
		let shown = match status.what {
			Demanded::Checkpoint {
				round,
				slot,
				checkpoint,
				..
			} => {
				let place = Place { round, slot };
				self.tile_of_checkpoint(&view, &task, &task_status, &status, (place, checkpoint))
					.await?
			}
			Demanded::TrainingData { .. } => {
				self.tile_of_data(&task, &task_status, &status).await?
			}
		};

		// The work took its time: a transaction counts from now on, and is made again if it gets lost.
		let view = self.workshop.chain.best().await?;
		let deadline = self.deadline(&view, duty).await?;
		let until = super::dispute::until(view.head(), deadline);
		self.send(&view, until, Call::show(demand, &shown)).await?;
		Ok(describe(&status.what))
	}

	/// The tile of a checkpoint that is demanded.
	async fn tile_of_checkpoint(
		&self,
		view: &View,
		task: &Arc<Task>,
		task_status: &TaskStatusOf,
		status: &DemandStatusOf,
		(place, checkpoint): (Place, u32),
	) -> Result<ProvenTile, RoleError> {
		let listed = match self.listed(task, task_status, status, place).await {
			Ok(listed) => Some(listed),
			Err(error) => {
				tracing::warn!(
					task = task.id, demand = status.demand, %error,
					"the list of the checkpoints is lost; the round is run again"
				);
				None
			}
		};
		let roots: Vec<H256> = match &listed {
			Some(listed) => listed.iter().map(|checkpoint| checkpoint.state).collect(),
			None => {
				let segments = task.spec.segments_per_round();
				let replayed =
					self.replay_round(view, task, task_status, place, segments, |_| true);
				replayed.await?.roots
			}
		};
		let wanted = usize::try_from(checkpoint).unwrap_or(usize::MAX);
		let root = *roots
			.get(wanted)
			.ok_or(RoleError::CannotShow(status.demand))?;
		let fetched = match listed.as_ref().and_then(|listed| listed.get(wanted)) {
			Some(listed) => {
				let holders = holders(task_status, None);
				task.state(&self.workshop, listed, &holders).await.ok()
			}
			None => None,
		};
		let state = match fetched {
			Some(state) => state,
			None => {
				let known = (listed.as_deref(), checkpoint);
				self.made_again(view, task, task_status, place, known)
					.await?
			}
		};
		if H256(self.workshop.engine.state_root(&state)) != root {
			return Err(RoleError::CannotShow(status.demand));
		}
		let roots: Vec<Hash> = roots.iter().map(|root| root.0).collect();
		self.prove(status, roots.len() as u32, move |tensor, tile| {
			let tensors: Vec<&Tensor> = state.iter().collect();
			ProvenTile::new(&tensors, tensor, tile)?.of_checkpoint(&roots, checkpoint)
		})
		.await
	}

	/// The checkpoints of the round, fetched and checked against what was attested.
	async fn listed(
		&self,
		task: &Task,
		task_status: &TaskStatusOf,
		status: &DemandStatusOf,
		place: Place,
	) -> Result<Vec<Checkpoint>, RoleError> {
		let segments = task.spec.segments_per_round();
		let limit = manifest::encoded_length(segments);
		let holders = holders(task_status, None);
		let fetched = self.workshop.fetch(task, &status.manifest, limit, &holders);
		let listed = manifest::decode(&fetched.await?, segments).map_err(WrongContent::from)?;
		if manifest::root(&listed) != status.root {
			let (slot, what) = (place.slot, "the trace root differs");
			return Err(WrongContent::Commitment { slot, what }.into());
		}
		Ok(listed)
	}

	/// The state of a checkpoint, computed: from the checkpoint before, if that is to be had, else from the
	/// round's start.
	async fn made_again(
		&self,
		view: &View,
		task: &Arc<Task>,
		task_status: &TaskStatusOf,
		place: Place,
		(listed, checkpoint): (Option<&[Checkpoint]>, u32),
	) -> Result<State, RoleError> {
		let holders = holders(task_status, None);
		let before = checkpoint.checked_sub(1).and_then(|segment| {
			let listed = listed?.get(usize::try_from(segment).ok()?)?;
			Some((segment, listed))
		});
		if let Some((segment, before)) = before {
			if let Ok(start) = task.state(&self.workshop, before, &holders).await {
				let run = task.run(&self.workshop, &holders).await?;
				let work = move || Ok(run.run_segment(&start, place, segment, &mut |_| ())?);
				return Ok(self.workshop.compute(work).await?.end_state);
			}
		}
		let replayed = self.replay_round(view, task, task_status, place, checkpoint, |_| true);
		Ok(replayed.await?.state)
	}

	/// The tile of the training data that is demanded.
	async fn tile_of_data(
		&self,
		task: &Task,
		task_status: &TaskStatusOf,
		status: &DemandStatusOf,
	) -> Result<ProvenTile, RoleError> {
		let holders = holders(task_status, None);
		let part = task.training_part(&self.workshop, &holders).await?;
		self.prove(status, 0, move |tensor, tile| {
			ProvenTile::new(&[&part.features, &part.labels], tensor, tile)
		})
		.await
	}

	/// Makes the tile that is demanded, and looks whether the chain will take it.
	async fn prove(
		&self,
		status: &DemandStatusOf,
		checkpoints: u32,
		make: impl FnOnce(u32, u32) -> Option<ProvenTile> + Send + 'static,
	) -> Result<ProvenTile, RoleError> {
		let (tensor, tile) = status.what.place();
		let whole = status.what.whole(&status.root, checkpoints);
		// Not a matter of the training's turn: hashing is quick, and the clock runs.
		let made = tokio::task::spawn_blocking(move || {
			make(tensor, tile).filter(|made| made.verify(&whole, tensor, tile))
		});
		made.await?.ok_or(RoleError::CannotShow(status.demand))
	}
}

/// What is demanded, in a few words.
pub(crate) fn describe(what: &Demanded) -> String {
	match what {
		Demanded::Checkpoint {
			round,
			slot,
			checkpoint,
			tensor,
			tile,
		} => format!(
			"tile {tile} of tensor {tensor} of checkpoint {checkpoint} of round {round}, place {slot}"
		),
		Demanded::TrainingData { tensor, tile } => {
			format!("tile {tile} of tensor {tensor} of the training data")
		}
	}
}
