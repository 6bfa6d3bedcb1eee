//! Shorter tails: fewer operations, fewer copies, fewer loads.

use super::{
	draft::{Draft, Item, Term},
	Destination, Instruction, Load, Operand, Root, Tail, BLOCK,
};
use crate::kernels::elementwise::Function;

/// Makes one operation of a product and the addition or subtraction that alone reads it.
pub(super) fn join_products(draft: &mut Draft, outlives: impl Fn(Root) -> bool) {
	let mut joined: Vec<Item> = Vec::with_capacity(draft.items.len());
	let uses = |items: &[Item], root: Root| {
		let terms = items.iter().flat_map(|item| &item.operands);
		terms
			.filter(|term| matches!(term, Term::Root(other) if *other == root))
			.count()
	};
	let counts: Vec<usize> = draft
		.items
		.iter()
		.map(|item| uses(&draft.items, item.root))
		.collect();
	let used_once: Vec<Root> = draft
		.items
		.iter()
		.zip(counts)
		.filter(|(item, count)| *count == 1 && !outlives(item.root))
		.map(|(item, _)| item.root)
		.collect();
	for mut item in draft.items.drain(..) {
		let product = |term: &Term| match term {
			Term::Root(root) if used_once.contains(root) => joined.iter().position(|product| {
				product.root == *root && product.function == Function::Multiply
			}),
			_ => None,
		};
		let found = match (item.function, &item.operands[..]) {
			(Function::Add, [a, b]) => product(b)
				.map(|at| (Function::AddProduct, *a, at))
				.or_else(|| product(a).map(|at| (Function::AddProduct, *b, at))),
			(Function::Subtract, [a, b]) => {
				product(b).map(|at| (Function::SubtractProduct, *a, at))
			}
			_ => None,
		};
		if let Some((function, other, at)) = found {
			let product = joined.remove(at);
			item.function = function;
			item.operands = [vec![other], product.operands].concat();
		}
		joined.push(item);
	}
	draft.items = joined;
}

/// Lets instructions read what an output replaces where it stands, if all of them come before it is written.
pub(super) fn read_in_place(tail: &mut Tail) {
	let Tail {
		loads,
		instructions,
		..
	} = tail;
	loads.retain(|(register, load)| {
		let Load::Replaced { output } = *load else {
			return true;
		};
		let read = Operand::Register(*register);
		let writer = instructions
			.iter()
			.position(|instruction| instruction.result == Destination::Output(output));
		// An instruction that writes to an output sees but the outputs before its own.
		let in_place = |(at, instruction): (usize, &Instruction)| {
			let reads = instruction
				.operands
				.iter()
				.filter(|operand| **operand == read)
				.count();
			let before =
				Some(at) < writer && matches!(instruction.result, Destination::Register(_));
			let updates = Some(at) == writer
				&& reads == 1
				&& instruction.operands[0] == read
				&& instruction.function.updates();
			reads == 0 || before || updates
		};
		if !instructions.iter().enumerate().all(in_place) {
			return true;
		}
		for (at, instruction) in instructions.iter_mut().enumerate() {
			for operand in instruction
				.operands
				.iter_mut()
				.filter(|operand| **operand == read)
			{
				*operand = if Some(at) == writer {
					Operand::Replaced
				} else {
					Operand::Output(output)
				};
			}
		}
		false
	});
}

/// The places of a block: whole periods of the first broadcast row, so that it has to be loaded but once.
pub(super) fn block(draft: &Draft) -> usize {
	let periods = draft
		.items
		.iter()
		.flat_map(|item| &item.operands)
		.filter_map(|term| match term {
			Term::Spread(_, spread)
				if spread.run == 1 && spread.period > 1 && spread.period <= BLOCK =>
			{
				Some(spread.period)
			}
			_ => None,
		});
	periods
		.map(|period| BLOCK / period * period)
		.next()
		.unwrap_or(BLOCK)
}
