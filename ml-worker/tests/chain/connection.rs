//! Nodes that can't be used are refused with a word on what to do.

use crate::node::{Node, Runtime, METADATA};
use codec::{Decode, Encode};
use futures::StreamExt;
use jsonrpsee::{
	server::{Server, ServerHandle},
	RpcModule,
};
use ml_worker::chain::{Chain, ConnectError};
use polkadot_sdk::sp_core::H256;
use scale_info::TypeDef;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use subxt::ext::frame_metadata::{
	v16::RuntimeMetadataV16, RuntimeMetadata, RuntimeMetadataPrefixed,
};

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
	node.block(|script| script.upgrade_to(script.runtime.next()));
	let third = heads.next().await.unwrap().unwrap();
	assert_eq!(third.number, second.number + 1);
	node.block(|script| {
		script.upgrade_to(Runtime {
			name: "statemint",
			..script.runtime.next()
		})
	});
	match heads.next().await.unwrap() {
		Err(ConnectError::OtherRuntime { .. }) => (),
		Err(error) => panic!("{error}"),
		Ok(head) => panic!("{head:?} of another runtime"),
	}
}

/// The known runtime's metadata after a change.
fn changed_metadata(change: impl FnOnce(&mut RuntimeMetadataV16)) -> Arc<[u8]> {
	let mut metadata = RuntimeMetadataPrefixed::decode(&mut &*METADATA).unwrap();
	match &mut metadata.1 {
		RuntimeMetadata::V16(metadata) => change(metadata),
		other => panic!("metadata of version {}", other.version()),
	}
	metadata.encode().into()
}

/// Swaps the first two arguments of a call.
fn swap_arguments(metadata: &mut RuntimeMetadataV16, call: &str) {
	let mut calls = metadata.types.types.iter_mut();
	let fields = calls.find_map(|entry| match &mut entry.ty.type_def {
		TypeDef::Variant(all) => {
			let mut all = all.variants.iter_mut();
			all.find(|one| one.name == call).map(|one| &mut one.fields)
		}
		_ => None,
	});
	fields.unwrap().swap(0, 1);
}

/// Gives another name to what is signed with a transaction.
fn rename_extension(metadata: &mut RuntimeMetadataV16, name: &str) {
	let mut extensions = metadata.extrinsic.transaction_extensions.iter_mut();
	let found = extensions.find(|extension| extension.identifier == name);
	found.unwrap().identifier = "Unheard".into();
}

/// What a worker says to an upgrade that changes the metadata so, in a block that is not final for long.
async fn upgraded(change: impl FnOnce(&mut RuntimeMetadataV16)) -> Option<ConnectError> {
	let node = Node::start().await;
	let chain = Chain::connect(node.url(), None).await.unwrap();
	let mut heads = chain.best_blocks();
	heads.next().await.unwrap().unwrap();
	node.block(|script| {
		script.upgrade_to(Runtime {
			metadata: changed_metadata(change),
			..script.runtime.next()
		})
	});
	heads.next().await.unwrap().err()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_changes_a_call_ends_the_work_at_once() {
	// Its types have the same names, only in another order: what is encoded for the one is not right for the other.
	let error = upgraded(|metadata| swap_arguments(metadata, "commit_round")).await;
	let text = error.expect("it goes on").to_string();
	for part in [
		"runtime version 2",
		"call Pouw.commit_round",
		"install the ml-worker",
	] {
		assert!(text.contains(part), "{text}");
	}
	assert!(!text.contains("buy_ticket"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_wants_something_else_signed_ends_the_work() {
	let error = upgraded(|metadata| rename_extension(metadata, "CheckNonce")).await;
	let text = error.expect("it goes on").to_string();
	assert!(text.contains("transaction extension Unheard"), "{text}");
	// This one is a check without anything to sign.
	let error = upgraded(|metadata| rename_extension(metadata, "CheckWeight")).await;
	assert!(error.is_none(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_of_what_a_worker_does_not_use_is_nothing_to_it() {
	let error = upgraded(|metadata| swap_arguments(metadata, "approve_as_multi")).await;
	assert!(error.is_none(), "{error:?}");
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
