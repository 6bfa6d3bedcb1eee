//! Convolutions whose windows move by one: what windows show is never written down.
//!
//! In a picture with its padding around it, what all windows show at one position is the picture itself from that
//! position's place on, read line by line; between two lines there are a few windows too many, whose results nobody
//! looks at. So a matrix product reads the picture where it is, each term from a place of its own.

use super::{
	matmul::{self, Left, Offsets, Panels, Right, Tile},
	window::Pictures,
};
use crate::instruction_set::{for_each_set, MultiplyAdd, Vectors};
use repops::{kernel::CHUNK, number::canonical};
use std::ops::Range;

/// The floats behind a padded picture, or what is as long, that may be read though nobody looks at them.
const BEHIND: usize = 64 + 16;

/// Pictures with their padding around them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Padded {
	pictures: Pictures,
	/// The lines and columns of a padded channel.
	size: [usize; 2],
}

impl Padded {
	/// None where windows move by more than one, or too many of them would be computed for nothing.
	pub(crate) fn new(pictures: &Pictures) -> Option<Self> {
		let size = [0, 1].map(|axis| pictures.size[axis] + 2 * pictures.padding(axis));
		let is_dense = pictures.window.stride == [1, 1];
		let wasted = size[1] - pictures.windows[1];
		let is_far = pictures.channels * size[0] * size[1] > 1 << 20;
		(is_dense && 2 * wasted <= size[1] && !is_far).then_some(Padded {
			pictures: *pictures,
			size,
		})
	}

	/// The elements of a padded channel.
	fn area(&self) -> usize {
		self.size[0] * self.size[1]
	}

	/// The floats that a padded picture takes.
	pub(crate) fn length(&self) -> usize {
		self.pictures.channels * self.area() + BEHIND
	}

	/// The windows, with those between the lines.
	pub(crate) fn columns(&self) -> usize {
		(self.pictures.windows[0] - 1) * self.size[1] + self.pictures.windows[1]
	}

	/// The floats of a row of as many columns, such that whole vectors can be read.
	pub(crate) fn row(&self) -> usize {
		(self.pictures.windows[0] * self.size[1]).next_multiple_of(16)
	}

	/// The pictures.
	pub(crate) fn pictures(&self) -> &Pictures {
		&self.pictures
	}

	/// Where each row of the unfolded picture begins.
	pub(crate) fn places(&self) -> Vec<u32> {
		let [down, right] = self.pictures.window.dilation.map(|by| by as usize);
		let place = |row: usize| {
			let (channel, [i, j]) = self.pictures.row(row);
			channel * self.area() + i * down * self.size[1] + j * right
		};
		(0..self.pictures.rows())
			.map(|row| place(row) as u32)
			.collect()
	}

	/// Where each window begins, counted from a row's place.
	fn window(&self, number: usize) -> usize {
		let across = self.pictures.windows[1];
		number / across * self.size[1] + number % across
	}

	fn lines(&self) -> impl Iterator<Item = (usize, usize)> {
		let [down, right] = [0, 1].map(|axis| self.pictures.padding(axis));
		let (area, height) = (self.area(), self.pictures.size[0]);
		let (across, width) = (self.size[1], self.pictures.size[1]);
		(0..self.pictures.channels * height).map(move |line| {
			let (channel, y) = (line / height, line % height);
			let to = channel * area + (y + down) * across + right;
			(line * width, to)
		})
	}
}

for_each_set! {
	/// Writes a picture with its padding around it.
	pub(crate) fn pad(of: &Padded, picture: &[f32], padded: &mut [f32]) = pad_with;
	/// Writes the middle of a padded picture; each NaN as the one NaN.
	pub(crate) fn unpad(of: &Padded, padded: &[f32], picture: &mut [f32]) = unpad_with;
	/// Writes rows of numbers of windows, each with zeros for those between the lines.
	pub(crate) fn spread_rows(of: &Padded, rows: &[f32], spread: &mut [f32]) = spread_rows_with;
	/// Writes rows of numbers of windows, from rows that have some for those between the lines.
	pub(crate) fn close_rows(of: &Padded, spread: &[f32], rows: &mut [f32]) = close_rows_with;
	/// Adds rows of numbers of windows, with those between the lines, to the elements of a padded picture that they show.
	/// What stands between the lines must be 0.
	pub(crate) fn add_rows(of: &Padded, places: &[u32], spread: &[f32], padded: &mut [f32]) = add_rows_with;
}

#[inline(always)]
fn pad_with<M: MultiplyAdd>(of: &Padded, picture: &[f32], padded: &mut [f32]) {
	padded[..of.length()].fill(of.pictures.fill);
	let width = of.pictures.size[1];
	for (from, to) in of.lines() {
		copy(&picture[from..from + width], &mut padded[to..to + width]);
	}
}

#[inline(always)]
fn unpad_with<M: MultiplyAdd>(of: &Padded, padded: &[f32], picture: &mut [f32]) {
	let width = of.pictures.size[1];
	for (to, from) in of.lines() {
		let elements = picture[to..to + width].iter_mut();
		for (element, sum) in elements.zip(&padded[from..from + width]) {
			*element = canonical(*sum);
		}
	}
}

