//! The most expensive last moves that there can be, one or more for each kind of operation: with the most tiles,
//! the most terms and the longest proofs. Who charges for moves measures these.
//!
//! Nothing of their size is computed. Of a tree only the ways to the leaves that are shown are real; beside them
//! stands anything.
#![allow(
	clippy::arithmetic_side_effects,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::panic,
	reason = "it is for measurements; no chain ever runs it"
)]

use crate::{AgreedNode, ChallengerMove, Dispute, OperandRoot, Position, Subject, MAX_OPERANDS};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec,
	vec::Vec,
};
use codec::{Decode, Encode};
use repops::{
	check::{infer, Limits},
	commit::{
		node, part_leaf, root_of_top, tensor_root_of_top, tile_count, tile_leaf, Domain, Hash,
		MerkleProof, TileBytes, TILE, TILE_BYTES,
	},
	parts::{Counts, Part, PartProof, Place},
	program::{
		Initialiser, Operation, OperationKind, Relation, ValueId, Window, ARITHMETIC_VERSION,
	},
	referee::{
		advance, element_at, passages, tile_place, Evidence, Operand, Question, Running, TileProof,
		MAX_TILES,
	},
	tensor::{DType, Shape, TensorType},
};

/// The longest list of elements.
const LONGEST: u32 = 1 << 28;

/// A window whose positions lie below each other, so that what stands in it lies in as many tiles.
const TALL: Window = Window {
	kernel: [64, 1],
	stride: [1, 1],
	padding: [63, 0],
	dilation: [1, 1],
};

/// Height and width of pictures on which [`TALL`] has the most windows, one tile apart from row to row.
const PICTURES: [u32; 2] = [(LONGEST >> 5) - TALL.kernel[0] + 1, 32];

/// Height and width of pictures whose windows have as many positions as places.
const WIDE: [u32; 2] = [64, 1 << 15];

/// A passage and all that the referee needs for it.
#[derive(Clone, Debug)]
pub struct Passage {
	/// The operation.
	pub kind: OperationKind,
	/// Its operands.
	pub operands: Vec<Operand>,
	/// Which passage of which element.
	pub question: Question,
	/// The running result before.
	pub before: Running,
	/// The running result after.
	pub after: Running,
	/// The tiles.
	pub evidence: Evidence,
}

/// A move with which the chain computes a passage, and what the chain has to judge it by.
#[derive(Clone, Debug, Encode, Decode)]
pub struct LastMove {
	/// The dispute, in which the move is due.
	pub dispute: Dispute,
	/// The root of the program's parts.
	pub program: Hash,
	/// The parts that are shown with the move.
	pub parts: Vec<PartProof>,
	/// The move. The claim that it attacks is right.
	pub made: ChallengerMove,
}

/// The worst passages of every kind of operation, in the order of [`OperationKind`].
pub fn passages_of_all_kinds() -> Vec<Passage> {
	use OperationKind::*;
	let constant = 0.5f32.into();
	let long = Shape(vec![LONGEST]);
	let batch = |population| BatchRows {
		population,
		batch: u32::MAX >> 4,
	};
	let product = |transpose_left, transpose_right| MatMul {
		transpose_left,
		transpose_right,
	};
	let kinds = [
		// Half of the numbers that the order runs through are not in it.
		batch((1 << 27) + 1),
		GatherRows,
		product(false, false),
		product(true, true),
		Add,
		Subtract,
		Multiply,
		Divide,
		AddScalar(constant),
		MultiplyScalar(constant),
		Reciprocal,
		Exp,
		Log,
		Sqrt,
		Tanh,
		Compare(Relation::LessEqual),
		CompareScalar(Relation::LessEqual, constant),
		Select,
		Fill(constant),
		Sum { axis: 0 },
		Sum { axis: 3 },
		Max { axis: 0 },
		Max { axis: 3 },
		ArgMax { axis: 0 },
		ArgMax { axis: 3 },
		Broadcast {
			shape: Shape(vec![LONGEST >> 6, 4, 4, 4]),
		},
		OneHot { classes: 16 },
		CountNonzero,
		Reshape {
			shape: long.clone(),
		},
		Permute {
			axes: vec![3, 2, 1, 0],
		},
		Constant {
			shape: long.clone(),
			value: constant,
		},
		MatMulSum {
			transpose_left: false,
			transpose_right: true,
		},
		Unfold {
			window: Window {
				padding: [0, 0],
				..TALL
			},
			fill: constant,
		},
		Fold {
			window: TALL,
			size: WIDE,
		},
		Unpool {
			window: TALL,
			size: PICTURES,
		},
		Slice {
			starts: vec![1; 4],
			shape: Shape(vec![(LONGEST >> 6) - 1, 3, 3, 3]),
		},
		Insert { starts: vec![1; 4] },
		ScatterRows { rows: 2 },
		Erf,
		Random {
			stream: u32::MAX,
			shape: long.clone(),
			distribution: Initialiser::Normal {
				mean: constant,
				deviation: constant,
			},
		},
		Iota {
			shape: long,
			axis: 0,
		},
		ToInteger,
		ToNumber,
	];
	let mut worst: Vec<Passage> = kinds
		.into_iter()
		.map(|kind| Passage::worst(kind, 0))
		.collect();
	worst.push(second_product());
	worst
}

