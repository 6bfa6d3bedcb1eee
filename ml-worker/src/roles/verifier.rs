//! The verifier: runs audited segments again, and challenges what it finds wrong. An audited trainer answers from
//! what it has kept.

use super::{
	dispute::{is_withheld, Wrong},
	manifest,
	task::{holders, keepers, Task, TaskStatusOf},
	trainer::{record_name, RoundRecord},
	RoleError, Worker,
};
use crate::{
	chain::{AccountId, Call, View},
	metrics::METRICS,
	training::run::Place,
};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	proof::{audit_commitment, audit_digest, AuditAnswer},
	status::{Commitment, Duty},
	AuditId,
};
use repops::commit::trace_root;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An answer on disk: what was committed to is what will be revealed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct AnswerRecord {
	/// The audit's randomness, so that a number that another chain history gave out anew is not mistaken.
	randomness: H256,
	answer: AuditAnswer,
}

fn answer_name(audit: AuditId) -> String {
	format!("audit-{audit}")
}

/// What a run of an audited segment gave.
struct Finding {
	/// The loss of each step.
	losses: Vec<f32>,
	/// The root of the state at the end.
	end_root: H256,
	/// What is wrong in the trainer's commitment; none if it is right as far as was looked at.
	wrong: Option<Wrong>,
}

/// An audit's answer, and of which trainer's round it is.
struct Answered {
	task: Arc<Task>,
	place: Place,
	answer: AuditAnswer,
}

impl Worker {
	pub(super) async fn commit_audit(
		&self,
		duty: &Duty,
		audit: AuditId,
	) -> Result<String, RoleError> {
		let Answered {
			task,
			place,
			answer,
		} = self.answer(duty, audit).await?;
		if !answer.in_trace {
			self.challenge_once(duty, &task, place).await?;
		}
		let commitment = audit_commitment(self.account(), audit, &answer);
		self.submit(duty, Call::commit_audit(audit, commitment))
			.await?;
		let found = if answer.in_trace {
			"the trainer's trace holds"
		} else {
			"the trace is wrong"
		};
		tracing::debug!(task = task.id, audit, found);
		Ok(found.into())
	}

	pub(super) async fn reveal_audit(
		&self,
		duty: &Duty,
		audit: AuditId,
	) -> Result<String, RoleError> {
		let answer = self.answer(duty, audit).await?.answer;
		self.submit(duty, Call::reveal_audit(audit, answer)).await?;
		Ok(String::new())
	}

	/// Opens the dispute without which an accusation counts for nothing. At the last call the answer goes out
	/// all the same.
	async fn challenge_once(
		&self,
		duty: &Duty,
		task: &Task,
		place: Place,
	) -> Result<(), RoleError> {
		let view = self.workshop.chain.best().await?;
		let accused = match task.commitment(&view, place).await {
			Ok(commitment) => self.accuse(duty, task, &commitment, place).await,
			Err(error) => Err(error),
		};
		match accused {
			Err(error) if self.is_last_call(duty).await? => {
				tracing::warn!(task = task.id, ?place, %error, "the commitment could not be challenged");
				Ok(())
			}
			accused => accused,
		}
	}

