//! Counts the bytes that this thread has allocated and not freed.
//!
//! A seed runs on one thread with everything that belongs to it, so this is what the simulated world uses: brokers,
//! clients, disks and checkers. The binary installs [`Counting`] as its allocator; without it nothing is counted.

// The one unsafe trait of the simulator: it forwards to the system's allocator and counts.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static IN_USE: Cell<i64> = const { Cell::new(0) };
}

/// Bytes that this thread has allocated and not freed.
pub fn in_use() -> u64 {
    IN_USE.with(|bytes| bytes.get().max(0) as u64)
}

/// The system's allocator, counted by thread.
pub struct Counting;

fn count(bytes: i64) {
    // A thread that is ending has no counter any more.
    let _ = IN_USE.try_with(|in_use| in_use.set(in_use.get() + bytes));
}

// SAFETY: every call goes to `System` with the caller's own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: the caller's contract is the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
