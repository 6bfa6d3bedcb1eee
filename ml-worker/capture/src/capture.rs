//! Runs a model on the recording backend and makes programs of what was recorded.

use crate::{
	error::CaptureError,
	graph::Finished,
	lower::Lowering,
	optimiser::{self, state_index},
	parameter::{parameters, Parameter},
	record::{record, recorded_so_far, Recorder, Recording, Tape, TapeDevice, Training},
	spec::OptimiserSpec,
};
use burn::{
	module::Module,
	nn::loss::CrossEntropyLossConfig,
	tensor::{backend::Backend, Int, Tensor},
};
use burn_ir::TensorId;
use repops::{
	check::{check, Limits, ProgramError, Role},
	program::{Program, Relation, Source, StateRole, StateTensor, Target, ValueId},
	tensor::DType,
};

/// A model that can be captured: any Burn module made of supported operations.
///
/// Its functions are run once for each program, on a backend that computes no values; a model may
/// therefore decide nothing by the values of tensors. It must do the same each time.
///
/// ```
/// use burn::{
///     module::Module,
///     nn::{Linear, LinearConfig},
///     tensor::{backend::Backend, Tensor},
/// };
/// use ml_worker_capture::{capture, Model, OptimiserSpec, Sizes};
///
/// #[derive(Module, Debug)]
/// struct Residual<B: Backend> {
///     inner: Linear<B>,
///     head: Linear<B>,
/// }
///
/// struct Mine;
///
/// impl Model for Mine {
///     type Module<B: Backend> = Residual<B>;
///
///     fn init<B: Backend>(&self, device: &B::Device) -> Residual<B> {
///         Residual {
///             inner: LinearConfig::new(64, 64).init(device),
///             head: LinearConfig::new(64, 10).init(device),
///         }
///     }
///
///     fn forward<B: Backend>(&self, module: &Residual<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
///         let y = module.inner.forward(x.clone()).tanh();
///         module.head.forward(x + y)
///     }
/// }
///
/// let optimiser = OptimiserSpec::sgd(0.1).with_clip_norm(1.0);
/// let sizes = Sizes { columns: 64, classes: 10, batch: 32, training_rows: 1437, test_rows: 360 };
/// let programs = capture(&Mine, &optimiser, &sizes)?;
/// assert_eq!(programs.step.state[0].name, b"inner.weight");
/// # Ok::<(), ml_worker_capture::CaptureError>(())
/// ```
pub trait Model {
	/// The module that holds the parameters.
	type Module<B: Backend>: Module<B>;

	/// Makes the module. How its parameters start is taken over into the program: constant, uniform
	/// or normal; the numbers themselves then follow from the task's seed.
	fn init<B: Backend>(&self, device: &B::Device) -> Self::Module<B>;

	/// From features `[rows, columns]` to scores `[rows, classes]`; the greatest score is the answer.
	fn forward<B: Backend>(&self, module: &Self::Module<B>, features: Tensor<B, 2>)
		-> Tensor<B, 2>;

	/// The loss of a batch, `[1]`: what training makes smaller. If not said otherwise it is [`Model::loss`] of
	/// [`Model::forward`]. A model may have more to learn from than the labels, for instance a language model that
	/// foretells each character of its features.
	fn training_loss<B: Backend>(
		&self,
		module: &Self::Module<B>,
		features: Tensor<B, 2>,
		labels: Tensor<B, 1, Int>,
	) -> Tensor<B, 1> {
		self.loss(self.forward(module, features), labels)
	}

	/// From scores and labels `[rows]` to the loss, `[1]`. If not said otherwise it is the mean of the
	/// cross-entropies of the scores' softmax.
	fn loss<B: Backend>(&self, scores: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
		CrossEntropyLossConfig::new()
			.init(&scores.device())
			.forward(scores, labels)
	}
}

/// The sizes that a program is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
	/// The number of features of a sample.
	pub columns: u32,
	/// The number of different labels.
	pub classes: u32,
	/// The number of samples in a step.
	pub batch: u32,
	/// The number of samples to train on.
	pub training_rows: u32,
	/// The number of samples to evaluate on.
	pub test_rows: u32,
}

impl Sizes {
	pub(crate) fn check(&self) -> Result<(), CaptureError> {
		let refuse = |name, value: u32, reason: &str| {
			Err(CaptureError::Setting {
				name,
				value: value.to_string(),
				reason: reason.to_owned(),
			})
		};
		let sizes = [
			("columns", self.columns),
			("batch", self.batch),
			("training_rows", self.training_rows),
			("test_rows", self.test_rows),
		];
		for (name, value) in sizes {
			if value == 0 {
				return refuse(name, value, "it must be at least 1");
			}
		}
		if self.classes < 2 {
			return refuse(
				"classes",
				self.classes,
				"there must be at least 2 to tell apart",
			);
		}
		if self.batch > self.training_rows {
			let reason = format!("there are only {} samples to train on", self.training_rows);
			return refuse("batch", self.batch, &reason);
		}
		Ok(())
	}
}

