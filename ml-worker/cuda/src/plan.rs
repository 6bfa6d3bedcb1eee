//! Where every value lies on the device, settled before the program runs.

use crate::{lower, EngineError};
use repops::{
	check::Checked,
	program::{OperationKind, Source, Target},
};

/// Memory is shared out in parts of so many words, so that each begins where a whole line of memory does.
const PART: usize = 64;

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
	/// In the session's memory, from this word on.
	Own(usize),
	/// In the memory of the input of this number, which no run writes.
	Input(usize),
}

/// Words to be copied within the session's memory, or from an input, when all operations have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
	pub(crate) from: Place,
	pub(crate) to: usize,
	pub(crate) words: usize,
}

/// The memory of a program's runs.
///
/// It begins with a word that says whether the run has diverged; then come the loss, the state's tensors, seed and
/// position, and last the values between operations, which take the place of others that nobody needs any more.
pub(crate) struct Plan {
	/// The place of each value.
	pub(crate) places: Vec<Place>,
	/// For each operation the word from which on its scratch lies.
	pub(crate) scratch: Vec<usize>,
	/// For each state tensor the word from which on it lies.
	pub(crate) state: Vec<usize>,
	/// The word after the state.
	pub(crate) state_end: usize,
	/// The word after what lives from run to run.
	pub(crate) kept: usize,
	/// What is left to do when all operations have run, in this order.
	pub(crate) copies: Vec<Transfer>,
	/// All words.
	pub(crate) words: usize,
}

/// The word that is 1 if the run has diverged.
pub(crate) const DIVERGED: usize = 0;
/// The word of the loss.
pub(crate) const LOSS: usize = 1;

impl Plan {
	/// Plans the memory for a device with so many multiprocessors.
	pub(crate) fn new(checked: &Checked, multiprocessors: u32) -> Result<Self, EngineError> {
		let program = checked.program();
		let mut end = PART;
		let mut kept = |words: usize| {
			let start = end;
			end += words.next_multiple_of(PART);
			start
		};
		let mut state = Vec::with_capacity(program.state.len());
		for tensor in &program.state {
			let kind = repops::tensor::TensorType::f32(tensor.shape.clone());
			state.push(kept(lower::word_count(&kind)?));
		}
		let state_end = kept(0);
		let mut places = Vec::with_capacity(checked.types().len());
		for (number, input) in program.inputs.iter().enumerate() {
			lower::word_count(&input.kind)?;
			places.push(match input.source {
				Source::State(tensor) => Place::Own(state[usize::from(tensor)]),
				Source::Seed => Place::Own(kept(8)),
				Source::Position => Place::Own(kept(2)),
				_ => Place::Input(number),
			});
		}
		let kept = kept(0);
		let mut planner = Planner {
			checked,
			values: Values::new(checked),
			multiprocessors,
			free: Free {
				end: kept,
				holes: vec![],
			},
			places,
			scratch: vec![],
			copies: vec![],
			state: &state,
		};
		planner.plan_operations()?;
		planner.plan_copies();
		let Planner {
			places,
			scratch,
			copies,
			free,
			..
		} = planner;
		Ok(Plan {
			places,
			scratch,
			copies,
			words: free.end,
			state_end,
			kept,
			state,
		})
	}
}

/// What is known of the values: those that are the same memory under another shape have one root.
struct Values {
	roots: Vec<usize>,
	/// For each root the last operation that reads it.
	last_uses: Vec<usize>,
	/// For each root where it should be written at once: the word of the output that it becomes.
	targets: Vec<Option<usize>>,
}

impl Values {
	fn new(checked: &Checked) -> Self {
		let program = checked.program();
		let inputs = program.inputs.len();
		let mut roots: Vec<usize> = (0..inputs).collect();
		let mut last_uses = checked.last_uses().to_vec();
		for (index, operation) in program.operations.iter().enumerate() {
			let value = inputs + index;
			let root = match (&operation.kind, &operation.operands[..]) {
				(OperationKind::Reshape { .. }, [operand]) => roots[*operand as usize],
				_ => value,
			};
			roots.push(root);
			last_uses[root] = last_uses[root].max(last_uses[value]);
		}
		let targets = vec![None; roots.len()];
		Values {
			roots,
			last_uses,
			targets,
		}
	}
}

struct Planner<'a> {
	checked: &'a Checked,
	values: Values,
	multiprocessors: u32,
	free: Free,
	places: Vec<Place>,
	scratch: Vec<usize>,
	copies: Vec<Transfer>,
	state: &'a [usize],
}

