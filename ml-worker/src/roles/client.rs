//! The client: prepares tasks, serves their programs and data, reveals the test part.
//!
//! A task that was submitted from this folder has a folder of its own under `own/`: the specification, the
//! data's segments, and the task's number once it is known. The segments lie there and not in the store,
//! because what is in the store is served: those that are drawn for the test must stay hidden until the
//! rounds are over, and before the draw nobody knows which they are.

use super::{Journal, JournalError, RoleError, Worker};
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
	spec::{DataSpec, TaskSpec},
	status::{Duty, TaskStatus},
	ticket::{feature, Capabilities},
	TaskId,
};
use repops::program::ARITHMETIC_VERSION;
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
/// store (programs, the list of segments) or in a folder of its own (the segments).
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
	let mut spec = TaskSpec {
		name: BoundedVec::truncate_from(contents.task.name.clone().into_bytes()),
		arithmetic_version: ARITHMETIC_VERSION,
		step_program: hash(&step),
		evaluation_program: hash(&evaluation),
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

	let group = group(&spec);
	for blob in [step, evaluation, data.manifest] {
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
			task: None,
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
	std::fs::write(path, bytes).map_err(|error| PrepareError::File {
		path: path.to_owned(),
		error,
	})
}

impl OwnTask {
	/// Notes the number that the chain gave the task.
	pub fn submitted(&self, genesis: H256, task: TaskId) -> Result<(), JournalError> {
		self.journal.write(
			"own",
			&OwnRecord {
				genesis,
				task: Some(task),
			},
		)
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

/// The tasks of this folder on this chain, each with its number if that is known.
fn own_tasks(root: &Path, genesis: H256) -> Result<Vec<(OwnTask, Option<TaskId>)>, RoleError> {
	let Ok(entries) = std::fs::read_dir(root.join(OWN)) else {
		return Ok(Vec::new());
	};
	let mut tasks = Vec::new();
	for entry in entries.flatten() {
		let folder = entry.path();
		let journal = Journal::open(folder.clone())?;
		let Some(record) = journal.read::<OwnRecord>("own")? else {
			continue;
		};
		if record.genesis != genesis {
			continue;
		}
		let path = folder.join(SPEC_FILE);
		let unreadable =
			|reason: String| RoleError::OwnTask(format!("{}: {reason}", path.display()));
		let bytes = std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
		let spec =
			TaskSpec::decode_all(&mut &bytes[..]).map_err(|error| unreadable(error.to_string()))?;
		tasks.push((
			OwnTask {
				spec,
				folder,
				journal,
			},
			record.task,
		));
	}
	Ok(tasks)
}

impl Worker {
	/// Serves what the tasks of this folder need served now, and lets go of those that ended long ago. Tasks
	/// whose number was not noted are looked for among the chain's new ones, with `search` among all.
	pub(super) async fn serve_own_tasks(&self, head: Head, search: bool) -> Result<(), RoleError> {
		let view = self.workshop.chain.view(head);
		let genesis = self.workshop.chain.genesis();
		let own_tasks = own_tasks(&self.workshop.folder, genesis)?;
		let found = if own_tasks.iter().any(|(_, number)| number.is_none()) {
			self.find_own_tasks(&view, search).await?
		} else {
			Vec::new()
		};
		for (own, number) in own_tasks {
			let number = match number {
				Some(number) => number,
				None => match found.iter().find(|status| status.spec == own.spec) {
					Some(status) => {
						own.submitted(genesis, status.task)?;
						status.task
					}
					None => continue,
				},
			};
			match view.task_status(number).await? {
				Some(status) => self.serve_own_task(&own, &status).await?,
				None => self.let_own_task_go(&view, own, number).await?,
			}
		}
		Ok(())
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
		status: &TaskStatus<AccountId>,
	) -> Result<(), RoleError> {
		if status.seed.is_none() || status.spec != own.spec {
			return Ok(());
		}
		let open = visible(own.spec.data.segments, &status.hidden_segments);
		if !own.serves(&self.workshop.store, &open).await? {
			own.serve(&self.workshop.store, &open).await?;
			tracing::info!(task = status.task, "the training part is served");
		}
		Ok(())
	}

	async fn let_own_task_go(
		&self,
		view: &View,
		own: OwnTask,
		number: TaskId,
	) -> Result<(), RoleError> {
		let Some(summary) = view.task_summary(number).await? else {
			return Ok(());
		};
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
		let own = own_tasks(&self.workshop.folder, self.workshop.chain.genesis())?;
		let own = own.into_iter().find(|(own, _)| own.spec == status.spec);
		let Some((own, _)) = own else {
			let folder = self.workshop.folder.join(OWN);
			return Err(RoleError::OwnTask(format!(
				"the data of task {} are not in {}; run this on the folder that it was submitted from",
				duty.task,
				folder.display()
			)));
		};
		own.serve(&self.workshop.store, &status.hidden_segments)
			.await?;
		self.submit(duty, Call::reveal_test(duty.task)).await?;
		Ok(String::new())
	}
}
