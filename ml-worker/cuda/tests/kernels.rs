//! The kernels on bits and shapes that the conformance suite reaches seldom, and that none of them is left out.

mod engines;
mod programs;

use engines::{assert_same_tensor, emulator::LAUNCHED, name, ENGINES};
use ml_worker_cuda::KERNELS;
use programs::Numbers;
use repops::{
	kernel,
	program::{Initialiser, OperationKind, Relation, Window},
	tensor::Tensor,
};

/// Compares one operation on every engine with the reference.
fn assert_applies(kind: &OperationKind, operands: &[&Tensor]) {
	let expected = kernel::apply(kind, operands).expect("the operands fit");
	for engine in ENGINES.iter() {
		let found = engine.apply(kind, operands).expect("the operands fit");
		let shapes: Vec<String> = operands.iter().map(|a| a.kind().to_string()).collect();
		let place = format!("{}: {kind:?} of {shapes:?}", name(engine));
		assert_same_tensor(&place, &expected, &found);
	}
}

/// The functions of one number.
fn functions() -> Vec<OperationKind> {
	vec![
		OperationKind::Exp,
		OperationKind::Log,
		OperationKind::Sqrt,
		OperationKind::Tanh,
		OperationKind::Erf,
		OperationKind::Reciprocal,
		OperationKind::ToInteger,
		OperationKind::AddScalar(1e-8.into()),
		OperationKind::MultiplyScalar(0.1.into()),
		OperationKind::CompareScalar(Relation::NotEqual, f32::NAN.into()),
	]
}

#[test]
fn functions_of_numbers_of_all_sizes() {
	// Every sign and exponent with the least and greatest fractions and some others; then any bits.
	let mut numbers = Numbers(1);
	let mut elements = Vec::new();
	for upper in 0..1u32 << 9 {
		for fraction in [0, 1, 2, 0x3F_FFFF, 0x40_0000, 0x7F_FFFE, 0x7F_FFFF] {
			elements.push(f32::from_bits(upper << 23 | fraction));
		}
		for _ in 0..64 {
			elements.push(f32::from_bits(upper << 23 | numbers.word() as u32 >> 9));
		}
	}
	elements.extend((0..200_000).map(|_| f32::from_bits(numbers.word() as u32)));
	// Where results overflow, vanish, change their formula or are halfway between integers.
	for centre in [
		88.72284f32,
		-87.33655,
		-103.97208,
		0.625,
		0.921875,
		4.0,
		2.0 / 3.0,
		1.0,
		16_777_216.0,
		4_294_967_296.0,
	] {
		for sign in [centre, -centre] {
			elements.extend((0..2000u32).map(|step| f32::from_bits(sign.to_bits() - 1000 + step)));
		}
	}
	let tensor = Tensor::f32([elements.len() as u32], elements).expect("as many as there are");
	for kind in functions() {
		assert_applies(&kind, &[&tensor]);
	}
}

#[test]
fn two_numbers_of_any_bits() {
	let mut numbers = Numbers(2);
	let count = 200_000;
	let mut any = || {
		let elements = (0..count).map(|_| match numbers.below(3) {
			0 => f32::from_bits(numbers.word() as u32),
			_ => numbers.nasty(),
		});
		Tensor::f32([count], elements.collect()).expect("as many as there are")
	};
	let (a, b) = (any(), any());
	for kind in [
		OperationKind::Add,
		OperationKind::Subtract,
		OperationKind::Multiply,
		OperationKind::Divide,
		OperationKind::Compare(Relation::LessEqual),
	] {
		assert_applies(&kind, &[&a, &b]);
	}
}

#[test]
fn integers_of_any_bits() {
	let mut numbers = Numbers(3);
	let mut any = |count: u32| {
		let words = (0..count).map(|_| numbers.word() as u32 >> numbers.below(32));
		Tensor::u32([count], words.collect()).expect("as many as there are")
	};
	let (a, b) = (any(100_000), any(100_000));
	assert_applies(&OperationKind::ToNumber, &[&a]);
	assert_applies(&OperationKind::Select, &[&a, &b, &a]);
	assert_applies(&OperationKind::CountNonzero, &[&a]);
	for relation in [
		Relation::Equal,
		Relation::NotEqual,
		Relation::Less,
		Relation::LessEqual,
		Relation::Greater,
		Relation::GreaterEqual,
	] {
		assert_applies(&OperationKind::Compare(relation), &[&a, &b]);
	}
}

