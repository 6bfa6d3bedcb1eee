//! A program one operation after another, for those who must name every value of a run.
//!
//! Nothing is fused, so every value is there as the program defines it. Matrix products, where the work is, are
//! done by the engine's kernel; everything else by the reference kernels.

use crate::{
	buffer::Buffer,
	commit::words,
	kernels::{
		matmul::{multiply, Product, Workspace},
		stack::{multiply_stack, sum_stack, Matrices, Scratch, StackProduct, StackSum},
	},
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
		let result = match (&operation.kind, &operands[..]) {
			(
				OperationKind::MatMul {
					transpose_left,
					transpose_right,
				},
				[left, right],
			) => {
				let transposed = [*transpose_left, *transpose_right];
				products(engine, [left, right], transposed, kind)
			}
			(
				OperationKind::MatMulSum {
					transpose_left,
					transpose_right,
				},
				[left, right],
			) => {
				let transposed = [*transpose_left, *transpose_right];
				sum_of_products(engine, [left, right], transposed, kind)
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

/// The number of matrices in an operand, whether it is a single one, and rows and columns of each as they are stored.
fn matrices(operand: &Tensor) -> (usize, Matrices, [usize; 2]) {
	let (stack, matrix) = operand
		.shape
		.0
		.split_last_chunk::<2>()
		.expect("the check saw that it is a matrix; qed");
	let count = stack.iter().map(|length| *length as usize).product();
	let matrices = if stack.is_empty() {
		Matrices::Single
	} else {
		Matrices::Each
	};
	(count, matrices, matrix.map(|length| length as usize))
}

/// The outer and the inner length of an operand, whose inner axis is the second one that is stored unless it is turned.
fn lengths([first, second]: [usize; 2], is_turned: bool) -> [usize; 2] {
	if is_turned {
		[second, first]
	} else {
		[first, second]
	}
}

/// Calls `work` with memory of the lengths that it needs for each worker: packed rows of a left matrix, rows of a
/// product, and what products of stacks take.
fn with_memory<R>(
	engine: &Engine,
	[left, rows, own]: [usize; 3],
	work: impl FnOnce(Scratch) -> R,
) -> R {
	let threads = &engine.threads;
	let per_worker = |length: usize| -> Vec<Mutex<Buffer>> {
		let buffers = (0..threads.count()).map(|_| Mutex::new(Buffer::zeroed(length)));
		buffers.collect()
	};
	let [left, rows, own] = [left, rows, own].map(per_worker);
	threads.enter(|team| {
		work(Scratch {
			workspace: Workspace {
				team,
				vectors: engine.vectors,
				rows: &rows,
				left: &left,
			},
			own: &own,
		})
	})
}

fn tensor(kind: &TensorType, elements: &[f32]) -> Tensor {
	Tensor {
		shape: kind.shape.clone(),
		elements: Elements::F32(elements.to_vec()),
	}
}

fn products(
	engine: &Engine,
	[left, right]: [&Tensor; 2],
	[left_transposed, right_transposed]: [bool; 2],
	kind: &TensorType,
) -> Tensor {
	let vectors = engine.vectors;
	let (left_count, left_matrices, left_size) = matrices(left);
	let (right_count, right_matrices, right_size) = matrices(right);
	let [rows, inner] = lengths(left_size, left_transposed);
	let [columns, _] = lengths(right_size, !right_transposed);
	let product = Product::new([rows, inner, columns], left_transposed, right_transposed);
	let stack = StackProduct {
		product,
		count: left_count.max(right_count),
		left: left_matrices,
		right: right_matrices,
		folded: None,
	};
	let length = stack.count * rows * columns;
	let mut elements = Buffer::zeroed(length);
	let operands = [words(left), words(right)];
	if stack.count == 1 {
		// The threads share a single product.
		let mut packed = Buffer::zeroed(product.packed_length(vectors));
		let memory = [product.packed_left_length(vectors), 0, 0];
		with_memory(engine, memory, |scratch| {
			let [left, right] = operands;
			let outputs = [&mut elements[..length]];
			let nothing = |_: usize, _: usize, _: &[f32], _: [&mut [f32]; 1]| ();
			multiply(
				scratch.workspace,
				&product,
				left,
				right,
				&mut packed,
				outputs,
				nothing,
			);
		});
		return tensor(kind, &elements[..length]);
	}
	let memory = [
		stack.packed_left_length(vectors),
		stack.row_block_length(vectors),
		stack.scratch_length(vectors),
	];
	with_memory(engine, memory, |scratch| {
		let outputs = [&mut elements[..length]];
		multiply_stack(scratch, &stack, operands, outputs, |_, _, _, _| ());
	});
	tensor(kind, &elements[..length])
}

fn sum_of_products(
	engine: &Engine,
	[left, right]: [&Tensor; 2],
	[left_transposed, right_transposed]: [bool; 2],
	kind: &TensorType,
) -> Tensor {
	let (count, _, left_size) = matrices(left);
	let (_, _, right_size) = matrices(right);
	let [rows, inner] = lengths(left_size, left_transposed);
	let [columns, _] = lengths(right_size, !right_transposed);
	let stack = StackSum {
		rows,
		inner,
		columns,
		count,
		left: Matrices::Each,
		left_transposed,
		right: Matrices::Each,
		right_transposed,
	};
	let mut turned = Buffer::zeroed(stack.turned_length());
	let mut elements = Buffer::zeroed(rows * columns);
	let memory = [0, 0, stack.scratch_length(engine.vectors)];
	with_memory(engine, memory, |scratch| {
		let turned = &mut turned[..stack.turned_length()];
		let operands = [words(left), words(right)];
		sum_stack(
			scratch,
			&stack,
			operands,
			turned,
			&mut elements[..rows * columns],
		);
	});
	tensor(kind, &elements[..rows * columns])
}
