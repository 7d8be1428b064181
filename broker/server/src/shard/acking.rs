//! A produce request between being appended and being answered.

use super::inbox::{Placed, Produced, Refused};
use crate::waiters::{Line, Wait};
use model::PartitionKey;
use protocol::ErrorCode;
use runtime::Acks;
use tokio::sync::oneshot;

/// What became of each part so far, and whom to tell.
pub struct Acking {
    parts: Vec<(PartitionKey, Produced)>,
    done: oneshot::Sender<Vec<Produced>>,
}

impl Acking {
    /// With no part known yet.
    pub fn new(done: oneshot::Sender<Vec<Produced>>, parts: usize) -> Acking {
        Acking { parts: Vec::with_capacity(parts), done }
    }

    /// One part's fate.
    pub fn add(&mut self, partition: PartitionKey, slot: usize, result: Result<Placed, Refused>) {
        self.parts.push((partition, Produced { slot, result }));
    }

    /// What the answer has to wait for: each part that was appended, at the line that `acks` names.
    pub fn waits(&self, acks: Acks) -> Vec<Wait> {
        let line = match acks {
            Acks::None => return Vec::new(),
            Acks::Leader => Line::Local,
            Acks::All => Line::Committed,
        };
        let placed = |(partition, produced): &(PartitionKey, Produced)| {
            let placed = produced.result.as_ref().ok()?;
            Some(Wait { partition: *partition, line, at: placed.end })
        };
        self.parts.iter().filter_map(placed).collect()
    }

    /// Answers that every part has reached its line, or was refused.
    pub fn done(self) {
        // Nobody listens any more when the connection is gone.
        let _ = self.done.send(self.parts.into_iter().map(|(_, produced)| produced).collect());
    }

    /// Answers that the parts of the `open` waits have not reached their line: the others did.
    pub fn failed(mut self, open: &[Wait], code: ErrorCode) {
        for (partition, produced) in &mut self.parts {
            if open.iter().any(|wait| wait.partition == *partition) {
                produced.result = Err(code.into());
            }
        }
        self.done();
    }
}
