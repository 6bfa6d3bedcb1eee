//! What can go wrong between a module and its program.

use crate::spec::Layer;
use repops::check::{ProgramError, Reason};

/// Why a module could not be made into a program. Each says what was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
	/// The module uses an operation that programs don't have.
	#[error(
		"operation {index} of the recording, {operation} {place}, on {shapes}, is not among the operations \
		 of step programs{reason}; change the module so that it does without"
	)]
	UnsupportedOperation {
		/// Its number among all operations that Burn recorded.
		index: usize,
		/// Its name in Burn.
		operation: String,
		/// Where in the module it stands, by the parameter that was used last.
		place: String,
		/// The shapes of its operands and results.
		shapes: String,
		/// What exactly isn't supported, if the operation's kind alone doesn't tell.
		reason: String,
	},
	/// What the module's operation became breaks a rule of programs, for instance a bound on sizes.
	#[error(
		"operation {index} of the recording, {operation} {place}, on {shapes}, can't be part of a program: {reason}"
	)]
	OperationOutOfBounds {
		/// Its number among all operations that Burn recorded.
		index: usize,
		/// Its name in Burn.
		operation: String,
		/// Where in the module it stands, by the parameter that was used last.
		place: String,
		/// The shapes of its operands and results.
		shapes: String,
		/// The rule.
		reason: Box<Reason>,
	},
	/// The module read the value of a tensor while it was recorded.
	#[error(
		"after {index} recorded operations the module read the values of a tensor of shape {shape}; \
		 a program is the same for all values, so nothing may depend on them"
	)]
	ValueRead {
		/// How many operations had been recorded.
		index: usize,
		/// The tensor's shape.
		shape: String,
	},
	/// Burn or the module panicked.
	#[error("Burn refused the module: {message}")]
	Module {
		/// The panic's message.
		message: String,
	},
	/// A tensor comes from neither the batch nor the parameters nor anything recorded.
	#[error(
		"operation {index} of the recording, {operation} {place}, uses a tensor of shape {shape} that was \
		 made outside of it; make every tensor inside of the model's functions"
	)]
	ForeignTensor {
		/// The operation's number.
		index: usize,
		/// The operation's name in Burn.
		operation: String,
		/// Where in the module it stands, by the parameter that was used last.
		place: String,
		/// The tensor's shape.
		shape: String,
	},
	/// A parameter can't be part of a program's state.
	#[error("parameter `{name}`: {reason}")]
	Parameter {
		/// Its path in the module.
		name: String,
		/// What is wrong, and what to do.
		reason: String,
	},
	/// The module's results have the wrong shape.
	#[error("the {what} must have the shape {expected}, but has {found}")]
	Shape {
		/// Which result.
		what: &'static str,
		/// The shape that it must have.
		expected: String,
		/// The shape that it has.
		found: String,
	},
	/// A layer of the specification is wrong.
	#[error("layer {index} ({layer:?}): {reason}")]
	Layer {
		/// Its place, counted from 0.
		index: usize,
		/// The layer.
		layer: Layer,
		/// What is wrong, and what to do.
		reason: String,
	},
	/// A number of the specification is wrong.
	#[error("`{name}` is {value}: {reason}")]
	Setting {
		/// The number's name.
		name: &'static str,
		/// Its value.
		value: String,
		/// What is wrong, and what to do.
		reason: String,
	},
	/// The finished program breaks a rule of programs, for instance a bound on its size.
	#[error("the program is refused: {0}")]
	Program(#[source] ProgramError),
	/// There are more parameters and optimiser's tensors than a program can number.
	#[error("there would be more than {limit} state tensors; use fewer and larger parameters")]
	TooManyStateTensors {
		/// The greatest number.
		limit: u16,
	},
}
