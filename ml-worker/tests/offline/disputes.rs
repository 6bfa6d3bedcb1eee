//! What a party of a dispute computes with the engine is what the reference gives, value by value, and with it
//! each kind of wrong commitment loses.

use super::small;
use ml_worker::{
	dataset::segments::Part,
	training::{
		disputed::OwnComputation,
		evaluation::Evaluation,
		run::{Place, Run, Segment},
		State,
	},
};
use ml_worker_engine::{Engine, EngineOptions};
use pouw_dispute::{
	challenge, defend, Computation, DefenderMove, Dispute, Facts, Outcome, Party, PartyError,
	Position, Start, Subject,
};
use pouw_primitives::spec::{batch_position, hidden_segments};
use repops::{
	check::Checked,
	commit::{state_root, tensor_root, trace_root, Hash},
	interpret,
	parts::{program_root, ShownParts},
	random::Seed,
	tensor::Tensor,
};
use std::{num::NonZeroUsize, sync::Arc};

const SEED: Seed = Seed([5; 32]);

fn engine() -> Engine {
	Engine::new(EngineOptions {
		threads: NonZeroUsize::new(2),
		instruction_set: None,
	})
	.unwrap()
}

fn run() -> Arc<Run> {
	let prepared = small::prepared();
	let data = &prepared.file.contents.data;
	let hidden = hidden_segments(&SEED.0.into(), data.segments, data.hidden_segments);
	let visible = ml_worker::dataset::segments::visible(data.segments, &hidden);
	let shown = visible
		.into_iter()
		.map(|segment| &prepared.segments[usize::from(segment)]);
	let programs = ml_worker::training::programs::TaskPrograms::new(
		&prepared.programs.step,
		&prepared.programs.evaluation,
	)
	.unwrap();
	Arc::new(Run::new(
		engine(),
		programs.step,
		prepared.training,
		SEED,
		Part::assemble(shown),
	))
}

/// The scoring of states on the hidden part.
fn evaluation() -> Arc<Evaluation> {
	let prepared = small::prepared();
	let data = &prepared.file.contents.data;
	let hidden = hidden_segments(&SEED.0.into(), data.segments, data.hidden_segments);
	let shown = hidden
		.into_iter()
		.map(|segment| &prepared.segments[usize::from(segment)]);
	let programs = ml_worker::training::programs::TaskPrograms::new(
		&prepared.programs.step,
		&prepared.programs.evaluation,
	)
	.unwrap();
	let part = Part::assemble(shown);
	Arc::new(Evaluation::new(&engine(), programs.evaluation, part))
}

/// All values of a step by the reference.
fn reference(program: &Checked, bindings: &interpret::Bindings) -> (Vec<Tensor>, State) {
	let mut values = Vec::new();
	let outputs = interpret::run_observed(program, bindings, |_, value| values.push(value.clone()));
	(values, outputs.unwrap().state)
}

fn roots(tensors: &[Tensor]) -> Vec<Hash> {
	tensors.iter().map(tensor_root).collect()
}

#[test]
fn steps_are_those_of_the_reference() {
	let run = run();
	let program = run.step_program().checked();
	let (start, first) = (run.initial_state(), 17);
	let mut own = OwnComputation::of_steps(run.clone(), start.clone(), first);
	let mut state = start;
	for step in 0..3u64 {
		let bindings = run.bindings(&state, first + step);
		let (values, after) = reference(program, &bindings);
		assert_eq!(own.tensor_roots_before(step).unwrap(), roots(&state));
		assert_eq!(own.result_roots(step).unwrap(), roots(&values));
		let inputs = program.program().inputs.len();
		for (index, value) in values.iter().enumerate() {
			let found = own.value(step, (inputs + index) as u32).unwrap();
			assert!(found.kind() == value.kind() && found.bits().eq(value.bits()));
		}
		for (value, input) in (0..).zip(&program.program().inputs) {
			let expected = bindings.get(input.source).unwrap();
			assert_eq!(own.value(step, value).unwrap(), *expected);
		}
		assert_eq!(own.tensor_roots_after(step).unwrap(), roots(&after));
		assert_eq!(own.state_root(step + 1).unwrap(), state_root(&after));
		state = after;
	}
	let data = run.data();
	let expected = [&data.features, &data.labels].map(tensor_root);
	assert_eq!(own.data_roots().unwrap(), expected);
	// Asked for the other way around it is the same.
	let mut other = OwnComputation::of_steps(run.clone(), run.initial_state(), first);
	assert_eq!(other.state_root(3).unwrap(), state_root(&state));
	assert_eq!(other.state_root(1).unwrap(), own.state_root(1).unwrap());
}

