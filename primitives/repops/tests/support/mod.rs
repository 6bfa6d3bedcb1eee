//! What several test files need: nasty numbers, cheap random numbers, and a program that trains.
#![allow(dead_code)]

pub(crate) mod any;
pub(crate) mod cases;
pub(crate) mod golden;

use repops::{
	program::*,
	random::{Purpose, Seed, Stream},
	tensor::{Tensor, TensorType},
};

/// Bit patterns at which implementations differ.
pub(crate) const NASTY: [u32; 24] = [
	0x0000_0000, // +0
	0x8000_0000, // -0
	0x0000_0001, // the least subnormal
	0x8000_0001,
	0x007F_FFFF, // the greatest subnormal
	0x807F_FFFF,
	0x0080_0000, // the least normal
	0x8080_0000,
	0x7F7F_FFFF, // the greatest
	0xFF7F_FFFF,
	0x7F80_0000, // +infinity
	0xFF80_0000, // -infinity
	0x7FC0_0000, // the NaN
	0xFFC0_0000, // a NaN with a sign
	0x7FC1_2345, // a NaN with a payload
	0x7F80_0001, // a signalling NaN
	0xFFFF_FFFF,
	0x3F80_0000, // 1
	0xBF80_0000,
	0x3F80_0001,
	0x3F7F_FFFF,
	0x1A00_0000, // small enough for a product of two to vanish
	0x9A00_0000,
	0x6000_0000, // large enough for a product of two to overflow
];

/// Every 997th bit pattern, and all of them around the borders of the algorithms' branches.
pub(crate) fn sample() -> impl Iterator<Item = f32> {
	let borders = [
		0.0f32,
		0.625,
		1.0,
		2.0 / 3.0,
		4.0 / 3.0,
		88.7,
		89.0,
		103.9,
		104.0,
		9.0,
		0.346_573_6,
		f32::MIN_POSITIVE,
	];
	let around = borders.into_iter().flat_map(|border| {
		let middle = border.to_bits();
		middle.saturating_sub(500)..middle + 500
	});
	let all = (0..=u32::MAX)
		.step_by(997)
		.chain(NASTY)
		.chain(around.flat_map(|bits| [bits, bits | 1 << 31]));
	all.map(f32::from_bits)
}

/// A stream of random words.
pub(crate) struct Words(Stream, u64);

impl Words {
	pub(crate) fn new(seed: u8) -> Self {
		Words(Stream::new(&Seed([seed; 32]), Purpose::Initial(0)), 0)
	}

	pub(crate) fn starting_at(seed: u8, at: u64) -> Self {
		Words(Self::new(seed).0, at)
	}

	pub(crate) fn next(&mut self) -> u32 {
		self.1 += 1;
		self.0.word(self.1)
	}

	pub(crate) fn below(&mut self, bound: u32) -> u32 {
		((u64::from(self.next()) * u64::from(bound)) >> 32) as u32
	}

	/// A number of moderate size.
	pub(crate) fn number(&mut self) -> f32 {
		repops::random::uniform(self.next(), -2.0, 2.0)
	}

	/// Any bit pattern, a nasty one half of the time.
	pub(crate) fn bits(&mut self) -> u32 {
		if self.next() & 1 == 0 {
			NASTY[self.below(NASTY.len() as u32) as usize]
		} else {
			self.next()
		}
	}

	pub(crate) fn numbers(&mut self, count: usize) -> Vec<f32> {
		(0..count).map(|_| self.number()).collect()
	}

	/// Moderate numbers with, at a rate of one in `rate`, any bit pattern.
	pub(crate) fn spiced(&mut self, count: usize, rate: u32) -> Vec<f32> {
		(0..count)
			.map(|_| {
				if self.below(rate) == 0 {
					f32::from_bits(self.bits())
				} else {
					self.number()
				}
			})
			.collect()
	}
}

