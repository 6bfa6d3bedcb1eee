//! Signing transactions and seeing them into a block.

use super::{
	calls::Call,
	error::{backend_text, lost, Refusal},
	AccountId, Chain, ChainError, Config, Head, SubmitError,
};
use crate::keys::Keypair;
use polkadot_sdk::sp_core::H256;
use std::time::Duration;
use subxt::{
	client::OnlineClientAtBlockImpl,
	config::DefaultExtrinsicParamsBuilder,
	error::{ExtrinsicError, TransactionEventsError},
	ext::scale_value::{At, Composite},
	extrinsics::ExtrinsicEvents,
	tx::{TransactionInBlock, TransactionProgress, TransactionStatus},
};

/// For how many blocks a transaction is valid, unless it says otherwise: a power of two.
const VALIDITY: u64 = 64;
/// The shortest validity that the chain's encoding of it knows.
const SHORTEST_VALIDITY: u64 = 4;
/// How long is waited for a block with the transaction.
const PATIENCE: Duration = Duration::from_secs(240);
/// How often a transaction is signed anew when the node finds its nonce taken.
const NONCE_RETRIES: usize = 5;
/// The pause before that.
const NONCE_PAUSE: Duration = Duration::from_millis(1_500);

type AtBlock = OnlineClientAtBlockImpl<Config>;

/// How sure a transaction's effect must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
	/// It is in a block of the best chain. If that block is left the node puts it into another one.
	Best,
	/// Its block is final.
	Finalized,
}

/// A transaction that had its effect.
pub struct Receipt {
	/// The hash of its block.
	pub block: H256,
	events: ExtrinsicEvents<Config>,
}

impl Receipt {
	/// A number in the first event of this name.
	pub fn number(&self, pallet: &str, event: &str, field: &str) -> Option<u128> {
		let mut events = self.events.iter().filter_map(Result::ok);
		let found =
			events.find(|found| found.pallet_name() == pallet && found.event_name() == event)?;
		let fields: Composite<()> = found.decode_fields_unchecked_as().ok()?;
		fields.at(field)?.as_u128()
	}
}

impl Chain {
	/// Signs a call, submits it and waits for its effect. If the chain refuses the call, the error is the
	/// chain's. Nonces are given out one after another, so calls may be made at the same time.
	///
	/// The transaction is bound to the present best block: it is valid only on top of that.
	pub async fn submit(
		&self,
		signer: &Keypair,
		call: &Call,
		until: Until,
	) -> Result<Receipt, SubmitError> {
		let birth = self.best().await?.head();
		self.submit_signed(signer, call, until, (birth, VALIDITY))
			.await
	}

	/// Does the same for a call that is right only on top of the block `birth`, and of no use after the block
	/// `deadline`: if a reorganisation takes `birth` away, the transaction is void.
	pub async fn submit_on(
		&self,
		signer: &Keypair,
		call: &Call,
		birth: Head,
		deadline: u32,
	) -> Result<Receipt, SubmitError> {
		let validity = (birth, validity(birth.number, deadline));
		self.submit_signed(signer, call, Until::Best, validity)
			.await
	}

	async fn submit_signed(
		&self,
		signer: &Keypair,
		call: &Call,
		until: Until,
		validity: (Head, u64),
	) -> Result<Receipt, SubmitError> {
		let mut left = NONCE_RETRIES;
		loop {
			match self.submit_once(signer, call, until, validity).await {
				Err(Failed::NonceTaken(reason)) if left > 0 => {
					tracing::debug!(%call, reason, "signing again");
					left -= 1;
					tokio::time::sleep(NONCE_PAUSE).await;
				}
				Err(Failed::NonceTaken(reason)) => {
					return Err(SubmitError::NotTaken {
						call: call.to_string(),
						reason,
					});
				}
				Err(Failed::For(error)) => return Err(error),
				Ok(receipt) => {
					tracing::debug!(%call, block = ?receipt.block, "in a block");
					return Ok(receipt);
				}
			}
		}
	}

	async fn submit_once(
		&self,
		signer: &Keypair,
		call: &Call,
		until: Until,
		validity: (Head, u64),
	) -> Result<Receipt, Failed> {
		let progress = {
			let _writer = self.inner.writer.lock().await;
			self.hand_over(signer, call, validity).await?
		};
		let not_included = |reason: String| {
			Failed::For(SubmitError::NotIncluded {
				call: call.to_string(),
				reason,
			})
		};
		let included = tokio::time::timeout(PATIENCE, watch(progress, until)).await;
		let included = included.map_err(|_| not_included(format!("none in {PATIENCE:?}")))?;
		let block = included.map_err(not_included)?;
		let hash = H256(block.block_hash().0);
		match block.wait_for_success().await {
			Ok(events) => Ok(Receipt {
				block: hash,
				events,
			}),
			Err(TransactionEventsError::ExtrinsicFailed(error)) => {
				Err(Failed::For(SubmitError::Refused {
					call: call.to_string(),
					refusal: Refusal::of(&error),
				}))
			}
			Err(error) => Err(Failed::For(SubmitError::Chain(ChainError::Lost(
				error.to_string(),
			)))),
		}
	}

