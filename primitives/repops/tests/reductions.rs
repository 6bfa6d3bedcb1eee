//! Sums and greatest elements over each axis, against naive loops and exact integers.

mod support;

use repops::{
	kernel::{apply, arg_max, maximum, sum_last, sum_last_chunk},
	number::{canonical, NAN},
	program::OperationKind,
	tensor::{Shape, Tensor},
};
use support::{bits, Words, NASTY};

const SHAPES: [&[u32]; 14] = [
	&[1],
	&[15],
	&[16],
	&[17],
	&[255],
	&[256],
	&[1000],
	&[7, 1],
	&[300, 3],
	&[3, 300],
	&[513, 2],
	&[2, 515, 3],
	&[4, 1, 270],
	&[2, 3, 260, 5],
];

/// The sum over the last axis by the words of the definition: chain by chain, then the tree as a recursion.
fn naive_sum_last(terms: &[f32]) -> f32 {
	fn tree(chains: &[f32]) -> f32 {
		// 8 + 8, 4 + 4, … pairs chain l with chain l + width: the even and the odd ones end up apart last.
		match chains {
			[chain] => *chain,
			_ => {
				let half = chains.len() / 2;
				let folded: Vec<f32> = (0..half).map(|at| chains[at] + chains[at + half]).collect();
				tree(&folded)
			}
		}
	}
	let mut total: Option<f32> = None;
	for chunk in terms.chunks(256) {
		let chain = |lane: usize| {
			chunk
				.iter()
				.skip(lane)
				.step_by(16)
				.fold(0.0f32, |sum, term| sum + term)
		};
		let chunk = tree(&(0..16).map(chain).collect::<Vec<_>>());
		total = Some(total.map_or(chunk, |total| total + chunk));
	}
	canonical(total.unwrap())
}

fn naive_sum(terms: &[f32]) -> f32 {
	let mut total: Option<f32> = None;
	for chunk in terms.chunks(256) {
		let chunk = chunk.iter().fold(0.0f32, |sum, term| sum + term);
		total = Some(total.map_or(chunk, |total| total + chunk));
	}
	canonical(total.unwrap())
}

fn naive_max(elements: &[f32]) -> f32 {
	if elements.iter().any(|element| element.is_nan()) {
		return NAN;
	}
	// Sorted by the sign of zeros too.
	elements.iter().copied().max_by(f32::total_cmp).unwrap()
}

/// The elements along an axis for each output, found by counting through all indices.
fn lines(shape: &[u32], axis: usize, elements: &[f32]) -> Vec<Vec<f32>> {
	let mut lines = std::collections::BTreeMap::<Vec<usize>, Vec<f32>>::new();
	for (at, element) in elements.iter().enumerate() {
		let mut rest = at;
		let mut index: Vec<usize> = shape
			.iter()
			.rev()
			.map(|length| {
				let place = rest % *length as usize;
				rest /= *length as usize;
				place
			})
			.collect();
		index.reverse();
		index[axis] = 0;
		lines.entry(index).or_default().push(*element);
	}
	lines.into_values().collect()
}

fn assert_reduction(
	kind: OperationKind,
	operand: &Tensor,
	axis: usize,
	naive: impl Fn(&[f32]) -> f32,
) {
	let result = apply(&kind, &[operand]).unwrap();
	let mut shape = operand.shape.clone();
	shape.0[axis] = 1;
	assert_eq!(result.shape, shape);
	let lines = lines(&operand.shape.0, axis, operand.as_f32().unwrap());
	let expected: Vec<f32> = lines.iter().map(|line| naive(line)).collect();
	assert_eq!(
		bits(result.as_f32().unwrap()),
		bits(&expected),
		"{kind:?} of {}",
		operand.shape
	);
}

#[test]
fn sums_and_maxima_equal_the_naive_loops() {
	let mut words = Words::new(1);
	for shape in SHAPES {
		for rate in [u32::MAX, 500, 10] {
			let shape = Shape(shape.to_vec());
			let operand = Tensor::f32(
				shape.clone(),
				words.spiced(shape.elements().unwrap() as usize, rate),
			)
			.unwrap();
			for axis in 0..shape.rank() {
				let last = axis + 1 == shape.rank();
				let naive = if last { naive_sum_last } else { naive_sum };
				assert_reduction(
					OperationKind::Sum { axis: axis as u8 },
					&operand,
					axis,
					naive,
				);
				assert_reduction(
					OperationKind::Max { axis: axis as u8 },
					&operand,
					axis,
					naive_max,
				);
			}
		}
	}
}

