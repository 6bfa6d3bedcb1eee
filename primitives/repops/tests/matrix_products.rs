//! The matrix product against a naive loop and against exact integers.

mod support;

use repops::{
	commit::TILE,
	kernel::{apply, matmul_chunk, matmul_element, matmul_tile, MatrixView, CHUNK},
	number::canonical,
	program::OperationKind,
	tensor::Tensor,
};
use support::{bits, Words};

const SHAPES: [(usize, usize, usize); 12] = [
	(1, 1, 1),
	(3, 5, 7),
	(32, 32, 32),
	(33, 31, 65),
	(1, 256, 1),
	(2, 257, 3),
	(5, 255, 33),
	(7, 512, 2),
	(4, 513, 35),
	(64, 1000, 1),
	(1, 784, 40),
	(40, 3, 100),
];

/// `left [m, k] × right [k, n]` by the words of the definition, with the system's fused multiply-add.
fn naive(left: &[f32], right: &[f32], m: usize, k: usize, n: usize) -> Vec<f32> {
	let mut product = Vec::new();
	for i in 0..m {
		for j in 0..n {
			let mut sum = None;
			let mut term = 0;
			while term < k {
				let mut chain = 0.0f32;
				for _ in 0..CHUNK {
					if term < k {
						chain = left[i * k + term].mul_add(right[term * n + j], chain);
						term += 1;
					}
				}
				sum = Some(sum.map_or(chain, |sum: f32| sum + chain));
			}
			product.push(canonical(sum.unwrap()));
		}
	}
	product
}

fn transposed(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
	(0..columns)
		.flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column]))
		.collect()
}

fn product(
	left: &[f32],
	right: &[f32],
	(m, k, n): (usize, usize, usize),
	flags: (bool, bool),
) -> Tensor {
	let tensor = |matrix: &[f32], rows: usize, columns: usize, flag: bool| {
		let (stored, shape) = if flag {
			(transposed(matrix, rows, columns), [columns, rows])
		} else {
			(matrix.to_vec(), [rows, columns])
		};
		Tensor::f32(shape.map(|length| length as u32), stored).unwrap()
	};
	let kind = OperationKind::MatMul {
		transpose_left: flags.0,
		transpose_right: flags.1,
	};
	apply(
		&kind,
		&[&tensor(left, m, k, flags.0), &tensor(right, k, n, flags.1)],
	)
	.unwrap()
}

#[test]
fn all_transpositions_equal_the_naive_loop() {
	let mut words = Words::new(1);
	for rate in [u32::MAX, 1000, 20] {
		for (m, k, n) in SHAPES {
			let (left, right) = (words.spiced(m * k, rate), words.spiced(k * n, rate));
			let expected = bits(&naive(&left, &right, m, k, n));
			for flags in [(false, false), (true, false), (false, true), (true, true)] {
				let result = product(&left, &right, (m, k, n), flags);
				assert_eq!(result.shape.0, [m as u32, n as u32]);
				assert_eq!(
					bits(result.as_f32().unwrap()),
					expected,
					"{m} {k} {n} {flags:?} {rate}"
				);
			}
		}
	}
}

#[test]
fn tiny_products_round_to_zeros_with_a_sign() {
	// The greatest exact product that vanishes leaves its sign on the zero.
	let tiny = f32::from_bits(0x1A00_0000);
	let result = product(&[-tiny, tiny], &[tiny, -tiny], (2, 1, 2), (false, false));
	assert_eq!(
		bits(result.as_f32().unwrap()),
		[0x8000_0000, 0, 0, 0x8000_0000]
	);
	// One more term of 0 · 0 would change it: the inner axis can't be padded.
	let result = product(&[-tiny, 0.0], &[tiny, 0.0], (1, 2, 1), (false, false));
	assert_eq!(bits(result.as_f32().unwrap()), [0]);
}

#[test]
fn integers_come_out_exactly() {
	let mut words = Words::new(2);
	for (m, k, n) in SHAPES {
		let mut integers = |count: usize| {
			(0..count)
				.map(|_| words.below(101) as i64 - 50)
				.collect::<Vec<_>>()
		};
		let (left, right) = (integers(m * k), integers(k * n));
		let floats = |integers: &[i64]| {
			integers
				.iter()
				.map(|integer| *integer as f32)
				.collect::<Vec<_>>()
		};
		let result = product(&floats(&left), &floats(&right), (m, k, n), (false, false));
		for (at, element) in result.as_f32().unwrap().iter().enumerate() {
			let exact: i64 = (0..k)
				.map(|term| left[at / n * k + term] * right[term * n + at % n])
				.sum();
			assert_eq!(*element as i64, exact);
		}
	}
}

#[test]
fn a_tile_a_chunk_and_an_element_can_be_computed_alone() {
	let mut words = Words::new(3);
	let (m, k, n) = (70, 600, 45);
	let (left, right) = (words.spiced(m * k, 5000), words.spiced(k * n, 5000));
	let whole = naive(&left, &right, m, k, n);
	let (a, b) = (
		MatrixView::new(&left, k, false),
		MatrixView::new(&right, n, false),
	);
	for first_row in (0..m).step_by(TILE) {
		for first_column in (0..n).step_by(TILE) {
			let rows = first_row..m.min(first_row + TILE);
			let columns = first_column..n.min(first_column + TILE);
			let tile = matmul_tile(
				rows.clone(),
				columns.clone(),
				k,
				|i, t| a.at(i, t),
				|t, j| b.at(t, j),
			);
			// Running results from the chunks, as a referee adds them.
			let mut running: Option<Vec<f32>> = None;
			for start in (0..k).step_by(CHUNK) {
				let terms = start..k.min(start + CHUNK);
				let chunk = matmul_chunk(
					rows.clone(),
					columns.clone(),
					terms,
					|i, t| a.at(i, t),
					|t, j| b.at(t, j),
				);
				running = Some(match running {
					None => chunk.to_vec(),
					Some(sums) => sums
						.iter()
						.zip(chunk)
						.map(|(sum, result)| canonical(sum + result))
						.collect(),
				});
			}
			assert_eq!(bits(&running.unwrap()), bits(&tile));
			for (place, element) in tile.iter().enumerate() {
				let (row, column) = (first_row + place / TILE, first_column + place % TILE);
				let expected = if row < m && column < n {
					whole[row * n + column]
				} else {
					0.0
				};
				assert_eq!(element.to_bits(), expected.to_bits());
				if row < m && column < n && place % 37 == 0 {
					let alone = matmul_element(k, |t| a.at(row, t), |t| b.at(t, column));
					assert_eq!(alone.to_bits(), expected.to_bits());
				}
			}
		}
	}
}
