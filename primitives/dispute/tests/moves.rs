//! What is no move: the wrong party's, another kind, too many or too few, what does not hash to what was
//! said before. A refused move changes nothing.

mod computation;

use computation::{programs::Optimiser, Corruption, Fault, Own, Round, Task};
use pouw_dispute::{
	challenge, defend, ChallengerMove, DefenderMove, Dispute, Facts, MoveError, OperandRoot,
	Outcome, Party, Position, Start, Subject, MAX_CHECKPOINTS, MAX_OPERANDS, MAX_SIBLINGS,
};
use repops::{
	commit::{trace_root, Hash, MerkleProof, TileBytes, TILE_BYTES},
	parts::ShownParts,
	program::OperationKind,
	random::Seed,
	referee::{Evidence, Running, TileProof, MAX_TILES},
};

const SEGMENTS: u32 = 3;
const STEPS: u32 = 20;

/// A round of a perceptron with inner lengths of several chunks, whose first matrix product is wrong in one
/// step.
struct Table {
	task: Task,
	facts: Facts,
	corruption: Corruption,
}

impl Table {
	fn new() -> Self {
		let task = Task::perceptron(&[700, 40, 10], 33, 100, Optimiser::Sgd { rate: 0.1 });
		let mut operations = task.program.program().operations.iter();
		let operation = operations
			.position(|operation| matches!(operation.kind, OperationKind::MatMul { .. }))
			.unwrap();
		// Where the perceptron's rectifier is off, a fault leaves no trace.
		let corruptions = (0..40).map(|element| {
			Corruption::Element(Fault {
				step: 33,
				operation,
				element,
				flip: 1 << 20,
			})
		});
		let right = round(&task).compute(None).roots();
		let roots = |corruption: &Corruption| round(&task).compute(Some(*corruption)).roots();
		let mut corruptions = corruptions.filter(|corruption| roots(corruption) != right);
		let corruption = corruptions.next().unwrap();
		Table {
			facts: round(&task).facts(),
			corruption,
			task,
		}
	}

	fn right(&self) -> Own<'_> {
		round(&self.task).compute(None)
	}

	fn wrong(&self) -> Own<'_> {
		round(&self.task).compute(Some(self.corruption))
	}

	/// Each position of the game in turn, and the move that is due there.
	fn walk(&self, mut visit: impl FnMut(&Dispute, &Due)) {
		let (program, facts) = (&self.task.program, &self.facts);
		let (mut defender, mut challenger) = (self.wrong(), self.right());
		let mut dispute = Dispute::new(defender.claim(), program, facts).unwrap();
		let mut shown: Option<TileBytes> = None;
		loop {
			match dispute.to_move() {
				Party::Defender => {
					defender.follow(&dispute);
					let due = defend(&dispute, program, facts, &mut defender).unwrap();
					visit(&dispute, &Due::Defender(due.clone()));
					if let DefenderMove::Tile(tile) = &due {
						shown = Some(tile.clone());
					}
					dispute.defend(due, program, facts).unwrap();
				}
				Party::Challenger => {
					challenger.follow(&dispute);
					let shown = shown.as_deref();
					let due = challenge(&dispute, program, facts, &mut challenger, shown).unwrap();
					visit(&dispute, &Due::Challenger(due.clone()));
					let over = matches!(due, ChallengerMove::Evidence { .. });
					let outcome = dispute.challenge(due, program, facts).unwrap();
					if over {
						assert_eq!(outcome, Outcome::Lost(Party::Defender));
						return;
					}
				}
			}
		}
	}

	fn defend(&self, dispute: &Dispute, made: DefenderMove) -> MoveError {
		let mut after = dispute.clone();
		let error = after.defend(made, &self.task.program, &self.facts);
		assert_eq!(&after, dispute, "a refused move changes nothing");
		error.unwrap_err()
	}

	fn challenge(&self, dispute: &Dispute, made: ChallengerMove) -> MoveError {
		let mut after = dispute.clone();
		let error = after.challenge(made, &self.task.program, &self.facts);
		assert_eq!(&after, dispute, "a refused move changes nothing");
		error.unwrap_err()
	}
}

/// A first round.
fn round(task: &Task) -> Round<'_> {
	Round {
		task,
		seed: Seed([3; 32]),
		updates: &[],
		given: None,
		first_position: 5,
		segments: SEGMENTS,
		steps_per_segment: STEPS,
	}
}

enum Due {
	Defender(DefenderMove),
	Challenger(ChallengerMove),
}