/// The programs of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
	/// One step of training.
	pub step: Program,
	/// How many of the test samples are answered right.
	pub evaluation: Program,
}

/// Captures a model's training step and its evaluation.
///
/// The same arguments give the same programs, byte by byte.
pub fn capture<M: Model>(
	model: &M,
	optimiser: &OptimiserSpec,
	sizes: &Sizes,
) -> Result<Programs, CaptureError> {
	// Recorded for the shape of the scores: Burn's loss would speak of a wrong one in its own words.
	record_evaluation(model, sizes)?;
	let step = capture_step(model, optimiser, sizes)?;
	let evaluation = capture_evaluation(model, &step.state, sizes)?;
	Ok(Programs { step, evaluation })
}

/// Captures one step of training: batch, loss, gradients, optimiser.
pub fn capture_step<M: Model>(
	model: &M,
	optimiser: &OptimiserSpec,
	sizes: &Sizes,
) -> Result<Program, CaptureError> {
	sizes.check()?;
	optimiser::check(optimiser)?;
	let (recorded, tape) = record_step(model, sizes)?;
	let parameters = &recorded.parameters;
	let mut state = parameters
		.iter()
		.map(|parameter| parameter.declaration(&tape))
		.collect::<Result<_, _>>()?;

	let mut lowering = Lowering::new(&tape, Some(recorded.forward));
	recorded.place(
		&mut lowering,
		sizes.training_rows,
		sizes.columns,
		Some(sizes.batch),
	)?;
	let gradients = parameters.iter().filter_map(|parameter| parameter.gradient);
	lowering.lower(&gradients.chain([recorded.result]).collect::<Vec<_>>())?;

	let mut outputs = vec![(Target::Loss, lowered(&lowering, recorded.result)?)];
	let optimised = parameters
		.iter()
		.map(|parameter| {
			Ok(optimiser::Parameter {
				name: parameter.name.clone(),
				value: lowered(&lowering, parameter.id)?,
				gradient: parameter
					.gradient
					.map(|id| lowered(&lowering, id))
					.transpose()?,
			})
		})
		.collect::<Result<Vec<_>, CaptureError>>()?;
	let mut step = optimiser::Step {
		graph: &mut lowering.graph,
		state: &mut state,
		outputs: &mut outputs,
	};
	optimiser::append(optimiser, optimised, &mut step)?;
	// The state in its order, then the loss.
	outputs.sort_by_key(|(target, _)| match target {
		Target::State(index) => u32::from(*index),
		_ => u32::MAX,
	});
	finish(Role::Step, lowering, state, outputs)
}

/// Captures how many of the test samples a model answers right. `state` is that of its step program.
pub fn capture_evaluation<M: Model>(
	model: &M,
	state: &[StateTensor],
	sizes: &Sizes,
) -> Result<Program, CaptureError> {
	sizes.check()?;
	let (recorded, tape) = record_evaluation(model, sizes)?;
	for (index, parameter) in recorded.parameters.iter().enumerate() {
		let is_declared = state.get(index).is_some_and(|declared| {
			declared.role == StateRole::Parameter
				&& declared.name == parameter.name.as_bytes()
				&& declared.shape.0 == parameter.shape
		});
		if !is_declared {
			let reason = "it isn't the step program's; a model must do the same each time";
			return Err(parameter.refused(reason));
		}
	}

	let mut lowering = Lowering::new(&tape, None);
	let labels = recorded.place(&mut lowering, sizes.test_rows, sizes.columns, None)?;
	lowering.lower(&[recorded.result])?;
	let scores = lowered(&lowering, recorded.result)?;

	let graph = &mut lowering.graph;
	let answers = graph.arg_max(scores, 1);
	let answers = graph.reshape(answers, &[sizes.test_rows]);
	let right = graph.compare(Relation::Equal, answers, labels);
	let correct = graph.count_nonzero(right);
	finish(
		Role::Evaluate,
		lowering,
		state.to_vec(),
		vec![(Target::Correct, correct)],
	)
}

fn record_step<M: Model>(model: &M, sizes: &Sizes) -> Result<(Recorded, Tape), CaptureError> {
	let (recorded, tape) = record(|| {
		let module = model.init::<Training>(&TapeDevice);
		let batch = Batch::<Training>::new(sizes.batch, sizes.columns);
		let loss = model.training_loss(&module, batch.features, batch.labels);
		expect_shape("loss", &loss.dims(), &[1])?;
		let forward = recorded_so_far();
		let gradients = loss.backward();
		Ok(Recorded {
			features: batch.features_id,
			labels: batch.labels_id,
			parameters: parameters::<Training, _>(&module, Some(&gradients))?,
			forward,
			result: Training::id(loss.into_primitive().tensor()),
		})
	})?;
	Ok((recorded?, tape))
}

