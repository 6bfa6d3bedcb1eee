//! Texts: which rows they become, and that what can't become rows is named.

use super::small;
use ml_worker::{
	dataset::{
		load,
		segments::{cut, Part},
		DataSource, Dataset, MAX_CHARACTERS,
	},
	task_file::{Prepared, TaskFile},
	training::offline,
};
use ml_worker_engine::{Engine, EngineOptions};
use repops::random::Seed;
use std::{
	io::{Seek, Write},
	path::Path,
};

fn rows(text: impl AsRef<[u8]>, context: u32, stride: u32) -> Result<Dataset, String> {
	let folder = tempfile::tempdir().unwrap();
	std::fs::write(folder.path().join("book.txt"), text).unwrap();
	let source = DataSource::Text {
		path: "book.txt".into(),
		context: context.try_into().unwrap(),
		stride: stride.try_into().unwrap(),
	};
	load(&source, None, None, folder.path()).map_err(|error| error.to_string())
}

#[test]
fn a_row_is_a_window_and_its_label_what_follows() {
	// a = 0, b = 1, c = 2
	let dataset = rows("abcacb", 2, 1).unwrap();
	assert_eq!((dataset.columns, dataset.classes), (2, 3));
	let expected = [
		([0.0, 1.0], 2),
		([1.0, 2.0], 0),
		([2.0, 0.0], 2),
		([0.0, 2.0], 1),
	];
	assert_eq!(dataset.rows(), expected.len());
	for (row, (features, label)) in expected.into_iter().enumerate() {
		assert_eq!(dataset.row(row), features);
		assert_eq!(dataset.labels[row], label);
	}
}

#[test]
fn rows_begin_at_the_stride() {
	let text: String = ('a'..='z').collect();
	for context in 1..=7u32 {
		for stride in 1..=9u32 {
			let dataset = rows(&text, context, stride).unwrap();
			let starts: Vec<u32> = (0..26 - context).step_by(stride as usize).collect();
			assert_eq!(dataset.rows(), starts.len(), "{context} {stride}");
			for (row, start) in starts.into_iter().enumerate() {
				let window: Vec<f32> = (start..start + context).map(|at| at as f32).collect();
				assert_eq!(dataset.row(row), window);
				assert_eq!(dataset.labels[row], start + context);
			}
		}
	}
}

#[test]
fn characters_are_numbered_by_their_code_points() {
	// Line ends, spaces and letters of one to four bytes; the order in the text does not matter.
	let text = "𝄞é\r\n zaZ€";
	let mut sorted: Vec<char> = text.chars().collect();
	sorted.sort_unstable();
	assert_eq!(sorted, ['\n', '\r', ' ', 'Z', 'a', 'z', 'é', '€', '𝄞']);
	let dataset = rows(text, 8, 1).unwrap();
	assert_eq!(dataset.classes, 9);
	let numbers = text
		.chars()
		.map(|character| sorted.iter().position(|c| *c == character).unwrap());
	let numbers: Vec<usize> = numbers.collect();
	let expected: Vec<f32> = numbers[..8].iter().map(|number| *number as f32).collect();
	assert_eq!(dataset.features, expected);
	assert_eq!(dataset.labels, [numbers[8] as u32]);
}

#[test]
fn a_byte_order_mark_is_no_character() {
	assert_eq!(rows("\u{feff}abcab", 2, 1), rows("abcab", 2, 1));
	// Elsewhere it is one.
	assert_eq!(rows("abc\u{feff}ab", 2, 1).unwrap().classes, 4);
}

#[test]
fn compressed_texts_are_read() {
	let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
	gzip.write_all(b"to be or not to be").unwrap();
	assert_eq!(
		rows(gzip.finish().unwrap(), 3, 2),
		rows("to be or not to be", 3, 2)
	);
}

#[test]
fn a_text_may_have_so_many_characters_and_no_more() {
	let text = |count: u32| -> String {
		let first = 0x4e00;
		(first..first + count).filter_map(char::from_u32).collect()
	};
	let most = MAX_CHARACTERS as u32;
	let dataset = rows(text(most), 1, 1).unwrap();
	assert_eq!(dataset.classes, most);
	assert_eq!(dataset.labels.last(), Some(&(most - 1)));
	let error = rows(text(most + 1), 1, 1).unwrap_err();
	assert!(
		error.contains("book.txt: 257 different characters") && error.contains("at most 256"),
		"{error}"
	);
}

#[test]
fn a_text_of_a_single_character_still_has_two_classes() {
	assert_eq!(rows("aaaa", 1, 1).unwrap().classes, 2);
}

#[test]
fn a_text_that_is_too_short_is_refused() {
	assert_eq!(rows("abcd", 3, 5).unwrap().rows(), 1);
	for (text, found) in [
		("abc", "3 characters"),
		("", "0 characters"),
		("éé", "2 characters"),
	] {
		let error = rows(text, 3, 1).unwrap_err();
		assert!(
			error.contains(&format!(
				"book.txt: {found}, where a row needs 3 and the one"
			)),
			"{error}"
		);
	}
}

