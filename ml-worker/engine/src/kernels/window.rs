//! Windows over pictures, in the order that [`repops::kernel`] defines.

use super::reduction::maximum;
use crate::{
	buffer::{as_u32, as_u32_mut},
	instruction_set::{for_each_set, MultiplyAdd, Vectors},
	team::Team,
};
use repops::{number::canonical, program::Window};
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

	/// Whether windows of 2 × 2 lie side by side and leave nothing of the pictures out.
	fn is_quartered(&self) -> bool {
		let Window {
			kernel,
			stride,
			padding,
			dilation,
		} = self.window;
		[kernel, stride, padding, dilation] == [[2, 2], [2, 2], [0, 0], [1, 1]]
			&& self.size == self.windows.map(|count| 2 * count)
	}

	/// The rows of a picture that is unfolded: each channel's positions.
	pub(crate) fn rows(&self) -> usize {
		self.channels * self.positions()
	}

	fn kernel(&self, axis: usize) -> usize {
		self.window.kernel[axis] as usize
	}

	/// How far windows go beyond each border.
	pub(super) fn padding(&self, axis: usize) -> usize {
		self.window.padding[axis] as usize
	}

	fn stride(&self, axis: usize) -> usize {
		self.window.stride[axis] as usize
	}

	/// What this position shows along an axis.
	#[inline(always)]
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
	#[inline(always)]
	pub(super) fn row(&self, row: usize) -> (usize, [usize; 2]) {
		let (channel, position) = (row / self.positions(), row % self.positions());
		(
			channel,
			[position / self.kernel(1), position % self.kernel(1)],
		)
	}

	/// Writes what these windows show at the position of a row of an unfolded picture. `shown` may have more places:
	/// what stands in them then is not said.
	#[inline(always)]
	fn unfold_row(&self, picture: &[f32], row: usize, windows: Range<usize>, shown: &mut [f32]) {
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
	#[inline(always)]
	fn unfold_run(&self, line: &[f32], right: &Along, windows: Range<usize>, shown: &mut [f32]) {
		let length = windows.len();
		let first = right.windows.start.clamp(windows.start, windows.end);
		let end = right.windows.end.clamp(first, windows.end);
		let stride = self.stride(1);
		let source = right.first + (first - right.windows.start.min(first)) * stride;
		let (before, after) = (first - windows.start, windows.end - end);
		let inside = length - before - after;
		if inside > 0 {
			match stride {
				1 => copy_run(&line[source..], inside, &mut shown[before..]),
				_ => copy_strided(&line[source..], stride, &mut shown[before..before + inside]),
			}
		}
		shown[..before].fill(self.fill);
		shown[length - after..length].fill(self.fill);
	}

	/// Adds what stands in a row of an unfolded picture to the elements that it shows.
	#[inline(always)]
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
}

for_each_set! {
	/// Writes what windows show of a picture in these rows of the unfolded one, each `stride` after the one before.
	pub(crate) fn unfold_rows(pictures: &Pictures, picture: &[f32], rows: Range<usize>, windows: Range<usize>, stride: usize, unfolded: &mut [f32]) = unfold_rows_with;
	/// A picture from the sums of what stands in its windows. From row to row of the windows it is `stride`.
	pub(crate) fn fold_picture(pictures: &Pictures, shown: &[f32], stride: usize, picture: &mut [f32]) = fold_picture_with;
	/// Writes each NaN as the one NaN.
	pub(crate) fn canonicalise(elements: &mut [f32]) = canonicalise_with;
	fn pool_planes(pictures: &Pictures, found: Found, elements: &[f32], pooled: &mut [f32]) = pool_planes_with;
	fn unpool_planes(pictures: &Pictures, numbers: &[f32], chosen: &[u32], elements: &mut [f32]) = unpool_planes_with;
}

/// What stands in the unfolded picture after a row, up to the next one, is not said.
#[inline(always)]
fn unfold_rows_with<M: MultiplyAdd>(
	pictures: &Pictures,
	picture: &[f32],
	rows: Range<usize>,
	windows: Range<usize>,
	stride: usize,
	unfolded: &mut [f32],
) {
	for (place, row) in rows.enumerate() {
		let shown = &mut unfolded[place * stride..];
		pictures.unfold_row(picture, row, windows.clone(), shown);
	}
}

#[inline(always)]
fn fold_picture_with<M: MultiplyAdd>(
	pictures: &Pictures,
	shown: &[f32],
	stride: usize,
	picture: &mut [f32],
) {
	picture.fill(0.0);
	for row in 0..pictures.rows() {
		let shown = &shown[row * stride..][..pictures.window_count()];
		pictures.fold_row(shown, row, picture);
	}
	canonicalise_with::<M>(picture);
}

