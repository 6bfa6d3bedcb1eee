//! A model whose gradient is known without computing it.

use super::stock::Data;
use burn::{
	module::{Initializer, Module, Param},
	tensor::{backend::Backend, Int, Tensor},
};
use ml_worker_capture::{capture, Model, OptimiserSpec, Sizes};
use repops::{
	check::{check, Limits, Role},
	interpret::{run, Bindings, Outputs},
	program::Program,
	tensor::Tensor as Values,
};

pub(crate) const SIZES: Sizes = Sizes {
	columns: 4,
	classes: 4,
	batch: 1,
	training_rows: 1,
	test_rows: 1,
};

/// Four parameters that start at 0, and a loss that is their sum times two factors: the gradient of each is the
/// product of the factors.
pub(crate) struct Sum(pub(crate) [f32; 2]);

#[derive(Module, Debug)]
pub(crate) struct Parameters<B: Backend> {
	values: Param<Tensor<B, 1>>,
}

impl Model for Sum {
	type Module<B: Backend> = Parameters<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Parameters<B> {
		Parameters {
			values: Initializer::Zeros.init([4], device),
		}
	}

	fn forward<B: Backend>(&self, module: &Parameters<B>, _: Tensor<B, 2>) -> Tensor<B, 2> {
		module.values.val().reshape([1, 4])
	}

	fn loss<B: Backend>(&self, scores: Tensor<B, 2>, _: Tensor<B, 1, Int>) -> Tensor<B, 1> {
		let [first, second] = self.0;
		scores.sum().mul_scalar(first).mul_scalar(second)
	}
}

impl Sum {
	/// The step program.
	pub(crate) fn program(&self, optimiser: &OptimiserSpec) -> Program {
		capture(self, optimiser, &SIZES).unwrap().step
	}
}

/// One step from this state.
pub(crate) fn step(program: &Program, state: &[Values]) -> Outputs {
	let checked = check(program, Role::Step, &Limits::default()).unwrap();
	let Data {
		seed,
		features,
		labels,
		..
	} = Data::synthetic(SIZES);
	let bindings = Bindings {
		state,
		features: Some(&features),
		labels: Some(&labels),
		seed,
		..Default::default()
	};
	run(&checked, &bindings).unwrap()
}
