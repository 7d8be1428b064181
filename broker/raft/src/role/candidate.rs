//! Candidate: has stood for election in an epoch, its own vote durable.

use crate::canvass::Canvass;
use model::{BrokerId, Instant};
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Who voted for it; itself from the start.
    pub(crate) granted: BTreeSet<BrokerId>,
    pub(crate) rejected: BTreeSet<BrokerId>,
    pub(crate) canvass: Canvass,
    pub(crate) deadline: Instant,
    /// Elections lost in a row before this.
    pub(crate) lost: u32,
}
