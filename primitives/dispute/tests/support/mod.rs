//! The playing of a dispute.
#![allow(
	dead_code,
	reason = "each test that includes this file uses a part of it"
)]

use crate::computation::Own;
use pouw_dispute::{
	challenge, defend, ChallengerMove, Computation, DefenderMove, Dispute, Facts, Outcome, Party,
	Position, Subject,
};
use repops::{
	check::Checked,
	commit::TileBytes,
	parts::{program_root, PartProof, ShownParts},
};

/// A computation that can be told where the dispute is.
pub(crate) trait Player: Computation {
	fn follow(&mut self, _dispute: &Dispute) {}
}

impl Player for Own<'_> {
	fn follow(&mut self, dispute: &Dispute) {
		Own::follow(self, dispute);
	}
}

/// What a game came to.
#[derive(Debug)]
pub(crate) struct Played {
	pub(crate) loser: Party,
	/// Whether the loser made no move, or none that counts.
	pub(crate) by_the_clock: bool,
	pub(crate) moves: u32,
	/// Bytes of all moves with the parts that were shown with them.
	pub(crate) bytes: usize,
	/// The checkpoint that was named.
	pub(crate) checkpoint: Option<u32>,
	/// Where it was narrowed to.
	pub(crate) last: Position,
}

/// Who makes a party's moves: its own, or others that it likes better.
pub(crate) type Strategy<'a, M> = dyn FnMut(&Dispute, Option<M>) -> Option<M> + 'a;

/// The most bytes of a move with its parts.
const MAX_BYTES: usize = 256 * 1024;
/// The most parts that are shown with a move.
const MAX_PARTS: usize = 8;

/// A party that doesn't move, or whose moves are refused, loses by the clock. Each move is judged by the
/// program's root and the few parts that the move asks for, as the chain does.
pub(crate) struct Game<'a, D, C> {
	pub(crate) program: &'a Checked,
	pub(crate) facts: &'a Facts,
	pub(crate) defender: D,
	pub(crate) challenger: C,
}

impl<D: Player, C: Player> Game<'_, D, C> {
	/// Both do what they should.
	pub(crate) fn play(&mut self, subject: Subject) -> Played {
		self.play_with(subject, &mut |_, own| own, &mut |_, own| own)
	}

	pub(crate) fn play_with(
		&mut self,
		subject: Subject,
		defends: &mut Strategy<DefenderMove>,
		challenges: &mut Strategy<ChallengerMove>,
	) -> Played {
		use codec::{Decode, Encode, MaxEncodedLen};
		let (program, facts) = (self.program, self.facts);
		let mut dispute = Dispute::new(subject, program, facts).unwrap();
		let root = program_root(program);
		let mut tile: Option<TileBytes> = None;
		let (mut moves, mut bytes) = (0, 0);
		let (loser, by_the_clock) = loop {
			assert!(moves < 300, "a dispute ends: {:?}", dispute.position());
			// What is stored is read again as it was, and stays within its bound.
			let stored = dispute.encode();
			assert!(stored.len() <= Dispute::max_encoded_len());
			assert_eq!(Dispute::decode(&mut &stored[..]).as_ref(), Ok(&dispute));

			moves += 1;
			let mover = dispute.to_move();
			let opened = |shown: &[PartProof]| {
				assert!(shown.len() <= MAX_PARTS, "{shown:?}");
				ShownParts::open(&root, shown).unwrap()
			};
			let outcome = match mover {
				Party::Defender => {
					self.defender.follow(&dispute);
					let own = defend(&dispute, program, facts, &mut self.defender).ok();
					let Some(made) = defends(&dispute, own) else {
						break (mover, true);
					};
					let expected = dispute.clone().defend(made.clone(), program, facts);
					let Ok(shown) = dispute.parts_of_defence(&made, program, facts) else {
						assert!(expected.is_err());
						break (mover, true);
					};
					let size = made.encoded_size() + shown.encoded_size();
					assert!(size <= MAX_BYTES && made.is_within_bounds());
					bytes += size;
					if let DefenderMove::Tile(shown) = &made {
						tile = Some(shown.clone());
					}
					let outcome = dispute.defend(made, &opened(&shown), facts);
					assert_eq!(outcome, expected, "with the parts that it asks for");
					outcome
				}
				Party::Challenger => {
					self.challenger.follow(&dispute);
					let tile = tile.as_deref();
					let own = challenge(&dispute, program, facts, &mut self.challenger, tile);
					let Some(made) = challenges(&dispute, own.ok()) else {
						break (mover, true);
					};
					let expected = dispute.clone().challenge(made.clone(), program, facts);
					let Ok(shown) = dispute.parts_of_challenge(&made, program, facts) else {
						assert!(expected.is_err());
						break (mover, true);
					};
					let size = made.encoded_size() + shown.encoded_size();
					assert!(size <= MAX_BYTES && made.is_within_bounds());
					bytes += size;
					let outcome = dispute.challenge(made, &opened(&shown), facts);
					assert_eq!(outcome, expected, "with the parts that it asks for");
					outcome
				}
			};
			match outcome {
				Ok(Outcome::Open) => (),
				Ok(Outcome::Lost(loser)) => break (loser, false),
				Err(error) => panic!("it was taken before: {error}"),
			}
		};
		Played {
			loser,
			by_the_clock,
			moves,
			bytes,
			checkpoint: dispute.checkpoint(),
			last: dispute.position().clone(),
		}
	}
}
