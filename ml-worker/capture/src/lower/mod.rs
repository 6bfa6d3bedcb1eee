//! From Burn's recorded operations to those of programs.

mod attention;
mod base;
mod convolution;
mod data;
mod indexing;
mod integers;
mod numeric;
mod place;
mod pooling;
mod product;

pub(crate) use data::constant_data;

use crate::{error::CaptureError, graph::Graph, record::Tape};
use burn_ir::{OperationIr, ScalarIr, TensorId, TensorIr};
use place::Places;
use repops::{
	check::{ProgramError, Reason},
	program::ValueId,
	tensor::DType,
};
use std::collections::{HashMap, HashSet};

/// The most elements that a tensor may have, so that counts of elements fit their type.
const ELEMENTS_LIMIT: u64 = 1 << 31;

/// Turns recorded operations into operations of a graph.
pub(crate) struct Lowering<'a> {
	/// The program under construction.
	pub(crate) graph: Graph,
	tape: &'a Tape,
	/// What is known of Burn's tensors so far. An integer is a `U32` or, if it may have been computed with, a number
	/// (exact up to 2^24); a truth value is a `U32` of 0 or 1.
	values: HashMap<TensorId, ValueId>,
	/// The positions in their windows that max pooling chose, by Burn's tensor of indices.
	positions: HashMap<TensorId, ValueId>,
	places: Places,
	/// What random numbers follow from: seed and position; none in an evaluation.
	randomness: Option<[ValueId; 2]>,
	/// How many random tensors there are so far.
	streams: u32,
}

/// Why an operation can't be expressed.
enum Refusal {
	/// It isn't in the set, or not in this form: a reason, which may be empty.
	Unsupported(&'static str),
	/// It uses a tensor of this shape that nobody recorded.
	Foreign(Vec<usize>),
}

type Lowered = Result<ValueId, Refusal>;

fn unsupported<T>(reason: &'static str) -> Result<T, Refusal> {
	Err(Refusal::Unsupported(reason))
}

impl<'a> Lowering<'a> {
	/// Of a tape whose operations from `forward` on compute gradients.
	pub(crate) fn new(tape: &'a Tape, forward: Option<usize>) -> Self {
		Self {
			graph: Graph::default(),
			tape,
			values: HashMap::new(),
			positions: HashMap::new(),
			places: Places::new(forward),
			randomness: None,
			streams: 0,
		}
	}

	/// Says which value stands for a tensor that the recording started from.
	pub(crate) fn place(&mut self, tensor: TensorId, value: ValueId) {
		self.values.insert(tensor, value);
	}

	/// Names a parameter in errors.
	pub(crate) fn name(&mut self, parameter: TensorId, name: String) {
		self.places.name(parameter, name);
	}

	/// Allows random numbers, which follow from the seed and the batch's position.
	pub(crate) fn allow_randomness(&mut self, seed: ValueId, position: ValueId) {
		self.randomness = Some([seed, position]);
	}

	/// The value of a tensor that [`Lowering::lower`] reached.
	pub(crate) fn value(&self, tensor: TensorId) -> Option<ValueId> {
		self.values.get(&tensor).copied()
	}

	/// Lowers every recorded operation that the given tensors depend on.
	pub(crate) fn lower(&mut self, wanted: &[TensorId]) -> Result<(), CaptureError> {
		let mut needed: HashSet<TensorId> = wanted.iter().copied().collect();
		let mut chosen = Vec::new();
		for (index, operation) in self.tape.operations.iter().enumerate().rev() {
			let is_needed = operation
				.outputs()
				.any(|out| needed.contains(&out.id) && !self.values.contains_key(&out.id));
			if is_needed {
				chosen.push((index, operation));
				needed.extend(operation.inputs().map(|input| input.id));
			}
		}
		for (index, operation) in chosen.into_iter().rev() {
			self.graph.recorded = Some(index);
			self.sizes(operation)
				.and_then(|()| self.operation(operation))
				.map_err(|refusal| self.refused(index, operation, refusal))?;
		}
		self.graph.recorded = None;
		Ok(())
	}

