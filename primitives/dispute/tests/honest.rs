//! An honest party wins: whatever is wrong in a round, it is found; and who has claimed what is right can't be
//! made to lose.

mod computation;
mod support;

use computation::programs::{mlp_evaluation, Numbers};
use computation::{roots, Corruption, Fault, Own, Recorded, Round, Task};
use pouw_dispute::{
	data_root, ChallengerMove, Computation, DefenderMove, Dispute, Facts, Party, Position, Subject,
};
use proptest::prelude::*;
use repops::{
	check::{check, Checked, Limits, Role},
	commit::{state_root, tensor_root, Hash},
	interpret::Bindings,
	program::{Target, ValueId},
	random::Seed,
	tensor::Tensor,
};
use support::{Game, Played, Player};

/// Some states such as the task's workers could have sent.
fn updates(task: &Task, count: usize, numbers: &mut Numbers) -> Vec<Vec<Tensor>> {
	let declared = &task.program.program().state;
	let state = |numbers: &mut Numbers| {
		let tensors = declared.iter();
		tensors
			.map(|tensor| numbers.tensor(tensor.shape.clone()))
			.collect()
	};
	(0..count).map(|_| state(numbers)).collect()
}

/// A round of a few steps that starts from these updates.
fn round<'a>(
	task: &'a Task,
	updates: &'a [Vec<Tensor>],
	segments: u32,
	steps: u32,
	numbers: &mut Numbers,
) -> Round<'a> {
	Round {
		task,
		seed: Seed([numbers.below(256) as u8; 32]),
		updates,
		given: None,
		first_position: numbers.word() >> 40,
		segments,
		steps_per_segment: steps,
	}
}

/// An element of any operation's result in one step.
fn fault(program: &Checked, steps: u64, numbers: &mut Numbers) -> Fault {
	let source = program.program();
	let operation = numbers.below(source.operations.len());
	let kind = &program.types()[source.inputs.len() + operation];
	Fault {
		step: numbers.below(steps as usize) as u64,
		operation,
		element: numbers.below(kind.shape.elements().unwrap() as usize),
		flip: 1 << numbers.below(32),
	}
}

fn game<'a>(round: &Round<'a>, facts: &'a Facts, defender: Own<'a>) -> Game<'a, Own<'a>, Own<'a>> {
	Game {
		program: &round.task.program,
		facts,
		defender,
		challenger: round.compute(None),
	}
}

