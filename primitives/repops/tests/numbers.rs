//! The functions on single numbers: right to the ulp that they promise, and the same bits for ever.

mod support;

use repops::number::*;
use support::{bits, golden, hex, sample, Words, NASTY};

/// What is tested here.
type Function = fn(f32) -> f32;

/// `std`'s fused multiply-add, which is the machine's or the system libm's.
fn fma_of_the_system(a: f32, b: f32, c: f32) -> f32 {
	canonical(a.mul_add(b, c))
}

#[track_caller]
fn assert_fma(a: f32, b: f32, c: f32) {
	let expected = fma_of_the_system(a, b, c).to_bits();
	assert_eq!(
		canonical(fused_in_software(a, b, c)).to_bits(),
		expected,
		"{a:e} * {b:e} + {c:e}"
	);
	assert_eq!(fma(a, b, c).to_bits(), expected, "{a:e} * {b:e} + {c:e}");
}

#[test]
fn software_fma_rounds_once_on_nasty_numbers() {
	for a in NASTY.map(f32::from_bits) {
		for b in NASTY.map(f32::from_bits) {
			for c in NASTY.map(f32::from_bits) {
				assert_fma(a, b, c);
			}
		}
	}
}

#[test]
fn software_fma_rounds_once_on_any_bits() {
	let mut words = Words::new(1);
	for _ in 0..1_000_000 {
		assert_fma(
			f32::from_bits(words.next()),
			f32::from_bits(words.next()),
			f32::from_bits(words.next()),
		);
	}
}

#[test]
fn software_fma_rounds_once_near_ties_and_cancellations() {
	let mut words = Words::new(2);
	for _ in 0..1_000_000 {
		// Few significant bits make products end in a tie of the sum; the addend then decides.
		let a = f32::from_bits(words.next() & 0x807F_F000 | (100 + words.below(50)) << 23);
		let b = f32::from_bits(words.next() & 0x807F_F000 | (60 + words.below(90)) << 23);
		let c = f32::from_bits(words.next() & 0x8000_0007 | (20 + words.below(150)) << 23);
		assert_fma(a, b, c);
		// The sum is the product's rounding error, or close to it.
		assert_fma(a, b, -(a * b));
		assert_fma(a, b, (-(a * b)).next_up());
		// Results among the subnormals.
		assert_fma(
			a * 1e-18,
			b * 1e-20,
			f32::from_bits(words.next() & 0x807F_FFFF),
		);
	}
}

#[test]
fn a_double_rounding_would_be_seen() {
	// 1 + 2^-24 is a tie between 1 and its successor; the tiny term below decides. In double precision it
	// is lost, and rounding twice gives 1.
	let (a, b, c) = (f32::from_bits(0x3380_0000), 1.0, 1.0f32);
	assert_eq!(a, 2f32.powi(-24));
	assert_eq!(fused_in_software(a, b, c), 1.0);
	let tie = 1.0 + 2f32.powi(-12);
	// tie² = 1 + 2^-11 + 2^-24: halfway between two numbers; ± 2^-60 moves it off.
	assert_eq!(
		fused_in_software(tie, tie, 2f32.powi(-60)),
		1.0 + 2f32.powi(-11) + 2f32.powi(-23)
	);
	assert_eq!(
		fused_in_software(tie, tie, -(2f32.powi(-60))),
		1.0 + 2f32.powi(-11)
	);
	assert_eq!(
		(f64::from(tie) * f64::from(tie) + 2f64.powi(-60)) as f32,
		1.0 + 2f32.powi(-11)
	);
}

#[test]
fn every_nan_that_is_made_is_the_one() {
	let one = NAN.to_bits();
	assert_eq!(one, 0x7FC0_0000);
	for nan in [0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0xFFFF_FFFF].map(f32::from_bits) {
		for made in [
			canonical(nan),
			add(nan, 1.0),
			add(1.0, nan),
			sub(nan, nan),
			mul(nan, 0.0),
			div(1.0, nan),
			sqrt(nan),
			fma(nan, 1.0, 1.0),
			fma(1.0, nan, 1.0),
			fma(1.0, 1.0, nan),
			exp(nan),
			log(nan),
			tanh(nan),
			erf(nan),
		] {
			assert_eq!(made.to_bits(), one);
		}
	}
	let infinity = f32::INFINITY;
	for made in [
		sub(infinity, infinity),
		add(infinity, -infinity),
		mul(infinity, -0.0),
		div(0.0, -0.0),
		div(infinity, infinity),
		sqrt(-1.0),
		log(-1.0),
		log(-infinity),
		log(-f32::from_bits(1)),
		fma(infinity, 0.0, 1.0),
		fma(infinity, 1.0, -infinity),
	] {
		assert_eq!(made.to_bits(), one);
	}
}

