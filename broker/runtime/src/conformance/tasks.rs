//! Tasks and randomness.

use super::{PATIENCE, pause, within};
use crate::{Aborted, Runtime, Task};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

pub(super) async fn a_task_gives_its_output<R: Runtime>(rt: &R) {
    let output = rt.spawn("sum", async { 20 + 22 }).await;
    assert_eq!(output, Ok(42));
}

pub(super) async fn a_task_runs_without_being_awaited<R: Runtime>(rt: &R) {
    let (mut here, there) = duplex(8);
    let task = rt.spawn("teller", tell(there));
    assert_told(rt, &mut here).await;
    assert_eq!(task.await, Ok(()));
}

pub(super) async fn a_detached_task_runs<R: Runtime>(rt: &R) {
    let (mut here, there) = duplex(8);
    rt.spawn_detached("teller", tell(there));
    assert_told(rt, &mut here).await;
}

pub(super) async fn dropping_the_handle_detaches<R: Runtime>(rt: &R) {
    let (mut here, there) = duplex(8);
    let inner = rt.clone();
    drop(rt.spawn("teller", async move {
        pause(&inner, 5).await;
        tell(there).await;
    }));
    assert_told(rt, &mut here).await;
}

pub(super) async fn an_aborted_task_stops_and_says_so<R: Runtime>(rt: &R) {
    let (mut here, there) = duplex(8);
    let inner = rt.clone();
    let task = rt.spawn("teller", async move {
        inner.sleep_until(inner.now() + PATIENCE * 100).await;
        tell(there).await;
    });
    pause(rt, 5).await;
    task.abort();
    assert_eq!(within(rt, PATIENCE, task).await, Some(Err(Aborted)), "an aborted task ends as Aborted");
    let mut told = Vec::new();
    here.read_to_end(&mut told).await.expect("a pipe can be read");
    assert!(told.is_empty(), "an aborted task went on");
}

pub(super) async fn aborting_a_finished_task_keeps_its_output<R: Runtime>(rt: &R) {
    let (mut here, there) = duplex(8);
    let task = rt.spawn("teller", async move {
        tell(there).await;
        7
    });
    assert_told(rt, &mut here).await;
    // The pipe closes just before the task is over, and a busy machine may stop it right there.
    pause(rt, 500).await;
    task.abort();
    assert_eq!(task.await, Ok(7));
}

pub(super) async fn an_abort_drops_the_future<R: Runtime>(rt: &R) {
    let (mut here, there) = duplex(8);
    let inner = rt.clone();
    let task = rt.spawn("holder", async move {
        let _held = there;
        inner.sleep_until(inner.now() + PATIENCE * 100).await;
    });
    pause(rt, 5).await;
    task.abort();
    let mut rest = Vec::new();
    let closed = within(rt, PATIENCE, here.read_to_end(&mut rest)).await;
    assert!(closed.is_some(), "what an aborted task held was not dropped");
}

pub(super) async fn draws_differ<R: Runtime>(rt: &R) {
    let mut seen: BTreeSet<u64> = (0..1000).map(|_| rt.draw()).collect();
    for _ in 0..4 {
        let inner = rt.clone();
        let drawn = rt.spawn("drawer", async move { (0..1000).map(|_| inner.draw()).collect::<Vec<u64>>() });
        seen.extend(drawn.await.expect("nobody aborts a drawer"));
    }
    assert_eq!(seen.len(), 5000, "64-bit draws repeat");
}

pub(super) async fn draws_use_every_bit<R: Runtime>(rt: &R) {
    let (mut ever, mut always) = (0, u64::MAX);
    for _ in 0..200 {
        let drawn = rt.draw();
        ever |= drawn;
        always &= drawn;
    }
    assert_eq!((ever, always), (u64::MAX, 0), "some bit never changes");
}

async fn tell(mut there: DuplexStream) {
    there.write_all(b"done").await.expect("the other end waits");
}

async fn assert_told<R: Runtime>(rt: &R, here: &mut DuplexStream) {
    let mut told = [0; 4];
    let read = within(rt, PATIENCE, here.read_exact(&mut told)).await;
    read.expect("the task never ran").expect("the task told only a part");
    assert_eq!(&told, b"done");
}
