//! Matrix products by the `gemm` crate.

use crate::products::CHAIN;
use gemm::Parallelism;
use ml_worker_engine::InstructionSet;
use rayon::{ThreadPool, ThreadPoolBuilder};
use repops::tensor::Tensor;
use std::{error::Error, time::Instant};

/// The instruction set that the `gemm` crate chooses.
pub(crate) fn instruction_set() -> InstructionSet {
	match cfg!(feature = "gemm-avx512") {
		true => InstructionSet::best(),
		false => InstructionSet::best().min(InstructionSet::Avx2),
	}
}

/// The same products as the engine's.
pub(crate) struct ByCrate {
	size: usize,
	left: Vec<f32>,
	pub(crate) right: Vec<f32>,
	product: Vec<f32>,
	pool: ThreadPool,
}

impl ByCrate {
	pub(crate) fn new(
		size: u32,
		threads: usize,
		[left, right]: &[Tensor; 2],
	) -> Result<Self, Box<dyn Error>> {
		let elements = |tensor: &Tensor| tensor.as_f32().map(<[f32]>::to_vec);
		let (left, right) = elements(left).zip(elements(right)).ok_or("not F32")?;
		Ok(ByCrate {
			size: size as usize,
			product: vec![0.0; left.len()],
			left,
			right,
			pool: ThreadPoolBuilder::new().num_threads(threads).build()?,
		})
	}

	/// Replaces `right` and gives the seconds that it took.
	pub(crate) fn multiply(&mut self) -> f64 {
		let ByCrate {
			size,
			left,
			right,
			product,
			pool,
		} = self;
		let size = *size;
		let parallelism = match pool.current_num_threads() {
			1 => Parallelism::None,
			threads => Parallelism::Rayon(threads),
		};
		let start = Instant::now();
		pool.install(|| {
			for _ in 0..CHAIN {
				let row = size as isize;
				// SAFETY: all three are square matrices of this size, row by row, and none is another.
				unsafe {
					gemm::gemm(
						size,
						size,
						size,
						product.as_mut_ptr(),
						1,
						row,
						false,
						left.as_ptr(),
						1,
						row,
						right.as_ptr(),
						1,
						row,
						0.0,
						1.0,
						false,
						false,
						false,
						parallelism,
					);
				}
				std::mem::swap(right, product);
			}
		});
		start.elapsed().as_secs_f64()
	}
}
