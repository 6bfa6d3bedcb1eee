//! The parts of the program that merges updates, made of the parts of the step program.

use super::{Counts, Part, Parts, Place};
use crate::{
	program::{
		Input, Operation, OperationKind, Output, Source, Target, ValueId, ARITHMETIC_VERSION,
	},
	tensor::TensorType,
};
use alloc::{borrow::Cow, vec, vec::Vec};

/// The parts of [`crate::merge::average_program`] for the states of a step program, without building it. They
/// follow from the step program's state tensors and the number of updates alone, so that nobody needs a
/// commitment to them.
///
/// Of no updates there are no parts but the counts and the state.
pub struct MergeParts<'a, P: ?Sized> {
	step: &'a P,
	updates: u16,
}

impl<'a, P: Parts + ?Sized> MergeParts<'a, P> {
	/// The merge of so many updates of this step program's state.
	pub fn new(step: &'a P, updates: u16) -> Self {
		MergeParts { step, updates }
	}

	/// The operations for each state tensor: the sums, the count, the mean.
	fn per_tensor(&self) -> u32 {
		match self.updates {
			0 => 0,
			updates => u32::from(updates).saturating_add(1),
		}
	}

	/// The type of a state tensor, and of all values that are made for it.
	fn kind(&self, tensor: u32) -> Option<TensorType> {
		Some(TensorType::f32(self.step.state_tensor(tensor)?.shape))
	}

	/// The value of a tensor's operation, counted from the tensor's first one.
	fn result(&self, tensor: u32, operation: u32) -> ValueId {
		tensor
			.saturating_mul(self.per_tensor())
			.saturating_add(operation)
			.saturating_add(self.counts().inputs)
	}

	fn input_at(&self, at: u32) -> Option<Input> {
		let updates = u32::from(self.updates);
		let (tensor, update) = (at.checked_div(updates)?, at.checked_rem(updates)?);
		let kind = self.kind(tensor)?;
		let source = Source::Update {
			update: update.try_into().ok()?,
			tensor: tensor.try_into().ok()?,
		};
		Some(Input { source, kind })
	}

	fn operation_at(&self, at: u32) -> Option<(Operation, TensorType)> {
		let per_tensor = self.per_tensor();
		let (tensor, at) = (at.checked_div(per_tensor)?, at.checked_rem(per_tensor)?);
		let kind = self.kind(tensor)?;
		let updates = u32::from(self.updates);
		let first = tensor.saturating_mul(updates);
		// The sum of the updates up to this one.
		let sum = |update: u32| match update.checked_sub(1) {
			None => first,
			Some(operation) => self.result(tensor, operation),
		};
		let sums = updates.checked_sub(1)?;
		let (what, operands): (OperationKind, Vec<ValueId>) = if at < sums {
			let next = first.saturating_add(at).saturating_add(1);
			(OperationKind::Add, vec![sum(at), next])
		} else if at == sums {
			let count = OperationKind::Constant {
				shape: kind.shape.clone(),
				value: f32::from(self.updates).into(),
			};
			(count, vec![])
		} else {
			(
				OperationKind::Divide,
				vec![sum(sums), self.result(tensor, sums)],
			)
		};
		let operation = Operation {
			kind: what,
			operands,
		};
		Some((operation, kind))
	}

	fn output_at(&self, at: u32) -> Option<Output> {
		let mean = self.per_tensor().checked_sub(1)?;
		Some(Output {
			target: Target::State(at.try_into().ok()?),
			value: self.result(at, mean),
		})
	}
}

impl<P: Parts + ?Sized> Parts for MergeParts<'_, P> {
	fn counts(&self) -> Counts {
		let state = self.step.counts().state;
		Counts {
			version: ARITHMETIC_VERSION,
			state,
			inputs: state.saturating_mul(u32::from(self.updates)),
			operations: state.saturating_mul(self.per_tensor()),
			outputs: if self.updates == 0 { 0 } else { state },
		}
	}

	fn part(&self, place: Place) -> Option<Cow<'_, Part>> {
		let counts = self.counts();
		if !counts.has(place) {
			return None;
		}
		let part = match place {
			Place::Counts => Part::Counts(counts),
			Place::State(_) => return self.step.part(place),
			Place::Input(at) => Part::Input(self.input_at(at)?),
			Place::Operation(at) => {
				let (operation, kind) = self.operation_at(at)?;
				Part::Operation(operation, kind)
			}
			Place::Output(at) => Part::Output(self.output_at(at)?),
		};
		Some(Cow::Owned(part))
	}

	fn output(&self, target: Target) -> Option<ValueId> {
		let Target::State(tensor) = target else {
			return None;
		};
		let at = u32::from(tensor);
		(at < self.counts().outputs).then_some(self.output_at(at)?.value)
	}
}
