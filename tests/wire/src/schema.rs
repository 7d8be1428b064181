//! Kafka's JSON schemas, read: JSON with `//` comments.

use std::collections::BTreeMap;
use std::path::Path;

use records::message::Versions;
use serde_json::Value;

/// A message as its schema describes it.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Its name.
    pub name: String,
    /// Number of its API or of its record type.
    pub api_key: Option<i64>,
    /// The versions that are valid.
    pub versions: Versions,
    /// Whether the highest of them may still change: Kafka offers it to nobody unless told to.
    pub unstable: bool,
    /// The flexible ones.
    pub flexible: Versions,
    /// Its fields, in the order of the wire.
    pub fields: Vec<Field>,
}

/// A field as its schema describes it.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type, `[]` before an array's element: `int32`, `[]string`, `[]Topic`.
    pub ty: String,
    /// The versions that have it.
    pub versions: Versions,
    /// Those at which it may be null.
    pub nullable: Versions,
    /// Those at which it is tagged.
    pub tagged: Versions,
    /// Its tag.
    pub tag: Option<u32>,
    /// Its default, as it is written there; empty when it is not.
    pub default: String,
    /// It may be dropped where it is absent.
    pub ignorable: bool,
    /// The fields of its structure.
    pub fields: Vec<Field>,
}

/// Every schema in `testdata/schemas/<folder>`, by name.
pub fn load(folder: &str) -> BTreeMap<String, Schema> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/schemas").join(folder);
    let mut schemas = BTreeMap::new();
    for entry in std::fs::read_dir(&directory).expect("the folder of schemas") {
        let path = entry.expect("a schema").path();
        let text = std::fs::read_to_string(&path).expect("a schema is text");
        let json = serde_json::from_str(&without_comments(&text));
        let schema = schema(&json.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        schemas.insert(schema.name.clone(), schema);
    }
    schemas
}

fn schema(json: &Value) -> Schema {
    Schema {
        name: text(json, "name"),
        api_key: json["apiKey"].as_i64(),
        versions: versions(json, "validVersions"),
        unstable: json["latestVersionUnstable"].as_bool().unwrap_or(false),
        flexible: versions(json, "flexibleVersions"),
        fields: fields(json, &json["commonStructs"]),
    }
}

/// The fields of a structure. One that is used twice is described once, among the common ones.
fn fields(json: &Value, common: &Value) -> Vec<Field> {
    let described = json["fields"].as_array().or_else(|| {
        let name = json["type"].as_str()?.trim_start_matches("[]");
        common.as_array()?.iter().find(|one| one["name"] == name)?["fields"].as_array()
    });
    let Some(described) = described else { return Vec::new() };
    described
        .iter()
        .map(|json| Field {
            name: text(json, "name"),
            ty: text(json, "type"),
            versions: versions(json, "versions"),
            nullable: versions(json, "nullableVersions"),
            tagged: versions(json, "taggedVersions"),
            tag: json["tag"].as_u64().map(|tag| tag as u32),
            default: match &json["default"] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
            ignorable: json["ignorable"].as_bool().unwrap_or(false),
            fields: fields(json, common),
        })
        .collect()
}

fn text(json: &Value, key: &str) -> String {
    json[key].as_str().unwrap_or_else(|| panic!("{key} is a text in {json}")).to_owned()
}

fn versions(json: &Value, key: &str) -> Versions {
    json[key].as_str().map_or(Versions::NONE, |text| Versions::parse(text.trim()))
}

/// Blanks `//` comments, but not within strings.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let (mut string, mut escaped) = (false, false);
    while let Some(c) = chars.next() {
        if !string && c == '/' && chars.peek() == Some(&'/') {
            while chars.peek().is_some_and(|c| *c != '\n') {
                chars.next();
            }
            continue;
        }
        out.push(c);
        if escaped {
            escaped = false;
        } else if string && c == '\\' {
            escaped = true;
        } else if c == '"' {
            string = !string;
        }
    }
    out
}

impl Field {
    /// The default of a number: decimal, or hexadecimal after `0x`; zero when it is not written.
    pub fn number(&self) -> i64 {
        match self.default.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16).expect("a hexadecimal default"),
            None if self.default.is_empty() => 0,
            None => self.default.parse().expect("a decimal default"),
        }
    }

    /// True when the default is null: said so, or the field holds records (`FieldSpec.java`).
    pub fn defaults_to_null(&self) -> bool {
        self.default == "null" || self.ty == "records"
    }
}
