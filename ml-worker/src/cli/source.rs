//! The arguments of every command that reads a task file.

use super::Failure;
use crate::{
	dataset::DataLocation,
	task_file::{Prepared, TaskFile},
};
use clap::Args;
use std::path::PathBuf;

/// A task file, and what is to be read in place of what it names.
#[derive(Args)]
pub(super) struct Source {
	/// The task file.
	#[arg(value_name = "TASK.toml")]
	task: PathBuf,
	/// Another data set than the task file's: `digits` or `mnist:DIR`.
	#[arg(long, value_name = "DATA")]
	data: Option<DataLocation>,
	/// Weights to start from, in place of the task file's or of those that follow from the seed.
	#[arg(long, value_name = "FILE.safetensors")]
	weights: Option<PathBuf>,
}

impl Source {
	/// The data set that is named in place of the task file's.
	pub(super) fn data(&self) -> Option<&DataLocation> {
		self.data.as_ref()
	}

	/// Reads task file, data and weights, captures the programs.
	pub(super) fn read(&self) -> Result<Prepared, Failure> {
		let mut file = TaskFile::read(&self.task)?;
		if self.weights.is_some() {
			file.contents.training.initial_weights = None;
		}
		let dataset = file.load_data(self.data())?;
		let prepared = Prepared::new(file, &dataset)?;
		Ok(match &self.weights {
			Some(weights) => prepared.starting_from(weights)?,
			None => prepared,
		})
	}
}
