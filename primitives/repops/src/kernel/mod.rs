//! The reference kernels: the definition of each operation, in plain scalar code.
//!
//! **Moves and computations.** Operations that only move elements (gather, select, fill, broadcast, reshape,
//! permute, unfold, slice, insert) keep their bits as they are. All others write each NaN as [`crate::number::NAN`].
//!
//! **Order.** Every sum of many terms is split into chunks of [`CHUNK`] terms. Within a chunk a chain of
//! additions (for a matrix product: of fused multiply-adds) in ascending order that starts at +0; then the
//! chunks' results are added in ascending order, `r₀ = p₀`, `r_c = r_{c−1} + p_c`. The exception is the sum
//! over the last axis, whose chunk is [`LANES`] interleaved chains; see [`sum_last`]. A sum over what windows or
//! rows happen to meet in one place (fold, unpool, scatter) has few terms and is one chain. So vectors and threads
//! belong across outputs, never across terms.
//!
//! A matrix product must not be padded along its inner axis: a chain of fused multiply-adds can reach −0 (a
//! tiny negative product rounds to it), and one more `0 · 0` would make that +0. A sum can be: its chains
//! never reach −0.

mod contraction;
mod elementwise;
mod movement;
mod reduction;
mod window;

pub use contraction::{
	matmul, matmul_chunk, matmul_element, matmul_sum, matmul_tile, MatrixView, Stack, TileElements,
};
pub use elementwise::{compare, one_hot};
pub use movement::{broadcast, gather_rows, insert, permute, slice};
pub use reduction::{arg_max, axis_view, maximum, sum_last, sum_last_chunk, sum_strided, AxisView};
pub use window::{fold, scatter_rows, unfold, unpool};

use crate::{
	check::{infer, Reason},
	number,
	program::OperationKind,
	random::{batch_rows, initial_element, Purpose, Seed, Stream},
	tensor::{Elements, Tensor, TensorType},
};
use alloc::{vec, vec::Vec};

/// The terms of a chunk of a long sum.
pub const CHUNK: usize = 256;

/// The interleaved chains of a chunk of a sum over the last axis.
pub const LANES: usize = 16;

/// Does the same with elements of either type.
macro_rules! each_type {
	($tensor:expr, |$elements:ident| $moved:expr) => {
		match &$tensor.elements {
			Elements::F32($elements) => Elements::F32($moved),
			Elements::U32($elements) => Elements::U32($moved),
		}
	};
}

/// The result of an operation. Operands of the wrong number, types or shapes are refused with the reason
/// that [`crate::check::check`] would give; after a check there is none.
pub fn apply(kind: &OperationKind, operands: &[&Tensor]) -> Result<Tensor, Reason> {
	if operands.iter().any(|operand| operand.check().is_err()) {
		return Err(Reason::Malformed);
	}
	let types: Vec<TensorType> = operands.iter().map(|operand| operand.kind()).collect();
	let result = infer(kind, &types.iter().collect::<Vec<_>>())?;
	let elements = compute(kind, operands, &result).ok_or(Reason::Malformed)?;
	Ok(Tensor {
		shape: result.shape,
		elements,
	})
}

