//! Cluster metadata on this node: the quorum, the controller, the metadata log, and what this broker makes of it.
//!
//! ```text
//! handlers ─▶ Handle ─▶ Node (one task): decide ─▶ append ─▶ sync ─▶ committed ─▶ the answer
//!                                                                        └▶ Applier (one task): shards lead ─▶ published image
//! ```
//!
//! - `node`: the task that owns quorum, controller and log. `effects`: what the quorum tells it to do. `decisions`: what the
//!   controller decides, appended and answered when it is committed.
//! - `applier`: makes this broker what the committed image says, then shows the image to handlers.
//! - `lifecycle`: registers this broker, and takes it out again.
//! - `boot`: opens the log. `replay`: the log as records.

mod applier;
mod boot;
mod decisions;
mod effects;
mod handle;
mod lifecycle;
mod node;
mod replay;
// The task still runs a quorum of one, which says nothing to anybody.
#[allow(dead_code)]
pub mod wire;

pub use boot::{Booted, Identity, boot};
pub use handle::{Handle, UNDRAWN};
pub use lifecycle::register;
