//! The command line. Each command is a module with its `Arguments` and a `run`.
//!
//! What a command has to say goes to standard output: text for people, or one JSON document with
//! `--json`. Progress, logs and errors go to standard error. The exit status is 0 or 1 (2 for arguments
//! that can't be read).

mod dispute;
mod engine;
mod keys;
mod source;
mod task;
mod ticket;
mod train;
mod verify;
mod work;

use clap::{Args, Parser, Subcommand};
use std::{error::Error, future::Future, process::ExitCode};
use tracing_subscriber::EnvFilter;

/// What ends a command early. Each command's own errors say what was wrong, where, and what to do.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Trains models for others, checks what others trained, and lets clients have models trained.
#[derive(Parser)]
#[command(name = "ml-worker", version, arg_required_else_help = true)]
struct Arguments {
	#[command(flatten)]
	global: Global,
	#[command(subcommand)]
	command: Command,
}

/// What every command understands.
#[derive(Args, Clone, Debug)]
pub struct Global {
	/// Print JSON for scripts instead of text for people.
	#[arg(long, global = true)]
	pub json: bool,
	/// What to log to standard error, for instance `info` or `ml_worker=debug`.
	#[arg(
		long,
		global = true,
		env = "POUW_LOG",
		default_value = "warn,noq_proto=error",
		value_name = "FILTER"
	)]
	pub log: String,
}

#[derive(Subcommand)]
enum Command {
	/// List, show or follow disputes about what trainers have claimed.
	Dispute(dispute::Arguments),
	/// Make, show or store the key that signs.
	Keys(keys::Arguments),
	/// Submit, follow, list or cancel tasks.
	Task(task::Arguments),
	/// Buy, list or retire tickets.
	Ticket(ticket::Arguments),
	/// Train a task on this machine alone and write the model.
	Train(train::Arguments),
	/// Train a settled task again and compare with what the chain keeps.
	Verify(verify::Arguments),
	/// Do the duties of one or several roles.
	Work(work::Arguments),
}

/// Reads the arguments, runs the command and reports its failure.
pub fn run() -> ExitCode {
	let arguments = Arguments::parse();
	let global = arguments.global;
	if let Err(failure) = start_log(&global).and_then(|()| dispatch(arguments.command, &global)) {
		report(failure.as_ref(), global.json);
		return ExitCode::FAILURE;
	}
	ExitCode::SUCCESS
}

fn dispatch(command: Command, global: &Global) -> Result<(), Failure> {
	match command {
		Command::Dispute(arguments) => dispute::run(arguments, global),
		Command::Keys(arguments) => keys::run(arguments, global),
		Command::Task(arguments) => task::run(arguments, global),
		Command::Ticket(arguments) => ticket::run(arguments, global),
		Command::Train(arguments) => train::run(arguments, global),
		Command::Verify(arguments) => verify::run(arguments, global),
		Command::Work(arguments) => work::run(arguments, global),
	}
}

/// Runs a command that talks to the chain or to others.
fn asynchronously(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
	let runtime = tokio::runtime::Builder::new_multi_thread()
		.enable_all()
		.build()?;
	let result = runtime.block_on(command);
	// A computation that is under way has nobody left to wait for it.
	runtime.shutdown_background();
	result
}

fn start_log(global: &Global) -> Result<(), Failure> {
	let filter = EnvFilter::try_new(&global.log)
		.map_err(|error| format!("--log `{}` can't be read: {error}", global.log))?;
	tracing_subscriber::fmt()
		.with_env_filter(filter)
		.with_writer(std::io::stderr)
		.init();
	Ok(())
}

/// Writes an error and what caused it, each once.
fn report(failure: &dyn Error, json: bool) {
	let mut message = failure.to_string();
	let mut cause = failure.source();
	while let Some(error) = cause {
		let text = error.to_string();
		if !message.contains(&text) {
			message = format!("{message}: {text}");
		}
		cause = error.source();
	}
	if json {
		eprintln!("{}", serde_json::json!({ "error": message }));
	} else {
		eprintln!("error: {message}");
	}
}
