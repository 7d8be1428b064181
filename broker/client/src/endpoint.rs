//! Where a broker listens, as people and brokers write it: `host:port`.

use std::fmt;
use std::str::FromStr;

/// Kafka's port, where none is given.
const PORT_DEFAULT: u16 = 9092;

/// A host, by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Its name or its address, an address of IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointError(String);

impl Endpoint {
    /// Reads several, separated by commas (`bootstrap.servers`). None of them is an error, too.
    pub fn parse_list(text: &str) -> Result<Vec<Endpoint>, EndpointError> {
        let endpoints: Result<Vec<Endpoint>, EndpointError> =
            text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::parse).collect();
        match endpoints {
            Ok(endpoints) if endpoints.is_empty() => Err(EndpointError(text.to_string())),
            endpoints => endpoints,
        }
    }

    /// From what a broker tells; none when it is a port that does not exist.
    pub(crate) fn told(host: &str, port: i32) -> Option<Endpoint> {
        let port = u16::try_from(port).ok().filter(|port| *port > 0)?;
        (!host.is_empty()).then(|| Endpoint { host: host.to_string(), port })
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Endpoint, EndpointError> {
        let error = || EndpointError(text.to_string());
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(error)?;
                (host, if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or_else(error)?) })
            }
            None => match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map_or(Ok(PORT_DEFAULT), str::parse).map_err(|_| error())?;
        let bare = !text.starts_with('[');
        if host.is_empty() || port == 0 || (bare && host.contains(':')) || host.contains(char::is_whitespace)
        {
            return Err(error());
        }
        Ok(Endpoint { host: host.to_string(), port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no HOST:PORT", self.0)
    }
}

impl std::error::Error for EndpointError {}

#[cfg(test)]
#[path = "endpoint_test.rs"]
mod tests;