	/// Signs the call with the account's next nonce and gives it to the node's pool.
	async fn hand_over(
		&self,
		signer: &Keypair,
		call: &Call,
		(birth, blocks): (Head, u64),
	) -> Result<TransactionProgress<Config, AtBlock>, Failed> {
		let chain = |reason: String| Failed::For(SubmitError::Chain(ChainError::Lost(reason)));
		let account = AccountId::from(signer.public_key().0);
		let (rpc, client) = (self.rpc().await, self.client().await);
		let nonce = rpc
			.system_account_next_index(&account)
			.await
			.map_err(|error| Failed::For(SubmitError::Chain(lost(error))))?;
		// Not the last finalized block: finality may lag by more blocks than the transaction is valid for, and
		// what is bound to it stays valid on branches where the call was never asked for.
		let at = client
			.at_block(subxt::utils::H256(birth.hash.0))
			.await
			.map_err(|error| chain(error.to_string()))?;
		let parameters = DefaultExtrinsicParamsBuilder::<Config>::new()
			.mortal_from_unchecked(blocks, at.block_number(), at.block_hash())
			.nonce(nonce)
			.build();
		let unmakeable = |error: ExtrinsicError| {
			Failed::For(SubmitError::Unmakeable {
				call: call.to_string(),
				reason: error.to_string(),
			})
		};
		let transactions = at.tx();
		let mut signable = transactions
			.create_signable_offline(call, parameters)
			.map_err(unmakeable)?;
		let transaction = signable.sign(signer).map_err(unmakeable)?;
		transaction
			.submit_and_watch()
			.await
			.map_err(|error| match error {
				ExtrinsicError::ErrorSubmittingTransaction(error) => {
					let reason = backend_text(&error);
					if nonce_is_taken(&reason) {
						Failed::NonceTaken(reason)
					} else {
						Failed::For(SubmitError::NotTaken {
							call: call.to_string(),
							reason,
						})
					}
				}
				other => chain(other.to_string()),
			})
	}
}

/// For how many blocks from `birth` on a transaction must be valid to be of use up to `deadline`.
fn validity(birth: u32, deadline: u32) -> u64 {
	let blocks = u64::from(deadline.saturating_sub(birth)).saturating_add(1);
	blocks
		.next_power_of_two()
		.clamp(SHORTEST_VALIDITY, VALIDITY)
}

/// The last block that can have a transaction which is bound to `birth` and of use up to `deadline`
/// ([`Chain::submit_on`]).
pub(crate) fn last_valid_block(birth: Head, deadline: u32) -> u32 {
	let blocks = u32::try_from(validity(birth.number, deadline)).unwrap_or(u32::MAX);
	birth.number.saturating_add(blocks).saturating_sub(1)
}

/// Why one attempt failed.
enum Failed {
	/// Another transaction of the account has the nonce.
	NonceTaken(String),
	/// Anything else.
	For(SubmitError),
}

/// Waits for a block with the transaction.
async fn watch(
	mut progress: TransactionProgress<Config, AtBlock>,
	until: Until,
) -> Result<TransactionInBlock<Config, AtBlock>, String> {
	while let Some(status) = progress.next().await {
		match status.map_err(|error| error.to_string())? {
			TransactionStatus::InBestBlock(block) if until == Until::Best => return Ok(block),
			TransactionStatus::InFinalizedBlock(block) => return Ok(block),
			TransactionStatus::Error { message }
			| TransactionStatus::Invalid { message }
			| TransactionStatus::Dropped { message } => return Err(message),
			_ => (),
		}
	}
	Err("the node stopped reporting".into())
}

/// Whether the pool's words mean that another transaction of the account has the nonce.
fn nonce_is_taken(reason: &str) -> bool {
	[
		"outdated",
		"Priority is too low",
		"already imported",
		"Already Imported",
	]
	.iter()
	.any(|words| reason.contains(words))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_transaction_is_valid_to_its_deadline_and_not_much_longer() {
		// The last block in which it counts is the one `validity - 1` after its birth.
		for (birth, deadline, expected) in [
			(10, 13, 4),
			(10, 14, 8),
			(10, 12, 4),
			(10, 10, 4),
			(10, 9, 4),
			(10, 41, 32),
			(10, 42, 64),
			(10, 1_000, 64),
			(0, u32::MAX, 64),
		] {
			assert_eq!(validity(birth, deadline), expected, "{birth} to {deadline}");
		}
	}
}
