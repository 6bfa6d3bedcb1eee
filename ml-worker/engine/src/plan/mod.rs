//! The plan of a program: what is done in which order, and where each value lies.
//!
//! A plan is made in two steps. [`lower`] turns operations into [`Stage`]s: an *anchor* (a matrix product, a
//! reduction, a gather, …) or nothing, and a *tail* of elementwise operations on its result. [`place`] gives
//! every value that outlives its stage a slot of memory, which a later value takes over when it is dead.
//!
//! Terms: a *root* is a value with elements of its own. Other values are only ways to read one: a reshape is
//! its root, a transposition before a matrix product is a mark on it, a broadcast before an elementwise
//! operation is a pattern of indices, a constant is a number.

mod draft;
mod lower;
mod mask;
mod place;
mod tail;

use crate::{
	instruction_set::Vectors,
	kernels::{
		elementwise::{Function, Spread},
		matmul::Product,
		movement::{BroadcastAxis, StridedAxis},
		stack::{StackProduct, StackSum},
		window::{Found, Pictures},
	},
};
use repops::{
	check::Checked,
	kernel::AxisView,
	program::{Initialiser, Source},
	tensor::TensorType,
};
use std::fmt;

/// The number of a root.
pub(crate) type Root = usize;

/// What is done in which order, and where.
#[derive(Debug)]
pub(crate) struct Plan {
	/// What the program reads, in its order.
	pub(crate) inputs: Vec<Input>,
	/// The lengths of the slots, in floats.
	pub(crate) slots: Vec<usize>,
	/// For each root its length and where it lies.
	pub(crate) places: Vec<Place>,
	pub(crate) stages: Vec<Stage>,
	/// New state that could not be written over the old one at once: `(from, to)`, slots and length. They are
	/// copied when all stages are done.
	pub(crate) moves: Vec<Move>,
	/// For each state tensor the slot of the new one; of an evaluation none.
	pub(crate) state: Vec<usize>,
	/// The length of each state tensor.
	pub(crate) state_lengths: Vec<usize>,
	/// The state tensors whose elements no stage looks at for infinities and NaNs.
	pub(crate) unwatched: Vec<usize>,
	pub(crate) loss: Option<Root>,
	pub(crate) correct: Option<Root>,
	/// The floats that packed matrices take.
	pub(crate) packed: usize,
	/// The floats of a worker's own packed rows of a left matrix, rows of a product, registers, and what products of
	/// stacks take.
	pub(crate) left: usize,
	pub(crate) rows: usize,
	pub(crate) registers: usize,
	pub(crate) scratch: usize,
}

/// Something that the program reads.
#[derive(Clone, Debug)]
pub(crate) struct Input {
	pub(crate) source: Source,
	pub(crate) kind: TensorType,
	/// The slot that it is copied to; else it is borrowed.
	pub(crate) slot: Option<usize>,
}

/// Where a root's elements lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
	pub(crate) length: usize,
	pub(crate) memory: Memory,
}

/// A kind of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
	/// A slot of the session.
	Slot(usize),
	/// An input of the program that is only borrowed.
	Input(usize),
	/// Nowhere: the root does not outlive its stage.
	Nowhere,
}

/// New state to be copied where the next step reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
	pub(crate) from: usize,
	pub(crate) to: usize,
	pub(crate) length: usize,
}

/// One pass over some outputs.
#[derive(Debug)]
#[allow(
	clippy::large_enum_variant,
	reason = "a plan has some hundred stages, of which most are the large ones"
)]
pub(crate) enum Stage {
	/// An operation that is not elementwise.
	Anchor(Anchor, Root),
	/// A matrix product and the elementwise operations on it.
	Product {
		product: Product,
		left: Root,
		right: Root,
		/// The product itself, if more is done with it than its tail does.
		result: Option<Root>,
		tail: Tail,
	},
	/// The products of stacks of matrices and the elementwise operations on them.
	Stack {
		stack: StackProduct,
		left: Root,
		right: Root,
		/// The products themselves, or the pictures that they are folded to, if more is done with them than the tail
		/// does.
		result: Option<Root>,
		tail: Tail,
	},
	/// Elementwise operations.
	Elementwise(Tail),
}