	/// Whether all tensors are small enough to be counted.
	fn sizes(&self, operation: &OperationIr) -> Result<(), Refusal> {
		for tensor in operation.nodes() {
			let elements = tensor
				.shape
				.iter()
				.try_fold(1u64, |n, d| n.checked_mul(*d as u64));
			if elements.is_none_or(|elements| elements > ELEMENTS_LIMIT) {
				return unsupported("a tensor has more than 2^31 elements");
			}
			if elements == Some(0) {
				return unsupported("a tensor has no elements");
			}
		}
		Ok(())
	}

	fn refused(&self, index: usize, operation: &OperationIr, refusal: Refusal) -> CaptureError {
		let name = operation_name(operation);
		let place = self.places.describe(self.tape, index);
		match refusal {
			Refusal::Foreign(shape) => CaptureError::ForeignTensor {
				index,
				operation: name,
				place,
				shape: format!("{shape:?}"),
			},
			Refusal::Unsupported(reason) => CaptureError::UnsupportedOperation {
				index,
				operation: name,
				place,
				shapes: self.describe(operation),
				reason: match reason {
					"" => String::new(),
					reason => format!(" in this form ({reason})"),
				},
			},
		}
	}

	/// The error that an operation of the finished program, made for this recorded one, breaks a rule.
	pub(crate) fn breaks_rule(&self, recorded: usize, reason: Reason) -> CaptureError {
		match self.tape.operations.get(recorded) {
			Some(operation) => CaptureError::OperationOutOfBounds {
				index: recorded,
				operation: operation_name(operation),
				place: self.places.describe(self.tape, recorded),
				shapes: self.describe(operation),
				reason: Box::new(reason),
			},
			None => CaptureError::Program(ProgramError::Operation {
				index: recorded as u32,
				reason,
			}),
		}
	}

	/// `F32 [2, 3] (parameter `weight`), F32 [3] → F32 [2, 3]`
	fn describe(&self, operation: &OperationIr) -> String {
		let list = |tensors: Vec<&TensorIr>| {
			let described: Vec<_> = tensors
				.iter()
				.map(|tensor| {
					let name = match self.places.parameter(tensor.id) {
						Some(name) => format!(" (parameter `{name}`)"),
						None => String::new(),
					};
					format!("{:?} {:?}{name}", tensor.dtype, tensor.shape.to_vec())
				})
				.collect();
			described.join(", ")
		};
		format!(
			"{} → {}",
			list(operation.inputs().collect()),
			list(operation.outputs().collect())
		)
	}

	fn operand(&self, tensor: &TensorIr) -> Lowered {
		match self.values.get(&tensor.id) {
			Some(value) => Ok(*value),
			None if self.positions.contains_key(&tensor.id) => {
				unsupported("only the gradient of max pooling can use its indices")
			}
			None => Err(Refusal::Foreign(tensor.shape.to_vec())),
		}
	}

	/// An operand as numbers, also if it consists of integers or truth values.
	fn number(&mut self, tensor: &TensorIr) -> Lowered {
		let value = self.operand(tensor)?;
		Ok(self.as_number(value))
	}

	fn as_number(&mut self, value: ValueId) -> ValueId {
		match self.graph.dtype(value) {
			DType::F32 => value,
			DType::U32 => self.graph.number_of(value),
		}
	}

	/// An operand as `U32`, also if it has been computed with.
	fn integer(&mut self, tensor: &TensorIr) -> Lowered {
		let value = self.operand(tensor)?;
		Ok(self.as_integer(value))
	}

	fn as_integer(&mut self, value: ValueId) -> ValueId {
		match self.graph.dtype(value) {
			DType::F32 => self.graph.integer_of(value),
			DType::U32 => value,
		}
	}

	/// An operand as numbers, repeated to the shape of the result.
	fn number_as(&mut self, tensor: &TensorIr, out: &TensorIr) -> Lowered {
		let value = self.number(tensor)?;
		Ok(self.expand(value, &shape(out)))
	}

