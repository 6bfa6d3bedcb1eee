//! Why a program is refused.

use crate::{
	program::{Source, Target, Window},
	tensor::{DType, TensorType},
};
use alloc::string::String;
use core::fmt;

/// Why a program is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgramError {
	/// The bytes don't begin with the tag of a program.
	NotAProgram,
	/// The encoding is longer than the limit, in bytes.
	TooLong {
		/// The limit.
		limit: u32,
		/// The length.
		found: u64,
	},
	/// The bytes after the tag are not the encoding of a program; the decoder's words.
	Encoding(String),
	/// The program is written for another version of the arithmetic.
	Version {
		/// The one that this build computes.
		expected: u16,
		/// The program's.
		found: u16,
	},
	/// There is more of something than the limits allow.
	TooMany {
		/// Of what.
		what: Counted,
		/// The limit.
		limit: u64,
		/// How many there are, as far as it was counted.
		found: u64,
	},
	/// A state tensor can't be as it is declared.
	State {
		/// Its index in the declaration.
		index: u32,
		/// Why.
		reason: Reason,
	},
	/// An input can't be as it is declared.
	Input {
		/// Its index among the inputs.
		index: u32,
		/// Why.
		reason: Reason,
	},
	/// An operation can't be done.
	Operation {
		/// Its index among the operations.
		index: u32,
		/// Why.
		reason: Reason,
	},
	/// An output can't be as it is declared.
	Output {
		/// Its index among the outputs.
		index: u32,
		/// Why.
		reason: Reason,
	},
	/// The role needs an output that is not there.
	MissingOutput(Target),
}

/// What [`ProgramError::TooMany`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
	/// State tensors.
	StateTensors,
	/// Inputs.
	Inputs,
	/// Operations.
	Operations,
	/// Outputs.
	Outputs,
	/// Multiply-adds of one run.
	MultiplyAdds,
	/// Bytes of the values that are alive together.
	LiveBytes,
}

impl fmt::Display for Counted {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Counted::StateTensors => "state tensors",
			Counted::Inputs => "inputs",
			Counted::Operations => "operations",
			Counted::Outputs => "outputs",
			Counted::MultiplyAdds => "multiply-adds",
			Counted::LiveBytes => "bytes of values that are alive together",
		})
	}
}

/// What is wrong with a state tensor, an input, an operation or an output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
	/// The name is empty, longer than the limit, or not UTF-8.
	Name,
	/// An earlier one has the same name, source or target.
	Duplicate,
	/// No operation and no output uses the value.
	Unused,
	/// The initialiser's constants are not finite, or out of order.
	Initialiser,
	/// A constant is a NaN that no computation produces.
	ForeignNan,
	/// The role has no such source.
	SourceNotAllowed(Source),
	/// The role has no such target.
	TargetNotAllowed(Target),
	/// There is no state tensor or update of that index.
	NoSuchState(u16),
	/// The value should be of another type.
	Type {
		/// The type that is needed.
		expected: TensorType,
		/// The value's.
		found: TensorType,
	},
	/// Features and labels differ in their number of rows, or a batch is drawn from another number.
	RowCount {
		/// The number of rows that another input has.
		expected: u32,
		/// The number here.
		found: u32,
	},
	/// There is no axis, or there are more than the limit.
	Rank {
		/// The number of axes.
		found: u32,
	},
	/// An axis has length 0.
	EmptyAxis,
	/// There are more elements than the limit allows.
	TooManyElements {
		/// The limit.
		limit: u64,
		/// Their number, if it is less than 2^64.
		found: Option<u64>,
	},
	/// The operation takes another number of operands.
	OperandCount {
		/// The number that it takes.
		expected: u32,
		/// The number given.
		found: u32,
	},
	/// An operand is not an earlier value.
	OperandOrder {
		/// The operand's value.
		value: u32,
	},
	/// There is no value of that number.
	NoSuchValue {
		/// The number.
		value: u32,
	},
	/// An operand has the wrong type of elements.
	ElementType {
		/// The operand's place.
		operand: u32,
		/// The type that is needed.
		expected: DType,
	},
	/// An operand has the wrong number of axes.
	OperandRank {
		/// The operand's place.
		operand: u32,
		/// The number that is needed.
		expected: u32,
		/// The number that it has.
		found: u32,
	},
	/// Two operands that must have the same type have not.
	OperandsDiffer {
		/// The one.
		left: TensorType,
		/// The other.
		right: TensorType,
	},
	/// The matrices' inner lengths differ.
	InnerLengths {
		/// The left one's columns.
		left: u32,
		/// The right one's rows.
		right: u32,
	},
	/// The operand has no such axis.
	NoSuchAxis {
		/// The axis.
		axis: u8,
	},
	/// An operand's shape can't become this one.
	ShapeNotReachable {
		/// The operand's type.
		from: TensorType,
	},
	/// An attribute that counts something is 0.
	ZeroAttribute,
	/// The axes of a permutation are not those of the operand, each once.
	AxisOrder,
	/// A part does not lie within the whole.
	NoSuchPart {
		/// The whole's type.
		whole: TensorType,
	},
	/// No window lies on pictures of this size, or there are too many, or it has too many positions.
	NoWindow {
		/// Height and width.
		size: [u32; 2],
	},
	/// An operand's elements don't fill its shape.
	Malformed,
}

