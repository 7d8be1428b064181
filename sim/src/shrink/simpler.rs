//! What a scenario's values may be replaced by, one at a time: a number by its floor or by one half-way there, a choice by
//! the plainest. Trying all of them again and again until none is accepted halves every number as far as it goes.
//!
//! What a run is judged by is left alone: budgets, and the time in which everything must work again.

use crate::disk::DiskKnobs;
use crate::net::NetKnobs;
use crate::scenario::{Action, ClientKind, Codec, Scenario, Trigger};
use std::collections::BTreeMap;

/// A producer's values hold its number and a counter: shorter ones would not be told apart.
const VALUE_BYTES_MIN: u32 = 10;

/// Scenarios that differ from this one in a single, simpler value, each with what it is.
pub fn simpler(scenario: &Scenario) -> Vec<(String, Scenario)> {
    let mut edits = Edits { scenario, found: Vec::new() };
    edits.replace("net", |s| &mut s.net, [NetKnobs::default()]);
    edits.replace("disk", |s| &mut s.disk, [DiskKnobs::default()]);
    edits.lower("shards", |s| &mut s.knobs.shards, 1);
    edits.replace("formatted", |s| &mut s.knobs.formatted, [false]);
    edits.lower("duration_ms", |s| &mut s.duration_ms, 1);
    for (index, topic) in scenario.topology.topics.iter().enumerate() {
        edits.lower("partitions", move |s| &mut s.topology.topics[index].partitions, 1);
        edits.configs(&topic.configs, move |s| &mut s.topology.topics[index].configs);
    }
    edits.configs(&scenario.knobs.configs, |s| &mut s.knobs.configs);
    edits.replace("unreachable", |s| &mut s.knobs.unreachable, [Vec::new()]);
    for index in 0..scenario.clients.len() {
        edits.client(index);
    }
    for index in 0..scenario.faults.len() {
        edits.fault(index);
    }
    edits.found
}

type Configs = BTreeMap<String, String>;

struct Edits<'a> {
    scenario: &'a Scenario,
    found: Vec<(String, Scenario)>,
}

/// A number that can be lowered.
trait Number: Copy + PartialOrd {
    fn half_way(self, floor: Self) -> Self;
}

macro_rules! numbers {
    ($($number:ty)*) => {
        $(impl Number for $number {
            fn half_way(self, floor: $number) -> $number {
                floor + (self - floor) / 2
            }
        })*
    };
}

numbers!(u32 u64 i32);

