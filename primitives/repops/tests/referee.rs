//! The referee's rules against the reference kernels: on every operation, every element, and numbers at
//! which implementations differ; and evidence that is not what was agreed on.

mod support;

use repops::{
	commit::{tensor_root, tile_count},
	program::{OperationKind, Window},
	referee::{
		collect, element_at, judge, tile_place, Evidence, EvidenceError, JudgeError, Operand,
		Question, Running, MAX_TILES,
	},
	tensor::{DType, Tensor, TensorType},
};
use support::{
	cases::{every_case, floats, integers, product, shape, Case},
	Words,
};

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

/// Operations whose elements of a passage each lie in a tile of their own, or that are not cut where tiles are.
fn spread_cases(words: &mut Words) -> Vec<Case> {
	let mut cases = Vec::new();
	for [stack, inner] in [[70, 1], [40, 7], [3, 33], [2, 300]] {
		for flag in [false, true] {
			let matrix = |rows, columns| match flag {
				false => [stack, rows, columns],
				true => [stack, columns, rows],
			};
			let (left, right) = (matrix(40, inner), matrix(inner, 40));
			let (transpose_left, transpose_right) = (flag, flag);
			for kind in [
				OperationKind::MatMulSum {
					transpose_left,
					transpose_right,
				},
				OperationKind::MatMul {
					transpose_left,
					transpose_right,
				},
			] {
				let operands = vec![floats(words, left), floats(words, right)];
				cases.push(Case { kind, operands });
			}
		}
	}
	for kernel in [[40, 1], [1, 40], [7, 7]] {
		let window = Window {
			kernel,
			stride: [1, 1],
			padding: [kernel[0] - 1, kernel[1] - 1],
			dilation: [1, 1],
		};
		let size = [45, 40];
		let windows = window.window_count(size).unwrap();
		let positions = window.positions().unwrap();
		cases.push(Case {
			kind: OperationKind::Fold { window, size },
			operands: vec![floats(words, [1, 1, positions, windows])],
		});
		// Each window's number stands at the last place.
		let right = window.windows(size).unwrap()[1];
		let chosen = (0..windows).map(|at| {
			let (y, x) = (at / right, at % right);
			let position = (size[0] + kernel[0] - 2).wrapping_sub(y) * kernel[1];
			position + (size[1] + kernel[1] - 2).wrapping_sub(x)
		});
		let chosen = Tensor::u32([1, 1, 1, windows], chosen.collect()).unwrap();
		cases.push(Case {
			kind: OperationKind::Unpool { window, size },
			operands: vec![floats(words, [1, 1, 1, windows]), chosen],
		});
	}
	for shape in [[70, 32, 1], [70, 1, 33], [70, 40, 3]] {
		cases.push(Case {
			kind: OperationKind::ScatterRows { rows: 1 },
			operands: vec![floats(words, shape), integers(words, [70], 1)],
		});
	}
	cases
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
			OperationKind::ArgMax { axis: 0 },
		] {
			let operands = vec![floats(&mut words, shape)];
			most = most.max(count(&Case { kind, operands }));
		}
	}
	for case in spread_cases(&mut words) {
		most = most.max(count(&case));
	}
	for _ in 0..20 {
		most = most.max(count(&product(&mut words)));
	}
	// Of the count of a mask of 33 or more columns.
	assert!(most > 32 && most <= MAX_TILES as usize, "{most}");
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
