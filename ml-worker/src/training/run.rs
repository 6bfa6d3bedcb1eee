//! Rounds, segments and merges.

use super::{programs::merge_program, State, TrainingError};
use crate::dataset::segments::Part;
use ml_worker_engine::{Compiled, Engine, Session};
use pouw_primitives::{
	spec::{batch_position, TrainingSpec},
	RoundIndex, SegmentIndex, Slot,
};
use repops::{
	check::Checked,
	commit::{state_root, trace_root, Hash},
	initial::initial_state,
	interpret::Bindings,
	program::StateTensor,
	random::Seed,
};
use std::{
	ops::{ControlFlow, Range},
	sync::Arc,
};

/// One trainer's part of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
	/// The round.
	pub round: RoundIndex,
	/// The trainer's place within the task.
	pub slot: Slot,
}

/// A step that has just been made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
	/// Whose it is.
	pub place: Place,
	/// Its number within the round, from 0.
	pub step: u32,
	/// Its loss.
	pub loss: f32,
}

/// What a segment of steps gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
	/// The loss of each step.
	pub losses: Vec<f32>,
	/// The state after the last step.
	pub end_state: State,
	/// Its root.
	pub end_root: Hash,
}

/// How far a trainer's round has come. It can be stored after each segment and taken up again later, by
/// another process, with the same result.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundProgress {
	/// Whose it is.
	pub place: Place,
	/// The state after the last segment that is done.
	pub state: State,
	/// The roots of the checkpoints so far, the start state's first.
	pub checkpoints: Vec<Hash>,
	/// The losses of the steps so far.
	pub losses: Vec<f32>,
}

impl RoundProgress {
	/// A round that has not begun.
	pub fn start(place: Place, state: State) -> Self {
		let checkpoints = vec![state_root(&state)];
		RoundProgress {
			place,
			state,
			checkpoints,
			losses: Vec::new(),
		}
	}

	/// How many segments are done.
	pub fn segments_done(&self) -> SegmentIndex {
		self.checkpoints.len().saturating_sub(1) as SegmentIndex
	}
}

/// What a trainer commits to at the end of its round.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundResult {
	/// Whose it is.
	pub place: Place,
	/// The roots of the checkpoints, the start state's first.
	pub checkpoints: Vec<Hash>,
	/// The root over the checkpoints.
	pub trace_root: Hash,
	/// The root of the end state: the last checkpoint.
	pub end_root: Hash,
	/// The end state.
	pub end_state: State,
	/// The loss of each step.
	pub losses: Vec<f32>,
	/// Their mean, for people.
	pub mean_loss: f32,
	/// Whether a loss or the end state has a NaN or an infinity in it.
	pub diverged: bool,
}

/// Everything that a task's training follows from.
#[derive(Clone)]
pub struct Run {
	engine: Engine,
	step: Compiled,
	training: TrainingSpec,
	seed: Seed,
	data: Part,
	/// The state that the task starts from, where it does not follow from the seed.
	given: Option<Arc<State>>,
}

impl Run {
	/// Compiles the step program for the training part of a task's data.
	pub fn new(
		engine: Engine,
		step: Checked,
		training: TrainingSpec,
		seed: Seed,
		data: Part,
	) -> Self {
		let step = engine.compile(step);
		Run {
			engine,
			step,
			training,
			seed,
			data,
			given: None,
		}
	}

	/// The same training from this state, in the order of the program's declaration, and not from the seed's.
	/// Everything else still follows from the seed.
	pub fn starting_from(self, state: State) -> Self {
		Run {
			given: Some(Arc::new(state)),
			..self
		}
	}

	/// The layout of the training.
	pub fn training(&self) -> &TrainingSpec {
		&self.training
	}

	/// The declaration of the state.
	pub fn declaration(&self) -> &[StateTensor] {
		&self.step.checked().program().state
	}

	/// The segments of a round.
	pub fn segments(&self) -> SegmentIndex {
		self.training
			.steps_per_round
			.checked_div(self.training.steps_per_segment)
			.unwrap_or(0)
	}

	/// The state that the task starts from.
	pub fn initial_state(&self) -> State {
		match &self.given {
			Some(state) => State::clone(state),
			None => initial_state(self.step.checked().program(), &self.seed),
		}
	}

	/// Runs one segment of a round from the state at its start.
	pub fn run_segment(
		&self,
		state: &State,
		place: Place,
		segment: SegmentIndex,
		on_step: &mut dyn FnMut(Step),
	) -> Result<Segment, TrainingError> {
		let segments = self.segments();
		if segment >= segments {
			return Err(TrainingError::NoSuchSegment { segment, segments });
		}
		let first = segment * self.training.steps_per_segment;
		let start = batch_position(&self.training, place.round, place.slot, first);
		let end = start.saturating_add(u64::from(self.training.steps_per_segment));
		self.run_steps(state, start..end, &mut |position, loss| {
			let step = first + (position - start) as u32;
			on_step(Step { place, step, loss });
		})
	}

