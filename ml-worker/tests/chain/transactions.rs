//! What a transaction is bound to.

use crate::node::{hash, Node, Upgrade};
use codec::Encode;
use ml_worker::{
	chain::{Call, Chain, Head, SubmitError, Until},
	keys::{KeySource, Keypair},
};
use polkadot_sdk::sp_io::hashing::blake2_256;
use subxt_signer::sr25519::{verify, Signature};

/// The encoding of a validity of so many blocks from a block on.
fn era(blocks: u16, birth: u32) -> [u8; 2] {
	let phase = (birth % u32::from(blocks)) as u16;
	((blocks.trailing_zeros() as u16 - 1) | (phase << 4)).to_le_bytes()
}

/// A transaction from the signature on: that, the extensions, and the call.
fn parts(transaction: &[u8]) -> ([u8; 64], [u8; 5], Vec<u8>) {
	// The length's prefix, the version's byte, the signer and the signature with a byte for each's kind.
	let length_prefix = 1 << (transaction[0] & 3).min(2);
	let signature = &transaction[length_prefix + 1 + 33 + 1..];
	let (signature, rest) = signature.split_at(64);
	// The validity of two bytes, the nonce, the tip, and that no hash of the metadata is signed.
	let (extensions, call) = rest.split_at(5);
	(
		signature.try_into().unwrap(),
		extensions.try_into().unwrap(),
		call.to_vec(),
	)
}

/// The extensions of the last transaction.
fn extensions(node: &Node) -> [u8; 5] {
	node.script(|script| parts(script.transactions.last().unwrap()).1)
}

/// The version of the runtime that a transaction was signed for, which is not in it, and the block that it is
/// bound to.
fn signed_for(keypair: &Keypair, transaction: &[u8], birth: u32) -> u32 {
	let (signature, extensions, call) = parts(transaction);
	let signed_for = |version: u32| {
		let implied = (version, 1u32, hash(0), hash(birth), 0u8);
		let mut payload = [call.clone(), extensions.to_vec(), implied.encode()].concat();
		if payload.len() > 256 {
			payload = blake2_256(&payload).to_vec();
		}
		verify(&Signature(signature), payload, &keypair.public_key())
	};
	(1..10).find(|version| signed_for(*version)).unwrap()
}

fn contains(bytes: &[u8], part: [u8; 2]) -> bool {
	bytes.windows(2).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_bound_to_the_best_block_also_when_finality_lags() {
	let node = Node::start().await;
	let keypair = KeySource::DevAccount("Alice".into()).keypair().unwrap();
	let chain = Chain::connect(node.url(), None).await.unwrap();
	// More blocks than a transaction is valid for.
	let best = node.block(|script| script.number += 150);
	let call = Call::retire_ticket(3);

	let refused = chain.submit(&keypair, &call, Until::Best).await;
	assert!(matches!(refused, Err(SubmitError::NotTaken { .. })));
	let extensions_of_any = extensions(&node);
	assert!(
		contains(&extensions_of_any, era(64, best)),
		"{extensions_of_any:?}"
	);

	// One that is for a duty is bound to the block at which the duty was open.
	let number = best - 5;
	let birth = Head {
		hash: hash(number),
		number,
	};
	let refused = chain.submit_on(&keypair, &call, birth, number + 7).await;
	assert!(matches!(refused, Err(SubmitError::NotTaken { .. })));
	let extensions_of_duty = extensions(&node);
	assert!(
		contains(&extensions_of_duty, era(8, number)),
		"{extensions_of_duty:?}"
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_signed_for_the_best_blocks_runtime() {
	let node = Node::start().await;
	let keypair = KeySource::DevAccount("Alice".into()).keypair().unwrap();
	let chain = Chain::connect(node.url(), None).await.unwrap();
	let number = node.block(|_| ());
	// The block that it is bound to is one of the runtime before.
	node.block(|script| script.upgrade_to(script.runtime.next()));
	let birth = Head {
		hash: hash(number),
		number,
	};
	let refused = chain
		.submit_on(&keypair, &Call::retire_ticket(3), birth, number + 7)
		.await;
	assert!(matches!(refused, Err(SubmitError::NotTaken { .. })));
	let transactions = node.script(|script| script.transactions.clone());
	assert_eq!(transactions.len(), 1);
	assert_eq!(signed_for(&keypair, &transactions[0], number), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_an_upgrade_makes_void_is_signed_again() {
	for taken in [false, true] {
		let node = Node::start().await;
		let keypair = KeySource::DevAccount("Alice".into()).keypair().unwrap();
		let chain = Chain::connect(node.url(), None).await.unwrap();
		let number = node.block(|script| {
			let to = script.runtime.next();
			script.upgrade = Some(Upgrade { to, taken });
		});
		let refused = chain
			.submit(&keypair, &Call::retire_ticket(3), Until::Best)
			.await;
		assert!(matches!(refused, Err(SubmitError::NotTaken { .. })));
		let transactions = node.script(|script| script.transactions.clone());
		let versions = transactions
			.iter()
			.map(|transaction| signed_for(&keypair, transaction, number));
		assert_eq!(versions.collect::<Vec<_>>(), [1, 2], "taken: {taken}");
	}
}

/// The pool's own view of the chain may be behind the best block, so when it has to compile a new runtime.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_behind_is_tried_again() {
	let node = Node::start().await;
	let keypair = KeySource::DevAccount("Alice".into()).keypair().unwrap();
	let chain = Chain::connect(node.url(), None).await.unwrap();
	node.block(|script| {
		script.refuses_next = Some("Invalid Transaction (Transaction has an ancient birth block)");
	});
	let refused = chain
		.submit(&keypair, &Call::retire_ticket(3), Until::Best)
		.await;
	assert!(matches!(refused, Err(SubmitError::NotTaken { .. })));
	assert_eq!(node.script(|script| script.transactions.len()), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_void_without_an_upgrade_is_not_signed_again() {
	let node = Node::start().await;
	let keypair = KeySource::DevAccount("Alice".into()).keypair().unwrap();
	let chain = Chain::connect(node.url(), None).await.unwrap();
	let refused = chain
		.submit(&keypair, &Call::retire_ticket(3), Until::Best)
		.await;
	assert!(matches!(refused, Err(SubmitError::NotTaken { .. })));
	assert_eq!(node.script(|script| script.transactions.len()), 1);
}
