//! The client: prepares tasks, serves their programs and data, reveals the test part.
//!
//! A task that was submitted from this folder has a folder of its own under `own/`: the specification, the
//! data's segments, and the task's number once it is known. The segments lie there and not in the store,
//! because what is in the store is served: those that are drawn for the test must stay hidden until the
//! rounds are over, and before the draw is final nobody knows which they are.

use super::{journal::replace, Journal, JournalError, RoleError, Worker};
use crate::{
	chain::{spec_hash, AccountId, Call, Head, View},
	dataset::segments::{decode_manifest, visible, EncodedData},
	store::{Store, StoreError},
	task_file::Prepared,
	training::programs::{ProgramsError, TaskPrograms},
};
use codec::{DecodeAll, Encode};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, H256},
	sp_runtime::Permill,
};
use pouw_primitives::{
	spec::{DataSpec, StateSpec, TaskSpec},
	status::{Duty, TaskStatus, TaskSummary},
	ticket::{feature, Capabilities},
	TaskId,
};
use repops::{commit::state_root, parts::program_root, program::ARITHMETIC_VERSION, state_blob};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const OWN: &str = "own";
const SPEC_FILE: &str = "spec.scale";

/// Why a task could not be made ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
	/// The programs don't fit.
	#[error(transparent)]
	Programs(#[from] ProgramsError),
	/// The store failed.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The journal failed.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The system has no random numbers.
	#[error("the system gives no random numbers: {0}")]
	Random(#[from] getrandom::Error),
	/// A file of the task can't be read or written.
	#[error("{}: {error}", path.display())]
	File {
		/// The file.
		path: PathBuf,
		/// The system's reason.
		error: std::io::Error,
	},
}

/// What a folder under `own/` says of its task.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct OwnRecord {
	/// The chain that the task was submitted to.
	genesis: H256,
	/// Its number, once it is known.
	task: Option<TaskId>,
	/// The draw for which its training part is served. Under another one nothing is served any more: its
	/// hidden segments may be public.
	#[serde(default)]
	draw: Option<Draw>,
}

/// What the chain has drawn for a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Draw {
	seed: H256,
	hidden: Vec<u16>,
}

impl Draw {
	fn of(status: &TaskStatus<AccountId>) -> Option<Self> {
		status.seed.map(|seed| Draw {
			seed,
			hidden: status.hidden_segments.clone(),
		})
	}
}

/// A task that this machine is or was the client of.
#[derive(Clone, Debug)]
pub struct OwnTask {
	/// What was asked for.
	pub spec: TaskSpec,
	folder: PathBuf,
	journal: Journal,
}