	/// Runs the steps for the batches at these positions since the task's start. `on_step` gets the position
	/// and the loss of each.
	pub fn run_steps(
		&self,
		state: &State,
		positions: Range<u64>,
		on_step: &mut dyn FnMut(u64, f32),
	) -> Result<Segment, TrainingError> {
		let mut losses = Vec::new();
		let session = self.session_after(state, positions, |position, loss| {
			losses.push(loss);
			on_step(position, loss);
		})?;
		Ok(Segment {
			losses,
			end_state: session.state(),
			end_root: session.state_root(),
		})
	}

	/// The state after the steps for the batches at these positions: no root is made of it.
	pub fn state_after(
		&self,
		state: &State,
		positions: Range<u64>,
	) -> Result<State, TrainingError> {
		let session = self.session_after(state, positions, |_, _| ())?;
		Ok(session.state())
	}

	fn session_after<'a>(
		&'a self,
		state: &'a State,
		positions: Range<u64>,
		mut on_step: impl FnMut(u64, f32),
	) -> Result<Session<'a>, TrainingError> {
		let mut session = self.step.session(&self.bindings(state, positions.start))?;
		let mut next = positions.start;
		while next < positions.end {
			// The session pauses after each step that diverged; a round has all its steps nevertheless.
			next = session.steps(next..positions.end, |position, outcome| {
				on_step(position, outcome.loss);
				ControlFlow::Continue(())
			});
		}
		Ok(session)
	}

	/// What a step on this state reads for the batch at this position.
	pub fn bindings<'a>(&'a self, state: &'a State, position: u64) -> Bindings<'a> {
		Bindings {
			state,
			features: Some(&self.data.features),
			labels: Some(&self.data.labels),
			seed: self.seed,
			position,
			updates: &[],
		}
	}

	/// The step program, ready to run.
	pub fn step_program(&self) -> &Compiled {
		&self.step
	}

	/// The training part of the data.
	pub fn data(&self) -> &Part {
		&self.data
	}

	/// What runs the programs.
	pub fn engine(&self) -> &Engine {
		&self.engine
	}

	/// The program that merges this number of states, ready to run.
	pub fn merge_program(&self, updates: u16) -> Result<Compiled, TrainingError> {
		Ok(self
			.engine
			.compile(merge_program(self.declaration(), updates)?))
	}

	/// Runs the next segment of a round; does nothing if all are done.
	pub fn advance(
		&self,
		progress: &mut RoundProgress,
		on_step: &mut dyn FnMut(Step),
	) -> Result<(), TrainingError> {
		let next = progress.segments_done();
		if next >= self.segments() {
			return Ok(());
		}
		let segment = self.run_segment(&progress.state, progress.place, next, on_step)?;
		progress.state = segment.end_state;
		progress.checkpoints.push(segment.end_root);
		progress.losses.extend(segment.losses);
		Ok(())
	}

	/// What the round gives; none before its last segment is done.
	pub fn finish(&self, progress: RoundProgress) -> Option<RoundResult> {
		if progress.segments_done() < self.segments() {
			return None;
		}
		let RoundProgress {
			place,
			state,
			checkpoints,
			losses,
		} = progress;
		let diverged = !losses.iter().all(|loss| loss.is_finite())
			|| !state.iter().all(|tensor| tensor.is_finite());
		Some(RoundResult {
			place,
			trace_root: trace_root(&checkpoints),
			end_root: *checkpoints.last()?,
			checkpoints,
			end_state: state,
			mean_loss: mean(&losses),
			losses,
			diverged,
		})
	}

	/// Runs what is left of a round. `on_segment` is called after each segment.
	pub fn train_round(
		&self,
		mut progress: RoundProgress,
		on_step: &mut dyn FnMut(Step),
		on_segment: &mut dyn FnMut(&RoundProgress),
	) -> Result<RoundResult, TrainingError> {
		while progress.segments_done() < self.segments() {
			self.advance(&mut progress, on_step)?;
			on_segment(&progress);
		}
		Ok(self
			.finish(progress)
			.expect("the loop ends when all segments are done; qed"))
	}

	/// Merges the end states of a round's sealed set, in slot order, into the next round's start.
	pub fn merge(&self, updates: &[State]) -> Result<State, TrainingError> {
		if updates.is_empty() {
			return Err(TrainingError::NothingToMerge);
		}
		// Slots are 16-bit numbers, so no more states than this come from one round.
		let count = u16::try_from(updates.len()).unwrap_or(u16::MAX);
		let bindings = Bindings {
			updates,
			..Bindings::default()
		};
		let outputs = self
			.merge_program(count)?
			.run(&bindings)
			.map_err(|source| TrainingError::Run {
				what: "merge",
				source,
			})?;
		Ok(outputs.state)
	}
}

/// The mean of losses, in double precision; NaN if there are none.
pub fn mean(losses: &[f32]) -> f32 {
	let sum: f64 = losses.iter().map(|loss| f64::from(*loss)).sum();
	(sum / losses.len() as f64) as f32
}
