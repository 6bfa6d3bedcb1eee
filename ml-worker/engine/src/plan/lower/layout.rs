//! Operations that read elements in another order.

use super::{Lowering, Meaning};
use crate::{
	kernels::{
		elementwise::Spread,
		movement::{BroadcastAxis, StridedAxis},
	},
	plan::{Anchor, Part},
};
use repops::tensor::Shape;

impl Lowering<'_> {
	/// The axes in another order.
	pub(super) fn permute(&mut self, operand: usize, axes: &[u8], length: usize) -> Meaning {
		let meaning = self.meaning(operand);
		if let Meaning::Constant(_) = meaning {
			return meaning;
		}
		let shape = self.shape(operand).clone();
		if axes == [1, 0] {
			return match meaning {
				Meaning::Transposed { root, .. } => Meaning::Root(root),
				_ => Meaning::Transposed {
					root: self.root(operand),
					columns: shape.columns(),
				},
			};
		}
		let axes = strided_axes(&shape, axes);
		let operand = self.root(operand);
		match axes[..] {
			[] | [StridedAxis { stride: 1, .. }] => Meaning::Root(operand),
			_ => self.anchor(Anchor::Permute { operand, axes }, length),
		}
	}

	/// The same elements under another shape.
	pub(super) fn reshape(&mut self, operand: usize, shape: &Shape) -> Meaning {
		match self.meaning(operand) {
			// A transposition is a mark on a matrix; under another shape it is none any more.
			Meaning::Transposed { .. } => Meaning::Root(self.root(operand)),
			Meaning::Unfolded { root, pictures } => {
				let [rows, windows] = [pictures.rows(), pictures.window_count()];
				let stays = match shape.0[..] {
					[_, of, across] => [of as usize, across as usize] == [rows, windows],
					_ => shape == self.shape(operand),
				};
				match stays {
					true => Meaning::Unfolded { root, pictures },
					false => Meaning::Root(self.root(operand)),
				}
			}
			meaning => meaning,
		}
	}

	/// Repeats axes of length 1.
	pub(super) fn broadcast(&mut self, operand: usize, to: &Shape) -> Meaning {
		if let Meaning::Constant(number) = self.meaning(operand) {
			return Meaning::Constant(number);
		}
		let axes = broadcast_axes(self.shape(operand), to);
		let length = axes.iter().map(|axis| axis.length).product();
		let repeats: Vec<bool> = axes.iter().map(|axis| axis.stride == 0).collect();
		let spread = match (&repeats[..], &axes[..]) {
			([] | [false], _) => return self.meaning(operand),
			([true], _) => Spread {
				run: length,
				period: 1,
			},
			([true, false], [_, kept]) => Spread {
				run: 1,
				period: kept.length,
			},
			([false, true], [kept, repeated]) => Spread {
				run: repeated.length,
				period: kept.length,
			},
			([true, false, true], [_, kept, repeated]) => Spread {
				run: repeated.length,
				period: kept.length,
			},
			_ => {
				let operand = self.root(operand);
				return self.anchor(Anchor::Broadcast { operand, axes }, length);
			}
		};
		Meaning::Spread(self.root(operand), spread)
	}
}

/// How far the elements of each axis lie apart.
fn strides(shape: &Shape) -> Vec<usize> {
	let mut stride = 1;
	let mut strides: Vec<usize> = Vec::new();
	for length in shape.0.iter().rev() {
		strides.push(stride);
		stride *= *length as usize;
	}
	strides.reverse();
	strides
}

/// The axes of a permutation. Neighbours that stay neighbours are taken as one, and axes of length 1 are left out.
fn strided_axes(from: &Shape, order: &[u8]) -> Vec<StridedAxis> {
	let strides = strides(from);
	let mut axes: Vec<StridedAxis> = Vec::new();
	for axis in order.iter().map(|axis| usize::from(*axis)) {
		let (length, stride) = (from.0[axis] as usize, strides[axis]);
		match axes.last_mut() {
			_ if length == 1 => (),
			Some(last) if last.stride == length * stride => {
				last.length *= length;
				last.stride = stride;
			}
			_ => axes.push(StridedAxis { length, stride }),
		}
	}
	axes
}

/// Where a part of this shape lies in the whole. Axes that the part has whole are taken as one with those before.
pub(super) fn part(whole: &Shape, starts: &[u32], part: &Shape) -> Part {
	let (whole_strides, part_strides) = (strides(whole), strides(part));
	let start = starts.iter().zip(&whole_strides);
	let mut of = Part {
		start: start.map(|(start, stride)| *start as usize * stride).sum(),
		lengths: Vec::new(),
		whole_strides: Vec::new(),
		part_strides: Vec::new(),
	};
	for (axis, length) in part.0.iter().enumerate() {
		let length = *length as usize;
		let is_whole = part.0[axis] == whole.0[axis];
		match of.lengths.last_mut() {
			Some(last) if is_whole => {
				*last *= length;
				*of.whole_strides
					.last_mut()
					.expect("one for each length; qed") = whole_strides[axis];
				*of.part_strides
					.last_mut()
					.expect("one for each length; qed") = part_strides[axis];
			}
			_ => {
				of.lengths.push(length);
				of.whole_strides.push(whole_strides[axis]);
				of.part_strides.push(part_strides[axis]);
			}
		}
	}
	of
}

/// The axes of a broadcast. Neighbours that are both repeated or both kept are taken as one, and axes of length
/// 1 in the result are left out.
fn broadcast_axes(from: &Shape, to: &Shape) -> Vec<BroadcastAxis> {
	let mut axes: Vec<BroadcastAxis> = Vec::new();
	let mut stride = 1;
	for (from, to) in from.0.iter().zip(&to.0).rev().filter(|(_, to)| **to != 1) {
		let length = *to as usize;
		let kept = from == to;
		match axes.last_mut() {
			Some(last) if (last.stride != 0) == kept => last.length *= length,
			_ => axes.push(BroadcastAxis {
				length,
				stride: if kept { stride } else { 0 },
			}),
		}
		if kept {
			stride *= length;
		}
	}
	axes.reverse();
	axes
}
