//! Steps by stock Burn.

use super::Contender;
use crate::networks::{
	data::{batch, Data},
	Network, Stock, Trained,
};
use burn::{
	module::{AutodiffModule, Module},
	optim::{
		adaptor::OptimizerAdaptor, Adam, AdamConfig, GradientsParams, Optimizer, Sgd, SgdConfig,
	},
	tensor::{Int, Tensor},
};
use burn_flex::Flex;
use ml_worker_capture::{LearningRate, OptimiserSpec};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{
	error::Error,
	time::{Duration, Instant},
};

/// Batches that are cycled through.
const BATCHES: u64 = 16;

pub(crate) struct ByBurn<'network, M: Trained>
where
	M::Module<Stock>: AutodiffModule<Stock>,
{
	model: &'network M,
	/// None only while a step is done.
	module: Option<M::Module<Stock>>,
	optimiser: AnyOptimiser<M::Module<Stock>>,
	batches: Vec<(Tensor<Stock, 2>, Tensor<Stock, 1, Int>)>,
	taken: usize,
	/// Flex and the matrix products below it run in the pool that they are called from.
	pool: ThreadPool,
}

impl<'network, M: Trained> ByBurn<'network, M>
where
	M::Module<Stock>: AutodiffModule<Stock>,
{
	/// Makes the module and its batches.
	pub(crate) fn new(
		network: &'network Network<M>,
		data: &Data,
		threads: usize,
	) -> Result<Self, Box<dyn Error>> {
		let batches = (0..BATCHES)
			.map(|position| batch(&network.sizes, data, position))
			.collect();
		Ok(ByBurn {
			model: &network.model,
			module: Some(network.model.init(&Default::default())),
			optimiser: AnyOptimiser::new(&network.optimiser)?,
			batches,
			taken: 0,
			pool: ThreadPoolBuilder::new().num_threads(threads).build()?,
		})
	}

	/// The number of numbers that are trained.
	pub(crate) fn parameters(&self) -> usize {
		self.module.as_ref().map_or(0, Module::num_params)
	}
}

impl<M: Trained> Contender for ByBurn<'_, M>
where
	M::Module<Stock>: AutodiffModule<Stock>,
{
	fn train(&mut self, steps: u64) -> Result<Duration, Box<dyn Error>> {
		let ByBurn {
			model,
			module,
			optimiser,
			batches,
			taken,
			pool,
		} = self;
		let start = Instant::now();
		let mut last = 0.0;
		pool.install(|| {
			for _ in 0..steps {
				let (features, labels) = batches[*taken % batches.len()].clone();
				*taken += 1;
				let before = module.take().expect("each step puts one back; qed");
				let loss = model.training_loss(&before, features, labels);
				let gradients = GradientsParams::from_grads(loss.backward(), &before);
				*module = Some(optimiser.step(before, gradients));
				last = loss.into_scalar();
			}
		});
		let time = start.elapsed();
		match last.is_finite() {
			true => Ok(time),
			false => Err("training by Burn diverged".into()),
		}
	}
}

/// Burn's own optimisers, with their learning rates.
enum AnyOptimiser<M: AutodiffModule<Stock>> {
	Sgd(OptimizerAdaptor<Sgd<Flex>, M, Stock>, f64),
	Adam(OptimizerAdaptor<Adam, M, Stock>, f64),
}

impl<M: AutodiffModule<Stock>> AnyOptimiser<M> {
	fn new(spec: &OptimiserSpec) -> Result<Self, Box<dyn Error>> {
		match spec {
			OptimiserSpec::Sgd {
				learning_rate: LearningRate::Constant(rate),
				momentum: 0.0,
				weight_decay: 0.0,
				clip_norm: None,
			} => Ok(Self::Sgd(SgdConfig::new().init(), f64::from(*rate))),
			OptimiserSpec::Adam {
				learning_rate: LearningRate::Constant(rate),
				beta1,
				beta2,
				epsilon,
				clip_norm: None,
			} => {
				let config = AdamConfig::new()
					.with_beta_1(*beta1)
					.with_beta_2(*beta2)
					.with_epsilon(*epsilon);
				Ok(Self::Adam(config.init(), f64::from(*rate)))
			}
			other => Err(format!("no network here is trained by {other:?}").into()),
		}
	}

	fn step(&mut self, module: M, gradients: GradientsParams) -> M {
		match self {
			Self::Sgd(sgd, rate) => sgd.step(*rate, module, gradients),
			Self::Adam(adam, rate) => adam.step(*rate, module, gradients),
		}
	}
}
