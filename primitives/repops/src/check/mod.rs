//! The check of a program before it runs. What a stranger sends is input like any other: it is refused
//! with the place and the reason, and after the check every operation is defined and bounded.

mod error;
mod infer;

pub use error::{Counted, ProgramError, Reason};
pub use infer::{cost, infer};

use crate::{
	program::{
		Bits, Initialiser, OperationKind, Program, Source, Target, ValueId, ARITHMETIC_VERSION,
	},
	tensor::{DType, Shape, TensorType},
};
use alloc::{collections::BTreeSet, vec, vec::Vec};

/// Bounds on programs. The defaults suit a machine with 16 GiB of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
	/// Bytes of the encoding, the tag included.
	pub encoded_bytes: u32,
	/// State tensors.
	pub state_tensors: u32,
	/// Bytes of a state tensor's name.
	pub name_bytes: u32,
	/// Inputs.
	pub inputs: u32,
	/// Operations.
	pub operations: u32,
	/// Axes of a value.
	pub rank: u32,
	/// Elements of a value.
	pub elements: u64,
	/// Bytes of the values that are alive together. The whole state, read or not, and the inputs live from
	/// start to end; an operation's value lives from its operation to its last use, an output to the end. A
	/// value that becomes more than one output, and an input that becomes one, is copied for it, and the copy
	/// lives as long as an input.
	pub live_bytes: u64,
	/// Multiply-adds of one run; see [`cost`].
	pub multiply_adds: u64,
}

impl Default for Limits {
	fn default() -> Self {
		Limits {
			encoded_bytes: 1 << 20,
			state_tensors: 1 << 12,
			name_bytes: 128,
			inputs: 1 << 16,
			operations: 1 << 14,
			rank: 4,
			elements: 1 << 28,
			live_bytes: 8 << 30,
			multiply_adds: 1 << 42,
		}
	}
}

/// What a program is for. It decides what the program may read and what it must return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
	/// A training step: from state, data, seed and position to a new state and the loss.
	Step,
	/// The evaluation of a model: from state and data to the number of right answers.
	Evaluate,
	/// The merge of sealed updates: from the state before the round and the updates to a new state.
	Merge {
		/// The number of updates.
		updates: u16,
	},
}

/// A program that has passed [`check`], and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
	program: Program,
	role: Role,
	types: Vec<TensorType>,
	last_uses: Vec<usize>,
	cost: u64,
	live_bytes: u64,
}

impl Checked {
	/// The program.
	pub fn program(&self) -> &Program {
		&self.program
	}

	/// The role that it was checked for.
	pub fn role(&self) -> Role {
		self.role
	}

	/// The type of each value: the inputs, then the operations' results.
	pub fn types(&self) -> &[TensorType] {
		&self.types
	}

	/// For each value the index of the last operation that reads it. An output's is the number of
	/// operations: it lives to the end.
	pub fn last_uses(&self) -> &[usize] {
		&self.last_uses
	}

	/// The multiply-adds of one run; see [`cost`].
	pub fn cost(&self) -> u64 {
		self.cost
	}

	/// The bytes of the values that are alive together, at most; see [`Limits::live_bytes`].
	pub fn live_bytes(&self) -> u64 {
		self.live_bytes
	}

	/// The bytes of the state's elements.
	pub fn state_bytes(&self) -> u64 {
		state_bytes(&self.program)
	}

	/// The sources that an output depends on, in the order of the inputs; none if there is no such output.
	/// The program is taken as it is written: a product with 0 depends on the other factor.
	pub fn dependencies(&self, target: Target) -> Vec<Source> {
		let inputs = self.program.inputs.len();
		let mut needed = vec![false; self.types.len()];
		let need = |needed: &mut Vec<bool>, value: ValueId| {
			if let Some(place) = needed.get_mut(value as usize) {
				*place = true;
			}
		};
		for output in &self.program.outputs {
			if output.target == target {
				need(&mut needed, output.value);
			}
		}
		for (index, operation) in self.program.operations.iter().enumerate().rev() {
			if needed.get(inputs + index) == Some(&true) {
				for value in &operation.operands {
					need(&mut needed, *value);
				}
			}
		}
		let read = self.program.inputs.iter().zip(needed);
		read.filter(|(_, needed)| *needed)
			.map(|(input, _)| input.source)
			.collect()
	}
}

