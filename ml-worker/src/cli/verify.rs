//! `ml-worker verify`: train a settled task again and compare with what the chain keeps.

use super::{asynchronously, engine::EngineArguments, Failure, Global};
use crate::{
	config::{ConnectionOptions, StoreOptions},
	report::progress::TrainingProgress,
	roles::{
		replay::{replay, Observer, Replay},
		Workshop,
	},
	store::Store,
	training::run::Step,
};
use clap::Args;
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{RoundIndex, TaskId};
use serde_json::json;

/// `ml-worker verify`
#[derive(Args)]
pub(super) struct Arguments {
	/// The task's number.
	#[arg(long, value_name = "NUMBER")]
	task: TaskId,
	#[command(flatten)]
	connection: ConnectionOptions,
	#[command(flatten)]
	store: StoreOptions,
	#[command(flatten)]
	engine: EngineArguments,
}

pub(super) fn run(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	asynchronously(verify(arguments, global))
}

async fn verify(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	let file = arguments.connection.file()?;
	let engine = arguments.engine.start()?;
	let chain = arguments.connection.connect(&file).await?;
	let folder = arguments.store.folder(&file);
	let store = Store::open(&folder, &arguments.store.identity(&file)?).await?;
	let workshop = Workshop::new(chain, store.clone(), engine, folder);
	let replayed = replay(&workshop, arguments.task, Box::<Shown>::default()).await;
	store.shutdown().await;
	let replayed = replayed?;
	let differences = replayed.differences();
	if global.json {
		println!("{}", as_json(arguments.task, &replayed, &differences));
	} else {
		print(arguments.task, &replayed, &differences);
	}
	if differences.is_empty() {
		Ok(())
	} else {
		Err(format!(
			"the replay differs from the chain in {}",
			differences.join("; ")
		)
		.into())
	}
}

/// Shows how far the replay has come.
#[derive(Default)]
struct Shown {
	progress: Option<TrainingProgress>,
	steps: u64,
}

impl Observer for Shown {
	fn begin(&mut self, rounds: u32, steps_per_round: u64) {
		self.progress = Some(TrainingProgress::new(rounds, steps_per_round));
	}

	fn step(&mut self, step: Step) {
		self.steps += 1;
		if let Some(progress) = &self.progress {
			progress.step(format!("place {}", step.place.slot), step.loss);
		}
	}

	fn merged(&mut self, round: RoundIndex, root: &H256) {
		if let Some(progress) = &self.progress {
			progress.round(
				round,
				&format!("merged state {root:?}, {} steps so far", self.steps),
			);
		}
	}
}

impl Drop for Shown {
	fn drop(&mut self) {
		if let Some(progress) = &self.progress {
			progress.finish();
		}
	}
}

fn as_json(task: TaskId, replay: &Replay, differences: &[String]) -> serde_json::Value {
	let accuracy =
		|pair: Option<(u32, u32)>| pair.map(|(right, of)| json!({ "right": right, "of": of }));
	json!({
		"task": task,
		"equal": differences.is_empty(),
		"differences": differences,
		"record": { "chain": replay.summary.record, "replay": replay.record },
		"state_root": { "chain": replay.summary.state_root, "replay": replay.state_root },
		"accuracy": {
			"chain": accuracy(replay.summary.accuracy),
			"replay": accuracy(replay.accuracy),
		},
		"rounds": replay.merged.len(),
		"merged": replay.merged,
		"sealed": replay.sealed,
	})
}

fn print(task: TaskId, replay: &Replay, differences: &[String]) {
	println!("task {task}: {} rounds trained again", replay.merged.len());
	let (chain, own) = (replay.summary.record, replay.record);
	println!("record of the rounds  chain {chain:?}\n                      replay {own:?}");
	match replay.summary.state_root {
		Some(chain) => println!("final state           chain {chain:?}"),
		None => println!("final state           the chain has none: the model was not scored"),
	}
	println!("                      replay {:?}", replay.state_root);
	let text = |pair: Option<(u32, u32)>| match pair {
		Some((right, of)) => format!("{right} of {of}"),
		None => "unknown".into(),
	};
	println!(
		"accuracy              chain {}, replay {}",
		text(replay.summary.accuracy),
		text(replay.accuracy)
	);
	if differences.is_empty() {
		println!("the replay's roots equal the chain's");
	}
}
