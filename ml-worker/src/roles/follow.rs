//! The main loop: from block to block, from duty to duty.

use super::{
	task::Origin,
	worker::{kind_name, same},
	Journal, Notice, RoleError, Worker,
};
use crate::{
	chain::{Call, ConnectError, Head, Until, View},
	config::Duties,
	metrics::METRICS,
	training::cost::TaskCost,
};
use futures::StreamExt;
use pouw_primitives::{
	status::{Duty, DutyKind},
	ticket::{Role, SocketAddress},
	DisputeId, TaskId,
};
use std::{
	future::Future,
	path::PathBuf,
	pin::pin,
	sync::{Arc, Mutex, PoisonError},
};

/// After how many blocks ended tasks are looked for.
const SWEEP_BLOCKS: u32 = 50;
/// The longest pause, in blocks, before a failed duty is tried again.
const LONGEST_PAUSE: u32 = 8;
/// So many blocks before a deadline begins the last call: then a failed duty is tried again in each block,
/// and a supervisor says what it could not get.
pub(super) const LAST_CALL: u32 = 3;

/// A duty that is under way or has failed.
struct Started {
	duty: Duty,
	under_way: bool,
	failures: u32,
	/// The block from which it may be tried again.
	again: u32,
}

/// What has been started of what is open.
#[derive(Clone, Default)]
struct Progress(Arc<Mutex<Vec<Started>>>);

impl Progress {
	/// The duties to start now, in their order. What is no longer open and not under way is forgotten.
	fn start(&self, open: &[Duty], block: u32) -> Vec<Duty> {
		let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
		started.retain(|entry| entry.under_way || open.iter().any(|duty| same(duty, &entry.duty)));
		let mut now = Vec::new();
		for duty in open {
			match started.iter_mut().find(|entry| same(&entry.duty, duty)) {
				None => {
					let duty = duty.clone();
					started.push(Started {
						duty,
						under_way: true,
						failures: 0,
						again: 0,
					});
				}
				Some(entry)
					if !entry.under_way
						&& (entry.again <= block
							|| block.saturating_add(LAST_CALL) >= duty.deadline) =>
				{
					entry.under_way = true;
					entry.duty = duty.clone();
				}
				Some(_) => continue,
			}
			now.push(duty.clone());
		}
		now
	}

	/// Notes the end of an attempt at this block.
	fn end(&self, duty: &Duty, failed: bool, block: u32) {
		let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some(entry) = started.iter_mut().find(|entry| same(&entry.duty, duty)) {
			entry.under_way = false;
			entry.failures = if failed {
				entry.failures.saturating_add(1)
			} else {
				0
			};
			let pause = match entry.failures {
				0 => 0,
				failures => 1u32
					.checked_shl(failures - 1)
					.unwrap_or(u32::MAX)
					.min(LONGEST_PAUSE),
			};
			entry.again = block.saturating_add(pause);
		}
	}
}

impl Worker {
	/// Does duties until `stop` is ready, or until the node turns out to be of another chain or runtime.
	pub async fn work(&self, stop: impl Future<Output = ()>) -> Result<(), ConnectError> {
		let address = |address: &SocketAddress| match *address {
			SocketAddress::V4(ip, port) => std::net::SocketAddr::from((ip, port)).to_string(),
			SocketAddress::V6(ip, port) => std::net::SocketAddr::from((ip, port)).to_string(),
		};
		self.tell(Notice::Started {
			account: crate::keys::address(&self.account().0),
			roles: self
				.duties
				.iter()
				.map(|role| format!("{role:?}").to_lowercase())
				.collect(),
			serving: self
				.workshop
				.store
				.endpoint()
				.addresses
				.iter()
				.map(address)
				.collect(),
		});
		if let Err(error) = self.renew_endpoints().await {
			tracing::warn!(%error, "the tickets' endpoints could not be renewed");
		}
		let progress = Progress::default();
		let mut heads = self.workshop.chain.best_blocks();
		let mut stop = pin!(stop);
		let mut swept: Option<u32> = None;
		loop {
			let head = tokio::select! {
				() = &mut stop => return Ok(()),
				head = heads.next() => head,
			};
			let head = match head {
				Some(head) => head?,
				None => return Ok(()),
			};
			METRICS.best_block.set(head.number.into());
			self.inner.block.send_replace(head.number);
			if let Err(error) = self.look(head, &progress).await {
				tracing::warn!(%error, block = head.number, "the open duties are unknown");
			}
			let sweep = swept.is_none_or(|swept| head.number.saturating_sub(swept) >= SWEEP_BLOCKS);
			if self.duties.contains(&Duties::Client) {
				if let Err(error) = self.serve_own_tasks(head, sweep).await {
					tracing::warn!(%error, "one's own tasks could not be served");
				}
			}
			if sweep {
				swept = Some(head.number);
				if let Err(error) = self.sweep(head).await {
					tracing::warn!(%error, "ended tasks could not be let go");
				}
			}
		}
	}

