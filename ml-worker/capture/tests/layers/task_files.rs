//! The layers that a task file can name: they learn as by stock Burn, and those that don't fit are refused.

use crate::stock::{
	agreement::{follows, follows_within},
	Data,
};
use ml_worker_capture::{
	build, network::Chain, spec::Layer, CaptureError, LearningRate, ModelSpec, OptimiserSpec, Sizes,
};
use repops::program::StateRole;

const PICTURES: Sizes = Sizes {
	columns: 64,
	classes: 5,
	batch: 10,
	training_rows: 100,
	test_rows: 20,
};
const TEXT: Sizes = Sizes {
	columns: 8,
	classes: 9,
	batch: 10,
	training_rows: 100,
	test_rows: 20,
};
const MOMENTUM: OptimiserSpec = OptimiserSpec::Sgd {
	learning_rate: LearningRate::Constant(0.1),
	momentum: 0.9,
	weight_decay: 0.0,
	clip_norm: None,
};

fn linear(outputs: u32) -> Layer {
	Layer::Linear {
		outputs,
		bias: true,
	}
}

fn convolution(channels: u32, kernel: u32) -> Layer {
	Layer::Conv2d {
		channels,
		kernel,
		stride: 1,
		padding: 1,
		bias: true,
	}
}

fn max_pool(kernel: u32) -> Layer {
	Layer::MaxPool {
		kernel,
		stride: None,
		padding: 0,
	}
}

fn embedding(vocabulary: Option<u32>) -> Layer {
	Layer::Embedding {
		vocabulary,
		dimension: 12,
		positions: true,
	}
}

fn block(heads: u32, causal: bool) -> Layer {
	Layer::TransformerBlock {
		heads,
		feed_forward: 24,
		causal,
		dropout: 0.0,
	}
}

fn pictures(layers: Vec<Layer>) -> ModelSpec {
	ModelSpec::on_pictures([1, 8, 8], layers)
}

#[test]
fn convolutions_and_max_pools() {
	let spec = pictures(vec![
		convolution(6, 3),
		Layer::Relu {},
		max_pool(2),
		convolution(8, 3),
		Layer::Relu {},
		max_pool(2),
		Layer::Flatten {},
		linear(5),
	]);
	let chain = Chain::new(&spec, &PICTURES).unwrap();
	follows(&chain, &MOMENTUM, &Data::synthetic(PICTURES), 40);
}

#[test]
fn average_pools_and_norms() {
	let average = Layer::AveragePool {
		kernel: 3,
		stride: Some(2),
		padding: 1,
	};
	let spec = pictures(vec![
		convolution(6, 4),
		Layer::Tanh {},
		average,
		Layer::Flatten {},
		linear(24),
		Layer::LayerNorm {},
		Layer::Relu {},
		linear(5),
	]);
	let chain = Chain::new(&spec, &PICTURES).unwrap();
	follows(
		&chain,
		&OptimiserSpec::adam(0.03),
		&Data::synthetic(PICTURES),
		30,
	);
}

/// GELU's gradient is recorded by an approximation to four digits.
const OF_GELU: f32 = 2e-3;

#[test]
fn each_place_foretells_the_next() {
	let layers = vec![
		embedding(None),
		block(3, true),
		block(2, true),
		Layer::LayerNorm {},
		linear(9),
	];
	let chain = Chain::new(&ModelSpec::new(layers), &TEXT).unwrap();
	let data = Data::sequences(TEXT, 9);
	follows_within(&chain, &OptimiserSpec::adam(0.01), &data, 30, OF_GELU);
}

#[test]
fn a_sequence_has_one_answer() {
	let layers = vec![
		embedding(Some(20)),
		block(3, false),
		Layer::Flatten {},
		linear(16),
		Layer::Gelu {},
		linear(9),
	];
	let chain = Chain::new(&ModelSpec::new(layers), &TEXT).unwrap();
	let data = Data::sequences(TEXT, 9);
	follows_within(&chain, &OptimiserSpec::adam(0.01), &data, 30, OF_GELU);
}

#[test]
fn parameters_are_named_by_their_layer() {
	let layers = vec![embedding(None), block(3, true), linear(9)];
	let programs = build(&ModelSpec::new(layers), &MOMENTUM, 8, 9, 10, 100, 20).unwrap();
	let state = programs.step.state.iter();
	let names: Vec<_> = state
		.filter(|tensor| tensor.role == StateRole::Parameter)
		.map(|tensor| String::from_utf8(tensor.name.clone()).unwrap())
		.collect();
	assert_eq!(names[0], "layers.0.table.weight");
	assert_eq!(names[1], "layers.0.positions.weight");
	assert_eq!(names[2], "layers.1.inner.mha.query.weight");
	assert_eq!(names.last().unwrap(), "layers.2.bias");
}

