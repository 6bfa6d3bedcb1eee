//! `ml-worker train`: train a task on this machine alone.

use super::{engine::EngineArguments, source::Source, Failure, Global};
use crate::{
	model_file,
	report::{
		loss_curve::{self, Series},
		progress::TrainingProgress,
	},
	task_file::Prepared,
	training::{
		offline::{self, Observer, Outcome, RoundOutcome},
		run::Step,
	},
};
use clap::Args;
use ml_worker_engine::Engine;
use repops::{commit::Hash, random::Seed};
use serde_json::{json, Value};
use std::{collections::HashMap, path::PathBuf, time::Instant};

/// `ml-worker train`
#[derive(Args)]
pub(super) struct Arguments {
	#[command(flatten)]
	source: Source,
	/// The seed that a chain would draw: 64 hexadecimal digits. First weights (if none are given), the order of the
	/// rows and the hidden segments follow from it.
	#[arg(long, value_name = "HEX", value_parser = parse_seed, default_value_t = HexSeed([0; 32]))]
	seed: HexSeed,
	/// The folder for model.safetensors, loss.svg and report.json.
	#[arg(long, value_name = "DIR", default_value = "trained")]
	out: PathBuf,
	#[command(flatten)]
	engine: EngineArguments,
}

/// A seed that is written in hexadecimal digits.
#[derive(Clone, Copy, Debug)]
struct HexSeed([u8; 32]);

impl std::fmt::Display for HexSeed {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.write_str(&hex::encode(self.0))
	}
}

fn parse_seed(text: &str) -> Result<HexSeed, String> {
	let mut seed = [0; 32];
	hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut seed)
		.map_err(|error| format!("a seed is 64 hexadecimal digits: {error}"))?;
	Ok(HexSeed(seed))
}

pub(super) fn run(arguments: Arguments, global: &Global) -> Result<(), Failure> {
	let prepared = arguments.source.read()?;
	let engine = arguments.engine.start()?;
	announce(&prepared, &engine);

	let started = Instant::now();
	let mut shown = Shown::new(&prepared);
	let outcome = offline::train(&prepared, &engine, Seed(arguments.seed.0), &mut shown)?;
	shown.progress.finish();
	let seconds = started.elapsed().as_secs_f64();

	std::fs::create_dir_all(&arguments.out)
		.map_err(|error| format!("folder {}: {error}", arguments.out.display()))?;
	let report = report(&prepared, &engine, &arguments, &outcome, seconds);
	write_files(&prepared, &arguments, &outcome, &report)?;
	if global.json {
		println!("{report:#}");
	} else {
		print(&prepared, &arguments, &outcome, seconds);
	}
	Ok(())
}

/// What is said before the first step.
fn announce(prepared: &Prepared, engine: &Engine) {
	let training = &prepared.training;
	eprintln!(
		"{}: {} rows to train on, {} hidden; {} trainers × {} rounds × {} steps of {}; {} threads, {}",
		prepared.file.contents.task.name,
		prepared.training_rows(),
		prepared.test_rows(),
		training.trainers,
		training.rounds,
		training.steps_per_round,
		training.batch,
		engine.threads(),
		engine.instruction_set(),
	);
	if prepared.dropped_rows > 0 {
		eprintln!(
			"{} rows are left over by equal segments and not used",
			prepared.dropped_rows
		);
	}
}

/// Shows progress.
struct Shown {
	progress: TrainingProgress,
	questions: u32,
}

impl Shown {
	fn new(prepared: &Prepared) -> Self {
		let training = &prepared.training;
		let steps = u64::from(training.steps_per_round) * u64::from(training.trainers);
		let progress = TrainingProgress::new(training.rounds, steps);
		Shown {
			progress,
			questions: prepared.test_rows(),
		}
	}
}

impl Observer for Shown {
	fn step(&mut self, step: Step) {
		self.progress
			.step(format_args!("trainer {}", step.place.slot), step.loss);
	}

	fn merged(&mut self, round: &RoundOutcome) {
		let losses: Vec<f32> = round
			.trainers
			.iter()
			.map(|trainer| trainer.mean_loss)
			.collect();
		let loss = crate::training::run::mean(&losses);
		let percent = percent(round.correct, self.questions);
		self.progress.round(
			round.round,
			&format!("loss {loss:.4}, hidden part {percent:.2} % right"),
		);
	}
}

fn percent(right: u32, of: u32) -> f64 {
	f64::from(right) / f64::from(of) * 100.0
}

fn hex_root(root: &Hash) -> String {
	format!("0x{}", hex::encode(root))
}

