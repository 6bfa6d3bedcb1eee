//! The commitments of [`repops::commit`], tiles hashed by all threads.

use crate::{buffer::as_f32, team::Team};
use repops::{
	commit::{tensor_root_from_leaves, tile_count, tile_leaf, write_tile_of, Hash, TILE_BYTES},
	tensor::{Elements, Shape, Tensor, TensorType},
};

/// The least tiles that are worth another thread; hashing one takes a microsecond.
const LEAST_TILES: usize = 8;

/// A tensor's elements as the engine keeps them.
pub(crate) fn words(tensor: &Tensor) -> &[f32] {
	match &tensor.elements {
		Elements::F32(elements) => elements,
		Elements::U32(elements) => as_f32(elements),
	}
}

/// The leaves of a tensor's tiles.
pub(crate) fn tensor_leaves(team: &Team, shape: &Shape, elements: &[f32]) -> Vec<Hash> {
	let mut leaves = vec![Hash::default(); tile_count(shape).unwrap_or(0) as usize];
	let chunk = team.chunk(leaves.len(), LEAST_TILES, 1);
	team.for_each_chunk(&mut leaves, chunk, |_, start, leaves| {
		let mut bytes = [0; TILE_BYTES];
		for (index, leaf) in (start as u32..).zip(leaves) {
			write_tile_of(elements, shape.columns(), index, &mut bytes, |element| {
				element.to_bits()
			});
			*leaf = tile_leaf(&bytes);
		}
	});
	leaves
}

/// The root that commits to a tensor.
pub(crate) fn tensor_root(team: &Team, kind: &TensorType, elements: &[f32]) -> Hash {
	tensor_root_from_leaves(kind, &tensor_leaves(team, &kind.shape, elements))
}
