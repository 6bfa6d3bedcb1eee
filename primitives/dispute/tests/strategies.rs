//! Thousands of games: one wrong element of any operation is always found, and nothing that a challenger can think of
//! makes an honest defender lose.
//!
//! `POUW_GAMES` sets how many games of each are played.

mod computation;
mod support;

use codec::{Decode, Encode};
use computation::programs::Numbers;
use computation::{Corruption, Fault, Own, Round, Task};
use pouw_dispute::{
	challenge, AgreedNode, ChallengerMove, DefenderMove, Dispute, MoveError, OperandRoot, Outcome,
	Party, Position, Subject,
};
use repops::{
	check::Checked,
	commit::{Hash, TileBytes, TILE_BYTES},
	random::Seed,
	referee::{Evidence, Running},
	tensor::Tensor,
};
use std::{cell::RefCell, collections::BTreeMap};
use support::{Game, Played};

/// The lengths of the programs' axes: within tiles and beyond their borders.
const LENGTHS: [u32; 7] = [1, 2, 3, 5, 17, 33, 40];
/// The moves that are tried at each position.
const TRIES: usize = 8;

/// How many games are played.
fn games(usual: usize) -> usize {
	let wanted = std::env::var("POUW_GAMES").map(|wanted| wanted.parse().unwrap());
	wanted.unwrap_or(usual)
}

/// A task with a random program, and what a round of it starts from.
struct Table {
	task: Task,
	updates: Vec<Vec<Tensor>>,
	given: Option<Vec<Tensor>>,
	numbers: Numbers,
}

impl Table {
	/// Two rounds in five start with a merge, one in five from a given state.
	fn new(seed: u64, operations: usize) -> Self {
		let mut numbers = Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
		// Most programs have short axes only, for the sake of time.
		let lengths = match numbers.below(4) {
			0 => &LENGTHS[..],
			_ => &LENGTHS[..4],
		};
		let task = Task::random(seed, operations, lengths);
		let count = numbers.below(5).saturating_sub(2);
		let declared = &task.program.program().state;
		let update = |numbers: &mut Numbers| {
			let tensors = declared.iter();
			tensors
				.map(|tensor| numbers.tensor(tensor.shape.clone()))
				.collect()
		};
		let updates: Vec<_> = (0..count).map(|_| update(&mut numbers)).collect();
		let is_given = updates.is_empty() && seed.is_multiple_of(3);
		let given = is_given.then(|| update(&mut numbers));
		Table {
			task,
			updates,
			given,
			numbers,
		}
	}

	fn round(&mut self) -> (u64, u32, u32) {
		(
			self.numbers.word() >> 40,
			1 + self.numbers.below(3) as u32,
			1 + self.numbers.below(4) as u32,
		)
	}

	fn start(&self, (first_position, segments, steps): (u64, u32, u32)) -> Round<'_> {
		Round {
			task: &self.task,
			seed: Seed([first_position as u8; 32]),
			updates: &self.updates,
			given: self.given.as_deref(),
			first_position,
			segments,
			steps_per_segment: steps,
		}
	}
}

/// Any element of any operation's result in one step.
fn fault(program: &Checked, steps: u64, numbers: &mut Numbers) -> Fault {
	let source = program.program();
	let operation = numbers.below(source.operations.len());
	let kind = &program.types()[source.inputs.len() + operation];
	Fault {
		step: numbers.below(steps as usize) as u64,
		operation,
		element: numbers.below(kind.shape.elements().unwrap() as usize),
		flip: 1 << numbers.below(32),
	}
}

/// A fault somewhere in the round, one time of four in its start.
fn corruption(table: &mut Table, steps: u64) -> (Fault, Corruption) {
	let numbers = &mut table.numbers;
	if numbers.below(4) > 0 {
		let fault = fault(&table.task.program, steps, numbers);
		return (fault, Corruption::Element(fault));
	}
	let fault = if table.updates.is_empty() {
		let state = &table.task.program.program().state;
		let operation = numbers.below(state.len());
		Fault {
			step: 0,
			operation,
			element: numbers.below(state[operation].shape.elements().unwrap() as usize),
			flip: 1 << numbers.below(32),
		}
	} else {
		let merge = table.task.merge_program(table.updates.len() as u16);
		fault(&merge, 1, numbers)
	};
	(fault, Corruption::Start(fault))
}

