//! The nodes of a cluster that is measured: local processes, whose ends are part of the measurement.

use crate::arguments::Arguments;
use std::net::SocketAddr;
use std::process::Command;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// `node.id`.
    pub(crate) id: i32,
    /// Where clients connect to.
    pub(crate) addr: SocketAddr,
    pub(crate) pid: u32,
}

impl Node {
    /// SIGKILL. Whoever started the process learns of its end; until then `/proc` has its processor time.
    pub(crate) fn kill(&self) -> Result<(), String> {
        self.signal("KILL")
    }

    /// A signal, by its name without SIG.
    pub(crate) fn signal(&self, name: &str) -> Result<(), String> {
        let killed = Command::new("kill").args([&format!("-{name}"), &self.pid.to_string()]).status();
        match killed {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("kill -{name} of node {}: {status}", self.id)),
            Err(error) => Err(format!("kill: {error}")),
        }
    }
}

/// `--nodes ID=ADDRESS=PID,…`
pub(crate) fn nodes(arguments: &Arguments) -> Result<Vec<Node>, String> {
    let text = arguments.text("nodes")?;
    let node = |word: &str| {
        let mut parts = word.split('=');
        let node = Node {
            id: parts.next()?.parse().ok()?,
            addr: parts.next()?.parse().ok()?,
            pid: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(node)
    };
    text.split(',').map(|word| node(word).ok_or_else(|| format!("{word:?} is no ID=ADDRESS=PID"))).collect()
}

/// `--beside PID,…`: processes that run because pairs are interleaved, and do not count as others.
pub(crate) fn beside(arguments: &Arguments) -> Result<Vec<u32>, String> {
    let text: String = arguments.or("beside", String::new())?;
    let words = text.split(',').filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|_| format!("{word:?} is no process id"))).collect()
}

/// Their addresses, as clients want them.
pub(crate) fn addresses<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> String {
    let addresses: Vec<String> = nodes.into_iter().map(|node| node.addr.to_string()).collect();
    addresses.join(",")
}
