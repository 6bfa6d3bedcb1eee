//! Captured networks come to the same state on every engine that this machine has, after hundreds of steps.

#[path = "../examples/bench_training/networks/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the benchmarks use more of it")]
mod networks;

use burn::module::AutodiffModule;
use ml_worker_capture::capture;
use ml_worker_engine::{Engine, EngineOptions, InstructionSet};
use networks::{visit_all, Data, Network, Stock, Trained, Visitor};
use repops::{
	check::{check, Checked, Limits, Role},
	commit::{state_root, Hash},
	initial::initial_state,
	interpret::Bindings,
	random::Seed,
};
use std::{error::Error, num::NonZeroUsize, ops::ControlFlow};

const SEED: Seed = Seed([7; 32]);

/// Trains on an engine and gives the roots of the state after these numbers of steps.
fn roots(
	checked: &Checked,
	data: &Data,
	set: InstructionSet,
	threads: usize,
	after: &[u64],
) -> Result<Vec<Hash>, Box<dyn Error>> {
	let engine = Engine::new(EngineOptions {
		threads: NonZeroUsize::new(threads),
		instruction_set: Some(set),
	})?;
	let state = initial_state(checked.program(), &SEED);
	let mut session = engine.compile(checked.clone()).session(&Bindings {
		state: &state,
		features: Some(&data.features),
		labels: Some(&data.labels),
		seed: SEED,
		..Bindings::default()
	})?;
	let (mut position, mut roots) = (0, vec![]);
	for end in after {
		position = session.steps(position..*end, |_, outcome| {
			assert!(!outcome.diverged, "it diverged");
			ControlFlow::Continue(())
		});
		let root = session.state_root();
		assert_eq!(root, state_root(&session.state()));
		roots.push(root);
	}
	Ok(roots)
}

struct Compare;

impl Visitor for Compare {
	fn visit<M: Trained>(&mut self, network: &Network<M>) -> Result<(), Box<dyn Error>>
	where
		M::Module<Stock>: AutodiffModule<Stock>,
	{
		let data = Data::new(network.kind, &network.sizes)?;
		let program = capture(&network.model, &network.optimiser, &network.sizes)?.step;
		let checked = check(&program, Role::Step, &Limits::default())?;
		// Without a fused multiply-add a step takes a hundred times as long.
		const FEW: u64 = 2;
		let sets = [InstructionSet::Avx2, InstructionSet::Avx512];
		let fast: Vec<_> = sets.into_iter().filter(|set| set.is_available()).collect();
		let few = roots(&checked, &data, InstructionSet::Portable, 2, &[FEW])?;
		let mut all = None;
		for (set, threads) in fast.iter().flat_map(|set| [(*set, 1), (*set, 2)]) {
			let found = roots(&checked, &data, set, threads, &[FEW, 200])?;
			let name = network.name;
			assert_eq!(few[0], found[0], "{name}, {set}, {threads} threads");
			let expected = *all.get_or_insert(found[1]);
			assert_eq!(expected, found[1], "{name}, {set}, {threads} threads");
			assert_ne!(found[0], found[1], "{name}");
		}
		Ok(())
	}
}

#[test]
fn every_engine_comes_to_the_same_state() {
	visit_all(&mut Compare).unwrap();
}
