//! What a party of a dispute computes of what is in dispute.
//!
//! A dispute asks for little: roots of states at a few steps, then, for one step, the roots of all operations'
//! results and a few values. Everything is computed from the start of what is in dispute when it is asked for,
//! and only what the next question is likely to need is kept. So nothing has to be on disk, and a party that was
//! started again goes on where it was.

use super::{evaluation::Evaluation, run::Run, State, TrainingError};
use ml_worker_engine::Compiled;
use pouw_dispute::Computation;
use repops::{
	commit::{state_root_from_tensor_roots, Hash},
	interpret::Bindings,
	program::ValueId,
	tensor::Tensor,
};
use std::{
	collections::{BTreeMap, HashMap},
	ops::{ControlFlow, Range},
	sync::Arc,
};

/// The most bytes of states between the start and the end of what is in dispute that are kept for the next
/// question.
const KEPT_BYTES: usize = 512 << 20;

/// Another way to make the steps for the batches at these positions.
#[cfg(feature = "faults")]
pub type Departure =
	Box<dyn Fn(&Run, &State, Range<u64>) -> Result<State, TrainingError> + Send + Sync>;

/// A party's own computation of what is in dispute.
pub struct OwnComputation {
	run: Arc<Run>,
	disputed: Disputed,
	/// States after so many steps; the one before the first is always there.
	states: BTreeMap<u64, Arc<State>>,
	/// The roots of the tensors of the state after so many steps.
	tensor_roots: HashMap<u64, Vec<Hash>>,
	/// The roots of all operations' results of a step.
	results: Option<(u64, Vec<Hash>)>,
	/// An operation's result and what it was made of, for a step.
	values: Option<(u64, HashMap<ValueId, Tensor>)>,
	data_roots: Option<[Hash; 2]>,
	#[cfg(feature = "faults")]
	departure: Option<Departure>,
	/// A number of right answers that is claimed though it is another one.
	#[cfg(feature = "faults")]
	claimed: Option<u32>,
}

/// What is in dispute.
enum Disputed {
	/// The checkpoints of a round: those that this party has claimed, and the one that it says is wrong.
	Trace { own: Vec<Hash>, wrong: Option<u32> },
	/// The state that the task starts from.
	Initial,
	/// A merge of these states.
	Merge {
		program: Compiled,
		updates: Vec<State>,
	},
	/// Steps, the first one for this batch.
	Steps { first_position: u64 },
	/// The number of right answers of a state.
	Evaluation(Arc<Evaluation>),
}

impl OwnComputation {
	/// For a defender that is to open its trace: the roots that it has claimed.
	pub fn of_trace(run: Arc<Run>, own: Vec<Hash>) -> Self {
		Self::new(run, Disputed::Trace { own, wrong: None }, None)
	}

	/// For a challenger that is to say which checkpoint of an opened trace is wrong.
	pub fn of_wrong_checkpoint(run: Arc<Run>, wrong: Option<u32>) -> Self {
		let own = Vec::new();
		Self::new(run, Disputed::Trace { own, wrong }, None)
	}

	/// The state that the task starts from.
	pub fn of_initial(run: Arc<Run>) -> Self {
		Self::new(run, Disputed::Initial, None)
	}

	/// The merge of these states, in slot order.
	pub fn of_merge(run: Arc<Run>, updates: Vec<State>) -> Result<Self, TrainingError> {
		let count = u16::try_from(updates.len()).unwrap_or(u16::MAX);
		let program = run.merge_program(count)?;
		Ok(Self::new(run, Disputed::Merge { program, updates }, None))
	}

	/// The steps from this state, the first one for the batch at this position since the task's start.
	pub fn of_steps(run: Arc<Run>, start: State, first_position: u64) -> Self {
		Self::new(run, Disputed::Steps { first_position }, Some(start))
	}

