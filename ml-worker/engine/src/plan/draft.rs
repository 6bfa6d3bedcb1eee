//! Stages to be: what [`super::lower`] makes of a program and [`super::place`] takes.

use super::{Anchor, Root};
use crate::kernels::{
	elementwise::{Function, Spread},
	matmul::Product,
	stack::StackProduct,
};
use repops::program::Target;

/// Stages whose tails are not yet made into instructions.
pub(super) struct Lowered {
	/// The length of each root. The first ones are the inputs, in their order.
	pub(super) lengths: Vec<usize>,
	pub(super) stages: Vec<Draft>,
	/// The root of each output. No two outputs have the same one, and none has that of an input, unless a state
	/// tensor stays as it is.
	pub(super) outputs: Vec<(Target, Root)>,
}

/// A stage to be.
pub(super) struct Draft {
	pub(super) head: Head,
	/// The number of places of the items; 0 for a stage that takes none.
	pub(super) length: usize,
	pub(super) items: Vec<Item>,
}

/// What a stage begins with.
pub(super) enum Head {
	Nothing,
	Anchor(Anchor, Root),
	Product {
		product: Product,
		left: Root,
		right: Root,
		result: Root,
	},
	Stack {
		stack: StackProduct,
		left: Root,
		right: Root,
		result: Root,
	},
}

/// An elementwise operation.
pub(super) struct Item {
	pub(super) function: Function,
	pub(super) operands: Vec<Term>,
	pub(super) root: Root,
}

/// What an elementwise operation reads.
#[derive(Clone, Copy)]
pub(super) enum Term {
	Root(Root),
	Spread(Root, Spread),
	Constant(f32),
}

impl Draft {
	/// The roots that the stage reads, its own among them.
	pub(super) fn reads(&self) -> Vec<Root> {
		let mut reads = self.head_reads();
		for term in self.items.iter().flat_map(|item| &item.operands) {
			match term {
				Term::Root(root) | Term::Spread(root, _) => reads.push(*root),
				Term::Constant(_) => (),
			}
		}
		reads
	}

	/// The roots that the stage reads other than place by place.
	pub(super) fn head_reads(&self) -> Vec<Root> {
		match &self.head {
			Head::Nothing => vec![],
			Head::Product { left, right, .. } | Head::Stack { left, right, .. } => {
				vec![*left, *right]
			}
			Head::Anchor(anchor, _) => match anchor {
				Anchor::Sum { operand, .. }
				| Anchor::Max { operand, .. }
				| Anchor::ArgMax { operand, .. }
				| Anchor::Transpose { operand, .. }
				| Anchor::Broadcast { operand, .. }
				| Anchor::Permute { operand, .. }
				| Anchor::Unfold { operand, .. }
				| Anchor::Fold { operand, .. }
				| Anchor::Pool { operand, .. } => vec![*operand],
				Anchor::GatherRows { table, indices, .. } => vec![*table, *indices],
				Anchor::ScatterRows {
					operand, indices, ..
				} => vec![*operand, *indices],
				Anchor::BatchRows { seed, position, .. }
				| Anchor::Random { seed, position, .. } => {
					vec![*seed, *position]
				}
				Anchor::OneHot { labels, .. } => vec![*labels],
				Anchor::CountNonzero { mask } => vec![*mask],
				Anchor::Slice { whole, .. } => vec![*whole],
				Anchor::Insert {
					whole, inserted, ..
				} => vec![*whole, *inserted],
				Anchor::StackSum { left, right, .. } => vec![*left, *right],
				Anchor::Unpool {
					operand, chosen, ..
				} => vec![*operand, *chosen],
				Anchor::Iota { .. } => vec![],
			},
		}
	}

	/// The root of the head's result.
	pub(super) fn head_root(&self) -> Option<Root> {
		match &self.head {
			Head::Nothing => None,
			Head::Anchor(_, root) => Some(*root),
			Head::Product { result, .. } | Head::Stack { result, .. } => Some(*result),
		}
	}
}
