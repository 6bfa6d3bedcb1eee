//! Commitments: 32-byte BLAKE3 hashes and binary Merkle trees over them.
//!
//! Everything is hashed in BLAKE3's keyed mode under a key that names what is hashed (its *domain*), so
//! a hash of one kind is never one of another kind. The domains: tile leaf, node, tensor, state, trace,
//! data, program, program part, program root.
//!
//! **Merkle tree.** Level 0 are the leaves. A node of the next level is the hash of two neighbours; a last
//! one without a neighbour moves up unchanged. So each node covers an aligned run of leaves and equals the
//! [`merkle_root`] of that run alone; several levels can be opened at once (see [`merkle_runs`]). The root
//! of a tensor, state, trace or data set is a hash of its own domain over the tree's top *and the number of
//! leaves* (a tensor: its type), so that no other tree has the same root.
//!
//! **Tensor.** Viewed as a matrix (all leading axes × the last axis), cut into tiles of [`TILE`] × [`TILE`]
//! elements, row by row of tiles. A tile's bytes are its elements row by row, four bytes each, little-endian,
//! zero bytes where the matrix has ended: 4 KiB.

use crate::tensor::{DType, Elements, Shape, Tensor, TensorType};
use alloc::{boxed::Box, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::ops::{Deref, DerefMut};
use scale_info::{build::Fields, Path, Type, TypeInfo};

/// A commitment.
pub type Hash = [u8; 32];

/// Rows and columns of a tile.
pub const TILE: usize = 32;
/// The bytes of a tile.
pub const TILE_BYTES: usize = TILE * TILE * 4;

/// A tile's bytes, on the heap. It stands for itself where a reference to them is asked for.
///
/// Its encoding is that of the array. As a type it says that it is an array of rows: wallets refuse to know of
/// arrays of more than 2,048.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking)]
pub struct TileBytes(Box<[u8; TILE_BYTES]>);

impl TypeInfo for TileBytes {
	type Identity = Self;

	fn type_info() -> Type {
		Type::builder()
			.path(Path::new("TileBytes", module_path!()))
			.composite(Fields::unnamed().field(|field| {
				field
					.ty::<[[u8; TILE * 4]; TILE]>()
					.type_name("[[u8; 128]; 32]")
			}))
	}
}

impl From<[u8; TILE_BYTES]> for TileBytes {
	fn from(bytes: [u8; TILE_BYTES]) -> Self {
		TileBytes(Box::new(bytes))
	}
}

impl Deref for TileBytes {
	type Target = [u8; TILE_BYTES];

	fn deref(&self) -> &Self::Target {
		&self.0
	}
}

impl DerefMut for TileBytes {
	fn deref_mut(&mut self) -> &mut Self::Target {
		&mut self.0
	}
}

const TILE_KEY: &[u8; 32] = b"repops tile leaf                ";
const NODE_KEY: &[u8; 32] = b"repops merkle node              ";
const TENSOR_KEY: &[u8; 32] = b"repops tensor root              ";
const PROGRAM_KEY: &[u8; 32] = b"repops program                  ";
const PART_KEY: &[u8; 32] = b"repops program part             ";

/// What the leaves of a Merkle tree are, when they are hashes.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub enum Domain {
	/// The roots of a state's tensors, in the order of the program's declaration.
	State,
	/// The roots of a round's checkpoints.
	Trace,
	/// The hashes of a data set's segment blobs.
	Data,
	/// The hashes of a program's parts.
	Program,
}

impl Domain {
	fn key(self) -> &'static [u8; 32] {
		match self {
			Domain::State => b"repops state root               ",
			Domain::Trace => b"repops trace root               ",
			Domain::Data => b"repops data root                ",
			Domain::Program => b"repops program root             ",
		}
	}
}

fn keyed(key: &[u8; 32], bytes: &[u8]) -> Hash {
	*blake3::keyed_hash(key, bytes).as_bytes()
}

/// The hash of a program's encoding.
pub fn program_hash(encoding: &[u8]) -> Hash {
	keyed(PROGRAM_KEY, encoding)
}

/// The leaf of a program's part, from the part's encoding.
pub fn part_leaf(encoding: &[u8]) -> Hash {
	keyed(PART_KEY, encoding)
}

// Merkle trees.

/// The parent of two nodes.
pub fn node(left: &Hash, right: &Hash) -> Hash {
	let mut bytes = [0; 64];
	bytes[..32].copy_from_slice(left);
	bytes[32..].copy_from_slice(right);
	keyed(NODE_KEY, &bytes)
}

