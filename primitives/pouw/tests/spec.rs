//! What a specification may claim of its programs.

use polkadot_sdk::{
	sp_core::H256,
	sp_runtime::{BoundedVec, Permill},
};
use pouw_primitives::{
	spec::{
		CostSpec, DataSpec, SpecFault, StateSpec, TaskSpec, TrainingSpec, ARITHMETIC_VERSION,
		MAX_STATE_ELEMENTS,
	},
	ticket::{Capabilities, Endpoint, SocketAddress},
};

fn claiming(state_elements: u64, parameters: u64) -> TaskSpec {
	let address = SocketAddress::V4([127, 0, 0, 1], 4433);
	let mut spec = TaskSpec {
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
			hidden_segments: 2,
			rows_per_segment: 100,
			columns: 64,
			classes: 10,
		},
		training: TrainingSpec {
			trainers: 2,
			supervisors: 1,
			evaluators: 1,
			rounds: 2,
			steps_per_round: 20,
			steps_per_segment: 10,
			batch: 50,
		},
		cost: CostSpec {
			state_elements,
			parameters,
			step_multiply_adds: 1_000_000,
			evaluation_multiply_adds: 1_000_000,
		},
		needs: Capabilities {
			features: 0,
			parameters,
			data_bytes: 0,
		},
		required_accuracy: Permill::from_percent(90),
		fee: 0,
		round_deadline: 40,
		endpoint: Endpoint {
			key: [7; 32],
			addresses: BoundedVec::truncate_from(vec![address]),
		},
	};
	spec.needs.data_bytes = spec.data_bytes();
	spec
}

#[test]
fn a_state_to_start_from_has_a_hash_and_a_root() {
	let given = |blob: u8, root: u8| TaskSpec {
		initial_state: Some(StateSpec {
			blob: H256([blob; 32]),
			root: H256([root; 32]),
		}),
		..claiming(1_000, 1_000)
	};
	assert_eq!(given(1, 2).check(), Ok(()));
	for lacking in [given(0, 2), given(1, 0), given(0, 0)] {
		assert_eq!(lacking.check(), Err(SpecFault::InitialState));
	}
}

#[test]
fn the_state_is_bounded_by_the_parameters_and_absolutely() {
	assert_eq!(claiming(1_000, 1_000).check(), Ok(()));
	assert_eq!(claiming(999, 1_000).check(), Err(SpecFault::Cost));
	assert_eq!(claiming(16_000, 1_000).check(), Ok(()));
	assert_eq!(claiming(16_001, 1_000).check(), Err(SpecFault::Cost));
	let most = MAX_STATE_ELEMENTS;
	assert_eq!(claiming(most, most).check(), Ok(()));
	assert_eq!(claiming(most + 1, most).check(), Err(SpecFault::Cost));
	assert_eq!(claiming(u64::MAX, u64::MAX).check(), Err(SpecFault::Cost));
}
