//! What all roles share: the means to work, and what they say.

use super::{
	dispute::Kept,
	memory::Memory,
	task::{Task, TaskStatusOf},
	RoleError,
};
use crate::{
	chain::{AccountId, Call, Chain, Receipt, SubmitError, View},
	config::Duties,
	keys::Keypair,
	metrics::METRICS,
	store::{FetchError, Store},
	training::cost::WorkLimits,
};
use ml_worker_engine::Engine;
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	status::{Duty, DutyKind},
	ticket::Endpoint,
	DisputeId, TaskId,
};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::{watch, Mutex, Semaphore};

/// The means to follow a task: who only checks needs no more. Clones share them.
#[derive(Clone)]
pub struct Workshop {
	/// The chain.
	pub chain: Chain,
	/// The blobs.
	pub store: Store,
	/// What computes.
	pub engine: Engine,
	/// The folder of the journals.
	pub folder: PathBuf,
	/// One computation at a time: each uses all threads.
	turn: Arc<Semaphore>,
}

impl Workshop {
	/// Brings the means together.
	pub fn new(chain: Chain, store: Store, engine: Engine, folder: PathBuf) -> Self {
		Workshop {
			chain,
			store,
			engine,
			folder,
			turn: Arc::new(Semaphore::new(1)),
		}
	}

	/// A blob of a task.
	pub(super) async fn fetch(
		&self,
		task: &Task,
		hash: &H256,
		limit: u64,
		holders: &[Endpoint],
	) -> Result<Vec<u8>, RoleError> {
		let here = self.store.has(hash).await?;
		let fetched = self.store.fetch(&task.group, hash, limit, holders).await;
		match &fetched {
			Ok(bytes) if !here => METRICS.fetched_bytes.inc_by(bytes.len() as u64),
			Err(FetchError::NotFound { attempts, .. }) => {
				METRICS.failed_fetches.inc_by(attempts.len() as u64);
			}
			_ => (),
		}
		Ok(fetched?)
	}

	/// Computes on a thread of its own, when it is this computation's turn.
	pub(super) async fn compute<T: Send + 'static>(
		&self,
		work: impl FnOnce() -> Result<T, RoleError> + Send + 'static,
	) -> Result<T, RoleError> {
		let turn = self.turn.clone().acquire_owned().await;
		let turn = turn.expect("the semaphore is never closed; qed");
		tokio::task::spawn_blocking(move || {
			let _turn = turn;
			work()
		})
		.await?
	}
}

/// What a worker needs to begin.
pub struct WorkerSetup {
	/// The means.
	pub workshop: Workshop,
	/// Who signs.
	pub keypair: Keypair,
	/// The roles whose duties are done.
	pub duties: Vec<Duties>,
	/// How many blocks a task's blobs are kept after its end.
	pub retention: u32,
	/// What is taken on of a task.
	pub limits: WorkLimits,
	/// Where what happens is told.
	pub notify: Box<dyn Fn(&Notice) + Send + Sync>,
	/// What a trainer does wrong.
	#[cfg(feature = "faults")]
	pub fault: Option<super::fault::Fault>,
}

/// One who does duties. Clones share everything.
#[derive(Clone)]
pub struct Worker {
	pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
	pub(super) setup: WorkerSetup,
	pub(super) account: AccountId,
	pub(super) tasks: Mutex<Memory<TaskId, Arc<Task>>>,
	pub(super) disputes: Mutex<Memory<DisputeId, Kept>>,
	/// Tasks before this number are known not to be this account's own, as far as they were looked at.
	pub(super) searched: Mutex<TaskId>,
	/// The duties that were open at the last block, for work that takes longer than a block.
	pub(super) open: watch::Sender<Vec<Duty>>,
	/// The number of the last block that was seen.
	pub(super) block: watch::Sender<u32>,
}

impl std::ops::Deref for Worker {
	type Target = WorkerSetup;

	fn deref(&self) -> &WorkerSetup {
		&self.inner.setup
	}
}

