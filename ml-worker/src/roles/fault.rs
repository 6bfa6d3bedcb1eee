//! Workers that do wrong, for the tests of the network. Never part of a default build.

use super::{
	dispute::DisputeStatusOf,
	manifest::Checkpoint,
	task::{keepers, Agreed, Task, TaskStatusOf},
	trainer::{record_name, RoundRecord},
	RoleError, Worker,
};
use crate::training::{
	disputed::OwnComputation,
	run::{Place, Run, Segment},
	State, TrainingError,
};
use pouw_dispute::{ChallengerMove, Dispute, Position};
use pouw_primitives::{spec::batch_position, status::Duty};
use repops::{commit::TILE_BYTES, state_blob, tensor::Elements};
use std::{ops::Range, sync::Arc};

/// What a worker does wrong. A fault of the other role is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
	/// A trainer that makes no step at all, and passes the round's start state off as the end of each of its
	/// segments. Not of some segments only: audits are drawn by lot, and one that is honest in part may get
	/// through.
	SkipSteps,
	/// A trainer that trains each segment from the state one checkpoint earlier than the one it claims, so that
	/// the first one starts from the round before.
	StaleWeights,
	/// A trainer that trains on the batches of the next place.
	WrongRows,
	/// A trainer that flips one bit of one weight at the end of each segment.
	FlipBit,
	/// A trainer that commits to what the next place's trainer has committed to.
	CopyUpdate,
	/// A trainer that makes no step, and makes no move when it is challenged.
	Silent,
	/// A verifier that challenges every commitment which it audits, right or not, and plays on.
	FalseChallenge,
	/// A verifier that challenges every commitment which it audits and makes no move then.
	StalledChallenge,
	/// A verifier that runs nothing and says of every segment that it is right.
	ApproveAll,
	/// An evaluator that says that one answer fewer is right, and stands by it.
	WrongScore,
	/// A supervisor that says of every commitment that it holds it, without fetching anything of it, and shows
	/// nothing of what is demanded.
	Withhold,
}

impl Fault {
	/// Whether a dispute is left to the clock.
	pub(super) fn ignores_disputes(self) -> bool {
		matches!(self, Fault::Silent | Fault::StalledChallenge)
	}

	/// Whether a supervisor attests what it does not hold.
	pub(super) fn withholds(self) -> bool {
		self == Fault::Withhold
	}

	/// Whether a right commitment is challenged.
	pub(super) fn challenges_all(self) -> bool {
		matches!(self, Fault::FalseChallenge | Fault::StalledChallenge)
	}

	/// What is passed off as a segment of a round.
	fn run_segment(
		self,
		run: &Run,
		start: &State,
		place: Place,
		segment: u32,
	) -> Result<Segment, TrainingError> {
		let training = run.training();
		let first = segment * training.steps_per_segment;
		let start_position = batch_position(training, place.round, place.slot, first);
		let end = start_position + u64::from(training.steps_per_segment);
		self.run_steps(run, start, start_position..end, end)
	}

	/// What is passed off as the steps for these batches, of a segment whose batches end at `end`.
	fn run_steps(
		self,
		run: &Run,
		start: &State,
		positions: Range<u64>,
		end: u64,
	) -> Result<Segment, TrainingError> {
		let is_last = positions.end == end;
		match self {
			Fault::SkipSteps | Fault::Silent => Ok(Segment {
				losses: positions.map(|_| 0.5).collect(),
				end_state: start.clone(),
				end_root: run.engine().state_root(start),
			}),
			Fault::WrongRows | Fault::CopyUpdate => {
				let training = run.training();
				let each = u64::from(training.steps_per_round);
				let trainers = u64::from(training.trainers);
				let elsewhere = |position: u64| match position / each % trainers + 1 {
					next if next == trainers && trainers > 1 => position - (trainers - 1) * each,
					_ => position + each,
				};
				let length = positions.end - positions.start;
				let first = elsewhere(positions.start);
				run.run_steps(start, first..first + length, &mut |_, _| ())
			}
			Fault::FlipBit if is_last => {
				let mut segment = run.run_steps(start, positions, &mut |_, _| ())?;
				if let Some(Elements::F32(weights)) = segment
					.end_state
					.first_mut()
					.map(|tensor| &mut tensor.elements)
				{
					weights[0] = f32::from_bits(weights[0].to_bits() ^ 1);
				}
				segment.end_root = run.engine().state_root(&segment.end_state);
				Ok(segment)
			}
			_ => run.run_steps(start, positions, &mut |_, _| ()),
		}
	}

