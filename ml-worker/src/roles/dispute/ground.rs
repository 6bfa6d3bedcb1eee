//! From what a party computes: the trace that it has claimed, the states that were merged, or the state at the
//! start of the segment in dispute.

use super::{place, DisputeError, DisputeStatusOf};
#[cfg(feature = "faults")]
use crate::roles::fault::Fault;
use crate::{
	chain::View,
	metrics::METRICS,
	roles::{
		manifest::Checkpoint,
		task::{holders, keepers, Agreed, Task, TaskStatusOf},
		trainer::{record_name, RoundRecord},
		RoleError, Worker,
	},
	training::{
		disputed::OwnComputation,
		run::{Place, Run},
		State,
	},
};
use polkadot_sdk::sp_core::H256;
use pouw_dispute::{Party, Position, Subject};
use repops::commit::Hash;
use std::sync::Arc;

/// What a replay of a round, or of its beginning, gave.
pub(in crate::roles) struct Replayed {
	/// The roots of the states at the start and after each segment.
	pub(in crate::roles) roots: Vec<H256>,
	/// The losses of each segment's steps.
	pub(in crate::roles) losses: Vec<Vec<f32>>,
	/// The last state.
	pub(in crate::roles) state: State,
}

impl Worker {
	/// This party's computation of what is in dispute, from its start.
	pub(super) async fn ground(
		&self,
		view: &View,
		task: &Arc<Task>,
		task_status: &TaskStatusOf,
		status: &DisputeStatusOf,
		party: Party,
	) -> Result<OwnComputation, RoleError> {
		let run = task
			.run(&self.workshop, &holders(task_status, None))
			.await?;
		match *status.game.subject() {
			Subject::Round { .. } => match (party, status.game.position()) {
				(Party::Defender, _) => {
					let own = self
						.own_trace(view, task, task_status, place(status))
						.await?;
					Ok(OwnComputation::of_trace(run, own))
				}
				(Party::Challenger, Position::Trace(claimed)) => {
					let claimed: Vec<H256> = claimed.iter().copied().map(H256).collect();
					let wrong = self.wrong_checkpoint(view, task, task_status, status, &claimed);
					Ok(OwnComputation::of_wrong_checkpoint(run, wrong.await?))
				}
				_ => Err(DisputeError::NoSuchThing.into()),
			},
			Subject::Initial { .. } => Ok(OwnComputation::of_initial(run)),
			Subject::Merge { .. } => {
				let updates = task.updates(&self.workshop, view, task_status, status.round);
				let updates = updates.await?;
				let work = move || Ok(OwnComputation::of_merge(run, updates)?);
				self.workshop.compute(work).await
			}
			Subject::Steps {
				before,
				first_position,
				..
			} => {
				let start = self.state_before(view, task, task_status, status, H256(before));
				let own = OwnComputation::of_steps(run, start.await?, first_position);
				#[cfg(feature = "faults")]
				let own = match (self.fault, party) {
					(Some(fault), Party::Defender) => {
						self.stand_by(fault, task, status, own, first_position)
							.await?
					}
					_ => own,
				};
				Ok(own)
			}
			Subject::Evaluation {
				state,
				#[cfg(feature = "faults")]
				correct,
				..
			} => {
				let evaluation = task
					.evaluation(&self.workshop, &holders(task_status, None))
					.await?;
				let agreed = task
					.agreed(&self.workshop, view, task_status, status.round)
					.await?;
				// It was claimed with the number. Where it is wrong, that should have been challenged.
				if agreed.root != H256(state) {
					return Err(DisputeError::NothingWrong.into());
				}
				let own = OwnComputation::of_evaluation(run, evaluation, agreed.state.clone());
				#[cfg(feature = "faults")]
				let own = match (self.fault, party) {
					(Some(Fault::WrongScore), Party::Defender) => own.claiming(correct),
					_ => own,
				};
				Ok(own)
			}
		}
	}

