//! Where a node listens and where others find it: the texts of `listeners`, `advertised.listeners` and
//! `controller.quorum.voters`.

use super::value::ConfigError;
use crate::BrokerId;
use std::fmt;

/// A host and a port, not resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// A name or address; IPv6 addresses without their brackets. Empty for "every interface".
    pub host: String,
    /// The port; 0 asks the system for a free one.
    pub port: u16,
}

/// One listener: `NAME://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// Its name, in capitals as Kafka normalizes it.
    pub name: String,
    /// Where.
    pub endpoint: Endpoint,
}

/// A member of a static quorum: `id@host:port`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Voter {
    /// Its `node.id`.
    pub id: BrokerId,
    /// Where its controller listens.
    pub endpoint: Endpoint,
}

impl Endpoint {
    /// Reads `host:port`, `[address]:port` or `:port`.
    pub fn parse(text: &str) -> Option<Endpoint> {
        let (host, port) = text.rsplit_once(':')?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '%');
        let colons = bracketed.is_some();
        if !host.chars().all(|c| legal(c) || (colons && c == ':')) {
            return None;
        }
        Some(Endpoint { host: host.to_owned(), port: port.parse().ok()? })
    }

    /// Whether this names no particular interface.
    pub fn is_wildcard(&self) -> bool {
        matches!(self.host.as_str(), "" | "0.0.0.0" | "::")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.name, self.endpoint)
    }
}

/// The listeners of a config's members: names unique, and ports too unless they are 0 (`config` is for messages).
pub(super) fn listeners(config: &str, members: &[String]) -> Result<Vec<Listener>, ConfigError> {
    let mut listeners: Vec<Listener> = Vec::with_capacity(members.len());
    for member in members {
        let refuse = |reason: &str| Err(ConfigError::invalid(config, member, reason));
        let Some(listener) = listener(member) else {
            return refuse("Expected a listener such as PLAINTEXT://host:port");
        };
        if listeners.iter().any(|other| other.name == listener.name) {
            return refuse("Each listener must have a different name");
        }
        let taken =
            |other: &Listener| other.endpoint.port == listener.endpoint.port && other.endpoint.port != 0;
        if config == "listeners" && listeners.iter().any(taken) {
            return refuse("Each listener must have a different port");
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

fn listener(text: &str) -> Option<Listener> {
    let (name, endpoint) = text.split_once("://")?;
    let legal = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let listener = Listener { name: name.to_ascii_uppercase(), endpoint: Endpoint::parse(endpoint)? };
    legal.then_some(listener)
}

/// The members of `controller.quorum.voters`.
pub(super) fn voters(members: &[String]) -> Result<Vec<Voter>, ConfigError> {
    let name = "controller.quorum.voters";
    let mut voters: Vec<Voter> = Vec::with_capacity(members.len());
    for member in members {
        let refuse = |reason: &str| ConfigError::invalid(name, member, reason);
        let (id, endpoint) = member.split_once('@').ok_or_else(|| refuse("Expected {id}@{host}:{port}"))?;
        let id = id.parse::<i32>().ok().filter(|id| *id >= 0);
        let id = BrokerId(id.ok_or_else(|| refuse("Expected the id before @ to be a number from 0 up"))?);
        let endpoint = Endpoint::parse(endpoint).filter(|at| !at.host.is_empty());
        let endpoint = endpoint.ok_or_else(|| refuse("Expected {host}:{port} after @"))?;
        if voters.iter().any(|voter| voter.id == id) {
            return Err(refuse("Each voter must have a different id"));
        }
        voters.push(Voter { id, endpoint });
    }
    Ok(voters)
}
