//! The type and the cost of an operation's result.

use super::{check_initialiser, Reason};
use crate::{
	number,
	program::{Bits, OperationKind, Window},
	tensor::{DType, Shape, TensorType},
};
use alloc::vec::Vec;

/// The type of the operation's result on operands of these types; no axis has length 0. It may still be too
/// large: the caller checks it against its limits.
pub fn infer(kind: &OperationKind, operands: &[&TensorType]) -> Result<TensorType, Reason> {
	let empty = |found: &TensorType| found.shape.0.contains(&0);
	if operands.iter().any(|operand| empty(operand)) {
		return Err(Reason::EmptyAxis);
	}
	match infer_unbounded(kind, operands)? {
		result if empty(&result) => Err(Reason::EmptyAxis),
		result => Ok(result),
	}
}

fn infer_unbounded(kind: &OperationKind, operands: &[&TensorType]) -> Result<TensorType, Reason> {
	use DType::{F32, U32};
	match kind {
		OperationKind::BatchRows { population, batch } => {
			let [seed, position] = take(operands)?;
			expect_type(seed, TensorType::u32([8]))?;
			expect_type(position, TensorType::u32([2]))?;
			nonzero(*population)?;
			nonzero(*batch)?;
			Ok(TensorType::u32([*batch]))
		}
		OperationKind::GatherRows => {
			let [table, indices] = take(operands)?;
			expect_dtype(indices, 1, U32)?;
			let count = list(indices, 1)?;
			let mut shape = table.shape.clone();
			*shape.0.first_mut().ok_or(Reason::Rank { found: 0 })? = count;
			Ok(TensorType {
				dtype: table.dtype,
				shape,
			})
		}
		OperationKind::MatMul {
			transpose_left,
			transpose_right,
		} => {
			let [left, right] = take(operands)?;
			let ([m, n], stacks) = product(left, *transpose_left, right, *transpose_right)?;
			let stack = match (stacks[0], stacks[1]) {
				([], stack) | (stack, []) => stack,
				(one, other) if one == other => one,
				_ => return Err(differ(left, right)),
			};
			Ok(TensorType::f32([stack, &[m, n]].concat()))
		}
		OperationKind::MatMulSum {
			transpose_left,
			transpose_right,
		} => {
			let [left, right] = take(operands)?;
			let (result, stacks) = product(left, *transpose_left, right, *transpose_right)?;
			if stacks[0] != stacks[1] {
				return Err(differ(left, right));
			}
			Ok(TensorType::f32(result))
		}
		OperationKind::Add
		| OperationKind::Subtract
		| OperationKind::Multiply
		| OperationKind::Divide => {
			let [left, right] = take(operands)?;
			expect_dtype(left, 0, F32)?;
			expect_same(left, right)?;
			Ok(left.clone())
		}
		OperationKind::AddScalar(constant) | OperationKind::MultiplyScalar(constant) => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, F32)?;
			expect_canonical(*constant)?;
			Ok(a.clone())
		}
		OperationKind::Reciprocal
		| OperationKind::Exp
		| OperationKind::Log
		| OperationKind::Sqrt
		| OperationKind::Tanh
		| OperationKind::Erf => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, F32)?;
			Ok(a.clone())
		}
		OperationKind::ToInteger => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, F32)?;
			Ok(TensorType::u32(a.shape.clone()))
		}
		OperationKind::ToNumber => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, U32)?;
			Ok(TensorType::f32(a.shape.clone()))
		}
		OperationKind::Compare(_) => {
			let [left, right] = take(operands)?;
			expect_same(left, right)?;
			Ok(TensorType {
				dtype: U32,
				shape: left.shape.clone(),
			})
		}
		OperationKind::CompareScalar(_, constant) => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, F32)?;
			expect_canonical(*constant)?;
			Ok(TensorType {
				dtype: U32,
				shape: a.shape.clone(),
			})
		}
		OperationKind::Select => {
			let [mask, a, b] = take(operands)?;
			expect_dtype(mask, 0, U32)?;
			expect_same(a, b)?;
			expect_shape(mask, a)?;
			Ok(a.clone())
		}
		OperationKind::Fill(constant) => {
			let [mask, a] = take(operands)?;
			expect_dtype(mask, 0, U32)?;
			expect_dtype(a, 1, F32)?;
			expect_shape(mask, a)?;
			expect_canonical(*constant)?;
			Ok(a.clone())
		}
		OperationKind::Sum { axis } | OperationKind::Max { axis } => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, F32)?;
			Ok(TensorType::f32(reduced(a, *axis)?))
		}
		OperationKind::ArgMax { axis } => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, F32)?;
			Ok(TensorType::u32(reduced(a, *axis)?))
		}
		OperationKind::Broadcast { shape } => {
			let [a] = take(operands)?;
			let fits = a
				.shape
				.0
				.iter()
				.zip(&shape.0)
				.all(|(from, to)| from == to || *from == 1);
			if a.shape.rank() != shape.rank() || !fits {
				return Err(Reason::ShapeNotReachable { from: a.clone() });
			}
			Ok(TensorType {
				dtype: a.dtype,
				shape: shape.clone(),
			})
		}
		OperationKind::OneHot { classes } => {
			let [labels] = take(operands)?;
			expect_dtype(labels, 0, U32)?;
			nonzero(*classes)?;
			Ok(TensorType::f32([list(labels, 0)?, *classes]))
		}
		OperationKind::CountNonzero => {
			let [mask] = take(operands)?;
			expect_dtype(mask, 0, U32)?;
			Ok(TensorType::u32([1]))
		}
		OperationKind::Reshape { shape } => {
			let [a] = take(operands)?;
			if shape.elements().is_none() || shape.elements() != a.shape.elements() {
				return Err(Reason::ShapeNotReachable { from: a.clone() });
			}
			Ok(TensorType {
				dtype: a.dtype,
				shape: shape.clone(),
			})
		}
		OperationKind::Permute { axes } => {
			let [a] = take(operands)?;
			Ok(TensorType {
				dtype: a.dtype,
				shape: permuted(a, axes)?,
			})
		}
		OperationKind::Constant { shape, value } => {
			let [] = take(operands)?;
			expect_canonical(*value)?;
			Ok(TensorType::f32(shape.clone()))
		}
		OperationKind::Iota { shape, axis } => {
			let [] = take(operands)?;
			if usize::from(*axis) >= shape.rank() {
				return Err(Reason::NoSuchAxis { axis: *axis });
			}
			Ok(TensorType::f32(shape.clone()))
		}
		OperationKind::Random {
			shape,
			distribution,
			..
		} => {
			let [seed, position] = take(operands)?;
			expect_type(seed, TensorType::u32([8]))?;
			expect_type(position, TensorType::u32([2]))?;
			check_initialiser(*distribution)?;
			Ok(TensorType::f32(shape.clone()))
		}
		OperationKind::Unfold { .. }
		| OperationKind::Fold { .. }
		| OperationKind::Unpool { .. } => infer_windows(kind, operands),
		OperationKind::Slice { starts, shape } => {
			let [whole] = take(operands)?;
			expect_part(whole, starts, shape)?;
			Ok(TensorType {
				dtype: whole.dtype,
				shape: shape.clone(),
			})
		}
		OperationKind::Insert { starts } => {
			let [whole, part] = take(operands)?;
			expect_dtype(part, 1, whole.dtype)?;
			expect_part(whole, starts, &part.shape)?;
			Ok(whole.clone())
		}
		OperationKind::ScatterRows { rows } => {
			let [a, indices] = take(operands)?;
			expect_dtype(a, 0, F32)?;
			expect_dtype(indices, 1, U32)?;
			nonzero(*rows)?;
			let count = list(indices, 1)?;
			let mut shape = a.shape.clone();
			let own = shape.0.first_mut().ok_or(Reason::Rank { found: 0 })?;
			if *own != count {
				return Err(differ(a, indices));
			}
			*own = *rows;
			Ok(TensorType::f32(shape))
		}
	}
}

