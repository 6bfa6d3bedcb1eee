//! Builds the module of this folder and runs it.

use crate::questions::Question;
use codec::Encode;
use std::{
	path::{Path, PathBuf},
	process::Command,
	sync::LazyLock,
};
use wasmi::{Engine, Linker, Memory, Module, Store, TypedFunc};

const TARGET: &str = "wasm32v1-none";

/// The module, built once for all tests.
static MODULE: LazyLock<Vec<u8>> = LazyLock::new(build);

/// Builds the module from `tests/wasm`. Its package is written into the build folder and locked to the
/// versions of the workspace, so that what is tested is what the chain's runtime links.
fn build() -> Vec<u8> {
	let here = Path::new(env!("CARGO_MANIFEST_DIR"));
	// Checkouts may share a build folder.
	let checkout = blake3::hash(env!("CARGO_MANIFEST_DIR").as_bytes()).to_hex();
	let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("repops-{}", &checkout[..16]));
	std::fs::create_dir_all(&folder).unwrap();
	let manifest = format!(
		"[package]\nname = \"repops-wasm\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
		 [workspace]\n\
		 [lib]\npath = {:?}\ncrate-type = [\"cdylib\"]\n\
		 [dependencies]\nrepops = {{ path = {:?}, default-features = false }}\n\
		 codec = {{ package = \"parity-scale-codec\", version = \"*\", default-features = false, \
		 features = [\"derive\"] }}\n\
		 [profile.release]\npanic = \"abort\"\n",
		here.join("tests/wasm/lib.rs"),
		here,
	);
	std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
	std::fs::copy(here.join("../../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
	let target = folder.join("target");
	let built = Command::new(env!("CARGO"))
		.args([
			"build",
			"--release",
			"--offline",
			"--quiet",
			"--target",
			TARGET,
		])
		.arg("--manifest-path")
		.arg(folder.join("Cargo.toml"))
		.arg("--target-dir")
		.arg(&target)
		// These are for the machine that the tests run on.
		.env_remove("RUSTFLAGS")
		.env_remove("CARGO_ENCODED_RUSTFLAGS")
		.env_remove("CARGO_BUILD_TARGET")
		.output()
		.unwrap();
	assert!(
		built.status.success(),
		"the module was not built; if the target {TARGET} is missing, run scripts/setup.sh\n{}",
		String::from_utf8_lossy(&built.stderr)
	);
	let module: PathBuf = [TARGET, "release", "repops_wasm.wasm"].iter().collect();
	std::fs::read(target.join(module)).unwrap()
}

/// An instance of the module.
pub(crate) struct Wasm {
	store: Store<()>,
	memory: Memory,
	allocate: TypedFunc<u32, u32>,
	ask: TypedFunc<(u32, u32), u64>,
}

impl Wasm {
	pub(crate) fn new() -> Self {
		let engine = Engine::default();
		let module = Module::new(&engine, &MODULE[..]).unwrap();
		let mut store = Store::new(&engine, ());
		let instance = Linker::new(&engine)
			.instantiate(&mut store, &module)
			.unwrap()
			.start(&mut store)
			.unwrap();
		Wasm {
			memory: instance.get_memory(&store, "memory").unwrap(),
			allocate: instance.get_typed_func(&store, "allocate").unwrap(),
			ask: instance.get_typed_func(&store, "ask").unwrap(),
			store,
		}
	}

	pub(crate) fn answer(&mut self, question: &Question) -> Vec<u8> {
		let encoded = question.encode();
		let length = encoded.len() as u32;
		let place = self.allocate.call(&mut self.store, length).unwrap();
		self.memory
			.write(&mut self.store, place as usize, &encoded)
			.unwrap();
		let answer = self.ask.call(&mut self.store, (place, length)).unwrap();
		let (place, length) = ((answer >> 32) as usize, answer as u32 as usize);
		self.memory.data(&self.store)[place..][..length].to_vec()
	}
}