/// An operation that is neither elementwise nor a matrix product.
#[derive(Clone, Debug)]
pub(crate) enum Anchor {
	Sum {
		operand: Root,
		view: AxisView,
	},
	Max {
		operand: Root,
		view: AxisView,
	},
	ArgMax {
		operand: Root,
		view: AxisView,
	},
	GatherRows {
		table: Root,
		indices: Root,
		row: usize,
	},
	BatchRows {
		seed: Root,
		position: Root,
		population: u32,
	},
	OneHot {
		labels: Root,
		classes: usize,
	},
	CountNonzero {
		mask: Root,
	},
	Transpose {
		operand: Root,
		columns: usize,
	},
	Broadcast {
		operand: Root,
		axes: Vec<BroadcastAxis>,
	},
	Permute {
		operand: Root,
		axes: Vec<StridedAxis>,
	},
	Slice {
		whole: Root,
		part: Part,
	},
	Insert {
		whole: Root,
		inserted: Root,
		part: Part,
	},
	ScatterRows {
		operand: Root,
		indices: Root,
		row: usize,
	},
	StackSum {
		stack: StackSum,
		left: Root,
		right: Root,
	},
	Unfold {
		operand: Root,
		pictures: Pictures,
	},
	Fold {
		operand: Root,
		pictures: Pictures,
	},
	Unpool {
		operand: Root,
		chosen: Root,
		pictures: Pictures,
	},
	Pool {
		operand: Root,
		pictures: Pictures,
		found: Found,
	},
	Random {
		seed: Root,
		position: Root,
		stream: u32,
		distribution: Initialiser,
	},
	Iota {
		length: usize,
		inner: usize,
	},
}

/// A part of a tensor: where it begins, its lengths along all axes, and how far elements lie apart in the whole and in
/// the part.
#[derive(Clone, Debug)]
pub(crate) struct Part {
	pub(crate) start: usize,
	pub(crate) lengths: Vec<usize>,
	pub(crate) whole_strides: Vec<usize>,
	pub(crate) part_strides: Vec<usize>,
}

/// A chain of elementwise operations on blocks of elements.
#[derive(Debug, Default)]
pub(crate) struct Tail {
	/// The number of places.
	pub(crate) length: usize,
	/// The places of a block.
	pub(crate) block: usize,
	/// What is written to which registers before a block's instructions.
	pub(crate) loads: Vec<(usize, Load)>,
	/// How many registers there are.
	pub(crate) registers: usize,
	pub(crate) instructions: Vec<Instruction>,
	/// The roots that are written.
	pub(crate) outputs: Vec<Root>,
	/// For each output whether an infinity or NaN in it means that the run diverged.
	pub(crate) watched: Vec<bool>,
}

/// What a register is filled with. Registers are numbered in the order in which they are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
	/// With what stands in an output before it is written: the output takes over its place in memory.
	Replaced { output: usize },
	/// With elements of a smaller tensor.
	Spread { root: Root, spread: Spread },
}

/// An elementwise operation on a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
	pub(crate) function: Function,
	pub(crate) operands: [Operand; 3],
	pub(crate) result: Destination,
}

/// Where an instruction reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operand {
	/// The root's elements of the same places.
	Root(Root),
	/// The only element of a root.
	Single(Root),
	/// The stage's matrix product.
	Product,
	/// A register.
	Register(usize),
	/// What stands in an output: what was already written, or else what the output replaces.
	Output(usize),
	/// What the instruction's own output replaces; only as the first operand.
	Replaced,
	/// A constant.
	Constant(f32),
}

/// Where an instruction writes. Later instructions write to greater numbers, so that what they read is never
/// what they write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
	Register(usize),
	Output(usize),
}

/// The most elementwise operations of a tail.
pub(crate) const TAIL_OPERATIONS: usize = 24;

/// The most places of a block: a register is 2 KiB, so that those of a long tail stay in the level-1 cache.
pub(crate) const BLOCK: usize = 512;

impl fmt::Display for Stage {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let product = |f: &mut fmt::Formatter<'_>, product: &Product| {
			let Product {
				rows,
				inner,
				columns,
				..
			} = product;
			write!(f, "product {rows} × {inner} × {columns}")
		};
		let tail = |f: &mut fmt::Formatter<'_>, tail: &Tail| {
			let functions = tail.instructions.iter().map(|of| of.function);
			write!(f, ", {} places", tail.length)?;
			functions
				.clone()
				.try_for_each(|function| write!(f, " {function:?}"))
		};
		match self {
			Stage::Anchor(anchor, _) => {
				let whole = format!("{anchor:?}");
				f.write_str(whole.split(' ').next().unwrap_or_default())
			}
			Stage::Product {
				product: of,
				tail: then,
				..
			} => {
				product(f, of)?;
				tail(f, then)
			}
			Stage::Stack {
				stack, tail: then, ..
			} => {
				write!(f, "{} × ", stack.count)?;
				product(f, &stack.product)?;
				match stack.folded {
					Some(_) => f.write_str(", folded"),
					None => tail(f, then),
				}
			}
			Stage::Elementwise(then) => {
				f.write_str("elementwise")?;
				tail(f, then)
			}
		}
	}
}

impl Plan {
	/// Plans a program.
	pub(crate) fn new(checked: &Checked, vectors: Vectors) -> Self {
		let mut lowered = lower::lower(checked);
		mask::make_masks_again(&mut lowered);
		place::place(lowered, checked, vectors)
	}

	/// The bytes that a session of this plan takes.
	pub(crate) fn memory_bytes(&self, workers: usize) -> u64 {
		let slots: usize = self.slots.iter().sum();
		let own = self.left + self.rows + self.registers + self.scratch;
		4 * (slots + self.packed + workers * own) as u64
	}
}
