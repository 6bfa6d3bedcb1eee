//! Products of stacks of matrices, and sums of such products, against the products of two matrices.

mod support;

use repops::{
	kernel::{apply, CHUNK},
	number::canonical,
	program::OperationKind,
	tensor::{Shape, Tensor},
};
use support::{bits, Words};

const FLAGS: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

fn product(flags: (bool, bool), left: &Tensor, right: &Tensor) -> Tensor {
	let kind = OperationKind::MatMul {
		transpose_left: flags.0,
		transpose_right: flags.1,
	};
	apply(&kind, &[left, right]).unwrap()
}

fn product_sum(flags: (bool, bool), left: &Tensor, right: &Tensor) -> Tensor {
	let kind = OperationKind::MatMulSum {
		transpose_left: flags.0,
		transpose_right: flags.1,
	};
	apply(&kind, &[left, right]).unwrap()
}

fn tensor(shape: impl Into<Shape>, elements: Vec<f32>) -> Tensor {
	Tensor::f32(shape, elements).unwrap()
}

fn stored(transposed: bool, [rows, columns]: [u32; 2]) -> [u32; 2] {
	if transposed {
		[columns, rows]
	} else {
		[rows, columns]
	}
}

/// The matrices of a stack.
fn matrices(stack: &Tensor) -> Vec<Tensor> {
	let (_, matrix) = stack.shape.0.split_last_chunk::<2>().unwrap();
	let elements = stack
		.as_f32()
		.unwrap()
		.chunks((matrix[0] * matrix[1]) as usize);
	elements
		.map(|elements| tensor(*matrix, elements.to_vec()))
		.collect()
}

fn transposed(matrix: &Tensor) -> Tensor {
	let [rows, columns] = matrix.shape.0[..].try_into().unwrap();
	let at = |row: u32, column: u32| matrix.as_f32().unwrap()[(row * columns + column) as usize];
	let elements = (0..columns).flat_map(|column| (0..rows).map(move |row| at(row, column)));
	tensor([columns, rows], elements.collect())
}

#[test]
fn products_by_hand() {
	let left = tensor([2, 1, 2], vec![1.0, 2.0, 3.0, 4.0]);
	let right = tensor([2, 2, 1], vec![5.0, 6.0, 7.0, 8.0]);
	let plain = (false, false);
	let found = product(plain, &left, &right);
	assert_eq!(found.shape.0, [2, 1, 1]);
	assert_eq!(found.as_f32().unwrap(), [17.0, 53.0]);
	let found = product_sum(plain, &left, &right);
	assert_eq!(found.shape.0, [1, 1]);
	assert_eq!(found.as_f32().unwrap(), [70.0]);
	// A single matrix is a factor of each product.
	let single = tensor([2, 1], vec![1.0, 10.0]);
	let found = product(plain, &left, &single);
	assert_eq!(found.shape.0, [2, 1, 1]);
	assert_eq!(found.as_f32().unwrap(), [21.0, 43.0]);
	let found = product((true, false), &single, &right);
	assert_eq!(found.shape.0, [2, 1, 1]);
	assert_eq!(found.as_f32().unwrap(), [65.0, 87.0]);
}

#[test]
fn each_product_of_a_stack_is_that_of_its_matrices() {
	let mut words = Words::new(1);
	for (stack, [m, k, n]) in [
		(vec![1], [3, 5, 7]),
		(vec![4], [33, 31, 2]),
		(vec![2, 3], [5, 257, 35]),
		(vec![3], [1, 600, 40]),
		(vec![2, 1], [40, 1, 33]),
	] {
		for flags in FLAGS {
			for single in [None, Some(0), Some(1)] {
				let mut operand = |number: u32, shape: [u32; 2]| {
					let stack = if single == Some(number) {
						&[]
					} else {
						&stack[..]
					};
					let shape = Shape([stack, &shape].concat());
					let count = shape.elements().unwrap() as usize;
					tensor(shape, words.spiced(count, 300))
				};
				let left = operand(0, stored(flags.0, [m, k]));
				let right = operand(1, stored(flags.1, [k, n]));
				let found = product(flags, &left, &right);
				assert_eq!(found.shape.0, [&stack[..], &[m, n]].concat());
				let (lefts, rights) = (matrices(&left), matrices(&right));
				let count = lefts.len().max(rights.len());
				let expected = (0..count).flat_map(|at| {
					let (left, right) = (&lefts[at % lefts.len()], &rights[at % rights.len()]);
					let product = product(flags, left, right);
					product.bits().collect::<Vec<u32>>()
				});
				let found: Vec<u32> = found.bits().collect();
				assert_eq!(found, expected.collect::<Vec<_>>(), "{stack:?} {flags:?}");
			}
		}
	}
}