/// A product of the second matrices of two stacks, which don't begin where a tile does.
fn second_product() -> Passage {
	let columns = TensorType::f32([2, (LONGEST >> 1) - 1, 1]);
	let kind = OperationKind::MatMul {
		transpose_left: true,
		transpose_right: false,
	};
	Passage::on(kind, vec![columns.clone(), columns], 0)
}

/// A count whose masks lie in so many tiles, at least 1 and at most 32.
pub fn masks(tiles: u32) -> Passage {
	// Its last passage has what is left over: in each tile 32 masks.
	let masks = LONGEST - 1_024 + 32 * tiles.clamp(1, 32);
	let operands = vec![TensorType::u32([masks, 1])];
	Passage::on(OperationKind::CountNonzero, operands, 0)
}

/// As many tiles as evidence may have, all of them proven, where one is needed. They are refused, but not before
/// all are hashed.
pub fn unneeded_tiles() -> Passage {
	Passage::worst(OperationKind::Tanh, MAX_TILES - 1)
}

/// The operands of these types with which a passage of the operation takes most.
fn worst_operands(kind: &OperationKind) -> Vec<TensorType> {
	use OperationKind::*;
	let long = TensorType::f32([LONGEST]);
	let words = TensorType::u32([LONGEST]);
	match kind {
		BatchRows { .. } | Random { .. } => vec![TensorType::u32([8]), TensorType::u32([2])],
		GatherRows => vec![long, words],
		// Each of the 256 terms' rows or columns is in as many tiles as can be, and the proofs are longest.
		MatMul {
			transpose_left,
			transpose_right,
		} => {
			let matrix = |transposed: bool, [rows, columns]: [u32; 2]| {
				TensorType::f32(if transposed {
					[columns, rows]
				} else {
					[rows, columns]
				})
			};
			vec![
				matrix(*transpose_left, [1, LONGEST]),
				matrix(*transpose_right, [LONGEST, 1]),
			]
		}
		Add | Subtract | Multiply | Divide | Compare(_) => vec![long.clone(), long],
		AddScalar(_)
		| MultiplyScalar(_)
		| Reciprocal
		| Exp
		| Log
		| Sqrt
		| Tanh
		| Erf
		| ToInteger
		| CompareScalar(..)
		| Reshape { .. } => vec![long],
		ToNumber => vec![words],
		Select => vec![words, long.clone(), long],
		Fill(_) => vec![words, long],
		// Along an outer axis each element is in a tile of its own.
		Sum { axis: 0 } | Max { axis: 0 } | ArgMax { axis: 0 } => {
			vec![TensorType::f32([LONGEST >> 5, 4, 8, 1])]
		}
		Sum { .. } | Max { .. } | ArgMax { .. } => vec![TensorType::f32([1, 1, 1, LONGEST])],
		Broadcast { .. } => vec![TensorType::f32([LONGEST >> 6, 1, 4, 1])],
		OneHot { .. } => vec![TensorType::u32([LONGEST >> 4])],
		// A column of masks, 32 in each tile.
		CountNonzero => vec![TensorType::u32([LONGEST, 1])],
		Permute { .. } | Slice { .. } => vec![TensorType::f32([LONGEST >> 6, 4, 4, 4])],
		Insert { .. } => vec![
			TensorType::f32([LONGEST >> 6, 4, 4, 4]),
			TensorType::f32([(LONGEST >> 6) - 1, 3, 3, 3]),
		],
		Constant { .. } | Iota { .. } => vec![],
		// One term of each matrix.
		MatMulSum { .. } => {
			let columns = TensorType::f32([LONGEST >> 5, 32, 1]);
			vec![columns.clone(), columns]
		}
		Unfold { .. } => vec![TensorType::f32([1, 1, PICTURES[0] >> 6, 32])],
		Fold { .. } => windows_of(TALL.kernel[0], WIDE).to_vec(),
		Unpool { .. } => {
			let numbers = windows_of(1, PICTURES);
			let chosen = TensorType::u32(numbers[0].shape.clone());
			[&numbers[..], &[chosen]].concat()
		}
		ScatterRows { .. } => vec![
			TensorType::f32([LONGEST >> 5, 32, 1]),
			TensorType::u32([LONGEST >> 5]),
		],
	}
}

