//! Rounds that start from a state that was given: with it there is nothing to compute, so that opening the trace
//! shows whether it is the one.

mod computation;
mod support;

use computation::{flip, programs::Numbers, Corruption, Fault, Own, Round, Task};
use pouw_dispute::{
	ChallengerMove, DefenderMove, Dispute, MoveError, Outcome, Party, Position, Start, Subject,
};
use repops::{commit::state_root, random::Seed, tensor::Tensor};
use support::{Game, Played};

const SEGMENTS: u32 = 3;
const STEPS: u32 = 4;

/// A state that no seed makes.
fn given(task: &Task) -> Vec<Tensor> {
	let mut numbers = Numbers(77);
	let declared = task.program.program().state.iter();
	declared
		.map(|tensor| numbers.tensor(tensor.shape.clone()))
		.collect()
}

fn round<'a>(task: &'a Task, given: Option<&'a [Tensor]>) -> Round<'a> {
	Round {
		task,
		seed: Seed([3; 32]),
		updates: &[],
		given,
		first_position: 5,
		segments: SEGMENTS,
		steps_per_segment: STEPS,
	}
}

/// A dispute in which the chain knows that the round starts from the state with the root of `right`.
fn play(right: &Round, claimed: Own, challenger: Own) -> Played {
	let facts = right.facts();
	let Subject::Round { start, .. } = right.compute(None).claim() else {
		panic!("it is a round");
	};
	let mut subject = claimed.claim();
	if let Subject::Round { start: claimed, .. } = &mut subject {
		*claimed = start;
	}
	let mut game = Game {
		program: &right.task.program,
		facts: &facts,
		defender: claimed,
		challenger,
	};
	game.play(subject)
}

#[test]
fn whoever_starts_elsewhere_has_lost_with_the_opening() {
	let task = Task::tiny();
	let given = given(&task);
	let right = round(&task, Some(&given));
	let mut almost = given.clone();
	let last = almost.len() - 1;
	flip(&mut almost[last], 0, 1);
	for start in [None, Some(&almost[..])] {
		// It has trained rightly from there.
		let claimed = round(&task, start).compute(None);
		let played = play(&right, claimed, right.compute(None));
		assert_eq!(
			(played.loser, played.by_the_clock),
			(Party::Defender, false)
		);
		assert_eq!((played.moves, played.checkpoint), (1, Some(0)));
	}
	// Or says that it starts from the given state, and can't show how the rest follows.
	let mut claimed = round(&task, None).compute(None);
	claimed.checkpoints[0] = given.clone();
	let played = play(&right, claimed, right.compute(None));
	assert_eq!(played.loser, Party::Defender);
	assert_eq!(played.checkpoint, Some(1));
}

#[test]
fn what_is_wrong_in_the_first_segment_is_found() {
	let task = Task::tiny();
	let given = given(&task);
	let right = round(&task, Some(&given));
	let operations = task.program.program().operations.len();
	let faults = (0..operations).map(|operation| {
		let (step, element, flip) = (0, 0, 1 << 22);
		Corruption::Element(Fault {
			step,
			operation,
			element,
			flip,
		})
	});
	let mut found = 0;
	for corruption in faults.chain([Corruption::Idle { from: 0 }, Corruption::Rows { step: 0 }]) {
		let claimed = right.compute(Some(corruption));
		if claimed.roots() == right.compute(None).roots() {
			continue;
		}
		let played = play(&right, claimed, right.compute(None));
		assert_eq!(played.loser, Party::Defender, "{corruption:?}");
		assert_eq!(played.checkpoint, Some(1), "{corruption:?}");
		found += 1;
	}
	assert!(found > operations / 2, "{found} of {operations}");
}

#[test]
fn whoever_starts_from_it_does_not_lose() {
	let task = Task::tiny();
	let given = given(&task);
	let right = round(&task, Some(&given));
	// A challenger that takes the seed's state for the start finds the first checkpoint wrong, and may not say so.
	let from_seed = round(&task, None).compute(None);
	let played = play(&right, right.compute(None), from_seed);
	assert_eq!(
		(played.loser, played.by_the_clock),
		(Party::Challenger, true)
	);
	assert_eq!(played.checkpoint, None);
	let idle = right.compute(Some(Corruption::Idle { from: 2 }));
	let played = play(&right, right.compute(None), idle);
	assert_eq!(played.loser, Party::Challenger);
}

#[test]
fn only_what_follows_from_it_can_be_named() {
	let task = Task::tiny();
	let given = given(&task);
	let right = round(&task, Some(&given));
	let (own, facts) = (right.compute(None), right.facts());
	let claim = own.claim();
	let expected = Start::Given {
		root: state_root(&given),
	};
	assert!(matches!(claim, Subject::Round { start, .. } if start == expected));
	let mut dispute = Dispute::new(claim, &task.program, &facts).unwrap();
	let opening = DefenderMove::Trace(own.roots());
	assert_eq!(
		dispute.defend(opening, &task.program, &facts),
		Ok(Outcome::Open)
	);
	let before = dispute.clone();
	for part in [0, SEGMENTS + 1, u32::MAX] {
		let named = dispute.challenge(ChallengerMove::Part(part), &task.program, &facts);
		assert_eq!(named, Err(MoveError::NoSuchPart));
		assert_eq!(dispute, before);
	}
	let named = dispute.challenge(ChallengerMove::Part(1), &task.program, &facts);
	assert_eq!(named, Ok(Outcome::Open));
	assert!(matches!(dispute.position(), Position::Steps(_)));
	assert!(
		matches!(dispute.subject(), Subject::Steps { before, .. } if *before == state_root(&given))
	);
}
