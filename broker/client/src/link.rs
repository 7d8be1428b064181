//! A connection with what both of its ends speak: the first question on it is which versions the broker offers.

use crate::connection::{Connection, Pending, share};
use crate::endpoint::Endpoint;
use crate::error::{CallError, ConnectError};
use model::time::{Duration, Instant};
use protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use protocol::{ErrorCode, Message, Request};
use runtime::Runtime;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// What clients of this library say that they are (KIP-511).
const SOFTWARE: &str = "tidemark";

/// An open connection.
pub struct Link<R: Runtime> {
    connection: Connection<R>,
    /// What the broker offers, by API key.
    offered: BTreeMap<i16, (i16, i16)>,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The host's name has no address.
    Name(io::ErrorKind),
    /// It can't be connected to.
    Connect(ConnectError),
    /// It does not say what it offers.
    Hello(CallError),
    /// It does not speak Kafka's protocol as far as this library does: the error code of its answer.
    Refused(ErrorCode),
}

impl<R: Runtime> Link<R> {
    /// Connects and learns what is spoken there, until `deadline`.
    pub async fn open(
        runtime: &R,
        endpoint: &Endpoint,
        client_id: &str,
        deadline: Instant,
    ) -> Result<Link<R>, LinkError> {
        let addresses = tokio::select! {
            biased;
            found = runtime.resolve(&endpoint.host, endpoint.port) => {
                found.map_err(|error| LinkError::Name(error.kind()))?
            }
            () = runtime.sleep_until(deadline) => return Err(LinkError::Connect(ConnectError::TimedOut)),
        };
        let mut failed = LinkError::Name(io::ErrorKind::NotFound);
        // A broker need not listen at every address of its name, and what listens there instead may be silent.
        for (tried, address) in addresses.iter().enumerate() {
            let share = share(runtime.now(), deadline, addresses.len() - tried);
            match Link::open_at(runtime, *address, client_id, share).await {
                Ok(link) => return Ok(link),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn open_at(
        runtime: &R,
        address: SocketAddr,
        client_id: &str,
        deadline: Instant,
    ) -> Result<Link<R>, LinkError> {
        let connection = Connection::open(runtime, address, client_id, deadline).await;
        Link::greet(connection.map_err(LinkError::Connect)?, deadline).await
    }

    async fn greet(mut connection: Connection<R>, deadline: Instant) -> Result<Link<R>, LinkError> {
        // An older broker answers a version that it does not know in version 0, which the newer one does not read as.
        let newest = ApiVersionsRequest::SCHEMA.versions.max;
        for version in [newest, 0] {
            match connection.call(version, &hello(), deadline).await {
                Ok(told) if told.error_code == 0 => {
                    return Ok(Link { connection, offered: offered(&told) });
                }
                Ok(told) if version == 0 => {
                    return Err(LinkError::Refused(ErrorCode::from_code(told.error_code)));
                }
                Err(error) if version == 0 || !matches!(error, CallError::Answer(_)) => {
                    return Err(LinkError::Hello(error));
                }
                Ok(_) | Err(_) => {}
            }
        }
        unreachable!("version 0 ends it")
    }

    /// Whether the other end is not known to have ended it.
    pub fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// The newest version of a request that both ends speak, up to `newest`.
    pub fn version<Q: Request>(&self, newest: i16) -> Option<i16> {
        let (min, max) = self.offered.get(&(Q::KEY as i16)).copied()?;
        let version = max.min(Q::SCHEMA.versions.max).min(newest);
        (version >= min.max(Q::SCHEMA.versions.min)).then_some(version)
    }

    /// Sends a request at a version that [`Link::version`] gave.
    pub fn post<Q: Request>(&mut self, version: i16, request: &Q) -> Result<Pending<R, Q>, CallError> {
        self.connection.post(version, request)
    }

    /// Sends a request that is never answered.
    pub fn post_unanswered<Q: Request>(&mut self, version: i16, request: &Q) -> Result<(), CallError> {
        self.connection.post_unanswered(version, request)
    }

    /// Sends a request at the newest version that both ends speak, and waits for its answer. `None`: there is no such version.
    pub async fn call<Q: Request>(
        &mut self,
        runtime: &R,
        request: &Q,
        timeout: Duration,
    ) -> Option<Result<Q::Response, CallError>> {
        let version = self.version::<Q>(i16::MAX)?;
        Some(self.connection.call(version, request, runtime.now() + timeout).await)
    }
}

fn hello() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: SOFTWARE.into(),
        client_software_version: env!("CARGO_PKG_VERSION").into(),
        ..Default::default()
    }
}

fn offered(told: &ApiVersionsResponse) -> BTreeMap<i16, (i16, i16)> {
    told.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect()
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Name(why) => write!(f, "the name has no address: {why}"),
            LinkError::Connect(why) => why.fmt(f),
            LinkError::Hello(why) => write!(f, "connected, but {why}: is it a Kafka listener?"),
            LinkError::Refused(code) => write!(f, "it refuses to say what it offers: {code:?}"),
        }
    }
}

impl std::error::Error for LinkError {}

#[cfg(test)]
#[path = "link_test.rs"]
mod tests;
