//! Disputes about the score that evaluators have agreed on.

use super::arithmetic::{self, commit, roots, round, Corruption, Fault, Recorded, TASK, TEST};
use crate::{mock::*, Error, Event, SHARE_OF_WINNER};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::H256,
	sp_runtime::DispatchError,
};
use pouw_dispute::{challenge, defend, Computation, Dispute, Facts, Party, Subject};
use pouw_primitives::{
	proof::{evaluation_commitment, Score, WrongScore},
	status::{DutyKind, Phase, TaskSummary},
	ticket::Role,
	DisputeId, RoundIndex, TaskId, POUW,
};
use repops::{
	check::Checked,
	commit::{state_root, Hash, TILE_BYTES},
	interpret::Bindings,
	program::ValueId,
	random::Seed,
	tensor::Tensor,
};
use std::convert::Infallible;

/// What a party of a dispute about a score has computed.
struct Own {
	recorded: Recorded,
	updates: Vec<Vec<Tensor>>,
}

impl Computation for Own {
	type Error = Infallible;

	fn checkpoint_roots(&mut self) -> Result<Vec<Hash>, Infallible> {
		unreachable!("a score has no checkpoints")
	}

	fn wrong_checkpoint(&mut self, _: &[Hash]) -> Result<Option<u32>, Infallible> {
		unreachable!("a score has no checkpoints")
	}

	fn data_roots(&mut self) -> Result<[Hash; 2], Infallible> {
		Ok(TEST.data_roots())
	}

	fn state_root(&mut self, steps: u64) -> Result<Hash, Infallible> {
		Ok(self.recorded.root(steps))
	}

	fn tensor_roots_before(&mut self, step: u64) -> Result<Vec<Hash>, Infallible> {
		Ok(roots(self.recorded.state(step)))
	}

	fn tensor_roots_after(&mut self, step: u64) -> Result<Vec<Hash>, Infallible> {
		Ok(roots(self.recorded.after(step)))
	}

	fn tensor_roots_of_update(&mut self, update: u16) -> Result<Vec<Hash>, Infallible> {
		Ok(roots(&self.updates[usize::from(update)]))
	}

	fn result_roots(&mut self, step: u64) -> Result<Vec<Hash>, Infallible> {
		Ok(roots(self.recorded.results(step)))
	}

	fn value(&mut self, step: u64, value: ValueId) -> Result<Tensor, Infallible> {
		Ok(self.recorded.value(step, value).clone())
	}

	fn initial(&mut self, _: u16) -> Result<Tensor, Infallible> {
		unreachable!("nothing starts with a score")
	}
}

/// A task whose one round is sealed, and its hidden part attested.
struct Trained {
	task: TaskId,
	rounds: RoundIndex,
	updates: Vec<Vec<Tensor>>,
	/// The final state.
	state: Vec<Tensor>,
	evaluators: Vec<AccountId>,
}

impl Trained {
	fn new() -> Self {
		let mut spec = arithmetic::spec();
		spec.training.rounds = 1;
		let rounds = spec.training.rounds;
		// Evaluators do what the test has them do, verifiers know no arithmetic.
		EVALUATORS.for_each(|evaluator| set_conduct(evaluator, Conduct::LeavesAfterAccepting));
		VERIFIERS.for_each(|verifier| set_conduct(verifier, Conduct::Absent));
		let task = submit(CLIENT, spec);
		pass(3);
		let trainers = workers(task, Role::Trainer);
		for trainer in &trainers {
			set_conduct(*trainer, Conduct::LeavesAfterAccepting);
		}
		live_until("training", 30, || phase(task) == Phase::Training(0));
		let updates: Vec<Vec<Tensor>> = (0..)
			.zip(&trainers)
			.map(|(slot, trainer)| {
				let own = round(task, 0, slot, &[]).compute(None);
				commit(*trainer, task, 0, &own);
				own.checkpoints.last().unwrap().clone()
			})
			.collect();
		live_until("the time for scores", 20, || {
			let evaluator = workers(task, Role::Evaluator)[0];
			has_duty(evaluator, &DutyKind::CommitEvaluation)
		});
		Trained {
			task,
			rounds,
			state: TASK.merged(&updates),
			updates,
			evaluators: workers(task, Role::Evaluator),
		}
	}

