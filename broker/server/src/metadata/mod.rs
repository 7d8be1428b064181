//! Cluster metadata on this node: the quorum, the controller, the metadata log, and what this broker makes of it.
//!
//! ```text
//! handlers ─▶ Handle ─▶ Node (one task): decide ─▶ append ─▶ sync ─▶ committed ─▶ the answer
//!                                                                        └▶ Applier (one task): shards lead ─▶ published image
//! ```
//!
//! - `node`: the task that owns quorum, controller and log. `effects`: what the quorum tells it to do. `decisions`: what the
//!   controller decides, appended and answered when it is committed.
//! - `applier`: makes this broker what the committed image says, then shows the image to handlers. `holdings`: how.
//! - `peers`: the other voters, as this node asks them; `wire`: in which words. `link`: a connection to another node.
//! - `lifecycle`: registers this broker, keeps it alive, and takes it out again.
//! - `membership`: registers this controller.
//! - `probes`: asks brokers that may be gone, and fences those that are. `suspicion`: who may be.
//! - `snapshots`: taken, served, fetched, installed. `shelf`: which there are, and when the next is due.
//! - `boot`: opens the log. `restore`: the snapshots beside it. `replay`: the log as records.

mod applier;
mod boot;
mod decisions;
mod effects;
mod handle;
mod holdings;
mod inquiry;
mod lifecycle;
mod link;
mod membership;
mod node;
mod peers;
mod probes;
mod replay;
mod restore;
#[cfg(test)]
mod scene_test;
mod shelf;
mod snapshots;
mod suspicion;
mod way;
pub mod wire;

pub use boot::{Booted, Identity, boot};
pub use handle::{Handle, Seen, UNDRAWN};
pub use lifecycle::{Leave, Lifecycle};
pub use link::{Link, LinkError};
pub use membership::Membership;
pub use node::Told;
pub use peers::Replicas;
pub use way::{Controller, Way};
