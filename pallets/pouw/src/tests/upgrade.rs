//! What an upgrade of the runtime means for a dispute that is open: nothing, unless it changes the arithmetic.
//! A runtime of another arithmetic can't judge, so it takes nothing from anybody.

use super::arithmetic::{self, commit, round, Corruption, Own, TASK};
use crate::{mock::*, Error, Event, HoldReason, SHARE_OF_WINNER};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::OnRuntimeUpgrade},
	sp_core::storage::StateVersion,
	sp_io::storage::root,
};
use pouw_dispute::{challenge, defend, Party};
use pouw_primitives::{
	spec::ARITHMETIC_VERSION, status::Phase, ticket::Role, DisputeId, TaskId, POUW,
};
use repops::commit::TILE_BYTES;

/// How a dispute has ended: who has lost it and whether by the clock, or that it was void.
type End = Option<(Party, bool)>;

/// A task with a trainer that has not trained all of its first round, and a stranger's dispute about that.
struct Disputed {
	task: TaskId,
	trainer: AccountId,
	dispute: DisputeId,
}

impl Disputed {
	/// Opens the dispute, and returns what the trainer claims and what is right.
	fn open() -> (Self, Own<'static>, Own<'static>) {
		let task = submit(CLIENT, arithmetic::spec());
		pass(3);
		let trainers = workers(task, Role::Trainer);
		for trainer in &trainers {
			set_conduct(*trainer, Conduct::LeavesAfterAccepting);
		}
		// They know no arithmetic.
		VERIFIERS.for_each(|verifier| set_conduct(verifier, Conduct::Absent));
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let claimed = round(task, 0, 0, &[]).compute(Some(Corruption::Idle { from: 9 }));
		let right = round(task, 0, 0, &[]).compute(None);
		commit(trainers[0], task, 0, &claimed);
		live_until("its availability", 10, || {
			crate::Commitments::<Test>::get((task, 0, 0))
				.is_some_and(|committed| committed.commitment.available)
		});
		let dispute = crate::NextDispute::<Test>::get();
		assert_ok!(Pouw::challenge(RuntimeOrigin::signed(STRANGER), task, 0, 0));
		let trainer = trainers[0];
		let disputed = Disputed {
			task,
			trainer,
			dispute,
		};
		(disputed, claimed, right)
	}

	/// The party whose turn it is makes its move. False if the dispute has ended.
	fn make_move(&self, defender: &mut Own, challenger: &mut Own) -> bool {
		let Some(dispute) = Pouw::dispute_status(self.dispute) else {
			return false;
		};
		let (game, program, id) = (&dispute.game, &TASK.program, self.dispute);
		match game.to_move() {
			Party::Defender => {
				defender.follow(game);
				let facts = defender.round.facts();
				let made = defend(game, program, &facts, defender).unwrap();
				let parts = game.parts_of_defence(&made, program, &facts).unwrap();
				let origin = RuntimeOrigin::signed(dispute.defender);
				assert_ok!(Pouw::defend_dispute(origin, id, parts, Box::new(made)));
			}
			Party::Challenger => {
				challenger.follow(game);
				let facts = challenger.round.facts();
				let shown: Option<&[u8; TILE_BYTES]> = dispute.shown[..].try_into().ok();
				let made = challenge(game, program, &facts, challenger, shown).unwrap();
				let parts = game.parts_of_challenge(&made, program, &facts).unwrap();
				let origin = RuntimeOrigin::signed(dispute.challenger);
				assert_ok!(Pouw::pursue_dispute(origin, id, parts, Box::new(made)));
			}
		}
		true
	}

	/// Whether the referee has spoken, though the chain has not yet done what follows from it.
	fn is_decided(&self) -> bool {
		crate::Disputes::<Test>::get(self.dispute)
			.is_some_and(|dispute| dispute.proven_wrong.is_some())
	}

	fn end(&self) -> End {
		let ended = events().into_iter().find_map(|event| match event {
			RuntimeEvent::Pouw(Event::DisputeEnded {
				dispute,
				loser,
				timed_out,
				..
			}) if dispute == self.dispute => Some(Some((loser, timed_out))),
			RuntimeEvent::Pouw(Event::DisputeVoided { dispute }) if dispute == self.dispute => {
				Some(None)
			}
			_ => None,
		});
		ended.expect("the dispute has ended")
	}

