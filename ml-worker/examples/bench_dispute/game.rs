//! A dispute that is played, with the chain's side as the pallet has it.

use crate::{
	clock::{best, timed},
	parties::{Challenger, Defender},
};
use codec::{Decode, Encode};
use pouw_dispute::{
	challenge, defend, ChallengerMove, DefenderMove, Dispute, Facts, Outcome, Party, Subject,
	MAX_SIBLINGS,
};
use repops::{
	check::Checked,
	commit::Hash,
	parts::{program_root, PartProof, ShownParts},
};
use std::time::Duration;

/// The bounds of pallet pouw: the most parts of the program with a move, and the most bytes of both.
const MAX_PARTS: usize = 8;
const MAX_MOVE_BYTES: usize = 256 * 1024;

/// How often the last move is judged; the shortest time counts.
const JUDGED: u32 = 200;

/// What a dispute has cost.
#[derive(Clone, Debug)]
pub(crate) struct Played {
	/// The bytes of each move with its parts of the program.
	pub(crate) moves: Vec<usize>,
	pub(crate) defender: Duration,
	pub(crate) challenger: Duration,
	/// The chain's time for the last move alone.
	pub(crate) referee: Duration,
	/// And for all moves.
	pub(crate) chain: Duration,
}

impl Played {
	/// The shorter times of two games that are the same.
	pub(crate) fn or_faster(self, other: Played) -> Played {
		assert_eq!(self.moves, other.moves);
		Played {
			defender: self.defender.min(other.defender),
			challenger: self.challenger.min(other.challenger),
			referee: self.referee.min(other.referee),
			chain: self.chain.min(other.chain),
			moves: self.moves,
		}
	}
}

/// Plays a dispute, which the defender must lose by the referee's word.
pub(crate) fn play(
	program: &Checked,
	facts: &Facts,
	subject: Subject,
	defender: &mut Defender,
	challenger: &mut Challenger,
) -> Played {
	let root = program_root(program);
	let game = Dispute::new(subject, &ShownParts::default(), &Facts::default());
	let mut game = game.expect("a round can be disputed");
	let mut played = Played {
		moves: Vec::new(),
		defender: Duration::ZERO,
		challenger: Duration::ZERO,
		referee: Duration::ZERO,
		chain: Duration::ZERO,
	};
	let mut shown = None;
	loop {
		let sent = match game.to_move() {
			Party::Defender => {
				let (sent, time) = timed(|| {
					let made = defend(&game, program, facts, defender);
					let made = made.unwrap_or_else(|error| panic!("the defender: {error}"));
					let parts = game.parts_of_defence(&made, program, facts);
					(parts.expect("it is a move"), made)
				});
				played.defender += time;
				if let DefenderMove::Tile(tile) = &sent.1 {
					shown = Some(tile.clone());
				}
				sent.encode()
			}
			Party::Challenger => {
				let own = match game.checkpoint() {
					None => &mut challenger.trace,
					Some(_) => &mut challenger.steps,
				};
				let (sent, time) = timed(|| {
					let made = challenge(&game, program, facts, own, shown.as_deref());
					let made = made.unwrap_or_else(|error| panic!("the challenger: {error}"));
					let parts = game.parts_of_challenge(&made, program, facts);
					(parts.expect("it is a move"), made)
				});
				played.challenger += time;
				sent.encode()
			}
		};
		let before = game.clone();
		let (outcome, time) = timed(|| on_chain(&mut game, &root, facts, &sent));
		played.chain += time;
		played.moves.push(sent.len());
		if let Outcome::Lost(loser) = outcome {
			assert_eq!(loser, Party::Defender, "who has computed rightly wins");
			played.referee = best(JUDGED, || {
				on_chain(&mut before.clone(), &root, facts, &sent)
			});
			return played;
		}
	}
}

/// What the chain does with a move: of the program it knows the root and what is shown.
fn on_chain(game: &mut Dispute, root: &Hash, facts: &Facts, mut sent: &[u8]) -> Outcome {
	assert!(sent.len() <= MAX_MOVE_BYTES, "{} bytes", sent.len());
	let sent = &mut sent;
	let open = |parts: &[PartProof]| {
		let are_short = |part: &PartProof| part.proof.siblings.len() <= MAX_SIBLINGS;
		assert!(parts.len() <= MAX_PARTS && parts.iter().all(are_short));
		ShownParts::open(root, parts).expect("the parts are the program's")
	};
	let outcome = match game.to_move() {
		Party::Defender => {
			let (parts, made) = <(Vec<PartProof>, DefenderMove)>::decode(sent)
				.expect("it was encoded as it is decoded");
			assert!(made.is_within_bounds());
			game.defend(made, &open(&parts), facts)
		}
		Party::Challenger => {
			let (parts, made) = <(Vec<PartProof>, ChallengerMove)>::decode(sent)
				.expect("it was encoded as it is decoded");
			assert!(made.is_within_bounds());
			game.challenge(made, &open(&parts), facts)
		}
	};
	outcome.expect("an honest party's move is one")
}
