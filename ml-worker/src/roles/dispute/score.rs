//! The check of a score that evaluators have agreed on, and its challenge where it is wrong.

use super::{
	sent::{self, Sent},
	DisputeError, DisputeStatusOf,
};
use crate::{
	chain::{Call, View},
	roles::{
		task::{holders, Task, TaskStatusOf},
		RoleError, Worker,
	},
};
use codec::Encode;
use polkadot_sdk::{sp_core::H256, sp_io::hashing::blake2_256};
use pouw_dispute::{Dispute, Facts, Subject};
use pouw_primitives::{
	proof::{Score, WrongScore},
	status::{Duty, ScoreStatus},
	ticket::Role,
};
use repops::{check::Checked, random::Seed};
use serde::{Deserialize, Serialize};

/// A score that was checked, on disk.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct CheckedScore {
	/// The score, what it is of, and who has claimed it.
	identity: H256,
	/// What of it is wrong.
	wrong: Option<WrongScore>,
	sent: Option<Sent>,
	/// Whether the chain has taken the challenge, or refused it for good.
	done: bool,
}

const CHECKED: &str = "checked-score";

/// What a claimed score is told apart by. An evaluator that has not defended it is gone from it: the others are
/// challenged anew.
fn identity(status: &TaskStatusOf, claimed: &ScoreStatus) -> H256 {
	H256((status.record, claimed.score, &claimed.evaluators).using_encoded(blake2_256))
}

/// What a dispute about a score begins with, for this part of it.
fn subject(score: &Score, wrong: WrongScore) -> Subject {
	match wrong {
		WrongScore::State => Subject::Merge {
			claimed: score.state_root.0,
		},
		WrongScore::Correct => Subject::Evaluation {
			state: score.state_root.0,
			correct: score.correct,
		},
	}
}

impl Worker {
	/// Checks the score that was agreed on, and challenges it if it is wrong.
	pub(in crate::roles) async fn check_score(&self, duty: &Duty) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let claimed = status.score.clone().ok_or(RoleError::NotOpen)?;
		let identity = identity(&status, &claimed);
		let known = task.journal.read::<CheckedScore>(CHECKED)?;
		let mut checked = match known.filter(|known| known.identity == identity) {
			Some(known) => known,
			None => {
				let checked = CheckedScore {
					identity,
					wrong: self
						.wrong_score(&view, &task, &status, &claimed.score)
						.await?,
					sent: None,
					done: false,
				};
				task.journal.write(CHECKED, &checked)?;
				if checked.wrong.is_none() {
					return Ok("it is right".into());
				}
				checked
			}
		};
		let Some(wrong) = checked.wrong.filter(|_| !checked.done) else {
			return Err(RoleError::NotOpen);
		};
		if let Some(sent) = &checked.sent {
			if sent.is_alive(&self.workshop).await? {
				return Err(RoleError::NotOpen);
			}
		}
		let about_it = |status: &DisputeStatusOf| status.score.is_some();
		if !self.has_challenged(&view, &task, about_it).await? {
			let call = self.challenge_of(&task, &status, &claimed, wrong).await?;
			let until = sent::until(view.head(), duty.deadline);
			checked.sent = Some(Sent::new(identity, view.head(), until));
			task.journal.write(CHECKED, &checked)?;
			if let Err(error) = self.send(&view, until, call).await {
				if !sent::is_unsure(&error) {
					checked.sent = None;
					task.journal.write(CHECKED, &checked)?;
				}
				return Err(error);
			}
		}
		checked.done = true;
		task.journal.write(CHECKED, &checked)?;
		Ok(match wrong {
			WrongScore::State => "its state is wrong, and challenged".into(),
			WrongScore::Correct => "its number of right answers is wrong, and challenged".into(),
		})
	}

	/// What of a score is not what this machine computes.
	async fn wrong_score(
		&self,
		view: &View,
		task: &Task,
		status: &TaskStatusOf,
		score: &Score,
	) -> Result<Option<WrongScore>, RoleError> {
		let last = task.spec.training.rounds;
		let agreed = task.agreed(&self.workshop, view, status, last).await?;
		if agreed.root != score.state_root {
			return Ok(Some(WrongScore::State));
		}
		let evaluation = task
			.evaluation(&self.workshop, &holders(status, None))
			.await?;
		let work = move || Ok(evaluation.correct(&agreed.state)?);
		let correct = self.workshop.compute(work).await?;
		Ok((correct != score.correct).then_some(WrongScore::Correct))
	}

	/// The challenge of a score, to the first evaluator that stands by it.
	async fn challenge_of(
		&self,
		task: &Task,
		status: &TaskStatusOf,
		claimed: &ScoreStatus,
		wrong: WrongScore,
	) -> Result<Call, RoleError> {
		let own = status
			.workers
			.iter()
			.find(|worker| worker.role == Role::Evaluator && worker.account == *self.account());
		let own = own.map(|worker| worker.slot);
		let mut others = claimed.evaluators.iter().filter(|slot| Some(**slot) != own);
		let slot = *others.next().ok_or(RoleError::NotOpen)?;
		let view = self.workshop.chain.best().await?;
		let last = task.spec.training.rounds;
		let agreed = task.agreed(&self.workshop, &view, status, last).await?;
		let facts = Facts {
			seed: Seed(task.seed.0),
			data: None,
			updates: agreed.sealed.iter().map(|(_, end)| end.0).collect(),
		};
		let programs = task
			.programs(&self.workshop, &holders(status, None))
			.await?;
		let program: &Checked = match wrong {
			WrongScore::State => &programs.step,
			WrongScore::Correct => &programs.evaluation,
		};
		let subject = subject(&claimed.score, wrong);
		let parts = Dispute::parts_of_opening(subject, program, &facts);
		let parts = parts.map_err(DisputeError::Move)?;
		Ok(Call::challenge_score(task.id, slot, wrong, &parts))
	}
}
