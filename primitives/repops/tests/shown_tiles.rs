//! Tiles that are shown: the right ones are taken, and nothing else is.

mod support;

use codec::{Decode, Encode};
use proptest::prelude::*;
use repops::{
	commit::{state_root, trace_root, Hash, MerkleProof, TILE_BYTES},
	shown::{ProvenTile, Whole},
	tensor::{DType, Tensor},
};
use support::Words;

/// Tensors of several shapes, among them one of several tiles and one of a tile that is not full.
fn tensors(seed: u8) -> Vec<Tensor> {
	let shapes: [&[u32]; 4] = [&[3], &[70, 40], &[2, 3, 33], &[1]];
	let mut words = Words::new(seed);
	shapes
		.into_iter()
		.map(|shape| {
			let count = shape.iter().product::<u32>() as usize;
			Tensor::f32(shape.to_vec(), words.numbers(count)).unwrap()
		})
		.collect()
}

fn references(tensors: &[Tensor]) -> Vec<&Tensor> {
	tensors.iter().collect()
}

/// The roots of a round's checkpoints, of which one is that of a state.
fn trace(state: &[Tensor], count: u32, index: u32) -> Vec<Hash> {
	(0..count)
		.map(|at| {
			if at == index {
				state_root(state)
			} else {
				[at as u8; 32]
			}
		})
		.collect()
}

/// A tile of a checkpoint, and what it is a tile of.
fn shown(count: u32, index: u32, tensor: u32, tile: u32) -> (ProvenTile, Whole) {
	let state = tensors(1);
	let checkpoints = trace(&state, count, index);
	let shown = ProvenTile::new(&references(&state), tensor, tile).unwrap();
	let of = Whole::Checkpoint {
		trace: trace_root(&checkpoints),
		count,
		index,
	};
	(shown.of_checkpoint(&checkpoints, index).unwrap(), of)
}

#[test]
fn each_tile_is_taken_for_itself_and_for_no_other() {
	let state = tensors(1);
	let root = state_root(&state);
	let tiles = [1, 6, 2, 1];
	for (tensor, count) in (0..).zip(tiles) {
		for tile in 0..count {
			let shown = ProvenTile::new(&references(&state), tensor, tile).unwrap();
			for (other, others) in (0..).zip(tiles) {
				for asked in 0..others {
					let same = (other, asked) == (tensor, tile);
					let of = Whole::Tensors { root };
					assert_eq!(shown.verify(&of, other, asked), same);
				}
			}
		}
	}
}

#[test]
fn a_tile_of_tensors_is_none_of_a_checkpoint_and_the_other_way_round() {
	let state = tensors(1);
	let plain = ProvenTile::new(&references(&state), 1, 4).unwrap();
	let (checkpoint, of) = shown(5, 3, 1, 4);
	assert!(!plain.verify(&of, 1, 4));
	let of = Whole::Tensors {
		root: state_root(&state),
	};
	assert!(plain.verify(&of, 1, 4));
	assert!(!checkpoint.verify(&of, 1, 4));
}

#[test]
fn the_only_checkpoint_needs_no_way_up() {
	let (shown, of) = shown(1, 0, 2, 1);
	assert_eq!(shown.in_trace, MerkleProof::default());
	assert!(shown.verify(&of, 2, 1));
	let state = Whole::Tensors {
		root: state_root(&tensors(1)),
	};
	assert!(shown.verify(&state, 2, 1));
}

#[test]
fn where_there_is_nothing_nothing_is_shown() {
	assert_eq!(ProvenTile::new(&[], 0, 0), None);
	let (shown, of) = shown(5, 3, 1, 4);
	assert_eq!(shown.clone().of_checkpoint(&[[1; 32]; 5], 5), None);
	for (tensors, shape) in [
		(0, vec![70, 40]),
		(4, vec![]),
		(4, vec![0]),
		(4, vec![70, 0]),
	] {
		let mut none = shown.clone();
		none.tensors = tensors;
		none.kind.shape.0 = shape;
		assert!(!none.verify(&of, 1, 4));
	}
}

#[test]
fn no_count_can_be_made_up() {
	let (shown, of) = shown(5, 3, 1, 4);
	for tensors in 0..12 {
		let claimed = ProvenTile {
			tensors,
			..shown.clone()
		};
		assert_eq!(claimed.verify(&of, 1, 4), tensors == 4);
	}
	let mut kind = shown.kind.clone();
	kind.dtype = DType::U32;
	assert!(!ProvenTile { kind, ..shown }.verify(&of, 1, 4));
}

proptest! {
	#[test]
	fn whichever_tile_is_asked_for_can_be_shown(
		count in 1u32..20, index: u32, tensor: u32, tile: u32,
	) {
		let index = index % count;
		let (shown, of) = shown(count, index, tensor, tile);
		prop_assert!(shown.verify(&of, tensor, tile));
		let bytes = shown.encode();
		prop_assert_eq!(ProvenTile::decode(&mut &bytes[..]), Ok(shown));
	}

	#[test]
	fn a_changed_bit_is_seen(tensor in 0u32..4, tile: u32, at: prop::sample::Index, bit in 0u8..8) {
		let (shown, of) = shown(9, 6, tensor, tile);
		let mut bytes = shown.encode();
		let at = at.index(bytes.len());
		bytes[at] ^= 1 << bit;
		// It may not even be a tile any more.
		if let Ok(changed) = ProvenTile::decode(&mut &bytes[..]) {
			prop_assert!(!changed.verify(&of, tensor, tile));
		}
	}

	#[test]
	fn another_place_is_seen(tensor in 0u32..4, tile in 0u32..6, other in 0u32..4, index in 0u32..9) {
		let (shown, of) = shown(9, 6, tensor, tile);
		if other != tensor {
			prop_assert!(!shown.verify(&of, other, tile));
		}
		let Whole::Checkpoint { trace, count, .. } = of else { unreachable!() };
		let moved = Whole::Checkpoint { trace, count, index };
		prop_assert_eq!(shown.verify(&moved, tensor, tile), index == 6);
		for count in [0, 8, 10, u32::MAX] {
			let longer = Whole::Checkpoint { trace, count, index: 6 };
			prop_assert!(!shown.verify(&longer, tensor, tile));
		}
	}

	#[test]
	fn what_is_no_tile_at_all_does_no_harm(
		shape in prop::collection::vec(any::<u32>(), 0..6), tensors: u32,
		siblings in prop::collection::vec(any::<[u8; 32]>(), 0..40),
		tensor: u32, tile: u32, count: u32, index: u32,
	) {
		let proof = MerkleProof { siblings };
		let shown = ProvenTile {
			kind: repops::tensor::TensorType::f32(shape),
			tensors,
			bytes: [3; TILE_BYTES].into(),
			in_tensor: proof.clone(),
			in_state: proof.clone(),
			in_trace: proof,
		};
		let of = Whole::Checkpoint { trace: [1; 32], count, index };
		prop_assert!(!shown.verify(&of, tensor, tile));
		let of = Whole::Tensors { root: [1; 32] };
		prop_assert!(!shown.verify(&of, tensor, tile));
	}
}
