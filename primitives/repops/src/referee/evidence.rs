//! Operands' elements, shown as tiles with proofs.

use super::{advance, JudgeError, Question, Running};
use crate::{
	check::infer,
	commit::{
		tensor_leaves, tile_count, tile_leaf, write_tile, Hash, MerkleProof, TileBytes, TILE,
		TILE_BYTES,
	},
	program::OperationKind,
	tensor::{Tensor, TensorType},
};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::{cell::RefCell, fmt};
use scale_info::TypeInfo;

/// The most tiles that a passage reads. The count of a mask of one more than 32 columns comes closest: its
/// 1,024 elements touch up to 34 tiles.
pub const MAX_TILES: u32 = 40;

/// Side of a tile.
const SIDE: u64 = TILE as u64;

/// An operand as it is agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
	/// Its type.
	pub kind: TensorType,
	/// Its root, see [`crate::commit::tensor_root`].
	pub root: Hash,
}

/// A tile of an operand, and that it is one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct TileProof {
	/// Which operand, in operand order.
	pub operand: u8,
	/// Which tile, row by row of tiles.
	pub tile: u32,
	/// Its elements, see [`crate::commit`].
	pub bytes: TileBytes,
	/// The hashes beside its way to the operand's root.
	pub proof: MerkleProof,
}

/// The tiles that a passage reads: each once, no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Evidence {
	/// The tiles, in any order.
	pub tiles: Vec<TileProof>,
}

/// What is wrong with evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvidenceError {
	/// There are more tiles than any passage reads.
	TooMany,
	/// A tile is not what the operand's root commits to at that place.
	NotCommitted {
		/// The operand.
		operand: usize,
		/// The tile.
		tile: u32,
	},
	/// A tile is there twice.
	Twice {
		/// The operand.
		operand: usize,
		/// The tile.
		tile: u32,
	},
	/// A tile that is read is missing.
	Missing {
		/// The operand.
		operand: usize,
		/// The tile.
		tile: u32,
	},
	/// A tile is there that is not read.
	Unused {
		/// The operand.
		operand: usize,
		/// The tile.
		tile: u32,
	},
	/// The operation has no such operand, or the operand no such element.
	NoSuchElement {
		/// The operand.
		operand: usize,
	},
}

impl fmt::Display for EvidenceError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			EvidenceError::TooMany => write!(f, "there are more than {MAX_TILES} tiles"),
			EvidenceError::NotCommitted { operand, tile } => write!(
				f,
				"tile {tile} of operand {operand} is not what its root commits to"
			),
			EvidenceError::Twice { operand, tile } => {
				write!(f, "tile {tile} of operand {operand} is there twice")
			}
			EvidenceError::Missing { operand, tile } => {
				write!(f, "tile {tile} of operand {operand} is missing")
			}
			EvidenceError::Unused { operand, tile } => {
				write!(f, "tile {tile} of operand {operand} is not needed")
			}
			EvidenceError::NoSuchElement { operand } => {
				write!(f, "operand {operand} or its element is not there")
			}
		}
	}
}

impl core::error::Error for EvidenceError {}

/// The tile in which an element of a tensor stands, and the element's place in it. None if the tensor has no
/// such element, or more tiles than a tree can have.
pub fn tile_place(kind: &TensorType, element: u64) -> Option<(u32, usize)> {
	if element >= kind.shape.elements()? {
		return None;
	}
	let columns = u64::from(*kind.shape.0.last()?);
	let (row, column) = (element.checked_div(columns)?, element.checked_rem(columns)?);
	let across = columns.div_ceil(SIDE);
	let tile = row.checked_div(SIDE)?.checked_mul(across)?;
	let tile = tile.checked_add(column.checked_div(SIDE)?)?;
	let within = row.checked_rem(SIDE)?.checked_mul(SIDE)?;
	let within = within.checked_add(column.checked_rem(SIDE)?)?;
	Some((tile.try_into().ok()?, within.try_into().ok()?))
}

/// The element of a tensor that stands at this place of a tile: what [`tile_place`] inverts. None where the
/// tensor has ended, or there is no such tile or place.
pub fn element_at(kind: &TensorType, tile: u32, place: usize) -> Option<u64> {
	let columns = u64::from(*kind.shape.0.last()?);
	let across = columns.div_ceil(SIDE);
	let (tile, place) = (u64::from(tile), place as u64);
	let (down, right) = (tile.checked_div(across)?, tile.checked_rem(across)?);
	let (row, column) = (place.checked_div(SIDE)?, place.checked_rem(SIDE)?);
	if row >= SIDE {
		return None;
	}
	let row = down.checked_mul(SIDE)?.checked_add(row)?;
	let column = right.checked_mul(SIDE)?.checked_add(column)?;
	let element = row.checked_mul(columns)?.checked_add(column)?;
	(column < columns && element < kind.shape.elements()?).then_some(element)
}