fn record_evaluation<M: Model>(model: &M, sizes: &Sizes) -> Result<(Recorded, Tape), CaptureError> {
	let (recorded, tape) = record(|| {
		let module = model.init::<Recorder>(&TapeDevice);
		let batch = Batch::<Recorder>::new(sizes.test_rows, sizes.columns);
		let scores = model.forward(&module, batch.features);
		expect_shape("scores", &scores.dims(), &[sizes.test_rows, sizes.classes])?;
		Ok(Recorded {
			features: batch.features_id,
			labels: batch.labels_id,
			parameters: parameters::<Recorder, _>(&module, None)?,
			forward: recorded_so_far(),
			result: Recorder::id(scores.into_primitive().tensor()),
		})
	})?;
	Ok((recorded?, tape))
}

fn finish(
	role: Role,
	mut lowering: Lowering<'_>,
	state: Vec<StateTensor>,
	outputs: Vec<(Target, ValueId)>,
) -> Result<Program, CaptureError> {
	let Finished { program, recorded } = std::mem::take(&mut lowering.graph).finish(state, outputs);
	match check(&program, role, &Limits::default()) {
		Ok(_) => Ok(program),
		Err(ProgramError::Operation { index, reason }) => {
			Err(match recorded.get(index as usize).copied().flatten() {
				Some(recorded) => lowering.breaks_rule(recorded, reason),
				None => CaptureError::Program(ProgramError::Operation { index, reason }),
			})
		}
		Err(error) => Err(CaptureError::Program(error)),
	}
}

fn lowered(lowering: &Lowering<'_>, tensor: TensorId) -> Result<ValueId, CaptureError> {
	lowering.value(tensor).ok_or_else(|| CaptureError::Module {
		message: "it returned a tensor that was made outside of the recording".to_owned(),
	})
}

/// What stands for the data while a model is recorded.
struct Batch<B: Backend> {
	features: Tensor<B, 2>,
	features_id: TensorId,
	labels: Tensor<B, 1, Int>,
	labels_id: TensorId,
}

impl<B: Recording> Batch<B> {
	fn new(rows: u32, columns: u32) -> Self {
		let features = Tensor::<B, 2>::empty([rows as usize, columns as usize], &TapeDevice);
		let labels = Tensor::<B, 1, Int>::empty([rows as usize], &TapeDevice);
		Batch {
			features_id: B::id(features.clone().into_primitive().tensor()),
			labels_id: labels.clone().into_primitive().into_ir().id,
			features,
			labels,
		}
	}
}

/// What is known of a recorded model besides the tape.
struct Recorded {
	features: TensorId,
	labels: TensorId,
	parameters: Vec<Parameter>,
	/// How many operations there were before the gradients' ones.
	forward: usize,
	/// The loss, or the scores.
	result: TensorId,
}

impl Recorded {
	/// Makes parameters and data inputs of the program; of the data all rows, or a batch of so many.
	/// Returns the labels.
	fn place(
		&self,
		lowering: &mut Lowering<'_>,
		rows: u32,
		columns: u32,
		batch: Option<u32>,
	) -> Result<ValueId, CaptureError> {
		for (index, parameter) in self.parameters.iter().enumerate() {
			parameter.place(state_index(index)?, lowering);
		}
		let graph = &mut lowering.graph;
		let mut features = graph.input(Source::Features, DType::F32, &[rows, columns]);
		let mut labels = graph.input(Source::Labels, DType::U32, &[rows]);
		if let Some(batch) = batch {
			let seed = graph.input(Source::Seed, DType::U32, &[8]);
			let position = graph.input(Source::Position, DType::U32, &[2]);
			let chosen = graph.batch_rows(seed, position, rows, batch);
			features = graph.gather_rows(features, chosen);
			labels = graph.gather_rows(labels, chosen);
			lowering.allow_randomness(seed, position);
		}
		lowering.place(self.features, features);
		lowering.place(self.labels, labels);
		Ok(labels)
	}
}

fn expect_shape(what: &'static str, found: &[usize], expected: &[u32]) -> Result<(), CaptureError> {
	match found
		.iter()
		.copied()
		.eq(expected.iter().map(|length| *length as usize))
	{
		true => Ok(()),
		false => Err(CaptureError::Shape {
			what,
			expected: format!("{expected:?}"),
			found: format!("{found:?}"),
		}),
	}
}
