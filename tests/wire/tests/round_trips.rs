//! A message made from its schema survives decoding and encoding byte for byte, at every version.

use bytes::Bytes;
use records::metadata::MetadataRecord;
use tidemark_wire_tests::generate::{Draws, Style, message};
use tidemark_wire_tests::schema::load;
use tidemark_wire_tests::subject;

/// Messages of each kind and version.
const MESSAGES: usize = 200;

#[test]
fn any_message_survives_at_every_version() {
    let (clients, metadata) = (load("clients"), load("metadata"));
    let mut draws = Draws::new(1);
    for subject in subject::all() {
        let name = subject.schema.name;
        let schema = clients.get(name).or_else(|| metadata.get(name)).expect("a schema");
        for version in schema.versions.min..=schema.versions.max {
            for _ in 0..MESSAGES {
                let bytes = Bytes::from(message(schema, version, Style::Random, &mut draws));
                let decoded = (subject.decode)(bytes.clone(), version)
                    .unwrap_or_else(|error| panic!("{name} {version}: {error}: {bytes:?}"));
                assert_eq!(decoded.left, 0, "{name} {version}: {bytes:?}");
                let encoded = (decoded.encode)(version).expect("what was read can be written");
                assert_eq!(encoded, bytes, "{name} {version}");
                assert!((decoded.reads_as)(encoded, version), "{name} {version}");
            }
        }
    }
}

/// The allowance of a reader is for liars: the most wasteful honest message, an array of nothing but the shortest
/// elements, stays within it wherever the array is.
#[test]
fn no_honest_message_is_refused_for_the_memory_that_it_takes() {
    let (clients, metadata) = (load("clients"), load("metadata"));
    for subject in subject::all() {
        let name = subject.schema.name;
        let schema = clients.get(name).or_else(|| metadata.get(name)).expect("a schema");
        // Elements are shortest where lengths become compact, and largest in memory always.
        for version in
            [schema.versions.min, schema.flexible.min.max(schema.versions.min), schema.versions.max]
        {
            for depth in 0..4 {
                let bytes = message(schema, version, Style::Dense(20_000, depth), &mut Draws::new(1));
                if let Err(error) = (subject.decode)(Bytes::from(bytes), version) {
                    panic!("{name} {version}, arrays at depth {depth}: {error}");
                }
            }
        }
    }
}

#[test]
fn any_metadata_record_survives_in_its_frame() {
    let schemas = load("metadata");
    let mut draws = Draws::new(2);
    for (ty, schema) in MetadataRecord::SCHEMAS {
        let schema = &schemas[schema.name];
        for version in schema.versions.min..=schema.versions.max {
            for _ in 0..MESSAGES {
                let mut value = vec![1, *ty as u8, version as u8];
                value.extend(message(schema, version, Style::Random, &mut draws));
                let value = Bytes::from(value);
                let record = MetadataRecord::decode(value.clone()).unwrap();
                assert_eq!(record.record_type(), *ty);
                assert_eq!(record.encode_at(version).unwrap(), value);
                assert_eq!(MetadataRecord::decode(record.encode().unwrap()), Ok(record));
            }
        }
    }
}
