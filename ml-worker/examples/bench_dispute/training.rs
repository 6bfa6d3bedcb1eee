//! A round that is trained, rightly up to one step in which one bit of one operation's result is flipped.

use crate::programs::{mlp, Numbers, Optimiser};
use ml_worker::{
	dataset::segments::Part,
	training::{run::Run, State},
};
use ml_worker_engine::{Engine, EngineOptions};
use pouw_dispute::{data_root, Facts, Start, Subject};
use pouw_primitives::spec::TrainingSpec;
use repops::{
	check::{check, Checked, Limits, Role},
	commit::{state_root, tensor_root, trace_root, Hash},
	interpret::Bindings,
	program::{
		Bits, Initialiser, Input, Operation, OperationKind, Output, Program, Relation, Source,
		StateRole, StateTensor, Target, ValueId,
	},
	random::Seed,
	tensor::{Tensor, TensorType},
};
use std::{num::NonZeroUsize, ops::ControlFlow, sync::Arc};

/// Rows of a batch.
pub(crate) const BATCH: u32 = 32;
/// Segments of the round.
pub(crate) const SEGMENTS: u32 = 8;
/// Steps of a segment.
pub(crate) const STEPS: u32 = 16;
/// The segment with the wrong step, and the step within it.
pub(crate) const SEGMENT: u32 = 5;
pub(crate) const STEP: u64 = 9;

const ROWS: u32 = 2_048;
const SEED: Seed = Seed([11; 32]);
/// The highest bit of a number's fraction.
const FLIPPED: u32 = 1 << 22;

/// What was computed wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
	/// The gradient of the largest weight matrix.
	Gradient,
	/// The forward product with the longest sums.
	Product,
}

/// An operation of a network's step program, and the first of the state's tensors that goes wrong with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
	pub(crate) operation: u32,
	pub(crate) tensor: u32,
}

impl Wrong {
	/// Where that is in a network of these sizes.
	pub(crate) fn place(self, program: &Checked, sizes: &[u32]) -> Place {
		let layers = 0..sizes.len() - 1;
		let layer = match self {
			Wrong::Gradient => layers
				.rev()
				.max_by_key(|layer| u64::from(sizes[*layer]) * u64::from(sizes[layer + 1])),
			Wrong::Product => layers.rev().max_by_key(|layer| sizes[*layer]),
		};
		let layer = layer.expect("there are layers");
		// A layer's weights, their velocity, the bias, its velocity.
		let weights = 4 * layer;
		let shape = &program.program().state[weights].shape;
		let weights_value = program
			.program()
			.inputs
			.iter()
			.position(|input| input.source == Source::State(weights as u16))
			.expect("a step reads its weights") as ValueId;
		let inputs = program.program().inputs.len();
		let is_it = |(operation, kind): (&Operation, &TensorType)| {
			let OperationKind::MatMul {
				transpose_left,
				transpose_right,
			} = operation.kind
			else {
				return false;
			};
			match self {
				Wrong::Gradient => transpose_left && kind.shape == *shape,
				Wrong::Product => {
					!transpose_left && !transpose_right && operation.operands[1] == weights_value
				}
			}
		};
		// The gradient of the first layer comes last.
		let operations = program.program().operations.iter();
		let operation = operations.zip(&program.types()[inputs..]).rposition(is_it);
		Place {
			operation: operation.expect("every layer has these") as u32,
			// A wrong sum within changes the gradients of all layers.
			tensor: match self {
				Wrong::Gradient => weights as u32,
				Wrong::Product => 0,
			},
		}
	}
}

/// The step program of a network of these sizes, within limits that the largest one needs.
pub(crate) fn program(sizes: &[u32]) -> Checked {
	let optimiser = Optimiser::Momentum {
		rate: 0.01,
		momentum: 0.9,
	};
	let limits = Limits {
		live_bytes: u64::MAX,
		..Limits::default()
	};
	let program = mlp(sizes, BATCH, ROWS, optimiser);
	check(&program, Role::Step, &limits).expect("the program is right")
}

