//! What a task file can say about an optimiser is read as it is meant, and nothing else is accepted.

use ml_worker_capture::{LearningRate, OptimiserSpec};

fn optimiser(toml: &str) -> Result<OptimiserSpec, String> {
	toml::from_str(toml).map_err(|error| error.to_string())
}

#[track_caller]
fn assert_says(toml: &str, parts: &[&str]) {
	let message = optimiser(toml).unwrap_err();
	for part in parts {
		assert!(message.contains(part), "`{part}` is missing in: {message}");
	}
}

#[test]
fn what_is_not_said_has_its_usual_value() {
	let sgd = OptimiserSpec::Sgd {
		learning_rate: LearningRate::Constant(0.1),
		momentum: 0.0,
		weight_decay: 0.0,
		clip_norm: None,
	};
	assert_eq!(
		optimiser("kind = 'sgd'\nlearning_rate = 0.1"),
		Ok(sgd.clone())
	);
	assert_eq!(OptimiserSpec::sgd(0.1), sgd);
	let adam = OptimiserSpec::Adam {
		learning_rate: LearningRate::Constant(0.001),
		beta1: 0.9,
		beta2: 0.999,
		epsilon: 1e-8,
		clip_norm: None,
	};
	assert_eq!(
		optimiser("kind = 'adam'\nlearning_rate = 0.001"),
		Ok(adam.clone())
	);
	assert_eq!(OptimiserSpec::adam(0.001), adam);
	let adam_w = OptimiserSpec::AdamW {
		learning_rate: LearningRate::Constant(0.001),
		beta1: 0.9,
		beta2: 0.999,
		epsilon: 1e-8,
		weight_decay: 0.01,
		clip_norm: None,
	};
	assert_eq!(
		optimiser("kind = 'adam-w'\nlearning_rate = 0.001"),
		Ok(adam_w.clone())
	);
	assert_eq!(OptimiserSpec::adam_w(0.001), adam_w);
}

#[test]
fn every_number_can_be_said() {
	let text = "kind = 'adam-w'\nlearning_rate = 1\nbeta1 = 0.5\nbeta2 = 0.25\nepsilon = 0.125\n\
	            weight_decay = 2\nclip_norm = 3.5";
	let expected = OptimiserSpec::AdamW {
		learning_rate: LearningRate::Constant(1.0),
		beta1: 0.5,
		beta2: 0.25,
		epsilon: 0.125,
		weight_decay: 2.0,
		clip_norm: Some(3.5),
	};
	assert_eq!(optimiser(text), Ok(expected));
	for kind in ["sgd", "adam", "adam-w"] {
		let text = format!("kind = '{kind}'\nclip_norm = 1\nlearning_rate = [[0, 0], [9, 0.5]]");
		let spec = optimiser(&text).unwrap();
		assert_eq!(spec.clip_norm(), Some(1.0));
		let table = LearningRate::Table(vec![(0, 0.0), (9, 0.5)]);
		assert_eq!(*spec.learning_rate(), table);
	}
}

#[test]
fn what_is_written_is_read_again() {
	for spec in super::each() {
		let along_a_table = spec.clone().with_learning_rate(super::table());
		for spec in [spec.clone(), spec.with_clip_norm(2.0), along_a_table] {
			let text = toml::to_string(&spec).unwrap();
			assert_eq!(optimiser(&text), Ok(spec), "{text}");
		}
	}
}

#[test]
fn unknown_words_are_refused() {
	assert_says(
		"kind = 'sgd'\nlearning_rate = 0.1\nnesterov = true",
		&["`nesterov`", "`momentum`"],
	);
	assert_says(
		"kind = 'adam'\nlearning_rate = 0.1\nweight_decay = 0.1",
		&["`weight_decay`"],
	);
	assert_says(
		"kind = 'adam-w'\nlearning_rate = 0.1\nmomentum = 0.1",
		&["`momentum`"],
	);
	assert_says(
		"kind = 'adamw'\nlearning_rate = 0.1",
		&["`adamw`", "`adam-w`"],
	);
	assert_says("kind = 'adam'", &["`learning_rate`"]);
}

#[test]
fn a_rate_that_is_neither_a_number_nor_a_table_is_refused() {
	let rate = |rate: &str| format!("kind = 'adam'\nlearning_rate = {rate}");
	let needed = "a number, or a table of points `[step, rate]`";
	assert_says(&rate("'fast'"), &["\"fast\"", needed]);
	assert_says(&rate("true"), &["`true`", needed]);
	assert_says(&rate("{ start = 0.1 }"), &["map", needed]);
	assert_says(&rate("[0.1, 0.2]"), &["0.1", "tuple"]);
	assert_says(&rate("[[0, 0.1, 3]]"), &["3", "2"]);
	assert_says(&rate("[[0]]"), &["length 1"]);
	assert_says(&rate("[[-1, 0.1]]"), &["`-1`", "u32"]);
	assert_says(&rate("[[0.5, 0.1]]"), &["`0.5`", "u32"]);
	assert_says(&rate("[[5000000000, 0.1]]"), &["`5000000000`", "u32"]);
	assert_says(&rate("[[0, 'x']]"), &["\"x\"", "f32"]);
}
