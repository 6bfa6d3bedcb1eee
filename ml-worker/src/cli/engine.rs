//! The arguments of every command that computes.

use super::Failure;
use clap::{Args, ValueEnum};
use ml_worker_engine::{Engine, EngineOptions, InstructionSet};
use std::num::NonZeroUsize;

/// How the engine works; no result depends on it.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct EngineArguments {
	/// The number of threads; as many as the machine offers if nothing is said.
	#[arg(long, env = "POUW_THREADS", value_name = "NUMBER")]
	threads: Option<NonZeroUsize>,
	/// The instruction set; the best one that the CPU has if nothing is said.
	#[arg(long, env = "POUW_INSTRUCTION_SET", value_name = "SET")]
	instruction_set: Option<InstructionSetArgument>,
}

/// An instruction set by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum InstructionSetArgument {
	/// Every CPU; slow, for comparisons.
	Portable,
	/// AVX2 with FMA.
	Avx2,
	/// AVX-512.
	Avx512,
}

impl EngineArguments {
	/// Starts the engine.
	pub(super) fn start(&self) -> Result<Engine, Failure> {
		let instruction_set = self.instruction_set.map(|set| match set {
			InstructionSetArgument::Portable => InstructionSet::Portable,
			InstructionSetArgument::Avx2 => InstructionSet::Avx2,
			InstructionSetArgument::Avx512 => InstructionSet::Avx512,
		});
		Ok(Engine::new(EngineOptions {
			threads: self.threads,
			instruction_set,
		})?)
	}
}
