//! What a task asks of a machine, by its specification, and what a machine takes on.

use ml_worker::training::cost::{TaskCost, TooMuchWork, WorkLimits};
use polkadot_sdk::sp_runtime::{BoundedVec, Permill};
use pouw_primitives::{
	spec::{CostSpec, DataSpec, TaskSpec, TrainingSpec, ARITHMETIC_VERSION},
	ticket::{Capabilities, Endpoint, Role},
};

/// Three trainers, five rounds of four segments of ten steps, and a state of 1,000 elements.
fn spec() -> TaskSpec {
	TaskSpec {
		name: BoundedVec::truncate_from(b"task".to_vec()),
		arithmetic_version: ARITHMETIC_VERSION,
		step_program: Default::default(),
		step_program_parts: Default::default(),
		evaluation_program: Default::default(),
		evaluation_program_parts: Default::default(),
		initial_state: None,
		data: DataSpec {
			root: Default::default(),
			manifest: Default::default(),
			segments: 10,
			hidden_segments: 3,
			rows_per_segment: 14,
			columns: 5,
			classes: 3,
		},
		training: TrainingSpec {
			trainers: 3,
			supervisors: 1,
			evaluators: 1,
			rounds: 5,
			steps_per_round: 40,
			steps_per_segment: 10,
			batch: 7,
		},
		cost: CostSpec {
			state_elements: 1_000,
			parameters: 500,
			step_multiply_adds: 20_000,
			evaluation_multiply_adds: 300_000,
		},
		needs: Capabilities {
			features: 0,
			parameters: 500,
			data_bytes: 10_000,
		},
		required_accuracy: Permill::from_percent(90),
		fee: 0,
		round_deadline: 100,
		endpoint: Endpoint {
			key: [0; 32],
			addresses: Default::default(),
		},
	}
}

/// The limits that the task just keeps to in this role.
fn just_enough(role: Role) -> WorkLimits {
	let cost = TaskCost::of(&spec(), role);
	WorkLimits {
		segment_multiply_adds: cost.work.1,
		checkpoint_bytes: cost.checkpoint_bytes,
	}
}

#[test]
fn each_role_has_its_own_work_and_its_own_checkpoints() {
	let (segment, state) = (10 * 20_000, 4_000);
	let enough = |role| {
		let limits = just_enough(role);
		(limits.segment_multiply_adds, limits.checkpoint_bytes)
	};
	// Five states a round of its own, and those of the two others.
	assert_eq!(enough(Role::Trainer), (segment, 5 * (5 + 2) * state));
	assert_eq!(enough(Role::Supervisor), (0, 5 * 3 * 5 * state));
	assert_eq!(enough(Role::Verifier), (segment, 3 * state));
	assert_eq!(enough(Role::Evaluator), (300_000, 3 * state));
}

#[test]
fn a_machine_takes_on_what_is_within_its_limits_and_no_more() {
	for role in [
		Role::Trainer,
		Role::Supervisor,
		Role::Verifier,
		Role::Evaluator,
	] {
		let (cost, limits) = (TaskCost::of(&spec(), role), just_enough(role));
		cost.check(&WorkLimits::default()).unwrap();
		cost.check(&limits).unwrap();
		let tight = WorkLimits {
			checkpoint_bytes: limits.checkpoint_bytes - 1,
			..limits
		};
		let refused = cost.check(&tight).unwrap_err();
		assert!(matches!(refused, TooMuchWork::CheckpointBytes { .. }));
		assert!(refused.to_string().contains("--max-checkpoint-bytes"));
		let tight = WorkLimits {
			segment_multiply_adds: limits.segment_multiply_adds.saturating_sub(1),
			..limits
		};
		let refused = cost.check(&tight);
		let computes = role != Role::Supervisor;
		assert_eq!(
			matches!(refused, Err(TooMuchWork::MultiplyAdds { .. })),
			computes
		);
	}
}

#[test]
fn the_longest_segment_that_the_chain_allows_is_refused() {
	let mut spec = spec();
	spec.training.steps_per_segment = 65_536;
	spec.training.steps_per_round = 65_536;
	spec.cost.step_multiply_adds = 1 << 42;
	for role in [Role::Trainer, Role::Verifier] {
		let refused = TaskCost::of(&spec, role).check(&WorkLimits::default());
		assert!(matches!(refused, Err(TooMuchWork::MultiplyAdds { .. })));
	}
	// No figure overflows, whatever is claimed.
	spec.cost.step_multiply_adds = u64::MAX;
	spec.cost.state_elements = u64::MAX;
	spec.training.rounds = u32::MAX;
	spec.training.trainers = u16::MAX;
	spec.training.steps_per_segment = 1;
	spec.training.steps_per_round = u32::MAX;
	for role in [Role::Trainer, Role::Supervisor] {
		assert_eq!(TaskCost::of(&spec, role).checkpoint_bytes, u64::MAX);
	}
}
