//! Measures the stages of a training step by the engine, for those who look for where the time goes: for each network and
//! number of threads what each stage does, and the least microseconds that it took.
//!
//! From the repository's root: `cargo run --release -p ml-worker-capture --example bench_stages -- [NETWORK [STEPS]]`.

#[path = "networks/mod.rs"]
mod networks;

use burn::module::AutodiffModule;
use ml_worker_capture::capture;
use ml_worker_engine::{Engine, EngineOptions};
use networks::{visit_all, Data, Network, Stock, Trained, Visitor};
use repops::{
	check::{check, Limits, Role},
	initial::initial_state,
	interpret::Bindings,
	random::Seed,
};
use std::{error::Error, num::NonZeroUsize};

const SEED: Seed = Seed([1; 32]);

/// Which network is measured, and how many steps.
struct Options {
	network: Option<String>,
	steps: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
	let mut arguments = std::env::args().skip(1);
	let network = arguments.next();
	let steps = arguments.next().map_or(Ok(50), |steps| steps.parse())?;
	visit_all(&mut Options { network, steps })
}

impl Visitor for Options {
	fn visit<M: Trained>(&mut self, network: &Network<M>) -> Result<(), Box<dyn Error>>
	where
		M::Module<Stock>: AutodiffModule<Stock>,
	{
		if self.network.as_ref().is_some_and(|name| name != network.name) {
			return Ok(());
		}
		let data = Data::new(network.kind, &network.sizes)?;
		let program = capture(&network.model, &network.optimiser, &network.sizes)?.step;
		let state = initial_state(&program, &SEED);
		let checked = check(&program, Role::Step, &Limits::default())?;
		for threads in [1, 2] {
			let engine = Engine::new(EngineOptions {
				threads: NonZeroUsize::new(threads),
				..EngineOptions::default()
			})?;
			let mut session = engine.compile(checked.clone()).session(&Bindings {
				state: &state,
				features: Some(&data.features),
				labels: Some(&data.labels),
				seed: SEED,
				..Bindings::default()
			})?;
			println!("{}, {threads} threads, {}", network.name, engine.instruction_set());
			let times = session.stage_times(0..self.steps);
			for (stage, time) in &times {
				println!("{:10.1}  {stage}", time.as_secs_f64() * 1e6);
			}
			let sum: f64 = times.iter().map(|(_, time)| time.as_secs_f64()).sum();
			println!("{:10.1}  in all", sum * 1e6);
		}
		Ok(())
	}
}