/// Lengths before, at and after those of tiles and chunks; together they take every path through the product's kernels.
#[test]
fn products_with_edges_everywhere() {
	let mut numbers = Numbers(4);
	for [stack, m, k, n] in [
		[1, 129, 300, 127],
		[1, 1, 513, 1],
		[1, 64, 256, 65],
		[1, 33, 31, 257],
		[3, 65, 257, 63],
		[2, 128, 8, 128],
		[5, 7, 600, 9],
		[1, 300, 9, 300],
		[1, 640, 260, 640],
	] {
		// The largest takes the reference a while.
		for marks in 0..if m < 640 { 4 } else { 1 } {
			let [transpose_left, transpose_right] = [marks & 1 == 1, marks & 2 == 2];
			let left = if transpose_left {
				[stack, k, m]
			} else {
				[stack, m, k]
			};
			let right = if transpose_right {
				[stack, n, k]
			} else {
				[stack, k, n]
			};
			// Ordinary numbers show an order that is wrong, tiny ones a padding of the terms.
			let tiny = numbers.below(2) == 0;
			let mut operand = |shape: [u32; 3]| {
				let mut tensor = numbers.tensor(shape);
				if let (true, repops::tensor::Elements::F32(elements)) =
					(tiny, &mut tensor.elements)
				{
					elements.iter_mut().for_each(|element| *element *= 1e-23);
				}
				tensor
			};
			let operands = [operand(left), operand(right)];
			let operands = [&operands[0], &operands[1]];
			assert_applies(
				&OperationKind::MatMul {
					transpose_left,
					transpose_right,
				},
				&operands,
			);
			assert_applies(
				&OperationKind::MatMulSum {
					transpose_left,
					transpose_right,
				},
				&operands,
			);
		}
	}
}

/// The sums over a long axis are split, and no chunk is left out.
#[test]
fn long_sums() {
	let mut numbers = Numbers(5);
	for shape in [[1, 70_000, 1], [3, 5000, 7], [300, 1, 1100], [1, 1, 4097]] {
		let tensor = numbers.tensor(shape);
		for axis in 0..3 {
			assert_applies(&OperationKind::Sum { axis }, &[&tensor]);
			assert_applies(&OperationKind::Max { axis }, &[&tensor]);
		}
	}
}

/// Beyond 32 bits a window's places are counted in 64.
#[test]
fn windows_far_beyond_the_border() {
	let mut numbers = Numbers(6);
	let far = 1 << 30;
	let window = Window {
		kernel: [2, 2],
		stride: [far, far - 1],
		padding: [far, far],
		dilation: [far, far + 1],
	};
	let pictures = numbers.tensor([2, 3, 5, 4]);
	let size = [5, 4];
	let windows = window.window_count(size).expect("there is a window");
	assert_applies(
		&OperationKind::Unfold {
			window,
			fill: 0.5.into(),
		},
		&[&pictures],
	);
	let shown = numbers.tensor([2, 3, 4, windows]);
	assert_applies(&OperationKind::Fold { window, size }, &[&shown]);
	let chosen = Tensor::u32(
		[2, 3, 1, windows],
		(0..6 * windows).map(|at| at % 4).collect(),
	);
	let one_each = numbers.tensor([2, 3, 1, windows]);
	let chosen = chosen.expect("as many as there are");
	assert_applies(
		&OperationKind::Unpool { window, size },
		&[&one_each, &chosen],
	);
}

/// At the ends of epochs, with populations around powers of two and positions of 64 bits.
#[test]
fn batches_and_noise_of_any_seed_and_position() {
	let mut numbers = Numbers(7);
	for population in [1, 2, 3, 4, 5, 255, 256, 257, 65_535, 65_537, u32::MAX] {
		for _ in 0..8 {
			let words = |numbers: &mut Numbers, count: u32| {
				let words = (0..count).map(|_| numbers.word() as u32 >> numbers.below(32));
				Tensor::u32([count], words.collect()).expect("as many as there are")
			};
			let (seed, position) = (words(&mut numbers, 8), words(&mut numbers, 2));
			let batch = 1 + numbers.below(70) as u32;
			assert_applies(
				&OperationKind::BatchRows { population, batch },
				&[&seed, &position],
			);
			for distribution in [
				Initialiser::Uniform {
					low: (-0.25).into(),
					high: 0.0.into(),
				},
				Initialiser::Uniform {
					low: 1.0.into(),
					high: f32::from_bits(0x3F80_0001).into(),
				},
				Initialiser::Normal {
					mean: 0.0.into(),
					deviation: 1.0.into(),
				},
				Initialiser::Constant(3.0.into()),
			] {
				let shape = [1 + numbers.below(3000) as u32].into();
				let stream = numbers.word() as u32;
				let kind = OperationKind::Random {
					stream,
					shape,
					distribution,
				};
				assert_applies(&kind, &[&seed, &position]);
			}
		}
	}
}

