//! Windows over pictures: what they show, and the sums of what stands in them, against the words of the definition.

mod support;

use repops::{
	kernel::apply,
	number::canonical,
	program::{OperationKind, Window},
	tensor::Tensor,
};
use support::{
	bits,
	cases::{integers, window},
	Words, NASTY,
};

const SQUARE: Window = Window {
	kernel: [2, 2],
	stride: [1, 1],
	padding: [0, 0],
	dilation: [1, 1],
};

fn unfold(window: Window, fill: f32, pictures: &Tensor) -> Tensor {
	let fill = fill.into();
	apply(&OperationKind::Unfold { window, fill }, &[pictures]).unwrap()
}

fn fold(window: Window, size: [u32; 2], windows: &Tensor) -> Tensor {
	apply(&OperationKind::Fold { window, size }, &[windows]).unwrap()
}

fn unpool(window: Window, size: [u32; 2], numbers: &Tensor, chosen: &Tensor) -> Tensor {
	apply(&OperationKind::Unpool { window, size }, &[numbers, chosen]).unwrap()
}

fn counted(shape: [u32; 4]) -> Tensor {
	let count: u32 = shape.iter().product();
	Tensor::f32(shape, (1..=count).map(|at| at as f32).collect()).unwrap()
}

/// For each position and each window, in their orders, the place that is shown; by trying every window's corner.
fn table(window: &Window, [h, w]: [u32; 2]) -> Vec<Vec<Option<usize>>> {
	// The last place that a window starts at, counted from the padding's corner.
	let starts = |axis: usize, length: u32| -> Vec<i64> {
		let padding = i64::from(window.padding[axis]);
		let reach = i64::from(window.dilation[axis]) * i64::from(window.kernel[axis] - 1);
		(-padding..i64::from(length) + padding)
			.filter(|start| (start + padding) % i64::from(window.stride[axis]) == 0)
			.filter(|start| start + reach < i64::from(length) + padding)
			.collect()
	};
	let mut table = Vec::new();
	for i in 0..i64::from(window.kernel[0]) {
		for j in 0..i64::from(window.kernel[1]) {
			let mut row = Vec::new();
			for y in starts(0, h) {
				for x in starts(1, w) {
					let y = y + i * i64::from(window.dilation[0]);
					let x = x + j * i64::from(window.dilation[1]);
					let within = (0..i64::from(h)).contains(&y) && (0..i64::from(w)).contains(&x);
					row.push(within.then_some((y * i64::from(w) + x) as usize));
				}
			}
			table.push(row);
		}
	}
	table
}

/// For each place of a picture the terms of its sum: positions in ascending order, each with its window.
fn terms_of(place: usize, table: &[Vec<Option<usize>>]) -> Vec<(usize, usize)> {
	let mut terms = Vec::new();
	for (position, row) in table.iter().enumerate() {
		let showing = row.iter().enumerate().filter(|(_, at)| **at == Some(place));
		terms.extend(showing.map(|(window, _)| (position, window)));
	}
	terms
}

#[test]
fn what_windows_show_by_hand() {
	let pictures = counted([1, 1, 2, 3]);
	let shown = unfold(SQUARE, 0.0, &pictures);
	assert_eq!(shown.shape.0, [1, 1, 4, 2]);
	assert_eq!(
		shown.as_f32().unwrap(),
		[1.0, 2.0, 2.0, 3.0, 4.0, 5.0, 5.0, 6.0]
	);
	// One place of padding on each side, every second window, positions two apart.
	let wide = Window {
		kernel: [2, 2],
		stride: [2, 2],
		padding: [1, 1],
		dilation: [2, 2],
	};
	let shown = unfold(wide, -1.0, &pictures);
	// A window at (-1, -1) and one at (-1, 1); each shows places two apart.
	assert_eq!(shown.shape.0, [1, 1, 4, 2]);
	assert_eq!(
		shown.as_f32().unwrap(),
		[-1.0, -1.0, -1.0, -1.0, -1.0, 5.0, 5.0, -1.0]
	);
}

#[test]
fn sums_of_windows_by_hand() {
	let windows = Tensor::f32(
		[1, 1, 4, 2],
		vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0],
	)
	.unwrap();
	// Places (0, 1) and (1, 1) are in both windows.
	assert_eq!(
		fold(SQUARE, [2, 3], &windows).as_f32().unwrap(),
		[1.0, 12.0, 20.0, 3.0, 34.0, 40.0]
	);
	// Places that no window shows are +0: of a picture of 3 × 4 every second window of one place.
	let sparse = Window {
		kernel: [1, 1],
		stride: [2, 3],
		..SQUARE
	};
	assert_eq!(
		fold(sparse, [3, 4], &counted([1, 1, 1, 4]))
			.as_f32()
			.unwrap(),
		[1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 4.0]
	);
	let numbers = Tensor::f32([1, 1, 1, 2], vec![5.0, 7.0]).unwrap();
	let unpooled = |chosen: [u32; 2]| {
		let chosen = Tensor::u32([1, 1, 1, 2], chosen.to_vec()).unwrap();
		unpool(SQUARE, [2, 3], &numbers, &chosen)
			.as_f32()
			.unwrap()
			.to_vec()
	};
	assert_eq!(unpooled([0, 3]), [5.0, 0.0, 0.0, 0.0, 0.0, 7.0]);
	// Both show the same place.
	assert_eq!(unpooled([1, 0]), [0.0, 12.0, 0.0, 0.0, 0.0, 0.0]);
	// There is no such position.
	assert_eq!(unpooled([4, u32::MAX]), [0.0; 6]);
}

