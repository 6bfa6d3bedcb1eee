//! Programs as blobs, and what strangers may make of them.

mod support;

use proptest::prelude::*;
use repops::{
	check::{check, Limits, ProgramError, Role},
	initial::initial_state,
	interpret::{run, Bindings},
	merge::average_program,
	program::*,
	random::Seed,
	tensor::{DType, Elements, Tensor, TensorType},
};
use support::{mlp, mlp_evaluation};

fn small_limits() -> Limits {
	Limits {
		encoded_bytes: 4096,
		state_tensors: 8,
		inputs: 16,
		operations: 64,
		elements: 4096,
		live_bytes: 1 << 18,
		multiply_adds: 1 << 18,
		..Limits::default()
	}
}

fn good() -> Program {
	mlp(20, 4, 3, 2, 5, 0.1)
}

#[test]
fn a_blob_decodes_to_its_program() {
	let program = good();
	let blob = program.encode();
	assert_eq!(blob[..8], *b"POUWPROG");
	assert_eq!(
		Program::decode_bounded(&blob, &Limits::default()).unwrap(),
		program
	);
	assert_ne!(program.hash(), mlp_evaluation(&program, 20).hash());
}

#[test]
fn other_bytes_are_refused() {
	let blob = good().encode();
	let limits = Limits::default();
	let refusal = |blob: &[u8]| Program::decode_bounded(blob, &limits).unwrap_err();
	assert_eq!(refusal(&[]), ProgramError::NotAProgram);
	assert_eq!(refusal(b"POUWSTAT"), ProgramError::NotAProgram);
	assert_eq!(refusal(&blob[8..]), ProgramError::NotAProgram);
	for length in 8..blob.len() {
		assert!(matches!(
			refusal(&blob[..length]),
			ProgramError::Encoding(_)
		));
	}
	let longer = [&blob[..], &[0]].concat();
	assert!(matches!(refusal(&longer), ProgramError::Encoding(_)));
	let tight = Limits {
		encoded_bytes: blob.len() as u32 - 1,
		..limits
	};
	assert_eq!(
		Program::decode_bounded(&blob, &tight).unwrap_err(),
		ProgramError::TooLong {
			limit: tight.encoded_bytes,
			found: blob.len() as u64
		}
	);
	// A length that no memory holds.
	let huge = [&b"POUWPROG"[..], &[1, 0, 0xFE, 0xFF, 0xFF, 0xFF]].concat();
	assert!(matches!(refusal(&huge), ProgramError::Encoding(_)));
}

/// Runs a program on made-up inputs if it passes the check, and then it must work. Says whether it passed.
fn exercise(program: &Program, role: Role, seed: Seed) -> bool {
	let Ok(checked) = check(program, role, &small_limits()) else {
		return false;
	};
	let filled = |kind: &TensorType| {
		let count = kind.shape.elements().unwrap() as usize;
		let elements = match kind.dtype {
			DType::F32 => Elements::F32((0..count).map(|at| at as f32 * 0.3 - 1.0).collect()),
			DType::U32 => Elements::U32((0..count as u32).map(|at| at % 3).collect()),
		};
		Tensor::new(kind.shape.clone(), elements).unwrap()
	};
	let of = |source| {
		program
			.inputs
			.iter()
			.find(|input| input.source == source)
			.map(|input| filled(&input.kind))
	};
	let state = initial_state(program, &seed);
	let (features, labels) = (of(Source::Features), of(Source::Labels));
	let updates = match role {
		Role::Merge { updates } => vec![state.clone(); usize::from(updates)],
		_ => vec![],
	};
	let bindings = Bindings {
		state: &state,
		features: features.as_ref(),
		labels: labels.as_ref(),
		seed,
		position: u64::MAX,
		updates: &updates,
	};
	let outputs = run(&checked, &bindings).unwrap();
	let kinds: Vec<TensorType> = outputs.state.iter().map(Tensor::kind).collect();
	match role {
		Role::Step | Role::Merge { .. } => {
			assert_eq!(
				kinds,
				program
					.state
					.iter()
					.map(|tensor| TensorType::f32(tensor.shape.clone()))
					.collect::<Vec<_>>()
			)
		}
		Role::Evaluate => assert!(outputs.correct.is_some() && kinds.is_empty()),
	}
	assert_eq!(outputs.loss.is_some(), role == Role::Step);
	true
}

fn samples() -> [(Program, Role); 3] {
	let step = good();
	let evaluation = mlp_evaluation(&step, 20);
	let merge = average_program(&step.state, 2);
	[
		(step, Role::Step),
		(evaluation, Role::Evaluate),
		(merge, Role::Merge { updates: 2 }),
	]
}

