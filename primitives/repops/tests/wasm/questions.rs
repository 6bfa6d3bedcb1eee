//! Questions about the arithmetic, answered in bits. This file is compiled into the test, and again into the
//! wasm module that the test runs.

use alloc::{
	string::{String, ToString},
	vec::Vec,
};
use codec::{Decode, Encode};
use repops::{
	check::{check, infer, Limits, Role},
	commit::{state_root, tensor_root, trace_root, Hash},
	initial::initial_state,
	interpret::{run, Bindings},
	kernel::apply,
	number,
	program::{OperationKind, Program},
	random::{standard_normal, uniform, Seed},
	referee::{advance, judge, Evidence, Operand, Question as Passage, Running},
	tensor::{DType, Tensor, TensorType},
};

/// A function of single numbers, or of random words.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub(crate) enum Scalar {
	Add,
	Subtract,
	Multiply,
	Divide,
	Sqrt,
	Fma,
	FusedInSoftware,
	Exp,
	Log,
	Tanh,
	Erf,
	Canonical,
	Uniform,
	StandardNormal,
}

/// A tensor by its bits.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) struct Values {
	pub(crate) kind: TensorType,
	pub(crate) bits: Vec<u32>,
}

/// What is asked.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) enum Question {
	/// The function at each argument. One that takes several takes the arguments that follow too, the first
	/// ones after the last.
	Scalar(Scalar, Vec<u32>),
	/// The result of an operation, and its root.
	Apply(OperationKind, Vec<Values>),
	/// The running result after each of these passages of an operation, given that before it.
	Advance {
		kind: OperationKind,
		operands: Vec<Values>,
		passages: Vec<(Passage, Running)>,
	},
	/// What the referee says of each of these passages of an operation on agreed operands by this evidence.
	Judge {
		kind: OperationKind,
		operands: Vec<(TensorType, Hash)>,
		passages: Vec<(Passage, Running, Evidence)>,
	},
	/// The roots of the state before the first step and after each, their trace, the program's hash, and the
	/// losses.
	Train {
		program: Vec<u8>,
		features: Values,
		labels: Values,
		seed: [u8; 32],
		steps: u64,
	},
}

/// The bytes of the answer. Questions are made by the test, so that a bad one may panic.
pub(crate) fn answer(question: &Question) -> Vec<u8> {
	match question {
		Question::Scalar(scalar, arguments) => {
			let at = |index: usize| f32::from_bits(arguments[index % arguments.len()]);
			let word = |index: usize| evaluate(*scalar, at(index), at(index + 1), at(index + 2));
			let words = (0..arguments.len()).map(word);
			words.flat_map(u32::to_le_bytes).collect()
		}
		Question::Apply(kind, operands) => {
			let operands: Vec<Tensor> = operands.iter().map(tensor).collect();
			let operands: Vec<&Tensor> = operands.iter().collect();
			let result = apply(kind, &operands).unwrap();
			let mut bytes: Vec<u8> = result.bits().flat_map(u32::to_le_bytes).collect();
			bytes.extend_from_slice(&tensor_root(&result));
			bytes
		}
		Question::Advance {
			kind,
			operands,
			passages,
		} => advance_all(kind, operands, passages),
		Question::Judge {
			kind,
			operands,
			passages,
		} => judge_all(kind, operands, passages),
		Question::Train {
			program,
			features,
			labels,
			seed,
			steps,
		} => train(
			program,
			&tensor(features),
			&tensor(labels),
			Seed(*seed),
			*steps,
		),
	}
}

fn evaluate(scalar: Scalar, a: f32, b: f32, c: f32) -> u32 {
	let number = match scalar {
		Scalar::Add => number::add(a, b),
		Scalar::Subtract => number::sub(a, b),
		Scalar::Multiply => number::mul(a, b),
		Scalar::Divide => number::div(a, b),
		Scalar::Sqrt => number::sqrt(a),
		Scalar::Fma => number::fma(a, b, c),
		// Of a NaN it gives any.
		Scalar::FusedInSoftware => number::canonical(number::fused_in_software(a, b, c)),
		Scalar::Exp => number::exp(a),
		Scalar::Log => number::log(a),
		Scalar::Tanh => number::tanh(a),
		Scalar::Erf => number::erf(a),
		Scalar::Canonical => number::canonical(a),
		Scalar::Uniform => uniform(a.to_bits(), -2.0, 3.0),
		Scalar::StandardNormal => standard_normal(a.to_bits()),
	};
	number.to_bits()
}

fn tensor(values: &Values) -> Tensor {
	let shape = values.kind.shape.clone();
	match values.kind.dtype {
		DType::F32 => {
			let numbers = values.bits.iter().copied().map(f32::from_bits);
			Tensor::f32(shape, numbers.collect()).unwrap()
		}
		DType::U32 => Tensor::u32(shape, values.bits.clone()).unwrap(),
	}
}

fn advance_all(
	kind: &OperationKind,
	operands: &[Values],
	passages: &[(Passage, Running)],
) -> Vec<u8> {
	let types: Vec<&TensorType> = operands.iter().map(|operand| &operand.kind).collect();
	let result = infer(kind, &types).unwrap();
	let mut read = |operand: usize, index: u64| -> Result<u32, ()> {
		Ok(operands[operand].bits[index as usize])
	};
	let mut bytes = Vec::with_capacity(8 * passages.len());
	for (passage, before) in passages {
		let after = advance(kind, &types, &result, *passage, *before, &mut read);
		bytes.extend(after.unwrap().0.into_iter().flat_map(u32::to_le_bytes));
	}
	bytes
}

/// A running result, or the words in which the referee refuses.
fn judge_all(
	kind: &OperationKind,
	operands: &[(TensorType, Hash)],
	passages: &[(Passage, Running, Evidence)],
) -> Vec<u8> {
	let agreed = operands.iter().map(|(kind, root)| Operand {
		kind: kind.clone(),
		root: *root,
	});
	let agreed: Vec<Operand> = agreed.collect();
	let judged = passages.iter().map(|(passage, before, evidence)| {
		judge(kind, &agreed, *passage, *before, evidence).map_err(|error| error.to_string())
	});
	judged.collect::<Vec<Result<Running, String>>>().encode()
}

fn train(program: &[u8], features: &Tensor, labels: &Tensor, seed: Seed, steps: u64) -> Vec<u8> {
	let limits = Limits::default();
	let program = Program::decode_bounded(program, &limits).unwrap();
	let checked = check(&program, Role::Step, &limits).unwrap();
	let mut state = initial_state(&program, &seed);
	let mut roots = alloc::vec![state_root(&state)];
	let mut losses = Vec::new();
	for position in 0..steps {
		let bindings = Bindings {
			state: &state,
			features: Some(features),
			labels: Some(labels),
			seed,
			position,
			updates: &[],
		};
		let outputs = run(&checked, &bindings).unwrap();
		losses.push(outputs.loss.unwrap());
		state = outputs.state;
		roots.push(state_root(&state));
	}
	let mut bytes = roots.concat();
	bytes.extend_from_slice(&trace_root(&roots));
	bytes.extend_from_slice(&program.hash());
	bytes.extend(losses.into_iter().flat_map(f32::to_le_bytes));
	bytes
}
