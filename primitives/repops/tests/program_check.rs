//! What the check accepts, what it refuses and how it says so.

mod support;

use repops::{
	check::{check, Checked, Counted, Limits, ProgramError, Reason, Role},
	merge::average_program,
	program::*,
	tensor::{DType, Shape, TensorType},
};
use support::{mlp, mlp_evaluation};

fn good() -> Program {
	mlp(50, 7, 5, 3, 10, 0.1)
}

fn check_step(program: &Program) -> Result<Checked, ProgramError> {
	check(program, Role::Step, &Limits::default())
}

/// The refusal of the good program after a change.
fn refusal(change: impl FnOnce(&mut Program)) -> ProgramError {
	let mut program = good();
	change(&mut program);
	check_step(&program).unwrap_err()
}

fn operation(index: u32, reason: Reason) -> ProgramError {
	ProgramError::Operation { index, reason }
}

#[test]
fn a_good_program_passes_and_is_measured() {
	let program = good();
	let checked = check_step(&program).unwrap();
	assert_eq!(checked.program(), &program);
	assert_eq!(checked.role(), Role::Step);
	assert_eq!(
		checked.types().len(),
		program.inputs.len() + program.operations.len()
	);
	assert_eq!(checked.state_bytes(), 4 * (7 * 5 + 5 + 5 * 3 + 3));
	// The five matrix products.
	assert!(checked.cost() > 10 * 7 * 5 * 2 + 10 * 5 * 3 * 3);
	let input_bytes = checked.state_bytes() + 4 * (50 * 7 + 50 + 8 + 2);
	assert!(checked.live_bytes() > input_bytes && checked.live_bytes() < input_bytes + 4000);
	// The features are last read by the gather, a loss lives to the end.
	assert_eq!(checked.last_uses()[4], 1);
	let loss = program.outputs[0].value as usize;
	assert_eq!(checked.last_uses()[loss], program.operations.len());

	check(
		&mlp_evaluation(&program, 20),
		Role::Evaluate,
		&Limits::default(),
	)
	.unwrap();
	for updates in 1..4 {
		let merge = average_program(&program.state, updates);
		check(&merge, Role::Merge { updates }, &Limits::default()).unwrap();
	}
}

#[test]
fn the_cost_counts_multiply_adds() {
	let (m, k, n) = (3, 5, 7);
	let state = vec![StateTensor {
		name: b"w".to_vec(),
		shape: [k, n].into(),
		role: StateRole::Parameter,
		initial: Initialiser::Constant(0.0.into()),
	}];
	let program = Program {
		version: ARITHMETIC_VERSION,
		state,
		inputs: vec![
			Input {
				source: Source::State(0),
				kind: TensorType::f32([k, n]),
			},
			Input {
				source: Source::Features,
				kind: TensorType::f32([m, k]),
			},
		],
		operations: vec![
			Operation {
				kind: OperationKind::MatMul {
					transpose_left: false,
					transpose_right: false,
				},
				operands: vec![1, 0],
			},
			Operation {
				kind: OperationKind::Exp,
				operands: vec![2],
			},
			Operation {
				kind: OperationKind::Reshape {
					shape: [m * n].into(),
				},
				operands: vec![3],
			},
			Operation {
				kind: OperationKind::Sum { axis: 0 },
				operands: vec![4],
			},
			Operation {
				kind: OperationKind::CompareScalar(Relation::Less, 0.0.into()),
				operands: vec![5],
			},
			Operation {
				kind: OperationKind::CountNonzero,
				operands: vec![6],
			},
		],
		outputs: vec![Output {
			target: Target::Correct,
			value: 7,
		}],
	};
	let checked = check(&program, Role::Evaluate, &Limits::default()).unwrap();
	let (mn, k) = (u64::from(m * n), u64::from(k));
	assert_eq!(checked.cost(), mn * k + 16 * mn + mn + 1 + 1);
	// The exponentials, and either the product or the reshaped ones; the inputs always.
	assert_eq!(checked.live_bytes(), 4 * (k * 7 + 3 * k + 2 * mn));
}