fn every_defenders_move() -> Vec<DefenderMove> {
	vec![
		DefenderMove::Trace(vec![[1; 32]; 4]),
		DefenderMove::States(vec![[1; 32]; 14]),
		DefenderMove::Children(vec![[1; 32]; 16]),
		DefenderMove::Values {
			top: [1; 32],
			proof: Default::default(),
		},
		DefenderMove::Tile(TileBytes::from([1; TILE_BYTES])),
		DefenderMove::Running(vec![Running([1, 1]); 14]),
	]
}

fn every_challengers_move() -> Vec<ChallengerMove> {
	vec![
		ChallengerMove::Part(16),
		ChallengerMove::Part(u32::MAX),
		ChallengerMove::Element {
			tile: TileBytes::from([1; TILE_BYTES]),
			place: 3,
		},
		ChallengerMove::Input(OperandRoot::default()),
		ChallengerMove::Evidence {
			operands: vec![],
			tiles: Evidence::default(),
		},
	]
}

#[test]
fn no_other_move_is_taken_at_any_position() {
	let table = Table::new();
	let mut positions = 0;
	table.walk(|dispute, due| {
		positions += 1;
		for made in every_defenders_move() {
			let error = table.defend(dispute, made);
			if let Due::Challenger(_) = due {
				assert_eq!(error, MoveError::NotNow);
			}
		}
		for made in every_challengers_move() {
			let error = table.challenge(dispute, made);
			if let Due::Defender(_) = due {
				assert_eq!(error, MoveError::NotNow);
			}
		}
	});
	assert!(positions > 12, "{positions} positions");
}

