//! The parameters of a recorded module: names, gradients, and how they start.

use crate::{
	error::CaptureError,
	lower::{constant_data, number, operation_name, Lowering},
	record::{Recording, Tape, Training},
};
use burn::{
	module::{Module, ModuleVisitor, Param},
	tensor::{backend::AutodiffBackend, Bool, Distribution, Int, Tensor},
};
use burn_ir::{BaseOperationIr, FloatOperationIr, NumericOperationIr, OperationIr, TensorId};
use repops::{
	program::{Initialiser, Source, StateRole, StateTensor},
	tensor::{DType, Shape},
};

/// A parameter of a recorded module.
pub(crate) struct Parameter {
	/// Its path in the module, for instance `layers.0.weight`.
	pub(crate) name: String,
	/// The id of its tensor.
	pub(crate) id: TensorId,
	/// Its shape.
	pub(crate) shape: Vec<u32>,
	/// The id of its gradient; none if it isn't trained.
	pub(crate) gradient: Option<TensorId>,
}

type Gradients = <Training as AutodiffBackend>::Gradients;

/// The parameters of a module in the order of its fields, with their gradients if there are any.
pub(crate) fn parameters<B: Recording, M: Module<B>>(
	module: &M,
	gradients: Option<&Gradients>,
) -> Result<Vec<Parameter>, CaptureError> {
	let mut collector = Collector {
		path: Vec::new(),
		gradients,
		found: Vec::new(),
		error: None,
	};
	module.visit(&mut collector);
	match collector.error {
		Some(error) => Err(error),
		None if collector.found.is_empty() => Err(CaptureError::Module {
			message: "it has no parameters, so there is nothing to train".to_owned(),
		}),
		None => Ok(collector.found),
	}
}

struct Collector<'a> {
	path: Vec<String>,
	gradients: Option<&'a Gradients>,
	found: Vec<Parameter>,
	error: Option<CaptureError>,
}

impl Collector<'_> {
	fn refuse(&mut self, reason: &str) {
		let error = refused(&self.path.join("."), reason);
		self.error.get_or_insert(error);
	}
}

impl<B: Recording> ModuleVisitor<B> for Collector<'_> {
	// The variants of an enumeration are alternatives, not places: they are no part of a name.
	fn enter_module(&mut self, name: &str, container: &str) {
		if !container.starts_with("Enum:") {
			self.path.push(name.to_owned());
		}
	}

	fn exit_module(&mut self, _: &str, container: &str) {
		if !container.starts_with("Enum:") {
			self.path.pop();
		}
	}

	fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
		let tensor = param.val();
		let is_trained = tensor.is_require_grad();
		let shape: Option<Vec<u32>> = tensor
			.dims()
			.iter()
			.map(|length| u32::try_from(*length).ok())
			.collect();
		let primitive = tensor.into_primitive().tensor();
		if B::is_computed(&primitive) {
			return self.refuse(
				"it is computed from another tensor, and Burn doesn't train such (a `Linear` of \
				 layout `Col` for instance); make it directly",
			);
		}
		let gradient = self
			.gradients
			.and_then(|gradients| B::gradient(&primitive, gradients));
		let id = B::id(primitive);
		if self.gradients.is_some() && is_trained && gradient.is_none() {
			return self.refuse(
				"the loss doesn't depend on it; use it, or mark it as not requiring a gradient",
			);
		}
		if self.found.iter().any(|other| other.id == id) {
			return self
				.refuse("it shares its tensor with another parameter; give it one of its own");
		}
		match shape {
			Some(shape) if shape.iter().all(|length| *length > 0) => self.found.push(Parameter {
				name: self.path.join("."),
				id,
				shape,
				gradient,
			}),
			_ => self.refuse("each axis must be at least 1 and less than 2^32 long"),
		}
	}

	fn visit_int<const D: usize>(&mut self, _: &Param<Tensor<B, D, Int>>) {
		self.refuse("it consists of integers; only F32 parameters can be state");
	}

	fn visit_bool<const D: usize>(&mut self, _: &Param<Tensor<B, D, Bool>>) {
		self.refuse("it consists of truth values; only F32 parameters can be state");
	}
}