impl Planner<'_> {
	/// The word of an output, if it is a number.
	fn word_of(&self, target: Target) -> Option<usize> {
		match target {
			Target::State(tensor) => self.state.get(usize::from(tensor)).copied(),
			Target::Loss => Some(LOSS),
			Target::Correct => None,
		}
	}

	/// Chooses the values that are written to the state, or the loss, by the operation that computes them: what
	/// stood there is then no longer needed.
	fn choose_targets(&mut self) {
		let program = self.checked.program();
		let inputs = program.inputs.len();
		for output in &program.outputs {
			let root = self.values.roots[output.value as usize];
			let Some(operation) = root.checked_sub(inputs) else {
				continue;
			};
			let Some(word) = self.word_of(output.target) else {
				continue;
			};
			let kind = &program.operations[operation].kind;
			let old = program.inputs.iter().position(
				|input| matches!((input.source, output.target), (Source::State(a), Target::State(b)) if a == b),
			);
			let unneeded = old.is_none_or(|old| {
				let last = self.values.last_uses[old];
				last < operation || (last == operation && lower::is_elementwise(kind))
			});
			if unneeded && self.values.targets[root].is_none() {
				self.values.targets[root] = Some(word);
			}
		}
	}

	fn plan_operations(&mut self) -> Result<(), EngineError> {
		self.choose_targets();
		let checked = self.checked;
		let inputs = checked.program().inputs.len();
		for (index, operation) in checked.program().operations.iter().enumerate() {
			let value = inputs + index;
			let operands: Vec<_> = operation
				.operands
				.iter()
				.map(|operand| &checked.types()[*operand as usize])
				.collect();
			let described = lower::Operation {
				kind: &operation.kind,
				operands: &operands,
				result: &checked.types()[value],
				multiprocessors: self.multiprocessors,
			};
			let words = lower::word_count(described.result)?;
			let mut dying: Vec<usize> = operation
				.operands
				.iter()
				.map(|operand| self.values.roots[*operand as usize])
				.filter(|root| *root >= inputs && self.values.last_uses[*root] == index)
				.filter(|root| self.values.targets[*root].is_none())
				.collect();
			dying.sort_unstable();
			dying.dedup();
			let root = self.values.roots[value];
			let place = if root != value {
				self.places[root]
			} else if let Some(word) = self.values.targets[value] {
				Place::Own(word)
			} else {
				let heir = dying.iter().position(|root| {
					lower::is_elementwise(&operation.kind)
						&& lower::word_count(&checked.types()[*root]).is_ok_and(|of| of == words)
				});
				match heir {
					Some(heir) => self.places[dying.swap_remove(heir)],
					None => Place::Own(self.free.take(words)),
				}
			};
			self.places.push(place);
			let needed = lower::scratch_words(&described)?;
			let scratch = self.free.take(needed);
			self.scratch.push(scratch);
			self.free.give_back(scratch, needed);
			// A value that dies as a reshape's operand has the reshape's root, and dies with that.
			for root in dying {
				if let Place::Own(start) = self.places[root] {
					let words = lower::word_count(&checked.types()[root])?;
					self.free.give_back(start, words);
				}
			}
		}
		Ok(())
	}

	/// What outputs are not yet where they belong. A state tensor that becomes another one is saved first, as it may
	/// be overwritten.
	fn plan_copies(&mut self) {
		let checked = self.checked;
		let inputs = checked.program().inputs.len();
		let mut later = Vec::new();
		for output in &checked.program().outputs {
			let root = self.values.roots[output.value as usize];
			let place = self.places[root];
			let Some(to) = self.word_of(output.target) else {
				continue;
			};
			if place == Place::Own(to) {
				continue;
			}
			let words = checked.types()[root].shape.elements().unwrap_or(0) as usize;
			let mut from = place;
			if root < inputs && matches!(place, Place::Own(_)) {
				let saved = self.free.take(words);
				self.copies.push(Transfer {
					from,
					to: saved,
					words,
				});
				from = Place::Own(saved);
			}
			later.push(Transfer { from, to, words });
		}
		self.copies.append(&mut later);
	}
}

/// Memory that is free again, in the order of its place.
struct Free {
	/// The word after all memory that was ever taken.
	end: usize,
	/// Start and length of each free part before that.
	holes: Vec<(usize, usize)>,
}

impl Free {
	/// Takes the smallest part that suffices.
	fn take(&mut self, words: usize) -> usize {
		let words = words.next_multiple_of(PART);
		if words == 0 {
			return self.end;
		}
		let fitting = self.holes.iter().enumerate();
		let fitting = fitting.filter(|(_, (_, length))| *length >= words);
		if let Some((hole, (start, length))) = fitting.min_by_key(|(_, (_, length))| *length) {
			let (start, length) = (*start, *length);
			if length == words {
				self.holes.remove(hole);
			} else {
				self.holes[hole] = (start + words, length - words);
			}
			return start;
		}
		// The last part may grow.
		if let Some((start, length)) = self.holes.last().copied() {
			if start + length == self.end {
				self.holes.pop();
				self.end = start + words;
				return start;
			}
		}
		self.end += words;
		self.end - words
	}

	fn give_back(&mut self, start: usize, words: usize) {
		let words = words.next_multiple_of(PART);
		if words == 0 {
			return;
		}
		let at = self.holes.partition_point(|(before, _)| *before < start);
		self.holes.insert(at, (start, words));
		for at in [at + 1, at] {
			if at == 0 || at >= self.holes.len() {
				continue;
			}
			let (start, length) = self.holes[at];
			let (before, of_before) = self.holes[at - 1];
			if before + of_before == start {
				self.holes[at - 1] = (before, of_before + length);
				self.holes.remove(at);
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn memory_that_is_given_back_is_taken_again_and_joined() {
		let mut free = Free {
			end: 0,
			holes: vec![],
		};
		let parts: Vec<usize> = (0..4).map(|_| free.take(PART)).collect();
		assert_eq!(free.end, 4 * PART);
		free.give_back(parts[0], PART);
		free.give_back(parts[2], PART);
		free.give_back(parts[1], 1);
		assert_eq!(free.holes, [(0, 3 * PART)]);
		assert_eq!(free.take(2 * PART), 0);
		assert_eq!(free.take(PART + 1), 4 * PART, "what is left is too small");
		assert_eq!(free.take(0), free.end, "nothing takes nothing");
		free.give_back(4 * PART, 2 * PART);
		assert_eq!(free.take(3 * PART), 4 * PART, "the last part grows");
		assert_eq!(free.end, 7 * PART);
	}
}
