//! Every config is described, and no description is of something else.

use super::*;
use crate::config::{Lookup, lookup};

#[test]
fn every_config_is_described() {
    for scope in [Scope::Topic, Scope::Broker] {
        for entry in table(scope) {
            let text = documentation(entry);
            assert!(text.ends_with('.'), "{}: {text}", entry.name);
            let without_effect = text.ends_with("it has no effect here.");
            assert_eq!(without_effect, entry.effect == Effect::AcceptedWithoutEffect, "{}", entry.name);
        }
    }
}

#[test]
fn descriptions_are_ordered_and_of_configs_that_there_are() {
    for (scope, sentences) in [(Scope::Topic, TOPIC), (Scope::Broker, BROKER)] {
        assert!(sentences.is_sorted_by(|one, next| one.0 < next.0), "{scope:?}");
        for (name, _) in sentences {
            assert!(matches!(lookup(scope, name), Lookup::Known(_)), "{name}");
        }
    }
}

#[test]
fn a_topics_default_is_described_by_what_it_is_the_default_of() {
    let text = |name| {
        let Lookup::Known(entry) = lookup(Scope::Broker, name) else { panic!("{name}") };
        documentation(entry)
    };
    assert_eq!(
        text("log.retention.minutes"),
        "What retention.ms is for topics that don't set it, in minutes, where log.retention.ms does not say. How long \
         records are kept, in milliseconds; -1 for no limit. Accepted and checked; it has no effect here."
    );
    assert_eq!(
        text("message.max.bytes"),
        "What max.message.bytes is for topics that don't set it. The largest batch that is taken, as it was sent."
    );
}
