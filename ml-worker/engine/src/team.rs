//! Threads that share the work of one operation.
//!
//! An operation of a small model takes microseconds; to wake a sleeping thread takes as long. So for as long
//! as a run lasts, the pool's threads stay in a loop ([`Team::serve`]) in which they look for parts of the
//! current job, and a job is handed out in a fraction of a microsecond.

use crate::EngineError;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{
	cell::UnsafeCell,
	sync::{
		atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
		Mutex,
	},
	time::Duration,
};

/// The calling thread and a pool of helpers.
pub(crate) struct Threads {
	/// None if the calling thread works alone.
	helpers: Option<ThreadPool>,
	count: usize,
	/// Held by the run that has the helpers. Another one meanwhile works alone.
	occupied: Mutex<()>,
}

impl Threads {
	pub(crate) fn new(count: usize) -> Result<Self, EngineError> {
		// A ticket counts parts in 16 bits, and there may be a few for each thread.
		let count = count.clamp(1, 1024);
		let refuse = |error: rayon::ThreadPoolBuildError| EngineError::Threads {
			threads: count,
			reason: error.to_string(),
		};
		let helpers = match count {
			1 => None,
			_ => Some(
				ThreadPoolBuilder::new()
					.num_threads(count - 1)
					.thread_name(|index| format!("engine-{}", index + 1))
					.build()
					.map_err(refuse)?,
			),
		};
		Ok(Threads {
			helpers,
			count,
			occupied: Mutex::new(()),
		})
	}

	pub(crate) fn count(&self) -> usize {
		self.count
	}

	/// Runs `work` on the calling thread with the helpers at hand.
	pub(crate) fn enter<R>(&self, work: impl FnOnce(&Team) -> R) -> R {
		let (Some(pool), Ok(_occupied)) = (&self.helpers, self.occupied.try_lock()) else {
			return work(&Team::new(0));
		};
		let team = Team::new(self.count - 1);
		pool.in_place_scope(|scope| {
			// Declared within the scope's closure, so the helpers are dismissed before it waits for them,
			// also when `work` panics.
			let _dismissal = Dismissal(&team);
			for helper in 1..self.count {
				let team = &team;
				scope.spawn(move |_| team.serve(helper));
			}
			work(&team)
		})
	}
}

struct Dismissal<'a>(&'a Team);

impl Drop for Dismissal<'_> {
	fn drop(&mut self) {
		self.0.dismissed.store(true, Ordering::Release);
	}
}

/// A job: called with the worker's number (0 is the calling thread) and the part's.
type Job = dyn Fn(usize, usize) + Sync;

/// The threads of one run.
pub(crate) struct Team {
	helpers: usize,
	/// The current job's number of parts, and the next part that nobody has claimed; see [`Ticket`].
	ticket: AtomicU64,
	/// The current job. Written only while no part is claimed and unfinished.
	job: UnsafeCell<*const Job>,
	/// How many parts of the current job are finished.
	finished: AtomicUsize,
	dismissed: AtomicBool,
}

// SAFETY: all fields but `job` are atomics. `job` is written in `run` only, which one thread calls at a time
// (it is the one that entered; jobs don't call `run`), when every claimed part has finished. It is read only by
// the owner of a claimed, unfinished part, after an acquiring exchange on `ticket`, which `run` stored with
// release after the write.
unsafe impl Sync for Team {}

/// How often a waiting thread looks before it lets others have the CPU, and before it sleeps.
const SPINS: u32 = 4_000;
const YIELDS: u32 = 5_000;

/// Generation (32 bits), parts (16), next part (16).
#[derive(Clone, Copy)]
struct Ticket(u64);

impl Ticket {
	fn following(self, parts: usize) -> Self {
		Ticket((self.0 >> 32).wrapping_add(1) << 32 | (parts as u64) << 16)
	}

	fn parts(self) -> usize {
		(self.0 >> 16) as usize & 0xFFFF
	}

	fn next(self) -> usize {
		self.0 as usize & 0xFFFF
	}
}

impl Team {
	/// The calling thread by itself, for work within a job.
	pub(crate) fn alone() -> Self {
		Team::new(0)
	}

