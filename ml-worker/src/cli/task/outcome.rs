//! What remains of a task that has ended: files, a report, a table.

use super::{follow::Followed, phase, Failure};
use crate::{
	amount::Amount,
	chain::{spec_hash, AccountId, ChainError},
	keys::address,
	model_file,
	report::loss_curve::{self, Series},
	roles::{
		task::{holders, Task},
		Workshop,
	},
};
use futures::StreamExt;
use pouw_primitives::{
	spec::TaskSpec,
	status::{Paid, Phase, TaskSummary},
	TaskId,
};
use serde_json::{json, Value};
use std::{
	collections::{BTreeMap, HashMap},
	path::Path,
	time::Instant,
};

/// What the report says beside what was seen of the task.
pub(super) struct Context<'a> {
	pub(super) dataset: String,
	pub(super) seconds_preparing: f64,
	pub(super) out: &'a Path,
	pub(super) json: bool,
}

/// Waits for finality, fetches the final model, writes the files and says how the task ended. A task that
/// failed is an error.
pub(super) async fn finish(
	workshop: &Workshop,
	spec: &TaskSpec,
	mut followed: Followed,
	context: &Context<'_>,
) -> Result<(), Failure> {
	let waiting = Instant::now();
	let (summary, finalized) = wait_for_finality(workshop, followed.task, spec).await?;
	let seconds_finalizing = waiting.elapsed().as_secs_f64();
	followed.summary = summary;
	let summary = &followed.summary;
	std::fs::create_dir_all(context.out)
		.map_err(|error| format!("folder {}: {error}", context.out.display()))?;
	let report = report(spec, &followed, context, finalized, seconds_finalizing);
	if summary.phase == Phase::Settled {
		write_model(workshop, &followed, context.out).await?;
	}
	let title = String::from_utf8_lossy(&spec.name).into_owned();
	loss_curve::write(
		&context.out.join("loss.svg"),
		&title,
		&series(spec, &followed),
	)?;
	let path = context.out.join("report.json");
	std::fs::write(&path, format!("{report:#}\n"))
		.map_err(|error| format!("{}: {error}", path.display()))?;
	if context.json {
		println!("{}", json!({ "event": "ended", "report": report }));
	} else {
		print_summary(followed.task, summary);
		print_balances(workshop, &followed).await?;
		println!(
			"files        model.safetensors, loss.svg, report.json in {}",
			context.out.display()
		);
	}
	match summary.phase {
		Phase::Settled => Ok(()),
		other => Err(format!("task {} {}", followed.task, phase(&other)).into()),
	}
}

/// The summary as of a finalized block, and that block's number.
async fn wait_for_finality(
	workshop: &Workshop,
	task: TaskId,
	spec: &TaskSpec,
) -> Result<(TaskSummary<AccountId>, u32), Failure> {
	let mut heads = workshop.chain.best_blocks();
	loop {
		match final_summary(workshop, task).await {
			Ok(Some((summary, _))) if summary.spec_hash != spec_hash(spec) => {
				return Err(format!(
					"a reorganisation gave the number {task} to another task; see how this one ended with \
					 `ml-worker task status`"
				)
				.into());
			}
			Ok(Some(ended)) => return Ok(ended),
			Ok(None) => (),
			// The next block brings the next try.
			Err(error) => tracing::warn!(%error, "whether the task's end is final is unknown"),
		}
		match heads.next().await {
			Some(head) => drop(head?),
			None => return Err("the node sends no more blocks".into()),
		}
	}
}

async fn final_summary(
	workshop: &Workshop,
	task: TaskId,
) -> Result<Option<(TaskSummary<AccountId>, u32)>, ChainError> {
	let view = workshop.chain.finalized().await?;
	let summary = view.task_summary(task).await?;
	Ok(summary.map(|summary| (summary, view.head().number)))
}

