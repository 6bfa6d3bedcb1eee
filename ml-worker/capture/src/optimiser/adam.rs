//! Adam, and AdamW, which is Adam with a weight decay of its own.

use super::{state_index, Factor, Parameter, Step};
use crate::{error::CaptureError, graph::Graph};
use repops::program::{OperationKind, ValueId};

pub(super) struct Adam {
	pub(super) beta1: f32,
	pub(super) beta2: f32,
	pub(super) epsilon: f32,
	/// AdamW's; 0 in Adam.
	pub(super) weight_decay: f32,
}

impl Adam {
	/// With `t` the number of the step, counted from 1:
	/// `m ← β₁ m + (1−β₁) g`, `v ← β₂ v + (1−β₂) g²`,
	/// `p ← (1 − rate · decay) · p − m · (rate / (1−β₁ᵗ)) / (√(v / (1−β₂ᵗ)) + ε)`.
	/// The powers are state of one element each, multiplied by their base in every step.
	pub(super) fn append(
		&self,
		rate: Factor,
		parameters: &[Parameter],
		step: &mut Step<'_>,
	) -> Result<(), CaptureError> {
		let correction1 = power(step, "beta1_power", self.beta1)?;
		let correction2 = power(step, "beta2_power", self.beta2)?;
		let kept = self.kept(step.graph, rate);
		let rate = Factor::Value(rate.times(step.graph, correction1));

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
			let corrected = Factor::Value(correction2).times(graph, moment2);
			let root = graph.unary(OperationKind::Sqrt, corrected);
			let divisor = graph.add_scalar(root, self.epsilon);
			let change = rate.times(graph, moment1);
			let change = graph.divide(change, divisor);
			let before = kept.times(graph, parameter.value);
			let updated = graph.subtract(before, change);
			step.keep(index, updated);
		}
		Ok(())
	}

	/// What remains of a parameter after weight decay.
	fn kept(&self, graph: &mut Graph, rate: Factor) -> Factor {
		match rate {
			_ if self.weight_decay == 0.0 => Factor::Constant(1.0),
			Factor::Constant(rate) => {
				let decay = f64::from(rate) * f64::from(self.weight_decay);
				Factor::Constant((1.0 - decay) as f32)
			}
			Factor::Value(rate) => {
				let decay = graph.multiply_scalar(rate, -self.weight_decay);
				Factor::Value(graph.add_scalar(decay, 1.0))
			}
		}
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
