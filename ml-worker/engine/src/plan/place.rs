//! Gives every value that outlives its stage a place in memory, and makes the tails' instructions.

use super::{
	draft::{Draft, Head, Lowered, Term},
	tail::{block, join_products, read_in_place},
	Anchor, Destination, Input, Instruction, Load, Memory, Move, Operand, Place, Plan, Root, Stage,
	Tail, BLOCK,
};
use crate::instruction_set::Vectors;
use repops::{
	check::{Checked, Role},
	program::{Source, Target},
};
use std::collections::BTreeSet;

/// Places the stages' values.
pub(super) fn place(mut lowered: Lowered, checked: &Checked, vectors: Vectors) -> Plan {
	let old_state = old_state(checked);
	delay_updates(&mut lowered, &old_state);
	let mut placing = Placing::new(&lowered, checked, old_state);
	let stages = std::mem::take(&mut lowered.stages);
	let mut plan_stages = Vec::with_capacity(stages.len());
	let (mut packed, mut left_rows, mut rows, mut registers, mut scratch) = (0, 0, 0, 0, 0);
	for (index, mut draft) in stages.into_iter().enumerate() {
		join_products(&mut draft, |root| placing.outlives(index, root));
		let mut inherited = Vec::new();
		let tail = placing.tail(index, &draft, &mut inherited);
		registers = registers.max(tail.registers * BLOCK);
		let stage = match &draft.head {
			Head::Nothing => Stage::Elementwise(tail),
			Head::Anchor(anchor, root) => {
				if let Anchor::StackSum { stack, .. } = anchor {
					scratch = scratch.max(stack.scratch_length(vectors));
					packed = packed.max(stack.turned_length());
				}
				placing.place(index, *root);
				Stage::Anchor(anchor.clone(), *root)
			}
			Head::Stack {
				stack,
				left,
				right,
				result,
			} => {
				scratch = scratch.max(stack.scratch_length(vectors));
				left_rows = left_rows.max(stack.packed_left_length(vectors));
				let kept = placing.outlives(index, *result)
					|| stack.folded.is_some()
					|| !stack.finishes_blocks(vectors);
				if kept {
					placing.place(index, *result);
				} else {
					rows = rows.max(stack.row_block_length(vectors));
				}
				Stage::Stack {
					stack: *stack,
					left: *left,
					right: *right,
					result: kept.then_some(*result),
					tail,
				}
			}
			Head::Product {
				product,
				left,
				right,
				result,
			} => {
				packed = packed.max(product.packed_length(vectors));
				left_rows = left_rows.max(product.packed_left_length(vectors));
				let kept = placing.outlives(index, *result) || !product.finishes_blocks(vectors);
				if kept {
					placing.place(index, *result);
				} else {
					rows = rows.max(product.row_block_length(vectors));
				}
				let result = kept.then_some(*result);
				Stage::Product {
					product: *product,
					left: *left,
					right: *right,
					result,
					tail,
				}
			}
		};
		plan_stages.push(stage);
		placing.free_the_dead(index, &inherited);
	}
	let watched: Vec<Root> = plan_stages.iter().flat_map(watched_roots).collect();
	let unwatched = lowered
		.outputs
		.iter()
		.filter_map(|(target, root)| match target {
			Target::State(tensor) if !watched.contains(root) => Some(usize::from(*tensor)),
			_ => None,
		});
	let output = |wanted| {
		lowered
			.outputs
			.iter()
			.find(|(target, _)| *target == wanted)
			.map(|(_, root)| *root)
	};
	let state_lengths = placing.homes.iter().zip(&checked.program().state);
	let state_lengths =
		state_lengths.map(|(_, tensor)| tensor.shape.elements().unwrap_or(0) as usize);
	Plan {
		state_lengths: state_lengths.collect(),
		unwatched: unwatched.collect(),
		loss: output(Target::Loss),
		correct: output(Target::Correct),
		inputs: placing.inputs,
		slots: placing.slots,
		places: placing.places,
		stages: plan_stages,
		moves: placing.moves,
		state: placing.homes,
		packed,
		left: left_rows,
		rows,
		registers,
		scratch,
	}
}

