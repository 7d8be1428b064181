//! Unattached: the role of every replica when its process starts, whatever it was before. A former leader must
//! not lead on in its old epoch: records of it that were never synced may be gone, and their offsets would be
//! given out a second time under the same epoch (KAFKA-10527).

use crate::canvass::Canvass;
use crate::voters::ReplicaKey;
use model::Instant;

#[derive(Clone, Debug)]
pub(crate) struct Unattached {
    /// Whom this replica voted for in this epoch.
    pub(crate) voted: Option<ReplicaKey>,
    /// When it stands for election itself. An observer never does, nor does a replica that has not started.
    pub(crate) deadline: Option<Instant>,
    /// Fetches that ask the voters who leads.
    pub(crate) discovery: Canvass,
}
