//! Data sets: how they are read, cut into segments, and put together again.
//!
//! A data set is a matrix of features with a label for each row. Everything about it is exact: a feature is
//! the number in the file (of a text, the number of a character), rounded to the nearest `f32`, times the data set's *scale*, which is one `f32`
//! multiplication. So every machine reads the same bits from the same file.

mod csv_file;
mod idx_file;
pub mod segments;
mod text_file;

pub use text_file::MAX_CHARACTERS;

use serde::Deserialize;
use std::{
	io,
	num::NonZeroU32,
	path::{Path, PathBuf},
};

/// The most classes that a data set may have.
pub const MAX_CLASSES: u32 = 1 << 16;

/// Labelled rows of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
	/// The features, row by row; finite.
	pub features: Vec<f32>,
	/// The label of each row, below `classes`.
	pub labels: Vec<u32>,
	/// The features of a row.
	pub columns: u32,
	/// The number of classes.
	pub classes: u32,
}

impl Dataset {
	/// The number of rows.
	pub fn rows(&self) -> usize {
		self.labels.len()
	}

	/// The features of a row.
	pub fn row(&self, index: usize) -> &[f32] {
		let columns = self.columns as usize;
		&self.features[index * columns..(index + 1) * columns]
	}
}

/// Where a data set comes from. In a task file: `"digits"`, `"mnist"`, `{ csv = { … } }`,
/// `{ idx = { … } }` or `{ text = { … } }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DataSource {
	/// The embedded UCI digits: 1,797 rows of 64 features, 10 classes.
	Digits,
	/// The files of MNIST or of a data set of the same form, in a folder that the user names (see
	/// [`DataLocation`]).
	Mnist,
	/// A file of comma-separated values.
	Csv {
		/// The file; a relative path starts at the task file's folder. It may be compressed with gzip.
		path: PathBuf,
		/// The column of the labels, by name or number from 0; the last one if nothing is said.
		label: Option<LabelColumn>,
		/// Whether the first line names the columns; it does not if nothing is said.
		#[serde(default)]
		header: bool,
		/// The number of classes; one more than the greatest label if nothing is said.
		classes: Option<u32>,
	},
	/// Two files in the IDX format of MNIST, of unsigned bytes; they may be compressed with gzip.
	Idx {
		/// The features: an array whose first axis counts the rows.
		images: PathBuf,
		/// The labels: one for each row.
		labels: PathBuf,
		/// The number of classes; one more than the greatest label if nothing is said.
		classes: Option<u32>,
	},
	/// A text in UTF-8, to learn which character follows. A row is a window of characters, each as its number
	/// among the different characters of the file (at most [`MAX_CHARACTERS`]), sorted by code point; the
	/// label is the number of the character after the window.
	Text {
		/// The file; a relative path starts at the task file's folder. It may be compressed with gzip.
		path: PathBuf,
		/// The characters of a row.
		context: NonZeroU32,
		/// How many characters further each row begins; 1 if nothing is said. With more than `context`, no
		/// character is in two rows.
		#[serde(default = "next")]
		stride: NonZeroU32,
	},
}

fn next() -> NonZeroU32 {
	NonZeroU32::MIN
}

/// A column of a CSV file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
	untagged,
	expecting = "expected a column's name or its number, counted from 0"
)]
pub enum LabelColumn {
	/// By its number, from 0.
	Number(usize),
	/// By its name in the header.
	Name(String),
}

/// A data set named on the command line, instead of the task file's: `digits` or `mnist:DIR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataLocation {
	/// The embedded UCI digits.
	Digits,
	/// A folder with `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, or else with
	/// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each maybe with `.gz`.
	Mnist(PathBuf),
}

impl std::str::FromStr for DataLocation {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		match text.split_once(':') {
			None if text == "digits" => Ok(DataLocation::Digits),
			Some(("mnist", folder)) if !folder.is_empty() => Ok(DataLocation::Mnist(folder.into())),
			_ => Err("expected `digits` or `mnist:DIR`".into()),
		}
	}
}

/// Why a data set can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
	/// The system refuses the file.
	#[error("{}: {source}", path.display())]
	Read {
		/// The file.
		path: PathBuf,
		/// The system's reason.
		source: io::Error,
	},
	/// A place of a CSV file is wrong.
	#[error("{}, line {line}, column {column}: {reason}", path.display())]
	Field {
		/// The file.
		path: PathBuf,
		/// The line, from 1.
		line: u64,
		/// The column, from 1.
		column: usize,
		/// What is wrong, and what is needed.
		reason: String,
	},
	/// A line of a CSV file or a text is wrong as a whole.
	#[error("{}, line {line}: {reason}", path.display())]
	Line {
		/// The file.
		path: PathBuf,
		/// The line, from 1.
		line: u64,
		/// What is wrong, and what is needed.
		reason: String,
	},
	/// The file as a whole is wrong.
	#[error("{}: {reason}", path.display())]
	File {
		/// The file.
		path: PathBuf,
		/// What is wrong, and what is needed.
		reason: String,
	},
	/// The user must say where the files are.
	#[error("the task's data set is MNIST, whose files are not part of this program: add --data mnist:DIR")]
	NoLocation,
	/// The folder doesn't hold the files.
	#[error(
		"{}: neither train-images-idx3-ubyte and train-labels-idx1-ubyte nor the same with t10k, plain or \
		 with .gz", folder.display()
	)]
	NoMnist {
		/// The folder.
		folder: PathBuf,
	},
	/// The scale is not a number that features can be multiplied by.
	#[error("the scale {0} is not a finite number other than 0")]
	Scale(f32),
	/// A feature times the scale is too large for an `f32`.
	#[error("row {row}, feature {column}: the number times the scale is not finite")]
	Overflow {
		/// The row, from 0.
		row: usize,
		/// The feature, from 0.
		column: usize,
	},
}