fn watched_roots(stage: &Stage) -> Vec<Root> {
	let (Stage::Product { tail, .. } | Stage::Stack { tail, .. } | Stage::Elementwise(tail)) =
		stage
	else {
		return vec![];
	};
	let pairs = tail.outputs.iter().zip(&tail.watched);
	pairs
		.filter(|(_, watched)| **watched)
		.map(|(root, _)| *root)
		.collect()
}

/// For each state tensor the input that reads it, if the old state is kept where the new one shall be.
fn old_state(checked: &Checked) -> Vec<Option<Root>> {
	let program = checked.program();
	let mut old = vec![None; program.state.len()];
	if checked.role() == Role::Step {
		for (root, input) in program.inputs.iter().enumerate() {
			if let Source::State(tensor) = input.source {
				old[usize::from(tensor)] = Some(root);
			}
		}
	}
	old
}

/// For each root the state tensor that it becomes.
fn becomes(lowered: &Lowered) -> Vec<Option<usize>> {
	let mut becomes = vec![None; lowered.lengths.len()];
	for (target, root) in &lowered.outputs {
		if let Target::State(tensor) = target {
			becomes[*root] = Some(usize::from(*tensor));
		}
	}
	becomes
}

/// Moves a stage that makes new state, and nothing that another stage reads, behind the last stage that reads
/// the old state, so that the new state can take its place.
fn delay_updates(lowered: &mut Lowered, old_state: &[Option<Root>]) {
	let (readers, becomes) = (last_readers(lowered), becomes(lowered));
	let makers: Vec<Vec<Root>> = lowered.stages.iter().map(roots_of).collect();
	let mut order: Vec<(usize, bool, usize)> = Vec::with_capacity(makers.len());
	for (stage, roots) in makers.iter().enumerate() {
		let read_elsewhere = roots
			.iter()
			.any(|root| readers[*root].is_some_and(|reader| reader > stage));
		let replaced = roots.iter().filter_map(|root| old_state[becomes[*root]?]);
		let after = replaced
			.filter_map(|old| readers[old])
			.filter(|reader| *reader > stage)
			.max();
		match after {
			Some(after) if !read_elsewhere => order.push((after, true, stage)),
			_ => order.push((stage, false, stage)),
		}
	}
	order.sort_unstable();
	let mut stages: Vec<Option<Draft>> = lowered.stages.drain(..).map(Some).collect();
	lowered.stages = order
		.into_iter()
		.filter_map(|(_, _, stage)| stages[stage].take())
		.collect();
}

fn roots_of(draft: &Draft) -> Vec<Root> {
	draft
		.head_root()
		.into_iter()
		.chain(draft.items.iter().map(|item| item.root))
		.collect()
}

/// For each root the last stage that reads it.
fn last_readers(lowered: &Lowered) -> Vec<Option<usize>> {
	let mut readers = vec![None; lowered.lengths.len()];
	for (index, stage) in lowered.stages.iter().enumerate() {
		for root in stage.reads() {
			readers[root] = Some(index);
		}
	}
	readers
}

struct Placing {
	inputs: Vec<Input>,
	places: Vec<Place>,
	slots: Vec<usize>,
	/// The temporary slots that nothing is in: their lengths, and which they are.
	free: BTreeSet<(usize, usize)>,
	/// For each stage the roots in temporary slots that no later stage reads.
	dying: Vec<Vec<Root>>,
	/// The slots before this one are for state and inputs, the others are temporary.
	first_temporary: usize,
	/// For each root the last stage that reads it; of an output, a number beyond all.
	last_uses: Vec<Option<usize>>,
	/// For each root the state tensor that it becomes.
	becomes: Vec<Option<usize>>,
	/// For each state tensor its slot.
	homes: Vec<usize>,
	old_state: Vec<Option<Root>>,
	moves: Vec<Move>,
}

