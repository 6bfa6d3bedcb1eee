//! Measures what the engine makes of the machine, and prints Markdown tables: matrix products beside the core's peak and
//! the `gemm` crate, what committing to states costs beside the steps between two checkpoints, and memory beside
//! what a program needs.
//!
//! `cargo run --release -p ml-worker-capture --example bench_engine -- [ROUNDS]`

mod hashing;
mod memory;
mod peak;
mod products;

#[path = "../networks/mod.rs"]
mod networks;

use networks::visit_all;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
	let arguments: Vec<String> = std::env::args().skip(1).collect();
	let rounds = match &arguments[..] {
		[flag, network, threads] if flag == memory::FLAG => {
			return memory::measure(network, threads.parse()?)
		}
		[] => 31,
		[rounds] => rounds.parse::<usize>()?.max(1),
		_ => return Err("usage: bench_engine [ROUNDS]".into()),
	};
	products::print_table(rounds)?;
	hashing::print_head();
	visit_all(&mut hashing::Hashing { rounds })?;
	memory::print_head();
	visit_all(&mut memory::Memory)
}

/// None of no numbers.
fn median(mut numbers: Vec<f64>) -> Option<f64> {
	numbers.sort_by(f64::total_cmp);
	numbers.get(numbers.len() / 2).copied()
}
