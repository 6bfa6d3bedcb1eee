//! Steps by the engine.

use crate::{
	networks::{Data, Network, Trained},
	Contender, SEED,
};
use ml_worker_capture::capture;
use ml_worker_engine::{Compiled, Engine, EngineError, EngineOptions, Session};
use repops::{
	check::{check, Limits, Role},
	initial::initial_state,
	interpret::Bindings,
	tensor::Tensor,
};
use std::{
	error::Error,
	num::NonZeroUsize,
	ops::ControlFlow,
	time::{Duration, Instant},
};

/// A network, captured and compiled, with the state that it starts from.
pub(crate) struct Prepared {
	compiled: Compiled,
	state: Vec<Tensor>,
}

impl Prepared {
	/// Captures and compiles a network.
	pub(crate) fn new<M: Trained>(
		network: &Network<M>,
		threads: usize,
	) -> Result<Self, Box<dyn Error>> {
		let program = capture(&network.model, &network.optimiser, &network.sizes)?.step;
		let engine = Engine::new(EngineOptions {
			threads: NonZeroUsize::new(threads),
			..EngineOptions::default()
		})?;
		Ok(Prepared {
			compiled: engine.compile(check(&program, Role::Step, &Limits::default())?),
			state: initial_state(&program, &SEED),
		})
	}
}

pub(crate) struct ByEngine<'data> {
	session: Session<'data>,
	position: u64,
}

impl<'data> ByEngine<'data> {
	/// Takes the memory that steps need.
	pub(crate) fn new(prepared: &'data Prepared, data: &'data Data) -> Result<Self, EngineError> {
		let session = prepared.compiled.session(&Bindings {
			state: &prepared.state,
			features: Some(&data.features),
			labels: Some(&data.labels),
			seed: SEED,
			..Bindings::default()
		})?;
		Ok(ByEngine {
			session,
			position: 0,
		})
	}
}

impl Contender for ByEngine<'_> {
	fn train(&mut self, steps: u64) -> Result<Duration, Box<dyn Error>> {
		let start = Instant::now();
		let mut diverged = false;
		self.position = self
			.session
			.steps(self.position..self.position + steps, |_, outcome| {
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
