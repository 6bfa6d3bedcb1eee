//! What runs the kernels, and its memory.

use std::sync::Arc;

/// What a device could not do, and what its maker's library said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{action}: {reason}")]
pub struct DeviceError {
	/// What was tried.
	pub action: String,
	/// Why it failed, and what to do.
	pub reason: String,
}

impl DeviceError {
	/// An error of this action, for this reason.
	pub fn new(action: impl Into<String>, reason: impl ToString) -> Self {
		DeviceError {
			action: action.into(),
			reason: reason.to_string(),
		}
	}
}

/// Something that has memory of its own and runs the kernels of [`crate::KERNELS`] on it, one after another in the
/// order in which they are launched.
///
/// # Safety
///
/// [`Device::allocate`] gives memory that nothing else uses until it is released, aligned to at least 16 bytes.
pub unsafe trait Device: Send + Sync {
	/// What the device calls itself.
	fn name(&self) -> String;

	/// How many blocks it runs well at once, one on each multiprocessor.
	fn multiprocessors(&self) -> u32;

	/// The address of new memory for so many words of 32 bits, at least one. What stands there is not defined.
	fn allocate(&self, words: usize) -> Result<u64, DeviceError>;

	/// Gives memory back.
	///
	/// # Safety
	///
	/// The address is one that [`Device::allocate`] gave and that was not released before.
	unsafe fn release(&self, address: u64);

	/// Copies words to the device.
	///
	/// # Safety
	///
	/// As many words from the address on lie in allocated memory.
	unsafe fn write(&self, address: u64, words: &[u32]) -> Result<(), DeviceError>;

	/// Copies words from the device, after all that was launched before has ended.
	///
	/// # Safety
	///
	/// As many words from the address on lie in allocated memory.
	unsafe fn read(&self, address: u64, words: &mut [u32]) -> Result<(), DeviceError>;

	/// Runs a kernel in so many blocks of [`crate::THREADS`] threads; it may still run when this returns. The
	/// parameters are the fields of the kernel's structure in `kernels/`, each of them eight bytes.
	///
	/// # Safety
	///
	/// There is a field for each parameter, and what the kernel does with these parameters stays within allocated
	/// memory.
	unsafe fn launch(
		&self,
		kernel: &'static str,
		blocks: u32,
		parameters: &[u64],
	) -> Result<(), DeviceError>;
}

/// Memory on a device, given back when it is dropped.
pub(crate) struct Memory {
	device: Arc<dyn Device>,
	address: u64,
	words: usize,
}

impl Memory {
	/// Memory for so many words; what stands there is not defined.
	pub(crate) fn new(device: &Arc<dyn Device>, words: usize) -> Result<Self, DeviceError> {
		let words = words.max(1);
		Ok(Memory {
			address: device.allocate(words)?,
			device: device.clone(),
			words,
		})
	}

	/// Memory with these words in it.
	pub(crate) fn of(device: &Arc<dyn Device>, words: &[u32]) -> Result<Self, DeviceError> {
		let memory = Memory::new(device, words.len())?;
		memory.write(0, words)?;
		Ok(memory)
	}

	/// Where it begins.
	pub(crate) fn address(&self) -> u64 {
		self.address
	}

	/// Where the word of this number lies.
	pub(crate) fn address_of(&self, word: usize) -> u64 {
		debug_assert!(word <= self.words);
		self.address + 4 * word as u64
	}

	/// Writes words from the one of this number on.
	pub(crate) fn write(&self, from: usize, words: &[u32]) -> Result<(), DeviceError> {
		self.check(from, words.len())?;
		// SAFETY: they lie within this memory.
		unsafe { self.device.write(self.address_of(from), words) }
	}

	/// Reads words from the one of this number on.
	pub(crate) fn read(&self, from: usize, words: &mut [u32]) -> Result<(), DeviceError> {
		self.check(from, words.len())?;
		// SAFETY: they lie within this memory.
		unsafe { self.device.read(self.address_of(from), words) }
	}

	fn check(&self, from: usize, count: usize) -> Result<(), DeviceError> {
		if from.checked_add(count).is_some_and(|end| end <= self.words) {
			return Ok(());
		}
		let action = format!("reaching words {from} to {from} + {count}");
		Err(DeviceError::new(
			action,
			format!("the memory has {} words", self.words),
		))
	}
}

impl Drop for Memory {
	fn drop(&mut self) {
		// SAFETY: it was allocated in `new`, and only this releases it.
		unsafe { self.device.release(self.address) }
	}
}
