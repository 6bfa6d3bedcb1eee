//! Disputes: who may open one, the clock, the bonds, and what waits for them.

use super::{
	arithmetic,
	audits::{audited, count, open_audits},
};
use crate::{mock::*, Error, Event, HoldReason, MAX_DISPUTES};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::H256,
	sp_runtime::{DispatchError, Permill, TokenError},
};
use pouw_dispute::{ChallengerMove, DefenderMove, Party};
use pouw_primitives::{
	proof::{audit_commitment, AuditAnswer},
	status::DutyKind,
	status::Phase,
	ticket::Role,
	DisputeId, TaskId, POUW,
};

fn challenge(
	who: AccountId,
	task: TaskId,
	round: u32,
	slot: u16,
) -> Result<DisputeId, DispatchError> {
	let id = crate::NextDispute::<Test>::get();
	Pouw::challenge(RuntimeOrigin::signed(who), task, round, slot).map(|()| id)
}

fn name_checkpoint(
	who: AccountId,
	dispute: DisputeId,
	checkpoint: u32,
) -> Result<(), DispatchError> {
	Pouw::pursue_dispute(
		RuntimeOrigin::signed(who),
		dispute,
		arithmetic::parts([]),
		Box::new(ChallengerMove::Part(checkpoint)),
	)
}

fn trainer_of(task: TaskId, slot: u16) -> AccountId {
	workers(task, Role::Trainer)[usize::from(slot)]
}

fn ended() -> Vec<(DisputeId, Party, bool)> {
	events()
		.into_iter()
		.filter_map(|event| match event {
			RuntimeEvent::Pouw(Event::DisputeEnded {
				dispute,
				loser,
				timed_out,
				..
			}) => Some((dispute, loser, timed_out)),
			_ => None,
		})
		.collect()
}

#[test]
fn anyone_with_a_bond_challenges_an_available_commitment() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		assert_noop!(
			challenge(STRANGER, task, 0, 0),
			Error::<Test>::NothingCommitted
		);
		let trainer = trainer_of(task, 0);
		assert_ok!(commit_round(trainer, task, 0, 0, true));
		assert_noop!(
			challenge(STRANGER, task, 0, 0),
			Error::<Test>::NotChallengeable
		);
		for supervisor in workers(task, Role::Supervisor) {
			assert_ok!(attest(supervisor, task, 0, &[0]));
		}
		assert_noop!(challenge(trainer, task, 0, 0), Error::<Test>::OwnCommitment);
		let id = challenge(STRANGER, task, 0, 0).unwrap();
		assert_eq!(held(HoldReason::Challenge, STRANGER), 10 * POUW);
		assert_noop!(challenge(STRANGER, task, 0, 0), Error::<Test>::AlreadyDone);
		assert_eq!(Pouw::open_disputes(Some(task), 10), vec![id]);
		assert!(Pouw::open_disputes(Some(task + 1), 10).is_empty());
		let due = |who| {
			let duties = MlTasks::open_duties(who);
			duties
				.iter()
				.any(|duty| duty.kind == DutyKind::AnswerDispute { dispute: id })
		};
		assert!(due(trainer) && !due(STRANGER));
		live_to_end(task);
	});
}

#[test]
fn without_a_bond_there_is_no_challenge() {
	in_market(|| {
		let (task, _) = audited();
		ChallengeBond::set(PURSE + 1);
		assert_noop!(
			challenge(STRANGER, task, 0, 0),
			DispatchError::Token(TokenError::FundsUnavailable)
		);
		live_to_end(task);
	});
}

#[test]
fn the_window_closes_and_opens_again_after_a_lost_challenge() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.rounds = 1;
		let task = submit(CLIENT, spec);
		live_until("the last round's end", 40, || {
			phase(task) == Phase::Evaluating
		});
		let until = crate::Commitments::<Test>::get((task, 0, 0))
			.unwrap()
			.contest
			.until;
		// The window, and a block to run a segment.
		assert_eq!(until, System::block_number() + 6);
		let id = challenge(STRANGER, task, 0, 0).unwrap();
		live_until("the end of the dispute", 20, || {
			Pouw::dispute_status(id).is_none()
		});
		assert_eq!(ended(), vec![(id, Party::Challenger, true)]);
		let until = crate::Commitments::<Test>::get((task, 0, 0))
			.unwrap()
			.contest
			.until;
		assert_eq!(until, System::block_number() + 6);
		// Others still can, until the task has ended.
		let again = challenge(OTHER_CLIENT, task, 0, 0).unwrap();
		let summary = live_to_end(task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(ended()[1], (again, Party::Challenger, true));
		assert_noop!(
			challenge(STRANGER, task, 0, 0),
			Error::<Test>::NothingCommitted
		);
	});
}

