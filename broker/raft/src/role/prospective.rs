//! Prospective: asks whether it would be elected before it stands (KIP-996), so that a replica that was cut off
//! and comes back disturbs nobody. Its epoch stays what it was.

use crate::canvass::Canvass;
use crate::voters::ReplicaKey;
use model::{BrokerId, Instant};
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
pub(crate) struct Prospective {
    /// Whom it voted for in this epoch, before.
    pub(crate) voted: Option<ReplicaKey>,
    /// Whom it followed in this epoch, before.
    pub(crate) leader: Option<BrokerId>,
    pub(crate) granted: BTreeSet<BrokerId>,
    pub(crate) rejected: BTreeSet<BrokerId>,
    pub(crate) canvass: Canvass,
    pub(crate) deadline: Instant,
    /// Elections lost in a row.
    pub(crate) lost: u32,
}
