//! The reference executor: runs a checked program with the reference kernels, one operation after another.

use crate::{
	check::{Checked, Reason},
	kernel,
	program::{Source, Target},
	random::Seed,
	tensor::{Tensor, TensorType},
};
use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

/// What a program reads. Only what its inputs name has to be there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bindings<'a> {
	/// The state before the run.
	pub state: &'a [Tensor],
	/// The data set's features.
	pub features: Option<&'a Tensor>,
	/// The data set's labels.
	pub labels: Option<&'a Tensor>,
	/// The task's seed.
	pub seed: Seed,
	/// The number of the batch since the task's start.
	pub position: u64,
	/// For a merge: the states of the sealed updates, in slot order.
	pub updates: &'a [Vec<Tensor>],
}

impl<'a> Bindings<'a> {
	/// The value of an input; none if it is not there. Of seed and position it is made.
	pub fn get(&self, source: Source) -> Option<Cow<'a, Tensor>> {
		let words = |words: &[u32]| Tensor::u32([words.len() as u32], words.to_vec()).ok();
		match source {
			Source::State(tensor) => self.state.get(usize::from(tensor)).map(Cow::Borrowed),
			Source::Features => self.features.map(Cow::Borrowed),
			Source::Labels => self.labels.map(Cow::Borrowed),
			Source::Seed => words(&self.seed.words()).map(Cow::Owned),
			Source::Position => {
				words(&[self.position as u32, (self.position >> 32) as u32]).map(Cow::Owned)
			}
			Source::Update { update, tensor } => self
				.updates
				.get(usize::from(update))?
				.get(usize::from(tensor))
				.map(Cow::Borrowed),
		}
	}
}

/// What a run leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
	/// The new state; empty after an evaluation.
	pub state: Vec<Tensor>,
	/// The loss of a step.
	pub loss: Option<f32>,
	/// The number of right answers of an evaluation.
	pub correct: Option<u32>,
	/// Whether the loss or the new state has a NaN or an infinity in it: the run ends here with the outcome
	/// *diverged*. That is a result like any other, the same for everyone.
	pub diverged: bool,
}

/// Why a program could not be run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
	/// The program reads something that was not given.
	Missing(Source),
	/// What was given is of another type than the program declares.
	Type {
		/// The input.
		source: Source,
		/// The declared type.
		expected: TensorType,
		/// The given one.
		found: TensorType,
	},
	/// The elements of what was given don't fill its shape.
	Malformed(Source),
	/// An operation refused its operands, which the program's check should have excluded.
	Operation {
		/// Its index.
		index: u32,
		/// Why.
		reason: Reason,
	},
}

impl fmt::Display for RunError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			RunError::Missing(source) => {
				write!(f, "the program reads {source:?}, which was not given")
			}
			RunError::Type {
				source,
				expected,
				found,
			} => {
				write!(
					f,
					"the program reads {source:?} as {expected}, but {found} was given"
				)
			}
			RunError::Malformed(source) => {
				write!(f, "the elements given as {source:?} don't fill their shape")
			}
			RunError::Operation { index, reason } => write!(f, "operation {index}: {reason}"),
		}
	}
}

impl core::error::Error for RunError {}

/// Runs a program.
pub fn run(checked: &Checked, bindings: &Bindings) -> Result<Outputs, RunError> {
	run_observed(checked, bindings, |_, _| ())
}

/// Runs a program and shows each operation's index and result to `observe` as soon as it is there.
pub fn run_observed(
	checked: &Checked,
	bindings: &Bindings,
	mut observe: impl FnMut(usize, &Tensor),
) -> Result<Outputs, RunError> {
	let program = checked.program();
	let mut values: Vec<Option<Cow<Tensor>>> = Vec::with_capacity(checked.types().len());
	for (input, expected) in program.inputs.iter().zip(checked.types()) {
		let source = input.source;
		let value = bindings.get(source).ok_or(RunError::Missing(source))?;
		if value.kind() != *expected {
			return Err(RunError::Type {
				source,
				expected: expected.clone(),
				found: value.kind(),
			});
		}
		value.check().map_err(|_| RunError::Malformed(source))?;
		values.push(Some(value));
	}
	for (index, operation) in program.operations.iter().enumerate() {
		let refuse = |reason| RunError::Operation {
			index: index as u32,
			reason,
		};
		let operand = |value: &u32| values.get(*value as usize)?.as_deref();
		let operands: Option<Vec<&Tensor>> = operation.operands.iter().map(operand).collect();
		let operands = operands.ok_or(refuse(Reason::Unused))?;
		let result = kernel::apply(&operation.kind, &operands).map_err(refuse)?;
		observe(index, &result);
		for value in &operation.operands {
			let value = *value as usize;
			if checked.last_uses().get(value) == Some(&index) {
				values[value] = None;
			}
		}
		values.push(Some(Cow::Owned(result)));
	}
	Ok(gather_outputs(checked, &values))
}

fn gather_outputs(checked: &Checked, values: &[Option<Cow<Tensor>>]) -> Outputs {
	let mut outputs = Outputs::default();
	let mut state = alloc::vec![None; checked.program().state.len()];
	for output in &checked.program().outputs {
		let Some(Some(value)) = values.get(output.value as usize) else {
			continue;
		};
		match output.target {
			Target::State(tensor) => {
				outputs.diverged |= !value.is_finite();
				if let Some(place) = state.get_mut(usize::from(tensor)) {
					*place = Some(value.as_ref().clone());
				}
			}
			Target::Loss => {
				outputs.diverged |= !value.is_finite();
				outputs.loss = value.as_f32().and_then(|loss| loss.first().copied());
			}
			Target::Correct => {
				outputs.correct = value.as_u32().and_then(|count| count.first().copied())
			}
		}
	}
	outputs.state = state.into_iter().flatten().collect();
	outputs
}
