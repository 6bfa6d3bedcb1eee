//! Windows over pictures.

use super::{count, Addresses, Operation};
use crate::{launch::Launch, EngineError};
use repops::{
	program::{Bits, Window},
	tensor::TensorType,
};

/// Height and width of pictures.
fn size_of(pictures: &TensorType) -> [u32; 2] {
	match pictures.shape.0[..] {
		[.., height, width] => [height, width],
		_ => [1, 1],
	}
}

/// Whether 32 bits hold every place of a padded picture twice.
fn is_small(window: &Window, size: [u32; 2]) -> bool {
	(0..2).all(|axis| u64::from(size[axis]) + 2 * u64::from(window.padding[axis]) < 1 << 29)
}

fn parameters(
	operation: &Operation,
	at: &Addresses,
	chosen: u64,
	window: &Window,
	size: [u32; 2],
	fill: Bits,
) -> Result<Vec<u64>, EngineError> {
	let windows = window.windows(size);
	let windows = windows.ok_or(repops::check::Reason::NoWindow { size })?;
	let mut parameters = vec![
		at.operand(0),
		chosen,
		at.result,
		count(operation.result) as u64,
	];
	let pairs = [
		window.kernel,
		window.stride,
		window.padding,
		window.dilation,
		size,
		windows,
	];
	parameters.extend(pairs.iter().flatten().map(|figure| u64::from(*figure)));
	parameters.push(u64::from(fill.0));
	Ok(parameters)
}

pub(super) fn unfold(
	operation: &Operation,
	at: &Addresses,
	window: &Window,
	fill: Bits,
) -> Result<Vec<Launch>, EngineError> {
	let size = size_of(operation.operand(0));
	let parameters = parameters(operation, at, 0, window, size, fill)?;
	let kernel = if is_small(window, size) {
		"unfold_small"
	} else {
		"unfold_wide"
	};
	Ok(operation.for_each_result(kernel, parameters))
}

/// A fold, or, with the positions that are chosen, an unpooling.
pub(super) fn fold(
	operation: &Operation,
	at: &Addresses,
	window: &Window,
	chosen: bool,
) -> Result<Vec<Launch>, EngineError> {
	let size = size_of(operation.result);
	let positions = if chosen { at.operand(1) } else { 0 };
	let parameters = parameters(operation, at, positions, window, size, Bits(0))?;
	let kernel = match (is_small(window, size), chosen) {
		(true, false) => "fold_small",
		(false, false) => "fold_wide",
		(true, true) => "unpool_small",
		(false, true) => "unpool_wide",
	};
	Ok(operation.for_each_result(kernel, parameters))
}
