//! Writes the runtime's metadata, SCALE-encoded, to standard output: what programs outside of the chain
//! need to know of it.

use pouw_runtime::Runtime;
use std::io::Write;

/// The version of the metadata's own format; it has runtime APIs and view functions.
const FORMAT: u32 = 16;

fn main() -> std::io::Result<()> {
	let metadata =
		Runtime::metadata_at_version(FORMAT).expect("the SDK in use has this format; qed");
	std::io::stdout().write_all(&metadata)
}
