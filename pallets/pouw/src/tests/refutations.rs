//! Disputes that come down to arithmetic: whatever a trainer has done wrong is found, and who has done nothing
//! wrong loses nothing.

use super::arithmetic::{self, commit, play, round, Corruption, Fault, TASK};
use crate::{mock::*, Event, SHARE_OF_WINNER};
use polkadot_sdk::{frame_support::assert_ok, sp_core::H256, sp_runtime::Permill};
use pouw_dispute::Party;
use pouw_primitives::{
	proof::{audit_commitment, AuditAnswer},
	spec::TaskSpec,
	status::Phase,
	ticket::Role,
	DisputeId, RoundIndex, TaskId, POUW,
};
use repops::tensor::Tensor;

/// A task whose trainers do what the test has them do.
fn task() -> (TaskId, AccountId, AccountId) {
	task_of(arithmetic::spec())
}

pub(super) fn task_of(spec: TaskSpec) -> (TaskId, AccountId, AccountId) {
	let task = submit(CLIENT, spec);
	pass(3);
	let [first, second] = workers(task, Role::Trainer)[..] else {
		panic!("two trainers");
	};
	for trainer in [first, second] {
		set_conduct(trainer, Conduct::LeavesAfterAccepting);
	}
	// They know no arithmetic.
	VERIFIERS.for_each(|verifier| set_conduct(verifier, Conduct::Absent));
	live_until("training", 30, || phase(task) == Phase::Training(0));
	(task, first, second)
}

/// Both trainers make the first round rightly. Returns the states at its end.
pub(super) fn first_round(task: TaskId, trainers: [AccountId; 2]) -> Vec<Vec<Tensor>> {
	let ends = (0..).zip(trainers).map(|(slot, trainer)| {
		let own = round(task, 0, slot, &[]).compute(None);
		commit(trainer, task, 0, &own);
		own.checkpoints.last().unwrap().clone()
	});
	let ends = ends.collect();
	live_until("the second round", 10, || phase(task) == Phase::Training(1));
	ends
}

pub(super) fn challenge(task: TaskId, number: RoundIndex) -> DisputeId {
	let id = crate::NextDispute::<Test>::get();
	assert_ok!(Pouw::challenge(
		RuntimeOrigin::signed(STRANGER),
		task,
		number,
		0
	));
	id
}

pub(super) fn loser(id: DisputeId) -> (Party, bool) {
	let ended = events().into_iter().find_map(|event| match event {
		RuntimeEvent::Pouw(Event::DisputeEnded {
			dispute,
			loser,
			timed_out,
			..
		}) if dispute == id => Some((loser, timed_out)),
		_ => None,
	});
	ended.unwrap()
}

/// Lets everybody go on as they should until the task has ended.
pub(super) fn finish(task: TaskId) {
	TRAINERS.for_each(|trainer| set_conduct(trainer, Conduct::Honest));
	assert_eq!(live_to_end(task).phase, Phase::Settled);
}

fn fault(step: u64, operation: usize, element: usize, flip: u32) -> Fault {
	Fault {
		step,
		operation,
		element,
		flip,
	}
}

/// What can be done wrong in a round of twelve steps.
fn corruptions() -> Vec<Corruption> {
	let operations = TASK.program.program().operations.len();
	let mut all = vec![
		Corruption::Idle { from: 0 },
		Corruption::Idle { from: 9 },
		Corruption::Rows { step: 5 },
		Corruption::Start(fault(0, 0, 3, 1)),
	];
	let step = |operation: usize| (operation as u64 * 5) % 12;
	// The least bit of one element of each operation's result, of those that the end state depends on.
	all.extend(
		(0..operations)
			.map(|operation| Corruption::Element(fault(step(operation), operation, 0, 1))),
	);
	all
}

#[test]
fn whatever_a_trainer_has_done_wrong_is_found() {
	for corruption in corruptions() {
		in_market(|| {
			let (task, faker, _) = task();
			let start = round(task, 0, 0, &[]);
			let (mut claimed, mut right) = (start.compute(Some(corruption)), start.compute(None));
			if claimed.roots() == right.roots() {
				// The loss, say: nothing that is trained depends on it.
				return;
			}
			commit(faker, task, 0, &claimed);
			live_until("its availability", 10, || {
				crate::Commitments::<Test>::get((task, 0, 0))
					.is_some_and(|committed| committed.commitment.available)
			});
			let id = challenge(task, 0);
			let moves = play(id, &mut claimed, &mut right);
			assert_eq!(
				loser(id),
				(Party::Defender, false),
				"{corruption:?}, {moves} moves"
			);
			assert_eq!(ticket_of(faker), None);
			assert_eq!(
				wealth(STRANGER),
				PURSE + SHARE_OF_WINNER.mul_floor(10 * POUW)
			);
			assert_eq!(status(task).segments.rejected, 1);
			finish(task);
		});
	}
}

#[test]
fn a_wrong_merge_is_found() {
	in_market(|| {
		let (task, faker, second) = task();
		let updates = first_round(task, [faker, second]);
		let start = round(task, 1, 0, &updates);
		let corruption = Corruption::Start(fault(0, 0, 2, 1 << 22));
		let (mut claimed, mut right) = (start.compute(Some(corruption)), start.compute(None));
		assert_ne!(claimed.roots()[0], right.roots()[0]);
		commit(faker, task, 1, &claimed);
		live(2);
		let id = challenge(task, 1);
		play(id, &mut claimed, &mut right);
		assert_eq!(loser(id), (Party::Defender, false));
		assert_eq!(ticket_of(faker), None);
		finish(task);
	});
}

