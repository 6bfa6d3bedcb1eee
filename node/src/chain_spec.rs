//! The networks that the node knows by name. Their genesis states are the runtime's presets.

use polkadot_sdk::*;
use pouw_node_client::runtime_api::Block;
use pouw_runtime::{
	currency::{SS58_PREFIX, TOKEN_DECIMALS, TOKEN_SYMBOL},
	presets, WASM_BINARY,
};
use sc_chain_spec::{ChainSpecExtension, Properties};
use sc_service::{ChainType, GenericChainSpec};
use serde::{Deserialize, Serialize};

/// What a chain specification holds beside the genesis state.
#[derive(Clone, Default, Serialize, Deserialize, ChainSpecExtension)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extensions {
	/// Blocks that are known to be of the right fork.
	pub(crate) fork_blocks: sc_client_api::ForkBlocks<Block>,
	/// Blocks that are known to be wrong.
	pub(crate) bad_blocks: sc_client_api::BadBlocks<Block>,
	/// Where a light client starts; written by the RPC `sync_state_genSyncSpec`.
	pub(crate) light_sync_state: sc_sync_state_rpc::LightSyncStateExtension,
}

/// The node's form of chain specification.
pub(crate) type ChainSpec = GenericChainSpec<Extensions>;

/// The specification called `id`: `dev`, `local`, `testnet`, or the path of a file.
pub(crate) fn load(id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
	Ok(Box::new(match id {
		"dev" | "development" => preset(
			"POUW Development",
			"pouw_dev",
			ChainType::Development,
			presets::DEVELOPMENT,
		)?,
		"" | "local" => preset("POUW Local", "pouw_local", ChainType::Local, presets::LOCAL)?,
		"testnet" => preset(
			"POUW Testnet",
			"pouw_testnet",
			ChainType::Live,
			presets::TESTNET,
		)?,
		path => ChainSpec::from_json_file(path.into()).map_err(|error| {
			format!(
				"`{path}` is neither a known chain (dev, local, testnet) nor a chain specification \
				 that can be read: {error}"
			)
		})?,
	}))
}

fn preset(name: &str, id: &str, kind: ChainType, preset: &str) -> Result<ChainSpec, String> {
	let code = WASM_BINARY.ok_or(
		"this program was built without the runtime's wasm blob (SKIP_WASM_BUILD was set); build it \
		 again without, or pass a chain specification's path to --chain",
	)?;
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), TOKEN_SYMBOL.into());
	properties.insert("tokenDecimals".into(), TOKEN_DECIMALS.into());
	properties.insert("ss58Format".into(), SS58_PREFIX.into());
	Ok(ChainSpec::builder(code, Extensions::default())
		.with_name(name)
		.with_id(id)
		.with_protocol_id(id)
		.with_chain_type(kind)
		.with_properties(properties)
		.with_genesis_config_preset_name(preset)
		.build())
}
