//! Data sets that are made up: how long a step takes does not depend on what is learnt.

use super::{Kind, SEED};
use burn::tensor::{backend::Backend, Int, Tensor as BurnTensor, TensorData};
use ml_worker_capture::Sizes;
use repops::{
	random::batch_rows,
	tensor::{Tensor, WrongElementCount},
};

/// A data set as programs read it.
pub(crate) struct Data {
	pub(crate) features: Tensor,
	pub(crate) labels: Tensor,
}

impl Data {
	/// As many samples as a network is trained on.
	pub(crate) fn new(kind: Kind, sizes: &Sizes) -> Result<Self, WrongElementCount> {
		let (rows, columns) = (sizes.training_rows, sizes.columns);
		let mut word = 1u64;
		let mut random = || {
			word = word
				.wrapping_mul(6_364_136_223_846_793_005)
				.wrapping_add(1_442_695_040_888_963_407);
			(word >> 40) as f32 / (1u64 << 24) as f32
		};
		let features: Vec<f32> = (0..rows * columns)
			.map(|_| match kind {
				// As in pictures of digits four pixels in five are 0.
				Kind::Pictures => (5.0 * random() - 4.0).max(0.0),
				Kind::Text => (sizes.classes as f32 * random()).floor(),
			})
			.collect();
		let labels = (0..rows as usize).map(|row| match kind {
			Kind::Pictures => row as u32 % sizes.classes,
			Kind::Text => features[(row + 1) * columns as usize - 1] as u32,
		});
		Ok(Data {
			labels: Tensor::u32([rows], labels.collect())?,
			features: Tensor::f32([rows, columns], features)?,
		})
	}
}

/// The batch of a program at a position, for Burn.
pub(crate) fn batch<B: Backend>(
	sizes: &Sizes,
	data: &Data,
	position: u64,
) -> (BurnTensor<B, 2>, BurnTensor<B, 1, Int>) {
	let columns = sizes.columns as usize;
	let features = data.features.as_f32().expect("they were made as such; qed");
	let labels = data.labels.as_u32().expect("they were made as such; qed");
	let (mut x, mut y) = (Vec::new(), Vec::new());
	for row in batch_rows(&SEED, position, sizes.batch, sizes.training_rows) {
		let row = row as usize;
		x.extend_from_slice(&features[row * columns..][..columns]);
		y.push(labels[row] as i32);
	}
	let device = Default::default();
	let rows = sizes.batch as usize;
	(
		BurnTensor::from_data(TensorData::new(x, [rows, columns]), &device),
		BurnTensor::from_data(TensorData::new(y, [rows]), &device),
	)
}
