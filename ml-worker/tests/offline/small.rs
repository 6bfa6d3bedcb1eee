//! A task that is trained in milliseconds.

use ml_worker::{
	dataset::Dataset,
	task_file::{Prepared, TaskFile},
};
use std::path::Path;

/// A task file of two trainers, two rounds of four segments, and odd sizes.
pub(crate) const TASK: &str = r#"
[task]
name = "small"
fee = "1.5"
required_accuracy = 0.5

[data]
source = { csv = { path = "small.csv" } }
scale = 0.5
segments = 10
hidden_segments = 3
order = 7

[model]
layers = [
	{ kind = "linear", outputs = 9 },
	{ kind = "tanh" },
	{ kind = "linear", outputs = 3 },
]

[optimiser]
kind = "adam"
learning_rate = 0.01

[training]
trainers = 2
rounds = 2
steps_per_round = 12
steps_per_segment = 3
batch = 7
"#;

/// Rows whose label follows from their features.
pub(crate) fn rows() -> impl Iterator<Item = ([i32; 5], u32)> {
	(0..143i32).map(|row| {
		let features = std::array::from_fn(|column| (row * 31 + column as i32 * 17) % 23 - 11);
		(
			features,
			u32::from(features[0] > 0) + u32::from(features[1] > 3),
		)
	})
}

/// These rows as a CSV file.
pub(crate) fn csv() -> String {
	let line = |(features, label): ([i32; 5], u32)| {
		let features = features.map(|feature| feature.to_string()).join(", ");
		format!("{features}, {label}\n")
	};
	rows().map(line).collect()
}

/// These rows as a data set, scaled by 1/2.
pub(crate) fn dataset() -> Dataset {
	let (features, labels): (Vec<_>, Vec<_>) = rows().unzip();
	let features = features
		.into_iter()
		.flatten()
		.map(|feature| feature as f32 * 0.5)
		.collect();
	Dataset {
		features,
		labels,
		columns: 5,
		classes: 3,
	}
}

/// The task, ready to be trained.
pub(crate) fn prepared() -> Prepared {
	let file = TaskFile::parse(TASK.into(), Path::new("small.toml")).unwrap();
	Prepared::new(file, &dataset()).unwrap()
}
