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
	/// `(a [m, k], b [k, n]) → [m, n]`, the matrix product of two matrices, each transposed first if so
	/// marked; or of two stacks of them, `([…, m, k], […, k, n]) → […, m, n]`, whose leading axes are the same.
	/// One operand may be a matrix where the other is a stack: it is a factor of each product.
	MatMul {
		/// The left operand is stored as `[…, k, m]`.
		transpose_left: bool,
		/// The right operand is stored as `[…, n, k]`.
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
	/// `(mask U32, a, b)`: `a` where the mask is not 0, else `b`; both of any type, but of the same.
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
	/// `a → U32`, the index of the greatest element over an axis, the least such index; the axis stays with
	/// length 1. A NaN is greater than any number; +0 and −0 are equal.
	ArgMax {
		/// The axis, counted from the outermost.
		axis: u8,
	},
	/// Repeats the axes of length 1 until the shape is this one; the rank stays. Any type.
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
	/// The axes in another order, any type: axis `i` of the result is axis `axes[i]` of the operand.
	Permute {
		/// Each axis of the operand once.
		axes: Vec<u8>,
	},
	/// `() → ` a tensor of this shape and constant.
	Constant {
		/// The shape.
		shape: Shape,
		/// Each element.
		value: Bits,
	},
	/// `(a […, m, k], b […, k, n]) → [m, n]`: the sum of the matrix products of two stacks of matrices, each
	/// matrix transposed first if so marked. It is one contraction, of the stack's first matrices' terms, then of
	/// the second ones', and so on.
	MatMulSum {
		/// The left operand is stored as `[…, k, m]`.
		transpose_left: bool,
		/// The right operand is stored as `[…, n, k]`.
		transpose_right: bool,
	},
	/// `[n, c, h, w] → [n, c, positions, windows]`: what a window shows of each picture, at each of its positions.
	/// See [`Window`].
	Unfold {
		/// The window.
		window: Window,
		/// What it shows beyond the picture's border.
		fill: Bits,
	},
	/// `[n, c, positions, windows] → [n, c, h, w]`: each element is the sum of the numbers at its places in the
	/// windows that show it, in ascending order of the position in the window; +0 if there is none. What lies
	/// beyond the border is dropped. It is the transpose of [`OperationKind::Unfold`].
	Fold {
		/// The window.
		window: Window,
		/// The height and width of the pictures.
		size: [u32; 2],
	},
	/// `(a [n, c, 1, windows], positions U32 [n, c, 1, windows]) → [n, c, h, w]`: as [`OperationKind::Fold`] where
	/// each window has its number at one position and nothing elsewhere.
	Unpool {
		/// The window.
		window: Window,
		/// The height and width of the pictures.
		size: [u32; 2],
	},
	/// A part of a tensor of any type: the elements from `starts` on, as many as the shape says.
	Slice {
		/// The first index of each axis.
		starts: Vec<u32>,
		/// The shape of the result.
		shape: Shape,
	},
	/// `(a, part)`: `a` with the part written over it from `starts` on; any type.
	Insert {
		/// The first index of each axis.
		starts: Vec<u32>,
	},
	/// `(a [m, rest…], indices U32 [m]) → [rows, rest…]`: row `r` is the sum of the rows of `a` whose index is `r`,
	/// a chain of additions in ascending order from +0. Rows with an index of `rows` or more are dropped.
	ScatterRows {
		/// The rows of the result.
		rows: u32,
	},
	/// The error function.
	Erf,
	/// `(seed U32 [8], position U32 [2]) → ` random numbers, others for each batch and stream; see
	/// [`crate::random::Purpose::Noise`].
	Random {
		/// Which of the program's random tensors it is.
		stream: u32,
		/// The shape.
		shape: Shape,
		/// How each element is drawn.
		distribution: Initialiser,
	},
	/// `() → ` the index along an axis, rounded to the nearest number.
	Iota {
		/// The shape.
		shape: Shape,
		/// The axis, counted from the outermost.
		axis: u8,
	},
	/// `a → U32`, without its fraction; 0 for what is below 1 and for a NaN, 2^32 − 1 for what is above.
	ToInteger,
	/// `a U32 → ` the nearest number, of two as near the even one.
	ToNumber,
}

