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

	/// The number of the window that shows the place with these coordinates at a position.
	fn showing(&self, [y, x]: [u32; 2], [i, j]: [u32; 2]) -> Option<usize> {
		let row = self.window.showing(0, self.windows[0], y, i)? as usize;
		let column = self.window.showing(1, self.windows[1], x, j)? as usize;
		Some(row * self.windows[1] as usize + column)
	}

	/// The elements of pictures each of which is the sum of what `term(plane, position, window)` gives for the
	/// windows that show it, in ascending order of the position.
	fn sums(&self, term: impl Fn(usize, usize, usize) -> Option<f32>) -> Vec<f32> {
		let mut elements = Vec::with_capacity(self.planes * self.area());
		for plane in 0..self.planes {
			for y in 0..self.size[0] {
				for x in 0..self.size[1] {
					let showing = self
						.positions()
						.enumerate()
						.filter_map(|(number, position)| {
							term(plane, number, self.showing([y, x], position)?)
						});
					elements.push(number::canonical(showing.fold(0.0, |sum, term| sum + term)));
				}
			}
		}
		elements
	}
}

/// What windows show of pictures of this shape; none if no window lies on them.
pub fn unfold(elements: &[f32], shape: &Shape, window: &Window, fill: f32) -> Option<Vec<f32>> {
	let pictures = Pictures::new(window, shape)?;
	let mut shown = Vec::new();
	for plane in elements.chunks_exact(pictures.area()) {
		for position in pictures.positions() {
			for y in 0..pictures.windows[0] {
				for x in 0..pictures.windows[1] {
					let place = pictures.shown([y, x], position);
					shown.push(place.map_or(fill, |place| plane[place]));
				}
			}
		}
	}
	Some(shown)
}

/// Pictures of this shape from the sums of what stands in the windows on them.
pub fn fold(elements: &[f32], shape: &Shape, window: &Window) -> Option<Vec<f32>> {
	let pictures = Pictures::new(window, shape)?;
	let (positions, windows) = (window.positions()? as usize, pictures.window_count());
	let at = |plane, position, window| elements[(plane * positions + position) * windows + window];
	Some(pictures.sums(|plane, position, window| Some(at(plane, position, window))))
}

/// Pictures of this shape from the sums of what stands in the windows on them, one number at one position each.
pub fn unpool(
	elements: &[f32],
	chosen: &[u32],
	shape: &Shape,
	window: &Window,
) -> Option<Vec<f32>> {
	let pictures = Pictures::new(window, shape)?;
	let windows = pictures.window_count();
	Some(pictures.sums(|plane, position, window| {
		let place = plane * windows + window;
		(chosen[place] as usize == position).then(|| elements[place])
	}))
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
	sums.iter_mut()
		.for_each(|sum| *sum = number::canonical(*sum));
	sums
}
