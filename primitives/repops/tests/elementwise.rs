//! Operations on elements, and operations that move them.

mod support;

use proptest::prelude::*;
use repops::{
	check::{infer, Reason},
	kernel::apply,
	number,
	program::{OperationKind, Relation},
	random::{batch_rows, Seed},
	tensor::{Elements, Tensor, TensorType},
};
use support::{
	any::{any_kind, any_shape, RELATIONS},
	Words, NASTY,
};

fn nasty_pairs() -> (Tensor, Tensor) {
	let count = NASTY.len() as u32;
	let pairs = NASTY.iter().flat_map(|a| {
		NASTY
			.iter()
			.map(|b| (f32::from_bits(*a), f32::from_bits(*b)))
	});
	let (left, right): (Vec<_>, Vec<_>) = pairs.unzip();
	(
		Tensor::f32([count, count], left).unwrap(),
		Tensor::f32([count, count], right).unwrap(),
	)
}

/// A result rounded from double precision, which is exact or twice as precise as needed for all of these
/// (S. Figueroa, "When is double rounding innocuous?", 1995).
fn rounded(value: f64) -> u32 {
	number::canonical(value as f32).to_bits()
}

#[test]
fn arithmetic_is_rounded_once() {
	let (left, right) = nasty_pairs();
	type Oracle = fn(f64, f64) -> f64;
	let cases: [(OperationKind, Oracle); 4] = [
		(OperationKind::Add, |a, b| a + b),
		(OperationKind::Subtract, |a, b| a - b),
		(OperationKind::Multiply, |a, b| a * b),
		(OperationKind::Divide, |a, b| a / b),
	];
	for (kind, oracle) in cases {
		let result = apply(&kind, &[&left, &right]).unwrap();
		let pairs = left.as_f32().unwrap().iter().zip(right.as_f32().unwrap());
		for ((a, b), result) in pairs.zip(result.bits()) {
			assert_eq!(
				result,
				rounded(oracle(f64::from(*a), f64::from(*b))),
				"{kind:?} of {a:e} and {b:e}"
			);
		}
	}
	for constant in NASTY
		.map(f32::from_bits)
		.into_iter()
		.filter(|constant| !constant.is_nan())
	{
		let sums = apply(&OperationKind::AddScalar(constant.into()), &[&left]).unwrap();
		let products = apply(&OperationKind::MultiplyScalar(constant.into()), &[&left]).unwrap();
		for ((a, sum), product) in left
			.as_f32()
			.unwrap()
			.iter()
			.zip(sums.bits())
			.zip(products.bits())
		{
			assert_eq!(sum, rounded(f64::from(*a) + f64::from(constant)));
			assert_eq!(product, rounded(f64::from(*a) * f64::from(constant)));
		}
	}
}

#[test]
fn functions_of_one_number() {
	let (operand, _) = nasty_pairs();
	type Oracle = fn(f32) -> u32;
	let cases: [(OperationKind, Oracle); 5] = [
		(OperationKind::Reciprocal, |a| rounded(1.0 / f64::from(a))),
		(OperationKind::Sqrt, |a| rounded(f64::from(a).sqrt())),
		(OperationKind::Exp, |a| number::exp(a).to_bits()),
		(OperationKind::Log, |a| number::log(a).to_bits()),
		(OperationKind::Tanh, |a| number::tanh(a).to_bits()),
	];
	for (kind, oracle) in cases {
		let result = apply(&kind, &[&operand]).unwrap();
		assert_eq!(result.shape, operand.shape);
		for (a, result) in operand.as_f32().unwrap().iter().zip(result.bits()) {
			assert_eq!(result, oracle(*a), "{kind:?} of {a:e}");
		}
	}
}

