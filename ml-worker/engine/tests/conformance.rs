//! Every engine has the bits of the reference: each operation, on odd shapes and on numbers of every kind.

mod engines;
mod programs;

use engines::{assert_conforms, assert_steps_conform};
use programs::{Builder, Numbers};
use proptest::prelude::*;
use repops::{
	check::Role,
	interpret::{self, Bindings, Outputs},
	program::{Initialiser, OperationKind, Relation, Source, StateRole, Target, ValueId},
	random::Seed,
	tensor::{DType, Shape, Tensor, TensorType},
};

const RELATIONS: [Relation; 6] = [
	Relation::Equal,
	Relation::NotEqual,
	Relation::Less,
	Relation::LessEqual,
	Relation::Greater,
	Relation::GreaterEqual,
];

const ZERO: Initialiser = Initialiser::Constant(repops::program::Bits(0));

/// Lengths around those of tiles, vectors, chunks and blocks.
const LENGTHS: [u32; 24] = [
	1, 2, 3, 5, 6, 7, 8, 10, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100, 130, 255, 256, 257, 300, 530,
];

fn config(cases: u32) -> ProptestConfig {
	ProptestConfig {
		cases,
		failure_persistence: None,
		..ProptestConfig::default()
	}
}

/// A program under test: one operation on state tensors and labels.
struct Trial {
	numbers: Numbers,
	builder: Builder,
	state: Vec<Tensor>,
	features: Option<Tensor>,
	labels: Option<Tensor>,
}

impl Trial {
	fn new(seed: u64) -> Self {
		Trial {
			numbers: Numbers(seed),
			builder: Builder::default(),
			state: vec![],
			features: None,
			labels: None,
		}
	}

	/// A random length such that the product of all is at most `bound`.
	fn length(&mut self, bound: usize) -> u32 {
		let fitting: Vec<u32> = LENGTHS
			.into_iter()
			.filter(|length| *length as usize <= bound)
			.collect();
		self.numbers.pick(&fitting)
	}

	/// A state tensor of numbers of every kind, sometimes equal to an earlier one.
	fn operand(&mut self, shape: impl Into<Shape>) -> ValueId {
		let shape = shape.into();
		let earlier = self
			.state
			.iter()
			.find(|tensor| tensor.shape == shape)
			.cloned();
		let tensor = match earlier {
			Some(mut earlier) if self.numbers.below(2) == 0 => {
				if let repops::tensor::Elements::F32(elements) = &mut earlier.elements {
					elements
						.iter_mut()
						.step_by(3)
						.for_each(|element| *element = self.numbers.nasty());
				}
				earlier
			}
			_ => self.numbers.nasty_tensor(shape.clone()),
		};
		self.state.push(tensor);
		let (index, value) = self.builder.state(StateRole::Parameter, shape, ZERO);
		self.builder.output(Target::State(index), value);
		value
	}

	/// A tensor of integers below the bound.
	fn integers(&mut self, count: u32, bound: u32) -> ValueId {
		self.labels = Some(self.numbers.labels(count, bound));
		self.builder.input(Source::Labels, TensorType::u32([count]))
	}

	/// [`Self::finish`] for an operation that computes: no engine and no reference makes another NaN than the
	/// one, whatever the compiler thinks of NaNs.
	fn finish_computation(self, kind: OperationKind, operands: &[ValueId]) {
		let outputs = self.finish(kind, operands);
		let result = outputs
			.state
			.last()
			.expect("the result is the last state tensor");
		let foreign =
			|bits: &u32| f32::from_bits(*bits).is_nan() && *bits != repops::number::NAN.to_bits();
		assert_eq!(
			result.bits().find(foreign),
			None,
			"a NaN that is not the one"
		);
	}

