//! Writes the successor's blob to standard output.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let blob = pouw_runtime_successor::WASM_BINARY.ok_or(
		"this program was built without the blob, as SKIP_WASM_BUILD was set; build it again without",
	)?;
	Ok(std::io::stdout().write_all(blob)?)
}
