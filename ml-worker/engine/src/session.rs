//! Runs of a compiled program.

use crate::{
	buffer::as_u32, commit::tensor_root, execute::execute, plan::Stage, storage::Storage, Compiled,
	EngineError,
};
use repops::{
	check::Role,
	commit::{state_root_from_tensor_roots, Hash},
	interpret::{Bindings, Outputs, RunError},
	program::{Source, StateTensor},
	tensor::{Elements, Tensor, TensorType},
};
use std::{
	ops::{ControlFlow, Range},
	time::{Duration, Instant},
};

/// What a step leaves besides the new state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOutcome {
	/// The loss.
	pub loss: f32,
	/// Whether the loss or the new state has a NaN or an infinity in it. The run ends here with that outcome.
	pub diverged: bool,
}

/// A training state, and what steps on it need. All memory is taken when it starts.
pub struct Session<'data> {
	compiled: Compiled,
	storage: Storage<'data>,
}

impl<'data> Session<'data> {
	pub(crate) fn new(
		compiled: &Compiled,
		bindings: &Bindings<'data>,
	) -> Result<Self, EngineError> {
		let checked = compiled.checked();
		if checked.role() != Role::Step {
			return Err(EngineError::Role {
				needed: "step",
				found: checked.role(),
			});
		}
		for (tensor, declared) in (0u16..).zip(&checked.program().state) {
			check_state(tensor, declared, bindings)?;
		}
		let storage = Storage::new(&compiled.plan, compiled.engine.threads(), bindings)?;
		Ok(Session {
			compiled: compiled.clone(),
			storage,
		})
	}

	/// Does one step: the batch is the one at this position since the task's start.
	pub fn step(&mut self, position: u64) -> StepOutcome {
		let mut outcome = StepOutcome {
			loss: 0.0,
			diverged: false,
		};
		self.steps(position..position.saturating_add(1), |_, of_step| {
			outcome = of_step;
			ControlFlow::Continue(())
		});
		outcome
	}

	/// Does a step for each of these positions, until one diverges or `observe` says to stop, and gives the
	/// position after the last one that was done. The threads stay awake between the steps, so this is faster
	/// than as many calls of [`Session::step`].
	pub fn steps(
		&mut self,
		positions: Range<u64>,
		mut observe: impl FnMut(u64, StepOutcome) -> ControlFlow<()>,
	) -> u64 {
		let Session {
			compiled: Compiled { engine, plan, .. },
			storage,
		} = self;
		engine.threads.enter(|team| {
			for position in positions.clone() {
				storage.set_position(plan, position);
				let diverged = !execute(plan, engine.vectors, storage, team, |_| ());
				let loss = plan.loss.map_or(0.0, |loss| storage.view(plan, loss)[0]);
				if observe(position, StepOutcome { loss, diverged }).is_break() || diverged {
					return position.saturating_add(1);
				}
			}
			positions.end
		})
	}

	/// Does a step for each of these positions, and gives for each stage of the plan what it does and how long it took
	/// at the least, for those who look for where the time goes.
	pub fn stage_times(&mut self, positions: Range<u64>) -> Vec<(String, Duration)> {
		let Session {
			compiled: Compiled { engine, plan, .. },
			storage,
		} = self;
		let mut times = vec![Duration::MAX; plan.stages.len()];
		engine.threads.enter(|team| {
			for position in positions {
				storage.set_position(plan, position);
				let mut start = Instant::now();
				execute(plan, engine.vectors, storage, team, |stage| {
					times[stage] = times[stage].min(start.elapsed());
					start = Instant::now();
				});
			}
		});
		plan.stages
			.iter()
			.map(Stage::to_string)
			.zip(times)
			.collect()
	}

	/// A copy of the state.
	pub fn state(&self) -> Vec<Tensor> {
		let tensors = self
			.compiled
			.checked
			.program()
			.state
			.iter()
			.zip(self.elements());
		tensors
			.map(|(declared, elements)| tensor(declared, elements))
			.collect()
	}

	/// Replaces the state, for instance by the merged one of a round.
	pub fn set_state(&mut self, state: &[Tensor]) -> Result<(), EngineError> {
		let bindings = Bindings {
			state,
			..Bindings::default()
		};
		let plan = &self.compiled.plan;
		for (tensor, declared) in (0u16..).zip(&self.compiled.checked.program().state) {
			check_state(tensor, declared, &bindings)?;
		}
		for (slot, tensor) in plan.state.iter().zip(state) {
			self.storage.slots[*slot][..tensor.len()].copy_from_slice(crate::commit::words(tensor));
		}
		Ok(())
	}

	/// The root that commits to the state: [`repops::commit::state_root`], by all threads.
	pub fn state_root(&self) -> Hash {
		let tensors = self
			.compiled
			.checked
			.program()
			.state
			.iter()
			.zip(self.elements());
		self.compiled.engine.threads.enter(|team| {
			let root = |(declared, elements): (&StateTensor, &[f32])| {
				tensor_root(team, &TensorType::f32(declared.shape.clone()), elements)
			};
			state_root_from_tensor_roots(&tensors.map(root).collect::<Vec<_>>())
		})
	}

	/// The elements of the state's tensors.
	fn elements(&self) -> impl Iterator<Item = &[f32]> {
		let plan = &self.compiled.plan;
		let slots = plan.state.iter().zip(&plan.state_lengths);
		slots.map(|(slot, length)| &self.storage.slots[*slot][..*length])
	}
}

fn tensor(declared: &StateTensor, elements: &[f32]) -> Tensor {
	Tensor {
		shape: declared.shape.clone(),
		elements: Elements::F32(elements.to_vec()),
	}
}

fn check_state(tensor: u16, declared: &StateTensor, bindings: &Bindings) -> Result<(), RunError> {
	let source = Source::State(tensor);
	let given = bindings
		.state
		.get(usize::from(tensor))
		.ok_or(RunError::Missing(source))?;
	let expected = TensorType::f32(declared.shape.clone());
	if given.kind() != expected {
		return Err(RunError::Type {
			source,
			expected,
			found: given.kind(),
		});
	}
	given.check().map_err(|_| RunError::Malformed(source))
}

/// One run of a program of any role, as [`repops::interpret::run`] does it.
pub(crate) fn run_once(compiled: &Compiled, bindings: &Bindings) -> Result<Outputs, RunError> {
	let Compiled {
		engine,
		checked,
		plan,
	} = compiled;
	let mut storage = Storage::new(plan, engine.threads(), bindings)?;
	let finite = engine
		.threads
		.enter(|team| execute(plan, engine.vectors, &mut storage, team, |_| ()));
	let homes = plan.state.iter().zip(&plan.state_lengths);
	let state = checked.program().state.iter().zip(homes);
	let state = state
		.map(|(declared, (slot, length))| tensor(declared, &storage.slots[*slot][..*length]))
		.collect();
	Ok(Outputs {
		state,
		loss: plan.loss.map(|loss| storage.view(plan, loss)[0]),
		correct: plan
			.correct
			.map(|correct| as_u32(storage.view(plan, correct))[0]),
		diverged: !finite,
	})
}