	/// Compares the operation's result with the reference's.
	fn finish(mut self, kind: OperationKind, operands: &[ValueId]) -> Outputs {
		let result = self.builder.operate(kind, operands);
		let result = match self.builder.types[result as usize].dtype {
			DType::F32 => result,
			// Integers below 600 are told apart by this.
			DType::U32 => {
				let count = self
					.builder
					.shape(result)
					.elements()
					.expect("a small shape") as u32;
				let row = self.builder.operate(
					OperationKind::Reshape {
						shape: [count].into(),
					},
					&[result],
				);
				self.builder
					.operate(OperationKind::OneHot { classes: 600 }, &[row])
			}
		};
		let shape = self.builder.shape(result);
		let target = self
			.builder
			.declare(StateRole::Parameter, shape.clone(), ZERO);
		self.builder.output(Target::State(target), result);
		self.state.push(self.numbers.tensor(shape));
		let loss = OperationKind::Constant {
			shape: [1].into(),
			value: 0.5.into(),
		};
		let loss = self.builder.operate(loss, &[]);
		self.builder.output(Target::Loss, loss);
		let bindings = Bindings {
			state: &self.state,
			features: self.features.as_ref(),
			labels: self.labels.as_ref(),
			seed: Seed([self.numbers.word() as u8; 32]),
			position: self.numbers.word() >> self.numbers.below(64),
			..Bindings::default()
		};
		let checked = self.builder.check(Role::Step);
		let bindings = Bindings {
			position: bindings.position.min(u64::MAX - 9),
			..bindings
		};
		assert_steps_conform(&checked, &bindings, 1);
		interpret::run(&checked, &bindings).expect("everything is given")
	}
}

