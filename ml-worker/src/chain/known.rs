//! The runtime as this program knows it: the metadata that it was made with.

use super::{
	calls::CALLS,
	shape::{is_empty, Shapes},
};
use codec::Decode;
use scale_info::{form::PortableForm, Variant};
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

/// Whether the node's runtime has all that this program uses in the known form: its calls and questions, the
/// accounts, and what is signed with a transaction.
pub(super) fn check(node: &Metadata) -> Result<(), Incompatibility> {
	let mut shapes = Shapes::new(KNOWN.types(), node.types());
	let mut differs = Vec::new();
	for (pallet, name) in CALLS {
		let same = match (call(&KNOWN, pallet, name), call(node, pallet, name)) {
			(Some(known), Some(node)) => shapes.are_same_fields(&known.fields, &node.fields),
			_ => false,
		};
		if !same {
			differs.push(format!("call {pallet}.{name}"));
		}
	}
	for name in super::view::QUESTIONS {
		let same = match (question(&KNOWN, name), question(node, name)) {
			(Some(known), Some(node)) => {
				known.len() == node.len()
					&& known
						.iter()
						.zip(&node)
						.all(|(known, node)| shapes.are_same(*known, *node))
			}
			_ => false,
		};
		if !same {
			differs.push(format!("question {API}.{name}"));
		}
	}
	let same = match (account(&KNOWN), account(node)) {
		(Some((known, hash)), Some((node, other))) => hash == other && shapes.are_same(known, node),
		_ => false,
	};
	if !same {
		differs.push("storage System.Account".into());
	}
	differs.extend(
		unknown_extensions(node, &mut shapes).map(|name| format!("transaction extension {name}")),
	);
	if differs.is_empty() {
		Ok(())
	} else {
		Err(Incompatibility { differs })
	}
}

/// A call's arguments.
fn call<'a>(metadata: &'a Metadata, pallet: &str, name: &str) -> Option<&'a Variant<PortableForm>> {
	let pallet = metadata.pallet_by_name(pallet)?;
	let mut calls = pallet.call_variants()?.iter();
	calls.find(|call| call.name == name)
}

/// The types of a question's arguments, and that of its answer.
fn question(metadata: &Metadata, name: &str) -> Option<Vec<u32>> {
	let api = metadata.runtime_api_trait_by_name(API)?;
	let method = api.method_by_name(name)?;
	let inputs = method.inputs().map(|input| input.id);
	Some(inputs.chain([method.output_ty()]).collect())
}

/// The type of what is stored of an account, and a hash over how it is stored.
fn account(metadata: &Metadata) -> Option<(u32, [u8; 32])> {
	let system = metadata.pallet_by_name("System")?;
	let entry = system.storage()?.entry_by_name("Account")?;
	Some((entry.value_ty(), system.storage_hash("Account")?))
}

/// What the node's runtime wants signed with a transaction that this program does not know.
fn unknown_extensions<'a>(
	node: &'a Metadata,
	shapes: &mut Shapes,
) -> impl Iterator<Item = &'a str> {
	let mut unknown = Vec::new();
	for wanted in node
		.extrinsic()
		.transaction_extensions_to_use_for_encoding()
	{
		let (extra, additional) = (wanted.extra_ty(), wanted.additional_ty());
		let nothing = is_empty(node.types(), extra) && is_empty(node.types(), additional);
		let is_known = KNOWN
			.extrinsic()
			.transaction_extensions_to_use_for_encoding()
			.find(|known| known.identifier() == wanted.identifier())
			.is_some_and(|known| {
				shapes.are_same(known.extra_ty(), extra)
					&& shapes.are_same(known.additional_ty(), additional)
			});
		if !nothing && !is_known {
			unknown.push(wanted.identifier());
		}
	}
	unknown.into_iter()
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
