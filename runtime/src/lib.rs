//! The chain's state machine: the pallets of polkadot-sdk and our four wired together.
//!
//! Consensus is plain BABE, GRANDPA and nominated stake (`consensus`, `staking`); the rules are changed
//! by referenda and by nobody else (`governance`, `parameters`); the market in training runs (`market`)
//! sits on top and can move only money that was put into it.

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "512"]
// Most items here come from macros of the SDK, which can't be given docs.
#![allow(missing_docs)]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
#[macro_use]
mod benchmarks;

pub mod apis;
pub mod consensus;
pub mod currency;
pub mod fees;
pub mod governance;
pub mod market;
pub mod parameters;
pub mod presets;
pub mod proxies;
pub mod staking;
pub mod system;
pub mod time;

use alloc::{borrow::Cow, vec::Vec};
use polkadot_sdk::*;
use sp_runtime::{
	generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub use apis::{api, RuntimeApi};
pub use parameters::{RuntimeParameters, RuntimeParametersKey, RuntimeParametersValue};

/// Signature of a transaction: sr25519, ed25519 or ECDSA.
pub type Signature = MultiSignature;
/// Account, by the public key that signs for it.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How calls name an account.
pub type Address = MultiAddress<AccountId, ()>;
/// Amount of POUW in its smallest unit; see [`currency`].
pub type Balance = u128;
/// Number of a block.
pub type BlockNumber = u32;
/// Milliseconds since the Unix epoch.
pub type Moment = u64;
/// Count of transactions that an account has sent.
pub type Nonce = u32;
/// Hash of a block, of a call, of a preimage.
pub type Hash = sp_core::H256;
/// Header of a block.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// Block with decoded transactions.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// Block with its signature in front, as nodes exchange it.
pub type SignedBlock = generic::SignedBlock<Block>;
/// Transaction as it travels.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What is signed of a transaction.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Checks made on each transaction before it is dispatched, and their clean-up afterwards.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckMortality<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);

/// Runs blocks.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

/// Storage migrations of the release, run once when it is enacted; see
/// `frame_system::Config::SingleBlockMigrations`. Empty before the first public network.
pub type Migrations = ();

impl_opaque_keys! {
	/// Keys that a validator's node signs with.
	pub struct SessionKeys {
		/// Votes for finality.
		pub grandpa: Grandpa,
		/// Authors blocks.
		pub babe: Babe,
		/// Signs the addresses where the validator is reached.
		pub authority_discovery: AuthorityDiscovery,
	}
}

/// Declares [`VERSION`]. The SDK reads a version's numbers from the source, so that they can't be calculated.
macro_rules! declare_version {
	(spec_version: $spec_version:tt) => {
		/// Version of this runtime. `spec_version` goes up with every release that changes behaviour,
		/// `transaction_version` with every one that changes how a call or an extension is encoded.
		#[sp_version::runtime_version]
		pub const VERSION: RuntimeVersion = RuntimeVersion {
			spec_name: Cow::Borrowed("pouw"),
			impl_name: Cow::Borrowed("pouw"),
			authoring_version: 1,
			spec_version: $spec_version,
			impl_version: 1,
			apis: apis::RUNTIME_API_VERSIONS,
			transaction_version: 1,
			system_version: 1,
		};
	};
}

#[cfg(not(feature = "next-version"))]
declare_version!(spec_version: 1);
// One more than the other: a release raises both.
#[cfg(feature = "next-version")]
declare_version!(spec_version: 2);

/// The pallets. Their indices are part of every transaction and never change.
///
/// The order is that of genesis and of the hooks: BABE has to know its slot before anything reads
/// randomness, stakers exist before the first session asks for validators, and sessions turn over
/// before GRANDPA looks at its authorities.
#[frame_support::runtime]
mod runtime {
	/// The runtime itself.
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Babe = pallet_babe;
	#[runtime::pallet_index(2)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(3)]
	pub type Authorship = pallet_authorship;
	#[runtime::pallet_index(4)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(5)]
	pub type TransactionPayment = pallet_transaction_payment;

	#[runtime::pallet_index(10)]
	pub type Staking = pallet_staking;
	#[runtime::pallet_index(11)]
	pub type Offences = pallet_offences;
	#[runtime::pallet_index(12)]
	pub type Historical = pallet_session::historical;
	#[runtime::pallet_index(13)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(14)]
	pub type Grandpa = pallet_grandpa;
	#[runtime::pallet_index(15)]
	pub type AuthorityDiscovery = pallet_authority_discovery;

	#[runtime::pallet_index(20)]
	pub type Utility = pallet_utility;
	#[runtime::pallet_index(21)]
	pub type Multisig = pallet_multisig;
	#[runtime::pallet_index(22)]
	pub type Proxy = pallet_proxy;
	#[runtime::pallet_index(23)]
	pub type Preimage = pallet_preimage;
	#[runtime::pallet_index(24)]
	pub type Scheduler = pallet_scheduler;

	#[runtime::pallet_index(30)]
	pub type Parameters = pallet_parameters;
	#[runtime::pallet_index(31)]
	pub type Treasury = pallet_treasury;
	#[runtime::pallet_index(32)]
	pub type ConvictionVoting = pallet_conviction_voting;
	#[runtime::pallet_index(33)]
	pub type Referenda = pallet_referenda;
	#[runtime::pallet_index(34)]
	pub type Origins = crate::governance::pallet_custom_origins;
	#[runtime::pallet_index(35)]
	pub type Whitelist = pallet_whitelist;

	#[runtime::pallet_index(40)]
	pub type Tickets = pallet_tickets;
	#[runtime::pallet_index(41)]
	pub type MlTasks = pallet_ml_tasks;
	#[runtime::pallet_index(42)]
	pub type Pouw = pallet_pouw;
	#[runtime::pallet_index(43)]
	pub type Rewards = pallet_rewards;
}
