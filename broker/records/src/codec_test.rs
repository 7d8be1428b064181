//! Primitives: round trips at their limits, and what a reader refuses.

use bytes::Bytes;

use super::*;

fn reader(bytes: &[u8]) -> Reader {
    Reader::new(Bytes::copy_from_slice(bytes))
}

#[test]
fn integers_are_big_endian() {
    let mut writer = Writer::new();
    writer.bool(true);
    writer.i8(-2);
    writer.i16(-3);
    writer.u16(60_000);
    writer.i32(i32::MIN);
    writer.u32(u32::MAX);
    writer.i64(i64::MAX);
    writer.f64(0.5);
    let bytes = writer.into_bytes();
    assert_eq!(&bytes[..4], &[1, 0xfe, 0xff, 0xfd]);
    let mut reader = Reader::new(bytes);
    assert_eq!(reader.bool(), Ok(true));
    assert_eq!(reader.i8(), Ok(-2));
    assert_eq!(reader.i16(), Ok(-3));
    assert_eq!(reader.u16(), Ok(60_000));
    assert_eq!(reader.i32(), Ok(i32::MIN));
    assert_eq!(reader.u32(), Ok(u32::MAX));
    assert_eq!(reader.i64(), Ok(i64::MAX));
    assert_eq!(reader.f64(), Ok(0.5));
    assert!(reader.is_empty());
    assert_eq!(reader.i8(), Err(DecodeError::Truncated));
}

#[test]
fn variable_integers_at_their_limits() {
    for value in [0, 1, -1, 63, -64, 64, i32::MAX, i32::MIN] {
        let mut writer = Writer::new();
        writer.varint(value);
        writer.varlong(i64::from(value) << 20);
        writer.uvarint(value as u32);
        let mut reader = Reader::new(writer.into_bytes());
        assert_eq!(reader.varint(), Ok(value));
        assert_eq!(reader.varlong(), Ok(i64::from(value) << 20));
        assert_eq!(reader.uvarint(), Ok(value as u32));
        assert!(reader.is_empty());
    }
    assert_eq!(reader(&[0xff; 6]).uvarint(), Err(DecodeError::VarintOverflow));
    assert_eq!(reader(&[0xff; 3]).uvarint(), Err(DecodeError::Truncated));
}

#[test]
fn a_string_is_bounded_by_its_bytes_and_by_kafkas_limit() {
    assert_eq!(reader(&[0, 3, b'a', b'b', b'c']).string(false).as_deref(), Ok("abc"));
    assert_eq!(reader(&[4, b'a', b'b', b'c']).string(true).as_deref(), Ok("abc"));
    assert_eq!(reader(&[0xff, 0xff]).nullable_string(false), Ok(None));
    assert_eq!(reader(&[0]).nullable_string(true), Ok(None));
    assert_eq!(reader(&[0]).string(true), Err(DecodeError::UnexpectedNull));
    assert_eq!(reader(&[0xff, 0xfe]).nullable_string(false), Err(DecodeError::NegativeLength));
    assert_eq!(reader(&[0, 3, b'a']).string(false), Err(DecodeError::Truncated));
    assert_eq!(reader(&[2, 0xff]).string(true), Err(DecodeError::NotUtf8));
    let mut long = Writer::new();
    long.uvarint(STRING_BYTES_MAX as u32 + 2);
    long.raw(&vec![b'a'; STRING_BYTES_MAX + 1]);
    assert_eq!(Reader::new(long.into_bytes()).string(true), Err(DecodeError::StringTooLong));
}

#[test]
fn bytes_share_the_memory_of_the_frame() {
    let frame = Bytes::from(vec![0, 0, 0, 2, 7, 8, 9]);
    let mut reader = Reader::new(frame.clone());
    let bytes = reader.nullable_bytes(false).unwrap().unwrap();
    assert_eq!(&bytes[..], &[7, 8]);
    assert_eq!(bytes.as_ptr(), frame[4..].as_ptr());
    assert_eq!(reader.rest(), &[9][..]);
}

#[test]
fn the_allowance_grows_with_the_input() {
    let mut reader = reader(&[0; 100]);
    assert_eq!(reader.charge(ALLOCATION_FREE + 100 * ALLOCATION_FACTOR), Ok(()));
    assert_eq!(reader.charge(1), Err(DecodeError::AllocationTooLarge));
}

#[test]
fn tagged_fields_are_passed_over_within_bounds() {
    let mut two = reader(&[2, 0, 1, 0xaa, 9, 2, 0xbb, 0xcc, 7]);
    assert_eq!(two.skip_tagged_fields(), Ok(()));
    assert_eq!(two.remaining(), 1);
    assert_eq!(reader(&[1, 0, 5, 0]).skip_tagged_fields(), Err(DecodeError::Truncated));
    assert_eq!(reader(&[0xff, 0xff, 0xff, 0xff, 0x0f]).skip_tagged_fields(), Err(DecodeError::Truncated));
}

#[test]
fn large_bytes_are_shared_and_small_ones_gathered() {
    let (small, large) = (Bytes::from(vec![1; COPY_MAX]), Bytes::from(vec![2; COPY_MAX + 1]));
    let mut writer = Writer::frame(16);
    assert!(writer.is_empty());
    writer.i8(9);
    writer.shared(&small);
    writer.shared(&large);
    writer.shared(&large);
    writer.i8(8);
    assert_eq!(writer.len(), 3 * COPY_MAX + 4);
    let segments = writer.finish_frame().unwrap();
    assert_eq!(segments.len(), 4);
    assert_eq!(&segments[0][..5], &[0, 0, 6, 4, 9]);
    assert_eq!(segments[0].len(), 4 + 1 + COPY_MAX);
    assert_eq!(segments[1].as_ptr(), large.as_ptr());
    assert_eq!(segments[2].as_ptr(), large.as_ptr());
    assert_eq!(&segments[3][..], &[8]);
}

#[test]
fn a_size_is_written_before_its_part_even_around_shared_bytes() {
    let large = Bytes::from(vec![2; 2 * COPY_MAX]);
    let mut writer = Writer::new();
    writer.i8(1);
    let outer = writer.begin_sized();
    writer.i8(2);
    let inner = writer.begin_sized();
    writer.shared(&large);
    assert!(writer.end_sized(inner));
    writer.i8(3);
    assert!(writer.end_sized(outer));
    let mut reader = Reader::new(writer.into_bytes());
    assert_eq!(reader.i8(), Ok(1));
    assert_eq!(reader.uvarint(), Ok(2 * COPY_MAX as u32 + 4));
    assert_eq!(reader.i8(), Ok(2));
    assert_eq!(reader.uvarint(), Ok(2 * COPY_MAX as u32));
    assert_eq!(reader.bytes(2 * COPY_MAX).unwrap(), large);
    assert_eq!(reader.i8(), Ok(3));
    assert!(reader.is_empty());
}

#[test]
fn what_does_not_fit_its_length_prefix_is_refused() {
    let mut writer = Writer::new();
    assert!(!writer.string_length(Some(STRING_BYTES_MAX + 1), false));
    assert!(!writer.string_length(Some(STRING_BYTES_MAX + 1), true));
    assert!(!writer.long_length(Some(i32::MAX as usize + 1), false));
    assert!(!writer.long_length(Some(i32::MAX as usize), true));
    assert!(writer.is_empty());
    assert!(writer.long_length(None, false) && writer.long_length(None, true));
    assert_eq!(writer.into_bytes(), &[0xff, 0xff, 0xff, 0xff, 0][..]);
}
