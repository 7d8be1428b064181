//! Why the process ends, and the code that it ends with: scripts and supervisors tell causes apart by it.
//!
//! Code 0 is a stop that was asked for and done, even when the clean-shutdown file could not be written or the start
//! was not over: nothing acknowledged is lost, a warning says that the next start recovers, and there is nothing for
//! a supervisor to restart.

use runtime::Fence;
use server::StartError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A failure of the process.
#[derive(Debug)]
pub enum Exit {
    /// Code 2, as for a wrong command line: the settings are refused. Starting again will not help.
    Usage(String),
    /// Code 3: the address is taken or can't be bound.
    Address(String),
    /// Code 4: the data directory can't be used, or another process uses it.
    Directory {
        /// Which one.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Code 5: a failure of the disk, of the metadata that is on it, or another process in its place ended the process. Starting again recovers what
    /// was acknowledged.
    Fenced(Fence),
    /// Code 6: a second signal came before the stop that the first one asked for was done. Starting again recovers.
    Impatient,
    /// Code 6, too: a second signal came to a client that was still busy with what the first one asked for.
    Cut(String),
    /// Code 7: a node of a local cluster has failed.
    Node(String),
    /// Code 8: as a client, it could not do what was asked for.
    Client(String),
}

impl Exit {
    /// A failed start.
    pub fn start(error: &StartError, data_dir: &Path) -> Exit {
        match error {
            StartError::Settings(why) => Exit::Usage(why.clone()),
            StartError::Listen { .. } => Exit::Address(error.to_string()),
            _ => Exit::Directory { path: data_dir.to_owned(), why: error.to_string() },
        }
    }

    /// The code to end with.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Exit::Usage(_) => 2,
            Exit::Address(_) => 3,
            Exit::Directory { .. } => 4,
            Exit::Fenced(_) => 5,
            Exit::Impatient | Exit::Cut(_) => 6,
            Exit::Node(_) => 7,
            Exit::Client(_) => 8,
        })
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Usage(why) | Exit::Address(why) | Exit::Cut(why) | Exit::Node(why) | Exit::Client(why) => {
                f.write_str(why)
            }
            Exit::Directory { path, why } => write!(f, "data directory {}: {why}", path.display()),
            Exit::Impatient => f.write_str("a second signal cut the stop short: the next start recovers"),
            Exit::Fenced(Fence::SyncFailed) => f.write_str("a sync failed: the data directory is fenced"),
            Exit::Fenced(Fence::WriteFailed) => f.write_str("a write failed: the data directory is fenced"),
            Exit::Fenced(Fence::MetadataFailed) => f.write_str("the cluster's metadata can't be followed"),
            Exit::Fenced(Fence::Displaced) => f.write_str("another process is registered under this node.id"),
        }
    }
}
