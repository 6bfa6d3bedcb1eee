//! The referee in wasm, as the chain runs it, says what it says natively: of passages of every operation, and by
//! true and altered evidence.

extern crate alloc;

#[path = "wasm/host.rs"]
mod host;
#[path = "wasm/questions.rs"]
mod questions;
mod support;

use codec::DecodeAll;
use host::Wasm;
use questions::{answer, Question, Values};
use repops::{
	commit::TILE_BYTES,
	referee::{collect, judge, Evidence, Question as Passage, Running},
};
use support::{
	cases::{case, long_reduction, product, short_reduction, Case, KINDS},
	Words,
};

/// The passages of each kind of operation that are made in bulk.
const PASSAGES: usize = 100_000;
/// The passages that are made on the same operands.
const AT_ONCE: u32 = 2_000;
/// The passages of each kind that are judged by evidence.
const JUDGED: usize = 1_000;

/// A case of this kind: [`KINDS`] of them, then matrix products and long reductions, then those of products and
/// counts that read so little that there can be many.
fn any_case(kind: u32, words: &mut Words) -> Case {
	match kind.checked_sub(KINDS) {
		None => case(kind, words),
		Some(0) => product(words),
		Some(1) => long_reduction(words),
		Some(which) => short_reduction(which == 2, words),
	}
}

fn kinds() -> impl Iterator<Item = u32> {
	0..KINDS + 4
}

/// Any passage of any element.
fn any_passage(case: &Case, elements: u32, words: &mut Words) -> Passage {
	Passage {
		element: u64::from(words.below(elements)),
		passage: u64::from(words.below(case.passages() as u32)),
	}
}

/// Two words of any kind.
fn any_running(words: &mut Words) -> Running {
	Running([words.bits(), words.bits()])
}

#[test]
fn passages_have_the_native_results() {
	let mut wasm = Wasm::new();
	let mut words = Words::new(21);
	for kind in kinds() {
		let (mut made, mut last) = (0, String::new());
		while made < PASSAGES {
			let case = any_case(kind, &mut words);
			let elements = case.result().len() as u32;
			let passages: Vec<(Passage, Running)> = (0..AT_ONCE)
				.map(|_| {
					(
						any_passage(&case, elements, &mut words),
						any_running(&mut words),
					)
				})
				.collect();
			made += passages.len();
			let operands = case.operands.iter().map(|operand| Values {
				kind: operand.kind(),
				bits: operand.bits().collect(),
			});
			let question = Question::Advance {
				kind: case.kind.clone(),
				operands: operands.collect(),
				passages: passages.clone(),
			};
			let (found, expected) = (wasm.answer(&question), answer(&question));
			assert_eq!(expected.len(), 8 * passages.len());
			let pairs = found.chunks(8).zip(expected.chunks(8));
			for ((found, expected), passage) in pairs.zip(&passages) {
				assert_eq!(found, expected, "{:?}: {passage:?}", case.kind);
			}
			assert_eq!(found.len(), expected.len());
			last = format!("{:?}", case.kind);
		}
		println!("{made} passages of operations like {last}");
	}
}

/// One thing of the evidence is changed.
fn alter(evidence: &mut Evidence, words: &mut Words) {
	let count = evidence.tiles.len() as u32;
	if count == 0 {
		return;
	}
	let at = words.below(count) as usize;
	let tile = &mut evidence.tiles[at];
	match words.below(6) {
		0 => tile.bytes[words.below(TILE_BYTES as u32) as usize] ^= 1 << words.below(8),
		1 => tile.tile = tile.tile.wrapping_add(1),
		2 => tile.proof.siblings.push([7; 32]),
		3 => tile.operand = 9,
		4 => {
			let twice = tile.clone();
			evidence.tiles.push(twice);
		}
		_ => {
			evidence.tiles.remove(at);
		}
	}
}

#[test]
fn judgements_are_the_native_ones() {
	let mut wasm = Wasm::new();
	let mut words = Words::new(22);
	let (mut right, mut refused) = (0, 0);
	for kind in kinds() {
		let mut made = 0;
		while made < JUDGED {
			let case = any_case(kind, &mut words);
			let (operands, elements) = (case.agreed(), case.result().len() as u32);
			let mut passages = Vec::new();
			for altered in [false, false, false, true] {
				let passage = any_passage(&case, elements, &mut words);
				let before = any_running(&mut words);
				let shown = case.operands();
				let (after, mut evidence) = collect(&case.kind, &shown, passage, before).unwrap();
				let judged = judge(&case.kind, &operands, passage, before, &evidence);
				assert_eq!(judged, Ok(after), "{:?}", case.kind);
				if altered {
					alter(&mut evidence, &mut words);
				}
				passages.push((passage, before, evidence));
			}
			made += passages.len();
			let question = Question::Judge {
				kind: case.kind.clone(),
				operands: operands
					.into_iter()
					.map(|operand| (operand.kind, operand.root))
					.collect(),
				passages,
			};
			let found = wasm.answer(&question);
			assert_eq!(found, answer(&question), "{:?}", case.kind);
			let found = Vec::<Result<Running, String>>::decode_all(&mut &found[..]).unwrap();
			right += found.iter().filter(|judged| judged.is_ok()).count();
			refused += found.iter().filter(|judged| judged.is_err()).count();
		}
	}
	println!("{right} passages were judged and {refused} pieces of evidence refused");
	assert!(right > 5 * JUDGED && refused > 5 * JUDGED);
}
