//! Operations of every kind with operands of odd shapes and nasty numbers.

use super::Words;
use repops::{
	commit::tensor_root,
	kernel::apply,
	program::{Bits, Initialiser, OperationKind, Relation, Window},
	referee::{advance, passages, Operand, Question, Running},
	tensor::{Shape, Tensor, TensorType},
};

/// An operation with operands for it.
pub(crate) struct Case {
	pub(crate) kind: OperationKind,
	pub(crate) operands: Vec<Tensor>,
}

pub(crate) fn floats(words: &mut Words, shape: impl Into<Shape>) -> Tensor {
	let shape = shape.into();
	let count = shape.elements().unwrap() as usize;
	Tensor::f32(shape, words.spiced(count, 6)).unwrap()
}

pub(crate) fn integers(words: &mut Words, shape: impl Into<Shape>, below: u32) -> Tensor {
	let shape = shape.into();
	let count = shape.elements().unwrap() as usize;
	let elements = (0..count).map(|_| words.below(below)).collect();
	Tensor::u32(shape, elements).unwrap()
}

/// A shape of one to four axes and at most some thousands of elements. Lengths about the sides of tiles and
/// chunks come often.
pub(crate) fn shape(words: &mut Words) -> Shape {
	const LENGTHS: [u32; 12] = [1, 1, 2, 3, 5, 16, 31, 32, 33, 64, 255, 300];
	loop {
		let rank = 1 + words.below(4);
		let length = |words: &mut Words| LENGTHS[words.below(LENGTHS.len() as u32) as usize];
		let shape = Shape((0..rank).map(|_| length(words)).collect());
		if shape.elements().unwrap() <= 5_000 {
			return shape;
		}
	}
}

pub(crate) fn relation(words: &mut Words) -> Relation {
	[
		Relation::Equal,
		Relation::NotEqual,
		Relation::Less,
		Relation::LessEqual,
		Relation::Greater,
		Relation::GreaterEqual,
	][words.below(6) as usize]
}

/// A constant that programs may have: any number, and of the NaN the canonical one.
pub(crate) fn constant(words: &mut Words) -> Bits {
	repops::number::canonical(f32::from_bits(words.bits())).into()
}

/// How many kinds of cases [`case`] makes.
pub(crate) const KINDS: u32 = 42;

