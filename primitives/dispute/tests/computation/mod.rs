//! A small training that is really computed, and what the parties to a dispute about one of its rounds have
//! computed: what is right, or something else.
//!
//! Tests of other crates include this file by its path. It needs `repops` and `pouw-dispute` alone.
#![allow(
	dead_code,
	unreachable_pub,
	reason = "each test that includes this file uses a part of it"
)]

#[path = "../../../../ml-worker/engine/tests/programs/mod.rs"]
pub(crate) mod programs;

mod recorded;

pub(crate) use recorded::{flip, Corruption, Fault, Recorded};

use pouw_dispute::{data_root, Computation, Dispute, Facts, Start, Subject};
use programs::{mlp, mlp_evaluation, random::random_step, Numbers, Optimiser};
use repops::{
	check::{check, Checked, Limits, Role},
	commit::{state_root, tensor_root, trace_root, Hash},
	initial::initial_state,
	interpret::{run, Bindings},
	merge::average_program,
	parts::program_root,
	program::{Source, StateRole, ValueId},
	random::Seed,
	tensor::Tensor,
};

/// A task's step program and its data.
pub(crate) struct Task {
	pub(crate) program: Checked,
	pub(crate) features: Tensor,
	pub(crate) labels: Tensor,
}

impl Task {
	/// A perceptron with a layer of seven, softmax cross-entropy and momentum, on batches of 4 of 24 rows.
	pub(crate) fn tiny() -> Self {
		let momentum = Optimiser::Momentum {
			rate: 0.1,
			momentum: 0.9,
		};
		Self::perceptron(&[5, 7, 3], 4, 24, momentum)
	}

	/// A perceptron on random data of so many rows.
	pub(crate) fn perceptron(sizes: &[u32], batch: u32, rows: u32, optimiser: Optimiser) -> Self {
		let source = mlp(sizes, batch, rows, optimiser);
		let mut numbers = Numbers(1);
		Task {
			program: check(&source, Role::Step, &Limits::default()).unwrap(),
			features: numbers.tensor([rows, sizes[0]]),
			labels: numbers.labels(rows, sizes[sizes.len() - 1]),
		}
	}

	/// A random program and data for it, see [`random_step`].
	pub(crate) fn random(seed: u64, operations: usize, lengths: &[u32]) -> Self {
		let random = random_step(seed, operations, lengths);
		Task {
			program: random.program,
			features: random.features,
			labels: random.labels,
		}
	}

	/// The root that commits to the step program's parts.
	pub(crate) fn program_root(&self) -> Hash {
		program_root(&self.program)
	}

	/// The roots of the features and of the labels.
	pub(crate) fn data_roots(&self) -> [Hash; 2] {
		[tensor_root(&self.features), tensor_root(&self.labels)]
	}

	/// The root of the data.
	pub(crate) fn data_root(&self) -> Hash {
		data_root(&self.data_roots())
	}

	/// The state that a task of this seed starts from.
	pub(crate) fn initial(&self, seed: &Seed) -> Vec<Tensor> {
		initial_state(self.program.program(), seed)
	}

	/// The program that merges so many updates.
	pub(crate) fn merge_program(&self, updates: u16) -> Checked {
		let merge = average_program(&self.program.program().state, updates);
		check(&merge, Role::Merge { updates }, &Limits::default()).unwrap()
	}

	/// The state that these updates make.
	pub(crate) fn merged(&self, updates: &[Vec<Tensor>]) -> Vec<Tensor> {
		let bindings = Bindings {
			updates,
			..Bindings::default()
		};
		let program = self.merge_program(updates.len() as u16);
		run(&program, &bindings).unwrap().state
	}

