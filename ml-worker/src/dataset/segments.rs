//! Segments: the equal parts that a task's data set is cut into, of which the chain hides some for the test.
//!
//! A segment's blob is the tag [`SEGMENT_TAG`], a salt of 32 bytes, the numbers of rows and columns, the
//! features row by row, and the labels; each number four bytes, little-endian. The salt is random, so that
//! nobody who knows the data set can tell from the hashes which rows are in which segment. A manifest's blob
//! is the tag [`MANIFEST_TAG`] and the BLAKE3 hashes of the segments' blobs in their order; the root of the
//! data set is [`repops::commit::data_root`] over the same hashes.

use super::Dataset;
use repops::{
	commit::{data_root, state_root_from_tensor_roots, tensor_root, Hash},
	random::{Permutation, Seed},
	tensor::{Elements, Shape, Tensor},
};

/// What the blob of a segment begins with.
pub const SEGMENT_TAG: [u8; 8] = *b"POUWDATA";
/// What the blob of a manifest begins with.
pub const MANIFEST_TAG: [u8; 8] = *b"POUWLIST";

const HEADER_BYTES: usize = 8 + 32 + 4 + 4;

/// Why a data set can't be cut.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CutError {
	/// There would be segments without rows.
	#[error("{rows} rows can't be cut into {segments} segments; use fewer segments")]
	TooFewRows {
		/// The rows of the data set.
		rows: usize,
		/// The number of segments.
		segments: u16,
	},
	/// A program can't number the rows.
	#[error(
		"there are {rows} rows, more than the {} that programs can number",
		u32::MAX
	)]
	TooManyRows {
		/// The rows of the data set.
		rows: usize,
	},
}

/// Why a blob is not a segment of its data set.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
	/// The tag is missing.
	#[error("not a segment: the blob doesn't begin with {}", SEGMENT_TAG.escape_ascii())]
	NotASegment,
	/// The numbers of rows or columns differ from the task's.
	#[error("a segment of {found_rows} × {found_columns}, where the task says {rows} × {columns}")]
	Shape {
		/// The task's number of rows.
		rows: u32,
		/// The task's number of columns.
		columns: u32,
		/// The blob's number of rows.
		found_rows: u32,
		/// The blob's number of columns.
		found_columns: u32,
	},
	/// The blob is longer or shorter than its shape needs.
	#[error("the segment's blob has {found} bytes, where its shape needs {expected}")]
	Length {
		/// What the shape needs.
		expected: u64,
		/// What there is.
		found: u64,
	},
	/// A feature is a NaN or an infinity.
	#[error("row {row}, feature {column} of the segment is {value}")]
	NotFinite {
		/// The row, from 0.
		row: usize,
		/// The feature, from 0.
		column: usize,
		/// What it is.
		value: f32,
	},
	/// A label is not below the number of classes.
	#[error("row {row} of the segment has the label {label}, but there are {classes} classes")]
	Label {
		/// The row, from 0.
		row: usize,
		/// The label.
		label: u32,
		/// The number of classes.
		classes: u32,
	},
}

/// Why a blob is not the manifest of its data set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
	/// The tag is missing.
	#[error("not a manifest: the blob doesn't begin with {}", MANIFEST_TAG.escape_ascii())]
	NotAManifest,
	/// It doesn't list as many hashes as the task has segments.
	#[error("the manifest's blob has {found} bytes, where {segments} segments need {expected}")]
	Length {
		/// The task's number of segments.
		segments: u16,
		/// What they need.
		expected: u64,
		/// What there is.
		found: u64,
	},
}

/// A data set in equal parts.
#[derive(Clone, Debug)]
pub struct Cut {
	/// The segments.
	pub segments: Vec<Dataset>,
	/// How many rows were left over, less than there are segments. They are in no segment.
	pub dropped_rows: usize,
}

