//! Progress on standard error: bars on a terminal, plain lines elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::{
	fmt::{Display, Write},
	io::IsTerminal,
};

/// Shows rounds and steps. Where standard error is no terminal, a line for each finished round.
pub struct TrainingProgress {
	bars: Option<Bars>,
	rounds: u32,
}

struct Bars {
	// Keeps the bars below each other.
	_all: MultiProgress,
	rounds: ProgressBar,
	steps: ProgressBar,
}

impl TrainingProgress {
	/// Progress over so many rounds, each of so many steps (of all trainers that are shown together).
	pub fn new(rounds: u32, steps: u64) -> Self {
		let bars = std::io::stderr().is_terminal().then(|| {
			let all = MultiProgress::new();
			let bar = |length, template: &str| {
				let style = ProgressStyle::with_template(template)
					.expect("the templates below are well formed; qed")
					.with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
						// What can't be written is not shown.
						let _ = write!(out, "{:.0}/s", state.per_sec());
					})
					.progress_chars("━╸ ");
				all.add(ProgressBar::new(length).with_style(style))
			};
			let rounds = bar(
				u64::from(rounds),
				"rounds {bar:40.green} {pos}/{len} {elapsed_precise} {msg}",
			);
			rounds.tick();
			let steps = bar(steps, "steps  {bar:40.cyan} {pos}/{len} {rate} {msg}");
			Bars {
				_all: all,
				rounds,
				steps,
			}
		});
		TrainingProgress { bars, rounds }
	}

	/// Someone made a step.
	pub fn step(&self, who: impl Display, loss: f32) {
		if let Some(bars) = &self.bars {
			bars.steps.set_message(format!("{who} loss {loss:.4}"));
			bars.steps.inc(1);
		}
	}

	/// A round is done; `message` says what it gave.
	pub fn round(&self, round: u32, message: &str) {
		match &self.bars {
			Some(bars) => {
				bars.rounds.set_message(message.to_owned());
				bars.rounds.inc(1);
				bars.steps.reset();
			}
			None => eprintln!(
				"round {} of {}: {message}",
				round.saturating_add(1),
				self.rounds
			),
		}
	}

	/// Everything is done.
	pub fn finish(&self) {
		if let Some(bars) = &self.bars {
			bars.steps.finish_and_clear();
			bars.rounds.finish();
		}
	}
}
