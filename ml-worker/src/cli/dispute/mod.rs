//! `ml-worker dispute`: what is in dispute, how far it has been narrowed down, and how it ends; and what
//! supervisors are to show.

mod challenge;
mod demand;
mod narrowed;
mod watch;

use super::{asynchronously, Failure, Global};
use crate::{
	amount::Amount,
	chain::{AccountId, Chain, View},
	config::{ConnectionOptions, StoreOptions},
	keys::address,
	roles::{
		task::{holders, Task},
		Workshop,
	},
	store::Store,
};
use clap::{Args, Subcommand};
use ml_worker_engine::{Engine, EngineOptions};
use narrowed::Narrowed;
use pouw_dispute::Party;
use pouw_primitives::{proof::WrongScore, status::DisputeStatus, DisputeId, TaskId};
use repops::check::Checked;
use serde_json::{json, Value};
use std::{num::NonZeroUsize, time::Duration};

/// The most disputes that are listed.
const LISTED: u32 = 1_000;
/// How long is waited for the program, which only gives things their names.
const PROGRAM_PATIENCE: Duration = Duration::from_secs(20);

/// `ml-worker dispute`
#[derive(Args)]
pub(super) struct Arguments {
	#[command(subcommand)]
	action: Action,
}

#[derive(Subcommand)]
enum Action {
	/// List the disputes, and the demands on supervisors, that have not ended.
	List {
		/// Only those of this task.
		#[arg(long, value_name = "TASK")]
		task: Option<TaskId>,
		#[command(flatten)]
		connection: ConnectionOptions,
	},
	/// Say, with a bond, that a trainer's commitment to a round is wrong. `work` makes the moves then.
	Challenge(challenge::Challenge),
	/// Demand, with a bond, that a supervisor show a tile of what it says that it holds. If it does, the bond
	/// is lost; if it does not, half of its ticket is won.
	Demand(demand::Demand),
	/// Show who claims what, and where a dispute has been narrowed down to.
	Show {
		/// The dispute's number.
		#[arg(value_name = "DISPUTE")]
		dispute: DisputeId,
		#[command(flatten)]
		connection: ConnectionOptions,
		#[command(flatten)]
		store: StoreOptions,
	},
	/// Follow a dispute, move by move, until it ends.
	Watch {
		/// The dispute's number.
		#[arg(value_name = "DISPUTE")]
		dispute: DisputeId,
		#[command(flatten)]
		connection: ConnectionOptions,
		#[command(flatten)]
		store: StoreOptions,
	},
}

/// A dispute's status with this chain's accounts.
type Status = DisputeStatus<AccountId>;

pub(super) fn run(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	asynchronously(async {
		match arguments.action {
			Action::List { task, connection } => {
				list(task, &connect(&connection).await?.best().await?, global).await
			}
			Action::Challenge(wanted) => challenge::challenge(&wanted, global).await,
			Action::Demand(wanted) => demand::demand(&wanted, global).await,
			Action::Show {
				dispute,
				connection,
				store,
			} => {
				let view = connect(&connection).await?.best().await?;
				let status = known(&view, dispute).await?;
				let program = program(&view, &connection, &store, &status).await;
				show(&status, program.as_ref(), global);
				Ok(())
			}
			Action::Watch {
				dispute,
				connection,
				store,
			} => {
				let view = connect(&connection).await?.best().await?;
				let status = known(&view, dispute).await?;
				let program = program(&view, &connection, &store, &status).await;
				watch::watch(view, status, program.as_ref(), global).await
			}
		}
	})
}

async fn connect(connection: &ConnectionOptions) -> Result<Chain, Failure> {
	Ok(connection.connect(&connection.file()?).await?)
}

async fn known(view: &View, dispute: DisputeId) -> Result<Status, Failure> {
	let status = view.dispute_status(dispute).await?;
	let unknown = || {
		format!(
			"the chain knows no open dispute {dispute}; `ml-worker dispute list` tells which there are"
		)
	};
	Ok(status.ok_or_else(unknown)?)
}

