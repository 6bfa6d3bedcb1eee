//! What a client serves of its tasks' data, and when: what is public can't be hidden again.

use crate::{node::Node, small};
use ml_worker::{
	chain::{spec_hash, AccountId, Chain},
	config::Duties,
	dataset::segments::visible,
	keys::{KeySource, Keypair},
	roles::{
		client::{prepare, OwnTask},
		Notice, Worker, WorkerSetup, Workshop,
	},
	store::{Identity, Store},
	training::cost::WorkLimits,
};
use ml_worker_engine::{Engine, EngineOptions};
use polkadot_sdk::{sp_core::H256, sp_runtime::Permill};
use pouw_primitives::{
	spec::TaskSpec,
	status::{Paid, Phase, SegmentCounts, TaskStatus, TaskSummary, TestPart},
	TaskId,
};
use std::{
	num::NonZeroUsize,
	path::Path,
	sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

pub(crate) fn engine() -> Engine {
	Engine::new(EngineOptions {
		threads: NonZeroUsize::new(1),
		instruction_set: None,
	})
	.unwrap()
}

pub(crate) fn keypair() -> Keypair {
	KeySource::DevAccount("Client".into()).keypair().unwrap()
}

/// A worker in a folder of its own that does its duties until it is stopped.
pub(crate) struct Working {
	pub(crate) notices: Arc<Mutex<Vec<Notice>>>,
	worker: JoinHandle<()>,
	stop: oneshot::Sender<()>,
}

impl Working {
	/// A client that forgets its tasks so many blocks after their end.
	pub(crate) async fn start(node: &Node, folder: &Path, store: &Store, retention: u32) -> Self {
		Self::start_as(Duties::Client, node, folder, store, retention).await
	}

	pub(crate) async fn start_as(
		duties: Duties,
		node: &Node,
		folder: &Path,
		store: &Store,
		retention: u32,
	) -> Self {
		let chain = Chain::connect(node.url(), None).await.unwrap();
		let notices: Arc<Mutex<Vec<Notice>>> = Arc::default();
		let told = notices.clone();
		let worker = Worker::new(WorkerSetup {
			workshop: Workshop::new(chain, store.clone(), engine(), folder.to_owned()),
			keypair: keypair(),
			duties: vec![duties],
			retention,
			limits: WorkLimits::default(),
			notify: Box::new(move |notice| told.lock().unwrap().push(notice.clone())),
			#[cfg(feature = "faults")]
			fault: None,
		});
		let (stop, stopped) = oneshot::channel();
		let worker = tokio::spawn(async move {
			let stopped = async {
				let _ = stopped.await;
			};
			worker.work(stopped).await.unwrap();
		});
		Working {
			notices,
			worker,
			stop,
		}
	}

	pub(crate) async fn stop(self) {
		let _ = self.stop.send(());
		self.worker.await.unwrap();
	}
}

pub(crate) async fn open_store(folder: &Path) -> Store {
	let identity = Identity::load_or_create(folder, None, &[]).unwrap();
	Store::open(folder, &identity).await.unwrap()
}

/// A task that was made ready in this folder, and the hashes of its segments.
async fn prepared(store: &Store, folder: &Path) -> (OwnTask, Vec<H256>) {
	let genesis = crate::node::hash(0);
	let own = prepare(store, folder, genesis, &small::prepared())
		.await
		.unwrap();
	let segments = (0..own.spec.data.segments).map(|number| {
		let path = own_folder(folder, &own.spec).join(format!("segment-{number:03}"));
		H256(*blake3::hash(&std::fs::read(path).unwrap()).as_bytes())
	});
	let segments = segments.collect();
	(own, segments)
}

fn own_folder(folder: &Path, spec: &TaskSpec) -> std::path::PathBuf {
	let name = hex::encode(&spec_hash(spec).0[..8]);
	folder.join("own").join(format!("own-{name}"))
}

/// An open task that hides these segments.
pub(crate) fn status(
	task: TaskId,
	spec: &TaskSpec,
	seed: u8,
	hidden: &[u16],
) -> TaskStatus<AccountId> {
	TaskStatus {
		task,
		client: AccountId::from(keypair().public_key().0),
		spec: spec.clone(),
		phase: Phase::Pending,
		deadline: None,
		seed: Some(H256::repeat_byte(seed)),
		hidden_segments: hidden.to_vec(),
		workers: Vec::new(),
		training_tensor: None,
		test_tensor: None,
		score: None,
		test: TestPart::Hidden,
		evaluation_attempt: 0,
		trainer_bond: 0,
		checked_rounds: 0,
		record: H256::zero(),
		segments: SegmentCounts::default(),
	}
}

/// What stays of a task that ended at this block.
pub(crate) fn summary(spec_hash: H256, block: u32) -> TaskSummary<AccountId> {
	TaskSummary {
		client: AccountId::from(keypair().public_key().0),
		phase: Phase::Settled,
		seed: None,
		spec_hash,
		rounds: 1,
		record: H256::zero(),
		state_root: None,
		accuracy: None,
		required_accuracy: Permill::zero(),
		segments: SegmentCounts::default(),
		fee: 0,
		paid: Paid::default(),
		refunded: 0,
		burned: 0,
		subsidy: 0,
		block,
	}
}

/// The segments that are served.
async fn served(store: &Store, segments: &[H256]) -> Vec<u16> {
	let mut served = Vec::new();
	for (number, hash) in (0..).zip(segments) {
		if store.has(hash).await.unwrap() {
			served.push(number);
		}
	}
	served
}

#[tokio::test(flavor = "multi_thread")]
async fn the_training_part_is_served_when_its_draw_is_final() {
	let (node, folder) = (Node::start().await, TempDir::new().unwrap());
	let store = open_store(folder.path()).await;
	let (own, segments) = prepared(&store, folder.path()).await;
	let worker = Working::start(&node, folder.path(), &store, 100).await;

	// One branch hides these segments, the one that becomes final hides others.
	let forked = status(4, &own.spec, 1, &[0, 1, 2]);
	node.settled_block(|script| script.best.open = vec![forked])
		.await;
	assert!(served(&store, &segments).await.is_empty());
	let stands = status(4, &own.spec, 2, &[2, 3, 9]);
	let best = stands.clone();
	node.settled_block(|script| script.best.open = vec![best])
		.await;
	assert!(served(&store, &segments).await.is_empty());
	node.settled_block(|script| script.finalized.open = vec![stands])
		.await;
	let visible = visible(segments.len() as u16, &[2, 3, 9]);
	assert_eq!(served(&store, &segments).await, visible);

	// Whatever a broken chain says later, what is hidden stays so.
	let broken = status(4, &own.spec, 1, &[0, 1, 2]);
	node.settled_block(|script| {
		script.best.open = vec![broken.clone()];
		script.finalized.open = vec![broken];
	})
	.await;
	assert_eq!(served(&store, &segments).await, visible);
	worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_went_to_another_task_is_given_up() {
	let (node, folder) = (Node::start().await, TempDir::new().unwrap());
	let store = open_store(folder.path()).await;
	let (own, segments) = prepared(&store, folder.path()).await;
	own.submitted(crate::node::hash(0), 4).unwrap();

	// Another's task has ended under that number, and one's own is open under a later one.
	let stands = status(5, &own.spec, 1, &[0, 1, 2]);
	node.script(|script| {
		script.best.ended = vec![(4, summary(H256::repeat_byte(1), 10))];
		script.best.open = vec![stands];
		script.finalized = script.best.clone();
	});
	let worker = Working::start(&node, folder.path(), &store, 0).await;
	node.settled_block(|_| ()).await;
	node.settled_block(|_| ()).await;
	assert_eq!(own.number().unwrap(), Some(5));
	let visible = visible(segments.len() as u16, &[0, 1, 2]);
	assert_eq!(served(&store, &segments).await, visible);

	// The same with a number that now is of an open task.
	let mut others = own.spec.clone();
	others.required_accuracy = Permill::from_percent(1);
	let others = status(5, &others, 3, &[4, 5, 6]);
	let stands = status(6, &own.spec, 1, &[0, 1, 2]);
	node.settled_block(|script| {
		script.best.open = vec![others, stands];
		script.finalized = script.best.clone();
	})
	.await;
	node.settled_block(|_| ()).await;
	assert_eq!(own.number().unwrap(), Some(6));
	assert_eq!(served(&store, &segments).await, visible);

	// When it has ended itself, it goes.
	let ended = summary(spec_hash(&own.spec), 100);
	node.settled_block(|script| {
		script.best.open.pop();
		script.best.ended.push((6, ended));
	})
	.await;
	assert!(!own_folder(folder.path(), &own.spec).exists());
	worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_folder_does_not_keep_the_others_from_being_served() {
	let (node, folder) = (Node::start().await, TempDir::new().unwrap());
	let store = open_store(folder.path()).await;
	let (own, segments) = prepared(&store, folder.path()).await;
	let own_tasks = folder.path().join("own");
	std::fs::write(own_tasks.join("notes.txt"), "mine").unwrap();
	// One is before, one after the good one, in whatever order they are listed.
	for name in ["a", "z"] {
		std::fs::create_dir(own_tasks.join(name)).unwrap();
		std::fs::write(own_tasks.join(name).join("own.json"), "{").unwrap();
	}
	let stands = status(4, &own.spec, 1, &[0, 1, 2]);
	node.script(|script| {
		script.best.open = vec![stands];
		script.finalized = script.best.clone();
	});
	let worker = Working::start(&node, folder.path(), &store, 0).await;
	node.settled_block(|_| ()).await;
	let visible = visible(segments.len() as u16, &[0, 1, 2]);
	assert_eq!(served(&store, &segments).await, visible);
	worker.stop().await;
}
