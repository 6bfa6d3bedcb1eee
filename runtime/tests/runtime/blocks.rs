//! Blocks: what an author makes, everybody else's execution confirms.

use crate::chain::{account, begin_block, end_block, genesis, signed, stash};
use frame_support::traits::fungible::Inspect;
use polkadot_sdk::*;
use pouw_runtime::{
	currency::UNIT, presets::LOCAL, Balances, Executive, RuntimeCall, System, Treasury,
	UncheckedExtrinsic,
};
use sp_keyring::Sr25519Keyring;
use sp_runtime::MultiAddress;

/// The slot of the first block: any, but BABE counts epochs from it.
const FIRST_SLOT: u64 = 600_000_000;

fn transfer(nonce: u32, tip: u128) -> UncheckedExtrinsic {
	signed(
		Sr25519Keyring::Alice,
		nonce,
		tip,
		RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
			dest: MultiAddress::Id(account("Alice//Trainer1")),
			value: 100 * UNIT,
		}),
	)
}

#[test]
fn a_chain_of_blocks_executes_to_the_same_roots() {
	let blocks = genesis(LOCAL).execute_with(|| {
		(0..5)
			.map(|i| {
				let (authority, name) = if i % 2 == 0 { (0, "Alice") } else { (1, "Bob") };
				let mut transactions =
					begin_block(FIRST_SLOT + i, authority_of(name, authority), name);
				let transfer = transfer(i as u32, 0);
				Executive::apply_extrinsic(transfer.clone())
					.expect("valid")
					.expect("succeeds");
				transactions.push(transfer);
				end_block(transactions)
			})
			.collect::<Vec<_>>()
	});
	genesis(LOCAL).execute_with(|| {
		for block in blocks {
			// Panics where a root differs.
			Executive::execute_block(block.into());
		}
		assert_eq!(System::block_number(), 5);
		assert_eq!(
			Balances::free_balance(account("Alice//Trainer1")),
			500 * UNIT
		);
		crate::chain::assert_invariants();
	});
}

/// The index of an authority: the order of the validators is the election's.
fn authority_of(name: &str, fallback: u32) -> u32 {
	pouw_runtime::Session::validators()
		.iter()
		.position(|v| *v == stash(name))
		.map_or(fallback, |index| index as u32)
}

#[test]
fn every_block_carries_randomness() {
	genesis(LOCAL).execute_with(|| {
		let mut seen = std::collections::BTreeSet::new();
		for i in 0..4 {
			let transactions = begin_block(FIRST_SLOT + i, authority_of("Alice", 0), "Alice");
			end_block(transactions);
			let randomness = pallet_babe::AuthorVrfRandomness::<pouw_runtime::Runtime>::get()
				.expect("the author's VRF output is there");
			assert!(seen.insert(randomness), "randomness repeats in block {i}");
		}
	});
}

#[test]
fn a_fee_goes_to_treasury_and_author_and_the_tip_to_the_author() {
	genesis(LOCAL).execute_with(|| {
		let tip = 3 * UNIT;
		let issuance = Balances::total_issuance();
		let treasury = Balances::total_balance(&Treasury::account_id());
		let author = Balances::total_balance(&stash("Bob"));
		let payer = Balances::total_balance(&account("Alice"));
		let mut transactions = begin_block(FIRST_SLOT, authority_of("Bob", 1), "Bob");
		let transfer = transfer(0, tip);
		Executive::apply_extrinsic(transfer.clone())
			.expect("valid")
			.expect("succeeds");
		transactions.push(transfer);
		end_block(transactions);

		let paid = payer - Balances::total_balance(&account("Alice")) - 100 * UNIT;
		let to_treasury = Balances::total_balance(&Treasury::account_id()) - treasury;
		let to_author = Balances::total_balance(&stash("Bob")) - author;
		assert!(paid > tip);
		assert_eq!(to_treasury + to_author, paid, "nothing is lost");
		assert_eq!(to_treasury, (paid - tip) * 4 / 5);
		assert_eq!(
			Balances::total_issuance(),
			issuance,
			"nothing is minted or burned"
		);
	});
}
