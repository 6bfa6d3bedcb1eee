//! Every engine has the bits of the reference: each operation, on odd shapes and on numbers of every kind.

mod engines;
mod programs;
mod trial;

use engines::assert_conforms;
use programs::{Builder, Numbers};
use proptest::prelude::*;
use repops::{
	check::Role,
	interpret::Bindings,
	program::{OperationKind, Relation, Source, Target},
	tensor::TensorType,
};
use trial::{config, Trial};

const RELATIONS: [Relation; 6] = [
	Relation::Equal,
	Relation::NotEqual,
	Relation::Less,
	Relation::LessEqual,
	Relation::Greater,
	Relation::GreaterEqual,
];

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
		trial.finish(OperationKind::ArgMax { axis: 1 }, &[operand]);
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
		trial.finish(OperationKind::Permute { axes: vec![1, 0] }, &[operand]);
		// Before a matrix product a transposition is only a mark.
		let mut trial = Trial::new(seed);
		let shape = [shape[0].min(65), shape[1].min(65)];
		let operands = [trial.operand(shape), trial.operand(shape)];
		let transposed = trial.builder.operate(OperationKind::Permute { axes: vec![1, 0] }, &operands[..1]);
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
