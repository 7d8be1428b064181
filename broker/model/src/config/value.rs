//! Reading and checking the text of a config, with the messages that Kafka's users know.

use super::entry::{Check, Entry, Kind};
use std::collections::BTreeSet;
use std::fmt;

/// A config's value, read by its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a [`Kind::Bool`].
    Bool(bool),
    /// Of a [`Kind::Int`], [`Kind::Long`] or [`Kind::Short`], within that type's range.
    Number(i64),
    /// Of a [`Kind::Double`]; never NaN.
    Real(f64),
    /// Of a [`Kind::Text`], trimmed.
    Text(String),
    /// Of a [`Kind::List`], members trimmed.
    List(Vec<String>),
}

/// Why a config was refused. `Display` is the message for the user, in Kafka's words where it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The table has no topic config of that name.
    UnknownTopicConfig(String),
    /// A value that its config does not take.
    Invalid {
        /// The config.
        name: String,
        /// The value as given (a single member, when it is a list's member that was refused).
        value: String,
        /// What was wrong with it.
        reason: String,
    },
    /// A list that breaks a rule of lists, or settings that contradict each other: the whole message.
    Conflict(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::UnknownTopicConfig(name) => write!(f, "Unknown topic config name: {name}"),
            ConfigError::Invalid { name, value, reason } => {
                write!(f, "Invalid value {value} for configuration {name}: {reason}")
            }
            ConfigError::Conflict(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    pub(super) fn invalid(name: &str, value: impl fmt::Display, reason: impl Into<String>) -> ConfigError {
        ConfigError::Invalid { name: name.to_owned(), value: value.to_string(), reason: reason.into() }
    }
}

/// Java's `String.trim`: everything up to and including the space character goes, at both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

impl Value {
    /// Reads `text` as `entry` has it and checks it.
    pub(super) fn parse(entry: &Entry, text: &str) -> Result<Value, ConfigError> {
        let trimmed = trim(text);
        let not_a_number =
            || ConfigError::invalid(entry.name, text, format!("Not a number of type {}", entry.kind.name()));
        let value = match entry.kind {
            Kind::Bool if trimmed.eq_ignore_ascii_case("true") => Value::Bool(true),
            Kind::Bool if trimmed.eq_ignore_ascii_case("false") => Value::Bool(false),
            Kind::Bool => {
                let reason = "Expected value to be either true or false";
                return Err(ConfigError::invalid(entry.name, text, reason));
            }
            Kind::Int => Value::Number(trimmed.parse::<i32>().map_err(|_| not_a_number())?.into()),
            Kind::Short => Value::Number(trimmed.parse::<i16>().map_err(|_| not_a_number())?.into()),
            Kind::Long => Value::Number(trimmed.parse().map_err(|_| not_a_number())?),
            Kind::Double => match trimmed.parse::<f64>() {
                Ok(real) if !real.is_nan() => Value::Real(real),
                _ => return Err(not_a_number()),
            },
            Kind::Text => Value::Text(trimmed.to_owned()),
            Kind::List if trimmed.is_empty() => Value::List(Vec::new()),
            Kind::List => Value::List(trimmed.split(',').map(|member| trim(member).to_owned()).collect()),
        };
        value.check(entry)?;
        Ok(value)
    }

    fn check(&self, entry: &Entry) -> Result<(), ConfigError> {
        match (entry.check, self) {
            (Check::Any, _) => Ok(()),
            (Check::AtLeast(min), Value::Number(n)) => in_range(entry, *n, min, i64::MAX),
            (Check::Between(min, max), Value::Number(n)) => in_range(entry, *n, min, max),
            (Check::Within(min, max), Value::Real(real)) => in_range(entry, *real, min, max),
            (Check::GzipLevel, Value::Number(-1 | 1..=9)) => Ok(()),
            (Check::GzipLevel, Value::Number(n)) => {
                Err(ConfigError::invalid(entry.name, n, "Value must be between 1 and 9 or equal to -1"))
            }
            (Check::OneOf(texts), Value::Text(text)) => one_of(entry, texts, text),
            (Check::ListOf { of, empty }, Value::List(members)) => list_of(entry, of, empty, members),
            (Check::ThrottledReplicas, Value::List(members)) => throttled_replicas(entry, members),
            (check, value) => panic!("{check:?} can't check {value:?} of {}", entry.name),
        }
    }

    /// The boolean. Panics on another type: the caller names a config of the table whose type it knows.
    pub fn bool(self) -> bool {
        match self {
            Value::Bool(value) => value,
            other => panic!("a boolean, not {other:?}"),
        }
    }

    /// The number. Panics on another type.
    pub fn number(self) -> i64 {
        match self {
            Value::Number(value) => value,
            other => panic!("a number, not {other:?}"),
        }
    }

    /// The real number. Panics on another type.
    pub fn real(self) -> f64 {
        match self {
            Value::Real(value) => value,
            other => panic!("a real number, not {other:?}"),
        }
    }

    /// The text. Panics on another type.
    pub fn text(self) -> String {
        match self {
            Value::Text(value) => value,
            other => panic!("a text, not {other:?}"),
        }
    }

    /// The list. Panics on another type.
    pub fn list(self) -> Vec<String> {
        match self {
            Value::List(value) => value,
            other => panic!("a list, not {other:?}"),
        }
    }
}

fn in_range<N: PartialOrd + fmt::Display>(entry: &Entry, n: N, min: N, max: N) -> Result<(), ConfigError> {
    if n < min {
        Err(ConfigError::invalid(entry.name, n, format!("Value must be at least {min}")))
    } else if n > max {
        Err(ConfigError::invalid(entry.name, n, format!("Value must be no more than {max}")))
    } else {
        Ok(())
    }
}

fn one_of(entry: &Entry, texts: &[&str], text: &str) -> Result<(), ConfigError> {
    if texts.contains(&text) {
        return Ok(());
    }
    Err(ConfigError::invalid(entry.name, text, format!("String must be one of: {}", texts.join(", "))))
}

fn list_of(entry: &Entry, of: &[&str], empty: bool, members: &[String]) -> Result<(), ConfigError> {
    let name = entry.name;
    if members.is_empty() && !empty {
        let valid =
            if of.is_empty() { "any non-empty value".to_owned() } else { format!("[{}]", of.join(", ")) };
        let message = format!("Configuration '{name}' must not be empty. Valid values include: {valid}");
        return Err(ConfigError::Conflict(message));
    }
    if members.iter().collect::<BTreeSet<_>>().len() != members.len() {
        return Err(ConfigError::Conflict(format!("Configuration '{name}' values must not be duplicated.")));
    }
    for member in members {
        if member.is_empty() {
            return Err(ConfigError::Conflict(format!("Configuration '{name}' values must not be empty.")));
        }
        if !of.is_empty() {
            one_of(entry, of, member)?;
        }
    }
    Ok(())
}

fn throttled_replicas(entry: &Entry, members: &[String]) -> Result<(), ConfigError> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let replica = |text: &String| text.split_once(':').is_some_and(|(p, b)| digits(p) && digits(b));
    if members.concat() == "*" || members.iter().all(|member| member.is_empty() || replica(member)) {
        return Ok(());
    }
    let reason = format!(
        "{} must be the literal '*' or a list of replicas in the following format: \
         [partitionId]:[brokerId],[partitionId]:[brokerId],...",
        entry.name
    );
    Err(ConfigError::invalid(entry.name, format!("[{}]", members.join(", ")), reason))
}