/// Plays a dispute about a round of a random program, of which the defender's computation has a fault: one
/// time of four in the merge that the round starts from. None if the fault leaves no trace at any checkpoint.
fn dispute_round(
	seed: u64,
	operations: usize,
	lengths: &[u32],
	segments: u32,
	steps: u32,
) -> Option<Played> {
	let task = Task::random(seed, operations, lengths);
	let mut numbers = Numbers(seed ^ 0x5EED);
	let updates = updates(&task, 1 + numbers.below(3), &mut numbers);
	let round = round(&task, &updates, segments, steps, &mut numbers);
	let in_merge = numbers.below(4) == 0;
	let (fault, corruption) = if in_merge {
		let merge = task.merge_program(updates.len() as u16);
		let fault = fault(&merge, 1, &mut numbers);
		(fault, Corruption::Start(fault))
	} else {
		let fault = fault(&task.program, round.steps(), &mut numbers);
		(fault, Corruption::Element(fault))
	};
	let wrong = round.compute(Some(corruption));
	let facts = round.facts();
	let mut game = game(&round, &facts, wrong);
	if game.defender.roots() == game.challenger.roots() {
		return None;
	}
	let played = game.play(game.defender.claim());
	// It is found where it is.
	let Position::Passage { operation, .. } = played.last else {
		panic!("{played:?}");
	};
	assert_eq!(operation as usize, fault.operation);
	let checkpoint = match in_merge {
		true => 0,
		false => fault.step as u32 / steps + 1,
	};
	assert_eq!(played.checkpoint, Some(checkpoint));
	assert!(!played.by_the_clock);
	Some(played)
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

	#[test]
	fn a_wrong_element_of_a_small_program_is_found(
		seed: u64, operations in 1..60usize, segments in 1..5u32, steps in 1..20u32,
	) {
		if let Some(played) = dispute_round(seed, operations, &[1, 2, 3, 5, 17, 33, 40], segments, steps) {
			prop_assert_eq!(played.loser, Party::Defender);
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

	/// Several tiles, several chunks, trees of several levels.
	#[test]
	fn a_wrong_element_of_a_large_program_is_found(seed: u64, operations in 1..80usize) {
		if let Some(played) = dispute_round(seed, operations, &[70, 300, 600], 2, 1) {
			prop_assert_eq!(played.loser, Party::Defender);
		}
	}
}

/// Most faults leave a trace; were it otherwise, the tests above would show little.
#[test]
fn faults_leave_traces() {
	let found: Vec<Played> = (0..100)
		.filter_map(|seed| dispute_round(seed, 30, &[3, 5, 17, 40], 3, 2))
		.collect();
	assert!(found.len() > 25, "only {} of 100 were found", found.len());
	let in_merge = found.iter().filter(|played| played.checkpoint == Some(0));
	let in_merge = in_merge.count();
	assert!(in_merge > 5, "only {in_merge} in the merge");
	let most = |of: fn(&Played) -> usize| found.iter().map(of).max().unwrap();
	println!(
		"at most {} moves and {} bytes",
		most(|played| played.moves as usize),
		most(|played| played.bytes)
	);
}

/// What the kernels make of a round one by one is what the interpreter makes of it.
#[test]
fn an_honest_party_has_the_interpreters_states() {
	let task = Task::tiny();
	let updates = updates(&task, 3, &mut Numbers(8));
	for updates in [&[][..], &updates] {
		let round = round(&task, updates, 3, 4, &mut Numbers(9));
		let start = match updates.is_empty() {
			true => task.initial(&round.seed),
			false => task.merged(updates),
		};
		let right = task.train(round.seed, &start, round.first_position, 3, 4);
		assert_eq!(round.compute(None).checkpoints, right);
	}
}

#[test]
fn whatever_is_done_wrong_in_a_perceptrons_round_is_found() {
	let task = Task::tiny();
	let updates = updates(&task, 2, &mut Numbers(1));
	let round = round(&task, &updates, 3, 5, &mut Numbers(2));
	let facts = round.facts();
	let found = |corruption: Corruption| {
		let mut game = game(&round, &facts, round.compute(Some(corruption)));
		let wrong = game.challenger.wrong_checkpoint(&game.defender.roots());
		let wrong = wrong.unwrap()?;
		let played = game.play(game.defender.claim());
		assert_eq!(played.loser, Party::Defender, "{corruption:?}");
		assert_eq!(played.checkpoint, Some(wrong));
		Some(wrong)
	};
	assert_eq!(found(Corruption::Rows { step: 7 }), Some(2));
	assert_eq!(found(Corruption::Idle { from: 0 }), Some(1));
	assert_eq!(found(Corruption::Idle { from: 13 }), Some(3));
	let fault = |operation| Fault {
		step: 5,
		operation,
		element: 0,
		flip: 1 << 22,
	};
	let operations = task.program.program().operations.len();
	let traces = (0..operations).filter(|at| found(Corruption::Element(fault(*at))) == Some(2));
	let traces = traces.count();
	// The loss and what leads to it alone is in no state, nor is what the rectifier or rounding takes away.
	assert!(2 * traces > operations, "{traces} of {operations}");
	let merge = task.merge_program(2).program().operations.len();
	for operation in 0..merge {
		assert_eq!(found(Corruption::Start(fault(operation))), Some(0));
	}
}

#[test]
fn a_wrong_initial_state_is_found() {
	let task = Task::tiny();
	let round = round(&task, &[], 2, 3, &mut Numbers(4));
	let facts = round.facts();
	let state = &task.program.program().state;
	for (tensor, declared) in state.iter().enumerate() {
		let corruption = Corruption::Start(Fault {
			step: 0,
			operation: tensor,
			element: declared.shape.elements().unwrap() as usize - 1,
			flip: 1,
		});
		let mut game = game(&round, &facts, round.compute(Some(corruption)));
		let played = game.play(game.defender.claim());
		assert_eq!(played.loser, Party::Defender, "tensor {tensor}");
		assert_eq!(played.checkpoint, Some(0));
		// And who disputes the right one by a wrong one loses.
		let mut game = Game {
			defender: game.challenger,
			challenger: game.defender,
			..game
		};
		let played = game.play(game.defender.claim());
		assert_eq!(played.loser, Party::Challenger, "tensor {tensor}");
		assert!(!played.by_the_clock);
	}
}

/// An update is left out, or counts twice.
#[test]
fn a_merge_of_other_updates_is_found() {
	let task = Task::random(11, 20, &[5, 40]);
	let sealed = updates(&task, 5, &mut Numbers(3));
	let mut forged = sealed.clone();
	forged[2] = forged[4].clone();
	let right = round(&task, &sealed, 2, 2, &mut Numbers(5));
	let wrong = Round {
		updates: &forged,
		..right
	};
	let facts = right.facts();
	let mut game = game(&right, &facts, wrong.compute(None));
	let played = game.play(game.defender.claim());
	assert_eq!(played.loser, Party::Defender);
	assert_eq!(played.checkpoint, Some(0));
	let mut game = Game {
		defender: game.challenger,
		challenger: game.defender,
		..game
	};
	let played = game.play(game.defender.claim());
	assert_eq!(played.loser, Party::Challenger);
}

/// A change of a challenger's move, by a number that decides which.
fn lie(made: Option<ChallengerMove>, position: &Position, numbers: &mut Numbers) -> ChallengerMove {
	let Some(ChallengerMove::Evidence {
		mut operands,
		mut tiles,
	}) = made
	else {
		let parts = match position {
			Position::Trace(checkpoints) => checkpoints.len() + 1,
			_ => 16,
		};
		return ChallengerMove::Part(numbers.below(parts) as u32);
	};
	match numbers.below(4) {
		0 => operands.truncate(numbers.below(operands.len() + 1)),
		1 => tiles.tiles.truncate(numbers.below(tiles.tiles.len() + 1)),
		2 => {
			if let Some(tile) = tiles.tiles.first_mut() {
				tile.bytes[numbers.below(4_096)] ^= 1 << numbers.below(8);
			}
		}
		_ => {
			if let Some(operand) = operands.first_mut() {
				operand.root[numbers.below(32)] ^= 1;
			}
		}
	}
	ChallengerMove::Evidence { operands, tiles }
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

	/// The challenger disputes what is right. It has computed something else, or the same; it names any
	/// checkpoint and any part, shows true evidence or altered evidence, or says nothing.
	#[test]
	fn who_is_right_does_not_lose(
		seed: u64, operations in 1..40usize, segments in 1..5u32, steps in 1..20u32, ways in 0..4usize,
	) {
		let task = Task::random(seed, operations, &[1, 2, 5, 17, 33, 300]);
		let mut numbers = Numbers(seed);
		let updates = updates(&task, numbers.below(4), &mut numbers);
		let round = round(&task, &updates, segments, steps, &mut numbers);
		let corruption = match numbers.below(3) {
			0 => None,
			_ => Some(Corruption::Element(fault(&task.program, round.steps(), &mut numbers))),
		};
		let facts = round.facts();
		let mut game = Game {
			program: &task.program,
			facts: &facts,
			defender: round.compute(None),
			challenger: round.compute(corruption),
		};
		let shown = std::cell::RefCell::new(None);
		let played = game.play_with(
			game.defender.claim(),
			&mut |_, own| {
				if let Some(DefenderMove::Tile(tile)) = &own {
					*shown.borrow_mut() = Some(tile.clone());
				}
				own
			},
			&mut |dispute, own| {
				let own = own.filter(|_| numbers.below(4) < ways);
				match dispute.position() {
					Position::Element { .. } => own.or_else(|| Some(ChallengerMove::Element {
						tile: shown.borrow().clone().unwrap(),
						place: numbers.below(1_024) as u16,
					})),
					// An input that is handed through has one root.
					Position::Input { .. } => own,
					// True evidence, for the best that a challenger can do.
					Position::Passage { .. } if own.is_some() => own,
					position => own.or_else(|| Some(lie(None, position, &mut numbers))),
				}
			},
		);
		prop_assert_eq!(played.loser, Party::Challenger);
	}

	/// Evidence that was altered is refused, or shows that the claim is right.
	#[test]
	fn altered_evidence_does_not_win(seed: u64, operations in 1..40usize, steps in 1..5u32) {
		let task = Task::random(seed, operations, &[1, 2, 5, 17, 33, 300]);
		let mut numbers = Numbers(seed);
		let round = round(&task, &[], 1, steps, &mut numbers);
		let facts = round.facts();
		let mut game = game(&round, &facts, round.compute(None));
		let shown = std::cell::RefCell::new(None);
		let played = game.play_with(
			game.defender.claim(),
			&mut |_, own| {
				if let Some(DefenderMove::Tile(tile)) = &own {
					*shown.borrow_mut() = Some(tile.clone());
				}
				own
			},
			&mut |dispute, own| Some(match dispute.position() {
				Position::Trace(_) => ChallengerMove::Part(1),
				Position::Element { .. } => ChallengerMove::Element {
					tile: shown.borrow().clone().unwrap(),
					place: 0,
				},
				position => lie(own, position, &mut numbers),
			}),
		);
		prop_assert_eq!(played.loser, Party::Challenger);
	}

	/// The defender is wrong from the start and alters its moves: any move that counts hashes to what it said
	/// before, so it still loses.
	#[test]
	fn who_is_wrong_does_not_win(
		seed: u64, operations in 1..40usize, segments in 1..5u32, steps in 1..20u32,
	) {
		let task = Task::random(seed, operations, &[1, 2, 5, 17, 33, 300]);
		let program = &task.program;
		let mut numbers = Numbers(seed);
		let updates = updates(&task, numbers.below(4), &mut numbers);
		let right = round(&task, &updates, segments, steps, &mut numbers);
		// It claims the states after other steps than those it was to make, and mixes both stories.
		let stale = Round { first_position: right.first_position + 1, ..right };
		let facts = right.facts();
		let mut game = game(&right, &facts, stale.compute(None));
		prop_assume!(game.defender.roots() != game.challenger.roots());
		let mut honest = right.compute(None);
		let subject = Subject::Round {
			trace: repops::commit::trace_root(&game.defender.roots()),
			end: *game.defender.roots().last().unwrap(),
			segments,
			steps_per_segment: steps,
			first_position: right.first_position,
			start: if updates.is_empty() { pouw_dispute::Start::Initial } else { pouw_dispute::Start::Merge },
		};
		let played = game.play_with(
			subject,
			&mut |dispute, own| match numbers.below(3) {
				0 => {
					honest.follow(dispute);
					let made = pouw_dispute::defend(dispute, program, &facts, &mut honest).ok();
					made.filter(|made| {
						dispute.clone().defend(made.clone(), program, &facts).is_ok()
					}).or(own)
				}
				_ => own,
			},
			&mut |_, own| own,
		);
		prop_assert_eq!(played.loser, Party::Defender);
	}
}

/// The computation of a score.
struct Evaluation<'a> {
	recorded: &'a Recorded,
	data: [Hash; 2],
}

impl Player for Evaluation<'_> {}

/// A score is no round and makes no state.
#[derive(Debug)]
struct NoSuchThing;

impl Computation for Evaluation<'_> {
	type Error = NoSuchThing;

	fn checkpoint_roots(&mut self) -> Result<Vec<Hash>, NoSuchThing> {
		Err(NoSuchThing)
	}

	fn wrong_checkpoint(&mut self, _: &[Hash]) -> Result<Option<u32>, NoSuchThing> {
		Err(NoSuchThing)
	}

	fn data_roots(&mut self) -> Result<[Hash; 2], NoSuchThing> {
		Ok(self.data)
	}

	fn state_root(&mut self, _: u64) -> Result<Hash, NoSuchThing> {
		Err(NoSuchThing)
	}

	fn tensor_roots_before(&mut self, step: u64) -> Result<Vec<Hash>, NoSuchThing> {
		Ok(roots(self.recorded.state(step)))
	}

	fn tensor_roots_after(&mut self, _: u64) -> Result<Vec<Hash>, NoSuchThing> {
		Err(NoSuchThing)
	}

	fn tensor_roots_of_update(&mut self, _: u16) -> Result<Vec<Hash>, NoSuchThing> {
		Err(NoSuchThing)
	}

	fn result_roots(&mut self, step: u64) -> Result<Vec<Hash>, NoSuchThing> {
		Ok(roots(self.recorded.results(step)))
	}

	fn value(&mut self, step: u64, value: ValueId) -> Result<Tensor, NoSuchThing> {
		Ok(self.recorded.value(step, value).clone())
	}

	fn initial(&mut self, _: u16) -> Result<Tensor, NoSuchThing> {
		Err(NoSuchThing)
	}
}

