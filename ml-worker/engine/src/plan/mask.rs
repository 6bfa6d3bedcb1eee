//! Masks that are made again where they are read.
//!
//! Where a stage writes `m = x <= c` and `y = c where m, else x`, as a rectifier does, later stages can find the mask in
//! `y`: `y <= c` in just the same places. So the mask need not be kept, which is as large as `y`.

use super::{
	draft::{Draft, Item, Lowered, Term},
	Root, TAIL_OPERATIONS,
};
use crate::kernels::elementwise::Function;
use repops::program::Relation;

const MASK: Function = Function::Compare(Relation::LessEqual);

/// A mask, what it can be made of again, and the bound.
struct Mask {
	stage: usize,
	mask: Root,
	chosen: Root,
	bound: f32,
}

/// Makes masks again in later stages.
pub(super) fn make_masks_again(lowered: &mut Lowered) {
	let stages = lowered.stages.iter().enumerate();
	let masks: Vec<Mask> = stages.flat_map(|(at, stage)| masks(at, stage)).collect();
	for mask in masks {
		let length = lowered.lengths[mask.mask];
		let later = lowered.stages.iter_mut().enumerate();
		for (_, stage) in later.filter(|(at, _)| *at != mask.stage) {
			let reads = |item: &Item| {
				let mut operands = item.operands.iter();
				operands.any(|term| matches!(term, Term::Root(root) if *root == mask.mask))
			};
			let Some(first) = stage.items.iter().position(reads) else {
				continue;
			};
			if stage.items.len() >= TAIL_OPERATIONS {
				continue;
			}
			let again = lowered.lengths.len();
			lowered.lengths.push(length);
			for term in stage.items.iter_mut().flat_map(|item| &mut item.operands) {
				if matches!(term, Term::Root(root) if *root == mask.mask) {
					*term = Term::Root(again);
				}
			}
			let item = Item {
				function: MASK,
				operands: vec![Term::Root(mask.chosen), Term::Constant(mask.bound)],
				root: again,
			};
			stage.items.insert(first, item);
		}
	}
}

/// The masks of a stage that can be made again.
fn masks(stage: usize, draft: &Draft) -> Vec<Mask> {
	let choice = |item: &Item| match (item.function, &item.operands[..]) {
		(Function::Select, [Term::Root(mask), Term::Constant(bound), Term::Root(of)]) => {
			Some((*mask, *bound, *of, item.root))
		}
		_ => None,
	};
	let is_mask = |mask: Root, bound: f32, of: Root| {
		draft.items.iter().any(|item| {
			item.root == mask
				&& item.function == MASK
				&& match item.operands[..] {
					[Term::Root(compared), Term::Constant(with)] => {
						compared == of && with.to_bits() == bound.to_bits() && !bound.is_nan()
					}
					_ => false,
				}
		})
	};
	let choices = draft.items.iter().filter_map(choice);
	choices
		.filter(|(mask, bound, of, _)| is_mask(*mask, *bound, *of))
		.map(|(mask, bound, _, chosen)| Mask {
			stage,
			mask,
			chosen,
			bound,
		})
		.collect()
}
