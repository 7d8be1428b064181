//! What the command line is understood as.

use super::*;

fn understood(words: &str) -> Result<Wish, String> {
    wish(&words.split_whitespace().map(str::to_string).collect::<Vec<_>>())
}

#[test]
fn what_is_not_said_has_a_default() {
    let wish = understood("").expect("nothing is fine");
    assert_eq!((wish.minutes.as_str(), wish.nodes.as_str(), wish.seed), ("5", "3", None));
    assert_eq!(wish.clients, CLIENTS);
}

#[test]
fn options_have_values() {
    let wish = understood("--seed 7 --clients java,librdkafka --keep kept").expect("they are right");
    assert_eq!((wish.seed, wish.keep), (Some(7), Some(PathBuf::from("kept"))));
    assert_eq!(wish.clients, ["java", "librdkafka"]);
}

#[test]
fn what_is_unknown_is_named() {
    for (words, named) in [
        ("--seed x", "--seed"),
        ("--node 3", "\"--node\""),
        ("--nodes", "--nodes"),
        ("--clients kcat", "\"kcat\""),
    ] {
        assert!(understood(words).is_err_and(|why| why.contains(named)), "{words}");
    }
}
