//! Any integer survives its bytes, sizes are told right, and no input makes a reader run away.

use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn integers_survive_their_bytes(a: u32, b: i32, c: u64, d: i64) {
        let mut bytes = Vec::new();
        write_u32(&mut bytes, a);
        prop_assert_eq!(bytes.len(), size_of_u64(u64::from(a)));
        write_i32(&mut bytes, b);
        write_u64(&mut bytes, c);
        write_i64(&mut bytes, d);
        let sizes = size_of_u64(u64::from(a)) + size_of_i32(b) + size_of_u64(c) + size_of_i64(d);
        prop_assert_eq!(bytes.len(), sizes);
        let mut input = &bytes[..];
        prop_assert_eq!(read_u32(&mut input), Ok(a));
        prop_assert_eq!(read_i32(&mut input), Ok(b));
        prop_assert_eq!(read_u64(&mut input), Ok(c));
        prop_assert_eq!(read_i64(&mut input), Ok(d));
        prop_assert!(input.is_empty());
    }

    #[test]
    fn a_refused_number_consumes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        let mut input = &bytes[..];
        match read_i32(&mut input) {
            Ok(_) => prop_assert!(bytes.len() - input.len() <= VARINT_BYTES_MAX),
            Err(VarintError::Truncated) => prop_assert!(input.len() < VARINT_BYTES_MAX),
            Err(VarintError::Overflow) => prop_assert_eq!(input, &bytes[..]),
        }
    }
}

#[test]
fn known_encodings() {
    for (value, expected) in
        [(0, &[0u8][..]), (-1, &[1]), (1, &[2]), (63, &[0x7e]), (-64, &[0x7f]), (64, &[0x80, 0x01])]
    {
        let mut bytes = Vec::new();
        write_i32(&mut bytes, value);
        assert_eq!(bytes, expected, "{value}");
    }
}

#[test]
fn a_sixth_byte_or_a_thirty_third_bit_is_refused() {
    assert_eq!(read_u32(&mut &[0xff, 0xff, 0xff, 0xff, 0x0f][..]), Ok(u32::MAX));
    assert_eq!(read_u32(&mut &[0xff, 0xff, 0xff, 0xff, 0x1f][..]), Err(VarintError::Overflow));
    assert_eq!(read_u32(&mut &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00][..]), Err(VarintError::Overflow));
    assert_eq!(read_u64(&mut &[0xff; 10][..]), Err(VarintError::Overflow));
    assert_eq!(read_u64(&mut &[0x80; 3][..]), Err(VarintError::Truncated));
}
