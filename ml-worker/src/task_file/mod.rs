//! Task files: what a client wants trained, in TOML.
//!
//! Unknown keys are refused. Every error names the file, the line and the key.

mod document;
mod prepare;

pub use document::TaskFileError;
pub use prepare::Prepared;

use crate::{
	amount::Amount,
	dataset::{self, DataLocation, DataSource, Dataset},
};
use document::Document;
use ml_worker_capture::{ModelSpec, OptimiserSpec};
use pouw_primitives::{
	spec::{
		MAX_DATA_SEGMENTS, MAX_EVALUATORS, MAX_NAME, MAX_ROUNDS, MAX_ROUND_DEADLINE,
		MAX_ROUND_SEGMENTS, MAX_SEGMENT_STEPS, MAX_SUPERVISORS, MAX_TRAINERS, MIN_DATA_SEGMENTS,
		MIN_ROUND_DEADLINE,
	},
	BlockNumber,
};
use serde::{de::Error as _, Deserialize, Deserializer};
use std::path::{Path, PathBuf};

/// A task file that has been read and whose numbers are within the chain's bounds.
#[derive(Clone, Debug)]
pub struct TaskFile {
	/// The contents.
	pub contents: Contents,
	document: Document,
}

/// What a task file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
	/// `[task]`
	pub task: TaskSection,
	/// `[data]`
	pub data: DataSection,
	/// `[model]`
	pub model: ModelSpec,
	/// `[optimiser]`
	pub optimiser: OptimiserSpec,
	/// `[training]`
	pub training: TrainingSection,
}

/// `[task]`: what it is, and what it is worth.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSection {
	/// A name for people, at most 64 bytes.
	pub name: String,
	/// What the client pays, in POUW: a string such as `"12.5"`.
	pub fee: Amount,
	/// The share of right answers on the hidden part at which trainers are paid in full, 0 to 1.
	pub required_accuracy: Share,
}

/// `[data]`: what to learn from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSection {
	/// Where the rows come from.
	pub source: DataSource,
	/// What each number of the source is multiplied by. If nothing is said: 1/16 for the digits, 1/255 for
	/// IDX files, 1 for CSV files and texts.
	pub scale: Option<f32>,
	/// The number of segments that the rows are cut into.
	#[serde(default = "usual_segments")]
	pub segments: u16,
	/// How many of them the chain hides for the test.
	#[serde(default = "usual_hidden_segments")]
	pub hidden_segments: u16,
	/// The number that the order of the rows follows from, before they are cut into segments.
	#[serde(default)]
	pub order: u64,
}

/// `[training]`: how the work is laid out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSection {
	/// Trainers that work side by side on different batches.
	pub trainers: u16,
	/// Supervisors, who attest that what is committed is there.
	#[serde(default = "one")]
	pub supervisors: u16,
	/// Evaluators, who score the final model.
	#[serde(default = "one")]
	pub evaluators: u16,
	/// Rounds; after each the trainers' states are merged.
	pub rounds: u32,
	/// Steps of each trainer in a round. Either this or `epochs` is given.
	pub steps_per_round: Option<u32>,
	/// How often all trainers together pass over the training part, in all rounds together. The steps of a
	/// round follow from it, to the nearest whole segment.
	pub epochs: Option<f64>,
	/// Steps between two checkpoints.
	pub steps_per_segment: u32,
	/// Rows of a batch.
	pub batch: u32,
	/// A safetensors file with the weights that the training starts from; without it they follow from the
	/// seed. A relative path starts at the task file's folder.
	pub initial_weights: Option<PathBuf>,
	/// Blocks that a round may last.
	#[serde(default = "usual_round_deadline")]
	pub round_deadline: BlockNumber,
}

fn usual_segments() -> u16 {
	10
}

fn usual_hidden_segments() -> u16 {
	2
}

fn one() -> u16 {
	1
}

fn usual_round_deadline() -> BlockNumber {
	100
}

/// A share in parts of a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
	/// Parts of a million.
	pub millionths: u32,
}

impl Share {
	/// The share as a number from 0 to 1, for people.
	pub fn as_f64(self) -> f64 {
		f64::from(self.millionths) / 1e6
	}

	/// Whether `right` of `of` is at least this share, exactly.
	pub fn is_met(self, right: u32, of: u32) -> bool {
		u64::from(right) * 1_000_000 >= u64::from(of) * u64::from(self.millionths)
	}
}

impl<'de> Deserialize<'de> for Share {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		let share = f64::deserialize(deserializer)?;
		if !(0.0..=1.0).contains(&share) {
			return Err(D::Error::custom(format!(
				"{share} is not a share; it must be from 0 to 1"
			)));
		}
		Ok(Share {
			millionths: (share * 1e6).round() as u32,
		})
	}
}

