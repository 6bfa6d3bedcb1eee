//! A chain in memory: genesis from a preset, blocks made as the node makes them.

use codec::Encode;
use polkadot_sdk::*;
use pouw_runtime::{
	presets, time::MILLISECS_PER_SLOT, AccountId, Block, BlockNumber, Executive, Header,
	RuntimeCall, RuntimeGenesisConfig, Signature, SignedPayload, System, TxExtension,
	UncheckedExtrinsic,
};
use sp_consensus_babe::{
	digests::{PreDigest, SecondaryVRFPreDigest},
	make_vrf_transcript, AuthorityPair, BABE_ENGINE_ID,
};
use sp_core::{crypto::VrfSecret, sr25519, Pair};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{generic::Era, traits::Header as _, Digest, DigestItem, MultiAddress};

/// The secret key at `path` of the development phrase.
pub(crate) fn pair(path: &str) -> sr25519::Pair {
	sr25519::Pair::from_string(&format!("//{path}"), None).expect("a valid path; qed")
}

/// The account at `path` of the development phrase.
pub(crate) fn account(path: &str) -> AccountId {
	pair(path).public().into()
}

/// The stash of a validator of the presets.
pub(crate) fn stash(name: &str) -> AccountId {
	account(&format!("{name}//stash"))
}

/// The whole genesis configuration of a preset: its patch over the defaults, as the node does it.
pub(crate) fn genesis_config(preset: &str) -> serde_json::Value {
	let mut config =
		serde_json::to_value(RuntimeGenesisConfig::default()).expect("serialises; qed");
	let patch = presets::get_preset(&preset.into()).expect("a preset that exists; qed");
	merge(
		&mut config,
		serde_json::from_slice(&patch).expect("a preset is JSON; qed"),
	);
	config
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
	match (into, patch) {
		(serde_json::Value::Object(into), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(into.entry(key).or_insert(serde_json::Value::Null), value);
			}
		}
		(into, patch) => *into = patch,
	}
}

/// The genesis state of a preset.
pub(crate) fn genesis(preset: &str) -> TestExternalities {
	let config = genesis_config(preset).to_string().into_bytes();
	let mut ext = TestExternalities::new_empty();
	ext.execute_with(|| {
		frame_support::genesis_builder_helper::build_state::<RuntimeGenesisConfig>(config)
			.expect("the preset is a valid genesis; qed")
	});
	ext.commit_all().expect("nothing is open; qed");
	ext
}

/// Begins the next block in slot `slot`, authored by the authority of that index and name, and applies
/// its inherent. Returns the transactions so far.
pub(crate) fn begin_block(slot: u64, authority: u32, name: &str) -> Vec<UncheckedExtrinsic> {
	let number = System::block_number() + 1;
	let epoch = pouw_runtime::Babe::current_epoch();
	let pair = AuthorityPair::from(pair(name));
	let transcript = make_vrf_transcript(&epoch.randomness, slot.into(), epoch.epoch_index);
	let pre_digest = PreDigest::SecondaryVRF(SecondaryVRFPreDigest {
		authority_index: authority,
		slot: slot.into(),
		vrf_signature: pair.as_ref().vrf_sign(&transcript.into_sign_data()),
	});
	let digest = Digest {
		logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, pre_digest.encode())],
	};
	let parent = if number == 1 {
		genesis_hash()
	} else {
		parent_hash()
	};
	let header = Header::new(
		number,
		Default::default(),
		Default::default(),
		parent,
		digest,
	);
	Executive::initialize_block(&header);
	let timestamp =
		UncheckedExtrinsic::new_bare(RuntimeCall::Timestamp(pallet_timestamp::Call::set {
			now: slot * MILLISECS_PER_SLOT,
		}));
	Executive::apply_extrinsic(timestamp.clone())
		.expect("the inherent is valid; qed")
		.expect("the inherent succeeds; qed");
	vec![timestamp]
}

/// Ends the block and returns it.
pub(crate) fn end_block(transactions: Vec<UncheckedExtrinsic>) -> Block {
	let header = Executive::finalize_block();
	PARENT.with(|parent| *parent.borrow_mut() = header.hash());
	Block {
		header,
		extrinsics: transactions,
	}
}

thread_local! {
	static PARENT: std::cell::RefCell<sp_core::H256> = Default::default();
}

fn parent_hash() -> sp_core::H256 {
	PARENT.with(|parent| *parent.borrow())
}

fn genesis_hash() -> sp_core::H256 {
	System::block_hash(0)
}

/// A transaction signed by a development account.
pub(crate) fn signed(
	signer: Sr25519Keyring,
	nonce: u32,
	tip: u128,
	call: RuntimeCall,
) -> UncheckedExtrinsic {
	let extension: TxExtension = (
		frame_system::AuthorizeCall::new(),
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckMortality::from(Era::Immortal),
		frame_system::CheckNonce::from(nonce),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(tip),
		frame_metadata_hash_extension::CheckMetadataHash::new(false),
		frame_system::WeightReclaim::new(),
	);
	let payload = SignedPayload::new(call, extension).expect("the extension has its data; qed");
	let signature = payload.using_encoded(|bytes| signer.sign(bytes));
	let (call, extension, _) = payload.deconstruct();
	UncheckedExtrinsic::new_signed(
		call,
		MultiAddress::Id(signer.to_account_id()),
		Signature::Sr25519(signature),
		extension,
	)
}

/// Goes to a block without making the ones between: for what waits for a block's number.
pub(crate) fn jump_to(block: BlockNumber) {
	System::set_block_number(block);
}

/// Asserts what must always hold: our own pallets' invariants, and with the feature `try-runtime`
/// everybody's.
pub(crate) fn assert_invariants() {
	pouw_runtime::Tickets::do_try_state().expect("the tickets' invariants hold");
	pouw_runtime::MlTasks::do_try_state().expect("the tasks' invariants hold");
	pouw_runtime::Pouw::do_try_state().expect("the proofs' invariants hold");
	pouw_runtime::Rewards::do_try_state().expect("the rewards' invariants hold");
	#[cfg(feature = "try-runtime")]
	{
		use frame_support::traits::{TryState, TryStateSelect};
		<pouw_runtime::AllPalletsWithSystem as TryState<BlockNumber>>::try_state(
			System::block_number(),
			TryStateSelect::All,
		)
		.expect("every invariant holds");
	}
}
