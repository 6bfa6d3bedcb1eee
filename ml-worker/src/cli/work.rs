//! `ml-worker work`: do the duties of one or several roles.

use super::{asynchronously, Failure, Global};
use crate::{
	config::{AccountOptions, StoreOptions, WorkOptions},
	metrics,
	roles::{Notice, Worker, WorkerSetup, Workshop},
	store::Store,
};
use clap::Args;
use ml_worker_engine::{Engine, EngineOptions};
use std::future::Future;
use tokio::signal::unix::{signal, SignalKind};

/// `ml-worker work`
#[derive(Args)]
pub(super) struct Arguments {
	#[command(flatten)]
	account: AccountOptions,
	#[command(flatten)]
	store: StoreOptions,
	#[command(flatten)]
	work: WorkOptions,
	/// Make a trainer that does wrong, for the tests of the network.
	#[cfg(feature = "faults")]
	#[arg(long, value_name = "FAULT")]
	fault: Option<crate::roles::fault::Fault>,
}

pub(super) fn run(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	asynchronously(work(arguments, global))
}

async fn work(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	let Arguments {
		account,
		store,
		work,
		..
	} = &arguments;
	let file = account.file()?;
	let keypair = account.keypair(&file)?;
	let folder = store.folder(&file);
	let identity = store.identity(&file)?;
	let threads = work.threads(&file);
	let engine = Engine::new(EngineOptions {
		threads,
		instruction_set: None,
	})?;
	// A worker is started with its machine, maybe before its node is.
	let chain = account.connection.connect_when_up(&file).await?;
	if let Some(address) = work.metrics(&file) {
		metrics::serve(address)
			.await
			.map_err(|error| format!("metrics can't be served at {address}: {error}"))?;
	}
	let store = Store::open(&folder, &identity).await?;
	let json = global.json;
	let worker = Worker::new(WorkerSetup {
		workshop: Workshop::new(chain, store.clone(), engine, folder),
		keypair,
		duties: work.duties(&file),
		retention: work.retention(&file),
		limits: work.limits(&file),
		notify: Box::new(move |notice| say(notice, json)),
		#[cfg(feature = "faults")]
		fault: arguments.fault,
	});
	let worked = worker.work(stopped()?).await;
	store.shutdown().await;
	Ok(worked?)
}

/// Says on standard output what has happened: a line of text or of JSON.
fn say(notice: &Notice, json: bool) {
	if json {
		match serde_json::to_string(notice) {
			Ok(line) => println!("{line}"),
			Err(error) => tracing::warn!(%error, "a notice can't be written"),
		}
	} else {
		println!("{notice}");
	}
}

/// Ready when the process is asked to end.
pub(super) fn stopped() -> Result<impl Future<Output = ()>, Failure> {
	let mut terminate = signal(SignalKind::terminate())?;
	let mut interrupt = signal(SignalKind::interrupt())?;
	Ok(async move {
		tokio::select! {
			_ = terminate.recv() => (),
			_ = interrupt.recv() => (),
		}
	})
}
