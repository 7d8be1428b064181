//! Writing an answer: a list of buffers, out in as few system calls as the socket allows.

use bytes::{Buf, Bytes};
use std::io::{self, IoSlice};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Buffers handed to one system call; Linux takes 1,024 at most.
const SLICES_MAX: usize = 64;

/// Writes all of `parts`, in order.
pub async fn write_all<W: AsyncWrite + Unpin>(writer: &mut W, parts: &mut [Bytes]) -> io::Result<()> {
    let mut first = 0;
    loop {
        while first < parts.len() && parts[first].is_empty() {
            first += 1;
        }
        if first == parts.len() {
            return Ok(());
        }
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let used = parts[first..].len().min(SLICES_MAX);
        for (slice, part) in slices.iter_mut().zip(&parts[first..]) {
            *slice = IoSlice::new(part);
        }
        let mut written = writer.write_vectored(&slices[..used]).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        for part in &mut parts[first..] {
            let here = written.min(part.len());
            part.advance(here);
            written -= here;
            if written == 0 {
                break;
            }
        }
    }
}