/// A network, trained up to the wrong step.
pub(crate) struct Trained {
	pub(crate) run: Arc<Run>,
	/// The roots of the checkpoints up to the start of the segment in question.
	checkpoints: Vec<Hash>,
	/// The state there, and the one before the step in question.
	pub(crate) start: State,
	before: State,
}

fn run(program: Checked, data: Part) -> Arc<Run> {
	let engine = Engine::new(EngineOptions {
		threads: NonZeroUsize::new(1),
		instruction_set: None,
	});
	let training = TrainingSpec {
		trainers: 1,
		supervisors: 1,
		evaluators: 1,
		rounds: 1,
		steps_per_round: SEGMENTS * STEPS,
		steps_per_segment: STEPS,
		batch: BATCH,
	};
	let engine = engine.expect("one thread and the best instructions there are");
	Arc::new(Run::new(engine, program, training, SEED, data))
}

/// Runs the steps for the batches at these positions.
fn train(run: &Run, state: &State, positions: std::ops::Range<u64>) -> (State, Hash) {
	let done = run.run_steps(state, positions, &mut |_, _| ());
	let done = done.expect("everything is given");
	assert!(done.losses.iter().all(|loss| loss.is_finite()));
	(done.end_state, done.end_root)
}

/// The position of the first batch of a segment.
pub(crate) fn first(segment: u32) -> u64 {
	u64::from(segment) * u64::from(STEPS)
}

impl Trained {
	pub(crate) fn new(sizes: &[u32]) -> Self {
		let mut numbers = Numbers(3);
		let data = Part {
			features: numbers.tensor([ROWS, sizes[0]]),
			labels: numbers.labels(ROWS, sizes[sizes.len() - 1]),
		};
		let run = run(program(sizes), data);
		let mut start = run.initial_state();
		let mut checkpoints = vec![state_root(&start)];
		for segment in 0..SEGMENT {
			let (state, root) = train(&run, &start, first(segment)..first(segment + 1));
			start = state;
			checkpoints.push(root);
		}
		let (before, _) = train(&run, &start, first(SEGMENT)..first(SEGMENT) + STEP);
		Trained {
			run,
			checkpoints,
			start,
			before,
		}
	}

	pub(crate) fn program(&self) -> &Checked {
		self.run.step_program().checked()
	}

	/// What the chain knows of the task.
	pub(crate) fn facts(&self) -> Facts {
		let data = self.run.data();
		Facts {
			seed: SEED,
			data: Some(data_root(&[&data.features, &data.labels].map(tensor_root))),
			..Facts::default()
		}
	}

	/// The greatest element of an operation's result in the step in question, and its bits.
	fn greatest(&self, operation: u32) -> (u64, u32) {
		let position = first(SEGMENT) + STEP;
		let bindings = self.run.bindings(&self.before, position);
		let mut found = None;
		let greatest = |result: &Tensor| {
			let elements = result.as_f32()?.iter().enumerate();
			let (at, element) = elements.max_by(|a, b| a.1.total_cmp(b.1))?;
			Some((at as u64, element.to_bits()))
		};
		let observed = self
			.run
			.step_program()
			.run_observed(&bindings, |index, _, result| {
				if index != operation {
					return ControlFlow::Continue(());
				}
				found = greatest(result);
				ControlFlow::Break(())
			});
		observed.expect("everything is given");
		found.expect("the operation has elements")
	}

	/// The rest of the round with a wrong element in one operation of the step in question.
	pub(crate) fn go_wrong(&self, wrong: Wrong, sizes: &[u32]) -> WronglyTrained {
		let place = wrong.place(self.program(), sizes);
		let (element, bits) = self.greatest(place.operation);
		let bits = Bits(bits ^ FLIPPED);
		let (faulty, indicator) = faulty(self.program(), place.operation, element, bits);
		let run = run(faulty, self.run.data().clone());
		let mut before = self.before.clone();
		before.push(indicator);
		let position = first(SEGMENT) + STEP;
		let (mut after, _) = train(&run, &before, position..position + 1);
		after.pop();
		let mut checkpoints = self.checkpoints.clone();
		let (mut state, root) = train(&self.run, &after, position + 1..first(SEGMENT + 1));
		checkpoints.push(root);
		for segment in SEGMENT + 1..SEGMENTS {
			let (next, root) = train(&self.run, &state, first(segment)..first(segment + 1));
			state = next;
			checkpoints.push(root);
		}
		WronglyTrained {
			place,
			element,
			run,
			before,
			after,
			checkpoints,
		}
	}
}

