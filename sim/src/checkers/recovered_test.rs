//! A recovery that keeps more or less than the disk holds must be noticed.

use crate::checkers::forge::{Forge, T0, recovered};
use crate::checkers::{Metadata, Replayed, Rubbish, Seen};
use model::{LogEnd, Offset};
use std::collections::BTreeMap;

fn disk(start: i64, end: i64) -> Forge {
    let logs = BTreeMap::from([(
        T0,
        Replayed {
            start: Offset(start),
            end: LogEnd(Offset(end)),
            batches: Vec::new(),
            sequenced: Vec::new(),
        },
    )]);
    Forge::topic(true).seen(&Seen::Replayed { broker: 1, logs: &logs, metadata: &Metadata::default() })
}

#[test]
fn recovering_what_is_there_is_fine() {
    disk(0, 7).event(recovered(0, 7)).fires(&[]);
}

#[test]
fn recovering_anything_else_is_noticed() {
    disk(0, 7).event(recovered(0, 6)).fires(&["recovered"]);
    disk(0, 7).event(recovered(0, 8)).fires(&["recovered"]);
    disk(0, 7).event(recovered(1, 7)).fires(&["recovered"]);
}

#[test]
fn a_new_log_owes_nothing() {
    Forge::topic(true).event(recovered(0, 0)).fires(&[]);
}

#[test]
fn rubbish_on_disk_is_noticed() {
    let rubbish = [Rubbish { path: "t-0/00000000000000000000.index".into(), why: "points nowhere".into() }];
    Forge::topic(true).seen(&Seen::Scrubbed { broker: 1, rubbish: &rubbish }).fires(&["recovered"]);
}
