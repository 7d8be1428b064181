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
    reader.body(length).await
}

#[test]
fn a_claimed_length_is_not_paid_for_in_advance() {
    let mut reader = FrameReader::new(Chunks(vec![100_000_000i32.to_be_bytes().to_vec()]), 104_857_600);
    let length = block_on(reader.length()).unwrap();
    assert_eq!(length, 100_000_000);
    assert!(reader.ahead.capacity() <= 2 * CREDIT_MIN);
    assert!(matches!(block_on(reader.body(length)), Err(FrameError::Broken(_))));
}

#[test]
fn lengths_out_of_bounds_lose_the_framing() {
    for length in [-1, 0, 7, 1001, i32::MAX, i32::MIN] {
        let mut reader = FrameReader::new(Chunks(vec![length.to_be_bytes().to_vec()]), 1000);
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
        let mut reader = FrameReader::new(Chunks(chunks), 1 << 20);
        for (fill, length) in &frames {
            let frame = block_on(next(&mut reader)).unwrap();
            prop_assert!(frame.len() == *length && frame.iter().all(|byte| byte == fill));
        }
        prop_assert!(matches!(block_on(next(&mut reader)), Err(FrameError::Closed)));
    }
}
