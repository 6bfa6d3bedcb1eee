//! Programs that fit their task.

use pouw_primitives::spec::{CostSpec, DataSpec, TrainingSpec};
use repops::{
	check::{check, Checked, Limits, ProgramError, Role},
	merge::average_program,
	program::{OperationKind, Program, Source, StateRole, StateTensor, Target},
};

/// Why programs are refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramsError {
	/// A program breaks a rule of programs.
	#[error("the {which} program is refused: {source}")]
	Refused {
		/// Which program.
		which: &'static str,
		/// Where and why.
		source: ProgramError,
	},
	/// The evaluation is of another model.
	#[error("the evaluation program declares another state than the step program")]
	DifferentState,
	/// What a program gives does not depend on what it must depend on.
	#[error("the {which} program's {output} does not depend on {missing}")]
	Independent {
		/// Which program.
		which: &'static str,
		/// Which of its outputs.
		output: &'static str,
		/// What the output does not depend on.
		missing: &'static str,
	},
	/// A program is made for other sizes than the task's.
	#[error("the {which} program is made for {found} {what}, but the task has {expected}")]
	Size {
		/// Which program.
		which: &'static str,
		/// What is counted.
		what: &'static str,
		/// The task's number.
		expected: u64,
		/// The program's.
		found: u64,
	},
}

/// The programs of a task, checked.
#[derive(Clone, Debug)]
pub struct TaskPrograms {
	/// One step of training.
	pub step: Checked,
	/// The number of right answers on the hidden part.
	pub evaluation: Checked,
}

impl TaskPrograms {
	/// Checks the programs in these blobs.
	pub fn decode(step: &[u8], evaluation: &[u8]) -> Result<Self, ProgramsError> {
		let decode = |which, blob: &[u8]| {
			Program::decode_bounded(blob, &Limits::default())
				.map_err(|source| ProgramsError::Refused { which, source })
		};
		Self::new(&decode("step", step)?, &decode("evaluation", evaluation)?)
	}

	/// Checks two programs.
	pub fn new(step: &Program, evaluation: &Program) -> Result<Self, ProgramsError> {
		let check = |which, program: &Program, role| {
			check(program, role, &Limits::default())
				.map_err(|source| ProgramsError::Refused { which, source })
		};
		let programs = TaskPrograms {
			step: check("step", step, Role::Step)?,
			evaluation: check("evaluation", evaluation, Role::Evaluate)?,
		};
		if step.state != evaluation.state {
			return Err(ProgramsError::DifferentState);
		}
		programs.check_dependencies()?;
		Ok(programs)
	}

	/// Whether the loss and the number of right answers say anything about the model and the data.
	fn check_dependencies(&self) -> Result<(), ProgramsError> {
		let require = |holds: bool, which, output, missing| {
			if holds {
				return Ok(());
			}
			Err(ProgramsError::Independent {
				which,
				output,
				missing,
			})
		};
		let is_state = |source: &Source| matches!(source, Source::State(_));
		let loss = self.step.dependencies(Target::Loss);
		let reads_features = loss.contains(&Source::Features);
		require(loss.iter().any(is_state), "step", "loss", "the state")?;
		require(reads_features, "step", "loss", "the features")?;
		let correct = self.evaluation.dependencies(Target::Correct);
		for (holds, missing) in [
			(correct.iter().any(is_state), "the state"),
			(correct.contains(&Source::Features), "the features"),
			(correct.contains(&Source::Labels), "the labels"),
		] {
			require(holds, "evaluation", "number of right answers", missing)?;
		}
		Ok(())
	}

	/// Whether the programs are made for this data set and these batches, and the states that they make can
	/// be merged.
	pub fn check_sizes(
		&self,
		data: &DataSpec,
		training: &TrainingSpec,
	) -> Result<(), ProgramsError> {
		let rows = |segments: u16| u64::from(segments) * u64::from(data.rows_per_segment);
		let visible = data.segments.saturating_sub(data.hidden_segments);
		check_inputs("step", self.step.program(), rows(visible), data.columns)?;
		check_inputs(
			"evaluation",
			self.evaluation.program(),
			rows(data.hidden_segments),
			data.columns,
		)?;
		let mut batches = 0;
		for operation in &self.step.program().operations {
			if let OperationKind::BatchRows { batch, .. } = operation.kind {
				batches += 1;
				same(
					"step",
					"rows of a batch",
					training.batch.into(),
					batch.into(),
				)?;
			}
		}
		same("step", "batches a step", 1, batches)?;
		merge_program(&self.step.program().state, training.trainers)?;
		Ok(())
	}

	/// What the programs cost.
	pub fn cost(&self) -> CostSpec {
		let elements = |tensor: &StateTensor| tensor.shape.elements().unwrap_or(0);
		let state = &self.step.program().state;
		let parameters = state
			.iter()
			.filter(|tensor| tensor.role == StateRole::Parameter);
		CostSpec {
			state_elements: state.iter().map(elements).sum(),
			parameters: parameters.map(elements).sum(),
			step_multiply_adds: self.step.cost(),
			evaluation_multiply_adds: self.evaluation.cost(),
		}
	}
}

/// The program that merges this number of states, checked. If so many can be merged, so can fewer.
pub fn merge_program(state: &[StateTensor], updates: u16) -> Result<Checked, ProgramsError> {
	let program = average_program(state, updates);
	check(&program, Role::Merge { updates }, &Limits::default()).map_err(|source| {
		ProgramsError::Refused {
			which: "merge",
			source,
		}
	})
}

fn check_inputs(
	which: &'static str,
	program: &Program,
	rows: u64,
	columns: u32,
) -> Result<(), ProgramsError> {
	for input in &program.inputs {
		let shape = &input.kind.shape;
		if matches!(input.source, Source::Features | Source::Labels) {
			let found = shape.0.first().copied().unwrap_or(0);
			same(which, "rows", rows, found.into())?;
		}
		if input.source == Source::Features {
			// Data is a matrix; a program that wants other axes reshapes it.
			same(which, "axes of the features", 2, shape.rank() as u64)?;
			let found = shape.columns() as u64;
			same(which, "features of a row", columns.into(), found)?;
		}
	}
	Ok(())
}

fn same(
	which: &'static str,
	what: &'static str,
	expected: u64,
	found: u64,
) -> Result<(), ProgramsError> {
	if expected == found {
		Ok(())
	} else {
		Err(ProgramsError::Size {
			which,
			what,
			expected,
			found,
		})
	}
}