#[test]
fn comparisons_treat_nan_and_zeros_as_ieee_does() {
	let (left, right) = nasty_pairs();
	for relation in RELATIONS {
		let result = apply(&OperationKind::Compare(relation), &[&left, &right]).unwrap();
		let pairs = left.as_f32().unwrap().iter().zip(right.as_f32().unwrap());
		for ((a, b), result) in pairs.zip(result.as_u32().unwrap()) {
			let order = a.partial_cmp(b);
			let expected = match relation {
				Relation::Equal => order.is_some_and(|order| order.is_eq()),
				Relation::NotEqual => order.is_none_or(|order| order.is_ne()),
				Relation::Less => order.is_some_and(|order| order.is_lt()),
				Relation::LessEqual => order.is_some_and(|order| order.is_le()),
				Relation::Greater => order.is_some_and(|order| order.is_gt()),
				Relation::GreaterEqual => order.is_some_and(|order| order.is_ge()),
			};
			assert_eq!(*result, u32::from(expected), "{a} {relation:?} {b}");
		}
		let scalar = apply(
			&OperationKind::CompareScalar(relation, (-0.0).into()),
			&[&left],
		)
		.unwrap();
		let zeros = Tensor::f32(left.shape.clone(), vec![0.0; left.len()]).unwrap();
		assert_eq!(
			scalar,
			apply(&OperationKind::Compare(relation), &[&left, &zeros]).unwrap()
		);
	}
	let a = Tensor::u32([3], vec![1, u32::MAX, 7]).unwrap();
	let b = Tensor::u32([3], vec![2, 0, 7]).unwrap();
	let less = apply(&OperationKind::Compare(Relation::Less), &[&a, &b]).unwrap();
	assert_eq!(less.as_u32().unwrap(), [1, 0, 0]);
}

#[test]
fn select_and_fill_keep_bits() {
	let (a, b) = nasty_pairs();
	let mask: Vec<u32> = (0..a.len() as u32)
		.map(|at| if at % 3 == 0 { 0 } else { at })
		.collect();
	let mask = Tensor::u32(a.shape.clone(), mask).unwrap();
	let selected = apply(&OperationKind::Select, &[&mask, &a, &b]).unwrap();
	let filled = apply(&OperationKind::Fill((-0.0).into()), &[&mask, &a]).unwrap();
	let (a, b, selected, filled): (Vec<_>, Vec<_>, Vec<_>, Vec<_>) = (
		a.bits().collect(),
		b.bits().collect(),
		selected.bits().collect(),
		filled.bits().collect(),
	);
	for (at, mask) in mask.as_u32().unwrap().iter().enumerate() {
		assert_eq!(selected[at], if *mask == 0 { b[at] } else { a[at] });
		assert_eq!(filled[at], if *mask == 0 { a[at] } else { 0x8000_0000 });
	}
}

#[test]
fn gathered_rows() {
	let table = Tensor::f32(
		[3, 2],
		NASTY[12..18]
			.iter()
			.map(|bits| f32::from_bits(*bits))
			.collect(),
	)
	.unwrap();
	let indices = Tensor::u32([5], vec![2, 0, 3, 2, u32::MAX]).unwrap();
	let rows = apply(&OperationKind::GatherRows, &[&table, &indices]).unwrap();
	assert_eq!(rows.shape.0, [5, 2]);
	let word = |at: usize| NASTY[12 + at];
	let expected = [
		word(4),
		word(5),
		word(0),
		word(1),
		0,
		0,
		word(4),
		word(5),
		0,
		0,
	];
	assert_eq!(rows.bits().collect::<Vec<_>>(), expected);
	let labels = Tensor::u32([4], vec![10, 11, 12, 13]).unwrap();
	let picked = apply(&OperationKind::GatherRows, &[&labels, &indices]).unwrap();
	assert_eq!(picked.as_u32().unwrap(), [12, 10, 13, 12, 0]);
}

#[test]
fn batches_come_from_seed_and_position() {
	let seed = Seed([7; 32]);
	let position = 5u64 << 32 | 9;
	let rows = apply(
		&OperationKind::BatchRows {
			population: 1000,
			batch: 64,
		},
		&[
			&Tensor::u32([8], seed.words().to_vec()).unwrap(),
			&Tensor::u32([2], vec![9, 5]).unwrap(),
		],
	)
	.unwrap();
	assert_eq!(
		rows.as_u32().unwrap(),
		batch_rows(&seed, position, 64, 1000).collect::<Vec<_>>()
	);
}

#[test]
fn broadcasts_repeat_axes_of_length_one() {
	let from = Tensor::f32([2, 1, 3, 1], (0..6).map(|at| at as f32).collect()).unwrap();
	let result = apply(
		&OperationKind::Broadcast {
			shape: [2, 4, 3, 5].into(),
		},
		&[&from],
	)
	.unwrap();
	assert_eq!(result.shape.0, [2, 4, 3, 5]);
	for (at, element) in result.as_f32().unwrap().iter().enumerate() {
		let (first, third) = (at / 60, at / 5 % 3);
		assert_eq!(*element, (first * 3 + third) as f32);
	}
}

