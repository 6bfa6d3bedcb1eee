//! Numbers that a program makes of nothing, of its seed, or of integers; and integers that it makes of numbers.

mod support;

use repops::{
	kernel::apply,
	number,
	program::{Initialiser, OperationKind},
	random::{initial_element, Purpose, Seed, Stream},
	tensor::{Shape, Tensor},
};
use support::{Words, NASTY};

const UNIT: Initialiser = Initialiser::Uniform {
	low: repops::program::Bits(0),
	high: repops::program::Bits(0x3F80_0000),
};

fn random(
	distribution: Initialiser,
	stream: u32,
	seed: Seed,
	position: u64,
	shape: impl Into<Shape>,
) -> Vec<f32> {
	let kind = OperationKind::Random {
		stream,
		shape: shape.into(),
		distribution,
	};
	let seed = Tensor::u32([8], seed.words().to_vec()).unwrap();
	let position = vec![position as u32, (position >> 32) as u32];
	let position = Tensor::u32([2], position).unwrap();
	let result = apply(&kind, &[&seed, &position]).unwrap();
	result.as_f32().unwrap().to_vec()
}

/// Mean and variance.
fn moments(numbers: &[f32]) -> (f64, f64) {
	let count = numbers.len() as f64;
	let mean = numbers.iter().copied().map(f64::from).sum::<f64>() / count;
	let squares = numbers
		.iter()
		.map(|number| (f64::from(*number) - mean).powi(2));
	(mean, squares.sum::<f64>() / count)
}

#[test]
fn random_numbers_have_the_moments_of_their_distribution() {
	let shape = [200, 500];
	let (mean, variance) = moments(&random(UNIT, 0, Seed([1; 32]), 0, shape));
	assert!((mean - 0.5).abs() < 0.005, "{mean}");
	assert!((variance - 1.0 / 12.0).abs() < 0.002, "{variance}");
	let normal = Initialiser::Normal {
		mean: (-3.0).into(),
		deviation: 0.5.into(),
	};
	let (mean, variance) = moments(&random(normal, 0, Seed([1; 32]), 0, shape));
	assert!((mean + 3.0).abs() < 0.01, "{mean}");
	assert!((variance - 0.25).abs() < 0.01, "{variance}");
	let constant = random(
		Initialiser::Constant(0.75.into()),
		0,
		Seed([1; 32]),
		0,
		shape,
	);
	assert!(constant.iter().all(|number| *number == 0.75));
}

/// Each batch has its own noise, and each random tensor of a program too.
#[test]
fn other_streams_positions_and_seeds_are_unrelated() {
	let drawn = |seed: u8, position: u64, stream: u32| {
		random(UNIT, stream, Seed([seed; 32]), position, [20_000])
	};
	let all = [
		drawn(1, 0, 0),
		drawn(1, 1, 0),
		drawn(1, 1 << 32, 0),
		drawn(1, 0, 1),
		drawn(1, 0, u32::MAX),
		drawn(2, 0, 0),
	];
	for (at, one) in all.iter().enumerate() {
		for other in &all[..at] {
			let products: Vec<f32> = one
				.iter()
				.zip(other)
				.map(|(a, b)| (a - 0.5) * (b - 0.5))
				.collect();
			// Of unrelated numbers the mean of 20,000 such products has a deviation of 1/1,700.
			let (mean, _) = moments(&products);
			assert!(mean.abs() < 0.003, "{mean}");
			let same = one.iter().zip(other).filter(|(a, b)| a == b).count();
			assert!(same < 5, "{same}");
		}
	}
	assert_eq!(drawn(1, 7, 3), drawn(1, 7, 3));
	// Neither the first weights nor the order of the rows say anything of the noise.
	let seed = Seed([1; 32]);
	let noise = Purpose::Noise {
		position: 0,
		stream: 0,
	};
	let words = |purpose| Stream::new(&seed, purpose).block(0);
	for purpose in [Purpose::Initial(0), Purpose::Order(0)] {
		assert_ne!(words(noise), words(purpose));
	}
}

#[test]
fn each_random_number_can_be_drawn_alone() {
	let seed = Seed(core::array::from_fn(|byte| byte as u8));
	let normal = Initialiser::Normal {
		mean: 1.0.into(),
		deviation: 2.0.into(),
	};
	for distribution in [UNIT, normal, Initialiser::Constant((-0.0).into())] {
		let position = 5 << 32 | 6;
		let whole = random(distribution, 7, seed, position, [3, 5, 7]);
		let purpose = Purpose::Noise {
			position,
			stream: 7,
		};
		let stream = Stream::new(&seed, purpose);
		for (element, at) in whole.iter().zip(0..) {
			let alone = initial_element(distribution, &stream, at);
			assert_eq!(alone.to_bits(), element.to_bits());
		}
		// The shape is only how the elements are laid out.
		assert_eq!(
			support::bits(&random(distribution, 7, seed, position, [105])),
			support::bits(&whole)
		);
	}
}

