//! Stake decides who validates, nominators' too, and who cheats loses it.

use crate::chain::{account, assert_invariants, begin_block, end_block, genesis, pair, stash};
use codec::Encode;
use frame_support::traits::{fungible::Inspect, KeyOwnerProofSystem};
use polkadot_sdk::*;
use pouw_runtime::{
	currency::UNIT,
	presets::{LOCAL, TESTNET},
	staking::SlashDeferDuration,
	AccountId, Babe, Balances, Header, Historical, Runtime, RuntimeOrigin, Session, Staking,
	Treasury,
};
use sp_consensus_babe::{
	digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest},
	AuthorityPair, EquivocationProof, BABE_ENGINE_ID,
};
use sp_core::Pair;
use sp_runtime::{traits::Header as _, Digest, DigestItem};
use sp_staking::StakingInterface;

const SLOT: u64 = 600_000_000;

fn exposure(validator: &AccountId) -> sp_staking::Exposure<AccountId, u128> {
	let era = pallet_staking::ActiveEra::<Runtime>::get().map_or(0, |era| era.index);
	Staking::eras_stakers(era, validator)
}

/// Turns sessions, each an era of its own, until `eras` more have begun.
fn turn_eras(eras: u32) {
	Staking::force_new_era_always(RuntimeOrigin::root()).expect("root may");
	let target = pallet_staking::CurrentEra::<Runtime>::get().unwrap_or(0) + eras;
	while pallet_staking::ActiveEra::<Runtime>::get().is_none_or(|era| era.index < target) {
		Session::rotate_session();
	}
}

#[test]
fn nominations_count_in_the_election() {
	genesis(TESTNET).execute_with(|| {
		let dave = exposure(&stash("Dave"));
		assert_eq!(dave.own, 100_000 * UNIT);
		assert!(dave
			.others
			.iter()
			.any(|backer| backer.who == account("Eve") && backer.value == 100_000 * UNIT));
		// Ferdie's stake is shared out between the two that he named, none of it is lost.
		let ferdies: u128 = ["Charlie", "Dave"]
			.iter()
			.flat_map(|name| exposure(&stash(name)).others)
			.filter(|backer| backer.who == account("Ferdie"))
			.map(|backer| backer.value)
			.sum();
		assert_eq!(ferdies, 60_000 * UNIT);
	});
}

#[test]
fn who_is_backed_by_more_is_elected() {
	genesis(TESTNET).execute_with(|| {
		let transactions = begin_block(SLOT, 0, "Alice");
		end_block(transactions);
		// Two places. On their own stakes Alice and Bob would have them.
		Staking::set_validator_count(RuntimeOrigin::root(), 2).expect("root may");
		Staking::bond_extra(RuntimeOrigin::signed(account("Eve")), 600_000 * UNIT)
			.expect("Eve has that much");
		turn_eras(2);
		let elected = Session::validators();
		assert_eq!(elected.len(), 2);
		assert!(
			elected.contains(&stash("Dave")),
			"Eve's nomination lifts Dave"
		);
		assert!(elected.contains(&stash("Alice")));
		assert_invariants();
	});
}

/// Two different headers for one slot, both sealed by `name`.
fn equivocation(name: &str, slot: u64) -> EquivocationProof<Header> {
	let author = AuthorityPair::from(pair(name));
	let authority_index = Babe::authorities()
		.iter()
		.position(|(id, _)| *id == author.public())
		.expect("an authority of the preset") as u32;
	let header = |content: u8| {
		let pre_digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
			authority_index,
			slot: slot.into(),
		});
		let digest = Digest {
			logs: vec![DigestItem::PreRuntime(BABE_ENGINE_ID, pre_digest.encode())],
		};
		let mut header = Header::new(
			2,
			[content; 32].into(),
			Default::default(),
			Default::default(),
			digest,
		);
		let seal = author.sign(header.hash().as_ref());
		header
			.digest_mut()
			.push(<DigestItem as CompatibleDigestItem>::babe_seal(seal));
		header
	};
	EquivocationProof {
		offender: author.public(),
		slot: slot.into(),
		first_header: header(1),
		second_header: header(2),
	}
}

#[test]
fn equivocation_is_slashed_with_those_who_backed_it() {
	genesis(LOCAL).execute_with(|| {
		let transactions = begin_block(SLOT, 0, "Alice");
		end_block(transactions);
		let bobs = exposure(&stash("Bob"));
		assert!(bobs
			.others
			.iter()
			.any(|backer| backer.who == account("Ferdie")));
		let treasury = Balances::total_balance(&Treasury::account_id());
		let staked = |who: &AccountId| Staking::total_stake(who).unwrap_or(0);

		let proof = equivocation("Bob", SLOT + 1);
		let owner = Historical::prove((sp_consensus_babe::KEY_TYPE, proof.offender.clone()))
			.expect("Bob's key is of this session");
		Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner)
			.expect("the proof holds");

		// At once: on record. Carried out only after referenda had time to step in.
		assert_eq!(staked(&stash("Bob")), bobs.own);
		turn_eras(SlashDeferDuration::get() + 2);

		assert!(
			staked(&stash("Bob")) < bobs.own,
			"the validator loses stake"
		);
		assert!(
			staked(&account("Ferdie")) < 50_000 * UNIT,
			"so does its nominator"
		);
		assert!(Balances::total_balance(&Treasury::account_id()) > treasury);
		assert_eq!(
			exposure(&stash("Alice")).own,
			200_000 * UNIT,
			"nobody else does"
		);
		assert_invariants();
	});
}

#[test]
fn an_honest_block_is_not_an_equivocation() {
	genesis(LOCAL).execute_with(|| {
		let transactions = begin_block(SLOT, 0, "Alice");
		end_block(transactions);
		let mut proof = equivocation("Bob", SLOT + 1);
		proof.second_header = proof.first_header.clone();
		let owner = Historical::prove((sp_consensus_babe::KEY_TYPE, proof.offender.clone()))
			.expect("Bob's key is of this session");
		let result =
			Babe::report_equivocation_unsigned(RuntimeOrigin::none(), Box::new(proof), owner);
		assert!(result.is_err());
	});
}
