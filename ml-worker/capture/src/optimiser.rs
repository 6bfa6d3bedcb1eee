//! Optimisers, as operations appended to captured gradients.
//!
//! Burn's own optimisers keep numbers on the host (the count of steps, powers of decay rates), which
//! a program can't hold. Here all of it is state of the program.

use crate::{error::CaptureError, graph::Graph, spec::OptimiserSpec};
use repops::{
	program::{Initialiser, OperationKind, Source, StateRole, StateTensor, Target, ValueId},
	tensor::{DType, Shape},
};

/// A parameter in the step program.
pub(crate) struct Parameter {
	/// Its name.
	pub(crate) name: String,
	/// Its value before the step.
	pub(crate) value: ValueId,
	/// Its gradient; none if it isn't trained.
	pub(crate) gradient: Option<ValueId>,
}

/// The state tensors and outputs of a step program.
pub(crate) struct Step<'a> {
	/// The program under construction.
	pub(crate) graph: &'a mut Graph,
	/// All state tensors; parameters first.
	pub(crate) state: &'a mut Vec<StateTensor>,
	/// What becomes of each.
	pub(crate) outputs: &'a mut Vec<(Target, ValueId)>,
}

impl Step<'_> {
	/// A new state tensor of the optimiser: its index, and its value before the step.
	fn declare(
		&mut self,
		name: String,
		shape: &[u32],
		initial: f32,
	) -> Result<(u16, ValueId), CaptureError> {
		let index = state_index(self.state.len())?;
		self.state.push(StateTensor {
			name: name.into_bytes(),
			shape: Shape(shape.to_vec()),
			role: StateRole::Optimiser,
			initial: Initialiser::Constant(initial.into()),
		});
		Ok((
			index,
			self.graph.input(Source::State(index), DType::F32, shape),
		))
	}

	fn keep(&mut self, index: u16, value: ValueId) {
		self.outputs.push((Target::State(index), value));
	}
}

/// The index of the state tensor after `count` others.
pub(crate) fn state_index(count: usize) -> Result<u16, CaptureError> {
	u16::try_from(count).map_err(|_| CaptureError::TooManyStateTensors { limit: u16::MAX })
}

/// Checks an optimiser's numbers.
pub(crate) fn check(spec: &OptimiserSpec) -> Result<(), CaptureError> {
	let refuse = |name, value: f32, reason: &str| {
		Err(CaptureError::Setting {
			name,
			value: value.to_string(),
			reason: reason.to_owned(),
		})
	};
	let positive = |name, value: f32| match value.is_finite() && value > 0.0 {
		true => Ok(()),
		false => refuse(name, value, "it must be a number greater than 0"),
	};
	let fraction = |name, value: f32| match (0.0..1.0).contains(&value) {
		true => Ok(()),
		false => refuse(name, value, "it must be at least 0 and less than 1"),
	};
	match *spec {
		OptimiserSpec::Sgd {
			learning_rate,
			momentum,
			weight_decay,
		} => {
			positive("learning_rate", learning_rate)?;
			fraction("momentum", momentum)?;
			match weight_decay.is_finite() && weight_decay >= 0.0 {
				true => Ok(()),
				false => refuse(
					"weight_decay",
					weight_decay,
					"it must be a number of at least 0",
				),
			}
		}
		OptimiserSpec::Adam {
			learning_rate,
			beta1,
			beta2,
			epsilon,
		} => {
			positive("learning_rate", learning_rate)?;
			fraction("beta1", beta1)?;
			fraction("beta2", beta2)?;
			positive("epsilon", epsilon)
		}
	}
}

/// Appends the optimiser: new parameters, and its own state.
pub(crate) fn append(
	spec: &OptimiserSpec,
	parameters: &[Parameter],
	step: &mut Step<'_>,
) -> Result<(), CaptureError> {
	match *spec {
		OptimiserSpec::Sgd {
			learning_rate,
			momentum,
			weight_decay,
		} => sgd(learning_rate, momentum, weight_decay, parameters, step),
		OptimiserSpec::Adam {
			learning_rate,
			beta1,
			beta2,
			epsilon,
		} => Adam {
			learning_rate,
			beta1,
			beta2,
			epsilon,
		}
		.append(parameters, step),
	}
}

