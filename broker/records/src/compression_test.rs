//! Each compression there and back, what other writers produce, and inputs that lie about their size.

use super::*;
use proptest::prelude::*;

const ALL: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_survive_any_compression(part in prop::collection::vec(any::<u8>(), 0..2000), times in 0..60usize) {
        let input = part.repeat(times);
        for how in ALL {
            let compressed = Bytes::from(compress(how, &input));
            let output = decompress(how, &compressed, input.len());
            prop_assert_eq!(output.as_deref(), Ok(&input[..]), "{}", how.name());
        }
    }

    #[test]
    fn arbitrary_input_never_panics_and_keeps_to_its_cap(input in prop::collection::vec(any::<u8>(), 0..400)) {
        for how in &ALL[1..] {
            if let Ok(output) = decompress(*how, &Bytes::from(input.clone()), 1000) {
                prop_assert!(output.len() <= 1000);
            }
        }
    }

    #[test]
    fn damaged_input_never_panics(at: prop::sample::Index, byte: u8) {
        for how in &ALL[1..] {
            let mut compressed = compress(*how, &b"tide and time ".repeat(100));
            let at = at.index(compressed.len());
            compressed[at] = byte;
            let _ = decompress(*how, &Bytes::from(compressed), 10_000);
        }
    }
}

#[test]
fn a_byte_beyond_the_cap_is_refused() {
    let input = vec![7; 50_000];
    for how in &ALL[1..] {
        let compressed = Bytes::from(compress(*how, &input));
        assert_eq!(decompress(*how, &compressed, 50_000).as_deref(), Ok(&input[..]));
        let refused = CompressionError::TooLarge { cap_bytes: 49_999 };
        assert_eq!(decompress(*how, &compressed, 49_999), Err(refused), "{}", how.name());
    }
}

#[test]
fn input_that_ends_early_is_refused() {
    for how in &ALL[1..] {
        let compressed = Bytes::from(compress(*how, &b"tide and time ".repeat(100)));
        let cut = compressed.slice(..compressed.len() - 5);
        assert_eq!(decompress(*how, &cut, 10_000), Err(CompressionError::Malformed(*how)), "{}", how.name());
    }
}

#[test]
fn snappy_is_read_with_and_without_framing() {
    let input = b"high water, low water".repeat(10);
    let bare = Bytes::from(snap::raw::Encoder::new().compress_vec(&input).unwrap());
    assert_eq!(decompress(Compression::Snappy, &bare, 1000).unwrap(), input);
    let framed = compress(Compression::Snappy, &input);
    assert!(framed.starts_with(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01"));
}

#[test]
fn a_snappy_block_can_not_claim_more_than_it_pays_for() {
    // The block says four gigabytes; the memory for that must never be asked for.
    let lie = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]);
    let malformed = CompressionError::Malformed(Compression::Snappy);
    assert_eq!(decompress(Compression::Snappy, &lie, usize::MAX), Err(malformed));
}

#[test]
fn gzip_members_in_a_row_are_one_stream() {
    let mut two = compress(Compression::Gzip, b"ebb ");
    two.extend_from_slice(&compress(Compression::Gzip, b"and flow"));
    assert_eq!(&decompress(Compression::Gzip, &two.into(), 100).unwrap()[..], b"ebb and flow");
}
