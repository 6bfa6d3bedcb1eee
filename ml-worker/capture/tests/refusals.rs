//! What can't be captured is refused, with the place and the reason.

use burn::{
	module::{Initializer, Module, Param},
	nn::{
		conv::{Conv2d, Conv2dConfig},
		Dropout, DropoutConfig, Linear, LinearConfig, LinearLayout,
	},
	tensor::{backend::Backend, Int, Tensor},
};
use ml_worker_capture::{
	build, capture, spec::Layer, CaptureError, Model, ModelSpec, OptimiserSpec, Sizes,
};

const SGD: OptimiserSpec = OptimiserSpec::sgd(0.1);
const SIZES: Sizes = Sizes {
	columns: 16,
	classes: 4,
	batch: 8,
	training_rows: 32,
	test_rows: 8,
};

fn refusal(model: impl Model) -> String {
	capture(&model, &SGD, &SIZES).unwrap_err().to_string()
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
	for part in parts {
		assert!(message.contains(part), "`{part}` is missing in: {message}");
	}
}

#[test]
fn an_operation_outside_of_the_set() {
	#[derive(Module, Debug)]
	struct Convolution<B: Backend> {
		conv: Conv2d<B>,
		head: Linear<B>,
	}
	struct Tested;
	impl Model for Tested {
		type Module<B: Backend> = Convolution<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Convolution<B> {
			Convolution {
				conv: Conv2dConfig::new([1, 3], [3, 3]).init(device),
				head: LinearConfig::new(3 * 2 * 2, 4).init(device),
			}
		}

		fn forward<B: Backend>(&self, module: &Convolution<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
			let [rows, _] = x.dims();
			module.head.forward(
				module
					.conv
					.forward(x.reshape([rows, 1, 4, 4]))
					.reshape([rows, 12]),
			)
		}
	}
	assert_says(
		&refusal(Tested),
		&[
			"operation ",
			"`Conv2d`",
			"F32 [8, 1, 4, 4]",
			"(parameter `conv.weight`)",
			"F32 [8, 3, 2, 2]",
		],
	);
}

#[test]
fn random_numbers_in_a_step() {
	#[derive(Module, Debug)]
	struct Dropping<B: Backend> {
		dropout: Dropout,
		head: Linear<B>,
	}
	struct Tested;
	impl Model for Tested {
		type Module<B: Backend> = Dropping<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Dropping<B> {
			Dropping {
				dropout: DropoutConfig::new(0.5).init(),
				head: LinearConfig::new(16, 4).init(device),
			}
		}

		fn forward<B: Backend>(&self, module: &Dropping<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
			module.head.forward(module.dropout.forward(x))
		}
	}
	assert_says(&refusal(Tested), &["`Random`", "F32 [8, 16]"]);
}

/// Tests of functions from a linear layer and the features to scores.
macro_rules! refuse {
	($($name:ident: |$module:ident, $x:ident| $scores:expr => $parts:expr;)*) => {$(
		#[test]
		fn $name() {
			struct Tested;
			impl Model for Tested {
				type Module<B: Backend> = Linear<B>;

				fn init<B: Backend>(&self, device: &B::Device) -> Linear<B> {
					LinearConfig::new(16, 4).init(device)
				}

				fn forward<B: Backend>(&self, $module: &Linear<B>, $x: Tensor<B, 2>) -> Tensor<B, 2> {
					$scores
				}
			}
			assert_says(&refusal(Tested), &$parts);
		}
	)*};
}

refuse! {
	an_unsupported_function: |module, x| module.forward(x).cos()
		=> ["`Cos`", "F32 [8, 4] → F32 [8, 4]"];
	an_unsupported_form: |module, x| {
		let x = module.forward(x).reshape([2, 4, 4]).swap_dims(1, 2);
		x.reshape([8, 4])
	} => ["`SwapDims`", "only the two axes of a matrix"];
	a_table_of_numbers: |module, x| {
		let device = x.device();
		module.forward(x) * Tensor::<B, 2>::from_floats([[1.0, 2.0, 3.0, 4.0]], &device)
	} => ["`Init`", "different numbers"];
	a_look_at_values: |module, x| {
		let scores = module.forward(x);
		let sum = scores.clone().sum().into_scalar();
		scores * sum
	} => ["read the values", "[1]"];
	wrong_sizes: |module, x| {
		let device = x.device();
		module.forward(x) + Tensor::<B, 2>::ones([8, 5], &device)
	} => ["Burn refused", "'Add'", "5"];
	wrong_scores: |module, x| module.forward(x).reshape([4, 8]) => ["scores", "[8, 4]", "[4, 8]"];
	no_dependence_on_parameters: |_module, x| x.slice([0..8, 0..4])
		=> ["`weight`", "doesn't depend on it"];
	an_unusual_power: |module, x| module.forward(x).powf_scalar(0.3) => ["`PowfScalar`", "multiples of a half"];
}

