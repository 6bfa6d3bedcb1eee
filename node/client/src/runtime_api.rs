//! What the node asks of the runtime: types alone.
//!
//! The node runs the blob in the chain's state and never links the runtime, so that one node follows every
//! release of it, and a change of the runtime does not compile the node anew. The compiler still wants a
//! type that has the APIs; this is it. What the chain's own runtime lacks is an error of the call.

#![allow(missing_docs)] // What the macro generates.

use pallet_transaction_payment::{FeeDetails, RuntimeDispatchInfo};
use polkadot_sdk::*;
use pouw_primitives::{
	demand::DemandStatus,
	spec::{SpecFault, TaskSpec},
	status::{
		AuditStatus, DisputeStatus, Duty, FeeEstimate, RoundStatus, TaskStatus, TaskSummary,
		TicketStatus,
	},
	AuditId, Balance, DemandId, DisputeId, RoundIndex, TaskId,
};
use sp_api::impl_runtime_apis;
use sp_core::{crypto::KeyTypeId, OpaqueMetadata, H256};
use sp_inherents::{CheckInherentsResult, InherentData};
use sp_runtime::{
	generic,
	traits::{BlakeTwo256, Block as BlockT, NumberFor},
	transaction_validity::{TransactionSource, TransactionValidity},
	AccountId32, ApplyExtrinsicResult, ExtrinsicInclusionMode, OpaqueExtrinsic,
};
use sp_version::RuntimeVersion;

/// A block, its transactions undecoded: to decode them is the runtime's business.
pub type Block = generic::Block<generic::Header<u32, BlakeTwo256>, OpaqueExtrinsic>;
/// Hash of a block.
pub type Hash = H256;
/// Number of a block.
pub type BlockNumber = pouw_primitives::BlockNumber;
/// An account.
pub type AccountId = AccountId32;
/// Count of an account's transactions.
pub type Nonce = u32;

/// Stands in where the SDK asks for a runtime. Its functions are never called.
pub struct Runtime;

/// The APIs are called in the blob.
fn in_the_blob() -> ! {
	unreachable!("the client runs the chain's blob; it has no way to call this; qed")
}

