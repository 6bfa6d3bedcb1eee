//! The people of the market: how each of them goes about its duties.

use super::*;
use pouw_dispute::{DefenderMove, Position};
use std::{cell::RefCell, collections::BTreeMap};

/// How somebody goes about its duties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Conduct {
	/// As it should.
	#[default]
	Honest,
	/// It does nothing.
	Absent,
	/// It does nothing from when it has accepted.
	LeavesAfterAccepting,
	/// A trainer that commits to what it has not trained, and answers audits honestly then.
	Fakes,
	/// The same, but it is silent when it is audited.
	FakesAndHides,
	/// A trainer that trains, but does not answer audits.
	DoesNotAnswer,
	/// Whatever is asked of it, it says something else than what is right, and alike with others of its
	/// kind.
	Lies,
	/// A verifier that challenges whatever it audits, and does not go on with it.
	Accuses,
	/// A supervisor that holds nothing, and says so.
	HoldsNothing,
	/// An evaluator that commits and does not reveal; a verifier likewise.
	DoesNotReveal,
}

thread_local! {
	static CONDUCTS: RefCell<BTreeMap<AccountId, Conduct>> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) fn make_all_honest() {
	CONDUCTS.with_borrow_mut(BTreeMap::clear);
}

pub(crate) fn set_conduct(account: AccountId, conduct: Conduct) {
	CONDUCTS.with_borrow_mut(|conducts| conducts.insert(account, conduct));
}

pub(crate) fn conduct(account: AccountId) -> Conduct {
	CONDUCTS.with_borrow(|conducts| conducts.get(&account).copied().unwrap_or_default())
}

/// Everybody does its duties, as it is wont to. A block passes before.
pub(crate) fn live_a_block() {
	pass(1);
	(1..=ACCOUNTS).for_each(do_duties);
}

/// An account does its duties, those included that follow from what it has done.
pub(crate) fn do_duties(account: AccountId) {
	let mut tried = Vec::new();
	let next = |tried: &[Duty]| {
		MlTasks::open_duties(account)
			.into_iter()
			.find(|duty| !tried.contains(duty))
	};
	while let Some(duty) = next(&tried) {
		do_duty(account, &duty);
		tried.push(duty);
	}
}

/// Lives on until something holds, at most so many blocks.
pub(crate) fn live_until(what: &str, blocks: u32, holds: impl Fn() -> bool) {
	for _ in 0..blocks {
		if holds() {
			return;
		}
		live_a_block();
		check_invariants();
	}
	assert!(holds(), "not reached in {blocks} blocks: {what}");
}

pub(crate) fn live(blocks: u32) {
	for _ in 0..blocks {
		live_a_block();
		check_invariants();
	}
}

/// Lives on until the task has ended and returns what stays of it.
pub(crate) fn live_to_end(task: TaskId) -> TaskSummary<AccountId> {
	live_until("the end of the task", 2_000, || {
		MlTasks::task_summary(task).is_some()
	});
	MlTasks::task_summary(task).unwrap()
}

fn do_duty(account: AccountId, duty: &Duty) {
	let conduct = conduct(account);
	let leaves =
		conduct == Conduct::LeavesAfterAccepting && !matches!(duty.kind, DutyKind::Accept { .. });
	if conduct == Conduct::Absent || leaves {
		return;
	}
	let done = perform(account, duty, conduct);
	// Who has sent its funds away lacks those for a bond, who is late may find its duty listed until the
	// hook has had the weight to close it, and who has changed its mind can't reveal what it committed to.
	let late = System::block_number() > duty.deadline;
	let excuses = [
		TokenError::FundsUnavailable.into(),
		Error::<Test>::CommitmentMismatch.into(),
		pallet_ml_tasks::Error::<Test>::CommitmentMismatch.into(),
	];
	let excused = late || done.is_err_and(|error| excuses.contains(&error));
	assert!(
		done.is_ok() || excused,
		"{account} can't do {duty:?}: {done:?}"
	);
}

fn perform(account: AccountId, duty: &Duty, conduct: Conduct) -> DispatchResult {
	let origin = RuntimeOrigin::signed(account);
	let task = duty.task;
	let lies = conduct == Conduct::Lies;
	match &duty.kind {
		DutyKind::Accept { ticket, .. } => MlTasks::accept_assignment(origin, task, *ticket),
		DutyKind::AttestSpec if lies => MlTasks::attest_spec(origin, task, SpecVerdict::Bad),
		DutyKind::AttestSpec => MlTasks::attest_spec(origin, task, good()),
		DutyKind::Train { round, slot } => {
			let fakes = matches!(conduct, Conduct::Fakes | Conduct::FakesAndHides);
			commit_round(account, task, *round, *slot, !fakes)
		}
		DutyKind::AttestAvailability { round, slots } => {
			let held = if conduct == Conduct::HoldsNothing {
				Vec::new()
			} else {
				slots.clone()
			};
			match attest(account, task, *round, &held) {
				// It has said already that it holds nothing.
				Err(error) if held.is_empty() && error == Error::<Test>::AlreadyDone.into() => {
					Ok(())
				}
				result => result,
			}
		}
		DutyKind::AnswerDispute { dispute } => answer_dispute(account, *dispute),
		// There is nothing to show here, without arithmetic: tests show by themselves.
		DutyKind::ShowDemanded { .. } => Ok(()),
		DutyKind::CommitAudit { audit } => match answer_of(account, *audit, conduct) {
			Some(answer) => {
				let accuses = matches!(conduct, Conduct::Honest | Conduct::Accuses);
				if !answer.in_trace && accuses && VERIFIERS.contains(&account) {
					accuse(account, *audit);
				}
				Pouw::commit_audit(origin, *audit, audit_commitment(&account, *audit, &answer))
			}
			None => Ok(()),
		},
		DutyKind::RevealAudit { audit } => match answer_of(account, *audit, conduct) {
			Some(answer) if conduct != Conduct::DoesNotReveal => {
				Pouw::reveal_audit(origin, *audit, answer)
			}
			_ => Ok(()),
		},
		DutyKind::RevealTest => MlTasks::reveal_test(origin, task),
		DutyKind::AttestTest => {
			let tensor = (!lies).then(|| arithmetic::TEST.data_root());
			MlTasks::attest_test(origin, task, tensor)
		}
		// Nobody here has trained anything that could be scored.
		DutyKind::CheckScore => Ok(()),
		DutyKind::CommitEvaluation => {
			let (correct, root, salt) = score_of(account, conduct);
			let attempt = status(task).evaluation_attempt;
			let commitment = evaluation_commitment(&account, task, attempt, correct, &root, &salt);
			MlTasks::commit_evaluation(origin, task, commitment)
		}
		DutyKind::RevealEvaluation if conduct == Conduct::DoesNotReveal => Ok(()),
		DutyKind::RevealEvaluation => {
			let (correct, root, salt) = score_of(account, conduct);
			MlTasks::reveal_evaluation(origin, task, correct, root, salt)
		}
	}
}