/// Fetches what the last round's trainers ended with, merges it, and writes the parameters.
async fn write_model(workshop: &Workshop, followed: &Followed, out: &Path) -> Result<(), Failure> {
	let summary = &followed.summary;
	let view = workshop
		.chain
		.block(summary.block.saturating_sub(1))
		.await?;
	let status = view.task_status(followed.task).await?;
	let status = status.ok_or("the chain has forgotten the task before it ended")?;
	let task = Task::open(workshop, &status)?;
	let agreed = task
		.agreed(workshop, &view, &status, summary.rounds)
		.await?;
	if let Some(expected) = summary
		.state_root
		.filter(|expected| *expected != agreed.root)
	{
		return Err(format!(
			"the final state has the root {:?}, but the chain settled on {expected:?}",
			agreed.root
		)
		.into());
	}
	let programs = task.programs(workshop, &holders(&status, None)).await?;
	let notes = HashMap::from([
		("task".to_owned(), followed.task.to_string()),
		("state_root".to_owned(), format!("{:?}", agreed.root)),
	]);
	let path = out.join("model.safetensors");
	Ok(model_file::write(
		&path,
		&programs.step.program().state,
		&agreed.state,
		notes,
	)?)
}

/// A curve for each place: the mean loss of its rounds over the steps that it has made.
fn series(spec: &TaskSpec, followed: &Followed) -> Vec<Series> {
	let steps = f64::from(spec.training.steps_per_round);
	followed
		.losses
		.iter()
		.map(|(slot, rounds)| Series {
			name: format!("trainer {slot}"),
			points: rounds
				.iter()
				.map(|(round, loss)| (steps * (f64::from(*round) + 1.0), f64::from(*loss)))
				.collect(),
		})
		.collect()
}

fn report(
	spec: &TaskSpec,
	followed: &Followed,
	context: &Context<'_>,
	finalized: u32,
	seconds_finalizing: f64,
) -> Value {
	let (summary, seconds) = (&followed.summary, followed.seconds);
	let total = context.seconds_preparing
		+ seconds.matching
		+ seconds.training
		+ seconds.evaluating
		+ seconds_finalizing;
	json!({
		"task": followed.task,
		"name": String::from_utf8_lossy(&spec.name),
		"phase": summary.phase,
		"dataset": context.dataset,
		"trainers": spec.training.trainers,
		"rounds": summary.rounds,
		"steps": steps(spec, followed),
		"accuracy": summary.accuracy.map(|(right, of)| json!({ "right": right, "of": of })),
		"required_accuracy": f64::from(summary.required_accuracy.deconstruct()) / 1e6,
		"segments": summary.segments,
		"fee": summary.fee.to_string(),
		"paid": paid_json(&summary.paid),
		"refunded": summary.refunded.to_string(),
		"burned": summary.burned.to_string(),
		"subsidy": summary.subsidy.to_string(),
		"seed": summary.seed,
		"initial_weights": if spec.initial_state.is_some() { "given" } else { "seed" },
		"initial_root": spec.initial_state.map(|given| given.root),
		"record": summary.record,
		"state_root": summary.state_root,
		"block": summary.block,
		"finalized_block": finalized,
		"seconds": {
			"preparing": context.seconds_preparing,
			"matching": seconds.matching,
			"training": seconds.training,
			"evaluating": seconds.evaluating,
			"finalizing": seconds_finalizing,
			"total": total,
		},
	})
}

/// The steps that all trainers together have made in all rounds that stand.
fn steps(spec: &TaskSpec, followed: &Followed) -> u64 {
	// The chain counts the segments that it pays for, and this program the rounds that it has seen: neither
	// may have all, but each has no more.
	let committed = followed.summary.segments.committed;
	let paid = u64::from(committed) * u64::from(spec.training.steps_per_segment);
	let rounds: usize = followed.losses.values().map(BTreeMap::len).sum();
	let seen = rounds as u64 * u64::from(spec.training.steps_per_round);
	paid.max(seen)
}

