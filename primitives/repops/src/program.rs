//! Step programs: what one step of training computes, as data.
//!
//! A program is a list of operations in single-assignment form. Its *values* are numbered: first the
//! inputs in their order, then the result of each operation in its order; operation `i` may only use
//! values with smaller numbers. All shapes are static. The same form serves the training step, the
//! evaluation of a model and the merge of several workers' states.
//!
//! A program is encoded with SCALE; its hash is that of the encoding (see [`crate::commit`]).

use crate::{
	check::{Limits, ProgramError},
	commit::{program_hash, Hash},
	tensor::{Shape, TensorType},
};
use alloc::{string::ToString, vec::Vec};
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// The version of the arithmetic that a program is written for. It is part of the program's hash, so
/// a later definition can never change the result of an earlier task.
pub const ARITHMETIC_VERSION: u16 = 1;

/// The bits of an `f32` constant, so that programs can be compared and hashed.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub struct Bits(pub u32);

impl From<f32> for Bits {
	fn from(value: f32) -> Self {
		Bits(value.to_bits())
	}
}

impl From<Bits> for f32 {
	fn from(bits: Bits) -> Self {
		f32::from_bits(bits.0)
	}
}

/// The number of a value: inputs first, then operations' results.
pub type ValueId = u32;

/// A training or evaluation program.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Program {
	/// The arithmetic's version, [`ARITHMETIC_VERSION`].
	pub version: u16,
	/// The tensors that live from step to step, in the order in which states commit to them.
	/// An evaluation program repeats the declaration of its task's step program.
	pub state: Vec<StateTensor>,
	/// What the program reads.
	pub inputs: Vec<Input>,
	/// What it computes.
	pub operations: Vec<Operation>,
	/// What of it is kept.
	pub outputs: Vec<Output>,
}

/// What the encoding of a program begins with, so that no blob of another kind is taken for one.
pub const MAGIC: [u8; 8] = *b"POUWPROG";

impl Program {
	/// The program as a blob: [`MAGIC`], then its SCALE encoding. (The encoding as a field of another type,
	/// by the trait `Encode`, has no tag.)
	pub fn encode(&self) -> Vec<u8> {
		let mut blob = MAGIC.to_vec();
		self.encode_to(&mut blob);
		blob
	}

	/// The program in a blob, which must be exactly one. It is not yet checked.
	pub fn decode_bounded(blob: &[u8], limits: &Limits) -> Result<Self, ProgramError> {
		if blob.len() > limits.encoded_bytes as usize {
			return Err(ProgramError::TooLong {
				limit: limits.encoded_bytes,
				found: blob.len() as u64,
			});
		}
		let mut encoding = blob.strip_prefix(&MAGIC).ok_or(ProgramError::NotAProgram)?;
		Program::decode_all(&mut encoding)
			.map_err(|error| ProgramError::Encoding(error.to_string()))
	}

	/// The hash that names the program in a task: of its blob.
	pub fn hash(&self) -> Hash {
		program_hash(&Program::encode(self))
	}
}

/// A tensor of the training state; always of type `F32`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct StateTensor {
	/// A name for people and for interchange files, UTF-8, for instance `layers.0.weight`.
	pub name: Vec<u8>,
	/// The shape.
	pub shape: Shape,
	/// Whether the tensor belongs to the model or to its optimiser.
	pub role: StateRole,
	/// How its elements start.
	pub initial: Initialiser,
}

/// Whom a state tensor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum StateRole {
	/// A parameter of the model.
	Parameter,
	/// The optimiser's: momentum, moments, powers of decay rates.
	Optimiser,
}

/// How the elements of a state tensor start. Each element is a function of the task's seed, the
/// tensor's index and its own index alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Initialiser {
	/// Each element is this constant.
	Constant(Bits),
	/// Uniform in `[low, high)`.
	Uniform {
		/// The least value.
		low: Bits,
		/// The bound above.
		high: Bits,
	},
	/// Normal with this mean and standard deviation.
	Normal {
		/// The mean.
		mean: Bits,
		/// The standard deviation.
		deviation: Bits,
	},
}

/// A value that a program reads.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Input {
	/// Where it comes from.
	pub source: Source,
	/// Its type.
	pub kind: TensorType,
}

/// Where an input comes from.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub enum Source {
	/// State tensor of this index in [`Program::state`].
	State(u16),
	/// The data set's features, `F32 [rows, columns…]`: the training part for a step program, the
	/// hidden part for an evaluation program.
	Features,
	/// The data set's labels, `U32 [rows]`.
	Labels,
	/// The task's seed, `U32 [8]`.
	Seed,
	/// The number of the batch since the task's start, `U32 [2]`, low word first.
	Position,
	/// For merge programs: state tensor `tensor` of the `update`-th sealed update, in slot order.
	Update {
		/// The update's place among the sealed ones.
		update: u16,
		/// The index of the state tensor.
		tensor: u16,
	},
}

