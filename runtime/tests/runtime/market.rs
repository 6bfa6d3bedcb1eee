//! The market's pallets are joined to each other, to the chain's randomness and to governance.

use crate::chain::{account, assert_invariants, begin_block, end_block, genesis, stash};
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{fungible::InspectHold, Get},
	BoundedVec,
};
use polkadot_sdk::*;
use pouw_primitives::{
	api::runtime_decl_for_pouw_api::PouwApi,
	spec::{
		hidden_segments, CostSpec, DataSpec, SpecFault, TaskSpec, TrainingSpec, ARITHMETIC_VERSION,
	},
	status::{DutyKind, Phase, TicketState},
	ticket::{feature::OPERATIONS_1, Capabilities, Endpoint, Role, SocketAddress},
};
use pouw_runtime::{
	currency::UNIT,
	governance::Origin,
	parameters::dynamic_params::{audits, tasks, tickets},
	presets::LOCAL,
	AccountId, Balances, Block, MlTasks, Parameters, Runtime, RuntimeCall, RuntimeHoldReason,
	RuntimeOrigin, RuntimeParameters, Session, Tickets,
};
use sp_core::H256;
use sp_runtime::Permill;

const FIRST_SLOT: u64 = 600_000_000;

/// Makes blocks by Alice and Bob in turn; `act` runs inside of the first.
fn blocks(from: u64, count: u64, act: impl FnOnce()) {
	let mut act = Some(act);
	for i in from..from + count {
		let name = if i % 2 == 0 { "Alice" } else { "Bob" };
		let authority = Session::validators()
			.iter()
			.position(|v| *v == stash(name))
			.expect("both validate");
		let transactions = begin_block(FIRST_SLOT + i, authority as u32, name);
		if let Some(act) = act.take() {
			act();
		}
		end_block(transactions);
		assert_invariants();
	}
}

fn endpoint() -> Endpoint {
	let address = SocketAddress::V4([127, 0, 0, 1], 4_433);
	Endpoint {
		key: [7; 32],
		addresses: BoundedVec::truncate_from(vec![address]),
	}
}

fn capabilities() -> Capabilities {
	Capabilities {
		features: OPERATIONS_1,
		parameters: 1 << 32,
		data_bytes: 1 << 40,
	}
}

fn spec() -> TaskSpec {
	let mut spec = TaskSpec {
		name: BoundedVec::truncate_from(b"digits".to_vec()),
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
			features: OPERATIONS_1,
			parameters: 1_000,
			data_bytes: 0,
		},
		required_accuracy: Permill::from_percent(90),
		fee: 100 * UNIT,
		round_deadline: 40,
		endpoint: endpoint(),
	};
	spec.needs.data_bytes = spec.data_bytes();
	spec
}

const WORKERS: [(&str, Role); 4] = [
	("Bob", Role::Trainer),
	("Charlie", Role::Trainer),
	("Dave", Role::Supervisor),
	("Eve", Role::Evaluator),
];

fn buy_tickets() {
	for (name, role) in WORKERS {
		Tickets::buy_ticket(
			RuntimeOrigin::signed(account(name)),
			role,
			capabilities(),
			endpoint(),
			20 * UNIT,
		)
		.expect("the account can pay the floor");
	}
}