pub(crate) fn case(which: u32, words: &mut Words) -> Case {
	use OperationKind::*;
	let any = shape(words);
	let axis = words.below(any.rank() as u32) as u8;
	let unary = |words: &mut Words| vec![floats(words, any.clone())];
	let binary = |words: &mut Words| vec![floats(words, any.clone()), floats(words, any.clone())];
	let mask = |words: &mut Words| integers(words, any.clone(), 2);
	let (kind, operands) = match which {
		0 => (Add, binary(words)),
		1 => (Subtract, binary(words)),
		2 => (Multiply, binary(words)),
		3 => (Divide, binary(words)),
		4 => (AddScalar(constant(words)), unary(words)),
		5 => (MultiplyScalar(constant(words)), unary(words)),
		6 => (Reciprocal, unary(words)),
		7 => (Exp, unary(words)),
		8 => (Log, unary(words)),
		9 => (Sqrt, unary(words)),
		10 => (Tanh, unary(words)),
		11 => (Compare(relation(words)), binary(words)),
		12 => {
			let integers = vec![
				integers(words, any.clone(), 4),
				integers(words, any.clone(), 4),
			];
			(Compare(relation(words)), integers)
		}
		13 => (
			CompareScalar(relation(words), constant(words)),
			unary(words),
		),
		14 => {
			let mut operands = vec![mask(words)];
			operands.extend(binary(words));
			(Select, operands)
		}
		15 => (
			Fill(constant(words)),
			vec![mask(words), floats(words, any.clone())],
		),
		16 => (Sum { axis }, unary(words)),
		17 => (Max { axis }, unary(words)),
		18 => (ArgMax { axis }, unary(words)),
		19 => {
			// Any axes of length 1 are repeated.
			let from: Vec<u32> = any
				.0
				.iter()
				.map(|length| if words.below(2) == 0 { 1 } else { *length })
				.collect();
			let operand = floats(words, from);
			(Broadcast { shape: any.clone() }, vec![operand])
		}
		20 => {
			let rows = 1 + words.below(70);
			let labels = integers(words, [rows], 12);
			(
				OneHot {
					classes: 1 + words.below(40),
				},
				vec![labels],
			)
		}
		21 => (CountNonzero, vec![mask(words)]),
		22 => {
			let count = any.elements().unwrap() as u32;
			let divisor = (1..=40).rev().find(|by| count.is_multiple_of(*by)).unwrap();
			let kind = Reshape {
				shape: [count / divisor, divisor].into(),
			};
			let operands = if words.below(2) == 0 {
				unary(words)
			} else {
				vec![mask(words)]
			};
			(kind, operands)
		}
		23 => {
			let (rows, columns) = (1 + words.below(80), 1 + words.below(80));
			(
				Permute { axes: vec![1, 0] },
				vec![floats(words, [rows, columns])],
			)
		}
		24 => (
			Constant {
				shape: any.clone(),
				value: constant(words),
			},
			vec![],
		),
		25 => {
			let table = floats(words, any.clone());
			let indices = 1 + words.below(50);
			// Some are past the table's end.
			let bound = any.0[0].saturating_add(2);
			let indices = integers(words, [indices], bound);
			(GatherRows, vec![table, indices])
		}
		26 => {
			let seed = Tensor::u32([8], (0..8).map(|_| words.next()).collect()).unwrap();
			let position = Tensor::u32([2], vec![words.next(), words.below(2) * words.next()]);
			let kind = BatchRows {
				population: 1 + words.below(3_000),
				batch: 1 + words.below(100),
			};
			(kind, vec![seed, position.unwrap()])
		}
		27 => (Erf, unary(words)),
		28 => (ToInteger, unary(words)),
		29 => (ToNumber, vec![integers(words, any.clone(), u32::MAX)]),
		30 => (
			Iota {
				shape: any.clone(),
				axis,
			},
			vec![],
		),
		31 => {
			let seed = Tensor::u32([8], (0..8).map(|_| words.next()).collect()).unwrap();
			let position = Tensor::u32([2], vec![words.next(), words.next()]);
			let kind = Random {
				stream: words.below(3),
				shape: any.clone(),
				distribution: distribution(words),
			};
			(kind, vec![seed, position.unwrap()])
		}
		32 => {
			let axes = order(words, any.rank());
			let integers = words.below(2) == 0;
			let operands = if integers {
				vec![mask(words)]
			} else {
				unary(words)
			};
			(Permute { axes }, operands)
		}
		33 => {
			let (starts, shape) = part(words, &any);
			(Slice { starts, shape }, unary(words))
		}
		34 => {
			let (starts, shape) = part(words, &any);
			let operands = vec![floats(words, any.clone()), floats(words, shape)];
			(Insert { starts }, operands)
		}
		35 => {
			let mask = integers(words, any.clone(), 2);
			let sides = [
				integers(words, any.clone(), 9),
				integers(words, any.clone(), 9),
			];
			let [a, b] = sides;
			(Select, vec![mask, a, b])
		}
		36 => {
			let indices = integers(words, [any.0[0]], 40);
			let kind = ScatterRows {
				rows: 1 + words.below(40),
			};
			(kind, vec![floats(words, any.clone()), indices])
		}
		37 => {
			let (window, pictures) = window(words);
			let fill = constant(words);
			(Unfold { window, fill }, vec![floats(words, pictures)])
		}
		38 => {
			let (window, [n, c, h, w]) = window(words);
			let size = [h, w];
			let positions = window.positions().unwrap();
			let windows = window.window_count(size).unwrap();
			let operand = floats(words, [n, c, positions, windows]);
			(Fold { window, size }, vec![operand])
		}
		39 => {
			let (window, [n, c, h, w]) = window(words);
			let size = [h, w];
			let shape = [n, c, 1, window.window_count(size).unwrap()];
			let chosen = integers(words, shape, window.positions().unwrap());
			(Unpool { window, size }, vec![floats(words, shape), chosen])
		}
		40 => stacked_product(words, false),
		41 => stacked_product(words, true),
		_ => unreachable!(),
	};
	Case { kind, operands }
}

