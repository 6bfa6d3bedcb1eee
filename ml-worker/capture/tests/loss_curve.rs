//! Training by a captured program follows stock Burn's training.

// Not every test file uses all of it.
#[allow(dead_code)]
mod stock;

use ml_worker_capture::{build, network::Chain, spec::Layer, ModelSpec, OptimiserSpec, Sizes};
use stock::{difference, losses, Data};

const STEPS: u64 = 100;

/// Both sides round each operation to 2^-24 of its result and differ in the order of sums and in the
/// last bits of `exp`, `log` and `tanh`. A gradient is a sum of up to some hundred terms, so one step
/// moves the two states apart by a few 2^-24, and training that converges doesn't amplify that by much:
/// a hundred steps make a few hundred times 2^-24. (1 to 19 times 2^-23 were seen.)
const TOLERANCE: f32 = 200.0 * f32::EPSILON;

fn follows_burn(layers: Vec<Layer>, optimiser: OptimiserSpec) {
	let sizes = Sizes {
		columns: 20,
		classes: 5,
		batch: 16,
		training_rows: 200,
		test_rows: 50,
	};
	let spec = ModelSpec::new(layers);
	let program = build(&spec, &optimiser, 20, 5, 16, 200, 50).unwrap().step;
	let data = Data::synthetic(sizes);
	let reference = data.train(&program, STEPS);
	let (found, state) = data.train_by_engine(&program, STEPS);
	for (outputs, loss) in reference.iter().zip(&found) {
		assert_eq!(
			outputs.loss.unwrap().to_bits(),
			loss.to_bits(),
			"engine and reference differ"
		);
	}
	assert_eq!(
		reference[STEPS as usize - 1].state,
		state,
		"engine and reference differ"
	);

	let expected = losses(
		&Chain::new(&spec, &sizes).unwrap(),
		&optimiser,
		&data,
		&program,
		STEPS,
	);
	assert!(
		expected[STEPS as usize - 1] < 0.5 * expected[0],
		"stock Burn itself learns nothing here: {expected:?}"
	);
	let difference = difference(&found, &expected);
	assert!(
		difference <= TOLERANCE,
		"{difference:e}\n{found:?}\n{expected:?}"
	);
}

fn linear(outputs: u32) -> Layer {
	Layer::Linear {
		outputs,
		bias: true,
	}
}

fn sgd(learning_rate: f32, momentum: f32, weight_decay: f32) -> OptimiserSpec {
	OptimiserSpec::Sgd {
		learning_rate: learning_rate.into(),
		momentum,
		weight_decay,
		clip_norm: None,
	}
}

#[test]
fn sgd_with_relu() {
	follows_burn(
		vec![linear(32), Layer::Relu {}, linear(5)],
		sgd(0.1, 0.0, 0.0),
	);
}

#[test]
fn sgd_with_momentum_and_weight_decay() {
	let layers = vec![
		linear(24),
		Layer::Tanh {},
		linear(12),
		Layer::Relu {},
		linear(5),
	];
	follows_burn(layers, sgd(0.05, 0.9, 0.001));
}

#[test]
fn adam_with_relu() {
	let optimiser = OptimiserSpec::adam(0.003);
	follows_burn(vec![linear(32), Layer::Relu {}, linear(5)], optimiser);
}

#[test]
fn adam_with_sigmoid_and_no_bias() {
	let optimiser = OptimiserSpec::Adam {
		learning_rate: 0.01.into(),
		beta1: 0.8,
		beta2: 0.99,
		epsilon: 1e-6,
		clip_norm: None,
	};
	let layers = vec![
		Layer::Linear {
			outputs: 24,
			bias: false,
		},
		Layer::Sigmoid {},
		linear(5),
	];
	follows_burn(layers, optimiser);
}
