//! What a dispute costs, for models of different sizes: played by both honest strategies over the worker's own
//! computation, on one thread, and by calculation where a model is too large to be trained here.
//!
//! A bit of one operation's result was flipped in one step of a round. The chain's side has of the program only
//! its root and what is shown with each move, as in pallet pouw. The program panics if the defender does not
//! lose by the referee's word, if a move exceeds the pallet's bounds, if calculation and play differ in a byte, or
//! if the referee has more to compute for a larger model.
//!
//! `scripts/bench.sh dispute`

mod calculated;
mod clock;
mod game;
mod parties;
#[path = "../../engine/tests/programs/mod.rs"]
mod programs;
mod training;

use calculated::{calculate, Calculated};
use clock::best;
use game::{play, Played};
use parties::{Challenger, Defender};
use repops::{check::Checked, parts::Parts};
use std::{hint::black_box, time::Duration};
use training::{times, Trained, Wrong, BATCH, SEGMENTS, STEPS};

/// How often each dispute is played and each piece of training is run; the shortest times count.
const REPEATED: u32 = 3;

/// The networks that are trained. The longest sums of each are of whole runs of 256 terms, as many as the referee
/// adds at once, so that its last computation is as long as it can be.
const TRAINED: [&[u32]; 3] = [
	&[512, 160, 96, 10],
	&[784, 1024, 256, 10],
	&[784, 2816, 2816, 10],
];
/// The one that is only calculated: it takes more memory than a task may.
const CALCULATED: &[u32] = &[784, 14080, 14080, 14080, 14080, 14080, 14080, 10];

fn parameters(sizes: &[u32]) -> u64 {
	let layer = |pair: &[u32]| (u64::from(pair[0]) + 1) * u64::from(pair[1]);
	sizes.windows(2).map(layer).sum()
}

/// A number with its digits in groups.
fn grouped(number: u64) -> String {
	let digits = number.to_string();
	let mut text = String::new();
	for (at, digit) in digits.chars().enumerate() {
		if at > 0 && (digits.len() - at).is_multiple_of(3) {
			text.push(',');
		}
		text.push(digit);
	}
	text
}

fn ratio(time: Duration, reference: Duration) -> String {
	let ratio = time.as_secs_f64() / reference.as_secs_f64();
	match ratio {
		large if large >= 10.0 => format!("{large:.0}"),
		middle if middle >= 1.0 => format!("{middle:.1}"),
		small => format!("{small:.2}"),
	}
}

/// The times of a dispute that was played, and what they are compared with.
struct Times {
	played: Played,
	step: Duration,
	segment: Duration,
	mebibyte: Duration,
}

fn row(sizes: &[u32], wrong: Wrong, program: &Checked, by: &Calculated, times: Option<&Times>) {
	let name: Vec<String> = sizes.iter().map(u32::to_string).collect();
	let name = match sizes.len() {
		..=4 => name.join("-"),
		hidden => format!("{}-({} × {})-10", sizes[0], hidden - 2, sizes[1]),
	};
	let name = match times {
		Some(_) => name,
		None => format!("{name}, calculated"),
	};
	let wrong = match wrong {
		Wrong::Gradient => "gradient",
		Wrong::Product => "product",
	};
	let all: usize = by.moves.iter().sum();
	let largest = by.moves.iter().max().copied().unwrap_or(0);
	let last = by.moves.last().copied().unwrap_or(0);
	let mut cells = vec![
		grouped(parameters(sizes)),
		name,
		grouped(program.cost()),
		wrong.into(),
		by.moves.len().to_string(),
		grouped(all as u64),
		grouped(largest as u64),
		grouped(by.multiply_adds),
		format!("{} ({} tiles)", grouped(last as u64), by.tiles),
	];
	cells.extend(times.map_or(vec!["–".into(); 6], |times| {
		let Played {
			defender,
			challenger,
			referee,
			chain,
			..
		} = times.played;
		vec![
			ratio(referee, times.mebibyte),
			ratio(chain, times.mebibyte),
			ratio(challenger, times.step),
			ratio(challenger, times.segment),
			ratio(defender, times.step),
			ratio(defender, times.segment),
		]
	}));
	println!("| {} |", cells.join(" | "));
}

/// Plays the dispute a few times.
fn dispute(trained: &Trained, wrong: Wrong, sizes: &[u32]) -> (Played, Calculated) {
	let gone_wrong = trained.go_wrong(wrong, sizes);
	let (program, facts) = (trained.program(), trained.facts());
	let games = (0..REPEATED).map(|_| {
		let (mut defender, mut challenger) = (
			Defender::new(trained, &gone_wrong),
			Challenger::new(trained),
		);
		let subject = gone_wrong.subject();
		play(program, &facts, subject, &mut defender, &mut challenger)
	});
	let played = games.reduce(Played::or_faster).expect("it was played");
	let calculated = calculate(program, gone_wrong.place, gone_wrong.element);
	assert_eq!(
		played.moves, calculated.moves,
		"what is calculated must be what is played"
	);
	(played, calculated)
}

fn main() {
	let mebibyte = vec![0x5a; 1 << 20];
	let mebibyte = best(50, || black_box(blake3::hash(black_box(&mebibyte))));
	println!(
		"Batches of {BATCH}, stochastic gradient descent with momentum; {SEGMENTS} segments of {STEPS} steps."
	);
	println!();
	let head = [
		"parameters",
		"network",
		"multiply-adds of a step",
		"wrong",
		"moves",
		"bytes in all",
		"largest move",
		"referee: multiply-adds",
		"referee: bytes",
		"referee ÷ 1 MiB",
		"chain ÷ 1 MiB",
		"challenger ÷ step",
		"challenger ÷ segment",
		"defender ÷ step",
		"defender ÷ segment",
	];
	println!("| {} |", head.join(" | "));
	println!("|{}", "---|".repeat(head.len()));
	let mut weights: Vec<[(u64, usize); 2]> = Vec::new();
	for sizes in TRAINED {
		let trained = Trained::new(sizes);
		let [step, segment] = times(&trained, REPEATED);
		weights.push([Wrong::Gradient, Wrong::Product].map(|wrong| {
			let (played, calculated) = dispute(&trained, wrong, sizes);
			let times = Times {
				played,
				step,
				segment,
				mebibyte,
			};
			row(sizes, wrong, trained.program(), &calculated, Some(&times));
			(calculated.multiply_adds, calculated.tiles)
		}));
	}
	let program = training::program(CALCULATED);
	weights.push([Wrong::Gradient, Wrong::Product].map(|wrong| {
		let place = wrong.place(&program, CALCULATED);
		let (_, result) = program.operation(place.operation).expect("it is there");
		let element = result.shape.elements().unwrap_or(0) / 2;
		let calculated = calculate(&program, place, element);
		row(CALCULATED, wrong, &program, &calculated, None);
		(calculated.multiply_adds, calculated.tiles)
	}));
	let same = weights.windows(2).all(|pair| pair[0] == pair[1]);
	assert!(same, "the referee's work depends on the model: {weights:?}");
}