/// Cuts a data set into `count` segments of as many rows each. The rows are first put into an order that
/// follows from `order` alone, so that files which are sorted by label still give mixed segments.
pub fn cut(dataset: &Dataset, count: u16, order: u64) -> Result<Cut, CutError> {
	let rows = dataset.rows();
	let population = u32::try_from(rows).map_err(|_| CutError::TooManyRows { rows })?;
	let each = rows.checked_div(usize::from(count)).unwrap_or(0);
	if each == 0 {
		return Err(CutError::TooFewRows {
			rows,
			segments: count,
		});
	}
	let mut seed = Seed::default();
	seed.0[..8].copy_from_slice(&order.to_le_bytes());
	let order = Permutation::new(&seed, 0, population);
	let segment = |number: u32| {
		let mut segment = Dataset {
			features: Vec::with_capacity(each * dataset.columns as usize),
			labels: Vec::with_capacity(each),
			columns: dataset.columns,
			classes: dataset.classes,
		};
		let first = number * each as u32;
		for place in first..first + each as u32 {
			let row = order.at(place) as usize;
			segment.features.extend_from_slice(dataset.row(row));
			segment.labels.push(dataset.labels[row]);
		}
		segment
	};
	let segments = (0..u32::from(count)).map(segment).collect();
	Ok(Cut {
		segments,
		dropped_rows: rows % usize::from(count),
	})
}

/// A salt for a segment's blob.
pub fn random_salt() -> Result<[u8; 32], getrandom::Error> {
	let mut salt = [0; 32];
	getrandom::fill(&mut salt)?;
	Ok(salt)
}

/// The blob of a segment.
pub fn encode(segment: &Dataset, salt: &[u8; 32]) -> Vec<u8> {
	let words = 2 + segment.features.len() + segment.labels.len();
	let mut blob = Vec::with_capacity(8 + 32 + 4 * words);
	blob.extend_from_slice(&SEGMENT_TAG);
	blob.extend_from_slice(salt);
	blob.extend_from_slice(&(segment.rows() as u32).to_le_bytes());
	blob.extend_from_slice(&segment.columns.to_le_bytes());
	blob.extend(
		segment
			.features
			.iter()
			.flat_map(|feature| feature.to_le_bytes()),
	);
	blob.extend(segment.labels.iter().flat_map(|label| label.to_le_bytes()));
	blob
}

/// The segment in a blob, which must have exactly these rows, columns and classes.
pub fn decode(blob: &[u8], rows: u32, columns: u32, classes: u32) -> Result<Dataset, SegmentError> {
	if !blob.starts_with(&SEGMENT_TAG) {
		return Err(SegmentError::NotASegment);
	}
	let cells = u64::from(rows) * (u64::from(columns) + 1);
	let expected = cells.saturating_mul(4).saturating_add(HEADER_BYTES as u64);
	let found = blob.len() as u64;
	let Some((header, body)) = blob.split_at_checked(HEADER_BYTES) else {
		return Err(SegmentError::Length { expected, found });
	};
	let mut lengths = words(&header[HEADER_BYTES - 8..]);
	let (found_rows, found_columns) = (lengths.next().unwrap_or(0), lengths.next().unwrap_or(0));
	if (found_rows, found_columns) != (rows, columns) {
		return Err(SegmentError::Shape {
			rows,
			columns,
			found_rows,
			found_columns,
		});
	}
	if found != expected {
		return Err(SegmentError::Length { expected, found });
	}
	let (features, labels) = body.split_at(rows as usize * columns as usize * 4);
	let features: Vec<f32> = words(features).map(f32::from_bits).collect();
	let labels: Vec<u32> = words(labels).collect();
	if let Some(index) = features.iter().position(|feature| !feature.is_finite()) {
		let (row, column) = (index / columns as usize, index % columns as usize);
		return Err(SegmentError::NotFinite {
			row,
			column,
			value: features[index],
		});
	}
	if let Some(row) = labels.iter().position(|label| *label >= classes) {
		return Err(SegmentError::Label {
			row,
			label: labels[row],
			classes,
		});
	}
	Ok(Dataset {
		features,
		labels,
		columns,
		classes,
	})
}