	/// A program that scores the states of a perceptron of these sizes on so many rows.
	pub(crate) fn evaluation(&self, sizes: &[u32], rows: u32) -> Checked {
		let mut source = mlp_evaluation(sizes, rows);
		// The same state as the step's, which has more than the parameters.
		source.state.clone_from(&self.program.program().state);
		let parameters: Vec<u16> = (0u16..)
			.zip(&source.state)
			.filter(|(_, tensor)| tensor.role == StateRole::Parameter)
			.map(|(at, _)| at)
			.collect();
		for input in &mut source.inputs {
			if let Source::State(parameter) = &mut input.source {
				*parameter = parameters[usize::from(*parameter)];
			}
		}
		check(&source, Role::Evaluate, &Limits::default()).unwrap()
	}

	/// What a step reads.
	pub(crate) fn bindings<'a>(
		&'a self,
		seed: Seed,
		state: &'a [Tensor],
		position: u64,
	) -> Bindings<'a> {
		Bindings {
			state,
			features: Some(&self.features),
			labels: Some(&self.labels),
			seed,
			position,
			updates: &[],
		}
	}

	/// The right states at all checkpoints of a round, that at its start first.
	pub(crate) fn train(
		&self,
		seed: Seed,
		start: &[Tensor],
		first_position: u64,
		segments: u32,
		steps_per_segment: u32,
	) -> Vec<Vec<Tensor>> {
		let mut checkpoints = vec![start.to_vec()];
		let mut state = start.to_vec();
		let mut position = first_position;
		for _ in 0..segments {
			for _ in 0..steps_per_segment {
				let bindings = self.bindings(seed, &state, position);
				state = run(&self.program, &bindings).unwrap().state;
				position += 1;
			}
			checkpoints.push(state.clone());
		}
		checkpoints
	}
}

/// What is agreed on about a round.
#[derive(Clone, Copy)]
pub(crate) struct Round<'a> {
	pub(crate) task: &'a Task,
	pub(crate) seed: Seed,
	/// The sealed updates that the round starts from; none for the first round.
	pub(crate) updates: &'a [Vec<Tensor>],
	/// The state that the first round starts from, where it does not follow from the seed.
	pub(crate) given: Option<&'a [Tensor]>,
	pub(crate) first_position: u64,
	pub(crate) segments: u32,
	pub(crate) steps_per_segment: u32,
}

impl<'a> Round<'a> {
	/// What the referee takes for granted.
	pub(crate) fn facts(&self) -> Facts {
		Facts {
			seed: self.seed,
			data: Some(self.task.data_root()),
			updates: self
				.updates
				.iter()
				.map(|update| state_root(update))
				.collect(),
		}
	}

	/// The steps of the whole round.
	pub(crate) fn steps(&self) -> u64 {
		u64::from(self.segments) * u64::from(self.steps_per_segment)
	}

	/// The round as somebody computes it who is honest, or not.
	pub(crate) fn compute(self, corruption: Option<Corruption>) -> Own<'a> {
		let mut own = Own {
			round: self,
			corruption,
			checkpoints: vec![],
			recorded: None,
		};
		let start = own.start();
		own.checkpoints.push(start);
		for segment in 0..self.segments {
			let end = own.segment(segment).into_end();
			own.checkpoints.push(end);
		}
		own
	}
}

/// A party's own computation of a round.
pub(crate) struct Own<'a> {
	pub(crate) round: Round<'a>,
	pub(crate) corruption: Option<Corruption>,
	/// The states at all checkpoints, that at the start first.
	pub(crate) checkpoints: Vec<Vec<Tensor>>,
	/// All values on the way to the checkpoint that was named.
	recorded: Option<(u32, Recorded)>,
}

