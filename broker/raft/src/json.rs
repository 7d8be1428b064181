//! As much JSON as Kafka's `quorum-state` file holds: one object of integers and strings, other values skipped.
//!
//! Written by hand rather than taken from a library: it keeps serialization frameworks out of the cores, the
//! grammar needed is small, and its bounds (depth, no floating point, nothing allocated but the strings that
//! the text pays for) are all here to see.

use std::fmt;

/// The text is not an object of the kind expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Byte of the text at which reading it failed.
    pub at: usize,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed JSON at byte {}", self.at)
    }
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Integer(i64),
    Text(String),
    /// Anything else: checked for its form, not kept.
    Other,
}

/// Deepest nesting that is followed.
const DEPTH_MAX: usize = 8;

/// The fields of the object that `text` is, in order.
pub(crate) fn object(text: &str) -> Result<Vec<(String, Value)>, JsonError> {
    let mut parser = Parser { text: text.as_bytes(), at: 0 };
    let mut fields = Vec::new();
    parser.space();
    parser.members(DEPTH_MAX, &mut |name, value| fields.push((name, value)))?;
    parser.space();
    if parser.at < parser.text.len() { Err(parser.error()) } else { Ok(fields) }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn error(&self) -> JsonError {
        JsonError { at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.error());
        }
        self.at += 1;
        Ok(())
    }

    /// An object's braces and what is between them.
    fn members(&mut self, depth: usize, found: &mut dyn FnMut(String, Value)) -> Result<(), JsonError> {
        self.take(b'{')?;
        self.list(b'}', &mut |parser| {
            let name = parser.string()?;
            parser.space();
            parser.take(b':')?;
            parser.space();
            let value = parser.value(depth)?;
            found(name, value);
            Ok(())
        })
    }

    /// Elements separated by commas, up to and including `close`.
    fn list(
        &mut self,
        close: u8,
        element: &mut dyn FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            element(self)?;
            self.space();
            if self.peek() != Some(b',') {
                return self.take(close);
            }
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        let depth = depth.checked_sub(1).ok_or(self.error())?;
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.integer().map(Value::Integer),
            Some(b'{') => self.members(depth, &mut |_, _| {}).map(|()| Value::Other),
            Some(b'[') => {
                self.at += 1;
                self.list(b']', &mut |parser| parser.value(depth).map(|_| ())).map(|()| Value::Other)
            }
            _ => self.word().map(|()| Value::Other),
        }
    }

    fn word(&mut self) -> Result<(), JsonError> {
        for word in ["null", "true", "false"] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(());
            }
        }
        Err(self.error())
    }

    fn integer(&mut self) -> Result<i64, JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.text[start..self.at]).expect("ASCII");
        digits.parse().map_err(|_| JsonError { at: start })
    }

    /// A string. Of the escapes, those that a name or an id could need.
    fn string(&mut self) -> Result<String, JsonError> {
        self.take(b'"')?;
        let mut bytes = Vec::new();
        loop {
            let byte = self.peek().ok_or(self.error())?;
            let start = self.at;
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(bytes).map_err(|_| JsonError { at: start }),
                b'\\' => {
                    let escaped = self.peek().ok_or(self.error())?;
                    if !matches!(escaped, b'"' | b'\\' | b'/') {
                        return Err(self.error());
                    }
                    bytes.push(escaped);
                    self.at += 1;
                }
                0..0x20 => return Err(JsonError { at: start }),
                _ => bytes.push(byte),
            }
        }
    }
}
