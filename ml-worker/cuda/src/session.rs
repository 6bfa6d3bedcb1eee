//! Runs of a compiled program.

use crate::{
	device::Memory,
	launch::{self, Launch},
	lower,
	plan::{Place, Plan, DIVERGED, LOSS},
	tensor, words, Compiled, EngineError,
};
use repops::{
	check::Role,
	commit::{state_root, Hash},
	interpret::{Bindings, Outputs, RunError},
	program::{OperationKind, Source, StateTensor, Target},
	tensor::{Tensor, TensorType},
};
use std::ops::{ControlFlow, Range};

/// What a step leaves besides the new state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOutcome {
	/// The loss.
	pub loss: f32,
	/// Whether the loss or the new state has a NaN or an infinity in it. The run ends here with that outcome.
	pub diverged: bool,
}

/// A training state on the device, and what steps on it need. All memory is taken when it starts.
pub struct Session {
	run: Run,
}

impl Session {
	pub(crate) fn new(compiled: &Compiled, bindings: &Bindings) -> Result<Self, EngineError> {
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
		Ok(Session {
			run: Run::new(compiled, bindings)?,
		})
	}

	/// Does one step: the batch is the one at this position since the task's start.
	pub fn step(&mut self, position: u64) -> Result<StepOutcome, EngineError> {
		self.run.set_position(position)?;
		self.run.execute()?;
		let mut outcome = [0; 2];
		self.run.memory.read(DIVERGED, &mut outcome)?;
		Ok(StepOutcome {
			loss: f32::from_bits(outcome[LOSS]),
			diverged: outcome[DIVERGED] != 0,
		})
	}

	/// Does a step for each of these positions, until one diverges or `observe` says to stop, and gives the
	/// position after the last one that was done.
	pub fn steps(
		&mut self,
		positions: Range<u64>,
		mut observe: impl FnMut(u64, StepOutcome) -> ControlFlow<()>,
	) -> Result<u64, EngineError> {
		for position in positions.clone() {
			let outcome = self.step(position)?;
			if observe(position, outcome).is_break() || outcome.diverged {
				return Ok(position.saturating_add(1));
			}
		}
		Ok(positions.end)
	}

	/// A copy of the state.
	pub fn state(&self) -> Result<Vec<Tensor>, EngineError> {
		self.run.state()
	}

	/// Replaces the state, for instance by the merged one of a round.
	pub fn set_state(&mut self, state: &[Tensor]) -> Result<(), EngineError> {
		let bindings = Bindings {
			state,
			..Bindings::default()
		};
		for (tensor, declared) in (0u16..).zip(&self.run.compiled.checked.program().state) {
			check_state(tensor, declared, &bindings)?;
		}
		for (word, tensor) in self.run.compiled.plan.state.iter().zip(state) {
			self.run.memory.write(*word, &words(tensor))?;
		}
		Ok(())
	}

	/// The root that commits to the state, [`repops::commit::state_root`], of a copy of it.
	pub fn state_root(&self) -> Result<Hash, EngineError> {
		Ok(state_root(&self.state()?))
	}
}

fn check_state(tensor: u16, declared: &StateTensor, bindings: &Bindings) -> Result<(), RunError> {
	let source = Source::State(tensor);
	let given = bindings
		.state
		.get(usize::from(tensor))
		.ok_or(RunError::Missing(source))?;
	check_given(source, given, &TensorType::f32(declared.shape.clone()))
}

fn check_given(source: Source, given: &Tensor, expected: &TensorType) -> Result<(), RunError> {
	if given.kind() != *expected {
		return Err(RunError::Type {
			source,
			expected: expected.clone(),
			found: given.kind(),
		});
	}
	given.check().map_err(|_| RunError::Malformed(source))
}

/// One run of a program of any role, as [`repops::interpret::run`] does it.
pub(crate) fn run_once(compiled: &Compiled, bindings: &Bindings) -> Result<Outputs, EngineError> {
	let mut run = Run::new(compiled, bindings)?;
	run.execute()?;
	let (checked, plan) = (&compiled.checked, &compiled.plan);
	let mut outcome = [0; 2];
	run.memory.read(DIVERGED, &mut outcome)?;
	let mut outputs = Outputs {
		diverged: outcome[DIVERGED] != 0,
		..Outputs::default()
	};
	if checked.role() != Role::Evaluate {
		outputs.state = run.state()?;
	}
	for output in &checked.program().outputs {
		match output.target {
			Target::State(_) => (),
			Target::Loss => outputs.loss = Some(f32::from_bits(outcome[LOSS])),
			Target::Correct => {
				let mut correct = [0];
				run.read_value(plan, output.value as usize, &mut correct)?;
				outputs.correct = Some(correct[0]);
			}
		}
	}
	Ok(outputs)
}

/// The memory of a program's runs, and what is launched for each.
struct Run {
	compiled: Compiled,
	memory: Memory,
	/// The inputs that no run writes; nothing for the others.
	inputs: Vec<Option<Memory>>,
	launches: Vec<Launch>,
}