/// The elements of the result; nothing if an operand is of the wrong type, which `infer` has excluded.
fn compute(kind: &OperationKind, operands: &[&Tensor], result: &TensorType) -> Option<Elements> {
	let f32s = |operand: usize| operands.get(operand)?.as_f32();
	let u32s = |operand: usize| operands.get(operand)?.as_u32();
	let map = |function: &dyn Fn(f32) -> f32| {
		Some(Elements::F32(
			f32s(0)?.iter().map(|a| function(*a)).collect(),
		))
	};
	let zip = |function: fn(f32, f32) -> f32| {
		Some(Elements::F32(
			f32s(0)?
				.iter()
				.zip(f32s(1)?)
				.map(|(a, b)| function(*a, *b))
				.collect(),
		))
	};
	match kind {
		OperationKind::BatchRows { population, batch } => {
			let seed = Seed::from_words(u32s(0)?.try_into().ok()?);
			let [low, high] = u32s(1)?.try_into().ok()?;
			let position = u64::from(high) << 32 | u64::from(low);
			Some(Elements::U32(
				batch_rows(&seed, position, *batch, *population).collect(),
			))
		}
		OperationKind::GatherRows => {
			let row = operands.first()?.len()
				/ operands.first()?.shape.0.first().copied()?.max(1) as usize;
			let indices = u32s(1)?;
			Some(each_type!(operands.first()?, |table| gather_rows(
				table, row, indices
			)))
		}
		OperationKind::MatMul {
			transpose_left,
			transpose_right,
		} => {
			let left = Stack::new(operands.first()?, *transpose_left)?;
			let right = Stack::new(operands.get(1)?, *transpose_right)?;
			let products = left.count.max(right.count);
			let products = (0..products).flat_map(|at| matmul(&left.matrix(at), &right.matrix(at)));
			Some(Elements::F32(products.collect()))
		}
		OperationKind::MatMulSum {
			transpose_left,
			transpose_right,
		} => {
			let left = Stack::new(operands.first()?, *transpose_left)?;
			let right = Stack::new(operands.get(1)?, *transpose_right)?;
			Some(Elements::F32(matmul_sum(&left, &right)))
		}
		OperationKind::Add => zip(number::add),
		OperationKind::Subtract => zip(number::sub),
		OperationKind::Multiply => zip(number::mul),
		OperationKind::Divide => zip(number::div),
		OperationKind::AddScalar(constant) => {
			let constant = (*constant).into();
			map(&|a| number::add(a, constant))
		}
		OperationKind::MultiplyScalar(constant) => {
			let constant = (*constant).into();
			map(&|a| number::mul(a, constant))
		}
		OperationKind::Reciprocal => map(&|a| number::div(1.0, a)),
		OperationKind::Exp => map(&number::exp),
		OperationKind::Log => map(&number::log),
		OperationKind::Sqrt => map(&number::sqrt),
		OperationKind::Tanh => map(&number::tanh),
		OperationKind::Erf => map(&number::erf),
		OperationKind::ToInteger => {
			Some(Elements::U32(f32s(0)?.iter().map(|a| *a as u32).collect()))
		}
		OperationKind::ToNumber => {
			Some(Elements::F32(u32s(0)?.iter().map(|a| *a as f32).collect()))
		}
		OperationKind::Compare(relation) => {
			Some(Elements::U32(match &operands.first()?.elements {
				Elements::F32(left) => left
					.iter()
					.zip(f32s(1)?)
					.map(|(a, b)| u32::from(compare(*relation, a, b)))
					.collect(),
				Elements::U32(left) => left
					.iter()
					.zip(u32s(1)?)
					.map(|(a, b)| u32::from(compare(*relation, a, b)))
					.collect(),
			}))
		}
		OperationKind::CompareScalar(relation, constant) => {
			let constant = f32::from(*constant);
			Some(Elements::U32(
				f32s(0)?
					.iter()
					.map(|a| u32::from(compare(*relation, a, &constant)))
					.collect(),
			))
		}
		OperationKind::Select => {
			let mask = u32s(0)?;
			Some(match &operands.get(1)?.elements {
				Elements::F32(a) => Elements::F32(select(mask, a, f32s(2)?)),
				Elements::U32(a) => Elements::U32(select(mask, a, u32s(2)?)),
			})
		}
		OperationKind::Fill(constant) => {
			let constant = (*constant).into();
			let filled = u32s(0)?
				.iter()
				.zip(f32s(1)?)
				.map(|(mask, a)| if *mask != 0 { constant } else { *a });
			Some(Elements::F32(filled.collect()))
		}
		OperationKind::Sum { axis } => {
			let view = axis_view(&operands.first()?.shape, *axis)?;
			Some(Elements::F32(reduction::sum(f32s(0)?, &view)))
		}
		OperationKind::Max { axis } => {
			let view = axis_view(&operands.first()?.shape, *axis)?;
			Some(Elements::F32(reduction::max(f32s(0)?, &view)))
		}
		OperationKind::ArgMax { axis } => {
			let view = axis_view(&operands.first()?.shape, *axis)?;
			Some(Elements::U32(reduction::arg_max_along(f32s(0)?, &view)))
		}
		OperationKind::Broadcast { .. } => {
			let from = &operands.first()?.shape;
			Some(each_type!(operands.first()?, |elements| broadcast(
				elements,
				from,
				&result.shape
			)))
		}
		OperationKind::OneHot { classes } => Some(Elements::F32(one_hot(u32s(0)?, *classes))),
		OperationKind::CountNonzero => {
			let count = u32s(0)?.iter().fold(0u32, |count, mask| {
				count.wrapping_add(u32::from(*mask != 0))
			});
			Some(Elements::U32(vec![count]))
		}
		OperationKind::Reshape { .. } => Some(operands.first()?.elements.clone()),
		OperationKind::Permute { axes } => {
			let from = &operands.first()?.shape;
			Some(each_type!(operands.first()?, |elements| permute(
				elements, from, axes
			)))
		}
		OperationKind::Slice { starts, shape } => {
			let from = &operands.first()?.shape;
			Some(each_type!(operands.first()?, |elements| slice(
				elements, from, starts, shape
			)))
		}
		OperationKind::Insert { starts } => {
			let (whole, of) = (&operands.first()?.shape, &operands.get(1)?.shape);
			Some(match &operands.first()?.elements {
				Elements::F32(a) => Elements::F32(insert(a, whole, starts, f32s(1)?, of)),
				Elements::U32(a) => Elements::U32(insert(a, whole, starts, u32s(1)?, of)),
			})
		}
		OperationKind::Unfold { window, fill } => {
			let shape = &operands.first()?.shape;
			Some(Elements::F32(unfold(
				f32s(0)?,
				shape,
				window,
				(*fill).into(),
			)?))
		}
		OperationKind::Fold { window, .. } => {
			Some(Elements::F32(fold(f32s(0)?, &result.shape, window)?))
		}
		OperationKind::Unpool { window, .. } => Some(Elements::F32(unpool(
			f32s(0)?,
			u32s(1)?,
			&result.shape,
			window,
		)?)),
		OperationKind::ScatterRows { rows } => {
			let row = operands.first()?.len() / u32s(1)?.len().max(1);
			Some(Elements::F32(scatter_rows(f32s(0)?, row, u32s(1)?, *rows)))
		}
		OperationKind::Random {
			stream,
			distribution,
			..
		} => {
			let stream = noise(u32s(0)?, u32s(1)?, *stream)?;
			let elements =
				(0..result.shape.elements()?).map(|at| initial_element(*distribution, &stream, at));
			Some(Elements::F32(elements.collect()))
		}
		OperationKind::Iota { axis, .. } => {
			let AxisView { length, inner, .. } = axis_view(&result.shape, *axis)?;
			let elements = 0..usize::try_from(result.shape.elements()?).ok()?;
			let elements = elements.map(|at| (at / inner % length) as f32);
			Some(Elements::F32(elements.collect()))
		}
		OperationKind::Constant { value, .. } => {
			let count = usize::try_from(result.shape.elements()?).ok()?;
			Some(Elements::F32(vec![(*value).into(); count]))
		}
	}
}

/// The stream of a step's random tensor, from the seed's words and the position's.
pub fn noise(seed: &[u32], position: &[u32], stream: u32) -> Option<Stream> {
	let seed = Seed::from_words(seed.try_into().ok()?);
	let [low, high] = position.try_into().ok()?;
	let position = u64::from(high) << 32 | u64::from(low);
	Some(Stream::new(&seed, Purpose::Noise { position, stream }))
}

fn select<T: Copy>(mask: &[u32], a: &[T], b: &[T]) -> Vec<T> {
	let pairs = mask.iter().zip(a.iter().zip(b));
	pairs
		.map(|(mask, (a, b))| if *mask != 0 { *a } else { *b })
		.collect()
}
