//! Measures training steps of five networks by the engine, beside stock Burn's flex backend and PyTorch, and prints
//! a Markdown table.
//!
//! All train the same network with the same optimiser, in turns within one run, so that what else the machine does
//! hits all of them. Burn and PyTorch are given their batches ready-made; the engine gathers them itself, which is
//! part of its step.

mod by_burn;
mod by_engine;
mod by_pytorch;
mod table;

use crate::networks::{visit_all, Data, Network, Prepared, Stock, Trained, Visitor};
use burn::module::AutodiffModule;
use by_burn::ByBurn;
use by_engine::ByEngine;
use by_pytorch::ByPytorch;
use std::{error::Error, thread::sleep, time::Duration};
use table::Row;

/// For how long a contender's threads may still wait awake for more after its turn, and a bit.
const PAUSE: Duration = Duration::from_millis(10);

/// One that trains.
trait Contender {
	/// Does so many steps and tells how long they took.
	fn train(&mut self, steps: u64) -> Result<Duration, Box<dyn Error>>;
}

struct Options {
	/// The Python interpreter that has PyTorch.
	python: Option<String>,
	rounds: usize,
}

/// Prints the table.
pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
	let (python, arguments) = match arguments {
		[flag, python, arguments @ ..] if flag == "--pytorch" => (Some(python.clone()), arguments),
		_ => (None, arguments),
	};
	let rounds = match arguments {
		[] => 15,
		[rounds] => rounds.parse::<usize>()?.max(1),
		_ => return Err("usage: step [--pytorch PYTHON] [ROUNDS]".into()),
	};
	table::print_head();
	visit_all(&mut Options { python, rounds })
}

impl Visitor for Options {
	fn visit<M: Trained>(&mut self, network: &Network<M>) -> Result<(), Box<dyn Error>>
	where
		M::Module<Stock>: AutodiffModule<Stock>,
	{
		let data = Data::new(network.kind, &network.sizes)?;
		for threads in [1, 2] {
			let burn = ByBurn::new(network, &data, threads)?;
			let pytorch = match &self.python {
				Some(python) => Some(ByPytorch::new(python, network, threads, burn.parameters())?),
				None => None,
			};
			let prepared = Prepared::new(network, threads)?;
			let engine = ByEngine {
				session: prepared.session(&data)?,
				position: 0,
			};
			let mut contenders: [Option<Box<dyn Contender + '_>>; 3] = [
				Some(Box::new(engine)),
				Some(Box::new(burn)),
				pytorch.map(|pytorch| Box::new(pytorch) as _),
			];
			let times = take_turns(&mut contenders, self.rounds, network.steps)?;
			Row {
				network,
				threads,
				times,
			}
			.print();
		}
		Ok(())
	}
}

/// Microseconds of a step in each round, for each contender; none for one that is not there.
fn take_turns(
	contenders: &mut [Option<Box<dyn Contender + '_>>; 3],
	rounds: usize,
	steps: u64,
) -> Result<[Vec<f64>; 3], Box<dyn Error>> {
	let mut times = [const { Vec::new() }; 3];
	for round in 0..=rounds {
		for (contender, times) in contenders.iter_mut().zip(&mut times) {
			let Some(contender) = contender else { continue };
			sleep(PAUSE);
			// What the others have driven out of the caches comes back.
			contender.train(1)?;
			let time = contender.train(steps)?;
			// The first round is to get warm.
			if round > 0 {
				times.push(time.as_secs_f64() * 1e6 / steps as f64);
			}
		}
	}
	Ok(times)
}
