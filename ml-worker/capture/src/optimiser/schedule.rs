//! Learning rates: constants, and tables that a program evaluates at its own count of steps.

use super::{refuse, Factor, Step};
use crate::{
	error::CaptureError,
	graph::Graph,
	spec::{LearningRate, MAX_POINTS, MAX_TABLE_STEP},
};
use repops::program::{Relation, ValueId};

/// What the state tensor is called that counts the steps.
const STEP_COUNT: &str = "step_count";

type Point = (u32, f32);

/// Checks a learning rate's numbers.
pub(super) fn check(rate: &LearningRate) -> Result<(), CaptureError> {
	match rate {
		LearningRate::Constant(rate) => super::positive("learning_rate", *rate),
		LearningRate::Table(points) => check_table(points),
	}
}

fn check_table(points: &[Point]) -> Result<(), CaptureError> {
	let refuse = |value, reason: String| refuse("learning_rate", value, &reason);
	if !(2..=MAX_POINTS).contains(&points.len()) {
		let found = format!("a table of {} points", points.len());
		let reason = format!("a table has 2 to {MAX_POINTS}; a constant is written as a number");
		return refuse(found, reason);
	}
	for (index, (step, rate)) in points.iter().enumerate() {
		let point = || format!("a table whose point {index} is [{step}, {rate}]");
		if !(rate.is_finite() && *rate >= 0.0) {
			return refuse(point(), "the rate must be a number of at least 0".into());
		}
		if *step > MAX_TABLE_STEP {
			let reason = format!("the greatest step that a table can name is {MAX_TABLE_STEP}");
			return refuse(point(), reason);
		}
		match index.checked_sub(1).and_then(|before| points.get(before)) {
			Some((before, _)) if before >= step => {
				let reason =
					format!("its step must be greater than that of the point before, {before}");
				return refuse(point(), reason);
			}
			_ => (),
		}
	}
	if points.iter().all(|(_, rate)| *rate == 0.0) {
		let reason = "with such a table nothing would be learned; give it a rate greater than 0";
		return refuse("0 at all steps".into(), reason.into());
	}
	Ok(())
}

/// The learning rate of the step. A table's counter of steps becomes state; a constant has none.
pub(super) fn append(rate: &LearningRate, step: &mut Step<'_>) -> Result<Factor, CaptureError> {
	let points = match rate {
		LearningRate::Constant(rate) => return Ok(Factor::Constant(*rate)),
		LearningRate::Table(points) => points,
	};
	let (slot, count) = step.declare(STEP_COUNT.to_owned(), &[1], 0.0)?;
	let next = step.graph.add_scalar(count, 1.0);
	step.keep(slot, next);
	Ok(Factor::Value(evaluate(step.graph, count, points)))
}

/// The table's value at a count of steps: each line replaces what was before it from its first step on.
fn evaluate(graph: &mut Graph, count: ValueId, points: &[Point]) -> ValueId {
	let first = points.first().map_or(0.0, |point| point.1);
	let mut rate = graph.constant(first, &[1]);
	for (from, to) in points.iter().zip(points.iter().skip(1)) {
		let line = line(graph, count, *from, *to);
		rate = match from.0 {
			0 => line,
			step => {
				let begun = graph.compare_scalar(Relation::GreaterEqual, count, step as f32);
				graph.select(begun, line, rate)
			}
		};
	}
	match points {
		// A level line goes on as it is.
		[.., before, last] if before.1 != last.1 => {
			let over = graph.compare_scalar(Relation::GreaterEqual, count, last.0 as f32);
			graph.fill(over, rate, last.1)
		}
		_ => rate,
	}
}

/// The line through two points: `(to.step − count) · from.rate / n + (count − from.step) · to.rate / n`, with `n`
/// the steps from one to the other. Between the points neither product is less than 0, so nothing cancels and
/// the rate is never negative.
fn line(graph: &mut Graph, count: ValueId, from: Point, to: Point) -> ValueId {
	if from.1 == to.1 {
		return graph.constant(from.1, &[1]);
	}
	let steps = f64::from(to.0 - from.0);
	let share = |rate: f32| (f64::from(rate) / steps) as f32;
	let falling = (from.1 != 0.0).then(|| {
		let negated = graph.multiply_scalar(count, -1.0);
		let left = graph.add_scalar(negated, to.0 as f32);
		graph.multiply_scalar(left, share(from.1))
	});
	let rising = (to.1 != 0.0).then(|| {
		let gone = graph.add_scalar(count, -(from.0 as f32));
		graph.multiply_scalar(gone, share(to.1))
	});
	match (falling, rising) {
		(Some(falling), Some(rising)) => graph.add(falling, rising),
		(Some(one), None) | (None, Some(one)) => one,
		(None, None) => graph.constant(0.0, &[1]),
	}
}