	/// The number of right answers that this state gives.
	pub fn of_evaluation(run: Arc<Run>, evaluation: Arc<Evaluation>, state: State) -> Self {
		Self::new(run, Disputed::Evaluation(evaluation), Some(state))
	}

	fn new(run: Arc<Run>, disputed: Disputed, start: Option<State>) -> Self {
		let start = start.map(|start| (0, Arc::new(start)));
		OwnComputation {
			run,
			disputed,
			states: start.into_iter().collect(),
			tensor_roots: HashMap::new(),
			results: None,
			values: None,
			data_roots: None,
			#[cfg(feature = "faults")]
			departure: None,
			#[cfg(feature = "faults")]
			claimed: None,
		}
	}

	/// Makes a party that stands by what it has made in another way. What operations give it computes rightly,
	/// but says that those which make the new state have given that.
	#[cfg(feature = "faults")]
	pub fn departing(mut self, departure: Departure) -> Self {
		self.departure = Some(departure);
		self
	}

	/// Makes a party that stands by another number of right answers than it computes.
	#[cfg(feature = "faults")]
	pub fn claiming(mut self, correct: u32) -> Self {
		self.claimed = Some(correct);
		self
	}

	/// The state after so many steps.
	fn state(&mut self, steps: u64) -> Result<Arc<State>, TrainingError> {
		if let Some(state) = self.states.get(&steps) {
			return Ok(state.clone());
		}
		let state = match &self.disputed {
			Disputed::Trace { .. } | Disputed::Evaluation(_) => {
				return Err(TrainingError::NotInDispute)
			}
			Disputed::Initial => self.run.initial_state(),
			Disputed::Merge { updates, .. } => self.run.merge(updates)?,
			Disputed::Steps { first_position } => {
				let mut before = self.states.range(..steps);
				let (made, state) = before.next_back().ok_or(TrainingError::NotInDispute)?;
				let position = |steps: u64| first_position.saturating_add(steps);
				self.make_steps(state, position(*made)..position(steps))?
			}
		};
		let state = Arc::new(state);
		self.keep(steps, state.clone());
		Ok(state)
	}

	fn make_steps(&self, state: &State, positions: Range<u64>) -> Result<State, TrainingError> {
		#[cfg(feature = "faults")]
		if let Some(departure) = &self.departure {
			return departure(&self.run, state, positions);
		}
		self.run.state_after(state, positions)
	}

	/// Keeps a state, and lets go of those longest before it where they are too many.
	fn keep(&mut self, steps: u64, state: Arc<State>) {
		let bytes: usize = state.iter().map(|tensor| tensor.len() * 4).sum();
		self.states.insert(steps, state);
		let most = (KEPT_BYTES / bytes.max(1)).max(1);
		// The start doesn't count, nor does it leave.
		while self.states.len() > most.saturating_add(1) {
			let mut between = self
				.states
				.keys()
				.filter(|kept| **kept != 0 && **kept != steps);
			match between.next().copied() {
				Some(first) => self.states.remove(&first),
				None => break,
			};
		}
	}

	fn tensor_roots(&mut self, steps: u64) -> Result<Vec<Hash>, TrainingError> {
		if let Some(roots) = self.tensor_roots.get(&steps) {
			return Ok(roots.clone());
		}
		let state = self.state(steps)?;
		let engine = self.run.engine();
		let roots: Vec<Hash> = state
			.iter()
			.map(|tensor| engine.tensor_root(tensor))
			.collect();
		self.tensor_roots.insert(steps, roots.clone());
		Ok(roots)
	}

	/// The state that the program in question reads; a merge reads none.
	fn state_before(&mut self, step: u64) -> Result<Arc<State>, TrainingError> {
		match &self.disputed {
			Disputed::Steps { .. } | Disputed::Evaluation(_) => self.state(step),
			_ => Ok(Arc::default()),
		}
	}

