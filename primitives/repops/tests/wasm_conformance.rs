//! The same bits in wasm as natively: the arithmetic is compiled without `std` for the runtime's target, run as
//! the node runs it, and asked what it makes of numbers, tensors and a training.

extern crate alloc;

#[path = "wasm/host.rs"]
mod host;
#[path = "wasm/questions.rs"]
mod questions;
mod support;

use host::Wasm;
use questions::{answer, Question, Scalar, Values};
use repops::{
	commit::Hash,
	program::{Initialiser, OperationKind, Program, Relation, Window},
	tensor::{Shape, Tensor, TensorType},
};
use support::{clusters, golden, hex, mlp, sample, Words, NASTY};

fn words(bytes: &[u8]) -> Vec<u32> {
	let words = bytes.as_chunks::<4>().0;
	words.iter().copied().map(u32::from_le_bytes).collect()
}

#[track_caller]
fn assert_same_at(scalar: Scalar, arguments: &[u32], found: &[u8]) {
	let expected = answer(&Question::Scalar(scalar, arguments.to_vec()));
	if expected == found {
		return;
	}
	let (found, expected) = (words(found), words(&expected));
	assert_eq!(found.len(), expected.len());
	let at = (0..found.len()).find(|at| found[*at] != expected[*at]);
	let at = at.unwrap();
	let following: Vec<String> = (at..at + 3)
		.map(|at| format!("{:08x}", arguments[at % arguments.len()]))
		.collect();
	panic!(
		"{scalar:?} of {following:?} is {:08x} in wasm and {:08x} natively",
		found[at], expected[at]
	);
}

const SCALARS: [Scalar; 14] = [
	Scalar::Add,
	Scalar::Subtract,
	Scalar::Multiply,
	Scalar::Divide,
	Scalar::Sqrt,
	Scalar::Fma,
	Scalar::FusedInSoftware,
	Scalar::Exp,
	Scalar::Log,
	Scalar::Tanh,
	Scalar::Erf,
	Scalar::Canonical,
	Scalar::Uniform,
	Scalar::StandardNormal,
];

#[test]
fn functions_of_numbers_have_the_native_bits() {
	let mut wasm = Wasm::new();
	let mut random = Words::new(11);
	// All pairs of numbers at which implementations differ, each followed by any third; then any bits, near
	// numbers, and both mixed.
	let nasty = NASTY.into_iter().flat_map(|a| NASTY.map(|b| [a, b]));
	let mut arguments: Vec<u32> = nasty.flat_map(|[a, b]| [a, b, random.bits()]).collect();
	arguments.extend((0..400_000).map(|_| random.next()));
	arguments.extend((0..400_000).map(|_| random.number().to_bits()));
	arguments.extend((0..200_000).map(|_| random.bits()));
	for scalar in SCALARS {
		let found = wasm.answer(&Question::Scalar(scalar, arguments.clone()));
		assert_same_at(scalar, &arguments, &found);
	}
}

#[test]
fn functions_have_the_golden_bits() {
	let arguments: Vec<u32> = sample().map(f32::to_bits).collect();
	let hash = |scalar: Scalar| {
		let mut wasm = Wasm::new();
		let mut hasher = blake3::Hasher::new();
		for arguments in arguments.chunks(1 << 20) {
			hasher.update(&wasm.answer(&Question::Scalar(scalar, arguments.to_vec())));
		}
		hex(hasher.finalize().as_bytes())
	};
	assert_eq!(
		[Scalar::Exp, Scalar::Log, Scalar::Tanh, Scalar::Erf].map(hash),
		golden::FUNCTIONS
	);
}

/// A tensor with numbers at which implementations differ.
fn floats(words: &mut Words, shape: impl Into<Shape>) -> Values {
	let shape = shape.into();
	let count = shape.elements().unwrap() as usize;
	let numbers = words.spiced(count, 7);
	Values {
		bits: numbers.into_iter().map(f32::to_bits).collect(),
		kind: TensorType::f32(shape),
	}
}

fn integers(words: &mut Words, shape: impl Into<Shape>, below: u32) -> Values {
	let shape = shape.into();
	let count = shape.elements().unwrap();
	Values {
		bits: (0..count).map(|_| words.below(below)).collect(),
		kind: TensorType::u32(shape),
	}
}

fn values(tensor: &Tensor) -> Values {
	Values {
		kind: tensor.kind(),
		bits: tensor.bits().collect(),
	}
}