/// Makes a task ready for submission: the specification, and everything that it names by hash, in the
/// store (programs, the state to start from, the list of segments) or in a folder of its own (the segments).
pub async fn prepare(
	store: &Store,
	root: &Path,
	genesis: H256,
	prepared: &Prepared,
) -> Result<OwnTask, PrepareError> {
	let programs = TaskPrograms::new(&prepared.programs.step, &prepared.programs.evaluation)?;
	let step = prepared.programs.step.encode();
	let evaluation = prepared.programs.evaluation.encode();
	let data = EncodedData::new(&prepared.segments)?;
	let contents = &prepared.file.contents;
	let cost = programs.cost();
	let hash = |blob: &[u8]| H256(*blake3::hash(blob).as_bytes());
	let first = prepared.segments.first();
	let initial = prepared.initial.as_ref().map(|state| {
		let (blob, root) = (state_blob::encode(state), H256(state_root(state)));
		let given = StateSpec {
			blob: hash(&blob),
			root,
		};
		(given, blob)
	});
	let mut spec = TaskSpec {
		name: BoundedVec::truncate_from(contents.task.name.clone().into_bytes()),
		arithmetic_version: ARITHMETIC_VERSION,
		step_program: hash(&step),
		step_program_parts: H256(program_root(&programs.step)),
		evaluation_program: hash(&evaluation),
		evaluation_program_parts: H256(program_root(&programs.evaluation)),
		initial_state: initial.as_ref().map(|(given, _)| *given),
		data: DataSpec {
			root: H256(data.root),
			manifest: hash(&data.manifest),
			segments: contents.data.segments,
			hidden_segments: contents.data.hidden_segments,
			rows_per_segment: prepared.rows_per_segment(),
			columns: first.map_or(0, |segment| segment.columns),
			classes: first.map_or(0, |segment| segment.classes),
		},
		training: prepared.training,
		cost,
		needs: Capabilities {
			features: feature::OPERATIONS_1,
			parameters: cost.parameters,
			data_bytes: 0,
		},
		required_accuracy: Permill::from_parts(contents.task.required_accuracy.millionths),
		fee: contents.task.fee.0,
		round_deadline: contents.training.round_deadline,
		endpoint: store.endpoint().clone(),
	};
	spec.needs.data_bytes = spec.data_bytes();
	programs.check_sizes(&spec.data, &spec.training)?;

	let group = group(&spec);
	let blobs = [step, evaluation, data.manifest].into_iter();
	for blob in blobs.chain(initial.map(|(_, blob)| blob)) {
		store.put(&group, blob).await?;
	}
	let folder = root.join(OWN).join(&group);
	let journal = Journal::open(folder.clone())?;
	for (number, blob) in data.segments.iter().enumerate() {
		write(&segment_file(&folder, number), blob)?;
	}
	write(&folder.join(SPEC_FILE), &spec.encode())?;
	journal.write(
		"own",
		&OwnRecord {
			genesis,
			..OwnRecord::default()
		},
	)?;
	Ok(OwnTask {
		spec,
		folder,
		journal,
	})
}

/// The group of a task's blobs in its client's store.
fn group(spec: &TaskSpec) -> String {
	format!("own-{}", hex::encode(&spec_hash(spec).0[..8]))
}