/// Dropout as programs write it: what is kept is divided by the share that is kept.
#[test]
fn a_mask_of_noise_keeps_its_share() {
	let noise = random(UNIT, 0, Seed([4; 32]), 9, [10_000]);
	let noise = Tensor::f32([10_000], noise).unwrap();
	let dropped = OperationKind::CompareScalar(repops::program::Relation::Less, 0.25.into());
	let mask = apply(&dropped, &[&noise]).unwrap();
	let ones = Tensor::f32([10_000], vec![1.0 / 0.75; 10_000]).unwrap();
	let kept = apply(&OperationKind::Fill(0.0.into()), &[&mask, &ones]).unwrap();
	let (mean, _) = moments(kept.as_f32().unwrap());
	assert!((mean - 1.0).abs() < 0.03, "{mean}");
}

#[test]
fn indices_along_an_axis() {
	let iota = |shape: Shape, axis| {
		let result = apply(&OperationKind::Iota { shape, axis }, &[]).unwrap();
		result.as_f32().unwrap().to_vec()
	};
	assert_eq!(iota([4].into(), 0), [0.0, 1.0, 2.0, 3.0]);
	assert_eq!(iota([2, 3].into(), 0), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
	assert_eq!(iota([2, 3].into(), 1), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
	let shape = Shape::from([3, 2, 5, 2]);
	for axis in 0..4u8 {
		let inner: u32 = shape.0[usize::from(axis) + 1..].iter().product();
		let length = shape.0[usize::from(axis)];
		let expected = (0..60).map(|at| (at / inner % length) as f32);
		assert_eq!(iota(shape.clone(), axis), expected.collect::<Vec<_>>());
	}
	// Beyond 2^24 not every integer is a number; of two as near it is the even one.
	let long = iota([(1 << 24) + 6].into(), 0);
	let end: Vec<u32> = long[1 << 24..]
		.iter()
		.map(|number| *number as u32)
		.collect();
	let base = 1 << 24;
	let expected = [base, base, base + 2, base + 4, base + 4, base + 4];
	assert_eq!(end, expected);
}

#[test]
fn numbers_lose_their_fraction() {
	let cases = [
		(0.0, 0),
		(-0.0, 0),
		(0.999_999_94, 0),
		(1.0, 1),
		(1.999_999_9, 1),
		(-1.0, 0),
		(-0.5, 0),
		(16_777_218.0, 16_777_218),
		(4_294_967_000.0, 4_294_967_040),
		(4_294_967_296.0, u32::MAX),
		(f32::MAX, u32::MAX),
		(f32::INFINITY, u32::MAX),
		(f32::NEG_INFINITY, 0),
		(f32::from_bits(1), 0),
	];
	let (numbers, expected): (Vec<f32>, Vec<u32>) = cases.into_iter().unzip();
	let integers = |numbers: Vec<f32>| {
		let numbers = Tensor::f32([numbers.len() as u32], numbers).unwrap();
		let result = apply(&OperationKind::ToInteger, &[&numbers]).unwrap();
		result.as_u32().unwrap().to_vec()
	};
	assert_eq!(integers(numbers), expected);
	let nasty = NASTY.map(f32::from_bits).to_vec();
	let expected = nasty.iter().map(|number| match number {
		number if number.is_nan() => 0,
		number => f64::from(*number).trunc().clamp(0.0, f64::from(u32::MAX)) as u32,
	});
	assert_eq!(integers(nasty.clone()), expected.collect::<Vec<_>>());
}

#[test]
fn integers_become_the_nearest_number() {
	let numbers = |integers: Vec<u32>| {
		let integers = Tensor::u32([integers.len() as u32], integers).unwrap();
		let result = apply(&OperationKind::ToNumber, &[&integers]).unwrap();
		result.as_f32().unwrap().to_vec()
	};
	assert_eq!(
		numbers(vec![
			0,
			1,
			16_777_217,
			16_777_219,
			u32::MAX,
			u32::MAX - 128,
			u32::MAX - 127
		]),
		[
			0.0,
			1.0,
			16_777_216.0,
			16_777_220.0,
			4_294_967_296.0,
			4_294_967_040.0,
			4_294_967_296.0
		]
	);
	let mut words = Words::new(1);
	let any: Vec<u32> = (0..10_000).map(|_| words.next()).collect();
	for (number, integer) in numbers(any.clone()).into_iter().zip(any) {
		assert_eq!(number, f64::from(integer) as f32);
		let error = (f64::from(number) - f64::from(integer)).abs();
		let neighbours = [number.next_up(), number.next_down()];
		assert!(neighbours
			.into_iter()
			.all(|other| (f64::from(other) - f64::from(integer)).abs() >= error));
	}
}

#[test]
fn the_error_function_of_each_element() {
	let nasty = NASTY.map(f32::from_bits).to_vec();
	let operand = Tensor::f32([4, 6], nasty.clone()).unwrap();
	let result = apply(&OperationKind::Erf, &[&operand]).unwrap();
	let expected = nasty.into_iter().map(|a| number::erf(a).to_bits());
	assert!(result.bits().eq(expected));
}
