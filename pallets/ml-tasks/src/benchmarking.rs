//! Benchmarks of the calls and of the hook's parts, each in its worst case: a task with as many places as
//! a task can have.

use crate::{
	agenda::CLEAR_STEP,
	types::{EvaluationResult, EvaluationStep, Former, Score, Stage, Word, SEATED_ROLES},
	Agenda, Call, Clearing, Config, NextTask, Pallet, Rounds, SealedRound, Specs, Tasks,
	MAX_FORMER,
};
use alloc::{boxed::Box, vec::Vec};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		traits::{
			fungible::{Inspect, Unbalanced},
			tokens::Precision,
			Hooks,
		},
		weights::{Weight, WeightMeter},
		BoundedVec,
	},
	frame_system::RawOrigin,
	sp_core::H256,
	sp_runtime::Permill,
};
use pouw_primitives::{
	proof::evaluation_commitment,
	seams::{Proofs, TicketPool},
	spec::{
		CostSpec, DataSpec, StateSpec, TaskSpec, TrainingSpec, ARITHMETIC_VERSION,
		MAX_DATA_SEGMENTS, MAX_EVALUATORS, MAX_NAME, MAX_SUPERVISORS, MAX_TRAINERS,
	},
	status::{SpecVerdict, TestPart},
	ticket::{Capabilities, Endpoint, Role, SocketAddress},
	Slot, TaskId, POUW,
};

const VERDICT: SpecVerdict = SpecVerdict::Good {
	training_tensor: Some(H256([9; 32])),
};
const SCORE: Score = Score {
	correct: 1,
	state_root: H256([6; 32]),
};
const SALT: H256 = H256([7; 32]);

/// The largest specification, with the most places.
fn largest_spec() -> TaskSpec {
	let mut spec = TaskSpec {
		name: BoundedVec::truncate_from(alloc::vec![b'n'; MAX_NAME as usize]),
		arithmetic_version: ARITHMETIC_VERSION,
		step_program: H256([1; 32]),
		step_program_parts: H256([1; 32]),
		evaluation_program: H256([2; 32]),
		evaluation_program_parts: H256([2; 32]),
		initial_state: Some(StateSpec {
			blob: H256([8; 32]),
			root: H256([9; 32]),
		}),
		data: DataSpec {
			root: H256([3; 32]),
			manifest: H256([4; 32]),
			segments: MAX_DATA_SEGMENTS,
			hidden_segments: 20,
			rows_per_segment: 100,
			columns: 64,
			classes: 10,
		},
		training: TrainingSpec {
			trainers: MAX_TRAINERS,
			supervisors: MAX_SUPERVISORS,
			evaluators: MAX_EVALUATORS,
			rounds: 100,
			steps_per_round: 100,
			steps_per_segment: 10,
			batch: 100,
		},
		cost: CostSpec {
			state_elements: 1_000,
			parameters: 1_000,
			step_multiply_adds: 1_000,
			evaluation_multiply_adds: 1_000,
		},
		needs: Capabilities {
			features: 0,
			parameters: 1_000,
			data_bytes: 0,
		},
		required_accuracy: Permill::from_percent(90),
		fee: 0,
		round_deadline: 100,
		endpoint: Endpoint {
			key: [7; 32],
			addresses: BoundedVec::truncate_from(alloc::vec![SocketAddress::V6([1; 16], 4_433); 4]),
		},
	};
	spec.needs.data_bytes = spec.data_bytes();
	spec
}

fn fund<T: Config>(account: &T::AccountId) {
	let enough = T::Currency::minimum_balance().saturating_add(1_000_000_000 * POUW);
	let _ = T::Currency::increase_balance(account, enough, Precision::BestEffort);
}

/// A client with funds, and a specification that it can pay.
fn order<T: Config>() -> (T::AccountId, TaskSpec) {
	let client: T::AccountId = account("client", 0, 0);
	fund::<T>(&client);
	let mut spec = largest_spec();
	let floor = Pallet::<T>::estimate(&spec)
		.map(|estimate| estimate.floor)
		.unwrap_or_default();
	spec.fee = floor.max(1_000 * POUW);
	(client, spec)
}

/// A task that was submitted.
fn submitted<T: Config>() -> (TaskId, T::AccountId) {
	let (client, spec) = order::<T>();
	let id = NextTask::<T>::get();
	let submitted = Pallet::<T>::do_submit(client.clone(), spec);
	assert!(
		submitted.is_ok(),
		"a client with funds can submit: {submitted:?}"
	);
	(id, client)
}