/// The top of the tree over these leaves; of no leaves, the hash of nothing.
pub fn merkle_root(leaves: &[Hash]) -> Hash {
	let mut level = leaves.to_vec();
	while level.len() > 1 {
		level = level.chunks(2).map(parent).collect();
	}
	level
		.first()
		.copied()
		.unwrap_or_else(|| keyed(NODE_KEY, &[]))
}

fn parent(children: &[Hash]) -> Hash {
	match children {
		[left, right] => node(left, right),
		lone => lone[0],
	}
}

/// The nodes that each cover `2^levels` leaves (the last one maybe fewer). Their own [`merkle_root`] is the
/// top of the tree; with `levels` 4, they and the nodes at 0 are the steps of a 16-ary bisection.
pub fn merkle_runs(leaves: &[Hash], levels: u32) -> Vec<Hash> {
	let width = 1usize.checked_shl(levels).unwrap_or(usize::MAX);
	leaves.chunks(width).map(merkle_root).collect()
}

/// The root that commits to these hashes, their order and their number.
pub fn root(domain: Domain, leaves: &[Hash]) -> Hash {
	root_of_top(domain, leaves.len() as u32, &merkle_root(leaves))
}

/// [`root`], from the top of the tree and the number of leaves.
pub fn root_of_top(domain: Domain, count: u32, top: &Hash) -> Hash {
	let mut bytes = [0; 36];
	bytes[..4].copy_from_slice(&count.to_le_bytes());
	bytes[4..].copy_from_slice(top);
	keyed(domain.key(), &bytes)
}

/// The hashes beside the way from a leaf to the top, the lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct MerkleProof {
	/// The neighbours; a level at which the node has none is left out.
	pub siblings: Vec<Hash>,
}

impl MerkleProof {
	/// The proof for the leaf at this index; none if there is no such leaf.
	pub fn new(leaves: &[Hash], index: u32) -> Option<Self> {
		let mut at = index as usize;
		leaves.get(at)?;
		let mut level = leaves.to_vec();
		let mut siblings = Vec::new();
		while level.len() > 1 {
			siblings.extend(level.get(at ^ 1));
			level = level.chunks(2).map(parent).collect();
			at /= 2;
		}
		Some(MerkleProof { siblings })
	}

	/// The top of the tree of `count` leaves in which this leaf stands at `index`; none if there is no such
	/// index or the proof has not exactly the neighbours that such a tree has.
	pub fn top(&self, count: u32, index: u32, leaf: &Hash) -> Option<Hash> {
		if index >= count {
			return None;
		}
		let (mut width, mut at, mut hash) = (count, index, *leaf);
		let mut siblings = self.siblings.iter();
		while width > 1 {
			if at & 1 == 1 {
				hash = node(siblings.next()?, &hash);
			} else if at + 1 < width {
				hash = node(&hash, siblings.next()?);
			}
			at /= 2;
			width = width.div_ceil(2);
		}
		siblings.next().is_none().then_some(hash)
	}

	/// Whether the leaf stands at `index` of the `count` hashes that [`root`] committed to.
	pub fn verify(&self, domain: Domain, root: &Hash, count: u32, index: u32, leaf: &Hash) -> bool {
		self.top(count, index, leaf)
			.is_some_and(|top| root_of_top(domain, count, &top) == *root)
	}

	/// Whether the tile with this leaf stands at `index` of the tensor that [`tensor_root`] committed to.
	pub fn verify_tile(&self, root: &Hash, kind: &TensorType, index: u32, leaf: &Hash) -> bool {
		let Some(count) = tile_count(&kind.shape) else {
			return false;
		};
		self.top(count, index, leaf)
			.is_some_and(|top| tensor_root_of_top(kind, &top) == *root)
	}
}

// Tensors.

/// The leaf of a tile with these bytes.
pub fn tile_leaf(bytes: &[u8; TILE_BYTES]) -> Hash {
	keyed(TILE_KEY, bytes)
}

/// Rows and columns of tiles of a tensor of this shape.
pub fn tile_grid(shape: &Shape) -> (usize, usize) {
	(shape.rows().div_ceil(TILE), shape.columns().div_ceil(TILE))
}

