//! The referee's rules against the reference kernels: on every operation, every element, and numbers at
//! which implementations differ; and evidence that is not what was agreed on.

mod support;

use repops::{
	commit::{tensor_root, tile_count},
	kernel::apply,
	program::{Bits, OperationKind, Relation},
	referee::{
		advance, collect, element_at, judge, passages, tile_place, Evidence, EvidenceError,
		JudgeError, Operand, Question, Running, MAX_TILES,
	},
	tensor::{DType, Shape, Tensor, TensorType},
};
use support::Words;

/// An operation with operands for it.
struct Case {
	kind: OperationKind,
	operands: Vec<Tensor>,
}

fn floats(words: &mut Words, shape: impl Into<Shape>) -> Tensor {
	let shape = shape.into();
	let count = shape.elements().unwrap() as usize;
	Tensor::f32(shape, words.spiced(count, 6)).unwrap()
}

fn integers(words: &mut Words, shape: impl Into<Shape>, below: u32) -> Tensor {
	let shape = shape.into();
	let count = shape.elements().unwrap() as usize;
	let elements = (0..count).map(|_| words.below(below)).collect();
	Tensor::u32(shape, elements).unwrap()
}

/// A shape of one to four axes and at most some thousands of elements. Lengths about the sides of tiles and
/// chunks come often.
fn shape(words: &mut Words) -> Shape {
	const LENGTHS: [u32; 12] = [1, 1, 2, 3, 5, 16, 31, 32, 33, 64, 255, 300];
	loop {
		let rank = 1 + words.below(4);
		let length = |words: &mut Words| LENGTHS[words.below(LENGTHS.len() as u32) as usize];
		let shape = Shape((0..rank).map(|_| length(words)).collect());
		if shape.elements().unwrap() <= 5_000 {
			return shape;
		}
	}
}

fn relation(words: &mut Words) -> Relation {
	[
		Relation::Equal,
		Relation::NotEqual,
		Relation::Less,
		Relation::LessEqual,
		Relation::Greater,
		Relation::GreaterEqual,
	][words.below(6) as usize]
}

/// A constant that programs may have: any number, and of the NaN the canonical one.
fn constant(words: &mut Words) -> Bits {
	repops::number::canonical(f32::from_bits(words.bits())).into()
}

/// How many kinds of cases [`case`] makes.
const KINDS: u32 = 27;

fn case(which: u32, words: &mut Words) -> Case {
	use OperationKind::*;
	let any = shape(words);
	let axis = words.below(any.rank() as u32) as u8;
	let unary = |words: &mut Words| vec![floats(words, any.clone())];
	let binary = |words: &mut Words| vec![floats(words, any.clone()), floats(words, any.clone())];
	let mask = |words: &mut Words| integers(words, any.clone(), 2);
	let (kind, operands) = match which {
		0 => (Add, binary(words)),
		1 => (Subtract, binary(words)),
		2 => (Multiply, binary(words)),
		3 => (Divide, binary(words)),
		4 => (AddScalar(constant(words)), unary(words)),
		5 => (MultiplyScalar(constant(words)), unary(words)),
		6 => (Reciprocal, unary(words)),
		7 => (Exp, unary(words)),
		8 => (Log, unary(words)),
		9 => (Sqrt, unary(words)),
		10 => (Tanh, unary(words)),
		11 => (Compare(relation(words)), binary(words)),
		12 => {
			let integers = vec![
				integers(words, any.clone(), 4),
				integers(words, any.clone(), 4),
			];
			(Compare(relation(words)), integers)
		}
		13 => (
			CompareScalar(relation(words), constant(words)),
			unary(words),
		),
		14 => {
			let mut operands = vec![mask(words)];
			operands.extend(binary(words));
			(Select, operands)
		}
		15 => (
			Fill(constant(words)),
			vec![mask(words), floats(words, any.clone())],
		),
		16 => (Sum { axis }, unary(words)),
		17 => (Max { axis }, unary(words)),
		18 => (ArgMax, unary(words)),
		19 => {
			// Any axes of length 1 are repeated.
			let from: Vec<u32> = any
				.0
				.iter()
				.map(|length| if words.below(2) == 0 { 1 } else { *length })
				.collect();
			let operand = floats(words, from);
			(Broadcast { shape: any.clone() }, vec![operand])
		}
		20 => {
			let rows = 1 + words.below(70);
			let labels = integers(words, [rows], 12);
			(
				OneHot {
					classes: 1 + words.below(40),
				},
				vec![labels],
			)
		}
		21 => (CountNonzero, vec![mask(words)]),
		22 => {
			let count = any.elements().unwrap() as u32;
			let divisor = (1..=40).rev().find(|by| count.is_multiple_of(*by)).unwrap();
			let kind = Reshape {
				shape: [count / divisor, divisor].into(),
			};
			let operands = if words.below(2) == 0 {
				unary(words)
			} else {
				vec![mask(words)]
			};
			(kind, operands)
		}
		23 => {
			let (rows, columns) = (1 + words.below(80), 1 + words.below(80));
			(Transpose, vec![floats(words, [rows, columns])])
		}
		24 => (
			Constant {
				shape: any.clone(),
				value: constant(words),
			},
			vec![],
		),
		25 => {
			let table = floats(words, any.clone());
			let indices = 1 + words.below(50);
			// Some are past the table's end.
			let bound = any.0[0].saturating_add(2);
			let indices = integers(words, [indices], bound);
			(GatherRows, vec![table, indices])
		}
		26 => {
			let seed = Tensor::u32([8], (0..8).map(|_| words.next()).collect()).unwrap();
			let position = Tensor::u32([2], vec![words.next(), words.below(2) * words.next()]);
			let kind = BatchRows {
				population: 1 + words.below(3_000),
				batch: 1 + words.below(100),
			};
			(kind, vec![seed, position.unwrap()])
		}
		_ => unreachable!(),
	};
	Case { kind, operands }
}

