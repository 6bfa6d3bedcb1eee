//! Integers, truth values, and masks made from them.

use crate::agree;
use burn::tensor::{Bool, Int, Tensor};

agree! {
	lower_triangle: 16 => 16, |x| {
		let mask = Tensor::<B, 2, Bool>::tril_mask([4, 4], 0, &x.device());
		x.reshape([8, 4, 4]).mask_fill(mask.unsqueeze(), -1.0).reshape([8, 16])
	};
	upper_triangle: 16 => 16, |x| {
		let mask = Tensor::<B, 2, Bool>::triu_mask([4, 4], 1, &x.device());
		x.reshape([8, 4, 4]).mask_fill(mask.unsqueeze(), -1.0).reshape([8, 16])
	};
	diagonal: 16 => 16, |x| {
		let mask = Tensor::<B, 2, Bool>::diag_mask([4, 4], 0, &x.device());
		x.reshape([8, 4, 4]).mask_fill(mask.unsqueeze(), 0.0).reshape([8, 16])
	};
	progressions: 6 => 6, |x| {
		let steps: Tensor<B, 1> = Tensor::<B, 1, Int>::arange_step(2..14, 2, &x.device()).float();
		let halves = Tensor::<B, 1>::from_floats([0.5, 0.25, 0.0, -0.25, -0.5, -0.75], &x.device());
		x * (steps * 0.25 + halves).unsqueeze()
	};
	arithmetic: 6 => 6, |x| {
		let index = Tensor::<B, 1, Int>::arange(0..6, &x.device());
		let squares = (index.clone() * index.clone() - index * 3 + 1).clamp(-1, 4);
		x * squares.float().unsqueeze()
	};
	truth_values: 6 => 6, |x| {
		let positive = x.clone().greater_elem(0.0);
		let small = x.clone().abs().lower_elem(0.25);
		let both = positive.clone().bool_and(small.clone());
		let either = positive.clone().bool_or(small.clone());
		let differ = positive.equal(small.clone()).bool_not();
		let numbers = both.float() + either.int().float() * 0.5 + differ.float() * 0.25;
		let mask = small.bool_not();
		(x * numbers).mask_fill(mask, 0.125)
	};
	greatest_index: 6 => 6, |x| {
		let index = x.clone().argmax(1);
		x * index.float().repeat_dim(1, 6)
	};
	least_index_of_columns: 6 => 6, |x| {
		let index = x.clone().argmin(0);
		x * (index.float() * 0.25).repeat_dim(0, 8)
	};
	chosen_integers: 6 => 6, |x| {
		let a = x.clone().greater_elem(0.0).int();
		let b = Tensor::<B, 2, Int>::ones([8, 6], &x.device()) * 2;
		let mask = x.clone().lower_elem(0.25);
		let numbers = Tensor::cat(vec![a.clone().mask_where(mask, b), a], 1).slice([0..8, 3..9]);
		x * numbers.float()
	};
}