#[test]
fn no_wrong_element_is_missed() {
	let wanted = games(3_000);
	let (mut found, mut without_trace) = (0, 0);
	let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
	for seed in 0.. {
		if found == wanted {
			break;
		}
		let operations = 1 + seed as usize % 40;
		let mut table = Table::new(seed, operations);
		let figures = table.round();
		let steps = u64::from(figures.1) * u64::from(figures.2);
		let (fault, corruption) = corruption(&mut table, steps);
		let round = table.start(figures);
		let facts = round.facts();
		let mut game = Game {
			program: &table.task.program,
			facts: &facts,
			defender: round.compute(Some(corruption)),
			challenger: round.compute(None),
		};
		// What changes no state is nothing that a trainer has committed to.
		if game.defender.roots() == game.challenger.roots() {
			without_trace += 1;
			continue;
		}
		let played = game.play(game.defender.claim());
		let message = || format!("seed {seed}, {corruption:?}: {played:?}");
		assert_eq!(played.loser, Party::Defender, "{}", message());
		assert!(!played.by_the_clock, "{}", message());
		let in_merge = matches!(corruption, Corruption::Start(_));
		let checkpoint = match in_merge {
			true => 0,
			false => fault.step as u32 / figures.2 + 1,
		};
		assert_eq!(played.checkpoint, Some(checkpoint), "{}", message());
		if let Position::Passage { operation, .. } = played.last {
			assert_eq!(operation as usize, fault.operation, "{}", message());
			if !in_merge {
				let operations = &table.task.program.program().operations;
				let name = format!("{:?}", operations[operation as usize].kind);
				let name = name.split(['(', ' ']).next().unwrap().to_owned();
				*kinds.entry(name).or_default() += 1;
			}
		}
		found += 1;
	}
	println!("{found} wrong elements were found, {without_trace} left no trace: {kinds:?}");
	assert!(wanted < 1_000 || kinds.len() >= 20, "{kinds:?}");
}

/// A dispute's fields in the order in which they are stored.
type Fields = (
	Subject,
	Option<u32>,
	u64,
	Option<Hash>,
	Vec<AgreedNode>,
	Position,
);

/// The dispute as it were had another passage, of another element, come to be judged.
fn elsewhere(dispute: &Dispute, numbers: &mut Numbers) -> Dispute {
	let stored = dispute.encode();
	let mut fields = Fields::decode(&mut &stored[..]).unwrap();
	if let Position::Passage {
		question, before, ..
	} = &mut fields.5
	{
		match numbers.below(3) {
			0 => question.element ^= 1 << numbers.below(8),
			1 => question.passage ^= 1,
			_ => *before = Running([numbers.word() as u32, numbers.word() as u32]),
		}
	}
	Dispute::decode(&mut &fields.encode()[..]).unwrap()
}

/// One thing of the evidence is changed.
fn alter(operands: &mut Vec<OperandRoot>, tiles: &mut Evidence, numbers: &mut Numbers) {
	let operand = numbers.below(operands.len().max(1));
	let tile = numbers.below(tiles.tiles.len().max(1));
	match numbers.below(14) {
		0 => operands.truncate(operand),
		1 => tiles.tiles.truncate(tile),
		2 => operands.push(OperandRoot::default()),
		3 => operands.reverse(),
		which => {
			let last = tiles.tiles.last().cloned();
			if let Some(shown) = tiles.tiles.get_mut(tile) {
				match which {
					4 => shown.bytes[numbers.below(TILE_BYTES)] ^= 1 << numbers.below(8),
					5 => shown.tile ^= 1 << numbers.below(32),
					6 => shown.operand ^= 1 << numbers.below(8),
					7 => shown.proof.siblings.push([7; 32]),
					8 => drop(shown.proof.siblings.pop()),
					9 => shown
						.proof
						.siblings
						.iter_mut()
						.for_each(|hash| hash[0] ^= 1),
					10 => tiles.tiles.extend(last),
					_ => (),
				}
			}
			if let Some(shown) = operands.get_mut(operand) {
				match which {
					11 => shown.root[numbers.below(32)] ^= 1 << numbers.below(8),
					12 => shown.proof.siblings.push([7; 32]),
					13 => drop(shown.proof.siblings.pop()),
					_ => (),
				}
			}
		}
	}
}