impl Placing {
	fn new(lowered: &Lowered, checked: &Checked, old_state: Vec<Option<Root>>) -> Self {
		let program = checked.program();
		let mut last_uses = last_readers(lowered);
		for (_, root) in &lowered.outputs {
			last_uses[*root] = Some(usize::MAX);
		}
		let becomes = becomes(lowered);
		let makes_state = becomes.iter().any(Option::is_some);
		let places = lowered.lengths.iter().map(|length| Place {
			length: *length,
			memory: Memory::Nowhere,
		});
		let mut placing = Placing {
			inputs: Vec::with_capacity(program.inputs.len()),
			places: places.collect(),
			slots: Vec::new(),
			free: BTreeSet::new(),
			dying: vec![Vec::new(); lowered.stages.len()],
			first_temporary: 0,
			last_uses,
			becomes,
			homes: Vec::new(),
			old_state,
			moves: Vec::new(),
		};
		if makes_state {
			for tensor in &program.state {
				let length = tensor.shape.elements().unwrap_or(0) as usize;
				placing.slots.push(length);
				placing.homes.push(placing.slots.len() - 1);
			}
		}
		for (root, input) in program.inputs.iter().enumerate() {
			let slot = match input.source {
				Source::State(tensor) if placing.old_state[usize::from(tensor)] == Some(root) => {
					placing.homes.get(usize::from(tensor)).copied()
				}
				Source::Seed | Source::Position => {
					placing.slots.push(lowered.lengths[root]);
					Some(placing.slots.len() - 1)
				}
				_ => None,
			};
			placing.places[root].memory = slot.map_or(Memory::Input(root), Memory::Slot);
			placing.inputs.push(Input {
				source: input.source,
				kind: input.kind.clone(),
				slot,
			});
		}
		placing.first_temporary = placing.slots.len();
		placing
	}

	fn outlives(&self, stage: usize, root: Root) -> bool {
		self.last_uses[root].is_some_and(|last| last > stage)
	}

	/// Gives the root a slot that nothing else of this stage uses.
	fn place(&mut self, stage: usize, root: Root) {
		let slot = match self.home(root, stage, |_| false) {
			Some(home) => home,
			None => self.take_slot(self.places[root].length),
		};
		self.set(stage, root, slot);
	}

	fn set(&mut self, stage: usize, root: Root, slot: usize) {
		let length = self.places[root].length;
		self.places[root].memory = Memory::Slot(slot);
		let last_use = self.last_uses[root].map_or(stage, |last| last.max(stage));
		// An output dies in no stage.
		if let (true, Some(dying)) = (self.is_temporary(slot), self.dying.get_mut(last_use)) {
			dying.push(root);
		}
		match self.becomes[root] {
			Some(tensor) if self.homes[tensor] != slot => {
				self.moves.push(Move {
					from: slot,
					to: self.homes[tensor],
					length,
				});
			}
			_ => (),
		}
	}

	/// The slot of the state tensor that the root becomes, if nothing reads the old one any more, or only this
	/// stage does and in a way that is said to be harmless.
	fn home(&self, root: Root, stage: usize, harmless: impl Fn(Root) -> bool) -> Option<usize> {
		let tensor = self.becomes[root]?;
		let is_free = match self.old_state[tensor] {
			Some(old) => match self.last_uses[old] {
				Some(last) => last < stage || (last == stage && harmless(old)),
				None => true,
			},
			None => true,
		};
		is_free.then_some(self.homes[tensor])
	}

	/// The smallest free slot that is large enough, else the largest one, made larger, else a new one.
	fn take_slot(&mut self, length: usize) -> usize {
		let fitting = self.free.range((length, 0)..).next();
		match fitting.or_else(|| self.free.last()).copied() {
			Some((found, slot)) => {
				self.free.remove(&(found, slot));
				self.slots[slot] = found.max(length);
				slot
			}
			None => {
				self.slots.push(length);
				self.slots.len() - 1
			}
		}
	}

	/// Whether the slot is neither for state nor for an input.
	fn is_temporary(&self, slot: usize) -> bool {
		slot >= self.first_temporary
	}

	/// Frees the slots of what no later stage reads, unless an output of this stage has inherited them.
	fn free_the_dead(&mut self, stage: usize, inherited: &[usize]) {
		for root in std::mem::take(&mut self.dying[stage]) {
			match self.places[root].memory {
				Memory::Slot(slot) if !inherited.contains(&slot) => {
					self.free.insert((self.slots[slot], slot));
				}
				_ => (),
			}
		}
	}

