//! States as blobs.

mod support;

use repops::{
	initial::initial_state,
	random::Seed,
	state_blob::{decode, encode, encoded_length, StateBlobError, MAGIC},
};
use support::{mlp, NASTY};

#[test]
fn a_state_keeps_every_bit() {
	let program = mlp(20, 4, 3, 2, 5, 0.1);
	let mut state = initial_state(&program, &Seed([1; 32]));
	let canonical = |bits: &u32| !f32::from_bits(*bits).is_nan() || *bits == 0x7FC0_0000;
	for (tensor, shift) in state.iter_mut().zip(0..) {
		let nasty = NASTY
			.iter()
			.filter(|bits| canonical(bits))
			.cycle()
			.skip(shift);
		let elements = nasty
			.take(tensor.len())
			.map(|bits| f32::from_bits(*bits))
			.collect();
		*tensor = repops::tensor::Tensor::f32(tensor.shape.clone(), elements).unwrap();
	}
	let blob = encode(&state);
	assert_eq!(encoded_length(&program.state), Some(blob.len() as u64));
	let decoded = decode(&blob, &program.state).unwrap();
	assert_eq!(decoded, state);
	assert_eq!(encode(&decoded), blob);
}

#[test]
fn other_blobs_are_refused() {
	let program = mlp(20, 4, 3, 2, 5, 0.1);
	let blob = encode(&initial_state(&program, &Seed([1; 32])));
	let refusal = |blob: &[u8]| decode(blob, &program.state).unwrap_err();
	assert_eq!(refusal(&[]), StateBlobError::NotAState);
	assert_eq!(refusal(&program.encode()), StateBlobError::NotAState);
	let length = blob.len() as u64;
	assert_eq!(
		refusal(&blob[..blob.len() - 1]),
		StateBlobError::Length {
			expected: Some(length),
			found: length - 1
		}
	);
	let longer = [&blob[..], &[0; 4]].concat();
	assert_eq!(
		refusal(&longer),
		StateBlobError::Length {
			expected: Some(length),
			found: length + 4
		}
	);
	let mut foreign = blob.clone();
	let at = MAGIC.len() + 4 * (4 * 3 + 1);
	foreign[at..at + 4].copy_from_slice(&0xFFC0_0000u32.to_le_bytes());
	assert_eq!(
		refusal(&foreign),
		StateBlobError::ForeignNan {
			tensor: 1,
			element: 1
		}
	);
	assert_eq!(
		refusal(&foreign).to_string(),
		"element 1 of state tensor 1 is a NaN that no computation produces"
	);
	let mut huge = program.state.clone();
	huge[0].shape = vec![u32::MAX; 4].into();
	assert_eq!(
		decode(&blob, &huge).unwrap_err(),
		StateBlobError::Length {
			expected: None,
			found: length
		}
	);
}