	/// Asks for the open duties and starts those that are not under way.
	async fn look(&self, head: Head, progress: &Progress) -> Result<(), RoleError> {
		let open = self
			.workshop
			.chain
			.view(head)
			.open_duties(self.account())
			.await?;
		let open: Vec<Duty> = open
			.into_iter()
			.filter(|duty| self.is_mine(&duty.kind))
			.collect();
		METRICS.open_duties.set(open.len() as i64);
		self.inner.open.send_replace(open.clone());
		let tasks: Vec<TaskId> = open.iter().map(|duty| duty.task).collect();
		self.inner.tasks.lock().await.sweep(&tasks, head.number);
		let dispute = |duty: &Duty| match duty.kind {
			DutyKind::AnswerDispute { dispute } => Some(dispute),
			_ => None,
		};
		let disputes: Vec<DisputeId> = open.iter().filter_map(dispute).collect();
		let mut kept = self.inner.disputes.lock().await;
		kept.sweep(&disputes, head.number);
		drop(kept);
		for duty in progress.start(&open, head.number) {
			let (worker, progress) = (self.clone(), progress.clone());
			tokio::spawn(async move {
				let performed = {
					let (worker, duty) = (worker.clone(), duty.clone());
					async move { worker.perform(&duty).await }
				};
				let done = or_panicked(performed).await;
				let block = *worker.inner.block.borrow();
				let failed = worker.report(&duty, done);
				progress.end(&duty, failed, block);
			});
		}
		Ok(())
	}

	/// Whether a duty is of a role that this worker has taken.
	fn is_mine(&self, duty: &DutyKind) -> bool {
		let takes = |role| self.duties.contains(&role);
		match duty {
			DutyKind::Accept { role, .. } => self
				.duties
				.iter()
				.any(|duties| duties.ticket_role() == Some(*role)),
			DutyKind::Train { .. } => takes(Duties::Trainer),
			DutyKind::AttestSpec
			| DutyKind::AttestAvailability { .. }
			| DutyKind::AttestTest
			| DutyKind::ShowDemanded { .. } => takes(Duties::Supervisor),
			// The audited trainer answers too.
			DutyKind::CommitAudit { .. } | DutyKind::RevealAudit { .. } => {
				takes(Duties::Verifier) || takes(Duties::Trainer)
			}
			// Whatever it is that it has claimed or challenged.
			DutyKind::AnswerDispute { .. } => true,
			DutyKind::CheckScore => takes(Duties::Supervisor) || takes(Duties::Evaluator),
			DutyKind::RevealTest => takes(Duties::Client),
			DutyKind::CommitEvaluation | DutyKind::RevealEvaluation => takes(Duties::Evaluator),
		}
	}

	async fn perform(&self, duty: &Duty) -> Result<String, RoleError> {
		match &duty.kind {
			DutyKind::Accept { ticket, role } => {
				let view = self.workshop.chain.best().await?;
				let status = view.task_status(duty.task).await?;
				let status = status.ok_or(RoleError::NoSuchTask(duty.task))?;
				TaskCost::of(&status.spec, *role).check(&self.limits)?;
				self.submit(duty, Call::accept_assignment(duty.task, *ticket))
					.await?;
				Ok(String::new())
			}
			DutyKind::Train { round, slot } => self.train(duty, *round, *slot).await,
			DutyKind::AttestSpec => self.attest_spec(duty).await,
			DutyKind::AttestAvailability { round, slots } => {
				self.attest_availability(duty, *round, slots).await
			}
			DutyKind::AttestTest => self.attest_test(duty).await,
			DutyKind::CommitAudit { audit } => self.commit_audit(duty, *audit).await,
			DutyKind::RevealAudit { audit } => self.reveal_audit(duty, *audit).await,
			DutyKind::AnswerDispute { dispute } => self.answer_dispute(duty, *dispute).await,
			DutyKind::RevealTest => self.reveal_test(duty).await,
			DutyKind::CommitEvaluation => self.commit_evaluation(duty).await,
			DutyKind::RevealEvaluation => self.reveal_evaluation(duty).await,
			DutyKind::CheckScore => self.check_score(duty).await,
			DutyKind::ShowDemanded { demand } => self.show_demanded(duty, *demand).await,
		}
	}

	/// Tells how an attempt ended, and whether it failed.
	fn report(&self, duty: &Duty, done: Result<String, RoleError>) -> bool {
		let (task, kind) = (duty.task, duty.kind.clone());
		let (outcome, failed) = match done {
			Ok(detail) => {
				self.tell(Notice::Done {
					task,
					duty: kind,
					detail,
				});
				("done", false)
			}
			Err(RoleError::NotOpen) => {
				tracing::debug!(task, ?kind, "the chain no longer waits for it");
				("not_open", false)
			}
			Err(error) => {
				self.tell(Notice::Failed {
					task,
					duty: kind,
					error: error.to_string(),
				});
				("failed", true)
			}
		};
		METRICS
			.duties
			.with_label_values(&[kind_name(&duty.kind), outcome])
			.inc();
		failed
	}