#[test]
fn a_move_has_the_time_that_it_takes_to_run_what_is_in_question() {
	in_market(|| {
		let (task, _) = audited();
		// Four segments of ten steps of a million multiply-adds, two blocks each.
		ReferenceSpeed::set(5_000_000);
		let id = challenge(STRANGER, task, 0, 0).unwrap();
		let time = || Pouw::dispute_status(id).unwrap().deadline - System::block_number();
		assert_eq!(time(), 5 + 8);
		assert_ok!(open_trace(id));
		assert_eq!(time(), 5 + 8);
		assert_ok!(name_checkpoint(STRANGER, id, 2));
		assert_eq!(time(), 5 + 2);
		ReferenceSpeed::set(u64::MAX);
		live_to_end(task);
	});
}

#[test]
fn a_challenger_that_stalls_pays_the_trainer() {
	in_market(|| {
		let (task, _) = audited();
		let trainer = trainer_of(task, 0);
		let before = wealth(trainer);
		let issued = Balances::total_issuance();
		let id = challenge(STRANGER, task, 0, 0).unwrap();
		assert_ok!(open_trace(id));
		let deadline = Pouw::dispute_status(id).unwrap().deadline;
		// The clock, and a block to run a segment.
		assert_eq!(deadline, System::block_number() + 6);
		pass(6);
		assert!(ended().is_empty());
		pass(1);
		assert_eq!(ended(), vec![(id, Party::Challenger, true)]);
		assert_eq!(wealth(STRANGER), PURSE - 10 * POUW);
		assert_eq!(wealth(trainer), before + 5 * POUW);
		assert_eq!(Balances::total_issuance(), issued - 5 * POUW);
		assert_eq!(Rewards::reputation(STRANGER).faults, 1);
		assert_eq!(live_to_end(task).segments.rejected, 0);
	});
}

#[test]
fn a_trainer_that_stalls_loses_its_ticket() {
	in_market(|| {
		let (task, _) = audited();
		let trainer = trainer_of(task, 0);
		set_conduct(trainer, Conduct::Absent);
		let id = challenge(STRANGER, task, 0, 0).unwrap();
		pass(7);
		assert_eq!(ended(), vec![(id, Party::Defender, true)]);
		assert_eq!(ticket_of(trainer), None);
		// Half of a ticket of 10 POUW.
		assert_eq!(wealth(STRANGER), PURSE + 5 * POUW);
		assert_eq!(held(HoldReason::Challenge, STRANGER), 0);
		assert_eq!(live_to_end(task).segments.rejected, 1);
	});
}

#[test]
fn a_trace_that_does_not_end_as_it_was_claimed_loses_at_once() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let trainer = trainer_of(task, 0);
		let base = status(task).record;
		assert_ok!(Pouw::commit_round(
			RuntimeOrigin::signed(trainer),
			task,
			0,
			base,
			right_trace(task, 0, 0),
			H256::repeat_byte(7),
			H256::zero(),
			1,
			0,
		));
		for supervisor in workers(task, Role::Supervisor) {
			assert_ok!(attest(supervisor, task, 0, &[0]));
		}
		let id = challenge(STRANGER, task, 0, 0).unwrap();
		assert_ok!(open_trace(id));
		// Nothing is to be done any more; the chain ends it in the next block.
		assert_noop!(name_checkpoint(STRANGER, id, 1), Error::<Test>::NotYourMove);
		assert!(ended().is_empty());
		pass(1);
		assert_eq!(ended(), vec![(id, Party::Defender, false)]);
		assert_eq!(ticket_of(trainer), None);
		live_to_end(task);
	});
}

