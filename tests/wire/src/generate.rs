//! Valid messages out of a schema, written without any of the codec under test.
//!
//! The bytes are the one canonical encoding of some message: a tagged field is there only when it differs from its
//! default, tags ascend, booleans are 0 or 1. So a codec that reads and writes them right gives them back.

use crate::schema::{Field, Schema};

/// A stream of random numbers (SplitMix64): the same seed, the same messages.
#[derive(Clone, Debug)]
pub struct Draws(u64);

impl Draws {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Draws {
        Draws(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound as u64) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// What messages to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Any values, few elements.
    Random,
    /// As many elements as `0` says in arrays at depth `1`, none in others, and all values as short as can be: what
    /// takes most memory for its bytes.
    Dense(usize, usize),
}

/// Makes messages.
pub struct Generator<'a> {
    schema: &'a Schema,
    version: i16,
    flexible: bool,
    style: Style,
    draws: &'a mut Draws,
}

/// A message of `schema` at `version`.
pub fn message(schema: &Schema, version: i16, style: Style, draws: &mut Draws) -> Vec<u8> {
    let flexible = schema.flexible.contains(version);
    let mut out = Vec::new();
    Generator { schema, version, flexible, style, draws }.structure(&schema.fields, 0, &mut out);
    out
}

impl Generator<'_> {
    fn structure(&mut self, fields: &[Field], depth: usize, out: &mut Vec<u8>) {
        let version = self.version;
        for field in fields.iter().filter(|f| f.versions.contains(version) && !f.tagged.contains(version)) {
            self.value(field, depth, out);
        }
        if self.flexible {
            let tagged = fields.iter().filter(|f| f.versions.contains(version) && f.tagged.contains(version));
            let mut tagged: Vec<&Field> = tagged.collect();
            tagged.sort_by_key(|field| field.tag);
            self.tagged(&tagged, depth, out);
        }
    }

    fn tagged(&mut self, fields: &[&Field], depth: usize, out: &mut Vec<u8>) {
        let mut set = Vec::new();
        for field in fields {
            let mut value = Vec::new();
            self.value(field, depth, &mut value);
            let mut default = Vec::new();
            self.default(field, &mut default);
            if value != default && (self.style != Style::Random || self.draws.once_in(2)) {
                set.push((field.tag.expect("a tagged field has a tag"), value));
            }
        }
        uvarint(set.len() as u32, out);
        for (tag, value) in set {
            uvarint(tag, out);
            uvarint(value.len() as u32, out);
            out.extend(value);
        }
    }

    fn value(&mut self, field: &Field, depth: usize, out: &mut Vec<u8>) {
        // Null records in a Fetch answer are read as empty ones on purpose.
        let no_null = self.schema.name == "FetchResponse" && field.ty == "records";
        let nullable = field.nullable.contains(self.version);
        if nullable && !no_null && self.style == Style::Random && self.draws.once_in(4) {
            return self.null(&field.ty, out);
        }
        if let Some(element) = field.ty.strip_prefix("[]") {
            let count = match self.style {
                Style::Random => self.draws.below(4),
                Style::Dense(count, at) if at == depth => count,
                // One, so that arrays further down are reached.
                Style::Dense(_, at) => usize::from(at > depth),
            };
            self.length(Some(count), &field.ty, out);
            for _ in 0..count {
                self.single(element, &field.fields, depth + 1, out);
            }
            return;
        }
        if nullable && is_structure(&field.ty) {
            out.push(1);
        }
        self.single(&field.ty, &field.fields, depth, out);
    }

    fn single(&mut self, ty: &str, fields: &[Field], depth: usize, out: &mut Vec<u8>) {
        let random = self.style == Style::Random;
        let number = if random { self.number() } else { 0 };
        match ty {
            "bool" => out.push((number & 1) as u8),
            "float64" => out.extend((number as i32 as f64).to_be_bytes()),
            "uuid" => out.extend(self.bytes(if random && number % 3 != 0 { 16 } else { 0 }, 16)),
            "string" => {
                let text = if random { self.text() } else { String::new() };
                self.length(Some(text.len()), ty, out);
                out.extend(text.as_bytes());
            }
            "bytes" | "records" => {
                let length = match self.draws.below(8) {
                    _ if !random => 0,
                    0 => 0,
                    1 => 2000,
                    some => some * 5,
                };
                self.length(Some(length), ty, out);
                out.extend(self.bytes(length, length));
            }
            ty if is_structure(ty) => self.structure(fields, depth, out),
            ty => integer(ty, number, out),
        }
    }

    /// What the field is where it is absent, encoded.
    fn default(&self, field: &Field, out: &mut Vec<u8>) {
        if field.defaults_to_null() {
            return self.null(&field.ty, out);
        }
        match field.ty.as_str() {
            "bool" => out.push(u8::from(field.default == "true")),
            "float64" => out.extend(0f64.to_be_bytes()),
            "uuid" => out.extend([0; 16]),
            ty if ty == "string" || ty == "bytes" || ty.starts_with("[]") => self.length(Some(0), ty, out),
            ty if is_structure(ty) => {
                for part in field.fields.iter().filter(|part| part.versions.contains(self.version)) {
                    assert!(
                        !part.tagged.contains(self.version),
                        "tagged fields within tagged ones are not needed yet"
                    );
                    self.default(part, out);
                }
                out.push(0);
            }
            ty => integer(ty, field.number(), out),
        }
    }

    fn null(&self, ty: &str, out: &mut Vec<u8>) {
        if is_structure(ty) { out.push(0xff) } else { self.length(None, ty, out) }
    }

    fn length(&self, length: Option<usize>, ty: &str, out: &mut Vec<u8>) {
        if self.flexible {
            return uvarint(length.map_or(0, |length| length as u32 + 1), out);
        }
        let length = length.map_or(-1, |length| length as i32);
        if ty == "string" {
            out.extend((length as i16).to_be_bytes())
        } else {
            out.extend(length.to_be_bytes())
        }
    }

    /// Small, at a limit, or anything.
    fn number(&mut self) -> i64 {
        match self.draws.below(6) {
            0 => 0,
            1 => -1,
            2 => i64::MAX,
            3 => i64::MIN,
            4 => self.draws.below(100) as i64,
            _ => self.draws.draw() as i64,
        }
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 8] = ['a', 'Z', '0', '-', '.', 'é', '水', '🌊'];
        (0..self.draws.below(10)).map(|_| LETTERS[self.draws.below(8)]).collect()
    }

    /// `random` random bytes, filled with zeros up to `length`.
    fn bytes(&mut self, random: usize, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..random).map(|_| self.draws.draw() as u8).collect();
        bytes.resize(length, 0);
        bytes
    }
}

/// Structures have capital names in the schemas, everything else small ones.
fn is_structure(ty: &str) -> bool {
    ty.starts_with(|c: char| c.is_ascii_uppercase())
}

fn integer(ty: &str, value: i64, out: &mut Vec<u8>) {
    match ty {
        "int8" => out.extend((value as i8).to_be_bytes()),
        "int16" | "uint16" => out.extend((value as i16).to_be_bytes()),
        "int32" | "uint32" => out.extend((value as i32).to_be_bytes()),
        "int64" => out.extend(value.to_be_bytes()),
        other => panic!("the schemas know no type {other}"),
    }
}

fn uvarint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
