//! The file form of a history, as its header states it, and there and back.

use super::*;

#[test]
fn the_lines_of_the_header_parse() {
    let text = r#"{"t":1500000,"client":"p1","op":7,"is":"invoke","call":{"produce":{"topic":"a","partition":0,"acks":-1,"values":["1/40","1/41"]}}}
{"t":2100000,"client":"p1","op":7,"is":"ok","reply":{"produced":{"base":120}}}
{"t":2100001,"client":"c1","op":8,"is":"ok","reply":{"fetched":{"high_watermark":5,"log_start":0,"records":[[4,"1/40"]]}}}
{"t":2200000,"client":"harness","is":"note","note":{"power_lost":{"broker":1}}}
{"t":2200000,"client":"c1","op":9,"is":"info","error":"timed out"}
"#;
    let entries = parse(text).unwrap();
    assert_eq!(entries.len(), 5);
    let again: String = entries.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect();
    assert_eq!(parse(&again).unwrap(), entries);
    assert_eq!(entries[3].step, Step::Note { note: Note::PowerLost { broker: 1 } });
}

#[test]
fn a_bad_line_is_named() {
    assert!(parse("\n{\"t\":1}\n").unwrap_err().starts_with("line 2:"));
}

#[test]
fn a_value_ends_at_the_first_space() {
    assert_eq!(Value::from_record(b"3/17 xxxx"), Ok(Value { client: 3, counter: 17 }));
    assert_eq!(Value::from_record(b"3/17"), Ok(Value { client: 3, counter: 17 }));
    assert_eq!(Value::from_record(b"3-17"), Err(ValueError));
}
