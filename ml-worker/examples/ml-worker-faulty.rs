//! The command line program with trainers that can be made to do wrong (`work --fault …`), for the tests
//! of the network only.

use std::process::ExitCode;

fn main() -> ExitCode {
	ml_worker::cli::run()
}
