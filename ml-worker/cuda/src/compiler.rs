//! The kernels' source, and their compilation by NVRTC when the program runs.

use crate::DeviceError;
use cudarc::nvrtc::{result, sys};
use std::{ffi::CString, path::PathBuf, sync::OnceLock};

/// The environment variable that names NVRTC's library file where the system's loader does not find one.
pub const NVRTC_VARIABLE: &str = "POUW_NVRTC";

/// The kernels in CUDA C, in the order in which they are compiled as one source. What comes before them says what
/// they are written in: `kernels/device.h` here, `kernels/host.h` in the tests.
pub const PARTS: [&str; 7] = [
	include_str!("../kernels/number.h"),
	include_str!("../kernels/elementwise.cu"),
	include_str!("../kernels/movement.cu"),
	include_str!("../kernels/reduction.cu"),
	include_str!("../kernels/random.cu"),
	include_str!("../kernels/matmul.cu"),
	include_str!("../kernels/window.cu"),
];

/// The names of the kernels.
pub const KERNELS: [&str; 51] = [
	"add_chunks",
	"add_elements",
	"add_scalar",
	"batch_rows",
	"collect_words",
	"compare_integers",
	"compare_numbers",
	"compare_with_constant",
	"copy_words",
	"count_nonzero",
	"distribute_words",
	"divide_elements",
	"error_functions",
	"exponentials",
	"fill_masked",
	"fill_words",
	"find_nonfinite",
	"fold_small",
	"fold_wide",
	"gather_rows",
	"hyperbolic_tangents",
	"indices_along_axis",
	"link_rows",
	"logarithms",
	"max_last_axis",
	"max_other_axis",
	"multiply_elements",
	"multiply_scalar",
	"normal_noise",
	"one_hot_rows",
	"place_of_max",
	"product_128",
	"product_32",
	"product_64",
	"product_sum_128",
	"product_sum_32",
	"product_sum_64",
	"reciprocal",
	"scatter_rows",
	"select_elements",
	"square_roots",
	"subtract_elements",
	"sum_last_axis",
	"sum_other_axis",
	"to_integers",
	"to_numbers",
	"unfold_small",
	"unfold_wide",
	"uniform_noise",
	"unpool_small",
	"unpool_wide",
];

/// What NVRTC is told about numbers: nothing is joined, divisions and roots are correctly rounded, subnormals stay.
const OPTIONS: [&str; 5] = [
	"--fmad=false",
	"--prec-div=true",
	"--prec-sqrt=true",
	"--ftz=false",
	"--std=c++17",
];

/// The kernels in PTX, the assembly language of GPUs, for a compute capability such as (9, 0). It needs NVRTC, but
/// neither a GPU nor a driver.
pub fn compile_to_ptx(capability: (u32, u32)) -> Result<String, DeviceError> {
	let (major, minor) = capability;
	let program = Program::compile(&format!("--gpu-architecture=compute_{major}{minor}"))?;
	// SAFETY: the program is compiled and lives on.
	let ptx = unsafe { result::get_ptx(program.0) };
	let ptx = ptx.map_err(|error| DeviceError::new("reading the kernels' PTX", error))?;
	Ok(ptx
		.into_iter()
		.map(|byte| byte as u8)
		.take_while(|byte| *byte != 0)
		.map(char::from)
		.collect())
}

/// The kernels in the machine code of a GPU of this compute capability.
pub(crate) fn compile_to_machine_code(capability: (u32, u32)) -> Result<Vec<u8>, DeviceError> {
	let (major, minor) = capability;
	let program = Program::compile(&format!("--gpu-architecture=sm_{major}{minor}"))?;
	let failed = |error| DeviceError::new("reading the kernels' machine code", error);
	let mut size = 0;
	// SAFETY: the program is compiled and lives on; the code is written to as many bytes as it has.
	unsafe {
		sys::nvrtcGetCUBINSize(program.0, &mut size)
			.result()
			.map_err(failed)?;
		let mut code = vec![0u8; size];
		sys::nvrtcGetCUBIN(program.0, code.as_mut_ptr().cast())
			.result()
			.map_err(failed)?;
		Ok(code)
	}
}

/// A program of NVRTC, compiled.
struct Program(sys::nvrtcProgram);

impl Program {
	fn compile(architecture: &str) -> Result<Self, DeviceError> {
		load()?;
		let action = format!("compiling the kernels with {architecture}");
		let failed = |reason: &dyn ToString| DeviceError::new(action.clone(), reason.to_string());
		let source = [&[include_str!("../kernels/device.h")][..], &PARTS].concat();
		let source = CString::new(source.concat()).map_err(|error| failed(&error))?;
		let program = result::create_program(&source, Some(c"kernels.cu"));
		let program = Program(program.map_err(|error| failed(&error))?);
		let options = [&[architecture][..], &OPTIONS].concat();
		// SAFETY: the program was just made.
		let compiled = unsafe { result::compile_program(program.0, &options) };
		compiled.map_err(|error| failed(&format!("{error}: {}", program.log())))?;
		Ok(program)
	}

	/// What the compiler has to say.
	fn log(&self) -> String {
		// SAFETY: the program lives on.
		let log = unsafe { result::get_program_log(self.0) }.unwrap_or_default();
		let log: Vec<u8> = log.into_iter().map(|byte| byte as u8).collect();
		String::from_utf8_lossy(&log)
			.trim_end_matches('\0')
			.to_owned()
	}
}

impl Drop for Program {
	fn drop(&mut self) {
		// SAFETY: it was made in `compile`, and only this destroys it. That it fails changes nothing.
		let _ = unsafe { result::destroy_program(self.0) };
	}
}

/// Loads NVRTC, once. `cudarc` panics where there is none, so that is found out first.
fn load() -> Result<(), DeviceError> {
	static LOADED: OnceLock<Result<(), DeviceError>> = OnceLock::new();
	LOADED
		.get_or_init(|| {
			let action = "loading NVRTC, which compiles the kernels";
			if let Some(path) = std::env::var_os(NVRTC_VARIABLE).map(PathBuf::from) {
				// SAFETY: NVRTC's initialisers do nothing but set up NVRTC. What is loaded stays loaded, and the
				// loader gives it to whoever asks for a library of its name.
				let library = unsafe { libloading::Library::new(&path) };
				let library = library.map_err(|error| {
					let hint = "it should be the path of libnvrtc.so.12";
					DeviceError::new(action, format!("{NVRTC_VARIABLE}: {error}; {hint}"))
				})?;
				std::mem::forget(library);
			}
			// SAFETY: as above.
			if unsafe { sys::is_culib_present() } {
				return Ok(());
			}
			Err(DeviceError::new(
				action,
				format!(
					"there is no libnvrtc.so.12; install NVIDIA's CUDA toolkit 12, or `pip install \
					 nvidia-cuda-nvrtc-cu12` and give the path of its libnvrtc.so.12 in {NVRTC_VARIABLE}"
				),
			))
		})
		.clone()
}
