//! Segments: cut, encoded, decoded, put together.

use super::small;
use ml_worker::dataset::segments::{
	cut, decode, decode_manifest, encode, encode_manifest, visible, CutError, EncodedData,
	ManifestError, Part, SegmentError,
};
use std::collections::BTreeMap;

const SALT: [u8; 32] = [7; 32];

#[test]
fn every_row_is_in_at_most_one_segment() {
	let dataset = small::dataset();
	let cut = cut(&dataset, 10, 1).unwrap();
	assert_eq!((cut.segments.len(), cut.dropped_rows), (10, 3));
	let key = |row: &[f32], label| {
		(
			row.iter().map(|value| value.to_bits()).collect::<Vec<_>>(),
			label,
		)
	};
	let mut left = BTreeMap::new();
	for row in 0..dataset.rows() {
		*left
			.entry(key(dataset.row(row), dataset.labels[row]))
			.or_insert(0) += 1;
	}
	for segment in &cut.segments {
		assert_eq!(segment.rows(), 14);
		for row in 0..segment.rows() {
			*left
				.get_mut(&key(segment.row(row), segment.labels[row]))
				.unwrap() -= 1;
		}
	}
	assert!(left.values().all(|count| *count >= 0));
	assert_eq!(left.values().sum::<i32>(), 3);
}

#[test]
fn the_order_decides_alone() {
	let dataset = small::dataset();
	let segments = |order| cut(&dataset, 10, order).unwrap().segments;
	assert_eq!(segments(1), segments(1));
	assert_ne!(segments(1), segments(2));
}

#[test]
fn too_few_rows_are_refused() {
	let error = cut(&small::dataset(), 144, 0).unwrap_err();
	assert_eq!(
		error,
		CutError::TooFewRows {
			rows: 143,
			segments: 144
		}
	);
	assert_eq!(
		cut(&small::dataset(), 0, 0).unwrap_err(),
		CutError::TooFewRows {
			rows: 143,
			segments: 0
		}
	);
}

#[test]
fn a_segment_survives_its_blob() {
	let segment = cut(&small::dataset(), 10, 0).unwrap().segments.remove(3);
	let blob = encode(&segment, &SALT);
	assert_eq!(blob.len(), 8 + 32 + 8 + 14 * 6 * 4);
	assert_eq!(decode(&blob, 14, 5, 3), Ok(segment.clone()));
	assert_ne!(encode(&segment, &[8; 32]), blob);
}

#[test]
fn a_wrong_segment_is_refused() {
	let segment = cut(&small::dataset(), 10, 0).unwrap().segments.remove(3);
	let blob = encode(&segment, &SALT);
	for length in 0..blob.len() {
		assert!(decode(&blob[..length], 14, 5, 3).is_err());
	}
	let longer = [&blob[..], &[0]].concat();
	assert!(matches!(
		decode(&longer, 14, 5, 3),
		Err(SegmentError::Length { .. })
	));
	assert!(matches!(
		decode(&blob, 13, 5, 3),
		Err(SegmentError::Shape { found_rows: 14, .. })
	));
	assert!(matches!(
		decode(&blob, 14, 6, 3),
		Err(SegmentError::Shape {
			found_columns: 5,
			..
		})
	));
	assert!(matches!(
		decode(&blob, u32::MAX, u32::MAX, 3),
		Err(SegmentError::Shape { .. })
	));
	assert!(matches!(
		decode(&blob, 14, 5, 1),
		Err(SegmentError::Label { classes: 1, .. })
	));
	let mut tagged = blob.clone();
	tagged[0] ^= 1;
	assert_eq!(decode(&tagged, 14, 5, 3), Err(SegmentError::NotASegment));
	for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
		let mut blob = blob.clone();
		blob[48 + 4 * 6..48 + 4 * 7].copy_from_slice(&value.to_le_bytes());
		let error = decode(&blob, 14, 5, 3).unwrap_err();
		assert!(
			matches!(
				error,
				SegmentError::NotFinite {
					row: 1,
					column: 1,
					..
				}
			),
			"{error}"
		);
	}
}

#[test]
fn a_manifest_lists_the_hashes() {
	let segments = cut(&small::dataset(), 10, 0).unwrap().segments;
	let data = EncodedData::new(&segments).unwrap();
	assert_eq!(decode_manifest(&data.manifest, 10), Ok(data.hashes.clone()));
	assert_eq!(data.root, repops::commit::data_root(&data.hashes));
	for (blob, hash) in data.segments.iter().zip(&data.hashes) {
		assert_eq!(blake3::hash(blob).as_bytes(), hash);
	}
	// Salts differ, so equal rows have different hashes.
	assert_ne!(EncodedData::new(&segments).unwrap().hashes, data.hashes);
}

#[test]
fn a_wrong_manifest_is_refused() {
	let manifest = encode_manifest(&[[1; 32], [2; 32]]);
	assert_eq!(decode_manifest(&manifest, 2), Ok(vec![[1; 32], [2; 32]]));
	assert!(matches!(
		decode_manifest(&manifest, 3),
		Err(ManifestError::Length { expected: 104, .. })
	));
	assert!(decode_manifest(&manifest[..71], 2).is_err());
	assert!(decode_manifest(&[&manifest[..], &[0]].concat(), 2).is_err());
	assert_eq!(
		decode_manifest(b"POUWDATA", 0),
		Err(ManifestError::NotAManifest)
	);
}

#[test]
fn segments_are_put_together_in_order() {
	let segments = cut(&small::dataset(), 10, 0).unwrap().segments;
	let part = Part::assemble([&segments[2], &segments[5]]);
	assert_eq!(part.rows(), 28);
	assert_eq!(part.features.shape.0, [28, 5]);
	let features = [&segments[2].features[..], &segments[5].features[..]].concat();
	assert_eq!(part.features.as_f32(), Some(&features[..]));
	let labels = [&segments[2].labels[..], &segments[5].labels[..]].concat();
	assert_eq!(part.labels.as_u32(), Some(&labels[..]));
	assert_ne!(
		part.root(),
		Part::assemble([&segments[5], &segments[2]]).root()
	);
}

#[test]
fn visible_segments_are_those_not_hidden() {
	assert_eq!(visible(5, &[1, 4]), [0, 2, 3]);
}
