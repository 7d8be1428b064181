//! Faults fire on the very event they wait for, once, and only after what they follow.

use super::*;
use crate::scenario::Action;

fn fault(name: &str, since: Option<&str>, nth: u32) -> Fault {
    let since = since.map(str::to_string);
    let trigger = Trigger::Event {
        since,
        during: None,
        from_ms: 5,
        whoever: false,
        kind: EventKind::Synced,
        nth,
        after_us: 0,
    };
    Fault { name: name.into(), broker: 1, trigger, action: Action::Kill { down_ms: 1 } }
}

fn names(faults: Vec<Fault>) -> Vec<String> {
    faults.into_iter().map(|f| f.name).collect()
}

#[test]
fn the_nth_event_of_the_broker_fires_once() {
    let (mut triggers, timed) = Triggers::new(&[fault("a", None, 2)]);
    assert!(timed.is_empty());
    assert!(triggers.event(1, EventKind::Synced, 4).is_empty());
    assert!(triggers.event(1, EventKind::Synced, 7).is_empty());
    assert!(triggers.event(2, EventKind::Synced, 7).is_empty());
    assert!(triggers.event(1, EventKind::Appended, 7).is_empty());
    assert_eq!(names(triggers.event(1, EventKind::Synced, 7)), ["a"]);
    assert!(triggers.event(1, EventKind::Synced, 7).is_empty());
}

#[test]
fn what_follows_counts_from_the_healing() {
    let (mut triggers, _) = Triggers::new(&[fault("a", None, 1), fault("b", Some("a"), 1)]);
    assert_eq!(names(triggers.event(1, EventKind::Synced, 7)), ["a"]);
    assert!(triggers.event(1, EventKind::Synced, 7).is_empty());
    triggers.healed("a");
    assert_eq!(names(triggers.event(1, EventKind::Synced, 7)), ["b"]);
}

#[test]
fn what_happens_meanwhile_counts_from_the_strike() {
    let mut during = fault("b", None, 1);
    if let Trigger::Event { during, .. } = &mut during.trigger {
        *during = Some("a".into());
    }
    let (mut triggers, _) = Triggers::new(&[fault("a", None, 1), during]);
    assert_eq!(names(triggers.event(1, EventKind::Synced, 7)), ["a"]);
    assert!(triggers.event(1, EventKind::Synced, 7).is_empty(), "due is not yet struck");
    triggers.struck("a", 1);
    assert_eq!(names(triggers.event(1, EventKind::Synced, 7)), ["b"]);
}

#[test]
fn whoever_tells_the_event_is_struck() {
    let mut any = fault("a", None, 3);
    if let Trigger::Event { whoever, .. } = &mut any.trigger {
        *whoever = true;
    }
    let (mut triggers, _) = Triggers::new(&[any]);
    assert!(triggers.event(1, EventKind::Synced, 7).is_empty());
    assert!(triggers.event(3, EventKind::Synced, 7).is_empty());
    let due = triggers.event(2, EventKind::Synced, 7);
    assert_eq!(due.iter().map(|fault| fault.broker).collect::<Vec<_>>(), [2]);
    assert!(triggers.event(2, EventKind::Synced, 7).is_empty());
}

#[test]
fn what_follows_strikes_whom_the_first_one_struck() {
    let mut any = fault("a", None, 1);
    if let Trigger::Event { whoever, .. } = &mut any.trigger {
        *whoever = true;
    }
    let (mut triggers, _) = Triggers::new(&[any, fault("b", Some("a"), 1)]);
    assert_eq!(triggers.event(2, EventKind::Synced, 7)[0].broker, 2);
    triggers.struck("a", 2);
    triggers.healed("a");
    assert!(triggers.event(1, EventKind::Synced, 7).is_empty());
    assert_eq!(triggers.event(2, EventKind::Synced, 7)[0].broker, 2);
}
