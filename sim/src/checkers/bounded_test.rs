//! Each budget must fire by itself.

use crate::checkers::forge::Forge;
use crate::checkers::{Seen, Usage};

#[test]
fn each_budget_fires() {
    let fine = Usage { memory_bytes: 10, descriptors: 10, tasks: 10, disk_bytes: 10 };
    let fires = |usage: Usage, expected: &[&str]| {
        Forge::topic(true).seen(&Seen::Usage { broker: 1, usage: &usage }).fires(expected);
    };
    fires(fine, &[]);
    fires(Usage { memory_bytes: 11, ..fine }, &["bounded"]);
    fires(Usage { descriptors: 11, ..fine }, &["bounded"]);
    fires(Usage { tasks: 11, ..fine }, &["bounded"]);
    fires(Usage { disk_bytes: 11, ..fine }, &["bounded"]);
}