/// What a challenger remembers, of this game and of others.
#[derive(Default)]
struct Memory {
	moves: Vec<ChallengerMove>,
	tiles: Vec<TileBytes>,
}

impl Memory {
	/// At most so many of each are kept.
	const KEPT: usize = 64;

	fn keep<T>(kept: &mut Vec<T>, new: T, numbers: &mut Numbers) {
		if kept.len() < Self::KEPT {
			kept.push(new);
		} else {
			kept[numbers.below(Self::KEPT)] = new;
		}
	}

	/// A tile that was shown at some time; the last one is the latest.
	fn tile(&self, numbers: &mut Numbers) -> TileBytes {
		match self.tiles.len() {
			0 => TileBytes::from([0; TILE_BYTES]),
			count => self.tiles[numbers.below(count)].clone(),
		}
	}
}

/// Any move that somebody may try at this position who has computed `own`.
fn any_move(
	dispute: &Dispute,
	shown: Option<&TileBytes>,
	own: &mut impl FnMut(&Dispute) -> Option<ChallengerMove>,
	memory: &Memory,
	numbers: &mut Numbers,
) -> ChallengerMove {
	if numbers.below(8) == 0 && !memory.moves.is_empty() {
		return memory.moves[numbers.below(memory.moves.len())].clone();
	}
	let part = match numbers.below(8) {
		0 => u32::MAX - numbers.below(2) as u32,
		1 => 14 + numbers.below(5) as u32,
		2 => 1 << numbers.below(32),
		_ => numbers.below(4) as u32,
	};
	match dispute.position() {
		Position::Element { .. } => {
			let tile = match numbers.below(4) {
				0 => memory.tile(numbers),
				_ => shown.cloned().unwrap(),
			};
			let mut place = numbers.below(1_024) as u16;
			match numbers.below(6) {
				0 => place = numbers.word() as u16,
				1 => place = 1_024,
				// Most tensors are small.
				2 | 3 => place %= 4,
				_ => (),
			}
			ChallengerMove::Element { tile, place }
		}
		Position::Input { .. } => match own(dispute) {
			Some(ChallengerMove::Input(mut input)) => {
				match numbers.below(3) {
					0 => input.root[numbers.below(32)] ^= 1,
					1 => input.proof.siblings.push([7; 32]),
					_ => (),
				}
				ChallengerMove::Input(input)
			}
			_ => ChallengerMove::Input(OperandRoot::default()),
		},
		Position::Passage { .. } => {
			let other = elsewhere(dispute, numbers);
			let dispute = match numbers.below(3) {
				0 => &other,
				_ => dispute,
			};
			match own(dispute) {
				Some(ChallengerMove::Evidence {
					mut operands,
					mut tiles,
				}) => {
					for _ in 0..numbers.below(3) {
						alter(&mut operands, &mut tiles, numbers);
					}
					ChallengerMove::Evidence { operands, tiles }
				}
				_ => ChallengerMove::Part(part),
			}
		}
		_ => match own(dispute) {
			Some(own) if numbers.below(4) == 0 => own,
			_ => ChallengerMove::Part(part),
		},
	}
}

/// What came of the moves that were tried.
#[derive(Debug, Default)]
struct Tried {
	refused: usize,
	taken: usize,
	judged: usize,
}

