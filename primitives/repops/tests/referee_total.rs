//! The referee's rules on what no check has seen: whatever the operation, its operands' types and what is read, they
//! end soon and without a panic.

mod support;

use proptest::prelude::*;
use repops::{
	check::infer,
	program::{OperationKind, Window},
	referee::{advance, judge, passages, Evidence, Operand, Question, Running},
	tensor::{DType, Shape, TensorType},
};
use support::{
	any::{any_kind, any_shape},
	Words,
};

/// The most elements that a passage reads: two for each term of a matrix product's chunk, or the masks of a count.
const MOST_READ: u32 = 1_024;

/// A length, a start, a figure of a window: small, or as large as can be.
fn any_figure(words: &mut Words) -> u32 {
	match words.below(3) {
		0 => words.below(70),
		1 => u32::MAX - words.below(3),
		_ => words.bits(),
	}
}

/// The operation with its attributes made extreme.
fn stretched(kind: OperationKind, words: &mut Words) -> OperationKind {
	let mut pair = || [any_figure(words), any_figure(words)];
	let window = Window {
		kernel: pair(),
		stride: pair(),
		padding: pair(),
		dilation: pair(),
	};
	let size = pair();
	match kind {
		OperationKind::Unfold { fill, .. } => OperationKind::Unfold { window, fill },
		OperationKind::Fold { .. } => OperationKind::Fold { window, size },
		OperationKind::Unpool { .. } => OperationKind::Unpool { window, size },
		OperationKind::ScatterRows { .. } => OperationKind::ScatterRows { rows: size[0] },
		OperationKind::OneHot { .. } => OperationKind::OneHot { classes: size[0] },
		OperationKind::BatchRows { .. } => OperationKind::BatchRows {
			population: size[0],
			batch: size[1],
		},
		OperationKind::Slice { .. } => OperationKind::Slice {
			starts: size.to_vec(),
			shape: Shape(size.to_vec()),
		},
		OperationKind::Insert { .. } => OperationKind::Insert {
			starts: size.to_vec(),
		},
		other => other,
	}
}

fn any_type(words: &mut Words) -> TensorType {
	let shape = match words.below(2) {
		0 => any_shape(words),
		_ => {
			let rank = words.below(6);
			Shape((0..rank).map(|_| any_figure(words)).collect())
		}
	};
	let dtype = [DType::F32, DType::U32][words.below(2) as usize];
	TensorType { dtype, shape }
}

fn any_place(words: &mut Words) -> u64 {
	let [low, high] = [words.bits(), words.bits()];
	[
		u64::from(low % 50),
		u64::from(low),
		u64::from(high) << 32 | u64::from(low),
		u64::MAX,
	][words.below(4) as usize]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(20_000))]

	#[test]
	fn every_rule_is_total(seed: u8, skip in 0u64..1 << 40) {
		let words = &mut Words::starting_at(seed, skip);
		let kind = any_kind(words);
		let kind = if words.below(2) == 0 { kind } else { stretched(kind, words) };
		let types: Vec<TensorType> = (0..words.below(4)).map(|_| any_type(words)).collect();
		let types: Vec<&TensorType> = types.iter().collect();
		prop_assert!(passages(&kind, &types) >= 1);
		let question = Question {
			element: any_place(words),
			passage: any_place(words),
		};
		let before = Running([words.bits(), words.bits()]);
		let result = infer(&kind, &types).unwrap_or_else(|_| any_type(words));
		let mut read_so_far = 0;
		let mut read = |_: usize, _: u64| {
			read_so_far += 1;
			if words.below(5_000) == 0 { Err(()) } else { Ok(words.bits()) }
		};
		let _ = advance(&kind, &types, &result, question, before, &mut read);
		prop_assert!(read_so_far <= MOST_READ, "{:?} reads {}", kind, read_so_far);

		// Nothing is judged without what is read.
		let agreed = types.iter().map(|kind| Operand { kind: (*kind).clone(), root: [0; 32] });
		let agreed: Vec<Operand> = agreed.collect();
		let judged = judge(&kind, &agreed, question, before, &Evidence::default());
		prop_assert!(judged.is_err() || read_so_far == 0, "{:?}", kind);
	}
}
