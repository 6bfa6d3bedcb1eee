//! Submitting and cancelling tasks.

use crate::mock::*;
use pallet_ml_tasks::{Error, HoldReason};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	sp_core::H256,
	sp_runtime::{DispatchError, TokenError},
};
use pouw_primitives::{
	spec::{SpecFault, StateSpec, TaskSpec},
	status::Phase,
	ticket::Role,
	POUW,
};

fn try_submit(spec: TaskSpec) -> Result<(), DispatchError> {
	MlTasks::submit_task(RuntimeOrigin::signed(CLIENT), Box::new(spec))
}

#[test]
fn fee_and_bond_go_on_hold() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		assert_eq!(held(HoldReason::Fee, CLIENT), 240 * POUW);
		assert_eq!(held(HoldReason::ClientBond, CLIENT), 24 * POUW);
		assert_eq!(phase(task), Phase::Pending);
		assert_eq!(status(task).seed, None);
		assert_eq!(MlTasks::open_tasks(0, 10), vec![task]);
		assert!(MlTasks::open_tasks(task + 1, 10).is_empty());
	});
}

#[test]
fn what_cannot_work_is_refused_with_its_reason() {
	in_market(|| {
		let refuse = |fault: SpecFault, change: &dyn Fn(&mut TaskSpec)| {
			let mut spec = small_spec();
			change(&mut spec);
			assert_eq!(MlTasks::estimate_fee(spec.clone()), Err(fault));
			assert_noop!(try_submit(spec), Error::<Test>::from(fault));
		};
		refuse(SpecFault::ArithmeticVersion, &|spec| {
			spec.arithmetic_version = 99
		});
		for (blob, root) in [(0, 1), (1, 0)] {
			refuse(SpecFault::InitialState, &|spec| {
				spec.initial_state = Some(StateSpec {
					blob: H256::repeat_byte(blob),
					root: H256::repeat_byte(root),
				});
			});
		}
		refuse(SpecFault::DataSegments, &|spec| spec.data.segments = 9);
		refuse(SpecFault::HiddenSegments, &|spec| {
			spec.data.hidden_segments = 0
		});
		refuse(SpecFault::HiddenSegments, &|spec| {
			spec.data.hidden_segments = 20
		});
		refuse(SpecFault::DataShape, &|spec| spec.data.classes = 1);
		refuse(SpecFault::Workers, &|spec| spec.training.trainers = 0);
		refuse(SpecFault::Workers, &|spec| spec.training.supervisors = 9);
		refuse(SpecFault::Rounds, &|spec| spec.training.rounds = 0);
		refuse(SpecFault::Steps, &|spec| spec.training.steps_per_round = 41);
		refuse(SpecFault::Batch, &|spec| spec.training.batch = 801);
		refuse(SpecFault::Cost, &|spec| {
			spec.cost.step_multiply_adds = u64::MAX
		});
		refuse(SpecFault::Needs, &|spec| spec.needs.parameters = 10);
		refuse(SpecFault::RoundDeadline, &|spec| spec.round_deadline = 19);
		refuse(SpecFault::Endpoint, &|spec| {
			spec.endpoint.addresses = Default::default()
		});
	});
}

#[test]
fn the_estimate_is_what_is_asked() {
	in_market(|| {
		// 240 steps of 10⁶ and three evaluations of 10⁶ make 243 · 10⁶ multiply-adds, a part of one price;
		// 24 segments, eight places.
		let mut spec = small_spec();
		let estimate = MlTasks::estimate_fee(spec.clone()).unwrap();
		assert_eq!(estimate.floor, POUW / 100 + 24 * POUW / 100 + 8 * POUW / 10);
		assert_eq!(estimate.client_bond, 24 * POUW);
		// 10 POUW a segment, four times, at an audit rate of a quarter.
		assert_eq!(estimate.trainer_bond, 160 * POUW);

		spec.fee = estimate.floor - 1;
		assert_noop!(try_submit(spec.clone()), Error::<Test>::FeeBelowFloor);
		spec.fee = estimate.floor;
		assert_ok!(try_submit(spec));
	});
}

