//! The evaluator: scores the final model on the hidden part of the data.

use super::{task::holders, RoleError, Worker};
use crate::chain::Call;
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{proof::evaluation_commitment, status::Duty};
use serde::{Deserialize, Serialize};

/// A score on disk: what was committed to is what will be revealed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct ScoreRecord {
	correct: u32,
	state_root: H256,
	salt: H256,
}

const RECORD: &str = "evaluation";

impl Worker {
	pub(super) async fn commit_evaluation(&self, duty: &Duty) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let last = task.spec.training.rounds;
		let agreed = task.agreed(&self.workshop, &view, &status, last).await?;
		let kept = task.journal.read::<ScoreRecord>(RECORD)?;
		let score = match kept.filter(|kept| kept.state_root == agreed.root) {
			Some(kept) => kept,
			None => {
				let evaluation = task
					.evaluation(&self.workshop, &holders(&status, None))
					.await?;
				let state_root = agreed.root;
				let correct = self
					.workshop
					.compute(move || Ok(evaluation.correct(&agreed.state)?))
					.await?;
				#[cfg(feature = "faults")]
				let correct = match self.fault {
					Some(super::fault::Fault::WrongScore) => correct.saturating_sub(1),
					_ => correct,
				};
				let mut salt = H256::zero();
				getrandom::fill(&mut salt.0)?;
				let score = ScoreRecord {
					correct,
					state_root,
					salt,
				};
				task.journal.write(RECORD, &score)?;
				score
			}
		};
		let ScoreRecord {
			correct,
			state_root,
			salt,
		} = score;
		let attempt = status.evaluation_attempt;
		let commitment = evaluation_commitment(
			self.account(),
			task.id,
			attempt,
			correct,
			&state_root,
			&salt,
		);
		self.submit(duty, Call::commit_evaluation(task.id, commitment))
			.await?;
		Ok(format!(
			"{correct} of {} right, state {state_root:?}",
			task.spec.test_rows()
		))
	}

	pub(super) async fn reveal_evaluation(&self, duty: &Duty) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, _) = self.task(&view, duty.task).await?;
		let score = task.journal.read::<ScoreRecord>(RECORD)?;
		let Some(ScoreRecord {
			correct,
			state_root,
			salt,
		}) = score
		else {
			let lost =
				"the score that was committed to is not in the journal, so it can't be revealed";
			return Err(RoleError::OwnTask(lost.into()));
		};
		let call = Call::reveal_evaluation(task.id, correct, state_root, salt);
		self.submit(duty, call).await?;
		Ok(String::new())
	}
}
