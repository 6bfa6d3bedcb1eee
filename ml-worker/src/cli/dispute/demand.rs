//! `ml-worker dispute demand`: a supervisor is to show what it has attested.

use super::{Failure, Global};
use crate::{
	amount::Amount,
	chain::{AccountId, Call, Until, View},
	config::AccountOptions,
	keys::address,
	roles::describe_demanded,
};
use clap::Args;
use pouw_primitives::{
	demand::{DemandStatus, Demanded},
	DemandId, RoundIndex, Slot, TaskId,
};
use serde_json::{json, Value};

/// What is demanded of whom.
#[derive(Args)]
pub(super) struct Demand {
	/// The task.
	#[arg(long, value_name = "TASK")]
	task: TaskId,
	/// The supervisor's place in it.
	#[arg(long, value_name = "PLACE")]
	supervisor: Slot,
	/// A tile of the training data.
	#[arg(long, conflicts_with_all = ["round", "trainer", "checkpoint"])]
	data: bool,
	/// A tile of a checkpoint of this round.
	#[arg(long, value_name = "ROUND", required_unless_present = "data")]
	round: Option<RoundIndex>,
	/// The place of the trainer that has committed to it.
	#[arg(long, value_name = "PLACE", required_unless_present = "data")]
	trainer: Option<Slot>,
	/// The checkpoint, counted from the start state.
	#[arg(long, value_name = "NUMBER", required_unless_present = "data")]
	checkpoint: Option<u32>,
	/// The tensor, modulo those that there are; any one if it is not said.
	#[arg(long, value_name = "NUMBER")]
	tensor: Option<u32>,
	/// The tile of the tensor, modulo those that there are; any one if it is not said.
	#[arg(long, value_name = "NUMBER")]
	tile: Option<u32>,
	#[command(flatten)]
	account: AccountOptions,
}

impl Demand {
	fn what(&self) -> Result<Demanded, Failure> {
		let number = |said: Option<u32>| match said {
			Some(number) => Ok(number),
			None => getrandom::u32(),
		};
		let (tensor, tile) = (number(self.tensor)?, number(self.tile)?);
		Ok(match (self.round, self.trainer, self.checkpoint) {
			(Some(round), Some(slot), Some(checkpoint)) => Demanded::Checkpoint {
				round,
				slot,
				checkpoint,
				tensor,
				tile,
			},
			_ => Demanded::TrainingData { tensor, tile },
		})
	}
}

/// Demands it and says until when it is to be shown.
pub(super) async fn demand(demand: &Demand, global: &Global) -> Result<(), Failure> {
	let file = demand.account.file()?;
	let keypair = demand.account.keypair(&file)?;
	let chain = demand.account.connect(&file).await?;
	let what = demand.what()?;
	let call = Call::demand_shown(demand.task, demand.supervisor, &what);
	let receipt = chain.submit(&keypair, &call, Until::Best).await?;
	let number = |field| receipt.number("Pouw", "ShowingDemanded", field);
	let (Some(id), Some(bond), Some(deadline)) =
		(number("demand"), number("bond"), number("deadline"))
	else {
		return Err("the chain took the call, but its event can't be read".into());
	};
	if global.json {
		let told = json!({
			"demand": id as u64,
			"task": demand.task,
			"supervisor": demand.supervisor,
			"what": what,
			"bond": bond.to_string(),
			"deadline": deadline as u64,
		});
		println!("{told}");
	} else {
		println!(
			"demand {id}: the supervisor in place {} is to show {} until block {deadline}; {} POUW are on hold",
			demand.supervisor,
			describe_demanded(&what),
			Amount(bond)
		);
	}
	Ok(())
}

/// The open demands, in the order of their numbers.
pub(super) async fn open(
	task: Option<TaskId>,
	limit: u32,
	view: &View,
) -> Result<Vec<DemandStatus<AccountId>>, Failure> {
	let mut open: Vec<DemandId> = view.open_demands(task, limit).await?;
	open.sort_unstable();
	let mut demands = Vec::new();
	for demand in open {
		demands.extend(view.demand_status(demand).await?);
	}
	Ok(demands)
}

/// A demand on a line of its own.
pub(super) fn line(status: &DemandStatus<AccountId>) -> String {
	let waits = if status.shown {
		"has shown".into()
	} else {
		format!("is to show until block {}", status.deadline)
	};
	format!(
		"{:>6}  task {}, supervisor in place {} {waits}  {}",
		status.demand,
		status.task,
		status.supervisor_slot,
		describe_demanded(&status.what)
	)
}

/// A demand for scripts: amounts as decimal strings, accounts as addresses.
pub(super) fn as_json(status: &DemandStatus<AccountId>) -> Value {
	json!({
		"demand": status.demand,
		"task": status.task,
		"supervisor_slot": status.supervisor_slot,
		"supervisor": address(&status.supervisor.0),
		"ticket": status.ticket,
		"demander": address(&status.demander.0),
		"what": status.what,
		"bond": status.bond.to_string(),
		"opened": status.opened,
		"deadline": status.deadline,
		"shown": status.shown,
	})
}