/// Something that has happened, for people and scripts.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "event")]
#[non_exhaustive]
pub enum Notice {
	/// The worker is ready.
	#[serde(rename_all = "camelCase")]
	Started {
		/// Its account.
		account: String,
		/// The roles.
		roles: Vec<String>,
		/// The addresses of its blobs.
		serving: Vec<String>,
	},
	/// A duty is done.
	#[serde(rename_all = "camelCase")]
	Done {
		/// The task.
		task: TaskId,
		/// The duty.
		duty: DutyKind,
		/// What was found or made.
		#[serde(skip_serializing_if = "String::is_empty")]
		detail: String,
	},
	/// A duty has failed for now.
	#[serde(rename_all = "camelCase")]
	Failed {
		/// The task.
		task: TaskId,
		/// The duty.
		duty: DutyKind,
		/// Why.
		error: String,
	},
	/// A segment of a round is trained.
	#[serde(rename_all = "camelCase")]
	Trained {
		/// The task.
		task: TaskId,
		/// The round.
		round: u32,
		/// The trainer's place.
		slot: u16,
		/// Segments that are done.
		segments: u32,
		/// Segments of the round.
		of: u32,
		/// The loss of the last step.
		loss: f32,
	},
	/// A task's journal and blobs were let go.
	#[serde(rename_all = "camelCase")]
	Forgotten {
		/// The task.
		task: TaskId,
	},
}

impl std::fmt::Display for Notice {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		match self {
			Notice::Started {
				account,
				roles,
				serving,
			} => {
				write!(
					f,
					"working as {account} ({}), blobs at {}",
					roles.join(", "),
					serving.join(", ")
				)
			}
			Notice::Done { task, duty, detail } if detail.is_empty() => {
				write!(f, "task {task}: {} done", describe(duty))
			}
			Notice::Done { task, duty, detail } => {
				write!(f, "task {task}: {} done, {detail}", describe(duty))
			}
			Notice::Failed { task, duty, error } => {
				write!(f, "task {task}: {} failed for now: {error}", describe(duty))
			}
			Notice::Trained {
				task,
				round,
				slot,
				segments,
				of,
				loss,
			} => write!(
				f,
				"task {task}: round {round}, place {slot}: {segments} of {of} segments, loss {loss:.4}"
			),
			Notice::Forgotten { task } => write!(f, "task {task}: its blobs are let go"),
		}
	}
}

/// A duty in a few words.
pub(super) fn describe(duty: &DutyKind) -> String {
	match duty {
		DutyKind::Accept { ticket, .. } => format!("acceptance with ticket {ticket}"),
		DutyKind::AttestSpec => "check of programs and data".into(),
		DutyKind::Train { round, slot } => format!("training of round {round}, place {slot}"),
		DutyKind::AttestAvailability { round, .. } => {
			format!("attestation of round {round}'s checkpoints")
		}
		DutyKind::CommitAudit { audit } => format!("answer to audit {audit}"),
		DutyKind::RevealAudit { audit } => format!("reveal of the answer to audit {audit}"),
		DutyKind::AnswerDispute { dispute } => format!("move in dispute {dispute}"),
		DutyKind::RevealTest => "reveal of the test part".into(),
		DutyKind::AttestTest => "check of the test part".into(),
		DutyKind::CommitEvaluation => "evaluation".into(),
		DutyKind::RevealEvaluation => "reveal of the score".into(),
		DutyKind::CheckScore => "check of the agreed score".into(),
		DutyKind::ShowDemanded { demand } => format!("answer to demand {demand}"),
	}
}

/// The name of a duty's kind for metrics.
pub(super) fn kind_name(duty: &DutyKind) -> &'static str {
	match duty {
		DutyKind::Accept { .. } => "accept",
		DutyKind::AttestSpec => "attest_spec",
		DutyKind::Train { .. } => "train",
		DutyKind::AttestAvailability { .. } => "attest_availability",
		DutyKind::CommitAudit { .. } => "commit_audit",
		DutyKind::RevealAudit { .. } => "reveal_audit",
		DutyKind::AnswerDispute { .. } => "answer_dispute",
		DutyKind::RevealTest => "reveal_test",
		DutyKind::AttestTest => "attest_test",
		DutyKind::CommitEvaluation => "commit_evaluation",
		DutyKind::RevealEvaluation => "reveal_evaluation",
		DutyKind::CheckScore => "check_score",
		DutyKind::ShowDemanded { .. } => "show_demanded",
	}
}

