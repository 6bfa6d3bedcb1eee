//! The runtime as this program knows it: the metadata that it was made with.

use super::calls::CALLS;
use codec::Decode;
use std::sync::LazyLock;
use subxt::Metadata;

/// Written by `scripts/metadata.sh` from the runtime; a test of the runtime says when it is stale.
static ENCODED: &[u8] = include_bytes!("../../metadata/pouw.scale");

static KNOWN: LazyLock<Metadata> = LazyLock::new(|| {
	Metadata::decode_from(ENCODED)
		.expect("the file is made by the runtime, and a test decodes it; qed")
});

/// The runtime API that questions go to.
pub(super) const API: &str = "PouwApi";

/// What differs between the node's runtime and the known one.
pub(super) struct Incompatibility {
	pub(super) differs: Vec<String>,
}

/// The version of the runtime that this program was made for.
pub fn known_version() -> u32 {
	// The beginning of `sp_version::RuntimeVersion`.
	let version = KNOWN
		.pallet_by_name("System")
		.and_then(|system| system.constant_by_name("Version"))
		.and_then(|version| <(String, String, u32, u32)>::decode(&mut version.value()).ok());
	version.map_or(0, |(_, _, _, spec_version)| spec_version)
}

/// Whether the node's runtime has each call and question that this program uses in the known form.
pub(super) fn check(node: &Metadata) -> Result<(), Incompatibility> {
	let mut differs = Vec::new();
	for (pallet, call) in CALLS {
		let hash = |metadata: &Metadata| {
			metadata
				.pallet_by_name(pallet)
				.and_then(|pallet| pallet.call_hash(call))
		};
		let known = hash(&KNOWN);
		if known.is_none() || known != hash(node) {
			differs.push(format!("call {pallet}.{call}"));
		}
	}
	let question = |metadata: &Metadata, name: &str| {
		metadata
			.runtime_api_trait_by_name(API)
			.and_then(|api| api.method_by_name(name))
			.map(|method| method.hash())
	};
	for name in super::view::QUESTIONS {
		let known = question(&KNOWN, name);
		if known.is_none() || known != question(node, name) {
			differs.push(format!("question {API}.{name}"));
		}
	}
	if differs.is_empty() {
		Ok(())
	} else {
		Err(Incompatibility { differs })
	}
}

/// The known metadata, for the tests of what is encoded by it.
#[cfg(test)]
pub(super) fn metadata() -> &'static Metadata {
	&KNOWN
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_known_runtime_has_all_that_is_used() {
		assert!(known_version() > 0);
		if let Err(Incompatibility { differs }) = check(&KNOWN) {
			panic!("missing in metadata/pouw.scale: {differs:?}");
		}
	}
}
