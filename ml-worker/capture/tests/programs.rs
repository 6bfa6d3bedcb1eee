//! What the programs of a task file's models look like.

use ml_worker_capture::{build, spec::Layer, ModelSpec, OptimiserSpec, Programs};
use repops::{
	check::{check, Limits, Role},
	program::{Initialiser, OperationKind, Program, Source, StateRole},
};

const SGD: OptimiserSpec = OptimiserSpec::sgd(0.1);
const ADAM: OptimiserSpec = OptimiserSpec::adam(0.001);

fn programs(optimiser: &OptimiserSpec) -> Programs {
	let layers = vec![
		Layer::Linear {
			outputs: 128,
			bias: true,
		},
		Layer::Relu {},
		Layer::Linear {
			outputs: 64,
			bias: true,
		},
		Layer::Relu {},
		Layer::Linear {
			outputs: 10,
			bias: true,
		},
	];
	build(&ModelSpec::new(layers), optimiser, 784, 10, 100, 8000, 2000).unwrap()
}

fn names(program: &Program) -> Vec<&str> {
	program
		.state
		.iter()
		.map(|tensor| std::str::from_utf8(&tensor.name).unwrap())
		.collect()
}

#[test]
fn the_same_specification_gives_the_same_bytes() {
	for optimiser in [SGD, ADAM] {
		let first = programs(&optimiser);
		// Others capture at the same time and draw ids from the same source.
		let others: Vec<_> = (0..4)
			.map(|_| {
				let optimiser = optimiser.clone();
				std::thread::spawn(move || programs(&optimiser))
			})
			.collect();
		for other in others {
			let other = other.join().unwrap();
			assert_eq!(first.step.encode(), other.step.encode());
			assert_eq!(first.evaluation.encode(), other.evaluation.encode());
		}
	}
}

#[test]
fn the_programs_pass_the_check() {
	for optimiser in [SGD, ADAM] {
		let Programs { step, evaluation } = programs(&optimiser);
		check(&step, Role::Step, &Limits::default()).unwrap();
		check(&evaluation, Role::Evaluate, &Limits::default()).unwrap();
		assert_eq!(step.state, evaluation.state);
	}
}

#[test]
fn a_plain_step_has_no_waste() {
	let operations = programs(&SGD).step.operations;
	let count = |wanted: fn(&OperationKind) -> bool| {
		operations
			.iter()
			.filter(|operation| wanted(&operation.kind))
			.count()
	};
	// One for each layer forward, one for each weight, one for each input but the data.
	assert_eq!(
		count(|kind| matches!(kind, OperationKind::MatMul { .. })),
		3 + 3 + 2
	);
	assert_eq!(count(|kind| matches!(kind, OperationKind::Exp)), 1);
	assert_eq!(count(|kind| matches!(kind, OperationKind::Log)), 1);
	// The masks of relu serve its gradient too.
	assert_eq!(
		count(|kind| matches!(kind, OperationKind::CompareScalar(..))),
		2
	);
	// Autodiff's tensors of ones and zeros are gone.
	assert_eq!(
		count(|kind| matches!(kind, OperationKind::Constant { .. })),
		0
	);
	for (index, operation) in operations.iter().enumerate() {
		assert!(
			!operations[..index].contains(operation),
			"{operation:?} is there twice"
		);
	}
}

#[test]
fn parameters_are_named_and_start_as_in_burn() {
	let step = programs(&SGD).step;
	assert_eq!(
		names(&step),
		[
			"layers.0.weight",
			"layers.0.bias",
			"layers.2.weight",
			"layers.2.bias",
			"layers.4.weight",
			"layers.4.bias"
		]
	);
	assert_eq!(step.state[0].shape.0, [784, 128]);
	assert_eq!(step.state[1].shape.0, [128]);
	for (tensor, fan_in) in step.state.iter().zip([784, 784, 128, 128, 64, 64]) {
		assert_eq!(tensor.role, StateRole::Parameter);
		let bound = (1.0 / f64::from(fan_in).sqrt()) as f32;
		let Initialiser::Uniform { low, high } = tensor.initial else {
			panic!("{:?}", tensor.initial)
		};
		let (low, high) = (f32::from(low), f32::from(high));
		assert_eq!(low, -high);
		assert!(
			(high - bound).abs() <= bound * f32::EPSILON,
			"{high} {bound}"
		);
	}
}

#[test]
fn the_optimisers_state_follows_the_parameters() {
	let step = programs(&ADAM).step;
	assert_eq!(
		names(&step)[6..12],
		[
			"beta1_power",
			"beta2_power",
			"moment1.layers.0.weight",
			"moment2.layers.0.weight",
			"moment1.layers.0.bias",
			"moment2.layers.0.bias",
		]
	);
	assert!(step.state[6..]
		.iter()
		.all(|tensor| tensor.role == StateRole::Optimiser));
	assert_eq!(step.state[6].initial, Initialiser::Constant(1.0.into()));
	assert_eq!(step.state[8].initial, Initialiser::Constant(0.0.into()));
}

#[test]
fn an_evaluation_reads_only_what_it_needs() {
	let evaluation = programs(&ADAM).evaluation;
	let sources: Vec<_> = evaluation.inputs.iter().map(|input| input.source).collect();
	let mut expected: Vec<_> = (0..6).map(Source::State).collect();
	expected.extend([Source::Features, Source::Labels]);
	assert_eq!(sources, expected);
}
