//! Resigned: gave up leadership of an epoch, because its log failed, a majority was not heard, or the process stops. It
//! tells the others, so that they need not find out.

use crate::canvass::Canvass;
use model::{BrokerId, Instant};

#[derive(Clone, Debug)]
pub(crate) struct Resigned {
    /// Who should stand for election, the best first.
    pub(crate) successors: Vec<BrokerId>,
    pub(crate) end: Canvass,
    /// When it takes part again; never in a process that stops.
    pub(crate) deadline: Option<Instant>,
}
