//! Merkle trees, roots and proofs.

mod support;

use proptest::prelude::*;
use repops::{
	commit::*,
	tensor::{Shape, Tensor, TensorType},
};
use support::{hex, Words};

fn leaves(count: usize) -> Vec<Hash> {
	(0..count)
		.map(|index| *blake3::hash(&index.to_le_bytes()).as_bytes())
		.collect()
}

fn numbers(shape: impl Into<Shape>) -> Tensor {
	let shape = shape.into();
	let count = shape.elements().unwrap() as usize;
	Tensor::f32(shape, Words::new(1).numbers(count)).unwrap()
}

#[test]
fn a_tree_is_what_its_words_say() {
	let l = leaves(7);
	assert_eq!(merkle_root(&l[..1]), l[0]);
	assert_eq!(merkle_root(&l[..2]), node(&l[0], &l[1]));
	assert_eq!(merkle_root(&l[..3]), node(&node(&l[0], &l[1]), &l[2]));
	let four = node(&node(&l[0], &l[1]), &node(&l[2], &l[3]));
	assert_eq!(merkle_root(&l[..4]), four);
	assert_eq!(merkle_root(&l[..5]), node(&four, &l[4]));
	assert_eq!(
		merkle_root(&l),
		node(&four, &node(&node(&l[4], &l[5]), &l[6]))
	);
	let mut bytes = [0; 64];
	bytes[..32].copy_from_slice(&l[0]);
	bytes[32..].copy_from_slice(&l[1]);
	assert_eq!(
		node(&l[0], &l[1]),
		*blake3::keyed_hash(b"repops merkle node              ", &bytes).as_bytes()
	);
}

#[test]
fn runs_of_leaves_lead_to_the_same_top() {
	for count in 0..70 {
		let leaves = leaves(count);
		for levels in 0..8 {
			assert_eq!(
				merkle_root(&merkle_runs(&leaves, levels)),
				merkle_root(&leaves)
			);
		}
		assert_eq!(merkle_runs(&leaves, 200).len(), count.min(1));
	}
}

#[test]
fn no_tree_of_another_shape_has_the_same_root() {
	let leaves = leaves(5);
	// The top of two leaves as the only leaf: the same top, another count.
	let top = merkle_root(&leaves[..2]);
	assert_eq!(merkle_root(&[top]), top);
	assert_ne!(root(Domain::Data, &[top]), root(Domain::Data, &leaves[..2]));
	// A last leaf twice.
	let mut doubled = leaves.clone();
	doubled.push(leaves[4]);
	assert_ne!(root(Domain::Data, &leaves), root(Domain::Data, &doubled));
	let roots = [Domain::State, Domain::Trace, Domain::Data].map(|domain| root(domain, &leaves));
	assert!(roots[0] != roots[1] && roots[1] != roots[2] && roots[0] != roots[2]);
	assert_eq!(
		[
			state_root_from_tensor_roots(&leaves),
			trace_root(&leaves),
			data_root(&leaves)
		],
		roots
	);
	assert_ne!(root(Domain::Trace, &[]), [0; 32]);
}

#[test]
fn proofs_of_all_leaves_of_small_trees() {
	for count in 1..40u32 {
		let leaves = leaves(count as usize);
		let root = data_root(&leaves);
		assert_eq!(MerkleProof::new(&leaves, count), None);
		for index in 0..count {
			let proof = MerkleProof::new(&leaves, index).unwrap();
			for claimed in 0..count + 2 {
				let right =
					proof.verify(Domain::Data, &root, count, claimed, &leaves[index as usize]);
				assert_eq!(right, claimed == index);
			}
			for other in [count - 1, count + 1, 2 * count, u32::MAX] {
				assert!(!proof.verify(Domain::Data, &root, other, index, &leaves[index as usize]));
			}
			assert!(!proof.verify(Domain::Trace, &root, count, index, &leaves[index as usize]));
		}
	}
}

#[test]
fn a_changed_bit_of_a_proof_is_refused() {
	let leaves = leaves(13);
	let root = data_root(&leaves);
	for index in [0, 6, 12] {
		let proof = MerkleProof::new(&leaves, index).unwrap();
		let leaf = leaves[index as usize];
		assert!(proof.verify(Domain::Data, &root, 13, index, &leaf));
		for bit in 0..256 {
			let flip = |mut hash: Hash| {
				hash[bit / 8] ^= 1 << (bit % 8);
				hash
			};
			assert!(!proof.verify(Domain::Data, &root, 13, index, &flip(leaf)));
			assert!(!proof.verify(Domain::Data, &flip(root), 13, index, &leaf));
			for sibling in 0..proof.siblings.len() {
				let mut changed = proof.clone();
				changed.siblings[sibling] = flip(changed.siblings[sibling]);
				assert!(!changed.verify(Domain::Data, &root, 13, index, &leaf));
			}
		}
		let mut longer = proof.clone();
		longer.siblings.push([0; 32]);
		assert!(!longer.verify(Domain::Data, &root, 13, index, &leaf));
		let mut shorter = proof;
		shorter.siblings.pop();
		assert!(!shorter.verify(Domain::Data, &root, 13, index, &leaf));
	}
}