#[test]
fn every_sample_runs() {
	for (program, role) in samples() {
		check(&program, role, &small_limits()).unwrap();
		assert!(exercise(&program, role, Seed([1; 32])));
	}
}

/// An operation on operands of the same types, if there is another.
fn like(kind: &OperationKind, to: u32) -> OperationKind {
	use OperationKind::*;
	match kind.clone() {
		Add | Subtract | Multiply | Divide => {
			[Add, Subtract, Multiply, Divide][to as usize % 4].clone()
		}
		Reciprocal | Exp | Log | Sqrt | Tanh | AddScalar(_) | MultiplyScalar(_) => {
			let constant = Bits(to);
			let others = [
				Reciprocal,
				Exp,
				Log,
				Sqrt,
				Tanh,
				AddScalar(constant),
				MultiplyScalar(constant),
			];
			others[to as usize % 7].clone()
		}
		Sum { axis } => Max { axis },
		Max { axis } => Sum { axis },
		Fill(_) => Fill(Bits(to)),
		CompareScalar(_, constant) => CompareScalar(Relation::NotEqual, constant),
		other => other,
	}
}

/// A change of one part of a program.
fn mutate(program: &mut Program, what: u8, at: usize, to: u32) {
	let values = program.inputs.len() + program.operations.len();
	let operations = program.operations.len().max(1);
	match what {
		0 => {
			if let Some(operation) = program.operations.get_mut(at % operations) {
				let count = operation.operands.len().max(1);
				if let Some(operand) = operation.operands.get_mut(to as usize % count) {
					*operand = (at as u32).wrapping_add(to) % (values as u32 + 1);
				}
			}
		}
		1 if at % operations < program.operations.len() => {
			drop(program.operations.remove(at % operations))
		}
		2 => {
			if let Some(operation) = program.operations.get_mut(at % operations) {
				operation.kind = like(&operation.kind, to);
			}
		}
		3 => program
			.operations
			.swap(at % operations, to as usize % operations),
		4 => {
			let count = program.outputs.len().max(1);
			if let Some(output) = program.outputs.get_mut(at % count) {
				output.value = to % (values as u32 + 1);
			}
		}
		5 => {
			let count = program.inputs.len().max(1);
			if let Some(input) = program.inputs.get_mut(at % count) {
				input.kind.shape.0.push(to % 3);
			}
		}
		6 => {
			let count = program.state.len().max(1);
			if let Some(length) = program
				.state
				.get_mut(at % count)
				.and_then(|tensor| tensor.shape.0.first_mut())
			{
				*length = to;
			}
		}
		_ => {
			if let Some(operation) = program.operations.get_mut(at % operations) {
				operation.operands.push(to % values as u32);
			}
		}
	}
}

/// So that the tests below are known to run more than refusals.
#[test]
fn many_changed_programs_still_run() {
	let mut passed = 0;
	for at in 0..500 {
		let (mut program, role) = samples()[at % 3].clone();
		let (what, to) = (at / 3 % 8, (at as u32).wrapping_mul(0x9E37_79B9));
		mutate(&mut program, what as u8, at * 31, to);
		passed += u32::from(exercise(&program, role, Seed([5; 32])));
	}
	assert!(
		(20..480).contains(&passed),
		"{passed} of 500 passed the check"
	);
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(3000))]

	#[test]
	fn flipped_bytes_never_panic(sample in 0usize..3, flips in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
		let (program, role) = samples()[sample].clone();
		let mut blob = program.encode();
		for (at, bits) in flips {
			let at = 8 + at % (blob.len() - 8);
			blob[at] ^= bits;
		}
		if let Ok(program) = Program::decode_bounded(&blob, &small_limits()) {
			exercise(&program, role, Seed([2; 32]));
		}
	}

	#[test]
	fn changed_programs_never_panic(
		sample in 0usize..3,
		changes in prop::collection::vec((0u8..8, any::<usize>(), any::<u32>()), 1..4),
		role in 0usize..3,
	) {
		let (mut program, _) = samples()[sample].clone();
		let (_, role) = samples()[role];
		for (what, at, to) in changes {
			mutate(&mut program, what, at, to);
		}
		exercise(&program, role, Seed([3; 32]));
	}

	#[test]
	fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
		let blob = [&b"POUWPROG"[..], &bytes].concat();
		if let Ok(program) = Program::decode_bounded(&blob, &small_limits()) {
			exercise(&program, Role::Step, Seed([4; 32]));
		}
	}
}
