//! Stock Burn beside the captured programs: the same model, initial weights and batches.

pub(crate) mod agreement;

use burn::{
	backend::Autodiff,
	grad_clipping::GradientClippingConfig,
	module::{AutodiffModule, Module, ModuleMapper, ModuleVisitor, Param},
	optim::{
		decay::WeightDecayConfig, momentum::MomentumConfig, AdamConfig, AdamWConfig,
		GradientsParams, Optimizer, SgdConfig,
	},
	tensor::{
		backend::{AutodiffBackend, Backend},
		Int, Tensor as BurnTensor, TensorData,
	},
};
use burn_flex::Flex;
use ml_worker_capture::{LearningRate, Model, OptimiserSpec, Sizes};
use ml_worker_engine::{Engine, EngineOptions};
use repops::{
	check::{check, Limits, Role},
	initial::initial_state,
	interpret::{run, Bindings, Outputs},
	program::Program,
	random::{batch_rows, Seed},
	tensor::Tensor,
};
use std::num::NonZeroUsize;

pub(crate) type Stock = Autodiff<Flex>;

/// A data set and the seed of a run over it.
pub(crate) struct Data {
	pub(crate) sizes: Sizes,
	pub(crate) seed: Seed,
	pub(crate) features: Tensor,
	pub(crate) labels: Tensor,
}

impl Data {
	/// Samples around one centre for each class, from a generator that is good enough for that.
	pub(crate) fn synthetic(sizes: Sizes) -> Self {
		let mut word = 1u64;
		let mut random = move || {
			word = word
				.wrapping_mul(6_364_136_223_846_793_005)
				.wrapping_add(1_442_695_040_888_963_407);
			(word >> 40) as f32 / (1u64 << 24) as f32
		};
		let centres: Vec<f32> = (0..sizes.classes * sizes.columns)
			.map(|_| random())
			.collect();
		let labels: Vec<u32> = (0..sizes.training_rows)
			.map(|row| row % sizes.classes)
			.collect();
		let mut features = Vec::new();
		for label in &labels {
			let centre = (label * sizes.columns) as usize;
			for column in 0..sizes.columns as usize {
				features.push(centres[centre + column] + 0.5 * (random() - 0.5));
			}
		}
		Data {
			sizes,
			seed: Seed([7; 32]),
			features: Tensor::f32([sizes.training_rows, sizes.columns], features).unwrap(),
			labels: Tensor::u32([sizes.training_rows], labels).unwrap(),
		}
	}

	/// Rows of integers below `vocabulary`, each mostly a function of the one before it; the label is the next after
	/// the row.
	pub(crate) fn sequences(sizes: Sizes, vocabulary: u32) -> Self {
		let mut word = 1u64;
		let mut random = move || {
			word = word
				.wrapping_mul(6_364_136_223_846_793_005)
				.wrapping_add(1_442_695_040_888_963_407);
			(word >> 40) as u32
		};
		let (mut features, mut labels) = (Vec::new(), Vec::new());
		for _ in 0..sizes.training_rows {
			let mut last = random() % vocabulary;
			for _ in 0..sizes.columns {
				features.push(last as f32);
				let noise = u32::from(random() % 16 == 0);
				last = (2 * last + 1 + noise) % vocabulary;
			}
			labels.push(last);
		}
		Data {
			sizes,
			seed: Seed([7; 32]),
			features: Tensor::f32([sizes.training_rows, sizes.columns], features).unwrap(),
			labels: Tensor::u32([sizes.training_rows], labels).unwrap(),
		}
	}

	/// Features and labels of a batch, for Burn.
	fn batch<B: Backend>(&self, position: u64) -> (BurnTensor<B, 2>, BurnTensor<B, 1, Int>) {
		let Sizes {
			columns,
			batch,
			training_rows,
			..
		} = self.sizes;
		let (features, labels) = (
			self.features.as_f32().unwrap(),
			self.labels.as_u32().unwrap(),
		);
		let (mut x, mut y) = (Vec::new(), Vec::new());
		for row in batch_rows(&self.seed, position, batch, training_rows) {
			let first = (row * columns) as usize;
			x.extend_from_slice(&features[first..first + columns as usize]);
			y.push(labels[row as usize] as i32);
		}
		let x = TensorData::new(x, [batch as usize, columns as usize]);
		let y = TensorData::new(y, [batch as usize]);
		let device = Default::default();
		(
			BurnTensor::from_data(x, &device),
			BurnTensor::from_data(y, &device),
		)
	}