#[test]
fn who_cannot_pay_is_refused() {
	in_market(|| {
		let mut spec = small_spec();
		spec.fee = PURSE;
		assert_noop!(try_submit(spec), TokenError::FundsUnavailable);
	});
}

#[test]
fn cancelling_before_the_draw_costs_nothing() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		assert_ok!(MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task));
		assert_eq!(phase(task), Phase::Cancelled);
		assert_noop!(
			MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task),
			Error::<Test>::WrongPhase
		);
		pass(1);
		let summary = MlTasks::task_summary(task).unwrap();
		assert_eq!(
			(summary.phase, summary.refunded),
			(Phase::Cancelled, 240 * POUW)
		);
		assert_eq!(free(CLIENT), PURSE);
		assert_noop!(
			MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task),
			Error::<Test>::NoSuchTask
		);
	});
}

#[test]
fn cancelling_after_the_draw_costs_the_bond() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		pass(3);
		let trainers = workers(task, Role::Trainer);
		trainers.iter().for_each(|trainer| do_duties(*trainer));
		let issuance = Balances::total_issuance();
		assert_ok!(MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task));
		pass(1);
		assert_eq!(MlTasks::task_summary(task).unwrap().refunded, 240 * POUW);
		assert_eq!(wealth(CLIENT), PURSE - 24 * POUW);
		// All of it was burned: the client may be in league with those it has had drawn.
		assert_eq!(Balances::total_issuance(), issuance - 24 * POUW);
	});
}

/// Who makes the block before the draw knows who will be drawn.
#[test]
fn cancelling_in_the_block_before_the_draw_costs_the_bond() {
	let loss = |blocks: u32| {
		let mut loss = None;
		in_market(|| {
			let task = submit(CLIENT, small_spec());
			pass(blocks);
			assert_eq!(status(task).seed, None);
			assert_ok!(MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task));
			pass(1);
			loss = Some(PURSE - wealth(CLIENT));
		});
		loss.unwrap()
	};
	assert_eq!(loss(1), 0);
	assert_eq!(loss(2), 24 * POUW);
}

#[test]
fn however_soon_a_draw_is_to_come_a_task_can_be_taken_back_at_once() {
	in_market(|| {
		DrawDelay::set(0);
		let task = submit(CLIENT, small_spec());
		assert_ok!(MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task));
		pass(1);
		assert_eq!(wealth(CLIENT), PURSE);
	});
}

/// Else the whole market could be bound by tasks that cost next to nothing.
#[test]
fn each_place_has_a_price_and_the_bond_a_floor() {
	in_market(|| {
		PlacePrice::set(5 * POUW);
		MinimumClientBond::set(30 * POUW);
		let mut spec = small_spec();
		let before = MlTasks::estimate_fee(spec.clone()).unwrap();
		spec.training.supervisors += 2;
		spec.training.trainers += 1;
		spec.training.rounds = 2;
		// The same work by more workers.
		let after = MlTasks::estimate_fee(spec.clone()).unwrap();
		assert_eq!(after.floor, before.floor + 3 * 5 * POUW);
		assert_eq!(after.client_bond, 30 * POUW);
		spec.fee = after.floor;
		let task = submit(CLIENT, spec);
		assert_eq!(held(HoldReason::ClientBond, CLIENT), 30 * POUW);
		assert_ok!(MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task));
		pass(1);
	});
}

#[test]
fn only_the_client_cancels_and_only_before_training() {
	in_market(|| {
		let task = submit(CLIENT, small_spec());
		assert_noop!(
			MlTasks::cancel_task(RuntimeOrigin::signed(STRANGER), task),
			Error::<Test>::NotClient
		);
		assert_noop!(
			MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task + 1),
			Error::<Test>::NoSuchTask
		);
		live_until("training", 30, || phase(task) == Phase::Training(0));
		assert_noop!(
			MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task),
			Error::<Test>::WrongPhase
		);
	});
}

#[test]
fn the_configuration_can_work() {
	in_market(|| {
		<MlTasks as Hooks<_>>::integrity_test();
		<Pouw as Hooks<_>>::integrity_test();
	});
}