impl TaskFile {
	/// Reads a task file.
	pub fn read(path: &Path) -> Result<Self, TaskFileError> {
		let text = std::fs::read_to_string(path).map_err(|source| TaskFileError::Read {
			path: path.into(),
			source,
		})?;
		Self::parse(text, path)
	}

	/// Reads the text of a task file. The path is for error messages, and relative paths in the file
	/// start at its folder.
	pub fn parse(text: String, path: &Path) -> Result<Self, TaskFileError> {
		let document = Document {
			path: path.into(),
			text,
		};
		let contents = document.parse()?;
		let file = TaskFile { contents, document };
		file.check()?;
		Ok(file)
	}

	/// Reads the rows. The location, if there is one, counts before the file's source.
	pub fn load_data(&self, location: Option<&DataLocation>) -> Result<Dataset, TaskFileError> {
		let data = &self.contents.data;
		let folder = self.document.path.parent().unwrap_or(Path::new(""));
		dataset::load(&data.source, location, data.scale, folder).map_err(|error| {
			let line = self.document.line_of("data.source");
			TaskFileError::Data {
				path: self.document.path.clone(),
				line,
				source: error,
			}
		})
	}

	/// Whether the numbers are within the chain's bounds.
	fn check(&self) -> Result<(), TaskFileError> {
		let Contents {
			task,
			data,
			training,
			..
		} = &self.contents;
		let within = |key: &str, value: u32, least: u32, most: u32| {
			if (least..=most).contains(&value) {
				Ok(())
			} else {
				Err(self
					.document
					.refuse(key, format!("{value} is not from {least} to {most}")))
			}
		};
		if task.name.is_empty() || task.name.len() > MAX_NAME as usize {
			let reason = format!(
				"a name has 1 to {MAX_NAME} bytes, but this has {}",
				task.name.len()
			);
			return Err(self.document.refuse("task.name", reason));
		}
		let (fewest, most) = (MIN_DATA_SEGMENTS.into(), MAX_DATA_SEGMENTS.into());
		within("data.segments", data.segments.into(), fewest, most)?;
		let most_hidden = u32::from(data.segments) - 1;
		within(
			"data.hidden_segments",
			data.hidden_segments.into(),
			1,
			most_hidden,
		)?;
		within(
			"training.trainers",
			training.trainers.into(),
			1,
			MAX_TRAINERS.into(),
		)?;
		within(
			"training.supervisors",
			training.supervisors.into(),
			1,
			MAX_SUPERVISORS.into(),
		)?;
		within(
			"training.evaluators",
			training.evaluators.into(),
			1,
			MAX_EVALUATORS.into(),
		)?;
		within("training.rounds", training.rounds, 1, MAX_ROUNDS)?;
		within(
			"training.steps_per_segment",
			training.steps_per_segment,
			1,
			MAX_SEGMENT_STEPS,
		)?;
		within("training.batch", training.batch, 1, u32::MAX)?;
		let deadline = training.round_deadline;
		within(
			"training.round_deadline",
			deadline,
			MIN_ROUND_DEADLINE,
			MAX_ROUND_DEADLINE,
		)?;
		match (training.steps_per_round, training.epochs) {
			(Some(steps), None) => self.check_steps(steps),
			(None, Some(epochs)) if epochs.is_finite() && epochs > 0.0 => Ok(()),
			(None, Some(epochs)) => Err(self
				.document
				.refuse("training.epochs", format!("{epochs} is not greater than 0"))),
			(Some(_), Some(_)) => {
				let reason =
					"`steps_per_round` and `epochs` are both given; keep one of them".into();
				Err(self.document.refuse("training.epochs", reason))
			}
			(None, None) => {
				let reason =
					"neither `steps_per_round` nor `epochs` is given; add one of them".into();
				Err(self.document.refuse("training", reason))
			}
		}
	}

	fn check_steps(&self, steps: u32) -> Result<(), TaskFileError> {
		let segment = self.contents.training.steps_per_segment;
		let refuse = |reason| Err(self.document.refuse("training.steps_per_round", reason));
		if steps == 0 || !steps.is_multiple_of(segment) {
			return refuse(format!(
				"{steps} is not a multiple of the {segment} steps of a segment"
			));
		}
		if steps / segment > MAX_ROUND_SEGMENTS {
			let segments = steps / segment;
			return refuse(format!(
				"{segments} segments; a round has at most {MAX_ROUND_SEGMENTS}"
			));
		}
		Ok(())
	}
}
