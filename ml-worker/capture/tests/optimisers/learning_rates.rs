//! Learning rates that are tables over the steps.

use super::{
	constant_gradient::{step, Sum},
	each, linear, names, plain, regression,
	stock::{difference, losses, rate, Data},
	table, SIZES,
};
use ml_worker_capture::{network::Chain, LearningRate, OptimiserSpec};
use repops::tensor::Tensor;

/// The rate that a program uses after so many steps: what it takes from parameters that are 0 where the gradient
/// is 1. And the count of steps after the step.
fn rate_at(table: &LearningRate, counts: &[u32]) -> Vec<(f32, f32)> {
	let optimiser = OptimiserSpec::sgd(1.0).with_learning_rate(table.clone());
	let program = Sum([1.0, 1.0]).program(&optimiser);
	assert_eq!(names(&program), ["values", "step_count"]);
	let at = |count: &u32| {
		let state = [
			Tensor::f32([4], vec![0.0; 4]).unwrap(),
			Tensor::f32([1], vec![*count as f32]).unwrap(),
		];
		let after = step(&program, &state).state;
		let values = after[0].as_f32().unwrap();
		assert_eq!(*values, [values[0]; 4]);
		(-values[0], after[1].as_f32().unwrap()[0])
	};
	counts.iter().map(at).collect()
}

/// Three roundings of numbers of the same sign.
const TOLERANCE: f64 = 3.0 * f32::EPSILON as f64;

#[test]
fn a_table_is_followed_from_point_to_point() {
	let tables = [
		vec![(0, 0.0), (100, 0.001), (1000, 0.0001)],
		vec![(7, 0.25), (8, 1e-8), (9, 3.0), (300, 0.0)],
		vec![
			(0, 0.3),
			(1, 0.3),
			(200, 0.1),
			(400, 0.1),
			(401, 0.0),
			(1000, 0.7),
		],
		vec![(5, 0.1), (6, 0.1)],
		vec![(0, 0.1), (1 << 20, 0.0)],
		vec![(1_000_000, 0.1), (1 << 20, 1.0)],
	];
	for points in tables {
		let last = *points.last().unwrap();
		let table = LearningRate::Table(points);
		let around = |at: u32| [at - 1, at, at + 1];
		let mut counts: Vec<u32> = (0..1100).collect();
		counts.extend(around(1_000_000));
		counts.extend([
			1_010_101,
			1_024_288,
			1_048_575,
			1 << 20,
			(1 << 24) - 1,
			1 << 24,
		]);
		for (count, (found, _)) in counts.iter().zip(rate_at(&table, &counts)) {
			let expected = rate(&table, u64::from(*count));
			assert!(found >= 0.0, "{table:?} at {count}: {found}");
			assert!(
				(f64::from(found) - expected).abs() <= TOLERANCE * expected,
				"{table:?} at {count}: {found} instead of {expected}"
			);
			if *count >= last.0 {
				assert_eq!(found, last.1);
			}
		}
	}
}

#[test]
fn the_count_rises_by_one_and_stops_at_what_an_f32_can_count() {
	let counts = [
		0,
		1,
		2,
		12_345,
		(1 << 20) - 1,
		1 << 20,
		(1 << 24) - 1,
		1 << 24,
	];
	let after = rate_at(&table(), &counts);
	for (count, (_, after)) in counts.into_iter().zip(after) {
		assert_eq!(after as u32, (count + 1).min(1 << 24));
	}
}

#[test]
fn a_table_of_the_most_points_fits_into_a_program() {
	let points = (0..64).map(|index| (index * 16_000, 1.0 / (index + 1) as f32));
	let table = LearningRate::Table(points.collect());
	let counts: Vec<u32> = (0..64 * 16).map(|index| index * 1_000).collect();
	for (count, (found, _)) in counts.iter().zip(rate_at(&table, &counts)) {
		let expected = rate(&table, u64::from(*count));
		assert!((f64::from(found) - expected).abs() <= TOLERANCE * expected);
	}
}

#[test]
fn a_constant_keeps_no_count() {
	for optimiser in each() {
		let constant = regression(&optimiser, true);
		let with_table = regression(&optimiser.with_learning_rate(table()), true);
		assert!(!names(&constant).contains(&"step_count"));
		let mut with_count = names(&constant);
		with_count.insert(2, "step_count");
		assert_eq!(names(&with_table), with_count);
	}
}

#[test]
fn a_level_table_trains_as_a_constant() {
	for optimiser in each() {
		let level = LearningRate::Table(vec![(0, 0.25), (3, 0.25), (9, 0.25)]);
		let constant = optimiser.clone().with_learning_rate(0.25.into());
		let level = optimiser.with_learning_rate(level);
		let data = Data::synthetic(SIZES);
		let train = |optimiser| {
			data.train(&regression(optimiser, true), 12)
				.remove(11)
				.state
		};
		let mut by_table = train(&level);
		let count = by_table.remove(2);
		assert_eq!(count.as_f32().unwrap(), [12.0]);
		assert_eq!(by_table, train(&constant));
	}
}

#[test]
fn each_optimiser_follows_burn_along_a_table() {
	for optimiser in each() {
		let optimiser = optimiser.with_learning_rate(table());
		let program = regression(&optimiser, true);
		let data = Data::synthetic(SIZES);
		let found: Vec<f32> = data
			.train(&program, 80)
			.iter()
			.map(|outputs| outputs.loss.unwrap())
			.collect();
		let chain = Chain::new(&linear(true), &SIZES).unwrap();
		let expected = losses(&chain, &optimiser, &data, &program, 80);
		assert!(expected[79] < 0.9 * expected[0], "{expected:?}");
		let apart = difference(&found, &expected);
		assert!(apart <= 200.0 * f32::EPSILON, "{optimiser:?}: {apart:e}");
	}
}

#[test]
fn each_optimiser_follows_its_formulas_along_a_table() {
	for optimiser in each() {
		plain::agrees(&optimiser.with_learning_rate(table()), 80);
	}
}
