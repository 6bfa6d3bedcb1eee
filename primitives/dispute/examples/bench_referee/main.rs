//! What the referee costs: every move of a dispute that is worst for the chain, in wasm as the node runs it, and
//! natively.
//!
//! A table in Markdown is printed, as it is kept in `docs/disputes.md`; the weights of pallet pouw are derived from
//! it. Times are processor times of one thread, the shortest of many.

extern crate alloc;

#[path = "../../../../ml-worker/examples/bench_dispute/clock.rs"]
mod clock;
#[path = "../../../repops/tests/wasm/host.rs"]
mod host;
mod questions;

use codec::{Decode, Encode};
use host::{Compiled, Source};
use pouw_dispute::{
	worst::{passages_of_all_kinds, unneeded_tiles, LastMove},
	ChallengerMove, DefenderMove, Dispute, Facts, Start, Subject, MAX_CHECKPOINTS,
};
use questions::{answer, Move, Question};
use repops::{
	commit::{trace_root, Hash},
	parts::ShownParts,
};
use std::time::Duration;

const GAME: Source = Source {
	name: "dispute-wasm",
	library: "primitives/dispute/examples/bench_referee/wasm/lib.rs",
	crates: &[
		("repops", "primitives/repops"),
		("pouw-dispute", "primitives/dispute"),
	],
};

/// How often each move is made.
const TIMES: u32 = 60;

/// What is printed of a move.
struct Row {
	name: String,
	tiles: usize,
	bytes: usize,
	question: Question,
	/// What it must lead to.
	expected: &'static str,
}

/// A round of as many checkpoints as there can be, all of them said and the last one wrong.
fn trace() -> [Row; 2] {
	let checkpoints: Vec<Hash> = (0..MAX_CHECKPOINTS).map(|at| [at as u8; 32]).collect();
	let subject = Subject::Round {
		trace: trace_root(&checkpoints),
		end: checkpoints[checkpoints.len() - 1],
		segments: MAX_CHECKPOINTS - 1,
		steps_per_segment: 1,
		first_position: 0,
		start: Start::Initial,
	};
	// Any program with the longest proofs will do.
	let LastMove { program, parts, .. } = passages_of_all_kinds()[0].last_move();
	let (shown, facts) = (
		ShownParts::open(&program, &parts).unwrap(),
		Facts::default(),
	);
	let opened = Dispute::new(subject, &shown, &facts).unwrap();
	let said = DefenderMove::Trace(checkpoints);
	let mut posted = opened.clone();
	posted.defend(said.clone(), &shown, &facts).unwrap();
	let row = |name: &str, dispute, made: Move| {
		let bytes = made.encoded_size() - 1 + parts.encoded_size();
		let parts = parts.clone();
		let question = Question {
			dispute,
			program,
			parts,
			made,
		};
		Row {
			name: name.into(),
			tiles: 0,
			bytes,
			question,
			expected: "Open",
		}
	};
	let named = ChallengerMove::Part(MAX_CHECKPOINTS - 1);
	[
		row("the longest trace", opened, Move::Defender(said)),
		row(
			"a checkpoint of that trace",
			posted,
			Move::Challenger(named),
		),
	]
}

fn last_move(name: String, last: LastMove, expected: &'static str) -> Row {
	let ChallengerMove::Evidence { tiles, .. } = &last.made else {
		panic!("a passage is shown by evidence");
	};
	let tiles = tiles.tiles.len();
	let bytes = last.made.encoded_size() + last.parts.encoded_size();
	let LastMove {
		dispute,
		program,
		parts,
		made,
	} = last;
	let made = Move::Challenger(made);
	let question = Question {
		dispute,
		program,
		parts,
		made,
	};
	Row {
		name,
		tiles,
		bytes,
		question,
		expected,
	}
}

fn rows() -> Vec<Row> {
	let mut rows = Vec::from(trace());
	let unneeded = unneeded_tiles().last_move();
	let expected = "tile 0 of operand 0 is not needed";
	rows.push(last_move(
		"tiles that are not needed".into(),
		unneeded,
		expected,
	));
	for passage in passages_of_all_kinds() {
		let axes = passage.operands.first();
		let axes = axes.map(|operand| format!(" {:?}", operand.kind.shape.0));
		let name = format!("{:?}{}", passage.kind, axes.unwrap_or_default());
		rows.push(last_move(name, passage.last_move(), "Lost(Challenger)"));
	}
	rows
}

fn microseconds(time: Duration) -> f64 {
	time.as_secs_f64() * 1e6
}

fn main() {
	let compiled = Compiled::of(&GAME);
	println!("| move | tiles | bytes | wasm, µs | native, µs | wasm ÷ native |");
	println!("|---|---|---|---|---|---|");
	let mut slowest: f64 = 0.0;
	for row in rows() {
		let mut wasm = compiled.instance();
		let encoded = row.question.encode();
		let native = answer(&encoded);
		let (_, outcome) = <(Dispute, String)>::decode(&mut &native[..]).unwrap();
		assert_eq!(outcome, row.expected, "{}", row.name);
		let mut best = Duration::MAX;
		for _ in 0..TIMES {
			let (place, length) = wasm.put(&row.question);
			let (found, time) = clock::timed(|| wasm.ask(place, length));
			assert_eq!(found, native, "{}", row.name);
			best = best.min(time);
		}
		let (in_wasm, natively) = (
			microseconds(best),
			microseconds(clock::best(TIMES, || answer(&encoded))),
		);
		slowest = slowest.max(in_wasm);
		println!(
			"| {} | {} | {} | {in_wasm:.0} | {natively:.0} | {:.1} |",
			row.name,
			row.tiles,
			row.bytes,
			in_wasm / natively,
		);
	}
	println!("\nThe slowest takes {slowest:.0} µs in wasm.");
}