impl Own<'_> {
	/// What this party commits to.
	pub(crate) fn claim(&self) -> Subject {
		let roots = self.roots();
		Subject::Round {
			trace: trace_root(&roots),
			end: roots[roots.len() - 1],
			segments: self.round.segments,
			steps_per_segment: self.round.steps_per_segment,
			first_position: self.round.first_position,
			start: match self.round.given {
				_ if !self.round.updates.is_empty() => Start::Merge,
				Some(state) => Start::Given {
					root: state_root(state),
				},
				None => Start::Initial,
			},
		}
	}

	/// The roots of the checkpoints' states.
	pub(crate) fn roots(&self) -> Vec<Hash> {
		self.checkpoints
			.iter()
			.map(|state| state_root(state))
			.collect()
	}

	/// Computes again what the dispute has come to. It is to be called before each move.
	pub(crate) fn follow(&mut self, dispute: &Dispute) {
		let Some(picked) = dispute.checkpoint() else {
			return;
		};
		if self.recorded.as_ref().is_some_and(|(at, _)| *at == picked) {
			return;
		}
		let recorded = match picked.checked_sub(1) {
			Some(segment) => self.segment(segment),
			None if self.round.updates.is_empty() => Recorded::without_steps(&self.checkpoints[0]),
			None => self.merge(),
		};
		self.recorded = Some((picked, recorded));
	}

	fn start(&self) -> Vec<Tensor> {
		if !self.round.updates.is_empty() {
			return self.merge().into_end();
		}
		let mut state = match self.round.given {
			Some(given) => given.to_vec(),
			None => self.round.task.initial(&self.round.seed),
		};
		if let Some(Corruption::Start(fault)) = self.corruption {
			flip(&mut state[fault.operation], fault.element, fault.flip);
		}
		state
	}

	fn merge(&self) -> Recorded {
		let updates = self.round.updates;
		let program = self.round.task.merge_program(updates.len() as u16);
		let bindings = Bindings {
			updates,
			..Bindings::default()
		};
		let corruption = match self.corruption {
			Some(Corruption::Start(fault)) => Some(Corruption::Element(Fault { step: 0, ..fault })),
			_ => None,
		};
		Recorded::run(&program, &bindings, 0, 1, corruption)
	}

	fn segment(&self, segment: u32) -> Recorded {
		let Round {
			task,
			seed,
			first_position,
			steps_per_segment,
			..
		} = self.round;
		let first = u64::from(segment) * u64::from(steps_per_segment);
		let state = &self.checkpoints[segment as usize];
		let bindings = task.bindings(seed, state, first_position + first);
		let (program, steps) = (&task.program, u64::from(steps_per_segment));
		Recorded::run(program, &bindings, first, steps, self.corruption)
	}

	fn recorded(&self) -> &Recorded {
		&self.recorded.as_ref().expect("follow() was called").1
	}
}

pub(crate) fn roots(tensors: &[Tensor]) -> Vec<Hash> {
	tensors.iter().map(tensor_root).collect()
}

impl Computation for Own<'_> {
	type Error = std::convert::Infallible;

	fn checkpoint_roots(&mut self) -> Result<Vec<Hash>, Self::Error> {
		Ok(self.roots())
	}

	fn wrong_checkpoint(&mut self, claimed: &[Hash]) -> Result<Option<u32>, Self::Error> {
		let own = self.roots();
		let wrong = own
			.iter()
			.zip(claimed)
			.position(|(own, claimed)| own != claimed);
		Ok(wrong.map(|at| at as u32))
	}

	fn data_roots(&mut self) -> Result<[Hash; 2], Self::Error> {
		Ok(self.round.task.data_roots())
	}

	fn state_root(&mut self, steps: u64) -> Result<Hash, Self::Error> {
		Ok(self.recorded().root(steps))
	}

	fn tensor_roots_before(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error> {
		Ok(roots(self.recorded().state(step)))
	}

	fn tensor_roots_after(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error> {
		Ok(roots(self.recorded().after(step)))
	}

	fn tensor_roots_of_update(&mut self, update: u16) -> Result<Vec<Hash>, Self::Error> {
		Ok(roots(&self.round.updates[usize::from(update)]))
	}

	fn result_roots(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error> {
		Ok(roots(self.recorded().results(step)))
	}

	fn value(&mut self, step: u64, value: ValueId) -> Result<Tensor, Self::Error> {
		Ok(self.recorded().value(step, value).clone())
	}

	fn initial(&mut self, tensor: u16) -> Result<Tensor, Self::Error> {
		Ok(self.checkpoints[0][usize::from(tensor)].clone())
	}
}
