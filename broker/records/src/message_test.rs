//! The rules that every declared message follows, on a message with one field of each kind.

use bytes::Bytes;
use model::Uuid;

use super::*;

crate::message! {
    /// One field of each kind.
    pub struct Everything("1-5", flexible "3+") {
        /// A number with a default.
        number: i32, "1+", default(-1);
        /// Gone from version 4 on.
        removed: Option<String>, "1-3", nullable("2+"), default_null;
        /// May be dropped.
        hint: i64, "2+", ignorable;
        /// On by default.
        on: bool, "1+", default_true;
        /// Parts.
        parts: Option<Vec<Part>>, "1+", nullable("2+");
        /// Bytes.
        blob: Bytes, "1+";
        /// Records, shared.
        records: RecordBytes, "1+", nullable("1+");
        /// An array of plain numbers.
        numbers: Vec<i32>, "1+";
        /// The higher tag comes first.
        late: Vec<String>, "4+", tag(7, "4+");
        /// A tagged structure.
        part: Part, "3+", tag(2, "3+");
        /// A tagged string that may be null.
        note: Option<String>, "3+", nullable("3+"), tag(0, "3+");
        /// A structure that may be null.
        maybe: Option<Part>, "5+", nullable("5+"), default_null;
    }

    /// A part.
    pub struct Part {
        /// Its id.
        id: Uuid, "1+";
        /// From version 3 on.
        rank: i16, "3+", default(-1);
    }

    /// Much memory for few bytes.
    pub struct Greedy("0", flexible "0+") {
        /// Each of one byte at least, and of 120 in memory.
        elements: Vec<GreedyElement>, "0+";
    }

    /// All of it tagged.
    pub struct GreedyElement {
        /// A text.
        a: String, "0+", tag(0, "0+");
        /// Another.
        b: String, "0+", tag(1, "0+");
        /// Another.
        c: String, "0+", tag(2, "0+");
        /// Another.
        d: String, "0+", tag(3, "0+");
        /// Another.
        e: String, "0+", tag(4, "0+");
    }

    /// Nothing at all.
    pub struct Nothing("0", flexible "0+") {}
}

fn encode(message: &impl Message, version: i16) -> Bytes {
    let mut writer = Writer::new();
    message.encode(&mut writer, version).unwrap();
    writer.into_bytes()
}

fn decode<M: Message>(bytes: &[u8], version: i16) -> Result<M, DecodeError> {
    let mut reader = Reader::new(Bytes::copy_from_slice(bytes));
    let message = M::decode(&mut reader, version)?;
    assert!(reader.is_empty());
    Ok(message)
}

fn full() -> Everything {
    let part = Part { id: Uuid([7; 16]), rank: 3 };
    Everything {
        number: 5,
        removed: None,
        hint: 6,
        on: false,
        parts: Some(vec![part.clone(), Part::default()]),
        blob: Bytes::from_static(b"blob"),
        records: Bytes::from(vec![1; 2000]).into(),
        numbers: vec![1, 2, 3],
        late: vec!["x".into(), String::new()],
        part: part.clone(),
        note: None,
        maybe: Some(part),
    }
}

#[test]
fn a_field_that_was_not_set_has_its_declared_default() {
    let message = Everything::default();
    assert_eq!((message.number, message.on, message.removed.as_deref()), (-1, true, None));
    // Nullable, but without a null default: empty.
    assert_eq!(message.parts, Some(vec![]));
    assert_eq!(message.note.as_deref(), Some(""));
    assert_eq!((message.part.rank, message.maybe), (-1, None));
}

#[test]
fn every_kind_of_field_survives() {
    let message = full();
    let bytes = encode(&message, 5);
    assert_eq!(decode::<Everything>(&bytes, 5), Ok(message));
}

#[test]
fn an_absent_field_decodes_as_its_default_and_is_dropped_only_when_ignorable() {
    let mut message = Everything { number: 5, hint: 6, ..Everything::default() };
    let decoded: Everything =
        decode(&encode(&Everything { removed: Some("r".into()), ..message.clone() }, 1), 1).unwrap();
    assert_eq!((decoded.number, decoded.hint), (5, 0), "version 1 has no hint, which may be dropped");
    message.late.push("late".into());
    let refused = message.encode(&mut Writer::new(), 3);
    assert_eq!(refused, Err(EncodeError::FieldNotInVersion { field: "late", version: 3 }));
}

#[test]
fn null_is_written_only_where_the_version_has_it() {
    let message = Everything { parts: None, removed: Some(String::new()), ..Everything::default() };
    let refused = message.encode(&mut Writer::new(), 1);
    assert_eq!(refused, Err(EncodeError::UnexpectedNull { field: "parts", version: 1 }));
    assert_eq!(decode::<Everything>(&encode(&message, 2), 2).unwrap().parts, None);
}