/// A window that moves over pictures `[h, w]` beyond whose border there is padding.
///
/// Its positions are numbered row by row, and so are the windows. Position `(i, j)` of window `(y, x)` shows the
/// element `(y * stride + i * dilation - padding, …)` of the picture, in each direction with its own figures.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub struct Window {
	/// How many positions it has, downwards and to the right.
	pub kernel: [u32; 2],
	/// From window to window.
	pub stride: [u32; 2],
	/// How far it goes beyond each border.
	pub padding: [u32; 2],
	/// From position to position.
	pub dilation: [u32; 2],
}

impl Window {
	/// The most positions of a window. Who computes an element of a picture from windows goes through them all.
	pub const MOST_POSITIONS: u32 = 1 << 28;

	/// The number of positions; none if it is more than [`Self::MOST_POSITIONS`].
	pub fn positions(&self) -> Option<u32> {
		let positions = self.kernel[0].checked_mul(self.kernel[1])?;
		(positions <= Self::MOST_POSITIONS).then_some(positions)
	}

	/// How many windows there are downwards and to the right on pictures of this size. None if there is none, or
	/// if a figure of the window that must not be 0 is.
	pub fn windows(&self, size: [u32; 2]) -> Option<[u32; 2]> {
		let along = |axis: usize, length: u32| {
			let [kernel, stride, padding, dilation] = self.figures(axis);
			let padded = i64::from(length).checked_add(padding.checked_mul(2)?)?;
			let room = padded.checked_sub(self.reach(axis)?)?;
			if kernel == 0 || dilation == 0 || room < 0 {
				return None;
			}
			u32::try_from(room.checked_div(stride)?.checked_add(1)?).ok()
		};
		Some([along(0, size[0])?, along(1, size[1])?])
	}

	/// The number of windows on pictures of this size.
	pub fn window_count(&self, size: [u32; 2]) -> Option<u32> {
		let [down, right] = self.windows(size)?;
		down.checked_mul(right)
	}

	/// Kernel, stride, padding and dilation downwards (axis 0) or to the right.
	fn figures(&self, axis: usize) -> [i64; 4] {
		[self.kernel, self.stride, self.padding, self.dilation]
			.map(|[down, right]| i64::from(if axis == 0 { down } else { right }))
	}

	/// From the first to the last place that it shows, both counted.
	fn reach(&self, axis: usize) -> Option<i64> {
		let [kernel, _, _, dilation] = self.figures(axis);
		dilation.checked_mul(kernel.checked_sub(1)?)?.checked_add(1)
	}

	/// What a position of a window shows along an axis (0 is downwards): none beyond the border.
	pub fn shown(&self, axis: usize, length: u32, window: u32, position: u32) -> Option<u32> {
		let [_, stride, padding, dilation] = self.figures(axis);
		let from = i64::from(window).checked_mul(stride)?;
		let place = from.checked_add(i64::from(position).checked_mul(dilation)?)?;
		let place = u32::try_from(place.checked_sub(padding)?).ok()?;
		(place < length).then_some(place)
	}

	/// The window at whose position a place along an axis is shown; none if no window shows it there.
	pub fn showing(&self, axis: usize, windows: u32, place: u32, position: u32) -> Option<u32> {
		let [_, stride, padding, dilation] = self.figures(axis);
		let from = i64::from(place).checked_add(padding)?;
		let from = from.checked_sub(i64::from(position).checked_mul(dilation)?)?;
		if from < 0 || from.checked_rem(stride)? != 0 {
			return None;
		}
		let window = u32::try_from(from.checked_div(stride)?).ok()?;
		(window < windows).then_some(window)
	}
}