#[test]
fn workers_are_drawn_by_the_randomness_of_a_later_block_and_know_their_duties() {
	genesis(LOCAL).execute_with(|| {
		let maturity = u64::from(tickets::Maturity::get());
		blocks(0, maturity + 2, buy_tickets);
		for (name, role) in WORKERS {
			let owned = <Runtime as PouwApi<Block, AccountId>>::tickets_of(account(name));
			assert_eq!(owned.len(), 1);
			assert_eq!(owned[0].role, role);
			assert_eq!(
				owned[0].state,
				TicketState::Pooled,
				"{name}'s ticket has matured"
			);
		}

		let client = account("Alice");
		blocks(maturity + 2, 1, || {
			MlTasks::submit_task(RuntimeOrigin::signed(client.clone()), Box::new(spec()))
				.expect("the specification works");
		});
		let held = Balances::total_balance_on_hold(&client);
		let estimate = MlTasks::estimate_fee(spec()).expect("the specification works");
		assert!(estimate.floor <= spec().fee);
		assert_eq!(held, spec().fee + estimate.client_bond);
		let status = MlTasks::task_status(0).expect("it is open");
		assert_eq!((status.phase, status.seed), (Phase::Pending, None));
		assert_eq!(status.workers, vec![]);

		blocks(maturity + 3, u64::from(tasks::DrawDelay::get()), || ());
		let status = MlTasks::task_status(0).expect("it is open");
		let seed = status.seed.expect("it was drawn");
		assert_eq!(status.hidden_segments, hidden_segments(&seed, 10, 2));
		assert_eq!(status.workers.len(), WORKERS.len());
		for (name, role) in WORKERS {
			let duties = <Runtime as PouwApi<Block, AccountId>>::open_duties(account(name));
			let drawn =
				|kind: &DutyKind| matches!(kind, DutyKind::Accept { role: r, .. } if *r == role);
			assert!(
				duties.iter().any(|duty| drawn(&duty.kind)),
				"{name}: {duties:?}"
			);
		}
		assert_eq!(
			<Runtime as PouwApi<Block, AccountId>>::open_tasks(0, 10),
			vec![0],
		);
	});
}

#[test]
fn a_specification_that_can_not_work_is_refused_with_its_reason() {
	genesis(LOCAL).execute_with(|| {
		let mut none = spec();
		none.training.trainers = 0;
		assert_eq!(MlTasks::estimate_fee(none.clone()), Err(SpecFault::Workers));
		let refused = MlTasks::submit_task(RuntimeOrigin::signed(account("Alice")), Box::new(none));
		refused.expect_err("it can't work");
		assert_eq!(Balances::total_balance_on_hold(&account("Alice")), 0);
	});
}

#[test]
fn the_market_admin_sets_the_market_and_nothing_else() {
	genesis(LOCAL).execute_with(|| {
		let rate = |percent: u32| {
			RuntimeParameters::Audits(audits::Parameters::AuditRate(
				audits::AuditRate,
				Some(Permill::from_percent(percent)),
			))
		};
		Parameters::set_parameter(RuntimeOrigin::signed(account("Alice")), rate(50))
			.expect_err("nobody may by themselves");
		Parameters::set_parameter(Origin::StakingAdmin.into(), rate(50)).expect_err("another's");
		Parameters::set_parameter(Origin::MarketAdmin.into(), rate(50)).expect("its own");
		assert_eq!(audits::AuditRate::get(), Permill::from_percent(50));
		let whitelister = RuntimeParameters::Governance(
			pouw_runtime::parameters::dynamic_params::governance::Parameters::Whitelister(
				pouw_runtime::parameters::dynamic_params::governance::Whitelister,
				Some(account("Alice")),
			),
		);
		Parameters::set_parameter(Origin::MarketAdmin.into(), whitelister).expect_err("root's");
	});
}

#[test]
fn a_ticket_is_held_under_its_own_reason() {
	genesis(LOCAL).execute_with(|| {
		blocks(0, 1, buy_tickets);
		let reason = RuntimeHoldReason::Tickets(pallet_tickets::HoldReason::Ticket);
		assert_eq!(
			Balances::balance_on_hold(&reason, &account("Bob")),
			10 * UNIT
		);
	});
}

#[test]
fn every_call_of_the_market_weighs_something_of_its_own() {
	// A call whose weight is the placeholder `()` would be free.
	let calls = [
		RuntimeCall::Tickets(pallet_tickets::Call::buy_ticket {
			role: Role::Trainer,
			capabilities: capabilities(),
			endpoint: endpoint(),
			max_price: UNIT,
		}),
		RuntimeCall::MlTasks(pallet_ml_tasks::Call::submit_task {
			spec: Box::new(spec()),
		}),
		RuntimeCall::Rewards(pallet_rewards::Call::set_split {
			split: pallet_rewards::types::InitialSplit::get(),
		}),
	];
	for call in calls {
		let weight = call.get_dispatch_info().call_weight;
		assert!(weight.ref_time() > 1_000_000, "{call:?}");
	}
}
