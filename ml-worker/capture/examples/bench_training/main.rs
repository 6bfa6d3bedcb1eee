//! Measures the training of five networks; `scripts/bench.sh` builds and starts it.
//!
//! From the repository's root: `cargo run --release -p ml-worker-capture --example bench_training -- COMMAND`, where
//! COMMAND is one of
//! - `step [--pytorch PYTHON] [ROUNDS]`: steps by the engine, by stock Burn and, with an interpreter that has it, by
//!   PyTorch;
//! - `overhead [ROUNDS]`: what training costs besides its steps;
//! - `stages [NETWORK [STEPS]]`: where the time of the engine's steps goes.

mod networks;
mod overhead;
mod stages;
mod step;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
	let arguments: Vec<String> = std::env::args().skip(1).collect();
	match arguments.split_first() {
		Some((command, arguments)) if command == "step" => step::run(arguments),
		Some((command, arguments)) if command == "overhead" => overhead::run(arguments),
		Some((command, arguments)) if command == "stages" => stages::run(arguments),
		_ => Err("usage: bench_training step | overhead | stages".into()),
	}
}
