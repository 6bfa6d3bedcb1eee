//! What can go wrong.

use crate::DeviceError;
use repops::{
	check::{Reason, Role},
	interpret::RunError,
	tensor::TensorType,
};

/// Why the engine refused, or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
	/// The device is not there, or could not do something.
	#[error(transparent)]
	Device(#[from] DeviceError),
	/// A value is larger than the kernels can number.
	#[error(
		"a value of type {found} has 2^31 elements or more, which the CUDA engine can't number: run this program \
		 with the engine for CPUs"
	)]
	TooLarge {
		/// The value's type.
		found: TensorType,
	},
	/// An operation needs more blocks or memory for its intermediate results than the kernels can number.
	#[error(
		"{operation} on these shapes needs 2^31 blocks or intermediate results, or more, which the CUDA engine \
		 can't number: run this program with the engine for CPUs"
	)]
	TooMuchWork {
		/// The operation.
		operation: String,
	},
	/// An operation moves elements along more axes than the kernels have.
	#[error(
		"{operation} goes along {found} axes that can't be joined, but the CUDA engine has at most {limit}: run \
		 this program with the engine for CPUs"
	)]
	TooManyAxes {
		/// The operation.
		operation: String,
		/// The number of axes.
		found: usize,
		/// The greatest number.
		limit: usize,
	},
	/// An operation does not take these operands.
	#[error("the operation is refused: {0}")]
	Operation(Reason),
	/// The program is of another role than the call needs.
	#[error("this needs a program checked for the role {needed}, but it was checked as {found:?}")]
	Role {
		/// The role that is needed.
		needed: &'static str,
		/// The program's.
		found: Role,
	},
	/// What the program reads was not given, or not as it declares.
	#[error(transparent)]
	Bindings(#[from] RunError),
}

impl From<Reason> for EngineError {
	fn from(reason: Reason) -> Self {
		EngineError::Operation(reason)
	}
}
