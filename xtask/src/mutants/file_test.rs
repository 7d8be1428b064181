//! The little TOML that mutants are written in.

use super::*;

const TEXT: &str = r#"# Acknowledges too early.
source = "NN#7564"
file = "broker/server/src/x.rs"
find = '''
    if synced {
        answer();'''
replace = '''    answer();'''
invariant = "I1"
scenario = "power_loss_under_load"
seeds_max = 50
"#;

#[test]
fn a_mutant_is_read_with_its_lines_as_they_are() {
    let mutant = parse("early", TEXT).unwrap();
    assert_eq!(mutant.find, "    if synced {\n        answer();");
    assert_eq!(mutant.replace, "    answer();");
    assert_eq!((mutant.id.as_str(), mutant.seeds_max), ("early", 50));
    assert_eq!(mutant.not_applicable, None);
}

#[test]
fn what_is_missing_or_unknown_is_refused() {
    assert!(parse("x", &TEXT.replace("seeds_max = 50\n", "")).unwrap_err().contains("seeds_max"));
    assert!(parse("x", &format!("{TEXT}colour = \"red\"\n")).unwrap_err().contains("colour"));
    assert!(parse("x", "find = '''\nno end\n").is_err());
}

#[test]
fn one_that_does_not_apply_yet_says_why_and_no_more() {
    let mutant = parse("x", "source = \"KAFKA-9892\"\nnot_applicable = \"no producer state\"\n").unwrap();
    assert_eq!(mutant.not_applicable.as_deref(), Some("no producer state"));
}