	/// The checkpoints that this trainer has claimed; trained again if its journal has them no more.
	async fn own_trace(
		&self,
		view: &View,
		task: &Arc<Task>,
		task_status: &TaskStatusOf,
		place: Place,
	) -> Result<Vec<Hash>, RoleError> {
		let segments = task.spec.segments_per_round();
		let record = task
			.journal
			.read::<RoundRecord>(&record_name(place.round, place.slot))?;
		let complete = record.filter(|record| record.losses.len() == segments as usize);
		let roots = match complete {
			Some(record) => {
				let checkpoints = record.checkpoints.iter();
				checkpoints.map(|checkpoint| checkpoint.state.0).collect()
			}
			None => {
				let replayed =
					self.replay_round(view, task, task_status, place, segments, |_| true);
				replayed
					.await?
					.roots
					.into_iter()
					.map(|root| root.0)
					.collect()
			}
		};
		Ok(roots)
	}

	/// The state with this root, from which the segment in dispute starts.
	async fn state_before(
		&self,
		view: &View,
		task: &Arc<Task>,
		task_status: &TaskStatusOf,
		status: &DisputeStatusOf,
		root: H256,
	) -> Result<State, RoleError> {
		let place = place(status);
		let agreed = task
			.agreed(&self.workshop, view, task_status, place.round)
			.await?;
		if agreed.root == root {
			return Ok(agreed.state.clone());
		}
		match self
			.listed_state(view, task, task_status, status, root)
			.await
		{
			Ok(Some(state)) => return Ok(state),
			Ok(None) => (),
			Err(error) => tracing::warn!(
				task = task.id, dispute = status.dispute, %error,
				"the segment's start is not to be had; the round is replayed up to it"
			),
		}
		let segments = task.spec.segments_per_round();
		let until = |roots: &[H256]| roots.last() != Some(&root);
		let replayed = self
			.replay_round(view, task, task_status, place, segments, until)
			.await?;
		if replayed.roots.last() == Some(&root) {
			Ok(replayed.state)
		} else {
			Err(DisputeError::NoState { root }.into())
		}
	}

	/// The state with this root, if this trainer's journal or the commitment's manifest lists it.
	async fn listed_state(
		&self,
		view: &View,
		task: &Task,
		task_status: &TaskStatusOf,
		status: &DisputeStatusOf,
		root: H256,
	) -> Result<Option<State>, RoleError> {
		let place = place(status);
		let keepers = keepers(task_status, &status.defender);
		let is_it = |checkpoint: &&Checkpoint| checkpoint.state == root;
		let record = task
			.journal
			.read::<RoundRecord>(&record_name(place.round, place.slot))?;
		let own = record.and_then(|record| record.checkpoints.iter().find(is_it).copied());
		let listed = match own {
			Some(own) => Some(own),
			None => {
				let commitment = task.commitment(view, place).await?;
				let checkpoints = task
					.checkpoints(&self.workshop, &commitment, &keepers)
					.await?;
				checkpoints.iter().find(is_it).copied()
			}
		};
		match listed {
			Some(checkpoint) => {
				let state = task.state(&self.workshop, &checkpoint, &keepers).await?;
				Ok(Some(state))
			}
			None => Ok(None),
		}
	}

	/// Runs a round's segments from its agreed start, at most so many, for as long as `more` says so of the
	/// roots so far. Each segment waits for its turn, so that other duties come in between.
	pub(in crate::roles) async fn replay_round(
		&self,
		view: &View,
		task: &Arc<Task>,
		task_status: &TaskStatusOf,
		place: Place,
		segments: u32,
		more: impl Fn(&[H256]) -> bool,
	) -> Result<Replayed, RoleError> {
		let agreed: Arc<Agreed> = task
			.agreed(&self.workshop, view, task_status, place.round)
			.await?;
		let run = task
			.run(&self.workshop, &holders(task_status, None))
			.await?;
		let mut replayed = Replayed {
			roots: vec![agreed.root],
			losses: Vec::new(),
			state: agreed.state.clone(),
		};
		for segment in 0..segments {
			if !more(&replayed.roots) {
				break;
			}
			let (run, state): (Arc<Run>, State) = (run.clone(), replayed.state);
			let done = self
				.workshop
				.compute(move || {
					let mut count = |_| METRICS.steps.inc();
					Ok(run.run_segment(&state, place, segment, &mut count)?)
				})
				.await?;
			replayed.roots.push(H256(done.end_root));
			replayed.losses.push(done.losses);
			replayed.state = done.end_state;
		}
		Ok(replayed)
	}
}
