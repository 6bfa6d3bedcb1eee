//! What it costs to commit to a state at every checkpoint.

use crate::networks::{Data, Network, Prepared, Stock, Trained, Visitor};
use burn::module::AutodiffModule;
use std::{error::Error, hint::black_box, ops::ControlFlow, time::Instant};

/// The steps from one checkpoint to the next, as examples/mnist.toml has them.
const SEGMENT: u64 = 30;

pub(crate) struct Hashing {
	pub(crate) rounds: usize,
}

pub(crate) fn print_head() {
	println!("A checkpoint after every {SEGMENT} steps, medians:\n");
	println!("| network | optimiser | state, KiB | threads | steps, µs | state root, µs | root / steps | steps for 2 % |");
	println!("|---|---|---|---|---|---|---|---|");
}

impl Visitor for Hashing {
	fn visit<M: Trained>(&mut self, network: &Network<M>) -> Result<(), Box<dyn Error>>
	where
		M::Module<Stock>: AutodiffModule<Stock>,
	{
		let data = Data::new(network.kind, &network.sizes)?;
		for threads in [1, 2] {
			let prepared = Prepared::new(network, threads)?;
			let mut session = prepared.session(&data)?;
			let (mut steps, mut roots) = (Vec::new(), Vec::new());
			let mut position = 0;
			for _ in 0..self.rounds {
				let start = Instant::now();
				position = session.steps(position..position + SEGMENT, |_, _| {
					ControlFlow::Continue(())
				});
				steps.push(start.elapsed().as_secs_f64() * 1e6);
				let start = Instant::now();
				black_box(session.state_root());
				roots.push(start.elapsed().as_secs_f64() * 1e6);
			}
			let (steps, root) = (median(steps), median(roots));
			println!(
				"| {} | {} | {} | {threads} | {steps:.0} | {root:.0} | {:.1} % | {:.0} |",
				network.layers,
				network.optimiser_name(),
				prepared.compiled.checked().state_bytes() / 1024,
				100.0 * root / steps,
				(root / (0.02 * steps / SEGMENT as f64)).ceil()
			);
		}
		Ok(())
	}
}

/// Of one number at least.
fn median(mut numbers: Vec<f64>) -> f64 {
	numbers.sort_by(f64::total_cmp);
	numbers[numbers.len() / 2]
}