#[test]
fn tagged_fields_go_out_by_ascending_tag_and_only_when_set() {
    let bytes = encode(&Nothing::default(), 0);
    assert_eq!(bytes, &[0][..]);
    let mut message = Everything::default();
    let plain = encode(&message, 4);
    assert_eq!(plain.last(), Some(&0), "no tagged field is set");
    message.late = vec!["z".into()];
    message.note = None;
    let tagged = encode(&message, 4);
    assert_eq!(&tagged[plain.len() - 1..], &[2, 0, 1, 0, 7, 3, 2, 2, b'z']);
}

#[test]
fn tagged_fields_that_are_unknown_repeated_or_of_wrong_size() {
    let plain = encode(&Everything::default(), 4);
    let with = |tail: &[u8]| [&plain[..plain.len() - 1], tail].concat();
    assert_eq!(decode::<Everything>(&with(&[2, 0, 1, 0, 99, 2, 1, 1]), 4).unwrap().note, None);
    assert_eq!(decode::<Everything>(&with(&[2, 0, 1, 0, 0, 1, 0]), 4), Err(DecodeError::DuplicateTag));
    assert_eq!(decode::<Everything>(&with(&[1, 0, 2, 0, 0]), 4), Err(DecodeError::TaggedFieldSize));
    assert_eq!(decode::<Everything>(&with(&[1, 0, 9, 0]), 4), Err(DecodeError::Truncated));
    assert_eq!(decode::<Everything>(&with(&[1, 0, 1, 5, 1, 1]), 4), Err(DecodeError::Truncated));
}

#[test]
fn an_array_claims_no_more_than_its_bytes_can_hold() {
    // number, removed (null), hint, on, then a count of parts.
    let prefix = [&[0; 4][..], &[0xff, 0xff], &[0; 8], &[1]].concat();
    let mut claims = prefix.clone();
    claims.extend(i32::MAX.to_be_bytes());
    let mut reader = Reader::new(Bytes::from(claims));
    assert_eq!(Everything::decode(&mut reader, 2), Err(DecodeError::ArrayTooLong));
    assert_eq!(reader.field(), "parts");
}

/// Should a declaration ever let an honest count take more memory than its bytes pay for, the reader's allowance stops it.
#[test]
fn a_list_is_charged_before_it_is_allocated() {
    let elements = |count: usize| -> Bytes {
        let mut writer = Writer::new();
        writer.uvarint(count as u32 + 1);
        writer.raw(&vec![0; count + 1]);
        writer.into_bytes()
    };
    assert_eq!(size_of::<GreedyElement>(), 120);
    assert_eq!(decode::<Greedy>(&elements(700), 0).unwrap().elements.len(), 700);
    assert_eq!(decode::<Greedy>(&elements(10_000), 0), Err(DecodeError::AllocationTooLarge));
}

#[test]
fn a_version_that_does_not_exist_is_refused_both_ways() {
    assert_eq!(decode::<Everything>(&[], 0), Err(DecodeError::UnsupportedVersion));
    let refused = Everything::default().encode(&mut Writer::new(), 6);
    assert_eq!(refused, Err(EncodeError::UnsupportedVersion { message: "Everything", version: 6 }));
}

#[test]
fn records_are_equal_however_they_are_cut_and_null_reads_as_none() {
    let (a, b) = (Bytes::from(vec![1; 600]), Bytes::from(vec![2; 700]));
    let cut = RecordBytes::from(vec![a.clone(), Bytes::new(), b.clone()]);
    let whole = RecordBytes::from(Bytes::from([&a[..], &b[..]].concat()));
    assert_eq!(cut, whole);
    assert_eq!((cut.len(), cut.segments().count()), (1300, 2));
    assert_eq!(cut.clone().into_bytes(), whole.into_bytes());
    let mut writer = Writer::new();
    Everything { records: cut, ..Everything::default() }.encode(&mut writer, 5).unwrap();
    let segments = writer.finish();
    assert!(
        segments.iter().any(|s| s.as_ptr() == a.as_ptr())
            && segments.iter().any(|s| s.as_ptr() == b.as_ptr())
    );
}

#[test]
fn debug_prints_names_and_lengths() {
    let text = format!("{:?}", full());
    assert!(text.starts_with("Everything { number: 5, removed: None, hint: 6"), "{text}");
    assert!(
        text.contains("blob: <4 bytes>, records: <2000 bytes in 1 segments>, numbers: [1, 2, 3]"),
        "{text}"
    );
    assert!(text.contains("maybe: Part { id: "), "{text}");
}

#[test]
fn version_ranges_read_as_the_schemas_write_them() {
    assert_eq!(Versions::parse("3"), Versions { min: 3, max: 3 });
    assert_eq!(Versions::parse("0-12"), Versions { min: 0, max: 12 });
    assert_eq!(Versions::parse("9+"), Versions { min: 9, max: i16::MAX });
    assert!(Versions::parse("none").is_empty() && !Versions::parse("none").contains(0));
    for text in ["3", "0-12", "9+", "none"] {
        assert_eq!(Versions::parse(text).to_string(), text);
    }
}
