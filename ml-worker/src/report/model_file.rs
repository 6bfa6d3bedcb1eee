//! The trained model as a safetensors file, which Python, Burn and others read.

use repops::{
	program::{StateRole, StateTensor},
	tensor::Tensor,
};
use safetensors::{tensor::TensorView, Dtype, SafeTensorError};
use std::{collections::HashMap, io, path::Path};

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
		path: std::path::PathBuf,
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
			let name = String::from_utf8_lossy(&declared.name).into_owned();
			let shape = tensor.shape.0.iter().map(|axis| *axis as usize).collect();
			(
				name,
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
