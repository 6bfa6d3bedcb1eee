//! A task file together with its data set: everything about a task that its client can know.

use super::{TaskFile, TaskFileError};
use crate::{
	dataset::{
		segments::{cut, Cut},
		Dataset,
	},
	model_file::{self, WeightsError},
	training::State,
};
use ml_worker_capture::{build, CaptureError, Programs};
use pouw_primitives::spec::TrainingSpec;
use repops::program::StateTensor;
use std::path::Path;

/// A task that is ready to be trained or submitted.
#[derive(Clone, Debug)]
pub struct Prepared {
	/// The task file.
	pub file: TaskFile,
	/// The data set in segments, all of the same size.
	pub segments: Vec<Dataset>,
	/// Rows that were left over; they are in no segment.
	pub dropped_rows: usize,
	/// The layout of the training.
	pub training: TrainingSpec,
	/// The step program and the evaluation program.
	pub programs: Programs,
	/// The state that the training starts from, where weights are given; without it, it follows from the seed.
	pub initial: Option<State>,
}

impl Prepared {
	/// Cuts the data set, builds the programs, and reads the weights if the file names some.
	pub fn new(file: TaskFile, dataset: &Dataset) -> Result<Self, TaskFileError> {
		let data = &file.contents.data;
		let Cut {
			segments,
			dropped_rows,
		} = cut(dataset, data.segments, data.order)
			.map_err(|error| file.document.refuse("data.segments", error.to_string()))?;
		let rows = |count: u16| u32::from(count) * segments[0].rows() as u32;
		let (training_rows, test_rows) = (
			rows(data.segments - data.hidden_segments),
			rows(data.hidden_segments),
		);
		let training = file.training(training_rows)?;
		let contents = &file.contents;
		let programs = build(
			&contents.model,
			&contents.optimiser,
			dataset.columns,
			dataset.classes,
			training.batch,
			training_rows,
			test_rows,
		)
		.map_err(|error| file.refuse_programs(&error))?;
		let initial = file.initial(&programs.step.state)?;
		Ok(Prepared {
			file,
			segments,
			dropped_rows,
			training,
			programs,
			initial,
		})
	}

	/// The task, starting from the weights in a safetensors file.
	pub fn starting_from(self, weights: &Path) -> Result<Self, WeightsError> {
		let initial = model_file::read(weights, &self.programs.step.state)?;
		Ok(Prepared {
			initial: Some(initial),
			..self
		})
	}

	/// The rows of each segment.
	pub fn rows_per_segment(&self) -> u32 {
		self.segments
			.first()
			.map_or(0, |segment| segment.rows() as u32)
	}

	/// The rows of the training part.
	pub fn training_rows(&self) -> u32 {
		let data = &self.file.contents.data;
		u32::from(data.segments - data.hidden_segments) * self.rows_per_segment()
	}

	/// The rows of the hidden part.
	pub fn test_rows(&self) -> u32 {
		u32::from(self.file.contents.data.hidden_segments) * self.rows_per_segment()
	}
}

impl TaskFile {
	/// The layout of the training, for a training part of so many rows.
	fn training(&self, training_rows: u32) -> Result<TrainingSpec, TaskFileError> {
		let section = &self.contents.training;
		if section.batch > training_rows {
			let reason = format!(
				"{} rows, but the training part has only {training_rows}",
				section.batch
			);
			return Err(self.document.refuse("training.batch", reason));
		}
		let steps_per_round = match (section.steps_per_round, section.epochs) {
			(Some(steps), _) => steps,
			(None, epochs) => {
				let samples = epochs.unwrap_or(0.0) * f64::from(training_rows);
				let steps = samples
					/ f64::from(section.batch)
					/ f64::from(section.trainers)
					/ f64::from(section.rounds);
				let segments = (steps / f64::from(section.steps_per_segment))
					.round()
					.max(1.0);
				// The conversion saturates, and too many segments are refused below.
				section.steps_per_segment.saturating_mul(segments as u32)
			}
		};
		self.check_steps(steps_per_round)?;
		Ok(TrainingSpec {
			trainers: section.trainers,
			supervisors: section.supervisors,
			evaluators: section.evaluators,
			rounds: section.rounds,
			steps_per_round,
			steps_per_segment: section.steps_per_segment,
			batch: section.batch,
		})
	}

	/// The state that the file's weights make, if it names some.
	fn initial(&self, declaration: &[StateTensor]) -> Result<Option<State>, TaskFileError> {
		let Some(weights) = &self.contents.training.initial_weights else {
			return Ok(None);
		};
		let folder = self.document.path.parent().unwrap_or(Path::new(""));
		model_file::read(&folder.join(weights), declaration)
			.map(Some)
			.map_err(|error| {
				self.document
					.refuse("training.initial_weights", error.to_string())
			})
	}

	/// The error that the model or the optimiser can't be made into programs.
	fn refuse_programs(&self, error: &CaptureError) -> TaskFileError {
		let key = match error {
			CaptureError::Layer { index, .. } => format!("model.layers.{index}"),
			CaptureError::Setting { name, .. } if *name == "batch" => "training.batch".into(),
			CaptureError::Setting { name, .. } if ["layers", "picture"].contains(name) => {
				format!("model.{name}")
			}
			CaptureError::Setting { name, .. } => format!("optimiser.{name}"),
			_ => "model".into(),
		};
		self.document.refuse(&key, error.to_string())
	}
}