fn refused(name: &str, reason: &str) -> CaptureError {
	CaptureError::Parameter {
		name: name.to_owned(),
		reason: reason.to_owned(),
	}
}

impl Parameter {
	/// An error about this parameter.
	pub(crate) fn refused(&self, reason: &str) -> CaptureError {
		refused(&self.name, reason)
	}

	/// Makes the parameter an input of the program.
	pub(crate) fn place(&self, index: u16, lowering: &mut Lowering<'_>) {
		let value = lowering
			.graph
			.input(Source::State(index), DType::F32, &self.shape);
		lowering.place(self.id, value);
		lowering.name(self.id, self.name.clone());
	}

	/// Its declaration in the program's state.
	pub(crate) fn declaration(&self, tape: &Tape) -> Result<StateTensor, CaptureError> {
		Ok(StateTensor {
			name: self.name.clone().into_bytes(),
			shape: Shape(self.shape.clone()),
			role: StateRole::Parameter,
			initial: self.initialiser(tape)?,
		})
	}

	/// How it starts: what on the tape made it.
	fn initialiser(&self, tape: &Tape) -> Result<Initialiser, CaptureError> {
		let makes = |operation: &&OperationIr| operation.outputs().any(|out| out.id == self.id);
		match tape.operations.iter().find(makes) {
			Some(OperationIr::BaseFloat(BaseOperationIr::Zeros(_))) =>
				Ok(Initialiser::Constant(0.0.into())),
			Some(OperationIr::BaseFloat(BaseOperationIr::Ones(_))) =>
				Ok(Initialiser::Constant(1.0.into())),
			Some(OperationIr::NumericFloat(_, NumericOperationIr::Full(op))) =>
				Ok(Initialiser::Constant(number(op.value).into())),
			Some(OperationIr::Float(_, FloatOperationIr::Random(op))) =>
				self.distribution(op.distribution),
			Some(OperationIr::Init(_)) => match tape.data.get(&self.id).and_then(constant_data) {
				Some(value) => Ok(Initialiser::Constant(value.into())),
				None => Err(self.refused(
					"it starts from given numbers; a program can only hold a constant, a uniform or a \
					 normal distribution",
				)),
			},
			Some(other) => Err(self.refused(&format!(
				"it starts as the result of {}; a program can only hold a constant, a uniform or a \
				 normal distribution",
				operation_name(other)
			))),
			None => Err(
				self.refused("it was made outside of the recording; make it in the model's `init`"),
			),
		}
	}

	fn distribution(&self, distribution: Distribution) -> Result<Initialiser, CaptureError> {
		// Burn draws in the parameter's own precision, so the bounds are rounded to it.
		let (initial, first, second) = match distribution {
			Distribution::Default => (
				Initialiser::Uniform {
					low: 0.0.into(),
					high: 1.0.into(),
				},
				0.0,
				1.0,
			),
			Distribution::Uniform(low, high) => {
				let (low, high) = (low as f32, high as f32);
				(
					Initialiser::Uniform {
						low: low.into(),
						high: high.into(),
					},
					low,
					high,
				)
			}
			Distribution::Normal(mean, deviation) => {
				let (mean, deviation) = (mean as f32, deviation as f32);
				let initial = Initialiser::Normal {
					mean: mean.into(),
					deviation: deviation.into(),
				};
				(initial, mean, deviation)
			}
			Distribution::Bernoulli(_) => {
				return Err(self.refused("a Bernoulli distribution is not among the initialisers"))
			}
		};
		match first.is_finite() && second.is_finite() {
			true => Ok(initial),
			false => Err(self.refused("its distribution isn't finite")),
		}
	}
}
