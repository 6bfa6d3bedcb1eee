//! What the chain does with a move, from bytes to bytes. This file is compiled into the program that measures, and
//! again into the wasm module that it measures.

use alloc::{string::ToString, vec::Vec};
use codec::{Decode, Encode};
use pouw_dispute::{ChallengerMove, DefenderMove, Dispute, Facts};
use repops::{
	commit::Hash,
	parts::{PartProof, ShownParts},
};

/// A move of either party.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) enum Move {
	Defender(DefenderMove),
	Challenger(ChallengerMove),
}

/// A dispute as it is stored, and a move with what is shown of the program.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) struct Question {
	pub(crate) dispute: Dispute,
	pub(crate) program: Hash,
	pub(crate) parts: Vec<PartProof>,
	pub(crate) made: Move,
}

/// The dispute after the move as it is stored, and what the move has led to or why it was refused.
pub(crate) fn answer(encoded: &[u8]) -> Vec<u8> {
	let Question {
		mut dispute,
		program,
		parts,
		made,
	} = Question::decode(&mut &encoded[..]).unwrap();
	let facts = Facts::default();
	let program = ShownParts::open(&program, &parts).unwrap();
	let outcome = match made {
		Move::Defender(made) => dispute.defend(made, &program, &facts),
		Move::Challenger(made) => dispute.challenge(made, &program, &facts),
	};
	let outcome = match outcome {
		Ok(outcome) => alloc::format!("{outcome:?}"),
		Err(error) => error.to_string(),
	};
	(dispute, outcome).encode()
}