impl Run {
	/// Takes the memory and copies what the program reads.
	fn new(compiled: &Compiled, bindings: &Bindings) -> Result<Self, EngineError> {
		let (checked, plan) = (&compiled.checked, &compiled.plan);
		let device = &compiled.engine.device;
		// Everything is looked at before memory is taken.
		let mut given = Vec::with_capacity(checked.program().inputs.len());
		for input in &checked.program().inputs {
			let source = input.source;
			let value = bindings.get(source).ok_or(RunError::Missing(source))?;
			check_given(source, &value, &input.kind)?;
			given.push(value);
		}
		let memory = Memory::new(device, plan.words)?;
		memory.write(0, &vec![0; plan.kept])?;
		for (tensor, word) in bindings.state.iter().zip(&plan.state) {
			// Also what the program doesn't read: it is the state until a step has written it.
			memory.write(*word, &words(tensor))?;
		}
		let mut inputs = Vec::with_capacity(given.len());
		for (value, place) in given.iter().zip(&plan.places) {
			inputs.push(match place {
				Place::Own(word) => {
					memory.write(*word, &words(value))?;
					None
				}
				Place::Input(_) => Some(Memory::of(device, &words(value))?),
			});
		}
		let mut run = Run {
			compiled: compiled.clone(),
			memory,
			inputs,
			launches: vec![],
		};
		run.launches = run.plan_launches()?;
		Ok(run)
	}

	fn address(&self, place: Place) -> u64 {
		match place {
			Place::Own(word) => self.memory.address_of(word),
			Place::Input(input) => {
				let input = self.inputs.get(input).and_then(Option::as_ref);
				input.map_or(0, Memory::address)
			}
		}
	}

	fn plan_launches(&self) -> Result<Vec<Launch>, EngineError> {
		let Compiled {
			engine,
			checked,
			plan,
		} = &self.compiled;
		let multiprocessors = engine.device.multiprocessors();
		let diverged = self.memory.address_of(DIVERGED);
		let for_each = |kernel, elements: usize, parameters| {
			Launch::for_each(kernel, elements, multiprocessors, parameters)
		};
		let mut launches = vec![for_each("fill_words", 1, vec![diverged, 1, 0])];
		let inputs = checked.program().inputs.len();
		for (index, operation) in checked.program().operations.iter().enumerate() {
			if matches!(operation.kind, OperationKind::Reshape { .. }) {
				// The same memory.
				continue;
			}
			let values = || operation.operands.iter().map(|value| *value as usize);
			let types: Vec<&TensorType> = values().map(|value| &checked.types()[value]).collect();
			let operands: Vec<u64> = values()
				.map(|value| self.address(plan.places[value]))
				.collect();
			let described = lower::Operation {
				kind: &operation.kind,
				operands: &types,
				result: &checked.types()[inputs + index],
				multiprocessors,
			};
			launches.extend(lower::lower(
				&described,
				&operands,
				self.address(plan.places[inputs + index]),
				self.memory.address_of(plan.scratch[index]),
			)?);
		}
		for copy in &plan.copies {
			let (from, to) = (self.address(copy.from), self.memory.address_of(copy.to));
			let parameters = vec![from, to, copy.words as u64];
			launches.push(for_each("copy_words", copy.words, parameters));
		}
		if checked.role() != Role::Evaluate {
			let count = plan.state_end - LOSS;
			let parameters = vec![self.memory.address_of(LOSS), diverged, count as u64];
			launches.push(for_each("find_nonfinite", count, parameters));
		}
		Ok(launches)
	}

	/// Says which batch the next run is for.
	fn set_position(&mut self, position: u64) -> Result<(), EngineError> {
		let words = [position as u32, (position >> 32) as u32];
		let inputs = &self.compiled.checked.program().inputs;
		for (input, place) in inputs.iter().zip(&self.compiled.plan.places) {
			if let (Source::Position, Place::Own(word)) = (input.source, place) {
				self.memory.write(*word, &words)?;
			}
		}
		Ok(())
	}

	/// Runs the program.
	fn execute(&mut self) -> Result<(), EngineError> {
		// SAFETY: the plan gives every value and every scratch a part of the memory that is as large as its type
		// says, and that nothing else has while it is needed; `lower` keeps within these.
		unsafe { launch::run(self.compiled.engine.device.as_ref(), &self.launches)? };
		Ok(())
	}

	fn state(&self) -> Result<Vec<Tensor>, EngineError> {
		let declared = &self.compiled.checked.program().state;
		let tensors = declared.iter().zip(&self.compiled.plan.state);
		tensors
			.map(|(declared, word)| {
				tensor(
					&self.memory,
					*word,
					&TensorType::f32(declared.shape.clone()),
				)
			})
			.collect()
	}

	/// Reads a value that is an output.
	fn read_value(&self, plan: &Plan, value: usize, words: &mut [u32]) -> Result<(), EngineError> {
		match plan.places[value] {
			Place::Own(word) => self.memory.read(word, words)?,
			Place::Input(input) => {
				if let Some(memory) = self.inputs.get(input).and_then(Option::as_ref) {
					memory.read(0, words)?;
				}
			}
		}
		Ok(())
	}
}
