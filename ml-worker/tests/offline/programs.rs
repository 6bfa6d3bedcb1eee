//! Programs that come from a stranger are checked against the task that they are for.

use super::small;
use ml_worker::{
	task_file::{Prepared, TaskFile},
	training::programs::{ProgramsError, TaskPrograms},
};
use pouw_primitives::spec::{DataSpec, TrainingSpec};
use repops::{
	program::{
		Initialiser, Operation, OperationKind, Output, Program, Relation, Source, StateRole,
		StateTensor, Target, ValueId,
	},
	tensor::Shape,
};
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

/// Data is a matrix for everyone who runs the program. One that declares other axes of as many elements would
/// be attested, and then nobody could train it.
#[test]
fn features_with_more_axes_are_refused() {
	let prepared = small::prepared();
	let mut step = prepared.programs.step.clone();
	let features = step
		.inputs
		.iter()
		.position(|input| input.source == Source::Features)
		.unwrap();
	let [rows, columns] = step.inputs[features].kind.shape.0[..] else {
		panic!("the features are a matrix")
	};
	step.inputs[features].kind.shape = [rows, columns, 1].into();
	let gather = step
		.operations
		.iter()
		.position(|operation| operation.operands.first() == Some(&(features as ValueId)))
		.unwrap();
	let gathered = (step.inputs.len() + gather) as ValueId;
	// The batch is reshaped, and everything after it moves by one.
	let reshape = Operation {
		kind: OperationKind::Reshape {
			shape: [prepared.training.batch, columns].into(),
		},
		operands: vec![gathered],
	};
	for operation in &mut step.operations[gather + 1..] {
		for operand in &mut operation.operands {
			*operand += ValueId::from(*operand >= gathered);
		}
	}
	for output in &mut step.outputs {
		output.value += ValueId::from(output.value >= gathered);
	}
	step.operations.insert(gather + 1, reshape);
	let evaluation = Program::encode(&prepared.programs.evaluation);
	let programs = TaskPrograms::decode(&Program::encode(&step), &evaluation).unwrap();
	let error = programs
		.check_sizes(&data(), &prepared.training)
		.unwrap_err();
	assert!(
		error.to_string().contains("3 axes of the features"),
		"{error}"
	);
}

fn push(program: &mut Program, kind: OperationKind, operands: &[ValueId]) -> ValueId {
	program.operations.push(Operation {
		kind,
		operands: operands.to_vec(),
	});
	(program.inputs.len() + program.operations.len() - 1) as ValueId
}

fn buffer(name: String, shape: impl Into<Shape>) -> StateTensor {
	StateTensor {
		name: name.into_bytes(),
		shape: shape.into(),
		role: StateRole::Optimiser,
		initial: Initialiser::Constant(0.0.into()),
	}
}

#[test]
fn states_that_can_not_be_merged_are_refused_before_they_are_trained() {
	let prepared = small::prepared();
	let (mut step, mut evaluation) = (prepared.programs.step, prepared.programs.evaluation);
	let loss = step
		.outputs
		.iter()
		.find(|output| output.target == Target::Loss)
		.unwrap()
		.value;
	let first = step.state.len();
	for index in first..first + 1_000 {
		step.state.push(buffer(format!("buffer {index}"), [1]));
		step.outputs.push(Output {
			target: Target::State(index as u16),
			value: loss,
		});
	}
	evaluation.state = step.state.clone();
	let programs = TaskPrograms::new(&step, &evaluation).unwrap();
	let training = |trainers| TrainingSpec {
		trainers,
		..prepared.training
	};
	programs.check_sizes(&data(), &training(2)).unwrap();
	// Each of the tensors takes an operation for each of the trainers.
	let error = programs.check_sizes(&data(), &training(16)).unwrap_err();
	assert!(
		matches!(error, ProgramsError::Refused { which: "merge", .. }),
		"{error}"
	);
}

#[test]
fn a_step_draws_one_batch() {
	let (programs, training) = programs();
	let mut step = programs.step.program().clone();
	let draw = step
		.operations
		.iter()
		.find(|operation| matches!(operation.kind, OperationKind::BatchRows { .. }));
	let Operation { kind, operands } = draw.unwrap().clone();
	let OperationKind::BatchRows { batch, .. } = kind else {
		unreachable!("it was looked for")
	};
	// A second one, of the same rows, whose numbers become state.
	let rows = push(&mut step, kind, &operands);
	let numbers = push(&mut step, OperationKind::OneHot { classes: 2 }, &[rows]);
	let index = step.state.len() as u16;
	step.state.push(buffer("rows".into(), [batch, 2]));
	step.outputs.push(Output {
		target: Target::State(index),
		value: numbers,
	});
	let mut evaluation = programs.evaluation.program().clone();
	evaluation.state = step.state.clone();
	let error = TaskPrograms::new(&step, &evaluation)
		.unwrap()
		.check_sizes(&data(), &training)
		.unwrap_err();
	assert!(
		error.to_string().contains("made for 2 batches a step"),
		"{error}"
	);
}

