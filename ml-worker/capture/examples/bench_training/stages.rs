//! Measures the stages of a training step by the engine, for those who look for where the time goes: for each network and
//! number of threads what each stage does, and the least microseconds that it took.

use crate::networks::{visit_all, Data, Network, Prepared, Stock, Trained, Visitor};
use burn::module::AutodiffModule;
use std::error::Error;

/// Which network is measured, and how many steps.
struct Options {
	network: Option<String>,
	steps: u64,
}

/// Prints each stage's time.
pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
	let (network, steps) = match arguments {
		[] => (None, 50),
		[network] => (Some(network.clone()), 50),
		[network, steps] => (Some(network.clone()), steps.parse()?),
		_ => return Err("usage: stages [NETWORK [STEPS]]".into()),
	};
	visit_all(&mut Options { network, steps })
}

impl Visitor for Options {
	fn visit<M: Trained>(&mut self, network: &Network<M>) -> Result<(), Box<dyn Error>>
	where
		M::Module<Stock>: AutodiffModule<Stock>,
	{
		if self
			.network
			.as_ref()
			.is_some_and(|name| name != network.name)
		{
			return Ok(());
		}
		let data = Data::new(network.kind, &network.sizes)?;
		for threads in [1, 2] {
			let prepared = Prepared::new(network, threads)?;
			let mut session = prepared.session(&data)?;
			println!("{}, {threads} threads", network.name);
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
