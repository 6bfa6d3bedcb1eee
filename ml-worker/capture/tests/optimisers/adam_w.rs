//! AdamW: Adam with a weight decay that is no part of the gradient.

use super::{
	regression,
	stock::{difference, losses, Data},
	SIZES,
};
use ml_worker_capture::{build, network::Chain, spec::Layer, ModelSpec, OptimiserSpec};

const STEPS: u64 = 100;

/// As for the other optimisers: a hundred steps, each a few times 2^-24 apart.
const TOLERANCE: f32 = 200.0 * f32::EPSILON;

fn adam_w(weight_decay: f32) -> OptimiserSpec {
	OptimiserSpec::AdamW {
		learning_rate: 0.01.into(),
		beta1: 0.9,
		beta2: 0.99,
		epsilon: 1e-6,
		weight_decay,
		clip_norm: None,
	}
}

#[track_caller]
fn follows_burn(model: &ModelSpec, optimiser: &OptimiserSpec) -> Vec<f32> {
	let program = build(model, optimiser, 20, 5, 16, 200, 50).unwrap().step;
	let data = Data::synthetic(SIZES);
	let found: Vec<f32> = data
		.train(&program, STEPS)
		.iter()
		.map(|outputs| outputs.loss.unwrap())
		.collect();
	let chain = Chain::new(model, &SIZES).unwrap();
	let expected = losses(&chain, optimiser, &data, &program, STEPS);
	assert!(expected[STEPS as usize - 1] < 0.8 * expected[0]);
	let apart = difference(&found, &expected);
	assert!(apart <= TOLERANCE, "{apart:e}\n{found:?}\n{expected:?}");
	found
}

#[test]
fn it_follows_burn() {
	let hidden = |outputs| Layer::Linear {
		outputs,
		bias: true,
	};
	let layers = vec![hidden(24), Layer::Tanh {}, hidden(5)];
	let plain = follows_burn(&ModelSpec::new(layers.clone()), &adam_w(0.0));
	let decayed = follows_burn(&ModelSpec::new(layers), &adam_w(1.0));
	assert!(
		difference(&plain, &decayed) > 100.0 * TOLERANCE,
		"the decay does nothing here"
	);
}

#[test]
fn a_decay_acts_where_the_gradient_is_too_small_to() {
	// The rate times the decay is 2^-7, so that each step leaves exactly 127/128 of what it finds.
	let optimiser = OptimiserSpec::AdamW {
		learning_rate: 0.0078125.into(),
		beta1: 0.0,
		beta2: 0.0,
		epsilon: 1e30,
		weight_decay: 1.0,
		clip_norm: None,
	};
	let program = regression(&optimiser, true);
	let data = Data::synthetic(SIZES);
	let before = repops::initial::initial_state(&program, &data.seed);
	let after = data.train(&program, 1).remove(0).state;
	for (before, after) in before.iter().zip(&after).take(2) {
		for (before, after) in before.as_f32().unwrap().iter().zip(after.as_f32().unwrap()) {
			assert_eq!(*after, before * (127.0 / 128.0));
		}
	}
}

#[test]
fn without_decay_it_is_adam() {
	let adam = OptimiserSpec::Adam {
		learning_rate: 0.01.into(),
		beta1: 0.9,
		beta2: 0.99,
		epsilon: 1e-6,
		clip_norm: None,
	};
	assert_eq!(regression(&adam_w(0.0), true), regression(&adam, true));
	assert_ne!(regression(&adam_w(0.1), true), regression(&adam, true));
}

#[test]
fn parameters_that_are_not_trained_do_not_decay() {
	use burn::{
		module::{Module, Param},
		nn::{Linear, LinearConfig},
		tensor::{backend::Backend, Tensor},
	};
	use ml_worker_capture::{capture, Model};

	#[derive(Module, Debug)]
	struct Scaled<B: Backend> {
		inner: Linear<B>,
		scale: Param<Tensor<B, 1>>,
	}
	struct Tested;
	impl Model for Tested {
		type Module<B: Backend> = Scaled<B>;

		fn init<B: Backend>(&self, device: &B::Device) -> Scaled<B> {
			let scale = Tensor::<B, 1>::full([5], 2.0, device);
			Scaled {
				inner: LinearConfig::new(20, 5).init(device),
				scale: Param::from_tensor(scale).set_require_grad(false),
			}
		}

		fn forward<B: Backend>(&self, module: &Scaled<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
			module.inner.forward(x) * module.scale.val().unsqueeze()
		}
	}
	let program = capture(&Tested, &adam_w(1.0), &SIZES).unwrap().step;
	assert_eq!(super::names(&program)[2], "scale");
	let state = Data::synthetic(SIZES).train(&program, 10).remove(9).state;
	assert_eq!(state[2].as_f32().unwrap(), [2.0; 5]);
	assert_ne!(state[1].as_f32().unwrap(), [0.0; 5]);
}