#[test]
fn special_arguments() {
	let cases: [(Function, f32, f32); 29] = [
		(exp, 0.0, 1.0),
		(exp, -0.0, 1.0),
		(exp, f32::INFINITY, f32::INFINITY),
		(exp, f32::NEG_INFINITY, 0.0),
		(exp, 88.722_84, f32::INFINITY),
		(exp, 88.722_83, 3.402_798_5e38),
		(exp, -104.0, 0.0),
		(exp, -103.972_09, 0.0),
		(exp, -103.972_07, f32::from_bits(1)),
		(exp, f32::MIN, 0.0),
		(log, 0.0, f32::NEG_INFINITY),
		(log, -0.0, f32::NEG_INFINITY),
		(log, 1.0, 0.0),
		(log, f32::INFINITY, f32::INFINITY),
		(log, f32::from_bits(1), -103.278_93),
		(log, f32::MAX, 88.722_84),
		(tanh, 0.0, 0.0),
		(tanh, -0.0, -0.0),
		(tanh, f32::INFINITY, 1.0),
		(tanh, f32::NEG_INFINITY, -1.0),
		(tanh, 20.0, 1.0),
		(tanh, f32::from_bits(1), f32::from_bits(1)),
		(erf, 0.0, 0.0),
		(erf, -0.0, -0.0),
		(erf, f32::INFINITY, 1.0),
		(erf, f32::NEG_INFINITY, -1.0),
		(erf, 4.0, 1.0),
		(erf, f32::MIN, -1.0),
		// 2 / √π of the least number is nearest to it.
		(erf, f32::from_bits(1), f32::from_bits(1)),
	];
	for (function, argument, expected) in cases {
		assert_eq!(
			function(argument).to_bits(),
			expected.to_bits(),
			"at {argument:e}"
		);
	}
	for a in NASTY.map(f32::from_bits) {
		assert_eq!(sqrt(a).to_bits(), canonical(libm::sqrtf(a)).to_bits());
	}
}

/// The distance of `y` from the exact `truth` in units of the last place of the truth.
fn error_in_ulp(y: f32, truth: f64) -> f64 {
	if truth.is_nan() || y.is_nan() {
		return if truth.is_nan() && y.is_nan() {
			0.0
		} else {
			f64::INFINITY
		};
	}
	if y.is_infinite() || (truth as f32).is_infinite() {
		// Overflow begins half an ulp above the greatest number; one ulp is allowed.
		let near = truth.abs() > f64::from(f32::MAX) - 2f64.powi(104) && y.abs() == f32::MAX
			|| y == truth as f32;
		return if near { 0.0 } else { f64::INFINITY };
	}
	let exponent = ((truth.abs().to_bits() >> 52) as i32 - 1023).max(-126);
	(f64::from(y) - truth).abs() / 2f64.powi(exponent - 23)
}

/// The arguments about which [`erf`] goes over from one polynomial to the other, and about its last one below 1.
fn around_the_joint_of_erf() -> impl Iterator<Item = f32> {
	let around = |middle: f32| middle.to_bits() - 20_000..middle.to_bits() + 20_000;
	let bits = around(0.921_875).chain(around(3.9));
	bits.flat_map(|bits| [bits, bits | 1 << 31])
		.map(f32::from_bits)
}

#[test]
fn erf_rises_over_its_joint_too() {
	let positive = around_the_joint_of_erf().filter(|x| *x > 0.0);
	let found: Vec<f32> = positive.map(erf).collect();
	assert!(found.is_sorted());
}

#[test]
fn functions_are_as_exact_as_promised() {
	// Over all 2^32 arguments the greatest errors are 0.892, 0.934 and 1.363 ulp; of erf, over all from 2^-33 to 4.5 and
	// what lies below 2^-121, 1.078 ulp.
	type Truth = fn(f64) -> f64;
	let cases: [(&str, Function, Truth, f64); 4] = [
		("exp", exp, f64::exp, 0.9),
		("log", log, f64::ln, 0.94),
		("tanh", tanh, f64::tanh, 1.37),
		("erf", erf, libm::erf, 1.08),
	];
	for (name, function, truth, bound) in cases {
		for x in sample().chain(around_the_joint_of_erf()) {
			let error = error_in_ulp(function(x), truth(f64::from(x)));
			assert!(
				error <= bound,
				"{name}({x:e}) = {:e} is off by {error} ulp",
				function(x)
			);
		}
	}
}

#[test]
fn functions_rise_but_for_an_ulp() {
	for (function, slack) in [(exp as Function, 1), (log, 0), (tanh, 1), (erf, 0)] {
		let mut last = f32::NEG_INFINITY;
		// In ascending order: the negative numbers backwards.
		let negative = (0x8000_0000..=0xFF80_0000u32).rev().step_by(997);
		for x in negative
			.chain((0..=0x7F80_0000).step_by(997))
			.map(f32::from_bits)
		{
			let y = function(x);
			if !y.is_nan() {
				let floor = if slack == 1 { last.next_down() } else { last };
				assert!(y >= floor, "at {x:e}: {y:e} after {last:e}");
				last = y;
			}
		}
	}
}

#[test]
fn tanh_and_erf_are_odd() {
	for x in sample().filter(|x| !x.is_nan()) {
		assert_eq!(tanh(-x).to_bits(), (-tanh(x)).to_bits());
		assert_eq!(erf(-x).to_bits(), (-erf(x)).to_bits());
	}
}

#[test]
fn a_given_fma_changes_no_bit() {
	for x in sample().step_by(17) {
		assert_eq!(exp_with(x, f32::mul_add).to_bits(), exp(x).to_bits());
		assert_eq!(log_with(x, f32::mul_add).to_bits(), log(x).to_bits());
		assert_eq!(tanh_with(x, f32::mul_add).to_bits(), tanh(x).to_bits());
		assert_eq!(erf_with(x, f32::mul_add).to_bits(), erf(x).to_bits());
	}
}

/// The bits of all results over the sample, so that no change of them goes unseen.
#[test]
fn golden_hashes() {
	let hash = |function: Function| {
		let mut hasher = blake3::Hasher::new();
		for x in sample() {
			hasher.update(&function(x).to_bits().to_le_bytes());
		}
		hex(hasher.finalize().as_bytes())
	};
	assert_eq!(
		[exp as Function, log, tanh, erf].map(hash),
		golden::FUNCTIONS
	);
	assert_eq!(
		bits(&[exp(1.0), log(10.0), tanh(0.5), erf(0.5), erf(1.0)]),
		[
			0x402D_F854,
			0x4013_5D8E,
			0x3EEC_9A9F,
			0x3F05_3F7B,
			0x3F57_BB3D
		]
	);
}
