//! What Java would write is read, and what we write Java would read.

use super::*;
use proptest::prelude::*;

#[test]
fn java_files_are_read() {
    let text = "#\n#Sat Aug 01 12:00:00 UTC 2026\nversion=1\n  node.id : 7\n! no\ndirectory.id\tabc\n\
                cluster.id=a\\=b\\\n   c\\u0041\nempty=\n";
    let read = decode(text);
    let expected =
        [("cluster.id", "a=bcA"), ("directory.id", "abc"), ("empty", ""), ("node.id", "7"), ("version", "1")];
    assert_eq!(read.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
}

proptest! {
    #[test]
    fn what_is_written_is_read(key in "[ -~\t\n\r]{1,12}", value in "[ -~\t\n\ré]{0,24}") {
        let text = encode(&[(&key, value.clone())]);
        let read = decode(&text);
        prop_assert_eq!(read.get(&key), Some(&value));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,64}") {
        decode(&text);
    }
}
