//! Step programs for tests and measurements, built by hand: `Program` is plain data.
#![allow(
	dead_code,
	unreachable_pub,
	reason = "each test that includes this file uses a part of it"
)]

pub mod random;

use repops::{
	check::{check, infer, Checked, Limits, Role},
	program::{
		Initialiser, Input, Operation, OperationKind, Output, Program, Relation, Source, StateRole,
		StateTensor, Target, ValueId, ARITHMETIC_VERSION,
	},
	tensor::{Shape, Tensor, TensorType},
};

/// Builds a program. All inputs come before the first operation.
pub struct Builder {
	pub program: Program,
	pub types: Vec<TensorType>,
}

impl Default for Builder {
	fn default() -> Self {
		let program = Program {
			version: ARITHMETIC_VERSION,
			state: vec![],
			inputs: vec![],
			operations: vec![],
			outputs: vec![],
		};
		Builder {
			program,
			types: vec![],
		}
	}
}

impl Builder {
	pub fn input(&mut self, source: Source, kind: TensorType) -> ValueId {
		assert!(self.program.operations.is_empty(), "inputs come first");
		self.program.inputs.push(Input {
			source,
			kind: kind.clone(),
		});
		self.types.push(kind);
		self.types.len() as ValueId - 1
	}

	/// Declares a state tensor.
	pub fn declare(
		&mut self,
		role: StateRole,
		shape: impl Into<Shape>,
		initial: Initialiser,
	) -> u16 {
		let index = self.program.state.len() as u16;
		let name = format!("tensor {index}").into_bytes();
		self.program.state.push(StateTensor {
			name,
			shape: shape.into(),
			role,
			initial,
		});
		index
	}

	/// Declares a state tensor and reads it.
	pub fn state(
		&mut self,
		role: StateRole,
		shape: impl Into<Shape>,
		initial: Initialiser,
	) -> (u16, ValueId) {
		let shape = shape.into();
		let index = self.declare(role, shape.clone(), initial);
		(
			index,
			self.input(Source::State(index), TensorType::f32(shape)),
		)
	}

	pub fn operate(&mut self, kind: OperationKind, operands: &[ValueId]) -> ValueId {
		let types: Vec<&TensorType> = operands
			.iter()
			.map(|operand| &self.types[*operand as usize])
			.collect();
		let result =
			infer(&kind, &types).unwrap_or_else(|reason| panic!("{kind:?} on {types:?}: {reason}"));
		self.types.push(result);
		self.program.operations.push(Operation {
			kind,
			operands: operands.to_vec(),
		});
		self.types.len() as ValueId - 1
	}

	pub fn output(&mut self, target: Target, value: ValueId) {
		self.program.outputs.push(Output { target, value });
	}

	pub fn shape(&self, value: ValueId) -> Shape {
		self.types[value as usize].shape.clone()
	}

	pub fn check(&self, role: Role) -> Checked {
		check(&self.program, role, &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
	}

	fn matmul(
		&mut self,
		left: ValueId,
		right: ValueId,
		transpose_left: bool,
		transpose_right: bool,
	) -> ValueId {
		self.operate(
			OperationKind::MatMul {
				transpose_left,
				transpose_right,
			},
			&[left, right],
		)
	}

	fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
		self.operate(OperationKind::Add, &[a, b])
	}

	fn subtract(&mut self, a: ValueId, b: ValueId) -> ValueId {
		self.operate(OperationKind::Subtract, &[a, b])
	}

	fn multiply(&mut self, a: ValueId, b: ValueId) -> ValueId {
		self.operate(OperationKind::Multiply, &[a, b])
	}

	fn scale(&mut self, a: ValueId, factor: f32) -> ValueId {
		self.operate(OperationKind::MultiplyScalar(factor.into()), &[a])
	}

	fn broadcast(&mut self, a: ValueId, shape: Shape) -> ValueId {
		self.operate(OperationKind::Broadcast { shape }, &[a])
	}
}

/// An optimiser with its constants.
#[derive(Clone, Copy, Debug)]
pub enum Optimiser {
	Sgd { rate: f32 },
	Momentum { rate: f32, momentum: f32 },
	Adam { rate: f32 },
}

