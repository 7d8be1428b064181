//! Batches into records: whole ones only, their checksums checked, control batches and what compaction took passed over.
//!
//! Batches are opened one at a time, when their records are wanted: what is fetched stays compressed until then.

use bytes::Bytes;
use model::LeaderEpoch;
use records::batch::{self, BatchError, BatchHeader, Record};
use std::collections::VecDeque;

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since the Unix epoch; -1 for none.
    pub timestamp_ms: i64,
    /// The epoch of the leader that wrote it.
    pub leader_epoch: i32,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers, in order: names and values.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}

/// What has been fetched of a partition and not been read yet.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    rest: Bytes,
    /// Of the batch that was opened last.
    records: VecDeque<Record>,
    epoch: LeaderEpoch,
    /// Where to go on behind that batch.
    next: i64,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A record, the epoch of its leader, and where to go on behind it.
    Record(Box<Record>, LeaderEpoch, i64),
    /// Nothing up to there, of this epoch.
    Passed(LeaderEpoch, i64),
    /// There is no more.
    End,
}

impl Fetched {
    pub(super) fn new(rest: Bytes) -> Fetched {
        Fetched { rest, ..Fetched::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.records.is_empty()
    }

    /// The next record at `from` or behind it. After an error there is no more.
    pub(super) fn next(&mut self, from: i64, batch_bytes_max: usize) -> Result<Next, BatchError> {
        loop {
            while let Some(record) = self.records.pop_front() {
                let last = self.records.is_empty();
                if record.offset.0 >= from {
                    let next = if last { self.next } else { record.offset.0 + 1 };
                    return Ok(Next::Record(Box::new(record), self.epoch, next));
                }
            }
            let rest = std::mem::take(&mut self.rest);
            match batch::frame(&rest) {
                Ok(len) => {
                    self.rest = rest.slice(len..);
                    self.open(&rest.slice(..len), from, batch_bytes_max)
                        .inspect_err(|_| self.rest = Bytes::new())?;
                }
                // The end of an answer need not be a whole batch.
                Err(BatchError::Truncated { .. }) => return Ok(Next::End),
                Err(error) => return Err(error),
            }
            if self.records.is_empty() && self.next > from {
                return Ok(Next::Passed(self.epoch, self.next));
            }
        }
    }

    fn open(&mut self, batch: &Bytes, from: i64, batch_bytes_max: usize) -> Result<(), BatchError> {
        let header = BatchHeader::parse(batch)?;
        (self.epoch, self.next) = (header.leader_epoch, header.next_offset().0);
        batch::check_crc(batch)?;
        if header.is_control() || self.next <= from {
            return Ok(());
        }
        let mut records = VecDeque::new();
        for record in batch::records_capped(batch, batch_bytes_max) {
            let record = record?;
            if record.offset.0 >= from {
                records.push_back(record);
            }
        }
        // All of it or nothing: those before the damage must not come out behind the error.
        self.records = records;
        Ok(())
    }
}

#[cfg(test)]
#[path = "reading_test.rs"]
mod tests;