#[test]
fn one_hot_count_transpose_reshape_and_constant() {
	let labels = Tensor::u32([3], vec![1, 3, 0]).unwrap();
	let rows = apply(&OperationKind::OneHot { classes: 3 }, &[&labels]).unwrap();
	assert_eq!(
		rows.as_f32().unwrap(),
		[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
	);
	let count = apply(&OperationKind::CountNonzero, &[&labels]).unwrap();
	assert_eq!(count.as_u32().unwrap(), [2]);
	for elements in [
		Elements::U32((0..6).collect()),
		Elements::F32(
			NASTY[10..16]
				.iter()
				.map(|bits| f32::from_bits(*bits))
				.collect(),
		),
	] {
		let matrix = Tensor::new([2, 3], elements).unwrap();
		let words: Vec<u32> = matrix.bits().collect();
		let transposed = apply(&OperationKind::Permute { axes: vec![1, 0] }, &[&matrix]).unwrap();
		assert_eq!(transposed.shape.0, [3, 2]);
		assert_eq!(
			transposed.bits().collect::<Vec<_>>(),
			[0, 3, 1, 4, 2, 5].map(|at: usize| words[at])
		);
		let reshaped = apply(
			&OperationKind::Reshape {
				shape: [6, 1, 1].into(),
			},
			&[&matrix],
		)
		.unwrap();
		assert_eq!(
			(reshaped.shape.0.as_slice(), reshaped.bits().collect()),
			([6, 1, 1].as_slice(), words)
		);
	}
	let constant = OperationKind::Constant {
		shape: [2, 2].into(),
		value: number::NAN.into(),
	};
	assert_eq!(
		apply(&constant, &[]).unwrap().bits().collect::<Vec<_>>(),
		[0x7FC0_0000; 4]
	);
}

#[test]
fn operands_that_do_not_fill_their_shape_are_refused() {
	let broken = Tensor {
		shape: [2, 2].into(),
		elements: Elements::F32(vec![1.0; 3]),
	};
	assert_eq!(
		apply(&OperationKind::Exp, &[&broken]),
		Err(Reason::Malformed)
	);
}

fn any_tensor(words: &mut Words) -> Tensor {
	let shape = any_shape(words);
	let count = shape.elements().unwrap();
	let elements = if words.below(3) == 0 {
		Elements::U32((0..count).map(|_| words.below(4)).collect())
	} else {
		Elements::F32((0..count).map(|_| f32::from_bits(words.bits())).collect())
	};
	Tensor::new(shape, elements).unwrap()
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4000))]

	/// Whatever is thrown at it, an operation gives a tensor of the inferred type or the same refusal, and
	/// computations give no NaN but the one.
	#[test]
	fn every_operation_is_total(seed: u8, skip in 0u64..1 << 40) {
		let mut words = Words::starting_at(seed, skip);
		let operands: Vec<Tensor> = (0..words.below(4)).map(|_| any_tensor(&mut words)).collect();
		let operands: Vec<&Tensor> = operands.iter().collect();
		let types: Vec<TensorType> = operands.iter().map(|operand| operand.kind()).collect();
		for _ in 0..8 {
			let kind = any_kind(&mut words);
			let inferred = infer(&kind, &types.iter().collect::<Vec<_>>());
			let result = apply(&kind, &operands);
			prop_assert_eq!(&inferred, &result.as_ref().map(Tensor::kind).map_err(Clone::clone), "{:?}", &kind);
			let Ok(result) = result else { continue };
			prop_assert!(result.check().is_ok());
			let moves = matches!(
				kind,
				OperationKind::GatherRows
					| OperationKind::Select | OperationKind::Fill(_)
					| OperationKind::Broadcast { .. }
					| OperationKind::Reshape { .. }
					| OperationKind::Permute { .. }
					| OperationKind::Unfold { .. }
					| OperationKind::Slice { .. }
					| OperationKind::Insert { .. }
			);
			if let (false, Some(numbers)) = (moves, result.as_f32()) {
				prop_assert!(numbers.iter().all(|number| !number.is_nan() || number.to_bits() == 0x7FC0_0000));
			}
		}
	}
}