/// Puts as many tickets as there are places into the pools.
fn fill_pools<T: Config>() {
	for (role, places) in [
		(Role::Trainer, MAX_TRAINERS),
		(Role::Supervisor, MAX_SUPERVISORS),
		(Role::Evaluator, MAX_EVALUATORS),
	] {
		for index in 0..places {
			let owner: T::AccountId = account("worker", u32::from(index), role as u32);
			fund::<T>(&owner);
			T::Tickets::benchmark_ticket(&owner, role);
		}
	}
}

/// Applies something to a task.
fn with<T: Config>(id: TaskId, change: impl FnOnce(&mut crate::TaskOf<T>, &TaskSpec)) {
	let result = Pallet::<T>::change(id, |task, spec| {
		change(task, spec);
		Ok(())
	});
	assert!(result.is_ok(), "the task is there: {result:?}");
}

/// A task whose places are drawn.
fn drawn<T: Config>() -> (TaskId, T::AccountId) {
	let (id, client) = submitted::<T>();
	fill_pools::<T>();
	with::<T>(id, |task, spec| {
		let now = Pallet::<T>::now();
		task.seed = Some(H256([8; 32]));
		for role in SEATED_ROLES {
			Pallet::<T>::draw_role(id, task, spec, role, &H256([5; 32]), now);
		}
		task.draw = None;
		assert_eq!(task.vacancies(), 0, "there is a ticket for each place");
	});
	(id, client)
}

/// The workers of a role, with their tickets.
fn workers<T: Config>(id: TaskId, role: Role) -> Vec<(T::AccountId, u64)> {
	let task = Tasks::<T>::get(id).expect("the benchmark has made the task; qed");
	task.seats(role)
		.iter()
		.flatten()
		.map(|seat| (seat.account.clone(), seat.ticket))
		.collect()
}

fn accept_all<T: Config>(id: TaskId, but_last: bool) {
	let mut all: Vec<_> = SEATED_ROLES
		.into_iter()
		.flat_map(|role| workers::<T>(id, role))
		.collect();
	if but_last {
		all.pop();
	}
	for (account, ticket) in all {
		with::<T>(id, |task, spec| {
			let accepted = Pallet::<T>::accept(id, task, spec, account, ticket);
			assert!(accepted.is_ok(), "a drawn worker can accept: {accepted:?}");
		});
	}
}

fn attest_all<T: Config>(id: TaskId, but_last: bool) {
	let supervisors = workers::<T>(id, Role::Supervisor);
	let quorum = pouw_primitives::proof::two_thirds(supervisors.len() as u32) as usize;
	let speaking = if but_last { quorum - 1 } else { quorum };
	for (account, _) in supervisors.into_iter().take(speaking) {
		with::<T>(id, |task, spec| {
			let said = Pallet::<T>::judge_spec(id, task, spec, account, VERDICT);
			assert!(said.is_ok(), "a supervisor can attest: {said:?}");
		});
	}
}

/// A task whose first round is open.
pub(crate) fn open_round<T: Config>() -> (TaskId, Vec<T::AccountId>, Vec<T::AccountId>) {
	let (id, _) = drawn::<T>();
	accept_all::<T>(id, false);
	attest_all::<T>(id, false);
	let accounts = |role| {
		workers::<T>(id, role)
			.into_iter()
			.map(|(account, _)| account)
			.collect()
	};
	(id, accounts(Role::Trainer), accounts(Role::Supervisor))
}

/// A task in this step of its evaluation.
fn evaluating<T: Config>(step: EvaluationStep, test: TestPart) -> TaskId {
	let (id, _, _) = open_round::<T>();
	with::<T>(id, |task, spec| {
		let until = Pallet::<T>::now().saturating_add(100);
		task.sealed_rounds = spec.training.rounds;
		task.test = test;
		task.stage = Stage::Evaluating {
			step,
			until,
			attempts: 0,
		};
	});
	id
}

fn score_commitment<T: Config>(who: &T::AccountId, id: TaskId) -> H256 {
	evaluation_commitment(who, id, 0, SCORE.correct, &SCORE.state_root, &SALT)
}

