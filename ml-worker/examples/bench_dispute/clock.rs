//! The time that this thread has had a processor. It does not count while others have it.

use std::time::Duration;

/// Linux's number of the clock of the calling thread.
const THREAD_CLOCK: i32 = 3;

/// C's `struct timespec` where pointers have 64 bits.
#[repr(C)]
struct TimeSpec {
	seconds: i64,
	nanoseconds: i64,
}

extern "C" {
	fn clock_gettime(clock: i32, time: *mut TimeSpec) -> i32;
}

fn now() -> Duration {
	let mut time = TimeSpec {
		seconds: 0,
		nanoseconds: 0,
	};
	// SAFETY: the function is C's, which the standard library links, and writes one `timespec`.
	let refused = unsafe { clock_gettime(THREAD_CLOCK, &mut time) };
	assert_eq!(
		refused, 0,
		"this system has no clock of a thread's own time"
	);
	Duration::new(time.seconds as u64, time.nanoseconds as u32)
}

/// What this gives, and how long it took.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (R, Duration) {
	let start = now();
	let done = work();
	(done, now() - start)
}

/// The shortest of so many times.
pub(crate) fn best<R>(times: u32, mut work: impl FnMut() -> R) -> Duration {
	let times = (0..times).map(|_| timed(&mut work).1);
	times.min().unwrap_or_default()
}
