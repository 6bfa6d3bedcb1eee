//! Measures training steps and matrix products on a GPU, and prints Markdown tables. Before a network is measured,
//! its first step is compared with the reference, bit by bit.
//!
//! From the repository's root: `cargo run --release -p ml-worker-cuda --example bench_cuda -- [--gpu NUMBER]
//! [PROGRAM…]`, where each PROGRAM is a file with an encoded step program (`repops::program::Program::encode`).
//! Without one, three perceptrons are measured. It needs an NVIDIA GPU with its driver, and NVRTC; see docs/cuda.md.

#[path = "../tests/programs/mod.rs"]
mod programs;

use ml_worker_cuda::{Compiled, Engine};
use programs::{mlp, Builder, Numbers, Optimiser};
use repops::{
	check::{check, Checked, Limits, Role},
	initial::initial_state,
	interpret::{self, Bindings},
	program::{Initialiser, OperationKind, Program, Source, StateRole, Target},
	random::Seed,
	tensor::{DType, Tensor, TensorType},
};
use std::{error::Error, ops::ControlFlow, time::Instant};

const SEED: Seed = Seed([1; 32]);
const POPULATION: u32 = 8000;
/// Measurements of which the median and the least are shown.
const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
	let mut gpu = 0;
	let mut networks = Vec::new();
	let mut arguments = std::env::args().skip(1);
	while let Some(argument) = arguments.next() {
		if argument == "--gpu" {
			gpu = arguments.next().ok_or("--gpu NUMBER")?.parse()?;
			continue;
		}
		let blob = std::fs::read(&argument).map_err(|error| format!("{argument}: {error}"))?;
		networks.push((
			argument,
			Program::decode_bounded(&blob, &Limits::default())?,
		));
	}
	if networks.is_empty() {
		networks = perceptrons();
	}
	let engine = Engine::new(gpu)?;
	println!("On {}, microseconds of a step:\n", engine.device_name());
	println!("| network | median | least |\n|---|---|---|");
	for (name, program) in networks {
		let network = Network::new(program)?;
		let (median, least) = network.measure(&engine)?;
		println!("| {name} | {median:.0} | {least:.0} |");
	}
	println!("\nProducts of two square matrices, TFLOP/s:\n\n| length | median | greatest |\n|---|---|---|");
	for length in [256, 512, 1024, 2048, 4096] {
		let (median, least) = measure_product(&engine, length)?;
		let rate = |microseconds: f64| 2.0 * f64::from(length).powi(3) / microseconds / 1e6;
		println!("| {length} | {:.2} | {:.2} |", rate(median), rate(least));
	}
	Ok(())
}

/// The perceptrons of the project's comparisons.
fn perceptrons() -> Vec<(String, Program)> {
	let sgd = Optimiser::Sgd { rate: 0.1 };
	let networks: [(&[u32], u32, Optimiser); 3] = [
		(&[784, 128, 64, 10], 100, sgd),
		(&[784, 128, 64, 10], 32, Optimiser::Adam { rate: 0.001 }),
		(&[784, 1024, 1024, 10], 128, sgd),
	];
	networks
		.into_iter()
		.map(|(sizes, batch, optimiser)| {
			let name = format!("MLP {sizes:?}, batch {batch}, {optimiser:?}");
			(name, mlp(sizes, batch, POPULATION, optimiser))
		})
		.collect()
}

/// A step program and what it reads, made up.
struct Network {
	checked: Checked,
	state: Vec<Tensor>,
	features: Option<Tensor>,
	labels: Option<Tensor>,
}

impl Network {
	fn new(program: Program) -> Result<Self, Box<dyn Error>> {
		let checked = check(&program, Role::Step, &Limits::default())?;
		let mut numbers = Numbers(1);
		let declared = |source| {
			program
				.inputs
				.iter()
				.find(move |input| input.source == source)
		};
		let mut make = |kind: &TensorType| match kind.dtype {
			DType::F32 => numbers.tensor(kind.shape.clone()),
			// Two classes are among those of any network.
			DType::U32 => numbers.labels(kind.shape.0[0], 2),
		};
		Ok(Network {
			state: initial_state(&program, &SEED),
			features: declared(Source::Features).map(|input| make(&input.kind)),
			labels: declared(Source::Labels).map(|input| make(&input.kind)),
			checked,
		})
	}

	fn bindings(&self) -> Bindings<'_> {
		Bindings {
			state: &self.state,
			features: self.features.as_ref(),
			labels: self.labels.as_ref(),
			seed: SEED,
			..Bindings::default()
		}
	}

	/// Microseconds of a step, the median and the least, after the first one was found right.
	fn measure(&self, engine: &Engine) -> Result<(f64, f64), Box<dyn Error>> {
		let compiled = engine.compile(self.checked.clone())?;
		let expected = interpret::run(&self.checked, &self.bindings())?;
		let mut session = compiled.session(&self.bindings())?;
		session.step(0)?;
		if session.state()? != expected.state {
			return Err("the state after the first step is not the reference's".into());
		}
		measure_steps(&compiled, &self.bindings())
	}
}

/// Microseconds of a step, the median and the least.
fn measure_steps(compiled: &Compiled, bindings: &Bindings) -> Result<(f64, f64), Box<dyn Error>> {
	const STEPS: u64 = 50;
	let mut session = compiled.session(bindings)?;
	let mut times = Vec::new();
	let mut position = 0;
	for round in 0..=ROUNDS {
		let start = Instant::now();
		let end = position + STEPS;
		while position < end {
			position = session.steps(position..end, |_, _| ControlFlow::Continue(()))?;
		}
		// The first round is to get warm.
		if round > 0 {
			times.push(start.elapsed().as_secs_f64() * 1e6 / STEPS as f64);
		}
	}
	times.sort_by(f64::total_cmp);
	Ok((times[ROUNDS / 2], times[0]))
}

/// Microseconds of a product as a step of its own.
fn measure_product(engine: &Engine, length: u32) -> Result<(f64, f64), Box<dyn Error>> {
	let mut b = Builder::default();
	let zero = Initialiser::Constant(0.0.into());
	let operands = [(); 2].map(|()| b.state(StateRole::Parameter, [length, length], zero));
	let product = b.declare(StateRole::Parameter, [length, length], zero);
	let kind = OperationKind::MatMul {
		transpose_left: false,
		transpose_right: false,
	};
	let value = b.operate(kind, &operands.map(|(_, value)| value));
	let loss = OperationKind::Constant {
		shape: [1].into(),
		value: 0.0.into(),
	};
	let loss = b.operate(loss, &[]);
	for (index, value) in operands {
		b.output(Target::State(index), value);
	}
	b.output(Target::State(product), value);
	b.output(Target::Loss, loss);
	let mut numbers = Numbers(2);
	let state: Vec<Tensor> = (0..3).map(|_| numbers.tensor([length, length])).collect();
	let bindings = Bindings {
		state: &state,
		..Bindings::default()
	};
	measure_steps(&engine.compile(b.check(Role::Step))?, &bindings)
}