	/// The right score.
	fn right(&self) -> Score {
		Score {
			correct: TEST.correct(&TEST.run(&self.state, None)),
			state_root: H256(state_root(&self.state)),
		}
	}

	fn commit(&self, evaluator: AccountId, score: Score) {
		let attempt = status(self.task).evaluation_attempt;
		let Score {
			correct,
			state_root,
		} = score;
		let salt = H256::repeat_byte(1);
		let commitment =
			evaluation_commitment(&evaluator, self.task, attempt, correct, &state_root, &salt);
		let origin = RuntimeOrigin::signed(evaluator);
		assert_ok!(MlTasks::commit_evaluation(origin, self.task, commitment));
	}

	/// The evaluators say this, in the order of their places.
	fn score(&self, scores: &[Score]) {
		let evaluators = workers(self.task, Role::Evaluator);
		for (evaluator, score) in evaluators.iter().zip(scores) {
			self.commit(*evaluator, *score);
		}
		for (evaluator, score) in evaluators.iter().zip(scores) {
			assert_ok!(MlTasks::reveal_evaluation(
				RuntimeOrigin::signed(*evaluator),
				self.task,
				score.correct,
				score.state_root,
				H256::repeat_byte(1),
			));
		}
		check_invariants();
	}

	fn program(&self, wrong: WrongScore) -> &Checked {
		match wrong {
			WrongScore::State => &TASK.program,
			WrongScore::Correct => &TEST.program,
		}
	}

	fn facts(&self, wrong: WrongScore) -> Facts {
		Facts {
			seed: Seed(status(self.task).seed.unwrap().0),
			data: Some(match wrong {
				WrongScore::State => TASK.data_root(),
				WrongScore::Correct => TEST.data_root().0,
			}),
			updates: self
				.updates
				.iter()
				.map(|update| state_root(update))
				.collect(),
		}
	}

	fn challenge(
		&self,
		who: AccountId,
		slot: u16,
		wrong: WrongScore,
		score: Score,
	) -> Result<DisputeId, DispatchError> {
		let subject = match wrong {
			WrongScore::State => Subject::Merge {
				claimed: score.state_root.0,
			},
			WrongScore::Correct => Subject::Evaluation {
				state: score.state_root.0,
				correct: score.correct,
			},
		};
		let parts = Dispute::parts_of_opening(subject, self.program(wrong), &self.facts(wrong));
		let id = crate::NextDispute::<Test>::get();
		let origin = RuntimeOrigin::signed(who);
		Pouw::challenge_score(origin, self.task, slot, wrong, parts.unwrap())?;
		Ok(id)
	}

	/// The scoring of a state, with something done wrong or not.
	fn scoring(&self, state: &[Tensor], corruption: Option<Corruption>) -> Own {
		Own {
			recorded: TEST.run(state, corruption),
			updates: self.updates.clone(),
		}
	}

	/// The merge, with something done wrong or not.
	fn merge(&self, corruption: Option<Corruption>) -> Own {
		let bindings = Bindings {
			updates: &self.updates,
			..Bindings::default()
		};
		let program = TASK.merge_program(self.updates.len() as u16);
		Own {
			recorded: Recorded::run(&program, &bindings, 0, 1, corruption),
			updates: self.updates.clone(),
		}
	}

	/// Plays a dispute until it has ended, a move in each block.
	fn play(&self, id: DisputeId, wrong: WrongScore, defender: &mut Own, challenger: &mut Own) {
		let (program, facts) = (self.program(wrong), self.facts(wrong));
		for _ in 0..200 {
			let Some(dispute) = Pouw::dispute_status(id) else {
				return;
			};
			assert_eq!(dispute.round, self.rounds);
			let game = &dispute.game;
			match game.to_move() {
				Party::Defender => {
					if let Ok(made) = defend(game, program, &facts, defender) {
						let parts = game.parts_of_defence(&made, program, &facts).unwrap();
						let origin = RuntimeOrigin::signed(dispute.defender);
						assert_ok!(Pouw::defend_dispute(origin, id, parts, Box::new(made)));
					}
				}
				Party::Challenger => {
					let shown: Option<&[u8; TILE_BYTES]> = dispute.shown[..].try_into().ok();
					if let Ok(made) = challenge(game, program, &facts, challenger, shown) {
						let parts = game.parts_of_challenge(&made, program, &facts).unwrap();
						let origin = RuntimeOrigin::signed(dispute.challenger);
						let _ = Pouw::pursue_dispute(origin, id, parts, Box::new(made));
					}
				}
			}
			pass(1);
			check_invariants();
		}
		panic!("a dispute does not end");
	}

