//! What a thread has allocated, counted.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator, and how much of it is in use.
pub(crate) struct Counting;

thread_local! {
    // Neither is dropped nor made on first use, so the allocator may look at them at any time.
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// Bytes in use by this thread now; from here on counts the most anew.
pub(crate) fn in_use() -> isize {
    MOST.set(IN_USE.get());
    IN_USE.get()
}

/// Bytes in use at most since then.
pub(crate) fn most_in_use() -> isize {
    MOST.get()
}

fn count(bytes: isize) {
    IN_USE.set(IN_USE.get() + bytes);
    MOST.set(MOST.get().max(IN_USE.get()));
}

// SAFETY: every call goes to the system's allocator as it is; counting changes nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}