impl_runtime_apis! {
	impl sp_api::Core<Block> for Runtime {
		fn version() -> RuntimeVersion {
			in_the_blob()
		}

		fn execute_block(_: <Block as BlockT>::LazyBlock) {
			in_the_blob()
		}

		fn initialize_block(_: &<Block as BlockT>::Header) -> ExtrinsicInclusionMode {
			in_the_blob()
		}
	}

	impl sp_api::Metadata<Block> for Runtime {
		fn metadata() -> OpaqueMetadata {
			in_the_blob()
		}

		fn metadata_at_version(_: u32) -> Option<OpaqueMetadata> {
			in_the_blob()
		}

		fn metadata_versions() -> Vec<u32> {
			in_the_blob()
		}
	}

	impl sp_block_builder::BlockBuilder<Block> for Runtime {
		fn apply_extrinsic(_: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
			in_the_blob()
		}

		fn finalize_block() -> <Block as BlockT>::Header {
			in_the_blob()
		}

		fn inherent_extrinsics(_: InherentData) -> Vec<<Block as BlockT>::Extrinsic> {
			in_the_blob()
		}

		fn check_inherents(
			_: <Block as BlockT>::LazyBlock,
			_: InherentData,
		) -> CheckInherentsResult {
			in_the_blob()
		}
	}

	impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
		fn validate_transaction(
			_: TransactionSource,
			_: <Block as BlockT>::Extrinsic,
			_: <Block as BlockT>::Hash,
		) -> TransactionValidity {
			in_the_blob()
		}
	}

	impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
		fn offchain_worker(_: &<Block as BlockT>::Header) {
			in_the_blob()
		}
	}

	impl sp_consensus_babe::BabeApi<Block> for Runtime {
		fn configuration() -> sp_consensus_babe::BabeConfiguration {
			in_the_blob()
		}

		fn current_epoch_start() -> sp_consensus_babe::Slot {
			in_the_blob()
		}

		fn current_epoch() -> sp_consensus_babe::Epoch {
			in_the_blob()
		}

		fn next_epoch() -> sp_consensus_babe::Epoch {
			in_the_blob()
		}

		fn generate_key_ownership_proof(
			_: sp_consensus_babe::Slot,
			_: sp_consensus_babe::AuthorityId,
		) -> Option<sp_consensus_babe::OpaqueKeyOwnershipProof> {
			in_the_blob()
		}

		fn submit_report_equivocation_unsigned_extrinsic(
			_: sp_consensus_babe::EquivocationProof<<Block as BlockT>::Header>,
			_: sp_consensus_babe::OpaqueKeyOwnershipProof,
		) -> Option<()> {
			in_the_blob()
		}
	}

	impl sp_consensus_grandpa::GrandpaApi<Block> for Runtime {
		fn grandpa_authorities() -> sp_consensus_grandpa::AuthorityList {
			in_the_blob()
		}

		fn current_set_id() -> sp_consensus_grandpa::SetId {
			in_the_blob()
		}

		fn submit_report_equivocation_unsigned_extrinsic(
			_: sp_consensus_grandpa::EquivocationProof<
				<Block as BlockT>::Hash,
				NumberFor<Block>,
			>,
			_: sp_consensus_grandpa::OpaqueKeyOwnershipProof,
		) -> Option<()> {
			in_the_blob()
		}

		fn generate_key_ownership_proof(
			_: sp_consensus_grandpa::SetId,
			_: sp_consensus_grandpa::AuthorityId,
		) -> Option<sp_consensus_grandpa::OpaqueKeyOwnershipProof> {
			in_the_blob()
		}
	}

	impl sp_authority_discovery::AuthorityDiscoveryApi<Block> for Runtime {
		fn authorities() -> Vec<sp_authority_discovery::AuthorityId> {
			in_the_blob()
		}
	}

	impl sp_session::SessionKeys<Block> for Runtime {
		fn generate_session_keys(
			_: Vec<u8>,
			_: Option<Vec<u8>>,
		) -> sp_session::OpaqueGeneratedSessionKeys {
			in_the_blob()
		}

		fn decode_session_keys(_: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
			in_the_blob()
		}
	}

	impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
		fn account_nonce(_: AccountId) -> Nonce {
			in_the_blob()
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance>
		for Runtime
	{
		fn query_info(_: <Block as BlockT>::Extrinsic, _: u32) -> RuntimeDispatchInfo<Balance> {
			in_the_blob()
		}

		fn query_fee_details(_: <Block as BlockT>::Extrinsic, _: u32) -> FeeDetails<Balance> {
			in_the_blob()
		}

		fn query_weight_to_fee(_: sp_weights::Weight) -> Balance {
			in_the_blob()
		}

		fn query_length_to_fee(_: u32) -> Balance {
			in_the_blob()
		}
	}

	impl pouw_primitives::api::PouwApi<Block, AccountId> for Runtime {
		fn task_status(_: TaskId) -> Option<TaskStatus<AccountId>> {
			in_the_blob()
		}

		fn task_summary(_: TaskId) -> Option<TaskSummary<AccountId>> {
			in_the_blob()
		}

		fn open_tasks(_: TaskId, _: u32) -> Vec<TaskId> {
			in_the_blob()
		}

		fn round_status(_: TaskId, _: RoundIndex) -> Option<RoundStatus<AccountId>> {
			in_the_blob()
		}

		fn audit_status(_: AuditId) -> Option<AuditStatus<AccountId>> {
			in_the_blob()
		}

		fn dispute_status(_: DisputeId) -> Option<DisputeStatus<AccountId>> {
			in_the_blob()
		}

		fn open_disputes(_: Option<TaskId>, _: u32) -> Vec<DisputeId> {
			in_the_blob()
		}

		fn demand_status(_: DemandId) -> Option<DemandStatus<AccountId>> {
			in_the_blob()
		}

		fn open_demands(_: Option<TaskId>, _: u32) -> Vec<DemandId> {
			in_the_blob()
		}

		fn open_duties(_: AccountId) -> Vec<Duty> {
			in_the_blob()
		}

		fn tickets_of(_: AccountId) -> Vec<TicketStatus> {
			in_the_blob()
		}

		fn estimate_fee(_: TaskSpec) -> Result<FeeEstimate, SpecFault> {
			in_the_blob()
		}
	}
}
