//! Optimisers, as operations appended to captured gradients.
//!
//! Burn's own optimisers keep numbers on the host (the count of steps, powers of decay rates), which
//! a program can't hold. Here all of it is state of the program.

mod adam;
mod clip;
mod schedule;
mod sgd;

use crate::{error::CaptureError, graph::Graph, spec::OptimiserSpec};
use adam::Adam;
use repops::{
	program::{Initialiser, Source, StateRole, StateTensor, Target, ValueId},
	tensor::{DType, Shape},
};
use sgd::Sgd;

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

/// What tensors are multiplied by.
#[derive(Clone, Copy)]
enum Factor {
	/// A number that is known now.
	Constant(f32),
	/// A value of one element.
	Value(ValueId),
}

impl Factor {
	/// The value times the factor.
	fn times(self, graph: &mut Graph, value: ValueId) -> ValueId {
		match self {
			Factor::Constant(number) => graph.multiply_scalar(value, number),
			Factor::Value(factor) => {
				let shape = graph.shape(value).to_vec();
				let factor = graph.broadcast_scalar(factor, &shape);
				graph.multiply(value, factor)
			}
		}
	}
}

/// Checks an optimiser's numbers.
pub(crate) fn check(spec: &OptimiserSpec) -> Result<(), CaptureError> {
	schedule::check(spec.learning_rate())?;
	if let Some(norm) = spec.clip_norm() {
		positive("clip_norm", norm)?;
	}
	let check_adam = |beta1, beta2, epsilon| {
		fraction("beta1", beta1)?;
		fraction("beta2", beta2)?;
		positive("epsilon", epsilon)
	};
	match *spec {
		OptimiserSpec::Sgd {
			momentum,
			weight_decay,
			..
		} => {
			fraction("momentum", momentum)?;
			not_negative("weight_decay", weight_decay)
		}
		OptimiserSpec::Adam {
			beta1,
			beta2,
			epsilon,
			..
		} => check_adam(beta1, beta2, epsilon),
		OptimiserSpec::AdamW {
			beta1,
			beta2,
			epsilon,
			weight_decay,
			..
		} => {
			check_adam(beta1, beta2, epsilon)?;
			not_negative("weight_decay", weight_decay)
		}
	}
}

fn positive(name: &'static str, value: f32) -> Result<(), CaptureError> {
	match value.is_finite() && value > 0.0 {
		true => Ok(()),
		false => refuse(name, value, "it must be a number greater than 0"),
	}
}

fn not_negative(name: &'static str, value: f32) -> Result<(), CaptureError> {
	match value.is_finite() && value >= 0.0 {
		true => Ok(()),
		false => refuse(name, value, "it must be a number of at least 0"),
	}
}

fn fraction(name: &'static str, value: f32) -> Result<(), CaptureError> {
	match (0.0..1.0).contains(&value) {
		true => Ok(()),
		false => refuse(name, value, "it must be at least 0 and less than 1"),
	}
}

fn refuse(name: &'static str, value: impl ToString, reason: &str) -> Result<(), CaptureError> {
	Err(CaptureError::Setting {
		name,
		value: value.to_string(),
		reason: reason.to_owned(),
	})
}

/// Appends the optimiser: new parameters, and its own state. The parameters come in the order of the state.
pub(crate) fn append(
	spec: &OptimiserSpec,
	mut parameters: Vec<Parameter>,
	step: &mut Step<'_>,
) -> Result<(), CaptureError> {
	let rate = schedule::append(spec.learning_rate(), step)?;
	if let Some(norm) = spec.clip_norm() {
		parameters = clip::clip(norm, parameters, step.graph);
	}
	match *spec {
		OptimiserSpec::Sgd {
			momentum,
			weight_decay,
			..
		} => {
			let sgd = Sgd {
				momentum,
				weight_decay,
			};
			sgd.append(rate, &parameters, step)
		}
		OptimiserSpec::Adam {
			beta1,
			beta2,
			epsilon,
			..
		} => {
			let adam = Adam {
				beta1,
				beta2,
				epsilon,
				weight_decay: 0.0,
			};
			adam.append(rate, &parameters, step)
		}
		OptimiserSpec::AdamW {
			beta1,
			beta2,
			epsilon,
			weight_decay,
			..
		} => {
			let adam = Adam {
				beta1,
				beta2,
				epsilon,
				weight_decay,
			};
			adam.append(rate, &parameters, step)
		}
	}
}
