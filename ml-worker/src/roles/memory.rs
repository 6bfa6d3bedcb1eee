//! The tasks that a worker has in memory: programs, data and states of some size.

use pouw_primitives::TaskId;
use std::collections::HashMap;

/// For how many blocks a task without an open duty stays: between two rounds a trainer has none.
const IDLE_BLOCKS: u32 = 40;
/// How many tasks without an open duty stay at most.
const IDLE_TASKS: usize = 4;

/// What is kept of tasks, and the block at which each was last of use.
pub(super) struct Memory<T> {
	kept: HashMap<TaskId, (T, u32)>,
}

impl<T> Default for Memory<T> {
	fn default() -> Self {
		Memory {
			kept: HashMap::new(),
		}
	}
}

impl<T> Memory<T> {
	/// What is kept of a task that is of use at this block.
	pub(super) fn get(&mut self, task: TaskId, block: u32) -> Option<&T> {
		let (kept, used) = self.kept.get_mut(&task)?;
		*used = block;
		Some(kept)
	}

	/// Keeps something of a task.
	pub(super) fn insert(&mut self, task: TaskId, kept: T, block: u32) {
		self.kept.insert(task, (kept, block));
	}

	/// Lets go of a task.
	pub(super) fn remove(&mut self, task: TaskId) {
		self.kept.remove(&task);
	}

	/// Lets go of the tasks that have not been of use for long; those in `open` are of use at this block.
	pub(super) fn sweep(&mut self, open: &[TaskId], block: u32) {
		for task in open {
			self.get(*task, block);
		}
		self.kept
			.retain(|_, (_, used)| used.saturating_add(IDLE_BLOCKS) > block);
		let mut idle: Vec<(u32, TaskId)> = self
			.kept
			.iter()
			.filter(|(task, _)| !open.contains(task))
			.map(|(task, (_, used))| (*used, *task))
			.collect();
		idle.sort_unstable();
		let too_many = idle.len().saturating_sub(IDLE_TASKS);
		for (_, task) in idle.into_iter().take(too_many) {
			self.kept.remove(&task);
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
		let open: Vec<TaskId> = (0..8).collect();
		memory.sweep(&open, 120);
		let kept: Vec<TaskId> = (0..20)
			.filter(|task| memory.get(*task, 120).is_some())
			.collect();
		let idle = 20 - IDLE_TASKS as u32..20;
		assert_eq!(kept, open.into_iter().chain(idle).collect::<Vec<_>>());
	}
}