/// A game against an honest defender. At each position the challenger tries many moves, and goes on with one of
/// those that count.
fn attacked(seed: u64, memory: &mut Memory, tried: &mut Tried) -> Played {
	let mut table = Table::new(seed, 1 + seed as usize % 30);
	let figures = table.round();
	let steps = u64::from(figures.1) * u64::from(figures.2);
	// It has computed something else, or the same.
	let lie = match table.numbers.below(3) {
		0 => None,
		_ => Some(corruption(&mut table, steps).1),
	};
	let mut numbers = Numbers(seed ^ 0xC0FFEE);
	let round = table.start(figures);
	let (program, facts) = (&table.task.program, round.facts());
	let mut liar: Own = round.compute(lie);
	let mut game = Game {
		program,
		facts: &facts,
		defender: round.compute(None),
		challenger: round.compute(None),
	};
	let shown: RefCell<Option<TileBytes>> = RefCell::default();
	let claim = game.defender.claim();
	game.play_with(
		claim,
		&mut |_, own| {
			if let Some(DefenderMove::Tile(tile)) = &own {
				*shown.borrow_mut() = Some(tile.clone());
			}
			own
		},
		&mut |dispute, _| {
			liar.follow(dispute);
			let shown = shown.borrow();
			let tile = shown.as_ref();
			let mut own = |dispute: &Dispute| {
				let tile = tile.map(|tile| &**tile);
				// Of a dispute that never was the computation may know nothing.
				challenge(dispute, program, &facts, &mut liar, tile).ok()
			};
			let mut open = Vec::new();
			let mut last = None;
			for _ in 0..TRIES {
				let made = any_move(dispute, tile, &mut own, memory, &mut numbers);
				let mut after = dispute.clone();
				match after.challenge(made.clone(), program, &facts) {
					Err(error) => {
						assert_eq!(&after, dispute, "a refused move changes nothing: {error}");
						assert!(!matches!(error, MoveError::NotNow) || !is_due(dispute, &made));
						tried.refused += 1;
					}
					Ok(Outcome::Open) => {
						tried.taken += 1;
						open.push(made.clone());
					}
					Ok(Outcome::Lost(loser)) => {
						assert_eq!(loser, Party::Challenger, "seed {seed}: {made:?}");
						tried.judged += 1;
						last = Some(made.clone());
					}
				}
				Memory::keep(&mut memory.moves, made, &mut numbers);
			}
			if let Some(tile) = tile {
				Memory::keep(&mut memory.tiles, tile.clone(), &mut numbers);
			}
			match open.len() {
				0 => last,
				count => Some(open.swap_remove(numbers.below(count))),
			}
		},
	)
}

/// Whether a move is of the kind that this position asks for.
fn is_due(dispute: &Dispute, made: &ChallengerMove) -> bool {
	match dispute.position() {
		Position::Element { .. } => matches!(made, ChallengerMove::Element { .. }),
		Position::Input { .. } => matches!(made, ChallengerMove::Input(_)),
		Position::Passage { .. } => matches!(made, ChallengerMove::Evidence { .. }),
		_ => matches!(made, ChallengerMove::Part(_)),
	}
}

#[test]
fn no_challenger_beats_the_truth() {
	let wanted = games(3_000);
	let (mut memory, mut tried) = (Memory::default(), Tried::default());
	let (mut by_the_clock, mut by_word) = (0, 0);
	for seed in 0..wanted as u64 {
		let played = attacked(seed, &mut memory, &mut tried);
		assert_eq!(played.loser, Party::Challenger, "seed {seed}: {played:?}");
		match played.by_the_clock {
			true => by_the_clock += 1,
			false => by_word += 1,
		}
	}
	println!("{by_word} games were lost by the referee's word and {by_the_clock} by the clock: {tried:?}");
	assert!(by_word > wanted / 4 && tried.refused > 10 * wanted && tried.taken > wanted);
}
