//! What is no move: the wrong party's, another kind, too many or too few, what does not hash to what was
//! said before. A refused move changes nothing.

#[path = "../../../ml-worker/engine/tests/programs/mod.rs"]
mod programs;
mod support;

use pouw_dispute::{
	challenge, defend, ChallengerMove, DefenderMove, Dispute, Facts, MoveError, OperandRoot, Party,
	Position, Subject,
};
use programs::{mlp, Numbers, Optimiser};
use repops::{
	check::{check, Checked, Limits, Role},
	commit::TILE_BYTES,
	initial::initial_state,
	interpret::Bindings,
	random::Seed,
	referee::{Evidence, Running},
	tensor::Tensor,
};
use support::{facts_of, Fault, Recorded, Side};

const STEPS: u64 = 40;

/// A perceptron with inner lengths of several chunks, whose second matrix product is wrong in one step.
struct Table {
	program: Checked,
	facts: Facts,
	right: Recorded,
	wrong: Recorded,
	subject: Subject,
}

impl Table {
	fn new() -> Self {
		let sizes = [700, 40, 10];
		let source = mlp(&sizes, 33, 100, Optimiser::Sgd { rate: 0.1 });
		let program = check(&source, Role::Step, &Limits::default()).unwrap();
		let mut numbers = Numbers(1);
		let seed = Seed([3; 32]);
		let state = initial_state(program.program(), &seed);
		let (features, labels): (Tensor, Tensor) =
			(numbers.tensor([100, sizes[0]]), numbers.labels(100, 10));
		let bindings = Bindings {
			state: &state,
			features: Some(&features),
			labels: Some(&labels),
			seed,
			position: 5,
			..Bindings::default()
		};
		let right = Recorded::run(&program, &bindings, STEPS, None);
		let product = program
			.program()
			.operations
			.iter()
			.position(|operation| {
				matches!(
					operation.kind,
					repops::program::OperationKind::MatMul { .. }
				)
			})
			.unwrap();
		// Where the perceptron's rectifier is off, a fault leaves no trace.
		let wrong = (0..40).map(|element| {
			let fault = Fault {
				step: 23,
				operation: product,
				element,
				flip: 1 << 20,
			};
			Recorded::run(&program, &bindings, STEPS, Some(fault))
		});
		let end = STEPS as usize;
		let mut wrong = wrong.filter(|wrong| wrong.root(end) != right.root(end));
		let wrong = wrong.next().unwrap();
		Table {
			facts: facts_of(&bindings),
			subject: Subject::Steps {
				before: right.root(0),
				claimed: wrong.root(STEPS as usize),
				steps: STEPS as u32,
				first_position: 5,
			},
			program,
			right,
			wrong,
		}
	}

	/// Each position of the game in turn, and the move that is due there.
	fn walk(&self, mut visit: impl FnMut(&Dispute, &Due)) {
		let program = &self.program;
		let mut dispute = Dispute::new(self.subject, program, &self.facts).unwrap();
		let mut shown: Option<Box<[u8; TILE_BYTES]>> = None;
		loop {
			match dispute.to_move() {
				Party::Defender => {
					let mut side = Side {
						program,
						recorded: &self.wrong,
					};
					let due = defend(&dispute, program, &mut side).unwrap();
					visit(&dispute, &Due::Defender(due.clone()));
					if let DefenderMove::Tile(tile) = &due {
						shown = Some(tile.clone());
					}
					dispute.defend(due, program).unwrap();
				}
				Party::Challenger => {
					let mut side = Side {
						program,
						recorded: &self.right,
					};
					let due = challenge(&dispute, program, &mut side, shown.as_deref()).unwrap();
					visit(&dispute, &Due::Challenger(due.clone()));
					let over = matches!(due, ChallengerMove::Evidence { .. });
					let outcome = dispute.challenge(due, program, &self.facts).unwrap();
					if over {
						let lost = pouw_dispute::Outcome::Lost(Party::Defender);
						assert_eq!(outcome, lost);
						return;
					}
				}
			}
		}
	}

	fn defend(&self, dispute: &Dispute, made: DefenderMove) -> MoveError {
		let mut after = dispute.clone();
		let error = after.defend(made, &self.program).unwrap_err();
		assert_eq!(&after, dispute, "a refused move changes nothing");
		error
	}

	fn challenge(&self, dispute: &Dispute, made: ChallengerMove) -> MoveError {
		let mut after = dispute.clone();
		let error = after
			.challenge(made, &self.program, &self.facts)
			.unwrap_err();
		assert_eq!(&after, dispute, "a refused move changes nothing");
		error
	}
}

enum Due {
	Defender(DefenderMove),
	Challenger(ChallengerMove),
}

fn every_defenders_move() -> Vec<DefenderMove> {
	vec![
		DefenderMove::States(vec![[1; 32]; 16]),
		DefenderMove::Children(vec![[1; 32]; 16]),
		DefenderMove::Values {
			top: [1; 32],
			proof: Default::default(),
		},
		DefenderMove::Tile(Box::new([1; TILE_BYTES])),
		DefenderMove::Running(vec![Running([1, 1]); 16]),
	]
}

fn every_challengers_move() -> Vec<ChallengerMove> {
	vec![
		ChallengerMove::Part(16),
		ChallengerMove::Part(u32::MAX),
		ChallengerMove::Element {
			tile: Box::new([1; TILE_BYTES]),
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
		Due::Defender(DefenderMove::States(states)) => {
			let error = table.defend(dispute, DefenderMove::States(states[1..].to_vec()));
			assert!(matches!(error, MoveError::Count { .. }), "{error}");
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

/// Bytes beyond a tensor's end are in its root, but are no elements. A tile that has any there is wrong by
/// itself.
#[test]
fn a_tile_that_is_wrong_beyond_its_tensor_loses() {
	use repops::commit::{tensor_root_of_top, tile_leaf, write_tile};
	let table = Table::new();
	// The tensor `[40]` has a tile of 8 more columns; a claim of a whole initial state with such a tile.
	let program = &table.program;
	let state = initial_state(program.program(), &table.facts.seed);
	let mut roots: Vec<_> = state.iter().map(repops::commit::tensor_root).collect();
	let bias = state
		.iter()
		.position(|tensor| tensor.shape.0.last() == Some(&10) && tensor.len() == 10)
		.unwrap();
	let mut tile = Box::new([0; TILE_BYTES]);
	write_tile(&state[bias], 0, &mut tile);
	tile[TILE_BYTES - 1] = 1;
	roots[bias] = tensor_root_of_top(&state[bias].kind(), &tile_leaf(&tile));
	let claimed = repops::commit::state_root_from_tensor_roots(&roots);
	let subject = Subject::Initial { claimed };
	let mut dispute = Dispute::new(subject, program, &table.facts).unwrap();
	let made = DefenderMove::Children(roots);
	dispute.defend(made, program).unwrap();
	let made = ChallengerMove::Part(bias as u32);
	dispute.challenge(made, program, &table.facts).unwrap();
	let made = DefenderMove::Children(vec![tile_leaf(&tile)]);
	dispute.defend(made, program).unwrap();
	let outcome = dispute.defend(DefenderMove::Tile(tile), program).unwrap();
	assert_eq!(outcome, pouw_dispute::Outcome::Lost(Party::Defender));
}