	/// Makes the instructions of a stage's items and places what outlives the stage. `inherited` gets the slots
	/// that outputs took over from what the stage reads.
	fn tail(&mut self, stage: usize, draft: &Draft, inherited: &mut Vec<usize>) -> Tail {
		let mut tail = Tail {
			length: draft.length,
			block: block(draft),
			..Tail::default()
		};
		if draft.items.is_empty() {
			return tail;
		}
		let mut replaced: Vec<(Root, usize)> = Vec::new();
		for item in &draft.items {
			if !self.outlives(stage, item.root) {
				continue;
			}
			let output = tail.outputs.len();
			let (slot, old) = self.place_output(stage, draft, item.root, inherited);
			if let Some(old) = old {
				replaced.push((old, output));
			}
			self.set(stage, item.root, slot);
			tail.outputs.push(item.root);
			tail.watched.push(self.becomes[item.root].is_some());
		}
		let mut written: Vec<(Root, Operand)> = draft
			.head_root()
			.map(|root| (root, Operand::Product))
			.into_iter()
			.collect();
		for (old, output) in replaced {
			written.push((old, Operand::Register(tail.loads.len())));
			tail.loads
				.push((tail.loads.len(), Load::Replaced { output }));
		}
		let mut spreads = Vec::new();
		for term in draft.items.iter().flat_map(|item| &item.operands) {
			match term {
				Term::Spread(root, spread)
					if spread.period > 1
						&& !spreads.iter().any(|(key, _)| *key == (*root, *spread)) =>
				{
					let (register, root, spread) = (tail.loads.len(), *root, *spread);
					spreads.push(((root, spread), register));
					tail.loads.push((register, Load::Spread { root, spread }));
				}
				_ => (),
			}
		}
		tail.registers = tail.loads.len();
		for item in &draft.items {
			let mut operands = [Operand::Constant(0.0); 3];
			for (operand, term) in operands.iter_mut().zip(&item.operands) {
				*operand = match term {
					Term::Constant(number) => Operand::Constant(*number),
					Term::Spread(root, spread) => {
						match spreads.iter().find(|(key, _)| *key == (*root, *spread)) {
							Some((_, register)) => Operand::Register(*register),
							None => Operand::Single(*root),
						}
					}
					Term::Root(root) => match written.iter().find(|(key, _)| key == root) {
						Some((_, operand)) => *operand,
						None => Operand::Root(*root),
					},
				};
			}
			let output = tail.outputs.iter().position(|root| *root == item.root);
			let (result, operand) = match output {
				Some(output) => (Destination::Output(output), Operand::Output(output)),
				None => {
					let register = tail.registers;
					tail.registers += 1;
					(Destination::Register(register), Operand::Register(register))
				}
			};
			written.push((item.root, operand));
			tail.instructions.push(Instruction {
				function: item.function,
				operands,
				result,
			});
		}
		read_in_place(&mut tail);
		tail
	}

	/// The slot for an item's result, and the root whose elements it replaces if the stage still reads them.
	fn place_output(
		&mut self,
		stage: usize,
		draft: &Draft,
		root: Root,
		inherited: &mut Vec<usize>,
	) -> (usize, Option<Root>) {
		let head_reads = draft.head_reads();
		let terms = || draft.items.iter().flat_map(|item| &item.operands);
		let spread = |root: Root| {
			terms().any(|term| matches!(term, Term::Spread(other, _) if *other == root))
		};
		// Read place by place only, before that place is written.
		let harmless = |root: Root| !head_reads.contains(&root) && !spread(root);
		if let Some(home) = self.home(root, stage, harmless) {
			let old = self.becomes[root].and_then(|tensor| self.old_state[tensor]);
			return (home, old.filter(|old| self.last_uses[*old] == Some(stage)));
		}
		for term in terms() {
			let Term::Root(old) = term else { continue };
			let Memory::Slot(slot) = self.places[*old].memory else {
				continue;
			};
			let dies = self.last_uses[*old] == Some(stage);
			let fits = self.places[*old].length == self.places[root].length;
			if self.is_temporary(slot)
				&& dies && fits
				&& harmless(*old)
				&& !inherited.contains(&slot)
			{
				inherited.push(slot);
				return (slot, Some(*old));
			}
		}
		(self.take_slot(self.places[root].length), None)
	}
}