	/// Runs a step program by the engine: the losses and the last state.
	pub(crate) fn train_by_engine(&self, program: &Program, steps: u64) -> (Vec<f32>, Vec<Tensor>) {
		let checked = check(program, Role::Step, &Limits::default()).unwrap();
		let options = EngineOptions {
			threads: NonZeroUsize::new(2),
			..Default::default()
		};
		let compiled = Engine::new(options).unwrap().compile(checked);
		let state = initial_state(program, &self.seed);
		let bindings = Bindings {
			state: &state,
			features: Some(&self.features),
			labels: Some(&self.labels),
			seed: self.seed,
			..Default::default()
		};
		let mut session = compiled.session(&bindings).unwrap();
		let losses = (0..steps)
			.map(|position| session.step(position).loss)
			.collect();
		(losses, session.state())
	}

	/// How many of the training samples an evaluation program finds right.
	pub(crate) fn evaluate(&self, program: &Program, state: &[Tensor]) -> u32 {
		let checked = check(program, Role::Evaluate, &Limits::default()).unwrap();
		let bindings = Bindings {
			state,
			features: Some(&self.features),
			labels: Some(&self.labels),
			..Default::default()
		};
		run(&checked, &bindings).unwrap().correct.unwrap()
	}

	/// Runs a step program from the initial state.
	pub(crate) fn train(&self, program: &Program, steps: u64) -> Vec<Outputs> {
		let checked = check(program, Role::Step, &Limits::default()).unwrap();
		let mut state = initial_state(program, &self.seed);
		let mut outputs: Vec<Outputs> = Vec::new();
		for position in 0..steps {
			let bindings = Bindings {
				state: &state,
				features: Some(&self.features),
				labels: Some(&self.labels),
				seed: self.seed,
				position,
				..Default::default()
			};
			let output = run(&checked, &bindings).unwrap();
			assert!(
				!output.diverged,
				"step {position} diverged: loss {:?}",
				output.loss
			);
			state.clone_from(&output.state);
			outputs.push(output);
		}
		outputs
	}
}

/// Gives a module's parameters the values of a program's state.
pub(crate) fn load<B: Backend, M: Module<B>>(module: M, state: &[Tensor]) -> M {
	struct Loader<'a>(std::slice::Iter<'a, Tensor>);
	impl<B: Backend> ModuleMapper<B> for Loader<'_> {
		fn map_float<const D: usize>(
			&mut self,
			param: Param<BurnTensor<B, D>>,
		) -> Param<BurnTensor<B, D>> {
			let values = self.0.next().unwrap();
			let shape: Vec<usize> = values
				.shape
				.0
				.iter()
				.map(|length| *length as usize)
				.collect();
			let data = TensorData::new(values.as_f32().unwrap().to_vec(), shape);
			param.map(|tensor| {
				let is_trained = tensor.is_require_grad();
				let device = tensor.device();
				BurnTensor::from_data(data, &device).set_require_grad(is_trained)
			})
		}
	}
	module.map(&mut Loader(state.iter()))
}

/// The losses of stock Burn over the same steps from the same initial state.
///
/// Burn clips the gradient of each parameter by its own norm: that is the same only for a model of a
/// single parameter.
pub(crate) fn losses<M: Model>(
	model: &M,
	optimiser: &OptimiserSpec,
	data: &Data,
	program: &Program,
	steps: u64,
) -> Vec<f32>
where
	M::Module<Stock>: AutodiffModule<Stock>,
{
	let module = model.init::<Stock>(&Default::default());
	let module = load(module, &initial_state(program, &data.seed));
	let clipping = optimiser.clip_norm().map(GradientClippingConfig::Norm);
	let rates: Vec<f64> = (0..steps)
		.map(|step| rate(optimiser.learning_rate(), step))
		.collect();
	match *optimiser {
		OptimiserSpec::Sgd {
			momentum,
			weight_decay,
			..
		} => {
			let mut config = SgdConfig::new().with_gradient_clipping(clipping);
			if momentum != 0.0 {
				let momentum = MomentumConfig::new()
					.with_momentum(momentum.into())
					.with_dampening(0.0)
					.with_nesterov(false);
				config = config.with_momentum(Some(momentum));
			}
			if weight_decay != 0.0 {
				config = config.with_weight_decay(Some(WeightDecayConfig::new(weight_decay)));
			}
			descend(model, module, config.init(), &rates, data)
		}
		OptimiserSpec::Adam {
			beta1,
			beta2,
			epsilon,
			..
		} => {
			let config = AdamConfig::new()
				.with_beta_1(beta1)
				.with_beta_2(beta2)
				.with_epsilon(epsilon)
				.with_grad_clipping(clipping);
			descend(model, module, config.init(), &rates, data)
		}
		OptimiserSpec::AdamW {
			beta1,
			beta2,
			epsilon,
			weight_decay,
			..
		} => {
			let config = AdamWConfig::new()
				.with_beta_1(beta1)
				.with_beta_2(beta2)
				.with_epsilon(epsilon)
				.with_weight_decay(weight_decay)
				.with_grad_clipping(clipping);
			descend(model, module, config.init(), &rates, data)
		}
	}
}