#[test]
fn dropout_is_for_training_only() {
	let dropout = Layer::Dropout { probability: 0.5 };
	let layers = vec![linear(8), dropout, linear(5)];
	let programs = build(&ModelSpec::new(layers), &MOMENTUM, 64, 5, 10, 100, 20).unwrap();
	let is_random = |operation: &repops::program::Operation| {
		matches!(
			operation.kind,
			repops::program::OperationKind::Random { .. }
		)
	};
	assert!(programs.step.operations.iter().any(is_random));
	assert!(!programs.evaluation.operations.iter().any(is_random));
}

/// The layer that is refused, and why.
fn refusal(spec: &ModelSpec, sizes: &Sizes) -> (usize, String) {
	match Chain::new(spec, sizes).unwrap_err() {
		CaptureError::Layer { index, reason, .. } => (index, reason),
		other => panic!("{other}"),
	}
}

#[track_caller]
fn assert_refused(spec: ModelSpec, sizes: &Sizes, layer: usize, part: &str) {
	let (index, reason) = refusal(&spec, sizes);
	assert_eq!(index, layer, "{reason}");
	assert!(reason.contains(part), "`{part}` is missing in: {reason}");
}

#[test]
fn layers_for_pictures_need_pictures() {
	let spec = ModelSpec::new(vec![linear(5), convolution(3, 3)]);
	assert_refused(spec, &PICTURES, 1, "`picture`");
	let spec = ModelSpec::new(vec![max_pool(2), linear(5)]);
	assert_refused(spec, &PICTURES, 0, "`picture`");
	let spec = ModelSpec::on_pictures([1, 8, 9], vec![convolution(3, 3), linear(5)]);
	let error = Chain::new(&spec, &PICTURES).unwrap_err().to_string();
	assert!(
		error.contains("`picture` is [1, 8, 9]") && error.contains("64"),
		"{error}"
	);
	let huge = ModelSpec::on_pictures([1 << 16, 1 << 16, 8], vec![linear(5)]);
	assert!(Chain::new(&huge, &PICTURES).is_err());
}

#[test]
fn pictures_must_be_flattened() {
	assert_refused(pictures(vec![linear(5)]), &PICTURES, 0, "`flatten`");
	let spec = pictures(vec![convolution(3, 3), Layer::LayerNorm {}]);
	assert_refused(spec, &PICTURES, 1, "`flatten`");
	let spec = pictures(vec![convolution(5, 3), Layer::Relu {}]);
	assert_refused(spec, &PICTURES, 0, "`flatten`");
}

#[test]
fn windows_must_fit() {
	assert_refused(
		pictures(vec![convolution(3, 11)]),
		&PICTURES,
		0,
		"does not fit on 8",
	);
	assert_refused(
		pictures(vec![convolution(0, 3)]),
		&PICTURES,
		0,
		"`channels`",
	);
	assert_refused(
		pictures(vec![max_pool(0), linear(5)]),
		&PICTURES,
		0,
		"`kernel`",
	);
	let padded = Layer::AveragePool {
		kernel: 2,
		stride: Some(0),
		padding: 2,
	};
	assert_refused(
		pictures(vec![convolution(3, 3), padded]),
		&PICTURES,
		1,
		"`padding`",
	);
}

#[test]
fn sequences_must_fit() {
	let spec = |layers| ModelSpec::new(layers);
	assert_refused(
		spec(vec![linear(8), embedding(None)]),
		&TEXT,
		1,
		"only the first",
	);
	assert_refused(
		spec(vec![linear(8), block(2, true)]),
		&TEXT,
		1,
		"`embedding`",
	);
	assert_refused(
		spec(vec![embedding(None), block(5, true)]),
		&TEXT,
		1,
		"multiple of `heads`",
	);
	assert_refused(
		spec(vec![embedding(None), linear(8)]),
		&TEXT,
		1,
		"classes: 9",
	);
	let layers = vec![embedding(None), block(3, false), linear(9)];
	assert_refused(spec(layers), &TEXT, 2, "`causal`");
	let layers = vec![embedding(Some(10)), block(3, true), linear(9)];
	assert_refused(spec(layers), &TEXT, 2, "`vocabulary`");
	let dropout = Layer::Dropout { probability: 1.0 };
	assert_refused(spec(vec![dropout, linear(9)]), &TEXT, 0, "`probability`");
}
