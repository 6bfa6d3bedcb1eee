//! Submitting and cancelling tasks.

use crate::mock::*;
use pallet_ml_tasks::{Error, HoldReason};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	sp_runtime::{DispatchError, TokenError},
};
use pouw_primitives::{
	spec::{SpecFault, TaskSpec},
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
		// 24 segments.
		let mut spec = small_spec();
		let estimate = MlTasks::estimate_fee(spec.clone()).unwrap();
		assert_eq!(estimate.floor, POUW / 100 + 24 * POUW / 100);
		assert_eq!(estimate.client_bond, 24 * POUW);
		// 10 POUW a segment, twice, at an audit rate of a quarter.
		assert_eq!(estimate.trainer_bond, 80 * POUW);

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
		let accepted = trainers.len() as u128;
		let issuance = Balances::total_issuance();
		assert_ok!(MlTasks::cancel_task(RuntimeOrigin::signed(CLIENT), task));
		pass(1);
		assert_eq!(MlTasks::task_summary(task).unwrap().refunded, 240 * POUW);
		assert_eq!(wealth(CLIENT), PURSE - 24 * POUW);
		// Half of it was burned, and the dust of the other half.
		let burned = issuance - Balances::total_issuance();
		assert_eq!(burned, 12 * POUW + 12 * POUW % accepted);
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