	/// An operand, repeated to the shape of the result as Burn does by itself: leading axes are added,
	/// axes of length 1 are repeated.
	fn operand_as(&mut self, tensor: &TensorIr, out: &TensorIr) -> Lowered {
		let value = self.operand(tensor)?;
		Ok(self.expand(value, &shape(out)))
	}

	fn expand(&mut self, value: ValueId, shape: &[u32]) -> ValueId {
		let missing = shape.len().saturating_sub(self.graph.shape(value).len());
		let mut unsqueezed = vec![1; missing];
		unsqueezed.extend(self.graph.shape(value));
		let value = self.graph.reshape(value, &unsqueezed);
		self.graph.broadcast(value, shape)
	}

	fn operation(&mut self, operation: &OperationIr) -> Result<(), Refusal> {
		let out = match operation.outputs().next() {
			Some(out) => out,
			None => return unsupported("it has no result"),
		};
		let value = match operation {
			OperationIr::BaseFloat(base)
			| OperationIr::BaseInt(base)
			| OperationIr::BaseBool(base) => self.base(base, out)?,
			OperationIr::NumericFloat(_, numeric) => self.numeric(numeric, out)?,
			OperationIr::NumericInt(_, numeric) => self.integer_numeric(numeric, out)?,
			OperationIr::Float(_, float) => self.float(float, out)?,
			OperationIr::Int(integer) => self.integers(integer)?,
			OperationIr::Bool(truth) => self.truth_values(truth)?,
			OperationIr::Module(module) => self.module(module, out)?,
			OperationIr::Init(_) => self.data(out)?,
			_ => return unsupported(""),
		};
		self.values.insert(out.id, value);
		Ok(())
	}

	fn module(&mut self, operation: &burn_ir::ModuleOperationIr, out: &TensorIr) -> Lowered {
		use burn_ir::ModuleOperationIr::*;
		match operation {
			Linear(_) | LinearXBackward(_) | LinearWeightBackward(_) | LinearBiasBackward(_) => {
				self.linear(operation, out)
			}
			Attention(op) => self.attention(op),
			Embedding(op) => self.embedding(op),
			EmbeddingBackward(op) => self.embedding_backward(op),
			Conv1d(_)
			| Conv1dXBackward(_)
			| Conv1dWeightBackward(_)
			| Conv1dBiasBackward(_)
			| Conv2d(_)
			| Conv2dXBackward(_)
			| Conv2dWeightBackward(_)
			| Conv2dBiasBackward(_) => self.convolution(operation, out),
			_ => self.pooling(operation, out),
		}
	}
}

/// `1 / n`, rounded once.
fn reciprocal(n: usize) -> f32 {
	(1.0 / n as f64) as f32
}

pub(crate) fn number(scalar: ScalarIr) -> f32 {
	scalar.elem()
}

/// Lengths beyond the type's range are refused before any operation is lowered.
pub(crate) fn shape(tensor: &TensorIr) -> Vec<u32> {
	tensor
		.shape
		.iter()
		.map(|length| u32::try_from(*length).unwrap_or(u32::MAX))
		.collect()
}

/// The operation's name in Burn, for instance `Conv2d`: the innermost variant.
pub(crate) fn operation_name(operation: &OperationIr) -> String {
	let debug = format!("{operation:?}");
	let head = debug.split(" {").next().unwrap_or_default();
	let parts: Vec<_> = head
		.split(['(', ',', ' '])
		.filter(|part| !part.is_empty())
		.collect();
	// The last part is the type of the operands, for instance `Conv2dOpIr`.
	let name = parts
		.len()
		.checked_sub(2)
		.and_then(|index| parts.get(index))
		.copied();
	let family = match operation {
		OperationIr::BaseInt(_) | OperationIr::NumericInt(..) | OperationIr::Int(_) => {
			" of integers"
		}
		OperationIr::BaseBool(_) | OperationIr::Bool(_) => " of truth values",
		_ => "",
	};
	format!("`{}`{family}", name.unwrap_or(head))
}
