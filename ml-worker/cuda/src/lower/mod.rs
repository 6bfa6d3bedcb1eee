//! From an operation to launches of kernels.

mod movement;
mod product;
mod random;
mod reduction;
mod window;

use crate::{launch::Launch, EngineError};
use repops::{
	program::{Bits, OperationKind, Relation},
	tensor::{DType, TensorType},
};

/// An operation on operands of these types.
pub(crate) struct Operation<'a> {
	pub(crate) kind: &'a OperationKind,
	pub(crate) operands: &'a [&'a TensorType],
	pub(crate) result: &'a TensorType,
	/// Of the device that is to run it.
	pub(crate) multiprocessors: u32,
}

/// Where the operation's operands, its result and its scratch lie.
struct Addresses<'a> {
	operands: &'a [u64],
	result: u64,
	scratch: u64,
}

impl Addresses<'_> {
	fn operand(&self, at: usize) -> u64 {
		self.operands.get(at).copied().unwrap_or(0)
	}
}

impl Operation<'_> {
	/// The type of an operand; a check of the program says that it is there.
	fn operand(&self, at: usize) -> &TensorType {
		self.operands.get(at).copied().unwrap_or(self.result)
	}

	/// A launch whose threads compute the elements of the result one by one.
	fn for_each_result(&self, kernel: &'static str, parameters: Vec<u64>) -> Vec<Launch> {
		self.for_each(kernel, count(self.result), parameters)
	}

	fn for_each(&self, kernel: &'static str, elements: usize, parameters: Vec<u64>) -> Vec<Launch> {
		vec![Launch::for_each(
			kernel,
			elements,
			self.multiprocessors,
			parameters,
		)]
	}

	/// The operation's name, for messages.
	fn name(&self) -> String {
		let name = format!("{:?}", self.kind);
		name.split([' ', '(', '{'])
			.next()
			.unwrap_or_default()
			.to_owned()
	}

	fn too_much_work(&self) -> EngineError {
		EngineError::TooMuchWork {
			operation: self.name(),
		}
	}
}

/// The words of a value; refuses those that the kernels can't number.
pub(crate) fn word_count(kind: &TensorType) -> Result<usize, EngineError> {
	match kind.shape.elements() {
		Some(elements) if elements < 1 << 31 => Ok(elements as usize),
		_ => Err(EngineError::TooLarge {
			found: kind.clone(),
		}),
	}
}

/// The words of a value that [`word_count`] has accepted.
fn count(kind: &TensorType) -> usize {
	kind.shape.elements().unwrap_or(0) as usize
}

/// Whether the kernel computes each element from those at the same place of the operands, so that the result may lie
/// where an operand lay.
pub(crate) fn is_elementwise(kind: &OperationKind) -> bool {
	matches!(
		kind,
		OperationKind::Add
			| OperationKind::Subtract
			| OperationKind::Multiply
			| OperationKind::Divide
			| OperationKind::AddScalar(_)
			| OperationKind::MultiplyScalar(_)
			| OperationKind::Reciprocal
			| OperationKind::Exp
			| OperationKind::Log
			| OperationKind::Sqrt
			| OperationKind::Tanh
			| OperationKind::Erf
			| OperationKind::Compare(_)
			| OperationKind::CompareScalar(..)
			| OperationKind::Select
			| OperationKind::Fill(_)
			| OperationKind::ToInteger
			| OperationKind::ToNumber
	)
}

/// The words that the operation needs besides operands and result.
pub(crate) fn scratch_words(operation: &Operation) -> Result<usize, EngineError> {
	match operation.kind {
		OperationKind::MatMul { .. } | OperationKind::MatMulSum { .. } => {
			product::scratch_words(operation)
		}
		OperationKind::Sum { axis } => reduction::scratch_words(operation, *axis),
		OperationKind::ScatterRows { .. } => Ok(2 * count(operation.operand(1))),
		_ => Ok(0),
	}
}

