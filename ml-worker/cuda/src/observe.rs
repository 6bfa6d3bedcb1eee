//! Runs that show every value.

use crate::{Compiled, EngineError};
use repops::{
	interpret::{Bindings, RunError},
	tensor::Tensor,
};
use std::{borrow::Cow, ops::ControlFlow};

/// See [`Compiled::run_observed`].
pub(crate) fn run_observed(
	compiled: &Compiled,
	bindings: &Bindings,
	mut observe: impl FnMut(u32, &[&Tensor], &Tensor) -> ControlFlow<()>,
) -> Result<(), EngineError> {
	let checked = compiled.checked();
	let program = checked.program();
	let mut values: Vec<Option<Cow<Tensor>>> = Vec::with_capacity(checked.types().len());
	for (input, expected) in program.inputs.iter().zip(checked.types()) {
		let source = input.source;
		let value = bindings.get(source).ok_or(RunError::Missing(source))?;
		if value.kind() != *expected {
			let (expected, found) = (expected.clone(), value.kind());
			return Err(EngineError::Bindings(RunError::Type {
				source,
				expected,
				found,
			}));
		}
		value.check().map_err(|_| RunError::Malformed(source))?;
		values.push(Some(value));
	}
	for (index, operation) in program.operations.iter().enumerate() {
		let operands: Vec<&Tensor> = operation
			.operands
			.iter()
			.filter_map(|value| values[*value as usize].as_deref())
			.collect();
		let result = compiled.engine.apply(&operation.kind, &operands)?;
		if observe(index as u32, &operands, &result).is_break() {
			return Ok(());
		}
		for value in &operation.operands {
			let value = *value as usize;
			if checked.last_uses()[value] == index {
				values[value] = None;
			}
		}
		values.push(Some(Cow::Owned(result)));
	}
	Ok(())
}