/// The operations with a window over pictures.
fn infer_windows(kind: &OperationKind, operands: &[&TensorType]) -> Result<TensorType, Reason> {
	let count = |window: &Window, size: [u32; 2]| {
		let positions = window.positions();
		let windows = window.window_count(size);
		positions.zip(windows).ok_or(Reason::NoWindow { size })
	};
	match kind {
		OperationKind::Unfold { window, fill } => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, DType::F32)?;
			expect_canonical(*fill)?;
			let [pictures, channels, height, width] = pictures(a, 0)?;
			let (positions, windows) = count(window, [height, width])?;
			Ok(TensorType::f32([pictures, channels, positions, windows]))
		}
		OperationKind::Fold { window, size } => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, DType::F32)?;
			let [number, channels, ..] = pictures(a, 0)?;
			let (positions, windows) = count(window, *size)?;
			expect_type(a, TensorType::f32([number, channels, positions, windows]))?;
			Ok(TensorType::f32([number, channels, size[0], size[1]]))
		}
		OperationKind::Unpool { window, size } => {
			let [a, chosen] = take(operands)?;
			expect_dtype(a, 0, DType::F32)?;
			let [number, channels, ..] = pictures(a, 0)?;
			let (_, windows) = count(window, *size)?;
			expect_type(a, TensorType::f32([number, channels, 1, windows]))?;
			expect_type(chosen, TensorType::u32([number, channels, 1, windows]))?;
			Ok(TensorType::f32([number, channels, size[0], size[1]]))
		}
		_ => Err(Reason::OperandCount {
			expected: 0,
			found: operands.len() as u32,
		}),
	}
}

