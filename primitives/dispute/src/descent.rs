//! The way down a Merkle tree of the defender's, to one leaf.

use crate::{MoveError, WAYS};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use repops::commit::{merkle_root, Hash};
use scale_info::TypeInfo;

/// A node of a tree over `2^32` leaves at most, and those of its children that have been said.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Descent {
	/// The node; at the start the root, in which more is bound than the tree.
	node: Hash,
	/// Whether the node is a root.
	is_root: bool,
	/// Its first leaf.
	pub first: u32,
	/// How many leaves it covers.
	pub width: u32,
	/// Its children; empty while the defender is to post them.
	posted: BoundedVec<Hash, ConstU32<WAYS>>,
}

/// A node that both parties agree on.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct AgreedNode {
	/// Its first leaf.
	pub first: u32,
	/// How many leaves it covers.
	pub width: u32,
	/// The node.
	pub node: Hash,
}

impl AgreedNode {
	/// Whether it covers this leaf.
	pub fn covers(&self, leaf: u32) -> bool {
		leaf.checked_sub(self.first)
			.is_some_and(|at| at < self.width)
	}
}

impl Descent {
	/// From a root over so many leaves.
	pub fn from_root(root: Hash, leaves: u32) -> Self {
		Descent {
			node: root,
			is_root: true,
			first: 0,
			width: leaves,
			posted: BoundedVec::new(),
		}
	}

	/// From the top of a tree over so many leaves.
	pub fn from_top(top: Hash, leaves: u32) -> Self {
		Descent {
			is_root: false,
			..Self::from_root(top, leaves)
		}
	}

	/// The leaf, once the way is at its end.
	pub fn leaf(&self) -> Option<Hash> {
		(!self.is_root && self.width <= 1).then_some(self.node)
	}

	/// Whether the children are there.
	pub fn is_posted(&self) -> bool {
		!self.posted.is_empty()
	}

	/// The leaves that a child covers (the last one maybe fewer): the least power of two with which there
	/// are no more than [`WAYS`] children.
	pub fn child_width(&self) -> u32 {
		self.width.div_ceil(WAYS).max(1).next_power_of_two()
	}

	/// The children as the defender has said them.
	pub fn children(&self) -> impl Iterator<Item = AgreedNode> + '_ {
		let width = self.child_width();
		(0u32..).zip(&self.posted).map(move |(child, node)| {
			let before = child.saturating_mul(width);
			AgreedNode {
				first: self.first.saturating_add(before),
				width: width.min(self.width.saturating_sub(before)),
				node: *node,
			}
		})
	}

	/// The defender says the children. `seal` makes the root of the top of the tree; it is asked at the root
	/// only.
	pub fn post(
		&mut self,
		children: Vec<Hash>,
		seal: impl FnOnce(&Hash) -> Hash,
	) -> Result<(), MoveError> {
		let expected = self.width.div_ceil(self.child_width());
		if children.len() as u64 != u64::from(expected) {
			let found = children.len() as u32;
			return Err(MoveError::Count { expected, found });
		}
		let top = merkle_root(&children);
		let node = if self.is_root { seal(&top) } else { top };
		if node != self.node {
			return Err(MoveError::NotTheChildren);
		}
		self.posted = children.try_into().map_err(|_| MoveError::NotNow)?;
		if expected == 1 {
			// There is nothing to choose from.
			self.pick(0)?;
		}
		Ok(())
	}

	/// The challenger names a child. Those before it are returned.
	pub fn pick(&mut self, child: u32) -> Result<Vec<AgreedNode>, MoveError> {
		let child = usize::try_from(child).map_err(|_| MoveError::NoSuchPart)?;
		let mut children: Vec<AgreedNode> = self.children().collect();
		let picked = children.get(child).copied().ok_or(MoveError::NoSuchPart)?;
		children.truncate(child);
		*self = Descent {
			first: picked.first,
			..Descent::from_top(picked.node, picked.width)
		};
		Ok(children)
	}
}
