//! A training that is really computed, for disputes that come down to its arithmetic.

#[path = "../../../../primitives/dispute/tests/computation/mod.rs"]
mod computation;

pub(crate) use computation::{roots, Corruption, Fault, Own, Recorded, Round, Task};

use crate::mock::*;
use computation::programs::Numbers;
use polkadot_sdk::{frame_support::assert_ok, sp_core::H256};
use pouw_dispute::{challenge, data_root, defend, Party, Subject};
use pouw_primitives::{
	spec::{batch_position, TaskSpec},
	DisputeId, RoundIndex, Slot, TaskId,
};
use repops::{
	check::Checked,
	commit::{tensor_root, Hash, TILE_BYTES},
	interpret::Bindings,
	parts::{program_root, show, PartProof, Place},
	program::Target,
	random::Seed,
	tensor::Tensor,
};
use std::sync::LazyLock;

/// The programs and data of all tasks of the tests.
pub(crate) static TASK: LazyLock<Task> = LazyLock::new(Task::tiny);

/// The hidden part of the data, and the program that scores a state on it.
pub(crate) struct Test {
	pub(crate) program: Checked,
	pub(crate) features: Tensor,
	pub(crate) labels: Tensor,
}

impl Test {
	/// The root that commits to the evaluation program's parts.
	pub(crate) fn program_root(&self) -> H256 {
		H256(program_root(&self.program))
	}

	/// The roots of the features and of the labels.
	pub(crate) fn data_roots(&self) -> [Hash; 2] {
		[tensor_root(&self.features), tensor_root(&self.labels)]
	}

	/// The root of the data.
	pub(crate) fn data_root(&self) -> H256 {
		H256(data_root(&self.data_roots()))
	}

	/// The scoring of a state, with something done wrong or not.
	pub(crate) fn run(&self, state: &[Tensor], corruption: Option<Corruption>) -> Recorded {
		let bindings = Bindings {
			state,
			features: Some(&self.features),
			labels: Some(&self.labels),
			..Bindings::default()
		};
		Recorded::run(&self.program, &bindings, 0, 1, corruption)
	}

	/// The number of right answers that a scoring has come to.
	pub(crate) fn correct(&self, scored: &Recorded) -> u32 {
		let outputs = &self.program.program().outputs;
		let correct = outputs
			.iter()
			.find(|output| output.target == Target::Correct);
		scored.value(0, correct.unwrap().value).as_u32().unwrap()[0]
	}
}

/// The test part of all tasks of the tests.
pub(crate) static TEST: LazyLock<Test> = LazyLock::new(|| {
	let mut numbers = Numbers(9);
	Test {
		program: TASK.evaluation(&[5, 7, 3], 200),
		features: numbers.tensor([200, 5]),
		labels: numbers.labels(200, 3),
	}
});

/// A state that tasks may be told to start from: no seed makes it.
pub(crate) static GIVEN: LazyLock<Vec<Tensor>> = LazyLock::new(|| {
	let mut numbers = Numbers(10);
	let declared = TASK.program.program().state.iter();
	declared
		.map(|tensor| numbers.tensor(tensor.shape.clone()))
		.collect()
});

/// These parts of the step program, and the counts.
pub(crate) fn parts(places: impl IntoIterator<Item = Place>) -> Vec<PartProof> {
	show(&TASK.program, places)
}

/// A task of two trainers and two rounds of three segments of four steps.
pub(crate) fn spec() -> TaskSpec {
	let mut spec = small_spec();
	spec.training.rounds = 2;
	spec.training.steps_per_round = 12;
	spec.training.steps_per_segment = 4;
	spec.training.batch = 4;
	// Longer than a dispute.
	spec.round_deadline = 200;
	spec
}

/// A trainer's round, from these updates.
pub(crate) fn round<'a>(
	task: TaskId,
	round: RoundIndex,
	slot: Slot,
	updates: &'a [Vec<Tensor>],
) -> Round<'a> {
	let status = status(task);
	let training = status.spec.training;
	Round {
		task: &TASK,
		seed: Seed(status.seed.unwrap().0),
		updates,
		given: status.spec.initial_state.map(|_| &GIVEN[..]),
		first_position: batch_position(&training, round, slot, 0),
		segments: status.spec.segments_per_round(),
		steps_per_segment: training.steps_per_segment,
	}
}

/// A trainer commits to what it has computed, and the supervisors hold it.
pub(crate) fn commit(trainer: AccountId, task: TaskId, number: RoundIndex, own: &Own) {
	let Subject::Round { trace, end, .. } = own.claim() else {
		panic!("a commitment is to a round");
	};
	assert_ok!(Pouw::commit_round(
		RuntimeOrigin::signed(trainer),
		task,
		number,
		status(task).record,
		H256(trace),
		H256(end),
		H256::zero(),
		48,
		0,
	));
}

/// Plays a dispute on chain until it has ended, a move in each block. A party that finds no move lets its time
/// pass. Returns the moves that were made.
pub(crate) fn play(id: DisputeId, defender: &mut Own, challenger: &mut Own) -> u32 {
	let mut moves = 0;
	for _ in 0..400 {
		let Some(dispute) = Pouw::dispute_status(id) else {
			return moves;
		};
		let (game, program) = (&dispute.game, &TASK.program);
		match game.to_move() {
			Party::Defender => {
				defender.follow(game);
				let facts = defender.round.facts();
				if let Ok(made) = defend(game, program, &facts, defender) {
					if let Ok(parts) = game.parts_of_defence(&made, program, &facts) {
						let origin = RuntimeOrigin::signed(dispute.defender);
						assert_ok!(Pouw::defend_dispute(origin, id, parts, Box::new(made)));
						moves += 1;
					}
				}
			}
			Party::Challenger => {
				challenger.follow(game);
				let facts = challenger.round.facts();
				let shown: Option<&[u8; TILE_BYTES]> = dispute.shown[..].try_into().ok();
				if let Ok(made) = challenge(game, program, &facts, challenger, shown) {
					if let Ok(parts) = game.parts_of_challenge(&made, program, &facts) {
						let origin = RuntimeOrigin::signed(dispute.challenger);
						// Who takes something else for granted than the chain does may have no move.
						let made = Pouw::pursue_dispute(origin, id, parts, Box::new(made));
						moves += u32::from(made.is_ok());
					}
				}
			}
		}
		pass(1);
		check_invariants();
	}
	panic!("a dispute does not end");
}
