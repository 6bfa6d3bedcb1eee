//! Tasks that start from a state that their client has given: what supervisors say of it, and that everybody starts
//! from it.

use crate::{
	disputes::{dispute, facts, opened, roots, round, DISPUTE},
	duties::{own_account, trainer, Market, TASK},
	own_tasks::open_store,
	small,
};
use codec::{Compact, Encode};
use ml_worker::{
	config::Duties,
	task_file::Prepared,
	training::{disputed::OwnComputation, State},
};
use polkadot_sdk::sp_core::H256;
use pouw_dispute::{defend, ChallengerMove, DefenderMove, Outcome};
use pouw_primitives::{
	spec::StateSpec,
	status::{DutyKind, RoundStatus, SpecVerdict},
	ticket::Role,
};
use repops::{
	commit::state_root, initial::initial_state, number, random::Seed, state_blob, tensor::Elements,
};
use std::sync::Arc;
use tempfile::TempDir;

/// A state that the task's own seed does not make.
fn given() -> State {
	initial_state(&small::prepared().programs.step, &Seed([99; 32]))
}

/// The small task, starting from it.
fn prepared() -> Prepared {
	Prepared {
		initial: Some(given()),
		..small::prepared()
	}
}

/// The end of a supervisor's transaction.
fn attested(verdict: SpecVerdict) -> Vec<u8> {
	(Compact(TASK), verdict).encode()
}

