//! Signing transactions and seeing them into a block.

use super::{
	calls::Call,
	error::{backend_text, lost, Refusal},
	head_of, AccountId, Chain, ChainError, Config, Connection, Head, Rpc, SubmitError,
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
	OnlineClientAtBlock,
};

/// For how many blocks a transaction is valid, unless it says otherwise: a power of two.
const VALIDITY: u64 = 64;
/// The shortest validity that the chain's encoding of it knows.
const SHORTEST_VALIDITY: u64 = 4;
/// How long is waited for a block with the transaction.
const PATIENCE: Duration = Duration::from_secs(240);
/// How often a transaction is signed anew when the node can't take it just now.
const RETRIES: usize = 5;
/// The pause before that.
const PAUSE: Duration = Duration::from_millis(1_500);
/// How often a transaction is signed anew because the runtime was upgraded before it was in a block.
const UPGRADE_RETRIES: usize = 2;

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
		let (mut left, mut upgrades_left) = (RETRIES, UPGRADE_RETRIES);
		loop {
			match self.submit_once(signer, call, until, validity).await {
				Err(Failed::Upgraded(_)) if upgrades_left > 0 => {
					tracing::info!(%call, "the runtime was upgraded: signing again");
					upgrades_left -= 1;
				}
				Err(Failed::Upgraded(error)) => return Err(error),
				Err(Failed::NotNow(reason)) if left > 0 => {
					tracing::debug!(%call, reason, "signing again");
					left -= 1;
					tokio::time::sleep(PAUSE).await;
				}
				Err(Failed::NotNow(reason)) => {
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
		let (progress, version) = {
			let _writer = self.inner.writer.lock().await;
			self.hand_over(signer, call, validity).await?
		};
		let not_included = |reason: String| SubmitError::NotIncluded {
			call: call.to_string(),
			reason,
		};
		let included = tokio::time::timeout(PATIENCE, watch(progress, until)).await;
		let block = match included {
			Ok(Ok(block)) => block,
			Ok(Err(Unwatched::Void(reason))) => {
				return Err(self.void(not_included(reason), version).await);
			}
			Ok(Err(Unwatched::Unknown(reason))) => return Err(Failed::For(not_included(reason))),
			Err(_) => return Err(Failed::For(not_included(format!("none in {PATIENCE:?}")))),
		};
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

	/// Signs the call with the account's next nonce, for the best block's runtime, and gives it to the node's
	/// pool. Returns with it the version of that runtime.
	async fn hand_over(
		&self,
		signer: &Keypair,
		call: &Call,
		(birth, blocks): (Head, u64),
	) -> Result<(TransactionProgress<Config, AtBlock>, u32), Failed> {
		let account = AccountId::from(signer.public_key().0);
		let (rpc, at) = self.at_best().await.map_err(Failed::of_chain)?;
		let nonce = rpc
			.system_account_next_index(&account)
			.await
			.map_err(|error| Failed::of_chain(lost(error)))?;
		// Not the last finalized block: finality may lag by more blocks than the transaction is valid for, and
		// what is bound to it stays valid on branches where the call was never asked for.
		let parameters = DefaultExtrinsicParamsBuilder::<Config>::new()
			.mortal_from_unchecked(
				blocks,
				birth.number.into(),
				subxt::utils::H256(birth.hash.0),
			)
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
		let version = at.spec_version();
		match transaction.submit_and_watch().await {
			Ok(progress) => Ok((progress, version)),
			Err(ExtrinsicError::ErrorSubmittingTransaction(error)) => {
				let reason = backend_text(&error);
				if is_passing(&reason) {
					return Err(Failed::NotNow(reason));
				}
				let call = call.to_string();
				Err(self
					.void(SubmitError::NotTaken { call, reason }, version)
					.await)
			}
			Err(other) => Err(Failed::of_chain(ChainError::Lost(other.to_string()))),
		}
	}

	/// The best block, whose runtime is one that was checked, and the connection to ask on.
	async fn at_best(&self) -> Result<(Rpc, OnlineClientAtBlock<Config>), ChainError> {
		for _ in 0..=UPGRADE_RETRIES {
			let Connection {
				client,
				rpc,
				version,
				..
			} = self.connection().await;
			let header = rpc.chain_get_header(None).await.map_err(lost)?;
			let best = head_of(&header.ok_or(ChainError::NoBlock { number: None })?);
			let at = client
				.at_block_hash_and_number(subxt::utils::H256(best.hash.0), best.number.into())
				.await
				.map_err(|error| ChainError::Lost(error.to_string()))?;
			if at.spec_version() == version {
				return Ok((rpc, at));
			}
			// Whoever follows the blocks may not have seen it yet.
			let checked = self.reconnect().await;
			checked.map_err(|error| ChainError::Lost(error.to_string()))?;
		}
		Err(ChainError::Lost(
			"its runtime changes back and forth".into(),
		))
	}

	/// Why a transaction for this version of the runtime is void: because of an upgrade, if there was one.
	async fn void(&self, error: SubmitError, version: u32) -> Failed {
		match self.rpc().await.state_get_runtime_version(None).await {
			Ok(now) if now.spec_version != version => Failed::Upgraded(error),
			_ => Failed::For(error),
		}
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
	/// Another transaction of the account has the nonce, or the node's pool has not seen the best block yet.
	NotNow(String),
	/// The runtime was upgraded after the transaction was signed, which made it void.
	Upgraded(SubmitError),
	/// Anything else.
	For(SubmitError),
}

impl Failed {
	fn of_chain(error: ChainError) -> Self {
		Failed::For(SubmitError::Chain(error))
	}
}

/// Why a transaction was not seen into a block.
enum Unwatched {
	/// The node says that it can't be in one.
	Void(String),
	/// It may be in one.
	Unknown(String),
}

/// Waits for a block with the transaction.
async fn watch(
	mut progress: TransactionProgress<Config, AtBlock>,
	until: Until,
) -> Result<TransactionInBlock<Config, AtBlock>, Unwatched> {
	while let Some(status) = progress.next().await {
		match status.map_err(|error| Unwatched::Unknown(error.to_string()))? {
			TransactionStatus::InBestBlock(block) if until == Until::Best => return Ok(block),
			TransactionStatus::InFinalizedBlock(block) => return Ok(block),
			TransactionStatus::Invalid { message } => return Err(Unwatched::Void(message)),
			// Dropped is also what the node says of one that was not final in time.
			TransactionStatus::Error { message } | TransactionStatus::Dropped { message } => {
				return Err(Unwatched::Unknown(message));
			}
			_ => (),
		}
	}
	Err(Unwatched::Unknown("the node stopped reporting".into()))
}

/// Whether the pool's words mean that another transaction of the account has the nonce, or that it does not know
/// the block that the transaction is bound to: its own view of the chain may be behind, so when it has to compile
/// the code of a new runtime.
fn is_passing(reason: &str) -> bool {
	[
		"outdated",
		"Priority is too low",
		"already imported",
		"Already Imported",
		"ancient birth block",
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
