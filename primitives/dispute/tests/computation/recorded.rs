//! Runs of a program of which every value is kept, right ones and others.

use repops::{
	check::Checked,
	commit::{state_root, Hash},
	interpret::Bindings,
	kernel,
	program::{Operation, OperationKind, Program, Target, ValueId},
	tensor::{Elements, Tensor},
};

/// One element that comes out wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fault {
	/// The step, counted from the round's first.
	pub(crate) step: u64,
	/// The operation's index in the program.
	pub(crate) operation: usize,
	/// The element of its result.
	pub(crate) element: usize,
	/// The bits that are flipped; not 0.
	pub(crate) flip: u32,
}

/// What is done wrong in a round. Steps count from the round's first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Corruption {
	/// An element of an operation's result in one step.
	Element(Fault),
	/// One step takes the rows of the batch after its own.
	Rows {
		/// The step.
		step: u64,
	},
	/// From this step on nothing is trained: each step leaves the state as it was.
	Idle {
		/// The first such step.
		from: u64,
	},
	/// An element of the start state: of the initial state's tensor `operation`, or of the result of this
	/// operation of the merge.
	Start(Fault),
}

pub(crate) fn flip(tensor: &mut Tensor, element: usize, bits: u32) {
	match &mut tensor.elements {
		Elements::F32(elements) => {
			elements[element] = f32::from_bits(elements[element].to_bits() ^ bits)
		}
		Elements::U32(elements) => elements[element] ^= bits,
	}
}

impl Corruption {
	/// Spoils a result in this step.
	fn spoil(
		self,
		step: u64,
		index: usize,
		program: &Program,
		bindings: &Bindings,
		result: &mut Tensor,
	) {
		match self {
			Corruption::Element(fault) if (fault.step, fault.operation) == (step, index) => {
				flip(result, fault.element, fault.flip)
			}
			Corruption::Rows { step: at } if at == step => {
				let Operation { kind, operands } = &program.operations[index];
				if let OperationKind::BatchRows { .. } = kind {
					let next = Bindings {
						position: bindings.position + 1,
						..*bindings
					};
					let read = |value: &ValueId| {
						let source = program.inputs[*value as usize].source;
						next.get(source).unwrap().into_owned()
					};
					let operands: Vec<Tensor> = operands.iter().map(read).collect();
					let operands: Vec<&Tensor> = operands.iter().collect();
					*result = kernel::apply(kind, &operands).unwrap();
				}
			}
			Corruption::Idle { from } if from <= step => {
				let value = (program.inputs.len() + index) as ValueId;
				for output in &program.outputs {
					if let (Target::State(tensor), true) = (output.target, output.value == value) {
						*result = bindings.state[usize::from(tensor)].clone();
					}
				}
			}
			_ => (),
		}
	}
}

/// All values of consecutive runs of a program.
pub(crate) struct Recorded {
	inputs: usize,
	/// The states before the first run and after each.
	states: Vec<Vec<Tensor>>,
	/// The values of each run.
	values: Vec<Vec<Tensor>>,
}

impl Recorded {
	/// Runs the program so many times, each on the state that the run before has left, for consecutive
	/// batches. `first` is the number of the first step in its round.
	pub(crate) fn run(
		program: &Checked,
		bindings: &Bindings,
		first: u64,
		steps: u64,
		corruption: Option<Corruption>,
	) -> Self {
		let mut recorded = Self::without_steps(bindings.state);
		recorded.inputs = program.program().inputs.len();
		for step in 0..steps {
			let state = recorded.states[step as usize].clone();
			let bindings = Bindings {
				state: &state,
				position: bindings.position + step,
				..*bindings
			};
			let values = run_step(program.program(), &bindings, first + step, corruption);
			recorded.states.push(state_of(program.program(), &values));
			recorded.values.push(values);
		}
		recorded
	}

	/// A state and nothing more.
	pub(crate) fn without_steps(state: &[Tensor]) -> Self {
		Recorded {
			inputs: 0,
			states: vec![state.to_vec()],
			values: vec![],
		}
	}

	/// The state after so many steps.
	pub(crate) fn state(&self, steps: u64) -> &[Tensor] {
		&self.states[steps as usize]
	}

	/// The state that a step makes, or without steps the only state.
	pub(crate) fn after(&self, step: u64) -> &[Tensor] {
		self.states
			.get(step as usize + 1)
			.unwrap_or(&self.states[0])
	}

	/// The last state.
	pub(crate) fn into_end(mut self) -> Vec<Tensor> {
		self.states.pop().expect("there is a start")
	}

	pub(crate) fn root(&self, steps: u64) -> Hash {
		state_root(self.state(steps))
	}

	pub(crate) fn value(&self, step: u64, value: ValueId) -> &Tensor {
		&self.values[step as usize][value as usize]
	}

	/// The results of a step's operations.
	pub(crate) fn results(&self, step: u64) -> &[Tensor] {
		&self.values[step as usize][self.inputs..]
	}
}

/// All values of one step: the inputs, then the operations' results.
fn run_step(
	program: &Program,
	bindings: &Bindings,
	step: u64,
	corruption: Option<Corruption>,
) -> Vec<Tensor> {
	let inputs = program.inputs.iter();
	let mut values: Vec<Tensor> = inputs
		.map(|input| bindings.get(input.source).unwrap().into_owned())
		.collect();
	for (index, operation) in program.operations.iter().enumerate() {
		let operands: Vec<&Tensor> = operation
			.operands
			.iter()
			.map(|value| &values[*value as usize])
			.collect();
		let mut result = kernel::apply(&operation.kind, &operands).unwrap();
		if let Some(corruption) = corruption {
			corruption.spoil(step, index, program, bindings, &mut result);
		}
		values.push(result);
	}
	values
}

fn state_of(program: &Program, values: &[Tensor]) -> Vec<Tensor> {
	let output = |tensor| {
		let mut outputs = program.outputs.iter();
		let found = outputs.find(|output| output.target == Target::State(tensor));
		found.map(|output| values[output.value as usize].clone())
	};
	(0..program.state.len() as u16).map_while(output).collect()
}
