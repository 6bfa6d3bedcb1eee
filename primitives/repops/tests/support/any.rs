//! Operations of every kind with any attributes, good or bad.

use super::Words;
use repops::{
	program::{Bits, Initialiser, OperationKind, Relation, Window},
	tensor::Shape,
};

pub(crate) const RELATIONS: [Relation; 6] = [
	Relation::Equal,
	Relation::NotEqual,
	Relation::Less,
	Relation::LessEqual,
	Relation::Greater,
	Relation::GreaterEqual,
];

fn any_window(words: &mut Words) -> Window {
	let mut pair = |below: u32| [words.below(below), words.below(below)];
	Window {
		kernel: pair(4),
		stride: pair(3),
		padding: pair(3),
		dilation: pair(3),
	}
}

fn any_distribution(words: &mut Words) -> Initialiser {
	let which = words.below(3);
	let mut constant = || Bits(words.bits());
	match which {
		0 => Initialiser::Constant(constant()),
		1 => Initialiser::Uniform {
			low: constant(),
			high: constant(),
		},
		_ => Initialiser::Normal {
			mean: constant(),
			deviation: constant(),
		},
	}
}

/// An operation with small attributes, which may be wrong.
pub(crate) fn any_kind(words: &mut Words) -> OperationKind {
	let constant = f32::from_bits(words.bits()).into();
	let shape = any_shape(words);
	let relation = RELATIONS[words.below(6) as usize];
	let axis = words.below(3) as u8;
	let (transpose_left, transpose_right) = (words.below(2) == 1, words.below(2) == 1);
	let size = [words.below(4), words.below(9)];
	match words.below(38) {
		0 => OperationKind::BatchRows {
			population: words.below(9),
			batch: words.below(9),
		},
		1 => OperationKind::GatherRows,
		2 | 25 => OperationKind::MatMul {
			transpose_left,
			transpose_right,
		},
		3 => OperationKind::Add,
		4 => OperationKind::Subtract,
		5 => OperationKind::Multiply,
		6 => OperationKind::Divide,
		7 => OperationKind::AddScalar(constant),
		8 => OperationKind::MultiplyScalar(constant),
		9 => OperationKind::Reciprocal,
		10 => OperationKind::Exp,
		11 => OperationKind::Log,
		12 => OperationKind::Sqrt,
		13 => OperationKind::Tanh,
		14 => OperationKind::Compare(relation),
		15 => OperationKind::CompareScalar(relation, constant),
		16 => OperationKind::Select,
		17 => OperationKind::Fill(constant),
		18 => OperationKind::Sum { axis },
		19 => OperationKind::Max { axis },
		20 => OperationKind::ArgMax { axis },
		21 => OperationKind::Broadcast { shape },
		22 => OperationKind::OneHot {
			classes: words.below(5),
		},
		23 => OperationKind::CountNonzero,
		26 => OperationKind::MatMulSum {
			transpose_left,
			transpose_right,
		},
		27 => OperationKind::Unfold {
			window: any_window(words),
			fill: constant,
		},
		28 => OperationKind::Fold {
			window: any_window(words),
			size,
		},
		29 => OperationKind::Unpool {
			window: any_window(words),
			size,
		},
		30 => OperationKind::Slice {
			starts: any_starts(words),
			shape,
		},
		31 => OperationKind::Insert {
			starts: any_starts(words),
		},
		32 => OperationKind::ScatterRows {
			rows: words.below(5),
		},
		33 => OperationKind::Erf,
		34 => OperationKind::Random {
			stream: words.next(),
			shape,
			distribution: any_distribution(words),
		},
		35 => OperationKind::Iota { shape, axis },
		36 => OperationKind::ToInteger,
		37 => OperationKind::ToNumber,
		_ => match words.below(3) {
			0 => OperationKind::Reshape { shape },
			1 => OperationKind::Permute {
				axes: (0..words.below(4)).map(|_| words.below(3) as u8).collect(),
			},
			_ => OperationKind::Constant {
				shape,
				value: constant,
			},
		},
	}
}

fn any_starts(words: &mut Words) -> Vec<u32> {
	let count = words.below(5);
	(0..count)
		.map(|_| [0, 0, 1, u32::MAX][words.below(4) as usize])
		.collect()
}

/// A shape of few elements, or none.
pub(crate) fn any_shape(words: &mut Words) -> Shape {
	let rank = [1, 2, 2, 2, 3, 4, 4, 0][words.below(8) as usize];
	Shape(
		(0..rank)
			.map(|_| [1, 2, 2, 3, 0, 8][words.below(6) as usize])
			.collect(),
	)
}