	/// The model is scored rightly by whoever is drawn, and the task ends.
	fn finish(&self) -> TaskSummary<AccountId> {
		live_until("the time for scores", 40, || {
			let evaluators = workers(self.task, Role::Evaluator);
			evaluators.len() == 3
				&& (evaluators.iter())
					.all(|evaluator| has_duty(*evaluator, &DutyKind::CommitEvaluation))
		});
		self.score(&[self.right(); 3]);
		let summary = live_to_end(self.task);
		assert_eq!(summary.phase, Phase::Settled);
		assert_eq!(summary.accuracy.unwrap().0, self.right().correct);
		assert_eq!(summary.state_root, Some(self.right().state_root));
		summary
	}
}

fn has_duty(account: AccountId, kind: &DutyKind) -> bool {
	MlTasks::open_duties(account)
		.iter()
		.any(|duty| duty.kind == *kind)
}

fn loser(id: DisputeId) -> Option<(Party, bool)> {
	events().into_iter().find_map(|event| match event {
		RuntimeEvent::Pouw(Event::DisputeEnded {
			dispute,
			loser,
			timed_out,
			..
		}) if dispute == id => Some((loser, timed_out)),
		_ => None,
	})
}

fn refuted() -> Vec<AccountId> {
	let refuted = events().into_iter().filter_map(|event| match event {
		RuntimeEvent::Pouw(Event::ScoreRefuted { evaluator, .. }) => Some(evaluator),
		_ => None,
	});
	refuted.collect()
}

/// An operation's result with one wrong element, such that the score is another one.
fn wrong_scoring(trained: &Trained) -> (Own, Score) {
	let right = trained.right();
	for operation in 0..TEST.program.program().operations.len() {
		let corruption = Corruption::Element(Fault {
			step: 0,
			operation,
			element: 0,
			flip: 1,
		});
		let own = trained.scoring(&trained.state, Some(corruption));
		let correct = TEST.correct(&own.recorded);
		if correct != right.correct && correct <= 200 {
			return (own, Score { correct, ..right });
		}
	}
	panic!("no wrong element changes the score");
}

#[test]
fn a_wrong_number_is_refuted_for_all_who_have_claimed_it() {
	in_market(|| {
		let trained = Trained::new();
		let (mut lying, score) = wrong_scoring(&trained);
		// Two of three are in league.
		trained.score(&[trained.right(), score, score]);
		let told = status(trained.task).score.unwrap();
		assert_eq!((told.score, told.evaluators), (score, vec![1, 2]));

		let honest = trained.evaluators[0];
		let wrong = WrongScore::Correct;
		let id = trained.challenge(honest, 1, wrong, score).unwrap();
		let mut right = trained.scoring(&trained.state, None);
		trained.play(id, wrong, &mut lying, &mut right);
		assert_eq!(loser(id), Some((Party::Defender, false)));
		assert_eq!(refuted(), trained.evaluators[1..]);
		for liar in &trained.evaluators[1..] {
			assert_eq!(ticket_of(*liar), None);
			assert_eq!(wealth(*liar), PURSE - 10 * POUW);
			assert!(Rewards::reputation(*liar).faults > 0);
		}
		let prize = SHARE_OF_WINNER.mul_floor(10 * POUW);
		assert_eq!(wealth(honest), PURSE + 2 * prize);
		assert!(status(trained.task).score.is_none());
		trained.finish();
		for liar in &trained.evaluators[1..] {
			assert_eq!(wealth(*liar), PURSE - 10 * POUW);
		}
	});
}

