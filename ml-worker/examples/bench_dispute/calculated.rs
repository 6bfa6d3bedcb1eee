//! The moves of a dispute by calculation, from the program alone: how many, and how many bytes each has. For the
//! disputes that are played it must give what they have, byte by byte.

use crate::training::{Place as WrongPlace, SEGMENTS, STEP, STEPS};
use codec::Encode;
use pouw_dispute::{AgreedNode, ChallengerMove, DefenderMove, Descent, OperandRoot, Span};
use repops::{
	check::Checked,
	commit::{tile_count, Hash, MerkleProof, TILE_BYTES},
	parts::{show, Parts, Place},
	program::{OperationKind, Source, Target, ValueId},
	referee::{advance, passages, tile_place, Evidence, Question, Running, TileProof},
	tensor::TensorType,
};
use std::{collections::BTreeSet, convert::Infallible};

const HASH: Hash = [0; 32];

/// A dispute by calculation.
pub(crate) struct Calculated {
	/// The bytes of each move with its parts of the program.
	pub(crate) moves: Vec<usize>,
	/// The tiles that the referee is shown.
	pub(crate) tiles: usize,
	/// The multiply-adds of its last computation.
	pub(crate) multiply_adds: u64,
}

/// A node's children that are posted, and which of them is picked.
struct Level {
	first: u32,
	child_width: u32,
	children: u32,
	picked: u32,
}

/// The way down a tree over so many leaves.
fn descent(leaves: u32, leaf: u32) -> Vec<Level> {
	let (mut first, mut width) = (0, leaves);
	let mut levels = Vec::new();
	while levels.is_empty() || width > 1 {
		let child_width = Descent::from_top(HASH, width).child_width();
		let picked = (leaf - first) / child_width;
		levels.push(Level {
			first,
			child_width,
			children: width.div_ceil(child_width),
			picked,
		});
		first += picked * child_width;
		width = child_width.min(width - picked * child_width);
	}
	levels
}

/// How many values are posted each time, until of so many steps this one is left.
fn span(steps: u64, step: u64) -> Vec<usize> {
	let mut span = Span::new(0, steps, (), ());
	let mut posted = Vec::new();
	while !span.is_single() {
		let cuts: Vec<u64> = span.cuts().collect();
		let part = cuts.iter().filter(|cut| **cut <= step).count();
		span.post(vec![(); cuts.len()]).expect("as many as are due");
		span.pick(part as u32).expect("one of the parts");
		posted.push(cuts.len());
	}
	posted
}

/// A proof with as many hashes as that of this leaf has.
fn proof(mut leaves: u32, mut leaf: u32) -> MerkleProof {
	let mut siblings = Vec::new();
	while leaves > 1 {
		if leaf ^ 1 < leaves {
			siblings.push(HASH);
		}
		leaf /= 2;
		leaves = leaves.div_ceil(2);
	}
	MerkleProof { siblings }
}

struct Calculation<'a> {
	program: &'a Checked,
	moves: Vec<usize>,
}

impl Calculation<'_> {
	fn made(&mut self, shown: &[Place], made: impl Encode) {
		let parts = show(self.program, shown.iter().copied());
		self.moves.push(parts.encoded_size() + made.encoded_size());
	}

	fn picked(&mut self, shown: &[Place]) {
		self.made(shown, ChallengerMove::Part(0));
	}

	/// A way down, with what is shown when children are posted and when the leaf is reached.
	fn walked(&mut self, levels: &[Level], posting: &[Place], at_leaf: &[Place]) {
		for (at, level) in levels.iter().enumerate() {
			let at_leaf = if at + 1 == levels.len() { at_leaf } else { &[] };
			let children = DefenderMove::Children(vec![HASH; level.children as usize]);
			// From a single child there is nothing to pick.
			if level.children == 1 {
				self.made(&[posting, at_leaf].concat(), children);
			} else {
				self.made(posting, children);
				self.picked(at_leaf);
			}
		}
	}
}

