//! Models in and out as safetensors: what is written gives the same answers elsewhere, and what was written
//! elsewhere is what a training starts from.

use super::small;
use ml_worker::{
	dataset::segments::Part,
	model_file,
	task_file::{Prepared, TaskFile},
	training::{evaluation::Evaluation, offline, programs::TaskPrograms, State},
};
use ml_worker_engine::{Engine, EngineOptions};
use pouw_primitives::spec::hidden_segments;
use repops::{
	commit::state_root,
	initial::initial_state,
	program::{Initialiser, StateRole},
	random::Seed,
	tensor::Tensor,
};
use safetensors::{serialize, tensor::TensorView, Dtype, SafeTensors};
use std::{
	collections::{BTreeMap, HashMap},
	path::{Path, PathBuf},
};
use tempfile::TempDir;

const SEED: Seed = Seed([5; 32]);

fn engine() -> Engine {
	Engine::new(EngineOptions::default()).unwrap()
}

/// The embedded digits, one round of them: layers with `relu`.
fn digits() -> Prepared {
	let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits.toml");
	let mut file = TaskFile::read(Path::new(path)).unwrap();
	file.contents.training.rounds = 1;
	let dataset = file.load_data(None).unwrap();
	Prepared::new(file, &dataset).unwrap()
}

/// The parameters of a written file, read with nothing of this project.
struct Foreign(BTreeMap<String, (Vec<usize>, Vec<f64>)>);

impl Foreign {
	fn read(path: &Path) -> Self {
		let bytes = std::fs::read(path).unwrap();
		let file = SafeTensors::deserialize(&bytes).unwrap();
		let tensors = file.iter().map(|(name, tensor)| {
			assert_eq!(tensor.dtype(), Dtype::F32);
			let elements = tensor.data().chunks_exact(4);
			let elements = elements
				.map(|word| f64::from(f32::from_le_bytes(word.try_into().unwrap())))
				.collect();
			(name.to_owned(), (tensor.shape().to_vec(), elements))
		});
		Foreign(tensors.collect())
	}

	/// What a chain of linear layers with this function between them answers, in double precision.
	fn answer(&self, row: &[f32], layers: &[usize], between: fn(f64) -> f64) -> u32 {
		let mut values: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
		for (number, layer) in layers.iter().enumerate() {
			let (shape, weight) = &self.0[&format!("layers.{layer}.weight")];
			let (_, bias) = &self.0[&format!("layers.{layer}.bias")];
			let [inputs, outputs] = shape[..] else {
				panic!("a weight is a matrix");
			};
			assert_eq!((inputs, outputs), (values.len(), bias.len()));
			let sums = (0..outputs).map(|output| {
				let products =
					(0..inputs).map(|input| values[input] * weight[input * outputs + output]);
				bias[output] + products.sum::<f64>()
			});
			values = if number + 1 < layers.len() {
				sums.map(between).collect()
			} else {
				sums.collect()
			};
		}
		let best = (0..values.len()).max_by(|one, other| values[*one].total_cmp(&values[*other]));
		best.unwrap() as u32
	}
}

/// Trains, writes the model, answers the hidden rows without the engine, and lets the engine say whether each of
/// these answers is its own.
fn answers_are_the_engines(prepared: &Prepared, layers: &[usize], between: fn(f64) -> f64) {
	let engine = engine();
	let outcome = offline::train(prepared, &engine, SEED, &mut ()).unwrap();
	let folder = TempDir::new().unwrap();
	let path = folder.path().join("model.safetensors");
	let declaration = &prepared.programs.step.state;
	model_file::write(&path, declaration, &outcome.state, HashMap::new()).unwrap();
	let foreign = Foreign::read(&path);
	assert_eq!(foreign.0.len(), 2 * layers.len());

	let data = &prepared.file.contents.data;
	let hidden = hidden_segments(&SEED.0.into(), data.segments, data.hidden_segments);
	let hidden: Vec<_> = hidden
		.into_iter()
		.map(|number| &prepared.segments[usize::from(number)])
		.collect();
	let (columns, classes) = (hidden[0].columns as usize, hidden[0].classes);
	let rows: Vec<&[f32]> = hidden
		.iter()
		.flat_map(|segment| segment.features.chunks_exact(columns))
		.collect();
	let answers: Vec<u32> = rows
		.iter()
		.map(|row| foreign.answer(row, layers, between))
		.collect();
	// They are no constant, which anything could agree with.
	assert!(answers.iter().any(|answer| *answer != answers[0]));

	let programs =
		TaskPrograms::new(&prepared.programs.step, &prepared.programs.evaluation).unwrap();
	let features = Part::assemble(hidden.iter().copied()).features;
	let agreeing = |answers: Vec<u32>| {
		let labels = Tensor::u32([answers.len() as u32], answers).unwrap();
		let features = features.clone();
		let program = programs.evaluation.clone();
		let evaluation = Evaluation::new(&engine, program, Part { features, labels });
		evaluation.correct(&outcome.state).unwrap()
	};
	assert_eq!(agreeing(answers.clone()), outcome.questions);
	let others = answers
		.iter()
		.map(|answer| (answer + 1) % classes)
		.collect();
	assert_eq!(agreeing(others), 0);
	let labels = hidden.iter().flat_map(|segment| &segment.labels);
	let right = labels
		.zip(&answers)
		.filter(|(label, answer)| label == answer);
	assert_eq!(right.count() as u32, outcome.correct);
}