/// What was paid by role, as decimal strings.
pub(super) fn paid_json(paid: &Paid) -> Value {
	json!({
		"trainers": paid.trainers.to_string(),
		"verifiers": paid.verifiers.to_string(),
		"supervisors": paid.supervisors.to_string(),
		"evaluators": paid.evaluators.to_string(),
	})
}

/// The table at the end, for people.
pub(super) fn print_summary(task: TaskId, summary: &TaskSummary<AccountId>) {
	let line = |name: &str, text: String| println!("{name:<12} {text}");
	let pouw = |amount| format!("{:>20} POUW", Amount(amount).to_string());
	line(
		"task",
		format!(
			"{task}, {} at block {}",
			phase(&summary.phase),
			summary.block
		),
	);
	line("rounds", summary.rounds.to_string());
	if let Some((right, of)) = summary.accuracy {
		let percent = f64::from(right) / f64::from(of) * 100.0;
		let required = f64::from(summary.required_accuracy.deconstruct()) / 1e4;
		line(
			"accuracy",
			format!("{right} of {of}, {percent:.2} % (required: {required:.2} %)"),
		);
	}
	if let Some(root) = summary.state_root {
		line("final state", format!("{root:?}"));
	}
	let segments = &summary.segments;
	line(
		"segments",
		format!(
			"{} committed, {} audited, {} accepted, {} rejected",
			segments.committed, segments.audited, segments.accepted, segments.rejected
		),
	);
	line("fee", pouw(summary.fee));
	line("  trainers", pouw(summary.paid.trainers));
	line("  verifiers", pouw(summary.paid.verifiers));
	line("  supervis.", pouw(summary.paid.supervisors));
	line("  evaluators", pouw(summary.paid.evaluators));
	line("  refunded", pouw(summary.refunded));
	line("  burned", pouw(summary.burned));
	line("subsidy", pouw(summary.subsidy));
}

/// What each who had a part can spend now, and how that has changed.
async fn print_balances(workshop: &Workshop, followed: &Followed) -> Result<(), Failure> {
	let view = workshop.chain.finalized().await?;
	println!("balances     (what can be spent; stakes of tickets are not in it)");
	for (account, (roles, before)) in &followed.balances {
		let now = view.free_balance(&AccountId::from(*account)).await?;
		let change = if now >= *before {
			format!("+{}", Amount(now - before))
		} else {
			format!("-{}", Amount(before - now))
		};
		let roles: Vec<&str> = roles.iter().copied().collect();
		println!(
			"  {:<24} {}  {:>18} POUW  {change}",
			roles.join(", "),
			address(account),
			Amount(now).to_string()
		);
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::Decode;

	#[test]
	fn the_report_counts_the_steps_of_all_trainers_and_rounds() {
		// Zeros are a valid encoding of both.
		let mut spec = TaskSpec::decode(&mut &[0; 1024][..]).unwrap();
		let mut summary = TaskSummary::<AccountId>::decode(&mut &[0; 1024][..]).unwrap();
		spec.training.steps_per_round = 200;
		spec.training.steps_per_segment = 25;
		let rounds = |rounds| (0..rounds).map(|round| (round, 0.5)).collect();
		let mut followed = Followed {
			task: 1,
			summary: summary.clone(),
			losses: BTreeMap::from([(0, rounds(4)), (1, rounds(3))]),
			seconds: Default::default(),
			balances: BTreeMap::new(),
		};
		// One segment of eight is not paid for, but its steps were made.
		summary.segments.committed = 7 * 8 - 1;
		followed.summary = summary.clone();
		assert_eq!(steps(&spec, &followed), 7 * 200);
		// A round that was not seen is counted by the chain.
		summary.segments.committed = 8 * 8;
		followed.summary = summary;
		assert_eq!(steps(&spec, &followed), 8 * 200);
	}
}