/// A value that is kept when the program has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Output {
	/// What becomes of it.
	pub target: Target,
	/// The value.
	pub value: ValueId,
}

/// What becomes of an output.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub enum Target {
	/// The new state tensor of this index. A step or merge program has one for each.
	State(u16),
	/// The step's loss, `F32 [1]`. A step program has exactly one.
	Loss,
	/// The number of right answers, `U32 [1]`. An evaluation program has exactly one.
	Correct,
}

/// One operation: what it does and on which values, in operand order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Operation {
	/// What it does.
	pub kind: OperationKind,
	/// The numbers of its operands.
	pub operands: Vec<ValueId>,
}

/// A relation of two numbers. A NaN is in no relation but [`Relation::NotEqual`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Relation {
	/// `a == b`
	Equal,
	/// `a != b`
	NotEqual,
	/// `a < b`
	Less,
	/// `a <= b`
	LessEqual,
	/// `a > b`
	Greater,
	/// `a >= b`
	GreaterEqual,
}

/// The operations. Every one is total: it has a defined result for all operands of the right types.
/// `F32` unless said otherwise. A new one goes to the end: the order is part of the encoding.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum OperationKind {
	/// `(seed U32 [8], position U32 [2]) → U32 [batch]`: the rows of a batch. Row `j` of batch `p` is
	/// sample `g = p * batch + j` (modulo 2^64): element `g mod population` of the permutation of epoch
	/// `g div population`, see [`crate::random::Permutation`].
	BatchRows {
		/// The number of rows in the data set.
		population: u32,
		/// The rows of a batch.
		batch: u32,
	},
	/// `(table [n, rest…] of any type, indices U32 [m]) → [m, rest…]`: row `indices[i]` of the table;
	/// zeros where the index is `n` or more.
	GatherRows,
	/// `(a, b) → [m, n]`, the matrix product of two matrices, each transposed first if so marked.
	MatMul {
		/// The left operand is stored as `[k, m]`.
		transpose_left: bool,
		/// The right operand is stored as `[n, k]`.
		transpose_right: bool,
	},
	/// `a + b`, same shapes.
	Add,
	/// `a - b`, same shapes.
	Subtract,
	/// `a * b`, same shapes.
	Multiply,
	/// `a / b`, same shapes.
	Divide,
	/// `a + constant`
	AddScalar(Bits),
	/// `a * constant`
	MultiplyScalar(Bits),
	/// `1 / a`
	Reciprocal,
	/// `e^a`
	Exp,
	/// Natural logarithm.
	Log,
	/// Square root.
	Sqrt,
	/// Hyperbolic tangent.
	Tanh,
	/// `(a, b) → U32`, 1 where `a` is in the relation to `b`, else 0. Both `F32` or both `U32`.
	Compare(Relation),
	/// `a → U32`, 1 where `a` is in the relation to the constant, else 0.
	CompareScalar(Relation, Bits),
	/// `(mask U32, a, b)`: `a` where the mask is not 0, else `b`.
	Select,
	/// `(mask U32, a)`: the constant where the mask is not 0, else `a`.
	Fill(Bits),
	/// The sum over an axis, which stays with length 1.
	Sum {
		/// The axis, counted from the outermost.
		axis: u8,
	},
	/// The greatest element over an axis, which stays with length 1. A NaN among them gives NaN; +0 is
	/// greater than −0.
	Max {
		/// The axis, counted from the outermost.
		axis: u8,
	},
	/// `a → U32`, the index of the greatest element over the last axis, the least such index, which
	/// stays with length 1. A NaN is greater than any number; +0 and −0 are equal.
	ArgMax,
	/// Repeats the axes of length 1 until the shape is this one; the rank stays.
	Broadcast {
		/// The shape of the result.
		shape: Shape,
	},
	/// `labels U32 [m] → [m, classes]`: 1 at the label's place, else 0; a label of `classes` or more
	/// makes a row of zeros.
	OneHot {
		/// The number of classes.
		classes: u32,
	},
	/// `mask U32 → U32 [1]`: how many elements are not 0, modulo 2^32.
	CountNonzero,
	/// The same elements under another shape, any type.
	Reshape {
		/// The shape of the result.
		shape: Shape,
	},
	/// `[m, n] → [n, m]`, any type.
	Transpose,
	/// `() → ` a tensor of this shape and constant.
	Constant {
		/// The shape.
		shape: Shape,
		/// Each element.
		value: Bits,
	},
}
