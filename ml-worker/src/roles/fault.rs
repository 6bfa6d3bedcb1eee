//! Trainers that do wrong, for the tests of the network. Never part of a default build.

use crate::training::{run::Run, State};

/// What a trainer does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
	/// It makes no step at all, and passes the round's start state off as the end of each of its segments.
	/// Not of some segments only: audits are drawn by lot, and one that is honest in part may get through.
	SkipSteps,
}

impl Fault {
	/// What the trainer passes off as a segment's losses and end state.
	pub(super) fn fake(self, run: &Run, start: &State) -> (Vec<f32>, State) {
		match self {
			Fault::SkipSteps => {
				let losses = vec![0.5; run.training().steps_per_segment as usize];
				(losses, start.clone())
			}
		}
	}
}
