//! UUIDs in Kafka's text form, against values that Kafka's own sources state, and there and back for any.

use super::*;
use proptest::prelude::*;

#[test]
fn well_known_uuids_print_as_kafka_prints_them() {
    assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(Uuid::METADATA_TOPIC.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
}

#[test]
fn a_uuid_of_the_wrong_length_or_alphabet_is_refused() {
    for text in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA+A"] {
        assert_eq!(text.parse::<Uuid>(), Err(UuidError), "{text}");
    }
}

proptest! {
    #[test]
    fn any_uuid_survives_its_text_form(bytes: [u8; 16]) {
        prop_assert_eq!(Uuid(bytes).to_string().parse::<Uuid>(), Ok(Uuid(bytes)));
    }

    #[test]
    fn a_drawn_uuid_is_version_four(high: u64, low: u64) {
        let Uuid(bytes) = Uuid::from_draws(high, low);
        prop_assert_eq!(bytes[6] >> 4, 4);
        prop_assert_eq!(bytes[8] >> 6, 2);
    }
}