/// What [`TALL`] shows of pictures of this size, at so many positions.
fn windows_of(positions: u32, size: [u32; 2]) -> [TensorType; 1] {
	let windows = TALL.window_count(size).expect("it lies on them");
	[TensorType::f32([1, 1, positions, windows])]
}

/// Some number at each element. Of integers, one that the operation finds something by: of what is unpooled the
/// position at which the window shows the last row, of what is scattered the last row.
fn content(of: &OperationKind, kind: &TensorType, element: u64) -> u32 {
	match (of, kind.dtype) {
		(OperationKind::ScatterRows { .. }, DType::U32) => return 1,
		(OperationKind::Unpool { .. }, DType::U32) => {
			let row = (element / u64::from(PICTURES[1])) as u32;
			return PICTURES[0] - 1 + TALL.padding[0] - row;
		}
		_ => {}
	}
	let mixed = (element as u32 | 1)
		.wrapping_mul(0x9E37_79B1)
		.rotate_left(11);
	match kind.dtype {
		DType::F32 => f32::to_bits((mixed >> 8) as f32 / (1 << 23) as f32 - 0.99),
		DType::U32 => mixed & 0xF | 1,
	}
}

/// The bytes of a tile.
fn tile_bytes(of: &OperationKind, kind: &TensorType, tile: u32) -> TileBytes {
	let mut bytes = [0; TILE_BYTES];
	for (place, word) in (0..TILE * TILE).zip(bytes.chunks_exact_mut(4)) {
		let element = element_at(kind, tile, place);
		let bits = element.map_or(0, |element| content(of, kind, element));
		word.copy_from_slice(&bits.to_le_bytes());
	}
	bytes.into()
}

/// A Merkle tree of which few leaves are known.
struct Tree {
	known: BTreeMap<u32, Hash>,
	count: u32,
}

impl Tree {
	/// The node over these leaves.
	fn node(&self, first: u32, width: u32) -> Hash {
		if self.known.range(first..first + width).next().is_none() {
			return [0x5A; 32];
		}
		match Self::halves(width) {
			None => self.known[&first],
			Some((left, right)) => node(&self.node(first, left), &self.node(first + left, right)),
		}
	}

	/// How many of a node's leaves its children cover.
	fn halves(width: u32) -> Option<(u32, u32)> {
		let left = width.next_power_of_two() / 2;
		(width > 1).then(|| (left, width - left))
	}

	fn top(&self) -> Hash {
		self.node(0, self.count)
	}

	fn proof(&self, leaf: u32) -> MerkleProof {
		let mut siblings = Vec::new();
		let (mut first, mut width) = (0, self.count);
		while let Some((left, right)) = Self::halves(width) {
			if leaf < first + left {
				siblings.push(self.node(first + left, right));
				width = left;
			} else {
				siblings.push(self.node(first, left));
				(first, width) = (first + left, right);
			}
		}
		siblings.reverse();
		MerkleProof { siblings }
	}
}

impl Passage {
	fn worst(kind: OperationKind, unneeded: u32) -> Self {
		let types = worst_operands(&kind);
		Self::on(kind, types, unneeded)
	}

	/// Somewhere in the last elements, where the proofs are no shorter than elsewhere, and not at the start of a
	/// chunk, where the running result before would count for nothing. With it go the first tiles of the first
	/// operand, which nobody reads.
	fn on(kind: OperationKind, types: Vec<TensorType>, unneeded: u32) -> Self {
		let types: Vec<&TensorType> = types.iter().collect();
		let result = infer(&kind, &types).expect("they are of the right types");
		let question = Question {
			element: result.shape.elements().expect("it is within limits") - 1,
			passage: passages(&kind, &types) - 1,
		};
		let before = Running([1.0f32.to_bits(); 2]);
		let mut touched = BTreeSet::new();
		let mut read = |operand: usize, element: u64| -> Result<u32, ()> {
			let (tile, _) = tile_place(types[operand], element).ok_or(())?;
			touched.insert((operand, tile));
			Ok(content(&kind, types[operand], element))
		};
		let after = advance(&kind, &types, &result, question, before, &mut read)
			.expect("all that is read is there");
		touched.extend((0..unneeded).map(|tile| (0, tile)));
		let mut operands = Vec::new();
		let mut evidence = Evidence::default();
		for (at, operand) in types.iter().enumerate() {
			let tiles = touched.iter().filter(|(of, _)| *of == at);
			let tiles: Vec<_> = tiles
				.map(|(_, tile)| (*tile, tile_bytes(&kind, operand, *tile)))
				.collect();
			let leaves = tiles.iter().map(|(tile, bytes)| (*tile, tile_leaf(bytes)));
			let tree = Tree {
				known: leaves.collect(),
				count: tile_count(&operand.shape).expect("it is within limits"),
			};
			evidence
				.tiles
				.extend(tiles.into_iter().map(|(tile, bytes)| TileProof {
					operand: at as u8,
					tile,
					bytes,
					proof: tree.proof(tile),
				}));
			operands.push(Operand {
				kind: (*operand).clone(),
				root: tensor_root_of_top(operand, &tree.top()),
			});
		}
		Passage {
			kind,
			operands,
			question,
			before,
			after,
			evidence,
		}
	}