proptest! {
	#![proptest_config(config(96))]

	#[test]
	fn matrix_products(seed: u64, transpose_left: bool, transpose_right: bool) {
		let mut trial = Trial::new(seed);
		// The largest are shared out among threads, or take several passes.
		let work = 3_000_000;
		let m = trial.length(work);
		let k = trial.length(work / m as usize);
		let n = trial.length(work / (m * k) as usize);
		let left = trial.operand(if transpose_left { [k, m] } else { [m, k] });
		let right = trial.operand(if transpose_right { [n, k] } else { [k, n] });
		trial.finish_computation(OperationKind::MatMul { transpose_left, transpose_right }, &[left, right]);
	}

	#[test]
	fn two_operands(seed: u64, which in 0..4usize) {
		let mut trial = Trial::new(seed);
		let shape = [trial.length(300), trial.length(300)];
		let operands = [trial.operand(shape), trial.operand(shape)];
		let kinds =
			[OperationKind::Add, OperationKind::Subtract, OperationKind::Multiply, OperationKind::Divide];
		trial.finish_computation(kinds[which].clone(), &operands);
	}

	#[test]
	fn one_operand(seed: u64, which in 0..7usize) {
		let mut trial = Trial::new(seed);
		let shape = [trial.length(300), trial.length(300)];
		let operand = trial.operand(shape);
		let constant = repops::number::canonical(trial.numbers.nasty()).into();
		let kinds = [
			OperationKind::AddScalar(constant),
			OperationKind::MultiplyScalar(constant),
			OperationKind::Reciprocal,
			OperationKind::Exp,
			OperationKind::Log,
			OperationKind::Sqrt,
			OperationKind::Tanh,
		];
		trial.finish_computation(kinds[which].clone(), &[operand]);
	}

	#[test]
	fn comparisons(seed: u64, relation in 0..6usize) {
		let mut trial = Trial::new(seed);
		let shape = [trial.length(80), 7];
		let operands = [trial.operand(shape), trial.operand(shape)];
		trial.finish(OperationKind::Compare(RELATIONS[relation]), &operands);
		let mut trial = Trial::new(seed);
		let operand = trial.operand(shape);
		let constant = repops::number::canonical(trial.numbers.nasty()).into();
		trial.finish(OperationKind::CompareScalar(RELATIONS[relation], constant), &[operand]);
		// Integers.
		let mut trial = Trial::new(seed);
		let count = trial.length(600);
		let labels = trial.integers(count, 3);
		let reversed = trial.operand([count]);
		let ones = trial.builder.operate(OperationKind::CompareScalar(Relation::Less, 0.0.into()), &[reversed]);
		trial.finish(OperationKind::Compare(RELATIONS[relation]), &[labels, ones]);
	}

	#[test]
	fn choices(seed: u64) {
		let mut trial = Trial::new(seed);
		let count = trial.length(600);
		let operands = [trial.integers(count, 3), trial.operand([count]), trial.operand([count])];
		trial.finish(OperationKind::Select, &operands);
		let mut trial = Trial::new(seed);
		let operands = [trial.integers(count, 3), trial.operand([count])];
		let constant = repops::number::canonical(trial.numbers.nasty()).into();
		trial.finish(OperationKind::Fill(constant), &operands);
	}

	#[test]
	fn reductions(seed: u64, axis in 0..3u8, which in 0..2usize) {
		let mut trial = Trial::new(seed);
		let mut shape = [1; 3];
		let mut bound = 100_000;
		for place in [usize::from(axis), (usize::from(axis) + 1) % 3, (usize::from(axis) + 2) % 3] {
			shape[place] = trial.length(bound);
			bound /= shape[place] as usize;
		}
		let operand = trial.operand(shape);
		let kinds = [OperationKind::Sum { axis }, OperationKind::Max { axis }];
		trial.finish_computation(kinds[which].clone(), &[operand]);
	}

	#[test]
	fn places_of_the_greatest(seed: u64) {
		let mut trial = Trial::new(seed);
		let shape = [trial.length(100), trial.length(600)];
		let operand = trial.operand(shape);
		trial.finish(OperationKind::ArgMax, &[operand]);
	}

	#[test]
	fn gathered_rows(seed: u64) {
		let mut trial = Trial::new(seed);
		let (rows, columns) = (trial.length(300), trial.length(300));
		// A row may be asked for that is not there.
		let indices = trial.integers(trial.numbers.0 as u32 % 300 + 1, rows + 2);
		let table = trial.operand([rows, columns, 2]);
		trial.finish(OperationKind::GatherRows, &[table, indices]);
	}

	#[test]
	fn batches(seed: u64, population in 1..600u32, batch in 1..70u32) {
		let mut trial = Trial::new(seed);
		let seed = trial.builder.input(Source::Seed, TensorType::u32([8]));
		let position = trial.builder.input(Source::Position, TensorType::u32([2]));
		trial.finish(OperationKind::BatchRows { population, batch }, &[seed, position]);
	}

	#[test]
	fn repeated_axes(seed: u64, repeated in 0..16usize) {
		let mut trial = Trial::new(seed);
		let to: [u32; 4] = std::array::from_fn(|_| trial.length(17));
		let from: [u32; 4] = std::array::from_fn(|axis| if repeated >> axis & 1 == 1 { 1 } else { to[axis] });
		let operand = trial.operand(from);
		trial.finish(OperationKind::Broadcast { shape: to.into() }, &[operand]);
		// As an operand of an elementwise operation it is read by a pattern.
		let mut trial = Trial::new(seed);
		let operands = [trial.operand(from), trial.operand(to)];
		let broadcast = trial.builder.operate(OperationKind::Broadcast { shape: to.into() }, &operands[..1]);
		trial.finish(OperationKind::Subtract, &[operands[1], broadcast]);
	}

	#[test]
	fn one_hot_rows(seed: u64, classes in 1..20u32) {
		let mut trial = Trial::new(seed);
		let count = trial.length(300);
		let labels = trial.integers(count, classes + 2);
		trial.finish(OperationKind::OneHot { classes }, &[labels]);
	}

	#[test]
	fn transpositions(seed: u64) {
		let mut trial = Trial::new(seed);
		let shape = [trial.length(300), trial.length(300)];
		let operand = trial.operand(shape);
		trial.finish(OperationKind::Transpose, &[operand]);
		// Before a matrix product a transposition is only a mark.
		let mut trial = Trial::new(seed);
		let shape = [shape[0].min(65), shape[1].min(65)];
		let operands = [trial.operand(shape), trial.operand(shape)];
		let transposed = trial.builder.operate(OperationKind::Transpose, &operands[..1]);
		let kind = OperationKind::MatMul { transpose_left: false, transpose_right: false };
		trial.finish(kind, &[transposed, operands[1]]);
	}

	#[test]
	fn counts(seed: u64, count in 1..2000u32) {
		let mut numbers = Numbers(seed);
		let mut b = Builder::default();
		let labels = b.input(Source::Labels, TensorType::u32([count]));
		let result = b.operate(OperationKind::CountNonzero, &[labels]);
		b.output(Target::Correct, result);
		let labels = numbers.labels(count, 3);
		assert_conforms(&b.check(Role::Evaluate), &Bindings { labels: Some(&labels), ..Bindings::default() });
	}
}