	/// Tells the chain where this worker's blobs are, for tickets that say otherwise.
	async fn renew_endpoints(&self) -> Result<(), RoleError> {
		let endpoint = self.workshop.store.endpoint();
		for ticket in self
			.workshop
			.chain
			.best()
			.await?
			.tickets_of(self.account())
			.await?
		{
			let mine = self
				.duties
				.iter()
				.any(|duties| duties.ticket_role() == Some(ticket.role));
			let serves = matches!(ticket.role, Role::Trainer | Role::Supervisor);
			if mine && serves && ticket.endpoint != *endpoint {
				let call = Call::update_endpoint(ticket.ticket, endpoint);
				self.workshop
					.chain
					.submit(&self.keypair, &call, Until::Best)
					.await?;
				tracing::info!(ticket = ticket.ticket, "the ticket's endpoint is renewed");
			}
		}
		Ok(())
	}

	/// Lets go of what belongs to tasks that ended long ago.
	async fn sweep(&self, head: Head) -> Result<(), RoleError> {
		let view = self.workshop.chain.view(head);
		let Ok(entries) = std::fs::read_dir(self.workshop.folder.join("tasks")) else {
			return Ok(());
		};
		for entry in entries.flatten() {
			let folder = entry.path();
			if !folder.is_dir() {
				continue;
			}
			let name = entry.file_name().to_string_lossy().into_owned();
			match self.sweep_task(&view, folder, &name).await {
				Err(error @ RoleError::Chain(_)) => return Err(error),
				// One folder that can't be read is no reason to keep the others.
				Err(error) => tracing::warn!(%error, name, "an ended task can't be let go"),
				Ok(()) => (),
			}
		}
		Ok(())
	}

	/// Lets go of the task of this journal if it ended long ago.
	async fn sweep_task(&self, view: &View, folder: PathBuf, name: &str) -> Result<(), RoleError> {
		let journal = Journal::open(folder)?;
		let Some(origin) = journal.read::<Origin>("task")? else {
			return Ok(());
		};
		if origin.genesis != self.workshop.chain.genesis() {
			return Ok(());
		}
		let Some(summary) = view.task_summary(origin.task).await? else {
			return Ok(());
		};
		self.inner.tasks.lock().await.remove(origin.task);
		if summary.block.saturating_add(self.retention) <= view.head().number {
			self.workshop.store.forget(name).await?;
			journal.remove()?;
			self.tell(Notice::Forgotten { task: origin.task });
		}
		Ok(())
	}
}

/// What this gives. Should it panic that is an error too, or a duty would be under way for ever.
async fn or_panicked<T: Send + 'static>(
	work: impl Future<Output = Result<T, RoleError>> + Send + 'static,
) -> Result<T, RoleError> {
	tokio::spawn(work)
		.await
		.unwrap_or_else(|error| Err(error.into()))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn duty(kind: DutyKind) -> Duty {
		Duty {
			kind,
			task: 1,
			deadline: 100,
		}
	}

	#[test]
	fn a_duty_is_started_once_and_tried_again_after_a_pause() {
		let progress = Progress::default();
		let open = [duty(DutyKind::AttestSpec), duty(DutyKind::RevealTest)];
		assert_eq!(progress.start(&open, 10), open);
		assert_eq!(progress.start(&open, 11), []);
		progress.end(&open[0], true, 11);
		assert_eq!(progress.start(&open, 11), []);
		assert_eq!(progress.start(&open, 12), [open[0].clone()]);
		progress.end(&open[0], true, 12);
		assert_eq!(progress.start(&open, 13), []);
		assert_eq!(progress.start(&open, 14), [open[0].clone()]);
	}

	#[test]
	fn the_last_call_is_not_slept_through() {
		let progress = Progress::default();
		let open = [duty(DutyKind::AttestSpec)];
		let mut tried = Vec::new();
		for block in 60..=100 {
			if !progress.start(&open, block).is_empty() {
				progress.end(&open[0], true, block);
				tried.push(block);
			}
		}
		let last_call: Vec<u32> = (100 - LAST_CALL..=100).collect();
		assert!(tried.ends_with(&last_call), "{tried:?}");
		// Before that the pauses grow.
		assert!(tried.len() < 20, "{tried:?}");
	}

	#[test]
	fn a_growing_attestation_is_one_duty() {
		let attest = |slots| duty(DutyKind::AttestAvailability { round: 3, slots });
		let progress = Progress::default();
		assert_eq!(progress.start(&[attest(vec![0])], 1).len(), 1);
		assert_eq!(progress.start(&[attest(vec![0, 1])], 2), []);
		progress.end(&attest(vec![0]), false, 2);
		assert_eq!(progress.start(&[attest(vec![1])], 2), [attest(vec![1])]);
	}

	#[tokio::test]
	async fn a_duty_that_panics_has_failed() {
		let wrong = or_panicked::<String>(async { panic!("a fault of this program") }).await;
		assert!(matches!(wrong, Err(RoleError::Thread(_))));
		assert!(or_panicked(async { Ok(1) }).await.is_ok());
	}

	#[test]
	fn what_is_closed_is_forgotten() {
		let progress = Progress::default();
		let open = [duty(DutyKind::AttestTest)];
		progress.start(&open, 1);
		progress.end(&open[0], true, 1);
		progress.start(&[], 2);
		assert_eq!(progress.start(&open, 2), open);
	}
}