fn segment_file(folder: &Path, number: usize) -> PathBuf {
	folder.join(format!("segment-{number:03}"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PrepareError> {
	replace(path, bytes).map_err(|error| PrepareError::File {
		path: path.to_owned(),
		error,
	})
}

impl OwnTask {
	/// Reads a task from its folder. None if the folder has none of this chain.
	fn open(folder: PathBuf, genesis: H256) -> Result<Option<(Self, OwnRecord)>, RoleError> {
		let journal = Journal::open(folder.clone())?;
		let Some(record) = journal.read::<OwnRecord>("own")? else {
			return Ok(None);
		};
		if record.genesis != genesis {
			return Ok(None);
		}
		let path = folder.join(SPEC_FILE);
		let unreadable =
			|reason: String| RoleError::OwnTask(format!("{}: {reason}", path.display()));
		let bytes = std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
		let spec =
			TaskSpec::decode_all(&mut &bytes[..]).map_err(|error| unreadable(error.to_string()))?;
		let own = OwnTask {
			spec,
			folder,
			journal,
		};
		Ok(Some((own, record)))
	}

	/// Notes the number that the chain gave the task.
	pub fn submitted(&self, genesis: H256, task: TaskId) -> Result<(), JournalError> {
		let record = self.journal.read::<OwnRecord>("own")?.unwrap_or_default();
		self.note(&OwnRecord {
			genesis,
			task: Some(task),
			..record
		})
	}

	/// The number that the chain gave the task, as far as that is known. A reorganisation may change it; who
	/// does the client's duties notices.
	pub fn number(&self) -> Result<Option<TaskId>, JournalError> {
		let record = self.journal.read::<OwnRecord>("own")?;
		Ok(record.and_then(|record| record.task))
	}

	fn note(&self, record: &OwnRecord) -> Result<(), JournalError> {
		self.journal.write("own", record)
	}

	/// Removes what was made ready: the chain did not take the task.
	pub async fn discard(self, store: &Store) -> Result<(), PrepareError> {
		store.forget(&group(&self.spec)).await?;
		Ok(self.journal.remove()?)
	}

	/// Puts segments into the store, which serves them.
	async fn serve(&self, store: &Store, numbers: &[u16]) -> Result<(), RoleError> {
		for number in numbers {
			let path = segment_file(&self.folder, usize::from(*number));
			let blob = std::fs::read(&path)
				.map_err(|error| RoleError::OwnTask(format!("{}: {error}", path.display())))?;
			store.put(&group(&self.spec), blob).await?;
		}
		Ok(())
	}

	/// Whether the segments are all in the store.
	async fn serves(&self, store: &Store, numbers: &[u16]) -> Result<bool, RoleError> {
		let manifest = store.get(&self.spec.data.manifest).await?;
		let hashes = manifest
			.and_then(|blob| decode_manifest(&blob, self.spec.data.segments).ok())
			.unwrap_or_default();
		for number in numbers {
			let Some(hash) = hashes.get(usize::from(*number)) else {
				return Ok(false);
			};
			if !store.has(&H256(*hash)).await? {
				return Ok(false);
			}
		}
		Ok(true)
	}
}

/// The tasks of this folder on this chain. What can't be read is passed over: the other tasks must be served.
fn own_tasks(root: &Path, genesis: H256) -> Vec<(OwnTask, OwnRecord)> {
	let Ok(entries) = std::fs::read_dir(root.join(OWN)) else {
		return Vec::new();
	};
	let mut tasks = Vec::new();
	for entry in entries.flatten() {
		let folder = entry.path();
		if !folder.is_dir() {
			continue;
		}
		match OwnTask::open(folder, genesis) {
			Ok(own) => tasks.extend(own),
			Err(error) => tracing::warn!(%error, "one of this folder's own tasks can't be served"),
		}
	}
	tasks
}

impl Worker {
	/// Serves what the tasks of this folder need served now, and lets go of those that ended long ago. Tasks
	/// whose number was not noted are looked for among the chain's new ones, with `search` among all.
	pub(super) async fn serve_own_tasks(&self, head: Head, search: bool) -> Result<(), RoleError> {
		let view = self.workshop.chain.view(head);
		let own_tasks = own_tasks(&self.workshop.folder, self.workshop.chain.genesis());
		let found = if own_tasks.iter().any(|(_, record)| record.task.is_none()) {
			self.find_own_tasks(&view, search).await?
		} else {
			Vec::new()
		};
		for (own, record) in own_tasks {
			let folder = own.folder.clone();
			match self.look_after_own_task(&view, own, record, &found).await {
				Err(error @ RoleError::Chain(_)) => return Err(error),
				Err(error) => {
					let folder = folder.display();
					tracing::warn!(%error, %folder, "an own task can't be served");
				}
				Ok(()) => (),
			}
		}
		Ok(())
	}

	/// Serves one's own task or lets it go. `found` are tasks among which it may be if its number is unknown.
	async fn look_after_own_task(
		&self,
		view: &View,
		own: OwnTask,
		mut record: OwnRecord,
		found: &[TaskStatus<AccountId>],
	) -> Result<(), RoleError> {
		let number = match record.task {
			Some(number) => number,
			None => match found.iter().find(|status| status.spec == own.spec) {
				Some(status) => {
					record.task = Some(status.task);
					own.note(&record)?;
					status.task
				}
				None => return Ok(()),
			},
		};
		match view.task_status(number).await? {
			Some(status) if self.is_client_of(&own, &status) => {
				return self.serve_own_task(&own, record, &status).await;
			}
			Some(_) => (),
			None => {
				let summary = view.task_summary(number).await?;
				let summary = summary.filter(|summary| summary.spec_hash == spec_hash(&own.spec));
				if let Some(summary) = summary {
					return self.let_own_task_go(view, own, &summary).await;
				}
			}
		}
		tracing::warn!(
			task = number,
			"the chain gave this number to another task or took it back; looking for one's own"
		);
		record.task = None;
		own.note(&record)?;
		*self.inner.searched.lock().await = 0;
		Ok(())
	}

	fn is_client_of(&self, own: &OwnTask, status: &TaskStatus<AccountId>) -> bool {
		status.spec == own.spec && status.client == *self.account()
	}

	/// The open tasks of this account that the last search has not seen yet; with `all`, every one.
	async fn find_own_tasks(
		&self,
		view: &View,
		all: bool,
	) -> Result<Vec<TaskStatus<AccountId>>, RoleError> {
		const PAGE: u32 = 100;
		let mut searched = self.inner.searched.lock().await;
		let mut start = if all { 0 } else { *searched };
		let mut found = Vec::new();
		loop {
			let tasks = view.open_tasks(start, PAGE).await?;
			for task in &tasks {
				let status = view.task_status(*task).await?;
				found.extend(status.filter(|status| status.client == *self.account()));
				start = task.saturating_add(1);
			}
			*searched = start;
			if tasks.len() < PAGE as usize {
				return Ok(found);
			}
		}
	}

	/// After the draw the segments that are not hidden are served; the hidden ones once they are revealed.
	async fn serve_own_task(
		&self,
		own: &OwnTask,
		record: OwnRecord,
		status: &TaskStatus<AccountId>,
	) -> Result<(), RoleError> {
		if !self.is_final_draw(own, record, status).await? {
			return Ok(());
		}
		let open = visible(own.spec.data.segments, &status.hidden_segments);
		if !own.serves(&self.workshop.store, &open).await? {
			own.serve(&self.workshop.store, &open).await?;
			tracing::info!(task = status.task, "the training part is served");
		}
		Ok(())
	}

	/// Whether the draw that this status shows is the one that stands for good. What was served can't be taken
	/// back: a reorganisation that draws other segments must not find them public.
	async fn is_final_draw(
		&self,
		own: &OwnTask,
		mut record: OwnRecord,
		status: &TaskStatus<AccountId>,
	) -> Result<bool, RoleError> {
		let Some(draw) = Draw::of(status) else {
			return Ok(false);
		};
		if let Some(served) = &record.draw {
			if *served == draw {
				return Ok(true);
			}
			return Err(RoleError::OwnTask(format!(
				"task {} hides other segments than those that were hidden when its training part was first 				 served, so its data are served no more",
				status.task
			)));
		}
		let finalized = self.workshop.chain.finalized().await?;
		let finalized = finalized.task_status(status.task).await?;
		let finalized = finalized.filter(|finalized| self.is_client_of(own, finalized));
		if finalized.as_ref().and_then(Draw::of).as_ref() != Some(&draw) {
			return Ok(false);
		}
		record.draw = Some(draw);
		own.note(&record)?;
		Ok(true)
	}

	/// Lets go of one's own task if it ended long ago.
	async fn let_own_task_go(
		&self,
		view: &View,
		own: OwnTask,
		summary: &TaskSummary<AccountId>,
	) -> Result<(), RoleError> {
		if summary.block.saturating_add(self.retention) <= view.head().number {
			self.workshop.store.forget(&group(&own.spec)).await?;
			own.journal.remove()?;
		}
		Ok(())
	}

	pub(super) async fn reveal_test(&self, duty: &Duty) -> Result<String, RoleError> {
		let view = self.workshop.chain.best().await?;
		let status = view.task_status(duty.task).await?;
		let status = status.ok_or(RoleError::NoSuchTask(duty.task))?;
		let own = own_tasks(&self.workshop.folder, self.workshop.chain.genesis());
		let own = own.into_iter().find(|(own, _)| own.spec == status.spec);
		let Some((own, record)) = own else {
			let folder = self.workshop.folder.join(OWN);
			return Err(RoleError::OwnTask(format!(
				"the data of task {} are not in {}; run this on the folder that it was submitted from",
				duty.task,
				folder.display()
			)));
		};
		if !self.is_final_draw(&own, record, &status).await? {
			let wait = "the draw of the hidden segments is not final yet";
			return Err(RoleError::OwnTask(wait.into()));
		}
		own.serve(&self.workshop.store, &status.hidden_segments)
			.await?;
		self.submit(duty, Call::reveal_test(duty.task)).await?;
		Ok(String::new())
	}
}