/// Every operation, on sizes that are no multiples of tiles, chunks or lanes.
fn operations() -> Vec<(OperationKind, Vec<Values>)> {
	use OperationKind::*;
	let words = &mut Words::new(12);
	let constant = f32::from_bits(0x0000_0003).into();
	let mut cases = vec![
		(Add, vec![floats(words, [37, 45]), floats(words, [37, 45])]),
		(
			Subtract,
			vec![floats(words, [37, 45]), floats(words, [37, 45])],
		),
		(
			Multiply,
			vec![floats(words, [37, 45]), floats(words, [37, 45])],
		),
		(
			Divide,
			vec![floats(words, [37, 45]), floats(words, [37, 45])],
		),
		(AddScalar(constant), vec![floats(words, [999])]),
		(MultiplyScalar(constant), vec![floats(words, [999])]),
		(Reciprocal, vec![floats(words, [999])]),
		(Exp, vec![floats(words, [999])]),
		(Log, vec![floats(words, [999])]),
		(Sqrt, vec![floats(words, [999])]),
		(Tanh, vec![floats(words, [999])]),
		(
			Select,
			vec![
				integers(words, [9, 50], 2),
				floats(words, [9, 50]),
				floats(words, [9, 50]),
			],
		),
		(
			Fill(constant),
			vec![integers(words, [9, 50], 2), floats(words, [9, 50])],
		),
		(
			Broadcast {
				shape: [3, 5, 7].into(),
			},
			vec![floats(words, [3, 1, 7])],
		),
		(OneHot { classes: 11 }, vec![integers(words, [50], 13)]),
		(CountNonzero, vec![integers(words, [50, 50], 3)]),
		(
			Reshape {
				shape: [10, 9].into(),
			},
			vec![floats(words, [6, 15])],
		),
		(Permute { axes: vec![1, 0] }, vec![floats(words, [35, 70])]),
		(
			Constant {
				shape: [5, 5].into(),
				value: constant,
			},
			vec![],
		),
		(
			GatherRows,
			vec![floats(words, [20, 3, 5]), integers(words, [31], 24)],
		),
		(
			BatchRows {
				population: 1000,
				batch: 300,
			},
			vec![integers(words, [8], u32::MAX), integers(words, [2], 9)],
		),
	];
	cases.extend(moved_and_made(words));
	cases.extend(windows(words));
	for (transpose_left, transpose_right) in
		[(false, false), (true, false), (false, true), (true, true)]
	{
		let kind = MatMul {
			transpose_left,
			transpose_right,
		};
		let turned = |turn, rows, columns| {
			if turn {
				[columns, rows]
			} else {
				[rows, columns]
			}
		};
		// Long enough for three chunks; once without numbers that make most results NaN.
		let (left, right) = (
			turned(transpose_left, 19, 600),
			turned(transpose_right, 600, 21),
		);
		let nasty = vec![floats(words, left), floats(words, right)];
		let calm = [left, right].map(|shape: [u32; 2]| {
			let count = (shape[0] * shape[1]) as usize;
			values(&Tensor::f32(shape, words.numbers(count)).unwrap())
		});
		cases.extend([(kind.clone(), nasty), (kind.clone(), calm.to_vec())]);
		// Stacks of matrices: each for itself, with a single one, and all in one sum.
		let stack = |[rows, columns]: [u32; 2]| [3, rows, columns];
		let (left, right) = (
			turned(transpose_left, 5, 130),
			turned(transpose_right, 130, 7),
		);
		let stacks = vec![floats(words, stack(left)), floats(words, stack(right))];
		let sum = MatMulSum {
			transpose_left,
			transpose_right,
		};
		cases.extend([
			(kind.clone(), stacks.clone()),
			(
				kind.clone(),
				vec![floats(words, left), floats(words, stack(right))],
			),
			(kind, vec![floats(words, stack(left)), floats(words, right)]),
			(sum, stacks),
		]);
	}
	for axis in 0..3 {
		for kind in [Sum { axis }, Max { axis }, ArgMax { axis }] {
			let mut shape = [4, 5, 6];
			shape[usize::from(axis)] = 300;
			let count = shape.iter().product::<u32>() as usize;
			let calm = values(&Tensor::f32(shape, words.numbers(count)).unwrap());
			cases.extend([
				(kind.clone(), vec![floats(words, shape)]),
				(kind, vec![calm]),
			]);
		}
	}
	for relation in [
		Relation::Equal,
		Relation::NotEqual,
		Relation::Less,
		Relation::LessEqual,
		Relation::Greater,
		Relation::GreaterEqual,
	] {
		let nasty = || Values {
			kind: TensorType::f32([24, 24]),
			bits: NASTY.into_iter().flat_map(|a| [a; 24]).collect(),
		};
		let turned = Values {
			bits: [NASTY; 24].concat(),
			..nasty()
		};
		cases.push((Compare(relation), vec![nasty(), turned]));
		let (left, right) = (integers(words, [99], 3), integers(words, [99], 3));
		cases.push((Compare(relation), vec![left, right]));
		cases.push((CompareScalar(relation, (-0.0).into()), vec![nasty()]));
	}
	cases
}

