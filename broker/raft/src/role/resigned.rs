//! Resigned: gave up leadership (or candidacy) of an epoch, on shutdown or because its log failed. In a quorum of
//! one nobody can take over, so only a restart, and with it a new epoch, ends it.

#[derive(Clone, Debug)]
pub(crate) struct Resigned;
