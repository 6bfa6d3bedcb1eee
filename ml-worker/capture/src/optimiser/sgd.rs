//! Stochastic gradient descent.

use super::{state_index, Factor, Parameter, Step};
use crate::error::CaptureError;

pub(super) struct Sgd {
	pub(super) momentum: f32,
	pub(super) weight_decay: f32,
}

impl Sgd {
	/// `g ← g + weight_decay · p`, `v ← momentum · v + g`, `p ← p − rate · v`; without momentum there is no
	/// velocity.
	pub(super) fn append(
		&self,
		rate: Factor,
		parameters: &[Parameter],
		step: &mut Step<'_>,
	) -> Result<(), CaptureError> {
		for (index, parameter) in parameters.iter().enumerate() {
			let index = state_index(index)?;
			let Some(mut gradient) = parameter.gradient else {
				step.keep(index, parameter.value);
				continue;
			};
			if self.weight_decay != 0.0 {
				let decay = step
					.graph
					.multiply_scalar(parameter.value, self.weight_decay);
				gradient = step.graph.add(gradient, decay);
			}
			if self.momentum != 0.0 {
				let shape = step.graph.shape(parameter.value).to_vec();
				let name = format!("velocity.{}", parameter.name);
				let (slot, velocity) = step.declare(name, &shape, 0.0)?;
				let kept = step.graph.multiply_scalar(velocity, self.momentum);
				gradient = step.graph.add(kept, gradient);
				step.keep(slot, gradient);
			}
			let change = rate.times(step.graph, gradient);
			let updated = step.graph.subtract(parameter.value, change);
			step.keep(index, updated);
		}
		Ok(())
	}
}
