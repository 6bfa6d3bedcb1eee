//! The fast engine for step programs: the same bits as the reference in [`repops`], sooner.
//!
//! An [`Engine`] holds threads and the instruction set that was chosen at run time. It compiles a checked
//! program to a plan ([`Compiled`]): reshapes become views, chains of elementwise operations are fused, also
//! onto the matrix product that they follow, and every value gets its place in memory beforehand. A
//! [`Session`] runs that plan step after step on one state.
//!
//! Invariants:
//! - No result depends on the instruction set, the number of threads or the plan. Vectors and threads lie
//!   across outputs, never across the terms of a sum; `repops` is the definition, and the tests compare with
//!   it bit by bit.
//! - Nothing here knows of tasks, chains, networks or files.
//! - Every value is kept as `f32`, also those of type `U32`, whose bits are carried in the `f32`'s.

mod buffer;
mod commit;
mod error;
mod execute;
mod instruction_set;
mod kernels;
mod observe;
mod plan;
mod session;
mod storage;
mod team;

pub use error::EngineError;
pub use instruction_set::InstructionSet;
pub use session::{Session, StepOutcome};

use instruction_set::Vectors;
use plan::Plan;
use repops::{
	check::Checked,
	commit::{state_root_from_tensor_roots, Hash},
	interpret::{Bindings, Outputs, RunError},
	tensor::Tensor,
};
use std::{num::NonZeroUsize, ops::ControlFlow, sync::Arc};
use team::Threads;

/// How an engine works. None of it changes a bit of its results.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineOptions {
	/// The number of threads; without it, as many as the machine offers.
	pub threads: Option<NonZeroUsize>,
	/// The instruction set; without it, the best one that the CPU has.
	pub instruction_set: Option<InstructionSet>,
}

/// Threads and an instruction set, and what is compiled for them. Clones share the threads.
#[derive(Clone)]
pub struct Engine {
	threads: Arc<Threads>,
	vectors: Vectors,
}

impl Engine {
	/// Starts the threads. Refuses an instruction set that this CPU lacks.
	pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
		let set = options.instruction_set.unwrap_or_else(InstructionSet::best);
		let vectors = Vectors::new(set)?;
		let threads = options
			.threads
			.or_else(|| std::thread::available_parallelism().ok())
			.map_or(1, NonZeroUsize::get);
		Ok(Engine {
			threads: Arc::new(Threads::new(threads)?),
			vectors,
		})
	}

	/// The instruction set in use.
	pub fn instruction_set(&self) -> InstructionSet {
		self.vectors.set()
	}

	/// The number of threads.
	pub fn threads(&self) -> usize {
		self.threads.count()
	}

	/// [`repops::commit::tensor_leaves`], by all threads.
	pub fn tensor_leaves(&self, tensor: &Tensor) -> Vec<Hash> {
		self.threads
			.enter(|team| commit::tensor_leaves(team, &tensor.shape, commit::words(tensor)))
	}

	/// [`repops::commit::tensor_root`], by all threads.
	pub fn tensor_root(&self, tensor: &Tensor) -> Hash {
		self.threads
			.enter(|team| commit::tensor_root(team, &tensor.kind(), commit::words(tensor)))
	}

	/// [`repops::commit::state_root`], by all threads.
	pub fn state_root(&self, state: &[Tensor]) -> Hash {
		self.threads.enter(|team| {
			let root =
				|tensor: &Tensor| commit::tensor_root(team, &tensor.kind(), commit::words(tensor));
			state_root_from_tensor_roots(&state.iter().map(root).collect::<Vec<_>>())
		})
	}

	/// Plans a program once, for any number of runs.
	pub fn compile(&self, checked: Checked) -> Compiled {
		let plan = Plan::new(&checked, self.vectors);
		Compiled {
			engine: self.clone(),
			checked: Arc::new(checked),
			plan: Arc::new(plan),
		}
	}
}

/// A program that is ready to run.
#[derive(Clone)]
pub struct Compiled {
	engine: Engine,
	checked: Arc<Checked>,
	plan: Arc<Plan>,
}

impl Compiled {
	/// The program as it was checked.
	pub fn checked(&self) -> &Checked {
		&self.checked
	}

	/// The bytes that a session takes for state, values between operations and packed matrices. What is
	/// only borrowed (data set, updates, the state of an evaluation) is not among them.
	pub fn memory_bytes(&self) -> u64 {
		self.plan.memory_bytes(self.engine.threads())
	}

	/// Runs the program once, of whatever role: [`repops::interpret::run`] with the same bits.
	pub fn run(&self, bindings: &Bindings) -> Result<Outputs, RunError> {
		session::run_once(self, bindings)
	}

	/// Runs the program one operation after another, nothing fused, and shows each operation's index, operands
	/// and result to `observe` as soon as it is there, until that says to stop. The bits are those of
	/// [`repops::interpret::run_observed`]. It takes longer than [`Compiled::run`] and is for those who must
	/// name every value, such as the parties of a dispute.
	pub fn run_observed(
		&self,
		bindings: &Bindings,
		observe: impl FnMut(u32, &[&Tensor], &Tensor) -> ControlFlow<()>,
	) -> Result<(), RunError> {
		observe::run_observed(&self.engine, &self.checked, bindings, observe)
	}

	/// Runs an evaluation program: the number of right answers. Features and labels are given by the
	/// bindings.
	pub fn run_evaluate(&self, bindings: &Bindings) -> Result<u32, EngineError> {
		let outputs = self.run(bindings)?;
		outputs.correct.ok_or(EngineError::Role {
			needed: "evaluation",
			found: self.checked.role(),
		})
	}

	/// Starts a session on a copy of the bound state; features and labels stay borrowed. The bound position
	/// is not used: each step says its own.
	pub fn session<'data>(
		&self,
		bindings: &Bindings<'data>,
	) -> Result<Session<'data>, EngineError> {
		Session::new(self, bindings)
	}
}