fn report(
	prepared: &Prepared,
	engine: &Engine,
	arguments: &Arguments,
	outcome: &Outcome,
	seconds: f64,
) -> Value {
	let training = &prepared.training;
	let task = &prepared.file.contents.task;
	let rounds: Vec<Value> = outcome
		.rounds
		.iter()
		.map(|round| {
			let trainers: Vec<Value> = round
				.trainers
				.iter()
				.map(|trainer| {
					json!({
						"trace_root": hex_root(&trainer.trace_root),
						"end_root": hex_root(&trainer.end_root),
						"mean_loss": trainer.mean_loss,
					})
				})
				.collect();
			json!({
				"trainers": trainers,
				"merged_root": hex_root(&round.merged_root),
				"right": round.correct,
			})
		})
		.collect();
	json!({
		"task": task.name,
		"seed": arguments.seed.to_string(),
		"trainers": training.trainers,
		"rounds": training.rounds,
		"steps_per_round": training.steps_per_round,
		"batch": training.batch,
		"training_rows": prepared.training_rows(),
		"hidden_segments": outcome.hidden,
		"initial_weights": if prepared.initial.is_some() { "given" } else { "seed" },
		"initial_root": hex_root(&outcome.initial_root),
		"round_results": rounds,
		"state_root": hex_root(&outcome.state_root),
		"accuracy": { "right": outcome.correct, "of": outcome.questions },
		"required_accuracy": task.required_accuracy.as_f64(),
		"reached": task.required_accuracy.is_met(outcome.correct, outcome.questions),
		"diverged": outcome.diverged,
		"threads": engine.threads(),
		"instruction_set": engine.instruction_set().to_string(),
		"seconds": seconds,
	})
}

fn write_files(
	prepared: &Prepared,
	arguments: &Arguments,
	outcome: &Outcome,
	report: &Value,
) -> Result<(), Failure> {
	let name = &prepared.file.contents.task.name;
	let notes = HashMap::from([
		("task".to_owned(), name.clone()),
		("state_root".to_owned(), hex_root(&outcome.state_root)),
	]);
	let declaration = &prepared.programs.step.state;
	let model = arguments.out.join("model.safetensors");
	model_file::write(&model, declaration, &outcome.state, notes)?;
	loss_curve::write(
		&arguments.out.join("loss.svg"),
		name,
		&loss_series(prepared, outcome),
	)?;
	let path = arguments.out.join("report.json");
	std::fs::write(&path, format!("{report:#}\n"))
		.map_err(|error| format!("{}: {error}", path.display()))?;
	Ok(())
}

/// A curve for each trainer, over the steps that it has made in all rounds.
fn loss_series(prepared: &Prepared, outcome: &Outcome) -> Vec<Series> {
	let trainers = usize::from(prepared.training.trainers);
	let steps = prepared.training.steps_per_round as usize;
	(0..trainers)
		.map(|slot| {
			let own = outcome
				.losses
				.chunks(steps)
				.skip(slot)
				.step_by(trainers)
				.flatten();
			let points = own
				.enumerate()
				.map(|(step, loss)| (step as f64 + 1.0, f64::from(*loss)));
			Series {
				name: format!("trainer {slot}"),
				points: points.collect(),
			}
		})
		.collect()
}

fn print(prepared: &Prepared, arguments: &Arguments, outcome: &Outcome, seconds: f64) {
	let from = if prepared.initial.is_some() {
		" (from given weights)"
	} else {
		""
	};
	println!("initial      {}{from}", hex_root(&outcome.initial_root));
	for round in &outcome.rounds {
		for (slot, trainer) in round.trainers.iter().enumerate() {
			let number = round.round;
			println!(
				"round {number:3} trainer {slot} trace  {}",
				hex_root(&trainer.trace_root)
			);
			println!(
				"round {number:3} trainer {slot} end    {}",
				hex_root(&trainer.end_root)
			);
		}
		println!(
			"round {:3} merged           {}",
			round.round,
			hex_root(&round.merged_root)
		);
	}
	println!("final state  {}", hex_root(&outcome.state_root));
	let required = prepared.file.contents.task.required_accuracy;
	println!(
		"accuracy     {} of {} hidden rows, {:.2} % (required: {:.2} %, {})",
		outcome.correct,
		outcome.questions,
		percent(outcome.correct, outcome.questions),
		required.as_f64() * 100.0,
		if required.is_met(outcome.correct, outcome.questions) {
			"reached"
		} else {
			"missed"
		},
	);
	if outcome.diverged {
		println!("diverged     a loss or a state is not finite; try a smaller learning rate");
	}
	println!("seconds      {seconds:.2}");
	println!(
		"files        model.safetensors, loss.svg, report.json in {}",
		arguments.out.display()
	);
}
