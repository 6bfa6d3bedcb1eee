//! Genesis states that `pouw-node build-spec` and the node's `--chain` know by name.
//!
//! The keys of all of them come from the development phrase that everybody knows (`//Alice`, `//Bob`, …).
//! They hold tokens and validate; nobody holds a power over the chain beyond that. A network with value
//! takes a preset as its form and puts in keys of its own.

use crate::{
	consensus::BABE_GENESIS_EPOCH_CONFIG,
	currency::{EXISTENTIAL_DEPOSIT, UNIT},
	staking::{MAX_CANDIDATES, MAX_NOMINATORS},
	AccountId, BabeConfig, Balance, BalancesConfig, RuntimeGenesisConfig, SessionConfig,
	SessionKeys, StakingConfig, Treasury,
};
use alloc::{format, vec, vec::Vec};
use frame_support::build_struct_json_patch;
use pallet_staking::StakerStatus;
use polkadot_sdk::*;
use sp_authority_discovery::AuthorityId as AuthorityDiscoveryId;
use sp_consensus_babe::AuthorityId as BabeId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::{sr25519, Pair, Public};
use sp_genesis_builder::PresetId;
use sp_keyring::Sr25519Keyring;
use sp_runtime::Perbill;

/// One validator, Alice, that finalises alone.
pub const DEVELOPMENT: &str = "development";
/// Two validators with different stakes, Alice and Bob: the demonstration's network.
pub const LOCAL: &str = "local";
/// Four validators with different stakes, Alice to Dave, and nominators.
pub const TESTNET: &str = "testnet";

/// What Alice holds in the presets, beside the stake of her stash.
const ALICE_ENDOWMENT: Balance = 10_000_000 * UNIT;
/// What each of the other development accounts holds.
const ENDOWMENT: Balance = 1_000_000 * UNIT;
/// What a stash holds beyond its bond.
const STASH_CHANGE: Balance = 1_000 * UNIT;
/// Least that a nominator bonds: with [`MAX_NOMINATORS`] of them, filling all places costs something.
const MIN_NOMINATOR_BOND: Balance = 100 * UNIT;
/// Least that a validator bonds.
const MIN_VALIDATOR_BOND: Balance = 10_000 * UNIT;

/// Accounts that the preset [`LOCAL`] endows beside the usual ones, for the demonstration and the network
/// test: `//Client`, `//Trainer1` and so on.
const DEMONSTRATION: [&str; 10] = [
	"Client",
	"Trainer1",
	"Trainer2",
	"Cheat",
	"Supervisor1",
	"Verifier1",
	"Verifier2",
	"Verifier3",
	"Evaluator1",
	"Auditor",
];

/// A validator: stash `//Name//stash`, session keys `//Name`, and its bond.
struct Validator {
	name: &'static str,
	bond: Balance,
}

/// A nominator: a development account, what it bonds, and the validators that it trusts.
struct Nominator {
	account: Sr25519Keyring,
	bond: Balance,
	targets: &'static [&'static str],
}

fn stash(name: &str) -> AccountId {
	AccountId::from(public::<sr25519::Public>(&format!("{name}//stash")))
}

fn public<P: Public>(path: &str) -> <P::Pair as Pair>::Public
where
	P::Pair: Pair<Public = P>,
{
	<P::Pair as Pair>::from_string(&format!("//{path}"), None)
		.expect("the development phrase with a path of letters is a valid secret; qed")
		.public()
}

fn session_keys(name: &str) -> SessionKeys {
	SessionKeys {
		grandpa: GrandpaId::from(public::<sp_core::ed25519::Public>(name)),
		babe: BabeId::from(public::<sr25519::Public>(name)),
		authority_discovery: AuthorityDiscoveryId::from(public::<sr25519::Public>(name)),
	}
}

