//! Nodes that can't be used are refused with a word on what to do.

use crate::node::{Node, Runtime};
use futures::StreamExt;
use jsonrpsee::{
	server::{Server, ServerHandle},
	RpcModule,
};
use ml_worker::chain::{Chain, ConnectError};
use polkadot_sdk::sp_core::H256;
use serde_json::json;
use std::time::Duration;

const GENESIS: H256 = H256::repeat_byte(1);

/// A node that knows its first block and the name of its runtime, and nothing else.
async fn node(runtime: &'static str) -> (ServerHandle, String) {
	node_at("127.0.0.1:0", runtime).await
}

async fn node_at(address: &str, runtime: &'static str) -> (ServerHandle, String) {
	let server = Server::builder().build(address).await.unwrap();
	let url = format!("ws://{}", server.local_addr().unwrap());
	let mut module = RpcModule::new(());
	module
		.register_method("chain_getBlockHash", |_, _, _| format!("{GENESIS:?}"))
		.unwrap();
	module
		.register_method(
			"state_getRuntimeVersion",
			move |_, _, _| json!({ "specName": runtime, "specVersion": 3, "transactionVersion": 1 }),
		)
		.unwrap();
	(server.start(module), url)
}

async fn refusal(url: &str, genesis: Option<H256>) -> ConnectError {
	match Chain::connect(url, genesis).await {
		Ok(_) => panic!("connected"),
		Err(error) => error,
	}
}

#[tokio::test]
async fn a_node_that_is_down() {
	let error = refusal("ws://127.0.0.1:1", None).await;
	assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
	let text = error.to_string();
	assert!(
		text.contains("ws://127.0.0.1:1") && text.contains("--url"),
		"{text}"
	);
}

#[tokio::test]
async fn an_address_that_is_none() {
	for url in ["somewhere", "http://127.0.0.1:9944", ""] {
		let error = refusal(url, None).await;
		assert!(
			matches!(error, ConnectError::NotAnAddress { .. }),
			"{error}"
		);
		assert!(error.to_string().contains("ws://"), "{error}");
	}
}

#[tokio::test]
async fn a_node_of_another_chain() {
	let (_node, url) = node("pouw").await;
	let expected = H256::repeat_byte(2);
	let error = refusal(&url, Some(expected)).await;
	assert!(
		matches!(error, ConnectError::WrongChain { found, .. } if found == GENESIS),
		"{error}"
	);
	let text = error.to_string();
	assert!(text.contains(&format!("{expected:?}")), "{text}");
}

#[tokio::test]
async fn a_node_of_another_runtime() {
	let (_node, url) = node("statemint").await;
	let error = refusal(&url, Some(GENESIS)).await;
	assert!(
		matches!(error, ConnectError::OtherRuntime { .. }),
		"{error}"
	);
	assert!(error.to_string().contains("`statemint`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_for_a_node_that_is_down_but_not_for_another_chain() {
	let (node, url) = node("statemint").await;
	node.stop().unwrap();
	node.stopped().await;
	let (waited_for, expected) = (url.clone(), H256::repeat_byte(2));
	let waiting =
		tokio::spawn(async move { Chain::connect_when_up(&waited_for, Some(expected)).await });
	tokio::time::sleep(Duration::from_millis(1_500)).await;
	assert!(!waiting.is_finished(), "it doesn't wait");
	let _node = node_at(url.strip_prefix("ws://").unwrap(), "statemint").await;
	let error = match waiting.await.unwrap() {
		Ok(_) => panic!("connected"),
		Err(error) => error,
	};
	assert!(matches!(error, ConnectError::WrongChain { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_runtime_version_is_checked_while_connected() {
	let node = Node::start().await;
	let chain = Chain::connect(node.url(), None).await.unwrap();
	let mut heads = chain.best_blocks();
	let first = heads.next().await.unwrap().unwrap();
	node.block(|_| ());
	let second = heads.next().await.unwrap().unwrap();
	assert_eq!(second.number, first.number + 1);
	// What this program uses is the same in the new version.
	node.block(|script| script.runtime.version += 1);
	let third = heads.next().await.unwrap().unwrap();
	assert_eq!(third.number, second.number + 1);
	node.block(|script| {
		script.runtime = Runtime {
			name: "statemint",
			version: script.runtime.version + 1,
		}
	});
	match heads.next().await.unwrap() {
		Err(ConnectError::OtherRuntime { .. }) => (),
		Err(error) => panic!("{error}"),
		Ok(head) => panic!("{head:?} of another runtime"),
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_refuses_subscriptions_is_not_pressed() {
	let node = Node::start_without_subscriptions().await;
	let chain = Chain::connect(node.url(), None).await.unwrap();
	let mut heads = chain.best_blocks();
	let patience = Duration::from_secs(4);
	assert!(tokio::time::timeout(patience, heads.next()).await.is_err());
	// With growing pauses these are three, without any they are hundreds.
	let asked = node.script(|script| script.subscriptions);
	assert!((1..10).contains(&asked), "{asked} times");
}
