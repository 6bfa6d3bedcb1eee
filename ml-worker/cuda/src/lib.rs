//! Step programs on an NVIDIA GPU: the same bits as the reference in [`repops`].
//!
//! An [`Engine`] holds a [`Device`] with the compiled kernels. It compiles a checked program to a plan of its memory
//! ([`Compiled`]). A [`Session`] keeps a state on the device and runs the program on it step after step; only the
//! loss, and whether the run has diverged, come back from each.
//!
//! Invariants:
//! - Threads lie across outputs and across the chunks of a sum, never across a chain of terms; nothing is joined with
//!   a multiplication but where `repops` says so; no function of CUDA's libraries is called that is not correctly
//!   rounded.
//! - Whatever runs the kernels implements [`Device`]: [`Nvidia`] does, and the tests do with a CPU.
//! - The driver and NVRTC are loaded when [`Nvidia::open`] is called; the crate builds and links without them.

mod compiler;
mod device;
mod error;
mod launch;
mod lower;
mod nvidia;
mod observe;
mod plan;
mod session;

pub use compiler::{compile_to_ptx, KERNELS, NVRTC_VARIABLE, PARTS};
pub use device::{Device, DeviceError};
pub use error::EngineError;
pub use nvidia::Nvidia;
pub use session::{Session, StepOutcome};

use device::Memory;
use plan::Plan;
use repops::{
	check::{infer, Checked},
	interpret::{Bindings, Outputs},
	program::OperationKind,
	tensor::{DType, Elements, Tensor, TensorType},
};
use std::{ops::ControlFlow, sync::Arc};

/// The threads of each block of every kernel.
pub const THREADS: u32 = 256;

/// A device, and what is compiled for it. Clones share the device.
#[derive(Clone)]
pub struct Engine {
	device: Arc<dyn Device>,
}

impl Engine {
	/// An engine on the GPU of this number, the first one being 0. Errors say what is missing.
	pub fn new(ordinal: usize) -> Result<Self, EngineError> {
		Ok(Engine::on(Arc::new(Nvidia::open(ordinal)?)))
	}

	/// An engine on any device.
	pub fn on(device: Arc<dyn Device>) -> Self {
		Engine { device }
	}

	/// What the device calls itself.
	pub fn device_name(&self) -> String {
		self.device.name()
	}

	/// Plans a program once, for any number of runs. Refuses values of 2^31 elements and more.
	pub fn compile(&self, checked: Checked) -> Result<Compiled, EngineError> {
		let plan = Plan::new(&checked, self.device.multiprocessors())?;
		Ok(Compiled {
			engine: self.clone(),
			checked: Arc::new(checked),
			plan: Arc::new(plan),
		})
	}

	/// One operation: [`repops::kernel::apply`] with the same bits.
	pub fn apply(&self, kind: &OperationKind, operands: &[&Tensor]) -> Result<Tensor, EngineError> {
		let types: Vec<TensorType> = operands.iter().map(|operand| operand.kind()).collect();
		let types: Vec<&TensorType> = types.iter().collect();
		let result = infer(kind, &types)?;
		let given: Vec<Memory> = operands
			.iter()
			.map(|operand| Memory::of(&self.device, &words(operand)))
			.collect::<Result<_, _>>()?;
		let memory = Memory::new(&self.device, lower::word_count(&result)?)?;
		let operation = lower::Operation {
			kind,
			operands: &types,
			result: &result,
			multiprocessors: self.device.multiprocessors(),
		};
		let scratch = Memory::new(&self.device, lower::scratch_words(&operation)?)?;
		let addresses: Vec<u64> = given.iter().map(Memory::address).collect();
		let launches = lower::lower(&operation, &addresses, memory.address(), scratch.address())?;
		// SAFETY: the operands, the result and the scratch are as large as their types say, and live on.
		unsafe { launch::run(self.device.as_ref(), &launches)? };
		tensor(&memory, 0, &result)
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

	/// The bytes that a session takes on the device for state and values between operations. Data set and updates
	/// are not among them.
	pub fn memory_bytes(&self) -> u64 {
		4 * self.plan.words as u64
	}

	/// Runs the program once, of whatever role: [`repops::interpret::run`] with the same bits.
	pub fn run(&self, bindings: &Bindings) -> Result<Outputs, EngineError> {
		session::run_once(self, bindings)
	}

	/// Runs the program one operation after another and shows each operation's index, operands and result to
	/// `observe` as soon as it is there, until that says to stop. It takes longer than [`Compiled::run`], as all
	/// values come back from the device.
	pub fn run_observed(
		&self,
		bindings: &Bindings,
		observe: impl FnMut(u32, &[&Tensor], &Tensor) -> ControlFlow<()>,
	) -> Result<(), EngineError> {
		observe::run_observed(self, bindings, observe)
	}

	/// Runs an evaluation program: the number of right answers.
	pub fn run_evaluate(&self, bindings: &Bindings) -> Result<u32, EngineError> {
		let outputs = self.run(bindings)?;
		outputs.correct.ok_or(EngineError::Role {
			needed: "evaluation",
			found: self.checked.role(),
		})
	}

	/// Starts a session on a copy of the bound state, data set and seed. The bound position is not used: each step
	/// says its own.
	pub fn session(&self, bindings: &Bindings) -> Result<Session, EngineError> {
		Session::new(self, bindings)
	}
}

/// The bits of a tensor's elements.
fn words(tensor: &Tensor) -> Vec<u32> {
	tensor.bits().collect()
}

/// The tensor of this type that lies in memory from a word on.
fn tensor(memory: &Memory, from: usize, kind: &TensorType) -> Result<Tensor, EngineError> {
	let mut words = vec![0; lower::word_count(kind)?];
	memory.read(from, &mut words)?;
	let elements = match kind.dtype {
		DType::U32 => Elements::U32(words),
		DType::F32 => Elements::F32(words.into_iter().map(f32::from_bits).collect()),
	};
	Ok(Tensor {
		shape: kind.shape.clone(),
		elements,
	})
}