	/// What a challenger that is wrong says where it finds nothing wrong.
	pub(super) fn false_move(self, game: &Dispute, shown: &[u8]) -> Option<ChallengerMove> {
		if self != Fault::FalseChallenge {
			return None;
		}
		match game.position() {
			Position::Steps(_)
			| Position::Tensors(_)
			| Position::Operations(_)
			| Position::Tiles { .. } => Some(ChallengerMove::Part(0)),
			Position::Element { .. } => Some(ChallengerMove::Element {
				tile: <[u8; TILE_BYTES]>::try_from(shown).ok()?.into(),
				place: 0,
			}),
			_ => None,
		}
	}
}

impl Worker {
	/// A segment of a round, as this faulty trainer makes it.
	pub(super) async fn train_falsely(
		&self,
		fault: Fault,
		task: &Task,
		run: &Arc<Run>,
		start: State,
		(place, segment): (Place, u32),
	) -> Result<(Vec<f32>, State), RoleError> {
		let stale = self.stale_start(fault, task, run, place, segment).await?;
		let (run, start) = (run.clone(), stale.unwrap_or(start));
		let work = move || Ok(fault.run_segment(&run, &start, place, segment)?);
		let made = self.workshop.compute(work).await?;
		Ok((made.losses, made.end_state))
	}

	/// The state one checkpoint before a segment's start, if the fault is to start from there.
	async fn stale_start(
		&self,
		fault: Fault,
		task: &Task,
		run: &Run,
		place: Place,
		segment: u32,
	) -> Result<Option<State>, RoleError> {
		if fault != Fault::StaleWeights {
			return Ok(None);
		}
		let (round, checkpoint) = match (segment.checked_sub(1), place.round.checked_sub(1)) {
			(Some(before), _) => (place.round, before),
			(None, Some(before)) => (before, 0),
			(None, None) => return Ok(None),
		};
		let name = record_name(round, place.slot);
		let record = task.journal.read::<RoundRecord>(&name)?;
		let listed = record.and_then(|record| {
			let checkpoint = record.checkpoints.get(checkpoint as usize);
			checkpoint.map(|checkpoint| checkpoint.blob)
		});
		let blob = match listed {
			Some(blob) => self.workshop.store.get(&blob).await?,
			None => None,
		};
		Ok(blob.and_then(|blob| state_blob::decode(&blob, run.declaration()).ok()))
	}

	/// The round of the next place's trainer as one's own, once it has committed to it.
	pub(super) async fn copied_round(
		&self,
		duty: &Duty,
		task: &Task,
		status: &TaskStatusOf,
		agreed: &Agreed,
		place: Place,
	) -> Result<RoundRecord, RoleError> {
		let next = Place {
			slot: (place.slot + 1) % task.spec.training.trainers,
			..place
		};
		loop {
			if !self.is_open(duty) {
				return Err(RoleError::NotOpen);
			}
			let view = self.workshop.chain.best().await?;
			let Ok(commitment) = task.commitment(&view, next).await else {
				self.reached(view.head().number + 1).await;
				continue;
			};
			let keepers = keepers(status, &commitment.account);
			let checkpoints: Vec<Checkpoint> = task
				.checkpoints(&self.workshop, &commitment, &keepers)
				.await?;
			for checkpoint in &checkpoints {
				task.state(&self.workshop, checkpoint, &keepers).await?;
			}
			let losses = vec![0.5f32.to_bits(); task.spec.training.steps_per_segment as usize];
			let record = RoundRecord {
				sealed: agreed.sealed.clone(),
				losses: vec![losses; checkpoints.len() - 1],
				checkpoints,
			};
			task.journal
				.write(&record_name(place.round, place.slot), &record)?;
			return Ok(record);
		}
	}

	/// The computation of a faulty trainer that stands by what it has passed off as a segment.
	pub(super) async fn stand_by(
		&self,
		fault: Fault,
		task: &Task,
		status: &DisputeStatusOf,
		own: OwnComputation,
		first_position: u64,
	) -> Result<OwnComputation, RoleError> {
		let Some(segment) = status
			.game
			.checkpoint()
			.and_then(|named| named.checked_sub(1))
		else {
			return Ok(own);
		};
		let place = Place {
			round: status.round,
			slot: status.slot,
		};
		let run = task.ready_run().ok_or(RoleError::NotOpen)?;
		let stale = self.stale_start(fault, task, &run, place, segment).await?;
		let end = first_position + u64::from(task.spec.training.steps_per_segment);
		Ok(own.departing(Box::new(move |run, state, positions| {
			let stale = stale.as_ref().filter(|_| positions.start == first_position);
			let start = stale.unwrap_or(state);
			Ok(fault.run_steps(run, start, positions, end)?.end_state)
		})))
	}
}