#[test]
fn what_is_not_utf8_is_named() {
	let error = rows(b"one\ntwo\nthr\xe9e\n", 2, 1).unwrap_err();
	assert!(error.contains("book.txt, line 3: not UTF-8"), "{error}");
}

/// A file of zeros that takes no room on the disk.
#[test]
fn more_rows_than_a_program_can_read_are_refused_before_they_are_made() {
	let folder = tempfile::tempdir().unwrap();
	let mut file = std::fs::File::create(folder.path().join("book.txt")).unwrap();
	file.seek(std::io::SeekFrom::Start((1 << 22) - 1)).unwrap();
	file.write_all(b"\0").unwrap();
	let rows = |stride: u32| {
		let source = DataSource::Text {
			path: "book.txt".into(),
			context: (1 << 15).try_into().unwrap(),
			stride: stride.try_into().unwrap(),
		};
		load(&source, None, None, folder.path()).map_err(|error| error.to_string())
	};
	let error = rows(1).unwrap_err();
	assert!(
		error.contains("4161536 rows of 32768 characters"),
		"{error}"
	);
	assert!(
		error.contains("268435456; set `stride` to 508 or more"),
		"{error}"
	);
	assert!(rows(507).is_err());
	// The advice is right; with a greater stride the test needs less memory.
	assert!(rows(508 << 6).is_ok());
}

#[test]
fn the_scale_counts_for_texts_too() {
	let folder = tempfile::tempdir().unwrap();
	std::fs::write(folder.path().join("book.txt"), "abcab").unwrap();
	let source = DataSource::Text {
		path: "book.txt".into(),
		context: 3.try_into().unwrap(),
		stride: 1.try_into().unwrap(),
	};
	let dataset = load(&source, None, Some(0.25), folder.path()).unwrap();
	assert_eq!(dataset.row(0), [0.0, 0.25, 0.5]);
	assert_eq!(dataset.labels, [0, 1]);
}

const SOURCE: &str = r#"{ csv = { path = "small.csv" } }"#;

/// The small task, with these changes, on a text.
fn prepared(text: &str, source: &str, changes: &[(&str, &str)]) -> Prepared {
	let folder = tempfile::tempdir().unwrap();
	std::fs::write(folder.path().join("book.txt"), text).unwrap();
	let mut task = small::TASK.replace(SOURCE, source);
	for (from, to) in changes {
		assert!(task.contains(from));
		task = task.replace(from, to);
	}
	let file = TaskFile::parse(task, &folder.path().join("task.toml")).unwrap();
	let dataset = file.load_data(None).unwrap();
	Prepared::new(file, &dataset).unwrap()
}

#[test]
fn the_same_text_gives_the_same_segments() {
	let source = r#"{ text = { path = "book.txt", context = 5, stride = 2 } }"#;
	let text = "how much wood would a woodchuck chuck if a woodchuck could chuck wood? ".repeat(5);
	let prepare = |text: &str| prepared(text, source, &[("outputs = 3 }", "outputs = 14 }")]);
	let [first, second] = [prepare(&text), prepare(&text)];
	let root = |prepared: &Prepared| Part::assemble(&prepared.segments).root();
	assert_eq!(root(&first), root(&second));
	assert_eq!(first.programs, second.programs);
	// The task file's scale is 1/2, and its order of rows has the number 7.
	let mut dataset = rows(&text, 5, 2).unwrap();
	for feature in &mut dataset.features {
		*feature *= 0.5;
	}
	assert_eq!(first.segments, cut(&dataset, 10, 7).unwrap().segments);
	let other = prepare(&text.replace('w', "b"));
	assert_ne!(root(&first), root(&other));
}

#[test]
fn what_follows_in_a_regular_text_is_learnt() {
	// What follows `abcab` depends on the character before it.
	let text = "abcabdabcabe".repeat(40);
	let source = r#"{ text = { path = "book.txt", context = 6 } }"#;
	let changes = [
		("outputs = 3 }", "outputs = 5 }"),
		("outputs = 9 }", "outputs = 32 }"),
		("steps_per_round = 12", "steps_per_round = 300"),
	];
	let prepared = prepared(&text, source, &changes);
	let engine = Engine::new(EngineOptions::default()).unwrap();
	let outcome = offline::train(&prepared, &engine, Seed([3; 32]), &mut ()).unwrap();
	assert!(outcome.questions > 100);
	assert_eq!(outcome.correct, outcome.questions);
}

#[test]
fn windows_of_nothing_are_refused() {
	for (source, key) in [
		(
			r#"{ text = { path = "book.txt", context = 0 } }"#,
			"context",
		),
		(
			r#"{ text = { path = "book.txt", context = 4, stride = 0 } }"#,
			"stride",
		),
	] {
		let task = small::TASK.replace(SOURCE, source);
		let error = TaskFile::parse(task, Path::new("task.toml"))
			.unwrap_err()
			.to_string();
		assert!(
			error.contains(&format!("`data.source.text.{key}`")),
			"{error}"
		);
		assert!(error.contains("nonzero"), "{error}");
	}
}