	/// The move that shows this passage, in a dispute about a step of the largest program. The operands are results
	/// of its operations, each proven by the longest way to a node that both agree on.
	pub fn last_move(&self) -> LastMove {
		let limits = Limits::default();
		let counts = Counts {
			version: ARITHMETIC_VERSION,
			state: limits.state_tensors,
			inputs: limits.inputs,
			operations: limits.operations,
			outputs: limits.state_tensors + 1,
		};
		let operation = counts.operations - 1;
		// An agreed node over half of all operations, and as many others as a way leaves behind it.
		let width = counts.operations / 2;
		let first_operand = width / 2 + 1;
		let of = |at: usize| first_operand + at as u32;
		let results = Tree {
			known: (0..self.operands.len())
				.map(|at| (of(at), self.operands[at].root))
				.collect(),
			count: width,
		};
		let agreed = |first, node| AgreedNode { first, width, node };
		let mut nodes: Vec<AgreedNode> = (0..45)
			.map(|at| agreed(counts.operations + at, [7; 32]))
			.collect();
		nodes.push(agreed(0, results.top()));
		let shown = (0..self.operands.len()).map(|at| OperandRoot {
			root: self.operands[at].root,
			proof: results.proof(of(at)),
		});
		let position = Position::Passage {
			operation,
			question: self.question,
			before: self.before,
			claimed: self.after,
		};
		let subject = Subject::Steps {
			before: [1; 32],
			claimed: [2; 32],
			steps: 1 << 20,
			first_position: 0,
		};
		let dispute = (subject, Some(1u32), 5u64, Some([1u8; 32]), nodes, position).encode();
		let (program, parts) = self.shown(counts, operation, of);
		LastMove {
			dispute: Dispute::decode(&mut &dispute[..]).expect("these are its fields"),
			program,
			parts,
			made: ChallengerMove::Evidence {
				operands: shown.collect(),
				tiles: self.evidence.clone(),
			},
		}
	}

	/// The parts of the program: the counts, the operation and those that its operands come from.
	fn shown(
		&self,
		counts: Counts,
		operation: u32,
		of: impl Fn(usize) -> u32,
	) -> (Hash, Vec<PartProof>) {
		let types: Vec<&TensorType> = self.operands.iter().map(|operand| &operand.kind).collect();
		let result = infer(&self.kind, &types).expect("they are of the right types");
		let mut parts = vec![(Place::Counts, Part::Counts(counts))];
		for (at, operand) in self.operands.iter().enumerate() {
			// What made it does not matter; the largest that there is.
			let made = Operation {
				kind: OperationKind::Constant {
					shape: Shape(vec![1; 4]),
					value: 0f32.into(),
				},
				operands: vec![ValueId::MAX; MAX_OPERANDS],
			};
			let part = Part::Operation(made, operand.kind.clone());
			parts.push((Place::Operation(of(at)), part));
		}
		let judged = Operation {
			kind: self.kind.clone(),
			operands: (0..self.operands.len())
				.map(|at| counts.inputs + of(at))
				.collect(),
		};
		parts.push((Place::Operation(operation), Part::Operation(judged, result)));
		let index = |place: Place| match place {
			Place::Operation(at) => 1 + counts.state + counts.inputs + at,
			_ => 0,
		};
		let leaves = parts.iter();
		let tree = Tree {
			known: leaves
				.map(|(place, part)| (index(*place), part_leaf(&part.encode())))
				.collect(),
			count: counts.parts(),
		};
		let prove = |(place, part)| PartProof {
			place,
			part,
			proof: tree.proof(index(place)),
		};
		(
			root_of_top(Domain::Program, tree.count, &tree.top()),
			parts.into_iter().map(prove).collect(),
		)
	}
}
