//! Measures what training costs besides its steps, and prints Markdown tables: committing to states beside the steps
//! between two checkpoints, and memory beside what a program needs.
//!
//! `cargo run --release -p ml-worker-capture --example bench_overhead -- [ROUNDS]`

mod hashing;
mod memory;

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
		[] => 15,
		[rounds] => rounds.parse::<usize>()?.max(1),
		_ => return Err("usage: bench_overhead [ROUNDS]".into()),
	};
	hashing::print_head();
	visit_all(&mut hashing::Hashing { rounds })?;
	memory::print_head();
	visit_all(&mut memory::Memory)
}
