//! The random tensors of a step.

use crate::{buffer::as_u32, team::Team};
use repops::{kernel::noise, program::Initialiser, random::initial_element};

/// The least elements that are worth another thread.
const LEAST_WORK: usize = 1 << 11;

/// Elements drawn from a stream of the step.
pub(crate) fn draw(
	team: &Team,
	[seed, position]: [&[f32]; 2],
	stream: u32,
	distribution: Initialiser,
	elements: &mut [f32],
) {
	let stream = noise(as_u32(seed), as_u32(position), stream)
		.expect("the check saw the lengths of seed and position; qed");
	let chunk = team.chunk(elements.len(), LEAST_WORK, 4);
	team.for_each_chunk(elements, chunk, |_, start, elements| {
		for (element, index) in elements.iter_mut().zip(start as u64..) {
			*element = initial_element(distribution, &stream, index);
		}
	});
}