/// A parameter, its gradient, and the optimiser's tensors for it.
struct Parameter {
	index: u16,
	value: ValueId,
	moments: Vec<(u16, ValueId)>,
}

/// The training step of a multi-layer perceptron: relu between layers, cross-entropy on the last one.
pub fn mlp(sizes: &[u32], batch: u32, population: u32, optimiser: Optimiser) -> Program {
	let mut b = Builder::default();
	let features = b.input(Source::Features, TensorType::f32([population, sizes[0]]));
	let labels = b.input(Source::Labels, TensorType::u32([population]));
	let seed = b.input(Source::Seed, TensorType::u32([8]));
	let position = b.input(Source::Position, TensorType::u32([2]));
	let mut layers = Vec::new();
	for pair in sizes.windows(2) {
		let bound = 1.0 / (pair[0] as f32).sqrt();
		let uniform = Initialiser::Uniform {
			low: (-bound).into(),
			high: bound.into(),
		};
		let weight = parameter(&mut b, vec![pair[0], pair[1]].into(), uniform, optimiser);
		let bias = parameter(&mut b, vec![pair[1]].into(), uniform, optimiser);
		layers.push((weight, bias));
	}
	let powers = match optimiser {
		Optimiser::Adam { .. } => {
			let one = Initialiser::Constant(1.0.into());
			vec![
				b.state(StateRole::Optimiser, [1], one),
				b.state(StateRole::Optimiser, [1], one),
			]
		}
		_ => vec![],
	};

	let rows = b.operate(
		OperationKind::BatchRows { population, batch },
		&[seed, position],
	);
	let x = b.operate(OperationKind::GatherRows, &[features, rows]);
	let y = b.operate(OperationKind::GatherRows, &[labels, rows]);
	let mut activations = vec![x];
	let mut masks = Vec::new();
	for (layer, (weight, bias)) in layers.iter().enumerate() {
		let z = linear(&mut b, activations[layer], weight.value, bias.value);
		if layer + 1 == layers.len() {
			activations.push(z);
			break;
		}
		let mask = b.operate(
			OperationKind::CompareScalar(Relation::LessEqual, 0.0.into()),
			&[z],
		);
		masks.push(mask);
		activations.push(b.operate(OperationKind::Fill(0.0.into()), &[mask, z]));
	}

	let classes = *sizes.last().expect("there are layers");
	let logits = activations[layers.len()];
	let shape = b.shape(logits);
	let greatest = b.operate(OperationKind::Max { axis: 1 }, &[logits]);
	let greatest = b.broadcast(greatest, shape.clone());
	let shifted = b.subtract(logits, greatest);
	let exponentials = b.operate(OperationKind::Exp, &[shifted]);
	let sum = b.operate(OperationKind::Sum { axis: 1 }, &[exponentials]);
	let log_sum = b.operate(OperationKind::Log, &[sum]);
	let log_sum = b.broadcast(log_sum, shape.clone());
	let log_probabilities = b.subtract(shifted, log_sum);
	let one_hot = b.operate(OperationKind::OneHot { classes }, &[y]);
	let chosen = b.multiply(one_hot, log_probabilities);
	let chosen = b.operate(
		OperationKind::Reshape {
			shape: [batch * classes].into(),
		},
		&[chosen],
	);
	let loss = b.operate(OperationKind::Sum { axis: 0 }, &[chosen]);
	let loss = b.scale(loss, -1.0 / batch as f32);
	b.output(Target::Loss, loss);

	let sum = b.broadcast(sum, shape);
	let probabilities = b.operate(OperationKind::Divide, &[exponentials, sum]);
	let gradient = b.subtract(probabilities, one_hot);
	let mut gradient = b.scale(gradient, 1.0 / batch as f32);
	let mut gradients = Vec::new();
	for (layer, (weight, _)) in layers.iter().enumerate().rev() {
		let of_weight = b.matmul(activations[layer], gradient, true, false);
		let of_bias = b.operate(OperationKind::Sum { axis: 0 }, &[gradient]);
		let bias_shape = [sizes[layer + 1]].into();
		let of_bias = b.operate(OperationKind::Reshape { shape: bias_shape }, &[of_bias]);
		gradients.push((of_weight, of_bias));
		if layer > 0 {
			let of_input = b.matmul(gradient, weight.value, false, true);
			gradient = b.operate(
				OperationKind::Fill(0.0.into()),
				&[masks[layer - 1], of_input],
			);
		}
	}
	let powers: Vec<(ValueId, u16)> = powers
		.iter()
		.zip([0.9, 0.999])
		.map(|((index, power), factor)| {
			let power = b.scale(*power, factor);
			b.output(Target::State(*index), power);
			(power, *index)
		})
		.collect();
	for ((weight, bias), (of_weight, of_bias)) in layers.iter().rev().zip(gradients) {
		update(&mut b, weight, of_weight, optimiser, &powers);
		update(&mut b, bias, of_bias, optimiser, &powers);
	}
	b.program
}

