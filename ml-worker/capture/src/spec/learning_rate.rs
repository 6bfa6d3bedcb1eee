//! The learning rate: a number, or a table over the steps.

use serde::{
	de::{
		value::{F64Deserializer, I64Deserializer, SeqAccessDeserializer, U64Deserializer},
		Error, IntoDeserializer, SeqAccess, Visitor,
	},
	Deserialize, Deserializer, Serialize,
};
use std::fmt;

/// The most points of a table. Each is some operations of every step.
pub const MAX_POINTS: usize = 64;

/// The greatest step that a table can name.
///
/// The count of steps is an `F32` of the state. At the end of a round the states are merged: summed, then
/// divided by their number. Up to 16 equal counts of at most 2^20 have exact sums, so their mean is the count.
pub const MAX_TABLE_STEP: u32 = 1 << 20;

/// The step width: the same for all steps, or a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum LearningRate {
	/// A number greater than 0.
	Constant(f32),
	/// Points of a step and its rate, in a task file `[[0, 0.0], [100, 0.001]]`: between two points on the
	/// straight line between them, before the first and after the last the same as there. Steps are those
	/// of one trainer, counted from 0 at the task's start. 2 to [`MAX_POINTS`] points in ascending order of
	/// their steps, which are at most [`MAX_TABLE_STEP`]; no rate is less than 0, and not all are 0.
	Table(Vec<(u32, f32)>),
}

impl From<f32> for LearningRate {
	fn from(rate: f32) -> Self {
		LearningRate::Constant(rate)
	}
}

// By hand, because the error of an untagged enumeration doesn't say what was wrong.
impl<'de> Deserialize<'de> for LearningRate {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		struct NumberOrTable;
		impl<'de> Visitor<'de> for NumberOrTable {
			type Value = LearningRate;

			fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				f.write_str("a number, or a table of points `[step, rate]`")
			}

			fn visit_f64<E: Error>(self, rate: f64) -> Result<LearningRate, E> {
				let rate: F64Deserializer<E> = rate.into_deserializer();
				f32::deserialize(rate).map(LearningRate::Constant)
			}

			fn visit_i64<E: Error>(self, rate: i64) -> Result<LearningRate, E> {
				let rate: I64Deserializer<E> = rate.into_deserializer();
				f32::deserialize(rate).map(LearningRate::Constant)
			}

			fn visit_u64<E: Error>(self, rate: u64) -> Result<LearningRate, E> {
				let rate: U64Deserializer<E> = rate.into_deserializer();
				f32::deserialize(rate).map(LearningRate::Constant)
			}

			fn visit_seq<A: SeqAccess<'de>>(self, points: A) -> Result<LearningRate, A::Error> {
				Vec::deserialize(SeqAccessDeserializer::new(points)).map(LearningRate::Table)
			}
		}
		deserializer.deserialize_any(NumberOrTable)
	}
}