	/// Does a step of what is in dispute, the merge or the evaluation, and shows each operation's result.
	fn observe(
		&mut self,
		step: u64,
		observe: impl FnMut(u32, &[&Tensor], &Tensor) -> ControlFlow<()>,
	) -> Result<(), TrainingError> {
		let state = self.state_before(step)?;
		let (program, bindings) = self.what_runs(step, &state)?;
		let what = "disputed program";
		let observed = program.run_observed(&bindings, observe);
		observed.map_err(|source| TrainingError::Run { what, source })
	}

	/// The program in question, and what it reads at this step.
	fn what_runs<'a>(
		&'a self,
		step: u64,
		state: &'a State,
	) -> Result<(&'a Compiled, Bindings<'a>), TrainingError> {
		match &self.disputed {
			Disputed::Steps { first_position } => {
				let position = first_position.saturating_add(step);
				let bindings = self.run.bindings(state, position);
				Ok((self.run.step_program(), bindings))
			}
			Disputed::Merge { program, updates } => {
				let bindings = Bindings {
					updates,
					..Bindings::default()
				};
				Ok((program, bindings))
			}
			Disputed::Evaluation(evaluation) => {
				Ok((evaluation.program(), evaluation.bindings(state)))
			}
			_ => Err(TrainingError::NotInDispute),
		}
	}

	fn computed_results(&mut self, step: u64) -> Result<Vec<Hash>, TrainingError> {
		let (run, mut roots) = (self.run.clone(), Vec::new());
		self.observe(step, |_, _, result| {
			roots.push(run.engine().tensor_root(result));
			ControlFlow::Continue(())
		})?;
		Ok(roots)
	}

	/// An operation's result. What it was made of is kept too: the next question may be for that.
	fn computed_value(&mut self, step: u64, value: ValueId) -> Result<Tensor, TrainingError> {
		if let Some((_, kept)) = self.values.as_ref().filter(|(of, _)| *of == step) {
			if let Some(tensor) = kept.get(&value) {
				return Ok(tensor.clone());
			}
		}
		let (operation, inputs) = {
			let empty = State::new();
			let (program, _) = self.what_runs(step, &empty)?;
			let program = program.checked().program();
			let inputs = program.inputs.len() as ValueId;
			let index = value
				.checked_sub(inputs)
				.ok_or(TrainingError::NotInDispute)?;
			let operation = program.operations.get(index as usize);
			(
				operation.ok_or(TrainingError::NotInDispute)?.clone(),
				inputs,
			)
		};
		let mut kept = HashMap::new();
		self.observe(step, |index, operands, result| {
			if inputs.saturating_add(index) != value {
				return ControlFlow::Continue(());
			}
			let values = operation.operands.iter().copied();
			kept = values
				.zip(operands.iter().map(|tensor| (*tensor).clone()))
				.collect();
			kept.insert(value, result.clone());
			ControlFlow::Break(())
		})?;
		let tensor = kept
			.get(&value)
			.cloned()
			.ok_or(TrainingError::NotInDispute)?;
		self.values = Some((step, kept));
		Ok(tensor)
	}

	/// What this party says that an operation of the step gives, if it stands by something else than that gives.
	#[cfg(feature = "faults")]
	fn departed(&mut self, step: u64, operation: u32) -> Result<Option<Tensor>, TrainingError> {
		if self.departure.is_none() && self.claimed.is_none() {
			return Ok(None);
		}
		let empty = State::new();
		let (program, _) = self.what_runs(step, &empty)?;
		let program = program.checked().program();
		let value = (program.inputs.len() as ValueId).checked_add(operation);
		let mut outputs = program.outputs.iter();
		let target = outputs.find(|output| Some(output.value) == value);
		match (target.map(|output| output.target), self.claimed) {
			(Some(repops::program::Target::State(tensor)), None) => {
				let after = self.state(step.saturating_add(1))?;
				Ok(after.get(usize::from(tensor)).cloned())
			}
			(Some(repops::program::Target::Correct), Some(claimed)) => {
				Ok(Tensor::u32([1], vec![claimed]).ok())
			}
			_ => Ok(None),
		}
	}
}

