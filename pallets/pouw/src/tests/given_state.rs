//! Tasks that start from a state that their client has given: the chain knows its root, and everything else follows.

use super::{
	arithmetic::{self, commit, play, Corruption, Fault, Own, GIVEN, TASK},
	refutations::{challenge, finish, first_round, loser, task_of},
};
use crate::{mock::*, Error, Event};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::H256,
	sp_runtime::Permill,
};
use pouw_dispute::{ChallengerMove, DefenderMove, Party, Subject};
use pouw_primitives::{
	proof::{audit_commitment, AuditAnswer},
	spec::{StateSpec, TaskSpec},
	DisputeId, RoundIndex, Slot, TaskId, POUW,
};
use repops::{commit::state_root, tensor::Tensor};

fn spec() -> TaskSpec {
	TaskSpec {
		initial_state: Some(StateSpec {
			blob: H256::repeat_byte(5),
			root: H256(state_root(&GIVEN)),
		}),
		..arithmetic::spec()
	}
}

fn task() -> (TaskId, AccountId, AccountId) {
	task_of(spec())
}

/// A trainer's round from the given state.
fn right<'a>(task: TaskId, round: RoundIndex, slot: Slot, updates: &'a [Vec<Tensor>]) -> Own<'a> {
	let right = arithmetic::round(task, round, slot, updates).compute(None);
	if updates.is_empty() {
		assert_eq!(right.checkpoints[0], *GIVEN);
	}
	right
}

/// A trainer's round from what the seed makes, which is not what this task starts from.
fn from_seed(task: TaskId, slot: Slot) -> Own<'static> {
	let mut round = arithmetic::round(task, 0, slot, &[]);
	round.given = None;
	assert_ne!(TASK.initial(&round.seed), *GIVEN);
	round.compute(None)
}

#[test]
fn a_round_from_the_seed_is_refuted_as_soon_as_its_trace_is_open() {
	in_market(|| {
		AuditRate::set(Permill::one());
		let (task, faker, _) = task();
		let mut claimed = from_seed(task, 0);
		commit(faker, task, 0, &claimed);
		live(1);
		pass(4);
		// All verifiers of the first segment are in league with it.
		let audit = crate::AuditOfSegment::<Test>::get((task, 0, 0, 0)).unwrap();
		let parties = Pouw::audit_status(audit).unwrap().parties;
		let lie = AuditAnswer {
			digest: H256::repeat_byte(1),
			in_trace: true,
		};
		for party in &parties {
			let commitment = audit_commitment(&party.account, audit, &lie);
			let origin = RuntimeOrigin::signed(party.account);
			assert_ok!(Pouw::commit_audit(origin, audit, commitment));
		}
		for party in &parties {
			let origin = RuntimeOrigin::signed(party.account);
			assert_ok!(Pouw::reveal_audit(origin, audit, lie));
		}
		pass(1);
		let before = wealth(STRANGER);
		let id = challenge(task, 0);
		let moves = play(id, &mut claimed, &mut right(task, 0, 0, &[]));
		assert_eq!((loser(id), moves), ((Party::Defender, false), 1));
		assert_eq!(ticket_of(faker), None);
		assert_eq!(wealth(STRANGER), before + 5 * POUW);
		assert_eq!(status(task).segments.rejected, 1);
		// Who has approved the segment that starts there goes with it.
		for party in &parties[1..] {
			assert_eq!(ticket_of(party.account), None);
		}
		let slashed = events()
			.into_iter()
			.filter(|event| matches!(event, RuntimeEvent::Pouw(Event::VerifierSlashed { .. })));
		assert_eq!(slashed.count(), parties.len() - 1);
		finish(task);
	});
}

