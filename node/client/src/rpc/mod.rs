//! The RPC methods beyond those that every node of the SDK mounts by itself.

mod market;

use crate::{
	runtime_api::{Block, BlockNumber, Hash},
	service::{FullBackend, FullClient, FullPool, FullSelectChain},
};
use jsonrpsee::RpcModule;
use polkadot_sdk::*;
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_rpc::SubscriptionTaskExecutor;
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// What the methods ask.
pub(crate) struct Dependencies {
	/// The chain.
	pub(crate) client: Arc<FullClient>,
	/// The transaction pool.
	pub(crate) pool: Arc<FullPool>,
	/// The fork choice.
	pub(crate) select_chain: FullSelectChain,
	/// The chain's specification.
	pub(crate) chain_spec: Box<dyn sc_chain_spec::ChainSpec>,
	/// Answers questions about epochs.
	pub(crate) babe_worker: BabeWorkerHandle<Block>,
	/// The node's keys.
	pub(crate) keystore: KeystorePtr,
	/// Where the finality vote stands.
	pub(crate) shared_voter_state: SharedVoterState,
	/// Who votes.
	pub(crate) authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	/// New justifications.
	pub(crate) justification_stream: GrandpaJustificationStream<Block>,
	/// Proofs of finality.
	pub(crate) finality_proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
	/// Runs subscriptions.
	pub(crate) subscription_executor: SubscriptionTaskExecutor,
}

/// The methods.
pub(crate) fn create(
	deps: Dependencies,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
	use market::{Market, MarketRpcServer};
	use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
	use sc_consensus_babe_rpc::{Babe, BabeApiServer};
	use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
	use sc_sync_state_rpc::{SyncState, SyncStateApiServer};
	use substrate_frame_rpc_system::{System, SystemApiServer};

	let mut module = RpcModule::new(());
	module.merge(Market::new(deps.client.clone()).into_rpc())?;
	module.merge(System::new(deps.client.clone(), deps.pool).into_rpc())?;
	module.merge(TransactionPayment::new(deps.client.clone()).into_rpc())?;
	module.merge(
		Babe::new(
			deps.client.clone(),
			deps.babe_worker.clone(),
			deps.keystore,
			deps.select_chain,
		)
		.into_rpc(),
	)?;
	module.merge(
		Grandpa::new(
			deps.subscription_executor,
			deps.authority_set.clone(),
			deps.shared_voter_state,
			deps.justification_stream,
			deps.finality_proofs,
		)
		.into_rpc(),
	)?;
	module.merge(
		SyncState::new(
			deps.chain_spec,
			deps.client,
			deps.authority_set,
			deps.babe_worker,
		)?
		.into_rpc(),
	)?;
	Ok(module)
}
