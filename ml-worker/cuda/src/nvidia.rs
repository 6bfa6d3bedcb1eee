//! A GPU by NVIDIA's driver.

use crate::{
	compiler::{compile_to_machine_code, KERNELS},
	device::{Device, DeviceError},
	THREADS,
};
use cudarc::driver::{
	result::{self, DriverError},
	sys, CudaContext, CudaStream,
};
use std::{
	collections::BTreeMap,
	ffi::{c_void, CString},
	sync::Arc,
};

/// The fields that a launch's parameters are filled up to: the driver reads as many as the kernel has.
const MOST_FIELDS: usize = 32;

/// A GPU with the kernels on it.
pub struct Nvidia {
	// Dropped in this order: what was launched uses the module.
	module: Module,
	stream: Arc<CudaStream>,
	context: Arc<CudaContext>,
	name: String,
	multiprocessors: u32,
}

/// The kernels on the GPU.
struct Module {
	module: sys::CUmodule,
	kernels: BTreeMap<&'static str, sys::CUfunction>,
	stream: Arc<CudaStream>,
}

// SAFETY: a module and its functions may be used by any thread that has the context, which each call binds first.
unsafe impl Send for Module {}
// SAFETY: as above; nothing of it changes.
unsafe impl Sync for Module {}

impl Module {
	fn load(stream: &Arc<CudaStream>, code: &[u8]) -> Result<Self, DeviceError> {
		let action = "loading the kernels onto the GPU";
		let failed = |error: DriverError| DeviceError::new(action, error);
		// SAFETY: the code is what NVRTC has made for this GPU, and the context is bound.
		let module = unsafe { result::module::load_data(code.as_ptr().cast()) }.map_err(failed)?;
		let mut loaded = Module {
			module,
			kernels: BTreeMap::new(),
			stream: stream.clone(),
		};
		for name in KERNELS {
			let c_name = CString::new(name).map_err(|error| DeviceError::new(action, error))?;
			// SAFETY: the module was just loaded.
			let kernel = unsafe { result::module::get_function(module, c_name) };
			loaded.kernels.insert(name, kernel.map_err(failed)?);
		}
		Ok(loaded)
	}
}

impl Drop for Module {
	fn drop(&mut self) {
		// An error here is one of what was launched before; whoever reads the results hears of it.
		let _ = self.stream.synchronize();
		// SAFETY: it was loaded in `load`, only this unloads it, and nothing of it runs any more.
		let _ = unsafe { result::module::unload(self.module) };
	}
}

impl Nvidia {
	/// The GPU of this number, the first one being 0, with the kernels compiled for it, which takes some seconds.
	/// Errors say what is missing.
	pub fn open(ordinal: usize) -> Result<Self, DeviceError> {
		// SAFETY: the driver's initialisers do nothing but set up the driver. `cudarc` panics where there is none,
		// so that is found out first.
		if !unsafe { sys::is_culib_present() } {
			return Err(DeviceError::new(
				"loading NVIDIA's driver",
				"there is no libcuda.so; the CUDA engine needs an NVIDIA GPU with its driver (525 or later): install \
				 it, or use the engine for CPUs",
			));
		}
		let action = format!("opening GPU {ordinal}");
		let failed = |error: DriverError| {
			let hint =
				"`nvidia-smi` lists the GPUs that the driver sees; without one, use the engine for CPUs";
			DeviceError::new(action.clone(), format!("{error:?}; {hint}"))
		};
		let context = CudaContext::new(ordinal).map_err(failed)?;
		let name = context.name().map_err(failed)?;
		let (major, minor) = context.compute_capability().map_err(failed)?;
		let processors = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
		let multiprocessors = context.attribute(processors).map_err(failed)?;
		let stream = context.new_stream().map_err(failed)?;
		let code = compile_to_machine_code((major as u32, minor as u32))?;
		Ok(Nvidia {
			module: Module::load(&stream, &code)?,
			stream,
			context,
			name,
			multiprocessors: multiprocessors.max(1) as u32,
		})
	}

	/// Makes the calls that follow on this thread go to this GPU.
	fn bind(&self, action: &'static str) -> Result<(), DeviceError> {
		self.context
			.bind_to_thread()
			.map_err(|error| DeviceError::new(action, error))
	}
}

// SAFETY: the driver gives memory that nobody else has, aligned to 256 bytes.
unsafe impl Device for Nvidia {
	fn name(&self) -> String {
		self.name.clone()
	}

	fn multiprocessors(&self) -> u32 {
		self.multiprocessors
	}

	fn allocate(&self, words: usize) -> Result<u64, DeviceError> {
		let action = format!("taking {} bytes of the GPU's memory", 4 * words as u64);
		self.bind("taking the GPU's memory")?;
		let bytes = words.max(1) * size_of::<u32>();
		// SAFETY: the context is bound, and the size is not 0.
		unsafe { result::malloc_sync(bytes) }.map_err(|error| DeviceError::new(action, error))
	}

	unsafe fn release(&self, address: u64) {
		// Nothing that was launched may still use it. An error of that comes back from the next read.
		if self.bind("giving back the GPU's memory").is_ok() {
			let _ = self.stream.synchronize();
			// SAFETY: the caller's.
			let _ = unsafe { result::free_sync(address) };
		}
	}

	unsafe fn write(&self, address: u64, words: &[u32]) -> Result<(), DeviceError> {
		let action = "copying to the GPU";
		self.bind(action)?;
		// SAFETY: the caller's; the words stay until the stream has been waited for, and with it the copy.
		unsafe {
			result::memcpy_htod_async(address, words, self.stream.cu_stream())
				.and_then(|()| self.stream.synchronize())
				.map_err(|error| DeviceError::new(action, error))
		}
	}

	unsafe fn read(&self, address: u64, words: &mut [u32]) -> Result<(), DeviceError> {
		let action = "running the kernels, or copying their results from the GPU";
		self.bind(action)?;
		// SAFETY: the caller's; the words are not used before the stream has been waited for.
		unsafe {
			result::memcpy_dtoh_async(words, address, self.stream.cu_stream())
				.and_then(|()| self.stream.synchronize())
				.map_err(|error| DeviceError::new(action, error))
		}
	}

	unsafe fn launch(
		&self,
		kernel: &'static str,
		blocks: u32,
		parameters: &[u64],
	) -> Result<(), DeviceError> {
		let failed = |reason: &dyn ToString| {
			DeviceError::new(format!("launching the kernel {kernel}"), reason.to_string())
		};
		let function = *self
			.module
			.kernels
			.get(kernel)
			.ok_or_else(|| failed(&"there is no such kernel"))?;
		if parameters.len() > MOST_FIELDS {
			return Err(failed(&"it has more parameters than there is room for"));
		}
		self.bind("launching a kernel")?;
		let mut fields = [0u64; MOST_FIELDS];
		fields[..parameters.len()].copy_from_slice(parameters);
		let mut parameters = [fields.as_mut_ptr().cast::<c_void>()];
		// SAFETY: the function belongs to the loaded module; the driver copies the parameters before it returns, and
		// no kernel has more of them than there is room for; for the rest the caller's.
		unsafe {
			result::launch_kernel(
				function,
				(blocks, 1, 1),
				(THREADS, 1, 1),
				0,
				self.stream.cu_stream(),
				&mut parameters,
			)
			.map_err(|error| failed(&error))
		}
	}
}
