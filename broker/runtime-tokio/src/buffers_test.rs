//! Buffers come back, a bounded number of them, and never show more than was read.

use super::*;

#[test]
fn a_buffer_is_used_again_after_its_last_reader() {
    let buffers = Buffers::default();
    let mut lent = buffers.lend(100_000);
    lent.as_mut().fill(7);
    let first = lent.freeze(90_000);
    let address = first.as_ptr();
    let part = first.slice(10..20);
    drop(first);
    assert_ne!(buffers.lend(100_000).as_ref().as_ptr(), address, "lent out twice");
    drop(part);
    assert!(buffers.free.lock().unwrap().iter().any(|buffer| buffer.as_ptr() == address));
}

#[test]
fn few_are_kept_and_neither_small_nor_huge_ones() {
    let buffers = Buffers::default();
    for len in [10, REUSED_FROM - 1, REUSED_TO + 1] {
        assert_eq!(buffers.lend(len).as_ref().len(), len);
    }
    assert_eq!(buffers.free.lock().unwrap().len(), 0);
    let lent: Vec<Lent> = (0..KEPT_MAX + 3).map(|_| buffers.lend(REUSED_FROM)).collect();
    drop(lent);
    assert_eq!(buffers.free.lock().unwrap().len(), KEPT_MAX);
}
