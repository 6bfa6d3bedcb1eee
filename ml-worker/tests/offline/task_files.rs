//! Task files: what is read, and that file, line and key of a wrong place are named.

use super::small;
use ml_worker::{
	amount::Amount,
	dataset::{DataSource, LabelColumn},
	task_file::{Prepared, TaskFile},
};
use std::path::Path;

fn parse(text: &str) -> Result<TaskFile, String> {
	TaskFile::parse(text.into(), Path::new("tasks/small.toml")).map_err(|error| error.to_string())
}

/// The line of the first line with this in it.
fn line_of(text: &str, part: &str) -> usize {
	text.lines().position(|line| line.contains(part)).unwrap() + 1
}

/// The error for the small task with a part replaced, which must name the file and the part's line.
fn error(from: &str, to: &str) -> String {
	assert!(small::TASK.contains(from));
	let text = small::TASK.replacen(from, to, 1);
	let error = match parse(&text) {
		Ok(file) => Prepared::new(file, &small::dataset())
			.unwrap_err()
			.to_string(),
		Err(error) => error,
	};
	let line = line_of(&text, to.lines().next().unwrap());
	let place = format!("task file tasks/small.toml, line {line}");
	assert!(
		error.starts_with(&place),
		"{error}, which should begin with {place}"
	);
	error
}

#[track_caller]
fn refused(from: &str, to: &str, key: &str, reason: &str) {
	let error = error(from, to);
	assert!(
		error.contains(&format!("`{key}`: ")),
		"{error}, which should name {key}"
	);
	assert!(error.contains(reason), "{error}, which should say {reason}");
}

#[test]
fn a_whole_file_is_read() {
	let contents = parse(small::TASK).unwrap().contents;
	assert_eq!(contents.task.name, "small");
	assert_eq!(contents.task.fee, Amount(1_500_000_000_000));
	assert_eq!(contents.task.required_accuracy.millionths, 500_000);
	assert_eq!(
		(contents.data.segments, contents.data.hidden_segments),
		(10, 3)
	);
	assert_eq!(contents.model.layers.len(), 3);
	assert_eq!(contents.training.steps_per_round, Some(12));
}

