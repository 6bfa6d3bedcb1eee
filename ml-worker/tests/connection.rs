//! Nodes that can't be used are refused with a word on what to do.

use jsonrpsee::{
	server::{Server, ServerHandle},
	RpcModule,
};
use ml_worker::chain::{Chain, ConnectError};
use polkadot_sdk::sp_core::H256;
use serde_json::json;

const GENESIS: H256 = H256::repeat_byte(1);

/// A node that knows its first block and the name of its runtime, and nothing else.
async fn node(runtime: &'static str) -> (ServerHandle, String) {
	let server = Server::builder().build("127.0.0.1:0").await.unwrap();
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
	let error = refusal("somewhere", None).await;
	assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
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