/// The bits of the element at this place of a tile.
pub fn tile_bits(bytes: &[u8; TILE_BYTES], place: usize) -> Option<u32> {
	let word = bytes.chunks_exact(4).nth(place)?;
	Some(u32::from_le_bytes(word.try_into().ok()?))
}

/// Tiles that have been proven.
pub(super) struct Tiles<'a> {
	operands: &'a [Operand],
	tiles: BTreeMap<(usize, u32), &'a [u8; TILE_BYTES]>,
	read: RefCell<BTreeSet<(usize, u32)>>,
}

impl Evidence {
	/// Checks each tile against its operand's root.
	pub(super) fn open<'a>(&'a self, operands: &'a [Operand]) -> Result<Tiles<'a>, EvidenceError> {
		if self.tiles.len() > MAX_TILES as usize {
			return Err(EvidenceError::TooMany);
		}
		let mut tiles = BTreeMap::new();
		for shown in &self.tiles {
			let (operand, tile) = (usize::from(shown.operand), shown.tile);
			let Operand { kind, root } = operands
				.get(operand)
				.ok_or(EvidenceError::NoSuchElement { operand })?;
			let leaf = tile_leaf(&shown.bytes);
			if !shown.proof.verify_tile(root, kind, tile, &leaf) {
				return Err(EvidenceError::NotCommitted { operand, tile });
			}
			if tiles.insert((operand, tile), &*shown.bytes).is_some() {
				return Err(EvidenceError::Twice { operand, tile });
			}
		}
		Ok(Tiles {
			operands,
			tiles,
			read: RefCell::default(),
		})
	}
}

impl Tiles<'_> {
	pub(super) fn read(&self, operand: usize, element: u64) -> Result<u32, EvidenceError> {
		let none = EvidenceError::NoSuchElement { operand };
		let kind = &self.operands.get(operand).ok_or(none)?.kind;
		let (tile, place) = tile_place(kind, element).ok_or(none)?;
		let bytes = self
			.tiles
			.get(&(operand, tile))
			.ok_or(EvidenceError::Missing { operand, tile })?;
		self.read.borrow_mut().insert((operand, tile));
		tile_bits(bytes, place).ok_or(none)
	}

	/// What nobody needs would only cost those who check it.
	pub(super) fn all_were_read(&self) -> Result<(), EvidenceError> {
		let read = self.read.borrow();
		match self.tiles.keys().find(|tile| !read.contains(tile)) {
			Some((operand, tile)) => Err(EvidenceError::Unused {
				operand: *operand,
				tile: *tile,
			}),
			None => Ok(()),
		}
	}
}

/// Makes a passage on whole tensors. Returns the running result after it and the evidence that lets
/// [`super::judge`] find the same.
pub fn collect(
	kind: &OperationKind,
	operands: &[&Tensor],
	question: Question,
	before: Running,
) -> Result<(Running, Evidence), JudgeError> {
	let types: Vec<TensorType> = operands.iter().map(|operand| operand.kind()).collect();
	let types: Vec<&TensorType> = types.iter().collect();
	let result = infer(kind, &types).map_err(JudgeError::Operands)?;
	let mut touched = BTreeSet::new();
	let mut read = |operand: usize, element: u64| {
		let none = EvidenceError::NoSuchElement { operand };
		let (tile, _) = types
			.get(operand)
			.and_then(|kind| tile_place(kind, element))
			.ok_or(none)?;
		touched.insert((operand, tile));
		let tensor = operands.get(operand).ok_or(none)?;
		let element = usize::try_from(element).map_err(|_| none)?;
		tensor.bits_at(element).ok_or(none)
	};
	let after = advance(kind, &types, &result, question, before, &mut read)?;

	let mut leaves: BTreeMap<usize, Vec<Hash>> = BTreeMap::new();
	let mut evidence = Evidence::default();
	for (operand, tile) in touched {
		let missing = EvidenceError::Missing { operand, tile };
		let tensor = operands.get(operand).ok_or(missing)?;
		if tile_count(&tensor.shape).is_none() {
			return Err(missing.into());
		}
		let leaves = leaves
			.entry(operand)
			.or_insert_with(|| tensor_leaves(tensor));
		let mut bytes = TileBytes::from([0; TILE_BYTES]);
		write_tile(tensor, tile, &mut bytes);
		evidence.tiles.push(TileProof {
			operand: operand.try_into().map_err(|_| missing)?,
			tile,
			bytes,
			proof: MerkleProof::new(leaves, tile).ok_or(missing)?,
		});
	}
	Ok((after, evidence))
}
