//! Every field of every declaration is the one that Kafka's schema describes.

use std::collections::BTreeSet;

use protocol::ApiKey;
use records::message::{Fallback, Field, Schema, Type};
use records::metadata::MetadataRecord;
use tidemark_wire_tests::schema::{self, load};
use tidemark_wire_tests::subject;

#[test]
fn every_declaration_is_its_schema() {
    for subject in subject::all() {
        let schemas = load(subject.folder);
        let (ours, theirs) = (subject.schema, &schemas[subject.schema.name]);
        assert_eq!(ours.versions, theirs.versions, "versions of {}", ours.name);
        assert_eq!(ours.flexible, theirs.flexible, "flexible versions of {}", ours.name);
        compare_fields(ours, &theirs.fields, ours.name);
    }
}

#[test]
fn every_metadata_record_of_kafka_is_declared_with_its_number() {
    let theirs: BTreeSet<(i64, String)> =
        load("metadata").into_values().map(|s| (s.api_key.expect("a record has a number"), s.name)).collect();
    let ours: BTreeSet<(i64, String)> =
        MetadataRecord::SCHEMAS.iter().map(|(ty, schema)| (i64::from(*ty), schema.name.to_owned())).collect();
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 27);
}

#[test]
fn every_api_that_is_offered_has_its_schemas_number_and_versions() {
    let schemas = load("clients");
    let (clients, controllers) = (protocol::supported(), protocol::supported_by_controllers());
    let both = clients.iter().map(|api| (api, "clients")).chain(controllers.iter().map(|api| (api, "nodes")));
    for (api, whom) in both {
        let schema = &schemas[&format!("{:?}Request", api.key)];
        assert_eq!(Some(api.key as i64), schema.api_key, "{:?} for {whom}", api.key);
        // The first Fetch that names the epoch of what was fetched last: a quorum's members need it (KIP-595).
        let served_min = match (whom, api.key) {
            ("nodes", ApiKey::Fetch) => 12,
            _ => schema.versions.min,
        };
        let versions = (api.served_min, api.max);
        let stable_max = schema.versions.max - i16::from(schema.unstable);
        assert_eq!(versions, (served_min, stable_max), "{:?} for {whom}", api.key);
        // What is advertised is what is served; older clients of librdkafka read more into Produce (KAFKA-18659).
        let told_min = if api.key == ApiKey::Produce { 0 } else { served_min };
        assert_eq!(api.min, told_min, "{:?} for {whom}", api.key);
    }
}

#[test]
fn tables_of_what_is_offered_ascend() {
    for table in [protocol::supported(), protocol::supported_by_controllers()] {
        assert!(table.windows(2).all(|two| two[0].key < two[1].key), "{table:?}");
    }
}

fn compare_fields(ours: &Schema, theirs: &[schema::Field], path: &str) {
    let names = |names: Vec<String>| names.join(", ");
    assert_eq!(
        names(ours.fields.iter().map(|field| plain(field.name)).collect()),
        names(theirs.iter().map(|field| plain(&field.name)).collect()),
        "fields of {path}"
    );
    for (ours, theirs) in ours.fields.iter().zip(theirs) {
        compare_field(ours, theirs, &format!("{path}.{}", ours.name));
    }
}

fn compare_field(ours: &Field, theirs: &schema::Field, path: &str) {
    assert_eq!(ours.versions, theirs.versions, "versions of {path}");
    assert_eq!(ours.nullable, theirs.nullable, "nullable versions of {path}");
    assert_eq!(ours.optional, !theirs.nullable.is_empty(), "an option, {path}");
    assert_eq!(ours.ignorable, theirs.ignorable, "ignorable, {path}");
    assert_eq!(ours.tagged, theirs.tagged, "tagged versions of {path}");
    assert_eq!((!ours.tagged.is_empty()).then_some(ours.tag), theirs.tag, "tag of {path}");
    assert_eq!(ours.default, default(theirs), "default of {path}");
    let ty = type_name(&ours.ty);
    assert!(ty == theirs.ty || renamed(&ty, &theirs.ty), "type of {path}: {ty}, not {}", theirs.ty);
    let mut element = &ours.ty;
    while let Type::Array(inner) = element {
        element = inner;
    }
    match element {
        Type::Struct(schema) => compare_fields(schema, &theirs.fields, path),
        _ => assert!(theirs.fields.is_empty(), "{path} is a structure"),
    }
}

/// A structure whose schema's name another schema has too is given a longer one, `LeaderChangeVoter` for `Voter`: names of
/// structures are not on the wire.
fn renamed(ours: &str, theirs: &str) -> bool {
    let bare = |name: &str| name.trim_start_matches("[]").to_owned();
    let (ours, theirs) = (bare(ours), bare(theirs));
    theirs.starts_with(char::is_uppercase) && ours.ends_with(&theirs)
}

/// Snake case and camel case alike.
fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

fn default(field: &schema::Field) -> Fallback {
    if field.defaults_to_null() {
        return Fallback::Null;
    }
    match field.ty.as_str() {
        "bool" if field.default == "true" => Fallback::True,
        "bool" => Fallback::Empty,
        ty if ty.starts_with("int") || ty.starts_with("uint") => match field.number() {
            0 => Fallback::Empty,
            number => Fallback::Int(number),
        },
        _ => {
            assert_eq!(field.default, "", "{} has a default that is not empty", field.name);
            Fallback::Empty
        }
    }
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".into(),
        Type::Int8 => "int8".into(),
        Type::Int16 => "int16".into(),
        Type::Uint16 => "uint16".into(),
        Type::Int32 => "int32".into(),
        Type::Uint32 => "uint32".into(),
        Type::Int64 => "int64".into(),
        Type::Float64 => "float64".into(),
        Type::Uuid => "uuid".into(),
        Type::String => "string".into(),
        Type::Bytes => "bytes".into(),
        Type::Records => "records".into(),
        Type::Struct(schema) => schema.name.into(),
        Type::Array(element) => format!("[]{}", type_name(element)),
    }
}