/// The term of the lesser position is added first, whichever window it stands in.
#[test]
fn the_order_of_a_sum_of_windows_can_be_seen() {
	let row = Window {
		kernel: [1, 3],
		..SQUARE
	};
	// Place 2 of five is shown at position 0 by window 2, at 1 by window 1, at 2 by window 0.
	let mut windows = vec![0.0f32; 9];
	let at = |position: usize, window: usize| position * 3 + window;
	windows[at(0, 2)] = 1.0;
	windows[at(1, 1)] = 1e30;
	windows[at(2, 0)] = -1e30;
	let windows = Tensor::f32([1, 1, 3, 3], windows).unwrap();
	assert_eq!(fold(row, [1, 5], &windows).as_f32().unwrap()[2], 0.0);
	let unpooled = |numbers: [f32; 3]| {
		let numbers = Tensor::f32([1, 1, 1, 3], numbers.to_vec()).unwrap();
		let chosen = Tensor::u32([1, 1, 1, 3], vec![2, 1, 0]).unwrap();
		let result = unpool(row, [1, 5], &numbers, &chosen);
		result.as_f32().unwrap()[2]
	};
	assert_eq!(unpooled([-1e30, 1e30, 1.0]), 0.0);
	assert_eq!(unpooled([1.0, 1e30, -1e30]), 1.0);
}

#[test]
fn windows_of_any_figures_follow_the_definition() {
	let mut words = Words::new(1);
	let mut shown = [0u32; 2];
	for round in 0..300 {
		let (window, [n, c, h, w]) = window(&mut words);
		let rate = [u32::MAX, 4][round % 2];
		let (planes, area) = ((n * c) as usize, (h * w) as usize);
		let table = table(&window, [h, w]);
		let (positions, windows) = (table.len(), table[0].len());
		assert_eq!(window.positions(), Some(positions as u32));
		assert_eq!(window.window_count([h, w]), Some(windows as u32));

		let pictures = words.spiced(planes * area, rate);
		let fill = canonical(f32::from_bits(words.bits()));
		let expected: Vec<f32> = pictures
			.chunks(area)
			.flat_map(|plane| {
				table
					.iter()
					.flatten()
					.map(|at| at.map_or(fill, |at| plane[at]))
			})
			.collect();
		let pictures = Tensor::f32([n, c, h, w], pictures).unwrap();
		let found = unfold(window, fill, &pictures);
		assert_eq!(found.shape.0, [n, c, positions as u32, windows as u32]);
		assert_eq!(bits(found.as_f32().unwrap()), bits(&expected), "{window:?}");
		for at in table.iter().flatten() {
			shown[usize::from(at.is_some())] += 1;
		}

		let of_windows = words.spiced(planes * positions * windows, rate);
		let numbers = words.spiced(planes * windows, rate);
		// Some positions are none of the window's.
		let chosen = integers(&mut words, [n, c, 1, windows as u32], positions as u32 + 1);
		let (mut folded, mut unpooled) = (Vec::new(), Vec::new());
		for plane in 0..planes {
			for place in 0..area {
				let terms = terms_of(place, &table);
				let sum = terms.iter().fold(0.0f32, |sum, (position, window)| {
					sum + of_windows[(plane * positions + position) * windows + window]
				});
				folded.push(canonical(sum));
				let sum = terms.iter().fold(0.0f32, |sum, (position, window)| {
					let at = plane * windows + window;
					if chosen.as_u32().unwrap()[at] as usize == *position {
						sum + numbers[at]
					} else {
						sum
					}
				});
				unpooled.push(canonical(sum));
			}
		}
		let of_windows = Tensor::f32([n, c, positions as u32, windows as u32], of_windows);
		let found = fold(window, [h, w], &of_windows.unwrap());
		assert_eq!(found.shape.0, [n, c, h, w]);
		assert_eq!(bits(found.as_f32().unwrap()), bits(&folded), "{window:?}");
		let numbers = Tensor::f32([n, c, 1, windows as u32], numbers).unwrap();
		let found = unpool(window, [h, w], &numbers, &chosen);
		assert_eq!(bits(found.as_f32().unwrap()), bits(&unpooled), "{window:?}");
	}
	assert!(shown.into_iter().all(|count| count > 5_000), "{shown:?}");
}

