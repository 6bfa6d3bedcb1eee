//! What programs outside of the chain know of the runtime.

use pouw_runtime::Runtime;

#[test]
fn the_worker_knows_this_runtime() {
	let path = concat!(
		env!("CARGO_MANIFEST_DIR"),
		"/../ml-worker/metadata/pouw.scale"
	);
	let known = std::fs::read(path).expect("the file is part of the repository; qed");
	let now = Runtime::metadata_at_version(16).expect("the SDK in use has this format; qed");
	assert!(
		known == *now,
		"the runtime has changed: run scripts/metadata.sh and commit ml-worker/metadata/pouw.scale"
	);
}