/// Checks a program for a role, within limits.
pub fn check(program: &Program, role: Role, limits: &Limits) -> Result<Checked, ProgramError> {
	if program.version != ARITHMETIC_VERSION {
		return Err(ProgramError::Version {
			expected: ARITHMETIC_VERSION,
			found: program.version,
		});
	}
	at_most(
		Counted::StateTensors,
		limits.state_tensors,
		program.state.len(),
	)?;
	at_most(Counted::Inputs, limits.inputs, program.inputs.len())?;
	at_most(
		Counted::Operations,
		limits.operations,
		program.operations.len(),
	)?;
	// One for each state tensor, and the loss.
	at_most(
		Counted::Outputs,
		limits.state_tensors.saturating_add(1),
		program.outputs.len(),
	)?;

	check_state(program, limits)?;
	let mut types = Vec::with_capacity(program.inputs.len() + program.operations.len());
	let rows = check_inputs(program, role, limits, &mut types)?;
	let cost = check_operations(program, rows, limits, &mut types)?;
	check_outputs(program, role, &types)?;
	let last_uses = check_uses(program, types.len())?;
	let live_bytes = live_bytes(program, &types, &last_uses);
	if live_bytes > limits.live_bytes {
		return Err(ProgramError::TooMany {
			what: Counted::LiveBytes,
			limit: limits.live_bytes,
			found: live_bytes,
		});
	}
	Ok(Checked {
		program: program.clone(),
		role,
		types,
		last_uses,
		cost,
		live_bytes,
	})
}

fn at_most(what: Counted, limit: u32, found: usize) -> Result<(), ProgramError> {
	if found > limit as usize {
		return Err(ProgramError::TooMany {
			what,
			limit: u64::from(limit),
			found: found as u64,
		});
	}
	Ok(())
}

pub(crate) fn check_shape(shape: &Shape, limits: &Limits) -> Result<(), Reason> {
	if shape.rank() == 0 || shape.rank() > limits.rank as usize {
		return Err(Reason::Rank {
			found: shape.rank() as u32,
		});
	}
	if shape.0.contains(&0) {
		return Err(Reason::EmptyAxis);
	}
	match shape.elements() {
		Some(elements) if elements <= limits.elements => Ok(()),
		found => Err(Reason::TooManyElements {
			limit: limits.elements,
			found,
		}),
	}
}

fn check_state(program: &Program, limits: &Limits) -> Result<(), ProgramError> {
	let mut names = BTreeSet::new();
	for (tensor, index) in program.state.iter().zip(0u32..) {
		let refuse = |reason| ProgramError::State { index, reason };
		let length_fits =
			!tensor.name.is_empty() && tensor.name.len() <= limits.name_bytes as usize;
		if !length_fits || core::str::from_utf8(&tensor.name).is_err() {
			return Err(refuse(Reason::Name));
		}
		if !names.insert(&tensor.name) {
			return Err(refuse(Reason::Duplicate));
		}
		check_shape(&tensor.shape, limits).map_err(refuse)?;
		check_initialiser(tensor.initial).map_err(refuse)?;
	}
	Ok(())
}

fn check_initialiser(initialiser: Initialiser) -> Result<(), Reason> {
	let finite = |bits: Bits| f32::from(bits).is_finite();
	let defined = match initialiser {
		Initialiser::Constant(value) => finite(value),
		Initialiser::Uniform { low, high } => {
			let (low, high) = (f32::from(low), f32::from(high));
			low.is_finite() && high.is_finite() && low < high && (high - low).is_finite()
		}
		Initialiser::Normal { mean, deviation } => {
			finite(mean) && finite(deviation) && f32::from(deviation) >= 0.0
		}
	};
	if defined {
		Ok(())
	} else {
		Err(Reason::Initialiser)
	}
}

/// Gives the number of rows of the data set, if the program reads any of it.
fn check_inputs(
	program: &Program,
	role: Role,
	limits: &Limits,
	types: &mut Vec<TensorType>,
) -> Result<Option<u32>, ProgramError> {
	let mut sources = BTreeSet::new();
	let mut rows = None;
	for (input, index) in program.inputs.iter().zip(0u32..) {
		let refuse = |reason| ProgramError::Input { index, reason };
		if !sources.insert(source_order(input.source)) {
			return Err(refuse(Reason::Duplicate));
		}
		check_shape(&input.kind.shape, limits).map_err(refuse)?;
		check_source(program, role, input.source, &input.kind).map_err(refuse)?;
		if matches!(input.source, Source::Features | Source::Labels) {
			let found = input.kind.shape.0.first().copied().unwrap_or(0);
			match rows {
				Some(expected) if expected != found => {
					return Err(refuse(Reason::RowCount { expected, found }))
				}
				_ => rows = Some(found),
			}
		}
		types.push(input.kind.clone());
	}
	Ok(rows)
}