/// The good program with `count` more state tensors, which nothing reads and which all become the loss.
fn with_unread_state(count: u32, shape: impl Into<Shape>) -> Program {
	let mut program = good();
	let (loss, shape) = (program.outputs[0].value, shape.into());
	let first = program.state.len() as u32;
	for index in first..first + count {
		program.state.push(StateTensor {
			name: format!("unread {index}").into_bytes(),
			shape: shape.clone(),
			role: StateRole::Optimiser,
			initial: Initialiser::Constant(0.0.into()),
		});
		program.outputs.push(Output {
			target: Target::State(index as u16),
			value: loss,
		});
	}
	program
}

#[test]
fn state_that_is_not_read_and_values_that_become_several_outputs_are_counted() {
	let live = |program: &Program| check_step(program).unwrap().live_bytes();
	// The tensors themselves, and the copies of the loss that become the new ones.
	assert_eq!(
		live(&with_unread_state(100, [1])),
		live(&good()) + 4 * 100 + 4 * 100
	);

	// An input that becomes an output is copied: here the only update becomes the new state as it is.
	let state = good().state[..1].to_vec();
	let bytes = 4 * state[0].shape.elements().unwrap();
	let copy = Program {
		inputs: vec![Input {
			source: Source::Update {
				update: 0,
				tensor: 0,
			},
			kind: TensorType::f32(state[0].shape.clone()),
		}],
		operations: vec![],
		outputs: vec![Output {
			target: Target::State(0),
			value: 0,
		}],
		version: ARITHMETIC_VERSION,
		state,
	};
	let checked = check(&copy, Role::Merge { updates: 1 }, &Limits::default()).unwrap();
	assert_eq!(checked.live_bytes(), 3 * bytes);

	// An evaluation is given the whole state, whatever it reads.
	let evaluation = mlp_evaluation(&with_unread_state(100, [1]), 20);
	let lean = mlp_evaluation(&good(), 20);
	let live = |program: &Program| {
		let checked = check(program, Role::Evaluate, &Limits::default());
		checked.unwrap().live_bytes()
	};
	assert_eq!(live(&evaluation), live(&lean) + 4 * 100);
}

#[test]
fn state_that_does_not_fit_into_memory_is_refused() {
	// Each tensor is within the limit of elements; nothing reads them, and no operation is needed for them.
	let mut program = good();
	let reached = OperationKind::Broadcast {
		shape: [1 << 28].into(),
	};
	let (loss, inputs) = (program.outputs[0].value, program.inputs.len());
	program.operations.push(Operation {
		kind: reached,
		operands: vec![loss],
	});
	let value = (inputs + program.operations.len() - 1) as u32;
	for index in 4..12 {
		program.state.push(StateTensor {
			name: format!("large {index}").into_bytes(),
			shape: [1 << 28].into(),
			role: StateRole::Optimiser,
			initial: Initialiser::Constant(0.0.into()),
		});
		program.outputs.push(Output {
			target: Target::State(index),
			value,
		});
	}
	match check_step(&program).unwrap_err() {
		ProgramError::TooMany {
			what: Counted::LiveBytes,
			found,
			..
		} => assert!(found > 16 << 30, "{found}"),
		other => panic!("{other}"),
	}
}

#[test]
fn what_an_output_depends_on_is_known() {
	let program = good();
	let checked = check_step(&program).unwrap();
	let all: Vec<Source> = program.inputs.iter().map(|input| input.source).collect();
	assert_eq!(checked.dependencies(Target::Loss), all);
	assert_eq!(checked.dependencies(Target::Correct), []);
	assert_eq!(checked.dependencies(Target::State(4)), []);

	let mut constant = good();
	constant.operations.push(Operation {
		kind: OperationKind::Constant {
			shape: [1].into(),
			value: 0.0.into(),
		},
		operands: vec![],
	});
	let zero = (constant.inputs.len() + constant.operations.len() - 1) as u32;
	let loss = constant.outputs[0].value;
	// The old loss goes into a tensor of the state, so that it is used.
	constant.state.push(StateTensor {
		name: b"loss".to_vec(),
		shape: [1].into(),
		role: StateRole::Optimiser,
		initial: Initialiser::Constant(0.0.into()),
	});
	constant.outputs[0].value = zero;
	constant.outputs.push(Output {
		target: Target::State(4),
		value: loss,
	});
	let checked = check_step(&constant).unwrap();
	assert_eq!(checked.dependencies(Target::Loss), []);
	assert_eq!(checked.dependencies(Target::State(4)), all);
	// The last layer's weight comes of the batch, of both weights and of both biases.
	assert_eq!(checked.dependencies(Target::State(2)), all);
}

