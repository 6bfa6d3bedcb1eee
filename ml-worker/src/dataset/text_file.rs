//! Text, character by character: each row is a window of characters, and its label is the one that follows.
//!
//! A character is a Unicode scalar value; line ends and spaces are characters like others. Its number is its
//! place among the different characters of the whole file, sorted by their code points and counted from 0. So
//! the same file gives the same rows everywhere, and who has the file can read a model's answers.

use super::{count_classes, DataError, Dataset};
use std::{collections::BTreeSet, num::NonZeroU32, path::Path, str};

/// The most different characters that a text may have.
pub const MAX_CHARACTERS: usize = 256;

/// The most features of all rows together: as many as a value of a program can have.
const MAX_FEATURES: usize = 1 << 28;

/// Reads the bytes of a text file. `path` is for error messages.
pub(super) fn parse(
	bytes: &[u8],
	path: &Path,
	context: NonZeroU32,
	stride: NonZeroU32,
) -> Result<Dataset, DataError> {
	let text = decode(bytes, path)?;
	let refuse = |reason| DataError::File {
		path: path.into(),
		reason,
	};
	let numbers = number(text).map_err(refuse)?;
	let windows = Windows {
		context: context.get() as usize,
		stride: stride.get() as usize,
	};
	let rows = windows.rows(numbers.len()).map_err(refuse)?;

	let mut features = Vec::with_capacity(rows * windows.context);
	let mut labels = Vec::with_capacity(rows);
	for window in numbers.windows(windows.context + 1).step_by(windows.stride) {
		if let Some((next, before)) = window.split_last() {
			features.extend(before.iter().map(|number| f32::from(*number)));
			labels.push(u32::from(*next));
		}
	}
	let greatest = numbers.iter().copied().max().unwrap_or(0);
	Ok(Dataset {
		features,
		labels,
		columns: context.get(),
		classes: count_classes(u32::from(greatest), None),
	})
}

/// The bytes as UTF-8, without the mark that some editors begin a file with.
fn decode<'a>(bytes: &'a [u8], path: &Path) -> Result<&'a str, DataError> {
	let text = str::from_utf8(bytes).map_err(|error| {
		let before = bytes.get(..error.valid_up_to()).unwrap_or(bytes);
		DataError::Line {
			path: path.into(),
			line: before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1,
			reason: "not UTF-8; convert the file, for instance by `iconv`".into(),
		}
	})?;
	Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The number of each character.
fn number(text: &str) -> Result<Vec<u8>, String> {
	let characters: Vec<char> = text.chars().collect::<BTreeSet<_>>().into_iter().collect();
	if characters.len() > MAX_CHARACTERS {
		return Err(format!(
			"{} different characters, where at most {MAX_CHARACTERS} are numbered; replace the rare ones",
			characters.len()
		));
	}
	// Every character is found, and its place fits, as there are no more than 256.
	let number = |character| characters.binary_search(&character).unwrap_or(0) as u8;
	Ok(text.chars().map(number).collect())
}

/// How a text is cut into rows.
struct Windows {
	context: usize,
	stride: usize,
}

impl Windows {
	/// How many rows a text of so many characters has. Each needs its context and a character after it.
	fn rows(&self, characters: usize) -> Result<usize, String> {
		let Windows { context, stride } = *self;
		let Some(last_start) = characters.checked_sub(context + 1) else {
			return Err(format!(
				"{characters} characters, where a row needs {context} and the one that follows"
			));
		};
		let rows = last_start / stride + 1;
		match rows.checked_mul(context) {
			Some(features) if features <= MAX_FEATURES => Ok(rows),
			_ => {
				let most = (MAX_FEATURES / context).max(1);
				let stride = last_start / most + 1;
				Err(format!(
					"{rows} rows of {context} characters, where all rows together may have \
					 {MAX_FEATURES}; set `stride` to {stride} or more"
				))
			}
		}
	}
}
