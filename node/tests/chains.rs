//! The networks that the program knows by name.

use std::process::{Command, Output};

fn node(arguments: &[&str]) -> Output {
	Command::new(env!("CARGO_BIN_EXE_pouw-node"))
		.args(arguments)
		.output()
		.expect("the program that was built runs")
}

#[test]
fn the_known_chains_are_exported_with_their_presets() {
	for (chain, id, validators) in [
		("dev", "pouw_dev", 1),
		("local", "pouw_local", 2),
		("testnet", "pouw_testnet", 4),
	] {
		let output = node(&["export-chain-spec", "--chain", chain]);
		assert!(
			output.status.success(),
			"{}",
			String::from_utf8_lossy(&output.stderr)
		);
		let spec: serde_json::Value =
			serde_json::from_slice(&output.stdout).expect("a specification is JSON");
		assert_eq!(spec["id"], id);
		assert_eq!(spec["properties"]["tokenSymbol"], "POUW");
		assert_eq!(spec["properties"]["tokenDecimals"], 12);
		assert_eq!(spec["properties"]["ss58Format"], 6067);
		let genesis = &spec["genesis"]["runtimeGenesis"]["patch"];
		let keys = genesis["session"]["keys"]
			.as_array()
			.expect("validators have keys");
		assert_eq!(keys.len(), validators);
		assert_eq!(genesis["staking"]["validatorCount"], validators);
	}
}

#[test]
fn a_raw_specification_is_state_with_code() {
	let output = node(&["export-chain-spec", "--chain", "local", "--raw"]);
	let spec: serde_json::Value =
		serde_json::from_slice(&output.stdout).expect("a specification is JSON");
	let code = &spec["genesis"]["raw"]["top"]["0x3a636f6465"];
	assert!(code.as_str().is_some_and(|code| code.len() > 100_000));
}

#[test]
fn an_unknown_chain_is_an_error_that_says_what_is_known() {
	let output = node(&["export-chain-spec", "--chain", "no-such-chain"]);
	assert_eq!(output.status.code(), Some(1));
	let error = String::from_utf8_lossy(&output.stderr);
	assert!(error.contains("`no-such-chain`"), "{error}");
	assert!(error.contains("dev, local, testnet"), "{error}");
}
