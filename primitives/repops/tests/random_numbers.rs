//! The generator, its distributions, and orders of rows.

mod support;

use proptest::prelude::*;
use repops::{
	initial::{initial_element_of, initial_state},
	program::Initialiser,
	random::*,
};
use support::{hex, mlp};

/// The known answers of the authors' library, Random123.
#[test]
fn philox_gives_the_published_answers() {
	assert_eq!(
		philox4x32_10([0; 4], [0; 2]),
		[0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
	);
	assert_eq!(
		philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
		[0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
	);
	assert_eq!(
		philox4x32_10(
			[0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
			[0xa409_3822, 0x299f_31d0]
		),
		[0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
	);
}

#[test]
fn seeds_keep_their_words() {
	let seed = Seed(core::array::from_fn(|byte| byte as u8));
	assert_eq!(seed.words()[0], 0x0302_0100);
	assert_eq!(Seed::from_words(seed.words()), seed);
}

#[test]
fn streams_of_other_seeds_and_purposes_differ() {
	let words = |seed: u8, purpose| Stream::new(&Seed([seed; 32]), purpose).block(0);
	let all = [
		words(0, Purpose::Initial(0)),
		words(0, Purpose::Initial(1)),
		words(0, Purpose::Order(0)),
		words(0, Purpose::Order(1 << 32)),
		words(1, Purpose::Initial(0)),
	];
	for (at, one) in all.iter().enumerate() {
		assert!(!all[..at].contains(one));
	}
}

#[test]
fn the_unit_interval_is_exact_and_open_above() {
	assert_eq!(unit(0), 0.0);
	assert_eq!(unit(0xFF), 0.0);
	assert_eq!(unit(0x100), 2f32.powi(-24));
	assert_eq!(unit(u32::MAX), 1.0 - 2f32.powi(-24));
}

#[test]
fn normal_numbers_invert_the_distribution() {
	// A step of one of the 2^24 parts is the resolution; towards the ends it widens.
	for word in (0..=u32::MAX).step_by(65_537).chain([0, u32::MAX]) {
		let normal = f64::from(standard_normal(word));
		let part = (f64::from(word >> 8) + 0.5) / 2f64.powi(24);
		let below = 0.5 * libm::erfc(-normal / core::f64::consts::SQRT_2);
		let density = (-0.5 * normal * normal).exp() / (2.0 * core::f64::consts::PI).sqrt();
		let error = (below - part).abs() / density;
		assert!(
			error < 3e-6 * (1.0 + normal.abs()),
			"word {word:#x}: {normal} is off by {error}"
		);
	}
	assert_eq!(standard_normal(0), -standard_normal(u32::MAX));
	assert!(standard_normal(u32::MAX) < 5.42);
}

#[test]
fn normal_numbers_have_mean_0_and_deviation_1() {
	let stream = Stream::new(&Seed([3; 32]), Purpose::Initial(0));
	let count = 100_000;
	let sample: Vec<f64> = (0..count)
		.map(|index| f64::from(standard_normal(stream.word(index))))
		.collect();
	let mean = sample.iter().sum::<f64>() / count as f64;
	let variance = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64;
	assert!(
		mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02,
		"{mean}, {variance}"
	);
}

#[test]
fn an_initial_element_can_be_computed_alone() {
	let mut program = mlp(100, 7, 5, 3, 10, 0.1);
	program.state[1].initial = Initialiser::Normal {
		mean: 1.0.into(),
		deviation: 0.5.into(),
	};
	program.state[3].initial = Initialiser::Constant(0.25.into());
	let seed = Seed([9; 32]);
	for (tensor, index) in initial_state(&program, &seed).iter().zip(0u32..) {
		for (element, at) in tensor.as_f32().unwrap().iter().zip(0u64..) {
			let alone = initial_element_of(&program, &seed, index, at).unwrap();
			assert_eq!(alone.to_bits(), element.to_bits());
		}
		assert_eq!(
			initial_element_of(&program, &seed, index, tensor.len() as u64),
			None
		);
	}
	assert_eq!(initial_element_of(&program, &seed, 4, 0), None);
}

fn assert_bijection(seed: &Seed, epoch: u64, population: u32) {
	let order = Permutation::new(seed, epoch, population);
	let mut seen = vec![false; population as usize];
	for index in 0..population {
		let number = order.at(index) as usize;
		assert!(
			!core::mem::replace(&mut seen[number], true),
			"{number} twice of {population}"
		);
	}
}

#[test]
fn an_order_has_each_row_once() {
	for population in (1..300).chain([1000, 4096, 4097, 60_000, 65_535, 65_537, 1 << 20]) {
		assert_bijection(&Seed([4; 32]), 7, population);
	}
}

#[test]
fn the_largest_population_is_walked_too() {
	let order = Permutation::new(&Seed([5; 32]), 0, u32::MAX);
	let numbers: std::collections::BTreeSet<u32> =
		(0..10_000).map(|index| order.at(index)).collect();
	assert_eq!(numbers.len(), 10_000);
	assert!(!numbers.contains(&u32::MAX));
}

#[test]
fn epochs_have_different_orders() {
	let order = |epoch| {
		let order = Permutation::new(&Seed([6; 32]), epoch, 1000);
		(0..1000).map(|index| order.at(index)).collect::<Vec<_>>()
	};
	let fixed = order(0)
		.iter()
		.zip(order(1))
		.filter(|(a, b)| **a == *b)
		.count();
	assert!(fixed < 10, "{fixed} of 1000 rows at the same place");
	let in_place = order(2)
		.iter()
		.zip(0u32..)
		.filter(|(a, b)| **a == *b)
		.count();
	assert!(in_place < 10, "{in_place} of 1000 rows at their own place");
}

/// Each number comes to each place about equally often over many epochs.
#[test]
fn an_order_is_fair() {
	const POPULATION: usize = 12;
	let epochs = 12_000;
	let mut counts = [[0f64; POPULATION]; POPULATION];
	for epoch in 0..epochs {
		let order = Permutation::new(&Seed([7; 32]), epoch, POPULATION as u32);
		for place in 0..POPULATION {
			counts[place][order.at(place as u32) as usize] += 1.0;
		}
	}
	let expected = epochs as f64 / POPULATION as f64;
	let chi_squared: f64 = counts
		.iter()
		.flatten()
		.map(|count| (count - expected).powi(2) / expected)
		.sum();
	// 121 degrees of freedom: mean 121, deviation 15.6.
	assert!(chi_squared < 121.0 + 5.0 * 15.6, "{chi_squared}");
}

#[test]
fn batches_go_through_each_epoch_without_a_gap() {
	let (seed, population, batch) = (Seed([8; 32]), 10, 4);
	let rows: Vec<u32> = (0..5)
		.flat_map(|position| batch_rows(&seed, position, batch, population))
		.collect();
	for (epoch, rows) in rows.chunks(10).enumerate() {
		let order = Permutation::new(&seed, epoch as u64, population);
		assert_eq!(
			rows,
			(0..10).map(|index| order.at(index)).collect::<Vec<_>>()
		);
	}
	// The number of the sample is taken modulo 2^64.
	assert_eq!(batch_rows(&seed, u64::MAX, 3, 7).count(), 3);
}

proptest! {
	#[test]
	fn an_order_is_a_bijection(seed: [u8; 32], epoch: u64, population in 1u32..3000) {
		assert_bijection(&Seed(seed), epoch, population);
	}

	#[test]
	fn uniform_numbers_stay_in_their_range(word: u32, a in -1e30f32..1e30, b in -1e30f32..1e30) {
		prop_assume!(a < b);
		let number = uniform(word, a, b);
		prop_assert!(a <= number && number < b);
		prop_assert!((1.0..1.0f32.next_up()).contains(&uniform(word, 1.0, 1.0f32.next_up())));
	}
}

#[test]
fn golden_words() {
	let seed = Seed(core::array::from_fn(|byte| byte as u8));
	let mut hasher = blake3::Hasher::new();
	for index in 0..1000 {
		let word = Stream::new(&seed, Purpose::Initial(index)).word(u64::from(index));
		hasher.update(&word.to_le_bytes());
		hasher.update(&standard_normal(word).to_bits().to_le_bytes());
		hasher.update(&uniform(word, -0.1, 0.3).to_bits().to_le_bytes());
	}
	for row in batch_rows(&seed, 3, 1000, 60_000).chain(batch_rows(&seed, 1 << 40, 1000, 999)) {
		hasher.update(&row.to_le_bytes());
	}
	assert_eq!(
		hex(hasher.finalize().as_bytes()),
		"dfd8f8ceb0e67a3545c915ab6249bf6d7a6ade42bb840ba958598a1f3867f353"
	);
}
