//! The state that a task starts from.

use crate::{
	program::Program,
	random::{initial_element, Purpose, Seed, Stream},
	tensor::{Elements, Tensor},
};
use alloc::vec::Vec;

/// The tensors of the state before the first step. The program must have passed
/// [`crate::check::check`], which bounds their sizes.
pub fn initial_state(program: &Program, seed: &Seed) -> Vec<Tensor> {
	let tensors = program.state.iter().zip(0u32..);
	tensors
		.map(|(declaration, index)| {
			let stream = Stream::new(seed, Purpose::Initial(index));
			let count = declaration.shape.elements().unwrap_or(0);
			let elements = (0..count)
				.map(|at| initial_element(declaration.initial, &stream, at))
				.collect();
			Tensor {
				shape: declaration.shape.clone(),
				elements: Elements::F32(elements),
			}
		})
		.collect()
}

/// Element `element` (row-major) of the state tensor `tensor` before the first step, computed alone; none
/// if there is no such element.
pub fn initial_element_of(
	program: &Program,
	seed: &Seed,
	tensor: u32,
	element: u64,
) -> Option<f32> {
	let declaration = program.state.get(tensor as usize)?;
	let stream = Stream::new(seed, Purpose::Initial(tensor));
	(element < declaration.shape.elements()?)
		.then(|| initial_element(declaration.initial, &stream, element))
}
