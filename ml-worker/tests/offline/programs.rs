//! Programs that come from a stranger are checked against the task that they are for.

use super::small;
use ml_worker::{
	task_file::{Prepared, TaskFile},
	training::programs::{ProgramsError, TaskPrograms},
};
use pouw_primitives::spec::{DataSpec, TrainingSpec};
use repops::program::{Program, ValueId};
use std::path::Path;

fn data() -> DataSpec {
	DataSpec {
		root: Default::default(),
		manifest: Default::default(),
		segments: 10,
		hidden_segments: 3,
		rows_per_segment: 14,
		columns: 5,
		classes: 3,
	}
}

fn programs() -> (TaskPrograms, TrainingSpec) {
	let prepared = small::prepared();
	let (step, evaluation) = (&prepared.programs.step, &prepared.programs.evaluation);
	let blobs = (Program::encode(step), Program::encode(evaluation));
	let programs = TaskPrograms::decode(&blobs.0, &blobs.1).unwrap();
	assert_eq!(
		(programs.step.program(), programs.evaluation.program()),
		(step, evaluation)
	);
	(programs, prepared.training)
}

#[test]
fn a_task_s_own_programs_fit() {
	let (programs, training) = programs();
	programs.check_sizes(&data(), &training).unwrap();
}

#[test]
fn the_cost_is_counted() {
	let cost = programs().0.cost();
	// 5 × 9 + 9 and 9 × 3 + 3; Adam keeps two moments of each, and the powers of its two rates.
	let parameters = 54 + 30;
	assert_eq!(cost.parameters, parameters);
	assert_eq!(cost.state_elements, 3 * parameters + 2);
	// The matrix products of a step: forward, and backward to the weights and to the hidden layer.
	let products = 7 * (5 * 9 + 9 * 3 + 5 * 9 + 2 * 9 * 3);
	assert!(
		cost.step_multiply_adds >= products - 7 * 9 * 3,
		"{}",
		cost.step_multiply_adds
	);
	assert!(cost.evaluation_multiply_adds >= 42 * (5 * 9 + 9 * 3));
}

#[test]
fn programs_for_other_sizes_are_refused() {
	let (programs, training) = programs();
	let refused = |data: DataSpec, training: TrainingSpec, part: &str| {
		let error = programs.check_sizes(&data, &training).unwrap_err();
		assert!(matches!(error, ProgramsError::Size { .. }), "{error}");
		assert!(error.to_string().contains(part), "{error}");
	};
	refused(
		DataSpec {
			rows_per_segment: 15,
			..data()
		},
		training,
		"step program is made for 98 rows",
	);
	refused(
		DataSpec {
			segments: 11,
			..data()
		},
		training,
		"but the task has 112",
	);
	refused(
		DataSpec {
			columns: 6,
			..data()
		},
		training,
		"5 features of a row, but the task has 6",
	);
	let other = TrainingSpec {
		batch: 8,
		..training
	};
	refused(data(), other, "7 rows of a batch, but the task has 8");
	// As many rows to train on, but others hidden.
	let other = DataSpec {
		segments: 9,
		hidden_segments: 2,
		..data()
	};
	refused(
		other,
		training,
		"evaluation program is made for 42 rows, but the task has 28",
	);
}

#[test]
fn an_evaluation_of_another_model_is_refused() {
	let text = small::TASK.replace("outputs = 9", "outputs = 8");
	let file = TaskFile::parse(text, Path::new("small.toml")).unwrap();
	let other = Prepared::new(file, &small::dataset()).unwrap();
	let error = TaskPrograms::new(&small::prepared().programs.step, &other.programs.evaluation)
		.unwrap_err();
	assert!(matches!(error, ProgramsError::DifferentState), "{error}");
}

#[test]
fn blobs_that_are_no_programs_are_refused() {
	let prepared = small::prepared();
	let step = Program::encode(&prepared.programs.step);
	let evaluation = Program::encode(&prepared.programs.evaluation);
	let refused = |step: &[u8], evaluation: &[u8], part: &str| {
		let error = TaskPrograms::decode(step, evaluation).unwrap_err();
		assert!(error.to_string().contains(part), "{error}");
	};
	refused(b"", &evaluation, "the step program is refused");
	refused(
		&step[..step.len() - 1],
		&evaluation,
		"the step program is refused",
	);
	refused(
		&step,
		&[&evaluation[..], &[0]].concat(),
		"the evaluation program is refused",
	);
	// Each is a program, but not for that role.
	refused(&evaluation, &step, "the step program is refused");
}

#[test]
fn a_wrong_operation_is_named() {
	let prepared = small::prepared();
	let mut step = prepared.programs.step.clone();
	step.operations[3].operands[0] = ValueId::MAX;
	let error = TaskPrograms::new(&step, &prepared.programs.evaluation)
		.unwrap_err()
		.to_string();
	assert!(error.contains("operation 3"), "{error}");
}
