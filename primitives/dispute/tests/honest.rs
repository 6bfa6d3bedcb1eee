//! An honest party wins: whatever single element of whatever operation is wrong, it is found; and who has
//! claimed what is right can't be made to lose.

#[path = "../../../ml-worker/engine/tests/programs/mod.rs"]
mod programs;
mod support;

use pouw_dispute::{ChallengerMove, DefenderMove, Party, Position, Subject};
use programs::{mlp_evaluation, random::random_step, Numbers};
use proptest::prelude::*;
use repops::{
	check::{check, Limits, Role},
	interpret::Bindings,
	merge::average_program,
	program::Target,
	random::Seed,
	tensor::Tensor,
};
use support::{facts_of, Fault, Game, Played, Recorded, Side};

/// Plays a dispute about the steps of a random program, of which the defender's computation has a fault.
/// None if the fault leaves no trace in the states.
fn dispute_steps(seed: u64, operations: usize, lengths: &[u32], steps: u64) -> Option<Played> {
	let random = random_step(seed, operations, lengths);
	let (program, bindings) = (&random.program, random.bindings());
	let mut numbers = Numbers(seed ^ 0x5EED);
	let right = Recorded::run(program, &bindings, steps, None);
	let inputs = program.program().inputs.len();
	let operation = numbers.below(program.program().operations.len());
	let step = numbers.below(steps as usize) as u64;
	let fault = Fault {
		step,
		operation,
		element: numbers.below(right.result(step, inputs, operation).len()),
		flip: 1 << numbers.below(32),
	};
	let wrong = Recorded::run(program, &bindings, steps, Some(fault));
	let claimed = wrong.root(steps as usize);
	if claimed == right.root(steps as usize) {
		return None;
	}
	let subject = Subject::Steps {
		before: right.root(0),
		claimed,
		steps: steps as u32,
		first_position: bindings.position,
	};
	let played = Game {
		program,
		facts: &facts_of(&bindings),
		defender: Side {
			program,
			recorded: &wrong,
		},
		challenger: Side {
			program,
			recorded: &right,
		},
	}
	.play(subject);
	// It is found where it is.
	match &played.last {
		Position::Passage {
			operation: found, ..
		} => assert_eq!(*found as usize, operation),
		other => panic!("{other:?}"),
	}
	Some(played)
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

	#[test]
	fn a_wrong_element_of_a_small_program_is_found(seed: u64, operations in 1..60usize, steps in 1..24u64) {
		if let Some(played) = dispute_steps(seed, operations, &[1, 2, 3, 5, 17, 33, 40], steps) {
			prop_assert_eq!(played.loser, Party::Defender);
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

	/// Several tiles, several chunks, trees of several levels.
	#[test]
	fn a_wrong_element_of_a_large_program_is_found(seed: u64, operations in 1..80usize) {
		if let Some(played) = dispute_steps(seed, operations, &[70, 300, 600], 2) {
			prop_assert_eq!(played.loser, Party::Defender);
		}
	}
}

/// Most faults leave a trace; were it otherwise, the tests above would show little.
#[test]
fn faults_leave_traces() {
	let found = (0..100).filter(|seed| dispute_steps(*seed, 30, &[3, 5, 17, 40], 3).is_some());
	let found = found.count();
	assert!(found > 25, "only {found} of 100 were found");
}

/// A change of a challenger's move, by a number that decides which.
fn lie(made: Option<ChallengerMove>, position: &Position, numbers: &mut Numbers) -> ChallengerMove {
	match (made, position) {
		(
			Some(ChallengerMove::Evidence {
				mut operands,
				mut tiles,
			}),
			_,
		) => {
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
		(made, _) => made.unwrap_or(ChallengerMove::Part(numbers.below(16) as u32)),
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

	/// The challenger disputes what is right: it names anything, shows true evidence or altered evidence, or
	/// says nothing.
	#[test]
	fn who_is_right_does_not_lose(seed: u64, operations in 1..40usize, steps in 1..20u64) {
		let random = random_step(seed, operations, &[1, 2, 5, 17, 33, 300]);
		let (program, bindings) = (&random.program, random.bindings());
		let right = Recorded::run(program, &bindings, steps, None);
		let subject = Subject::Steps {
			before: right.root(0),
			claimed: right.root(steps as usize),
			steps: steps as u32,
			first_position: bindings.position,
		};
		let mut numbers = Numbers(seed);
		let mut shown = None;
		let shown = std::cell::RefCell::new(&mut shown);
		let mut game = Game {
			program,
			facts: &facts_of(&bindings),
			defender: Side { program, recorded: &right },
			challenger: Side { program, recorded: &right },
		};
		let alters = seed % 3 == 0;
		let played = game.play_with(
			subject,
			&mut |_, own| {
				if let Some(DefenderMove::Tile(tile)) = &own {
					**shown.borrow_mut() = Some(tile.clone());
				}
				own
			},
			&mut |dispute, own| {
				let own = match dispute.position() {
					Position::Element { .. } => Some(ChallengerMove::Element {
						tile: shown.borrow().clone().unwrap(),
						place: numbers.below(1_024) as u16,
					}),
					// True evidence, for the best that a challenger can do.
					Position::Passage { .. } if !alters => own,
					position => Some(lie(own, position, &mut numbers)),
				};
				own
			},
		);
		prop_assert_eq!(played.loser, Party::Challenger);
	}

	/// The defender is wrong from the start and alters its moves: any move that counts hashes to what it said
	/// before, so it still loses.
	#[test]
	fn who_is_wrong_does_not_win(seed: u64, operations in 1..40usize, steps in 1..20u64) {
		let random = random_step(seed, operations, &[1, 2, 5, 17, 33, 300]);
		let (program, bindings) = (&random.program, random.bindings());
		let right = Recorded::run(program, &bindings, steps, None);
		// It claims the state after other steps than those it was to make, and mixes both stories.
		let other = Bindings { position: bindings.position + 1, ..bindings };
		let stale = Recorded::run(program, &other, steps, None);
		prop_assume!(stale.root(steps as usize) != right.root(steps as usize));
		let subject = Subject::Steps {
			before: right.root(0),
			claimed: stale.root(steps as usize),
			steps: steps as u32,
			first_position: bindings.position,
		};
		let mut numbers = Numbers(seed);
		let mut honest = Side { program, recorded: &right };
		let mut game = Game {
			program,
			facts: &facts_of(&bindings),
			defender: Side { program, recorded: &stale },
			challenger: Side { program, recorded: &right },
		};
		let played = game.play_with(
			subject,
			&mut |dispute, own| match numbers.below(3) {
				0 => pouw_dispute::defend(dispute, program, &mut honest).ok().filter(|made| {
					dispute.clone().defend(made.clone(), program).is_ok()
				}).or(own),
				_ => own,
			},
			&mut |_, own| own,
		);
		prop_assert_eq!(played.loser, Party::Defender);
	}
}

#[test]
fn a_wrong_initial_state_is_found() {
	let random = random_step(7, 30, &[33, 70]);
	let program = &random.program;
	let seed = Seed([9; 32]);
	let right = Recorded::initial(program, &seed, None);
	let bindings = Bindings {
		seed,
		..Bindings::default()
	};
	for tensor in 0..right.state(1).len() {
		let fault = Fault {
			step: 0,
			operation: tensor,
			element: right.state(1)[tensor].len() - 1,
			flip: 1,
		};
		let wrong = Recorded::initial(program, &seed, Some(fault));
		for (claims, loser) in [(&wrong, Party::Defender), (&right, Party::Challenger)] {
			let played = Game {
				program,
				facts: &facts_of(&bindings),
				defender: Side {
					program,
					recorded: claims,
				},
				challenger: Side {
					program,
					recorded: if loser == Party::Defender {
						&right
					} else {
						&wrong
					},
				},
			}
			.play(Subject::Initial {
				claimed: claims.root(1),
			});
			assert_eq!(played.loser, loser, "tensor {tensor}");
		}
	}
}

#[test]
fn a_wrong_merge_is_found() {
	let random = random_step(11, 20, &[5, 40]);
	let declared = &random.program.program().state;
	let mut numbers = Numbers(3);
	let updates: Vec<Vec<Tensor>> = (0..5)
		.map(|_| {
			declared
				.iter()
				.map(|tensor| numbers.tensor(tensor.shape.clone()))
				.collect()
		})
		.collect();
	let merge = average_program(declared, 5);
	let program = &check(&merge, Role::Merge { updates: 5 }, &Limits::default()).unwrap();
	let bindings = Bindings {
		updates: &updates,
		..Bindings::default()
	};
	let right = Recorded::run(program, &bindings, 1, None);
	// One update is left out, or counts twice.
	let mut forged = updates.clone();
	forged[2] = forged[4].clone();
	let wrong = Recorded::run(
		program,
		&Bindings {
			updates: &forged,
			..bindings
		},
		1,
		None,
	);
	let mut game = Game {
		program,
		facts: &facts_of(&bindings),
		defender: Side {
			program,
			recorded: &wrong,
		},
		challenger: Side {
			program,
			recorded: &right,
		},
	};
	let played = game.play(Subject::Merge {
		claimed: wrong.root(1),
	});
	assert_eq!(played.loser, Party::Defender);
	let mut game = Game {
		defender: Side {
			program,
			recorded: &right,
		},
		challenger: Side {
			program,
			recorded: &wrong,
		},
		..game
	};
	let played = game.play(Subject::Merge {
		claimed: right.root(1),
	});
	assert_eq!(played.loser, Party::Challenger);
}

#[test]
fn a_wrong_score_is_found() {
	let sizes = [20, 40, 10];
	let program = check(
		&mlp_evaluation(&sizes, 300),
		Role::Evaluate,
		&Limits::default(),
	);
	let program = &program.unwrap();
	let mut numbers = Numbers(5);
	let state: Vec<Tensor> = program
		.program()
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
	let right = Recorded::run(program, &bindings, 1, None);
	let correct =
		|recorded: &Recorded| recorded.output(program, Target::Correct).as_u32().unwrap()[0];
	// Each operation in turn has a wrong element; where that changes the score, it is found.
	let mut found = 0;
	let inputs = program.program().inputs.len();
	for operation in 0..program.program().operations.len() {
		let fault = Fault {
			step: 0,
			operation,
			element: right.result(0, inputs, operation).len() / 2,
			flip: 1 << 30,
		};
		let wrong = Recorded::run(program, &bindings, 1, Some(fault));
		if correct(&wrong) == correct(&right) {
			continue;
		}
		found += 1;
		let played = Game {
			program,
			facts: &facts_of(&bindings),
			defender: Side {
				program,
				recorded: &wrong,
			},
			challenger: Side {
				program,
				recorded: &right,
			},
		}
		.play(Subject::Evaluation {
			correct: correct(&wrong),
		});
		assert_eq!(played.loser, Party::Defender, "operation {operation}");
	}
	assert!(found > 0);
}
