//! The example task reaches what it asks for.

use ml_worker::{
	task_file::{Prepared, TaskFile},
	training::offline,
};
use ml_worker_engine::{Engine, EngineOptions};
use repops::random::Seed;
use std::path::Path;

#[test]
fn digits_reach_the_required_accuracy_from_any_seed() {
	let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits.toml");
	let file = TaskFile::read(Path::new(path)).unwrap();
	let dataset = file.load_data(None).unwrap();
	let prepared = Prepared::new(file, &dataset).unwrap();
	assert_eq!(
		(
			prepared.training_rows(),
			prepared.test_rows(),
			prepared.dropped_rows
		),
		(1432, 358, 7)
	);
	let required = prepared.file.contents.task.required_accuracy;
	assert!(required.millionths >= 950_000);
	let engine = Engine::new(EngineOptions::default()).unwrap();
	for seed in 0..5 {
		let outcome = offline::train(&prepared, &engine, Seed([seed; 32]), &mut ()).unwrap();
		assert!(
			required.is_met(outcome.correct, outcome.questions),
			"seed {seed}: {} of {}",
			outcome.correct,
			outcome.questions,
		);
	}
}