/// The cost of an operation in multiply-adds; operands and result as [`infer`] accepted them. Nothing where
/// it exceeds a `u64`.
///
/// A matrix product counts m·n·k for each of its stack; a sum, maximum or count one for each element that it reads,
/// and a fold, unpooling or scattering of rows one more for each that it writes; all others by the elements of their
/// result: 4 for a division or square root, 16 for an exponential or logarithm, 24 for tanh and the error
/// function, 32 for a random number, 64 for a row of a batch, nothing for a reshape, else 1.
pub fn cost(kind: &OperationKind, operands: &[&TensorType], result: &TensorType) -> Option<u64> {
	let read = || {
		operands
			.first()
			.map_or(Some(0), |operand| operand.shape.elements())
	};
	let written = result.shape.elements();
	match kind {
		OperationKind::MatMul { transpose_left, .. } => {
			let (inner, _) = inner_length(operands.first()?, *transpose_left)?;
			written?.checked_mul(u64::from(inner))
		}
		OperationKind::MatMulSum { transpose_left, .. } => {
			let (inner, stack) = inner_length(operands.first()?, *transpose_left)?;
			let stack = stack.iter().try_fold(1u64, |product, length| {
				product.checked_mul(u64::from(*length))
			})?;
			written?.checked_mul(u64::from(inner))?.checked_mul(stack)
		}
		OperationKind::Sum { .. }
		| OperationKind::Max { .. }
		| OperationKind::ArgMax { .. }
		| OperationKind::CountNonzero => read(),
		OperationKind::Fold { .. }
		| OperationKind::Unpool { .. }
		| OperationKind::ScatterRows { .. } => read()?.checked_add(written?),
		OperationKind::Divide | OperationKind::Reciprocal | OperationKind::Sqrt => {
			written?.checked_mul(4)
		}
		OperationKind::Exp | OperationKind::Log => written?.checked_mul(16),
		OperationKind::Tanh | OperationKind::Erf => written?.checked_mul(24),
		OperationKind::Random { .. } => written?.checked_mul(32),
		OperationKind::BatchRows { .. } => written?.checked_mul(64),
		OperationKind::Reshape { .. } => Some(0),
		OperationKind::GatherRows
		| OperationKind::Add
		| OperationKind::Subtract
		| OperationKind::Multiply
		| OperationKind::AddScalar(_)
		| OperationKind::MultiplyScalar(_)
		| OperationKind::Compare(_)
		| OperationKind::CompareScalar(..)
		| OperationKind::Select
		| OperationKind::Fill(_)
		| OperationKind::Broadcast { .. }
		| OperationKind::OneHot { .. }
		| OperationKind::Permute { .. }
		| OperationKind::Constant { .. }
		| OperationKind::Unfold { .. }
		| OperationKind::Slice { .. }
		| OperationKind::Insert { .. }
		| OperationKind::Iota { .. }
		| OperationKind::ToInteger
		| OperationKind::ToNumber => written,
	}
}

/// Whether the constant is a number or the one NaN.
pub(crate) fn expect_canonical(constant: Bits) -> Result<(), Reason> {
	let number = f32::from(constant);
	if number.is_nan() && constant.0 != number::NAN.to_bits() {
		return Err(Reason::ForeignNan);
	}
	Ok(())
}

fn take<'a, const N: usize>(operands: &[&'a TensorType]) -> Result<[&'a TensorType; N], Reason> {
	operands.try_into().map_err(|_| Reason::OperandCount {
		expected: N as u32,
		found: operands.len() as u32,
	})
}

fn nonzero(attribute: u32) -> Result<(), Reason> {
	if attribute == 0 {
		return Err(Reason::ZeroAttribute);
	}
	Ok(())
}

fn expect_type(found: &TensorType, expected: TensorType) -> Result<(), Reason> {
	if *found != expected {
		return Err(Reason::Type {
			expected,
			found: found.clone(),
		});
	}
	Ok(())
}

fn expect_dtype(found: &TensorType, operand: u32, expected: DType) -> Result<(), Reason> {
	if found.dtype != expected {
		return Err(Reason::ElementType { operand, expected });
	}
	Ok(())
}

