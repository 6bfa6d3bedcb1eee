//! What a worker has in memory of tasks and disputes: programs, data and states of some size.

use std::{collections::HashMap, hash::Hash};

/// For how many blocks what has no open duty stays: between two rounds a trainer has none, and between two of
/// its moves a party of a dispute.
const IDLE_BLOCKS: u32 = 40;
/// How much without an open duty stays at most.
const IDLE: usize = 4;

/// What is kept of each of several, by their numbers, and the block at which it was last of use.
pub(super) struct Memory<K, T> {
	kept: HashMap<K, (T, u32)>,
}

impl<K, T> Default for Memory<K, T> {
	fn default() -> Self {
		Memory {
			kept: HashMap::new(),
		}
	}
}

impl<K: Copy + Ord + Hash, T> Memory<K, T> {
	/// What is kept under this number; it is of use at this block.
	pub(super) fn get(&mut self, number: K, block: u32) -> Option<&T> {
		let (kept, used) = self.kept.get_mut(&number)?;
		*used = block;
		Some(kept)
	}

	/// Keeps something under this number.
	pub(super) fn insert(&mut self, number: K, kept: T, block: u32) {
		self.kept.insert(number, (kept, block));
	}

	/// Lets go of what is kept under this number.
	pub(super) fn remove(&mut self, number: K) {
		self.kept.remove(&number);
	}

	/// Lets go of what has not been of use for long; what is in `open` is of use at this block.
	pub(super) fn sweep(&mut self, open: &[K], block: u32) {
		for number in open {
			self.get(*number, block);
		}
		self.kept
			.retain(|_, (_, used)| used.saturating_add(IDLE_BLOCKS) > block);
		let mut idle: Vec<(u32, K)> = self
			.kept
			.iter()
			.filter(|(number, _)| !open.contains(number))
			.map(|(number, (_, used))| (*used, *number))
			.collect();
		idle.sort_unstable();
		let too_many = idle.len().saturating_sub(IDLE);
		for (_, number) in idle.into_iter().take(too_many) {
			self.kept.remove(&number);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_task_stays_between_two_duties_and_leaves_after_the_last() {
		let mut memory = Memory::default();
		memory.insert(7, "run", 100);
		memory.sweep(&[7], 150);
		memory.sweep(&[], 150 + IDLE_BLOCKS - 1);
		assert_eq!(memory.get(7, 150), Some(&"run"));
		memory.sweep(&[], 150 + IDLE_BLOCKS);
		assert_eq!(memory.get(7, 200), None);
	}

	#[test]
	fn of_many_tasks_those_stay_that_are_open_or_were_last_of_use() {
		let mut memory = Memory::default();
		for task in 0..20 {
			memory.insert(task, task, 100 + task);
		}
		let open: Vec<u32> = (0..8).collect();
		memory.sweep(&open, 120);
		let kept: Vec<u32> = (0..20)
			.filter(|task| memory.get(*task, 120).is_some())
			.collect();
		let idle = 20 - IDLE as u32..20;
		assert_eq!(kept, open.into_iter().chain(idle).collect::<Vec<_>>());
	}
}
