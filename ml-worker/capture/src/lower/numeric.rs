//! Arithmetic on each element, comparisons, reductions, random numbers.

use super::{number, reciprocal, shape, unsupported, Lowered, Lowering, Refusal};
use burn::tensor::Distribution;
use burn_ir::{BinaryOpIr, FloatOperationIr, NumericOperationIr, RandomOpIr, ScalarOpIr, TensorIr};
use repops::program::{Initialiser, OperationKind, Relation, ValueId};

impl Lowering<'_> {
	pub(super) fn numeric(&mut self, operation: &NumericOperationIr, out: &TensorIr) -> Lowered {
		use NumericOperationIr::*;
		let mut binary = |op: &BinaryOpIr| -> Result<(ValueId, ValueId), Refusal> {
			Ok((self.number_as(&op.lhs, out)?, self.number_as(&op.rhs, out)?))
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
				self.quotient(a, b)
			}
			AddScalar(op) => {
				let a = self.number(&op.lhs)?;
				self.graph.add_scalar(a, number(op.rhs))
			}
			SubScalar(op) => {
				let a = self.number(&op.lhs)?;
				self.graph.add_scalar(a, -number(op.rhs))
			}
			MulScalar(op) => {
				let a = self.number(&op.lhs)?;
				self.graph.multiply_scalar(a, number(op.rhs))
			}
			DivScalar(op) => {
				let a = self.number(&op.lhs)?;
				self.graph.divide_scalar(a, number(op.rhs))
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
				let a = self.number(&op.input)?;
				self.absolute(a)
			}
			Clamp(op) => {
				let (min, max) = (number(op.min), number(op.max));
				let a = self.number(&op.tensor)?;
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
				let input = self.number(&op.input)?;
				let row = self.graph.flatten(input);
				let max = self.graph.max(row, 1);
				self.graph.reshape(max, &shape(out))
			}
			SumDim(op) => {
				let input = self.number(&op.input)?;
				self.graph.sum(input, op.axis)
			}
			MeanDim(op) => {
				let input = self.number(&op.input)?;
				let sum = self.graph.sum(input, op.axis);
				self.graph
					.multiply_scalar(sum, reciprocal(op.input.shape[op.axis]))
			}
			MaxDim(op) => {
				let input = self.number(&op.input)?;
				self.graph.max(input, op.axis)
			}
			Min(op) => {
				let input = self.number(&op.input)?;
				let row = self.graph.flatten(input);
				let min = self.min(row, 1);
				self.graph.reshape(min, &shape(out))
			}
			MinDim(op) => {
				let input = self.number(&op.input)?;
				self.min(input, op.axis)
			}
			MaxAbs(op) => {
				let input = self.number(&op.input)?;
				let row = self.graph.flatten(input);
				let row = self.absolute(row);
				let max = self.graph.max(row, 1);
				self.graph.reshape(max, &shape(out))
			}
			MaxAbsDim(op) => {
				let input = self.number(&op.input)?;
				let absolute = self.absolute(input);
				self.graph.max(absolute, op.axis)
			}
			ArgMax(op) => {
				let input = self.number(&op.input)?;
				self.graph.arg_max(input, op.axis)
			}
			ArgMin(op) => {
				let input = self.number(&op.input)?;
				let negated = self.graph.multiply_scalar(input, -1.0);
				self.graph.arg_max(negated, op.axis)
			}
			MaxDimWithIndices(op) => {
				let input = self.number(&op.tensor)?;
				let indices = self.graph.arg_max(input, op.dim);
				self.values.insert(op.out_indices.id, indices);
				self.graph.max(input, op.dim)
			}
			MinDimWithIndices(op) => {
				let input = self.number(&op.tensor)?;
				let negated = self.graph.multiply_scalar(input, -1.0);
				let indices = self.graph.arg_max(negated, op.dim);
				self.values.insert(op.out_indices.id, indices);
				self.min(input, op.dim)
			}
			_ => return unsupported(""),
		})
	}

	/// A quotient. Where the divisor is the same for many elements, its reciprocal is rounded once and they are
	/// multiplied by it.
	pub(super) fn quotient(&mut self, a: ValueId, b: ValueId) -> ValueId {
		if let Some(divisor) = self.graph.constant_value(b) {
			return self.graph.divide_scalar(a, divisor);
		}
		if !self.graph.is_repeated(b) {
			return self.graph.divide(a, b);
		}
		let inverse = self.graph.unary(OperationKind::Reciprocal, b);
		self.graph.multiply(a, inverse)
	}

	fn sum_all(&mut self, input: &TensorIr) -> Lowered {
		let input = self.operand(input)?;
		let row = self.graph.flatten(input);
		Ok(self.graph.sum(row, 1))
	}

	/// The least element over an axis: the greatest of the negated ones, negated.
	fn min(&mut self, a: ValueId, axis: usize) -> ValueId {
		let negated = self.graph.multiply_scalar(a, -1.0);
		let max = self.graph.max(negated, axis);
		self.graph.multiply_scalar(max, -1.0)
	}

	fn absolute(&mut self, a: ValueId) -> ValueId {
		let negative = self.graph.compare_scalar(Relation::Less, a, 0.0);
		let negated = self.graph.multiply_scalar(a, -1.0);
		self.graph.select(negative, negated, a)
	}

	pub(super) fn float(&mut self, operation: &FloatOperationIr, out: &TensorIr) -> Lowered {
		use FloatOperationIr::*;
		let (kind, op) = match operation {
			Exp(op) => (OperationKind::Exp, op),
			Log(op) => (OperationKind::Log, op),
			Sqrt(op) => (OperationKind::Sqrt, op),
			Tanh(op) => (OperationKind::Tanh, op),
			Recip(op) => (OperationKind::Reciprocal, op),
			PowfScalar(op) => return self.power(op),
			Erf(op) => (OperationKind::Erf, op),
			Log1p(op) => {
				let input = self.number(&op.input)?;
				let sum = self.graph.add_scalar(input, 1.0);
				return Ok(self.graph.unary(OperationKind::Log, sum));
			}
			IsNan(op) => {
				let input = self.number(&op.input)?;
				return Ok(self.graph.compare(Relation::NotEqual, input, input));
			}
			IntoInt(op) => {
				let input = self.number(&op.input)?;
				return Ok(self.graph.integer_of(input));
			}
			Matmul(op) => return self.matmul(op),
			Random(op) => return self.random(op, out),
			_ => return unsupported(""),
		};
		let input = self.number(&op.input)?;
		Ok(self.graph.unary(kind, input))
	}

	/// Powers that consist of a few products, a root and a reciprocal.
	fn power(&mut self, op: &ScalarOpIr) -> Lowered {
		let a = self.number(&op.lhs)?;
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

	/// Random numbers, others in each step. Burn drops out by numbers that are 1 with some probability, else 0.
	fn random(&mut self, op: &RandomOpIr, out: &TensorIr) -> Lowered {
		let Some(source) = self.randomness else {
			return unsupported("an evaluation has no random numbers");
		};
		let uniform = |low: f64, high: f64| Initialiser::Uniform {
			low: (low as f32).into(),
			high: (high as f32).into(),
		};
		let (distribution, probability) = match op.distribution {
			Distribution::Default => (uniform(0.0, 1.0), None),
			Distribution::Uniform(low, high) => (uniform(low, high), None),
			Distribution::Normal(mean, deviation) => {
				let (mean, deviation) = ((mean as f32).into(), (deviation as f32).into());
				(Initialiser::Normal { mean, deviation }, None)
			}
			Distribution::Bernoulli(probability) => (uniform(0.0, 1.0), Some(probability as f32)),
		};
		let stream = self.streams;
		self.streams += 1;
		let random = self.graph.random(source, stream, &shape(out), distribution);
		Ok(match probability {
			Some(probability) => {
				let happens = self
					.graph
					.compare_scalar(Relation::Less, random, probability);
				self.graph.number_of(happens)
			}
			None => random,
		})
	}
}
