//! Measures a training step of two multilayer perceptrons by the engine, beside stock Burn's flex
//! backend, and prints a Markdown table.
//!
//! Both train the same model with the same optimiser in one process, in turns, so that what else the
//! machine does hits both. Burn is given its batches ready-made; the engine gathers them itself, which
//! is part of its step.
//!
//! `cargo run --release -p ml-worker-capture --example bench_step [ROUNDS]`

use burn::{
	backend::Autodiff,
	optim::{GradientsParams, Optimizer, SgdConfig},
	tensor::{Int, Tensor as BurnTensor, TensorData},
};
use burn_flex::Flex;
use ml_worker_capture::{
	capture, network::Chain, spec::Layer, Model, ModelSpec, OptimiserSpec, Sizes,
};
use ml_worker_engine::{Engine, EngineOptions};
use repops::{
	check::{check, Limits, Role},
	initial::initial_state,
	interpret::Bindings,
	random::{batch_rows, Seed},
	tensor::Tensor,
};
use std::{error::Error, num::NonZeroUsize, ops::ControlFlow, time::Instant};

type Stock = Autodiff<Flex>;

const LEARNING_RATE: f32 = 0.1;
const SEED: Seed = Seed([1; 32]);
/// Batches that Burn cycles through.
const BATCHES: u64 = 16;

struct Net {
	name: &'static str,
	widths: &'static [u32],
	batch: u32,
	/// Steps in one measurement, so that it lasts some tens of milliseconds.
	steps: u64,
}

const NETS: [Net; 2] = [
	Net {
		name: "784-128-64-10",
		widths: &[128, 64],
		batch: 100,
		steps: 50,
	},
	Net {
		name: "784-1024-1024-10",
		widths: &[1024, 1024],
		batch: 128,
		steps: 4,
	},
];

fn main() -> Result<(), Box<dyn Error>> {
	let rounds: usize = match std::env::args().nth(1) {
		Some(rounds) => rounds.parse()?,
		None => 15,
	};
	println!("| network | batch | threads | engine, median (least) µs | Burn flex, median (least) µs | Burn / engine |");
	println!("|---|---|---|---|---|---|");
	for net in &NETS {
		for threads in [1, 2] {
			let (engine, burn) = measure(net, threads, rounds.max(1))?;
			println!(
				"| {} | {} | {threads} | {:.0} ({:.0}) | {:.0} ({:.0}) | {:.2} |",
				net.name,
				net.batch,
				median(&engine),
				least(&engine),
				median(&burn),
				least(&burn),
				median(&burn) / median(&engine),
			);
		}
	}
	Ok(())
}

