//! The type and the cost of an operation's result.

use super::Reason;
use crate::{
	number,
	program::{Bits, OperationKind},
	tensor::{DType, TensorType},
};

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
			let (m, left_inner) = matrix(left, 0, *transpose_left)?;
			let (right_inner, n) = matrix(right, 1, *transpose_right)?;
			if left_inner != right_inner {
				return Err(Reason::InnerLengths {
					left: left_inner,
					right: right_inner,
				});
			}
			Ok(TensorType::f32([m, n]))
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
		| OperationKind::Tanh => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, F32)?;
			Ok(a.clone())
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
			expect_dtype(a, 1, F32)?;
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
			let mut shape = a.shape.clone();
			*shape
				.0
				.get_mut(usize::from(*axis))
				.ok_or(Reason::NoSuchAxis { axis: *axis })? = 1;
			Ok(TensorType { dtype: F32, shape })
		}
		OperationKind::ArgMax => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, F32)?;
			let mut shape = a.shape.clone();
			*shape.0.last_mut().ok_or(Reason::Rank { found: 0 })? = 1;
			Ok(TensorType { dtype: U32, shape })
		}
		OperationKind::Broadcast { shape } => {
			let [a] = take(operands)?;
			expect_dtype(a, 0, F32)?;
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
				dtype: F32,
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
		OperationKind::Transpose => {
			let [a] = take(operands)?;
			let [rows, columns] = a.shape.0[..] else {
				return Err(Reason::OperandRank {
					operand: 0,
					expected: 2,
					found: a.shape.rank() as u32,
				});
			};
			Ok(TensorType {
				dtype: a.dtype,
				shape: [columns, rows].into(),
			})
		}
		OperationKind::Constant { shape, value } => {
			let [] = take(operands)?;
			expect_canonical(*value)?;
			Ok(TensorType {
				dtype: F32,
				shape: shape.clone(),
			})
		}
	}
}

/// The cost of an operation in multiply-adds; operands and result as [`infer`] accepted them. Nothing where
/// it exceeds a `u64`.
///
/// A matrix product counts m·n·k; a sum, maximum or count one for each element that it reads; all others by
/// the elements of their result: 4 for a division or square root, 16 for an exponential or logarithm, 24
/// for tanh, 64 for a row of a batch, nothing for a reshape, else 1.
pub fn cost(kind: &OperationKind, operands: &[&TensorType], result: &TensorType) -> Option<u64> {
	let read = || {
		operands
			.first()
			.map_or(Some(0), |operand| operand.shape.elements())
	};
	let written = result.shape.elements();
	match kind {
		OperationKind::MatMul { transpose_left, .. } => {
			let inner = operands
				.first()?
				.shape
				.0
				.get(usize::from(!transpose_left))?;
			written?.checked_mul(u64::from(*inner))
		}
		OperationKind::Sum { .. }
		| OperationKind::Max { .. }
		| OperationKind::ArgMax
		| OperationKind::CountNonzero => read(),
		OperationKind::Divide | OperationKind::Reciprocal | OperationKind::Sqrt => {
			written?.checked_mul(4)
		}
		OperationKind::Exp | OperationKind::Log => written?.checked_mul(16),
		OperationKind::Tanh => written?.checked_mul(24),
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
		| OperationKind::Transpose
		| OperationKind::Constant { .. } => written,
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

fn expect_same(left: &TensorType, right: &TensorType) -> Result<(), Reason> {
	if left != right {
		return Err(Reason::OperandsDiffer {
			left: left.clone(),
			right: right.clone(),
		});
	}
	Ok(())
}

fn expect_shape(left: &TensorType, right: &TensorType) -> Result<(), Reason> {
	if left.shape != right.shape {
		return Err(Reason::OperandsDiffer {
			left: left.clone(),
			right: right.clone(),
		});
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

/// Rows and columns of an `F32` matrix, after it has been transposed if so marked.
fn matrix(found: &TensorType, operand: u32, transposed: bool) -> Result<(u32, u32), Reason> {
	expect_dtype(found, operand, DType::F32)?;
	match found.shape.0[..] {
		[rows, columns] if transposed => Ok((columns, rows)),
		[rows, columns] => Ok((rows, columns)),
		_ => Err(Reason::OperandRank {
			operand,
			expected: 2,
			found: found.shape.rank() as u32,
		}),
	}
}