/// The blob of a manifest.
pub fn encode_manifest(hashes: &[Hash]) -> Vec<u8> {
	let mut blob = MANIFEST_TAG.to_vec();
	blob.extend(hashes.iter().flatten());
	blob
}

/// The hashes in a manifest's blob, which must list `segments` of them.
pub fn decode_manifest(blob: &[u8], segments: u16) -> Result<Vec<Hash>, ManifestError> {
	let list = blob
		.strip_prefix(&MANIFEST_TAG)
		.ok_or(ManifestError::NotAManifest)?;
	let (hashes, rest) = list.as_chunks::<32>();
	if hashes.len() != usize::from(segments) || !rest.is_empty() {
		let expected = 8 + 32 * u64::from(segments);
		return Err(ManifestError::Length {
			segments,
			expected,
			found: blob.len() as u64,
		});
	}
	Ok(hashes.to_vec())
}

/// A data set as its client keeps and serves it.
#[derive(Clone, Debug)]
pub struct EncodedData {
	/// The segments' blobs, in their order.
	pub segments: Vec<Vec<u8>>,
	/// The BLAKE3 hashes of these blobs.
	pub hashes: Vec<Hash>,
	/// The blob that lists the hashes.
	pub manifest: Vec<u8>,
	/// The root over the hashes.
	pub root: Hash,
}

impl EncodedData {
	/// Encodes all segments, each with a random salt.
	pub fn new(segments: &[Dataset]) -> Result<Self, getrandom::Error> {
		let blobs = segments
			.iter()
			.map(|segment| Ok(encode(segment, &random_salt()?)));
		let segments = blobs.collect::<Result<Vec<_>, getrandom::Error>>()?;
		let hashes: Vec<Hash> = segments
			.iter()
			.map(|blob| *blake3::hash(blob).as_bytes())
			.collect();
		let (manifest, root) = (encode_manifest(&hashes), data_root(&hashes));
		Ok(EncodedData {
			segments,
			hashes,
			manifest,
			root,
		})
	}
}

/// Rows as programs read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
	/// `F32 [rows, columns]`.
	pub features: Tensor,
	/// `U32 [rows]`.
	pub labels: Tensor,
}

impl Part {
	/// Puts segments together, which must come in ascending order of their numbers.
	pub fn assemble<'a>(segments: impl IntoIterator<Item = &'a Dataset>) -> Self {
		let (mut features, mut labels, mut columns) = (Vec::new(), Vec::new(), 0);
		for segment in segments {
			features.extend_from_slice(&segment.features);
			labels.extend_from_slice(&segment.labels);
			columns = segment.columns;
		}
		let rows = labels.len() as u32;
		let tensor = |shape: Vec<u32>, elements| Tensor {
			shape: Shape(shape),
			elements,
		};
		Part {
			features: tensor(vec![rows, columns], Elements::F32(features)),
			labels: tensor(vec![rows], Elements::U32(labels)),
		}
	}

	/// The number of rows.
	pub fn rows(&self) -> u32 {
		self.labels.len() as u32
	}

	/// The root that commits to the rows: that of a state of the two tensors, features first.
	pub fn root(&self) -> Hash {
		state_root_from_tensor_roots(&[tensor_root(&self.features), tensor_root(&self.labels)])
	}
}

/// The segments that are not hidden, in ascending order.
pub fn visible(segments: u16, hidden: &[u16]) -> Vec<u16> {
	(0..segments)
		.filter(|segment| !hidden.contains(segment))
		.collect()
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
	bytes
		.as_chunks::<4>()
		.0
		.iter()
		.map(|word| u32::from_le_bytes(*word))
}