/// A meter that measures and does not limit.
fn boundless() -> WeightMeter {
	WeightMeter::with_limit(Weight::MAX)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn submit_task() {
		let (client, spec) = order::<T>();
		let id = NextTask::<T>::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(client), Box::new(spec));

		assert!(Tasks::<T>::contains_key(id));
	}

	#[benchmark]
	fn cancel_task() {
		let (id, client) = drawn::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(client), id);

		assert!(Tasks::<T>::get(id).is_some_and(|task| Pallet::<T>::is_over(&task)));
	}

	/// The last one to accept, so that training begins.
	#[benchmark]
	fn accept_assignment() {
		let (id, _) = drawn::<T>();
		accept_all::<T>(id, true);
		attest_all::<T>(id, false);
		let (last, ticket) = workers::<T>(id, Role::Evaluator)
			.pop()
			.expect("it was drawn; qed");

		#[extrinsic_call]
		_(RawOrigin::Signed(last), id, ticket);

		assert!(Tasks::<T>::get(id).is_some_and(|task| task.complete()));
	}

	/// The supervisor that makes two thirds, so that training begins.
	#[benchmark]
	fn attest_spec() {
		let (id, _) = drawn::<T>();
		accept_all::<T>(id, false);
		attest_all::<T>(id, true);
		let (last, _) = workers::<T>(id, Role::Supervisor)
			.pop()
			.expect("it was drawn; qed");

		#[extrinsic_call]
		_(RawOrigin::Signed(last), id, VERDICT);

		assert!(
			Tasks::<T>::get(id).is_some_and(|task| matches!(task.stage, Stage::Training { .. }))
		);
	}

	#[benchmark]
	fn reveal_test() {
		let id = evaluating::<T>(EvaluationStep::RevealTest, TestPart::Hidden);
		let client = account("client", 0, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(client), id);

		assert!(Tasks::<T>::get(id).is_some_and(|task| task.test == TestPart::Revealed));
	}

	/// The supervisor that makes two thirds.
	#[benchmark]
	fn attest_test() {
		let id = evaluating::<T>(EvaluationStep::AttestTest, TestPart::Revealed);
		let supervisors = workers::<T>(id, Role::Supervisor);
		let quorum = pouw_primitives::proof::two_thirds(supervisors.len() as u32) as usize;
		with::<T>(id, |task, _| {
			for seat in task.supervisors.iter_mut().flatten().take(quorum - 1) {
				seat.said = Some(Word::Test(Some(H256([8; 32]))));
			}
		});
		let last = supervisors[supervisors.len() - 1].0.clone();

		#[extrinsic_call]
		_(RawOrigin::Signed(last), id, Some(H256([8; 32])));

		assert!(Tasks::<T>::get(id).is_some_and(|task| task.test == TestPart::Attested));
	}

	#[benchmark]
	fn commit_evaluation() {
		let id = evaluating::<T>(EvaluationStep::Commit, TestPart::Attested);
		let (evaluator, _) = workers::<T>(id, Role::Evaluator).remove(0);
		let commitment = score_commitment::<T>(&evaluator, id);

		#[extrinsic_call]
		_(RawOrigin::Signed(evaluator.clone()), id, commitment);

		assert!(Tasks::<T>::get(id).is_some_and(|task| {
			task.worker(Role::Evaluator, &evaluator)
				.is_some_and(|(_, seat)| seat.said.is_some())
		}));
	}

	/// The last one, at odds with all others, so that all are replaced.
	#[benchmark]
	fn reveal_evaluation() {
		let id = evaluating::<T>(EvaluationStep::Reveal, TestPart::Attested);
		let (last, _) = workers::<T>(id, Role::Evaluator)
			.pop()
			.expect("it was drawn; qed");
		let commitment = score_commitment::<T>(&last, id);
		with::<T>(id, |task, _| {
			for (index, seat) in (0..).zip(task.evaluators.iter_mut().flatten()) {
				let word = Word::Scored(Score {
					correct: index,
					..SCORE
				});
				seat.said = Some(if seat.account == last {
					Word::Committed(commitment)
				} else {
					word
				});
			}
		});

		#[extrinsic_call]
		_(
			RawOrigin::Signed(last),
			id,
			SCORE.correct,
			SCORE.state_root,
			SALT,
		);

		assert!(Tasks::<T>::get(id).is_some_and(|task| task.draw.is_some()));
	}

	#[benchmark]
	fn poll() {
		let mut meter = boundless();
		#[block]
		{
			Pallet::<T>::on_poll(Default::default(), &mut meter);
		}
	}

	/// An entry of a task that is there no more.
	#[benchmark]
	fn agenda_entry() {
		let now = Pallet::<T>::now();
		Agenda::<T>::insert(now, TaskId::MAX, ());
		let mut meter = boundless();
		#[block]
		{
			Pallet::<T>::on_poll(Default::default(), &mut meter);
		}
		assert!(!Agenda::<T>::contains_key(now, TaskId::MAX));
	}

	/// A round's deadline, at which half of the trainers have missed it for the last time.
	#[benchmark]
	fn turn() {
		let (id, trainers, _) = open_round::<T>();
		let half = trainers.len() / 2;
		for (slot, trainer) in (0..).zip(trainers.iter().take(half)) {
			T::Proofs::benchmark_commitment(id, 0, slot, trainer, true);
		}
		with::<T>(id, |task, _| {
			for seat in task.trainers.iter_mut().flatten() {
				seat.missed = crate::MAX_MISSED_ROUNDS - 1;
			}
			if let Stage::Training {
				until,
				available,
				extended,
				..
			} = &mut task.stage
			{
				*until = 0;
				*extended = true;
				*available = 1;
			}
		});
		let task = Tasks::<T>::get(id).expect("the benchmark has made the task; qed");
		let spec = Specs::<T>::get(id).expect("the benchmark has made the task; qed");
		#[block]
		{
			Pallet::<T>::turn(id, task, &spec);
		}
		assert!(Tasks::<T>::get(id).is_some_and(|task| task.sealed_rounds == 1));
	}

	/// Draws for this many places, from pools that have a ticket for each.
	#[benchmark]
	fn draw(p: Linear<0, { MAX_SUPERVISORS as u32 + MAX_TRAINERS as u32 }>) {
		let (id, _) = submitted::<T>();
		fill_pools::<T>();
		let mut task = Tasks::<T>::get(id).expect("the benchmark has made the task; qed");
		let spec = Specs::<T>::get(id).expect("the benchmark has made the task; qed");
		let trainers = p.min(u32::from(MAX_TRAINERS)) as usize;
		let supervisors = (p as usize).saturating_sub(trainers);
		task.trainers.truncate(trainers);
		task.supervisors.truncate(supervisors);
		let now = Pallet::<T>::now();
		#[block]
		{
			for role in [Role::Trainer, Role::Supervisor] {
				Pallet::<T>::draw_role(id, &mut task, &spec, role, &H256([5; 32]), now);
			}
		}
		assert_eq!(task.trainers.iter().flatten().count(), trainers);
	}

	/// A task that is settled with this many workers beside those that it has in any case.
	#[benchmark]
	fn end(w: Linear<0, MAX_FORMER>) {
		let id = evaluating::<T>(
			EvaluationStep::Closed(EvaluationResult::Scored(SCORE)),
			TestPart::Attested,
		);
		with::<T>(id, |task, _| {
			for role in SEATED_ROLES {
				for seat in task.seats_mut(role).flatten() {
					seat.work = 1;
					seat.accepted_segments = 1;
				}
			}
			for index in 0..w {
				let account: T::AccountId = account("former", index, 0);
				fund::<T>(&account);
				let former = Former {
					role: Role::Supervisor,
					account,
					ticket: u64::MAX,
					bond: 0,
					work: 1,
					accepted_segments: 0,
				};
				assert!(task.former.try_push(former).is_ok(), "there is room");
			}
		});
		let task = Tasks::<T>::get(id).expect("the benchmark has made the task; qed");
		let spec = Specs::<T>::get(id).expect("the benchmark has made the task; qed");
		Agenda::<T>::remove(task.wake, id);
		#[block]
		{
			Pallet::<T>::end(id, task, &spec);
		}
		assert!(!Tasks::<T>::contains_key(id));
	}

	#[benchmark]
	fn clear(e: Linear<1, { 2 * CLEAR_STEP }>) {
		for round in 0..e.min(CLEAR_STEP - 1) {
			Rounds::<T>::insert(
				0,
				round,
				SealedRound {
					record: H256::zero(),
					ends: BoundedVec::truncate_from(alloc::vec![(0, H256::zero()); 16]),
				},
			);
		}
		for slot in 0..e.saturating_sub(CLEAR_STEP) {
			let trainer: T::AccountId = account("trainer", slot, 0);
			T::Proofs::benchmark_commitment(0, slot, slot as Slot, &trainer, false);
		}
		Clearing::<T>::insert(0, ());
		let mut meter = boundless();
		#[block]
		{
			Pallet::<T>::serve_clearing(&mut meter);
		}
		assert_eq!(Rounds::<T>::iter_key_prefix(0).count(), 0);
	}
}