/// The refusal of programs of which one was changed.
fn refused(change: impl FnOnce(&mut Program, &mut Program)) -> String {
	let prepared = small::prepared();
	let (mut step, mut evaluation) = (prepared.programs.step, prepared.programs.evaluation);
	change(&mut step, &mut evaluation);
	let error = TaskPrograms::new(&step, &evaluation).unwrap_err();
	assert!(
		matches!(error, ProgramsError::Independent { .. }),
		"{error}"
	);
	error.to_string()
}

/// Makes the count of this mask all that an evaluation gives.
fn count_instead(evaluation: &mut Program, mask: ValueId) {
	let count = push(evaluation, OperationKind::CountNonzero, &[mask]);
	evaluation.outputs[0].value = count;
	remove_unused(evaluation);
}

/// Removes operations and inputs that no output depends on.
fn remove_unused(program: &mut Program) {
	let inputs = program.inputs.len();
	let mut used = vec![false; inputs + program.operations.len()];
	for output in &program.outputs {
		used[output.value as usize] = true;
	}
	for (index, operation) in program.operations.iter().enumerate().rev() {
		if used[inputs + index] {
			for operand in &operation.operands {
				used[*operand as usize] = true;
			}
		}
	}
	let place = |value: ValueId| {
		let before = used.iter().take(value as usize);
		before.filter(|used| **used).count() as ValueId
	};
	let mut keep = used.iter();
	program.inputs.retain(|_| *keep.next().unwrap());
	program.operations.retain(|_| *keep.next().unwrap());
	for operation in &mut program.operations {
		for operand in &mut operation.operands {
			*operand = place(*operand);
		}
	}
	for output in &mut program.outputs {
		output.value = place(output.value);
	}
}

fn input(program: &Program, wanted: impl Fn(Source) -> bool) -> ValueId {
	let found = program.inputs.iter().position(|input| wanted(input.source));
	found.unwrap() as ValueId
}

#[test]
fn an_evaluation_that_does_not_evaluate_is_refused() {
	let positive = OperationKind::CompareScalar(Relation::Greater, 0.0.into());
	// All labels are equal to themselves.
	let text = refused(|_, evaluation| {
		let labels = input(evaluation, |source| source == Source::Labels);
		let same = push(
			evaluation,
			OperationKind::Compare(Relation::Equal),
			&[labels, labels],
		);
		count_instead(evaluation, same);
	});
	assert!(text.contains("number of right answers does not depend on the state"));
	// Of the model alone.
	let text = refused(|_, evaluation| {
		let state = input(evaluation, |source| matches!(source, Source::State(_)));
		let mask = push(evaluation, positive.clone(), &[state]);
		count_instead(evaluation, mask);
	});
	assert!(text.contains("does not depend on the features"), "{text}");
	// Of the answers, whatever is right.
	let text = refused(|_, evaluation| {
		let answers = evaluation
			.operations
			.iter()
			.position(|operation| operation.kind == OperationKind::ArgMax { axis: 1 })
			.unwrap();
		let answers = (evaluation.inputs.len() + answers) as ValueId;
		count_instead(evaluation, answers);
	});
	assert!(text.contains("does not depend on the labels"), "{text}");
}

#[test]
fn a_loss_that_is_none_is_refused() {
	let constant = |step: &mut Program, kind, operands: &[ValueId]| {
		let value = push(step, kind, operands);
		let loss = step
			.outputs
			.iter_mut()
			.find(|output| output.target == Target::Loss)
			.unwrap();
		loss.value = value;
		remove_unused(step);
	};
	let text = refused(|step, _| {
		let kind = OperationKind::Constant {
			shape: [1].into(),
			value: 0.0.into(),
		};
		constant(step, kind, &[]);
	});
	assert!(text.contains("loss does not depend on the state"), "{text}");
	let text = refused(|step, _| {
		let bias = input(step, |source| matches!(source, Source::State(_)));
		let sum = push(step, OperationKind::Reshape { shape: [45].into() }, &[bias]);
		constant(step, OperationKind::Sum { axis: 0 }, &[sum]);
	});
	assert!(
		text.contains("loss does not depend on the features"),
		"{text}"
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