#[test]
fn a_start_that_differs_in_one_bit_is_refuted() {
	in_market(|| {
		let (task, faker, _) = task();
		let corruption = Corruption::Start(Fault {
			step: 0,
			operation: GIVEN.len() - 1,
			element: 0,
			flip: 1,
		});
		let mut claimed = arithmetic::round(task, 0, 0, &[]).compute(Some(corruption));
		commit(faker, task, 0, &claimed);
		live(2);
		let id = challenge(task, 0);
		play(id, &mut claimed, &mut right(task, 0, 0, &[]));
		assert_eq!(loser(id), (Party::Defender, false));
		assert_eq!(ticket_of(faker), None);
		finish(task);
	});
}

#[test]
fn what_is_wrong_in_the_first_segment_is_found() {
	let element = Fault {
		step: 0,
		operation: 0,
		element: 0,
		flip: 1,
	};
	for corruption in [
		Corruption::Idle { from: 0 },
		Corruption::Rows { step: 0 },
		Corruption::Element(element),
	] {
		in_market(|| {
			let (task, faker, _) = task();
			let mut claimed = arithmetic::round(task, 0, 0, &[]).compute(Some(corruption));
			let mut right = right(task, 0, 0, &[]);
			assert_eq!(claimed.roots()[0], right.roots()[0]);
			assert_ne!(claimed.roots()[1], right.roots()[1], "{corruption:?}");
			commit(faker, task, 0, &claimed);
			live(2);
			let id = challenge(task, 0);
			let moves = play(id, &mut claimed, &mut right);
			assert_eq!(loser(id), (Party::Defender, false), "{corruption:?}");
			assert!(moves > 1);
			assert_eq!(ticket_of(faker), None);
			finish(task);
		});
	}
}

#[test]
fn a_challenger_can_not_say_that_the_given_state_is_wrong() {
	in_market(|| {
		let (task, trainer, _) = task();
		let mut own = right(task, 0, 0, &[]);
		commit(trainer, task, 0, &own);
		live(2);
		let id = challenge(task, 0);
		play_opening(id, &own);
		let named = Pouw::pursue_dispute(
			RuntimeOrigin::signed(STRANGER),
			id,
			arithmetic::parts([]),
			Box::new(ChallengerMove::Part(0)),
		);
		assert_noop!(named, Error::<Test>::NoSuchPart);
		// It takes the seed's state for the start, and has nothing else to say.
		play(id, &mut own, &mut from_seed(task, 0));
		assert_eq!(loser(id), (Party::Challenger, true));
		assert!(ticket_of(trainer).is_some());
		assert_eq!(wealth(STRANGER), PURSE - 10 * POUW);
		finish(task);
	});
}

/// The trainer opens its trace.
fn play_opening(id: DisputeId, own: &Own) {
	let dispute = Pouw::dispute_status(id).unwrap();
	assert_ok!(Pouw::defend_dispute(
		RuntimeOrigin::signed(dispute.defender),
		id,
		arithmetic::parts([]),
		Box::new(DefenderMove::Trace(own.roots())),
	));
}

#[test]
fn later_rounds_start_from_the_merge() {
	in_market(|| {
		let (task, first, second) = task();
		let updates = first_round(task, [first, second]);
		let own = right(task, 1, 1, &updates);
		assert_ne!(own.checkpoints[0], *GIVEN);
		commit(second, task, 1, &own);
		// It starts from the given state once more.
		let stale = arithmetic::round(task, 1, 0, &[]).compute(None);
		assert_eq!(stale.checkpoints[0], *GIVEN);
		commit(first, task, 1, &stale);
		live(2);
		let id = challenge(task, 1);
		play_opening(id, &stale);
		assert_ok!(Pouw::pursue_dispute(
			RuntimeOrigin::signed(STRANGER),
			id,
			arithmetic::parts([]),
			Box::new(ChallengerMove::Part(0)),
		));
		// It can't show how the merge would give that.
		let claimed = state_root(&GIVEN);
		let subject = *Pouw::dispute_status(id).unwrap().game.subject();
		assert_eq!(subject, Subject::Merge { claimed });
		live_until("its end", 20, || Pouw::dispute_status(id).is_none());
		assert_eq!(loser(id), (Party::Defender, true));
		assert_eq!(ticket_of(first), None);
		assert!(ticket_of(second).is_some());
		finish(task);
	});
}
