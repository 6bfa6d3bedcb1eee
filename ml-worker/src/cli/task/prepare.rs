//! `ml-worker task prepare`: makes a task ready without submitting it, so that a wallet that holds the key
//! can.

use super::{Failure, Global, TaskArguments};
use crate::{
	config::{ConnectionOptions, StoreOptions},
	roles::client::prepare,
	store::Store,
};
use clap::Args;
use codec::Encode;
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Arguments {
	#[command(flatten)]
	task: TaskArguments,
	/// The file for the specification: what the call `mlTasks.submitTask` takes, as hexadecimal digits.
	#[arg(long, value_name = "FILE", default_value = "spec.hex")]
	spec: PathBuf,
	#[command(flatten)]
	connection: ConnectionOptions,
	#[command(flatten)]
	store: StoreOptions,
}

pub(super) async fn run(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	let options = arguments.connection.file()?;
	let prepared = arguments.task.read()?;
	let chain = arguments.connection.connect(&options).await?;
	let folder = arguments.store.folder(&options);
	let store = Store::open(&folder, &arguments.store.identity(&options)?).await?;
	let own = prepare(&store, &folder, chain.genesis(), &prepared).await?;
	store.shutdown().await;

	let encoded = format!("0x{}", hex::encode(own.spec.encode()));
	std::fs::write(&arguments.spec, &encoded)
		.map_err(|error| format!("{} can't be written: {error}", arguments.spec.display()))?;
	let estimate = chain.best().await?.estimate_fee(&own.spec).await?;
	let estimate =
		estimate.map_err(|fault| format!("the chain would refuse the task: {fault:?}"))?;
	if global.json {
		println!(
			"{}",
			json!({ "spec": own.spec, "encoded": encoded, "estimate": estimate })
		);
	} else {
		println!(
			"the specification is in {}; submit it with mlTasks.submitTask, and serve its data with \
			 ml-worker work --role client --store {}",
			arguments.spec.display(),
			folder.display()
		);
	}
	Ok(())
}