#[test]
fn parameters_that_a_program_cannot_start() {
	struct Tested(Initializer);
	impl Model for Tested {
		type Module<B: Backend> = Linear<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Linear<B> {
			LinearConfig::new(16, 4)
				.with_bias(false)
				.with_initializer(self.0.clone())
				.init(device)
		}

		fn forward<B: Backend>(&self, module: &Linear<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
			module.forward(x)
		}
	}
	let message = refusal(Tested(Initializer::Orthogonal { gain: 1.0 }));
	assert_says(&message, &["`weight`", "starts as the result of"]);
	let message = refusal(Tested(Initializer::Uniform {
		min: 0.0,
		max: f64::INFINITY,
	}));
	assert_says(&message, &["`weight`", "isn't finite"]);
}

#[test]
fn a_parameter_that_burn_does_not_train() {
	struct Columns;
	impl Model for Columns {
		type Module<B: Backend> = Linear<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Linear<B> {
			LinearConfig::new(16, 4)
				.with_layout(LinearLayout::Col)
				.init(device)
		}

		fn forward<B: Backend>(&self, module: &Linear<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
			module.forward(x)
		}
	}
	assert_says(
		&refusal(Columns),
		&["`weight`", "computed from another tensor", "`Col`"],
	);
}

#[test]
fn a_parameter_that_nothing_depends_on() {
	#[derive(Module, Debug)]
	struct Spare<B: Backend> {
		used: Linear<B>,
		spare: Param<Tensor<B, 1>>,
	}
	struct Tested;
	impl Model for Tested {
		type Module<B: Backend> = Spare<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Spare<B> {
			Spare {
				used: LinearConfig::new(16, 4).init(device),
				spare: Initializer::Zeros.init([4], device),
			}
		}

		fn forward<B: Backend>(&self, module: &Spare<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
			module.used.forward(x)
		}
	}
	assert_says(&refusal(Tested), &["`spare`", "doesn't depend on it"]);
}

#[test]
fn a_loss_for_each_sample() {
	struct Tested;
	impl Model for Tested {
		type Module<B: Backend> = Linear<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Linear<B> {
			LinearConfig::new(16, 4).init(device)
		}

		fn forward<B: Backend>(&self, module: &Linear<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
			module.forward(x)
		}

		fn loss<B: Backend>(&self, scores: Tensor<B, 2>, _: Tensor<B, 1, Int>) -> Tensor<B, 1> {
			scores.sum_dim(1).reshape([8])
		}
	}
	assert_says(&refusal(Tested), &["loss", "[1]", "[8]"]);
}

fn linear(outputs: u32) -> Layer {
	Layer::Linear {
		outputs,
		bias: true,
	}
}

#[test]
fn layers_that_do_not_fit() {
	let build = |layers: Vec<Layer>| {
		build(&ModelSpec { layers }, &SGD, 16, 4, 8, 32, 8)
			.unwrap_err()
			.to_string()
	};
	assert_says(&build(vec![]), &["layers", "at least one `linear`"]);
	assert_says(
		&build(vec![Layer::Relu {}]),
		&["layers", "at least one `linear`"],
	);
	assert_says(
		&build(vec![linear(0), linear(4)]),
		&["layer 0", "at least 1"],
	);
	assert_says(
		&build(vec![linear(8), Layer::Tanh {}, linear(5)]),
		&["layer 2", "classes: 4"],
	);
	let message = build(vec![linear(u32::MAX), linear(4)]);
	assert_says(&message, &["2^31 elements"]);
	let message = build(vec![linear(1 << 20), linear(1 << 20), linear(4)]);
	assert_says(&message, &["2^31 elements"]);
	let message = build(vec![linear(1 << 25), linear(4)]);
	assert_says(&message, &["the program is refused"]);
}

#[test]
fn sizes_that_make_no_sense() {
	let spec = ModelSpec {
		layers: vec![linear(4)],
	};
	let build = |columns, classes, batch, training_rows, test_rows| {
		let result = build(
			&spec,
			&SGD,
			columns,
			classes,
			batch,
			training_rows,
			test_rows,
		);
		result.unwrap_err().to_string()
	};
	assert_says(&build(0, 4, 8, 32, 8), &["`columns` is 0"]);
	assert_says(&build(16, 1, 8, 32, 8), &["`classes` is 1"]);
	assert_says(&build(16, 4, 0, 32, 8), &["`batch` is 0"]);
	assert_says(&build(16, 4, 8, 0, 8), &["`training_rows` is 0"]);
	assert_says(&build(16, 4, 8, 32, 0), &["`test_rows` is 0"]);
	assert_says(
		&build(16, 4, 33, 32, 8),
		&["`batch` is 33", "only 32 samples"],
	);
}

#[test]
fn a_refusal_leaves_nothing_behind() {
	let spec = ModelSpec {
		layers: vec![linear(4)],
	};
	let before = build(&spec, &SGD, 16, 4, 8, 32, 8).unwrap();
	struct Panicking;
	impl Model for Panicking {
		type Module<B: Backend> = Linear<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Linear<B> {
			LinearConfig::new(16, 4).init(device)
		}

		fn forward<B: Backend>(&self, _: &Linear<B>, _: Tensor<B, 2>) -> Tensor<B, 2> {
			panic!("out of paper")
		}
	}
	match capture(&Panicking, &SGD, &SIZES).unwrap_err() {
		CaptureError::Module { message } => assert_eq!(message, "out of paper"),
		other => panic!("{other}"),
	}
	assert_eq!(build(&spec, &SGD, 16, 4, 8, 32, 8).unwrap(), before);
}