fn differ(left: &TensorType, right: &TensorType) -> Reason {
	Reason::OperandsDiffer {
		left: left.clone(),
		right: right.clone(),
	}
}

fn expect_same(left: &TensorType, right: &TensorType) -> Result<(), Reason> {
	if left != right {
		return Err(differ(left, right));
	}
	Ok(())
}

fn expect_shape(left: &TensorType, right: &TensorType) -> Result<(), Reason> {
	if left.shape != right.shape {
		return Err(differ(left, right));
	}
	Ok(())
}

/// The length of an operand that has a single axis.
fn list(found: &TensorType, operand: u32) -> Result<u32, Reason> {
	match found.shape.0[..] {
		[length] => Ok(length),
		_ => Err(Reason::OperandRank {
			operand,
			expected: 1,
			found: found.shape.rank() as u32,
		}),
	}
}

/// The shape with this axis of length 1.
fn reduced(found: &TensorType, axis: u8) -> Result<Shape, Reason> {
	let mut shape = found.shape.clone();
	let length = shape.0.get_mut(usize::from(axis));
	*length.ok_or(Reason::NoSuchAxis { axis })? = 1;
	Ok(shape)
}

/// The shape with its axes in this order.
fn permuted(found: &TensorType, axes: &[u8]) -> Result<Shape, Reason> {
	let of = &found.shape;
	let mut seen = alloc::vec![false; of.rank()];
	let mut shape = Vec::with_capacity(of.rank());
	for axis in axes.iter().map(|axis| usize::from(*axis)) {
		let (Some(length), Some(seen)) = (of.0.get(axis), seen.get_mut(axis)) else {
			return Err(Reason::AxisOrder);
		};
		if core::mem::replace(seen, true) {
			return Err(Reason::AxisOrder);
		}
		shape.push(*length);
	}
	if shape.len() != of.rank() {
		return Err(Reason::AxisOrder);
	}
	Ok(Shape(shape))
}

/// Whether a part of this shape lies within the whole from these indices on.
fn expect_part(whole: &TensorType, starts: &[u32], part: &Shape) -> Result<(), Reason> {
	let axes = starts.iter().zip(&part.0).zip(&whole.shape.0);
	let within = |((start, length), whole): ((&u32, &u32), &u32)| {
		start.checked_add(*length).is_some_and(|end| end <= *whole)
	};
	let rank = whole.shape.rank();
	let fits = axes.into_iter().all(within);
	if starts.len() != rank || part.rank() != rank || !fits {
		return Err(Reason::NoSuchPart {
			whole: whole.clone(),
		});
	}
	Ok(())
}

/// Number, channels, height and width of pictures.
fn pictures(found: &TensorType, operand: u32) -> Result<[u32; 4], Reason> {
	found.shape.0[..]
		.try_into()
		.map_err(|_| Reason::OperandRank {
			operand,
			expected: 4,
			found: found.shape.rank() as u32,
		})
}

/// Of a matrix product's left operand the inner length and the axes of the stack.
fn inner_length(left: &TensorType, transposed: bool) -> Option<(u32, &[u32])> {
	let (stack, matrix) = left.shape.0.split_last_chunk::<2>()?;
	let [rows, columns] = *matrix;
	Some((if transposed { rows } else { columns }, stack))
}

/// Of two matrices, or stacks of them, that can be multiplied: the rows and columns of the product, and the axes of
/// both stacks.
fn product<'a>(
	left: &'a TensorType,
	transpose_left: bool,
	right: &'a TensorType,
	transpose_right: bool,
) -> Result<([u32; 2], [&'a [u32]; 2]), Reason> {
	let (left_stack, m, left_inner) = matrices(left, 0, transpose_left)?;
	let (right_stack, right_inner, n) = matrices(right, 1, transpose_right)?;
	if left_inner != right_inner {
		return Err(Reason::InnerLengths {
			left: left_inner,
			right: right_inner,
		});
	}
	Ok(([m, n], [left_stack, right_stack]))
}

/// The axes of a stack of `F32` matrices, and rows and columns of each, after they have been transposed if so marked.
fn matrices(
	found: &TensorType,
	operand: u32,
	transposed: bool,
) -> Result<(&[u32], u32, u32), Reason> {
	expect_dtype(found, operand, DType::F32)?;
	match found.shape.0[..] {
		[ref stack @ .., rows, columns] if transposed => Ok((stack, columns, rows)),
		[ref stack @ .., rows, columns] => Ok((stack, rows, columns)),
		_ => Err(Reason::OperandRank {
			operand,
			expected: 2,
			found: found.shape.rank() as u32,
		}),
	}
}