fn sgd(
	learning_rate: f32,
	momentum: f32,
	weight_decay: f32,
	parameters: &[Parameter],
	step: &mut Step<'_>,
) -> Result<(), CaptureError> {
	for (index, parameter) in parameters.iter().enumerate() {
		let index = state_index(index)?;
		let Some(mut gradient) = parameter.gradient else {
			step.keep(index, parameter.value);
			continue;
		};
		if weight_decay != 0.0 {
			let decay = step.graph.multiply_scalar(parameter.value, weight_decay);
			gradient = step.graph.add(gradient, decay);
		}
		if momentum != 0.0 {
			let shape = step.graph.shape(parameter.value).to_vec();
			let name = format!("velocity.{}", parameter.name);
			let (slot, velocity) = step.declare(name, &shape, 0.0)?;
			let kept = step.graph.multiply_scalar(velocity, momentum);
			gradient = step.graph.add(kept, gradient);
			step.keep(slot, gradient);
		}
		let change = step.graph.multiply_scalar(gradient, learning_rate);
		let updated = step.graph.subtract(parameter.value, change);
		step.keep(index, updated);
	}
	Ok(())
}

struct Adam {
	learning_rate: f32,
	beta1: f32,
	beta2: f32,
	epsilon: f32,
}

impl Adam {
	/// With `t` the number of the step, counted from 1:
	/// `m ← β₁ m + (1−β₁) g`, `v ← β₂ v + (1−β₂) g²`,
	/// `p ← p − m · (rate / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε)`.
	/// The powers are state of one element each, multiplied by their base in every step.
	fn append(&self, parameters: &[Parameter], step: &mut Step<'_>) -> Result<(), CaptureError> {
		let correction1 = power(step, "beta1_power", self.beta1)?;
		let correction2 = power(step, "beta2_power", self.beta2)?;
		let rate = step.graph.multiply_scalar(correction1, self.learning_rate);

		for (index, parameter) in parameters.iter().enumerate() {
			let index = state_index(index)?;
			let Some(gradient) = parameter.gradient else {
				step.keep(index, parameter.value);
				continue;
			};
			let square = step.graph.multiply(gradient, gradient);
			let moment1 = moment(step, "moment1", parameter, gradient, self.beta1)?;
			let moment2 = moment(step, "moment2", parameter, square, self.beta2)?;

			let graph = &mut *step.graph;
			let shape = graph.shape(parameter.value).to_vec();
			let correction2 = graph.broadcast_scalar(correction2, &shape);
			let corrected = graph.multiply(moment2, correction2);
			let root = graph.unary(OperationKind::Sqrt, corrected);
			let divisor = graph.add_scalar(root, self.epsilon);
			let rate = graph.broadcast_scalar(rate, &shape);
			let change = graph.multiply(moment1, rate);
			let change = graph.divide(change, divisor);
			let updated = graph.subtract(parameter.value, change);
			step.keep(index, updated);
		}
		Ok(())
	}
}

/// Declares `βᵗ` and returns `1 / (1−βᵗ)`.
fn power(step: &mut Step<'_>, name: &str, beta: f32) -> Result<ValueId, CaptureError> {
	let (slot, before) = step.declare(name.to_owned(), &[1], 1.0)?;
	let power = step.graph.multiply_scalar(before, beta);
	step.keep(slot, power);
	let negated = step.graph.multiply_scalar(power, -1.0);
	let rest = step.graph.add_scalar(negated, 1.0);
	Ok(step.graph.unary(OperationKind::Reciprocal, rest))
}

/// Declares a running mean of `value` and returns it after the step.
fn moment(
	step: &mut Step<'_>,
	kind: &str,
	parameter: &Parameter,
	value: ValueId,
	beta: f32,
) -> Result<ValueId, CaptureError> {
	let shape = step.graph.shape(parameter.value).to_vec();
	let (slot, before) = step.declare(format!("{kind}.{}", parameter.name), &shape, 0.0)?;
	let kept = step.graph.multiply_scalar(before, beta);
	let added = step.graph.multiply_scalar(value, 1.0 - beta);
	let after = step.graph.add(kept, added);
	step.keep(slot, after);
	Ok(after)
}
