//! Builds the successor's wasm blob, with what was compiled for the runtime's own.

fn main() {
	#[cfg(feature = "std")]
	blob::build();
}

#[cfg(feature = "std")]
mod blob {
	use std::{
		env, fs,
		io::{Error, ErrorKind, Result},
		os::unix::fs::symlink,
		path::Path,
	};

	pub(super) fn build() {
		// As in the runtime's script: the versions are those of the workspace's Cargo.lock.
		const HINT: &str = "WASM_BUILD_WORKSPACE_HINT";
		if env::var_os(HINT).is_none() {
			env::set_var(HINT, concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
		}
		if let Err(error) = share_compiled_dependencies() {
			println!("cargo:warning=the blob's dependencies are compiled once more: {error}");
		}
		substrate_wasm_builder::WasmBuilder::init_with_defaults().build();
	}

	/// The builder gives each blob a target folder of its own. This one gets the runtime's, as all is the same but
	/// one crate; cargo's lock on it keeps the two builds apart.
	fn share_compiled_dependencies() -> Result<()> {
		let out = env::var_os("OUT_DIR").ok_or(ErrorKind::NotFound)?;
		// TARGET/PROFILE/build/CRATE-HASH/out
		let profile = Path::new(&out).ancestors().nth(3);
		let blobs = profile.ok_or(ErrorKind::NotFound)?.join("wbuild");
		let own = blobs.join(env!("CARGO_PKG_NAME"));
		fs::create_dir_all(blobs.join("pouw-runtime/target"))?;
		fs::create_dir_all(&own)?;
		match symlink("../pouw-runtime/target", own.join("target")) {
			Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(Error::other(error)),
			_ => Ok(()),
		}
	}
}