#[test]
fn a_merge_is_that_of_the_reference() {
	let run = run();
	let segment = |slot| {
		let place = Place { round: 0, slot };
		run.run_segment(&run.initial_state(), place, 0, &mut |_| ())
	};
	let updates: Vec<State> = (0..3)
		.map(|slot| segment(slot).unwrap().end_state)
		.collect();
	let mut own = OwnComputation::of_merge(run.clone(), updates.clone()).unwrap();
	let compiled = run.merge_program(3).unwrap();
	let bindings = interpret::Bindings {
		updates: &updates,
		..interpret::Bindings::default()
	};
	let (values, merged) = reference(compiled.checked(), &bindings);
	assert_eq!(own.result_roots(0).unwrap(), roots(&values));
	assert_eq!(own.tensor_roots_after(0).unwrap(), roots(&merged));
	for (update, state) in (0..).zip(&updates) {
		assert_eq!(own.tensor_roots_of_update(update).unwrap(), roots(state));
	}
	assert!(own.tensor_roots_of_update(3).is_err());
}

/// A round as a trainer has claimed it.
struct Claim {
	checkpoints: Vec<Hash>,
	states: Vec<State>,
}

impl Claim {
	/// Segment by segment from a start state.
	fn made(run: &Run, start: State, mut segment: impl FnMut(&State, u32) -> Segment) -> Self {
		let mut claim = Claim {
			checkpoints: vec![state_root(&start)],
			states: vec![start],
		};
		for number in 0..run.segments() {
			let done = segment(claim.states.last().unwrap(), number);
			claim.checkpoints.push(done.end_root);
			claim.states.push(done.end_state);
		}
		claim
	}

	fn honest(run: &Run, place: Place, start: State) -> Self {
		Self::made(run, start, |state, segment| {
			run.run_segment(state, place, segment, &mut |_| ()).unwrap()
		})
	}

	fn subject(&self, run: &Run, place: Place) -> Subject {
		Subject::Round {
			trace: trace_root(&self.checkpoints),
			end: *self.checkpoints.last().unwrap(),
			segments: run.segments(),
			steps_per_segment: run.training().steps_per_segment,
			first_position: batch_position(run.training(), place.round, place.slot, 0),
			start: match place.round {
				0 => Start::Initial,
				_ => Start::Merge,
			},
		}
	}
}

fn facts(run: &Run, updates: &[State]) -> Facts {
	let data = run.data();
	Facts {
		seed: SEED,
		data: Some(pouw_dispute::data_root(
			&[&data.features, &data.labels].map(tensor_root),
		)),
		updates: updates.iter().map(|update| state_root(update)).collect(),
	}
}

/// Plays a dispute to its end, by the program's root and the parts that are shown, as the chain does. `ground` is
/// what each party computes from where the dispute is. Who has no move loses by the clock.
fn play(
	run: &Arc<Run>,
	subject: Subject,
	facts: &Facts,
	ground: impl FnMut(&Dispute, Party) -> OwnComputation,
) -> (Party, Position) {
	play_with(run.step_program().checked(), subject, facts, ground)
}

