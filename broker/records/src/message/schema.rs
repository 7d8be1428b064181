//! What a message declares about itself: the table that decoding, encoding and the schema tests read.
//!
//! The names follow Kafka's JSON schemas: a field exists at some *versions*, may be null at some, has a
//! default, and may be *tagged* (KIP-482: written only when it differs from its default, found by number).

use std::fmt;

/// A range of versions as the schemas write it: `"3"`, `"0-12"`, `"9+"`, `"none"`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The first version of the range.
    pub min: i16,
    /// The last one; `i16::MAX` for an open range, below `min` for an empty one.
    pub max: i16,
}

impl Versions {
    /// No version at all.
    pub const NONE: Versions = Versions { min: 0, max: -1 };
    /// Every version.
    pub const ALL: Versions = Versions { min: 0, max: i16::MAX };

    /// Reads the schemas' notation. Panics on anything else; in a declaration that is a compile error.
    pub const fn parse(text: &str) -> Versions {
        let text = text.as_bytes();
        if matches!(text, b"none") {
            return Versions::NONE;
        }
        let (min, at) = number(text, 0);
        if at == text.len() {
            return Versions { min, max: min };
        }
        if text[at] == b'+' {
            assert!(at + 1 == text.len(), "nothing follows the plus");
            return Versions { min, max: i16::MAX };
        }
        assert!(text[at] == b'-', "a range is written 0-12");
        let (max, at) = number(text, at + 1);
        assert!(at == text.len(), "nothing follows a range");
        assert!(min <= max, "a range ascends");
        Versions { min, max }
    }

    /// True when `version` is in the range.
    #[inline]
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    /// True when no version is in the range.
    pub const fn is_empty(self) -> bool {
        self.min > self.max
    }
}

const fn number(text: &[u8], mut at: usize) -> (i16, usize) {
    let begin = at;
    let mut value = 0i16;
    while at < text.len() && text[at].is_ascii_digit() {
        value = value * 10 + (text[at] - b'0') as i16;
        at += 1;
    }
    assert!(at > begin, "a version is a number");
    (value, at)
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (min, max) if min > max => f.write_str("none"),
            (min, i16::MAX) => write!(f, "{min}+"),
            (min, max) if min == max => write!(f, "{min}"),
            (min, max) => write!(f, "{min}-{max}"),
        }
    }
}

impl fmt::Debug for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a field holds, in the schemas' terms.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// One byte, zero or not.
    Bool,
    /// int8.
    Int8,
    /// int16.
    Int16,
    /// uint16.
    Uint16,
    /// int32.
    Int32,
    /// uint32.
    Uint32,
    /// int64.
    Int64,
    /// float64.
    Float64,
    /// uuid.
    Uuid,
    /// string.
    String,
    /// bytes.
    Bytes,
    /// Record batches, as bytes.
    Records,
    /// A structure.
    Struct(&'static Schema),
    /// An array of elements of one type.
    Array(&'static Type),
}

impl Type {
    /// Fewest bytes that a value that is not null takes on the wire. Never zero, so that a count of elements
    /// is bounded by the bytes that are left.
    pub fn min_size(&self, version: i16, flexible: bool) -> usize {
        match self {
            Type::Bool | Type::Int8 => 1,
            Type::Int16 | Type::Uint16 => 2,
            Type::Int32 | Type::Uint32 => 4,
            Type::Int64 | Type::Float64 => 8,
            Type::Uuid => 16,
            Type::String | Type::Bytes | Type::Records | Type::Array(_) if flexible => 1,
            Type::String => 2,
            Type::Bytes | Type::Records | Type::Array(_) => 4,
            Type::Struct(schema) => schema.min_size(version, flexible).max(1),
        }
    }
}

/// The value of a field that is absent or was not set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fallback {
    /// Zero, false, the empty string, the empty array, a structure of defaults; not null.
    Empty,
    /// Null.
    Null,
    /// A number.
    Int(i64),
    /// True.
    True,
}

/// One field of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in our declaration: the schema's, in snake case.
    pub name: &'static str,
    /// What it holds.
    pub ty: Type,
    /// The versions that have it.
    pub versions: Versions,
    /// The versions at which it may be null.
    pub nullable: Versions,
    /// Its value where it is absent.
    pub default: Fallback,
    /// True when a value other than the default may be dropped at a version that lacks the field.
    pub ignorable: bool,
    /// Its tag, when it has one.
    pub tag: u32,
    /// The versions at which it is a tagged field.
    pub tagged: Versions,
    /// True when the Rust type has a place for null.
    pub optional: bool,
}

impl Field {
    /// A field that exists at `versions`, is never null or tagged, and defaults to empty.
    pub const fn new(name: &'static str, ty: Type, optional: bool, versions: &str) -> Field {
        Field {
            name,
            ty,
            versions: Versions::parse(versions),
            nullable: Versions::NONE,
            default: Fallback::Empty,
            ignorable: false,
            tag: 0,
            tagged: Versions::NONE,
            optional,
        }
    }

    /// May be null at `versions`. Its Rust type is an `Option` (or `RecordBytes`).
    pub const fn nullable(mut self, versions: &str) -> Field {
        assert!(self.optional, "a nullable field has a type with a place for null");
        self.nullable = Versions::parse(versions);
        self
    }

    /// Defaults to null.
    pub const fn default_null(mut self) -> Field {
        self.default = Fallback::Null;
        self
    }

    /// Defaults to a number other than zero.
    pub const fn default(mut self, value: i64) -> Field {
        self.default = Fallback::Int(value);
        self
    }

    /// Defaults to true.
    pub const fn default_true(mut self) -> Field {
        self.default = Fallback::True;
        self
    }

    /// May be dropped at versions that lack it.
    pub const fn ignorable(mut self) -> Field {
        self.ignorable = true;
        self
    }

    /// Is tagged at `versions`, with this number.
    pub const fn tag(mut self, tag: u32, versions: &str) -> Field {
        self.tag = tag;
        self.tagged = Versions::parse(versions);
        self
    }

    /// Holds record batches where the Rust type says bytes; defaults to null, as records do.
    pub const fn records(mut self) -> Field {
        self.ty = Type::Records;
        self.default = Fallback::Null;
        self
    }
}

/// A structure: a message, or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Its name in our declaration, which is the schema's.
    pub name: &'static str,
    /// The versions that are valid. For a part: every version, its message's count.
    pub versions: Versions,
    /// The versions with compact lengths and tagged fields. For a part: none, its message's count.
    pub flexible: Versions,
    /// The fields in the order of the wire.
    pub fields: &'static [Field],
}

impl Schema {
    /// Fewest bytes that the structure takes at `version`.
    pub fn min_size(&self, version: i16, flexible: bool) -> usize {
        let mut size = usize::from(flexible);
        for field in self.fields {
            if !field.versions.contains(version) || field.tagged.contains(version) {
                continue;
            }
            let nullable_struct = matches!(field.ty, Type::Struct(_)) && field.nullable.contains(version);
            size += if nullable_struct { 1 } else { field.ty.min_size(version, flexible) };
        }
        size
    }
}
