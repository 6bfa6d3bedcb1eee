//! What can't be captured is refused, with the place and the reason.

use burn::{
	module::{Initializer, Module, Param},
	nn::{
		conv::{Conv2d, Conv2dConfig},
		pool::MaxPool2dConfig,
		Linear, LinearConfig, LinearLayout,
	},
	tensor::{backend::Backend, s, Distribution, Int, Tensor},
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

/// Two convolutions and something between them.
#[derive(Module, Debug)]
struct Convolutions<B: Backend> {
	first: Conv2d<B>,
	second: Conv2d<B>,
	head: Linear<B>,
}

/// Tests of what stands after the first convolution, and of the second one's configuration.
struct Convolved<F> {
	between: F,
	second: Conv2dConfig,
}

trait Between {
	fn apply<B: Backend>(&self, x: Tensor<B, 4>) -> Tensor<B, 4>;
}

impl<F: Between> Model for Convolved<F> {
	type Module<B: Backend> = Convolutions<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Convolutions<B> {
		Convolutions {
			first: Conv2dConfig::new([1, 2], [1, 1]).init(device),
			second: self.second.init(device),
			head: LinearConfig::new(2 * 4 * 4, 4).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Convolutions<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
		let [rows, _] = x.dims();
		let x = module.first.forward(x.reshape([rows, 1, 4, 4]));
		let x = module.second.forward(self.between.apply(x));
		module.head.forward(x.flatten(1, 3))
	}
}

struct Nothing;

impl Between for Nothing {
	fn apply<B: Backend>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
		x
	}
}

#[test]
fn an_operation_after_a_parameter() {
	struct Cosine;
	impl Between for Cosine {
		fn apply<B: Backend>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
			(x * 2.0).cos()
		}
	}
	let second = Conv2dConfig::new([2, 2], [1, 1]);
	assert_says(
		&refusal(Convolved {
			between: Cosine,
			second,
		}),
		&[
			"operation ",
			"`Cos`",
			"after `first.weight`",
			"F32 [8, 2, 4, 4]",
		],
	);
}

#[test]
fn an_operation_at_a_parameter() {
	let second = Conv2dConfig::new([2, 2], [1, 1]).with_groups(2);
	assert_says(
		&refusal(Convolved {
			between: Nothing,
			second,
		}),
		&[
			"`Conv2d`",
			"at `second.weight`",
			"(parameter `second.weight`)",
			"only one group of channels",
		],
	);
}

#[test]
fn windows_beyond_the_border() {
	struct Ceiling;
	impl Between for Ceiling {
		fn apply<B: Backend>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
			let pool = MaxPool2dConfig::new([3, 3]).with_strides([2, 2]);
			let pooled = pool.with_ceil_mode(true).init().forward(x);
			pooled.repeat_dim(2, 2).repeat_dim(3, 2)
		}
	}
	let second = Conv2dConfig::new([2, 2], [1, 1]);
	assert_says(
		&refusal(Convolved {
			between: Ceiling,
			second,
		}),
		&[
			"`MaxPool2dWithIndices`",
			"after `first.weight`",
			"`ceil_mode`",
		],
	);
}

#[test]
fn more_axes_than_a_program_knows() {
	struct Deep;
	impl Between for Deep {
		fn apply<B: Backend>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
			let x = x.reshape([8, 2, 2, 2, 4]).swap_dims(1, 3) * 2.0;
			x.reshape([8, 2, 4, 4])
		}
	}
	let second = Conv2dConfig::new([2, 2], [1, 1]);
	assert_says(
		&refusal(Convolved {
			between: Deep,
			second,
		}),
		&[
			"`Reshape`",
			"after `first.weight`",
			"can't be part of a program",
			"axes",
		],
	);
}

#[test]
fn a_tensor_that_is_too_large() {
	struct Large;
	impl Between for Large {
		fn apply<B: Backend>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
			let large = x.repeat_dim(2, 2048).repeat_dim(3, 1024).exp();
			large
				.mean_dim(2)
				.repeat_dim(2, 4)
				.slice([0..8, 0..2, 0..4, 0..4])
		}
	}
	let second = Conv2dConfig::new([2, 2], [1, 1]);
	assert_says(
		&refusal(Convolved {
			between: Large,
			second,
		}),
		&[
			"after `first.weight`",
			"can't be part of a program",
			"elements",
		],
	);
}

#[test]
fn an_operation_of_the_gradient() {
	struct Fractional;
	impl Between for Fractional {
		fn apply<B: Backend>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
			// Four is the highest power; the gradient needs the next one.
			x.powf_scalar(-4.0)
		}
	}
	let second = Conv2dConfig::new([2, 2], [1, 1]);
	assert_says(
		&refusal(Convolved {
			between: Fractional,
			second,
		}),
		&[
			"`PowiScalar`",
			"after `first.weight`, in the gradient",
			"multiples of a half",
		],
	);
}

#[test]
fn random_numbers_in_an_evaluation() {
	struct Noisy;
	impl Model for Noisy {
		type Module<B: Backend> = Linear<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Linear<B> {
			LinearConfig::new(16, 4).init(device)
		}

		fn forward<B: Backend>(&self, module: &Linear<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
			let noise = x.random_like(Distribution::Default);
			module.forward(x + noise)
		}
	}
	assert_says(
		&refusal(Noisy),
		&["`Random`", "F32 [8, 16]", "an evaluation has no random"],
	);
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
		let x = module.forward(x);
		x.clone() + x.slice(s![.., ..;-1])
	} => ["`Slice`", "after `weight`", "without gaps"];
	a_table_of_numbers: |module, x| {
		let device = x.device();
		module.forward(x) * Tensor::<B, 2>::from_floats([[1.0, 2.0, 4.0, 8.0]], &device)
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
		build(&ModelSpec::new(layers), &SGD, 16, 4, 8, 32, 8)
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
	let spec = ModelSpec::new(vec![linear(4)]);
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
	let spec = ModelSpec::new(vec![linear(4)]);
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