#[test]
fn versions_and_counts_are_bounded() {
	assert_eq!(
		refusal(|p| p.version = 2),
		ProgramError::Version {
			expected: 1,
			found: 2
		}
	);
	let tight = |change: fn(&mut Limits)| {
		let mut limits = Limits::default();
		change(&mut limits);
		match check(&good(), Role::Step, &limits).unwrap_err() {
			ProgramError::TooMany { what, .. } => Some(what),
			_ => None,
		}
	};
	assert_eq!(
		tight(|limits| limits.state_tensors = 3),
		Some(Counted::StateTensors)
	);
	assert_eq!(tight(|limits| limits.inputs = 7), Some(Counted::Inputs));
	assert_eq!(
		tight(|limits| limits.operations = 10),
		Some(Counted::Operations)
	);
	assert_eq!(
		tight(|limits| limits.multiply_adds = 500),
		Some(Counted::MultiplyAdds)
	);
	assert_eq!(
		tight(|limits| limits.live_bytes = 2000),
		Some(Counted::LiveBytes)
	);
	assert_eq!(
		refusal(|p| p.outputs = vec![p.outputs[0]; 5000]),
		ProgramError::TooMany {
			what: Counted::Outputs,
			limit: 4097,
			found: 5000
		}
	);
}

#[test]
fn state_tensors_are_named_once_and_start_finite() {
	let state = |reason| ProgramError::State { index: 1, reason };
	assert_eq!(refusal(|p| p.state[1].name.clear()), state(Reason::Name));
	assert_eq!(
		refusal(|p| p.state[1].name = vec![b'a'; 129]),
		state(Reason::Name)
	);
	assert_eq!(
		refusal(|p| p.state[1].name = vec![0xFF]),
		state(Reason::Name)
	);
	assert_eq!(
		refusal(|p| p.state[1].name = p.state[0].name.clone()),
		state(Reason::Duplicate)
	);
	assert_eq!(
		refusal(|p| p.state[1].shape.0.clear()),
		state(Reason::Rank { found: 0 })
	);
	assert_eq!(
		refusal(|p| p.state[1].shape.0 = vec![1; 5]),
		state(Reason::Rank { found: 5 })
	);
	assert_eq!(
		refusal(|p| p.state[1].shape.0[0] = 0),
		state(Reason::EmptyAxis)
	);
	let limit = Limits::default().elements;
	assert_eq!(
		refusal(|p| p.state[1].shape.0 = vec![u32::MAX; 4]),
		state(Reason::TooManyElements { limit, found: None })
	);
	assert_eq!(
		refusal(|p| p.state[1].shape.0 = vec![1 << 15, 1 << 15]),
		state(Reason::TooManyElements {
			limit,
			found: Some(1 << 30)
		})
	);
	let (infinity, nan) = (f32::INFINITY.into(), f32::NAN.into());
	for initial in [
		Initialiser::Constant(infinity),
		Initialiser::Constant(nan),
		Initialiser::Uniform {
			low: 1.0.into(),
			high: 1.0.into(),
		},
		Initialiser::Uniform {
			low: 1.0.into(),
			high: 0.5.into(),
		},
		Initialiser::Uniform {
			low: nan,
			high: 1.0.into(),
		},
		Initialiser::Uniform {
			low: f32::MIN.into(),
			high: f32::MAX.into(),
		},
		Initialiser::Normal {
			mean: 0.0.into(),
			deviation: (-1.0).into(),
		},
		Initialiser::Normal {
			mean: nan,
			deviation: 1.0.into(),
		},
		Initialiser::Normal {
			mean: 0.0.into(),
			deviation: infinity,
		},
	] {
		assert_eq!(
			refusal(|p| p.state[1].initial = initial),
			state(Reason::Initialiser),
			"{initial:?}"
		);
	}
}