/// A matrix product with an inner length about the ends of chunks.
fn product(words: &mut Words) -> Case {
	const INNER: [u32; 8] = [1, 7, 255, 256, 257, 511, 600, 1_025];
	let inner = INNER[words.below(8) as usize];
	let (rows, columns) = (1 + words.below(40), 1 + words.below(40));
	let [transpose_left, transpose_right] = [words.below(2) == 1, words.below(2) == 1];
	let stored = |transposed: bool, shape: [u32; 2]| {
		if transposed {
			[shape[1], shape[0]]
		} else {
			shape
		}
	};
	let left = floats(words, stored(transpose_left, [rows, inner]));
	let right = floats(words, stored(transpose_right, [inner, columns]));
	Case {
		kind: OperationKind::MatMul {
			transpose_left,
			transpose_right,
		},
		operands: vec![left, right],
	}
}

/// Reductions long enough for several chunks.
fn long_reduction(words: &mut Words) -> Case {
	const SHAPES: [&[u32]; 6] = [
		&[2, 700],
		&[700, 3],
		&[3, 520, 2],
		&[257, 2, 3],
		&[2, 3, 1_030],
		&[1_500, 33],
	];
	let shape = Shape(SHAPES[words.below(6) as usize].to_vec());
	let (axis, _) = (0u8..)
		.zip(&shape.0)
		.max_by_key(|(_, length)| **length)
		.unwrap();
	let kind = match words.below(4) {
		0 => OperationKind::Max { axis },
		1 => OperationKind::ArgMax,
		2 => {
			let operands = vec![integers(words, shape, 2)];
			return Case {
				kind: OperationKind::CountNonzero,
				operands,
			};
		}
		_ => OperationKind::Sum { axis },
	};
	Case {
		kind,
		operands: vec![floats(words, shape)],
	}
}

fn every_case(seed: u8, rounds: u32, mut check: impl FnMut(&Case, &mut Words)) {
	let mut words = Words::new(seed);
	for _ in 0..rounds {
		for which in 0..KINDS {
			let case = case(which, &mut words);
			check(&case, &mut words);
		}
		let case = product(&mut words);
		check(&case, &mut words);
		let case = long_reduction(&mut words);
		check(&case, &mut words);
	}
}

impl Case {
	fn operands(&self) -> Vec<&Tensor> {
		self.operands.iter().collect()
	}

	fn result(&self) -> Tensor {
		apply(&self.kind, &self.operands()).unwrap()
	}

	fn passages(&self) -> u64 {
		let types: Vec<TensorType> = self.operands.iter().map(Tensor::kind).collect();
		passages(&self.kind, &types.iter().collect::<Vec<_>>())
	}

	fn agreed(&self) -> Vec<Operand> {
		let agreed = |tensor: &Tensor| Operand {
			kind: tensor.kind(),
			root: tensor_root(tensor),
		};
		self.operands.iter().map(agreed).collect()
	}

