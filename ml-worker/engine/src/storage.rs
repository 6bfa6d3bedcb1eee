//! The memory of a run, as the plan lays it out.

use crate::{
	buffer::{as_u32_mut, Buffer},
	commit::words,
	plan::{Memory, Plan, Root},
};
use repops::{
	interpret::{Bindings, RunError},
	program::Source,
};
use std::{borrow::Cow, sync::Mutex};

/// Everything that stages read and write.
pub(crate) struct Storage<'data> {
	pub(crate) slots: Vec<Buffer>,
	/// What is only borrowed of the program's inputs; nothing for those with a slot.
	inputs: Vec<&'data [f32]>,
	/// The packed part of a matrix.
	pub(crate) packed: Buffer,
	/// For each worker rows of a product that is not kept.
	pub(crate) rows: Vec<Mutex<Buffer>>,
	/// For each worker packed rows of a left matrix.
	pub(crate) left: Vec<Mutex<Buffer>>,
	/// For each worker what products of stacks take.
	pub(crate) scratch: Vec<Mutex<Buffer>>,
	/// For each worker the registers of elementwise operations.
	pub(crate) registers: Vec<Mutex<Buffer>>,
}

impl<'data> Storage<'data> {
	/// Takes the memory and copies or borrows what the program reads.
	pub(crate) fn new(
		plan: &Plan,
		workers: usize,
		bindings: &Bindings<'data>,
	) -> Result<Self, RunError> {
		// Everything is looked at before memory is taken.
		let mut inputs: Vec<&'data [f32]> = Vec::with_capacity(plan.inputs.len());
		for input in &plan.inputs {
			let source = input.source;
			let value = bindings.get(source).ok_or(RunError::Missing(source))?;
			if value.kind() != input.kind {
				let (expected, found) = (input.kind.clone(), value.kind());
				return Err(RunError::Type {
					source,
					expected,
					found,
				});
			}
			value.check().map_err(|_| RunError::Malformed(source))?;
			inputs.push(match value {
				Cow::Borrowed(tensor) => words(tensor),
				// Seed and position, which are written to their slots below.
				Cow::Owned(_) => &[],
			});
		}
		let per_worker = |length: usize| {
			(0..workers)
				.map(|_| Mutex::new(Buffer::zeroed(length)))
				.collect()
		};
		let mut storage = Storage {
			slots: plan
				.slots
				.iter()
				.map(|length| Buffer::zeroed(*length))
				.collect(),
			inputs,
			packed: Buffer::zeroed(plan.packed),
			rows: per_worker(plan.rows),
			left: per_worker(plan.left),
			scratch: per_worker(plan.scratch),
			registers: per_worker(plan.registers),
		};
		for (tensor, slot) in plan.state.iter().enumerate() {
			// Also what the program doesn't read: it is the state until a step has written it.
			if let Some(tensor) = bindings.state.get(tensor) {
				let elements = words(tensor);
				let length = elements.len().min(storage.slots[*slot].len());
				storage.slots[*slot][..length].copy_from_slice(&elements[..length]);
			}
		}
		storage.write_words(plan, Source::Seed, &bindings.seed.words());
		storage.set_position(plan, bindings.position);
		Ok(storage)
	}

	/// Says which batch the next run is for.
	pub(crate) fn set_position(&mut self, plan: &Plan, position: u64) {
		self.write_words(
			plan,
			Source::Position,
			&[position as u32, (position >> 32) as u32],
		);
	}

	fn write_words(&mut self, plan: &Plan, source: Source, words: &[u32]) {
		for input in plan.inputs.iter().filter(|input| input.source == source) {
			if let Some(slot) = input.slot {
				as_u32_mut(&mut self.slots[slot])[..words.len()].copy_from_slice(words);
			}
		}
	}

	/// The elements of a root.
	pub(crate) fn view(&self, plan: &Plan, root: Root) -> &[f32] {
		let place = plan.places[root];
		match place.memory {
			Memory::Slot(slot) => &self.slots[slot][..place.length],
			Memory::Input(input) => self.inputs[input],
			Memory::Nowhere => &[],
		}
	}

	/// Takes a root's memory out, so that it can be written while the rest is read.
	pub(crate) fn take(&mut self, plan: &Plan, root: Root) -> Buffer {
		match plan.places[root].memory {
			Memory::Slot(slot) => std::mem::replace(&mut self.slots[slot], Buffer::empty()),
			Memory::Input(_) | Memory::Nowhere => Buffer::empty(),
		}
	}

	/// Puts back what was taken out.
	pub(crate) fn put_back(&mut self, plan: &Plan, root: Root, buffer: Buffer) {
		if let Memory::Slot(slot) = plan.places[root].memory {
			self.slots[slot] = buffer;
		}
	}
}
