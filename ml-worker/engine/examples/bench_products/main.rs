//! Measures matrix products beside the core's peak and the `gemm` crate, in turns within one run, and prints a Markdown
//! table.
//!
//! `cargo run --release -p ml-worker-engine --features gemm-avx512 --example bench_products -- [ROUNDS]`. Without the
//! feature the crate knows no AVX-512, and is left out where the engine uses it.

mod by_crate;
mod peak;
mod products;

use ml_worker_engine::InstructionSet;
use std::error::Error;

const SIZES: [u32; 3] = [256, 512, 1024];

fn main() -> Result<(), Box<dyn Error>> {
	let rounds = match std::env::args().nth(1) {
		Some(rounds) => rounds.parse::<usize>()?.max(1),
		None => 31,
	};
	println!("GFLOP/s of square matrix products, medians.\n");
	println!("| instruction set | threads | size | engine | `gemm` crate | peak | engine / gemm | engine / peak |");
	println!("|---|---|---|---|---|---|---|---|");
	for set in [InstructionSet::Avx2, InstructionSet::Avx512] {
		for threads in [1, 2] {
			for size in SIZES {
				if set.is_available() {
					let speeds = products::measure(set, size, threads, rounds)?;
					let [engine, gemm, peak] = speeds.map(median);
					println!(
						"| {set} | {threads} | {size} | {} | {} | {} | {} | {} |",
						number(engine, 0),
						number(gemm, 0),
						number(peak, 0),
						number(engine.zip(gemm).map(|(engine, gemm)| engine / gemm), 2),
						number(engine.zip(peak).map(|(engine, peak)| engine / peak), 2),
					);
				}
			}
		}
	}
	Ok(())
}

/// None of no numbers.
fn median(mut numbers: Vec<f64>) -> Option<f64> {
	numbers.sort_by(f64::total_cmp);
	numbers.get(numbers.len() / 2).copied()
}

fn number(number: Option<f64>, digits: usize) -> String {
	number.map_or("–".into(), |number| format!("{number:.digits$}"))
}
