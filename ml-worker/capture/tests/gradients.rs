//! The gradients of every supported operation agree with those of stock Burn.

// Not every test file uses all of it.
#[allow(dead_code)]
mod stock;

use burn::{
	nn::{loss::CrossEntropyLossConfig, Linear, LinearConfig},
	tensor::{activation, backend::Backend, Int, Tensor},
};
use ml_worker_capture::{Model, Sizes};
use stock::{agreement::agrees, Data};

const SIZES: Sizes = Sizes {
	columns: 6,
	classes: 4,
	batch: 8,
	training_rows: 32,
	test_rows: 32,
};

fn agrees_with_burn(model: impl Model) {
	agrees(&model, &Data::synthetic(SIZES));
}

/// Tests of functions from `[8, 4]`, the result of a linear layer, to scores of the same shape.
macro_rules! agree {
	($($name:ident: |$x:ident| $scores:expr;)*) => {$(
		#[test]
		fn $name() {
			struct Tested;
			impl Model for Tested {
				type Module<B: Backend> = Linear<B>;

				fn init<B: Backend>(&self, device: &B::Device) -> Linear<B> {
					LinearConfig::new(6, 4).init(device)
				}

				fn forward<B: Backend>(&self, module: &Linear<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
					let $x = module.forward(features);
					$scores
				}
			}
			agrees_with_burn(Tested);
		}
	)*};
}

agree! {
	relu: |x| activation::relu(x);
	tanh: |x| activation::tanh(x);
	sigmoid: |x| activation::sigmoid(x);
	softmax: |x| activation::softmax(x, 1);
	log_softmax: |x| activation::log_softmax(x, 1);
	leaky_relu: |x| activation::leaky_relu(x, 0.1);
	silu: |x| activation::silu(x);
	exp: |x| x.exp();
	log: |x| (x.clone() * x + 1.0).log();
	sqrt: |x| (x.clone() * x + 1.0).sqrt();
	reciprocal: |x| (x.clone() * x + 1.0).recip();
	square: |x| x.powi_scalar(2);
	cube: |x| x.powi_scalar(3);
	inverse_root: |x| (x.clone() * x + 1.0).powf_scalar(-0.5);
	negation: |x| -x;
	absolute: |x| x.abs();
	clamp: |x| x.clamp(-0.25, 0.5);
	add: |x| x.clone() + x.tanh();
	subtract: |x| x.clone().tanh() - x;
	divide: |x| x.clone() / (x.clone() * x + 1.0);
	scalars: |x| ((x + 0.5) * 3.0 - 1.0) / 7.0;
	three_uses: |x| x.clone() + x.clone().tanh() + x.exp();
	gelu_without_its_gradient: |x| activation::gelu(x.clone().detach()) + x;
	error_function: |x| x.erf();
	softplus: |x| activation::softplus(x, 1.0);
	sign: |x| x.clone() * x.sign();
	least_over_an_axis: |x| x.clone() - x.min_dim(1);
	greatest_of_a_column: |x| x.clone() * x.max_dim(0);
	variance: |x| x.clone() * x.var(1);
	sum_over_an_axis: |x| x.clone() * x.sum_dim(0);
	mean_over_an_axis: |x| x.clone() - x.mean_dim(1);
	max_over_an_axis: |x| x.clone() - x.max_dim(1);
	sum_of_all: |x| x.clone() * x.sum().reshape([1, 1]);
	mean_of_all: |x| x.clone() * x.mean().reshape([1, 1]);
	matrix_product: |x| x.clone().matmul(x.clone().transpose()).matmul(x);
	transposed_product: |x| x.clone().matmul(x.clone().transpose().matmul(x));
	reshape: |x| {
		let [rows, columns] = x.dims();
		x.reshape([columns, rows]).transpose().reshape([rows, columns])
	};
	expand: |x| {
		let shape = x.dims();
		x.clone() + x.mean_dim(0).expand(shape)
	};
	repeat: |x| x.clone() + x.sum_dim(1).repeat_dim(1, 4);
	mask_fill: |x| {
		let mask = x.clone().greater_elem(0.25);
		x.mask_fill(mask, 0.25)
	};
	mask_where: |x| {
		let y = x.clone().tanh();
		let mask = x.clone().lower(y.clone() * 0.9 + 0.05);
		x.mask_where(mask, y * 2.0)
	};
	comparison_as_number: |x| {
		let positive = x.clone().greater_equal_elem(0.0).float();
		x * positive
	};
}

/// Labels as a smoothed matrix, which Burn makes with `scatter`.
#[test]
fn label_smoothing() {
	struct Smoothed;
	impl Model for Smoothed {
		type Module<B: Backend> = Linear<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Linear<B> {
			LinearConfig::new(6, 4).init(device)
		}

		fn forward<B: Backend>(&self, module: &Linear<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
			module.forward(features)
		}

		fn loss<B: Backend>(
			&self,
			scores: Tensor<B, 2>,
			labels: Tensor<B, 1, Int>,
		) -> Tensor<B, 1> {
			let config = CrossEntropyLossConfig::new().with_smoothing(Some(0.1));
			config.init(&scores.device()).forward(scores, labels)
		}
	}
	agrees_with_burn(Smoothed);
}
