//! Following a task from its submission to its end.

use super::{phase, Failure};
use crate::{
	amount::Amount,
	chain::{spec_hash, AccountId, View},
	keys::address,
	roles::{client::OwnTask, Workshop},
};
use futures::StreamExt;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use pouw_primitives::{
	status::{Phase, RoundStatus, TaskStatus, TaskSummary},
	ticket::Role,
	Balance, RoundIndex, Slot, TaskId,
};
use serde_json::json;
use std::{
	collections::{btree_map::Entry, BTreeMap, BTreeSet},
	io::IsTerminal,
	time::Instant,
};

/// How many blocks are looked at after the fact for who was drawn.
const LOOK_BACK: u32 = 100;

/// What was seen of a task.
pub(super) struct Followed {
	/// Its number at the end.
	pub(super) task: TaskId,
	/// How it ended.
	pub(super) summary: TaskSummary<AccountId>,
	/// The mean loss of each place's rounds.
	pub(super) losses: BTreeMap<Slot, BTreeMap<RoundIndex, f32>>,
	/// Seconds from the submission to the first round, in the rounds, and from there to the end.
	pub(super) seconds: Seconds,
	/// The accounts that had a part, with what they could spend when they were first seen.
	pub(super) balances: BTreeMap<[u8; 32], (BTreeSet<&'static str>, Balance)>,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seconds {
	pub(super) matching: f64,
	pub(super) training: f64,
	pub(super) evaluating: f64,
}

/// Follows a task to its end, with progress on standard error, or with JSON lines on standard output. The
/// client comes with what it could spend before; what the others can is noted when they are first seen.
pub(super) async fn follow(
	workshop: &Workshop,
	own: &OwnTask,
	task: TaskId,
	(client, free): ([u8; 32], Balance),
	json: bool,
) -> Result<Followed, Failure> {
	let mut seen = Seen::new(task, json);
	seen.balances.insert(client, (BTreeSet::new(), free));
	let mut heads = workshop.chain.best_blocks();
	loop {
		let head = match heads.next().await {
			Some(head) => head?,
			None => return Err("the node sends no more blocks".into()),
		};
		let view = workshop.chain.view(head);
		let looked = seen.look(&view, own).await;
		match looked {
			Ok(None) => (),
			Ok(Some(summary)) => {
				seen.show.finish();
				return Ok(seen.into_followed(summary));
			}
			// The next block brings the next try.
			Err(error) => tracing::warn!(%error, "the task's status is unknown"),
		}
	}
}

struct Seen {
	task: TaskId,
	/// The last block whose events were looked at.
	events: Option<u32>,
	begun: Instant,
	training_since: Option<Instant>,
	evaluating_since: Option<Instant>,
	losses: BTreeMap<Slot, BTreeMap<RoundIndex, f32>>,
	balances: BTreeMap<[u8; 32], (BTreeSet<&'static str>, Balance)>,
	show: Show,
}

impl Seen {
	fn new(task: TaskId, json: bool) -> Self {
		Seen {
			task,
			events: None,
			begun: Instant::now(),
			training_since: None,
			evaluating_since: None,
			losses: BTreeMap::new(),
			balances: BTreeMap::new(),
			show: Show::new(json),
		}
	}