/// A learning rate at a step, in double precision.
pub(crate) fn rate(rate: &LearningRate, step: u64) -> f64 {
	let points = match rate {
		LearningRate::Constant(rate) => return f64::from(*rate),
		LearningRate::Table(points) => points,
	};
	let step = step as f64;
	let after = points
		.iter()
		.position(|(at, _)| f64::from(*at) > step)
		.unwrap_or(points.len());
	match (
		after.checked_sub(1).map(|before| points[before]),
		points.get(after),
	) {
		(Some((from, low)), Some((to, high))) => {
			let share = (step - f64::from(from)) / f64::from(to - from);
			f64::from(low) + share * (f64::from(*high) - f64::from(low))
		}
		(Some((_, only)), None) | (None, Some(&(_, only))) => f64::from(only),
		(None, None) => panic!("a table without points"),
	}
}

/// A step with each of the rates.
fn descend<M: Model>(
	model: &M,
	mut module: M::Module<Stock>,
	mut optimiser: impl Optimizer<M::Module<Stock>, Stock>,
	rates: &[f64],
	data: &Data,
) -> Vec<f32>
where
	M::Module<Stock>: AutodiffModule<Stock>,
{
	(0..)
		.zip(rates)
		.map(|(position, rate)| {
			let (features, labels) = data.batch::<Stock>(position);
			let loss = model.training_loss(&module, features, labels);
			let gradients = GradientsParams::from_grads(loss.backward(), &module);
			module = optimiser.step(*rate, module.clone(), gradients);
			loss.into_scalar()
		})
		.collect()
}

/// The gradients of stock Burn in the first step, in the order of the parameters.
pub(crate) fn gradients<M: Model>(model: &M, data: &Data, program: &Program) -> Vec<Vec<f32>> {
	struct Collector<'a> {
		gradients: &'a <Stock as AutodiffBackend>::Gradients,
		found: Vec<Vec<f32>>,
	}
	impl ModuleVisitor<Stock> for Collector<'_> {
		fn visit_float<const D: usize>(&mut self, param: &Param<BurnTensor<Stock, D>>) {
			let gradient = param.val().grad(self.gradients).unwrap();
			self.found.push(gradient.into_data().to_vec().unwrap());
		}
	}
	let module = model.init::<Stock>(&Default::default());
	let module = load(module, &initial_state(program, &data.seed));
	let (features, labels) = data.batch::<Stock>(0);
	let gradients = model.training_loss(&module, features, labels).backward();
	let mut collector = Collector {
		gradients: &gradients,
		found: Vec::new(),
	};
	module.visit(&mut collector);
	collector.found
}

/// How many of the training samples stock Burn answers right with this state.
pub(crate) fn correct<M: Model>(model: &M, data: &Data, state: &[Tensor]) -> u32 {
	let device = Default::default();
	let module = load(model.init::<Flex>(&device), state);
	let rows = data.sizes.training_rows as usize;
	let features = data.features.as_f32().unwrap().to_vec();
	let features = TensorData::new(features, [rows, data.sizes.columns as usize]);
	let scores = model.forward(&module, BurnTensor::from_data(features, &device));
	let answers: Vec<i32> = scores.argmax(1).into_data().to_vec().unwrap();
	let labels = data.labels.as_u32().unwrap();
	answers
		.iter()
		.zip(labels)
		.filter(|(answer, label)| **answer as u32 == **label)
		.count() as u32
}

/// The greatest difference, relative to the greatest number of the expected ones (or to 1).
pub(crate) fn difference(found: &[f32], expected: &[f32]) -> f32 {
	assert_eq!(found.len(), expected.len());
	let scale = expected
		.iter()
		.fold(1.0f32, |scale, number| scale.max(number.abs()));
	found
		.iter()
		.zip(expected)
		.fold(0.0, |difference: f32, (a, b)| difference.max((a - b).abs()))
		/ scale
}
