//! Optimisers: what they compute, what state they keep, and what is refused. One module for each behaviour; one
//! program for all, because linking takes longer than running.

// Not every test program uses all of it.
#[allow(dead_code)]
#[path = "../stock/mod.rs"]
mod stock;

mod adam_w;
mod clipping;
mod constant_gradient;
mod engines;
mod learning_rates;
mod merging;
mod plain;
mod refusals;
mod spec;

use ml_worker_capture::{build, spec::Layer, LearningRate, ModelSpec, OptimiserSpec, Sizes};
use repops::program::Program;

/// The sizes of a softmax regression that is trained in milliseconds.
const SIZES: Sizes = Sizes {
	columns: 20,
	classes: 5,
	batch: 16,
	training_rows: 200,
	test_rows: 50,
};

/// The step program of a single linear layer.
fn regression(optimiser: &OptimiserSpec, bias: bool) -> Program {
	build(
		&linear(bias),
		optimiser,
		SIZES.columns,
		SIZES.classes,
		SIZES.batch,
		SIZES.training_rows,
		SIZES.test_rows,
	)
	.unwrap()
	.step
}

fn linear(bias: bool) -> ModelSpec {
	let outputs = SIZES.classes;
	ModelSpec::new(vec![Layer::Linear { outputs, bias }])
}

/// One of each kind, with numbers that make a difference.
fn each() -> [OptimiserSpec; 3] {
	let learning_rate = LearningRate::Constant(0.01);
	[
		OptimiserSpec::Sgd {
			learning_rate: LearningRate::Constant(0.1),
			momentum: 0.9,
			weight_decay: 0.01,
			clip_norm: None,
		},
		OptimiserSpec::Adam {
			learning_rate: learning_rate.clone(),
			beta1: 0.8,
			beta2: 0.99,
			epsilon: 1e-6,
			clip_norm: None,
		},
		OptimiserSpec::AdamW {
			learning_rate,
			beta1: 0.8,
			beta2: 0.99,
			epsilon: 1e-6,
			weight_decay: 0.5,
			clip_norm: None,
		},
	]
}

/// Up, level, down, and from then on constant.
fn table() -> LearningRate {
	LearningRate::Table(vec![(0, 0.0), (10, 0.02), (20, 0.02), (50, 0.002)])
}

/// The names of a program's state tensors.
fn names(program: &Program) -> Vec<&str> {
	let names = program.state.iter().map(|tensor| &tensor.name[..]);
	names
		.map(|name| std::str::from_utf8(name).unwrap())
		.collect()
}