/// Reads a data set. Relative paths start at `folder`. The location, if there is one, counts before the
/// source. Without a scale it is 1/16 for the digits, 1/255 for IDX files and 1 for CSV files and texts.
pub fn load(
	source: &DataSource,
	location: Option<&DataLocation>,
	scale: Option<f32>,
	folder: &Path,
) -> Result<Dataset, DataError> {
	let (mut dataset, usual_scale) = match (location, source) {
		(Some(DataLocation::Digits), _) | (None, DataSource::Digits) => (digits()?, 1.0 / 16.0),
		(Some(DataLocation::Mnist(folder)), _) => (mnist(folder)?, 1.0 / 255.0),
		(None, DataSource::Mnist) => return Err(DataError::NoLocation),
		(
			None,
			DataSource::Csv {
				path,
				label,
				header,
				classes,
			},
		) => {
			let path = folder.join(path);
			let bytes = read_file(&path)?;
			(
				csv_file::parse(&bytes, &path, label.as_ref(), *header, *classes)?,
				1.0,
			)
		}
		(
			None,
			DataSource::Idx {
				images,
				labels,
				classes,
			},
		) => (
			idx_file::load(&folder.join(images), &folder.join(labels), *classes)?,
			1.0 / 255.0,
		),
		(
			None,
			DataSource::Text {
				path,
				context,
				stride,
			},
		) => {
			let path = folder.join(path);
			let bytes = read_file(&path)?;
			(text_file::parse(&bytes, &path, *context, *stride)?, 1.0)
		}
	};
	rescale(&mut dataset, scale.unwrap_or(usual_scale))?;
	Ok(dataset)
}

fn rescale(dataset: &mut Dataset, scale: f32) -> Result<(), DataError> {
	if !scale.is_finite() || scale == 0.0 {
		return Err(DataError::Scale(scale));
	}
	for feature in &mut dataset.features {
		*feature *= scale;
	}
	match dataset
		.features
		.iter()
		.position(|feature| !feature.is_finite())
	{
		Some(index) => {
			let columns = dataset.columns as usize;
			Err(DataError::Overflow {
				row: index / columns,
				column: index % columns,
			})
		}
		None => Ok(()),
	}
}

fn digits() -> Result<Dataset, DataError> {
	let path = Path::new("digits.csv.gz");
	let bytes = decompress(include_bytes!("../../data/digits.csv.gz").to_vec(), path)?;
	csv_file::parse(&bytes, path, None, false, Some(10))
}

fn mnist(folder: &Path) -> Result<Dataset, DataError> {
	for part in ["train", "t10k"] {
		let file = |kind: &str| {
			let names = [
				format!("{part}-{kind}-ubyte"),
				format!("{part}-{kind}-ubyte.gz"),
			];
			names
				.into_iter()
				.map(|name| folder.join(name))
				.find(|path| path.is_file())
		};
		if let (Some(images), Some(labels)) = (file("images-idx3"), file("labels-idx1")) {
			return idx_file::load(&images, &labels, Some(10));
		}
	}
	Err(DataError::NoMnist {
		folder: folder.into(),
	})
}

/// The bytes of a file, decompressed if they are compressed with gzip.
fn read_file(path: &Path) -> Result<Vec<u8>, DataError> {
	let bytes = std::fs::read(path).map_err(|source| DataError::Read {
		path: path.into(),
		source,
	})?;
	decompress(bytes, path)
}

fn decompress(bytes: Vec<u8>, path: &Path) -> Result<Vec<u8>, DataError> {
	if !bytes.starts_with(&[0x1f, 0x8b]) {
		return Ok(bytes);
	}
	let mut plain = Vec::new();
	io::Read::read_to_end(
		&mut flate2::read::MultiGzDecoder::new(&bytes[..]),
		&mut plain,
	)
	.map_err(|error| DataError::File {
		path: path.into(),
		reason: format!("can't be decompressed ({error}); it may be truncated"),
	})?;
	Ok(plain)
}

/// The declared number of classes, or else what the greatest label needs.
fn count_classes(greatest: u32, declared: Option<u32>) -> u32 {
	declared.unwrap_or(greatest.saturating_add(1)).max(2)
}
