//! What the parties of a dispute say to the chain, with real programs, data and states.

use crate::{
	duties::{own_account, trainer, Market, SEED, TASK},
	own_tasks::open_store,
};
use codec::{Compact, Encode};
use ml_worker::{
	chain::AccountId,
	config::Duties,
	training::{run::Place, State},
};
use polkadot_sdk::sp_core::H256;
use pouw_dispute::{ChallengerMove, DefenderMove, Dispute, Facts, Start, Subject};
use pouw_primitives::{
	status::{DisputeStatus, DutyKind, RoundStatus},
	DisputeId,
};
use repops::{
	commit::{trace_root, Hash},
	parts::ShownParts,
	random::Seed,
};
use tempfile::TempDir;

pub(crate) const DISPUTE: DisputeId = 9;

/// A dispute about the first place's commitment to these checkpoints, which nobody has made a move in.
pub(crate) fn dispute(
	market: &Market,
	challenger: AccountId,
	defender: AccountId,
	checkpoints: &[H256],
) -> DisputeStatus<AccountId> {
	let checkpoints: Vec<Hash> = checkpoints.iter().map(|root| root.0).collect();
	let subject = Subject::Round {
		trace: trace_root(&checkpoints),
		end: *checkpoints.last().unwrap(),
		segments: market.run.segments(),
		steps_per_segment: market.run.training().steps_per_segment,
		first_position: 0,
		start: match market.status.spec.initial_state {
			Some(given) => Start::Given { root: given.root.0 },
			None => Start::Initial,
		},
	};
	DisputeStatus {
		dispute: DISPUTE,
		task: TASK,
		round: 0,
		slot: 0,
		score: None,
		defender,
		challenger,
		bond: 1,
		opened: 90,
		deadline: 10_000,
		void: false,
		updates: Vec::new(),
		shown: Vec::new(),
		game: Dispute::new(subject, &ShownParts::default(), &Facts::default()).unwrap(),
	}
}

/// The states at the checkpoints of the first place's round.
pub(crate) fn round(market: &Market) -> Vec<State> {
	let mut states = vec![market.start.clone()];
	for segment in 0..market.run.segments() {
		let (start, place) = (states.last().unwrap(), Place { round: 0, slot: 0 });
		let done = market.run.run_segment(start, place, segment, &mut |_| ());
		states.push(done.unwrap().end_state);
	}
	states
}

pub(crate) fn roots(states: &[State]) -> Vec<H256> {
	let root = |state: &State| H256(repops::commit::state_root(state));
	states.iter().map(root).collect()
}

pub(crate) fn facts(market: &Market) -> Facts {
	Facts {
		seed: Seed([SEED; 32]),
		data: market.status.training_tensor.map(|root| root.0),
		..Facts::default()
	}
}

/// The end of a transaction that opens the trace.
pub(crate) fn opened(market: &Market, game: &Dispute, checkpoints: &[H256]) -> Vec<u8> {
	let made = DefenderMove::Trace(checkpoints.iter().map(|root| root.0).collect());
	let program = market.run.step_program().checked();
	let parts = game.parts_of_defence(&made, program, &facts(market));
	(Compact(DISPUTE), parts.unwrap(), made).encode()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainer_opens_its_trace_also_when_its_journal_is_lost() {
	let market = Market::open().await;
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	let checkpoints = roots(&round(&market));
	let status = dispute(&market, trainer(1), own_account(), &checkpoints);
	let end = opened(&market, &status.game, &checkpoints);
	market.node.script(|script| script.disputes = vec![status]);
	let duty = DutyKind::AnswerDispute { dispute: DISPUTE };
	let worker = market.work(Duties::Trainer, duty, &store, &folder).await;
	market.node.transaction(&end).await;
	worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenger_names_the_first_checkpoint_that_its_replay_does_not_give() {
	let market = Market::open().await;
	let (folder, keeping) = (TempDir::new().unwrap(), TempDir::new().unwrap());
	let store = open_store(folder.path()).await;
	let keeper = open_store(keeping.path()).await;
	let mut states = round(&market);
	// The third segment was not run, and the last one goes on from there.
	states[3] = states[2].clone();
	let (place, start) = (Place { round: 0, slot: 0 }, states[3].clone());
	let last = market.run.run_segment(&start, place, 3, &mut |_| ());
	states[4] = last.unwrap().end_state;
	let commitment = market.commitment(&keeper, 0, &states).await;
	let checkpoints = roots(&states);
	let mut status = dispute(&market, own_account(), trainer(0), &checkpoints);
	let program = market.run.step_program().checked();
	let trace = DefenderMove::Trace(checkpoints.iter().map(|root| root.0).collect());
	let facts = facts(&market);
	status.game.defend(trace, program, &facts).unwrap();
	let named = ChallengerMove::Part(3);
	let parts = status.game.parts_of_challenge(&named, program, &facts);
	let end = (Compact(DISPUTE), parts.unwrap(), named).encode();
	market.node.script(|script| {
		script.disputes = vec![status];
		script.rounds = vec![RoundStatus {
			round: 0,
			sealed: false,
			commitments: vec![commitment],
		}];
	});
	let duty = DutyKind::AnswerDispute { dispute: DISPUTE };
	let worker = market.work(Duties::Verifier, duty, &store, &folder).await;
	market.node.transaction(&end).await;
	worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_is_not_sent_again_after_a_restart() {
	let market = Market::open().await;
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	let checkpoints = roots(&round(&market));
	let status = dispute(&market, trainer(1), own_account(), &checkpoints);
	let end = opened(&market, &status.game, &checkpoints);
	market.node.script(|script| {
		script.disputes = vec![status];
		script.pool_is_silent = true;
	});
	let duty = DutyKind::AnswerDispute { dispute: DISPUTE };
	let worker = market
		.work(Duties::Trainer, duty.clone(), &store, &folder)
		.await;
	market.node.transaction(&end).await;
	worker.stop().await;

	let worker = market.work(Duties::Trainer, duty, &store, &folder).await;
	for _ in 0..3 {
		market.node.settled_block(|_| ()).await;
	}
	tokio::time::sleep(std::time::Duration::from_millis(500)).await;
	let sent = market.node.script(|script| script.transactions.len());
	assert_eq!(sent, 1);
	// When it can't come into a block any more it is sent anew.
	market
		.node
		.settled_block(|script| script.number += 10)
		.await;
	let again = async {
		while market.node.script(|script| script.transactions.len()) < 2 {
			market.node.settled_block(|_| ()).await;
		}
	};
	let again = tokio::time::timeout(std::time::Duration::from_secs(30), again).await;
	assert!(again.is_ok(), "the move is given up");
	worker.stop().await;
}
