//! I21: what a consumer polls is contiguous and ascends, and its bytes match their checksums.
//!
//! A consumer by assignment asks for the offset after the last one it got. Nothing is compacted yet, so a gap is a
//! violation of its own: records that exist were skipped. `Assign` starts anew.

use super::{Checker, Context, Outcome, Place, Report, Seen};
use crate::history::{Call, Reply};
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct Polls {
    next: BTreeMap<(String, Place), i64>,
}

impl Checker for Polls {
    fn name(&self) -> &'static str {
        "polls"
    }

    fn invariant(&self) -> &'static str {
        "I21"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        match seen {
            Seen::Invoked(operation) => match &operation.call {
                Call::Assign { topic, partition, from } => {
                    self.next.insert((operation.client.clone(), (topic.clone(), *partition)), *from);
                }
                Call::Fetch { topic, partition, from } => {
                    let key = (operation.client.clone(), (topic.clone(), *partition));
                    if let Some(next) = self.next.get(&key).filter(|next| *next != from) {
                        report.violation(format!(
                            "{topic}-{partition}: {} asks for {from} though it got everything below {next}",
                            operation.client
                        ));
                    }
                }
                _ => {}
            },
            Seen::Done(operation, Outcome::Ok(reply)) => {
                let Call::Fetch { topic, partition, from } = &operation.call else { return };
                match reply {
                    Reply::Fetched { records, .. } => {
                        let mut next = *from;
                        for (offset, value) in records {
                            if *offset != next {
                                report.violation(format!(
                                    "{topic}-{partition}: {} asked for {from} and got {value} at offset {offset} \
                                     where {next} was due",
                                    operation.client
                                ));
                            }
                            next = offset + 1;
                        }
                        self.next.insert((operation.client.clone(), (topic.clone(), *partition)), next);
                    }
                    Reply::Corrupt { from, why } => report.violation(format!(
                        "{topic}-{partition}: {} asked for {from} and got bytes that are not records: {why}",
                        operation.client
                    )),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "polls_test.rs"]
mod tests;