fn play_with(
	program: &Checked,
	subject: Subject,
	facts: &Facts,
	mut ground: impl FnMut(&Dispute, Party) -> OwnComputation,
) -> (Party, Position) {
	let root = program_root(program);
	let mut game = Dispute::new(subject, program, facts).unwrap();
	let mut shown = None;
	for _ in 0..200 {
		let party = game.to_move();
		// As after a restart before each move: nothing is remembered.
		let mut own = ground(&game, party);
		let outcome = match party {
			Party::Defender => {
				let Ok(made) = defend(&game, program, facts, &mut own) else {
					return (party, game.position().clone());
				};
				if let DefenderMove::Tile(tile) = &made {
					shown = Some(tile.clone());
				}
				let Ok(parts) = game.parts_of_defence(&made, program, facts) else {
					return (party, game.position().clone());
				};
				let parts = ShownParts::open(&root, &parts).unwrap();
				game.defend(made, &parts, facts).unwrap()
			}
			Party::Challenger => {
				let made = challenge(&game, program, facts, &mut own, shown.as_deref());
				let made = match made {
					Err(PartyError::NothingWrong) => return (party, game.position().clone()),
					made => made.unwrap(),
				};
				// Who takes something else for granted than the chain does has no proof of it.
				let Ok(parts) = game.parts_of_challenge(&made, program, facts) else {
					return (party, game.position().clone());
				};
				let parts = ShownParts::open(&root, &parts).unwrap();
				game.challenge(made, &parts, facts).unwrap()
			}
		};
		if let Outcome::Lost(loser) = outcome {
			return (loser, game.position().clone());
		}
	}
	panic!("a dispute ends in few moves: {:?}", game.position());
}

/// A party's computation where it is all honest work from the state that the dispute starts from.
fn steps_from(run: &Arc<Run>, states: &[State], game: &Dispute) -> Option<OwnComputation> {
	let Subject::Steps {
		before,
		first_position,
		..
	} = *game.subject()
	else {
		return None;
	};
	let start = states.iter().find(|state| state_root(state) == before);
	let start = start.expect("one of the claimed states").clone();
	Some(OwnComputation::of_steps(run.clone(), start, first_position))
}

#[test]
fn batches_of_another_place_are_found() {
	let run = run();
	let (place, other) = (Place { round: 0, slot: 0 }, Place { round: 0, slot: 1 });
	let claim = Claim::honest(&run, other, run.initial_state());
	let right = Claim::honest(&run, place, run.initial_state());
	let wrong = right
		.checkpoints
		.iter()
		.zip(&claim.checkpoints)
		.position(|(right, claimed)| right != claimed);
	assert_eq!(wrong, Some(1));
	let facts = facts(&run, &[]);
	let shift = u64::from(run.training().steps_per_round);
	let (loser, last) = play(&run, claim.subject(&run, place), &facts, |game, party| {
		let disputed = steps_from(&run, &claim.states, game);
		match (party, disputed) {
			(Party::Challenger, Some(steps)) => steps,
			(Party::Challenger, None) => OwnComputation::of_wrong_checkpoint(run.clone(), Some(1)),
			(Party::Defender, None) => {
				OwnComputation::of_trace(run.clone(), claim.checkpoints.clone())
			}
			// It has really trained, but on other batches, and stands by that.
			(Party::Defender, Some(_)) => {
				let start = claim.states[0].clone();
				let first = batch_position(run.training(), 0, 0, 0) + shift;
				OwnComputation::of_steps(run.clone(), start, first)
			}
		}
	});
	assert_eq!(loser, Party::Defender);
	// The batch's rows are drawn by the first operation that differs.
	assert!(matches!(last, Position::Passage { .. }), "{last:?}");
}

