//! Tables: what is replaced, what is kept, how numbers look.

use super::super::rows::{Mode, ROWS};
use super::*;
use serde_json::json;

fn page() -> String {
    format!("# Benchmarks\n\nwords\n\n{BEGIN}\nanything\n{END}\n\nmore words\n")
}

fn line(row: &str, figure: &str) -> Line {
    [row, "page cache", figure, "1", "2", "3", "4", "5", "6"].map(str::to_string).to_vec()
}

#[test]
fn a_row_replaces_its_own_lines_only() {
    let (first, second) = (ROWS[0].name, ROWS[1].name);
    let text = replaced(&page(), second, &[line(second, "old")], "a machine", None).expect("marks");
    let text = replaced(&text, first, &[line(first, "kept")], "a machine", None).expect("marks");
    let text = replaced(&text, second, &[line(second, "new")], "another", Some("4.1.0")).expect("marks");
    assert!(text.starts_with("# Benchmarks\n\nwords\n\n") && text.ends_with("\n\nmore words\n"), "{text}");
    assert!(!text.contains("old") && !text.contains("a machine") && !text.contains("anything"), "{text}");
    let (kept, new) = (text.find("kept").expect("kept"), text.find("new").expect("new"));
    assert!(kept < new, "rows stay in their order");
    assert_eq!(text.matches("| row |").count(), 1);
}

#[test]
fn a_page_without_marks_is_left_alone() {
    assert_eq!(replaced("# Benchmarks\n", "produce-1k", &[], "a machine", None), None);
}

#[test]
fn better_is_above_one_whichever_way_it_lies() {
    assert_eq!(ratio(Figure::Megabytes, 300.0, 100.0), "3.00×");
    assert_eq!(ratio(Figure::P99, 2.0, 10.0), "5.00×");
    assert_eq!(ratio(Figure::P99, 0.0, 10.0), "–");
}

#[test]
fn a_row_has_a_line_per_figure() {
    let row = Row { name: "produce-1k", mode: Mode::Durable, load: Load::Produce { size: 1024, count: 1 } };
    let sample =
        Sample(json!({ "bytes": 1_000_000_000u64, "messages": 1000, "seconds": 2.0, "broker_cpu": 1.0 }));
    let mock = Sample(json!({ "bytes": 1_000_000_000u64, "messages": 1000, "seconds": 1.0 }));
    let measured = Measured { tidemark: vec![sample], ceiling: vec![mock], ..Measured::default() };
    let lines = lines(&row, &measured, "abc");
    assert_eq!(
        lines[0][..7],
        ["produce-1k", "durable", "MB/s", "500 (500–500)", "–", "–", "mock 1000"].map(str::to_string)
    );
    assert!(lines.iter().all(|line| line.len() == HEAD.len()));
    assert!(terminal(&lines).lines().count() == lines.len() + 1);
}

#[test]
fn what_happens_to_clusters_has_a_goal() {
    let row = ROWS.iter().find(|row| row.name == "controller-failover").expect("a row");
    let sample = Sample(json!({ "created_ms": 70.0, "seconds": 0.1, "other_cpu": 0.0 }));
    let measured = Measured { tidemark: vec![sample], ..Measured::default() };
    let lines = lines(row, &measured, "abc");
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0][3].as_str(), lines[0][6].as_str()), ("70.0 (70.0–70.0)", "goal 500"));
}
