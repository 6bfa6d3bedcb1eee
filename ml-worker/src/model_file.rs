//! Models as safetensors files, which Python, Burn and others read and write: what was trained goes out, and
//! weights that a training is to start from come in. docs/interchange.md tells how they look elsewhere.

use crate::training::State;
use repops::{
	program::{Initialiser, StateRole, StateTensor},
	tensor::Tensor,
};
use safetensors::{tensor::TensorView, Dtype, SafeTensorError, SafeTensors};
use std::{
	collections::HashMap,
	io,
	path::{Path, PathBuf},
};

/// Why a model could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
	/// The format refuses a tensor.
	#[error("the model can't be put into the safetensors format: {0}")]
	Format(#[from] SafeTensorError),
	/// The system refuses the file.
	#[error("{}: {source}", path.display())]
	Write {
		/// The file.
		path: PathBuf,
		/// The system's reason.
		source: io::Error,
	},
}

/// Writes the parameters among the state tensors, under their names. `notes` become the file's metadata.
pub fn write(
	path: &Path,
	declaration: &[StateTensor],
	state: &[Tensor],
	notes: HashMap<String, String>,
) -> Result<(), ModelFileError> {
	let parameters: Vec<(String, Vec<usize>, Vec<u8>)> = declaration
		.iter()
		.zip(state)
		.filter(|(declared, _)| declared.role == StateRole::Parameter)
		.map(|(declared, tensor)| {
			let shape = tensor.shape.0.iter().map(|axis| *axis as usize).collect();
			(
				name(declared),
				shape,
				tensor.bits().flat_map(u32::to_le_bytes).collect(),
			)
		})
		.collect();
	let views = parameters
		.iter()
		.map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
		.collect::<Result<Vec<_>, SafeTensorError>>()?;
	let bytes = safetensors::serialize(views, Some(notes))?;
	std::fs::write(path, bytes).map_err(|source| ModelFileError::Write {
		path: path.into(),
		source,
	})
}

/// Why a training can't start from the weights in a file.
#[derive(Debug, thiserror::Error)]
#[error("weights {}: {fault}", path.display())]
pub struct WeightsError {
	/// The file.
	pub path: PathBuf,
	/// What is wrong with it.
	pub fault: WeightsFault,
}

/// What is wrong with a file of weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsFault {
	/// The system refuses the file.
	#[error("{0}")]
	Read(#[from] io::Error),
	/// It is of another format.
	#[error(
		"not a safetensors file ({0}); `ml-worker train` writes one, and so does save_file of Python's \
		 safetensors"
	)]
	Format(#[from] SafeTensorError),
	/// A parameter of the model is not in it.
	#[error(
		"the model's parameter `{name}`, {}, is missing; {}; give each parameter under the model's name",
		shape_of(shape),
		found_of(found)
	)]
	Missing {
		/// The parameter.
		name: String,
		/// Its shape.
		shape: Vec<u32>,
		/// The names in the file that the model does not know.
		found: Vec<String>,
	},
	/// A tensor that the model has not.
	#[error("the model has no parameter `{name}`; take it out of the file, or correct `model`")]
	Unknown {
		/// The tensor.
		name: String,
	},
	/// A tensor that is not of 32-bit floating-point numbers.
	#[error(
		"the elements of `{name}` are {found:?}, but the model's are F32; write it in single precision \
		 (`tensor.float()` in PyTorch)"
	)]
	Elements {
		/// The tensor.
		name: String,
		/// What it is of.
		found: Dtype,
	},
	/// A tensor with other axes than the model's.
	#[error(
		"`{name}` is {}, but the model's is {}; {}",
		shape_of(found),
		shape_of(expected),
		shape_advice(expected, found)
	)]
	Axes {
		/// The tensor.
		name: String,
		/// The lengths of the model's axes.
		expected: Vec<u32>,
		/// The lengths of the file's axes.
		found: Vec<usize>,
	},
	/// A NaN or an infinity.
	#[error(
		"element {element} of `{name}` (row-major, from 0) is {value}: what starts from it has diverged before \
		 its first step; give finite numbers"
	)]
	NotFinite {
		/// The tensor.
		name: String,
		/// Which element.
		element: usize,
		/// What it is.
		value: f32,
	},
	/// The optimiser starts from numbers that only the chain's seed tells.
	#[error(
		"the optimiser's `{name}` starts from the seed, so that weights alone don't tell where the training starts; \
		 start from the seed, or take another optimiser"
	)]
	Seeded {
		/// The optimiser's tensor.
		name: String,
	},
}

