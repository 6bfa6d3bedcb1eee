//! CSV files: what is read, and that a wrong place is named.

use ml_worker::dataset::{load, DataSource, Dataset, LabelColumn};
use std::{io::Write, path::Path};

struct File {
	text: Vec<u8>,
	label: Option<LabelColumn>,
	header: bool,
	classes: Option<u32>,
	scale: Option<f32>,
}

impl File {
	fn new(text: impl Into<Vec<u8>>) -> Self {
		File {
			text: text.into(),
			label: None,
			header: false,
			classes: None,
			scale: None,
		}
	}

	fn load(self) -> Result<Dataset, String> {
		let folder = tempfile::tempdir().unwrap();
		std::fs::write(folder.path().join("rows.csv"), &self.text).unwrap();
		let File {
			label,
			header,
			classes,
			scale,
			..
		} = self;
		let source = DataSource::Csv {
			path: "rows.csv".into(),
			label,
			header,
			classes,
		};
		load(&source, None, scale, folder.path()).map_err(|error| error.to_string())
	}

	fn error(self) -> String {
		self.load().unwrap_err()
	}
}

#[test]
fn features_and_labels_are_read() {
	let dataset = File::new("1,2.5,0\n-3,4e-1,2\n").load().unwrap();
	assert_eq!(dataset.features, [1.0, 2.5, -3.0, 0.4]);
	assert_eq!(dataset.labels, [0, 2]);
	assert_eq!((dataset.columns, dataset.classes), (2, 3));
}

#[test]
fn the_label_column_can_be_chosen() {
	let named = LabelColumn::Name("kind".into());
	for label in [named, LabelColumn::Number(1)] {
		let file = File::new("width, kind, height\n1, 0, 2\n3, 1, 4\n");
		let dataset = File {
			label: Some(label),
			header: true,
			..file
		}
		.load()
		.unwrap();
		assert_eq!(dataset.features, [1.0, 2.0, 3.0, 4.0]);
		assert_eq!(dataset.labels, [0, 1]);
	}
}

#[test]
fn compressed_files_are_read() {
	let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
	gzip.write_all(b"1,0\n2,1\n").unwrap();
	let compressed = gzip.finish().unwrap();
	assert_eq!(
		File::new(compressed.clone()).load().unwrap().features,
		[1.0, 2.0]
	);
	let error = File::new(&compressed[..compressed.len() - 6]).error();
	assert!(
		error.contains("rows.csv") && error.contains("truncated"),
		"{error}"
	);
}

#[test]
fn a_feature_is_the_number_times_the_scale() {
	let dataset = File {
		scale: Some(1.0 / 255.0),
		..File::new("7,0\n255,1\n")
	}
	.load()
	.unwrap();
	assert_eq!(
		dataset.features,
		[7.0f32 * (1.0f32 / 255.0), 255.0f32 * (1.0f32 / 255.0)]
	);
}

#[test]
fn a_ragged_line_is_named() {
	let error = File::new("1,2,0\n1,2,1\n1,0\n").error();
	assert!(
		error.contains("line 3: 2 fields, where the first line has 3"),
		"{error}"
	);
}

#[test]
fn a_line_that_differs_from_the_header_is_named() {
	let error = File {
		header: true,
		..File::new("a,b,c\n1,2,3,0\n")
	}
	.error();
	assert!(
		error.contains("line 2: 4 fields, where the first line has 3"),
		"{error}"
	);
}

#[test]
fn what_is_no_number_is_named() {
	for (field, reason) in [
		("x", "`x` is not a number"),
		("NaN", "`NaN` is not a finite number"),
		("inf", "`inf` is not a finite number"),
		("1e40", "`1e40` is not a finite number"),
		("", "the field is empty"),
	] {
		let error = File::new(format!("1,2,0\n1,{field},1\n")).error();
		assert!(error.contains("rows.csv, line 2, column 2:"), "{error}");
		assert!(error.contains(reason), "{error}");
	}
}

#[test]
fn a_wrong_label_is_named() {
	for (label, reason) in [
		("-1", "`-1` is not a whole number"),
		("1.0", "`1.0` is not a whole number"),
		("cat", "`cat` is not a whole number"),
		("3", "the label 3 is out of range; there are 3 classes"),
	] {
		let error = File {
			classes: Some(3),
			..File::new(format!("1,0\n2,{label}\n"))
		}
		.error();
		assert!(
			error.contains("line 2, column 2:") && error.contains(reason),
			"{error}"
		);
	}
	let error = File::new("1,4000000000\n").error();
	assert!(error.contains("out of range"), "{error}");
}

#[test]
fn a_label_column_that_is_not_there_is_named() {
	let missing = |label| File {
		label: Some(label),
		..File::new("1,0\n2,1\n")
	};
	assert!(missing(LabelColumn::Number(2))
		.error()
		.contains("no column 2"));
	assert!(missing(LabelColumn::Name("kind".into()))
		.error()
		.contains("header = true"));
	let file = File {
		header: true,
		..missing(LabelColumn::Name("kind".into()))
	};
	assert!(file.error().contains("no column `kind`"));
}

#[test]
fn a_file_without_rows_is_refused() {
	assert!(File::new("").error().contains("there are no rows"));
	assert!(File {
		header: true,
		..File::new("a,b\n")
	}
	.error()
	.contains("there are no rows"));
	assert!(File::new("1\n2\n")
		.error()
		.contains("at least one feature and a label"));
}

#[test]
fn a_scale_must_be_a_number() {
	for scale in [0.0, f32::NAN, f32::INFINITY] {
		assert!(File {
			scale: Some(scale),
			..File::new("1,0\n")
		}
		.error()
		.contains("scale"));
	}
	let error = File {
		scale: Some(1e30),
		..File::new("1,1,0\n1,1e30,0\n")
	}
	.error();
	assert!(error.contains("row 1, feature 1"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
	let source = DataSource::Csv {
		path: "none.csv".into(),
		label: None,
		header: false,
		classes: None,
	};
	let error = load(&source, None, None, Path::new("/nowhere"))
		.unwrap_err()
		.to_string();
	assert!(error.contains("/nowhere/none.csv"), "{error}");
}

#[test]
fn the_embedded_digits_are_whole() {
	let dataset = load(&DataSource::Digits, None, None, Path::new("")).unwrap();
	assert_eq!(
		(dataset.rows(), dataset.columns, dataset.classes),
		(1797, 64, 10)
	);
	assert_eq!(dataset.features[2], 5.0 / 16.0);
	assert_eq!(dataset.labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
	assert!(dataset
		.features
		.iter()
		.all(|feature| (0.0..=1.0).contains(feature)));
}
