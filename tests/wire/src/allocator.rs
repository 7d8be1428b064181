//! An allocator that counts the bytes asked for on this thread, freed or not: a stricter bound than memory held.

// A global allocator can't be written without unsafe; it only counts and passes on. The count is of a thread.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting. A test makes it its `#[global_allocator]`.
pub struct Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.with(|asked| asked.set(asked.get() + layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ASKED.with(|asked| asked.set(asked.get() + size));
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Bytes that reading `read` asked for, with what it gave.
pub fn counted<T>(read: impl FnOnce() -> T) -> (T, usize) {
    let before = ASKED.with(Cell::get);
    let read = read();
    (read, ASKED.with(Cell::get) - before)
}
