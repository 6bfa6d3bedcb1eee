//! What a worker must not forget: a folder of small files for each task.
//!
//! A file is written anew as a whole and then put in the old one's place, so that a worker that is killed
//! at any moment finds either the old or the new content, never half of one. What is going to be committed
//! to is written before the commitment is sent: after a restart the same is revealed.

use crate::store::private_folder;
use serde::{de::DeserializeOwned, Serialize};
use std::{
	fs::File,
	io::Write,
	path::{Path, PathBuf},
};

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
	/// The system refuses.
	#[error("the journal {} can't be used: {error}", path.display())]
	File {
		/// The file.
		path: PathBuf,
		/// The system's reason.
		error: std::io::Error,
	},
	/// The file is not what this program wrote.
	#[error(
		"the journal {} is damaged: {reason}; restore it, or delete it and accept that what it stood for \
		 is done again",
		path.display()
	)]
	Damaged {
		/// The file.
		path: PathBuf,
		/// What is wrong.
		reason: String,
	},
}

/// Writes a file anew as a whole; it is on the disk when this returns.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
	let new = path.with_extension("new");
	let mut file = File::create(&new)?;
	file.write_all(bytes)?;
	file.sync_all()?;
	std::fs::rename(&new, path)?;
	// The rename itself is safe only when the folder is on the disk.
	match path.parent() {
		Some(folder) => File::open(folder)?.sync_all(),
		None => Ok(()),
	}
}

/// The journal of one task.
#[derive(Clone, Debug)]
pub struct Journal {
	folder: PathBuf,
}

impl Journal {
	/// The journal in this folder, which is made if it is not there.
	pub fn open(folder: PathBuf) -> Result<Self, JournalError> {
		private_folder(&folder).map_err(|error| JournalError::File {
			path: folder.clone(),
			error,
		})?;
		Ok(Journal { folder })
	}

	/// The folder.
	pub fn folder(&self) -> &Path {
		&self.folder
	}

	/// What was written under this name, if anything was.
	pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, JournalError> {
		let path = self.path(name);
		match std::fs::read(&path) {
			Ok(bytes) => {
				serde_json::from_slice(&bytes)
					.map(Some)
					.map_err(|error| JournalError::Damaged {
						path,
						reason: error.to_string(),
					})
			}
			Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
			Err(error) => Err(JournalError::File { path, error }),
		}
	}

	/// Writes under this name; it is on the disk when this returns.
	pub fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), JournalError> {
		let path = self.path(name);
		let bytes = serde_json::to_vec(value).map_err(|error| JournalError::Damaged {
			path: path.clone(),
			reason: error.to_string(),
		})?;
		replace(&path, &bytes).map_err(|error| JournalError::File { path, error })
	}

	/// Removes the whole journal.
	pub fn remove(self) -> Result<(), JournalError> {
		match std::fs::remove_dir_all(&self.folder) {
			Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(JournalError::File {
				path: self.folder,
				error,
			}),
			_ => Ok(()),
		}
	}

	fn path(&self, name: &str) -> PathBuf {
		self.folder.join(format!("{name}.json"))
	}
}
