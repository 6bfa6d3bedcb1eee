//! An operation under test: every engine against the reference.
#![allow(
	dead_code,
	unreachable_pub,
	reason = "each test that includes this file uses a part of it"
)]

use crate::{
	engines::{assert_observed, assert_steps_conform},
	programs::{Builder, Numbers},
};
use proptest::prelude::*;
use repops::{
	check::Role,
	interpret::{self, Bindings, Outputs},
	program::{Initialiser, OperationKind, Source, StateRole, Target, ValueId},
	random::Seed,
	tensor::{DType, Shape, Tensor, TensorType},
};

pub const ZERO: Initialiser = Initialiser::Constant(repops::program::Bits(0));

/// Lengths around those of tiles, vectors, chunks and blocks.
pub const LENGTHS: [u32; 24] = [
	1, 2, 3, 5, 6, 7, 8, 10, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100, 130, 255, 256, 257, 300, 530,
];

pub fn config(cases: u32) -> ProptestConfig {
	ProptestConfig {
		cases,
		failure_persistence: None,
		..ProptestConfig::default()
	}
}

/// A program under test: one operation on state tensors and labels.
pub struct Trial {
	pub numbers: Numbers,
	pub builder: Builder,
	state: Vec<Tensor>,
	features: Option<Tensor>,
	labels: Option<Tensor>,
	/// Whether all numbers are ordinary: in a long sum a NaN hides what else is wrong.
	is_calm: bool,
}

impl Trial {
	pub fn new(seed: u64) -> Self {
		Trial {
			numbers: Numbers(seed),
			builder: Builder::default(),
			state: vec![],
			features: None,
			labels: None,
			is_calm: seed.is_multiple_of(2),
		}
	}

	/// A random length such that the product of all is at most `bound`.
	pub fn length(&mut self, bound: usize) -> u32 {
		let fitting: Vec<u32> = LENGTHS
			.into_iter()
			.filter(|length| *length as usize <= bound)
			.collect();
		self.numbers.pick(&fitting)
	}

	/// A state tensor of numbers of every kind, sometimes equal to an earlier one.
	pub fn operand(&mut self, shape: impl Into<Shape>) -> ValueId {
		let shape = shape.into();
		let earlier = self
			.state
			.iter()
			.find(|tensor| tensor.shape == shape)
			.cloned();
		let tensor = match earlier {
			Some(mut earlier) if !self.is_calm && self.numbers.below(2) == 0 => {
				if let repops::tensor::Elements::F32(elements) = &mut earlier.elements {
					elements
						.iter_mut()
						.step_by(3)
						.for_each(|element| *element = self.numbers.nasty());
				}
				earlier
			}
			_ if self.is_calm => self.numbers.tensor(shape.clone()),
			_ => self.numbers.nasty_tensor(shape.clone()),
		};
		self.state.push(tensor);
		let (index, value) = self.builder.state(StateRole::Parameter, shape, ZERO);
		self.builder.output(Target::State(index), value);
		value
	}

	/// A tensor of integers below the bound.
	pub fn integers(&mut self, count: u32, bound: u32) -> ValueId {
		self.labels = Some(self.numbers.labels(count, bound));
		self.builder.input(Source::Labels, TensorType::u32([count]))
	}

	/// [`Self::finish`] for an operation that computes: no engine and no reference makes another NaN than the
	/// one, whatever the compiler thinks of NaNs.
	pub fn finish_computation(self, kind: OperationKind, operands: &[ValueId]) {
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

	/// Makes a value state, so that it is compared too.
	pub fn keep(&mut self, value: ValueId) {
		let shape = self.builder.shape(value);
		let target = self
			.builder
			.declare(StateRole::Parameter, shape.clone(), ZERO);
		self.builder.output(Target::State(target), value);
		self.state.push(self.numbers.tensor(shape));
	}

	/// Compares the operation's result with the reference's.
	pub fn finish(mut self, kind: OperationKind, operands: &[ValueId]) -> Outputs {
		let result = self.builder.operate(kind, operands);
		let result = match self.builder.types[result as usize].dtype {
			DType::F32 => result,
			DType::U32 => self.builder.operate(OperationKind::ToNumber, &[result]),
		};
		self.keep(result);
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
		assert_observed(&checked, &bindings);
		interpret::run(&checked, &bindings).expect("everything is given")
	}
}
