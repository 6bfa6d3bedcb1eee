//! The table that is printed.

use crate::networks::Network;

/// A network on a number of threads.
pub(crate) struct Row<'a, M> {
	pub(crate) network: &'a Network<M>,
	pub(crate) threads: usize,
	/// Microseconds of a step in each round: the engine's, Burn's, PyTorch's.
	pub(crate) times: [Vec<f64>; 3],
}

pub(crate) fn print_head() {
	println!(
		"µs of a step: median (least). Ratios to the engine's: of the medians (of the least).\n"
	);
	println!("| network | batch | optimiser | threads | engine | Burn flex | PyTorch | Burn / engine | PyTorch / engine |");
	println!("|---|---|---|---|---|---|---|---|---|");
}

impl<M> Row<'_, M> {
	pub(crate) fn print(&self) {
		let Network { layers, sizes, .. } = self.network;
		let [engine, burn, pytorch] = self.times.each_ref().map(|rounds| Times::new(rounds));
		println!(
			"| {layers} | {} | {} | {} | {} | {} | {} | {} | {} |",
			sizes.batch,
			self.network.optimiser_name(),
			self.threads,
			microseconds(engine),
			microseconds(burn),
			microseconds(pytorch),
			ratio(burn, engine),
			ratio(pytorch, engine),
		);
	}
}

/// What is told of a contender's rounds.
#[derive(Clone, Copy)]
struct Times {
	median: f64,
	least: f64,
}

impl Times {
	/// None of a contender that was not there.
	fn new(rounds: &[f64]) -> Option<Self> {
		let mut sorted = rounds.to_vec();
		sorted.sort_by(f64::total_cmp);
		Some(Times {
			median: *sorted.get(sorted.len() / 2)?,
			least: *sorted.first()?,
		})
	}
}

fn microseconds(times: Option<Times>) -> String {
	times.map_or("–".into(), |times| {
		format!("{:.0} ({:.0})", times.median, times.least)
	})
}

fn ratio(other: Option<Times>, engine: Option<Times>) -> String {
	match (other, engine) {
		(Some(other), Some(engine)) => format!(
			"{:.2} ({:.2})",
			other.median / engine.median,
			other.least / engine.least
		),
		_ => "–".into(),
	}
}
