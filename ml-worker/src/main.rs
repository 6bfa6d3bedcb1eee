//! The command line program; see [`ml_worker::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
	ml_worker::cli::run()
}