#[inline(always)]
fn canonicalise_with<M: MultiplyAdd>(elements: &mut [f32]) {
	for element in elements {
		*element = canonical(*element);
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

/// Copies every so many-th element.
#[inline(always)]
fn copy_strided(from: &[f32], stride: usize, to: &mut [f32]) {
	// Twos are what vectors are good at. The last element may have no neighbour any more.
	if let (2, Some((last, to))) = (stride, to.split_last_mut()) {
		for (place, [element, _]) in to.iter_mut().zip(from.as_chunks::<2>().0) {
			*place = *element;
		}
		*last = from[2 * to.len()];
		return;
	}
	for (place, element) in to.iter_mut().zip(from.iter().step_by(stride)) {
		*place = *element;
	}
}

/// What windows show of all pictures.
pub(crate) fn unfold(
	team: &Team,
	vectors: Vectors,
	pictures: &Pictures,
	elements: &[f32],
	shown: &mut [f32],
) {
	let windows = pictures.window_count();
	let chunk = team.chunk(shown.len() / windows, LEAST_WORK.div_ceil(windows), 1) * windows;
	team.for_each_chunk(shown, chunk, |_, start, shown| {
		for (shown, number) in shown.chunks_exact_mut(windows).zip(start / windows..) {
			let (picture, row) = (number / pictures.rows(), number % pictures.rows());
			let picture = &elements[picture * pictures.picture()..][..pictures.picture()];
			let rows = row..row + 1;
			unfold_rows(vectors, pictures, picture, rows, 0..windows, windows, shown);
		}
	});
}

/// All pictures from what stands in their windows.
pub(crate) fn fold(
	team: &Team,
	vectors: Vectors,
	pictures: &Pictures,
	shown: &[f32],
	elements: &mut [f32],
) {
	let (picture, windows) = (pictures.picture(), pictures.window_count());
	let unfolded = pictures.rows() * windows;
	let chunk = team.chunk(elements.len() / picture, LEAST_WORK.div_ceil(unfolded), 1) * picture;
	team.for_each_chunk(elements, chunk, |_, start, elements| {
		for (elements, number) in elements.chunks_exact_mut(picture).zip(start / picture..) {
			let shown = &shown[number * unfolded..][..unfolded];
			fold_picture(vectors, pictures, shown, windows, elements);
		}
	});
}

/// All pictures from the numbers of their windows, each at the position that was chosen for it.
pub(crate) fn unpool(
	team: &Team,
	vectors: Vectors,
	pictures: &Pictures,
	[numbers, chosen]: [&[f32]; 2],
	elements: &mut [f32],
) {
	let (area, windows) = (pictures.area(), pictures.window_count());
	let chunk = team.chunk(elements.len() / area, LEAST_WORK.div_ceil(area), 1) * area;
	team.for_each_chunk(elements, chunk, |_, start, elements| {
		let range = start / area * windows..(start + elements.len()) / area * windows;
		let (numbers, chosen) = (&numbers[range.clone()], &as_u32(chosen)[range]);
		unpool_planes(vectors, pictures, numbers, chosen, elements);
	});
}

#[inline(always)]
fn unpool_planes_with<M: MultiplyAdd>(
	pictures: &Pictures,
	numbers: &[f32],
	chosen: &[u32],
	elements: &mut [f32],
) {
	if pictures.is_quartered() {
		return unpool_quarters(pictures, numbers, chosen, elements);
	}
	let (area, windows) = (pictures.area(), pictures.window_count());
	let [down, right] = [0, 1].map(|axis| -> Vec<i64> {
		let offset = |position| {
			i64::from(pictures.window.dilation[axis]) * position as i64
				- i64::from(pictures.window.padding[axis])
		};
		(0..pictures.kernel(axis)).map(offset).collect()
	});
	elements.fill(0.0);
	let planes = elements.chunks_exact_mut(area);
	let planes = planes.zip(
		numbers
			.chunks_exact(windows)
			.zip(chosen.chunks_exact(windows)),
	);
	for (plane, (numbers, chosen)) in planes {
		// From the last window to the first, because of two windows that show a place the later one does so at an
		// earlier position.
		for (window, (number, position)) in numbers.iter().zip(chosen).enumerate().rev() {
			let position = *position as usize;
			let (i, j) = (position / right.len(), position % right.len());
			let Some(offset) = down.get(i) else { continue };
			let (y, x) = (window / pictures.windows[1], window % pictures.windows[1]);
			let y = (y * pictures.stride(0)) as i64 + offset;
			let x = (x * pictures.stride(1)) as i64 + right[j];
			let within = |place: i64, axis: usize| (0..pictures.size[axis] as i64).contains(&place);
			if within(y, 0) && within(x, 1) {
				plane[y as usize * pictures.size[1] + x as usize] += number;
			}
		}
	}
	canonicalise_with::<M>(elements);
}

/// [`unpool_planes`] where each window has four places for itself.
#[inline(always)]
fn unpool_quarters(pictures: &Pictures, numbers: &[f32], chosen: &[u32], elements: &mut [f32]) {
	let across = pictures.windows[1];
	let pairs = numbers
		.chunks_exact(across)
		.zip(chosen.chunks_exact(across));
	for ((numbers, chosen), lines) in pairs.zip(elements.chunks_exact_mut(4 * across)) {
		let (upper, lower) = lines.split_at_mut(2 * across);
		let places = upper.as_chunks_mut::<2>().0.iter_mut();
		let places = places.zip(lower.as_chunks_mut::<2>().0);
		for ((upper, lower), (number, position)) in places.zip(numbers.iter().zip(chosen)) {
			// What starts at +0 and is added to once.
			let number = canonical(0.0 + number);
			let at = |place: u32| if *position == place { number } else { 0.0 };
			*upper = [at(0), at(1)];
			*lower = [at(2), at(3)];
		}
	}
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
	vectors: Vectors,
	pictures: &Pictures,
	found: Found,
	elements: &[f32],
	pooled: &mut [f32],
) {
	let (area, windows) = (pictures.area(), pictures.window_count());
	let chunk = team.chunk(pooled.len() / windows, LEAST_WORK.div_ceil(area), 1) * windows;
	team.for_each_chunk(pooled, chunk, |_, start, pooled| {
		let elements = &elements[start / windows * area..];
		pool_planes(vectors, pictures, found, elements, pooled);
	});
}

#[inline(always)]
fn pool_planes_with<M: MultiplyAdd>(
	pictures: &Pictures,
	found: Found,
	elements: &[f32],
	pooled: &mut [f32],
) {
	if pictures.is_quartered() {
		return pool_quarters(pictures, found, elements, pooled);
	}
	let (area, windows, across) = (
		pictures.area(),
		pictures.window_count(),
		pictures.windows[1],
	);
	// Of a single channel.
	let plane_of = Pictures {
		channels: 1,
		..*pictures
	};
	let mut shown = vec![0.0; across + RUN];
	let mut greatest = vec![0.0; across];
	let mut at = vec![0u32; across];
	for (plane, pooled) in elements
		.chunks_exact(area)
		.zip(pooled.chunks_exact_mut(windows))
	{
		for (y, pooled) in pooled.chunks_exact_mut(across).enumerate() {
			for position in 0..pictures.positions() {
				let line = y * across..(y + 1) * across;
				plane_of.unfold_row(plane, position, line, &mut shown);
				let places = greatest.iter_mut().zip(&mut at).zip(&shown);
				for ((greatest, at), shown) in places {
					let before = if position == 0 {
						(f32::NEG_INFINITY, 0)
					} else {
						(*greatest, *at)
					};
					(*greatest, *at) = match found {
						Found::Greatest => (maximum(before.0, *shown), 0),
						Found::Position if position == 0 => (*shown, 0),
						Found::Position => first_greater(before, (*shown, position as u32)),
					};
				}
			}
			match found {
				Found::Greatest => pooled.copy_from_slice(&greatest),
				Found::Position => as_u32_mut(pooled).copy_from_slice(&at),
			}
		}
	}
}

/// The later of two elements and their places if it is greater, else the earlier one.
#[inline(always)]
fn first_greater(earlier: (f32, u32), later: (f32, u32)) -> (f32, u32) {
	if (later.0 > earlier.0) | (later.0.is_nan() & !earlier.0.is_nan()) {
		later
	} else {
		earlier
	}
}

/// [`pool_planes`] where each window has four places for itself.
#[inline(always)]
fn pool_quarters(pictures: &Pictures, found: Found, elements: &[f32], pooled: &mut [f32]) {
	let across = pictures.windows[1];
	let lines = elements.chunks_exact(4 * across);
	for (pooled, lines) in pooled.chunks_exact_mut(across).zip(lines) {
		let (upper, lower) = lines.split_at(2 * across);
		let places = upper.as_chunks::<2>().0.iter();
		let places = places.zip(lower.as_chunks::<2>().0);
		match found {
			Found::Greatest => {
				for (greatest, ([a, b], [c, d])) in pooled.iter_mut().zip(places) {
					*greatest = maximum(maximum(*a, *b), maximum(*c, *d));
				}
			}
			Found::Position => {
				for (at, ([a, b], [c, d])) in as_u32_mut(pooled).iter_mut().zip(places) {
					let upper = first_greater((*a, 0), (*b, 1));
					let lower = first_greater((*c, 2), (*d, 3));
					*at = first_greater(upper, lower).1;
				}
			}
		}
	}
}