#[test]
fn one_honest_stranger_is_enough_against_all_evaluators() {
	in_market(|| {
		let trained = Trained::new();
		let (mut lying, score) = wrong_scoring(&trained);
		trained.score(&[score; 3]);
		let wrong = WrongScore::Correct;
		let id = trained.challenge(STRANGER, 0, wrong, score).unwrap();
		let mut right = trained.scoring(&trained.state, None);
		trained.play(id, wrong, &mut lying, &mut right);
		assert_eq!(loser(id), Some((Party::Defender, false)));
		assert_eq!(refuted(), trained.evaluators);
		trained.finish();
	});
}

#[test]
fn a_wrong_final_state_is_refuted() {
	in_market(|| {
		let trained = Trained::new();
		let corruption = Corruption::Element(Fault {
			step: 0,
			operation: 0,
			element: 2,
			flip: 1,
		});
		let mut lying = trained.merge(Some(corruption));
		let mut right = trained.merge(None);
		let score = Score {
			state_root: H256(lying.recorded.root(1)),
			..trained.right()
		};
		assert_ne!(score, trained.right());
		trained.score(&[score; 3]);
		let wrong = WrongScore::State;
		let id = trained.challenge(STRANGER, 2, wrong, score).unwrap();
		trained.play(id, wrong, &mut lying, &mut right);
		assert_eq!(loser(id), Some((Party::Defender, false)));
		assert_eq!(refuted(), trained.evaluators);
		trained.finish();
	});
}

#[test]
fn a_right_score_stands_whatever_a_challenger_has_computed() {
	for operation in 0..TEST.program.program().operations.len() {
		in_market(|| {
			let trained = Trained::new();
			let score = trained.right();
			trained.score(&[score; 3]);
			let corruption = Corruption::Element(Fault {
				step: 0,
				operation,
				element: 0,
				flip: 1 << 23,
			});
			let mut wrong = trained.scoring(&trained.state, Some(corruption));
			let mut right = trained.scoring(&trained.state, None);
			let part = WrongScore::Correct;
			let id = trained.challenge(STRANGER, 0, part, score).unwrap();
			trained.play(id, part, &mut right, &mut wrong);
			assert_eq!(loser(id).unwrap().0, Party::Challenger);
			assert_eq!(wealth(STRANGER), PURSE - 10 * POUW);
			let summary = live_to_end(trained.task);
			assert_eq!(summary.accuracy.unwrap().0, score.correct);
			assert!(refuted().is_empty());
		});
	}
}

#[test]
fn an_evaluator_that_does_not_defend_a_score_loses_its_own_ticket_only() {
	in_market(|| {
		let trained = Trained::new();
		let score = trained.right();
		trained.score(&[score; 3]);
		let part = WrongScore::Correct;
		let id = trained.challenge(STRANGER, 0, part, score).unwrap();
		live_until("the end of the dispute", 30, || loser(id).is_some());
		assert_eq!(loser(id), Some((Party::Defender, true)));
		assert_eq!(refuted(), trained.evaluators[..1]);
		let told = status(trained.task).score.unwrap();
		assert_eq!((told.score, told.evaluators), (score, vec![1, 2]));
		// It was right, and it counts.
		let summary = live_to_end(trained.task);
		assert_eq!(summary.accuracy.unwrap().0, score.correct);
		assert_eq!(wealth(trained.evaluators[0]), PURSE - 10 * POUW);
	});
}

#[test]
fn a_score_that_nobody_defends_is_made_anew() {
	in_market(|| {
		let trained = Trained::new();
		let score = trained.right();
		trained.score(&[score; 3]);
		let part = WrongScore::Correct;
		for slot in 0..3 {
			trained.challenge(STRANGER, slot, part, score).unwrap();
		}
		live_until("the end of the score", 60, || {
			status(trained.task).score.is_none()
		});
		assert_eq!(refuted(), trained.evaluators);
		trained.finish();
	});
}