/// A verifier that has found an audited commitment wrong challenges it, once.
fn accuse(account: AccountId, audit: AuditId) {
	let status = Pouw::audit_status(audit).unwrap();
	let origin = RuntimeOrigin::signed(account);
	let challenged = Pouw::challenge(origin, status.task, status.round, status.slot);
	let excuses = [
		Error::<Test>::AlreadyDone.into(),
		Error::<Test>::TooManyDisputes.into(),
		TokenError::FundsUnavailable.into(),
	];
	assert!(
		challenged.is_ok() || challenged.is_err_and(|error| excuses.contains(&error)),
		"{account} can't challenge: {challenged:?}"
	);
}

/// Who has trained opens its trace. More than that there is not to show here: there was no arithmetic.
fn answer_dispute(account: AccountId, dispute: DisputeId) -> DispatchResult {
	let status = Pouw::dispute_status(dispute).unwrap();
	let (task, round, slot) = (status.task, status.round, status.slot);
	if status.score.is_some() {
		return Ok(());
	}
	let committed = crate::Commitments::<Test>::get((task, round, slot)).unwrap();
	let trained = committed.commitment.trace_root == right_trace(task, round, slot);
	let opens = matches!(status.game.position(), Position::Trace(_));
	if account != status.defender || !trained || !opens {
		return Ok(());
	}
	open_trace(dispute)
}

/// The defender shows the checkpoints that it should have.
pub(crate) fn open_trace(dispute: DisputeId) -> DispatchResult {
	let status = Pouw::dispute_status(dispute).unwrap();
	let checkpoints = right_checkpoints(status.task, status.round, status.slot);
	Pouw::defend_dispute(
		RuntimeOrigin::signed(status.defender),
		dispute,
		arithmetic::parts([]),
		Box::new(DefenderMove::Trace(checkpoints)),
	)
}

pub(crate) fn good() -> SpecVerdict {
	SpecVerdict::Good {
		training_tensor: Some(H256(arithmetic::TASK.data_root())),
	}
}

pub(crate) fn commit_round(
	account: AccountId,
	task: TaskId,
	round: RoundIndex,
	slot: Slot,
	honest: bool,
) -> DispatchResult {
	let base = MlTasks::task_status(task).map(|status| status.record);
	commit_round_from(account, task, round, slot, honest, base.unwrap_or_default())
}

/// The same for a round that was trained from another record than the present one.
pub(crate) fn commit_round_from(
	account: AccountId,
	task: TaskId,
	round: RoundIndex,
	slot: Slot,
	honest: bool,
	base: H256,
) -> DispatchResult {
	let (trace, end) = if honest {
		(right_trace(task, round, slot), right_end(task, round, slot))
	} else {
		(H256::repeat_byte(0xfa), H256::repeat_byte(0xfb))
	};
	Pouw::commit_round(
		RuntimeOrigin::signed(account),
		task,
		round,
		base,
		trace,
		end,
		H256::repeat_byte(5),
		1_280,
		0.5f32.to_bits(),
	)
}

pub(crate) fn attest(
	account: AccountId,
	task: TaskId,
	round: RoundIndex,
	slots: &[Slot],
) -> DispatchResult {
	let slots = BoundedVec::try_from(slots.to_vec()).unwrap();
	Pouw::attest_available(RuntimeOrigin::signed(account), task, round, slots)
		.map(|_| ())
		.map_err(|refused| refused.error)
}

fn answer_of(account: AccountId, audit: AuditId, conduct: Conduct) -> Option<AuditAnswer> {
	let status = Pouw::audit_status(audit).unwrap();
	let right = right_answer(&status);
	match conduct {
		Conduct::FakesAndHides | Conduct::DoesNotAnswer => None,
		Conduct::Lies => Some(AuditAnswer {
			digest: H256::repeat_byte(0x11),
			in_trace: true,
		}),
		Conduct::Accuses => Some(AuditAnswer {
			in_trace: false,
			..right
		}),
		// Who has faked runs the segment after all when it is drawn, and claims that its trace has it.
		Conduct::Fakes if TRAINERS.contains(&account) => Some(AuditAnswer {
			in_trace: true,
			..right
		}),
		_ => Some(right),
	}
}

fn score_of(account: AccountId, conduct: Conduct) -> (u32, H256, H256) {
	let correct = if conduct == Conduct::Lies {
		0
	} else {
		RIGHT_SCORE
	};
	(
		correct,
		H256::repeat_byte(6),
		H256::repeat_byte(account as u8),
	)
}