/// The axes of a tensor of this rank in some order.
fn order(words: &mut Words, rank: usize) -> Vec<u8> {
	let mut axes: Vec<u8> = (0..rank as u8).collect();
	for at in 1..rank {
		axes.swap(at, words.below(at as u32 + 1) as usize);
	}
	axes
}

/// Where a part of a tensor begins, and its shape.
fn part(words: &mut Words, whole: &Shape) -> (Vec<u32>, Shape) {
	let axis = |length: &u32| {
		let start = words.below(*length);
		(start, 1 + words.below(length - start))
	};
	let (starts, lengths): (Vec<u32>, Vec<u32>) = whole.0.iter().map(axis).unzip();
	(starts, Shape(lengths))
}

fn distribution(words: &mut Words) -> Initialiser {
	match words.below(3) {
		0 => Initialiser::Constant(0.5.into()),
		1 => Initialiser::Uniform {
			low: (-1.0).into(),
			high: 2.0.into(),
		},
		_ => Initialiser::Normal {
			mean: 0.1.into(),
			deviation: 3.0.into(),
		},
	}
}

/// A window and the shape of small pictures on which it lies.
pub(crate) fn window(words: &mut Words) -> (Window, [u32; 4]) {
	loop {
		let mut pair = |least: u32, most: u32| {
			let mut one = || least + words.below(most - least + 1);
			[one(), one()]
		};
		let window = Window {
			kernel: pair(1, 4),
			stride: pair(1, 3),
			padding: pair(0, 2),
			dilation: pair(1, 2),
		};
		let [[n, c], [h, w]] = [pair(1, 3), pair(1, 12)];
		if window.window_count([h, w]).is_some() {
			return (window, [n, c, h, w]);
		}
	}
}

/// A product of stacks of matrices, or the sum of their products.
fn stacked_product(words: &mut Words, is_sum: bool) -> (OperationKind, Vec<Tensor>) {
	let mut length = |most: u32| 1 + words.below(most);
	let stack: Vec<u32> = (0..length(2)).map(|_| length(4)).collect();
	let [rows, inner, columns] = [length(20), length(300), length(20)];
	let [transpose_left, transpose_right] = [words.below(2) == 1, words.below(2) == 1];
	// One of the operands may be a single matrix.
	let single = if is_sum { 2 } else { words.below(4) };
	let mut operand = |number: u32, transposed: bool, [m, n]: [u32; 2]| {
		let matrix = if transposed { [n, m] } else { [m, n] };
		let stack = if number == single {
			&[][..]
		} else {
			&stack[..]
		};
		floats(words, [stack, &matrix].concat())
	};
	let operands = vec![
		operand(0, transpose_left, [rows, inner]),
		operand(1, transpose_right, [inner, columns]),
	];
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
	(kind, operands)
}

/// A matrix product with an inner length about the ends of chunks.
pub(crate) fn product(words: &mut Words) -> Case {
	const INNER: [u32; 8] = [1, 7, 255, 256, 257, 511, 600, 1_025];
	let inner = INNER[words.below(8) as usize];
	let (rows, columns) = (1 + words.below(40), 1 + words.below(40));
	let [transpose_left, transpose_right] = [words.below(2) == 1, words.below(2) == 1];
	let stored = |transposed: bool, shape: [u32; 2]| {
		if transposed {
			[shape[1], shape[0]]
		} else {
			shape
		}
	};
	let left = floats(words, stored(transpose_left, [rows, inner]));
	let right = floats(words, stored(transpose_right, [inner, columns]));
	Case {
		kind: OperationKind::MatMul {
			transpose_left,
			transpose_right,
		},
		operands: vec![left, right],
	}
}