#[test]
fn inputs_are_of_the_declared_types() {
	let input = |index, reason| ProgramError::Input { index, reason };
	let wrong = |expected, found| Reason::Type { expected, found };
	assert_eq!(
		refusal(|p| p.inputs[1].source = Source::State(0)),
		input(1, Reason::Duplicate)
	);
	assert_eq!(
		refusal(|p| p.inputs[1].source = Source::State(4)),
		input(1, Reason::NoSuchState(4))
	);
	assert_eq!(
		refusal(|p| p.inputs[1].kind.shape = [5].into()),
		input(1, wrong(TensorType::f32([1, 5]), TensorType::f32([5])))
	);
	assert_eq!(
		refusal(|p| p.inputs[0].kind.dtype = DType::U32),
		input(0, wrong(TensorType::f32([7, 5]), TensorType::u32([7, 5])))
	);
	assert_eq!(
		refusal(|p| p.inputs[4].kind.dtype = DType::U32),
		input(4, wrong(TensorType::f32([50, 7]), TensorType::u32([50, 7])))
	);
	assert_eq!(
		refusal(|p| p.inputs[4].kind.shape = [50].into()),
		input(4, Reason::Rank { found: 1 })
	);
	assert_eq!(
		refusal(|p| p.inputs[5].kind.shape = [51].into()),
		input(
			5,
			Reason::RowCount {
				expected: 50,
				found: 51
			}
		)
	);
	assert_eq!(
		refusal(|p| p.inputs[6].kind.shape = [4].into()),
		input(6, wrong(TensorType::u32([8]), TensorType::u32([4])))
	);
	assert_eq!(
		refusal(|p| p.inputs[7].kind.shape = Shape(vec![])),
		input(7, Reason::Rank { found: 0 })
	);
	let update = Source::Update {
		update: 0,
		tensor: 0,
	};
	assert_eq!(
		refusal(|p| p.inputs[0].source = update),
		input(0, Reason::SourceNotAllowed(update))
	);
}

#[test]
fn roles_read_and_return_what_is_theirs() {
	let limits = Limits::default();
	let evaluation = mlp_evaluation(&good(), 20);
	assert_eq!(
		check(&good(), Role::Evaluate, &limits).unwrap_err(),
		ProgramError::Input {
			index: 6,
			reason: Reason::SourceNotAllowed(Source::Seed)
		}
	);
	assert_eq!(
		check(&evaluation, Role::Step, &limits).unwrap_err(),
		ProgramError::Output {
			index: 0,
			reason: Reason::TargetNotAllowed(Target::Correct)
		}
	);
	let merge = average_program(&good().state, 3);
	assert_eq!(
		check(&merge, Role::Merge { updates: 2 }, &limits).unwrap_err(),
		ProgramError::Input {
			index: 2,
			reason: Reason::NoSuchState(2)
		}
	);
	let update = Source::Update {
		update: 0,
		tensor: 0,
	};
	assert_eq!(
		check(&merge, Role::Step, &limits).unwrap_err(),
		ProgramError::Input {
			index: 0,
			reason: Reason::SourceNotAllowed(update)
		}
	);
	let nothing = average_program(&good().state, 0);
	check(&nothing, Role::Merge { updates: 0 }, &limits).unwrap_err();
	let mut silent = evaluation;
	silent.outputs.clear();
	assert_eq!(
		check(&silent, Role::Evaluate, &limits).unwrap_err(),
		ProgramError::MissingOutput(Target::Correct)
	);
}

