//! What the owner of a log decides: when segments end, and how far the disk may be believed at the start.

use model::Offset;

/// Kafka's topic configs that a log obeys, validated by whoever made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment is closed before it would grow beyond this. A single append that is larger gets
    /// a segment of its own.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment is closed when a batch is this much later, by the batches' timestamps, than the
    /// segment's first one.
    pub segment_ms: i64,
    /// `index.interval.bytes`: at most one index entry for so many bytes of log.
    pub index_interval_bytes: u32,
    /// `segment.index.bytes`: a segment is closed when an index has no room left in so many bytes.
    pub segment_index_bytes: u32,
    /// Whether the log's producers are told from it when it is opened, and stored beside it. Not in the metadata log, which
    /// has none. Does not change while the log is open.
    pub producers: bool,
}

impl Default for LogConfig {
    /// Kafka's defaults.
    fn default() -> LogConfig {
        LogConfig {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3600 * 1000,
            index_interval_bytes: 4096,
            segment_index_bytes: 10 << 20,
            producers: true,
        }
    }
}

/// What is known about a log before it is opened. The default knows nothing, and all of the log is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Whether the clean-shutdown file vouches for this log: everything in it was synced before it was closed.
    pub clean: bool,
    /// From `recovery-point-offset-checkpoint`: everything below was synced by an earlier incarnation. Must have
    /// been lowered, durably, before a truncation below it.
    pub recovery_point: Offset,
    /// From `log-start-offset-checkpoint`: records below are gone for readers.
    pub log_start: Offset,
}
