//! How long a task's blobs and journal stay after its end.

use crate::{
	node::{hash, Node},
	own_tasks::{open_store, summary, Working},
};
use ml_worker::roles::{Journal, Notice};
use polkadot_sdk::sp_core::H256;
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;

/// The journal of a task, as the worker writes its beginning.
fn journal(folder: &Path, name: &str, genesis: H256, task: u32) -> Journal {
	let journal = Journal::open(folder.join("tasks").join(name)).unwrap();
	let origin = json!({ "genesis": genesis, "task": task });
	journal.write("task", &origin).unwrap();
	journal
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_and_journal_go_so_many_blocks_after_the_end() {
	let (node, folder) = (Node::start().await, TempDir::new().unwrap());
	let store = open_store(folder.path()).await;
	let ended = journal(folder.path(), "task-3", hash(0), 3);
	let open = journal(folder.path(), "task-4", hash(0), 4);
	let foreign = journal(folder.path(), "task-5", H256::repeat_byte(5), 3);
	std::fs::write(folder.path().join("tasks").join("notes.txt"), "mine").unwrap();
	let damaged = Journal::open(folder.path().join("tasks").join("damaged")).unwrap();
	std::fs::write(damaged.folder().join("task.json"), "{").unwrap();
	for group in ["task-3", "task-4"] {
		store.put(group, b"a state of both".to_vec()).await.unwrap();
		store.put(group, group.as_bytes().to_vec()).await.unwrap();
	}

	node.script(|script| {
		script.number = 149;
		script.best.ended = vec![(3, summary(H256::zero(), 100))];
	});
	let worker = Working::start(&node, folder.path(), &store, 60).await;
	// Ended tasks are looked for at the first block, and then every 50 blocks.
	node.settled_block(|_| ()).await;
	assert!(ended.folder().exists());
	assert_eq!(store.blobs_of("task-3").await.unwrap().len(), 2);
	node.settled_block(|script| script.number = 210).await;

	assert!(!ended.folder().exists());
	assert_eq!(store.blobs_of("task-3").await.unwrap(), []);
	for kept in [&open, &foreign, &damaged] {
		assert!(kept.folder().exists(), "{:?}", kept.folder());
	}
	assert_eq!(store.blobs_of("task-4").await.unwrap().len(), 2);
	let forgotten = |notice: &Notice| match notice {
		Notice::Forgotten { task } => Some(*task),
		_ => None,
	};
	let notices = worker.notices.lock().unwrap().clone();
	let forgotten: Vec<u32> = notices.iter().filter_map(forgotten).collect();
	assert_eq!(forgotten, [3]);
	worker.stop().await;
}
