//! The rule on paths of one machine, broken on purpose.

use super::*;

fn lines_flagged(text: &str) -> Vec<usize> {
    let file = File { path: "README.md".to_string(), text: text.to_string() };
    check(&file).into_iter().map(|violation| violation.line).collect()
}

#[test]
fn a_path_of_one_machine_is_flagged() {
    for path in FORBIDDEN {
        assert_eq!(lines_flagged(&format!("fine\nsee {path}\n")), [2], "{path}");
        assert_eq!(lines_flagged(&format!("dir=\"{path}/x\"")), [1], "{path}");
    }
}

#[test]
fn what_only_looks_like_one_is_not() {
    assert_eq!(lines_flagged(concat!("net/wo", "rk/link.rs and /wo", "rkload")), [0usize; 0]);
    assert_eq!(lines_flagged(concat!("/ro", "ot_cause, $HOME/ro", "ot")), [0usize; 0]);
}
