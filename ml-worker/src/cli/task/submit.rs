//! `ml-worker task submit`

use super::{follow, outcome, Failure, Global, TaskArguments};
use crate::{
	amount::Amount,
	chain::{AccountId, Call, Chain, SubmitError, Until},
	cli::{engine::EngineArguments, work::stopped},
	config::{AccountOptions, Duties, StoreOptions, DEFAULT_RETENTION},
	dataset::{DataLocation, DataSource},
	keys::Keypair,
	roles::{
		client::{prepare, OwnTask},
		Worker, WorkerSetup, Workshop,
	},
	store::Store,
	task_file::Prepared,
	training::cost::WorkLimits,
};
use clap::Args;
use pouw_primitives::{Balance, TaskId};
use serde_json::json;
use std::{
	path::{Path, PathBuf},
	time::Instant,
};

#[derive(Args)]
pub(super) struct Arguments {
	#[command(flatten)]
	task: TaskArguments,
	/// Serve the task's data, follow it to its end, and write model.safetensors, loss.svg and report.json.
	/// Without this, `ml-worker work --role client` must run on the same folder.
	#[arg(long)]
	wait: bool,
	/// The folder for the model, the picture and the report.
	#[arg(long, value_name = "DIR", default_value = "trained")]
	out: PathBuf,
	#[command(flatten)]
	account: AccountOptions,
	#[command(flatten)]
	store: StoreOptions,
	#[command(flatten)]
	engine: EngineArguments,
}

pub(super) async fn run(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	let begun = Instant::now();
	let options = arguments.account.file()?;
	let keypair = arguments.account.keypair(&options)?;
	let prepared = arguments.task.read()?;
	let engine = arguments.engine.start()?;
	let chain = arguments.account.connect(&options).await?;
	let folder = arguments.store.folder(&options);
	let store = Store::open(&folder, &arguments.store.identity(&options)?).await?;

	let own = prepare(&store, &folder, chain.genesis(), &prepared).await?;
	let seconds_preparing = begun.elapsed().as_secs_f64();
	let (task, free) = match submit(&chain, &keypair, &own).await {
		Ok(submitted) => submitted,
		Err(error) => {
			let error = give_up(error, own, &store, &folder).await?;
			store.shutdown().await;
			return Err(error);
		}
	};
	say_submitted(task, &own, &folder, arguments.wait, global);
	if !arguments.wait {
		store.shutdown().await;
		return Ok(());
	}

	let workshop = Workshop::new(chain, store.clone(), engine, folder);
	let followed = serve_and_follow(&workshop, keypair, (&own, task), free, global).await;
	let result = match followed {
		Ok(Some(followed)) => {
			let context = outcome::Context {
				dataset: dataset_name(arguments.task.source.data(), &prepared),
				seconds_preparing,
				out: &arguments.out,
				json: global.json,
			};
			outcome::finish(&workshop, &own.spec, followed, &context).await
		}
		Ok(None) => Err(format!(
			"stopped; task {task} goes on, serve it with `ml-worker work --role client` on this folder"
		)
		.into()),
		Err(error) => Err(error),
	};
	store.shutdown().await;
	result
}

/// Removes what was made ready, unless the chain may have taken the task all the same.
async fn give_up(
	error: Failure,
	own: OwnTask,
	store: &Store,
	folder: &Path,
) -> Result<Failure, Failure> {
	let unsure = matches!(
		error.downcast_ref::<SubmitError>(),
		Some(SubmitError::NotIncluded { .. } | SubmitError::Chain(_))
	);
	if !unsure {
		own.discard(store).await?;
		return Ok(error);
	}
	let folder = folder.display();
	Ok(format!(
		"{error}; the chain may have taken the task all the same, so its data are kept: look with \
		 `ml-worker task list`, and serve them with `ml-worker work --role client --store {folder}`"
	)
	.into())
}

/// Asks what the task costs, then submits it. Gives its number and what the client could spend before.
async fn submit(
	chain: &Chain,
	keypair: &Keypair,
	own: &OwnTask,
) -> Result<(TaskId, Balance), Failure> {
	let view = chain.best().await?;
	let estimate = view
		.estimate_fee(&own.spec)
		.await?
		.map_err(|fault| format!("the chain would refuse the task: {fault:?}"))?;
	if own.spec.fee < estimate.floor {
		let (fee, floor) = (Amount(own.spec.fee), Amount(estimate.floor));
		return Err(format!(
			"the fee of {fee} POUW is below {floor} POUW, the least for a task of this size; raise `fee`"
		)
		.into());
	}
	let account = AccountId::from(keypair.public_key().0);
	let (free, needed) = (
		view.free_balance(&account).await?,
		own.spec.fee.saturating_add(estimate.client_bond),
	);
	if free < needed {
		let (has, needed, bond) = (Amount(free), Amount(needed), Amount(estimate.client_bond));
		return Err(format!(
			"the account has {has} POUW, but fee and bond ({bond} POUW) take {needed} POUW"
		)
		.into());
	}
	let receipt = chain
		.submit(keypair, &Call::submit_task(&own.spec), Until::Best)
		.await?;
	let task = receipt.number("MlTasks", "TaskSubmitted", "task");
	let task = task.and_then(|task| TaskId::try_from(task).ok());
	let task = task.ok_or("the chain took the task, but its event can't be read")?;
	own.submitted(chain.genesis(), task)?;
	Ok((task, free))
}

fn say_submitted(task: TaskId, own: &OwnTask, folder: &Path, wait: bool, global: &Global) {
	if global.json {
		let fee = own.spec.fee.to_string();
		println!(
			"{}",
			json!({ "event": "submitted", "task": task, "fee": fee })
		);
		return;
	}
	println!(
		"task {task} is submitted, {} POUW on hold as its fee",
		Amount(own.spec.fee)
	);
	if !wait {
		println!(
			"its data must be served until it ends: ml-worker work --role client --store {}",
			folder.display()
		);
	}
}

/// Does the client's duties until the task has ended. None if the process was asked to end before.
async fn serve_and_follow(
	workshop: &Workshop,
	keypair: Keypair,
	(own, task): (&OwnTask, TaskId),
	free: Balance,
	global: &Global,
) -> Result<Option<follow::Followed>, Failure> {
	let client = (keypair.public_key().0, free);
	let worker = Worker::new(WorkerSetup {
		workshop: workshop.clone(),
		keypair,
		duties: vec![Duties::Client],
		retention: DEFAULT_RETENTION,
		limits: WorkLimits::default(),
		notify: Box::new(|notice| tracing::info!("{notice}")),
		#[cfg(feature = "faults")]
		fault: None,
	});
	let serving = worker.work(std::future::pending());
	let stopped = stopped()?;
	tokio::select! {
		served = serving => {
			served?;
			Ok(None)
		},
		() = stopped => Ok(None),
		followed = follow::follow(workshop, own, task, client, global.json) => followed.map(Some),
	}
}

/// What the data set is called in the report.
fn dataset_name(location: Option<&DataLocation>, prepared: &Prepared) -> String {
	match (location, &prepared.file.contents.data.source) {
		(Some(DataLocation::Digits), _) | (None, DataSource::Digits) => "digits".into(),
		(Some(DataLocation::Mnist(_)), _) | (None, DataSource::Mnist) => "mnist".into(),
		(None, DataSource::Csv { path, .. } | DataSource::Text { path, .. }) => {
			path.display().to_string()
		}
		(None, DataSource::Idx { images, .. }) => images.display().to_string(),
	}
}