#[test]
fn data_sources_are_read() {
	let source = |text: &str| {
		let from = r#"{ csv = { path = "small.csv" } }"#;
		parse(&small::TASK.replace(from, text))
			.unwrap()
			.contents
			.data
			.source
	};
	assert_eq!(source(r#""digits""#), DataSource::Digits);
	assert_eq!(source(r#""mnist""#), DataSource::Mnist);
	assert_eq!(
		source(r#"{ csv = { path = "a.csv", label = "kind", header = true, classes = 4 } }"#),
		DataSource::Csv {
			path: "a.csv".into(),
			label: Some(LabelColumn::Name("kind".into())),
			header: true,
			classes: Some(4)
		}
	);
	assert_eq!(
		source(r#"{ idx = { images = "i", labels = "l" } }"#),
		DataSource::Idx {
			images: "i".into(),
			labels: "l".into(),
			classes: None
		}
	);
	let text = |path: &str, context: u32, stride: u32| DataSource::Text {
		path: path.into(),
		context: context.try_into().unwrap(),
		stride: stride.try_into().unwrap(),
	};
	assert_eq!(
		source(r#"{ text = { path = "book.txt", context = 32, stride = 5 } }"#),
		text("book.txt", 32, 5)
	);
	assert_eq!(
		source(r#"{ text = { path = "book.txt.gz", context = 8 } }"#),
		text("book.txt.gz", 8, 1)
	);
}

#[test]
fn relative_paths_start_at_the_file() {
	let folder = tempfile::tempdir().unwrap();
	std::fs::write(folder.path().join("small.csv"), small::csv()).unwrap();
	std::fs::write(folder.path().join("small.toml"), small::TASK).unwrap();
	let file = TaskFile::read(&folder.path().join("small.toml")).unwrap();
	assert_eq!(file.load_data(None).unwrap(), small::dataset());
}

#[test]
fn the_example_files_are_read() {
	for name in ["digits", "mnist", "mnist-cnn", "table", "transformer"] {
		let path = format!("{}/../examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
		assert_eq!(
			TaskFile::read(Path::new(&path)).unwrap().contents.task.name,
			name
		);
	}
}

#[test]
fn unknown_keys_are_named() {
	refused("order = 7", "oder = 7", "data.oder", "unknown field");
	refused(
		"batch = 7",
		"batches = 7",
		"training.batches",
		"unknown field",
	);
	refused(
		"outputs = 9 }",
		"outputs = 9, biass = true }",
		"model.layers.0.biass",
		"unknown field",
	);
	refused(
		"learning_rate = 0.01",
		"learning_rte = 0.01",
		"optimiser.learning_rte",
		"unknown field",
	);
	refused(
		"path = \"small.csv\"",
		"path = \"small.csv\", separator = \";\"",
		"data.source.csv.separator",
		"unexpected key",
	);
}

#[test]
fn unknown_kinds_are_named() {
	refused(
		"\"tanh\"",
		"\"than\"",
		"model.layers.1.kind",
		"unknown variant `than`",
	);
	refused(
		"\"adam\"",
		"\"adan\"",
		"optimiser.kind",
		"unknown variant `adan`",
	);
}

#[test]
fn missing_keys_are_named() {
	let text = small::TASK.replace("rounds = 2\n", "");
	let error = parse(&text).unwrap_err();
	assert!(error.contains("missing field `rounds`"), "{error}");
	let line = line_of(&text, "[training]");
	assert!(
		error.contains(&format!("line {line}, `training`")),
		"{error}"
	);
}

#[test]
fn wrong_types_are_named() {
	refused(
		"learning_rate = 0.01",
		"learning_rate = \"x\"",
		"optimiser.learning_rate",
		"invalid type",
	);
	refused(
		"learning_rate = 0.01",
		"learning_rate = [[0, 0.01], [-5, 0.02]]",
		"optimiser.learning_rate",
		"`-5`",
	);
	refused(
		"outputs = 9",
		"outputs = -9",
		"model.layers.0.outputs",
		"-9",
	);
	refused(
		"rounds = 2",
		"rounds = \"two\"",
		"training.rounds",
		"invalid type",
	);
	refused("trainers = 2", "trainers = -2", "training.trainers", "-2");
	refused("fee = \"1.5\"", "fee = 1.5", "task.fee", "invalid type");
	refused(
		"fee = \"1.5\"",
		"fee = \"1,5\"",
		"task.fee",
		"`1,5` is not an amount",
	);
	refused(
		"required_accuracy = 0.5",
		"required_accuracy = 95",
		"task.required_accuracy",
		"from 0 to 1",
	);
}

#[test]
fn what_is_no_toml_is_named() {
	assert!(error("order = 7", "order = = 7").contains("line"));
}

#[test]
fn numbers_out_of_bounds_are_named() {
	refused(
		"name = \"small\"",
		"name = \"\"",
		"task.name",
		"1 to 64 bytes",
	);
	refused(
		"\nsegments = 10",
		"\nsegments = 9",
		"data.segments",
		"9 is not from 10 to 100",
	);
	refused(
		"hidden_segments = 3",
		"hidden_segments = 0",
		"data.hidden_segments",
		"from 1 to 9",
	);
	refused(
		"hidden_segments = 3",
		"hidden_segments = 10",
		"data.hidden_segments",
		"from 1 to 9",
	);
	refused(
		"trainers = 2",
		"trainers = 17",
		"training.trainers",
		"from 1 to 16",
	);
	refused(
		"rounds = 2",
		"rounds = 0",
		"training.rounds",
		"from 1 to 1000",
	);
	refused(
		"steps_per_segment = 3",
		"steps_per_segment = 0",
		"training.steps_per_segment",
		"from 1",
	);
	refused(
		"steps_per_round = 12",
		"steps_per_round = 13",
		"training.steps_per_round",
		"multiple",
	);
	refused(
		"batch = 7",
		"batch = 0",
		"training.batch",
		"0 is not from 1",
	);
	refused(
		"batch = 7",
		"round_deadline = 3\nbatch = 7",
		"training.round_deadline",
		"3 is not from 20",
	);
}

#[test]
fn sizes_that_do_not_fit_are_named() {
	refused(
		"batch = 7",
		"batch = 99",
		"training.batch",
		"the training part has only 98",
	);
	refused("outputs = 3", "outputs = 4", "model.layers.2", "4");
	refused("outputs = 9", "outputs = 0", "model.layers.0", "0");
	let text = small::TASK.replace("\nsegments = 10", "\nsegments = 100");
	let small_set = ml_worker::dataset::Dataset {
		features: vec![0.0; 5 * 99],
		labels: vec![0; 99],
		columns: 5,
		classes: 3,
	};
	let error = Prepared::new(parse(&text).unwrap(), &small_set)
		.unwrap_err()
		.to_string();
	assert!(
		error.contains("`data.segments`: 99 rows can't be cut into 100 segments"),
		"{error}"
	);
}

#[test]
fn settings_that_can_not_work_are_named() {
	refused(
		"learning_rate = 0.01",
		"learning_rate = nan",
		"optimiser.learning_rate",
		"NaN",
	);
	refused(
		"learning_rate = 0.01",
		"learning_rate = [[0, 0.01], [0, 0.02]]",
		"optimiser.learning_rate",
		"point 1 is [0, 0.02]",
	);
	refused(
		"learning_rate = 0.01",
		"clip_norm = 0.0\nlearning_rate = 0.01",
		"optimiser.clip_norm",
		"greater than 0",
	);
}

#[test]
fn steps_follow_from_epochs() {
	let steps = |epochs: &str| {
		let text = small::TASK.replace("steps_per_round = 12", epochs);
		Prepared::new(parse(&text)?, &small::dataset()).map_err(|error| error.to_string())
	};
	// 98 rows × 6 epochs = 588 samples; 2 trainers × 2 rounds × batch 7 give 21 steps.
	assert_eq!(steps("epochs = 6").unwrap().training.steps_per_round, 21);
	// The nearest whole segment.
	assert_eq!(steps("epochs = 5.5").unwrap().training.steps_per_round, 18);
	assert_eq!(steps("epochs = 0.001").unwrap().training.steps_per_round, 3);
	assert!(steps("epochs = 0")
		.unwrap_err()
		.contains("`training.epochs`: 0 is not greater than 0"));
	assert!(steps("epochs = 1e300")
		.unwrap_err()
		.contains("`training.steps_per_round`"));
	assert!(steps("epochs = 1\nsteps_per_round = 12")
		.unwrap_err()
		.contains("keep one of them"));
	assert!(steps("").unwrap_err().contains("add one of them"));
}