impl fmt::Display for Reason {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Reason::Name => write!(f, "its name is empty, too long, or not UTF-8"),
			Reason::Duplicate => write!(f, "an earlier one has the same name, source or target"),
			Reason::Unused => write!(f, "nothing uses its value; remove it"),
			Reason::Initialiser => write!(
				f,
				"its initialiser is not finite, or its bounds are not in order"
			),
			Reason::ForeignNan => write!(f, "its constant is a NaN other than 0x7FC00000"),
			Reason::SourceNotAllowed(source) => {
				write!(f, "a program of this role can't read {source:?}")
			}
			Reason::TargetNotAllowed(target) => {
				write!(f, "a program of this role can't have the output {target:?}")
			}
			Reason::NoSuchState(index) => write!(f, "there is no state tensor or update {index}"),
			Reason::Type { expected, found } => write!(f, "it must be {expected}, but is {found}"),
			Reason::RowCount { expected, found } => {
				write!(
					f,
					"the data set has {expected} rows by another input, but {found} here"
				)
			}
			Reason::Rank { found } => {
				write!(f, "it has {found} axes; there must be at least one and few")
			}
			Reason::EmptyAxis => write!(f, "an axis has length 0"),
			Reason::TooManyElements {
				limit,
				found: Some(found),
			} => {
				write!(f, "it has {found} elements; the limit is {limit}")
			}
			Reason::TooManyElements { limit, found: None } => {
				write!(f, "it has more than 2^64 elements; the limit is {limit}")
			}
			Reason::OperandCount { expected, found } => {
				write!(f, "it takes {expected} operands, not {found}")
			}
			Reason::OperandOrder { value } => {
				write!(f, "its operand {value} is not an earlier value")
			}
			Reason::NoSuchValue { value } => write!(f, "there is no value {value}"),
			Reason::ElementType { operand, expected } => {
				write!(f, "its operand {operand} must be of {expected:?}")
			}
			Reason::OperandRank {
				operand,
				expected,
				found,
			} => {
				write!(
					f,
					"its operand {operand} must have {expected} axes, not {found}"
				)
			}
			Reason::OperandsDiffer { left, right } => {
				write!(f, "its operands must agree, but are {left} and {right}")
			}
			Reason::InnerLengths { left, right } => {
				write!(
					f,
					"the left matrix has {left} columns, but the right one has {right} rows"
				)
			}
			Reason::NoSuchAxis { axis } => write!(f, "its operand has no axis {axis}"),
			Reason::ShapeNotReachable { from } => write!(f, "{from} can't take that shape"),
			Reason::AxisOrder => write!(f, "it must name each axis of its operand once"),
			Reason::NoSuchPart { whole } => write!(f, "{whole} has no such part"),
			Reason::NoWindow {
				size: [height, width],
			} => write!(
				f,
				"no window, or more than 2^32 of them, lie on pictures of {height} × {width}, or it has more than {} positions",
				Window::MOST_POSITIONS
			),
			Reason::ZeroAttribute => write!(f, "an attribute is 0 that counts something"),
			Reason::Malformed => write!(f, "an operand's elements don't fill its shape"),
		}
	}
}

impl core::error::Error for Reason {}

impl fmt::Display for ProgramError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			ProgramError::NotAProgram => {
				write!(f, "not a program: the blob doesn't begin with POUWPROG")
			}
			ProgramError::TooLong { limit, found } => {
				write!(
					f,
					"the program's encoding has {found} bytes; the limit is {limit}"
				)
			}
			ProgramError::Encoding(error) => write!(f, "the program can't be decoded: {error}"),
			ProgramError::Version { expected, found } => {
				write!(f, "the program is for version {found} of the arithmetic; this is version {expected}")
			}
			ProgramError::TooMany { what, limit, found } => {
				write!(f, "the program has {found} {what}; the limit is {limit}")
			}
			ProgramError::State { index, reason } => write!(f, "state tensor {index}: {reason}"),
			ProgramError::Input { index, reason } => write!(f, "input {index}: {reason}"),
			ProgramError::Operation { index, reason } => write!(f, "operation {index}: {reason}"),
			ProgramError::Output { index, reason } => write!(f, "output {index}: {reason}"),
			ProgramError::MissingOutput(target) => {
				write!(f, "the program lacks the output {target:?}")
			}
		}
	}
}

impl core::error::Error for ProgramError {}