#[test]
fn what_can_not_be_challenged_is_refused() {
	in_market(|| {
		let trained = Trained::new();
		let score = trained.right();
		let part = WrongScore::Correct;
		let challenge = |who, slot| trained.challenge(who, slot, part, score);
		assert_noop!(challenge(STRANGER, 0), Error::<Test>::NothingCommitted);
		let other = Score {
			correct: score.correct + 1,
			..score
		};
		trained.score(&[other, score, score]);
		// It has not claimed it.
		assert_noop!(challenge(STRANGER, 0), Error::<Test>::NothingCommitted);
		assert_noop!(challenge(STRANGER, 7), Error::<Test>::NothingCommitted);
		assert_noop!(
			challenge(trained.evaluators[1], 1),
			Error::<Test>::OwnCommitment
		);
		let origin = RuntimeOrigin::signed(STRANGER);
		let parts = arithmetic::parts([]);
		assert_noop!(
			Pouw::challenge_score(origin.clone(), trained.task, 1, part, parts),
			Error::<Test>::PartsNotProven
		);
		assert_noop!(
			Pouw::challenge_score(origin, trained.task, 1, part, vec![]),
			Error::<Test>::PartsNotProven
		);
		assert_ok!(challenge(STRANGER, 1));
		assert_noop!(challenge(STRANGER, 1), Error::<Test>::AlreadyDone);
		live_to_end(trained.task);
		let origin = RuntimeOrigin::signed(STRANGER);
		assert_noop!(
			Pouw::challenge_score(origin, trained.task, 1, part, vec![]),
			Error::<Test>::NothingCommitted
		);
	});
}

/// Those who have what it takes are told to look: supervisors, and whoever has said something else.
#[test]
fn a_score_is_to_be_checked_by_those_who_have_not_claimed_it() {
	in_market(|| {
		let trained = Trained::new();
		let score = trained.right();
		let other = Score {
			correct: score.correct + 1,
			..score
		};
		trained.score(&[other, score, score]);
		let checks = |account| has_duty(account, &DutyKind::CheckScore);
		assert!(workers(trained.task, Role::Supervisor)
			.into_iter()
			.all(checks));
		let by_evaluators: Vec<bool> = trained.evaluators.iter().copied().map(checks).collect();
		assert_eq!(by_evaluators, [true, false, false]);
		live_to_end(trained.task);
	});
}

/// The task does not end before the time for challenges is over.
#[test]
fn a_task_waits_until_its_score_can_not_be_challenged_any_more() {
	in_market(|| {
		let trained = Trained::new();
		let score = trained.right();
		trained.score(&[score; 3]);
		let until = status(trained.task).score.unwrap().challenge_until;
		while System::block_number() < until {
			live(1);
			assert!(MlTasks::task_summary(trained.task).is_none());
		}
		live_to_end(trained.task);
	});
}

/// A score is that of a state that is not there any more.
#[test]
fn a_score_goes_with_the_round_that_it_is_about() {
	in_market(|| {
		ChallengeWindow::set(60);
		let trained = Trained::new();
		let score = trained.right();
		trained.score(&[score; 3]);
		let about_score = trained
			.challenge(OTHER_CLIENT, 0, WrongScore::Correct, score)
			.unwrap();
		// The first trainer does not answer, and loses the round.
		let about_round = crate::NextDispute::<Test>::get();
		assert_ok!(Pouw::challenge(
			RuntimeOrigin::signed(STRANGER),
			trained.task,
			0,
			0
		));
		// The evaluators are there, but for the dispute's sake its first move is made in time.
		let mut right = trained.scoring(&trained.state, None);
		let (program, facts) = (&TEST.program, trained.facts(WrongScore::Correct));
		let game = Pouw::dispute_status(about_score).unwrap().game;
		let made = defend(&game, program, &facts, &mut right).unwrap();
		let parts = game.parts_of_defence(&made, program, &facts).unwrap();
		let defender = RuntimeOrigin::signed(trained.evaluators[0]);
		pass(1);
		assert_ok!(Pouw::defend_dispute(
			defender,
			about_score,
			parts,
			Box::new(made)
		));
		live_until("the end of the dispute", 30, || {
			loser(about_round).is_some()
		});
		assert_eq!(loser(about_round), Some((Party::Defender, true)));
		live_until("the end of the other", 30, || {
			Pouw::dispute_status(about_score).is_none()
		});
		// Nobody has lost it.
		assert_eq!(loser(about_score), None);
		assert_eq!(wealth(OTHER_CLIENT), PURSE);
		assert!(status(trained.task).score.is_none());
		assert!(refuted().is_empty());
	});
}
