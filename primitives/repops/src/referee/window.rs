//! Elements that windows over pictures show, or that are made of what stands in them.

use super::{
	element::{split, word, Read, Stretch},
	Running,
};
use crate::{number, program::Window, tensor::Shape};

/// The last two axes of pictures.
fn size(pictures: &Shape) -> [u32; 2] {
	let last = pictures.0.last_chunk::<2>();
	last.copied().unwrap_or([0, 0])
}

/// Which element of pictures stands at this element of what windows show; none beyond the border.
pub(super) fn shown(
	window: &Window,
	pictures: &Shape,
	unfolded: &Shape,
	element: u64,
) -> Option<u64> {
	let size = size(pictures);
	let [positions, windows] = *unfolded.0.last_chunk::<2>()?;
	let (row, at) = split(element, windows.into());
	let (plane, position) = split(row, positions.into());
	let [_, right] = window.windows(size)?;
	let (y, x) = split(at, right.into());
	let (i, j) = split(position, window.kernel[1].into());
	let row = window.shown(0, size[0], word(y), word(i))?;
	let column = window.shown(1, size[1], word(x), word(j))?;
	let row = plane.checked_mul(size[0].into())?.checked_add(row.into())?;
	row.checked_mul(size[1].into())?.checked_add(column.into())
}

/// The windows that show an element of pictures, each with its position: the number of the plane, and for each of
/// these positions the number of the window.
struct Showing<'a> {
	window: &'a Window,
	windows: [u32; 2],
	plane: u64,
	place: [u32; 2],
}

impl<'a> Showing<'a> {
	fn of(window: &'a Window, pictures: &Shape, element: u64) -> Self {
		let size = size(pictures);
		let (row, x) = split(element, size[1].into());
		let (plane, y) = split(row, size[0].into());
		Showing {
			window,
			windows: window.windows(size).unwrap_or([0, 0]),
			plane,
			place: [word(y), word(x)],
		}
	}

	/// The window that shows the element at this position.
	fn at(&self, position: u64) -> Option<u64> {
		let (i, j) = split(position, self.window.kernel[1].into());
		let row = self
			.window
			.showing(0, self.windows[0], self.place[0], word(i))?;
		let column = self
			.window
			.showing(1, self.windows[1], self.place[1], word(j))?;
		u64::from(row)
			.checked_mul(self.windows[1].into())?
			.checked_add(column.into())
	}
}

/// The running sum of an element of folded pictures after these positions.
pub(super) fn fold<E>(
	window: &Window,
	windows: &Shape,
	pictures: &Shape,
	element: u64,
	positions: &Stretch,
	before: Running,
	read: &mut Read<E>,
) -> Result<Running, E> {
	let showing = Showing::of(window, pictures, element);
	let [of, columns] = windows.0.last_chunk::<2>().copied().unwrap_or([0, 0]);
	let mut sum = positions.open_sum(before);
	for position in positions.range() {
		if let Some(at) = showing.at(position) {
			let row = showing
				.plane
				.saturating_mul(of.into())
				.saturating_add(position);
			let place = row.saturating_mul(columns.into()).saturating_add(at);
			sum += f32::from_bits(read(0, place)?);
		}
	}
	Ok(Running([number::canonical(sum).to_bits(), 0]))
}

/// The running sum of an element of unpooled pictures after these positions.
pub(super) fn unpool<E>(
	window: &Window,
	windows: &Shape,
	pictures: &Shape,
	element: u64,
	positions: &Stretch,
	before: Running,
	read: &mut Read<E>,
) -> Result<Running, E> {
	let showing = Showing::of(window, pictures, element);
	let columns = windows.0.last().copied().unwrap_or(0);
	let mut sum = positions.open_sum(before);
	for position in positions.range() {
		if let Some(at) = showing.at(position) {
			let place = showing
				.plane
				.saturating_mul(columns.into())
				.saturating_add(at);
			if u64::from(read(1, place)?) == position {
				sum += f32::from_bits(read(0, place)?);
			}
		}
	}
	Ok(Running([number::canonical(sum).to_bits(), 0]))
}
