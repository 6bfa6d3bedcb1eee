//! The verifier: runs audited segments again. An audited trainer answers from what it has kept.

use super::{
	manifest,
	task::{holders, keepers, Task, TaskStatusOf},
	trainer::{record_name, RoundRecord},
	RoleError, Worker,
};
use crate::{
	chain::{Call, View},
	metrics::METRICS,
	training::run::Place,
};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	proof::{audit_commitment, audit_digest, AuditAnswer},
	status::Duty,
	AuditId,
};
use serde::{Deserialize, Serialize};

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

impl Worker {
	pub(super) async fn commit_audit(
		&self,
		duty: &Duty,
		audit: AuditId,
	) -> Result<String, RoleError> {
		let (task, answer) = self.answer(duty, audit).await?;
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
		let (_, answer) = self.answer(duty, audit).await?;
		self.submit(duty, Call::reveal_audit(audit, answer)).await?;
		Ok(String::new())
	}

	/// The answer to an audit: the one on disk, or else a new one, which is on disk when this returns.
	async fn answer(
		&self,
		duty: &Duty,
		audit: AuditId,
	) -> Result<(std::sync::Arc<Task>, AuditAnswer), RoleError> {
		let view = self.workshop.chain.best().await?;
		let (task, status) = self.task(&view, duty.task).await?;
		let asked = view.audit_status(audit).await?;
		let asked = asked
			.filter(|asked| !asked.void)
			.ok_or(RoleError::NotOpen)?;
		let name = answer_name(audit);
		if let Some(record) = task.journal.read::<AnswerRecord>(&name)? {
			if record.randomness == asked.randomness {
				return Ok((task, record.answer));
			}
		}
		let place = Place {
			round: asked.round,
			slot: asked.slot,
		};
		let audited = asked.parties.first().map(|party| &party.account);
		let own = if audited == Some(self.account()) {
			self.own_run(&task, place, asked.segment)?
		} else {
			None
		};
		let (losses, end_root, in_trace) = match own {
			Some(own) => own,
			None => {
				self.run_again(&view, &task, &status, place, asked.segment)
					.await?
			}
		};
		let digest = audit_digest(&asked.randomness, &losses, &end_root);
		let answer = AuditAnswer { digest, in_trace };
		task.journal.write(
			&name,
			&AnswerRecord {
				randomness: asked.randomness,
				answer,
			},
		)?;
		Ok((task, answer))
	}

	/// What this trainer's own run of the segment gave, if the journal still has it.
	fn own_run(
		&self,
		task: &Task,
		place: Place,
		segment: u32,
	) -> Result<Option<(Vec<f32>, H256, bool)>, RoleError> {
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
			Some((losses, end.state, true))
		}))
	}

	/// Runs the segment from the checkpoint at its start.
	async fn run_again(
		&self,
		view: &View,
		task: &Task,
		status: &TaskStatusOf,
		place: Place,
		segment: u32,
	) -> Result<(Vec<f32>, H256, bool), RoleError> {
		let round = view.round_status(task.id, place.round).await?;
		let no_commitment = RoleError::NoCommitment {
			task: task.id,
			round: place.round,
			slot: place.slot,
		};
		let commitment = round
			.and_then(|round| {
				round
					.commitments
					.into_iter()
					.find(|commitment| commitment.slot == place.slot)
			})
			.ok_or(no_commitment)?;
		let keepers = keepers(status, &commitment.account);
		let checkpoints = task
			.checkpoints(&self.workshop, &commitment, &keepers)
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
		let in_trace = manifest::holds(&checkpoints, &agreed.root, segment, &end_root);
		Ok((done.losses, end_root, in_trace))
	}
}