	/// All running results of an element, the first of which is before the first passage.
	fn running(&self, element: u64) -> Vec<Running> {
		let types: Vec<TensorType> = self.operands.iter().map(Tensor::kind).collect();
		let types: Vec<&TensorType> = types.iter().collect();
		let result = repops::check::infer(&self.kind, &types).unwrap();
		let mut read = |operand: usize, index: u64| -> Result<u32, ()> {
			Ok(self.operands[operand].bits_at(index as usize).unwrap())
		};
		let mut all = vec![Running::default()];
		for passage in 0..self.passages() {
			let question = Question { element, passage };
			let before = all[passage as usize];
			all.push(advance(&self.kind, &types, &result, question, before, &mut read).unwrap());
		}
		all
	}
}

#[test]
fn every_element_is_what_the_reference_kernel_gives() {
	let mut elements = 0u64;
	every_case(1, 12, |case, _| {
		let result = case.result();
		for (element, expected) in (0..).zip(result.bits()) {
			let found = case.running(element).last().unwrap().element();
			assert_eq!(found, expected, "{:?}, element {element}", case.kind);
			elements += 1;
		}
	});
	assert!(elements > 100_000);
}

#[test]
fn evidence_lets_the_referee_find_the_same() {
	let mut largest = 0;
	every_case(2, 6, |case, words| {
		let (agreed, result) = (case.agreed(), case.result());
		for _ in 0..4 {
			let element = u64::from(words.below(result.len() as u32));
			let running = case.running(element);
			let passage = u64::from(words.below(case.passages() as u32));
			let question = Question { element, passage };
			let before = running[passage as usize];
			let (after, evidence) =
				collect(&case.kind, &case.operands(), question, before).unwrap();
			assert_eq!(after, running[passage as usize + 1], "{:?}", case.kind);
			let judged = judge(&case.kind, &agreed, question, before, &evidence);
			assert_eq!(judged, Ok(after), "{:?}", case.kind);
			largest = largest.max(evidence.tiles.len());
		}
	});
	assert!(largest <= MAX_TILES as usize);
}

/// The shapes that spread the elements of a passage over the most tiles.
#[test]
fn no_passage_reads_more_tiles_than_the_bound() {
	let count = |case: &Case| {
		let last = case.result().len() as u64 - 1;
		let mut most = 0;
		for element in [0, last / 2, last] {
			let running = case.running(element);
			for passage in 0..case.passages() {
				let question = Question { element, passage };
				let before = running[passage as usize];
				let (_, evidence) =
					collect(&case.kind, &case.operands(), question, before).unwrap();
				most = most.max(evidence.tiles.len());
			}
		}
		most
	};
	let mut words = Words::new(3);
	let mut most = 0;
	for columns in [
		1, 2, 3, 31, 32, 33, 34, 63, 64, 65, 100, 1_023, 1_024, 1_025, 3_000,
	] {
		let rows = 6_000u32.div_ceil(columns);
		let mask = integers(&mut words, [rows, columns], 2);
		most = most.max(count(&Case {
			kind: OperationKind::CountNonzero,
			operands: vec![mask],
		}));
	}
	for shape in [[64, 40, 3], [300, 33, 2], [40, 64, 33]] {
		for kind in [
			OperationKind::Sum { axis: 0 },
			OperationKind::Max { axis: 0 },
		] {
			let operands = vec![floats(&mut words, shape)];
			most = most.max(count(&Case { kind, operands }));
		}
	}
	for _ in 0..20 {
		most = most.max(count(&product(&mut words)));
	}
	println!("the most tiles of a passage: {most}");
	assert!(most <= MAX_TILES as usize);
}

