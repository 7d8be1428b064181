//! Who has produced to a partition, and what last (KIP-98): by that a batch that comes a second time is known, and one
//! before which another is missing.
//!
//! The table is what its log says: each batch in the log has been applied, in order, those that leaders
//! append and those that followers copy alike. Only leaders [judge](Draft::admit) batches before that, by the rules of
//! Kafka's `ProducerAppendInfo`. What has been trimmed off the log's beginning stays known; what has been
//! forgotten is not known any more until its producer sends again.
//!
//! ```text
//! unknown ──any first sequence──▶ known ──the next sequence──▶ known        the last five batches are remembered
//!    ▲                              │ └──a later epoch, from sequence 0──▶ known
//!    └── silent for too long, or ───┘
//!        too many others are known
//! ```

mod encoding;
pub(crate) mod files;
mod marker;
mod producer;

pub(crate) use marker::Marker;
pub use producer::{BATCHES_MAX, Kept, Producer, Refusal, Verdict};

use model::{Offset, ProducerId, Timestamp};
use records::batch::BatchHeader;
use std::collections::BTreeMap;

/// Producers that one partition knows. One more, and a tenth of them is forgotten, those first that have not produced here
/// for the longest by the log's own order, and that have no transaction open. (Kafka has no limit, and runs out of memory.)
pub const PRODUCERS_MAX: usize = 100_000;

/// The producers of one partition.
#[derive(Clone, Debug, Default)]
pub struct Producers {
    known: BTreeMap<ProducerId, Known>,
    /// One past the last batch that has changed the table, or may have.
    changed: Offset,
}

#[derive(Clone, Debug)]
struct Known {
    producer: Producer,
    /// Whether it has been heard of, or loaded, since the last [`Producers::forget`].
    heard: bool,
}

impl Producers {
    /// What is known of a producer.
    pub fn get(&self, id: ProducerId) -> Option<&Producer> {
        self.known.get(&id).map(|known| &known.producer)
    }

    /// All that are known, by their ids.
    pub fn iter(&self) -> impl Iterator<Item = (ProducerId, &Producer)> {
        self.known.iter().map(|(id, known)| (*id, &known.producer))
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The table as it will be when what is admitted has been appended.
    pub fn draft(&self) -> Draft<'_> {
        Draft { table: self, changed: BTreeMap::new() }
    }

    /// Takes note of a batch that is in the log now. Nothing is checked: it is there.
    pub(crate) fn apply(&mut self, header: &BatchHeader, marker: Option<Marker>) {
        if !header.has_producer_id() || (header.is_control() && marker.is_none()) {
            return;
        }
        let unknown = || Known { producer: Producer::default(), heard: true };
        let known = self.known.entry(header.producer_id).or_insert_with(unknown);
        known.heard = true;
        match marker {
            None => known.producer.append(header),
            Some(marker) => known.producer.end(header.producer_epoch, marker),
        }
        self.changed = header.next_offset();
        self.make_room(PRODUCERS_MAX);
    }

    /// Forgets producers without an open transaction whose last batch is, by its own timestamp, `after_ms` old or older
    /// (`producer.id.expiration.ms`), unless something has come of them since the last call: a clock that jumps, or a producer
    /// that is behind, must not cost a batch that is sent again just now its memory. (Kafka looks at the clock alone.)
    /// How many it were.
    pub(crate) fn forget(&mut self, now: Timestamp, after_ms: i64) -> usize {
        let before = self.known.len();
        self.known.retain(|_, known| {
            let heard = std::mem::take(&mut known.heard);
            heard || !known.producer.is_expired(now, after_ms)
        });
        before - self.known.len()
    }

    /// Whether nothing at `end` or above has changed the table, so that it is also that of a log that ends there.
    pub(crate) fn is_of_log_to(&self, end: Offset) -> bool {
        self.changed <= end
    }

    /// A table that was stored for a log that ended at `end`.
    fn of(producers: BTreeMap<ProducerId, Producer>, end: Offset) -> Producers {
        let known = producers.into_iter().map(|(id, producer)| (id, Known { producer, heard: true }));
        let mut table = Producers { known: known.collect(), changed: end };
        table.make_room(PRODUCERS_MAX);
        table
    }

    fn make_room(&mut self, max: usize) {
        if self.known.len() <= max {
            return;
        }
        let mut oldest: Vec<_> = self
            .known
            .iter()
            .map(|(id, Known { producer, .. })| (producer.transaction.is_some(), producer.last_offset(), *id))
            .collect();
        oldest.sort_unstable();
        for (_, _, id) in oldest.into_iter().take(max.div_ceil(10)) {
            self.known.remove(&id);
        }
    }
}

/// A table with batches that are not in the log yet. Dropped, it leaves nothing behind.
pub struct Draft<'a> {
    table: &'a Producers,
    changed: BTreeMap<ProducerId, Producer>,
}

impl Draft<'_> {
    /// Judges a client's batch, its offset given to it, and takes note of it if it is to be appended.
    pub fn admit(&mut self, header: &BatchHeader) -> Result<Verdict, Refusal> {
        if !header.has_producer_id() {
            return Ok(Verdict::Append);
        }
        let id = header.producer_id;
        let known = self.changed.get(&id).or_else(|| self.table.get(id));
        let verdict = match known {
            Some(producer) => producer.judge(header)?,
            None => Producer::default().judge(header)?,
        };
        if verdict == Verdict::Append {
            let mut producer = known.cloned().unwrap_or_default();
            producer.append(header);
            self.changed.insert(id, producer);
        }
        Ok(verdict)
    }
}

#[cfg(test)]
#[path = "producers_prop.rs"]
mod properties;
#[cfg(test)]
#[path = "producers_test.rs"]
mod tests;
