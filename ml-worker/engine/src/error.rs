//! What can go wrong before an engine runs; nothing does while it runs.

use crate::InstructionSet;
use repops::{check::Role, interpret::RunError};

/// Why the engine refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
	/// The CPU lacks the instruction set that was asked for.
	#[error(
		"this CPU lacks the instruction set {asked}; the best one that it has is {best}: choose that one, or \
		 leave the choice to the engine"
	)]
	MissingInstructionSet {
		/// What was asked for.
		asked: InstructionSet,
		/// The best that there is.
		best: InstructionSet,
	},
	/// The system gave no threads.
	#[error("could not start {threads} threads: {reason}")]
	Threads {
		/// How many were wanted.
		threads: usize,
		/// What the system said.
		reason: String,
	},
	/// The program is of another role than the call needs.
	#[error("this needs a program checked for the role {needed}, but it was checked as {found:?}")]
	Role {
		/// The role that is needed.
		needed: &'static str,
		/// The program's.
		found: Role,
	},
	/// What the program reads was not given, or not as it declares.
	#[error(transparent)]
	Bindings(#[from] RunError),
}