#[test]
fn what_is_no_move_changes_nothing() {
	in_market(|| {
		let (task, _) = audited();
		let trainer = trainer_of(task, 0);
		let id = challenge(STRANGER, task, 0, 0).unwrap();
		let defend = |who, parts, made: DefenderMove| {
			Pouw::defend_dispute(RuntimeOrigin::signed(who), id, parts, Box::new(made))
		};
		let shown = || arithmetic::parts([]);
		let right = || DefenderMove::Trace(right_checkpoints(task, 0, 0));
		assert_noop!(
			defend(STRANGER, shown(), right()),
			Error::<Test>::NotItsWorker
		);
		assert_noop!(
			Pouw::defend_dispute(
				RuntimeOrigin::signed(trainer),
				id + 1,
				shown(),
				Box::new(right())
			),
			Error::<Test>::NoSuchDispute
		);
		assert_noop!(name_checkpoint(STRANGER, id, 1), Error::<Test>::NotYourMove);
		assert_noop!(
			defend(trainer, vec![], right()),
			Error::<Test>::PartsNotProven
		);
		let mut foreign = shown();
		foreign[0].proof.siblings.push([1; 32]);
		assert_noop!(
			defend(trainer, foreign, right()),
			Error::<Test>::PartsNotProven
		);
		let many = shown().into_iter().cycle().take(9).collect();
		assert_noop!(defend(trainer, many, right()), Error::<Test>::MoveTooLarge);
		let long = DefenderMove::Trace(vec![[0; 32]; 1_026]);
		assert_noop!(defend(trainer, shown(), long), Error::<Test>::MoveTooLarge);
		let other = DefenderMove::Children(vec![[0; 32]; 2]);
		assert_noop!(
			defend(trainer, shown(), other),
			Error::<Test>::AnotherMoveDue
		);
		let short = DefenderMove::Trace(vec![[0; 32]; 2]);
		assert_noop!(defend(trainer, shown(), short), Error::<Test>::WrongCount);
		let wrong = DefenderMove::Trace(vec![[0; 32]; 5]);
		assert_noop!(
			defend(trainer, shown(), wrong),
			Error::<Test>::NotTheChildren
		);
		assert_ok!(defend(trainer, shown(), right()));
		assert_noop!(
			defend(trainer, shown(), right()),
			Error::<Test>::NotYourMove
		);
		assert_noop!(name_checkpoint(STRANGER, id, 5), Error::<Test>::NoSuchPart);
		assert_ok!(name_checkpoint(STRANGER, id, 4));
		live_to_end(task);
	});
}

#[test]
fn the_first_challenger_that_is_right_wins_and_the_others_get_their_bonds_back() {
	in_market(|| {
		let (task, _) = audited();
		let trainer = trainer_of(task, 0);
		set_conduct(trainer, Conduct::Absent);
		let first = challenge(STRANGER, task, 0, 0).unwrap();
		pass(1);
		let second = challenge(OTHER_CLIENT, task, 0, 0).unwrap();
		pass(6);
		assert_eq!(ended(), vec![(first, Party::Defender, true)]);
		assert!(Pouw::dispute_status(second).unwrap().void);
		assert_noop!(open_trace(second), Error::<Test>::DisputeVoid);
		pass(1);
		assert!(Pouw::dispute_status(second).is_none());
		assert_eq!(wealth(STRANGER), PURSE + 5 * POUW);
		assert_eq!(wealth(OTHER_CLIENT), PURSE);
		assert_eq!(held(HoldReason::Challenge, OTHER_CLIENT), 0);
		assert_eq!(live_to_end(task).segments.rejected, 1);
	});
}

#[test]
fn so_many_disputes_about_one_commitment_and_no_more() {
	in_market(|| {
		let (task, _) = audited();
		let first = TRAINERS.start + 5;
		let challengers = (first..first + 40).filter(|who| trainer_of(task, 0) != *who);
		let mut challengers = challengers.take(MAX_DISPUTES as usize + 1);
		for _ in 0..MAX_DISPUTES {
			assert_ok!(challenge(challengers.next().unwrap(), task, 0, 0));
		}
		let late = challengers.next().unwrap();
		assert_noop!(challenge(late, task, 0, 0), Error::<Test>::TooManyDisputes);
		// There is time for it when the others have come to nothing.
		live_until("their end", 20, || {
			Pouw::open_disputes(Some(task), 99).is_empty()
		});
		assert_ok!(challenge(late, task, 0, 0));
		assert_eq!(live_to_end(task).segments.rejected, 0);
	});
}

#[test]
fn a_round_is_not_checked_while_a_commitment_of_it_is_disputed() {
	in_market(|| {
		let (task, id) = audited();
		let slot = Pouw::audit_status(id).unwrap().slot;
		DisputeClock::set(50);
		let dispute = challenge(STRANGER, task, 0, slot).unwrap();
		live(30);
		// Nobody of those who have run the segment says that it is wrong.
		assert!(Pouw::audit_status(id).is_none() && open_audits().contains(&id));
		assert_eq!(status(task).checked_rounds, 0);
		assert!(Pouw::dispute_status(dispute).is_some());
		let summary = live_to_end(task);
		assert_eq!(summary.segments.accepted, summary.segments.audited);
	});
}