impl Computation for OwnComputation {
	type Error = TrainingError;

	fn checkpoint_roots(&mut self) -> Result<Vec<Hash>, TrainingError> {
		match &self.disputed {
			Disputed::Trace { own, .. } => Ok(own.clone()),
			_ => Err(TrainingError::NotInDispute),
		}
	}

	fn wrong_checkpoint(&mut self, _: &[Hash]) -> Result<Option<u32>, TrainingError> {
		match &self.disputed {
			Disputed::Trace { wrong, .. } => Ok(*wrong),
			_ => Err(TrainingError::NotInDispute),
		}
	}

	fn data_roots(&mut self) -> Result<[Hash; 2], TrainingError> {
		let (run, data) = match &self.disputed {
			Disputed::Evaluation(evaluation) => (&self.run, evaluation.data()),
			_ => (&self.run, self.run.data()),
		};
		let roots =
			|| [&data.features, &data.labels].map(|tensor| run.engine().tensor_root(tensor));
		Ok(*self.data_roots.get_or_insert_with(roots))
	}

	fn state_root(&mut self, steps: u64) -> Result<Hash, TrainingError> {
		Ok(state_root_from_tensor_roots(&self.tensor_roots(steps)?))
	}

	fn tensor_roots_before(&mut self, step: u64) -> Result<Vec<Hash>, TrainingError> {
		self.tensor_roots(step)
	}

	fn tensor_roots_after(&mut self, step: u64) -> Result<Vec<Hash>, TrainingError> {
		self.tensor_roots(step.saturating_add(1))
	}

	fn tensor_roots_of_update(&mut self, update: u16) -> Result<Vec<Hash>, TrainingError> {
		let Disputed::Merge { updates, .. } = &self.disputed else {
			return Err(TrainingError::NotInDispute);
		};
		let update = updates.get(usize::from(update));
		let update = update.ok_or(TrainingError::NotInDispute)?;
		let engine = self.run.engine();
		Ok(update
			.iter()
			.map(|tensor| engine.tensor_root(tensor))
			.collect())
	}

	fn result_roots(&mut self, step: u64) -> Result<Vec<Hash>, TrainingError> {
		if let Some((_, roots)) = self.results.as_ref().filter(|(of, _)| *of == step) {
			return Ok(roots.clone());
		}
		#[cfg_attr(not(feature = "faults"), allow(unused_mut))]
		let mut roots = self.computed_results(step)?;
		#[cfg(feature = "faults")]
		for (operation, root) in (0u32..).zip(&mut roots) {
			if let Some(claimed) = self.departed(step, operation)? {
				*root = self.run.engine().tensor_root(&claimed);
			}
		}
		self.results = Some((step, roots.clone()));
		Ok(roots)
	}

	fn value(&mut self, step: u64, value: ValueId) -> Result<Tensor, TrainingError> {
		let state = self.state_before(step)?;
		let (program, bindings) = self.what_runs(step, &state)?;
		if let Some(input) = program.checked().program().inputs.get(value as usize) {
			let tensor = bindings.get(input.source);
			return Ok(tensor.ok_or(TrainingError::NotInDispute)?.into_owned());
		}
		#[cfg(feature = "faults")]
		{
			let inputs = program.checked().program().inputs.len() as ValueId;
			if let Some(claimed) = self.departed(step, value.saturating_sub(inputs))? {
				return Ok(claimed);
			}
		}
		self.computed_value(step, value)
	}

	fn initial(&mut self, tensor: u16) -> Result<Tensor, TrainingError> {
		match &self.disputed {
			Disputed::Initial => (),
			_ => return Err(TrainingError::NotInDispute),
		}
		let state = self.state(1)?;
		let tensor = state.get(usize::from(tensor));
		Ok(tensor.ok_or(TrainingError::NotInDispute)?.clone())
	}
}
