//! The moves that weights are measured with are taken, of every kind of operation, and as large as a move can be.

use codec::Encode;
use pouw_dispute::{
	worst::{masks, passages_of_all_kinds, unneeded_tiles, LastMove, Passage},
	ChallengerMove, Facts, MoveError, Outcome, Party,
};
use repops::{
	parts::ShownParts,
	referee::{EvidenceError, JudgeError, MAX_TILES},
};
use std::collections::BTreeSet;

/// The bounds of pallet pouw.
const MAX_BYTES: usize = 256 * 1024;
const MAX_PARTS: usize = 8;

fn outcome(last: &LastMove) -> Result<Outcome, MoveError> {
	let program = ShownParts::open(&last.program, &last.parts).unwrap();
	let mut dispute = last.dispute.clone();
	dispute.challenge(last.made.clone(), &program, &Facts::default())
}

fn tiles(passage: &Passage) -> usize {
	passage.evidence.tiles.len()
}

#[test]
fn there_is_a_move_for_every_kind_of_operation() {
	let kinds = passages_of_all_kinds();
	// An operation's encoding begins with its number.
	let numbers: BTreeSet<u8> = kinds
		.iter()
		.map(|passage| passage.kind.encode()[0])
		.collect();
	let named = <repops::program::OperationKind as scale_info::TypeInfo>::type_info();
	let scale_info::TypeDef::Variant(variants) = named.type_def else {
		panic!("it is an enum");
	};
	let expected: BTreeSet<u8> = variants.variants.iter().map(|kind| kind.index).collect();
	assert_eq!(numbers, expected);
	for passage in &kinds {
		let last = passage.last_move();
		// The claim is what the referee finds.
		let found = outcome(&last);
		assert_eq!(
			found,
			Ok(Outcome::Lost(Party::Challenger)),
			"{:?}",
			passage.kind
		);
		assert!(last.made.is_within_bounds() && last.parts.len() <= MAX_PARTS);
		assert!(last.made.encoded_size() + last.parts.encoded_size() <= MAX_BYTES);
	}
	// The rows that are added up, and the tile of their indices.
	let most = kinds.iter().map(tiles).max();
	assert_eq!(most, Some(33));
}

/// What spreads a passage over the most tiles does so here.
#[test]
fn the_worst_passages_are_spread_over_tiles() {
	let of = |name: &str| -> Vec<usize> {
		let all = passages_of_all_kinds().into_iter();
		let named = all.filter(|passage| format!("{:?}", passage.kind).starts_with(name));
		named.map(|passage| tiles(&passage)).collect()
	};
	assert_eq!(of("MatMul {"), [16, 16, 18]);
	assert_eq!(of("MatMulSum"), [32]);
	assert_eq!(of("ArgMax"), [32, 8]);
	assert_eq!(of("Fold"), [32]);
	assert_eq!(of("Unpool"), [32]);
	assert_eq!(of("ScatterRows"), [33]);
	for name in ["Unfold", "Slice", "Insert", "Permute", "ToNumber"] {
		assert_eq!(of(name), [1], "{name}");
	}
	assert_eq!(of("Random"), [2]);
	assert_eq!(of("Iota"), [0]);
}

/// Were the claim another one, the same move would win.
#[test]
fn the_moves_prove_what_they_show() {
	for mut passage in passages_of_all_kinds() {
		passage.after.0[0] ^= 1;
		let found = outcome(&passage.last_move());
		assert_eq!(
			found,
			Ok(Outcome::Lost(Party::Defender)),
			"{:?}",
			passage.kind
		);
	}
}

#[test]
fn a_tile_less_is_no_proof() {
	for passage in passages_of_all_kinds() {
		let mut last = passage.last_move();
		let ChallengerMove::Evidence { tiles, .. } = &mut last.made else {
			panic!("a passage is shown by evidence");
		};
		if tiles.tiles.pop().is_some() {
			let found = outcome(&last);
			let missing = matches!(
				found,
				Err(MoveError::Judge(JudgeError::Evidence(
					EvidenceError::Missing { .. }
				)))
			);
			assert!(missing, "{:?}: {found:?}", passage.kind);
		}
	}
}

#[test]
fn the_most_tiles_are_hashed_before_they_are_refused() {
	let passage = unneeded_tiles();
	assert_eq!(tiles(&passage), MAX_TILES as usize);
	let unused = EvidenceError::Unused {
		operand: 0,
		tile: 0,
	};
	assert_eq!(
		outcome(&passage.last_move()),
		Err(MoveError::Judge(JudgeError::Evidence(unused)))
	);
}

#[test]
fn masks_lie_in_as_many_tiles_as_they_should() {
	for count in 1..=32 {
		let passage = masks(count);
		assert_eq!(tiles(&passage), count as usize);
		assert_eq!(
			outcome(&passage.last_move()),
			Ok(Outcome::Lost(Party::Challenger))
		);
	}
}
