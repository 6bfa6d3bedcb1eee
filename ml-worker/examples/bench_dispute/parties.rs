//! Both parties' computations: the worker's own ones.

use crate::training::{first, moved, Trained, WronglyTrained, SEGMENT, STEP};
use ml_worker::training::{disputed::OwnComputation, TrainingError};
use pouw_dispute::Computation;
use repops::{commit::Hash, program::ValueId, tensor::Tensor};

/// The challenger: before a checkpoint is named, and from then on.
pub(crate) struct Challenger {
	pub(crate) trace: OwnComputation,
	pub(crate) steps: OwnComputation,
}

impl Challenger {
	pub(crate) fn new(trained: &Trained) -> Self {
		let run = &trained.run;
		Challenger {
			trace: OwnComputation::of_wrong_checkpoint(run.clone(), Some(SEGMENT + 1)),
			steps: OwnComputation::of_steps(run.clone(), trained.start.clone(), first(SEGMENT)),
		}
	}
}

/// The defender: it stands by what it has computed. All of it is the worker's computation: of the right program up
/// to the wrong step, of the one in which the element is wrong for that step, and of the right one from the
/// state that this has left.
pub(crate) struct Defender {
	trace: OwnComputation,
	before: OwnComputation,
	within: OwnComputation,
	after: OwnComputation,
	inputs: ValueId,
	operation: u32,
}

impl Defender {
	pub(crate) fn new(trained: &Trained, wrong: &WronglyTrained) -> Self {
		let (run, position) = (&trained.run, first(SEGMENT) + STEP);
		let (before, after) = (wrong.before.clone(), wrong.after.clone());
		Defender {
			trace: OwnComputation::of_trace(run.clone(), wrong.checkpoints.clone()),
			before: OwnComputation::of_steps(run.clone(), trained.start.clone(), first(SEGMENT)),
			within: OwnComputation::of_steps(wrong.run.clone(), before, position),
			after: OwnComputation::of_steps(run.clone(), after, position + 1),
			inputs: trained.program().program().inputs.len() as ValueId,
			operation: wrong.place.operation,
		}
	}

	/// Whose the state after so many steps is, and after how many of its own steps.
	fn state(&mut self, steps: u64) -> (&mut OwnComputation, u64) {
		match steps.checked_sub(STEP + 1) {
			None => (&mut self.before, steps),
			Some(steps) => (&mut self.after, steps),
		}
	}
}

impl Computation for Defender {
	type Error = TrainingError;

	fn checkpoint_roots(&mut self) -> Result<Vec<Hash>, TrainingError> {
		self.trace.checkpoint_roots()
	}

	fn wrong_checkpoint(&mut self, claimed: &[Hash]) -> Result<Option<u32>, TrainingError> {
		self.trace.wrong_checkpoint(claimed)
	}

	fn data_roots(&mut self) -> Result<[Hash; 2], TrainingError> {
		self.before.data_roots()
	}

	fn state_root(&mut self, steps: u64) -> Result<Hash, TrainingError> {
		let (own, steps) = self.state(steps);
		own.state_root(steps)
	}

	fn tensor_roots_before(&mut self, step: u64) -> Result<Vec<Hash>, TrainingError> {
		let (own, steps) = self.state(step);
		own.tensor_roots_before(steps)
	}

	fn tensor_roots_after(&mut self, step: u64) -> Result<Vec<Hash>, TrainingError> {
		self.tensor_roots_before(step + 1)
	}

	fn tensor_roots_of_update(&mut self, update: u16) -> Result<Vec<Hash>, TrainingError> {
		self.before.tensor_roots_of_update(update)
	}

	fn result_roots(&mut self, step: u64) -> Result<Vec<Hash>, TrainingError> {
		if step != STEP {
			let (own, step) = self.state(step);
			return own.result_roots(step);
		}
		let mut roots = self.within.result_roots(0)?;
		// The right result and where it is replaced are not operations of the task's program.
		let operation = self.operation as usize;
		roots.drain(operation..operation + 2);
		Ok(roots)
	}

	fn value(&mut self, step: u64, value: ValueId) -> Result<Tensor, TrainingError> {
		if step != STEP {
			let (own, step) = self.state(step);
			return own.value(step, value);
		}
		let value = moved(value, self.inputs, self.operation);
		self.within.value(0, value)
	}

	fn initial(&mut self, tensor: u16) -> Result<Tensor, TrainingError> {
		self.before.initial(tensor)
	}
}
