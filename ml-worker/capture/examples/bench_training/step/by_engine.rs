//! Steps by the engine.

use super::Contender;
use ml_worker_engine::Session;
use std::{
	error::Error,
	ops::ControlFlow,
	time::{Duration, Instant},
};

pub(crate) struct ByEngine<'data> {
	pub(crate) session: Session<'data>,
	/// The number of steps that were done.
	pub(crate) position: u64,
}

impl Contender for ByEngine<'_> {
	fn train(&mut self, steps: u64) -> Result<Duration, Box<dyn Error>> {
		let start = Instant::now();
		let mut diverged = false;
		let positions = self.position..self.position + steps;
		self.position = self.session.steps(positions, |_, outcome| {
			diverged |= outcome.diverged;
			ControlFlow::Continue(())
		});
		let time = start.elapsed();
		match diverged {
			true => Err("training by the engine diverged".into()),
			false => Ok(time),
		}
	}
}