/// A key that is the same for the same source only.
fn source_order(source: Source) -> (u8, u16, u16) {
	match source {
		Source::State(tensor) => (0, tensor, 0),
		Source::Features => (1, 0, 0),
		Source::Labels => (2, 0, 0),
		Source::Seed => (3, 0, 0),
		Source::Position => (4, 0, 0),
		Source::Update { update, tensor } => (5, update, tensor),
	}
}

fn check_source(
	program: &Program,
	role: Role,
	source: Source,
	found: &TensorType,
) -> Result<(), Reason> {
	let state_type = |tensor: u16| match program.state.get(usize::from(tensor)) {
		Some(declared) => Ok(TensorType {
			dtype: DType::F32,
			shape: declared.shape.clone(),
		}),
		None => Err(Reason::NoSuchState(tensor)),
	};
	let expected = match (source, role) {
		(Source::State(tensor), _) => state_type(tensor)?,
		(Source::Features, Role::Step | Role::Evaluate) => TensorType {
			dtype: DType::F32,
			shape: found.shape.clone(),
		},
		(Source::Labels, Role::Step | Role::Evaluate) => {
			TensorType::u32([found.shape.0.first().copied().unwrap_or(0)])
		}
		(Source::Seed, Role::Step) => TensorType::u32([8]),
		(Source::Position, Role::Step) => TensorType::u32([2]),
		(Source::Update { update, tensor }, Role::Merge { updates }) => {
			if update >= updates {
				return Err(Reason::NoSuchState(update));
			}
			state_type(tensor)?
		}
		_ => return Err(Reason::SourceNotAllowed(source)),
	};
	if *found != expected {
		return Err(Reason::Type {
			expected,
			found: found.clone(),
		});
	}
	if source == Source::Features && found.shape.rank() < 2 {
		return Err(Reason::Rank {
			found: found.shape.rank() as u32,
		});
	}
	Ok(())
}

/// Gives the multiply-adds of all operations.
fn check_operations(
	program: &Program,
	rows: Option<u32>,
	limits: &Limits,
	types: &mut Vec<TensorType>,
) -> Result<u64, ProgramError> {
	let mut sum = 0u64;
	for (operation, index) in program.operations.iter().zip(0u32..) {
		let refuse = |reason| ProgramError::Operation { index, reason };
		// No operation takes more than three; the count itself is checked by `infer`.
		let mut operands = Vec::with_capacity(operation.operands.len().min(4));
		for value in operation.operands.iter().take(4) {
			let operand = types.get(*value as usize);
			operands.push(operand.ok_or(refuse(Reason::OperandOrder { value: *value }))?);
		}
		let result = infer(&operation.kind, &operands).map_err(refuse)?;
		check_shape(&result.shape, limits).map_err(refuse)?;
		if let (OperationKind::BatchRows { population, .. }, Some(expected)) =
			(&operation.kind, rows)
		{
			if *population != expected {
				return Err(refuse(Reason::RowCount {
					expected,
					found: *population,
				}));
			}
		}
		sum = cost(&operation.kind, &operands, &result)
			.and_then(|cost| sum.checked_add(cost))
			.unwrap_or(u64::MAX);
		if sum > limits.multiply_adds {
			return Err(ProgramError::TooMany {
				what: Counted::MultiplyAdds,
				limit: limits.multiply_adds,
				found: sum,
			});
		}
		types.push(result);
	}
	Ok(sum)
}