#[test]
fn a_written_model_gives_the_same_answers_without_the_engine() {
	answers_are_the_engines(&digits(), &[0, 2, 4], |sum| sum.max(0.0));
	answers_are_the_engines(&small::prepared(), &[0, 2], f64::tanh);
}

/// A file with these tensors.
fn file_of(folder: &TempDir, tensors: &BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>) -> PathBuf {
	let path = folder.path().join("given.safetensors");
	let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
		let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
		(name, view)
	});
	std::fs::write(&path, serialize(views, None).unwrap()).unwrap();
	path
}

/// The parameters of a state as a file's tensors.
fn tensors_of(
	prepared: &Prepared,
	state: &State,
) -> BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> {
	let declared = prepared.programs.step.state.iter().zip(state);
	declared
		.filter(|(declared, _)| declared.role == StateRole::Parameter)
		.map(|(declared, tensor)| {
			let name = String::from_utf8(declared.name.clone()).unwrap();
			let shape = tensor.shape.0.iter().map(|axis| *axis as usize).collect();
			let bytes = tensor.bits().flat_map(u32::to_le_bytes).collect();
			(name, (Dtype::F32, shape, bytes))
		})
		.collect()
}

#[test]
fn from_the_seeds_own_weights_the_training_is_the_seeds() {
	let (engine, folder) = (engine(), TempDir::new().unwrap());
	let from_seed = small::prepared();
	let state = initial_state(&from_seed.programs.step, &SEED);
	let path = file_of(&folder, &tensors_of(&from_seed, &state));
	let given = small::prepared().starting_from(&path).unwrap();
	// The optimiser's tensors too: they are not in the file.
	assert_eq!(given.initial.as_ref(), Some(&state));
	let train = |prepared: &Prepared| offline::train(prepared, &engine, SEED, &mut ()).unwrap();
	assert_eq!(train(&given), train(&from_seed));
}

#[test]
fn a_trained_model_is_trained_further() {
	let (engine, folder) = (engine(), TempDir::new().unwrap());
	let prepared = small::prepared();
	let first = offline::train(&prepared, &engine, SEED, &mut ()).unwrap();
	let path = folder.path().join("model.safetensors");
	let declaration = &prepared.programs.step.state;
	model_file::write(&path, declaration, &first.state, HashMap::new()).unwrap();

	let further = small::prepared().starting_from(&path).unwrap();
	let start = further.initial.clone().unwrap();
	for ((declared, trained), given) in declaration.iter().zip(&first.state).zip(&start) {
		match (declared.role, declared.initial) {
			(StateRole::Parameter, _) => assert_eq!(trained, given),
			(StateRole::Optimiser, Initialiser::Constant(number)) => {
				assert!(given.bits().all(|bits| bits == number.0));
				assert_ne!(trained, given);
			}
			(role, initial) => panic!("{role:?} starts as {initial:?}"),
		}
	}
	let second = offline::train(&further, &engine, SEED, &mut ()).unwrap();
	assert_eq!(second.initial_root, state_root(&start));
	assert_ne!(second.initial_root, first.initial_root);
	let loss = |outcome: &offline::Outcome| outcome.losses[0];
	assert!(loss(&second) < loss(&first));
	// What follows from the seed otherwise still does: another seed, another order of the rows.
	let other = offline::train(&further, &engine, Seed([6; 32]), &mut ()).unwrap();
	assert_eq!(other.initial_root, second.initial_root);
	assert_ne!(other.state_root, second.state_root);
}

