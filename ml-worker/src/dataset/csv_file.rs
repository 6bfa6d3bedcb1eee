//! Comma-separated values.

use super::{count_classes, DataError, Dataset, LabelColumn, MAX_CLASSES};
use csv::{ByteRecord, ReaderBuilder, Trim};
use std::path::Path;

/// Reads the text of a CSV file. `path` is for error messages.
pub(super) fn parse(
	bytes: &[u8],
	path: &Path,
	label: Option<&LabelColumn>,
	header: bool,
	classes: Option<u32>,
) -> Result<Dataset, DataError> {
	let whole = |reason: String| DataError::File {
		path: path.into(),
		reason,
	};
	// Flexible: a ragged line is reported below, in words of our own.
	let mut reader = ReaderBuilder::new()
		.has_headers(false)
		.flexible(true)
		.trim(Trim::All)
		.from_reader(bytes);
	let mut lines = reader.byte_records();
	let names = match header.then(|| lines.next()).flatten() {
		Some(record) => Some(record.map_err(|error| whole(error.to_string()))?),
		None => None,
	};

	let mut table = Table {
		path,
		names,
		layout: None,
		label,
		classes,
	};
	let mut dataset = Dataset {
		features: Vec::new(),
		labels: Vec::new(),
		columns: 0,
		classes: 0,
	};
	for record in lines {
		let record = record.map_err(|error| whole(error.to_string()))?;
		table.read_line(&record, &mut dataset)?;
	}
	if dataset.labels.is_empty() {
		return Err(whole("there are no rows".into()));
	}
	let greatest = dataset.labels.iter().copied().max().unwrap_or(0);
	dataset.classes = count_classes(greatest, classes);
	Ok(dataset)
}

/// What is known of the table while its lines are read.
struct Table<'a> {
	path: &'a Path,
	names: Option<ByteRecord>,
	label: Option<&'a LabelColumn>,
	classes: Option<u32>,
	/// The number of fields of a line, and the label's place among them; known from the first line on.
	layout: Option<(usize, usize)>,
}

impl Table<'_> {
	fn read_line(&mut self, record: &ByteRecord, dataset: &mut Dataset) -> Result<(), DataError> {
		let line = record.position().map_or(0, |position| position.line());
		let refuse = |reason| DataError::Line {
			path: self.path.into(),
			line,
			reason,
		};
		let (fields, label) = match self.layout {
			Some(layout) => layout,
			None => {
				let fields = self.names.as_ref().map_or(record.len(), ByteRecord::len);
				if fields < 2 {
					return Err(refuse(
						"a row needs at least one feature and a label".into(),
					));
				}
				let label = self.label_column(fields).map_err(refuse)?;
				dataset.columns = (fields - 1) as u32;
				*self.layout.insert((fields, label))
			}
		};
		if record.len() != fields {
			let found = record.len();
			return Err(refuse(format!(
				"{found} fields, where the first line has {fields}"
			)));
		}
		for (column, field) in record.iter().enumerate() {
			let refuse = |reason| DataError::Field {
				path: self.path.into(),
				line,
				column: column + 1,
				reason,
			};
			if column == label {
				dataset.labels.push(self.read_label(field).map_err(refuse)?);
			} else {
				dataset.features.push(read_feature(field).map_err(refuse)?);
			}
		}
		Ok(())
	}

	fn label_column(&self, fields: usize) -> Result<usize, String> {
		match (self.label, &self.names) {
			(None, _) => Ok(fields - 1),
			(Some(LabelColumn::Number(number)), _) if *number < fields => Ok(*number),
			(Some(LabelColumn::Number(number)), _) => Err(format!(
				"there is no column {number} for the label; {fields} columns, counted from 0"
			)),
			(Some(LabelColumn::Name(name)), Some(names)) => {
				let place = names.iter().position(|field| field == name.as_bytes());
				place.ok_or_else(|| format!("the header has no column `{name}` for the label"))
			}
			(Some(LabelColumn::Name(name)), None) => Err(format!(
				"the label's column `{name}` is named, but there is no header; set `header = true`"
			)),
		}
	}

	fn read_label(&self, field: &[u8]) -> Result<u32, String> {
		let text = String::from_utf8_lossy(field);
		let label: u32 = text
			.parse()
			.map_err(|_| format!("the label `{text}` is not a whole number from 0"))?;
		let classes = self.classes.unwrap_or(MAX_CLASSES);
		if label < classes {
			Ok(label)
		} else {
			Err(format!(
				"the label {label} is out of range; there are {classes} classes, counted from 0"
			))
		}
	}
}

fn read_feature(field: &[u8]) -> Result<f32, String> {
	let text = String::from_utf8_lossy(field);
	if text.is_empty() {
		return Err("the field is empty, where a number is needed".into());
	}
	let number: f32 = text
		.parse()
		.map_err(|_| format!("`{text}` is not a number"))?;
	if number.is_finite() {
		Ok(number)
	} else {
		Err(format!("`{text}` is not a finite number"))
	}
}