	/// Looks at the task as of this block. Some if it has ended.
	async fn look(
		&mut self,
		view: &View,
		own: &OwnTask,
	) -> Result<Option<TaskSummary<AccountId>>, Failure> {
		let task = self.task;
		let status = view.task_status(task).await?;
		let Some(status) = status.filter(|status| status.spec == own.spec) else {
			let summary = view.task_summary(task).await?;
			let summary = summary.filter(|summary| summary.spec_hash == spec_hash(&own.spec));
			if summary.is_none() {
				// A block of a branch without the task is passed over. If it comes back with another number,
				// that has been noted.
				self.task = own.number()?.unwrap_or(task);
			}
			return Ok(summary);
		};
		let round = match status.phase {
			Phase::Training(round) => {
				self.training_since.get_or_insert_with(Instant::now);
				self.evaluating_since = None;
				Some(round)
			}
			Phase::Evaluating => {
				self.evaluating_since.get_or_insert_with(Instant::now);
				None
			}
			_ => None,
		};
		let current = match round {
			Some(round) => view.round_status(task, round).await?,
			None => None,
		};
		let before = round.unwrap_or(status.spec.training.rounds).checked_sub(1);
		let last = match before {
			Some(before) => view.round_status(task, before).await?,
			None => None,
		};
		for seen in [&last, &current].into_iter().flatten() {
			self.note_losses(seen);
		}
		self.note_balances(view, &status).await?;
		self.note_verifiers(view).await?;
		let spendable = view.free_balance(&status.client).await?;
		let loss = last.as_ref().map(mean_loss);
		self.show
			.update(view, &status, current.as_ref(), loss, spendable);
		Ok(None)
	}

	fn note_losses(&mut self, round: &RoundStatus<AccountId>) {
		// A round may have been lost and trained again by others.
		for rounds in self.losses.values_mut() {
			rounds.retain(|known, _| *known < round.round);
		}
		for commitment in &round.commitments {
			let loss = f32::from_bits(commitment.mean_loss);
			self.losses
				.entry(commitment.slot)
				.or_default()
				.insert(round.round, loss);
		}
	}

	/// Notes what each who has a part can spend when it is first seen.
	async fn note_balances(
		&mut self,
		view: &View,
		status: &TaskStatus<AccountId>,
	) -> Result<(), Failure> {
		let workers = status
			.workers
			.iter()
			.map(|worker| (&worker.account, role_name(worker.role)));
		for (account, role) in std::iter::once((&status.client, "client")).chain(workers) {
			self.note_balance(view, account, role).await?;
		}
		Ok(())
	}

	/// Notes the verifiers that were drawn since the last look: they are among the workers of no status.
	async fn note_verifiers(&mut self, view: &View) -> Result<(), Failure> {
		let head = view.head().number;
		let unseen = self
			.events
			.map_or(head, |seen| seen.saturating_add(1))
			.max(head.saturating_sub(LOOK_BACK));
		for number in unseen..=head {
			let block = if number == head {
				view.clone()
			} else {
				view.chain().block(number).await?
			};
			for event in block.task_events(self.task).await? {
				let verifier = event.variant("role") == Some("Verifier");
				if let (true, Some(account)) = (verifier, event.account("owner")) {
					self.note_balance(view, &account, role_name(Role::Verifier))
						.await?;
				}
			}
			self.events = Some(number);
		}
		Ok(())
	}

	async fn note_balance(
		&mut self,
		view: &View,
		account: &AccountId,
		role: &'static str,
	) -> Result<(), Failure> {
		let (roles, _) = match self.balances.entry(account.0) {
			Entry::Occupied(known) => known.into_mut(),
			Entry::Vacant(new) => new.insert((BTreeSet::new(), view.free_balance(account).await?)),
		};
		roles.insert(role);
		Ok(())
	}