/// The state that a training starts from which is given these weights: the parameters are the file's, and the
/// optimiser starts as it always does.
///
/// The file has exactly the model's parameters, by name, in the model's shapes, as finite F32.
pub fn read(path: &Path, declaration: &[StateTensor]) -> Result<State, WeightsError> {
	let refuse = |fault| WeightsError {
		path: path.into(),
		fault,
	};
	let bytes = std::fs::read(path).map_err(|error| refuse(error.into()))?;
	decode(&bytes, declaration).map_err(refuse)
}

fn decode(bytes: &[u8], declaration: &[StateTensor]) -> Result<State, WeightsFault> {
	let file = SafeTensors::deserialize(bytes)?;
	let is_parameter = |tensor: &&StateTensor| tensor.role == StateRole::Parameter;
	let known: Vec<String> = declaration.iter().filter(is_parameter).map(name).collect();
	let mut unknown: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
	unknown.retain(|name| !known.contains(name));
	unknown.sort();
	let state = declaration
		.iter()
		.map(|declared| match declared.role {
			StateRole::Parameter => match file.tensor(&name(declared)) {
				Ok(given) => parameter(declared, &given),
				Err(_) => Err(WeightsFault::Missing {
					name: name(declared),
					shape: declared.shape.0.to_vec(),
					found: unknown.clone(),
				}),
			},
			StateRole::Optimiser => constant(declared),
		})
		.collect::<Result<State, _>>()?;
	match unknown.into_iter().next() {
		Some(name) => Err(WeightsFault::Unknown { name }),
		None => Ok(state),
	}
}

/// A parameter as it is given.
fn parameter(declared: &StateTensor, given: &TensorView) -> Result<Tensor, WeightsFault> {
	let (name, expected) = (name(declared), declared.shape.0.to_vec());
	if given.dtype() != Dtype::F32 {
		let found = given.dtype();
		return Err(WeightsFault::Elements { name, found });
	}
	let is_same = given.shape().len() == expected.len()
		&& given
			.shape()
			.iter()
			.zip(&expected)
			.all(|(found, expected)| *found == *expected as usize);
	let axes = |found: &[usize]| WeightsFault::Axes {
		name: name.clone(),
		expected: expected.clone(),
		found: found.into(),
	};
	if !is_same {
		return Err(axes(given.shape()));
	}
	let words = given.data().chunks_exact(4);
	let elements: Vec<f32> = words
		.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
		.collect();
	if let Some(element) = elements.iter().position(|number| !number.is_finite()) {
		let value = elements[element];
		return Err(WeightsFault::NotFinite {
			name,
			element,
			value,
		});
	}
	Tensor::f32(declared.shape.clone(), elements).map_err(|_| axes(given.shape()))
}

/// A tensor of the optimiser's as it starts.
fn constant(declared: &StateTensor) -> Result<Tensor, WeightsFault> {
	let seeded = || WeightsFault::Seeded {
		name: name(declared),
	};
	let Initialiser::Constant(number) = declared.initial else {
		return Err(seeded());
	};
	let count = declared.shape.elements().unwrap_or(0) as usize;
	Tensor::f32(declared.shape.clone(), vec![number.into(); count]).map_err(|_| seeded())
}

fn name(declared: &StateTensor) -> String {
	String::from_utf8_lossy(&declared.name).into_owned()
}

fn shape_of<T: std::fmt::Debug>(axes: &[T]) -> String {
	format!("of shape {axes:?}")
}

fn found_of(found: &[String]) -> String {
	match found {
		[] => "the file has nothing under another name".into(),
		names => format!(
			"the file has instead, under names that the model does not know: {}",
			names.join(", ")
		),
	}
}

fn shape_advice(expected: &[u32], found: &[usize]) -> &'static str {
	match (expected, found) {
		([rows, columns], [first, second])
			if *rows as usize == *second && *columns as usize == *first =>
		{
			"it is the transpose, as PyTorch has it: write `tensor.t().contiguous()`"
		}
		_ => "give the model's shape, or correct `model`",
	}
}