/// Whoever shows one wrong bit of an operand is refused, whichever tile it stands in.
#[test]
fn tiles_that_were_not_agreed_on_are_refused() {
	every_case(4, 3, |case, words| {
		let (agreed, result) = (case.agreed(), case.result());
		let element = u64::from(words.below(result.len() as u32));
		let question = Question {
			element,
			passage: 0,
		};
		let before = Running::default();
		let (_, evidence) = collect(&case.kind, &case.operands(), question, before).unwrap();
		let refused =
			|evidence: &Evidence| match judge(&case.kind, &agreed, question, before, evidence) {
				Err(JudgeError::Evidence(error)) => error,
				other => panic!("{:?}: {other:?}", case.kind),
			};
		for (at, shown) in evidence.tiles.iter().enumerate() {
			let (operand, tile) = (usize::from(shown.operand), shown.tile);

			let mut wrong = evidence.clone();
			let byte = words.below(4_096) as usize;
			wrong.tiles[at].bytes[byte] ^= 1 << words.below(8);
			assert_eq!(
				refused(&wrong),
				EvidenceError::NotCommitted { operand, tile }
			);

			let mut missing = evidence.clone();
			missing.tiles.remove(at);
			assert!(matches!(refused(&missing), EvidenceError::Missing { .. }));

			let mut twice = evidence.clone();
			twice.tiles.push(shown.clone());
			assert_eq!(refused(&twice), EvidenceError::Twice { operand, tile });

			let mut elsewhere = evidence.clone();
			elsewhere.tiles[at].tile += 1;
			assert!(matches!(
				refused(&elsewhere),
				EvidenceError::NotCommitted { .. }
			));

			let mut of_none = evidence.clone();
			of_none.tiles[at].operand = 9;
			assert_eq!(
				refused(&of_none),
				EvidenceError::NoSuchElement { operand: 9 }
			);

			let mut longer = evidence.clone();
			longer.tiles[at].proof.siblings.push([7; 32]);
			assert_eq!(
				refused(&longer),
				EvidenceError::NotCommitted { operand, tile }
			);
		}
	});
}

#[test]
fn tiles_that_nobody_needs_are_refused() {
	let mut words = Words::new(5);
	let operand = floats(&mut words, [64, 64]);
	let agreed = [Operand {
		kind: operand.kind(),
		root: tensor_root(&operand),
	}];
	let ask = |element| Question {
		element,
		passage: 0,
	};
	let (kind, before) = (OperationKind::Exp, Running::default());
	let (_, mut evidence) = collect(&kind, &[&operand], ask(0), before).unwrap();
	let (_, other) = collect(&kind, &[&operand], ask(40), before).unwrap();
	evidence.tiles.extend(other.tiles);
	assert_eq!(
		judge(&kind, &agreed, ask(0), before, &evidence),
		Err(JudgeError::Evidence(EvidenceError::Unused {
			operand: 0,
			tile: 1
		}))
	);
	let tile = evidence.tiles[0].clone();
	evidence.tiles = vec![tile; MAX_TILES as usize + 1];
	assert_eq!(
		judge(&kind, &agreed, ask(0), before, &evidence),
		Err(JudgeError::Evidence(EvidenceError::TooMany))
	);
}

#[test]
fn what_does_not_exist_is_not_judged() {
	let mut words = Words::new(6);
	let operand = floats(&mut words, [3, 5]);
	let agreed = [Operand {
		kind: operand.kind(),
		root: tensor_root(&operand),
	}];
	let (before, nothing) = (Running::default(), Evidence::default());
	let ask = |kind: &OperationKind, element, passage| {
		let question = Question { element, passage };
		judge(kind, &agreed, question, before, &nothing)
	};
	let exp = OperationKind::Exp;
	assert_eq!(ask(&exp, 15, 0), Err(JudgeError::NoSuchElement));
	assert_eq!(ask(&exp, u64::MAX, 0), Err(JudgeError::NoSuchElement));
	assert_eq!(ask(&exp, 0, 1), Err(JudgeError::NoSuchPassage));
	assert_eq!(ask(&exp, 0, u64::MAX), Err(JudgeError::NoSuchPassage));
	let error = ask(&OperationKind::Add, 0, 0);
	assert!(matches!(error, Err(JudgeError::Operands(_))), "{error:?}");
}

/// Each element has exactly one place, and each place within the tensor one element.
#[test]
fn places_in_tiles_are_unique() {
	let mut words = Words::new(7);
	for _ in 0..200 {
		let kind = TensorType {
			dtype: DType::F32,
			shape: shape(&mut words),
		};
		let elements = kind.shape.elements().unwrap();
		let tiles = tile_count(&kind.shape).unwrap();
		let mut seen = std::collections::BTreeSet::new();
		for element in 0..elements {
			let (tile, place) = tile_place(&kind, element).unwrap();
			assert!(tile < tiles && place < 1_024);
			assert!(seen.insert((tile, place)));
			assert_eq!(element_at(&kind, tile, place), Some(element));
		}
		for tile in 0..tiles {
			for place in (0..1_100).filter(|place| !seen.contains(&(tile, *place))) {
				assert_eq!(element_at(&kind, tile, place), None);
			}
		}
		assert_eq!(element_at(&kind, tiles, 0), None);
		assert_eq!(tile_place(&kind, elements), None);
	}
}
