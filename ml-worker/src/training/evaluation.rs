//! The right answers on the hidden part.

use super::{State, TrainingError};
use crate::dataset::segments::Part;
use ml_worker_engine::{Compiled, Engine};
use repops::{check::Checked, interpret::Bindings};

/// A task's evaluation: its program and the hidden part of its data.
#[derive(Clone)]
pub struct Evaluation {
	program: Compiled,
	hidden: Part,
}

impl Evaluation {
	/// Compiles the evaluation program for the hidden part.
	pub fn new(engine: &Engine, program: Checked, hidden: Part) -> Self {
		Evaluation {
			program: engine.compile(program),
			hidden,
		}
	}

	/// How many questions there are.
	pub fn rows(&self) -> u32 {
		self.hidden.rows()
	}

	/// How many of the answers that this state gives are right.
	pub fn correct(&self, state: &State) -> Result<u32, TrainingError> {
		Ok(self.program.run_evaluate(&self.bindings(state))?)
	}

	/// What the evaluation of a state reads.
	pub fn bindings<'a>(&'a self, state: &'a State) -> Bindings<'a> {
		Bindings {
			state,
			features: Some(&self.hidden.features),
			labels: Some(&self.hidden.labels),
			..Bindings::default()
		}
	}

	/// The evaluation program, ready to run.
	pub fn program(&self) -> &Compiled {
		&self.program
	}

	/// The hidden part of the data.
	pub fn data(&self) -> &Part {
		&self.hidden
	}
}