	fn new(helpers: usize) -> Self {
		let nothing: &Job = &|_, _| ();
		Team {
			helpers,
			ticket: AtomicU64::new(0),
			job: UnsafeCell::new(nothing),
			finished: AtomicUsize::new(0),
			dismissed: AtomicBool::new(false),
		}
	}

	/// The number of workers, the calling thread among them.
	pub(crate) fn workers(&self) -> usize {
		self.helpers + 1
	}

	/// Runs all parts of a job and returns when they have finished. It must not be called by a job.
	fn run(&self, parts: usize, job: &(dyn Fn(usize, usize) + Sync + '_)) {
		if parts <= 1 || self.helpers == 0 {
			return (0..parts).for_each(|part| job(0, part));
		}
		assert!(parts <= 0xFFFF, "a job has at most 65535 parts");
		let job: *const (dyn Fn(usize, usize) + Sync + '_) = job;
		// SAFETY: only the lifetime changes. `AllFinished` waits, also on a panic, until no part of the job is
		// running and none can be claimed; so the pointer is not used after this call.
		let job: *const Job = unsafe { std::mem::transmute(job) };
		// SAFETY: see `impl Sync`: the last call left when all parts had finished.
		unsafe { *self.job.get() = job };
		self.finished.store(0, Ordering::Relaxed);
		let ticket = Ticket(self.ticket.load(Ordering::Relaxed)).following(parts);
		self.ticket.store(ticket.0, Ordering::Release);
		let _all_finished = AllFinished(self);
		while self.work_on_a_part(0) {}
	}

	/// Claims a part of the current job and does it; false if there is none left.
	fn work_on_a_part(&self, worker: usize) -> bool {
		let mut ticket = Ticket(self.ticket.load(Ordering::Acquire));
		while ticket.next() < ticket.parts() {
			let claimed = Ticket(ticket.0 + 1);
			let exchange = self.ticket.compare_exchange_weak(
				ticket.0,
				claimed.0,
				Ordering::AcqRel,
				Ordering::Acquire,
			);
			match exchange {
				Ok(_) => {
					let _finished = PartFinished(self);
					// SAFETY: see `impl Sync`: this thread owns a claimed, unfinished part of the current job,
					// so `job` points to it, and it lives until the part has finished.
					let job = unsafe { &**self.job.get() };
					job(worker, ticket.next());
					return true;
				}
				Err(current) => ticket = Ticket(current),
			}
		}
		false
	}

	/// A helper's loop, until the run ends.
	fn serve(&self, worker: usize) {
		let mut idle = 0;
		while !self.dismissed.load(Ordering::Acquire) {
			if self.work_on_a_part(worker) {
				idle = 0;
			} else {
				pause(&mut idle);
			}
		}
	}

	/// Cuts the output into chunks of `chunk` elements, the last one maybe shorter, and calls
	/// `work(worker, index of the chunk's first element, chunk)` for each.
	pub(crate) fn for_each_chunk<T: Send>(
		&self,
		output: &mut [T],
		chunk: usize,
		work: impl Fn(usize, usize, &mut [T]) + Sync,
	) {
		let length = output.len();
		self.for_each_chunk_of(
			[output],
			length,
			chunk,
			|worker, start, [output]: [&mut [T]; 1]| work(worker, start, output),
		);
	}

	/// [`Self::for_each_chunk`] of several outputs at once. Each has `length` elements or none at all.
	pub(crate) fn for_each_chunk_of<T: Send, const N: usize>(
		&self,
		mut outputs: [&mut [T]; N],
		length: usize,
		chunk: usize,
		work: impl Fn(usize, usize, [&mut [T]; N]) + Sync,
	) {
		assert!(outputs
			.iter()
			.all(|output| output.is_empty() || output.len() == length));
		let chunk = chunk.max(1);
		let parts = length.div_ceil(chunk);
		if parts == 1 {
			return work(0, 0, outputs);
		}
		let pointers = outputs
			.each_mut()
			.map(|output| Pointer(output.as_mut_ptr(), output.len()));
		self.run(parts, &|worker, part| {
			let start = part * chunk;
			let end = length.min(start + chunk);
			let chunks = pointers.each_ref().map(|pointer| {
				if pointer.1 == 0 {
					return Default::default();
				}
				// SAFETY: `start..end` lies within the output, whose length is `length`; each part is claimed
				// once, and different parts have disjoint ranges; the outputs stay mutably borrowed until
				// `run` returns, when all parts have finished.
				unsafe { std::slice::from_raw_parts_mut(pointer.0.add(start), end - start) }
			});
			work(worker, start, chunks);
		});
	}

	/// How long a chunk of `length` equal pieces of work is if no thread shall get less than `least` of them;
	/// a multiple of `unit`.
	pub(crate) fn chunk(&self, length: usize, least: usize, unit: usize) -> usize {
		if self.helpers == 0 || length < least.saturating_mul(2) {
			return length.max(1);
		}
		// More chunks than threads: one that was interrupted then has less left over for the others to wait for.
		let wanted = length.div_ceil(self.workers() * 4).max(least);
		wanted.next_multiple_of(unit.max(1))
	}
}

struct Pointer<T>(*mut T, usize);

// SAFETY: `for_each_chunk_of` makes slices of disjoint ranges of it only, and gives each to one thread.
unsafe impl<T: Send> Sync for Pointer<T> {}

/// Counts a part as finished, also when it panics.
struct PartFinished<'a>(&'a Team);

impl Drop for PartFinished<'_> {
	fn drop(&mut self) {
		self.0.finished.fetch_add(1, Ordering::Release);
	}
}

