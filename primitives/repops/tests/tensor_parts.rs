//! Axes in another order, parts of tensors, and rows that are added up: elements of any bits, against index sums.

mod support;

use repops::{
	kernel::apply,
	number::canonical,
	program::OperationKind,
	tensor::{Elements, Shape, Tensor},
};
use support::{
	cases::{floats, integers, shape},
	Words, NASTY,
};

/// A tensor of any bits: of numbers, or of integers.
fn any_bits(words: &mut Words) -> Tensor {
	let shape = shape(words);
	let count = shape.elements().unwrap();
	let bits: Vec<u32> = (0..count).map(|_| words.bits()).collect();
	let elements = match words.below(2) {
		0 => Elements::F32(bits.into_iter().map(f32::from_bits).collect()),
		_ => Elements::U32(bits),
	};
	Tensor::new(shape, elements).unwrap()
}

/// All indices of a shape, in row-major order.
fn indices(shape: &Shape) -> Vec<Vec<u32>> {
	let mut all = vec![vec![]];
	for length in &shape.0 {
		let longer = |index: &Vec<u32>| {
			let index = index.clone();
			(0..*length).map(move |at| [&index[..], &[at]].concat())
		};
		all = all.iter().flat_map(longer).collect();
	}
	all
}

fn at(tensor: &Tensor, index: &[u32]) -> u32 {
	let place = index
		.iter()
		.zip(&tensor.shape.0)
		.fold(0, |place, (at, length)| place * length + at);
	tensor.bits_at(place as usize).unwrap()
}

fn bits_of(tensor: &Tensor) -> Vec<u32> {
	tensor.bits().collect()
}