async fn list(task: Option<TaskId>, view: &View, global: &Global) -> Result<(), Failure> {
	let mut open = view.open_disputes(task, LISTED).await?;
	open.sort_unstable();
	let mut disputes = Vec::new();
	for dispute in open {
		disputes.extend(view.dispute_status(dispute).await?);
	}
	let demands = demand::open(task, LISTED, view).await?;
	if global.json {
		let all = disputes.iter().map(|status| as_json(status, None));
		let all = all.chain(demands.iter().map(demand::as_json));
		println!("{}", Value::Array(all.collect()));
		return Ok(());
	}
	println!("{} open disputes", disputes.len());
	for status in &disputes {
		println!(
			"{:>6}  task {}, {}  {} to move until block {}  {}",
			status.dispute,
			status.task,
			claim(status),
			name(status, status.game.to_move()),
			status.deadline,
			Narrowed::of(status, None)
		);
	}
	if !demands.is_empty() {
		println!("{} open demands", demands.len());
	}
	for status in &demands {
		println!("{}", demand::line(status));
	}
	Ok(())
}

/// The program that a dispute is about. What is shown lacks names without it, no more.
async fn program(
	view: &View,
	connection: &ConnectionOptions,
	store: &StoreOptions,
	status: &Status,
) -> Option<Checked> {
	let fetched = tokio::time::timeout(PROGRAM_PATIENCE, fetch(view, connection, store, status));
	let failed = match fetched.await {
		Ok(Ok(program)) => return Some(program),
		Ok(Err(error)) => error.to_string(),
		Err(_) => format!("nothing came in {PROGRAM_PATIENCE:?}"),
	};
	tracing::warn!(
		"tensors and operations have no names here, as the program is not to be had: {failed}"
	);
	None
}

async fn fetch(
	view: &View,
	connection: &ConnectionOptions,
	store: &StoreOptions,
	status: &Status,
) -> Result<Checked, Failure> {
	let file = connection.file()?;
	let task_status = view.task_status(status.task).await?;
	let task_status = task_status.ok_or("its task has ended")?;
	let engine = Engine::new(EngineOptions {
		threads: NonZeroUsize::new(1),
		instruction_set: None,
	})?;
	let folder = store.folder(&file);
	let store = Store::open(&folder, &store.identity(&file)?).await?;
	let workshop = Workshop::new(view.chain().clone(), store.clone(), engine, folder);
	let task = Task::open(&workshop, &task_status)?;
	let program = task
		.programs(&workshop, &holders(&task_status, None))
		.await
		.map(|programs| match status.score {
			Some(WrongScore::Correct) => programs.evaluation.clone(),
			_ => programs.step.clone(),
		});
	store.shutdown().await;
	Ok(program?)
}

/// What a dispute is about, in the task.
fn claim(status: &Status) -> String {
	match status.score {
		None => format!("round {}, place {}", status.round, status.slot),
		Some(_) => format!("the score of the evaluator in place {}", status.slot),
	}
}

/// A party by what it does.
fn name(status: &Status, party: Party) -> &'static str {
	match (party, status.score) {
		(Party::Defender, None) => "the trainer",
		(Party::Defender, Some(_)) => "the evaluator",
		(Party::Challenger, _) => "the challenger",
	}
}

fn show(status: &Status, program: Option<&Checked>, global: &Global) {
	if global.json {
		println!("{}", as_json(status, program));
		return;
	}
	let line = |name: &str, text: String| println!("{name:<12} {text}");
	line(
		"dispute",
		format!(
			"{} about task {}, {}{}",
			status.dispute,
			status.task,
			claim(status),
			if status.void { ", void" } else { "" }
		),
	);
	let defender = address(&status.defender.0);
	let role = match status.score {
		None => "trainer",
		Some(_) => "evaluator",
	};
	line(role, format!("{defender}, whose ticket is at stake"));
	let challenger = address(&status.challenger.0);
	let bond = Amount(status.bond);
	line(
		"challenger",
		format!("{challenger}, with {bond} POUW on hold"),
	);
	line("opened", format!("block {}", status.opened));
	line(
		"to move",
		format!(
			"{}, until block {}",
			name(status, status.game.to_move()),
			status.deadline
		),
	);
	for (name, text) in Narrowed::of(status, program).lines() {
		line(name, text);
	}
}

/// A status for scripts: amounts as decimal strings, accounts as addresses.
fn as_json(status: &Status, program: Option<&Checked>) -> Value {
	json!({
		"dispute": status.dispute,
		"task": status.task,
		"round": status.round,
		"slot": status.slot,
		"score": status.score,
		"defender": address(&status.defender.0),
		"challenger": address(&status.challenger.0),
		"bond": status.bond.to_string(),
		"opened": status.opened,
		"deadline": status.deadline,
		"to_move": party(status.game.to_move()),
		"void": status.void,
		"narrowed": Narrowed::of(status, program),
	})
}

/// A party for scripts.
fn party(party: Party) -> &'static str {
	match party {
		Party::Defender => "defender",
		Party::Challenger => "challenger",
	}
}