	fn into_followed(self, summary: TaskSummary<AccountId>) -> Followed {
		let now = Instant::now();
		let training = self.training_since.unwrap_or(now);
		let evaluating = self.evaluating_since.unwrap_or(now).max(training);
		Followed {
			task: self.task,
			summary,
			losses: self.losses,
			balances: self.balances,
			seconds: Seconds {
				matching: training.duration_since(self.begun).as_secs_f64(),
				training: evaluating.duration_since(training).as_secs_f64(),
				evaluating: now.duration_since(evaluating).as_secs_f64(),
			},
		}
	}
}

fn role_name(role: Role) -> &'static str {
	crate::cli::ticket::name(role)
}

fn mean_loss(round: &RoundStatus<AccountId>) -> f32 {
	let losses: Vec<f32> = round
		.commitments
		.iter()
		.map(|commitment| f32::from_bits(commitment.mean_loss))
		.collect();
	crate::training::run::mean(&losses)
}

/// Where progress is shown: bars on a terminal, lines where what is to be said has changed, or JSON lines.
enum Show {
	Bars {
		rounds: ProgressBar,
		steps: ProgressBar,
		audits: ProgressBar,
		_all: MultiProgress,
	},
	Lines {
		last: String,
	},
	Json {
		last: String,
	},
}

impl Show {
	fn new(json: bool) -> Self {
		if json {
			return Show::Json {
				last: String::new(),
			};
		}
		if !std::io::stderr().is_terminal() {
			return Show::Lines {
				last: String::new(),
			};
		}
		let all = MultiProgress::new();
		let bar = |template: &str| {
			let style = ProgressStyle::with_template(template)
				.expect("the templates below are well formed; qed")
				.progress_chars("━╸ ");
			all.add(ProgressBar::new(0).with_style(style))
		};
		let rounds = bar("rounds {bar:40.green} {pos}/{len} {elapsed_precise} {msg}");
		let steps = bar("steps  {bar:40.cyan} {pos}/{len} {msg}");
		let audits = bar("audits {bar:40.yellow} {pos}/{len} {msg}");
		Show::Bars {
			rounds,
			steps,
			audits,
			_all: all,
		}
	}

	fn update(
		&mut self,
		view: &View,
		status: &TaskStatus<AccountId>,
		round: Option<&RoundStatus<AccountId>>,
		loss: Option<f32>,
		client_free: Balance,
	) {
		let training = &status.spec.training;
		let total_rounds = training.rounds;
		let sealed = match status.phase {
			Phase::Training(round) => round,
			Phase::Evaluating => total_rounds,
			_ => 0,
		};
		let committed = round.map_or(0, |round| round.commitments.len());
		let (segments, loss) = (status.segments, loss.filter(|loss| loss.is_finite()));
		let loss_text = loss.map_or(String::new(), |loss| format!(", loss {loss:.4}"));
		match self {
			Show::Bars {
				rounds,
				steps,
				audits,
				..
			} => {
				rounds.set_length(total_rounds.into());
				rounds.set_position(sealed.into());
				rounds.set_message(format!("{}{loss_text}", phase(&status.phase)));
				let each = u64::from(training.steps_per_round);
				steps.set_length(each * u64::from(training.trainers));
				steps.set_position(each * committed as u64);
				steps.set_message(format!("client has {} POUW to spend", Amount(client_free)));
				audits.set_length(segments.audited.into());
				audits.set_position((segments.accepted + segments.rejected).into());
				audits.set_message(format!("{} rejected", segments.rejected));
			}
			Show::Lines { last } => {
				let line = format!(
					"{}: {sealed} of {total_rounds} rounds sealed, {committed} commitments{loss_text}; \
					 segments: {} committed, {} audited, {} accepted, {} rejected",
					phase(&status.phase),
					segments.committed,
					segments.audited,
					segments.accepted,
					segments.rejected
				);
				if *last != line {
					eprintln!(
						"block {}, task {}, {line}; client has {} POUW to spend",
						view.head().number,
						status.task,
						Amount(client_free)
					);
					*last = line;
				}
			}
			Show::Json { last } => {
				let line = json!({
					"event": "progress",
					"task": status.task,
					"phase": status.phase,
					"rounds": { "sealed": sealed, "of": total_rounds },
					"committed": committed,
					"loss": loss,
					"segments": segments,
					"client": { "account": address(&status.client.0), "free": client_free.to_string() },
				})
				.to_string();
				if *last != line {
					println!("{line}");
					*last = line;
				}
			}
		}
	}

	fn finish(&self) {
		if let Show::Bars {
			rounds,
			steps,
			audits,
			..
		} = self
		{
			rounds.finish();
			steps.finish_and_clear();
			audits.finish();
		}
	}
}
