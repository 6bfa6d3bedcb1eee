//! How the shared words look in JSON.

use polkadot_sdk::{
	frame_support::BoundedVec,
	sp_core::H256,
	sp_runtime::{AccountId32, Permill},
};
use pouw_primitives::{
	spec::{CostSpec, DataSpec, StateSpec, TaskSpec, TrainingSpec, ARITHMETIC_VERSION},
	status::{Duty, DutyKind, FeeEstimate, Phase},
	ticket::{Capabilities, Endpoint, Role, SocketAddress},
};
use serde_json::json;

fn spec() -> TaskSpec {
	let address = SocketAddress::V4([127, 0, 0, 1], 4_433);
	let sixth = SocketAddress::V6([0; 16], 9);
	TaskSpec {
		name: BoundedVec::truncate_from("Ziffern".into()),
		arithmetic_version: ARITHMETIC_VERSION,
		step_program: H256([1; 32]),
		step_program_parts: H256([1; 32]),
		evaluation_program: H256([2; 32]),
		evaluation_program_parts: H256([2; 32]),
		initial_state: None,
		data: DataSpec {
			root: H256([3; 32]),
			manifest: H256([4; 32]),
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
			state_elements: 1_000,
			parameters: 1_000,
			step_multiply_adds: 1_000_000,
			evaluation_multiply_adds: 1_000_000,
		},
		needs: Capabilities {
			features: 1,
			parameters: 1_000,
			data_bytes: 1_000_000,
		},
		required_accuracy: Permill::from_percent(90),
		// More than a JSON number holds.
		fee: u128::from(u64::MAX) * 10,
		round_deadline: 40,
		endpoint: Endpoint {
			key: [7; 32],
			addresses: BoundedVec::truncate_from(vec![address, sixth]),
		},
	}
}

#[test]
fn a_specification_reads_as_people_write_it_and_comes_back_the_same() {
	let value = serde_json::to_value(spec()).expect("it serialises");
	assert_eq!(value["name"], "Ziffern");
	assert_eq!(value["fee"], "184467440737095516150");
	assert_eq!(value["stepProgram"], format!("0x{}", "01".repeat(32)));
	assert_eq!(value["endpoint"]["key"], format!("0x{}", "07".repeat(32)));
	assert_eq!(
		value["endpoint"]["addresses"],
		json!(["127.0.0.1:4433", "[::]:9"])
	);
	let back: TaskSpec = serde_json::from_value(value).expect("it parses");
	assert_eq!(back, spec());
}

#[test]
fn a_state_to_start_from_is_named_or_left_out() {
	let mut whole = serde_json::to_value(spec()).expect("it serialises");
	assert_eq!(whole["initialState"], json!(null));
	let fields = whole.as_object_mut().expect("it is an object");
	fields.remove("initialState");
	let read = |whole: &serde_json::Value| serde_json::from_value::<TaskSpec>(whole.clone());
	assert_eq!(read(&whole).expect("it parses"), spec());

	let hash = |byte: &str| format!("0x{}", byte.repeat(32));
	whole["initialState"] = json!({ "blob": hash("05"), "root": hash("06") });
	let given = StateSpec {
		blob: H256([5; 32]),
		root: H256([6; 32]),
	};
	assert_eq!(read(&whole).expect("it parses").initial_state, Some(given));
	whole["initialState"] = json!({ "blob": hash("05") });
	let error = read(&whole).expect_err("it has no root");
	assert!(
		error.to_string().contains("missing field `root`"),
		"{error}"
	);
}

#[test]
fn what_is_written_wrongly_is_refused_with_what_was_expected() {
	let refused = |field: &str, value: serde_json::Value| {
		let mut whole = serde_json::to_value(spec()).expect("it serialises");
		*whole.pointer_mut(field).expect("the field exists") = value;
		let error = serde_json::from_value::<TaskSpec>(whole).expect_err("it is wrong");
		error.to_string()
	};
	assert!(refused("/fee", json!("1.5")).contains("`1.5` is not an amount"));
	assert!(refused("/fee", json!("-1")).contains("`-1` is not an amount"));
	assert!(refused("/name", json!("x".repeat(65))).contains("65 bytes"));
	assert!(refused("/endpoint/addresses/0", json!("localhost")).contains("`localhost`"));
	refused("/endpoint/key", json!("0x01"));
	refused("/training/trainers", json!(-1));
}

#[test]
fn answers_name_what_they_are() {
	assert_eq!(
		serde_json::to_value(Phase::Training(3)).expect("it serialises"),
		json!({"training": 3})
	);
	let duty = Duty {
		kind: DutyKind::Accept {
			ticket: 5,
			role: Role::Trainer,
		},
		task: 1,
		deadline: 99,
	};
	assert_eq!(
		serde_json::to_value(duty).expect("it serialises"),
		json!({
			"kind": {"duty": "accept", "ticket": 5, "role": "trainer"},
			"task": 1,
			"deadline": 99,
		}),
	);
	let estimate = FeeEstimate {
		floor: 1,
		client_bond: 2,
		trainer_bond: 3,
	};
	assert_eq!(
		serde_json::to_value(estimate).expect("it serialises"),
		json!({"floor": "1", "clientBond": "2", "trainerBond": "3"}),
	);
	let account = AccountId32::from([1; 32]);
	assert!(serde_json::to_value(account)
		.expect("it serialises")
		.is_string());
}
