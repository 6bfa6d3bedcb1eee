//! Measures what training costs besides its steps, and prints Markdown tables: committing to states beside the steps
//! between two checkpoints, and memory beside what a program needs.

mod hashing;
mod memory;

use crate::networks::visit_all;
use std::error::Error;

/// Prints the tables.
pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
	let rounds = match arguments {
		[flag, network, threads] if flag == memory::FLAG => {
			return memory::measure(network, threads.parse()?)
		}
		[] => 15,
		[rounds] => rounds.parse::<usize>()?.max(1),
		_ => return Err("usage: overhead [ROUNDS]".into()),
	};
	hashing::print_head();
	visit_all(&mut hashing::Hashing { rounds })?;
	memory::print_head();
	visit_all(&mut memory::Memory)
}