#[test]
fn integers_are_summed_exactly() {
	let mut words = Words::new(2);
	for length in 1..600 {
		let integers: Vec<i64> = (0..length)
			.map(|_| words.below(2001) as i64 - 1000)
			.collect();
		let floats: Vec<f32> = integers.iter().map(|integer| *integer as f32).collect();
		assert_eq!(sum_last(&floats) as i64, integers.iter().sum::<i64>());
	}
}

#[test]
fn the_order_of_a_sum_can_be_seen() {
	// Chain 0 takes elements 0 and 16: alone they cancel; in plain ascending order the ones would be lost.
	let mut terms = vec![1.0f32; 32];
	terms[0] = 1e30;
	terms[16] = -1e30;
	assert_eq!(sum_last_chunk(&terms), 30.0);
	// Over another axis the order is plain: everything up to the last large term is lost.
	let column = Tensor::f32([32, 1], terms).unwrap();
	assert_eq!(
		apply(&OperationKind::Sum { axis: 0 }, &[&column])
			.unwrap()
			.as_f32()
			.unwrap(),
		[15.0]
	);
	// Chunks are separate: 2^24 + 1 is lost within a chunk, 256 ones in a chunk of their own are not.
	let mut terms = vec![1.0f32; 512];
	terms[..256].fill(0.0);
	terms[0] = 16_777_216.0;
	let column = Tensor::f32([512, 1], terms).unwrap();
	assert_eq!(
		apply(&OperationKind::Sum { axis: 0 }, &[&column])
			.unwrap()
			.as_f32()
			.unwrap(),
		[16_777_472.0]
	);
}

#[test]
fn sums_of_negative_zeros_are_positive_and_padding_changes_nothing() {
	for length in 1..=40 {
		assert_eq!(sum_last(&vec![-0.0; length]).to_bits(), 0);
	}
	let mut words = Words::new(3);
	for length in 1..=256 {
		let terms: Vec<f32> = (0..length)
			.map(|_| f32::from_bits(words.bits() & 0x8000_0003))
			.collect();
		let mut padded = terms.clone();
		padded.resize(256, 0.0);
		assert_eq!(
			sum_last_chunk(&terms).to_bits(),
			sum_last_chunk(&padded).to_bits()
		);
	}
}

#[test]
fn the_maximum_does_not_depend_on_the_order() {
	for a in NASTY.map(f32::from_bits) {
		for b in NASTY.map(f32::from_bits) {
			assert_eq!(maximum(a, b).to_bits(), naive_max(&[a, b]).to_bits());
			assert_eq!(maximum(a, b).to_bits(), maximum(b, a).to_bits());
		}
	}
}

#[test]
fn arg_max_takes_the_first_of_equals() {
	let nan = f32::from_bits(0xFFC0_0001);
	let cases: [(&[f32], u32); 9] = [
		(&[1.0], 0),
		(&[1.0, 3.0, 3.0, 2.0], 1),
		(&[-0.0, 0.0], 0),
		(&[0.0, -0.0], 0),
		(&[f32::INFINITY, nan, NAN], 1),
		(&[nan, f32::INFINITY], 0),
		(&[f32::NEG_INFINITY, f32::MIN], 1),
		(&[f32::NEG_INFINITY, f32::NEG_INFINITY], 0),
		(&[-1.0, -2.0, -0.5], 2),
	];
	for (elements, expected) in cases {
		assert_eq!(arg_max(elements.iter().copied()), expected, "{elements:?}");
	}
	let matrix = Tensor::f32([2, 3], vec![1.0, 2.0, 0.0, 5.0, 4.0, 3.0]).unwrap();
	let result = apply(&OperationKind::ArgMax { axis: 1 }, &[&matrix]).unwrap();
	assert_eq!(
		(result.shape.0.as_slice(), result.as_u32().unwrap()),
		([2, 1].as_slice(), [1, 0].as_slice())
	);
}