	/// The answer to an audit: the one on disk, or else a new one, which is on disk when this returns, as is
	/// what was found wrong.
	async fn answer(&self, duty: &Duty, audit: AuditId) -> Result<Answered, RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let asked = view.audit_status(audit).await?;
		let asked = asked
			.filter(|asked| !asked.void)
			.ok_or(RoleError::NotOpen)?;
		let place = Place {
			round: asked.round,
			slot: asked.slot,
		};
		let name = answer_name(audit);
		if let Some(record) = task.journal.read::<AnswerRecord>(&name)? {
			if record.randomness == asked.randomness {
				let answer = record.answer;
				return Ok(Answered {
					task,
					place,
					answer,
				});
			}
		}
		let audited = asked.parties.first().map(|party| &party.account);
		let own = if audited == Some(self.account()) {
			self.own_run(&task, place, asked.segment)?
		} else {
			None
		};
		let found = match own {
			Some(own) => own,
			#[cfg(feature = "faults")]
			None if self.fault == Some(super::fault::Fault::ApproveAll) => Finding {
				losses: Vec::new(),
				end_root: H256::zero(),
				wrong: None,
			},
			None => {
				let commitment = task.commitment(&view, place).await?;
				let found =
					self.look_into(&view, &task, &status, (&commitment, place), asked.segment);
				let found = found.await?;
				if let Some(wrong) = &found.wrong {
					self.note_wrong(&task, &commitment, place, wrong.clone())?;
				}
				found
			}
		};
		let answer = AuditAnswer {
			digest: audit_digest(&asked.randomness, &found.losses, &found.end_root),
			in_trace: found.wrong.is_none(),
		};
		task.journal.write(
			&name,
			&AnswerRecord {
				randomness: asked.randomness,
				answer,
			},
		)?;
		Ok(Answered {
			task,
			place,
			answer,
		})
	}

	/// What this trainer's own run of the segment gave, if the journal still has it.
	fn own_run(
		&self,
		task: &Task,
		place: Place,
		segment: u32,
	) -> Result<Option<Finding>, RoleError> {
		let record = task
			.journal
			.read::<RoundRecord>(&record_name(place.round, place.slot))?;
		let segment = segment as usize;
		Ok(record.and_then(|record| {
			let losses = record
				.losses
				.get(segment)?
				.iter()
				.copied()
				.map(f32::from_bits)
				.collect();
			let end = record.checkpoints.get(segment.checked_add(1)?)?;
			Some(Finding {
				losses,
				end_root: end.state,
				wrong: None,
			})
		}))
	}

	/// Runs the segment from the checkpoint at its start. Where that is withheld, or is not what it is listed
	/// as, the whole round is run instead: silence would be the trainer's way out.
	async fn look_into(
		&self,
		view: &View,
		task: &Arc<Task>,
		status: &TaskStatusOf,
		(commitment, place): (&Commitment<AccountId>, Place),
		segment: u32,
	) -> Result<Finding, RoleError> {
		let found = self.run_again(view, task, status, (commitment, place), segment);
		let found = match found.await {
			Err(error) if is_withheld(&error) => {
				tracing::warn!(
					task = task.id, ?place, %error,
					"what the trainer has committed to is not to be had; its round is replayed"
				);
				self.run_all_again(view, task, status, (commitment, place), segment)
					.await
			}
			found => found,
		};
		#[cfg(feature = "faults")]
		let found = found.map(|found| match self.fault {
			Some(fault) if fault.challenges_all() => Finding {
				wrong: found.wrong.or(Some(Wrong::Checkpoint(segment + 1))),
				..found
			},
			_ => found,
		});
		found
	}

	/// Runs the segment from the checkpoint at its start.
	async fn run_again(
		&self,
		view: &View,
		task: &Task,
		status: &TaskStatusOf,
		(commitment, place): (&Commitment<AccountId>, Place),
		segment: u32,
	) -> Result<Finding, RoleError> {
		let keepers = keepers(status, &commitment.account);
		let checkpoints = task
			.checkpoints(&self.workshop, commitment, &keepers)
			.await?;
		// The start of a round is no claim of the trainer's: it follows from what was sealed.
		let agreed = task
			.agreed(&self.workshop, view, status, place.round)
			.await?;
		let start = match checkpoints.get(segment as usize) {
			Some(checkpoint) if segment > 0 => {
				task.state(&self.workshop, checkpoint, &keepers).await?
			}
			_ => agreed.state.clone(),
		};
		let run = task.run(&self.workshop, &holders(status, None)).await?;
		let done = self
			.workshop
			.compute(move || {
				let mut count = |_| METRICS.steps.inc();
				Ok(run.run_segment(&start, place, segment, &mut count)?)
			})
			.await?;
		let end_root = H256(done.end_root);
		let wrong = if manifest::holds(&checkpoints, &agreed.root, segment, &end_root) {
			None
		} else if checkpoints.first().map(|first| first.state) != Some(agreed.root) {
			Some(Wrong::Checkpoint(0))
		} else {
			Some(Wrong::Checkpoint(segment.saturating_add(1)))
		};
		Ok(Finding {
			losses: done.losses,
			end_root,
			wrong,
		})
	}

	/// Runs all of the round, from its agreed start. The trace's root on the chain then tells whether the
	/// commitment is right; the trainer need not be asked for anything.
	async fn run_all_again(
		&self,
		view: &View,
		task: &Arc<Task>,
		status: &TaskStatusOf,
		(commitment, place): (&Commitment<AccountId>, Place),
		segment: u32,
	) -> Result<Finding, RoleError> {
		let segments = task.spec.segments_per_round();
		let replayed = self.replay_round(view, task, status, place, segments, |_| true);
		let mut replayed = replayed.await?;
		let roots: Vec<_> = replayed.roots.iter().map(|root| root.0).collect();
		let is_right = trace_root(&roots) == commitment.trace_root.0
			&& replayed.roots.last() == Some(&commitment.end_root);
		let at = segment as usize;
		if at >= replayed.losses.len() {
			return Err(RoleError::NotOpen);
		}
		Ok(Finding {
			losses: replayed.losses.swap_remove(at),
			end_root: replayed.roots[at + 1],
			wrong: (!is_right).then_some(Wrong::Trace(replayed.roots)),
		})
	}
}
