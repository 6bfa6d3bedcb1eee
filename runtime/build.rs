//! Builds the runtime's wasm blob beside the native library.
//!
//! With the feature `metadata-hash` the blob knows the hash of its own metadata, so that an offline signer
//! can prove what it showed to its user (`CheckMetadataHash`). That builds the blob twice and links an
//! executor into this script, so that it is left to releases.

fn main() {
	#[cfg(feature = "std")]
	{
		// The builder looks for the workspace's Cargo.lock above the target folder, which may lie
		// elsewhere; without it the blob would be built from other versions than the rest.
		const HINT: &str = "WASM_BUILD_WORKSPACE_HINT";
		if std::env::var_os(HINT).is_none() {
			std::env::set_var(HINT, concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
		}
		let builder = substrate_wasm_builder::WasmBuilder::init_with_defaults();
		#[cfg(feature = "metadata-hash")]
		let builder = builder.enable_metadata_hash("POUW", 12);
		builder.build();
	}
}
