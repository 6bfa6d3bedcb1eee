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
	println!("GFLOP/s of square matrix products: median (best). Ratios of the medians (of the best), to the peak of the best.\n");
	println!("| instruction set | threads | size | engine | `gemm` crate | peak | engine / gemm | engine / peak |");
	println!("|---|---|---|---|---|---|---|---|");
	for set in [InstructionSet::Avx2, InstructionSet::Avx512] {
		for threads in [1, 2] {
			for size in SIZES {
				if set.is_available() {
					let speeds = products::measure(set, size, threads, rounds)?;
					let [engine, gemm, peak] = speeds.each_ref().map(|speeds| Speed::new(speeds));
					println!(
						"| {set} | {threads} | {size} | {} | {} | {} | {} | {} |",
						cell(engine, |speed| format!(
							"{:.0} ({:.0})",
							speed.median, speed.best
						)),
						cell(gemm, |speed| format!(
							"{:.0} ({:.0})",
							speed.median, speed.best
						)),
						cell(peak, |speed| format!("{:.0}", speed.best)),
						cell(engine.zip(gemm), |(engine, gemm)| {
							let (medians, best) =
								(engine.median / gemm.median, engine.best / gemm.best);
							format!("{medians:.2} ({best:.2})")
						}),
						cell(engine.zip(peak), |(engine, peak)| format!(
							"{:.2}",
							engine.best / peak.best
						)),
					);
				}
			}
		}
	}
	Ok(())
}

/// What is told of some rounds.
#[derive(Clone, Copy)]
struct Speed {
	median: f64,
	best: f64,
}

impl Speed {
	/// None of no rounds.
	fn new(rounds: &[f64]) -> Option<Self> {
		let mut sorted = rounds.to_vec();
		sorted.sort_by(f64::total_cmp);
		Some(Speed {
			median: *sorted.get(sorted.len() / 2)?,
			best: *sorted.last()?,
		})
	}
}

fn cell<T>(measured: Option<T>, text: impl Fn(T) -> String) -> String {
	measured.map_or("–".into(), text)
}
