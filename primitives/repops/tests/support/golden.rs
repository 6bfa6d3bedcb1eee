//! Bits that are these for ever, on every machine.

use super::{clusters, mlp};
use repops::{program::Program, random::Seed, tensor::Tensor};

/// The hashes of all results of exp, log, tanh and erf over [`super::sample`].
pub(crate) const FUNCTIONS: [&str; 4] = [
	"75f7c128c2189f20731d268e08cd0fa99a43af7240de4a1b37245cfe43467bb5",
	"29e4fdfedd9038ca1266ece9db2f77e13c733ea460c48aee7cad7e683a96e2c6",
	"d60b6ffaaae418120cd0d6cd667e137959a5f669d43f21931f5c926b620c56e9",
	"2c9e796caa05dfd9edd5dbe2d9ec4c608ba9989d210f9dfea061eaea64b6d2ce",
];

/// The seed of [`task`]'s training.
pub(crate) const SEED: Seed = Seed([42; 32]);

/// A step program and its data.
pub(crate) fn task() -> (Program, (Tensor, Tensor)) {
	(mlp(100, 10, 40, 3, 33, 0.1), clusters(100, 10, 3, 3))
}

/// The roots of [`task`]'s state before the first and after each of three steps, the trace of these four, and
/// the program's hash.
pub(crate) const THREE_STEPS: [&str; 6] = [
	"69ae744aa08526263bae733b19ab25f810306d4683a86362de9c08ebc7a5c50b",
	"48419fc46b9c2b0d8a99805a1d4288b494f774776b8df3f62bcf590b0525d264",
	"7673a80c9870d33b1711a9784677fe5be9e4312a9405f07487ceb0d1953a8059",
	"6a57089d09b3fce7c86aab90454abf8ece644d15b973e98d94b3d406523bfdfe",
	"6f1b126b942c928f953404108149f5ef5d4ac844176c7add53db8d93db6fad7c",
	"de6563d971b748ed24e17ad0aa49202f32e2b1183e59e7f5d14ee37606b42c4c",
];

/// The bits of the losses of these three steps.
pub(crate) const THREE_LOSSES: [u32; 3] = [1065657403, 1063823719, 1062246749];