/// Of no state nothing would be trained.
#[test]
fn a_step_and_a_merge_have_a_state() {
	let stateless = average_program(&[], 3);
	assert_eq!(
		check(&stateless, Role::Merge { updates: 3 }, &Limits::default()).unwrap_err(),
		ProgramError::MissingOutput(Target::State(0))
	);
}

#[test]
fn every_output_is_there_once_and_of_its_type() {
	let output = |index, reason| ProgramError::Output { index, reason };
	assert_eq!(
		refusal(|p| {
			p.outputs.remove(0);
		}),
		ProgramError::MissingOutput(Target::Loss)
	);
	assert_eq!(
		refusal(|p| {
			p.outputs.remove(2);
		}),
		ProgramError::MissingOutput(Target::State(1))
	);
	assert_eq!(
		refusal(|p| p.outputs[2].target = Target::State(0)),
		output(2, Reason::Duplicate)
	);
	assert_eq!(
		refusal(|p| p.outputs[2].target = Target::State(9)),
		output(2, Reason::NoSuchState(9))
	);
	assert_eq!(
		refusal(|p| p.outputs[2].value = 999),
		output(2, Reason::NoSuchValue { value: 999 })
	);
	assert_eq!(
		refusal(|p| p.outputs[2].value = p.outputs[1].value),
		output(
			2,
			Reason::Type {
				expected: TensorType::f32([1, 5]),
				found: TensorType::f32([7, 5])
			}
		)
	);
	assert_eq!(
		refusal(|p| p.outputs[0].target = Target::Correct),
		output(0, Reason::TargetNotAllowed(Target::Correct))
	);
}

#[test]
fn unused_values_are_refused() {
	assert_eq!(
		refusal(|p| {
			p.operations.push(Operation {
				kind: OperationKind::Exp,
				operands: vec![0],
			});
		}),
		operation(good().operations.len() as u32, Reason::Unused)
	);
	let mut evaluation = mlp_evaluation(&good(), 20);
	evaluation.operations[10].operands[1] = 15;
	assert_eq!(
		check(&evaluation, Role::Evaluate, &Limits::default()).unwrap_err(),
		ProgramError::Input {
			index: 5,
			reason: Reason::Unused
		}
	);
}

#[test]
fn operands_come_before_their_operation() {
	let own = |index: u32| good().inputs.len() as u32 + index;
	for value in [own(4), own(5), u32::MAX] {
		assert_eq!(
			refusal(|p| p.operations[4].operands[0] = value),
			operation(4, Reason::OperandOrder { value })
		);
	}
}

#[test]
fn the_batch_is_drawn_from_all_rows() {
	let kind = OperationKind::BatchRows {
		population: 49,
		batch: 10,
	};
	assert_eq!(
		refusal(|p| p.operations[0].kind = kind),
		operation(
			0,
			Reason::RowCount {
				expected: 50,
				found: 49
			}
		)
	);
}

#[test]
fn results_are_bounded_too() {
	let limit = Limits::default().elements;
	let shape: Shape = [1, u32::MAX].into();
	let found = Some(u64::from(u32::MAX));
	assert_eq!(
		refusal(|p| p.operations[4].kind = OperationKind::Constant {
			shape: shape.clone(),
			value: 0.0.into()
		}),
		operation(
			4,
			Reason::OperandCount {
				expected: 0,
				found: 1
			}
		)
	);
	assert_eq!(
		refusal(|p| {
			p.operations[4] = Operation {
				kind: OperationKind::Constant {
					shape,
					value: 0.0.into(),
				},
				operands: vec![],
			}
		}),
		operation(4, Reason::TooManyElements { limit, found })
	);
}

#[test]
fn errors_name_the_place_and_the_reason() {
	let words = refusal(|p| p.operations[3].operands[1] = 2).to_string();
	assert_eq!(
		words,
		"operation 3: the left matrix has 7 columns, but the right one has 5 rows"
	);
	let words = refusal(|p| p.inputs[1].kind.shape = [5].into()).to_string();
	assert_eq!(words, "input 1: it must be F32 [1, 5], but is F32 [5]");
}
