//! What a wasm module without `std` needs to live: a heap, and an end for panics.

use core::{
	alloc::{GlobalAlloc, Layout},
	arch::wasm32,
	sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

const PAGE: usize = 65_536;

extern "C" {
	/// Where the linker's own data ends.
	static __heap_base: u8;
}

/// Memory is taken from the heap's end; only what was taken last is given back before the next question.
struct Heap {
	end: AtomicUsize,
}

#[global_allocator]
static HEAP: Heap = Heap {
	end: AtomicUsize::new(0),
};

impl Heap {
	fn clear(&self) {
		self.end.store(&raw const __heap_base as usize, Relaxed);
	}
}

// SAFETY: the module has one thread; each block lies between the old end and the new one, in memory that has
// been grown to hold it, and is aligned.
unsafe impl GlobalAlloc for Heap {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		let start = self.end.load(Relaxed).next_multiple_of(layout.align());
		let Some(end) = start.checked_add(layout.size()) else {
			return core::ptr::null_mut();
		};
		let have = wasm32::memory_size(0) * PAGE;
		if end > have && wasm32::memory_grow(0, (end - have).div_ceil(PAGE)) == usize::MAX {
			return core::ptr::null_mut();
		}
		self.end.store(end, Relaxed);
		start as *mut u8
	}

	unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
		if block as usize + layout.size() == self.end.load(Relaxed) {
			self.end.store(block as usize, Relaxed);
		}
	}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
	wasm32::unreachable()
}

/// Forgets everything and gives the place of so many bytes.
#[no_mangle]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
	HEAP.clear();
	alloc::vec::Vec::with_capacity(length).leak().as_mut_ptr()
}
