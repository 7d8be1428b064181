//! I3: the offset acknowledged is the offset stored; and a value, sent once, is stored once.
//!
//! Producers without idempotence never send a value again, and those with it send it again under the same sequence: so a value
//! at two places is a duplicate made by a broker, or by a client that lost count.

use super::{Checker, Context, Outcome, Place, Report, Seen};
use crate::history::{Call, Reply, Value};
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct AckedOffset {
    places: BTreeMap<Value, (Place, i64, &'static str)>,
}

impl Checker for AckedOffset {
    fn name(&self) -> &'static str {
        "acked_offset"
    }

    fn invariant(&self) -> &'static str {
        "I3"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        let Seen::Done(operation, Outcome::Ok(reply)) = seen else { return };
        match (&operation.call, reply) {
            (Call::Produce { topic, partition, values, .. }, Reply::Produced { base }) if *base >= 0 => {
                for (offset, value) in (*base..).zip(values) {
                    self.place(*value, (topic, *partition), offset, "acknowledged", report);
                }
            }
            (Call::Fetch { topic, partition, .. }, Reply::Fetched { records, .. }) => {
                for (offset, value) in records {
                    self.place(*value, (topic, *partition), *offset, "read", report);
                }
            }
            _ => {}
        }
    }
}

impl AckedOffset {
    fn place(
        &mut self,
        value: Value,
        (topic, partition): (&String, i32),
        offset: i64,
        how: &'static str,
        report: &mut Report,
    ) {
        if let Some(((topic_before, partition_before), offset_before, how_before)) = self.places.get(&value) {
            if (topic_before, *partition_before, *offset_before) != (topic, partition, offset) {
                report.violation(format!(
                    "{value} was {how_before} at {topic_before}-{partition_before} offset {offset_before} and {how} at \
                     {topic}-{partition} offset {offset}"
                ));
            }
            return;
        }
        self.places.insert(value, ((topic.clone(), partition), offset, how));
    }
}

#[cfg(test)]
#[path = "acked_offset_test.rs"]
mod tests;
