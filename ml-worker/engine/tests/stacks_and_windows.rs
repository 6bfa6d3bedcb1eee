//! Every engine has the bits of the reference for products of stacks, windows over pictures, and what else models of
//! pictures and texts are made of.

mod engines;
mod programs;
mod trial;

use proptest::prelude::*;
use repops::{
	program::{Initialiser, OperationKind, Source, ValueId, Window},
	tensor::TensorType,
};
use trial::{config, Trial};

fn window() -> impl Strategy<Value = (Window, [u32; 4])> {
	let pair = |least: u32, most: u32| [least..=most, least..=most];
	let window = (pair(1, 5), pair(1, 3), pair(0, 3), pair(1, 2)).prop_map(
		|(kernel, stride, padding, dilation)| Window {
			kernel,
			stride,
			padding,
			dilation,
		},
	);
	let pictures = [1..5u32, 1..5, 1..40, 1..40];
	(window, pictures).prop_filter("no window", |(window, [_, _, height, width])| {
		window.window_count([*height, *width]).is_some()
	})
}

/// A product of stacks, of which the left or the right one may be a single matrix.
struct Stacks {
	kind: OperationKind,
	left: Vec<u32>,
	right: Vec<u32>,
}

fn stacks(trial: &mut Trial, is_sum: bool, marks: usize) -> Stacks {
	let [transpose_left, transpose_right] = [marks & 1 == 1, marks & 2 == 2];
	let stack = [trial.length(3), trial.length(7)];
	let [rows, columns] = [trial.length(100), trial.length(100)];
	let inner = trial.length(600_000 / (stack[0] * stack[1] * rows * columns) as usize + 1);
	let operand = |is_single: bool, turned: bool, [m, n]: [u32; 2]| {
		let matrix = if turned { [n, m] } else { [m, n] };
		match is_single {
			true => matrix.to_vec(),
			false => [stack, matrix].concat(),
		}
	};
	let single = if is_sum { 0 } else { marks >> 2 };
	let kind = match is_sum {
		true => OperationKind::MatMulSum {
			transpose_left,
			transpose_right,
		},
		false => OperationKind::MatMul {
			transpose_left,
			transpose_right,
		},
	};
	Stacks {
		kind,
		left: operand(single == 1, transpose_left, [rows, inner]),
		right: operand(single == 2, transpose_right, [inner, columns]),
	}
}

fn unfold(trial: &mut Trial, pictures: ValueId, window: Window) -> ValueId {
	let fill = 0.0.into();
	let kind = OperationKind::Unfold { window, fill };
	trial.builder.operate(kind, &[pictures])
}

fn reshape(trial: &mut Trial, value: ValueId, shape: &[u32]) -> ValueId {
	let shape = shape.to_vec().into();
	let kind = OperationKind::Reshape { shape };
	trial.builder.operate(kind, &[value])
}

