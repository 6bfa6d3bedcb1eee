//! A device made of this machine's CPU: the kernels' source, compiled as C++ with `kernels/host.h` in place of
//! `kernels/device.h`.

use libloading::Library;
use ml_worker_cuda::{Device, DeviceError, KERNELS, PARTS};
use std::{
	collections::{BTreeMap, BTreeSet},
	process::Command,
	sync::{LazyLock, Mutex, MutexGuard},
};

/// In which order the blocks of a launch and the threads of a block go on. On a GPU it is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
	Ascending,
	Descending,
	/// From another thread on each time.
	Mixed,
}

/// Words before and after each allocation, which nobody may write.
const GUARD: usize = 16;
/// What stands in them, and in memory that was not yet written: a NaN that no operation makes.
const UNWRITTEN: u32 = 0xFFA1_B2C3;

type Kernel = unsafe extern "C" fn(*const u64, u32);
type FieldCount = unsafe extern "C" fn() -> u32;
type ChooseOrder = unsafe extern "C" fn(u32);

/// The kernels' library. It has static memory, so one thread at a time runs one kernel.
static LIBRARY: LazyLock<Mutex<Library>> = LazyLock::new(|| Mutex::new(compile()));

/// The names of all kernels that were launched so far.
pub static LAUNCHED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

fn compile() -> Library {
	let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("there is such a folder");
	let (source, library) = (
		folder.path().join("kernels.cpp"),
		folder.path().join("kernels.so"),
	);
	let host = include_str!("../../kernels/host.h");
	std::fs::write(&source, [&[host][..], &PARTS].concat().concat()).expect("it can be written");
	let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
	let mut command = Command::new(&compiler);
	command.args(["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"]);
	command.args(["-ffp-contract=off", "-fPIC", "-shared"]);
	#[cfg(target_arch = "x86_64")]
	if std::arch::is_x86_feature_detected!("fma") {
		command.arg("-mfma");
	}
	let output = command.arg("-o").arg(&library).arg(&source).output();
	let output = output.unwrap_or_else(|error| {
		panic!("a C++ compiler is needed ({compiler}, or what CXX says): {error}")
	});
	let messages = String::from_utf8_lossy(&output.stderr);
	assert!(output.status.success(), "{messages}");
	// SAFETY: the library has no initialisers.
	unsafe { Library::new(&library) }.expect("it was just compiled")
}

/// The device.
pub struct Emulator {
	order: Order,
	multiprocessors: u32,
	/// The words of each allocation, guards included, by the address that was given.
	memory: Mutex<BTreeMap<u64, Box<[u32]>>>,
}

impl Emulator {
	pub fn new(order: Order, multiprocessors: u32) -> Self {
		Emulator {
			order,
			multiprocessors,
			memory: Mutex::default(),
		}
	}

	fn library(&self) -> MutexGuard<'static, Library> {
		// A test that has failed leaves the library as usable as before.
		LIBRARY.lock().unwrap_or_else(|error| error.into_inner())
	}

	fn memory(&self) -> MutexGuard<'_, BTreeMap<u64, Box<[u32]>>> {
		self.memory
			.lock()
			.unwrap_or_else(|error| error.into_inner())
	}

	/// Panics where the words don't lie in one allocation.
	fn check(&self, address: u64, count: usize) {
		let memory = self.memory();
		let (start, words) = memory
			.range(..=address)
			.next_back()
			.expect("an address that was given");
		let end = start + 4 * (words.len() - 2 * GUARD) as u64;
		assert!(
			address + 4 * count as u64 <= end,
			"words beyond what was allocated"
		);
	}
}

// SAFETY: each allocation is a box of its own, which stays where it is. Of 16 words before an aligned address, 16 or
// more bytes are aligned too.
unsafe impl Device for Emulator {
	fn name(&self) -> String {
		format!(
			"emulated GPU of {} multiprocessors, {:?}",
			self.multiprocessors, self.order
		)
	}

	fn multiprocessors(&self) -> u32 {
		self.multiprocessors
	}

	fn allocate(&self, words: usize) -> Result<u64, DeviceError> {
		assert!(words > 0, "an allocation of nothing");
		let mut words = vec![UNWRITTEN; words + 2 * GUARD].into_boxed_slice();
		let address = words[GUARD..].as_mut_ptr() as u64;
		self.memory().insert(address, words);
		Ok(address)
	}

	unsafe fn release(&self, address: u64) {
		let words = self
			.memory()
			.remove(&address)
			.expect("an address that was given");
		let (before, after) = (&words[..GUARD], &words[words.len() - GUARD..]);
		let intact = before.iter().chain(after).all(|word| *word == UNWRITTEN);
		assert!(
			intact || std::thread::panicking(),
			"a kernel has written beyond what was allocated"
		);
	}

	unsafe fn write(&self, address: u64, words: &[u32]) -> Result<(), DeviceError> {
		self.check(address, words.len());
		// SAFETY: the caller's.
		unsafe {
			std::ptr::copy_nonoverlapping(words.as_ptr(), address as *mut u32, words.len());
		}
		Ok(())
	}

	unsafe fn read(&self, address: u64, words: &mut [u32]) -> Result<(), DeviceError> {
		self.check(address, words.len());
		// SAFETY: the caller's.
		unsafe {
			std::ptr::copy_nonoverlapping(address as *const u32, words.as_mut_ptr(), words.len());
		}
		Ok(())
	}

	unsafe fn launch(
		&self,
		kernel: &'static str,
		blocks: u32,
		parameters: &[u64],
	) -> Result<(), DeviceError> {
		assert!(KERNELS.contains(&kernel), "there is no kernel {kernel}");
		assert!(blocks > 0, "a launch of no blocks of {kernel}");
		LAUNCHED
			.lock()
			.unwrap_or_else(|error| error.into_inner())
			.insert(kernel);
		let library = self.library();
		let order = match self.order {
			Order::Ascending => 0,
			Order::Descending => 1,
			Order::Mixed => 101,
		};
		// SAFETY: these are the types of the functions in `kernels/host.h`; for the rest the caller's.
		unsafe {
			let fields = format!("{kernel}_fields");
			let fields = library.get::<FieldCount>(&fields).expect("it is there")();
			assert_eq!(fields as usize, parameters.len(), "parameters of {kernel}");
			library
				.get::<ChooseOrder>("choose_order")
				.expect("it is there")(order);
			library.get::<Kernel>(kernel).expect("it is there")(parameters.as_ptr(), blocks);
		}
		Ok(())
	}
}
