//! A round that is taken up again, or replayed in parts, gives what it gave in one go.

use super::small;
use ml_worker::{
	dataset::segments::Part,
	training::{
		programs::TaskPrograms,
		run::{Place, RoundProgress, Run},
		TrainingError,
	},
};
use ml_worker_engine::{Engine, EngineOptions};
use repops::{random::Seed, state_blob};

const PLACE: Place = Place { round: 1, slot: 1 };

fn run() -> Run {
	let prepared = small::prepared();
	let programs =
		TaskPrograms::new(&prepared.programs.step, &prepared.programs.evaluation).unwrap();
	let engine = Engine::new(EngineOptions::default()).unwrap();
	let data = Part::assemble(&prepared.segments[..7]);
	Run::new(
		engine,
		programs.step,
		prepared.training,
		Seed([4; 32]),
		data,
	)
}

#[test]
fn a_round_resumes_from_every_checkpoint() {
	let run = run();
	let start = RoundProgress::start(PLACE, run.initial_state());
	let mut checkpoints = vec![start.clone()];
	let whole = run
		.train_round(start, &mut |_| (), &mut |progress| {
			checkpoints.push(progress.clone())
		})
		.unwrap();
	assert_eq!(checkpoints.len(), 5);
	for checkpoint in checkpoints {
		// As it is stored: the state as a blob, the rest as it is; then another process.
		let blob = state_blob::encode(&checkpoint.state);
		let run = self::run();
		let state = state_blob::decode(&blob, run.declaration()).unwrap();
		let mut steps = Vec::new();
		let done = checkpoint.segments_done();
		let resumed = run
			.train_round(
				RoundProgress {
					state,
					..checkpoint
				},
				&mut |step| steps.push(step.step),
				&mut |_| (),
			)
			.unwrap();
		assert_eq!(resumed, whole);
		assert_eq!(steps, (done * 3..12).collect::<Vec<_>>());
	}
}

#[test]
fn every_segment_can_be_replayed_alone() {
	let run = run();
	let start = RoundProgress::start(PLACE, run.initial_state());
	let mut states = vec![start.state.clone()];
	let whole = run
		.train_round(start, &mut |_| (), &mut |progress| {
			states.push(progress.state.clone())
		})
		.unwrap();
	assert_eq!(whole.checkpoints.len(), 5);
	assert_eq!(whole.end_root, whole.checkpoints[4]);
	assert_eq!(
		whole.trace_root,
		repops::commit::trace_root(&whole.checkpoints)
	);
	for (segment, start) in (0u32..4).zip(&states) {
		let replayed = run.run_segment(start, PLACE, segment, &mut |_| ()).unwrap();
		let at = segment as usize;
		assert_eq!(replayed.end_root, whole.checkpoints[at + 1]);
		assert_eq!(replayed.end_state, states[at + 1]);
		assert_eq!(replayed.losses, whole.losses[at * 3..at * 3 + 3]);
	}
}

#[test]
fn places_have_batches_of_their_own() {
	let run = run();
	let end = |round, slot| {
		let progress = RoundProgress::start(Place { round, slot }, run.initial_state());
		run.train_round(progress, &mut |_| (), &mut |_| ())
			.unwrap()
			.end_root
	};
	assert_ne!(end(0, 0), end(0, 1));
	assert_ne!(end(0, 0), end(1, 0));
}

#[test]
fn a_round_ends_once() {
	let run = run();
	let mut progress = RoundProgress::start(PLACE, run.initial_state());
	assert_eq!(run.finish(progress.clone()), None);
	for _ in 0..4 {
		run.advance(&mut progress, &mut |_| ()).unwrap();
	}
	let finished = progress.clone();
	run.advance(&mut progress, &mut |_| ()).unwrap();
	assert_eq!(progress, finished);
	assert!(run.finish(progress).is_some());
}

#[test]
fn a_segment_beyond_the_round_is_refused() {
	let run = run();
	let error = run
		.run_segment(&run.initial_state(), PLACE, 4, &mut |_| ())
		.unwrap_err();
	assert!(
		matches!(
			error,
			TrainingError::NoSuchSegment {
				segment: 4,
				segments: 4
			}
		),
		"{error}"
	);
}

#[test]
fn a_state_of_another_shape_is_refused() {
	let run = run();
	let mut state = run.initial_state();
	state.pop();
	assert!(run.run_segment(&state, PLACE, 0, &mut |_| ()).is_err());
	assert!(run.merge(&[state]).is_err());
}
