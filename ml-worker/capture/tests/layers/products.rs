//! Products of stacks of matrices, and axes in other orders.

use crate::agree;

agree! {
	stacks: 24 => 16, |x| {
		let a = x.clone().reshape([8, 2, 4, 3]);
		let b = x.tanh().reshape([8, 2, 3, 4]);
		a.matmul(b).slice([0..8, 0..1]).reshape([8, 16])
	};
	one_matrix_for_all: 24 => 32, |x| {
		let matrix = x.clone().sum_dim(0).reshape([1, 6, 4]).tanh();
		x.reshape([8, 4, 6]).matmul(matrix.repeat_dim(2, 2)).reshape([8, 32])
	};
	one_matrix_before_all: 24 => 12, |x| {
		let matrix = x.clone().sum_dim(0).reshape([1, 1, 4, 6]).tanh().slice([0..1, 0..1, 0..2]);
		matrix.matmul(x.reshape([8, 1, 6, 4])).slice([0..8, 0..1, 0..2, 0..3]).reshape([8, 6]).repeat_dim(1, 2)
	};
	repeated_axes: 24 => 18, |x| {
		let a = x.clone().reshape([8, 2, 3, 4]);
		let b = x.tanh().reshape([8, 2, 3, 4]).slice([0..8, 0..1]);
		a.matmul(b.transpose()).reshape([8, 18])
	};
	transposed_on_the_left: 24 => 18, |x| {
		let a = x.clone().reshape([8, 2, 4, 3]);
		let b = x.tanh().reshape([8, 2, 4, 3]);
		a.transpose().matmul(b).reshape([8, 18])
	};
	transposed_on_both_sides: 24 => 32, |x| {
		let a = x.clone().reshape([8, 2, 3, 4]);
		let b = x.tanh().reshape([8, 2, 4, 3]);
		a.transpose().matmul(b.transpose()).reshape([8, 32])
	};
	transposed_afterwards: 24 => 32, |x| {
		let a = x.clone().reshape([8, 2, 4, 3]);
		let b = x.tanh().reshape([8, 2, 3, 4]);
		let product = a.matmul(b);
		(product.clone().transpose() * product.tanh()).reshape([8, 32])
	};
	heads: 24 => 24, |x| {
		let heads = x.reshape([2, 4, 3, 8]).swap_dims(1, 2);
		let products = heads.clone().tanh().matmul(heads.clone().transpose());
		products.matmul(heads).swap_dims(1, 2).reshape([8, 24])
	};
	permutations: 24 => 24, |x| {
		let y = x.clone().reshape([8, 2, 3, 4]).permute([3, 1, 0, 2]).tanh().permute([2, 3, 1, 0]);
		x + y.reshape([8, 24])
	};
}