/// The launches that compute the operation. Operands, result and scratch lie at these addresses and are as large as
/// their types and [`scratch_words`] say. A result may lie where an operand of the same size lies if the operation
/// [`is_elementwise`]; else nothing may lie on anything else. A reshape is a copy here.
pub(crate) fn lower(
	operation: &Operation,
	operands: &[u64],
	result: u64,
	scratch: u64,
) -> Result<Vec<Launch>, EngineError> {
	let at = Addresses {
		operands,
		result,
		scratch,
	};
	Ok(match operation.kind {
		OperationKind::MatMul { .. } | OperationKind::MatMulSum { .. } => {
			return product::lower(operation, &at)
		}
		OperationKind::Sum { axis } => return reduction::sum(operation, &at, *axis),
		OperationKind::Max { axis } => reduction::max(operation, &at, *axis),
		OperationKind::ArgMax { axis } => reduction::arg_max(operation, &at, *axis),
		OperationKind::CountNonzero => reduction::count_nonzero(operation, &at),
		OperationKind::Broadcast { .. }
		| OperationKind::Permute { .. }
		| OperationKind::Slice { .. } => return movement::collect(operation, &at),
		OperationKind::Insert { starts } => return movement::insert(operation, &at, starts),
		OperationKind::Reshape { .. } => movement::copy(operation, &at),
		OperationKind::GatherRows => movement::gather(operation, &at),
		OperationKind::ScatterRows { rows } => movement::scatter(operation, &at, *rows),
		OperationKind::OneHot { classes } => {
			let parameters = vec![
				at.operand(0),
				at.result,
				count(operation.result) as u64,
				u64::from(*classes),
			];
			operation.for_each_result("one_hot_rows", parameters)
		}
		OperationKind::Iota { axis, .. } => movement::iota(operation, &at, *axis),
		OperationKind::Constant { value, .. } => fill(operation, &at, *value),
		OperationKind::BatchRows { population, .. } => {
			random::batch_rows(operation, &at, *population)
		}
		OperationKind::Random {
			stream,
			distribution,
			..
		} => random::noise(operation, &at, *stream, *distribution),
		OperationKind::Unfold { window, fill } => {
			return window::unfold(operation, &at, window, *fill)
		}
		OperationKind::Fold { window, .. } => return window::fold(operation, &at, window, false),
		OperationKind::Unpool { window, .. } => return window::fold(operation, &at, window, true),
		_ => elementwise(operation, &at),
	})
}

fn fill(operation: &Operation, at: &Addresses, value: Bits) -> Vec<Launch> {
	let parameters = vec![
		at.result,
		count(operation.result) as u64,
		u64::from(value.0),
	];
	operation.for_each_result("fill_words", parameters)
}

/// The operations of [`is_elementwise`].
fn elementwise(operation: &Operation, at: &Addresses) -> Vec<Launch> {
	let count = count(operation.result) as u64;
	let [a, b, c] = [at.operand(0), at.operand(1), at.operand(2)];
	let unary = |kernel, constant: Bits| {
		let parameters = vec![a, at.result, count, u64::from(constant.0)];
		operation.for_each_result(kernel, parameters)
	};
	let without = Bits(0);
	let binary = |kernel| operation.for_each_result(kernel, vec![a, b, at.result, count]);
	let convert = |kernel| operation.for_each_result(kernel, vec![a, at.result, count]);
	let compare = |kernel, relation: Relation, b: u64, constant: Bits| {
		let relation = relation_number(relation);
		let parameters = vec![a, b, at.result, count, relation, u64::from(constant.0)];
		operation.for_each_result(kernel, parameters)
	};
	match operation.kind {
		OperationKind::Add => binary("add_elements"),
		OperationKind::Subtract => binary("subtract_elements"),
		OperationKind::Multiply => binary("multiply_elements"),
		OperationKind::Divide => binary("divide_elements"),
		OperationKind::AddScalar(constant) => unary("add_scalar", *constant),
		OperationKind::MultiplyScalar(constant) => unary("multiply_scalar", *constant),
		OperationKind::Reciprocal => unary("reciprocal", without),
		OperationKind::Exp => unary("exponentials", without),
		OperationKind::Log => unary("logarithms", without),
		OperationKind::Sqrt => unary("square_roots", without),
		OperationKind::Tanh => unary("hyperbolic_tangents", without),
		OperationKind::Erf => unary("error_functions", without),
		OperationKind::ToInteger => convert("to_integers"),
		OperationKind::ToNumber => convert("to_numbers"),
		OperationKind::Compare(relation) => {
			let kernel = match operation.operand(0).dtype {
				DType::F32 => "compare_numbers",
				DType::U32 => "compare_integers",
			};
			compare(kernel, *relation, b, without)
		}
		OperationKind::CompareScalar(relation, constant) => {
			compare("compare_with_constant", *relation, 0, *constant)
		}
		OperationKind::Select => {
			operation.for_each_result("select_elements", vec![a, b, c, at.result, count, 0])
		}
		OperationKind::Fill(constant) => {
			let parameters = vec![a, b, 0, at.result, count, u64::from(constant.0)];
			operation.for_each_result("fill_masked", parameters)
		}
		_ => unreachable!("`lower` treats every other operation"),
	}
}

/// The relation's number in the kernels.
fn relation_number(relation: Relation) -> u64 {
	match relation {
		Relation::Equal => 0,
		Relation::NotEqual => 1,
		Relation::Less => 2,
		Relation::LessEqual => 3,
		Relation::Greater => 4,
		Relation::GreaterEqual => 5,
	}
}
