//! One right result: the same bits on any number of threads and with any instruction set.

use super::small;
use ml_worker::{
	task_file::{Prepared, TaskFile},
	training::{
		evaluation::Evaluation,
		offline,
		programs::TaskPrograms,
		run::{Place, RoundProgress, Run},
	},
};
use ml_worker_engine::{Engine, EngineOptions, InstructionSet};
use pouw_primitives::spec::hidden_segments;
use repops::{check, commit::state_root, interpret, program::Program, random::Seed};
use std::{num::NonZeroUsize, path::Path};

fn engine(threads: usize, instruction_set: InstructionSet) -> Engine {
	Engine::new(EngineOptions {
		threads: NonZeroUsize::new(threads),
		instruction_set: Some(instruction_set),
	})
	.unwrap()
}

fn check(program: &Program, role: check::Role) -> check::Checked {
	check::check(program, role, &check::Limits::default()).unwrap()
}

#[test]
fn threads_and_instruction_sets_change_no_bit() {
	let prepared = small::prepared();
	let train =
		|engine: &Engine| offline::train(&prepared, engine, Seed([5; 32]), &mut ()).unwrap();
	let expected = train(&engine(1, InstructionSet::Portable));
	assert!(!expected.diverged);
	for set in InstructionSet::ALL
		.into_iter()
		.filter(|set| set.is_available())
	{
		for threads in 1..=3 {
			assert_eq!(
				train(&engine(threads, set)),
				expected,
				"{threads} threads, {set}"
			);
		}
	}
}

#[test]
fn a_run_that_diverges_has_one_result_too() {
	let text = small::TASK.replace("learning_rate = 0.01", "learning_rate = 3e38");
	let file = TaskFile::parse(text, Path::new("small.toml")).unwrap();
	let prepared = Prepared::new(file, &small::dataset()).unwrap();
	let train =
		|engine: &Engine| offline::train(&prepared, engine, Seed([5; 32]), &mut ()).unwrap();
	let expected = train(&engine(1, InstructionSet::Portable));
	assert!(expected.diverged);
	// Nothing is cut short: the commitments have their full form.
	assert_eq!(expected.losses.len(), 2 * 2 * 12);
	assert!(expected.losses.iter().any(|loss| !loss.is_finite()));
	let bits = |losses: &[f32]| losses.iter().map(|loss| loss.to_bits()).collect::<Vec<_>>();
	for set in InstructionSet::ALL
		.into_iter()
		.filter(|set| set.is_available())
	{
		let found = train(&engine(2, set));
		assert_eq!(bits(&found.losses), bits(&expected.losses), "{set}");
		assert_eq!(found.state, expected.state, "{set}");
		let roots = |outcome: &offline::Outcome| {
			let rounds = outcome.rounds.iter().flat_map(|round| &round.trainers);
			rounds.map(|trainer| trainer.trace_root).collect::<Vec<_>>()
		};
		assert_eq!(roots(&found), roots(&expected), "{set}");
	}
}

#[test]
fn the_reference_gives_the_same_bits() {
	let prepared = small::prepared();
	let seed = Seed([6; 32]);
	let outcome =
		offline::train(&prepared, &engine(2, InstructionSet::best()), seed, &mut ()).unwrap();

	// The same task again, by the reference interpreter and the words of the protocol alone.
	let training = prepared.training;
	let step = check(&prepared.programs.step, check::Role::Step);
	let evaluate = check(&prepared.programs.evaluation, check::Role::Evaluate);
	let hidden = hidden_segments(&seed.0.into(), 10, 3);
	let part = |choose: &dyn Fn(&u16) -> bool| {
		let chosen = (0..10)
			.filter(choose)
			.map(|segment| &prepared.segments[usize::from(segment)]);
		ml_worker::dataset::segments::Part::assemble(chosen)
	};
	let (visible, test) = (
		part(&|s| !hidden.contains(s)),
		part(&|s| hidden.contains(s)),
	);
	let mut state = repops::initial::initial_state(&prepared.programs.step, &seed);
	for round in 0..training.rounds {
		let mut updates = Vec::new();
		for slot in 0..training.trainers {
			let mut own = state.clone();
			for at in 0..training.steps_per_round {
				let outputs = interpret::run(
					&step,
					&interpret::Bindings {
						state: &own,
						features: Some(&visible.features),
						labels: Some(&visible.labels),
						seed,
						position: pouw_primitives::spec::batch_position(&training, round, slot, at),
						updates: &[],
					},
				)
				.unwrap();
				own = outputs.state;
			}
			updates.push(own);
		}
		let merge =
			repops::merge::average_program(&prepared.programs.step.state, training.trainers);
		let merge = check(
			&merge,
			check::Role::Merge {
				updates: training.trainers,
			},
		);
		let bindings = interpret::Bindings {
			updates: &updates,
			..Default::default()
		};
		state = interpret::run(&merge, &bindings).unwrap().state;
	}
	let bindings = interpret::Bindings {
		state: &state,
		features: Some(&test.features),
		labels: Some(&test.labels),
		..Default::default()
	};
	assert_eq!(state_root(&state), outcome.state_root);
	assert_eq!(state, outcome.state);
	assert_eq!(
		interpret::run(&evaluate, &bindings).unwrap().correct,
		Some(outcome.correct)
	);
}

#[test]
fn seeds_decide() {
	let prepared = small::prepared();
	let engine = engine(2, InstructionSet::best());
	let root = |seed| {
		offline::train(&prepared, &engine, Seed([seed; 32]), &mut ())
			.unwrap()
			.state_root
	};
	assert_eq!(root(1), root(1));
	assert_ne!(root(1), root(2));
}

#[test]
fn merging_one_state_changes_nothing() {
	let prepared = small::prepared();
	let programs =
		TaskPrograms::new(&prepared.programs.step, &prepared.programs.evaluation).unwrap();
	let data = ml_worker::dataset::segments::Part::assemble(&prepared.segments[..7]);
	let engine = engine(1, InstructionSet::best());
	let run = Run::new(
		engine.clone(),
		programs.step,
		prepared.training,
		Seed([3; 32]),
		data,
	);
	let progress = RoundProgress::start(Place { round: 0, slot: 1 }, run.initial_state());
	let state = run
		.train_round(progress, &mut |_| (), &mut |_| ())
		.unwrap()
		.end_state;
	assert_eq!(run.merge(std::slice::from_ref(&state)).unwrap(), state);
	assert!(run.merge(&[]).is_err());

	let hidden = ml_worker::dataset::segments::Part::assemble(&prepared.segments[7..]);
	let evaluation = Evaluation::new(&engine, programs.evaluation, hidden);
	assert!(evaluation.correct(&state).unwrap() <= evaluation.rows());
	assert_eq!(evaluation.rows(), 42);
}
