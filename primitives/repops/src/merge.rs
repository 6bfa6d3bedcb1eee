//! The program that merges the sealed updates of a round.

use crate::{
	program::{
		Input, Operation, OperationKind, Output, Program, Source, StateTensor, Target, ValueId,
		ARITHMETIC_VERSION,
	},
	tensor::TensorType,
};
use alloc::{vec, vec::Vec};

/// The default merge: each state tensor becomes the sum of the updates' in ascending order, divided by
/// their number. `updates` must not be 0: there would be nothing to merge, and the check refuses the
/// program.
pub fn average_program(state: &[StateTensor], updates: u16) -> Program {
	let mut inputs = Vec::new();
	for (tensor, declared) in (0u16..).zip(state) {
		for update in 0..updates {
			let kind = TensorType::f32(declared.shape.clone());
			inputs.push(Input {
				source: Source::Update { update, tensor },
				kind,
			});
		}
	}
	let mut operations = Vec::new();
	let mut outputs = Vec::new();
	let values = inputs.len() as ValueId;
	let mut operate = |kind, operands| -> ValueId {
		operations.push(Operation { kind, operands });
		values + operations.len() as ValueId - 1
	};
	for (tensor, declared) in (0u16..).zip(state) {
		let first = ValueId::from(tensor) * ValueId::from(updates);
		let rest = first + 1..first + ValueId::from(updates);
		let sum = rest.fold(first, |sum, update| {
			operate(OperationKind::Add, vec![sum, update])
		});
		let count = OperationKind::Constant {
			shape: declared.shape.clone(),
			value: f32::from(updates).into(),
		};
		let count = operate(count, vec![]);
		let mean = operate(OperationKind::Divide, vec![sum, count]);
		outputs.push(Output {
			target: Target::State(tensor),
			value: mean,
		});
	}
	Program {
		version: ARITHMETIC_VERSION,
		state: state.to_vec(),
		inputs,
		operations,
		outputs,
	}
}
