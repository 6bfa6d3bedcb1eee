//! A task as a worker sees it: what the chain says, and what follows from it by hash.

use super::{
	manifest::{self, Checkpoint},
	Journal, RoleError, Workshop, WrongContent,
};
use crate::{
	chain::{spec_hash, AccountId, View},
	dataset::{
		segments::{self, Part},
		Dataset,
	},
	training::{
		evaluation::Evaluation,
		programs::TaskPrograms,
		run::{Place, Run},
		State,
	},
};
use codec::Encode;
use polkadot_sdk::{sp_core::H256, sp_io::hashing::blake2_256};
use pouw_primitives::{
	spec::TaskSpec,
	status::{Commitment, TaskStatus},
	ticket::{Endpoint, Role},
	RoundIndex, Slot, TaskId,
};
use repops::{
	check::Limits,
	commit::{data_root, Hash},
	parts::program_root,
	random::Seed,
	state_blob,
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::{Mutex, OnceCell};

/// How many merged states are kept in memory: a round's start for training, and that of the round before
/// for its audits.
const AGREED_KEPT: usize = 3;

/// A task's status with this chain's accounts.
pub type TaskStatusOf = TaskStatus<AccountId>;

/// A task that has been drawn.
pub struct Task {
	/// Its number.
	pub id: TaskId,
	/// What was asked for.
	pub spec: TaskSpec,
	/// Its seed.
	pub seed: H256,
	/// The data segments that are hidden for the test.
	pub hidden: Vec<u16>,
	/// What this worker must not forget of it.
	pub journal: Journal,
	/// The group of its blobs in the store.
	pub group: String,
	programs: OnceCell<TaskPrograms>,
	hashes: OnceCell<Vec<Hash>>,
	run: OnceCell<Arc<Run>>,
	evaluation: OnceCell<Arc<Evaluation>>,
	agreed: Mutex<Vec<Arc<Agreed>>>,
}

/// The state that follows from the sealed rounds before a round.
pub struct Agreed {
	/// The round that starts from it.
	pub round: RoundIndex,
	/// What was merged: the places and end roots of the round before; empty for round 0.
	pub sealed: Vec<(Slot, H256)>,
	/// The state.
	pub state: State,
	/// Its root.
	pub root: H256,
}

/// Which task of which chain a journal is of.
#[derive(Serialize, Deserialize)]
pub(super) struct Origin {
	pub(super) genesis: H256,
	pub(super) task: TaskId,
}

/// Who may hold a task's blobs, the likeliest first.
pub fn holders(status: &TaskStatusOf, first: Option<&AccountId>) -> Vec<Endpoint> {
	let accepted = || status.workers.iter().filter(|worker| worker.accepted);
	let named = accepted().filter(|worker| Some(&worker.account) == first);
	let supervisors = accepted().filter(|worker| worker.role == Role::Supervisor);
	let others = accepted().filter(|worker| worker.role != Role::Supervisor);
	let mut holders: Vec<Endpoint> = Vec::new();
	let client = first.is_none().then(|| status.spec.endpoint.clone());
	let workers = named
		.chain(supervisors)
		.chain(others)
		.map(|worker| worker.endpoint.clone());
	for endpoint in client.into_iter().chain(workers) {
		if !endpoint.addresses.is_empty() && !holders.contains(&endpoint) {
			holders.push(endpoint);
		}
	}
	if first.is_some() && !holders.contains(&status.spec.endpoint) {
		holders.push(status.spec.endpoint.clone());
	}
	holders
}

/// Who may hold what a trainer has committed to, as those ask who don't take its word: the supervisors
/// first, who say that they hold it, and the trainer itself only after all other workers. Who audits a
/// trainer doesn't depend on it, and it learns from nobody's questions what is audited.
pub fn keepers(status: &TaskStatusOf, trainer: &AccountId) -> Vec<Endpoint> {
	let mut workers: Vec<_> = status
		.workers
		.iter()
		.filter(|worker| worker.accepted && !worker.endpoint.addresses.is_empty())
		.collect();
	workers.sort_by_key(|worker| {
		let supervisor = worker.role == Role::Supervisor;
		(!supervisor, worker.account == *trainer)
	});
	let mut keepers: Vec<Endpoint> = Vec::new();
	for worker in workers {
		if !keepers.contains(&worker.endpoint) {
			keepers.push(worker.endpoint.clone());
		}
	}
	keepers
}

/// A name for a task that no other task of any chain has.
pub fn task_name(genesis: &H256, task: TaskId, spec: &TaskSpec, seed: &H256) -> String {
	let name = (genesis, task, spec_hash(spec), seed).using_encoded(blake2_256);
	format!("task-{task}-{}", hex::encode(&name[..8]))
}

impl Task {
	/// The task with this status, with its journal in the worker's folder.
	pub fn open(workshop: &Workshop, status: &TaskStatusOf) -> Result<Self, RoleError> {
		let seed = status.seed.ok_or(RoleError::NotDrawn(status.task))?;
		let group = task_name(&workshop.chain.genesis(), status.task, &status.spec, &seed);
		let journal = Journal::open(workshop.folder.join("tasks").join(&group))?;
		journal.write(
			"task",
			&Origin {
				genesis: workshop.chain.genesis(),
				task: status.task,
			},
		)?;
		Ok(Task {
			id: status.task,
			spec: status.spec.clone(),
			seed,
			hidden: status.hidden_segments.clone(),
			journal,
			group,
			programs: OnceCell::new(),
			hashes: OnceCell::new(),
			run: OnceCell::new(),
			evaluation: OnceCell::new(),
			agreed: Mutex::default(),
		})
	}

	/// Whether the status is still of this very task: a reorganisation may have given its number to
	/// another, or drawn another seed.
	pub fn is(&self, status: &TaskStatusOf) -> bool {
		status.seed == Some(self.seed)
			&& status.spec == self.spec
			&& status.hidden_segments == self.hidden
	}

	/// The programs, fetched and checked against the specification.
	pub async fn programs(
		&self,
		workshop: &Workshop,
		holders: &[Endpoint],
	) -> Result<&TaskPrograms, RoleError> {
		self.programs
			.get_or_try_init(|| async {
				let limit = u64::from(Limits::default().encoded_bytes);
				let (step, evaluation) = (&self.spec.step_program, &self.spec.evaluation_program);
				let step = workshop.fetch(self, step, limit, holders).await?;
				let evaluation = workshop.fetch(self, evaluation, limit, holders).await?;
				let programs = TaskPrograms::decode(&step, &evaluation)
					.map_err(crate::training::TrainingError::from)?;
				programs
					.check_sizes(&self.spec.data, &self.spec.training)
					.map_err(crate::training::TrainingError::from)?;
				for (which, program, claimed) in [
					("step", &programs.step, self.spec.step_program_parts),
					(
						"evaluation",
						&programs.evaluation,
						self.spec.evaluation_program_parts,
					),
				] {
					let found = H256(program_root(program));
					if claimed != found {
						let parts = WrongContent::ProgramParts {
							which,
							claimed,
							found,
						};
						return Err(parts.into());
					}
				}
				let (claimed, found) = (&self.spec.cost, programs.cost());
				if *claimed != found {
					let (claimed, found) = (format!("{claimed:?}"), format!("{found:?}"));
					return Err(WrongContent::Cost { claimed, found }.into());
				}
				Ok(programs)
			})
			.await
	}

	/// The state that the training starts from, fetched and checked, if the specification gives one.
	pub async fn given_state(
		&self,
		workshop: &Workshop,
		holders: &[Endpoint],
	) -> Result<Option<State>, RoleError> {
		let Some(given) = self.spec.initial_state else {
			return Ok(None);
		};
		let programs = self.programs(workshop, holders).await?;
		let declaration = programs.step.program().state.clone();
		let limit = state_blob::encoded_length(&declaration).unwrap_or(u64::MAX);
		let blob = workshop.fetch(self, &given.blob, limit, holders).await?;
		let engine = workshop.engine.clone();
		tokio::task::spawn_blocking(move || {
			let state =
				state_blob::decode(&blob, &declaration).map_err(WrongContent::InitialState)?;
			let mut tensors = declaration.iter().zip(&state);
			if let Some((declared, _)) = tensors.find(|(_, tensor)| !tensor.is_finite()) {
				let tensor = String::from_utf8_lossy(&declared.name).into_owned();
				return Err(WrongContent::InitialDiverged { tensor }.into());
			}
			let (claimed, found) = (given.root, H256(engine.state_root(&state)));
			if claimed != found {
				return Err(WrongContent::InitialRoot { claimed, found }.into());
			}
			Ok(Some(state))
		})
		.await?
	}

	/// The hashes of the data's segments, checked against the data's root.
	pub async fn segment_hashes(
		&self,
		workshop: &Workshop,
		holders: &[Endpoint],
	) -> Result<&[Hash], RoleError> {
		let hashes = self
			.hashes
			.get_or_try_init(|| async {
				let data = &self.spec.data;
				let limit = 8 + 32 * u64::from(data.segments);
				let blob = workshop.fetch(self, &data.manifest, limit, holders).await?;
				let hashes =
					segments::decode_manifest(&blob, data.segments).map_err(WrongContent::from)?;
				let mut numbers = HashMap::new();
				for (number, hash) in (0..).zip(&hashes) {
					if let Some(first) = numbers.insert(*hash, number) {
						let second = number;
						return Err(WrongContent::SameSegment { first, second }.into());
					}
				}
				let found = H256(data_root(&hashes));
				if found != data.root {
					return Err(WrongContent::DataRoot {
						expected: data.root,
						found,
					}
					.into());
				}
				Ok::<_, RoleError>(hashes)
			})
			.await?;
		Ok(hashes)
	}

	/// Some of the data's segments, fetched and checked, put together in their order.
	async fn part(
		&self,
		workshop: &Workshop,
		numbers: &[u16],
		holders: &[Endpoint],
	) -> Result<Part, RoleError> {
		let data = &self.spec.data;
		let hashes = self.segment_hashes(workshop, holders).await?;
		let cells = u64::from(data.rows_per_segment) * (u64::from(data.columns) + 1);
		let limit = cells.saturating_mul(4).saturating_add(1024);
		let mut datasets: Vec<Dataset> = Vec::with_capacity(numbers.len());
		for number in numbers {
			let Some(hash) = hashes.get(usize::from(*number)) else {
				continue;
			};
			let blob = workshop.fetch(self, &H256(*hash), limit, holders).await?;
			let dataset =
				segments::decode(&blob, data.rows_per_segment, data.columns, data.classes)
					.map_err(|error| WrongContent::Segment {
						number: *number,
						error,
					})?;
			datasets.push(dataset);
		}
		Ok(Part::assemble(&datasets))
	}

	/// The training part of the data.
	pub async fn training_part(
		&self,
		workshop: &Workshop,
		holders: &[Endpoint],
	) -> Result<Part, RoleError> {
		let visible = segments::visible(self.spec.data.segments, &self.hidden);
		self.part(workshop, &visible, holders).await
	}

	/// The hidden part of the data, once its client serves it.
	pub async fn hidden_part(
		&self,
		workshop: &Workshop,
		holders: &[Endpoint],
	) -> Result<Part, RoleError> {
		self.part(workshop, &self.hidden, holders).await
	}

	/// The training, ready to run.
	pub async fn run(
		&self,
		workshop: &Workshop,
		holders: &[Endpoint],
	) -> Result<Arc<Run>, RoleError> {
		let run = self
			.run
			.get_or_try_init(|| async {
				let step = self.programs(workshop, holders).await?.step.clone();
				let given = self.given_state(workshop, holders).await?;
				let data = self.training_part(workshop, holders).await?;
				let (engine, training) = (workshop.engine.clone(), self.spec.training);
				let seed = Seed(self.seed.0);
				let compiled = workshop
					.compute(move || {
						let run = Run::new(engine, step, training, seed, data);
						Ok(match given {
							Some(state) => run.starting_from(state),
							None => run,
						})
					})
					.await?;
				Ok::<_, RoleError>(Arc::new(compiled))
			})
			.await?;
		Ok(run.clone())
	}

	/// The evaluation, ready to run.
	pub async fn evaluation(
		&self,
		workshop: &Workshop,
		holders: &[Endpoint],
	) -> Result<Arc<Evaluation>, RoleError> {
		let evaluation = self
			.evaluation
			.get_or_try_init(|| async {
				let program = self.programs(workshop, holders).await?.evaluation.clone();
				let hidden = self.hidden_part(workshop, holders).await?;
				let engine = workshop.engine.clone();
				let compiled = workshop
					.compute(move || Ok(Evaluation::new(&engine, program, hidden)))
					.await?;
				Ok::<_, RoleError>(Arc::new(compiled))
			})
			.await?;
		Ok(evaluation.clone())
	}

	/// The state that `round` starts from, as of this view: the initial one, or the merge of the sealed set
	/// of the round before. The number of rounds stands for the final state.
	pub async fn agreed(
		&self,
		workshop: &Workshop,
		view: &View,
		status: &TaskStatusOf,
		round: RoundIndex,
	) -> Result<Arc<Agreed>, RoleError> {
		let commitments = self.sealed_before(view, round).await?;
		let sealed: Vec<(Slot, H256)> = commitments
			.iter()
			.map(|commitment| (commitment.slot, commitment.end_root))
			.collect();
		let mut kept = self.agreed.lock().await;
		if let Some(agreed) = kept
			.iter()
			.find(|agreed| agreed.round == round && agreed.sealed == sealed)
		{
			return Ok(agreed.clone());
		}
		let run = self.run(workshop, &holders(status, None)).await?;
		let updates = self.end_states(workshop, status, &commitments).await?;
		let engine = workshop.engine.clone();
		let (state, root) = workshop
			.compute(move || {
				let state = if updates.is_empty() {
					run.initial_state()
				} else {
					run.merge(&updates)?
				};
				let root = H256(engine.state_root(&state));
				Ok((state, root))
			})
			.await?;
		let agreed = Arc::new(Agreed {
			round,
			sealed,
			state,
			root,
		});
		kept.push(agreed.clone());
		if kept.len() > AGREED_KEPT {
			kept.remove(0);
		}
		Ok(agreed)
	}

	/// The states whose merge a round starts from, in slot order, fetched and checked; none for round 0.
	pub async fn updates(
		&self,
		workshop: &Workshop,
		view: &View,
		status: &TaskStatusOf,
		round: RoundIndex,
	) -> Result<Vec<State>, RoleError> {
		let commitments = self.sealed_before(view, round).await?;
		self.end_states(workshop, status, &commitments).await
	}

	/// The commitments whose end states a round starts from; none for round 0.
	async fn sealed_before(
		&self,
		view: &View,
		round: RoundIndex,
	) -> Result<Vec<Commitment<AccountId>>, RoleError> {
		let Some(before) = round.checked_sub(1) else {
			return Ok(Vec::new());
		};
		let sealed = view.round_status(self.id, before).await?;
		let sealed = sealed
			.filter(|round| round.sealed && !round.commitments.is_empty())
			.ok_or(RoleError::NotSealed {
				task: self.id,
				round: before,
			})?;
		Ok(sealed.commitments)
	}

	async fn end_states(
		&self,
		workshop: &Workshop,
		status: &TaskStatusOf,
		commitments: &[Commitment<AccountId>],
	) -> Result<Vec<State>, RoleError> {
		let mut states = Vec::with_capacity(commitments.len());
		for commitment in commitments {
			states.push(self.end_state(workshop, status, commitment).await?);
		}
		Ok(states)
	}

	/// The commitment of a trainer to its round.
	pub async fn commitment(
		&self,
		view: &View,
		place: Place,
	) -> Result<Commitment<AccountId>, RoleError> {
		let round = view.round_status(self.id, place.round).await?;
		let commitments = round.map_or(Vec::new(), |round| round.commitments);
		let found = commitments
			.into_iter()
			.find(|commitment| commitment.slot == place.slot);
		found.ok_or(RoleError::NoCommitment {
			task: self.id,
			round: place.round,
			slot: place.slot,
		})
	}

	/// The training, if it was made ready before.
	#[cfg(feature = "faults")]
	pub(super) fn ready_run(&self) -> Option<Arc<Run>> {
		self.run.get().cloned()
	}

	/// The checkpoints of a commitment, fetched and checked against it.
	pub async fn checkpoints(
		&self,
		workshop: &Workshop,
		commitment: &Commitment<AccountId>,
		holders: &[Endpoint],
	) -> Result<Vec<Checkpoint>, RoleError> {
		let segments = self.spec.segments_per_round();
		let limit = manifest::encoded_length(segments);
		let blob = workshop
			.fetch(self, &commitment.manifest, limit, holders)
			.await?;
		let checkpoints = manifest::decode(&blob, segments).map_err(WrongContent::from)?;
		let wrong = |what| WrongContent::Commitment {
			slot: commitment.slot,
			what,
		};
		if manifest::root(&checkpoints) != commitment.trace_root {
			return Err(wrong("the trace root differs").into());
		}
		if checkpoints.last().map(|checkpoint| checkpoint.state) != Some(commitment.end_root) {
			return Err(wrong("the end root is not the last checkpoint's").into());
		}
		Ok(checkpoints)
	}

	/// A checkpoint's state, fetched and checked.
	pub async fn state(
		&self,
		workshop: &Workshop,
		checkpoint: &Checkpoint,
		holders: &[Endpoint],
	) -> Result<State, RoleError> {
		let programs = self.programs(workshop, holders).await?;
		let declaration = programs.step.program().state.clone();
		let limit = state_blob::encoded_length(&declaration).unwrap_or(u64::MAX);
		let blob = workshop
			.fetch(self, &checkpoint.blob, limit, holders)
			.await?;
		let (engine, listed) = (workshop.engine.clone(), checkpoint.state);
		// Not a matter of the training's turn: hashing is quick, and a round waits for it.
		tokio::task::spawn_blocking(move || {
			let state =
				state_blob::decode(&blob, &declaration).map_err(|error| WrongContent::State {
					root: listed,
					error,
				})?;
			let found = H256(engine.state_root(&state));
			if found != listed {
				return Err(WrongContent::StateRoot { listed, found }.into());
			}
			Ok(state)
		})
		.await?
	}

	async fn end_state(
		&self,
		workshop: &Workshop,
		status: &TaskStatusOf,
		commitment: &Commitment<AccountId>,
	) -> Result<State, RoleError> {
		let keepers = keepers(status, &commitment.account);
		let checkpoints = self.checkpoints(workshop, commitment, &keepers).await?;
		let last = checkpoints.last().ok_or(RoleError::NotOpen)?;
		self.state(workshop, last, &keepers).await
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::Decode;
	use pouw_primitives::{
		status::{Phase, SegmentCounts, TestPart, Worker},
		ticket::SocketAddress,
	};

	fn endpoint(number: u8) -> Endpoint {
		let address = SocketAddress::V4([127, 0, 0, 1], u16::from(number));
		Endpoint {
			key: [number; 32],
			addresses: vec![address].try_into().unwrap(),
		}
	}

	fn worker(number: u8, role: Role, accepted: bool) -> Worker<AccountId> {
		Worker {
			role,
			slot: 0,
			account: AccountId::from([number; 32]),
			ticket: number.into(),
			accepted,
			endpoint: endpoint(number),
		}
	}

	fn status() -> TaskStatusOf {
		// Zeros are a valid encoding of a specification.
		let mut spec = TaskSpec::decode(&mut &[0; 1024][..]).unwrap();
		spec.endpoint = endpoint(1);
		TaskStatus {
			task: 1,
			client: AccountId::from([1; 32]),
			spec,
			phase: Phase::Training(0),
			deadline: None,
			seed: None,
			hidden_segments: Vec::new(),
			workers: vec![
				worker(2, Role::Trainer, true),
				worker(3, Role::Trainer, true),
				worker(4, Role::Trainer, false),
				worker(5, Role::Supervisor, true),
				worker(6, Role::Supervisor, true),
				worker(7, Role::Evaluator, true),
			],
			training_tensor: None,
			test_tensor: None,
			score: None,
			test: TestPart::Hidden,
			evaluation_attempt: 0,
			trainer_bond: 0,
			checked_rounds: 0,
			record: H256::zero(),
			segments: SegmentCounts::default(),
		}
	}

	fn numbers(holders: &[Endpoint]) -> Vec<u8> {
		holders.iter().map(|holder| holder.key[0]).collect()
	}

	#[test]
	fn a_trainer_is_asked_last_by_those_who_check_it() {
		let trainer = AccountId::from([2; 32]);
		assert_eq!(numbers(&keepers(&status(), &trainer)), [5, 6, 3, 7, 2]);
	}

	#[test]
	fn a_supervisor_asks_the_trainer_first_and_everybody_the_client() {
		let trainer = AccountId::from([3; 32]);
		assert_eq!(
			numbers(&holders(&status(), Some(&trainer))),
			[3, 5, 6, 2, 7, 1]
		);
		assert_eq!(numbers(&holders(&status(), None)), [1, 5, 6, 2, 3, 7]);
	}
}