/// The terms of all matrices, one after another, in chunks that do not care where a matrix ends.
fn naive_sum(lefts: &[Tensor], rights: &[Tensor]) -> Vec<f32> {
	let [m, k] = lefts[0].shape.0[..].try_into().unwrap();
	let n = rights[0].shape.0[1];
	let element = |matrix: &Tensor, row: u32, column: u32| {
		matrix.as_f32().unwrap()[(row * matrix.shape.0[1] + column) as usize]
	};
	let mut sums = Vec::new();
	for row in 0..m {
		for column in 0..n {
			let pairs = lefts.iter().zip(rights);
			let terms: Vec<(f32, f32)> = pairs
				.flat_map(|(left, right)| {
					(0..k).map(move |k| (element(left, row, k), element(right, k, column)))
				})
				.collect();
			let chunk =
				|terms: &[(f32, f32)]| terms.iter().fold(0.0f32, |sum, (a, b)| a.mul_add(*b, sum));
			let mut chunks = terms.chunks(CHUNK).map(chunk);
			let first = chunks.next().unwrap();
			sums.push(canonical(chunks.fold(first, |sum, chunk| sum + chunk)));
		}
	}
	sums
}

#[test]
fn a_sum_of_products_is_one_contraction() {
	let mut words = Words::new(2);
	for (stack, [m, k, n]) in [
		(vec![], [3, 300, 2]),
		(vec![1], [3, 5, 7]),
		(vec![256], [2, 1, 3]),
		(vec![257], [2, 1, 3]),
		(vec![100], [35, 6, 2]),
		(vec![2, 3], [5, 100, 33]),
		(vec![3, 4], [1, 257, 1]),
	] {
		for rate in [u32::MAX, 2_000] {
			for flags in FLAGS {
				let mut operand = |shape: [u32; 2]| {
					let shape = Shape([&stack[..], &shape].concat());
					let count = shape.elements().unwrap() as usize;
					tensor(shape, words.spiced(count, rate))
				};
				let left = operand(stored(flags.0, [m, k]));
				let right = operand(stored(flags.1, [k, n]));
				let plain = |stack: &Tensor, turned: bool| -> Vec<Tensor> {
					let matrices = matrices(stack);
					match turned {
						true => matrices.iter().map(transposed).collect(),
						false => matrices,
					}
				};
				let expected = naive_sum(&plain(&left, flags.0), &plain(&right, flags.1));
				let found = product_sum(flags, &left, &right);
				assert_eq!(found.shape.0, [m, n]);
				assert_eq!(
					bits(found.as_f32().unwrap()),
					bits(&expected),
					"{stack:?} {m} {k} {n} {flags:?}"
				);
				if stack.is_empty() {
					assert_eq!(found, product(flags, &left, &right));
				}
			}
		}
	}
}

/// The chains go on from matrix to matrix, and end after 256 terms wherever that is.
#[test]
fn the_order_of_a_sum_of_products_can_be_seen() {
	let sum = |terms: Vec<f32>| {
		let count = terms.len() as u32;
		let ones = tensor([count, 1, 1], vec![1.0; count as usize]);
		product_sum((false, false), &tensor([count, 1, 1], terms), &ones)
			.as_f32()
			.unwrap()[0]
	};
	// In a chunk of their own, 256 ones are not lost beside 2^24; in the chunk of the large one each is.
	let mut terms = vec![1.0f32; 512];
	terms[0] = 16_777_216.0;
	assert_eq!(sum(terms), 16_777_472.0);
	// The sum of a matrix's terms alone would be 2.
	let apart = tensor([2, 1, 2], vec![16_777_216.0, 0.0, 1.0, 1.0]);
	let found = product_sum((false, false), &apart, &tensor([2, 2, 1], vec![1.0; 4]));
	assert_eq!(found.as_f32().unwrap(), [16_777_216.0]);
	// A product that vanishes leaves its sign, in the last matrix as in the first.
	let tiny = f32::from_bits(0x1A00_0000);
	let left = tensor([1, 1, 1], vec![-tiny]);
	let found = product_sum((false, false), &left, &tensor([1, 1, 1], vec![tiny]));
	assert_eq!(found.bits().collect::<Vec<_>>(), [0x8000_0000]);
}
