//! Steps by PyTorch, in a process of its own that computes only when told to.

use super::Contender;
use crate::networks::Network;
use std::{
	error::Error,
	io::{BufRead, BufReader, Write},
	process::{Child, ChildStdin, ChildStdout, Command, Stdio},
	time::Duration,
};

/// From the repository's root.
const SCRIPT: &str = "scripts/bench_step.py";

pub(crate) struct ByPytorch {
	process: Child,
	/// None only when the process is being ended.
	input: Option<ChildStdin>,
	output: BufReader<ChildStdout>,
}

impl ByPytorch {
	/// Starts PyTorch on a network, which must have so many parameters.
	pub(crate) fn new<M>(
		python: &str,
		network: &Network<M>,
		threads: usize,
		parameters: usize,
	) -> Result<Self, Box<dyn Error>> {
		let mut process = Command::new(python)
			// PyTorch would rather have NumPy, which nothing here needs.
			.args(["-W", "ignore:Failed to initialize NumPy", SCRIPT])
			.args([
				network.name,
				&network.sizes.batch.to_string(),
				&threads.to_string(),
			])
			.stdin(Stdio::piped())
			.stdout(Stdio::piped())
			.spawn()
			.map_err(|error| format!("{python} {SCRIPT}: {error}"))?;
		let input = process.stdin.take();
		let output = process.stdout.take().ok_or("PyTorch has no output")?;
		let mut pytorch = ByPytorch {
			process,
			input,
			output: BufReader::new(output),
		};
		let ready = pytorch.read_line()?;
		match ready.split_whitespace().collect::<Vec<_>>()[..] {
			["ready", found, _] if found == parameters.to_string() => Ok(pytorch),
			_ => Err(format!(
				"{}: PyTorch says {ready:?}; Burn's network has {parameters} parameters",
				network.name
			)
			.into()),
		}
	}

	fn read_line(&mut self) -> Result<String, Box<dyn Error>> {
		let mut line = String::new();
		match self.output.read_line(&mut line)? {
			0 => Err(format!("{SCRIPT} ended; its message stands above").into()),
			_ => Ok(line.trim_end().to_owned()),
		}
	}
}

impl Contender for ByPytorch {
	fn train(&mut self, steps: u64) -> Result<Duration, Box<dyn Error>> {
		let input = self.input.as_mut().ok_or("PyTorch has no input")?;
		writeln!(input, "{steps}")?;
		input.flush()?;
		let microseconds: f64 = self.read_line()?.parse()?;
		Ok(Duration::try_from_secs_f64(microseconds / 1e6)?)
	}
}

impl Drop for ByPytorch {
	/// The process ends with its input.
	fn drop(&mut self) {
		drop(self.input.take());
		let _ = self.process.wait();
	}
}