/// It has trained from the state before the merge, and says that it has trained from the merge.
#[test]
fn stale_weights_are_found() {
	in_market(|| {
		let (task, faker, second) = task();
		let updates = first_round(task, [faker, second]);
		let start = round(task, 1, 0, &updates);
		let mut right = start.compute(None);
		let mut claimed = round(task, 1, 0, &[]).compute(None);
		claimed.checkpoints[0] = right.checkpoints[0].clone();
		commit(faker, task, 1, &claimed);
		live(2);
		let id = challenge(task, 1);
		play(id, &mut claimed, &mut right);
		// It can't show how one follows from the other.
		assert_eq!(loser(id).0, Party::Defender);
		assert_eq!(ticket_of(faker), None);
		finish(task);
	});
}

#[test]
fn anothers_update_is_found_to_be_none_of_ones_own() {
	in_market(|| {
		let (task, faker, second) = task();
		let other = round(task, 0, 1, &[]).compute(None);
		commit(second, task, 0, &other);
		let mut claimed = round(task, 0, 0, &[]).compute(None);
		let mut right = round(task, 0, 0, &[]).compute(None);
		claimed.checkpoints.clone_from(&other.checkpoints);
		commit(faker, task, 0, &claimed);
		live(2);
		let id = challenge(task, 0);
		play(id, &mut claimed, &mut right);
		assert_eq!(loser(id).0, Party::Defender);
		assert_eq!(ticket_of(faker), None);
		assert!(ticket_of(second).is_some());
		finish(task);
	});
}

#[test]
fn a_challenger_that_is_wrong_does_not_win_whatever_it_has_computed() {
	for corruption in corruptions() {
		in_market(|| {
			let (task, trainer, _) = task();
			let start = round(task, 0, 0, &[]);
			let (mut right, mut wrong) = (start.compute(None), start.compute(Some(corruption)));
			commit(trainer, task, 0, &right);
			live(2);
			let id = challenge(task, 0);
			play(id, &mut right, &mut wrong);
			assert_eq!(loser(id).0, Party::Challenger, "{corruption:?}");
			assert!(ticket_of(trainer).is_some());
			assert_eq!(wealth(STRANGER), PURSE - 10 * POUW);
			finish(task);
		});
	}
}

/// All verifiers of an audit are in league with the trainer, and approve what it has not done.
#[test]
fn one_honest_challenger_is_enough_against_all_verifiers() {
	in_market(|| {
		AuditRate::set(Permill::one());
		let (task, faker, _) = task();
		let start = round(task, 0, 0, &[]);
		let idle = Corruption::Idle { from: 4 };
		let (mut claimed, mut right) = (start.compute(Some(idle)), start.compute(None));
		commit(faker, task, 0, &claimed);
		live(1);
		pass(4);
		// The second segment's audit: the first one is right.
		let audit = crate::AuditOfSegment::<Test>::get((task, 0, 0, 1)).unwrap();
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
		// It is accepted, and that is not the last word.
		assert!(Pouw::audit_status(audit).is_none());
		assert_eq!(status(task).segments.accepted, 1);
		let id = challenge(task, 0);
		play(id, &mut claimed, &mut right);
		assert_eq!(loser(id), (Party::Defender, false));
		assert_eq!(ticket_of(faker), None);
		for party in &parties[1..] {
			assert_eq!(ticket_of(party.account), None);
			assert_eq!(wealth(party.account), PURSE - 10 * POUW);
			assert_eq!(crate::VerifierWork::<Test>::get(task, party.account), 0);
			assert!(Rewards::reputation(party.account).faults > 0);
		}
		let slashed = events().into_iter().filter(|event| {
			matches!(event, RuntimeEvent::Pouw(Event::VerifierSlashed { slashed, .. }) if *slashed == 10 * POUW)
		});
		assert_eq!(slashed.count(), 3);
		finish(task);
	});
}

/// Nothing is trained again when a task is about to fail. What rounds have started from stays what it was all
/// the same, whoever is found out before.
#[test]
fn what_a_round_has_started_from_does_not_change_when_a_commitment_goes() {
	in_market(|| {
		ChallengeWindow::set(400);
		let mut spec = arithmetic::spec();
		spec.training.rounds = 3;
		spec.round_deadline = 20;
		let (task, first, second) = task_of(spec);
		let updates = first_round(task, [first, second]);
		let mut right = round(task, 1, 1, &updates).compute(None);
		let mut wrong = round(task, 1, 1, &updates[1..]).compute(None);
		commit(second, task, 1, &right);
		live_until("the end of training", 90, || {
			matches!(phase(task), Phase::Failed(_))
		});

		// The first one does not answer.
		let id = challenge(task, 0);
		live_until("its end", 20, || Pouw::dispute_status(id).is_none());
		assert_eq!(loser(id), (Party::Defender, true));
		let id = crate::NextDispute::<Test>::get();
		assert_ok!(Pouw::challenge(
			RuntimeOrigin::signed(OTHER_CLIENT),
			task,
			1,
			1
		));
		play(id, &mut right, &mut wrong);
		assert_eq!(loser(id).0, Party::Challenger);
		assert!(ticket_of(second).is_some());
		live_to_end(task);
	});
}