/// Microseconds a step in each round: the engine's and Burn's.
fn measure(
	net: &Net,
	threads: usize,
	rounds: usize,
) -> Result<(Vec<f64>, Vec<f64>), Box<dyn Error>> {
	let sizes = Sizes {
		columns: 784,
		classes: 10,
		batch: net.batch,
		training_rows: 8000,
		test_rows: 2000,
	};
	let hidden = net.widths.iter().flat_map(|outputs| {
		[
			Layer::Linear {
				outputs: *outputs,
				bias: true,
			},
			Layer::Relu {},
		]
	});
	let layers = hidden
		.chain([Layer::Linear {
			outputs: 10,
			bias: true,
		}])
		.collect();
	let model = Chain::new(&ModelSpec { layers }, &sizes)?;
	let optimiser = OptimiserSpec::sgd(LEARNING_RATE);
	let program = capture(&model, &optimiser, &sizes)?.step;
	let (features, labels) = samples(&sizes)?;

	let state = initial_state(&program, &SEED);
	let engine = Engine::new(EngineOptions {
		threads: NonZeroUsize::new(threads),
		..EngineOptions::default()
	})?;
	let compiled = engine.compile(check(&program, Role::Step, &Limits::default())?);
	let mut session = compiled.session(&Bindings {
		state: &state,
		features: Some(&features),
		labels: Some(&labels),
		seed: SEED,
		..Bindings::default()
	})?;
	let mut position = 0;
	let mut by_engine = |steps: u64| {
		let start = Instant::now();
		let end = session.steps(position..position + steps, |_, _| ControlFlow::Continue(()));
		assert_eq!(end, position + steps, "training diverged");
		position = end;
		start.elapsed().as_secs_f64() * 1e6 / steps as f64
	};

	// Flex and the matrix products below it run in the pool that they are called from.
	let pool = rayon::ThreadPoolBuilder::new()
		.num_threads(threads)
		.build()?;
	let batches: Vec<_> = (0..BATCHES)
		.map(|position| batch(&sizes, &features, &labels, position))
		.collect();
	let mut module = Some(model.init::<Stock>(&Default::default()));
	let mut sgd = SgdConfig::new().init();
	let mut taken = 0;
	let mut by_burn = |steps: u64| {
		let start = Instant::now();
		pool.install(|| {
			for _ in 0..steps {
				let (features, labels) = batches[taken % batches.len()].clone();
				taken += 1;
				let before = module.take().expect("each step puts one back; qed");
				let loss = model.loss(model.forward(&before, features), labels);
				let gradients = GradientsParams::from_grads(loss.backward(), &before);
				module = Some(sgd.step(LEARNING_RATE.into(), before, gradients));
				assert!(loss.into_scalar().is_finite(), "training diverged");
			}
		});
		start.elapsed().as_secs_f64() * 1e6 / steps as f64
	};

	by_engine(net.steps);
	by_burn(net.steps);
	let turns = (0..rounds).map(|_| (by_engine(net.steps), by_burn(net.steps)));
	Ok(turns.unzip())
}

/// Pixels of which four in five are 0, as in pictures of digits, and labels.
fn samples(sizes: &Sizes) -> Result<(Tensor, Tensor), Box<dyn Error>> {
	let mut word = 1u64;
	let mut random = move || {
		word = word
			.wrapping_mul(6_364_136_223_846_793_005)
			.wrapping_add(1_442_695_040_888_963_407);
		(word >> 40) as f32 / (1u64 << 24) as f32
	};
	let pixels = sizes.training_rows * sizes.columns;
	let features = (0..pixels)
		.map(|_| (5.0 * random() - 4.0).max(0.0))
		.collect();
	let labels = (0..sizes.training_rows)
		.map(|row| row % sizes.classes)
		.collect();
	let features = Tensor::f32([sizes.training_rows, sizes.columns], features)?;
	Ok((features, Tensor::u32([sizes.training_rows], labels)?))
}

/// A batch of the program's, for Burn.
fn batch(
	sizes: &Sizes,
	features: &Tensor,
	labels: &Tensor,
	position: u64,
) -> (BurnTensor<Stock, 2>, BurnTensor<Stock, 1, Int>) {
	let columns = sizes.columns as usize;
	let features = features.as_f32().expect("they were made as such; qed");
	let labels = labels.as_u32().expect("they were made as such; qed");
	let (mut x, mut y) = (Vec::new(), Vec::new());
	for row in batch_rows(&SEED, position, sizes.batch, sizes.training_rows) {
		let row = row as usize;
		x.extend_from_slice(&features[row * columns..][..columns]);
		y.push(labels[row] as i32);
	}
	let device = Default::default();
	let rows = sizes.batch as usize;
	(
		BurnTensor::from_data(TensorData::new(x, [rows, columns]), &device),
		BurnTensor::from_data(TensorData::new(y, [rows]), &device),
	)
}

fn median(numbers: &[f64]) -> f64 {
	let mut sorted = numbers.to_vec();
	sorted.sort_by(f64::total_cmp);
	sorted[sorted.len() / 2]
}

fn least(numbers: &[f64]) -> f64 {
	numbers.iter().copied().fold(f64::INFINITY, f64::min)
}
