//! Parts of tensors, put together in other ways.

use crate::agree;
use burn::tensor::Tensor;

agree! {
	slice: 6 => 3, |x| x.slice([0..8, 2..5]);
	slice_of_rows: 6 => 6, |x| {
		let first = x.clone().slice([0..1, 0..6]);
		x.narrow(0, 0, 8) * first
	};
	slice_from_the_end: 6 => 2, |x| x.slice([0..8, -2..6]);
	slice_written_over: 6 => 6, |x| {
		let part = x.clone().slice([2..4, 1..3]).tanh();
		x.slice_assign([4..6, 0..2], part)
	};
	concatenation: 6 => 15, |x| {
		Tensor::cat(vec![x.clone(), x.clone().tanh().slice([0..8, 0..3]), x.exp()], 1)
	};
	concatenation_of_rows: 6 => 6, |x| {
		let half = x.clone().narrow(0, 0, 4);
		Tensor::cat(vec![half.tanh(), x.narrow(0, 4, 4)], 0)
	};
	stack: 6 => 12, |x| Tensor::stack::<3>(vec![x.clone(), x.tanh()], 1).reshape([8, 12]);
	padding: 6 => 9, |x| x.pad((1, 2, 0, 0), burn::tensor::ops::PadMode::Constant(0.5));
	chunks: 6 => 3, |x| {
		let [a, b] = x.chunk(2, 1).try_into().unwrap();
		a * b
	};
	repetition_of_a_long_axis: 6 => 18, |x| x.repeat_dim(1, 3);
	repetition_of_rows: 6 => 12, |x| {
		let y = x.reshape([4, 2, 6]).repeat_dim(1, 2);
		y.reshape([8, 12])
	};
}