/// Waits until every part that was claimed has finished; on a panic nobody claims the others.
struct AllFinished<'a>(&'a Team);

impl Drop for AllFinished<'_> {
	fn drop(&mut self) {
		let team = self.0;
		// Claims what is left, which is nothing unless the calling thread panics.
		let mut ticket = Ticket(team.ticket.load(Ordering::Acquire));
		loop {
			let none_left = Ticket(ticket.0 | 0xFFFF);
			match team.ticket.compare_exchange(
				ticket.0,
				none_left.0,
				Ordering::AcqRel,
				Ordering::Acquire,
			) {
				Ok(_) => break,
				Err(current) => ticket = Ticket(current),
			}
		}
		let claimed = ticket.next().min(ticket.parts());
		let mut idle = 0;
		while team.finished.load(Ordering::Acquire) < claimed {
			pause(&mut idle);
		}
	}
}

fn pause(idle: &mut u32) {
	*idle = idle.saturating_add(1);
	if *idle < SPINS {
		std::hint::spin_loop();
	} else if *idle < SPINS + YIELDS {
		std::thread::yield_now();
	} else {
		std::thread::sleep(Duration::from_micros(100));
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn threads(count: usize) -> Threads {
		Threads::new(count).expect("a few threads can be had")
	}

	#[test]
	fn every_chunk_is_done_once() {
		let threads = threads(3);
		threads.enter(|team| {
			for length in 0..200 {
				let mut output = vec![0.0; length];
				for chunk in [1, 3, 64, 300] {
					team.for_each_chunk(&mut output, chunk, |_, start, chunk| {
						for (offset, element) in chunk.iter_mut().enumerate() {
							*element += (start + offset) as f32;
						}
					});
				}
				assert!(output
					.iter()
					.enumerate()
					.all(|(at, element)| *element == 4.0 * at as f32));
			}
		});
	}

	#[test]
	fn a_second_run_works_alone_meanwhile() {
		let threads = threads(2);
		threads.enter(|outer| {
			assert_eq!(outer.workers(), 2);
			threads.enter(|inner| assert_eq!(inner.workers(), 1));
		});
	}

	#[test]
	fn a_panic_of_a_part_reaches_the_caller() {
		let threads = threads(2);
		for culprit in 0..8 {
			let run = std::panic::AssertUnwindSafe(|| {
				threads.enter(|team| {
					let mut output = [0.0; 8];
					team.for_each_chunk(&mut output, 1, |_, start, _| {
						assert!(start != culprit, "as planned")
					});
				})
			});
			assert!(std::panic::catch_unwind(run).is_err());
		}
		threads.enter(|team| assert!(team.workers() <= 2));
	}
}
