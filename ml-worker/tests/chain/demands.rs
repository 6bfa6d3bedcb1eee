//! What a supervisor shows of what it has attested, with real programs, data and states, whatever it has lost.

use crate::{
	disputes::{roots, round},
	duties::{own_account, trainer, Market, TASK},
	own_tasks::open_store,
};
use codec::{Compact, Encode};
use ml_worker::{
	chain::AccountId,
	config::Duties,
	dataset::segments::{visible, Part},
	store::Store,
	training::State,
};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	demand::{DemandStatus, Demanded},
	status::{Commitment, DutyKind},
	DemandId,
};
use repops::{commit::Hash, shown::ProvenTile, state_blob, tensor::Tensor};
use std::time::Duration;
use tempfile::TempDir;

const DEMAND: DemandId = 6;
const CHECKPOINT: u32 = 2;

/// A demand on this account, about something with this root.
fn demand(what: Demanded, root: H256, manifest: H256) -> DemandStatus<AccountId> {
	DemandStatus {
		demand: DEMAND,
		task: TASK,
		supervisor_slot: 0,
		supervisor: own_account(),
		ticket: 1,
		demander: trainer(1),
		what,
		root,
		manifest,
		bond: 1,
		opened: 90,
		deadline: 10_000,
		shown: false,
	}
}

/// A demand of a tile of the third checkpoint of the first place's round.
fn of_checkpoint(commitment: &Commitment<AccountId>) -> DemandStatus<AccountId> {
	let what = Demanded::Checkpoint {
		round: 0,
		slot: 0,
		checkpoint: CHECKPOINT,
		tensor: 7_001,
		tile: 90_003,
	};
	demand(what, commitment.trace_root, commitment.manifest)
}

/// The end of the transaction that shows it.
fn shown(states: &[State]) -> Vec<u8> {
	let tensors: Vec<&Tensor> = states[CHECKPOINT as usize].iter().collect();
	let roots: Vec<Hash> = roots(states).iter().map(|root| root.0).collect();
	let shown = ProvenTile::new(&tensors, 7_001, 90_003).unwrap();
	let shown = shown.of_checkpoint(&roots, CHECKPOINT).unwrap();
	(Compact(DEMAND), shown).encode()
}

/// Lets a supervisor with this store answer the demand, and waits for what it shows.
async fn answers(
	market: &Market,
	store: &Store,
	folder: &TempDir,
	status: DemandStatus<AccountId>,
	end: &[u8],
) {
	market.node.script(|script| script.demands = vec![status]);
	let duty = DutyKind::ShowDemanded { demand: DEMAND };
	let worker = market.work(Duties::Supervisor, duty, store, folder).await;
	market.node.transaction(end).await;
	worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_shown_from_the_store() {
	let market = Market::open().await;
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	let states = round(&market);
	let commitment = market.commitment(&store, 0, &states).await;
	let status = of_checkpoint(&commitment);
	answers(&market, &store, &folder, status, &shown(&states)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_fetched_from_another_supervisor() {
	let mut market = Market::open().await;
	let (folder, keeping) = (TempDir::new().unwrap(), TempDir::new().unwrap());
	let store = open_store(folder.path()).await;
	let keeper = open_store(keeping.path()).await;
	let other = AccountId::from([50; 32]);
	let role = pouw_primitives::ticket::Role::Supervisor;
	market.place(role, 1, other, keeper.endpoint());
	// Nobody could compute this: it is not what the round gives.
	let mut states = round(&market);
	states.swap(1, 3);
	states.swap(2, 3);
	let commitment = market.commitment(&keeper, 0, &states).await;
	let status = of_checkpoint(&commitment);
	answers(&market, &store, &folder, status, &shown(&states)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_nobody_has_is_computed_from_the_one_before() {
	let market = Market::open().await;
	let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
	let store = open_store(folder.path()).await;
	let lost = open_store(elsewhere.path()).await;
	let states = round(&market);
	let commitment = market.commitment(&lost, 0, &states).await;
	let manifest = lost.get(&commitment.manifest).await.unwrap().unwrap();
	store.put("task", manifest).await.unwrap();
	let before = state_blob::encode(&states[CHECKPOINT as usize - 1]);
	store.put("task", before).await.unwrap();
	let status = of_checkpoint(&commitment);
	answers(&market, &store, &folder, status, &shown(&states)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_of_which_nothing_is_left_is_run_again() {
	let market = Market::open().await;
	let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
	let store = open_store(folder.path()).await;
	let lost = open_store(elsewhere.path()).await;
	let states = round(&market);
	let commitment = market.commitment(&lost, 0, &states).await;
	let status = of_checkpoint(&commitment);
	answers(&market, &store, &folder, status, &shown(&states)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn training_data_is_shown() {
	let market = Market::open().await;
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	let segments = crate::small::prepared().segments;
	let data = &market.status;
	let visible = visible(data.spec.data.segments, &data.hidden_segments);
	let part = Part::assemble(visible.iter().map(|number| &segments[usize::from(*number)]));
	let (tensor, tile) = (4_000_000_001, 3);
	let what = Demanded::TrainingData { tensor, tile };
	let status = demand(what, H256(part.root()), H256::zero());
	let shown = ProvenTile::new(&[&part.features, &part.labels], tensor, tile).unwrap();
	let end = (Compact(DEMAND), shown).encode();
	answers(&market, &store, &folder, status, &end).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_that_the_chain_would_not_take() {
	let market = Market::open().await;
	let folder = TempDir::new().unwrap();
	let store = open_store(folder.path()).await;
	let states = round(&market);
	let commitment = market.commitment(&store, 0, &states).await;
	let mut shown = of_checkpoint(&commitment);
	shown.shown = true;
	let mut of_another = of_checkpoint(&commitment);
	of_another.supervisor = trainer(3);
	let mut of_something_else = of_checkpoint(&commitment);
	of_something_else.root = H256::repeat_byte(1);
	for status in [shown, of_another, of_something_else] {
		market.node.script(|script| script.demands = vec![status]);
		let duty = DutyKind::ShowDemanded { demand: DEMAND };
		let worker = market.work(Duties::Supervisor, duty, &store, &folder).await;
		for _ in 0..4 {
			market.node.settled_block(|_| ()).await;
			tokio::time::sleep(Duration::from_millis(100)).await;
		}
		worker.stop().await;
		assert!(market.node.script(|script| script.transactions.is_empty()));
	}
}
