//! `ml-worker task`: prepare, submit, follow, list and cancel tasks.

mod follow;
mod outcome;
mod prepare;
mod submit;

use super::{asynchronously, source::Source, Failure, Global};
use crate::{
	amount::Amount,
	chain::{AccountId, Call, ChainError, Until, View},
	config::{AccountOptions, ConnectionOptions},
	keys::address,
	task_file::Prepared,
};
use clap::{Args, Subcommand};
use pouw_primitives::{
	status::{Phase, TaskStatus, TaskSummary},
	TaskId,
};
use serde_json::{json, Value};

/// `ml-worker task`
#[derive(Args)]
pub(super) struct Arguments {
	#[command(subcommand)]
	action: Action,
}

#[derive(Subcommand)]
enum Action {
	/// Prepare a task, pay for it and submit it.
	Submit(submit::Arguments),
	/// Prepare a task and write its specification, for a wallet to submit.
	Prepare(prepare::Arguments),
	/// Show where a task stands, or how it ended.
	Status {
		/// The task's number.
		#[arg(value_name = "TASK")]
		task: TaskId,
		#[command(flatten)]
		connection: ConnectionOptions,
	},
	/// List the tasks that have not ended.
	List {
		/// The number to begin with.
		#[arg(long, default_value_t = 0, value_name = "TASK")]
		start: TaskId,
		/// How many at most.
		#[arg(long, default_value_t = 100, value_name = "NUMBER")]
		limit: u32,
		#[command(flatten)]
		connection: ConnectionOptions,
	},
	/// Withdraw a task that has not begun.
	Cancel {
		/// The task's number.
		#[arg(value_name = "TASK")]
		task: TaskId,
		#[command(flatten)]
		account: AccountOptions,
	},
}

/// What a task is made from.
#[derive(Args)]
struct TaskArguments {
	#[command(flatten)]
	source: Source,
	/// Another fee than the task file's, in POUW.
	#[arg(long, value_name = "POUW")]
	fee: Option<Amount>,
}

impl TaskArguments {
	/// Reads task file, data and weights, captures the programs.
	fn read(&self) -> Result<Prepared, Failure> {
		let mut prepared = self.source.read()?;
		if let Some(fee) = self.fee {
			prepared.file.contents.task.fee = fee;
		}
		Ok(prepared)
	}
}

pub(super) fn run(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	asynchronously(async {
		match arguments.action {
			Action::Submit(arguments) => submit::run(arguments, global).await,
			Action::Prepare(arguments) => prepare::run(arguments, global).await,
			Action::Status { task, connection } => status(task, &connection, global).await,
			Action::List {
				start,
				limit,
				connection,
			} => list(start, limit, &connection, global).await,
			Action::Cancel { task, account } => cancel(task, &account, global).await,
		}
	})
}

/// What the chain knows of a task.
enum Known {
	Open(Box<TaskStatus<AccountId>>),
	Ended(Box<TaskSummary<AccountId>>),
}

async fn known(view: &View, task: TaskId) -> Result<Option<Known>, ChainError> {
	if let Some(status) = view.task_status(task).await? {
		return Ok(Some(Known::Open(Box::new(status))));
	}
	Ok(view
		.task_summary(task)
		.await?
		.map(|summary| Known::Ended(Box::new(summary))))
}

async fn status(
	task: TaskId,
	connection: &ConnectionOptions,
	global: &Global,
) -> Result<(), Failure> {
	let view = connection
		.connect(&connection.file()?)
		.await?
		.best()
		.await?;
	let known = known(&view, task).await?;
	let known = known.ok_or_else(|| format!("the chain knows no task {task}"))?;
	match (known, global.json) {
		(Known::Open(status), true) => println!("{}", status_json(&status)),
		(Known::Ended(summary), true) => println!("{}", summary_json(task, &summary)),
		(Known::Open(status), false) => print_status(&status),
		(Known::Ended(summary), false) => outcome::print_summary(task, &summary),
	}
	Ok(())
}

async fn list(
	start: TaskId,
	limit: u32,
	connection: &ConnectionOptions,
	global: &Global,
) -> Result<(), Failure> {
	let view = connection
		.connect(&connection.file()?)
		.await?
		.best()
		.await?;
	let mut tasks = Vec::new();
	for task in view.open_tasks(start, limit).await? {
		if let Some(status) = view.task_status(task).await? {
			tasks.push(status);
		}
	}
	if global.json {
		println!("{}", Value::Array(tasks.iter().map(status_json).collect()));
		return Ok(());
	}
	println!("{} open tasks", tasks.len());
	for status in &tasks {
		println!(
			"{:>6}  {:<24}  {:<22}  {} POUW",
			status.task,
			name(status),
			phase(&status.phase),
			Amount(status.spec.fee)
		);
	}
	Ok(())
}