/// Whether two duties are the same thing to do. Which trainers' commitments are to be attested grows while
/// the attestation is under way. The moves of a dispute are one duty, which is open again and again: which move
/// is due is looked up when it is made.
pub(super) fn same(one: &Duty, other: &Duty) -> bool {
	use DutyKind::AttestAvailability as Attest;
	one.task == other.task
		&& match (&one.kind, &other.kind) {
			(Attest { round: one, .. }, Attest { round: other, .. }) => one == other,
			(one, other) => one == other,
		}
}

impl Worker {
	/// A worker that is ready to do duties.
	pub fn new(setup: WorkerSetup) -> Self {
		let account = AccountId::from(setup.keypair.public_key().0);
		Worker {
			inner: Arc::new(Inner {
				setup,
				account,
				tasks: Mutex::default(),
				disputes: Mutex::default(),
				searched: Mutex::default(),
				open: watch::Sender::new(Vec::new()),
				block: watch::Sender::new(0),
			}),
		}
	}

	/// Whose duties are done.
	pub fn account(&self) -> &AccountId {
		&self.inner.account
	}

	/// Tells what has happened.
	pub(super) fn tell(&self, notice: Notice) {
		(self.notify)(&notice);
	}

	/// A task and its status as of this view.
	pub(super) async fn task(
		&self,
		view: &View,
		id: TaskId,
	) -> Result<(Arc<Task>, TaskStatusOf), RoleError> {
		let status = view
			.task_status(id)
			.await?
			.ok_or(RoleError::NoSuchTask(id))?;
		let (mut tasks, block) = (self.inner.tasks.lock().await, view.head().number);
		if let Some(task) = tasks.get(id, block).filter(|task| task.is(&status)) {
			return Ok((task.clone(), status));
		}
		let task = Arc::new(Task::open(&self.workshop, &status)?);
		tasks.insert(id, task.clone(), block);
		Ok((task, status))
	}

	/// Ready once a block of this number was seen.
	pub(super) async fn reached(&self, number: u32) {
		let mut block = self.inner.block.subscribe();
		// The sender lives as long as this worker.
		let _ = block.wait_for(|block| *block >= number).await;
	}

	/// Whether the chain waited for this at the last block that was seen.
	pub(super) fn is_open(&self, duty: &Duty) -> bool {
		self.inner.open.borrow().iter().any(|open| same(open, duty))
	}

	/// Sends a call for a duty, unless the chain no longer waits for it. It counts only on top of the block
	/// where the chain was found to wait, and is waited for no longer than to the duty's deadline.
	pub(super) async fn submit(&self, duty: &Duty, call: Call) -> Result<Receipt, RoleError> {
		let view = self.workshop.chain.best().await?;
		let deadline = self.deadline(&view, duty).await?;
		self.send(&view, deadline, call).await
	}

	/// The last block in which a duty counts, if the chain waits for it as of this view.
	pub(super) async fn deadline(&self, view: &View, duty: &Duty) -> Result<u32, RoleError> {
		let open = view.open_duties(self.account()).await?;
		let open = open.iter().find(|open| same(open, duty));
		Ok(open.ok_or(RoleError::NotOpen)?.deadline)
	}

	/// Sends a call that counts only on top of this view's block, and is of no use after the deadline.
	pub(super) async fn send(
		&self,
		view: &View,
		deadline: u32,
		call: Call,
	) -> Result<Receipt, RoleError> {
		let chain = &self.workshop.chain;
		let submitted = tokio::select! {
			submitted = chain.submit_on(&self.keypair, &call, view.head(), deadline) => submitted,
			() = self.reached(deadline.saturating_add(1)) => {
				METRICS
					.transactions
					.with_label_values(&[call.name(), "late"])
					.inc();
				return Err(RoleError::Late(deadline));
			}
		};
		let outcome = if submitted.is_ok() {
			"included"
		} else {
			"failed"
		};
		METRICS
			.transactions
			.with_label_values(&[call.name(), outcome])
			.inc();
		match submitted {
			Ok(receipt) => Ok(receipt),
			Err(error @ (SubmitError::NotIncluded { .. } | SubmitError::Chain(_))) => {
				// It may be in a block all the same. The next look at the open duties tells.
				tracing::warn!(%call, %error, "unsure whether a transaction is in a block");
				Err(error.into())
			}
			Err(error) => Err(error.into()),
		}
	}
}