#[test]
fn who_has_trained_rightly_does_not_lose() {
	let run = run();
	let place = Place { round: 0, slot: 1 };
	let claim = Claim::honest(&run, place, run.initial_state());
	let facts = facts(&run, &[]);
	for named in 1..=run.segments() {
		let (loser, _) = play(
			&run,
			claim.subject(&run, place),
			&facts,
			|game, party| match (party, steps_from(&run, &claim.states, game)) {
				(_, Some(steps)) => steps,
				(Party::Challenger, None) => {
					OwnComputation::of_wrong_checkpoint(run.clone(), Some(named))
				}
				(Party::Defender, None) => {
					OwnComputation::of_trace(run.clone(), claim.checkpoints.clone())
				}
			},
		);
		assert_eq!(loser, Party::Challenger);
	}
}

#[test]
fn a_start_that_is_not_the_merge_is_found() {
	let run = run();
	let update = |slot| {
		let place = Place { round: 0, slot };
		Claim::honest(&run, place, run.initial_state())
			.states
			.pop()
			.unwrap()
	};
	let updates: Vec<State> = (0..2).map(update).collect();
	let place = Place { round: 1, slot: 0 };
	// It goes on from its own end state, as if there were no other.
	let claim = Claim::honest(&run, place, updates[0].clone());
	let facts = facts(&run, &updates);
	let (loser, _) = play(
		&run,
		claim.subject(&run, place),
		&facts,
		|game, party| match (party, game.subject()) {
			(_, Subject::Merge { .. }) => {
				let merged = match party {
					Party::Challenger => updates.clone(),
					Party::Defender => vec![updates[0].clone(), updates[0].clone()],
				};
				OwnComputation::of_merge(run.clone(), merged).unwrap()
			}
			(Party::Challenger, _) => OwnComputation::of_wrong_checkpoint(run.clone(), Some(0)),
			(Party::Defender, _) => {
				OwnComputation::of_trace(run.clone(), claim.checkpoints.clone())
			}
		},
	);
	assert_eq!(loser, Party::Defender);
}

#[test]
fn an_initial_state_of_another_seed_is_found() {
	let run = run();
	let place = Place { round: 0, slot: 0 };
	let mut start = run.initial_state();
	if let repops::tensor::Elements::F32(weights) = &mut start[0].elements {
		weights[3] += 1.0;
	}
	let claim = Claim::honest(&run, place, start);
	let facts = facts(&run, &[]);
	let (loser, _) = play(
		&run,
		claim.subject(&run, place),
		&facts,
		|game, party| match (party, game.subject()) {
			(_, Subject::Initial { .. }) => OwnComputation::of_initial(run.clone()),
			(Party::Challenger, _) => OwnComputation::of_wrong_checkpoint(run.clone(), Some(0)),
			(Party::Defender, _) => {
				OwnComputation::of_trace(run.clone(), claim.checkpoints.clone())
			}
		},
	);
	// Its own computation does not bear out what it has claimed, so it has no move.
	assert_eq!(loser, Party::Defender);
}

#[test]
fn a_score_of_another_state_is_found_and_a_right_one_stands() {
	let (run, evaluation) = (run(), evaluation());
	let place = Place { round: 0, slot: 0 };
	let trained = Claim::honest(&run, place, run.initial_state());
	let (first, last) = (&trained.states[0], trained.states.last().unwrap());
	let [untrained, right] = [first, last].map(|state| evaluation.correct(state).unwrap());
	assert_ne!(untrained, right);
	let data = evaluation.data();
	let facts = Facts {
		seed: SEED,
		data: Some(pouw_dispute::data_root(
			&[&data.features, &data.labels].map(tensor_root),
		)),
		updates: vec![],
	};
	let of = |state: &State| {
		OwnComputation::of_evaluation(run.clone(), evaluation.clone(), state.clone())
	};
	let program = evaluation.program().checked();
	for (correct, scored, expected) in [
		(untrained, first, Party::Defender),
		(right, last, Party::Challenger),
	] {
		let subject = Subject::Evaluation {
			state: state_root(last),
			correct,
		};
		let (loser, _) = play_with(program, subject, &facts, |_, party| match party {
			Party::Defender => of(scored),
			Party::Challenger if correct == right => of(first),
			Party::Challenger => of(last),
		});
		assert_eq!(loser, expected);
	}
}
