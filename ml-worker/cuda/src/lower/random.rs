//! Random numbers.

use super::{count, Addresses, Operation};
use crate::launch::Launch;
use repops::program::{Bits, Initialiser};

pub(super) fn batch_rows(operation: &Operation, at: &Addresses, population: u32) -> Vec<Launch> {
	let population = population.max(1);
	let bits = u32::BITS - (population - 1).leading_zeros();
	let parameters = vec![
		at.operand(0),
		at.operand(1),
		at.result,
		count(operation.result) as u64,
		u64::from(population),
		u64::from(bits - bits / 2),
		u64::from(bits / 2),
	];
	operation.for_each_result("batch_rows", parameters)
}

pub(super) fn noise(
	operation: &Operation,
	at: &Addresses,
	stream: u32,
	distribution: Initialiser,
) -> Vec<Launch> {
	let elements = count(operation.result);
	let (kernel, first, second, below_high) = match distribution {
		Initialiser::Constant(value) => return super::fill(operation, at, value),
		Initialiser::Uniform { low, high } => {
			let below: Bits = f32::from(high).next_down().into();
			("uniform_noise", low, high, below)
		}
		Initialiser::Normal { mean, deviation } => ("normal_noise", mean, deviation, Bits(0)),
	};
	let parameters = vec![
		at.operand(0),
		at.operand(1),
		at.result,
		elements as u64,
		u64::from(stream),
		u64::from(first.0),
		u64::from(second.0),
		u64::from(below_high.0),
	];
	// A thread makes four numbers at once.
	operation.for_each(kernel, elements.div_ceil(4), parameters)
}