#[test]
fn axes_change_places() {
	let words = &mut Words::new(1);
	for _ in 0..150 {
		let from = any_bits(words);
		let mut axes: Vec<u8> = (0..from.shape.rank() as u8).collect();
		for axis in (1..axes.len()).rev() {
			axes.swap(axis, words.below(axis as u32 + 1) as usize);
		}
		let kind = OperationKind::Permute { axes: axes.clone() };
		let found = apply(&kind, &[&from]).unwrap();
		assert_eq!(found.dtype(), from.dtype());
		for (axis, of) in axes.iter().enumerate() {
			assert_eq!(found.shape.0[axis], from.shape.0[usize::from(*of)]);
		}
		let expected = indices(&found.shape).into_iter().map(|index| {
			let mut source = vec![0; index.len()];
			for (axis, of) in axes.iter().enumerate() {
				source[usize::from(*of)] = index[axis];
			}
			at(&from, &source)
		});
		assert_eq!(bits_of(&found), expected.collect::<Vec<_>>(), "{kind:?}");
	}
	// Of [2, 3, 2] the last axis first.
	let counted = Tensor::u32([2, 3, 2], (0..12).collect()).unwrap();
	let kind = OperationKind::Permute {
		axes: vec![2, 0, 1],
	};
	let found = apply(&kind, &[&counted]).unwrap();
	assert_eq!(found.shape.0, [2, 2, 3]);
	assert_eq!(bits_of(&found), [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
}

#[test]
fn parts_are_cut_out_and_written_over() {
	let words = &mut Words::new(2);
	for _ in 0..150 {
		let whole = any_bits(words);
		let (starts, lengths): (Vec<u32>, Vec<u32>) = whole
			.shape
			.0
			.iter()
			.map(|length| {
				let start = words.below(*length);
				(start, 1 + words.below(length - start))
			})
			.unzip();
		let kind = OperationKind::Slice {
			starts: starts.clone(),
			shape: Shape(lengths.clone()),
		};
		let part = apply(&kind, &[&whole]).unwrap();
		assert_eq!(part.dtype(), whole.dtype());
		let expected = indices(&Shape(lengths.clone())).into_iter().map(|index| {
			let places: Vec<u32> = index.iter().zip(&starts).map(|(a, b)| a + b).collect();
			at(&whole, &places)
		});
		assert_eq!(bits_of(&part), expected.collect::<Vec<_>>(), "{kind:?}");

		// What was cut out, written over it again, changes nothing.
		let insert = OperationKind::Insert {
			starts: starts.clone(),
		};
		assert_eq!(apply(&insert, &[&whole, &part]), Ok(whole.clone()));
		let other = match whole.elements {
			Elements::F32(_) => floats(words, part.shape.clone()),
			Elements::U32(_) => integers(words, part.shape.clone(), u32::MAX),
		};
		let found = apply(&insert, &[&whole, &other]).unwrap();
		let expected = indices(&whole.shape).into_iter().map(|index| {
			let within = index
				.iter()
				.zip(starts.iter().zip(&lengths))
				.map(|(at, (start, length))| at.checked_sub(*start).filter(|at| at < length));
			match within.collect::<Option<Vec<u32>>>() {
				Some(place) => at(&other, &place),
				None => at(&whole, &index),
			}
		});
		assert_eq!(bits_of(&found), expected.collect::<Vec<_>>(), "{insert:?}");
	}
	let counted = Tensor::u32([3, 4], (0..12).collect()).unwrap();
	let cut = OperationKind::Slice {
		starts: vec![1, 2],
		shape: [2, 2].into(),
	};
	assert_eq!(bits_of(&apply(&cut, &[&counted]).unwrap()), [6, 7, 10, 11]);
	let over = OperationKind::Insert { starts: vec![2, 1] };
	let part = Tensor::u32([1, 2], vec![90, 91]).unwrap();
	assert_eq!(
		bits_of(&apply(&over, &[&counted, &part]).unwrap()),
		[0, 1, 2, 3, 4, 5, 6, 7, 8, 90, 91, 11]
	);
}

/// Two tensors side by side: both are written into a constant. Then each is cut out again.
#[test]
fn tensors_are_joined_by_insertions() {
	let words = &mut Words::new(3);
	let (left, right) = (floats(words, [3, 5, 2]), floats(words, [3, 4, 2]));
	let empty = OperationKind::Constant {
		shape: [3, 9, 2].into(),
		value: 0.0.into(),
	};
	let write = |starts: [u32; 3], whole: &Tensor, part: &Tensor| {
		let starts = starts.to_vec();
		apply(&OperationKind::Insert { starts }, &[whole, part]).unwrap()
	};
	let joined = write([0; 3], &apply(&empty, &[]).unwrap(), &left);
	let joined = write([0, 5, 0], &joined, &right);
	for (tensor, start) in [(&left, 0), (&right, 5)] {
		let cut = OperationKind::Slice {
			starts: vec![0, start, 0],
			shape: tensor.shape.clone(),
		};
		assert_eq!(&apply(&cut, &[&joined]).unwrap(), tensor);
	}
}

/// Selecting and broadcasting move integers as they move numbers.
#[test]
fn integers_are_selected_and_repeated() {
	let list = |words: [u32; 3]| Tensor::u32([3], words.to_vec()).unwrap();
	let (mask, a, b) = (
		list([0, 7, 1]),
		list([1, 2, u32::MAX]),
		list([0x7F80_0001, 5, 6]),
	);
	let selected = apply(&OperationKind::Select, &[&mask, &a, &b]).unwrap();
	assert_eq!(selected.as_u32().unwrap(), [0x7F80_0001, 2, u32::MAX]);
	let column = Tensor::u32([2, 1], vec![3, u32::MAX]).unwrap();
	let shape = [2, 3].into();
	let repeated = apply(&OperationKind::Broadcast { shape }, &[&column]).unwrap();
	assert_eq!(
		repeated.as_u32().unwrap(),
		[3, 3, 3, u32::MAX, u32::MAX, u32::MAX]
	);
}

fn scatter(rows: u32, a: &Tensor, indices: &[u32]) -> Tensor {
	let indices = Tensor::u32([indices.len() as u32], indices.to_vec()).unwrap();
	apply(&OperationKind::ScatterRows { rows }, &[a, &indices]).unwrap()
}

#[test]
fn scattered_rows_are_added_in_their_order() {
	let a = Tensor::f32([4, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]).unwrap();
	let found = scatter(3, &a, &[2, 0, 2, 3]);
	assert_eq!(found.shape.0, [3, 2]);
	assert_eq!(found.as_f32().unwrap(), [3.0, 4.0, 0.0, 0.0, 6.0, 8.0]);
	// A chain from the first row to the last.
	let column = |numbers: [f32; 3]| Tensor::f32([3, 1], numbers.to_vec()).unwrap();
	let sum = |numbers| scatter(1, &column(numbers), &[0; 3]).as_f32().unwrap()[0];
	assert_eq!(sum([1.0, 1e30, -1e30]), 0.0);
	assert_eq!(sum([1e30, -1e30, 1.0]), 1.0);
	// It has no chunks: beside 2^24 each of 600 ones is lost.
	let mut terms = vec![1.0f32; 601];
	terms[0] = 16_777_216.0;
	let column = Tensor::f32([601, 1], terms).unwrap();
	assert_eq!(
		scatter(1, &column, &[0; 601]).as_f32().unwrap(),
		[16_777_216.0]
	);
	// The sum begins with +0, and a NaN becomes the one.
	let nasty = Tensor::f32([1, 24], NASTY.map(f32::from_bits).to_vec()).unwrap();
	let expected = NASTY.map(|bits| canonical(0.0 + f32::from_bits(bits)).to_bits());
	assert_eq!(bits_of(&scatter(1, &nasty, &[0])), expected);
	// What is dropped is not added.
	assert_eq!(bits_of(&scatter(1, &nasty, &[1])), [0; 24]);
	assert_eq!(bits_of(&scatter(2, &nasty, &[u32::MAX])), [0; 48]);
}

#[test]
fn scattered_rows_of_any_shape_follow_the_definition() {
	let words = &mut Words::new(4);
	for _ in 0..100 {
		let of = shape(words);
		let a = floats(words, of);
		let rows = 1 + words.below(9);
		let indices: Vec<u32> = (0..a.shape.0[0]).map(|_| words.below(rows + 2)).collect();
		let found = scatter(rows, &a, &indices);
		let length = a.len() / indices.len();
		let elements = a.as_f32().unwrap();
		let mut expected = Vec::new();
		for row in 0..rows {
			for offset in 0..length {
				let own = (0..indices.len()).filter(|at| indices[*at] == row);
				let terms = own.map(|at| elements[at * length + offset]);
				let sum = terms.fold(0.0f32, |sum, term| sum + term);
				expected.push(canonical(sum).to_bits());
			}
		}
		assert_eq!(bits_of(&found), expected);
	}
}

/// `⟨gather(table), b⟩ = ⟨table, scatter(b)⟩`, exactly, on small integers: the gradient of an embedding.
#[test]
fn a_scatter_is_the_transpose_of_a_gather() {
	let words = &mut Words::new(5);
	let mut numbers = |shape: [u32; 2]| {
		let count = shape[0] * shape[1];
		let numbers = (0..count).map(|_| words.below(19) as f32 - 9.0);
		Tensor::f32(shape, numbers.collect()).unwrap()
	};
	let (table, b) = (numbers([7, 5]), numbers([40, 5]));
	let mut indices = integers(&mut Words::new(6), [40], 9);
	let gathered = apply(&OperationKind::GatherRows, &[&table, &indices]).unwrap();
	let scattered = scatter(7, &b, indices.as_u32().unwrap());
	let inner = |left: &Tensor, right: &Tensor| -> f64 {
		let pairs = left.as_f32().unwrap().iter().zip(right.as_f32().unwrap());
		pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
	};
	assert_eq!(inner(&gathered, &b), inner(&table, &scattered));
	// Of other indices it is not.
	indices.elements = Elements::U32(vec![0; 40]);
	let gathered = apply(&OperationKind::GatherRows, &[&table, &indices]).unwrap();
	assert_ne!(inner(&gathered, &b), inner(&table, &scattered));
}
