//! The IDX format of MNIST: two zero bytes, the element type (8: unsigned byte), the number of axes, the
//! length of each axis as a big-endian `u32`, then the elements.

use super::{count_classes, read_file, DataError, Dataset, MAX_CLASSES};
use std::path::Path;

struct Idx {
	axes: Vec<u32>,
	elements: Vec<u8>,
}

/// Reads a file of images and the file of their labels.
pub(super) fn load(
	images: &Path,
	labels: &Path,
	classes: Option<u32>,
) -> Result<Dataset, DataError> {
	let pixels = read(images)?;
	let refuse = |path: &Path, reason| {
		Err(DataError::File {
			path: path.into(),
			reason,
		})
	};
	let [rows, shape @ ..] = &pixels.axes[..] else {
		return refuse(images, "an array without axes".into());
	};
	let columns = shape
		.iter()
		.try_fold(1u32, |product, axis| product.checked_mul(*axis))
		.unwrap_or(0);
	if shape.is_empty() || columns == 0 {
		return refuse(
			images,
			format!("the array {:?} has no features for its rows", pixels.axes),
		);
	}
	if *rows == 0 {
		return refuse(images, "there are no rows".into());
	}
	let answers = read(labels)?;
	if answers.axes != [*rows] {
		let found = &answers.axes;
		let needed = images.display();
		return refuse(
			labels,
			format!("an array {found:?}, where {needed} has {rows} rows to label"),
		);
	}
	let limit = classes.unwrap_or(MAX_CLASSES);
	if let Some(row) = answers
		.elements
		.iter()
		.position(|label| u32::from(*label) >= limit)
	{
		let label = answers.elements[row];
		let reason =
			format!("row {row}: the label {label} is out of range; there are {limit} classes");
		return refuse(labels, reason);
	}
	let greatest = answers.elements.iter().copied().max().unwrap_or(0);
	Ok(Dataset {
		features: pixels
			.elements
			.iter()
			.map(|pixel| f32::from(*pixel))
			.collect(),
		labels: answers
			.elements
			.iter()
			.map(|label| u32::from(*label))
			.collect(),
		columns,
		classes: count_classes(u32::from(greatest), classes),
	})
}

fn read(path: &Path) -> Result<Idx, DataError> {
	let bytes = read_file(path)?;
	parse(&bytes).map_err(|reason| DataError::File {
		path: path.into(),
		reason,
	})
}

fn parse(bytes: &[u8]) -> Result<Idx, String> {
	let Some((&[zero, null, kind, rank], mut rest)) = bytes.split_first_chunk::<4>() else {
		return Err(format!(
			"truncated: {} bytes, where the header alone has 4",
			bytes.len()
		));
	};
	if zero != 0 || null != 0 {
		return Err("not an IDX file: it doesn't begin with two zero bytes".into());
	}
	if kind != 8 {
		return Err(format!(
			"elements of type {kind:#04x}; only unsigned bytes (0x08) are supported"
		));
	}
	let mut axes = Vec::with_capacity(usize::from(rank));
	for axis in 0..rank {
		let Some((length, others)) = rest.split_first_chunk::<4>() else {
			return Err(format!("truncated in the length of axis {axis} of {rank}"));
		};
		axes.push(u32::from_be_bytes(*length));
		rest = others;
	}
	let expected = axes
		.iter()
		.try_fold(1u64, |product, axis| product.checked_mul(u64::from(*axis)));
	match expected {
		Some(expected) if expected == rest.len() as u64 => Ok(Idx {
			axes,
			elements: rest.to_vec(),
		}),
		Some(expected) if expected > rest.len() as u64 => Err(format!(
			"truncated: {} elements, where the header says {axes:?}",
			rest.len()
		)),
		_ => Err(format!(
			"{} elements, which is not what the header says: {axes:?}",
			rest.len()
		)),
	}
}