fn good(market: &Market) -> Vec<u8> {
	attested(SpecVerdict::Good {
		training_tensor: Some(H256(market.run.data().root())),
	})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_attests_what_it_has_checked_and_holds() {
	let mut market = Market::open_with(prepared()).await;
	assert_eq!(market.start, given());
	let spec = market.status.spec.initial_state.unwrap();
	assert_eq!(spec.root, H256(state_root(&given())));
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	market.place(Role::Supervisor, 0, own_account(), store.endpoint());
	let duty = DutyKind::AttestSpec;
	let worker = market.work(Duties::Supervisor, duty, &store, &folder).await;
	market.node.transaction(&good(&market)).await;
	worker.stop().await;
	let held = store.get(&spec.blob).await.unwrap();
	assert_eq!(held, Some(state_blob::encode(&given())));
}

/// A state with one element replaced.
fn with_element(bits: u32) -> State {
	let mut state = given();
	let Elements::F32(elements) = &mut state[1].elements else {
		panic!("states are of F32");
	};
	elements[2] = f32::from_bits(bits);
	state
}

/// What a client may publish as a state: the blob, and the root that it claims.
fn lies() -> Vec<(&'static str, Vec<u8>, H256)> {
	let root = |state: &State| H256(state_root(state));
	let right = state_blob::encode(&given());
	let mut not_a_state = right.clone();
	not_a_state[0] ^= 1;
	let mut longer = right.clone();
	longer.extend([0; 4]);
	let other = initial_state(&small::prepared().programs.step, &Seed([98; 32]));
	let mut lies = vec![
		("the root of another state", right.clone(), root(&other)),
		("another format", not_a_state, root(&given())),
		(
			"too short",
			right[..right.len() - 4].to_vec(),
			root(&given()),
		),
		("larger than the declared state", longer, root(&given())),
		("nothing at all", Vec::new(), root(&given())),
	];
	for (what, bits) in [
		("a NaN", number::NAN.to_bits()),
		("a NaN that no computation makes", number::NAN.to_bits() | 1),
		("an infinity", f32::NEG_INFINITY.to_bits()),
	] {
		let diverged = with_element(bits);
		lies.push((what, state_blob::encode(&diverged), root(&diverged)));
	}
	lies
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_not_what_the_specification_says_makes_it_bad() {
	let mut market = Market::open_with(prepared()).await;
	let most = state_blob::encode(&given()).len();
	for (what, blob, root) in lies() {
		let folder = TempDir::new().unwrap();
		let store = open_store(folder.path()).await;
		market.status.workers.clear();
		market.place(Role::Supervisor, 0, own_account(), store.endpoint());
		let length = blob.len();
		let blob = market.client.put("task", blob).await.unwrap();
		market.status.spec.initial_state = Some(StateSpec { blob, root });
		market.node.script(|script| script.transactions.clear());
		let duty = DutyKind::AttestSpec;
		let worker = market.work(Duties::Supervisor, duty, &store, &folder).await;
		println!("{what}");
		market.node.transaction(&attested(SpecVerdict::Bad)).await;
		worker.stop().await;
		// No more is taken than the declared state has.
		assert_eq!(store.has(&blob).await.unwrap(), length <= most, "{what}");
		store.shutdown().await;
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_withheld_makes_the_specification_bad_at_the_last_call() {
	let mut market = Market::open().await;
	market.status.spec.initial_state = Some(StateSpec {
		blob: H256(*blake3::hash(&state_blob::encode(&given())).as_bytes()),
		root: H256(state_root(&given())),
	});
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	market.place(Role::Supervisor, 0, own_account(), store.endpoint());
	// There is still time for the client to deliver it.
	let duty = DutyKind::AttestSpec;
	let worker = market
		.work(Duties::Supervisor, duty.clone(), &store, &folder)
		.await;
	for _ in 0..4 {
		market.node.settled_block(|_| ()).await;
	}
	worker.stop().await;
	assert!(market.node.script(|script| script.transactions.is_empty()));

	let deadline = market.node.script(|script| script.number + 2);
	let worker = market
		.work_until(deadline, Duties::Supervisor, duty, &store, &folder)
		.await;
	market.node.transaction(&attested(SpecVerdict::Bad)).await;
	worker.stop().await;
}

/// The client has shown it to a supervisor alone, who serves it to all.
#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_starts_from_it_whoever_serves_it() {
	let mut honest = Market::open_with(prepared()).await;
	let mut market = Market::open().await;
	market.status.spec.initial_state = honest.status.spec.initial_state;
	let (folder, keeping) = (TempDir::new().unwrap(), TempDir::new().unwrap());
	let (store, keeper) = (
		open_store(folder.path()).await,
		open_store(keeping.path()).await,
	);
	let blob = state_blob::encode(&given());
	let hash = keeper.put("task", blob).await.unwrap();
	assert_eq!(hash, market.status.spec.initial_state.unwrap().blob);
	assert!(!market.client.has(&hash).await.unwrap());
	market.place(Role::Supervisor, 0, trainer(9), keeper.endpoint());
	market.place(Role::Trainer, 0, own_account(), store.endpoint());

	// Everything but the segments' salts is the same in both.
	honest.status = market.status.clone();
	let states = round(&honest);
	assert_eq!(states[0], given());
	let expected = honest.commitment(&honest.client, 0, &states).await;
	let roots = (expected.trace_root, expected.end_root, expected.manifest);
	let duty = DutyKind::Train { round: 0, slot: 0 };
	let worker = market.work(Duties::Trainer, duty, &store, &folder).await;
	let training = market.status.spec.training;
	let samples = u64::from(training.steps_per_round) * u64::from(training.batch);
	let beginning = (
		(Compact(TASK), Compact(0u32), market.status.record),
		roots,
		Compact(samples),
	)
		.encode();
	let sent = async {
		loop {
			let sent = market.node.script(|script| script.transactions.clone());
			let found = sent
				.iter()
				.any(|sent| sent.windows(beginning.len()).any(|part| part == beginning));
			if found {
				return;
			}
			tokio::time::sleep(std::time::Duration::from_millis(50)).await;
		}
	};
	let sent = tokio::time::timeout(std::time::Duration::from_secs(30), sent).await;
	assert!(sent.is_ok(), "it commits to another round");
	worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_opens_the_trace_that_starts_from_it() {
	let market = Market::open_with(prepared()).await;
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	let checkpoints = roots(&round(&market));
	assert_eq!(checkpoints[0], H256(state_root(&given())));
	let status = dispute(&market, trainer(1), own_account(), &checkpoints);
	let end = opened(&market, &status.game, &checkpoints);
	market.node.script(|script| script.disputes = vec![status]);
	let duty = DutyKind::AnswerDispute { dispute: DISPUTE };
	let worker = market.work(Duties::Trainer, duty, &store, &folder).await;
	market.node.transaction(&end).await;
	worker.stop().await;
}

/// The first segment is disputed: the challenger names it, and the trainer tells the states on the way from the
/// given one.
#[tokio::test(flavor = "multi_thread")]
async fn both_parties_know_what_the_first_segment_starts_from() {
	let market = Market::open_with(prepared()).await;
	let (folder, keeping) = (TempDir::new().unwrap(), TempDir::new().unwrap());
	let (store, keeper) = (
		open_store(folder.path()).await,
		open_store(keeping.path()).await,
	);
	let right = round(&market);
	// Nothing was trained.
	let wrong = vec![given(); right.len()];
	let (program, facts) = (market.run.step_program().checked(), facts(&market));
	let opened = |checkpoints: &[H256], challenger, defender| {
		let mut status = dispute(&market, challenger, defender, checkpoints);
		let trace = DefenderMove::Trace(checkpoints.iter().map(|root| root.0).collect());
		let outcome = status.game.defend(trace, program, &facts);
		assert_eq!(outcome, Ok(Outcome::Open));
		status
	};
	let named = ChallengerMove::Part(1);
	let commitment = market.commitment(&keeper, 0, &wrong).await;
	let status = opened(&roots(&wrong), own_account(), trainer(0));
	let parts = status.game.parts_of_challenge(&named, program, &facts);
	let end = (Compact(DISPUTE), parts.unwrap(), named.clone()).encode();
	market.node.script(|script| {
		script.disputes = vec![status];
		script.rounds = vec![RoundStatus {
			round: 0,
			sealed: false,
			commitments: vec![commitment],
		}];
	});
	let duty = DutyKind::AnswerDispute { dispute: DISPUTE };
	let worker = market
		.work(Duties::Verifier, duty.clone(), &store, &folder)
		.await;
	market.node.transaction(&end).await;
	worker.stop().await;

	// The same about a right trace: it is the trainer's turn, whose journal is lost.
	let mut status = opened(&roots(&right), trainer(1), own_account());
	let outcome = status.game.challenge(named, program, &facts);
	assert_eq!(outcome, Ok(Outcome::Open));
	let mut own = OwnComputation::of_steps(Arc::new(market.run.clone()), given(), 0);
	let made = defend(&status.game, program, &facts, &mut own).unwrap();
	assert!(matches!(&made, DefenderMove::States(states) if states.len() == 2));
	let parts = status.game.parts_of_defence(&made, program, &facts);
	let end = (Compact(DISPUTE), parts.unwrap(), made).encode();
	market.node.script(|script| script.disputes = vec![status]);
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	let worker = market.work(Duties::Trainer, duty, &store, &folder).await;
	market.node.transaction(&end).await;
	worker.stop().await;
}
