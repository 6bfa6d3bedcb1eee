//! Windows over pictures; see [`crate::program::Window`].

use crate::{number, program::Window, tensor::Shape};
use alloc::{vec, vec::Vec};

/// Pictures and the windows on them.
struct Pictures<'a> {
	window: &'a Window,
	/// The number of pictures, each channel of each for itself.
	planes: usize,
	size: [u32; 2],
	windows: [u32; 2],
}

impl<'a> Pictures<'a> {
	/// Pictures of this shape, `[n, c, h, w]`; none if no window lies on them.
	fn new(window: &'a Window, shape: &Shape) -> Option<Self> {
		let [number, channels, height, width] = shape.0[..].try_into().ok()?;
		let size = [height, width];
		Some(Pictures {
			window,
			planes: number as usize * channels as usize,
			size,
			windows: window.windows(size)?,
		})
	}

	fn area(&self) -> usize {
		self.size[0] as usize * self.size[1] as usize
	}

	fn window_count(&self) -> usize {
		self.windows[0] as usize * self.windows[1] as usize
	}

	/// The positions of a window, in their order.
	fn positions(&self) -> impl Iterator<Item = [u32; 2]> {
		let [down, right] = self.window.kernel;
		(0..down).flat_map(move |i| (0..right).map(move |j| [i, j]))
	}

	/// The place in a plane that the window with these coordinates shows at a position.
	fn shown(&self, [y, x]: [u32; 2], [i, j]: [u32; 2]) -> Option<usize> {
		let row = self.window.shown(0, self.size[0], y, i)? as usize;
		let column = self.window.shown(1, self.size[1], x, j)? as usize;
		Some(row * self.size[1] as usize + column)
	}

	/// The windows, in their order.
	fn windows(&self) -> impl DoubleEndedIterator<Item = [u32; 2]> {
		let [down, right] = self.windows;
		(0..down).flat_map(move |y| (0..right).map(move |x| [y, x]))
	}
}

/// What windows show of pictures of this shape; none if no window lies on them.
pub fn unfold(elements: &[f32], shape: &Shape, window: &Window, fill: f32) -> Option<Vec<f32>> {
	let pictures = Pictures::new(window, shape)?;
	let places = pictures.window_count() * window.positions()? as usize;
	let mut shown = Vec::with_capacity(pictures.planes * places);
	for plane in elements.chunks_exact(pictures.area()) {
		for position in pictures.positions() {
			for window in pictures.windows() {
				let place = pictures.shown(window, position);
				shown.push(place.map_or(fill, |place| plane[place]));
			}
		}
	}
	Some(shown)
}

/// Pictures of this shape from the sums of what stands in the windows on them. Each place is shown by at most one
/// window at a position, so to go through the positions in ascending order is to add in that order everywhere.
pub fn fold(elements: &[f32], shape: &Shape, window: &Window) -> Option<Vec<f32>> {
	let pictures = Pictures::new(window, shape)?;
	let mut elements = elements.iter();
	let mut sums = vec![0.0; pictures.planes * pictures.area()];
	for plane in sums.chunks_exact_mut(pictures.area()) {
		for position in pictures.positions() {
			for (window, element) in pictures.windows().zip(&mut elements) {
				if let Some(place) = pictures.shown(window, position) {
					plane[place] += element;
				}
			}
		}
	}
	Some(canonical(sums))
}

/// Pictures of this shape from the sums of what stands in the windows on them, one number at one position each. Of
/// two windows that show the same place, the later one shows it at the earlier position, so they are gone through
/// from the last to the first.
pub fn unpool(
	elements: &[f32],
	chosen: &[u32],
	shape: &Shape,
	window: &Window,
) -> Option<Vec<f32>> {
	let pictures = Pictures::new(window, shape)?;
	let positions = window.positions()?;
	let mut sums = vec![0.0; pictures.planes * pictures.area()];
	let planes = sums.chunks_exact_mut(pictures.area());
	let of_plane = pictures.window_count();
	let numbers = elements
		.chunks_exact(of_plane)
		.zip(chosen.chunks_exact(of_plane));
	for (plane, (elements, chosen)) in planes.zip(numbers) {
		let numbers = elements.iter().zip(chosen).rev();
		for (window, (element, position)) in pictures.windows().rev().zip(numbers) {
			if *position >= positions {
				continue;
			}
			let right = pictures.window.kernel[1];
			let position = [position / right, position % right];
			if let Some(place) = pictures.shown(window, position) {
				plane[place] += element;
			}
		}
	}
	Some(canonical(sums))
}

/// For each of `rows` rows the sum of the rows of `row` elements whose index it is.
pub fn scatter_rows(elements: &[f32], row: usize, indices: &[u32], rows: u32) -> Vec<f32> {
	let mut sums = vec![0.0; rows as usize * row];
	for (elements, index) in elements.chunks_exact(row.max(1)).zip(indices) {
		let start = (*index as usize).saturating_mul(row);
		if let Some(sums) = sums.get_mut(start..start.saturating_add(row)) {
			for (sum, element) in sums.iter_mut().zip(elements) {
				*sum += element;
			}
		}
	}
	canonical(sums)
}

fn canonical(mut sums: Vec<f32>) -> Vec<f32> {
	sums.iter_mut()
		.for_each(|sum| *sum = number::canonical(*sum));
	sums
}