/// `⟨unfold(a), b⟩ = ⟨a, fold(b)⟩`, exactly, on small integers.
#[test]
fn a_fold_is_the_transpose_of_an_unfold() {
	let mut words = Words::new(2);
	let mut numbers =
		|count: usize| -> Vec<f32> { (0..count).map(|_| words.below(19) as f32 - 9.0).collect() };
	let mut figures = Words::new(3);
	for _ in 0..200 {
		let (window, shape) = window(&mut figures);
		let [n, c, h, w] = shape;
		let a = Tensor::f32(shape, numbers((n * c * h * w) as usize)).unwrap();
		let unfolded = unfold(window, 0.0, &a);
		let b = Tensor::f32(unfolded.shape.clone(), numbers(unfolded.len())).unwrap();
		let folded = fold(window, [h, w], &b);
		let inner = |left: &Tensor, right: &Tensor| -> f64 {
			let pairs = left.as_f32().unwrap().iter().zip(right.as_f32().unwrap());
			pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
		};
		assert_eq!(inner(&unfolded, &b), inner(&a, &folded), "{window:?}");
	}
}

#[test]
fn an_unfold_keeps_bits_and_a_fold_makes_the_one_nan() {
	let pictures = Tensor::f32([1, 2, 3, 4], NASTY.map(f32::from_bits).to_vec()).unwrap();
	let single = Window {
		kernel: [1, 1],
		..SQUARE
	};
	assert_eq!(
		unfold(single, 0.0, &pictures).bits().collect::<Vec<_>>(),
		NASTY
	);
	// Each sum is +0 + a: the sign of a zero goes, and a NaN becomes the one.
	let windows = Tensor::f32([1, 2, 1, 12], NASTY.map(f32::from_bits).to_vec()).unwrap();
	let expected = NASTY.map(|bits| canonical(0.0 + f32::from_bits(bits)).to_bits());
	assert_eq!(
		fold(single, [3, 4], &windows).bits().collect::<Vec<_>>(),
		expected
	);
	let first = Tensor::u32([1, 2, 1, 12], vec![0; 24]).unwrap();
	let unpooled = unpool(single, [3, 4], &windows, &first);
	assert_eq!(unpooled.bits().collect::<Vec<_>>(), expected);
	// What is not chosen is not added: a NaN elsewhere changes nothing.
	let none = Tensor::u32([1, 2, 1, 12], vec![1; 24]).unwrap();
	let unpooled = unpool(single, [3, 4], &windows, &none);
	assert_eq!(unpooled.bits().collect::<Vec<_>>(), [0; 24]);
}

/// However the window is made, its numbers are found without a panic and without looking at its positions.
#[test]
fn windows_of_extreme_figures_are_counted() {
	let largest = [u32::MAX; 2];
	let extreme = |kernel, stride, padding, dilation| Window {
		kernel,
		stride,
		padding,
		dilation,
	};
	let one = [1, 1];
	assert_eq!(
		extreme(largest, one, one, largest).window_count([7, 7]),
		None
	);
	assert_eq!(
		extreme(one, one, largest, one).windows([1, 1]),
		None,
		"there are 2^33 - 1 of them"
	);
	assert_eq!(
		extreme(one, largest, largest, one).windows([7, 7]),
		Some([3, 3])
	);
	assert_eq!(
		extreme(largest, one, [0, 0], one).windows(largest),
		Some(one)
	);
	assert_eq!(extreme(largest, one, [0, 0], one).positions(), None);
	assert_eq!(
		extreme([1 << 14, 1 << 14], one, one, one).positions(),
		Some(Window::MOST_POSITIONS)
	);
	assert_eq!(
		extreme([1 << 14, 1 + (1 << 14)], one, one, one).positions(),
		None
	);
	for zero in 0..3 {
		let mut figures = [[1, 1]; 3];
		figures[zero] = [1, 0];
		let [kernel, stride, dilation] = figures;
		assert_eq!(extreme(kernel, stride, one, dilation).windows([7, 7]), None);
	}
	let mut words = Words::new(4);
	for _ in 0..20_000 {
		let mut pair = || [words.bits(), words.bits()];
		let window = extreme(pair(), pair(), pair(), pair());
		let (size, [y, x], [i, j]) = (pair(), pair(), pair());
		let windows = window.windows(size);
		for (axis, at, position) in [(0, y, i), (1, x, j)] {
			let place = window.shown(axis, size[axis], at, position);
			assert!(place.is_none_or(|place| place < size[axis]));
			let Some(windows) = windows else { continue };
			let window_of = window.showing(axis, windows[axis], at, position);
			assert!(window_of.is_none_or(|window| window < windows[axis]));
			// Each is the other's inverse.
			if let Some(of) = window_of.filter(|_| at < size[axis]) {
				assert_eq!(window.shown(axis, size[axis], of, position), Some(at));
			}
		}
	}
}
