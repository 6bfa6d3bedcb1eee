//! A tile of a state or data set, shown with the proofs that it is one: what somebody shows who says that it
//! holds the whole.

use crate::{
	commit::{
		root_of_top, tensor_leaves, tensor_root, tensor_root_of_top, tile_count, tile_leaf,
		write_tile, Domain, Hash, MerkleProof, TileBytes, TILE_BYTES,
	},
	tensor::{Tensor, TensorType},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// Something that is agreed on by its root, and of which a tile is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
	/// Tensors under a root like a state's ([`crate::commit::state_root_from_tensor_roots`]): a state, or the
	/// features and labels of a data set.
	Tensors {
		/// The root.
		root: Hash,
	},
	/// A checkpoint of a round.
	Checkpoint {
		/// The root over the round's checkpoints ([`crate::commit::trace_root`]).
		trace: Hash,
		/// The number of checkpoints.
		count: u32,
		/// Which one, from 0.
		index: u32,
	},
}

/// A tile, and that it is one.
///
/// Neither shapes nor counts have to be known to whoever checks it: the roots bind them. So which tile is wanted
/// can be said by any two numbers. They are taken modulo the number of tensors, and of the tensor's tiles.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ProvenTile {
	/// The type of its tensor.
	pub kind: TensorType,
	/// The number of tensors of the state or data set.
	pub tensors: u32,
	/// The tile's bytes, see [`crate::commit`].
	pub bytes: TileBytes,
	/// The way from the tile to its tensor's root.
	pub in_tensor: MerkleProof,
	/// The way from the tensor's root to that of the state or data set.
	pub in_state: MerkleProof,
	/// The way from the state's root to that of the trace; empty where there is none.
	pub in_trace: MerkleProof,
}

impl ProvenTile {
	/// Shows a tile of these tensors. None if there is no tensor, or the one in question has no tiles or more
	/// than a tree can have.
	pub fn new(tensors: &[&Tensor], tensor: u32, tile: u32) -> Option<Self> {
		let count = u32::try_from(tensors.len()).ok()?;
		let tensor = tensor.checked_rem(count)?;
		let roots: Vec<Hash> = tensors.iter().map(|tensor| tensor_root(tensor)).collect();
		let chosen = tensors.get(usize::try_from(tensor).ok()?)?;
		let tile = tile.checked_rem(tile_count(&chosen.shape)?)?;
		let mut bytes = TileBytes::from([0; TILE_BYTES]);
		write_tile(chosen, tile, &mut bytes);
		Some(ProvenTile {
			kind: chosen.kind(),
			tensors: count,
			bytes,
			in_tensor: MerkleProof::new(&tensor_leaves(chosen), tile)?,
			in_state: MerkleProof::new(&roots, tensor)?,
			in_trace: MerkleProof::default(),
		})
	}

	/// The same as a tile of the checkpoint at `index` of a round. None if there is no such checkpoint.
	pub fn of_checkpoint(mut self, checkpoints: &[Hash], index: u32) -> Option<Self> {
		self.in_trace = MerkleProof::new(checkpoints, index)?;
		Some(self)
	}

	/// The root of the state or data set that this is the tile in question of. None if it is the tile of none.
	fn root(&self, tensor: u32, tile: u32) -> Option<Hash> {
		let tensor = tensor.checked_rem(self.tensors)?;
		let count = tile_count(&self.kind.shape)?;
		let tile = tile.checked_rem(count)?;
		let top = self.in_tensor.top(count, tile, &tile_leaf(&self.bytes))?;
		let root = tensor_root_of_top(&self.kind, &top);
		let top = self.in_state.top(self.tensors, tensor, &root)?;
		Some(root_of_top(Domain::State, self.tensors, &top))
	}

	/// Whether this is the tile in question of this whole.
	pub fn verify(&self, of: &Whole, tensor: u32, tile: u32) -> bool {
		let Some(found) = self.root(tensor, tile) else {
			return false;
		};
		match of {
			Whole::Tensors { root } => found == *root && self.in_trace == MerkleProof::default(),
			Whole::Checkpoint {
				trace,
				count,
				index,
			} => self
				.in_trace
				.verify(Domain::Trace, trace, *count, *index, &found),
		}
	}
}