fn genesis(
	validators: &[Validator],
	nominators: &[Nominator],
	demonstration: &[&str],
) -> serde_json::Value {
	let endowed = Sr25519Keyring::well_known().map(|account| {
		let amount = if account == Sr25519Keyring::Alice {
			ALICE_ENDOWMENT
		} else {
			ENDOWMENT
		};
		(account.to_account_id(), amount)
	});
	let stashes = validators
		.iter()
		.map(|v| (stash(v.name), v.bond.saturating_add(STASH_CHANGE)));
	let demonstration = demonstration
		.iter()
		.map(|name| (AccountId::from(public::<sr25519::Public>(name)), ENDOWMENT));
	let treasury = core::iter::once((Treasury::account_id(), EXISTENTIAL_DEPOSIT));
	// The keyring holds `//Alice//stash` and the like too; a stash's own entry counts.
	let mut balances: Vec<(AccountId, Balance)> =
		stashes.chain(demonstration).chain(treasury).collect();
	for (account, amount) in endowed {
		if balances.iter().all(|(known, _)| *known != account) {
			balances.push((account, amount));
		}
	}

	let stakers = validators
		.iter()
		.map(|v| {
			(
				stash(v.name),
				stash(v.name),
				v.bond,
				StakerStatus::Validator,
			)
		})
		.chain(nominators.iter().map(|n| {
			let account = n.account.to_account_id();
			let targets = n.targets.iter().map(|name| stash(name)).collect();
			(
				account.clone(),
				account,
				n.bond,
				StakerStatus::Nominator(targets),
			)
		}))
		.collect::<Vec<_>>();

	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig { balances },
		babe: BabeConfig {
			epoch_config: BABE_GENESIS_EPOCH_CONFIG
		},
		session: SessionConfig {
			keys: validators
				.iter()
				.map(|v| (stash(v.name), stash(v.name), session_keys(v.name)))
				.collect::<Vec<_>>(),
		},
		staking: StakingConfig {
			validator_count: validators.len() as u32,
			minimum_validator_count: 1,
			slash_reward_fraction: Perbill::from_percent(10),
			stakers,
			min_nominator_bond: MIN_NOMINATOR_BOND,
			min_validator_bond: MIN_VALIDATOR_BOND,
			max_validator_count: Some(MAX_CANDIDATES),
			max_nominator_count: Some(MAX_NOMINATORS),
		},
	})
}

fn development() -> serde_json::Value {
	genesis(
		&[Validator {
			name: "Alice",
			bond: 100_000 * UNIT,
		}],
		&[],
		&[],
	)
}

fn local() -> serde_json::Value {
	genesis(
		&[
			Validator {
				name: "Alice",
				bond: 200_000 * UNIT,
			},
			Validator {
				name: "Bob",
				bond: 100_000 * UNIT,
			},
		],
		&[Nominator {
			account: Sr25519Keyring::Ferdie,
			bond: 50_000 * UNIT,
			targets: &["Bob"],
		}],
		&DEMONSTRATION,
	)
}

fn testnet() -> serde_json::Value {
	genesis(
		&[
			Validator {
				name: "Alice",
				bond: 400_000 * UNIT,
			},
			Validator {
				name: "Bob",
				bond: 300_000 * UNIT,
			},
			Validator {
				name: "Charlie",
				bond: 200_000 * UNIT,
			},
			Validator {
				name: "Dave",
				bond: 100_000 * UNIT,
			},
		],
		&[
			Nominator {
				account: Sr25519Keyring::Eve,
				bond: 100_000 * UNIT,
				targets: &["Dave"],
			},
			Nominator {
				account: Sr25519Keyring::Ferdie,
				bond: 60_000 * UNIT,
				targets: &["Charlie", "Dave"],
			},
		],
		&[],
	)
}

/// The preset called `id` as a JSON patch of the default genesis; none if there is no such preset.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let patch = match id.as_ref() {
		DEVELOPMENT => development(),
		LOCAL => local(),
		TESTNET => testnet(),
		_ => return None,
	};
	Some(
		serde_json::to_vec(&patch)
			.expect("a JSON value whose keys are strings always serialises; qed"),
	)
}

/// Names of all presets.
pub fn preset_names() -> Vec<PresetId> {
	vec![
		PresetId::from(DEVELOPMENT),
		PresetId::from(LOCAL),
		PresetId::from(TESTNET),
	]
}
