//! Decompression bombs: how much a batch decompresses to decides neither how much memory is taken for it, nor how much
//! work it is.
//!
//! Zstandard is C and allocates past the counting allocator: its window is bounded in a test of its own, beside
//! `records::batch::Timeline`.

use bytes::Bytes;
use model::{LeaderEpoch, Offset, Timestamp};
use records::batch::{
    BatchBuilder, BatchError, Compression, HEADER_LEN, LENGTH_PREFIX_LEN, Timeline, records_capped,
};
use records::compression::CompressionError;
use tidemark_wire_tests::allocator::{Counting, counted};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ALL: [Compression; 4] = [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// What the bombs decompress to.
const BOMB_LEN: usize = 6 << 20;

/// What may be decompressed of them.
const LIMIT: usize = 4 << 20;

/// What one may take in memory, whatever it decompresses to.
const FIXED: usize = 512 << 10;

fn bomb(how: Compression) -> Bytes {
    let mut builder = BatchBuilder::new(Offset(0), LeaderEpoch(0)).compression(how);
    builder.push(Timestamp(1), None, Some(&vec![0; BOMB_LEN]));
    builder.push(Timestamp(2), None, None);
    let bomb = builder.build();
    assert!(bomb.len() < BOMB_LEN / 15, "{} makes {} bytes of it", how.name(), bomb.len());
    bomb
}

#[test]
fn a_bomb_is_looked_at_in_fixed_memory_up_to_the_limit() {
    let refused = Some(Err(BatchError::Compression(CompressionError::TooLarge { cap_bytes: LIMIT })));
    for how in ALL {
        let bomb = bomb(how);
        let (last, asked) = counted(|| Timeline::new(&bomb, LIMIT as u64).unwrap().last());
        assert_eq!(last, refused, "{}", how.name());
        assert!(asked <= FIXED, "{}: {asked} bytes", how.name());
        let (seen, asked) = counted(|| Timeline::new(&bomb, 2 * LIMIT as u64).unwrap().last());
        assert_eq!(seen, Some(Ok((Offset(1), Timestamp(2)))), "{}", how.name());
        assert!(asked <= FIXED, "{}: {asked} bytes", how.name());
    }
}

#[test]
fn records_of_a_bomb_take_no_more_than_the_cap() {
    const CAP: usize = 1 << 20;
    for how in ALL {
        let bomb = bomb(how);
        let (last, asked) = counted(|| records_capped(&bomb, CAP).last());
        let refused = BatchError::Compression(CompressionError::TooLarge { cap_bytes: CAP });
        assert_eq!(last, Some(Err(refused)), "{}", how.name());
        // The output doubles as it grows: twice the cap, and everything before it once more.
        assert!(asked <= 4 * CAP + FIXED, "{}: {asked} bytes", how.name());
    }
}

#[test]
fn a_bare_block_of_snappy_is_no_way_round_it() {
    let bomb = bomb(Compression::Snappy);
    let body = snappy_block_of_zeros(64 << 20);
    let mut header = records::batch::BatchHeader::parse(&bomb).unwrap();
    header.attributes = header.attributes.with_compression(Compression::Snappy);
    header.length = (HEADER_LEN - LENGTH_PREFIX_LEN + body.len()) as i32;
    let batch = [&header.to_bytes()[..], &body].concat();
    let (last, asked) = counted(|| Timeline::new(&batch, u64::MAX).unwrap().last());
    assert!(
        matches!(last, Some(Err(BatchError::Compression(CompressionError::TooLarge { .. })))),
        "{last:?}"
    );
    assert!(asked <= FIXED, "{asked} bytes");
}

/// Its length, one zero, and copies of 64 bytes from one byte back.
fn snappy_block_of_zeros(len: u32) -> Vec<u8> {
    let mut block: Vec<u8> =
        vec![len as u8 | 0x80, (len >> 7) as u8 | 0x80, (len >> 14) as u8 | 0x80, (len >> 21) as u8];
    assert!(len >> 28 == 0);
    block.extend([0, 0]);
    for _ in 0..len.div_ceil(64) {
        block.extend([(63 << 2) | 2, 1, 0]);
    }
    block
}
