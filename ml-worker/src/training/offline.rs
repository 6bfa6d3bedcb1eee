//! A whole task on one machine: what the chain's run gives if all trainers are honest and in time.

use super::{
	evaluation::Evaluation,
	programs::{merge_program, TaskPrograms},
	run::{Place, RoundProgress, RoundResult, Run, Step},
	State, TrainingError,
};
use crate::{
	dataset::segments::{visible, Part},
	task_file::Prepared,
};
use ml_worker_engine::Engine;
use pouw_primitives::{spec::hidden_segments, RoundIndex};
use repops::{
	commit::{state_root, Hash},
	random::Seed,
};

/// What is told while a task is trained.
pub trait Observer {
	/// A step was made.
	fn step(&mut self, _step: Step) {}
	/// A trainer's round is done.
	fn trained(&mut self, _result: &RoundResult) {}
	/// A round is merged.
	fn merged(&mut self, _round: &RoundOutcome) {}
}

/// An observer that looks away.
impl Observer for () {}

/// What a trainer committed to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainerOutcome {
	/// The root over its checkpoints.
	pub trace_root: Hash,
	/// The root of its end state.
	pub end_root: Hash,
	/// The mean loss of its steps.
	pub mean_loss: f32,
}

/// What a round gave.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundOutcome {
	/// The round.
	pub round: RoundIndex,
	/// The trainers, in slot order.
	pub trainers: Vec<TrainerOutcome>,
	/// The root of the merged state.
	pub merged_root: Hash,
	/// How many answers on the hidden part are right after the merge.
	pub correct: u32,
}

/// What a task gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
	/// The root of the state before the first step.
	pub initial_root: Hash,
	/// The rounds.
	pub rounds: Vec<RoundOutcome>,
	/// The loss of each step: round by round, in each the trainers in slot order.
	pub losses: Vec<f32>,
	/// The final state.
	pub state: State,
	/// Its root.
	pub state_root: Hash,
	/// How many answers on the hidden part are right.
	pub correct: u32,
	/// How many questions the hidden part has.
	pub questions: u32,
	/// Whether a loss or a state had a NaN or an infinity in it.
	pub diverged: bool,
	/// Which segments of the data were hidden.
	pub hidden: Vec<u16>,
}

/// Trains a task with this seed. Its trainers take turns.
pub fn train(
	prepared: &Prepared,
	engine: &Engine,
	seed: Seed,
	observer: &mut dyn Observer,
) -> Result<Outcome, TrainingError> {
	let programs = TaskPrograms::new(&prepared.programs.step, &prepared.programs.evaluation)?;
	merge_program(&programs.step.program().state, prepared.training.trainers)?;
	let data = &prepared.file.contents.data;
	let hidden = hidden_segments(&seed.0.into(), data.segments, data.hidden_segments);
	let part = |chosen: &[u16]| {
		Part::assemble(
			chosen
				.iter()
				.map(|segment| &prepared.segments[usize::from(*segment)]),
		)
	};
	let training_part = part(&visible(data.segments, &hidden));
	let evaluation = Evaluation::new(engine, programs.evaluation, part(&hidden));
	let run = Run::new(
		engine.clone(),
		programs.step,
		prepared.training,
		seed,
		training_part,
	);
	let run = match &prepared.initial {
		Some(state) => run.starting_from(state.clone()),
		None => run,
	};

	let mut state = run.initial_state();
	let mut outcome = Outcome {
		initial_root: state_root(&state),
		rounds: Vec::new(),
		losses: Vec::new(),
		state: Vec::new(),
		state_root: [0; 32],
		correct: 0,
		questions: evaluation.rows(),
		diverged: false,
		hidden,
	};
	for round in 0..prepared.training.rounds {
		let mut updates = Vec::new();
		let mut trainers = Vec::new();
		for slot in 0..prepared.training.trainers {
			let progress = RoundProgress::start(Place { round, slot }, state.clone());
			let result = run.train_round(progress, &mut |step| observer.step(step), &mut |_| ())?;
			observer.trained(&result);
			outcome.losses.extend(&result.losses);
			outcome.diverged |= result.diverged;
			trainers.push(TrainerOutcome {
				trace_root: result.trace_root,
				end_root: result.end_root,
				mean_loss: result.mean_loss,
			});
			updates.push(result.end_state);
		}
		state = run.merge(&updates)?;
		outcome.correct = evaluation.correct(&state)?;
		outcome.state_root = state_root(&state);
		let merged_root = outcome.state_root;
		let merged = RoundOutcome {
			round,
			trainers,
			merged_root,
			correct: outcome.correct,
		};
		observer.merged(&merged);
		outcome.rounds.push(merged);
	}
	outcome.state = state;
	Ok(outcome)
}
