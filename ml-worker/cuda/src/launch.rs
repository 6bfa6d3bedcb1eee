//! Launches of kernels.

use crate::{device::Device, DeviceError, THREADS};

/// A kernel, its blocks, and the fields of its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
	pub(crate) kernel: &'static str,
	pub(crate) blocks: u32,
	pub(crate) parameters: Vec<u64>,
}

impl Launch {
	/// A kernel whose threads take one element after another, a grid apart.
	pub(crate) fn for_each(
		kernel: &'static str,
		elements: usize,
		multiprocessors: u32,
		parameters: Vec<u64>,
	) -> Self {
		// More blocks than run at once, so that the last ones even out, but not as many as elements.
		let most = multiprocessors.max(1).saturating_mul(32);
		let blocks = elements.div_ceil(THREADS as usize).min(most as usize);
		Launch {
			kernel,
			blocks: blocks as u32,
			parameters,
		}
	}
}

/// Launches kernels in their order.
///
/// # Safety
///
/// As for [`Device::launch`], for each of them.
pub(crate) unsafe fn run(device: &dyn Device, launches: &[Launch]) -> Result<(), DeviceError> {
	for launch in launches {
		// SAFETY: the caller's.
		unsafe { device.launch(launch.kernel, launch.blocks, &launch.parameters)? };
	}
	Ok(())
}
