//! Windows over pictures, in the order that [`repops::kernel`] defines.

use crate::{
	buffer::{as_u32, as_u32_mut},
	team::Team,
};
use repops::program::Window;
use std::ops::Range;

/// The least elements that are worth another thread.
const LEAST_WORK: usize = 1 << 14;

/// The floats that are copied at a time.
const RUN: usize = 16;

/// Pictures of several channels, and the windows on them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pictures {
	pub(crate) channels: usize,
	/// Height and width.
	pub(crate) size: [usize; 2],
	pub(crate) window: Window,
	/// How many windows there are downwards and to the right.
	pub(crate) windows: [usize; 2],
	/// What windows show beyond the border.
	pub(crate) fill: f32,
}

/// What the positions of windows show along an axis: the windows that show something of the picture, and the place
/// that the first one of them shows.
struct Along {
	windows: Range<usize>,
	first: usize,
}

impl Pictures {
	/// Pictures of this shape, `[n, c, h, w]`.
	pub(crate) fn new(shape: [u32; 4], window: Window, fill: f32) -> Self {
		let [_, channels, height, width] = shape;
		let windows = window
			.windows([height, width])
			.expect("the check saw that there are windows; qed");
		Pictures {
			channels: channels as usize,
			size: [height as usize, width as usize],
			window,
			windows: windows.map(|count| count as usize),
			fill,
		}
	}

	/// The elements of a channel of a picture.
	pub(crate) fn area(&self) -> usize {
		self.size[0] * self.size[1]
	}

	/// The elements of a picture.
	pub(crate) fn picture(&self) -> usize {
		self.channels * self.area()
	}

	/// The number of windows.
	pub(crate) fn window_count(&self) -> usize {
		self.windows[0] * self.windows[1]
	}

	/// The positions of a window.
	pub(crate) fn positions(&self) -> usize {
		self.kernel(0) * self.kernel(1)
	}

	/// The rows of a picture that is unfolded: each channel's positions.
	pub(crate) fn rows(&self) -> usize {
		self.channels * self.positions()
	}

	fn kernel(&self, axis: usize) -> usize {
		self.window.kernel[axis] as usize
	}

	fn stride(&self, axis: usize) -> usize {
		self.window.stride[axis] as usize
	}

	/// What this position shows along an axis.
	fn along(&self, axis: usize, position: usize) -> Along {
		let offset = position as i64 * i64::from(self.window.dilation[axis])
			- i64::from(self.window.padding[axis]);
		let stride = i64::from(self.window.stride[axis]);
		let (length, windows) = (self.size[axis] as i64, self.windows[axis] as i64);
		// The first window whose place is at least 0, and the first one whose place is beyond the end.
		let first = (-offset).max(0).div_euclid(stride) + i64::from((-offset).max(0) % stride != 0);
		let end = match length - offset {
			left if left <= 0 => 0,
			left => (left - 1) / stride + 1,
		};
		let end = end.min(windows);
		let first = first.min(end);
		Along {
			windows: first as usize..end as usize,
			first: (first * stride + offset).max(0) as usize,
		}
	}

	/// Channel and position of a row of an unfolded picture.
	fn row(&self, row: usize) -> (usize, [usize; 2]) {
		let (channel, position) = (row / self.positions(), row % self.positions());
		(
			channel,
			[position / self.kernel(1), position % self.kernel(1)],
		)
	}

	/// Writes what these windows show at the position of a row of an unfolded picture. `shown` may have more places:
	/// what stands in them then is not said.
	pub(crate) fn unfold_row(
		&self,
		picture: &[f32],
		row: usize,
		windows: Range<usize>,
		shown: &mut [f32],
	) {
		let (channel, [i, j]) = self.row(row);
		let plane = &picture[channel * self.area()..][..self.area()];
		let (down, right) = (self.along(0, i), self.along(1, j));
		let across = self.windows[1];
		let mut at = windows.start;
		while at < windows.end {
			let (y, x) = (at / across, at % across);
			let length = (across - x).min(windows.end - at);
			let start = at - windows.start;
			if down.windows.contains(&y) {
				let source = down.first + (y - down.windows.start) * self.stride(0);
				let source = &plane[source * self.size[1]..][..self.size[1]];
				self.unfold_run(source, &right, x..x + length, &mut shown[start..]);
			} else {
				shown[start..start + length].fill(self.fill);
			}
			at += length;
		}
	}