proptest! {
	#![proptest_config(config(60))]

	#[test]
	fn products_of_stacks(seed: u64, marks in 0..12usize) {
		let mut trial = Trial::new(seed);
		let Stacks { kind, left, right } = stacks(&mut trial, false, marks);
		let operands = [trial.operand(left), trial.operand(right)];
		trial.finish_computation(kind, &operands);
	}

	/// With elementwise operations on the products, which are done with each part of them.
	#[test]
	fn products_of_stacks_with_a_tail(seed: u64, marks in 0..12usize) {
		let mut trial = Trial::new(seed);
		let Stacks { kind, left, right } = stacks(&mut trial, false, marks);
		let rank = left.len().max(right.len());
		let OperationKind::MatMul { transpose_left, .. } = kind else { unreachable!() };
		let rows = left[left.len() - if transpose_left { 1 } else { 2 }];
		let of_rows: Vec<u32> = (0..rank).map(|axis| if axis + 2 == rank { rows } else { 1 }).collect();
		let operands = [trial.operand(left), trial.operand(right)];
		let bias = trial.operand(of_rows);
		let product = trial.builder.operate(kind, &operands);
		let shape = trial.builder.shape(product);
		let bias = trial.builder.operate(OperationKind::Broadcast { shape }, &[bias]);
		let sum = trial.builder.operate(OperationKind::Add, &[product, bias]);
		trial.finish_computation(OperationKind::Tanh, &[sum]);
	}

	#[test]
	fn sums_of_products_of_stacks(seed: u64, marks in 0..4usize) {
		let mut trial = Trial::new(seed);
		let Stacks { kind, left, right } = stacks(&mut trial, true, marks);
		let operands = [trial.operand(left), trial.operand(right)];
		trial.finish_computation(kind, &operands);
	}

	#[test]
	fn what_windows_show((window, pictures) in window(), seed: u64) {
		let mut trial = Trial::new(seed);
		let operand = trial.operand(pictures);
		let fill = repops::number::canonical(trial.numbers.nasty()).into();
		trial.finish(OperationKind::Unfold { window, fill }, &[operand]);
	}

	#[test]
	fn pictures_from_windows((window, [n, c, height, width]) in window(), seed: u64) {
		let mut trial = Trial::new(seed);
		let size = [height, width];
		let windows = window.window_count(size).unwrap();
		let operand = trial.operand([n, c, window.positions().unwrap(), windows]);
		trial.finish_computation(OperationKind::Fold { window, size }, &[operand]);
	}

	#[test]
	fn greatest_in_windows_and_back((window, pictures) in window(), seed: u64) {
		for is_max in [true, false] {
			let mut trial = Trial::new(seed);
			let operand = trial.operand(pictures);
			let fill = f32::NEG_INFINITY.into();
			let unfolded = trial.builder.operate(OperationKind::Unfold { window, fill }, &[operand]);
			match is_max {
				true => { trial.finish_computation(OperationKind::Max { axis: 2 }, &[unfolded]); },
				false => { trial.finish(OperationKind::ArgMax { axis: 2 }, &[unfolded]); },
			}
		}
		let mut trial = Trial::new(seed);
		let [n, c, height, width] = pictures;
		let size = [height, width];
		let operand = trial.operand(pictures);
		let numbers = trial.operand([n, c, 1, window.window_count(size).unwrap()]);
		let fill = f32::NEG_INFINITY.into();
		let unfolded = trial.builder.operate(OperationKind::Unfold { window, fill }, &[operand]);
		let chosen = trial.builder.operate(OperationKind::ArgMax { axis: 2 }, &[unfolded]);
		trial.finish_computation(OperationKind::Unpool { window, size }, &[numbers, chosen]);
	}

	/// A convolution, its gradients, and each of them with an unfolded operand that is also used otherwise.
	#[test]
	fn convolutions((window, [n, c, height, width]) in window(), seed: u64, filters in 1..20u32, shared: bool) {
		let size = [height, width];
		let (positions, windows) = (window.positions().unwrap(), window.window_count(size).unwrap());
		let rows = c * positions;
		let operand = |trial: &mut Trial, pictures| {
			let unfolded = unfold(trial, pictures, window);
			reshape(trial, unfolded, &[n, rows, windows])
		};
		let keep = |trial: &mut Trial, value| if shared {
			let copy = trial.builder.operate(OperationKind::Exp, &[value]);
			trial.keep(copy);
		};
		let plain = OperationKind::MatMul { transpose_left: false, transpose_right: false };
		let mut trial = Trial::new(seed);
		let [weights, pictures] = [trial.operand([filters, rows]), trial.operand([n, c, height, width])];
		let unfolded = operand(&mut trial, pictures);
		keep(&mut trial, unfolded);
		trial.finish_computation(plain, &[weights, unfolded]);

		let mut trial = Trial::new(seed);
		let [gradient, pictures] = [trial.operand([n, filters, windows]), trial.operand([n, c, height, width])];
		let unfolded = operand(&mut trial, pictures);
		keep(&mut trial, unfolded);
		let of_weights = OperationKind::MatMulSum { transpose_left: false, transpose_right: true };
		trial.finish_computation(of_weights, &[gradient, unfolded]);

		let mut trial = Trial::new(seed);
		let (weights, gradient) = (trial.operand([filters, rows]), trial.operand([n, filters, windows]));
		let turned = OperationKind::MatMul { transpose_left: true, transpose_right: false };
		let product = trial.builder.operate(turned, &[weights, gradient]);
		keep(&mut trial, product);
		let product = reshape(&mut trial, product, &[n, c, positions, windows]);
		trial.finish_computation(OperationKind::Fold { window, size }, &[product]);
	}

	#[test]
	fn axes_in_another_order(seed: u64, rank in 1..5usize) {
		let mut trial = Trial::new(seed);
		let mut bound = 100_000;
		let shape: Vec<u32> = (0..rank).map(|_| {
			let length = trial.length(bound);
			bound /= length as usize;
			length
		}).collect();
		let mut axes: Vec<u8> = (0..rank as u8).collect();
		for at in 1..rank {
			axes.swap(at, trial.numbers.below(at + 1));
		}
		let operand = trial.operand(shape);
		trial.finish(OperationKind::Permute { axes }, &[operand]);
	}

	#[test]
	fn parts(seed: u64, rank in 1..5usize) {
		let mut trial = Trial::new(seed);
		let mut bound = 20_000;
		let (mut whole, mut starts, mut part) = (vec![], vec![], vec![]);
		for _ in 0..rank {
			let length = trial.length(bound);
			bound /= length as usize;
			let start = trial.numbers.below(length as usize) as u32;
			let of = trial.numbers.below(3);
			let (start, of) = if of == 0 { (0, length) } else { (start, 1 + trial.numbers.below((length - start) as usize) as u32) };
			whole.push(length);
			starts.push(start);
			part.push(of);
		}
		let operand = trial.operand(whole.clone());
		trial.finish(OperationKind::Slice { starts: starts.clone(), shape: part.clone().into() }, &[operand]);
		let mut trial = Trial::new(seed);
		let operands = [trial.operand(whole), trial.operand(part)];
		trial.finish(OperationKind::Insert { starts }, &operands);
	}

	#[test]
	fn rows_that_are_added_up(seed: u64, rows in 1..80u32) {
		let mut trial = Trial::new(seed);
		let count = trial.length(600);
		let indices = trial.integers(count, rows + 2);
		let width = trial.length(200);
		let table = trial.operand([count, width]);
		trial.finish_computation(OperationKind::ScatterRows { rows }, &[table, indices]);
	}

	#[test]
	fn random_tensors(seed: u64, stream in 0..3u32, which in 0..3usize) {
		let mut trial = Trial::new(seed);
		let seed = trial.builder.input(Source::Seed, TensorType::u32([8]));
		let position = trial.builder.input(Source::Position, TensorType::u32([2]));
		let distribution = [
			Initialiser::Constant(2.0.into()),
			Initialiser::Uniform { low: (-1.0).into(), high: 0.5.into() },
			Initialiser::Normal { mean: 0.5.into(), deviation: 2.0.into() },
		][which];
		let shape = [trial.length(100), trial.length(70)].into();
		trial.finish(OperationKind::Random { stream, shape, distribution }, &[seed, position]);
	}

	#[test]
	fn indices_and_conversions(seed: u64, axis in 0..3u8) {
		let mut trial = Trial::new(seed);
		let shape: [u32; 3] = std::array::from_fn(|_| trial.length(20));
		trial.finish(OperationKind::Iota { shape: shape.into(), axis }, &[]);
		for kind in [OperationKind::ToInteger, OperationKind::Erf] {
			let mut trial = Trial::new(seed);
			let operand = trial.operand(shape);
			trial.finish_computation(kind, &[operand]);
		}
		let mut trial = Trial::new(seed);
		let integers = trial.integers(300, u32::MAX);
		trial.finish_computation(OperationKind::ToNumber, &[integers]);
	}

	#[test]
	fn places_of_the_greatest_along_any_axis(seed: u64, axis in 0..3u8) {
		let mut trial = Trial::new(seed);
		let shape: [u32; 3] = std::array::from_fn(|_| trial.length(33));
		let operand = trial.operand(shape);
		trial.finish(OperationKind::ArgMax { axis }, &[operand]);
	}
}
