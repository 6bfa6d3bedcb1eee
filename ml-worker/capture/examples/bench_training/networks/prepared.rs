//! Networks, ready to be trained by the engine.

use super::{Data, Network, SEED};
use ml_worker_capture::{capture, Model};
use ml_worker_engine::{Compiled, Engine, EngineError, EngineOptions, Session};
use repops::{
	check::{check, Limits, Role},
	initial::initial_state,
	interpret::Bindings,
	tensor::Tensor,
};
use std::{error::Error, num::NonZeroUsize};

/// A network, captured and compiled, with the state that it starts from.
pub(crate) struct Prepared {
	pub(crate) compiled: Compiled,
	state: Vec<Tensor>,
}

impl Prepared {
	/// Captures and compiles a network.
	pub(crate) fn new<M: Model>(
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

	/// Takes the memory that steps need.
	pub(crate) fn session<'data>(
		&'data self,
		data: &'data Data,
	) -> Result<Session<'data>, EngineError> {
		self.compiled.session(&Bindings {
			state: &self.state,
			features: Some(&data.features),
			labels: Some(&data.labels),
			seed: SEED,
			..Bindings::default()
		})
	}
}
