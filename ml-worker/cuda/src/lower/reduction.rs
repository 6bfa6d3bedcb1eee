//! Sums, greatest elements and counts.

use super::{count, Addresses, Operation};
use crate::{launch::Launch, EngineError};
use repops::kernel::{axis_view, AxisView, CHUNK, LANES};

/// The rows that a block of the kernels along the last axis treats at once.
const GROUPS: usize = crate::THREADS as usize / LANES;

/// The operand's view along the axis.
fn view(operation: &Operation, axis: u8) -> AxisView {
	// A check of the program says that there is such an axis.
	axis_view(&operation.operand(0).shape, axis).unwrap_or(AxisView {
		outer: 0,
		length: 1,
		inner: 1,
		last: true,
	})
}

/// The chunks' results, where there are several for each sum.
pub(super) fn scratch_words(operation: &Operation, axis: u8) -> Result<usize, EngineError> {
	let chunks = view(operation, axis).length.div_ceil(CHUNK);
	if chunks <= 1 {
		return Ok(0);
	}
	// Less than the operand's elements.
	Ok(count(operation.result) * chunks)
}

pub(super) fn sum(
	operation: &Operation,
	at: &Addresses,
	axis: u8,
) -> Result<Vec<Launch>, EngineError> {
	let view = view(operation, axis);
	let chunks = view.length.div_ceil(CHUNK).max(1);
	let results = count(operation.result) * chunks;
	let to = if chunks > 1 { at.scratch } else { at.result };
	let parameters = vec![
		at.operand(0),
		to,
		results as u64,
		view.length as u64,
		chunks as u64,
		view.inner as u64,
	];
	let mut launches = if view.last {
		rows_at_once(operation, "sum_last_axis", results, parameters)
	} else {
		operation.for_each("sum_other_axis", results, parameters)
	};
	if chunks > 1 {
		launches.push(add_chunks(operation, at, chunks, view.inner));
	}
	Ok(launches)
}

/// Adds the chunks' results in the scratch, `[outer, chunks, inner]`, to the operation's result.
pub(super) fn add_chunks(
	operation: &Operation,
	at: &Addresses,
	chunks: usize,
	inner: usize,
) -> Launch {
	let elements = count(operation.result);
	let parameters = vec![
		at.scratch,
		at.result,
		elements as u64,
		chunks as u64,
		inner as u64,
	];
	Launch::for_each(
		"add_chunks",
		elements,
		operation.multiprocessors,
		parameters,
	)
}

/// A kernel along the last axis.
fn rows_at_once(
	operation: &Operation,
	kernel: &'static str,
	rows: usize,
	parameters: Vec<u64>,
) -> Vec<Launch> {
	// As many blocks as if each row were one of a block's threads.
	let threads = rows.div_ceil(GROUPS) * crate::THREADS as usize;
	operation.for_each(kernel, threads, parameters)
}

fn parameters(operation: &Operation, at: &Addresses, view: &AxisView) -> Vec<u64> {
	vec![
		at.operand(0),
		at.result,
		count(operation.result) as u64,
		view.length as u64,
		view.inner as u64,
	]
}

pub(super) fn max(operation: &Operation, at: &Addresses, axis: u8) -> Vec<Launch> {
	let view = view(operation, axis);
	let parameters = parameters(operation, at, &view);
	if view.inner == 1 {
		rows_at_once(
			operation,
			"max_last_axis",
			count(operation.result),
			parameters,
		)
	} else {
		operation.for_each_result("max_other_axis", parameters)
	}
}

pub(super) fn arg_max(operation: &Operation, at: &Addresses, axis: u8) -> Vec<Launch> {
	let parameters = parameters(operation, at, &view(operation, axis));
	operation.for_each_result("place_of_max", parameters)
}

pub(super) fn count_nonzero(operation: &Operation, at: &Addresses) -> Vec<Launch> {
	vec![Launch {
		kernel: "count_nonzero",
		blocks: 1,
		parameters: vec![at.operand(0), at.result, count(operation.operand(0)) as u64],
	}]
}