/// A matrix product of few terms, or a count of few masks.
pub(crate) fn short_reduction(is_count: bool, words: &mut Words) -> Case {
	let mut length = |most: u32| 1 + words.below(most);
	let [rows, inner, columns] = [length(40), length(40), length(40)];
	if is_count {
		let shape = [length(8), length(8)];
		return Case {
			kind: OperationKind::CountNonzero,
			operands: vec![integers(words, shape, 2)],
		};
	}
	Case {
		kind: OperationKind::MatMul {
			transpose_left: false,
			transpose_right: false,
		},
		operands: vec![
			floats(words, [rows, inner]),
			floats(words, [inner, columns]),
		],
	}
}

/// Reductions long enough for several chunks.
pub(crate) fn long_reduction(words: &mut Words) -> Case {
	const SHAPES: [&[u32]; 6] = [
		&[2, 700],
		&[700, 3],
		&[3, 520, 2],
		&[257, 2, 3],
		&[2, 3, 1_030],
		&[1_500, 33],
	];
	let shape = Shape(SHAPES[words.below(6) as usize].to_vec());
	let (axis, _) = (0u8..)
		.zip(&shape.0)
		.max_by_key(|(_, length)| **length)
		.unwrap();
	let kind = match words.below(4) {
		0 => OperationKind::Max { axis },
		1 => OperationKind::ArgMax { axis },
		2 => {
			let operands = vec![integers(words, shape, 2)];
			return Case {
				kind: OperationKind::CountNonzero,
				operands,
			};
		}
		_ => OperationKind::Sum { axis },
	};
	Case {
		kind,
		operands: vec![floats(words, shape)],
	}
}

pub(crate) fn every_case(seed: u8, rounds: u32, mut check: impl FnMut(&Case, &mut Words)) {
	let mut words = Words::new(seed);
	for _ in 0..rounds {
		for which in 0..KINDS {
			let case = case(which, &mut words);
			check(&case, &mut words);
		}
		let case = product(&mut words);
		check(&case, &mut words);
		let case = long_reduction(&mut words);
		check(&case, &mut words);
	}
}

impl Case {
	pub(crate) fn operands(&self) -> Vec<&Tensor> {
		self.operands.iter().collect()
	}

	pub(crate) fn result(&self) -> Tensor {
		apply(&self.kind, &self.operands()).unwrap()
	}

	/// The number of passages of each element.
	pub(crate) fn passages(&self) -> u64 {
		let types: Vec<TensorType> = self.operands.iter().map(Tensor::kind).collect();
		passages(&self.kind, &types.iter().collect::<Vec<_>>())
	}

	/// The operands as they are agreed on.
	pub(crate) fn agreed(&self) -> Vec<Operand> {
		let agreed = |tensor: &Tensor| Operand {
			kind: tensor.kind(),
			root: tensor_root(tensor),
		};
		self.operands.iter().map(agreed).collect()
	}

	/// All running results of an element, the first of which is before the first passage.
	pub(crate) fn running(&self, element: u64) -> Vec<Running> {
		let types: Vec<TensorType> = self.operands.iter().map(Tensor::kind).collect();
		let types: Vec<&TensorType> = types.iter().collect();
		let result = repops::check::infer(&self.kind, &types).unwrap();
		let mut read = |operand: usize, index: u64| -> Result<u32, ()> {
			Ok(self.operands[operand].bits_at(index as usize).unwrap())
		};
		let mut all = vec![Running::default()];
		for passage in 0..self.passages() {
			let question = Question { element, passage };
			let before = all[passage as usize];
			all.push(advance(&self.kind, &types, &result, question, before, &mut read).unwrap());
		}
		all
	}
}
