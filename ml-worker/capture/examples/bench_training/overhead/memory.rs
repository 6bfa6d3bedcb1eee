//! The memory that training takes, beside what it must take: parameters, the optimiser's state and what lives between
//! operations.

use crate::networks::{visit_all, Data, Network, Prepared, Stock, Trained, Visitor};
use burn::module::AutodiffModule;
use ml_worker_engine::EngineError;
use std::{error::Error, ops::ControlFlow, process::Command};

/// Said by this program to itself: each measurement needs a process of its own, as freed memory is kept by the process
/// and taken again.
pub(crate) const FLAG: &str = "--memory-of";

const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(crate) struct Memory;

pub(crate) fn print_head() {
	println!("\nMemory, MiB:\n");
	println!(
		"| network | optimiser | threads | state | alive together, state included | planned | measured | planned / alive | measured / planned |"
	);
	println!("|---|---|---|---|---|---|---|---|---|");
}

impl Visitor for Memory {
	fn visit<M: Trained>(&mut self, network: &Network<M>) -> Result<(), Box<dyn Error>>
	where
		M::Module<Stock>: AutodiffModule<Stock>,
	{
		for threads in [1, 2] {
			let prepared = Prepared::new(network, threads)?;
			let checked = prepared.compiled.checked();
			let sizes = &network.sizes;
			// The data set is only borrowed.
			let data = u64::from(sizes.training_rows) * u64::from(sizes.columns + 1) * 4;
			let alive = (checked.live_bytes() - data) as f64;
			let planned = prepared.compiled.memory_bytes() as f64;
			let measured = measure_apart(network.name, threads)?;
			println!(
				"| {} | {} | {threads} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
				network.layers,
				network.optimiser_name(),
				checked.state_bytes() as f64 / MEBIBYTE,
				alive / MEBIBYTE,
				planned / MEBIBYTE,
				measured / MEBIBYTE,
				planned / alive,
				measured / planned
			);
		}
		Ok(())
	}
}

/// The bytes by which a process grows when it starts to train.
fn measure_apart(network: &str, threads: usize) -> Result<f64, Box<dyn Error>> {
	let output = Command::new(std::env::current_exe()?)
		.args(["overhead", FLAG, network, &threads.to_string()])
		// Every buffer of some size gets pages of its own, so that none lies in what was freed before.
		.env("MALLOC_MMAP_THRESHOLD_", "16384")
		.output()?;
	if !output.status.success() {
		return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
	}
	Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Trains one network for a few steps and prints the bytes by which the process has grown meanwhile.
pub(crate) fn measure(network: &str, threads: usize) -> Result<(), Box<dyn Error>> {
	visit_all(&mut Growth { network, threads })
}

struct Growth<'a> {
	network: &'a str,
	threads: usize,
}

impl Visitor for Growth<'_> {
	fn visit<M: Trained>(&mut self, network: &Network<M>) -> Result<(), Box<dyn Error>>
	where
		M::Module<Stock>: AutodiffModule<Stock>,
	{
		if network.name != self.network {
			return Ok(());
		}
		let data = Data::new(network.kind, &network.sizes)?;
		let prepared = Prepared::new(network, self.threads)?;
		// The code is fetched from its file, and the threads have their stacks.
		train(&prepared, &data)?;
		let before = status("VmRSS")?;
		// From here on the greatest size counts.
		std::fs::write("/proc/self/clear_refs", "5")?;
		train(&prepared, &data)?;
		println!("{}", status("VmHWM")?.saturating_sub(before));
		Ok(())
	}
}

/// A few steps, from taking the memory to giving it back.
fn train(prepared: &Prepared, data: &Data) -> Result<(), EngineError> {
	let mut session = prepared.session(data)?;
	session.steps(0..3, |_, _| ControlFlow::Continue(()));
	Ok(())
}

/// Bytes that the kernel tells of this process.
fn status(name: &str) -> Result<u64, Box<dyn Error>> {
	let text = std::fs::read_to_string("/proc/self/status")?;
	let line = text.lines().find(|line| line.starts_with(name));
	let words = line.and_then(|line| line.split_whitespace().nth(1));
	let kibibytes: u64 = words.ok_or("/proc/self/status lacks a line")?.parse()?;
	Ok(kibibytes * 1024)
}
