//! From Burn's recorded operations to those of programs.

use crate::{error::CaptureError, graph::Graph, record::Tape};
use burn::tensor::DType as BurnType;
use burn_ir::{
	BaseOperationIr, BinaryOpIr, FloatOperationIr, ModuleOperationIr, NumericOperationIr,
	OperationIr, ReduceDimOpIr, ScalarIr, ScalarOpIr, TensorId, TensorIr,
};
use repops::{
	program::{OperationKind, Relation, ValueId},
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
	/// What is known of Burn's tensors so far.
	values: HashMap<TensorId, ValueId>,
	/// The names of the parameters among them.
	names: HashMap<TensorId, String>,
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
	pub(crate) fn new(tape: &'a Tape) -> Self {
		Self {
			graph: Graph::default(),
			tape,
			values: HashMap::new(),
			names: HashMap::new(),
		}
	}

	/// Says which value stands for a tensor that the recording started from.
	pub(crate) fn place(&mut self, tensor: TensorId, value: ValueId) {
		self.values.insert(tensor, value);
	}

	/// Names a tensor in errors.
	pub(crate) fn name(&mut self, tensor: TensorId, name: String) {
		self.names.insert(tensor, name);
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
			for tensor in operation.nodes() {
				let elements = tensor
					.shape
					.iter()
					.try_fold(1u64, |n, d| n.checked_mul(*d as u64));
				if elements.is_none_or(|elements| elements > ELEMENTS_LIMIT) {
					return Err(self.refused(
						index,
						operation,
						Refusal::Unsupported("a tensor has more than 2^31 elements"),
					));
				}
			}
			self.operation(operation)
				.map_err(|refusal| self.refused(index, operation, refusal))?;
		}
		Ok(())
	}

	fn refused(&self, index: usize, operation: &OperationIr, refusal: Refusal) -> CaptureError {
		let name = operation_name(operation);
		match refusal {
			Refusal::Foreign(shape) => CaptureError::ForeignTensor {
				index,
				operation: name,
				shape: format!("{shape:?}"),
			},
			Refusal::Unsupported(reason) => CaptureError::UnsupportedOperation {
				index,
				operation: name,
				shapes: self.describe(operation),
				reason: match reason {
					"" => String::new(),
					reason => format!(" in this form ({reason})"),
				},
			},
		}
	}

	/// `F32 [2, 3] (parameter `weight`), F32 [3] → F32 [2, 3]`
	fn describe(&self, operation: &OperationIr) -> String {
		let list = |tensors: Vec<&TensorIr>| {
			let described: Vec<_> = tensors
				.iter()
				.map(|tensor| {
					let name = match self.names.get(&tensor.id) {
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
		self.values
			.get(&tensor.id)
			.copied()
			.ok_or_else(|| Refusal::Foreign(tensor.shape.to_vec()))
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
			OperationIr::Float(_, float) => self.float(float)?,
			OperationIr::Module(module) => self.module(module, out)?,
			OperationIr::Init(_) => self.data(out)?,
			OperationIr::Bool(burn_ir::BoolOperationIr::IntoFloat(cast)) => {
				let mask = self.operand(&cast.input)?;
				let zeros = self.graph.constant(0.0, &shape(out));
				self.graph.fill(mask, zeros, 1.0)
			}
			_ => return unsupported(""),
		};
		self.values.insert(out.id, value);
		Ok(())
	}

	/// A tensor that was made from data: programs hold no tables, so all elements must be equal.
	fn data(&mut self, out: &TensorIr) -> Lowered {
		let data = match self.tape.data.get(&out.id) {
			Some(data) if out.dtype == BurnType::F32 => data,
			Some(_) => return unsupported("integers and truth values from data"),
			None => return Err(Refusal::Foreign(out.shape.to_vec())),
		};
		match constant_data(data) {
			Some(value) => Ok(self.graph.constant(value, &shape(out))),
			None => unsupported("a tensor made from different numbers"),
		}
	}

	fn base(&mut self, operation: &BaseOperationIr, out: &TensorIr) -> Lowered {
		use BaseOperationIr::*;
		if out.dtype.is_float() && out.dtype != BurnType::F32 {
			return unsupported("only F32 numbers are");
		}
		let is_float = out.dtype == BurnType::F32;
		Ok(match operation {
			Reshape(op) => {
				let input = self.operand(&op.input)?;
				self.graph.reshape(input, &shape(out))
			}
			SwapDims(op) => {
				let mut axes: Vec<usize> = (0..op.input.shape.num_dims()).collect();
				axes.swap(op.dim1, op.dim2);
				self.permute(&op.input, &axes)?
			}
			Permute(op) => self.permute(&op.input, &op.axes)?,
			Expand(op) => self.operand_as(&op.input, out)?,
			RepeatDim(op) if op.tensor.shape[op.dim] == 1 => self.operand_as(&op.tensor, out)?,
			RepeatDim(_) => return unsupported("repeats an axis that is longer than 1"),
			Cast(op) if op.input.dtype == op.out.dtype => self.operand(&op.input)?,
			Ones(_) if is_float => self.graph.constant(1.0, &shape(out)),
			Zeros(_) if is_float => self.graph.constant(0.0, &shape(out)),
			Equal(op) if op.lhs.dtype == BurnType::F32 => self.compare(Relation::Equal, op)?,
			EqualElem(op) if op.lhs.dtype == BurnType::F32 => {
				self.compare_scalar(Relation::Equal, op)?
			}
			MaskWhere(op) if is_float => {
				let mask = self.operand_as(&op.mask, out)?;
				let tensor = self.operand_as(&op.tensor, out)?;
				let value = self.operand_as(&op.value, out)?;
				self.graph.select(mask, value, tensor)
			}
			MaskFill(op) if is_float => {
				let mask = self.operand_as(&op.mask, out)?;
				let tensor = self.operand_as(&op.tensor, out)?;
				self.graph.fill(mask, tensor, number(op.value))
			}
			// One column of each row, as a sum of products with a one-hot matrix: the products are the
			// element itself and zeros, so the sum is exact.
			Gather(op) if is_float => {
				let table = self.operand(&op.tensor)?;
				let chosen = self.one_hot(&op.indices, op.dim, &op.tensor)?;
				let product = self.graph.multiply(chosen, table);
				self.graph.sum(product, 1)
			}
			Scatter(op) if is_float => {
				let table = self.operand(&op.tensor)?;
				let chosen = self.one_hot(&op.indices, op.dim, &op.tensor)?;
				let value = self.operand_as(&op.value, out)?;
				let product = self.graph.multiply(chosen, value);
				match self.graph.constant_value(table) {
					Some(0.0) => product,
					_ => self.graph.add(product, table),
				}
			}
			_ => return unsupported(""),
		})
	}

	/// For indices `[rows, 1]` into the columns of a matrix: ones where they point, else zeros.
	fn one_hot(&mut self, indices: &TensorIr, dim: usize, table: &TensorIr) -> Lowered {
		let table = shape(table);
		if table.len() != 2 || dim != 1 || shape(indices) != [table[0], 1] {
			return unsupported("only one column of each row of a matrix can be chosen");
		}
		let indices = self.operand(indices)?;
		if self.graph.dtype(indices) != DType::U32 {
			return unsupported("indices must come from the labels or from argmax");
		}
		let indices = self.graph.reshape(indices, &[table[0]]);
		Ok(self.graph.one_hot(indices, table[1]))
	}

	fn permute(&mut self, input: &TensorIr, axes: &[usize]) -> Lowered {
		let value = self.operand(input)?;
		if axes.iter().copied().eq(0..axes.len()) {
			return Ok(value);
		}
		if axes == [1, 0] {
			return Ok(self.graph.transpose(value));
		}
		unsupported("only the two axes of a matrix can be swapped")
	}

	fn compare(&mut self, relation: Relation, op: &BinaryOpIr) -> Lowered {
		let a = self.operand_as(&op.lhs, &op.out)?;
		let b = self.operand_as(&op.rhs, &op.out)?;
		Ok(self.graph.compare(relation, a, b))
	}

	fn compare_scalar(&mut self, relation: Relation, op: &ScalarOpIr) -> Lowered {
		let a = self.operand(&op.lhs)?;
		Ok(self.graph.compare_scalar(relation, a, number(op.rhs)))
	}

	fn numeric(&mut self, operation: &NumericOperationIr, out: &TensorIr) -> Lowered {
		use NumericOperationIr::*;
		let mut binary = |op: &BinaryOpIr| -> Result<(ValueId, ValueId), Refusal> {
			Ok((
				self.operand_as(&op.lhs, out)?,
				self.operand_as(&op.rhs, out)?,
			))
		};
		Ok(match operation {
			Add(op) => {
				let (a, b) = binary(op)?;
				self.graph.add(a, b)
			}
			Sub(op) => {
				let (a, b) = binary(op)?;
				self.graph.subtract(a, b)
			}
			Mul(op) => {
				let (a, b) = binary(op)?;
				self.graph.multiply(a, b)
			}
			Div(op) => {
				let (a, b) = binary(op)?;
				self.graph.divide(a, b)
			}
			AddScalar(op) => {
				let a = self.operand(&op.lhs)?;
				self.graph.add_scalar(a, number(op.rhs))
			}
			SubScalar(op) => {
				let a = self.operand(&op.lhs)?;
				self.graph.add_scalar(a, -number(op.rhs))
			}
			MulScalar(op) => {
				let a = self.operand(&op.lhs)?;
				self.graph.multiply_scalar(a, number(op.rhs))
			}
			DivScalar(op) => {
				let a = self.operand(&op.lhs)?;
				let divisor = self.graph.constant(number(op.rhs), &shape(out));
				self.graph.divide(a, divisor)
			}
			Full(op) => self.graph.constant(number(op.value), &shape(out)),
			Greater(op) => self.compare(Relation::Greater, op)?,
			GreaterElem(op) => self.compare_scalar(Relation::Greater, op)?,
			GreaterEqual(op) => self.compare(Relation::GreaterEqual, op)?,
			GreaterEqualElem(op) => self.compare_scalar(Relation::GreaterEqual, op)?,
			Lower(op) => self.compare(Relation::Less, op)?,
			LowerElem(op) => self.compare_scalar(Relation::Less, op)?,
			LowerEqual(op) => self.compare(Relation::LessEqual, op)?,
			LowerEqualElem(op) => self.compare_scalar(Relation::LessEqual, op)?,
			PowiScalar(op) => self.power(op)?,
			Abs(op) => {
				let a = self.operand(&op.input)?;
				let negative = self.graph.compare_scalar(Relation::Less, a, 0.0);
				let negated = self.graph.multiply_scalar(a, -1.0);
				self.graph.select(negative, negated, a)
			}
			Clamp(op) => {
				let (min, max) = (number(op.min), number(op.max));
				let a = self.operand(&op.tensor)?;
				let below = self.graph.compare_scalar(Relation::Less, a, min);
				let a = self.graph.fill(below, a, min);
				let above = self.graph.compare_scalar(Relation::Greater, a, max);
				self.graph.fill(above, a, max)
			}
			Sum(op) => {
				let sum = self.sum_all(&op.input)?;
				self.graph.reshape(sum, &shape(out))
			}
			Mean(op) => {
				let sum = self.sum_all(&op.input)?;
				let mean = self
					.graph
					.multiply_scalar(sum, reciprocal(op.input.shape.num_elements()));
				self.graph.reshape(mean, &shape(out))
			}
			Max(op) => {
				let input = self.operand(&op.input)?;
				let row = self.graph.flatten(input);
				let max = self.graph.max(row, 1);
				self.graph.reshape(max, &shape(out))
			}
			SumDim(op) => {
				let input = self.operand(&op.input)?;
				self.graph.sum(input, op.axis)
			}
			MeanDim(op) => {
				let input = self.operand(&op.input)?;
				let sum = self.graph.sum(input, op.axis);
				self.graph
					.multiply_scalar(sum, reciprocal(op.input.shape[op.axis]))
			}
			MaxDim(op) => {
				let input = self.operand(&op.input)?;
				self.graph.max(input, op.axis)
			}
			ArgMax(op) => self.arg_max(op)?,
			MaxDimWithIndices(op) => {
				let input = self.operand(&op.tensor)?;
				if op.dim + 1 != op.tensor.shape.num_dims() {
					return unsupported(
						"the place of the greatest is known only for the last axis",
					);
				}
				let indices = self.graph.arg_max(input);
				self.values.insert(op.out_indices.id, indices);
				self.graph.max(input, op.dim)
			}
			_ => return unsupported(""),
		})
	}

	fn sum_all(&mut self, input: &TensorIr) -> Lowered {
		let input = self.operand(input)?;
		let row = self.graph.flatten(input);
		Ok(self.graph.sum(row, 1))
	}

	fn arg_max(&mut self, op: &ReduceDimOpIr) -> Lowered {
		if op.axis + 1 != op.input.shape.num_dims() {
			return unsupported("only over the last axis");
		}
		let input = self.operand(&op.input)?;
		Ok(self.graph.arg_max(input))
	}

	fn float(&mut self, operation: &FloatOperationIr) -> Lowered {
		use FloatOperationIr::*;
		let (kind, op) = match operation {
			Exp(op) => (OperationKind::Exp, op),
			Log(op) => (OperationKind::Log, op),
			Sqrt(op) => (OperationKind::Sqrt, op),
			Tanh(op) => (OperationKind::Tanh, op),
			Recip(op) => (OperationKind::Reciprocal, op),
			PowfScalar(op) => return self.power(op),
			Matmul(op) => {
				if op.lhs.shape.num_dims() != 2 || op.rhs.shape.num_dims() != 2 {
					return unsupported("only the product of two matrices");
				}
				let (left, right) = (self.operand(&op.lhs)?, self.operand(&op.rhs)?);
				return Ok(self.graph.matmul((left, false), (right, false)));
			}
			_ => return unsupported(""),
		};
		let input = self.operand(&op.input)?;
		Ok(self.graph.unary(kind, input))
	}

	/// Powers that consist of a few products, a root and a reciprocal.
	fn power(&mut self, op: &ScalarOpIr) -> Lowered {
		let a = self.operand(&op.lhs)?;
		let exponent = number(op.rhs);
		let halves = exponent.abs() * 2.0;
		if halves.fract() != 0.0 || !(1.0..=8.0).contains(&halves) {
			return unsupported("exponents are multiples of a half, up to 4 and not 0");
		}
		let halves = halves as u32;
		let mut factors = vec![a; halves as usize / 2];
		if halves % 2 == 1 {
			factors.push(self.graph.unary(OperationKind::Sqrt, a));
		}
		let product = factors
			.into_iter()
			.reduce(|product, factor| self.graph.multiply(product, factor));
		let power = product.expect("there is a factor for each of at least one half; qed");
		Ok(match exponent < 0.0 {
			true => self.graph.unary(OperationKind::Reciprocal, power),
			false => power,
		})
	}

	fn module(&mut self, operation: &ModuleOperationIr, out: &TensorIr) -> Lowered {
		use ModuleOperationIr::*;
		Ok(match operation {
			Linear(op) => {
				let x = self.matrix(&op.x)?;
				let weight = self.operand(&op.weight)?;
				let mut product = self.graph.matmul((x, false), (weight, false));
				if let Some(bias) = &op.bias {
					let bias = self.operand(bias)?;
					let rows = self.graph.shape(product).to_vec();
					let bias = self.expand(bias, &rows);
					product = self.graph.add(product, bias);
				}
				self.graph.reshape(product, &shape(out))
			}
			LinearXBackward(op) => {
				let gradient = self.matrix(&op.output_grad)?;
				let weight = self.operand(&op.weight)?;
				let product = self.graph.matmul((gradient, false), (weight, true));
				self.graph.reshape(product, &shape(out))
			}
			LinearWeightBackward(op) => {
				let x = self.matrix(&op.x)?;
				let gradient = self.matrix(&op.output_grad)?;
				self.graph.matmul((x, true), (gradient, false))
			}
			LinearBiasBackward(op) => {
				let gradient = self.matrix(&op.output_grad)?;
				let sum = self.graph.sum(gradient, 0);
				self.graph.reshape(sum, &shape(out))
			}
			_ => return unsupported(""),
		})
	}

	/// An operand as a matrix: all leading axes by the last one.
	fn matrix(&mut self, tensor: &TensorIr) -> Lowered {
		let value = self.operand(tensor)?;
		let (columns, leading) = match self.graph.shape(value).split_last() {
			Some((columns, leading)) => (*columns, leading.iter().product()),
			None => return unsupported("a tensor without axes"),
		};
		Ok(self.graph.reshape(value, &[leading, columns]))
	}
}

/// The one number of which all the data consists.
pub(crate) fn constant_data(data: &burn::tensor::TensorData) -> Option<f32> {
	let elements = data.as_slice::<f32>().ok()?;
	let first = elements.first()?;
	elements
		.iter()
		.all(|element| element.to_bits() == first.to_bits())
		.then_some(*first)
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
