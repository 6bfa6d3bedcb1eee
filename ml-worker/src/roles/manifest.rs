//! Round manifests: the blob in which a trainer lists the checkpoints that it commits to.
//!
//! The tag [`TAG`], then for each checkpoint, the start state's first, the root of its state and the
//! BLAKE3 hash of its blob, 32 bytes each.

use polkadot_sdk::sp_core::H256;
use repops::commit::{trace_root, Hash};
use serde::{Deserialize, Serialize};

/// What the blob begins with.
pub const TAG: [u8; 8] = *b"POUWTRCE";

/// A checkpoint by its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
	/// The root of the state.
	pub state: H256,
	/// The BLAKE3 hash of the state's blob.
	pub blob: H256,
}

/// Why a blob is not a round's manifest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
	/// The tag is missing.
	#[error("not a round's manifest: the blob doesn't begin with {}", TAG.escape_ascii())]
	NotAManifest,
	/// There are too few or too many checkpoints.
	#[error(
		"the manifest's blob has {found} bytes, where {checkpoints} checkpoints need {expected}"
	)]
	Length {
		/// What a round has.
		checkpoints: u32,
		/// The bytes that they need.
		expected: u64,
		/// The bytes that there are.
		found: u64,
	},
}

/// The blob's bytes for a round of so many segments.
pub fn encoded_length(segments: u32) -> u64 {
	TAG.len() as u64 + 64 * (u64::from(segments) + 1)
}

/// The blob of these checkpoints.
pub fn encode(checkpoints: &[Checkpoint]) -> Vec<u8> {
	let mut blob = TAG.to_vec();
	for checkpoint in checkpoints {
		blob.extend_from_slice(checkpoint.state.as_bytes());
		blob.extend_from_slice(checkpoint.blob.as_bytes());
	}
	blob
}

/// The checkpoints in a blob of a round of so many segments.
pub fn decode(blob: &[u8], segments: u32) -> Result<Vec<Checkpoint>, ManifestError> {
	let list = blob.strip_prefix(&TAG).ok_or(ManifestError::NotAManifest)?;
	let (expected, found) = (encoded_length(segments), blob.len() as u64);
	if expected != found {
		return Err(ManifestError::Length {
			checkpoints: segments + 1,
			expected,
			found,
		});
	}
	let checkpoint = |pair: &[u8; 64]| Checkpoint {
		state: H256::from_slice(&pair[..32]),
		blob: H256::from_slice(&pair[32..]),
	};
	Ok(list.as_chunks::<64>().0.iter().map(checkpoint).collect())
}

/// Whether a trainer's checkpoints are right about a segment: they start from the state that its round
/// starts from, and `end` is where they say that the segment ends. The first is looked at for every segment,
/// or a trace that starts somewhere else would be caught by an audit of its first segment only.
pub fn holds(checkpoints: &[Checkpoint], start: &H256, segment: u32, end: &H256) -> bool {
	let state = |at: usize| checkpoints.get(at).map(|checkpoint| &checkpoint.state);
	let claimed = usize::try_from(segment)
		.ok()
		.and_then(|segment| state(segment.checked_add(1)?));
	state(0) == Some(start) && claimed == Some(end)
}

/// The root that a commitment to these checkpoints has.
pub fn root(checkpoints: &[Checkpoint]) -> H256 {
	let roots: Vec<Hash> = checkpoints
		.iter()
		.map(|checkpoint| checkpoint.state.0)
		.collect();
	H256(trace_root(&roots))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn checkpoints(count: u8) -> Vec<Checkpoint> {
		let name = |byte| H256::repeat_byte(byte);
		(0..count)
			.map(|at| Checkpoint {
				state: name(at),
				blob: name(at + 100),
			})
			.collect()
	}

	#[test]
	fn a_manifest_is_read_as_it_was_written() {
		let checkpoints = checkpoints(4);
		assert_eq!(decode(&encode(&checkpoints), 3), Ok(checkpoints));
	}

	#[test]
	fn a_trace_that_starts_elsewhere_is_wrong_in_every_segment() {
		let checkpoints = checkpoints(4);
		let (start, elsewhere) = (checkpoints[0].state, H256::repeat_byte(50));
		for segment in 0..3 {
			let end = checkpoints[segment as usize + 1].state;
			assert!(holds(&checkpoints, &start, segment, &end));
			assert!(!holds(&checkpoints, &elsewhere, segment, &end));
			assert!(!holds(&checkpoints, &start, segment, &elsewhere));
		}
		assert!(!holds(&checkpoints, &start, 3, &checkpoints[3].state));
		assert!(!holds(&[], &start, 0, &start));
	}

	#[test]
	fn a_foreign_or_cut_blob_is_refused() {
		assert_eq!(decode(b"POUWSTAT", 0), Err(ManifestError::NotAManifest));
		let mut blob = encode(&checkpoints(4));
		assert!(matches!(
			decode(&blob, 4),
			Err(ManifestError::Length { checkpoints: 5, .. })
		));
		blob.pop();
		assert!(matches!(
			decode(&blob, 3),
			Err(ManifestError::Length { checkpoints: 4, .. })
		));
	}
}