fn check_outputs(program: &Program, role: Role, types: &[TensorType]) -> Result<(), ProgramError> {
	let mut states = vec![false; program.state.len()];
	let mut scalar = false;
	for (output, index) in program.outputs.iter().zip(0u32..) {
		let refuse = |reason| ProgramError::Output { index, reason };
		let (expected, seen) = match (output.target, role) {
			(Target::State(tensor), Role::Step | Role::Merge { .. }) => {
				let at = usize::from(tensor);
				let (Some(declared), Some(seen)) = (program.state.get(at), states.get_mut(at))
				else {
					return Err(refuse(Reason::NoSuchState(tensor)));
				};
				(
					TensorType {
						dtype: DType::F32,
						shape: declared.shape.clone(),
					},
					seen,
				)
			}
			(Target::Loss, Role::Step) => (TensorType::f32([1]), &mut scalar),
			(Target::Correct, Role::Evaluate) => (TensorType::u32([1]), &mut scalar),
			(target, _) => return Err(refuse(Reason::TargetNotAllowed(target))),
		};
		if core::mem::replace(seen, true) {
			return Err(refuse(Reason::Duplicate));
		}
		let value = output.value;
		let found = types
			.get(value as usize)
			.ok_or(refuse(Reason::NoSuchValue { value }))?;
		if *found != expected {
			return Err(refuse(Reason::Type {
				expected,
				found: found.clone(),
			}));
		}
	}
	if program.state.is_empty() && role != Role::Evaluate {
		// Nothing would be trained, and nothing could be disputed.
		return Err(ProgramError::MissingOutput(Target::State(0)));
	}
	let missing = states
		.iter()
		.position(|seen| !seen)
		.map(|tensor| Target::State(tensor as u16));
	match role {
		Role::Step if !scalar => Err(ProgramError::MissingOutput(Target::Loss)),
		Role::Evaluate if !scalar => Err(ProgramError::MissingOutput(Target::Correct)),
		Role::Step | Role::Merge { .. } => {
			missing.map_or(Ok(()), |target| Err(ProgramError::MissingOutput(target)))
		}
		Role::Evaluate => Ok(()),
	}
}

/// Gives the last use of each value; refuses a value that is never used.
fn check_uses(program: &Program, values: usize) -> Result<Vec<usize>, ProgramError> {
	let mut last_uses = vec![None; values];
	let operations = program.operations.iter().enumerate();
	let reads = operations
		.flat_map(|(index, operation)| operation.operands.iter().map(move |value| (*value, index)));
	let keeps = program
		.outputs
		.iter()
		.map(|output| (output.value, program.operations.len()));
	for (value, index) in reads.chain(keeps) {
		if let Some(last_use) = last_uses.get_mut(value as usize) {
			*last_use = Some(index);
		}
	}
	if let Some(value) = last_uses.iter().position(Option::is_none) {
		let reason = Reason::Unused;
		return Err(match value.checked_sub(program.inputs.len()) {
			Some(index) => ProgramError::Operation {
				index: index as u32,
				reason,
			},
			None => ProgramError::Input {
				index: value as u32,
				reason,
			},
		});
	}
	Ok(last_uses.into_iter().flatten().collect())
}

fn bytes_of(shape: &Shape) -> u64 {
	shape.elements().unwrap_or(u64::MAX).saturating_mul(4)
}

fn state_bytes(program: &Program) -> u64 {
	let bytes = program.state.iter().map(|tensor| bytes_of(&tensor.shape));
	bytes.fold(0, u64::saturating_add)
}

/// The bytes of the copies of values that become an output although they are an input or another output.
fn copied_bytes(program: &Program, types: &[TensorType]) -> u64 {
	let mut taken = vec![false; types.len()];
	for place in taken.iter_mut().take(program.inputs.len()) {
		*place = true;
	}
	let mut sum = 0u64;
	for output in &program.outputs {
		let value = output.value as usize;
		if core::mem::replace(&mut taken[value], true) {
			sum = sum.saturating_add(bytes_of(&types[value].shape));
		}
	}
	sum
}

fn live_bytes(program: &Program, types: &[TensorType], last_uses: &[usize]) -> u64 {
	let bytes = |value: usize| bytes_of(&types[value].shape);
	let inputs = program.inputs.len();
	let mut dying = vec![0u64; program.operations.len() + 1];
	// A state tensor that is read is the input that reads it.
	let others = (0..inputs)
		.filter(|input| !matches!(program.inputs[*input].source, Source::State(_)))
		.map(bytes);
	let mut live = others
		.fold(state_bytes(program), u64::saturating_add)
		.saturating_add(copied_bytes(program, types));
	let mut most = live;
	for index in 0..program.operations.len() {
		let own = bytes(inputs + index);
		live = live.saturating_add(own);
		most = most.max(live);
		let death = &mut dying[last_uses[inputs + index]];
		*death = death.saturating_add(own);
		live = live.saturating_sub(dying[index]);
	}
	most
}