/// The rest of a round that went wrong.
pub(crate) struct WronglyTrained {
	pub(crate) place: Place,
	pub(crate) element: u64,
	/// Of the program in which the element is wrong.
	pub(crate) run: Arc<Run>,
	/// What that program starts from in the wrong step.
	pub(crate) before: State,
	/// The state after that step.
	pub(crate) after: State,
	/// The roots of all checkpoints of the round.
	pub(crate) checkpoints: Vec<Hash>,
}

impl WronglyTrained {
	/// What the trainer has committed to.
	pub(crate) fn subject(&self) -> Subject {
		Subject::Round {
			trace: trace_root(&self.checkpoints),
			end: *self.checkpoints.last().expect("a round has checkpoints"),
			segments: SEGMENTS,
			steps_per_segment: STEPS,
			first_position: 0,
			start: Start::Initial,
		}
	}
}

/// The value of a program as [`faulty`] has it: one more input, and where the operation's result was read, that
/// in which the element is replaced.
pub(crate) fn moved(value: ValueId, inputs: ValueId, operation: u32) -> ValueId {
	match value {
		input if input < inputs => input,
		before if before < inputs + operation => before + 1,
		other => other + 3,
	}
}

/// The program in which one element of an operation's result has other bits. One more tensor of the state, which
/// is returned, says where: so the engine computes all that follows from it.
fn faulty(checked: &Checked, operation: u32, element: u64, bits: Bits) -> (Checked, Tensor) {
	let mut program: Program = checked.program().clone();
	let inputs = program.inputs.len() as ValueId;
	let kind = checked.types()[(inputs + operation) as usize].clone();
	let indicator = program.state.len() as u16;
	program.state.push(StateTensor {
		name: b"indicator".to_vec(),
		shape: kind.shape.clone(),
		role: StateRole::Optimiser,
		initial: Initialiser::Constant(Bits(0)),
	});
	program.inputs.push(Input {
		source: Source::State(indicator),
		kind: kind.clone(),
	});
	for operand in program
		.operations
		.iter_mut()
		.flat_map(|operation| &mut operation.operands)
	{
		*operand = moved(*operand, inputs, operation);
	}
	for output in &mut program.outputs {
		output.value = moved(output.value, inputs, operation);
	}
	program.outputs.push(Output {
		target: Target::State(indicator),
		value: inputs,
	});
	let result = inputs + 1 + operation;
	let added = [
		Operation {
			kind: OperationKind::CompareScalar(Relation::Equal, 1.0.into()),
			operands: vec![inputs],
		},
		Operation {
			kind: OperationKind::Fill(bits),
			operands: vec![result + 1, result],
		},
	];
	let after = operation as usize + 1;
	program.operations.splice(after..after, added);
	let mut elements = vec![0.0; kind.shape.elements().expect("a checked shape") as usize];
	elements[element as usize] = 1.0;
	let tensor = Tensor::f32(kind.shape, elements).expect("as many elements as the shape has");
	let program = check(&program, Role::Step, &Limits::default());
	(program.expect("it is a step program still"), tensor)
}

/// The times of a training step and of a segment with its commitment.
pub(crate) fn times(trained: &Trained, repeated: u32) -> [std::time::Duration; 2] {
	let (run, start) = (&trained.run, &trained.start);
	let positions = first(SEGMENT)..first(SEGMENT + 1);
	let bindings: Bindings = run.bindings(start, positions.start);
	let session = run.step_program().session(&bindings);
	let mut session = session.expect("everything is given");
	let steps = crate::clock::best(repeated, || {
		session.steps(positions.clone(), |_, _| ControlFlow::Continue(()))
	});
	let segment = crate::clock::best(repeated, || train(run, start, positions.clone()));
	[steps / STEPS, segment]
}
