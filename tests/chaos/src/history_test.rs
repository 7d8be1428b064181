//! Lines of several files in the order of time, each operation with a number of its own.

use super::*;

fn merged(files: &[&str]) -> Result<Vec<String>, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |(at, text): (usize, &&str)| {
        let path = directory.path().join(at.to_string());
        std::fs::write(&path, text).expect("a file");
        path
    };
    let from: Vec<PathBuf> = files.iter().enumerate().map(write).collect();
    let to = directory.path().join("merged");
    let mut looked = 0;
    merge(&from, &to, |_| looked += 1)?;
    let lines: Vec<String> = std::fs::read_to_string(&to).expect("it").lines().map(str::to_string).collect();
    assert_eq!(lines.len(), looked);
    Ok(lines)
}

#[test]
fn lines_are_sorted_and_operations_told_apart() {
    let one = r#"{"t":1,"client":"p1","op":1,"is":"invoke","call":{"produce":{"values":["1/0"]}}}
{"t":5,"client":"p1","op":1,"is":"ok","reply":{"produced":{"base":120}}}
"#;
    let two = r#"{"t":2,"client":"w1","op":1,"is":"invoke","call":"metadata"}
{"t":5,"client":"w1","op":1,"is":"info","error":"gone"}
"#;
    let notes = r#"{"t":3,"client":"nemesis","is":"note","note":{"killed":{"broker":1}}}
"#;
    assert_eq!(
        merged(&[one, two, notes, ""]).expect("they are sorted"),
        [
            r#"{"t":1,"client":"p1","op":4,"is":"invoke","call":{"produce":{"values":["1/0"]}}}"#,
            r#"{"t":2,"client":"w1","op":5,"is":"invoke","call":"metadata"}"#,
            r#"{"t":3,"client":"nemesis","op":0,"is":"note","note":{"killed":{"broker":1}}}"#,
            r#"{"t":5,"client":"p1","op":4,"is":"ok","reply":{"produced":{"base":120}}}"#,
            r#"{"t":5,"client":"w1","op":5,"is":"info","error":"gone"}"#,
        ]
    );
}

#[test]
fn what_is_not_a_sorted_history_is_refused() {
    let backwards = "{\"t\":2,\"client\":\"a\",\"is\":\"ok\"}\n{\"t\":1,\"client\":\"a\",\"is\":\"ok\"}\n";
    assert!(merged(&[backwards]).is_err_and(|why| why.contains("line 2")));
    let nonsense = "{\"t\":2,\"client\":\"a\",\"is\":\"ok\"}\n{\"t\":\n";
    assert!(merged(&[nonsense]).is_err_and(|why| why.contains("line 2")));
}

#[test]
fn a_line_that_was_not_written_whole_is_left_out() {
    let torn = "{\"t\":2,\"client\":\"a\",\"is\":\"ok\"}\n{\"t\":";
    assert_eq!(merged(&[torn]).map(|lines| lines.len()), Ok(1));
}