#[test]
fn the_task_file_names_weights_beside_it() {
	let folder = TempDir::new().unwrap();
	let prepared = small::prepared();
	let state = initial_state(&prepared.programs.step, &SEED);
	file_of(&folder, &tensors_of(&prepared, &state));
	let text = small::TASK.to_owned() + "initial_weights = \"given.safetensors\"\n";
	let read = |text: &str| {
		let file = TaskFile::parse(text.into(), &folder.path().join("small.toml")).unwrap();
		Prepared::new(file, &small::dataset())
	};
	assert_eq!(read(&text).unwrap().initial, Some(state));
	let error = read(&text.replace("given.", "other."))
		.unwrap_err()
		.to_string();
	let line = text.lines().count();
	assert!(
		error.contains(&format!(
			"small.toml, line {line}, `training.initial_weights`: "
		)),
		"{error}"
	);
	assert!(error.contains("other.safetensors: No such file"), "{error}");
}

/// What is said of the seed's weights after a change.
fn refused(
	change: impl FnOnce(&mut BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>),
	parts: &[&str],
) {
	let folder = TempDir::new().unwrap();
	let prepared = small::prepared();
	let state = initial_state(&prepared.programs.step, &SEED);
	let mut tensors = tensors_of(&prepared, &state);
	change(&mut tensors);
	let path = file_of(&folder, &tensors);
	let error = prepared.starting_from(&path).unwrap_err().to_string();
	for part in parts.iter().chain(&["given.safetensors: "]) {
		assert!(error.contains(part), "{error}, which should say {part}");
	}
}

#[test]
fn weights_that_are_not_the_models_are_explained() {
	const WEIGHT: &str = "layers.0.weight";
	refused(
		|tensors| {
			let renamed = tensors.remove(WEIGHT).unwrap();
			tensors.insert("fc1.weight".into(), renamed);
		},
		&[
			"`layers.0.weight`, of shape [5, 9], is missing",
			"does not know: fc1.weight",
		],
	);
	refused(
		|tensors| drop(tensors.remove(WEIGHT)),
		&[
			"`layers.0.weight`",
			"is missing",
			"nothing under another name",
		],
	);
	refused(
		|tensors| {
			let copy = tensors[WEIGHT].clone();
			tensors.insert("layers.9.weight".into(), copy);
		},
		&["the model has no parameter `layers.9.weight`; take it out"],
	);
	refused(
		|tensors| tensors.get_mut(WEIGHT).unwrap().1.reverse(),
		&[
			"`layers.0.weight` is of shape [9, 5], but the model's is of shape [5, 9]",
			".t()",
		],
	);
	refused(
		|tensors| tensors.get_mut(WEIGHT).unwrap().1 = vec![45],
		&[
			"is of shape [45], but the model's",
			"give the model's shape",
		],
	);
	refused(
		|tensors| {
			let (dtype, _, bytes) = tensors.get_mut(WEIGHT).unwrap();
			*dtype = Dtype::F16;
			bytes.truncate(5 * 9 * 2);
		},
		&["the elements of `layers.0.weight` are F16", ".float()"],
	);
	for (number, word) in [(f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf")] {
		refused(
			|tensors| {
				let bytes = &mut tensors.get_mut(WEIGHT).unwrap().2;
				bytes[7 * 4..8 * 4].copy_from_slice(&number.to_le_bytes());
			},
			&[
				"element 7 of `layers.0.weight`",
				word,
				"diverged before its first step",
			],
		);
	}
}

#[test]
fn what_is_no_safetensors_file_is_refused() {
	let folder = TempDir::new().unwrap();
	let path = folder.path().join("weights.pt");
	let length = u64::MAX.to_le_bytes();
	for bytes in [&b"PK\x03\x04"[..], &[], &length, &[0; 64]] {
		std::fs::write(&path, bytes).unwrap();
		let error = small::prepared()
			.starting_from(&path)
			.unwrap_err()
			.to_string();
		assert!(
			error.contains("weights.pt: not a safetensors file"),
			"{error}"
		);
		assert!(error.contains("`ml-worker train` writes one"), "{error}");
	}
}