pub(crate) fn bits(numbers: &[f32]) -> Vec<u32> {
	numbers.iter().map(|number| number.to_bits()).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
	bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The program of one step of an MLP `[inputs, hidden, classes]` with ReLU, cross-entropy and SGD.
pub(crate) fn mlp(
	rows: u32,
	inputs: u32,
	hidden: u32,
	classes: u32,
	batch: u32,
	rate: f32,
) -> Program {
	let tensor = |name: &str, shape: [u32; 2], spread: f32| StateTensor {
		name: name.as_bytes().to_vec(),
		shape: shape.into(),
		role: StateRole::Parameter,
		initial: if spread > 0.0 {
			Initialiser::Uniform {
				low: (-spread).into(),
				high: spread.into(),
			}
		} else {
			Initialiser::Constant(0.0.into())
		},
	};
	let state = vec![
		tensor("0.weight", [inputs, hidden], 1.0 / (inputs as f32).sqrt()),
		tensor("0.bias", [1, hidden], 0.0),
		tensor("1.weight", [hidden, classes], 1.0 / (hidden as f32).sqrt()),
		tensor("1.bias", [1, classes], 0.0),
	];
	let mut program = Program {
		version: ARITHMETIC_VERSION,
		inputs: (0u16..)
			.zip(&state)
			.map(|(index, tensor)| Input {
				source: Source::State(index),
				kind: TensorType::f32(tensor.shape.clone()),
			})
			.chain([
				Input {
					source: Source::Features,
					kind: TensorType::f32([rows, inputs]),
				},
				Input {
					source: Source::Labels,
					kind: TensorType::u32([rows]),
				},
				Input {
					source: Source::Seed,
					kind: TensorType::u32([8]),
				},
				Input {
					source: Source::Position,
					kind: TensorType::u32([2]),
				},
			])
			.collect(),
		state,
		operations: vec![],
		outputs: vec![],
	};
	let [w0, b0, w1, b1, features, labels, seed, position] = [0, 1, 2, 3, 4, 5, 6, 7];
	let mut op = |kind, operands: &[u32]| {
		program.operations.push(Operation {
			kind,
			operands: operands.to_vec(),
		});
		7 + program.operations.len() as u32
	};
	use OperationKind::*;
	let plain = MatMul {
		transpose_left: false,
		transpose_right: false,
	};
	let left = MatMul {
		transpose_left: true,
		transpose_right: false,
	};
	let right = MatMul {
		transpose_left: false,
		transpose_right: true,
	};
	let rows_of_batch = op(
		BatchRows {
			population: rows,
			batch,
		},
		&[seed, position],
	);
	let x = op(GatherRows, &[features, rows_of_batch]);
	let y = op(GatherRows, &[labels, rows_of_batch]);
	// Forward.
	let product = op(plain.clone(), &[x, w0]);
	let bias = op(
		Broadcast {
			shape: [batch, hidden].into(),
		},
		&[b0],
	);
	let a = op(Add, &[product, bias]);
	let off = op(CompareScalar(Relation::LessEqual, 0.0.into()), &[a]);
	let h = op(Fill(0.0.into()), &[off, a]);
	let product = op(plain, &[h, w1]);
	let bias = op(
		Broadcast {
			shape: [batch, classes].into(),
		},
		&[b1],
	);
	let logits = op(Add, &[product, bias]);
	let greatest = op(Max { axis: 1 }, &[logits]);
	let greatest = op(
		Broadcast {
			shape: [batch, classes].into(),
		},
		&[greatest],
	);
	let shifted = op(Subtract, &[logits, greatest]);
	let exponentials = op(Exp, &[shifted]);
	let sum = op(Sum { axis: 1 }, &[exponentials]);
	let log = op(Log, &[sum]);
	let log = op(
		Broadcast {
			shape: [batch, classes].into(),
		},
		&[log],
	);
	let log_probabilities = op(Subtract, &[shifted, log]);
	let truth = op(OneHot { classes }, &[y]);
	let picked = op(Multiply, &[truth, log_probabilities]);
	let flat = op(
		Reshape {
			shape: [batch * classes].into(),
		},
		&[picked],
	);
	let total = op(Sum { axis: 0 }, &[flat]);
	let loss = op(MultiplyScalar((-1.0 / batch as f32).into()), &[total]);
	// Backward.
	let probabilities = op(Exp, &[log_probabilities]);
	let gradient = op(Subtract, &[probabilities, truth]);
	let gradient = op(MultiplyScalar((1.0 / batch as f32).into()), &[gradient]);
	let dw1 = op(left.clone(), &[h, gradient]);
	let db1 = op(Sum { axis: 0 }, &[gradient]);
	let dh = op(right, &[gradient, w1]);
	let da = op(Fill(0.0.into()), &[off, dh]);
	let dw0 = op(left, &[x, da]);
	let db0 = op(Sum { axis: 0 }, &[da]);
	// Update.
	let mut outputs = vec![Output {
		target: Target::Loss,
		value: loss,
	}];
	for (index, (parameter, gradient)) in (0u16..).zip([(w0, dw0), (b0, db0), (w1, dw1), (b1, db1)])
	{
		let change = op(MultiplyScalar((-rate).into()), &[gradient]);
		outputs.push(Output {
			target: Target::State(index),
			value: op(Add, &[parameter, change]),
		});
	}
	program.outputs = outputs;
	program
}

/// The program that counts the right answers of [`mlp`] on a data set of so many rows.
pub(crate) fn mlp_evaluation(step: &Program, rows: u32) -> Program {
	let shape = |index: usize| &step.state[index].shape.0;
	let (inputs, hidden, classes) = (shape(0)[0], shape(0)[1], shape(2)[1]);
	let mut program = Program {
		operations: vec![],
		..step.clone()
	};
	program.inputs.truncate(6);
	program.inputs[4].kind = TensorType::f32([rows, inputs]);
	program.inputs[5].kind = TensorType::u32([rows]);
	let mut op = |kind, operands: &[u32]| {
		program.operations.push(Operation {
			kind,
			operands: operands.to_vec(),
		});
		5 + program.operations.len() as u32
	};
	use OperationKind::*;
	let plain = MatMul {
		transpose_left: false,
		transpose_right: false,
	};
	let product = op(plain.clone(), &[4, 0]);
	let bias = op(
		Broadcast {
			shape: [rows, hidden].into(),
		},
		&[1],
	);
	let a = op(Add, &[product, bias]);
	let off = op(CompareScalar(Relation::LessEqual, 0.0.into()), &[a]);
	let h = op(Fill(0.0.into()), &[off, a]);
	let product = op(plain, &[h, 2]);
	let bias = op(
		Broadcast {
			shape: [rows, classes].into(),
		},
		&[3],
	);
	let logits = op(Add, &[product, bias]);
	let answers = op(ArgMax { axis: 1 }, &[logits]);
	let answers = op(
		Reshape {
			shape: [rows].into(),
		},
		&[answers],
	);
	let right = op(Compare(Relation::Equal), &[answers, 5]);
	let count = op(CountNonzero, &[right]);
	program.outputs = vec![Output {
		target: Target::Correct,
		value: count,
	}];
	program
}

/// A data set of points around one centre for each class.
pub(crate) fn clusters(rows: u32, inputs: u32, classes: u32, seed: u8) -> (Tensor, Tensor) {
	let mut words = Words::new(seed);
	let centres = words.numbers((classes * inputs) as usize);
	let labels: Vec<u32> = (0..rows).map(|_| words.below(classes)).collect();
	let features = labels
		.iter()
		.flat_map(|label| centres[(label * inputs) as usize..][..inputs as usize].to_vec())
		.map(|centre| centre + 0.8 * repops::random::standard_normal(words.next()))
		.collect();
	(
		Tensor::f32([rows, inputs], features).unwrap(),
		Tensor::u32([rows], labels).unwrap(),
	)
}