/// The number of tiles of a tensor of this shape, if it is less than 2^32; the same on every machine.
pub fn tile_count(shape: &Shape) -> Option<u32> {
	let (columns, leading) = shape.0.split_last()?;
	let rows = leading.iter().try_fold(1u64, |product, length| {
		product.checked_mul(u64::from(*length))
	})?;
	let across = u64::from(*columns).div_ceil(TILE as u64);
	let down = rows.div_ceil(TILE as u64);
	u32::try_from(down.checked_mul(across)?).ok()
}

/// Writes the bytes of tile `index` (row by row of tiles). Past the tensor's end, or if its elements don't
/// fit its shape, there are zeros.
pub fn write_tile(tensor: &Tensor, index: u32, bytes: &mut [u8; TILE_BYTES]) {
	match &tensor.elements {
		Elements::F32(elements) => {
			write_tile_of(elements, tensor.shape.columns(), index, bytes, |number| {
				number.to_bits()
			})
		}
		Elements::U32(elements) => {
			write_tile_of(elements, tensor.shape.columns(), index, bytes, |number| {
				*number
			})
		}
	}
}

/// [`write_tile`] from the row-major elements of a matrix with so many columns.
pub fn write_tile_of<T>(
	elements: &[T],
	columns: usize,
	index: u32,
	bytes: &mut [u8; TILE_BYTES],
	bits: impl Fn(&T) -> u32,
) {
	let tiles_across = columns.div_ceil(TILE).max(1);
	let first_row = (index as usize / tiles_across) * TILE;
	let first_column = (index as usize % tiles_across) * TILE;
	for (row, bytes) in bytes.chunks_exact_mut(TILE * 4).enumerate() {
		let start = (first_row + row).saturating_mul(columns);
		let end = start.saturating_add(columns);
		let elements = elements
			.get(start..end)
			.and_then(|row| row.get(first_column..))
			.unwrap_or(&[]);
		let elements = &elements[..elements.len().min(TILE)];
		let (filled, padding) = bytes.split_at_mut(elements.len() * 4);
		for (bytes, element) in filled.chunks_exact_mut(4).zip(elements) {
			bytes.copy_from_slice(&bits(element).to_le_bytes());
		}
		padding.fill(0);
	}
}

/// The leaves of a tensor's tiles.
pub fn tensor_leaves(tensor: &Tensor) -> Vec<Hash> {
	let mut bytes = [0; TILE_BYTES];
	let leaf = |index| {
		write_tile(tensor, index, &mut bytes);
		tile_leaf(&bytes)
	};
	(0..tile_count(&tensor.shape).unwrap_or(0))
		.map(leaf)
		.collect()
}

/// The root that commits to a tensor: its type and every bit of it.
pub fn tensor_root(tensor: &Tensor) -> Hash {
	tensor_root_from_leaves(&tensor.kind(), &tensor_leaves(tensor))
}

/// [`tensor_root`] of a tensor of this type whose tiles have these leaves.
pub fn tensor_root_from_leaves(kind: &TensorType, leaves: &[Hash]) -> Hash {
	tensor_root_of_top(kind, &merkle_root(leaves))
}

/// [`tensor_root`] of a tensor of this type, from the top of the tree over its tiles.
pub fn tensor_root_of_top(kind: &TensorType, top: &Hash) -> Hash {
	let mut hasher = blake3::Hasher::new_keyed(TENSOR_KEY);
	hasher.update(&[match kind.dtype {
		DType::F32 => 0,
		DType::U32 => 1,
	}]);
	hasher.update(&(kind.shape.rank() as u32).to_le_bytes());
	for length in &kind.shape.0 {
		hasher.update(&length.to_le_bytes());
	}
	hasher.update(top);
	*hasher.finalize().as_bytes()
}

/// The root that commits to a state: its tensors in the order of the program's declaration.
pub fn state_root(state: &[Tensor]) -> Hash {
	let roots: Vec<Hash> = state.iter().map(tensor_root).collect();
	root(Domain::State, &roots)
}

/// [`state_root`] from the roots of the tensors.
pub fn state_root_from_tensor_roots(roots: &[Hash]) -> Hash {
	root(Domain::State, roots)
}

/// The root that commits to a round's checkpoints, each given by its state's root.
pub fn trace_root(checkpoints: &[Hash]) -> Hash {
	root(Domain::Trace, checkpoints)
}

/// The root that commits to a data set's segment blobs, each given by its hash.
pub fn data_root(segments: &[Hash]) -> Hash {
	root(Domain::Data, segments)
}
