//! Trainers that do wrong, for the tests of the network. Never part of a default build.

use crate::training::{run::Run, State};

/// What a trainer does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
	/// It trains the first segment of a round only, and passes its end state off as that of all others.
	SkipSteps,
}

impl Fault {
	/// What the trainer passes off as this segment; none where it is honest.
	pub(super) fn fake(self, run: &Run, start: &State, segment: u32) -> Option<(Vec<f32>, State)> {
		match self {
			Fault::SkipSteps if segment == 0 && run.segments() > 1 => None,
			Fault::SkipSteps => {
				let losses = vec![0.5; run.training().steps_per_segment as usize];
				Some((losses, start.clone()))
			}
		}
	}
}
