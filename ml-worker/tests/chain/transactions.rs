//! What a transaction is bound to.

use crate::node::{hash, Node};
use ml_worker::{
	chain::{Call, Chain, Head, SubmitError, Until},
	keys::KeySource,
};

/// The encoding of a validity of so many blocks from a block on.
fn era(blocks: u16, birth: u32) -> [u8; 2] {
	let phase = (birth % u32::from(blocks)) as u16;
	((blocks.trailing_zeros() as u16 - 1) | (phase << 4)).to_le_bytes()
}

/// What follows the signature of the last transaction: the extensions, the validity among the first.
fn extensions(node: &Node) -> Vec<u8> {
	let transaction = node.script(|script| script.transactions.last().unwrap().clone());
	// The length's prefix, the version's byte, the signer and the signature with a byte for each's kind.
	let length_prefix = 1 << (transaction[0] & 3).min(2);
	transaction[length_prefix + 1 + 33 + 65..][..6].to_vec()
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