	/// Windows side by side on one line of the picture.
	#[inline]
	fn unfold_run(&self, line: &[f32], right: &Along, windows: Range<usize>, shown: &mut [f32]) {
		let length = windows.len();
		let first = right.windows.start.clamp(windows.start, windows.end);
		let end = right.windows.end.clamp(first, windows.end);
		let stride = self.stride(1);
		let source = right.first + (first - right.windows.start.min(first)) * stride;
		let (before, after) = (first - windows.start, windows.end - end);
		let inside = length - before - after;
		if inside > 0 && stride == 1 {
			copy_run(&line[source..], inside, &mut shown[before..]);
		} else if inside > 0 {
			let places = shown[before..before + inside].iter_mut();
			for (place, element) in places.zip(line[source..].iter().step_by(stride)) {
				*place = *element;
			}
		}
		shown[..before].fill(self.fill);
		shown[length - after..length].fill(self.fill);
	}

	/// Adds what stands in a row of an unfolded picture to the elements that it shows.
	fn fold_row(&self, shown: &[f32], row: usize, picture: &mut [f32]) {
		let (channel, [i, j]) = self.row(row);
		let plane = &mut picture[channel * self.area()..][..self.area()];
		let (down, right) = (self.along(0, i), self.along(1, j));
		let stride = self.stride(1);
		for (line, y) in down.windows.clone().enumerate() {
			let target = down.first + line * self.stride(0);
			let target = &mut plane[target * self.size[1]..][..self.size[1]];
			let shown = &shown[y * self.windows[1]..][right.windows.clone()];
			if shown.is_empty() {
				continue;
			}
			let target = &mut target[right.first..];
			if stride == 1 {
				for (sum, element) in target.iter_mut().zip(shown) {
					*sum += element;
				}
			} else {
				for (sum, element) in target.iter_mut().step_by(stride).zip(shown) {
					*sum += element;
				}
			}
		}
	}

	/// A picture from the sums of what stands in its windows; a NaN may have any bits. From row to row of the windows
	/// it is `stride`.
	pub(crate) fn fold_picture(&self, shown: &[f32], stride: usize, picture: &mut [f32]) {
		picture.fill(0.0);
		for row in 0..self.rows() {
			self.fold_row(&shown[row * stride..][..self.window_count()], row, picture);
		}
	}
}

/// Copies the first `length` elements, and maybe some more after them.
#[inline(always)]
fn copy_run(from: &[f32], length: usize, to: &mut [f32]) {
	let mut at = 0;
	while at < length {
		match (
			from[at..].first_chunk::<RUN>(),
			to[at..].first_chunk_mut::<RUN>(),
		) {
			(Some(from), Some(to)) => *to = *from,
			_ => return to[at..length].copy_from_slice(&from[at..length]),
		}
		at += RUN;
	}
}

/// What windows show of all pictures.
pub(crate) fn unfold(team: &Team, pictures: &Pictures, elements: &[f32], shown: &mut [f32]) {
	let windows = pictures.window_count();
	let chunk = team.chunk(shown.len() / windows, LEAST_WORK.div_ceil(windows), 1) * windows;
	team.for_each_chunk(shown, chunk, |_, start, shown| {
		for (shown, number) in shown.chunks_exact_mut(windows).zip(start / windows..) {
			let (picture, row) = (number / pictures.rows(), number % pictures.rows());
			let picture = &elements[picture * pictures.picture()..][..pictures.picture()];
			pictures.unfold_row(picture, row, 0..windows, shown);
		}
	});
}

/// All pictures from what stands in their windows.
pub(crate) fn fold(team: &Team, pictures: &Pictures, shown: &[f32], elements: &mut [f32]) {
	let (picture, unfolded) = (
		pictures.picture(),
		pictures.rows() * pictures.window_count(),
	);
	let chunk = team.chunk(elements.len() / picture, LEAST_WORK.div_ceil(unfolded), 1) * picture;
	team.for_each_chunk(elements, chunk, |_, start, elements| {
		for (elements, number) in elements.chunks_exact_mut(picture).zip(start / picture..) {
			let shown = &shown[number * unfolded..][..unfolded];
			pictures.fold_picture(shown, pictures.window_count(), elements);
			canonicalise(elements);
		}
	});
}