#[test]
fn a_wrong_score_is_found() {
	let source = mlp_evaluation(&[20, 40, 10], 300);
	let program = &check(&source, Role::Evaluate, &Limits::default()).unwrap();
	let mut numbers = Numbers(5);
	let state: Vec<Tensor> = source
		.state
		.iter()
		.map(|tensor| numbers.tensor(tensor.shape.clone()))
		.collect();
	let (features, labels) = (numbers.tensor([300, 20]), numbers.labels(300, 10));
	let bindings = Bindings {
		state: &state,
		features: Some(&features),
		labels: Some(&labels),
		..Bindings::default()
	};
	let data = [tensor_root(&features), tensor_root(&labels)];
	let facts = Facts {
		data: Some(data_root(&data)),
		..Facts::default()
	};
	let correct = source
		.outputs
		.iter()
		.find(|output| output.target == Target::Correct)
		.unwrap()
		.value;
	let score = |recorded: &Recorded| recorded.value(0, correct).as_u32().unwrap()[0];
	let right = Recorded::run(program, &bindings, 0, 1, None);
	// Each operation in turn has a wrong element; where that changes the score, it is found.
	let mut found = 0;
	for operation in 0..source.operations.len() {
		let fault = Fault {
			step: 0,
			operation,
			element: right.results(0)[operation].len() / 2,
			flip: 1 << 30,
		};
		let corruption = Some(Corruption::Element(fault));
		let wrong = Recorded::run(program, &bindings, 0, 1, corruption);
		if score(&wrong) == score(&right) {
			continue;
		}
		found += 1;
		let side = |recorded| Evaluation { recorded, data };
		let mut game = Game {
			program,
			facts: &facts,
			defender: side(&wrong),
			challenger: side(&right),
		};
		let played = game.play(Subject::Evaluation {
			state: state_root(&state),
			correct: score(&wrong),
		});
		assert_eq!(played.loser, Party::Defender, "operation {operation}");
	}
	assert!(found > 0);
}

/// The greatest dispute is known before it is stored.
#[test]
fn a_dispute_has_a_greatest_size() {
	use codec::MaxEncodedLen;
	assert!(Dispute::max_encoded_len() < 40 * 1024);
}