/// The dispute about a wrong element of an operation in step [`STEP`] of a segment.
pub(crate) fn calculate(program: &Checked, wrong: WrongPlace, element: u64) -> Calculated {
	let counts = program.counts();
	let (operation, result) = program.operation(wrong.operation).expect("it is there");
	let own = Place::Operation(wrong.operation);
	let target = Target::State(wrong.tensor as u16);
	let mut outputs = program.program().outputs.iter();
	let output = outputs.position(|output| output.target == target);
	let output = Place::Output(output.expect("each tensor is one") as u32);
	let value = program.output(target).expect("each tensor is one");

	let mut game = Calculation {
		program,
		moves: Vec::new(),
	};
	game.made(&[], DefenderMove::Trace(vec![HASH; SEGMENTS as usize + 1]));
	game.picked(&[]);
	for cuts in span(u64::from(STEPS), STEP) {
		game.made(&[], DefenderMove::States(vec![HASH; cuts]));
		game.picked(&[]);
	}
	game.walked(&descent(counts.state, wrong.tensor), &[], &[output]);
	let made = program.operation_of(value).expect("a step makes its state");
	let top = proof(counts.operations, made);
	game.made(
		&[],
		DefenderMove::Values {
			top: HASH,
			proof: top,
		},
	);
	let operations = descent(counts.operations, wrong.operation);
	game.walked(&operations, &[], &[own]);
	let (tile, _) = tile_place(&result, element).expect("the result has the element");
	let tiles = tile_count(&result.shape).expect("a checked shape");
	game.walked(&descent(tiles, tile), &[own], &[]);
	game.made(&[own], DefenderMove::Tile([0; TILE_BYTES].into()));
	let of_operand = |value: &ValueId| match value.checked_sub(counts.inputs) {
		None => Place::Input(*value),
		Some(index) => Place::Operation(index),
	};
	let mut shown = vec![own];
	shown.extend(operation.operands.iter().map(of_operand));
	game.made(
		&shown,
		ChallengerMove::Element {
			tile: [0; TILE_BYTES].into(),
			place: 0,
		},
	);

	let types: Option<Vec<TensorType>> = operation
		.operands
		.iter()
		.map(|value| program.value_type(*value))
		.collect();
	let types = types.expect("operands have types");
	let types: Vec<&TensorType> = types.iter().collect();
	let passages = passages(&operation.kind, &types);
	// All running results are right but the last.
	for cuts in span(passages, passages - 1) {
		game.made(&[], DefenderMove::Running(vec![Running::default(); cuts]));
		game.picked(&[]);
	}
	let question = Question {
		element,
		passage: passages - 1,
	};
	let roots = operation
		.operands
		.iter()
		.map(|value| operand_root(program, *value, &operations))
		.collect();
	let (evidence, reads) = evidence(&operation.kind, &types, &result, question);
	let tiles = evidence.tiles.len();
	game.made(
		&shown,
		ChallengerMove::Evidence {
			operands: roots,
			tiles: evidence,
		},
	);
	Calculated {
		moves: game.moves,
		tiles,
		// Each reads an element of either matrix.
		multiply_adds: reads / 2,
	}
}

/// A root with a proof as long as that to what is agreed on.
fn operand_root(program: &Checked, value: ValueId, operations: &[Level]) -> OperandRoot {
	let proof = match program.operation_of(value) {
		Some(index) => {
			let mut agreed = operations.iter().flat_map(|level| {
				(0..level.picked).map(|child| AgreedNode {
					first: level.first + child * level.child_width,
					width: level.child_width,
					node: HASH,
				})
			});
			let node = agreed.find(|node| node.covers(index));
			let node = node.expect("operands come before what is made of them");
			proof(node.width, index - node.first)
		}
		None => match program.input(value).expect("it is there").source {
			Source::State(tensor) => proof(program.counts().state, u32::from(tensor)),
			Source::Features => proof(2, 0),
			Source::Labels => proof(2, 1),
			_ => MerkleProof::default(),
		},
	};
	OperandRoot { root: HASH, proof }
}

/// Evidence as long as that for a passage, and how many elements the passage reads.
fn evidence(
	kind: &OperationKind,
	types: &[&TensorType],
	result: &TensorType,
	question: Question,
) -> (Evidence, u64) {
	let (mut touched, mut reads) = (BTreeSet::new(), 0);
	let mut read = |operand: usize, element: u64| -> Result<u32, Infallible> {
		let (tile, _) = tile_place(types[operand], element).expect("operands have the elements");
		touched.insert((operand, tile));
		reads += 1;
		Ok(0)
	};
	let Ok(_) = advance(kind, types, result, question, Running::default(), &mut read);
	let tiles = touched.into_iter().map(|(operand, tile)| {
		let tiles = tile_count(&types[operand].shape).expect("a checked shape");
		TileProof {
			operand: operand as u8,
			tile,
			bytes: [0; TILE_BYTES].into(),
			proof: proof(tiles, tile),
		}
	});
	let tiles = tiles.collect();
	(Evidence { tiles }, reads)
}
