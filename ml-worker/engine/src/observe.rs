//! A program one operation after another, for those who must name every value of a run.
//!
//! Nothing is fused, so every value is there as the program defines it. Matrix products, where the work is, are
//! done by the engine's kernel; everything else by the reference kernels.

use crate::{
	buffer::Buffer,
	commit::words,
	kernels::matmul::{multiply, Product, Workspace},
	Engine,
};
use repops::{
	check::{Checked, Reason},
	interpret::{Bindings, RunError},
	kernel,
	program::OperationKind,
	tensor::{Elements, Tensor, TensorType},
};
use std::{borrow::Cow, ops::ControlFlow, sync::Mutex};

/// Shows each operation's index, operands and result until `observe` says to stop. Values that no later
/// operation reads are let go.
pub(crate) fn run_observed(
	engine: &Engine,
	checked: &Checked,
	bindings: &Bindings,
	mut observe: impl FnMut(u32, &[&Tensor], &Tensor) -> ControlFlow<()>,
) -> Result<(), RunError> {
	let program = checked.program();
	let mut values: Vec<Option<Cow<Tensor>>> = Vec::with_capacity(checked.types().len());
	for (input, expected) in program.inputs.iter().zip(checked.types()) {
		let source = input.source;
		let value = bindings.get(source).ok_or(RunError::Missing(source))?;
		if value.kind() != *expected {
			return Err(RunError::Type {
				source,
				expected: expected.clone(),
				found: value.kind(),
			});
		}
		value.check().map_err(|_| RunError::Malformed(source))?;
		values.push(Some(value));
	}
	let kinds = &checked.types()[program.inputs.len()..];
	for (index, (operation, kind)) in program.operations.iter().zip(kinds).enumerate() {
		let refuse = |reason| RunError::Operation {
			index: index as u32,
			reason,
		};
		let operand = |value: &u32| values[*value as usize].as_deref();
		let operands: Option<Vec<&Tensor>> = operation.operands.iter().map(operand).collect();
		let operands = operands.ok_or(refuse(Reason::Unused))?;
		let result = match operation.kind {
			OperationKind::MatMul {
				transpose_left,
				transpose_right,
			} if kind.shape.rank() == 2 => {
				let [left, right] = operands[..] else {
					return Err(refuse(Reason::Malformed));
				};
				let transposed = [transpose_left, transpose_right];
				matrix_product(engine, [left, right], transposed, kind)
			}
			_ => kernel::apply(&operation.kind, &operands).map_err(refuse)?,
		};
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

fn matrix_product(
	engine: &Engine,
	[left, right]: [&Tensor; 2],
	[left_transposed, right_transposed]: [bool; 2],
	kind: &TensorType,
) -> Tensor {
	let (vectors, threads) = (engine.vectors, &engine.threads);
	let inner = left.shape.0[usize::from(!left_transposed)] as usize;
	let product = Product::new(
		[kind.shape.rows(), inner, kind.shape.columns()],
		left_transposed,
		right_transposed,
	);
	let per_worker = |length: usize| -> Vec<Mutex<Buffer>> {
		let buffers = (0..threads.count()).map(|_| Mutex::new(Buffer::zeroed(length)));
		buffers.collect()
	};
	// The product is kept, so no worker needs rows of its own.
	let (rows, left_rows) = (
		per_worker(0),
		per_worker(product.packed_left_length(vectors)),
	);
	let mut packed = Buffer::zeroed(product.packed_length(vectors));
	let length = product.rows * product.columns;
	let mut elements = Buffer::zeroed(length);
	threads.enter(|team| {
		let workspace = Workspace {
			team,
			vectors,
			rows: &rows,
			left: &left_rows,
		};
		multiply(
			workspace,
			&product,
			words(left),
			words(right),
			&mut packed,
			[&mut elements[..length]],
			|_, _, _, _| (),
		);
	});
	Tensor {
		shape: kind.shape.clone(),
		elements: Elements::F32(elements[..length].to_vec()),
	}
}
