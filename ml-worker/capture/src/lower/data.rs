//! Tensors that a module makes from data: programs hold no tables, so only those that follow a rule.

use super::{shape, unsupported, Lowered, Lowering, Refusal};
use burn::tensor::TensorData;
use burn_ir::TensorIr;

impl Lowering<'_> {
	pub(super) fn data(&mut self, out: &TensorIr) -> Lowered {
		let Some(data) = self.tape.data.get(&out.id) else {
			return Err(Refusal::Foreign(out.shape.to_vec()));
		};
		let Some(elements) = numbers(data) else {
			return unsupported("only F32 numbers, integers up to 2^24 and truth values from data");
		};
		let shape = shape(out);
		if let Some(value) = equal(&elements) {
			return Ok(self.filled(value, out));
		}
		if out.dtype.is_bool() {
			return unsupported("a tensor made from different truth values");
		}
		match progression(&elements, &shape) {
			Some((axis, start, step)) => {
				let index = self.graph.iota(&shape, axis);
				let steps = self.graph.multiply_scalar(index, step);
				Ok(self.graph.add_scalar(steps, start))
			}
			None => unsupported("a tensor made from different numbers"),
		}
	}
}

/// The one number of which all the data consists.
pub(crate) fn constant_data(data: &TensorData) -> Option<f32> {
	equal(data.as_slice::<f32>().ok()?)
}

/// Data of any type as numbers, if that is exact.
fn numbers(data: &TensorData) -> Option<Vec<f32>> {
	if let Ok(numbers) = data.as_slice::<f32>() {
		return Some(numbers.to_vec());
	}
	if !data.dtype.is_int() && !data.dtype.is_uint() && !data.dtype.is_bool() {
		return None;
	}
	let exact = |integer: i64| (integer.unsigned_abs() <= 1 << 24).then_some(integer as f32);
	data.iter::<i64>().map(exact).collect()
}

fn equal(elements: &[f32]) -> Option<f32> {
	let first = elements.first()?;
	elements
		.iter()
		.all(|element| element.to_bits() == first.to_bits())
		.then_some(*first)
}

/// Axis, start and step of elements that grow along one axis by the same step, as the operations compute it.
fn progression(elements: &[f32], shape: &[u32]) -> Option<(usize, f32, f32)> {
	let start = *elements.first()?;
	let mut stride = 1;
	for (axis, length) in shape.iter().enumerate().rev() {
		let length = *length as usize;
		if length > 1 {
			let step = elements.get(stride)? - start;
			let follows = |(place, element): (usize, &f32)| {
				let index = (place / stride % length) as f32;
				(index * step + start).to_bits() == element.to_bits()
			};
			if elements.iter().enumerate().all(follows) {
				return Some((axis, start, step));
			}
		}
		stride *= length;
	}
	None
}