fn parameter(
	b: &mut Builder,
	shape: Shape,
	initial: Initialiser,
	optimiser: Optimiser,
) -> Parameter {
	let (index, value) = b.state(StateRole::Parameter, shape.clone(), initial);
	let moments = match optimiser {
		Optimiser::Sgd { .. } => 0,
		Optimiser::Momentum { .. } => 1,
		Optimiser::Adam { .. } => 2,
	};
	let zero = Initialiser::Constant(0.0.into());
	let moments = (0..moments)
		.map(|_| b.state(StateRole::Optimiser, shape.clone(), zero))
		.collect();
	Parameter {
		index,
		value,
		moments,
	}
}

fn linear(b: &mut Builder, x: ValueId, weight: ValueId, bias: ValueId) -> ValueId {
	let product = b.matmul(x, weight, false, false);
	let shape = b.shape(product);
	let row = Shape(vec![1, shape.0[1]]);
	let bias = b.operate(OperationKind::Reshape { shape: row }, &[bias]);
	let bias = b.broadcast(bias, shape);
	b.add(product, bias)
}

fn update(
	b: &mut Builder,
	parameter: &Parameter,
	gradient: ValueId,
	optimiser: Optimiser,
	powers: &[(ValueId, u16)],
) {
	let step = match optimiser {
		Optimiser::Sgd { rate } => b.scale(gradient, rate),
		Optimiser::Momentum { rate, momentum } => {
			let (index, velocity) = parameter.moments[0];
			let kept = b.scale(velocity, momentum);
			let velocity = b.add(kept, gradient);
			b.output(Target::State(index), velocity);
			b.scale(velocity, rate)
		}
		Optimiser::Adam { rate } => {
			let mut corrected = Vec::new();
			let square = b.multiply(gradient, gradient);
			let terms = [(0.9, gradient), (0.999, square)];
			for (((index, moment), (factor, term)), (power, _)) in
				parameter.moments.iter().zip(terms).zip(powers)
			{
				let kept = b.scale(*moment, factor);
				let fresh = b.scale(term, 1.0 - factor);
				let moment = b.add(kept, fresh);
				b.output(Target::State(*index), moment);
				let shape = b.shape(moment);
				let correction = b.scale(*power, -1.0);
				let correction = b.operate(OperationKind::AddScalar(1.0.into()), &[correction]);
				let correction = b.operate(OperationKind::Reciprocal, &[correction]);
				let ones = Shape(vec![1; shape.rank()]);
				let correction = b.operate(OperationKind::Reshape { shape: ones }, &[correction]);
				let correction = b.broadcast(correction, shape);
				corrected.push(b.multiply(moment, correction));
			}
			let root = b.operate(OperationKind::Sqrt, &[corrected[1]]);
			let root = b.operate(OperationKind::AddScalar(1e-8.into()), &[root]);
			let step = b.operate(OperationKind::Divide, &[corrected[0], root]);
			b.scale(step, rate)
		}
	};
	let new = b.subtract(parameter.value, step);
	b.output(Target::State(parameter.index), new);
}