async fn cancel(task: TaskId, account: &AccountOptions, global: &Global) -> Result<(), Failure> {
	let file = account.file()?;
	let keypair = account.keypair(&file)?;
	let chain = account.connect(&file).await?;
	chain
		.submit(&keypair, &Call::cancel_task(task), Until::Best)
		.await?;
	if global.json {
		println!("{}", json!({ "task": task, "cancelled": true }));
	} else {
		println!("task {task} is withdrawn");
	}
	Ok(())
}

fn name(status: &TaskStatus<AccountId>) -> String {
	String::from_utf8_lossy(&status.spec.name).into_owned()
}

/// A phase in words.
fn phase(phase: &Phase) -> String {
	match phase {
		Phase::Pending => "pending".into(),
		Phase::Training(round) => format!("training, round {round}"),
		Phase::Evaluating => "evaluating".into(),
		Phase::Settled => "settled".into(),
		Phase::Cancelled => "cancelled".into(),
		Phase::Failed(reason) => format!("failed: {reason:?}"),
	}
}

/// A status for scripts: amounts as decimal strings, accounts as addresses.
fn status_json(status: &TaskStatus<AccountId>) -> Value {
	let training = &status.spec.training;
	let workers: Vec<Value> = status
		.workers
		.iter()
		.map(|worker| {
			json!({
				"role": worker.role,
				"slot": worker.slot,
				"account": address(&worker.account.0),
				"ticket": worker.ticket,
				"accepted": worker.accepted,
			})
		})
		.collect();
	json!({
		"task": status.task,
		"name": name(status),
		"client": address(&status.client.0),
		"phase": status.phase,
		"deadline": status.deadline,
		"seed": status.seed,
		"hidden_segments": status.hidden_segments,
		"training": json!({
			"trainers": training.trainers,
			"supervisors": training.supervisors,
			"evaluators": training.evaluators,
			"rounds": training.rounds,
			"steps_per_round": training.steps_per_round,
			"steps_per_segment": training.steps_per_segment,
			"batch": training.batch,
		}),
		"initial_state": status.spec.initial_state,
		"fee": status.spec.fee.to_string(),
		"workers": workers,
		"test": status.test,
		"checked_rounds": status.checked_rounds,
		"record": status.record,
		"segments": status.segments,
	})
}

fn summary_json(task: TaskId, summary: &TaskSummary<AccountId>) -> Value {
	json!({
		"task": task,
		"client": address(&summary.client.0),
		"phase": summary.phase,
		"seed": summary.seed,
		"rounds": summary.rounds,
		"record": summary.record,
		"state_root": summary.state_root,
		"accuracy": summary.accuracy.map(|(right, of)| json!({ "right": right, "of": of })),
		"required_accuracy": f64::from(summary.required_accuracy.deconstruct()) / 1e6,
		"segments": summary.segments,
		"fee": summary.fee.to_string(),
		"paid": outcome::paid_json(&summary.paid),
		"refunded": summary.refunded.to_string(),
		"burned": summary.burned.to_string(),
		"subsidy": summary.subsidy.to_string(),
		"block": summary.block,
	})
}

fn print_status(status: &TaskStatus<AccountId>) {
	let training = &status.spec.training;
	println!("task        {} ({})", status.task, name(status));
	println!("client      {}", address(&status.client.0));
	println!(
		"phase       {} (of {} rounds)",
		phase(&status.phase),
		training.rounds
	);
	if let Some(deadline) = status.deadline {
		println!("deadline    block {deadline}");
	}
	if let Some(given) = &status.spec.initial_state {
		println!("starts from {:?}, given by the client", given.root);
	}
	println!("fee         {} POUW", Amount(status.spec.fee));
	let segments = &status.segments;
	println!(
		"segments    {} committed, {} audited, {} accepted, {} rejected",
		segments.committed, segments.audited, segments.accepted, segments.rejected
	);
	for worker in &status.workers {
		println!(
			"{:<10}  place {} {}, ticket {}{}",
			super::ticket::name(worker.role),
			worker.slot,
			address(&worker.account.0),
			worker.ticket,
			if worker.accepted {
				""
			} else {
				", not yet accepted"
			}
		);
	}
}
