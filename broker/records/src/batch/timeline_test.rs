//! The same as reading the records, without their memory.

use super::super::{BatchBuilder, records};
use super::*;
use crate::compression::CompressionError;
use bytes::Bytes;
use model::LeaderEpoch;
use proptest::prelude::*;

const ALL: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

fn batch(how: Compression, records: &[(i64, usize)]) -> Bytes {
    let mut builder = BatchBuilder::new(Offset(100), LeaderEpoch(3)).compression(how);
    for (timestamp, len) in records {
        builder.push(Timestamp(*timestamp), None, Some(&vec![7; *len]));
    }
    builder.build()
}

proptest! {
    #[test]
    fn it_agrees_with_the_records(told in prop::collection::vec((0..i32::MAX, 0..20_000usize), 1..20)) {
        let told: Vec<_> = told.into_iter().map(|(timestamp, len)| (timestamp.into(), len)).collect();
        for how in ALL {
            let batch = batch(how, &told);
            let seen: Result<Vec<_>, _> = Timeline::new(&batch, 1 << 20).unwrap().collect();
            let expected: Result<Vec<_>, _> =
                records(&batch).map(|record| record.map(|record| (record.offset, record.timestamp))).collect();
            prop_assert_eq!(seen, expected, "{}", how.name());
        }
    }

    #[test]
    fn damage_never_panics_and_ends_it(at: prop::sample::Index, byte: u8) {
        for how in ALL {
            let mut damaged = batch(how, &[(5, 100), (6, 3000), (7, 0)]).to_vec();
            let at = at.index(damaged.len());
            damaged[at] = byte;
            let Ok(timeline) = Timeline::new(&damaged, 4000) else { continue };
            prop_assert!(timeline.count() <= 3 || at < HEADER_LEN);
        }
    }
}

#[test]
fn no_more_is_decompressed_than_allowed() {
    for how in &ALL[1..] {
        let batch = batch(*how, &[(1, 10), (2, 100_000), (3, 10)]);
        let mut timeline = Timeline::new(&batch, 50_000).unwrap();
        assert_eq!(timeline.next(), Some(Ok((Offset(100), Timestamp(1)))), "{}", how.name());
        assert_eq!(timeline.next(), Some(Ok((Offset(101), Timestamp(2)))), "{}", how.name());
        let refused = BatchError::Compression(CompressionError::TooLarge { cap_bytes: 50_000 });
        assert_eq!(timeline.next(), Some(Err(refused)), "{}", how.name());
        assert_eq!((timeline.next(), timeline.read_bytes()), (None, 50_000), "{}", how.name());
    }
}

#[test]
fn a_block_of_snappy_beyond_the_working_memory_is_refused() {
    let input = vec![0; WORKING_BYTES_MAX + 1];
    let bare = snap::raw::Encoder::new().compress_vec(&input).unwrap();
    let mut stream = compression::stream(Compression::Snappy, &bare, WORKING_BYTES_MAX).unwrap();
    let error = stream.read(&mut [0; 16]).unwrap_err();
    let refused = CompressionError::TooLarge { cap_bytes: 9 };
    assert_eq!(compression::failed(Compression::Snappy, &error, 9), refused);
}

#[test]
fn a_window_of_zstd_beyond_the_working_memory_is_refused() {
    // A frame's header: magic, no checksum, no content size, a window of 2^27 bytes; then an empty last block.
    let huge = [0x28, 0xb5, 0x2f, 0xfd, 0, (27 - 10) << 3, 1, 0, 0];
    let allowed = [0x28, 0xb5, 0x2f, 0xfd, 0, (23 - 10) << 3, 1, 0, 0];
    let read = |frame: &[u8]| {
        compression::stream(Compression::Zstd, frame, WORKING_BYTES_MAX).unwrap().read(&mut [0; 16]).ok()
    };
    assert_eq!((read(&huge), read(&allowed)), (None, Some(0)));
}