impl Edits<'_> {
    /// Other values of a field, plainest first.
    fn replace<T: PartialEq>(
        &mut self,
        what: &str,
        field: impl Fn(&mut Scenario) -> &mut T,
        values: impl IntoIterator<Item = T>,
    ) {
        for value in values {
            let mut edited = self.scenario.clone();
            let place = field(&mut edited);
            if *place != value {
                *place = value;
                self.found.push((what.to_string(), edited));
            }
        }
    }

    /// The floor and what is half-way there.
    fn lower<T: Number>(&mut self, what: &str, field: impl Fn(&mut Scenario) -> &mut T, floor: T) {
        let mut own = self.scenario.clone();
        let value = *field(&mut own);
        if value <= floor {
            return;
        }
        self.replace(what, &field, [floor]);
        let half = value.half_way(floor);
        if half > floor {
            self.replace(what, &field, [half]);
        }
    }

    /// Configs that are numbers, one as the least: what a broker does not accept is no finding.
    fn configs(&mut self, configs: &Configs, place: impl Fn(&mut Scenario) -> &mut Configs + Copy) {
        for (key, value) in configs {
            let Ok(value) = value.parse::<u64>() else { continue };
            for lower in [1, value / 2].into_iter().filter(|lower| (1..value).contains(lower)) {
                let text = lower.to_string();
                self.replace(key, |s| place(s).get_mut(key).expect("no key is taken away"), [text]);
            }
        }
    }

    fn client(&mut self, index: usize) {
        self.lower("burst", move |s| &mut s.clients[index].burst, 1);
        macro_rules! of {
            ($kind:ident, $field:ident) => {
                move |s: &mut Scenario| match &mut s.clients[index].kind {
                    ClientKind::$kind { $field, .. } => $field,
                    other => panic!("{other:?} changed its kind"),
                }
            };
        }
        match &self.scenario.clients[index].kind {
            ClientKind::Producer { .. } => {
                self.lower("in_flight", of!(Producer, in_flight), 1);
                self.lower("partitions of a request", of!(Producer, partitions), 1);
                self.lower("batch_records", of!(Producer, batch_records), 1);
                self.lower("value_bytes", of!(Producer, value_bytes), VALUE_BYTES_MIN);
                self.lower("broken_ppm", of!(Producer, broken_ppm), 0);
                self.replace("codecs", of!(Producer, codecs), [vec![Codec::None]]);
            }
            ClientKind::Writer { .. } => {
                self.lower("in_flight", of!(Writer, in_flight), 1);
                self.lower("unanswered", of!(Writer, unanswered), 1);
                self.lower("batch_bytes", of!(Writer, batch_bytes), 1);
                self.lower("value_bytes", of!(Writer, value_bytes), VALUE_BYTES_MIN);
                self.replace("codec", of!(Writer, codec), [Codec::None]);
            }
            ClientKind::Repeater { .. } => {
                self.lower("unanswered", of!(Repeater, unanswered), 1);
                self.lower("late_percent", of!(Repeater, late_percent), 1);
                self.lower("batch_records", of!(Repeater, batch_records), 1);
                self.lower("value_bytes", of!(Repeater, value_bytes), VALUE_BYTES_MIN);
            }
            ClientKind::Reader { .. } => {
                self.lower("partitions of a reader", of!(Reader, partitions), 1);
                self.lower("poll_records", of!(Reader, poll_records), 1);
            }
            ClientKind::Consumer { .. } => {
                self.lower("polls", of!(Consumer, polls), 1);
                self.lower("partitions of a consumer", of!(Consumer, partitions), 1);
            }
            ClientKind::Creator { .. } => {
                self.lower("topics", of!(Creator, topics), 1);
                self.lower("deletes_percent", of!(Creator, deletes_percent), 0);
                self.lower("grows_percent", of!(Creator, grows_percent), 0);
            }
            ClientKind::Hostile { tricks } => {
                let alone: Vec<_> = tricks.iter().map(|trick| vec![*trick]).collect();
                if alone.len() > 1 {
                    self.replace("tricks", of!(Hostile, tricks), alone);
                }
            }
            ClientKind::Lister => {}
        }
    }

    fn fault(&mut self, index: usize) {
        let fault = &self.scenario.faults[index];
        self.lower("time of a fault", move |s| time_of(&mut s.faults[index].action), 1);
        macro_rules! of {
            ($field:ident) => {
                move |s: &mut Scenario| match &mut s.faults[index].trigger {
                    Trigger::Event { $field, .. } => $field,
                    Trigger::At(_) => panic!("a trigger changed its kind"),
                }
            };
        }
        if let Trigger::Event { .. } = fault.trigger {
            self.replace("since", of!(since), [None]);
            self.replace("during", of!(during), [None]);
            self.lower("from_ms", of!(from_ms), 0);
            self.lower("nth", of!(nth), 1);
            self.lower("after_us", of!(after_us), 0);
        }
    }
}

/// How long a fault takes, in milliseconds.
fn time_of(action: &mut Action) -> &mut u64 {
    match action {
        Action::Kill { down_ms }
        | Action::PowerLoss { down_ms }
        | Action::Wipe { down_ms }
        | Action::Stop { down_ms } => down_ms,
        Action::Pause { for_ms }
        | Action::Clock { for_ms, .. }
        | Action::Disk { for_ms, .. }
        | Action::Link { for_ms, .. }
        | Action::Peers { for_ms, .. } => for_ms,
    }
}

#[cfg(test)]
#[path = "simpler_test.rs"]
mod tests;