/// Elements that are moved, added up where they meet, or made of a seed or an index.
fn moved_and_made(words: &mut Words) -> Vec<(OperationKind, Vec<Values>)> {
	use OperationKind::*;
	let random = |distribution| Random {
		stream: 3,
		shape: [9, 111].into(),
		distribution,
	};
	let mut cases = vec![
		(Erf, vec![floats(words, [999])]),
		(ToInteger, vec![floats(words, [999])]),
		(ToNumber, vec![integers(words, [999], u32::MAX)]),
		(
			Permute {
				axes: vec![2, 0, 3, 1],
			},
			vec![floats(words, [3, 5, 7, 2])],
		),
		(
			Slice {
				starts: vec![1, 0, 3],
				shape: [3, 5, 3].into(),
			},
			vec![floats(words, [5, 5, 7])],
		),
		(
			Insert {
				starts: vec![1, 0, 3],
			},
			vec![floats(words, [5, 5, 7]), floats(words, [3, 5, 3])],
		),
		(
			ScatterRows { rows: 9 },
			vec![floats(words, [70, 3, 5]), integers(words, [70], 11)],
		),
		(
			Select,
			vec![
				integers(words, [99], 2),
				integers(words, [99], 9),
				integers(words, [99], 9),
			],
		),
		(
			Broadcast {
				shape: [9, 4].into(),
			},
			vec![integers(words, [9, 1], 9)],
		),
	];
	for axis in 0..3 {
		let shape = [6, 7, 8].into();
		cases.push((Iota { shape, axis }, vec![]));
	}
	for distribution in [
		Initialiser::Constant(0.3.into()),
		Initialiser::Uniform {
			low: (-1.0).into(),
			high: 3.0.into(),
		},
		Initialiser::Normal {
			mean: 0.1.into(),
			deviation: 2.0.into(),
		},
	] {
		let seed = integers(words, [8], u32::MAX);
		let position = integers(words, [2], u32::MAX);
		cases.push((random(distribution), vec![seed, position]));
	}
	cases
}

/// Windows with and without padding, distances and gaps.
fn windows(words: &mut Words) -> Vec<(OperationKind, Vec<Values>)> {
	use OperationKind::*;
	let mut cases = Vec::new();
	for (stride, padding, dilation) in [
		([1, 1], [0, 0], [1, 1]),
		([2, 3], [1, 2], [1, 1]),
		([1, 2], [3, 0], [2, 3]),
	] {
		let window = Window {
			kernel: [3, 2],
			stride,
			padding,
			dilation,
		};
		let size = [9, 11];
		let count = window.window_count(size).unwrap();
		let fill = f32::NEG_INFINITY.into();
		let unfold = Unfold { window, fill };
		cases.extend([
			(unfold, vec![floats(words, [2, 3, 9, 11])]),
			(Fold { window, size }, vec![floats(words, [2, 3, 6, count])]),
			(
				Unpool { window, size },
				vec![
					floats(words, [2, 3, 1, count]),
					integers(words, [2, 3, 1, count], 7),
				],
			),
		]);
	}
	cases
}

/// No operation is left out.
#[test]
fn every_kind_of_operation_is_asked_about() {
	let numbers = operations()
		.into_iter()
		.map(|(kind, _)| codec::Encode::encode(&kind)[0]);
	let found: std::collections::BTreeSet<u8> = numbers.collect();
	let named = <OperationKind as scale_info::TypeInfo>::type_info();
	let scale_info::TypeDef::Variant(variants) = named.type_def else {
		panic!("it is an enum");
	};
	let expected = variants.variants.iter().map(|kind| kind.index);
	assert_eq!(found, expected.collect());
}

#[test]
fn operations_have_the_native_bits() {
	let mut wasm = Wasm::new();
	for (kind, operands) in operations() {
		let shapes: Vec<TensorType> = operands
			.iter()
			.map(|operand| operand.kind.clone())
			.collect();
		let question = Question::Apply(kind.clone(), operands);
		assert_eq!(
			wasm.answer(&question),
			answer(&question),
			"{kind:?} of {shapes:?}"
		);
	}
}

/// The answer about a training: the hashes, then the bits of the losses.
fn training(program: &Program, data: &(Tensor, Tensor), steps: u64) -> (Vec<Hash>, Vec<u32>) {
	let question = Question::Train {
		program: Program::encode(program),
		features: values(&data.0),
		labels: values(&data.1),
		seed: golden::SEED.0,
		steps,
	};
	let found = Wasm::new().answer(&question);
	assert_eq!(found, answer(&question), "{steps} steps");
	let (hashes, losses) = found.split_at(32 * (steps as usize + 3));
	(hashes.as_chunks::<32>().0.to_vec(), words(losses))
}

#[test]
fn three_steps_have_the_golden_bits() {
	let (program, data) = golden::task();
	let (hashes, losses) = training(&program, &data, 3);
	let hashes: Vec<String> = hashes.iter().map(|hash| hex(hash)).collect();
	assert_eq!(hashes, golden::THREE_STEPS);
	assert_eq!(losses, golden::THREE_LOSSES);
}

#[test]
fn fifty_steps_have_the_native_state_roots() {
	let (rows, inputs, classes) = (200, 12, 4);
	let program = mlp(rows, inputs, 33, classes, 40, 0.3);
	let (_, losses) = training(&program, &clusters(rows, inputs, classes, 13), 50);
	let loss = |at: usize| f32::from_bits(losses[at]);
	assert!(losses.len() == 50 && loss(49) < 0.5 * loss(0));
}