/// The evaluation of such a perceptron on so many rows, for a state without an optimiser's tensors.
pub fn mlp_evaluation(sizes: &[u32], rows: u32) -> Program {
	let mut b = Builder::default();
	let features = b.input(Source::Features, TensorType::f32([rows, sizes[0]]));
	let labels = b.input(Source::Labels, TensorType::u32([rows]));
	let zero = Initialiser::Constant(0.0.into());
	let layers: Vec<(ValueId, ValueId)> = sizes
		.windows(2)
		.map(|pair| {
			let weight = b.state(StateRole::Parameter, [pair[0], pair[1]], zero).1;
			(weight, b.state(StateRole::Parameter, [pair[1]], zero).1)
		})
		.collect();
	let mut x = features;
	for (layer, (weight, bias)) in layers.iter().enumerate() {
		x = linear(&mut b, x, *weight, *bias);
		if layer + 1 < layers.len() {
			let mask = b.operate(
				OperationKind::CompareScalar(Relation::LessEqual, 0.0.into()),
				&[x],
			);
			x = b.operate(OperationKind::Fill(0.0.into()), &[mask, x]);
		}
	}
	let answers = b.operate(OperationKind::ArgMax { axis: 1 }, &[x]);
	let answers = b.operate(
		OperationKind::Reshape {
			shape: [rows].into(),
		},
		&[answers],
	);
	let right = b.operate(OperationKind::Compare(Relation::Equal), &[answers, labels]);
	let correct = b.operate(OperationKind::CountNonzero, &[right]);
	b.output(Target::Correct, correct);
	b.program
}

/// Reproducible numbers for tests and measurements (SplitMix64 of G. Steele, D. Lea and C. Flood).
pub struct Numbers(pub u64);

impl Numbers {
	pub fn word(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
		let mut word = self.0;
		word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
		word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
		word ^ (word >> 31)
	}

	/// A number below the bound.
	pub fn below(&mut self, bound: usize) -> usize {
		(self.word() % bound as u64) as usize
	}

	pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
		choices[self.below(choices.len())].clone()
	}

	/// A number in [-1, 1).
	pub fn unit(&mut self) -> f32 {
		(self.word() >> 40) as f32 / (1 << 23) as f32 - 1.0
	}

	/// A number of any kind: ordinary, extreme, any bits.
	pub fn nasty(&mut self) -> f32 {
		const EXTREME: [f32; 16] = [
			0.0,
			-0.0,
			1.0,
			-1.0,
			f32::INFINITY,
			f32::NEG_INFINITY,
			f32::NAN,
			f32::MAX,
			f32::MIN,
			f32::MIN_POSITIVE,
			1e-45,
			-1e-45,
			1e-40,
			88.72,
			-103.9,
			16_777_216.0,
		];
		match self.below(16) {
			0 => self.pick(&EXTREME),
			// Among them NaNs of all kinds.
			1 => f32::from_bits(self.word() as u32),
			2 => self.unit() * 1e-30,
			3 => self.unit() * 100.0,
			_ => self.unit(),
		}
	}

	/// A tensor of ordinary numbers.
	pub fn tensor(&mut self, shape: impl Into<Shape>) -> Tensor {
		self.tensor_of(shape, Numbers::unit)
	}

	/// A tensor of numbers of any kind.
	pub fn nasty_tensor(&mut self, shape: impl Into<Shape>) -> Tensor {
		self.tensor_of(shape, Numbers::nasty)
	}

	fn tensor_of(&mut self, shape: impl Into<Shape>, element: fn(&mut Self) -> f32) -> Tensor {
		let shape = shape.into();
		let count = shape.elements().expect("a small shape");
		let elements = (0..count).map(|_| element(self)).collect();
		Tensor::f32(shape, elements).expect("as many elements as the shape has")
	}

	/// Labels below the number of classes.
	pub fn labels(&mut self, count: u32, classes: u32) -> Tensor {
		let labels = (0..count)
			.map(|_| self.below(classes as usize) as u32)
			.collect();
		Tensor::u32([count], labels).expect("as many labels as the shape has")
	}
}