#[test]
fn rows_with_the_same_index() {
	let mut numbers = Numbers(8);
	for (count, rows) in [(1, 1), (700, 3), (513, 2000), (300, 300)] {
		let table = numbers.nasty_tensor([count, 3, 5]);
		let indices = numbers.labels(count, rows + 1);
		assert_applies(&OperationKind::ScatterRows { rows }, &[&table, &indices]);
		assert_applies(&OperationKind::GatherRows, &[&table, &indices]);
	}
}

/// After one operation of each kind every kernel has run, so none is untested.
#[test]
fn no_kernel_is_left_out() {
	let mut numbers = Numbers(9);
	let (a, b) = (numbers.tensor([40, 50]), numbers.tensor([40, 50]));
	let mask = numbers.labels(2000, 2);
	let mask = Tensor::new([40, 50], mask.elements).expect("as many as there are");
	let labels = numbers.labels(40, 9);
	let mut kinds: Vec<(OperationKind, Vec<&Tensor>)> = functions()
		.into_iter()
		.map(|kind| (kind, vec![&a]))
		.collect();
	kinds.extend([
		(OperationKind::Add, vec![&a, &b]),
		(OperationKind::Subtract, vec![&a, &b]),
		(OperationKind::Multiply, vec![&a, &b]),
		(OperationKind::Divide, vec![&a, &b]),
		(OperationKind::Compare(Relation::Less), vec![&a, &b]),
		(OperationKind::Fill(2.0.into()), vec![&mask, &a]),
		(OperationKind::Max { axis: 0 }, vec![&a]),
		(OperationKind::ArgMax { axis: 1 }, vec![&a]),
		(OperationKind::OneHot { classes: 9 }, vec![&labels]),
		(
			OperationKind::Iota {
				shape: [4, 5].into(),
				axis: 1,
			},
			vec![],
		),
		(
			OperationKind::Constant {
				shape: [4, 5].into(),
				value: 1.0.into(),
			},
			vec![],
		),
		(OperationKind::Permute { axes: vec![1, 0] }, vec![&a]),
		(
			OperationKind::Reshape {
				shape: [2000].into(),
			},
			vec![&a],
		),
		(OperationKind::Insert { starts: vec![0, 0] }, vec![&a, &b]),
	]);
	for (kind, operands) in &kinds {
		assert_applies(kind, operands);
	}
	let pictures = numbers.tensor([1, 1, 6, 6]);
	let window = Window {
		kernel: [2, 2],
		stride: [2, 2],
		padding: [0, 0],
		dilation: [1, 1],
	};
	let size = [6, 6];
	let (shown, one_each) = (numbers.tensor([1, 1, 4, 9]), numbers.tensor([1, 1, 1, 9]));
	let chosen = Tensor::u32([1, 1, 1, 9], vec![0, 1, 2, 3, 0, 1, 2, 3, 0]).expect("nine");
	assert_applies(
		&OperationKind::Unfold {
			window,
			fill: 0.0.into(),
		},
		&[&pictures],
	);
	assert_applies(&OperationKind::Fold { window, size }, &[&shown]);
	assert_applies(
		&OperationKind::Unpool { window, size },
		&[&one_each, &chosen],
	);
	// The rest has tests of its own, each of which may run by itself.
	integers_of_any_bits();
	products_with_edges_everywhere();
	long_sums();
	windows_far_beyond_the_border();
	batches_and_noise_of_any_seed_and_position();
	rows_with_the_same_index();
	a_step_on_each_engine();
	let launched = LAUNCHED.lock().expect("no test has failed");
	let left: Vec<_> = KERNELS
		.iter()
		.filter(|kernel| !launched.contains(*kernel))
		.collect();
	assert!(left.is_empty(), "{left:?}");
}

/// What only sessions launch.
fn a_step_on_each_engine() {
	let step = programs::random::random_step(3, 5, &[3, 4]);
	engines::assert_steps_conform(&step.program, &step.bindings(), 1);
}
