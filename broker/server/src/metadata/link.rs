//! A connection to another node, opened when there is something to say, and what that node speaks.

use client::{CallError, ConnectError, Connection, Ending, Pending};
use controller::NodeEndpoint;
use model::Instant;
use model::time::Duration;
use protocol::messages::api_versions::{ApiVersion, ApiVersionsRequest};
use protocol::{ApiKey, ErrorCode, Request};
use raft::Failure;
use runtime::Runtime;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// The version of the first question: every broker since Kafka 2.4 answers it.
const ASK_VERSIONS: i16 = 3;

/// A way to one node. At most one call is under way.
pub struct Link<R: Runtime> {
    rt: R,
    to: NodeEndpoint,
    client_id: String,
    open: Option<Open<R>>,
}

struct Open<R: Runtime> {
    connection: Connection<R>,
    spoken: Vec<ApiVersion>,
}

/// Why a call has no answer, or none that helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// There is no answer.
    Failed(Failure),
    /// The node does not speak the API in any version that would do.
    Unspoken,
}

impl From<Failure> for LinkError {
    fn from(failure: Failure) -> LinkError {
        LinkError::Failed(failure)
    }
}

impl<R: Runtime> Link<R> {
    /// A way to `to` that nothing has been sent on.
    pub fn new(rt: R, to: NodeEndpoint, client_id: String) -> Link<R> {
        Link { rt, to, client_id, open: None }
    }

    /// Asks, and waits for the answer until `deadline`. `make` gets the highest version within `versions` that the node
    /// speaks, which comes back with the answer. After a failure, or a call that was dropped before it was answered, the next
    /// call connects anew.
    pub async fn call<Q: Request>(
        &mut self,
        versions: RangeInclusive<i16>,
        deadline: Instant,
        make: impl FnOnce(i16) -> Option<Q>,
    ) -> Result<(i16, Q::Response), LinkError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.connect(deadline).await?,
        };
        let request = open.version(Q::KEY, versions).and_then(|version| Some((version, make(version)?)));
        let Some((version, request)) = request else {
            self.open = Some(open);
            return Err(LinkError::Unspoken);
        };
        let answer =
            open.connection.call(version, &request, deadline).await.map_err(|error| failure(&error))?;
        self.open = Some(open);
        Ok((version, answer))
    }

    /// Connects, unless it is connected. A call that fails before this has succeeded was not heard.
    pub async fn ready(&mut self, deadline: Instant) -> Result<(), Failure> {
        if !self.open.as_ref().is_some_and(|open| open.connection.is_open()) {
            self.open = Some(self.connect(deadline).await?);
        }
        Ok(())
    }

    /// Asks without waiting: the answer is waited for elsewhere. The link must be ready.
    pub async fn send<Q: Request>(
        &mut self,
        versions: RangeInclusive<i16>,
        make: impl FnOnce(i16) -> Option<Q>,
    ) -> Result<(i16, Pending<R, Q>), LinkError> {
        let open = self.open.as_mut().ok_or(LinkError::Failed(Failure::Lost))?;
        let version = open.version(Q::KEY, versions).ok_or(LinkError::Unspoken)?;
        let request = make(version).ok_or(LinkError::Unspoken)?;
        let sent = open.connection.send(version, &request).await;
        Ok((version, sent.map_err(|error| failure(&error))?))
    }

    /// Where it leads.
    pub fn to(&self) -> &NodeEndpoint {
        &self.to
    }

    /// Whether the node answers on a new connection. Nothing else is asked of it.
    pub async fn answers(&mut self, deadline: Instant) -> Result<(), Failure> {
        self.connect(deadline).await.map(drop)
    }

    async fn connect(&mut self, deadline: Instant) -> Result<Open<R>, Failure> {
        let resolved = tokio::select! { biased;
            resolved = self.rt.resolve(&self.to.host, self.to.port) => resolved,
            () = self.rt.sleep_until(deadline) => return Err(Failure::TimedOut),
        };
        let addrs = resolved.map_err(|_| Failure::Lost)?;
        let mut failed = None;
        // A node need not listen at every address of its name.
        for (tried, addr) in addrs.iter().enumerate() {
            let share = client::share(self.rt.now(), deadline, addrs.len() - tried);
            match self.connect_to(*addr, share).await {
                Ok(open) => return Ok(open),
                // That the process is gone takes all of them to say so.
                Err(Failure::Refused) if failed.is_some() => {}
                Err(failure) => failed = Some(failure),
            }
        }
        Err(failed.unwrap_or(Failure::Lost))
    }

    async fn connect_to(&mut self, addr: SocketAddr, deadline: Instant) -> Result<Open<R>, Failure> {
        let opened = Connection::open(&self.rt, addr, &self.client_id, deadline).await;
        let mut connection = opened.map_err(|error| match error {
            ConnectError::Failed(io::ErrorKind::ConnectionRefused) => Failure::Refused,
            ConnectError::Failed(_) => Failure::Lost,
            ConnectError::TimedOut => Failure::TimedOut,
        })?;
        let request = ApiVersionsRequest {
            client_software_name: "tidemark".to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..ApiVersionsRequest::default()
        };
        let answer = connection.call(ASK_VERSIONS, &request, deadline).await;
        let answer = answer.map_err(|error| failure(&error))?;
        if answer.error_code != ErrorCode::None as i16 {
            return Err(Failure::Lost);
        }
        Ok(Open { connection, spoken: answer.api_keys })
    }

    /// So long may a call take that the node answers at once.
    pub fn deadline(&self, patience: Duration) -> Instant {
        self.rt.now() + patience
    }
}

impl<R: Runtime> Open<R> {
    fn version(&self, api: ApiKey, ours: RangeInclusive<i16>) -> Option<i16> {
        let spoken = self.spoken.iter().find(|spoken| spoken.api_key == api as i16)?;
        let version = spoken.max_version.min(*ours.end());
        (version >= spoken.min_version.max(*ours.start())).then_some(version)
    }
}

fn failure(error: &CallError) -> Failure {
    match error {
        CallError::TimedOut => Failure::TimedOut,
        CallError::Closed(
            Ending::Here | Ending::There | Ending::Failed(_) | Ending::Length(_) | Ending::Order { .. },
        )
        | CallError::Encode(_)
        | CallError::Unspoken
        | CallError::Busy
        | CallError::Answer(_) => Failure::Lost,
    }
}
