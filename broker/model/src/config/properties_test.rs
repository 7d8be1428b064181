//! Properties files as Java reads them.

use super::*;
use proptest::prelude::*;

fn check(text: &str, pairs: &[(&str, &str)]) {
    let expected: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    assert_eq!(parse(text), Ok(expected), "{text:?}");
}

#[test]
fn the_examples_of_javas_own_documentation() {
    check("Truth = Beauty\n", &[("Truth", "Beauty")]);
    check(" Truth:Beauty", &[("Truth", "Beauty")]);
    check("Truth                    :Beauty", &[("Truth", "Beauty")]);
    check(
        "fruits                           apple, banana, pear, \\\n\
         \t\t\t\tcantaloupe, watermelon, \\\r\n\
         \t\t\t\tkiwi, mango",
        &[("fruits", "apple, banana, pear, cantaloupe, watermelon, kiwi, mango")],
    );
    check("cheeses", &[("cheeses", "")]);
    check("\\:\\=", &[(":=", "")]);
}

#[test]
fn comments_blank_lines_and_every_terminator() {
    check("# a\n  ! b\r\r\n\n \t\u{c}\na=1\rb=2\r\nc=3", &[("a", "1"), ("b", "2"), ("c", "3")]);
    check("a=1 # not a comment", &[("a", "1 # not a comment")]);
    check("# no continuation \\\na=1", &[("a", "1")]);
    check("\u{feff}a=1", &[("a", "1")]);
}

#[test]
fn escapes() {
    check(r"a=\t\n\r\f\\\q\u00e9", &[("a", "\t\n\r\u{c}\\qé")]);
    check(r"a\ b\==c", &[("a b=", "c")]);
    check(r"smile=\uD83D\uDE00", &[("smile", "😀")]);
    check("dir=C:\\\\data", &[("dir", "C:\\data")]);
    check("ends=in\\", &[("ends", "in")]);
    check("even\\\\\n=1", &[("even\\", ""), ("", "1")]);
}

#[test]
fn a_malformed_escape_is_refused_with_its_line() {
    for text in ["a=\\u12", "a=\\u12g4", "a=\\uD83D", "a=\\uD83D\\u0041", "a=\\uDE00"] {
        assert_eq!(parse(&format!("x=1\n\n{text}")), Err(PropertiesError::Unicode { line: 3 }), "{text}");
    }
}

#[test]
fn a_file_beyond_the_bound_is_refused() {
    assert_eq!(parse(&"#".repeat(BYTES_MAX + 1)), Err(PropertiesError::TooLong));
    assert_eq!(parse(&"#".repeat(BYTES_MAX)), Ok(Vec::new()));
}

proptest! {
    #[test]
    fn what_is_escaped_comes_back(key in "[ -~é😀\t\n\\\\]{1,20}", value in "[ -~é😀\t\n\\\\]{0,20}") {
        // Letters stay bare, as some of them are escapes after a backslash.
        let escape = |c| match c {
            '\n' => "\\n".to_owned(),
            '\t' => "\\t".to_owned(),
            c if char::is_alphanumeric(c) => c.to_string(),
            c => format!("\\{c}"),
        };
        let escaped = |text: &str| text.chars().map(escape).collect::<String>();
        let text = format!("{}={}\n", escaped(&key), escaped(&value));
        prop_assert_eq!(parse(&text), Ok(vec![(key, value)]));
    }

    #[test]
    fn nothing_panics(text in "[\\\\u0-9a-f=: #!\n\r\té]{0,80}") {
        let _ = parse(&text);
    }
}