/// Writes each NaN as the one NaN.
pub(crate) fn canonicalise(elements: &mut [f32]) {
	for element in elements {
		*element = repops::number::canonical(*element);
	}
}

/// All pictures from the numbers of their windows, each at the position that was chosen for it.
pub(crate) fn unpool(
	team: &Team,
	pictures: &Pictures,
	[numbers, chosen]: [&[f32]; 2],
	elements: &mut [f32],
) {
	let (area, windows) = (pictures.area(), pictures.window_count());
	let chunk = team.chunk(elements.len() / area, LEAST_WORK.div_ceil(area), 1) * area;
	let along = |axis: usize| -> Vec<i64> {
		let offset = |position| {
			i64::from(pictures.window.dilation[axis]) * position as i64
				- i64::from(pictures.window.padding[axis])
		};
		(0..pictures.kernel(axis)).map(offset).collect()
	};
	let (down, right) = (along(0), along(1));
	team.for_each_chunk(elements, chunk, |_, start, elements| {
		elements.fill(0.0);
		for (plane, number) in elements.chunks_exact_mut(area).zip(start / area..) {
			let range = number * windows..(number + 1) * windows;
			let pairs = numbers[range.clone()].iter().zip(&as_u32(chosen)[range]);
			// From the last window to the first, because of two windows that show a place the later one does so at
			// an earlier position.
			for (window, (number, position)) in pairs.enumerate().rev() {
				let position = *position as usize;
				let (i, j) = (position / right.len(), position % right.len());
				let Some(offset) = down.get(i) else { continue };
				let (y, x) = (window / pictures.windows[1], window % pictures.windows[1]);
				let y = (y * pictures.stride(0)) as i64 + offset;
				let x = (x * pictures.stride(1)) as i64 + right[j];
				let within =
					|place: i64, axis: usize| (0..pictures.size[axis] as i64).contains(&place);
				if within(y, 0) && within(x, 1) {
					plane[y as usize * pictures.size[1] + x as usize] += number;
				}
			}
		}
		canonicalise(elements);
	});
}

/// What is found in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
	/// The greatest element.
	Greatest,
	/// The position of the greatest element, the least such position.
	Position,
}

/// The greatest element in each window, or its position.
pub(crate) fn pool(
	team: &Team,
	pictures: &Pictures,
	found: Found,
	elements: &[f32],
	pooled: &mut [f32],
) {
	let (area, windows) = (pictures.area(), pictures.window_count());
	let chunk = team.chunk(pooled.len() / windows, LEAST_WORK.div_ceil(area), 1) * windows;
	// Of a single channel.
	let plane_of = Pictures {
		channels: 1,
		..*pictures
	};
	team.for_each_chunk(pooled, chunk, |_, start, pooled| {
		let across = pictures.windows[1];
		let mut shown = vec![0.0; across + RUN];
		let mut greatest = vec![0.0; across];
		let mut at = vec![0u32; across];
		for (pooled, number) in pooled.chunks_exact_mut(windows).zip(start / windows..) {
			let plane = &elements[number * area..][..area];
			for (y, pooled) in pooled.chunks_exact_mut(across).enumerate() {
				for position in 0..pictures.positions() {
					let line = y * across..(y + 1) * across;
					plane_of.unfold_row(plane, position, line, &mut shown);
					take_greater(position as u32, &shown, &mut greatest, &mut at, found);
				}
				match found {
					Found::Greatest => pooled.copy_from_slice(&greatest),
					Found::Position => as_u32_mut(pooled).copy_from_slice(&at),
				}
			}
		}
	});
}

/// Takes what a position shows if it is greater than what the ones before have shown.
fn take_greater(position: u32, shown: &[f32], greatest: &mut [f32], at: &mut [u32], found: Found) {
	let places = greatest.iter_mut().zip(at).zip(shown);
	match found {
		Found::Greatest => {
			for ((greatest, _), shown) in places {
				let before = if position == 0 {
					f32::NEG_INFINITY
				} else {
					*greatest
				};
				*greatest = super::reduction::maximum(before, *shown);
			}
		}
		Found::Position => {
			for ((greatest, at), shown) in places {
				let is_greater = *shown > *greatest || (shown.is_nan() && !greatest.is_nan());
				if position == 0 || is_greater {
					(*greatest, *at) = (*shown, position);
				}
			}
		}
	}
}
