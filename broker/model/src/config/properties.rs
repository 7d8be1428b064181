//! The text of a Java `.properties` file, which is what a Kafka user's `server.properties` is.
//!
//! As `java.util.Properties.load` reads it: comments with `#` or `!`, a key ended by `=`, `:` or white space, lines
//! continued by a last backslash, the escapes `\t \n \r \f \uXXXX`, and a backslash before anything else that
//! merely vanishes. Unlike Java the file is UTF-8.

use std::fmt;

/// The longest file that is read, in bytes: far above any real one, far below what would matter.
pub const BYTES_MAX: usize = 1 << 20;

/// Why a file can't be read as properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertiesError {
    /// Longer than [`BYTES_MAX`].
    TooLong,
    /// `\u` without four hexadecimal digits, or with half of a surrogate pair, in this line (from 1).
    Unicode {
        /// Where the logical line begins.
        line: usize,
    },
}

impl fmt::Display for PropertiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PropertiesError::TooLong => write!(f, "longer than {BYTES_MAX} bytes"),
            PropertiesError::Unicode { line } => write!(f, "line {line}: malformed \\uxxxx encoding"),
        }
    }
}

impl std::error::Error for PropertiesError {}

/// The pairs of the file, in its order; of two with the same key the later one counts.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, PropertiesError> {
    if text.len() > BYTES_MAX {
        return Err(PropertiesError::TooLong);
    }
    let mut pairs = Vec::new();
    for (line, logical) in LogicalLines::new(text) {
        let (key, value) = split(&logical);
        let unescaped = unescape(key).zip(unescape(value));
        pairs.push(unescaped.ok_or(PropertiesError::Unicode { line })?);
    }
    Ok(pairs)
}

/// Joins continued lines and leaves out blank ones and comments.
struct LogicalLines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> LogicalLines<'a> {
    fn new(text: &'a str) -> LogicalLines<'a> {
        LogicalLines { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 0 }
    }

    /// The next line of the file without its terminator (`\n`, `\r` or both).
    fn natural(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\n', '\r'])).unwrap_or(rest);
        Some(line)
    }
}

impl Iterator for LogicalLines<'_> {
    type Item = (usize, String);

    fn next(&mut self) -> Option<(usize, String)> {
        loop {
            let line = self.natural()?.trim_start_matches(is_space);
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            let first = self.line;
            let mut logical = line.to_owned();
            while ends_in_open_backslash(&logical) {
                logical.pop();
                match self.natural() {
                    Some(more) => logical.push_str(more.trim_start_matches(is_space)),
                    None => break,
                }
            }
            return Some((first, logical));
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn ends_in_open_backslash(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

/// The key and the value, still escaped: the key ends at the first separator without a backslash before it.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && (is_space(c) || c == '=' || c == ':');
        escaped = !escaped && c == '\\';
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_space);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start_matches(is_space))
}

/// None for a malformed `\u`.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => out.push(unicode(&mut chars)?),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Some(out)
}

/// The character of `\uXXXX`, or of two of them that are a surrogate pair.
fn unicode(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let high = unit(chars)?;
    if let Some(c) = char::from_u32(high.into()) {
        return Some(c);
    }
    if (chars.next()?, chars.next()?) != ('\\', 'u') {
        return None;
    }
    char::decode_utf16([high, unit(chars)?]).next()?.ok()
}

fn unit(chars: &mut std::str::Chars<'_>) -> Option<u16> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit << 4 | chars.next()?.to_digit(16)? as u16;
    }
    Some(unit)
}

#[cfg(test)]
#[path = "properties_test.rs"]
mod tests;
