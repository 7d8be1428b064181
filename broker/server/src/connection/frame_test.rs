//! Frames out of a stream that arrives in any pieces.

use super::*;
use proptest::prelude::*;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::ReadBuf;

/// A stream that hands over the given chunks, then ends.
struct Chunks(Vec<Vec<u8>>);

impl AsyncRead for Chunks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.retain(|chunk| !chunk.is_empty());
        if let Some(chunk) = self.0.first_mut() {
            let taken = chunk.len().min(buf.remaining());
            buf.put_slice(&chunk[..taken]);
            chunk.drain(..taken);
        }
        Poll::Ready(Ok(()))
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the test stream never waits"),
    }
}

async fn next<S: AsyncRead + Unpin>(reader: &mut FrameReader<S>) -> Result<Bytes, FrameError> {
    let length = reader.length().await?;
    if let Some(frame) = reader.whole(length) {
        return Ok(frame);
    }
    loop {
        if let Some(frame) = reader.step(length).await? {
            return Ok(frame);
        }
    }
}

#[test]
fn a_claimed_length_is_not_paid_for_in_advance() {
    let mut reader =
        FrameReader::new(Chunks(vec![100_000_000i32.to_be_bytes().to_vec()]), 104_857_600, room());
    let length = block_on(reader.length()).unwrap();
    assert_eq!(length, 100_000_000);
    assert!(reader.ahead.capacity() <= 2 * CREDIT_MIN);
    assert!(matches!(block_on(reader.step(length)), Err(FrameError::Broken(_))));
}

/// A frame of so many bytes, of which so many arrive.
fn claimed(length: usize, bytes: usize) -> Vec<u8> {
    let mut said = (length as i32).to_be_bytes().to_vec();
    said.resize(4 + bytes, 0);
    said
}

#[test]
fn one_huge_frame_is_no_credit_for_the_next() {
    const HUGE: usize = 32 << 20;
    let room = Room::new(HUGE, HUGE);
    let said = [claimed(HUGE, HUGE), claimed(HUGE, 0)].concat();
    let mut reader = FrameReader::new(Stalled(said), HUGE, room.clone());
    assert_eq!(block_on(next(&mut reader)).unwrap().len(), HUGE);
    reader.let_go();
    read_on(&mut reader);
    assert!(reader.frame.capacity() <= CREDIT_MAX, "{} bytes for a prefix", reader.frame.capacity());
    let held = reader.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    assert!(held * 1024 <= CREDIT_MAX, "{held} KiB for a prefix");
}

#[test]
fn a_connection_of_ordinary_large_frames_is_given_each_at_once() {
    // The largest batch that a client sends by default, and what a request has around it.
    const LARGE: usize = (1 << 20) + 200;
    let said = [claimed(LARGE, LARGE), claimed(LARGE, 0)].concat();
    let mut reader = FrameReader::new(Stalled(said), LARGE, room());
    assert_eq!(block_on(next(&mut reader)).unwrap().len(), LARGE);
    reader.let_go();
    read_on(&mut reader);
    assert_eq!(reader.frame.capacity(), LARGE);
}

#[test]
fn a_frame_takes_no_more_memory_than_it_has_room_for() {
    let length = 700_000;
    for bytes in [0, 10_000, 20_000, 100_000, 300_000, 500_000, 699_999] {
        let mut reader = FrameReader::new(Stalled(claimed(length, bytes)), length, room());
        read_on(&mut reader);
        let held = reader.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let capacity = reader.frame.capacity();
        assert!(capacity <= FREE_BYTES + held * 1024, "{capacity} bytes, {held} KiB held");
        assert!(capacity <= 2 * bytes + CREDIT_MIN, "{capacity} bytes, {bytes} arrived");
    }
}

fn room() -> Room {
    Room::new(1 << 20, 1 << 20)
}

/// A stream that has said so much and says nothing more, but stays open.
struct Stalled(Vec<u8>);

impl AsyncRead for Stalled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        let taken = self.0.len().min(buf.remaining());
        buf.put_slice(&self.0[..taken]);
        self.0.drain(..taken);
        Poll::Ready(Ok(()))
    }
}

/// A frame of a megabyte of which so many bytes arrive.
fn stalled(bytes: usize, room: &Room) -> FrameReader<Stalled> {
    FrameReader::new(Stalled(claimed(1 << 20, bytes)), 1 << 20, room.clone())
}

/// Reads on as far as it goes.
fn read_on(reader: &mut FrameReader<Stalled>) {
    let next = std::pin::pin!(next(reader));
    assert!(next.poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
}

#[test]
fn half_frames_hold_no_more_than_the_room_together() {
    let room = Room::new(1 << 20, 1 << 20);
    let mut readers: Vec<_> = (0..40).map(|_| stalled(900_000, &room)).collect();
    readers.iter_mut().for_each(read_on);
    let held: usize = readers.iter().map(|reader| reader.frame.capacity()).sum();
    assert!(held <= (1 << 20) + 40 * (FREE_BYTES + 1024), "{held}");
    assert!(room.is_short());
    drop(readers);
    assert!(!room.is_short());
}

#[test]
fn a_small_frame_needs_no_room() {
    let room = Room::new(1 << 20, 1 << 20);
    let mut greedy = stalled(1_000_000, &room);
    read_on(&mut greedy);
    assert!(room.is_short() && greedy.progress().0);
    let mut small = stalled(FREE_BYTES / 2, &room);
    read_on(&mut small);
    assert_eq!(small.progress(), (false, FREE_BYTES / 2), "all that was said has been read");
}

#[test]
fn a_frame_keeps_its_room_until_it_is_let_go() {
    let room = Room::new(1 << 20, 1 << 20);
    let mut reader = FrameReader::new(Stalled(claimed(1 << 20, 1 << 20)), 1 << 20, room.clone());
    assert_eq!(block_on(next(&mut reader)).unwrap().len(), 1 << 20);
    assert!(room.is_short());
    reader.let_go();
    assert!(!room.is_short());
}

#[test]
fn lengths_out_of_bounds_lose_the_framing() {
    for length in [-1, 0, 7, 1001, i32::MAX, i32::MIN] {
        let mut reader = FrameReader::new(Chunks(vec![length.to_be_bytes().to_vec()]), 1000, room());
        assert!(matches!(block_on(reader.length()), Err(FrameError::Length(l)) if l.claimed == length));
    }
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in(
        frames in prop::collection::vec((any::<u8>(), 8..60_000usize), 0..6),
        cuts in prop::collection::vec(1..20_000usize, 1..40),
    ) {
        let mut stream = Vec::new();
        for (fill, length) in &frames {
            stream.extend((*length as i32).to_be_bytes());
            stream.extend(std::iter::repeat_n(*fill, *length));
        }
        let mut chunks = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break }
            let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk.to_vec());
            rest = tail;
        }
        let mut reader = FrameReader::new(Chunks(chunks), 1 << 20, room());
        for (fill, length) in &frames {
            let frame = block_on(next(&mut reader)).unwrap();
            prop_assert!(frame.len() == *length && frame.iter().all(|byte| byte == fill));
        }
        prop_assert!(matches!(block_on(next(&mut reader)), Err(FrameError::Closed)));
    }
}
