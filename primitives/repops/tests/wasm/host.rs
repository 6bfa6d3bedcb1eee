//! Builds wasm modules of this workspace's crates and runs them as the node runs the runtime's blob: by wasmtime,
//! with the node's settings.
#![allow(
	dead_code,
	reason = "each program that includes this file uses a part of it"
)]

use codec::Encode;
use std::{
	path::{Path, PathBuf},
	process::Command,
	sync::LazyLock,
};
use wasmtime::{Config, Engine, Instance, Memory, Module, OptLevel, Store, TypedFunc};

const TARGET: &str = "wasm32v1-none";

/// What a module is built of. Paths start at the workspace's root.
pub(crate) struct Source {
	/// The package's name.
	pub(crate) name: &'static str,
	/// The file of the library.
	pub(crate) library: &'static str,
	/// The crates of the workspace that it links: names and folders.
	pub(crate) crates: &'static [(&'static str, &'static str)],
}

/// The arithmetic, which answers the questions of `questions.rs`.
pub(crate) const ARITHMETIC: Source = Source {
	name: "repops-wasm",
	library: "primitives/repops/tests/wasm/lib.rs",
	crates: &[("repops", "primitives/repops")],
};

/// The workspace's root.
fn root() -> PathBuf {
	let here = Path::new(env!("CARGO_MANIFEST_DIR"));
	let root = here
		.ancestors()
		.find(|folder| folder.join("Cargo.lock").exists());
	root.unwrap().to_path_buf()
}

/// Where modules are built: cargo's folder for what tests write.
fn build_folder() -> PathBuf {
	// Examples are not told of it; they lie two folders below the one that it is in.
	let told = option_env!("CARGO_TARGET_TMPDIR").map(PathBuf::from);
	told.unwrap_or_else(|| {
		let program = std::env::current_exe().unwrap();
		program.ancestors().nth(3).unwrap().join("tmp")
	})
}

/// Builds a module. Its package is written into the build folder and locked to the versions of the workspace, so
/// that what is run is what the chain's runtime links.
fn build(source: &Source) -> Vec<u8> {
	let root = root();
	// Checkouts may share a build folder.
	let unique = repops::commit::program_hash(root.as_os_str().as_encoded_bytes());
	let unique = u64::from_le_bytes(unique[..8].try_into().unwrap());
	let folder = build_folder().join(format!("{}-{unique:016x}", source.name));
	std::fs::create_dir_all(&folder).unwrap();
	let crates = source.crates.iter().map(|(name, path)| {
		let path = root.join(path);
		format!("{name} = {{ path = {path:?}, default-features = false }}\n")
	});
	let manifest = format!(
		"[package]\nname = {:?}\nversion = \"0.0.0\"\nedition = \"2021\"\n\
		 [workspace]\n\
		 [lib]\npath = {:?}\ncrate-type = [\"cdylib\"]\n\
		 [dependencies]\n{}\
		 codec = {{ package = \"parity-scale-codec\", version = \"*\", default-features = false, \
		 features = [\"derive\"] }}\n\
		 [profile.release]\npanic = \"abort\"\n",
		source.name,
		root.join(source.library),
		crates.collect::<String>(),
	);
	std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
	std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
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
	let module = format!("{}.wasm", source.name.replace('-', "_"));
	let module: PathBuf = [TARGET, "release", &module].iter().collect();
	std::fs::read(target.join(module)).unwrap()
}

/// The settings of the node's executor that matter here. What it forbids beside, the target does not have.
fn config() -> Config {
	let mut config = Config::new();
	config
		.cranelift_opt_level(OptLevel::SpeedAndSize)
		.cranelift_nan_canonicalization(false)
		.max_wasm_stack(1 << 20);
	config
}

/// A module that is built and compiled.
pub(crate) struct Compiled {
	engine: Engine,
	module: Module,
}

impl Compiled {
	pub(crate) fn of(source: &Source) -> Self {
		let engine = Engine::new(&config()).unwrap();
		let module = Module::new(&engine, build(source)).unwrap();
		Compiled { engine, module }
	}

	pub(crate) fn instance(&self) -> Wasm {
		let mut store = Store::new(&self.engine, ());
		let instance = Instance::new(&mut store, &self.module, &[]).unwrap();
		Wasm {
			memory: instance.get_memory(&mut store, "memory").unwrap(),
			allocate: instance.get_typed_func(&mut store, "allocate").unwrap(),
			ask: instance.get_typed_func(&mut store, "ask").unwrap(),
			store,
		}
	}
}

/// An instance of a module.
pub(crate) struct Wasm {
	store: Store<()>,
	memory: Memory,
	allocate: TypedFunc<u32, u32>,
	ask: TypedFunc<(u32, u32), u64>,
}

impl Wasm {
	/// An instance of [`ARITHMETIC`], which is built once for all tests of a program.
	pub(crate) fn new() -> Self {
		static COMPILED: LazyLock<Compiled> = LazyLock::new(|| Compiled::of(&ARITHMETIC));
		COMPILED.instance()
	}

	/// The module's answer to a question in its encoding.
	pub(crate) fn answer(&mut self, question: &impl Encode) -> Vec<u8> {
		let (place, length) = self.put(question);
		self.ask(place, length)
	}

	/// Puts a question into the module's memory, whose place and length are returned.
	pub(crate) fn put(&mut self, question: &impl Encode) -> (u32, u32) {
		let encoded = question.encode();
		let length = encoded.len() as u32;
		let place = self.allocate.call(&mut self.store, length).unwrap();
		self.memory
			.write(&mut self.store, place as usize, &encoded)
			.unwrap();
		(place, length)
	}

	/// Has the question at this place answered.
	pub(crate) fn ask(&mut self, place: u32, length: u32) -> Vec<u8> {
		let answer = self.ask.call(&mut self.store, (place, length)).unwrap();
		let (place, length) = ((answer >> 32) as usize, answer as u32 as usize);
		self.memory.data(&self.store)[place..][..length].to_vec()
	}
}
