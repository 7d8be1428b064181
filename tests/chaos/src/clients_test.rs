//! What producers say, and what libraries are called.

use super::*;

#[test]
fn errors_are_counted_as_the_producer_says() {
    assert_eq!(errors("errors: 0\n"), Ok((0, vec![])));
    let said = "warming up\nerrors: 12\n1/5: timed out\n1/6: timed out\n";
    assert_eq!(errors(said), Ok((12, vec!["1/5: timed out".to_string(), "1/6: timed out".to_string()])));
    assert!(errors("").is_err());
    assert!(errors("errors: many").is_err());
}

#[test]
fn a_library_is_called_what_it_is_printed_as() {
    for library in [Library::Librdkafka, Library::Java, Library::FranzGo] {
        assert_eq!(library.to_string().parse(), Ok(library));
    }
    assert!("sarama".parse::<Library>().is_err());
}