#[inline(always)]
fn spread_rows_with<M: MultiplyAdd>(of: &Padded, rows: &[f32], spread: &mut [f32]) {
	let (across, padded) = (of.pictures.windows[1], of.size[1]);
	let rows = rows.chunks_exact(of.pictures.window_count());
	for (row, spread) in rows.zip(spread.chunks_exact_mut(of.row())) {
		spread.fill(0.0);
		for (line, spread) in row
			.chunks_exact(across)
			.zip(spread.chunks_exact_mut(padded))
		{
			copy(line, &mut spread[..across]);
		}
	}
}

#[inline(always)]
fn close_rows_with<M: MultiplyAdd>(of: &Padded, spread: &[f32], rows: &mut [f32]) {
	let (across, padded) = (of.pictures.windows[1], of.size[1]);
	let rows = rows.chunks_exact_mut(of.pictures.window_count());
	for (row, spread) in rows.zip(spread.chunks_exact(of.row())) {
		for (line, spread) in row.chunks_exact_mut(across).zip(spread.chunks(padded)) {
			copy(&spread[..across], line);
		}
	}
}

#[inline(always)]
fn add_rows_with<M: MultiplyAdd>(of: &Padded, places: &[u32], spread: &[f32], padded: &mut [f32]) {
	let columns = of.columns();
	for (place, spread) in places.iter().zip(spread.chunks_exact(of.row())) {
		let sums = padded[*place as usize..][..columns].iter_mut();
		for (sum, number) in sums.zip(&spread[..columns]) {
			*sum += number;
		}
	}
}

/// Copies few floats without a call.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
	for (place, element) in to.iter_mut().zip(from) {
		*place = *element;
	}
}

/// Multiplies these rows of a matrix with what windows show of a padded picture, all windows with those between the
/// lines. From row to row the product is [`Padded::row`] floats.
pub(crate) fn multiply_rows(
	vectors: Vectors,
	of: &Padded,
	rows: Range<usize>,
	left: &[f32],
	padded: &[f32],
	places: &[u32],
	product: &mut [f32],
) {
	let (inner, columns, stride) = (places.len(), of.columns(), of.row());
	for first in (0..inner).step_by(CHUNK) {
		let terms = first..inner.min(first + CHUNK);
		let places = Offsets::new(&places[terms.clone()]);
		for panel in matmul::panels(vectors, columns) {
			for tile in matmul::tiles(rows.len()) {
				matmul::multiply_tile(
					vectors,
					Tile {
						rows: tile.len(),
						columns: panel.len(),
						terms: terms.len(),
						left: &left[(rows.start + tile.start) * inner + first..],
						left_layout: Left::Rows(inner),
						right: &padded[panel.start..],
						right_layout: Right::Places(places),
						product: &mut product[tile.start * stride + panel.start..],
						stride,
						add: first > 0,
					},
				);
			}
		}
	}
}

/// The terms of a chunk of a long contraction over the windows of many pictures.
pub(crate) struct Terms {
	/// The pictures that they belong to.
	pub(crate) pictures: Range<usize>,
	/// Where each of them lies in these pictures, one padded one after another.
	places: Vec<u32>,
}

impl Terms {
	/// The terms of this range, counted over all pictures.
	pub(crate) fn new(of: &Padded, terms: Range<usize>) -> Self {
		let windows = of.pictures.window_count();
		let pictures = terms.start / windows..(terms.end - 1) / windows + 1;
		let place = |term: usize| {
			let picture = term / windows - pictures.start;
			(picture * of.length() + of.window(term % windows)) as u32
		};
		Terms {
			places: terms.map(place).collect(),
			pictures,
		}
	}

	/// The most pictures that a chunk's terms belong to.
	pub(crate) fn most_pictures(of: &Padded, count: usize) -> usize {
		let windows = of.pictures.window_count();
		((CHUNK - 1).div_ceil(windows) + 1).min(count)
	}
}

/// Adds a chunk of terms to sums, a row of which belongs to each of these rows of the unfolded pictures, and a column to
/// each row of the packed panels.
pub(crate) fn add_terms(
	vectors: Vectors,
	terms: &Terms,
	places: &[u32],
	padded: &[f32],
	panels: Panels,
	add: bool,
	sums: &mut [f32],
) {
	let of_terms = Offsets::new(&terms.places);
	let columns = panels.columns;
	for (panel, packed, width) in panels.each(vectors) {
		for rows in matmul::tiles(sums.len() / columns) {
			matmul::multiply_tile(
				vectors,
				Tile {
					rows: rows.len(),
					columns: panel.len(),
					terms: panels.terms,
					left: padded,
					left_layout: Left::Places {
						rows: Offsets::new(&places[rows.clone()]),
						terms: of_terms,
					},
					right: packed,
					right_layout: Right::Strided(width),
					product: &mut sums[rows.start * columns + panel.start..],
					stride: columns,
					add,
				},
			);
		}
	}
}
