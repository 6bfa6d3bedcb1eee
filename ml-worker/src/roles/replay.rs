//! Replaying a whole task: what anyone can do to check what the chain has settled.

use super::{
	task::{holders, Task},
	RoleError, Workshop,
};
use crate::{
	chain::{AccountId, ChainError},
	training::{
		run::{Place, RoundProgress, Step},
		State,
	},
};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{proof::record_round, status::TaskSummary, RoundIndex, Slot, TaskId};
use std::collections::BTreeMap;

/// What a replay is told on the way.
pub trait Observer: Send + 'static {
	/// What is to be replayed is known: so many rounds, each of so many steps of all places together.
	fn begin(&mut self, _rounds: u32, _steps_per_round: u64) {}
	/// A step was made.
	fn step(&mut self, _step: Step) {}
	/// A round is merged.
	fn merged(&mut self, _round: RoundIndex, _root: &H256) {}
}

/// What the replay of a task gave, beside what the chain says.
pub struct Replay {
	/// What the chain keeps of the task.
	pub summary: TaskSummary<AccountId>,
	/// The places that were merged in each round.
	pub sealed: Vec<Vec<Slot>>,
	/// The root of each round's merged state.
	pub merged: Vec<H256>,
	/// The root of the final state.
	pub state_root: H256,
	/// The record that the end states make.
	pub record: H256,
	/// Right answers on the hidden part, and of how many rows; none if nobody serves it.
	pub accuracy: Option<(u32, u32)>,
	/// The final state.
	pub state: State,
}

impl Replay {
	/// What differs from the chain; nothing if all is right.
	pub fn differences(&self) -> Vec<String> {
		let mut differences = Vec::new();
		if self.record != self.summary.record {
			let (chain, own) = (self.summary.record, self.record);
			differences.push(format!(
				"record of the rounds: chain {chain:?}, replay {own:?}"
			));
		}
		if let Some(chain) = self
			.summary
			.state_root
			.filter(|chain| *chain != self.state_root)
		{
			differences.push(format!(
				"final state: chain {chain:?}, replay {:?}",
				self.state_root
			));
		}
		if let (Some(chain), Some(own)) = (self.summary.accuracy, self.accuracy) {
			if chain != own {
				differences.push(format!("accuracy: chain {chain:?}, replay {own:?}"));
			}
		}
		differences
	}
}

/// Fetches programs and data of a settled task by hash and trains everything again.
pub async fn replay(
	workshop: &Workshop,
	number: TaskId,
	mut observer: Box<dyn Observer>,
) -> Result<Replay, RoleError> {
	let best = workshop.chain.best().await?;
	let summary = best
		.task_summary(number)
		.await?
		.ok_or(RoleError::NotEnded(number))?;
	if summary.rounds == 0 {
		return Err(RoleError::NothingSealed(number));
	}
	// The block before the last is the last one that knows all of the task.
	let view = workshop
		.chain
		.block(summary.block.saturating_sub(1))
		.await?;
	let status = view
		.task_status(number)
		.await?
		.ok_or(RoleError::NoSuchTask(number))?;
	let task = std::sync::Arc::new(Task::open(workshop, &status)?);
	let sealed = sealed_sets(workshop, number, &summary, task.spec.training.trainers).await?;

	let places = sealed.iter().map(Vec::len).max().unwrap_or(0) as u64;
	observer.begin(
		summary.rounds,
		places * u64::from(task.spec.training.steps_per_round),
	);
	let holders = holders(&status, None);
	let run = task.run(workshop, &holders).await?;
	let engine = workshop.engine.clone();
	let slots = sealed.clone();
	let (state, merged, record) = workshop
		.compute(move || {
			let mut state = run.initial_state();
			let (mut merged, mut record) = (Vec::new(), H256::zero());
			for (round, slots) in (0..).zip(&slots) {
				let (mut ends, mut updates) = (Vec::new(), Vec::new());
				for slot in slots {
					let place = Place { round, slot: *slot };
					let progress = RoundProgress::start(place, state);
					let start = progress.state.clone();
					let result =
						run.train_round(progress, &mut |step| observer.step(step), &mut |_| ())?;
					ends.push((*slot, H256(result.end_root)));
					updates.push(result.end_state);
					state = start;
				}
				record = record_round(&record, round, &ends);
				state = run.merge(&updates)?;
				let root = H256(engine.state_root(&state));
				observer.merged(round, &root);
				merged.push(root);
			}
			Ok((state, merged, record))
		})
		.await?;
	let state_root = H256(workshop.engine.state_root(&state));
	let accuracy = match task.evaluation(workshop, &holders).await {
		Ok(evaluation) => {
			let (rows, state) = (evaluation.rows(), state.clone());
			let correct = workshop
				.compute(move || Ok(evaluation.correct(&state)?))
				.await?;
			Some((correct, rows))
		}
		Err(RoleError::Fetch(error)) => {
			tracing::warn!(%error, "the test part can't be scored");
			None
		}
		Err(error) => return Err(error),
	};
	Ok(Replay {
		summary,
		sealed,
		merged,
		state_root,
		record,
		accuracy,
		state,
	})
}

/// The places that were merged in each round, from the events of the task's life. Where the node has
/// forgotten them, all places are taken: the record tells in the end whether that is right.
async fn sealed_sets(
	workshop: &Workshop,
	task: TaskId,
	summary: &TaskSummary<AccountId>,
	trainers: u16,
) -> Result<Vec<Vec<Slot>>, RoleError> {
	let all: Vec<Slot> = (0..trainers).collect();
	let mut found: Vec<SetEvent> = Vec::new();
	let mut number = summary.block;
	loop {
		match workshop.chain.block(number).await?.task_events(task).await {
			Ok(events) => {
				found.extend(events.iter().rev().filter_map(SetEvent::of));
				if events.iter().any(|event| event.name == "TaskSubmitted") {
					break;
				}
			}
			Err(error @ (ChainError::Pruned { .. } | ChainError::Refused { .. })) => {
				tracing::warn!(%error, "the rounds' sets are unknown; taking every place");
				found.clear();
				break;
			}
			Err(error) => return Err(error.into()),
		}
		match number.checked_sub(1) {
			Some(before) => number = before,
			None => break,
		}
	}
	let mut sets: BTreeMap<RoundIndex, Vec<Slot>> = BTreeMap::new();
	for event in found.into_iter().rev() {
		if event.rewound {
			sets.retain(|round, _| *round < event.round);
		}
		if !event.slots.is_empty() {
			sets.insert(event.round, event.slots);
		}
	}
	Ok((0..summary.rounds)
		.map(|round| sets.remove(&round).unwrap_or_else(|| all.clone()))
		.collect())
}

/// A round's set was fixed or has shrunk.
struct SetEvent {
	round: RoundIndex,
	slots: Vec<Slot>,
	rewound: bool,
}

impl SetEvent {
	fn of(event: &crate::chain::MarketEvent) -> Option<Self> {
		let rewound = match event.name.as_str() {
			"RoundSealed" => false,
			"TaskRewound" => true,
			_ => return None,
		};
		let slot = |number: &u128| Slot::try_from(*number).ok();
		Some(SetEvent {
			round: event.number("round")?.try_into().ok()?,
			slots: event.numbers("slots").iter().filter_map(slot).collect(),
			rewound,
		})
	}
}