#[test]
fn tiles_hold_the_elements_and_zeros() {
	for shape in [
		Shape::from([1]),
		[33].into(),
		[32, 32].into(),
		[40, 70].into(),
		[3, 11, 65].into(),
		[2, 3, 4, 5].into(),
	] {
		let tensor = numbers(shape.clone());
		let elements = tensor.as_f32().unwrap();
		let (rows, columns) = (shape.rows(), shape.columns());
		let (down, across) = tile_grid(&shape);
		assert_eq!(tile_count(&shape), Some((down * across) as u32));
		for index in 0..down * across {
			let mut bytes = [0xAA; TILE_BYTES];
			write_tile(&tensor, index as u32, &mut bytes);
			for (place, word) in bytes.chunks_exact(4).enumerate() {
				let row = index / across * TILE + place / TILE;
				let column = index % across * TILE + place % TILE;
				let inside = row < rows && column < columns;
				let expected = if inside {
					elements[row * columns + column].to_bits()
				} else {
					0
				};
				assert_eq!(word, expected.to_le_bytes());
			}
		}
		let mut past = [0xAA; TILE_BYTES];
		write_tile(&tensor, (down * across) as u32, &mut past);
		assert_eq!(past, [0; TILE_BYTES]);
	}
}

#[test]
fn a_tensor_root_binds_type_shape_and_every_bit() {
	let tensor = Tensor::f32([2, 6], vec![0.0; 12]).unwrap();
	let others = [
		Tensor::f32([3, 4], vec![0.0; 12]).unwrap(),
		Tensor::f32([12], vec![0.0; 12]).unwrap(),
		Tensor::f32([1, 2, 6], vec![0.0; 12]).unwrap(),
		Tensor::f32([2, 7], vec![0.0; 14]).unwrap(),
		Tensor::u32([2, 6], vec![0; 12]).unwrap(),
	];
	for other in &others {
		assert_ne!(tensor_root(&tensor), tensor_root(other));
	}
	let big = numbers([40, 70]);
	let root = tensor_root(&big);
	for at in [0, 31, 32, 69, 70, 1399, 2799] {
		let mut changed = big.as_f32().unwrap().to_vec();
		changed[at] = f32::from_bits(changed[at].to_bits() ^ 1);
		assert_ne!(tensor_root(&Tensor::f32([40, 70], changed).unwrap()), root);
	}
	assert_eq!(
		tensor_root_from_leaves(&big.kind(), &tensor_leaves(&big)),
		root
	);
	assert_eq!(
		state_root(&[tensor.clone(), big.clone()]),
		state_root_from_tensor_roots(&[tensor_root(&tensor), root])
	);
	assert_ne!(
		state_root(&[tensor.clone(), big.clone()]),
		state_root(&[big, tensor])
	);
}

#[test]
fn a_tile_is_proven_against_its_tensor() {
	let tensor = numbers([100, 100]);
	let (root, kind, leaves) = (tensor_root(&tensor), tensor.kind(), tensor_leaves(&tensor));
	assert_eq!(leaves.len(), 16);
	for index in 0..16u32 {
		let proof = MerkleProof::new(&leaves, index).unwrap();
		let mut bytes = [0; TILE_BYTES];
		write_tile(&tensor, index, &mut bytes);
		let leaf = tile_leaf(&bytes);
		assert!(proof.verify_tile(&root, &kind, index, &leaf));
		assert!(!proof.verify_tile(&root, &kind, index ^ 1, &leaf));
		assert!(!proof.verify_tile(&root, &TensorType::u32([100, 100]), index, &leaf));
		assert!(!proof.verify_tile(&root, &TensorType::f32([100, 99]), index, &leaf));
		bytes[17] ^= 1;
		assert!(!proof.verify_tile(&root, &kind, index, &tile_leaf(&bytes)));
	}
}

proptest! {
	#[test]
	fn only_the_right_leaf_is_proven(count in 1u32..300, index: u32, other: u32, claimed: u32) {
		let leaves = leaves(count as usize);
		let (index, other) = (index % count, other % count);
		let root = trace_root(&leaves);
		let proof = MerkleProof::new(&leaves, index).unwrap();
		let verify = |at, leaf: u32| proof.verify(Domain::Trace, &root, count, at, &leaves[leaf as usize]);
		prop_assert!(verify(index, index));
		prop_assert_eq!(verify(index, other), index == other);
		prop_assert_eq!(verify(claimed, index), claimed == index);
	}
}

#[test]
fn golden_roots() {
	let tensor = Tensor::f32([40, 70], (0..2800).map(|at| at as f32 / 7.0).collect()).unwrap();
	let roots = [
		tensor_root(&tensor),
		state_root(&[tensor]),
		data_root(&leaves(11)),
	]
	.map(|root| hex(&root));
	assert_eq!(
		roots,
		[
			"9d979e5a1c567a775a3c0bd8635e13af10a7d3ea50696fcb9ae2b17240b7333e",
			"8f9d9dec0606964704725060bb377ae396450b4cb948aae6cd7ee5c315194022",
			"8aa2c1b445633a983e6ad07f5badc52dd16e4be348ee762e9261d99eaa5db10b"
		]
	);
}
