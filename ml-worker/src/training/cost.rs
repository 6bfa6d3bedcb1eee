//! What a task asks of a worker's machine, and what the machine takes on.
//!
//! A ticket says how large a model and how much data its machine takes on, and the chain keeps to that. How
//! long a segment takes and how many checkpoints come together, it does not know: the worker looks itself,
//! before it accepts.

use pouw_primitives::{spec::TaskSpec, ticket::Role};

/// The most multiply-adds of a segment that a machine takes on if nothing else is said: minutes on a few
/// cores.
pub const DEFAULT_SEGMENT_MULTIPLY_ADDS: u64 = 1 << 42;
/// The most bytes of checkpoints of a task that a machine takes on if nothing else is said.
pub const DEFAULT_CHECKPOINT_BYTES: u64 = 64 << 30;

/// What a machine takes on of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkLimits {
	/// Multiply-adds of one piece of work that can't be broken off: a segment, or the evaluation.
	pub segment_multiply_adds: u64,
	/// Bytes of the checkpoints that are kept until the task is forgotten.
	pub checkpoint_bytes: u64,
}

impl Default for WorkLimits {
	fn default() -> Self {
		WorkLimits {
			segment_multiply_adds: DEFAULT_SEGMENT_MULTIPLY_ADDS,
			checkpoint_bytes: DEFAULT_CHECKPOINT_BYTES,
		}
	}
}

/// Why a machine does not take on a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TooMuchWork {
	/// A piece of work is too long.
	#[error(
		"{what} takes {found} multiply-adds, but this machine takes on {limit} \
		 (--max-segment-multiply-adds)"
	)]
	MultiplyAdds {
		/// The piece of work.
		what: &'static str,
		/// What this machine takes on.
		limit: u64,
		/// What the task asks for.
		found: u64,
	},
	/// The checkpoints are too large.
	#[error(
		"the checkpoints that are to be kept have {found} bytes, but this machine takes on {limit} \
		 (--max-checkpoint-bytes)"
	)]
	CheckpointBytes {
		/// What this machine takes on.
		limit: u64,
		/// What the task asks for.
		found: u64,
	},
}

/// What a task asks of one worker in a role, by its specification alone. What the specification claims is
/// checked against the programs before the first round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskCost {
	/// The longest piece of work, and its multiply-adds.
	pub work: (&'static str, u64),
	/// Bytes of the states that come together in all rounds, or for an audit. Saturates.
	pub checkpoint_bytes: u64,
}

impl TaskCost {
	/// What the task asks of a worker in this role.
	pub fn of(spec: &TaskSpec, role: Role) -> Self {
		let (training, cost) = (&spec.training, &spec.cost);
		let segment = cost
			.step_multiply_adds
			.saturating_mul(training.steps_per_segment.into());
		let trainers = u64::from(training.trainers);
		let rounds = u64::from(training.rounds);
		// A round has its start state besides the end of each segment.
		let round = u64::from(spec.segments_per_round()) + 1;
		let (work, states) = match role {
			// The other trainers' end states are merged.
			Role::Trainer => (
				("a segment", segment),
				rounds.saturating_mul(round + trainers.saturating_sub(1)),
			),
			Role::Supervisor => (
				("a supervisor's work", 0),
				rounds.saturating_mul(trainers.saturating_mul(round)),
			),
			// What the audited round starts from is merged; or else the segment's start, and its end.
			Role::Verifier => (("a segment", segment), trainers.max(2)),
			Role::Evaluator => (("the evaluation", cost.evaluation_multiply_adds), trainers),
		};
		TaskCost {
			work,
			checkpoint_bytes: states.saturating_mul(cost.state_elements).saturating_mul(4),
		}
	}

	/// Whether it is within what a machine takes on.
	pub fn check(&self, limits: &WorkLimits) -> Result<(), TooMuchWork> {
		let (what, found) = self.work;
		let limit = limits.segment_multiply_adds;
		if found > limit {
			return Err(TooMuchWork::MultiplyAdds { what, limit, found });
		}
		let (found, limit) = (self.checkpoint_bytes, limits.checkpoint_bytes);
		if found > limit {
			return Err(TooMuchWork::CheckpointBytes { limit, found });
		}
		Ok(())
	}
}
