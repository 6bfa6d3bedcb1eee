//! A node of the POUW chain: the client, with the runtime's blob and the networks that it knows by name.

mod chain_spec;

use std::process::ExitCode;

fn main() -> ExitCode {
	match pouw_node_client::run(chain_spec::load) {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("error: {error}");
			ExitCode::FAILURE
		}
	}
}
