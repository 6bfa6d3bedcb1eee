//! IDX files: what is read, and that damage is named.

use ml_worker::dataset::{load, DataLocation, DataSource, Dataset};
use std::{io::Write, path::Path};

fn idx(axes: &[u32], elements: &[u8]) -> Vec<u8> {
	let mut bytes = vec![0, 0, 8, axes.len() as u8];
	bytes.extend(axes.iter().flat_map(|axis| axis.to_be_bytes()));
	bytes.extend(elements);
	bytes
}

fn images() -> Vec<u8> {
	idx(&[3, 2, 2], &[0, 51, 102, 255, 1, 2, 3, 4, 5, 6, 7, 8])
}

fn labels() -> Vec<u8> {
	idx(&[3], &[2, 0, 1])
}

fn read(images: &[u8], labels: &[u8], classes: Option<u32>) -> Result<Dataset, String> {
	let folder = tempfile::tempdir().unwrap();
	std::fs::write(folder.path().join("images"), images).unwrap();
	std::fs::write(folder.path().join("labels"), labels).unwrap();
	let source = DataSource::Idx {
		images: "images".into(),
		labels: "labels".into(),
		classes,
	};
	load(&source, None, None, folder.path()).map_err(|error| error.to_string())
}

fn refused(images: &[u8], labels: &[u8], file: &str, reason: &str) {
	let error = read(images, labels, Some(10)).unwrap_err();
	assert!(error.contains(file) && error.contains(reason), "{error}");
}

#[test]
fn pixels_are_parts_of_255() {
	let dataset = read(&images(), &labels(), None).unwrap();
	assert_eq!(
		(dataset.rows(), dataset.columns, dataset.classes),
		(3, 4, 3)
	);
	let scale = 1.0f32 / 255.0;
	assert_eq!(
		dataset.row(0),
		[0.0, 51.0 * scale, 102.0 * scale, 255.0 * scale]
	);
	assert_eq!(dataset.labels, [2, 0, 1]);
}

#[test]
fn a_folder_of_mnist_is_found_plain_or_compressed() {
	let folder = tempfile::tempdir().unwrap();
	let location = DataLocation::Mnist(folder.path().into());
	let open = || load(&DataSource::Mnist, Some(&location), None, Path::new(""));
	let error = open().unwrap_err().to_string();
	assert!(error.contains("train-images-idx3-ubyte"), "{error}");

	std::fs::write(folder.path().join("t10k-images-idx3-ubyte"), images()).unwrap();
	let file = std::fs::File::create(folder.path().join("t10k-labels-idx1-ubyte.gz")).unwrap();
	let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::default());
	gzip.write_all(&labels()).unwrap();
	gzip.finish().unwrap();
	let dataset = open().unwrap();
	assert_eq!((dataset.rows(), dataset.classes), (3, 10));
}

#[test]
fn mnist_without_a_folder_says_what_to_do() {
	let error = load(&DataSource::Mnist, None, None, Path::new(""))
		.unwrap_err()
		.to_string();
	assert!(error.contains("--data mnist:DIR"), "{error}");
}

#[test]
fn every_truncation_is_refused() {
	let whole = images();
	for length in 0..whole.len() {
		refused(&whole[..length], &labels(), "images", "truncated");
	}
	let whole = labels();
	for length in 0..whole.len() {
		refused(&images(), &whole[..length], "labels", "truncated");
	}
}

#[test]
fn other_files_are_refused() {
	refused(b"PNG? no.", &labels(), "images", "not an IDX file");
	let mut floats = images();
	floats[2] = 13;
	refused(&floats, &labels(), "images", "elements of type 0x0d");
	let mut longer = images();
	longer.push(0);
	refused(
		&longer,
		&labels(),
		"images",
		"13 elements, which is not what the header says",
	);
}

#[test]
fn huge_headers_take_no_memory() {
	refused(
		&idx(&[u32::MAX, u32::MAX, u32::MAX], &[]),
		&labels(),
		"images",
		"header",
	);
	refused(&idx(&[u32::MAX; 200], &[]), &labels(), "images", "header");
}

#[test]
fn counts_must_match() {
	refused(&images(), &idx(&[2], &[0, 1]), "labels", "3 rows to label");
	refused(
		&images(),
		&idx(&[3, 1], &[0, 1, 2]),
		"labels",
		"3 rows to label",
	);
}

#[test]
fn arrays_need_rows_and_features() {
	refused(&idx(&[3], &[1, 2, 3]), &labels(), "images", "no features");
	refused(&idx(&[3, 0], &[]), &labels(), "images", "no features");
	refused(&idx(&[0, 2], &[]), &idx(&[0], &[]), "images", "no rows");
	refused(&idx(&[], &[1]), &labels(), "images", "without axes");
}

#[test]
fn labels_must_be_classes() {
	refused(
		&images(),
		&idx(&[3], &[0, 10, 1]),
		"labels",
		"row 1: the label 10 is out of range",
	);
}