	/// Lets everybody go on as they should until the task has ended.
	fn finish(&self) {
		TRAINERS.for_each(|trainer| set_conduct(trainer, Conduct::Honest));
		assert_eq!(live_to_end(self.task).phase, Phase::Settled);
	}
}

/// What a new runtime runs before its first block. The state stays as it was, to the last bit.
fn upgrade() {
	let before = root(StateVersion::V1);
	<AllPalletsWithSystem as OnRuntimeUpgrade>::on_runtime_upgrade();
	assert_eq!(root(StateVersion::V1), before);
	check_invariants();
}

/// From now on the task is one of another arithmetic than the runtime's.
fn change_arithmetic(task: TaskId) {
	pallet_ml_tasks::Specs::<Test>::mutate(task, |spec| {
		spec.as_mut().unwrap().arithmetic_version = ARITHMETIC_VERSION + 1;
	});
}

/// Plays a dispute with an upgrade after so many moves. Returns the moves, how it ended, and what the challenger
/// and the trainer have then.
fn play_with_upgrade_after(upgraded: Option<u32>) -> (u32, End, [u128; 2]) {
	let mut told = None;
	in_market(|| {
		let (disputed, mut claimed, mut right) = Disputed::open();
		let mut moves = 0;
		loop {
			if upgraded == Some(moves) {
				upgrade();
			}
			if !disputed.make_move(&mut claimed, &mut right) {
				break;
			}
			moves += 1;
			pass(1);
			check_invariants();
		}
		let wealth = [wealth(STRANGER), wealth(disputed.trainer)];
		told = Some((moves, disputed.end(), wealth));
		disputed.finish();
	});
	told.unwrap()
}

#[test]
fn an_upgrade_in_mid_dispute_leaves_its_verdict() {
	let without = play_with_upgrade_after(None);
	let (moves, end, [challenger, _]) = without;
	assert_eq!(end, Some((Party::Defender, false)));
	assert_eq!(challenger, PURSE + SHARE_OF_WINNER.mul_floor(10 * POUW));
	assert!(moves > 10, "{moves} moves");
	for upgraded in 0..moves {
		assert_eq!(play_with_upgrade_after(Some(upgraded)), without);
	}
}

#[test]
fn a_runtime_of_another_arithmetic_takes_no_challenge() {
	in_market(|| {
		let (disputed, ..) = Disputed::open();
		change_arithmetic(disputed.task);
		assert_noop!(
			Pouw::challenge(RuntimeOrigin::signed(OTHER_CLIENT), disputed.task, 0, 0),
			Error::<Test>::NotChallengeable
		);
		pass(7);
		disputed.finish();
	});
}

#[test]
fn a_time_out_under_another_arithmetic_has_no_loser() {
	// With the defender to move, and with the challenger.
	for moves in [0, 1] {
		in_market(|| {
			let (disputed, mut claimed, mut right) = Disputed::open();
			let before = wealth(disputed.trainer);
			for _ in 0..moves {
				assert!(disputed.make_move(&mut claimed, &mut right));
			}
			assert_eq!(held(HoldReason::Challenge, STRANGER), 10 * POUW);
			upgrade();
			change_arithmetic(disputed.task);
			pass(7);
			assert_eq!(disputed.end(), None);
			assert_eq!(held(HoldReason::Challenge, STRANGER), 0);
			assert_eq!(wealth(STRANGER), PURSE);
			assert_eq!(wealth(disputed.trainer), before);
			assert!(ticket_of(disputed.trainer).is_some());
			for party in [STRANGER, disputed.trainer] {
				assert_eq!(Rewards::reputation(party).faults, 0);
			}
			disputed.finish();
		});
	}
}

#[test]
fn what_the_referee_has_said_before_holds_under_another_arithmetic() {
	in_market(|| {
		let (disputed, mut claimed, mut right) = Disputed::open();
		while disputed.make_move(&mut claimed, &mut right) && !disputed.is_decided() {
			pass(1);
		}
		upgrade();
		change_arithmetic(disputed.task);
		pass(1);
		assert_eq!(disputed.end(), Some((Party::Defender, false)));
		assert_eq!(ticket_of(disputed.trainer), None);
		disputed.finish();
	});
}
