//! `ml-worker dispute challenge`: somebody says that a trainer's commitment is wrong.

use super::{Failure, Global};
use crate::{
	amount::Amount,
	chain::{Call, Until},
	config::AccountOptions,
};
use clap::Args;
use pouw_primitives::{RoundIndex, Slot, TaskId};
use serde_json::json;

/// Whose commitment is said to be wrong.
#[derive(Args)]
pub(super) struct Challenge {
	/// The task.
	#[arg(long, value_name = "TASK")]
	task: TaskId,
	/// The round, counted from 0.
	#[arg(long, value_name = "ROUND")]
	round: RoundIndex,
	/// The trainer's place in it.
	#[arg(long, value_name = "PLACE")]
	trainer: Slot,
	#[command(flatten)]
	account: AccountOptions,
}

/// Opens the dispute and says who is to move until when.
pub(super) async fn challenge(wanted: &Challenge, global: &Global) -> Result<(), Failure> {
	let file = wanted.account.file()?;
	let keypair = wanted.account.keypair(&file)?;
	let chain = wanted.account.connect(&file).await?;
	let call = Call::challenge(wanted.task, wanted.round, wanted.trainer);
	let receipt = chain.submit(&keypair, &call, Until::Best).await?;
	let number = |field| receipt.number("Pouw", "DisputeOpened", field);
	let (Some(id), Some(bond), Some(deadline)) =
		(number("dispute"), number("bond"), number("deadline"))
	else {
		return Err("the chain took the call, but its event can't be read".into());
	};
	if global.json {
		let told = json!({
			"dispute": id as u64,
			"task": wanted.task,
			"round": wanted.round,
			"slot": wanted.trainer,
			"bond": bond.to_string(),
			"deadline": deadline as u64,
		});
		println!("{told}");
	} else {
		println!(
			"dispute {id}: the trainer is to move until block {deadline}; {} POUW are on hold. Keep `ml-worker work` \
			 running with this account, in whatever role: it makes your moves, and who misses one has lost",
			Amount(bond)
		);
	}
	Ok(())
}