#[test]
fn an_audit_waits_for_the_dispute_of_who_accuses() {
	in_market(|| {
		let (task, id) = audited();
		let status = Pouw::audit_status(id).unwrap();
		let (right, slot) = (right_answer(&status), status.slot);
		let accusation = AuditAnswer {
			in_trace: false,
			..right
		};
		DisputeClock::set(50);
		let verifiers: Vec<_> = status.parties[1..].iter().map(|p| p.account).collect();
		let dispute = challenge(verifiers[0], task, 0, slot).unwrap();
		let answers = [accusation, right, right];
		for (who, answer) in verifiers.iter().zip(answers) {
			let commitment = audit_commitment(who, id, &answer);
			assert_ok!(Pouw::commit_audit(
				RuntimeOrigin::signed(*who),
				id,
				commitment
			));
		}
		pass(11);
		for (who, answer) in verifiers.iter().zip(answers) {
			assert_ok!(Pouw::reveal_audit(RuntimeOrigin::signed(*who), id, answer));
		}
		live_until("the trace", 5, || {
			Pouw::dispute_status(dispute).unwrap().game.to_move() == Party::Challenger
		});
		live(30);
		assert!(Pouw::audit_status(id).is_some());
		live_until("the end of the dispute", 40, || {
			Pouw::dispute_status(dispute).is_none()
		});
		// It was refuted, and two thirds agree that the trace holds.
		live_until("the end of the audit", 12, || {
			Pouw::audit_status(id).is_none()
		});
		assert_eq!(
			count(|event| matches!(event, Event::AuditAccepted { audit, .. } if *audit == id)),
			1
		);
		assert_eq!(
			Tickets::ticket(ticket_of(verifiers[0]).unwrap())
				.unwrap()
				.missed,
			1
		);
		assert_eq!(live_to_end(task).segments.rejected, 0);
	});
}

/// Else who pays for one sham after the other could hold a task up for ever at the price of one.
#[test]
fn each_lost_challenge_doubles_the_bond_of_the_next() {
	in_market(|| {
		let (task, _) = audited();
		for bond in [10, 20, 40] {
			let before = wealth(STRANGER);
			let id = challenge(STRANGER, task, 0, 0).unwrap();
			assert_eq!(held(HoldReason::Challenge, STRANGER), bond * POUW);
			live_until("its end", 20, || Pouw::dispute_status(id).is_none());
			assert_eq!(wealth(STRANGER), before - bond * POUW);
		}
		live_to_end(task);
	});
}

/// Else verifiers could take a trainer's stake by their mere word.
#[test]
fn an_accusation_without_a_dispute_is_no_answer() {
	in_market(|| {
		let mut spec = small_spec();
		spec.training.trainers = 1;
		let task = submit(CLIENT, spec);
		live_until("training", 30, || phase(task) == Phase::Training(0));
		// A single audit.
		AuditRate::set(Permill::from_parts(1));
		live_a_block();
		pass(4);
		let id = open_audits()[0];
		let status = Pouw::audit_status(id).unwrap();
		let mut answer = right_answer(&status);
		answer.in_trace = false;
		let verifiers: Vec<_> = status.parties[1..]
			.iter()
			.map(|party| party.account)
			.collect();
		for verifier in &verifiers {
			let commitment = audit_commitment(verifier, id, &answer);
			assert_ok!(Pouw::commit_audit(
				RuntimeOrigin::signed(*verifier),
				id,
				commitment
			));
		}
		pass(11);
		for verifier in &verifiers {
			assert_ok!(Pouw::reveal_audit(
				RuntimeOrigin::signed(*verifier),
				id,
				answer
			));
		}
		pass(1);
		assert_eq!(crate::Audits::<Test>::get(id).unwrap().attempts, 1);
		assert_eq!(
			count(|event| matches!(event, Event::AuditRenewed { audit } if *audit == id)),
			1
		);
		let trainer = trainer_of(task, status.slot);
		assert!(ticket_of(trainer).is_some());
		for verifier in verifiers {
			assert_eq!(
				Tickets::ticket(ticket_of(verifier).unwrap())
					.unwrap()
					.missed,
				1
			);
		}
		assert_eq!(live_to_end(task).segments.rejected, 0);
	});
}

#[test]
fn a_round_is_checked_when_it_can_no_longer_be_challenged() {
	in_market(|| {
		ChallengeWindow::set(60);
		let task = submit(CLIENT, small_spec());
		live_until("accepted audits", 60, || {
			status(task).segments.accepted >= 6
		});
		assert!(status(task).checked_rounds == 0 && open_audits().len() >= 6);
		assert!(MlTasks::open_duties(VERIFIERS.start).is_empty());
		live(20);
		assert_eq!(status(task).checked_rounds, 0);
		assert_ok!(challenge(STRANGER, task, 0, 0));
		assert_eq!(live_to_end(task).phase, Phase::Settled);
	});
}
