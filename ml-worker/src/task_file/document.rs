//! The text of a task file, and where in it things stand.

use super::Contents;
use crate::dataset::DataError;
use ml_worker_capture::{Layer, OptimiserSpec};
use serde::{de::DeserializeOwned, Deserialize};
use std::{ops::Range, path::PathBuf};
use toml::de::{DeTable, DeValue};

/// Why a task file can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskFileError {
	/// The system refuses the file.
	#[error("task file {}: {source}", path.display())]
	Read {
		/// The file.
		path: PathBuf,
		/// The system's reason.
		source: std::io::Error,
	},
	/// A place in it is wrong.
	#[error("task file {}, line {line}, `{key}`: {reason}", path.display())]
	Value {
		/// The file.
		path: PathBuf,
		/// The line, from 1.
		line: usize,
		/// The key, with the tables that it is in.
		key: String,
		/// What is wrong, and what is needed.
		reason: String,
	},
	/// It is not TOML.
	#[error("task file {}, line {line}: {reason}", path.display())]
	Syntax {
		/// The file.
		path: PathBuf,
		/// The line, from 1.
		line: usize,
		/// What is wrong.
		reason: String,
	},
	/// The data set that it names can't be read.
	#[error("task file {}, line {line}, `data.source`: {source}", path.display())]
	Data {
		/// The file.
		path: PathBuf,
		/// The line, from 1.
		line: usize,
		/// What is wrong with the data set.
		source: DataError,
	},
}

#[derive(Clone, Debug)]
pub(super) struct Document {
	pub(super) path: PathBuf,
	pub(super) text: String,
}

impl Document {
	pub(super) fn parse(&self) -> Result<Contents, TaskFileError> {
		toml::from_str(&self.text).map_err(|error| {
			let at = error.span().map_or(0, |span| span.start);
			let reason = error.message().to_string();
			match self.key_at(at).filter(|key| !key.is_empty()) {
				Some(key) => self.refuse(&self.key_by_kind(&key).unwrap_or(key), reason),
				None => {
					let (path, line) = (self.path.clone(), self.line(at));
					TaskFileError::Syntax { path, line, reason }
				}
			}
		})
	}

	/// Where exactly a table with a `kind` is wrong: which keys it may have depends on the kind, so the
	/// reader of the whole file only knows that the table, or one of several, is.
	fn key_by_kind(&self, key: &str) -> Option<String> {
		let document: toml::Table = self.text.parse().ok()?;
		match key {
			"optimiser" => {
				let wrong = wrong_key::<OptimiserSpec>(document.get("optimiser")?.as_table()?)?;
				Some(format!("optimiser.{wrong}"))
			}
			"model.layers" => {
				let layers = document.get("model")?.get("layers")?.as_array()?;
				let refused = |layer: &toml::Value| Layer::deserialize(layer.clone()).is_err();
				let index = layers.iter().position(refused)?;
				let wrong = layers[index].as_table().and_then(wrong_key::<Layer>);
				let wrong = wrong.map(|key| format!(".{key}")).unwrap_or_default();
				Some(format!("model.layers.{index}{wrong}"))
			}
			_ => None,
		}
	}

	/// The error that what stands under this key is wrong. Where there is no such key, the line is that of
	/// the table which lacks it.
	pub(super) fn refuse(&self, key: &str, reason: String) -> TaskFileError {
		let (path, line) = (self.path.clone(), self.line_of(key));
		TaskFileError::Value {
			path,
			line,
			key: key.into(),
			reason,
		}
	}

	/// The line of a key, its parts joined by dots; of the innermost table if it is not there.
	pub(super) fn line_of(&self, key: &str) -> usize {
		let mut key = key;
		loop {
			match (self.find(key), key.rsplit_once('.')) {
				(Some(at), _) => return self.line(at),
				(None, Some((table, _))) => key = table,
				(None, None) => return 1,
			}
		}
	}

	/// The byte at which the value of this key begins.
	fn find(&self, key: &str) -> Option<usize> {
		let document = DeTable::parse(&self.text).ok()?;
		let mut parts = key.split('.');
		let mut value = document.get_ref().get(parts.next()?)?;
		for part in parts {
			value = match value.get_ref() {
				DeValue::Table(table) => table.get(part)?,
				DeValue::Array(array) => array.get(part.parse::<usize>().ok()?)?,
				_ => return None,
			};
		}
		Some(value.span().start)
	}

	/// The key whose value stands at this byte; none if the text is not TOML.
	fn key_at(&self, at: usize) -> Option<String> {
		let table = DeTable::parse(&self.text).ok()?;
		let mut parts = Vec::new();
		collect_key(table.get_ref(), at, &mut parts);
		Some(parts.join("."))
	}

	fn line(&self, at: usize) -> usize {
		let before = self
			.text
			.as_bytes()
			.get(..at)
			.unwrap_or(self.text.as_bytes());
		before.iter().filter(|byte| **byte == b'\n').count() + 1
	}
}

fn collect_key(table: &DeTable, at: usize, parts: &mut Vec<String>) {
	for (key, value) in table {
		if key.span().contains(&at) || covers(&value.span(), value.get_ref(), at) {
			parts.push(key.get_ref().to_string());
			collect_key_of_value(value.get_ref(), at, parts);
			return;
		}
	}
}

fn collect_key_of_value(value: &DeValue, at: usize, parts: &mut Vec<String>) {
	match value {
		DeValue::Table(table) => collect_key(table, at, parts),
		DeValue::Array(array) => {
			let found = array
				.iter()
				.position(|element| covers(&element.span(), element.get_ref(), at));
			if let Some(index) = found {
				parts.push(index.to_string());
				collect_key_of_value(array[index].get_ref(), at, parts);
			}
		}
		_ => (),
	}
}

/// Whether a value stands at this byte. The span of a table with a header of its own is that of the header.
fn covers(span: &Range<usize>, value: &DeValue, at: usize) -> bool {
	span.contains(&at)
		|| match value {
			DeValue::Table(table) => table.iter().any(|(key, value)| {
				key.span().contains(&at) || covers(&value.span(), value.get_ref(), at)
			}),
			DeValue::Array(array) => array
				.iter()
				.any(|element| covers(&element.span(), element.get_ref(), at)),
			_ => false,
		}
}

/// The key of a table without which the table would not be refused for the same reason.
fn wrong_key<T: DeserializeOwned>(table: &toml::Table) -> Option<&str> {
	let reason = |table: &toml::Table| {
		let error = T::deserialize(toml::Value::Table(table.clone())).err()?;
		Some(error.message().to_string())
	};
	let refused = reason(table)?;
	if refused.starts_with("unknown variant") {
		return Some("kind");
	}
	let keys = table.keys().map(String::as_str);
	keys.filter(|key| *key != "kind").find(|key| {
		let mut others = table.clone();
		others.remove(*key);
		reason(&others).as_ref() != Some(&refused)
	})
}