#[test]
fn the_game_goes_through_all_positions() {
	let table = Table::new();
	let mut seen = std::collections::BTreeSet::new();
	table.walk(|dispute, _| {
		seen.insert(match dispute.position() {
			Position::Trace(_) => "trace",
			Position::Steps(_) => "steps",
			Position::Tensors(_) => "tensors",
			Position::Values { .. } => "values",
			Position::Operations(_) => "operations",
			Position::Tiles { .. } => "tiles",
			Position::Tile { .. } => "tile",
			Position::Element { .. } => "element",
			Position::Passages { .. } => "passages",
			Position::Passage { .. } => "passage",
			Position::Input { .. } => "input",
		});
	});
	let expected = [
		"element",
		"operations",
		"passage",
		"passages",
		"steps",
		"tensors",
		"tile",
		"tiles",
		"trace",
		"values",
	];
	assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_does_not_hash_to_what_was_said_is_refused() {
	let table = Table::new();
	table.walk(|dispute, due| match due {
		Due::Defender(DefenderMove::Children(children)) => {
			let mut other = children.clone();
			other[0][7] ^= 1;
			let error = table.defend(dispute, DefenderMove::Children(other));
			assert_eq!(error, MoveError::NotTheChildren);
			let mut more = children.clone();
			more.push([0; 32]);
			let error = table.defend(dispute, DefenderMove::Children(more));
			assert!(matches!(error, MoveError::Count { .. }), "{error}");
		}
		Due::Defender(DefenderMove::Values { top, proof }) => {
			let (mut other, mut shorter) = (*top, proof.clone());
			other[0] ^= 1;
			shorter.siblings.pop();
			for (top, proof) in [(other, proof.clone()), (*top, shorter)] {
				let error = table.defend(dispute, DefenderMove::Values { top, proof });
				assert_eq!(error, MoveError::NotProven);
			}
		}
		Due::Defender(DefenderMove::Tile(tile)) => {
			let mut other = tile.clone();
			other[100] ^= 1;
			let error = table.defend(dispute, DefenderMove::Tile(other));
			assert_eq!(error, MoveError::NotTheTile);
		}
		Due::Defender(DefenderMove::Trace(checkpoints)) => {
			let mut other = checkpoints.clone();
			other[1][0] ^= 1;
			let error = table.defend(dispute, DefenderMove::Trace(other));
			assert_eq!(error, MoveError::NotTheChildren);
			let fewer = checkpoints[1..].to_vec();
			let error = table.defend(dispute, DefenderMove::Trace(fewer));
			let (expected, found) = (SEGMENTS + 1, SEGMENTS);
			assert_eq!(error, MoveError::Count { expected, found });
		}
		Due::Defender(DefenderMove::States(states)) => {
			let error = table.defend(dispute, DefenderMove::States(states[1..].to_vec()));
			assert!(matches!(error, MoveError::Count { .. }), "{error}");
		}
		Due::Challenger(ChallengerMove::Part(_))
			if matches!(dispute.position(), Position::Trace(_)) =>
		{
			for part in [SEGMENTS + 1, u32::MAX] {
				let error = table.challenge(dispute, ChallengerMove::Part(part));
				assert_eq!(error, MoveError::NoSuchPart);
			}
		}
		Due::Challenger(ChallengerMove::Element { tile, place }) => {
			let mut other = tile.clone();
			other[0] ^= 1;
			let made = ChallengerMove::Element {
				tile: other,
				place: *place,
			};
			assert_eq!(table.challenge(dispute, made), MoveError::NotTheTile);
			for place in [1_024, u16::MAX] {
				let tile = tile.clone();
				let made = ChallengerMove::Element { tile, place };
				assert_eq!(table.challenge(dispute, made), MoveError::NoSuchPart);
			}
		}
		Due::Challenger(ChallengerMove::Evidence { operands, tiles }) => {
			let mut other = operands.clone();
			other[0].root[0] ^= 1;
			let made = ChallengerMove::Evidence {
				operands: other,
				tiles: tiles.clone(),
			};
			assert_eq!(table.challenge(dispute, made), MoveError::NotProven);
			let made = ChallengerMove::Evidence {
				operands: operands[1..].to_vec(),
				tiles: tiles.clone(),
			};
			let error = table.challenge(dispute, made);
			assert!(matches!(error, MoveError::Count { .. }), "{error}");
			let mut fewer = tiles.clone();
			fewer.tiles.pop();
			let made = ChallengerMove::Evidence {
				operands: operands.clone(),
				tiles: fewer,
			};
			let error = table.challenge(dispute, made);
			assert!(matches!(error, MoveError::Judge(_)), "{error}");
		}
		_ => (),
	});
}

/// What the first wrong checkpoint makes of the dispute.
#[test]
fn the_named_checkpoint_becomes_the_subject() {
	let table = Table::new();
	let roots = table.wrong().roots();
	let opened = || {
		let (program, facts) = (&table.task.program, &table.facts);
		let mut dispute = Dispute::new(table.wrong().claim(), program, facts).unwrap();
		assert_eq!(dispute.checkpoint(), None);
		let made = DefenderMove::Trace(roots.clone());
		dispute.defend(made, program, facts).unwrap();
		dispute
	};
	for picked in 0..=SEGMENTS {
		let mut dispute = opened();
		let made = ChallengerMove::Part(picked);
		let outcome = dispute.challenge(made, &table.task.program, &table.facts);
		assert_eq!(outcome, Ok(Outcome::Open));
		assert_eq!(dispute.checkpoint(), Some(picked));
		assert_eq!(dispute.to_move(), Party::Defender);
		let claimed = roots[picked as usize];
		let expected = match picked.checked_sub(1) {
			None => Subject::Initial { claimed },
			Some(segment) => Subject::Steps {
				before: roots[segment as usize],
				claimed,
				steps: STEPS,
				first_position: 5 + u64::from(segment) * u64::from(STEPS),
			},
		};
		assert_eq!(*dispute.subject(), expected);
	}
}

fn a_round(checkpoints: &[Hash], end: Hash, start: Start) -> Subject {
	Subject::Round {
		trace: trace_root(checkpoints),
		end,
		segments: checkpoints.len() as u32 - 1,
		steps_per_segment: 1,
		first_position: 0,
		start,
	}
}

#[test]
fn a_trace_that_does_not_end_in_the_claimed_end_loses() {
	let (program, facts) = (ShownParts::default(), Facts::default());
	let checkpoints: Vec<Hash> = (0..4).map(|at| [at; 32]).collect();
	let subject = a_round(&checkpoints, [2; 32], Start::Initial);
	let mut dispute = Dispute::new(subject, &program, &facts).unwrap();
	let outcome = dispute.defend(DefenderMove::Trace(checkpoints), &program, &facts);
	assert_eq!(outcome, Ok(Outcome::Lost(Party::Defender)));
}

/// A trace of another number of checkpoints can't be opened, so that who committed to it runs out of time.
#[test]
fn a_trace_of_another_length_can_not_be_opened() {
	let (program, facts) = (ShownParts::default(), Facts::default());
	let checkpoints: Vec<Hash> = (0..6).map(|at| [at; 32]).collect();
	let trace = trace_root(&checkpoints);
	let subject = Subject::Round {
		trace,
		end: checkpoints[5],
		segments: 4,
		steps_per_segment: 1,
		first_position: 0,
		start: Start::Initial,
	};
	let dispute = Dispute::new(subject, &program, &facts).unwrap();
	for made in [&checkpoints[..], &checkpoints[1..], &checkpoints[..5]] {
		let made = DefenderMove::Trace(made.to_vec());
		let error = dispute.clone().defend(made, &program, &facts).unwrap_err();
		assert!(
			matches!(error, MoveError::Count { .. } | MoveError::NotTheChildren),
			"{error}"
		);
	}
}

#[test]
fn the_longest_round_can_be_disputed_and_no_longer_one() {
	let (program, facts) = (ShownParts::default(), Facts::default());
	let checkpoints: Vec<Hash> = (0..MAX_CHECKPOINTS).map(|at| [at as u8; 32]).collect();
	let end = checkpoints[checkpoints.len() - 1];
	let subject = a_round(&checkpoints, end, Start::Initial);
	let mut dispute = Dispute::new(subject, &program, &facts).unwrap();
	let made = DefenderMove::Trace(checkpoints);
	assert!(made.is_within_bounds());
	assert_eq!(dispute.defend(made, &program, &facts), Ok(Outcome::Open));
	assert_eq!(dispute.to_move(), Party::Challenger);
	let disputed = |segments, steps_per_segment| {
		let subject = Subject::Round {
			trace: [0; 32],
			end,
			segments,
			steps_per_segment,
			first_position: 0,
			start: Start::Initial,
		};
		Dispute::new(subject, &program, &facts)
	};
	assert!(disputed(MAX_CHECKPOINTS - 1, 1).is_ok());
	for (segments, steps) in [(MAX_CHECKPOINTS, 1), (u32::MAX, 1), (0, 1), (1, 0)] {
		assert_eq!(disputed(segments, steps), Err(MoveError::NoSuchThing));
	}
}

/// Without updates there is nothing that a merge could be judged by.
#[test]
fn a_merge_of_nothing_is_not_disputed() {
	let task = Task::tiny();
	let program = &task.program;
	let facts = Facts::default();
	let merge = Subject::Merge { claimed: [1; 32] };
	let refused = Dispute::new(merge, program, &facts);
	assert_eq!(refused, Err(MoveError::NoSuchThing));
	let checkpoints = vec![[0; 32], [1; 32]];
	let subject = a_round(&checkpoints, [1; 32], Start::Merge);
	let mut dispute = Dispute::new(subject, program, &facts).unwrap();
	let made = DefenderMove::Trace(checkpoints);
	dispute.defend(made, program, &facts).unwrap();
	let refused = dispute.challenge(ChallengerMove::Part(0), program, &facts);
	assert_eq!(refused, Err(MoveError::NoSuchThing));
}

fn proof(siblings: usize) -> MerkleProof {
	MerkleProof {
		siblings: vec![[0; 32]; siblings],
	}
}

fn operand(siblings: usize) -> OperandRoot {
	OperandRoot {
		root: [0; 32],
		proof: proof(siblings),
	}
}

fn evidence(operands: usize, tiles: usize, siblings: usize) -> ChallengerMove {
	let tile = TileProof {
		operand: 0,
		tile: 0,
		bytes: TileBytes::from([0; TILE_BYTES]),
		proof: proof(siblings),
	};
	ChallengerMove::Evidence {
		operands: vec![operand(0); operands],
		tiles: Evidence {
			tiles: vec![tile; tiles],
		},
	}
}

/// What is larger than any move is refused before anything is hashed; what is as large as a move can be is
/// looked at.
#[test]
fn moves_have_bounds() {
	let table = Table::new();
	let (program, facts) = (&table.task.program, &table.facts);
	let values = |siblings| DefenderMove::Values {
		top: [0; 32],
		proof: proof(siblings),
	};
	let checkpoints = |count| DefenderMove::Trace(vec![[0; 32]; count]);
	let (most, longest) = (MAX_CHECKPOINTS as usize, MAX_SIBLINGS);
	let defences = [
		(checkpoints(most), checkpoints(most + 1)),
		(
			DefenderMove::States(vec![[0; 32]; 15]),
			DefenderMove::States(vec![[0; 32]; 16]),
		),
		(
			DefenderMove::Children(vec![[0; 32]; 16]),
			DefenderMove::Children(vec![[0; 32]; 17]),
		),
		(values(longest), values(longest + 1)),
		(
			DefenderMove::Running(vec![Running::default(); 15]),
			DefenderMove::Running(vec![Running::default(); 16]),
		),
	];
	let tiles = MAX_TILES as usize;
	let mut long_operand = evidence(MAX_OPERANDS, tiles, longest);
	if let ChallengerMove::Evidence { operands, .. } = &mut long_operand {
		operands[MAX_OPERANDS - 1] = operand(longest + 1);
	}
	let within = evidence(MAX_OPERANDS, tiles, longest);
	let challenges = [
		(
			ChallengerMove::Input(operand(longest)),
			ChallengerMove::Input(operand(longest + 1)),
		),
		(within.clone(), evidence(MAX_OPERANDS + 1, tiles, longest)),
		(within.clone(), evidence(MAX_OPERANDS, tiles + 1, longest)),
		(within.clone(), evidence(MAX_OPERANDS, tiles, longest + 1)),
		(within, long_operand),
	];
	let mut seen = 0;
	table.walk(|dispute, due| match due {
		Due::Defender(due) => {
			assert!(due.is_within_bounds());
			for (within, beyond) in &defences {
				assert!(within.is_within_bounds() && !beyond.is_within_bounds());
				let looked_at = dispute.clone().defend(within.clone(), program, facts);
				assert_ne!(looked_at, Err(MoveError::TooLarge));
				assert_eq!(table.defend(dispute, beyond.clone()), MoveError::TooLarge);
				seen += 1;
			}
		}
		Due::Challenger(due) => {
			assert!(due.is_within_bounds());
			for (within, beyond) in &challenges {
				assert!(within.is_within_bounds() && !beyond.is_within_bounds());
				let looked_at = dispute.clone().challenge(within.clone(), program, facts);
				assert_ne!(looked_at, Err(MoveError::TooLarge));
				let error = table.challenge(dispute, beyond.clone());
				assert_eq!(error, MoveError::TooLarge);
				seen += 1;
			}
		}
	});
	assert!(seen > 50);
}

/// With a move that is refused nothing need be shown.
#[test]
fn what_must_be_shown_is_known_of_moves_that_count_alone() {
	let table = Table::new();
	let (program, facts) = (&table.task.program, &table.facts);
	table.walk(|dispute, due| match due {
		Due::Defender(due) => {
			let shown = dispute.parts_of_defence(due, program, facts).unwrap();
			let parts = ShownParts::open(&table.task.program_root(), &shown).unwrap();
			let outcome = dispute.clone().defend(due.clone(), &parts, facts);
			assert_eq!(outcome, Ok(Outcome::Open));
			let refused = DefenderMove::Children(vec![]);
			let error = table.defend(dispute, refused.clone());
			let shown = dispute.parts_of_defence(&refused, program, facts);
			assert_eq!(shown, Err(error));
		}
		Due::Challenger(due) => {
			let shown = dispute.parts_of_challenge(due, program, facts).unwrap();
			let parts = ShownParts::open(&table.task.program_root(), &shown).unwrap();
			let outcome = dispute.clone().challenge(due.clone(), &parts, facts);
			assert!(outcome.is_ok());
			let refused = ChallengerMove::Part(u32::MAX);
			let error = table.challenge(dispute, refused.clone());
			let shown = dispute.parts_of_challenge(&refused, program, facts);
			assert_eq!(shown, Err(error));
		}
	});
}

/// Bytes beyond a tensor's end are in its root, but are no elements. A tile that has any there is wrong by
/// itself.
#[test]
fn a_tile_that_is_wrong_beyond_its_tensor_loses() {
	use repops::commit::{tensor_root_of_top, tile_leaf, write_tile};
	// The tensor `[10]` has a tile of 22 more columns; a claim of a whole initial state with such a tile.
	let task = Task::perceptron(&[700, 40, 10], 33, 100, Optimiser::Sgd { rate: 0.1 });
	let (program, facts) = (&task.program, round(&task).facts());
	let state = task.initial(&facts.seed);
	let mut roots: Vec<_> = state.iter().map(repops::commit::tensor_root).collect();
	let bias = state
		.iter()
		.position(|tensor| tensor.shape.0.last() == Some(&10) && tensor.len() == 10)
		.unwrap();
	let mut tile = TileBytes::from([0; TILE_BYTES]);
	write_tile(&state[bias], 0, &mut tile);
	tile[TILE_BYTES - 1] = 1;
	roots[bias] = tensor_root_of_top(&state[bias].kind(), &tile_leaf(&tile));
	let claimed = repops::commit::state_root_from_tensor_roots(&roots);
	let subject = Subject::Initial { claimed };
	let mut dispute = Dispute::new(subject, program, &facts).unwrap();
	let made = DefenderMove::Children(roots);
	dispute.defend(made, program, &facts).unwrap();
	let made = ChallengerMove::Part(bias as u32);
	dispute.challenge(made, program, &facts).unwrap();
	let made = DefenderMove::Children(vec![tile_leaf(&tile)]);
	dispute.defend(made, program, &facts).unwrap();
	let outcome = dispute
		.defend(DefenderMove::Tile(tile), program, &facts)
		.unwrap();
	assert_eq!(outcome, Outcome::Lost(Party::Defender));
}
