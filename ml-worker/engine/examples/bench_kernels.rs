//! Measures the engine: steps of two perceptrons, and matrix products by instruction set.
//!
//! `cargo run --release -p ml-worker-engine --example bench_kernels`
use ml_worker_engine::{Engine, EngineOptions, InstructionSet};
use repops::{
	check::{check, Limits, Role},
	initial::initial_state,
	interpret::Bindings,
	program::{Initialiser, OperationKind, Program, StateRole, Target},
	random::Seed,
	tensor::Tensor,
};
use std::{num::NonZeroUsize, ops::ControlFlow, time::Instant};

#[path = "../tests/programs/mod.rs"]
mod programs;

use programs::{mlp, Builder, Numbers, Optimiser};

fn engine(threads: usize, set: InstructionSet) -> Option<Engine> {
	let threads = NonZeroUsize::new(threads);
	Engine::new(EngineOptions {
		threads,
		instruction_set: Some(set),
	})
	.ok()
}

/// The best and the median microseconds of a step.
fn time_steps(
	engine: &Engine,
	program: &Program,
	data: &(Tensor, Tensor),
	steps: u64,
) -> (f64, f64) {
	let checked = check(program, Role::Step, &Limits::default()).expect("the program is right");
	let seed = Seed([7; 32]);
	let state = initial_state(program, &seed);
	let compiled = engine.compile(checked);
	let bindings = Bindings {
		state: &state,
		features: Some(&data.0),
		labels: Some(&data.1),
		seed,
		..Bindings::default()
	};
	let mut session = compiled.session(&bindings).expect("everything is given");
	let mut times = Vec::new();
	let mut start = Instant::now();
	session.steps(0..steps, |_, _| {
		times.push(start.elapsed().as_secs_f64() * 1e6);
		start = Instant::now();
		ControlFlow::Continue(())
	});
	times.sort_by(f64::total_cmp);
	(times[0], times[times.len() / 2])
}

/// Billions of floating-point operations a second, at best, of a square matrix product.
fn time_product(engine: &Engine, size: u32, runs: u64) -> f64 {
	let mut b = Builder::default();
	let one = Initialiser::Constant(1.0.into());
	let (_, left) = b.state(StateRole::Parameter, [size, size], one);
	let (_, right) = b.state(StateRole::Parameter, [size, size], one);
	let product = b.declare(StateRole::Parameter, [size, size], one);
	let kind = OperationKind::MatMul {
		transpose_left: false,
		transpose_right: false,
	};
	let value = b.operate(kind, &[left, right]);
	b.output(Target::State(0), left);
	b.output(Target::State(1), right);
	b.output(Target::State(product), value);
	let shape = [1].into();
	let loss = b.operate(
		OperationKind::Constant {
			shape,
			value: 0.0.into(),
		},
		&[],
	);
	b.output(Target::Loss, loss);
	let compiled = engine.compile(b.check(Role::Step));
	let mut numbers = Numbers(1);
	let state: Vec<Tensor> = (0..3).map(|_| numbers.tensor([size, size])).collect();
	let bindings = Bindings {
		state: &state,
		..Bindings::default()
	};
	let mut session = compiled.session(&bindings).expect("everything is given");
	let mut best = f64::MAX;
	let mut start = Instant::now();
	session.steps(0..runs, |_, _| {
		best = best.min(start.elapsed().as_secs_f64());
		start = Instant::now();
		ControlFlow::Continue(())
	});
	2.0 * f64::from(size).powi(3) / best / 1e9
}

fn main() {
	let population = 20_000;
	let mut numbers = Numbers(3);
	let data = (
		numbers.tensor([population, 784]),
		numbers.labels(population, 10),
	);
	let nets: [(&str, &[u32], u32, Optimiser, u64); 3] = [
		(
			"784-128-64-10, batch 100, SGD",
			&[784, 128, 64, 10],
			100,
			Optimiser::Sgd { rate: 0.1 },
			1500,
		),
		(
			"784-128-64-10, batch 32, Adam",
			&[784, 128, 64, 10],
			32,
			Optimiser::Adam { rate: 0.001 },
			1500,
		),
		(
			"784-1024-1024-10, batch 128, SGD",
			&[784, 1024, 1024, 10],
			128,
			Optimiser::Sgd { rate: 0.1 },
			150,
		),
	];
	println!("µs a step, best (median)");
	for (name, sizes, batch, optimiser, steps) in nets {
		let program = mlp(sizes, batch, population, optimiser);
		for set in [InstructionSet::Avx512, InstructionSet::Avx2] {
			for threads in [1, 2] {
				let Some(engine) = engine(threads, set) else {
					continue;
				};
				let (best, median) = time_steps(&engine, &program, &data, steps);
				println!("{name:34} {set:24} {threads} threads: {best:8.0} ({median:.0})");
			}
		}
	}
	println!("matrix products, GFLOP/s at best");
	for set in InstructionSet::ALL {
		for threads in [1, 2] {
			let Some(engine) = engine(threads, set) else {
				continue;
			};
			let runs = if set == InstructionSet::Portable {
				2
			} else {
				30
			};
			let speeds = [256, 512, 1024].map(|size| match (set, size) {
				(InstructionSet::Portable, 512..) => "-".into(),
				_ => format!("{:.0}", time_product(&engine, size, runs)),
			});
			println!(
				"{set:24} {threads} threads: 256: {}, 512: {}, 1024: {}",
				speeds[0], speeds[1], speeds[2]
			);
		}
	}
}
