//! The producer's core: which records go where, what to ask which broker now, and what its answers mean.
//!
//! It is asked in rounds: [`Core::tick`] with what is known, [`Core::nodes`] for the brokers that there is something for,
//! [`Core::request`] for each that is connected; answers come back through [`Core::answered`]. What becomes of records
//! collects in [`Core::fates`].

use super::batch::Identity;
use super::lane::{Around, Fate, Lane};
use super::partitioner::Partitioner;
use super::record::{Cause, Record, Undelivered};
use super::rules::ProducerConfig;
use super::verdict::Attempt;
use crate::metadata::{Leader, Metadata};
use bytes::Bytes;
use model::time::{Duration, Instant};
use protocol::ErrorCode;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

/// A partition, by its topic's name.
pub(super) type Place = (String, i32);

/// When the core is asked, and with what luck.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// Random.
    pub(super) draw: u64,
}

/// What one broker is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) request: u64,
    pub(super) batches: Vec<(Place, Bytes)>,
}

/// A request under way.
#[derive(Debug)]
struct UnderWay {
    node: i32,
    since: Instant,
    batches: BTreeMap<Place, u64>,
}

/// A record whose topic is not known yet.
#[derive(Debug)]
struct Unplaced {
    ticket: u64,
    record: Record,
    wall_ms: i64,
    created: Instant,
}

/// The producer's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// To be asked for, not before then.
    Unnamed(Instant),
    /// Since then.
    Asked(Instant),
    Named(Identity),
    /// The brokers give none.
    Refused(ErrorCode),
}

impl Naming {
    /// When a broker is to be asked, if one is to be at all.
    fn due(self, patience: Duration) -> Option<Instant> {
        match self {
            Naming::Unnamed(not_before) => Some(not_before),
            Naming::Asked(since) => Some(since + patience),
            Naming::Named(_) | Naming::Refused(_) => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Core {
    rules: ProducerConfig,
    lanes: BTreeMap<Place, Lane>,
    unplaced: BTreeMap<String, VecDeque<Unplaced>>,
    partitioner: Partitioner,
    naming: Naming,
    /// How often in a row the brokers gave no id.
    unnamed: u32,
    under_way: BTreeMap<u64, UnderWay>,
    next_request: u64,
    next_ticket: u64,
    /// Whose turn it was last: others come first.
    served: Option<Place>,
    flushing: bool,
    unplaced_charge: usize,
    fates: Vec<Fate>,
}

impl Core {
    pub(super) fn new(rules: ProducerConfig) -> Core {
        Core {
            rules,
            lanes: BTreeMap::new(),
            unplaced: BTreeMap::new(),
            partitioner: Partitioner::default(),
            naming: Naming::Unnamed(Instant(0)),
            unnamed: 0,
            under_way: BTreeMap::new(),
            next_request: 0,
            next_ticket: 0,
            served: None,
            flushing: false,
            unplaced_charge: 0,
            fates: Vec::new(),
        }
    }

    pub(super) fn rules(&self) -> &ProducerConfig {
        &self.rules
    }

    /// Takes a record and gives it a ticket.
    pub(super) fn push(
        &mut self,
        record: Record,
        wall_ms: i64,
        metadata: &mut Metadata,
        moment: Moment,
    ) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let (bytes, bytes_max) = (record.bytes_max(), self.rules.request_bytes_max);
        let refusal = if bytes > bytes_max {
            Some(Cause::TooLarge { bytes, bytes_max })
        } else if !metadata.want(&record.topic) {
            Some(Cause::TooManyTopics)
        } else if let Naming::Refused(code) = self.naming {
            Some(Cause::NoProducerId(code))
        } else {
            None
        };
        if let Some(cause) = refusal {
            self.fates.push((ticket, Err(Undelivered { cause, definite: true })));
            return ticket;
        }
        let unplaced = Unplaced { ticket, record, wall_ms, created: moment.now };
        if self.unplaced.contains_key(&unplaced.record.topic)
            || metadata.topic(&unplaced.record.topic).is_none()
        {
            self.unplaced_charge += bytes;
            self.unplaced.entry(unplaced.record.topic.clone()).or_default().push_back(unplaced);
        } else {
            self.place(unplaced, metadata, moment);
        }
        ticket
    }

    /// Bytes that records take that are not told of yet.
    pub(super) fn charge(&self) -> usize {
        self.unplaced_charge + self.lanes.values().map(Lane::charge).sum::<usize>()
    }

    /// From now on nothing waits for more records, or it does again.
    pub(super) fn flush(&mut self, flushing: bool) {
        self.flushing = flushing;
    }

    /// Looks at everything anew: records find their partitions, what is overdue is told, who leads no more is given up.
    pub(super) fn tick(&mut self, metadata: &Metadata, moment: Moment) {
        self.place_all(metadata, moment);
        let around =
            Around { now: moment.now, rules: &self.rules, flushing: self.flushing, draw: moment.draw };
        for ((topic, partition), lane) in &mut self.lanes {
            if lane.is_empty() {
                continue;
            }
            if let Some(leader) = metadata.leader(topic, *partition) {
                lane.abandon(leader, around);
            }
            lane.tick(around, &mut self.fates);
            if let Naming::Named(identity) = self.naming
                && lane.has_spent(identity)
                && lane.needs_identity(&self.rules)
            {
                self.naming = Naming::Unnamed(moment.now);
            }
        }
        if let Naming::Refused(code) = self.naming {
            self.abort(&Cause::NoProducerId(code));
        }
    }

    /// Whether an id of the producer is to be asked for now. Any broker can give one, so one that is silent is not waited for.
    pub(super) fn wants_name(&self, now: Instant) -> bool {
        self.naming.due(self.rules.patience).is_some_and(|due| due <= now)
            && self.lanes.values().any(|lane| lane.needs_identity(&self.rules))
    }

    /// It has been asked for.
    pub(super) fn name_asked(&mut self, now: Instant) {
        self.naming = Naming::Asked(now);
    }

    /// It was given, or refused, or there was no answer.
    pub(super) fn named(&mut self, answer: Result<Identity, Option<ErrorCode>>, moment: Moment) {
        // One of several that were asked has answered before.
        if matches!(self.naming, Naming::Named(_) | Naming::Refused(_)) {
            return;
        }
        self.naming = match answer {
            Ok(identity) => {
                self.unnamed = 0;
                Naming::Named(identity)
            }
            Err(Some(code)) if !code.is_retriable() => Naming::Refused(code),
            Err(_) => {
                self.unnamed = self.unnamed.saturating_add(1);
                Naming::Unnamed(moment.now + self.rules.backoff.after(self.unnamed, moment.draw))
            }
        };
    }

    /// The brokers that there is something for.
    pub(super) fn nodes(&self, metadata: &Metadata, moment: Moment) -> BTreeSet<i32> {
        let mut nodes = BTreeSet::new();
        for (place, lane) in &self.lanes {
            let Some((node, leader)) = leader(metadata, place) else { continue };
            if !nodes.contains(&node)
                && lane.ready(leader, self.identity(lane), self.around(moment)).is_some()
            {
                nodes.insert(node);
            }
        }
        for under_way in self.under_way.values() {
            let count = self.under_way.values().filter(|other| other.node == under_way.node).count();
            if count >= self.rules.in_flight_max {
                nodes.remove(&under_way.node);
            }
        }
        nodes
    }

    /// What a broker is to be asked now, as one request; batches that are in it are under way from then on.
    pub(super) fn request(&mut self, node: i32, metadata: &Metadata, moment: Moment) -> Option<Ask> {
        let count = self.under_way.values().filter(|under_way| under_way.node == node).count();
        if count >= self.rules.in_flight_max {
            return None;
        }
        let request = self.next_request;
        let mut room = self.rules.request_bytes_max;
        let (mut batches, mut ids) = (Vec::new(), BTreeMap::new());
        for place in self.in_turn() {
            let Some((_, leader)) = leader(metadata, &place).filter(|(leads, _)| *leads == node) else {
                continue;
            };
            let lane = &self.lanes[&place];
            let identity = self.identity(lane);
            let Some(bytes) = lane.ready(leader, identity, self.around(moment)) else { continue };
            // One that is larger than all the room has a request to itself.
            if bytes > room && !batches.is_empty() {
                continue;
            }
            room = room.saturating_sub(bytes);
            let lane = self.lanes.get_mut(&place).expect("looked up before");
            let (id, batch) = lane.take(request, node, leader, identity, &self.rules);
            ids.insert(place.clone(), id);
            self.served = Some(place.clone());
            batches.push((place, batch));
        }
        if batches.is_empty() {
            return None;
        }
        // Partitions of a topic next to each other share its entry in the request.
        batches.sort_by(|(a, _): &(Place, Bytes), (b, _)| a.cmp(b));
        self.next_request += 1;
        self.under_way.insert(request, UnderWay { node, since: moment.now, batches: ids });
        Some(Ask { request, batches })
    }

    /// What a request came to, by partition; `others` for those that the answer does not speak of.
    pub(super) fn answered(
        &mut self,
        request: u64,
        mut attempts: BTreeMap<Place, Attempt>,
        others: &Attempt,
        moment: Moment,
    ) {
        let under_way = self.under_way.remove(&request).expect("a request under way");
        let around =
            Around { now: moment.now, rules: &self.rules, flushing: self.flushing, draw: moment.draw };
        for (place, id) in under_way.batches {
            let attempt = attempts.remove(&place).unwrap_or_else(|| others.clone());
            let lane = self.lanes.get_mut(&place).expect("lanes stay");
            lane.ended((request, id), attempt, around, &mut self.fates);
        }
    }

    /// Brokers that have been silent for so long that others had better be asked who leads.
    pub(super) fn suspects(&self, now: Instant) -> BTreeSet<i32> {
        let silent = |under_way: &&UnderWay| under_way.since + self.rules.patience <= now;
        self.under_way.values().filter(silent).map(|under_way| under_way.node).collect()
    }

    /// Tells everything as undelivered that is not told of yet.
    pub(super) fn abort(&mut self, cause: &Cause) {
        for unplaced in std::mem::take(&mut self.unplaced).into_values().flatten() {
            let fate = Undelivered { cause: cause.clone(), definite: true };
            self.fates.push((unplaced.ticket, Err(fate)));
        }
        self.unplaced_charge = 0;
        for lane in self.lanes.values_mut() {
            lane.abort(cause, &mut self.fates);
        }
    }

    /// What has become of records since it was asked for last.
    pub(super) fn fates(&mut self) -> Vec<Fate> {
        std::mem::take(&mut self.fates)
    }

    /// When there may be something new to do, though nothing happens: the next such time after now.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        let lanes = self.lanes.values().flat_map(|lane| lane.wakes(&self.rules));
        let unplaced = self.unplaced.values().filter_map(VecDeque::front);
        let unplaced = unplaced.map(|unplaced| unplaced.created + self.rules.delivery_timeout);
        let suspected = self.under_way.values().map(|under_way| under_way.since + self.rules.patience);
        let naming = self.naming.due(self.rules.patience);
        lanes.chain(unplaced).chain(suspected).chain(naming).filter(|at| *at > now).min()
    }

    fn around(&self, moment: Moment) -> Around<'_> {
        Around { now: moment.now, rules: &self.rules, flushing: self.flushing, draw: moment.draw }
    }

    /// The id that a lane begins with, if it has none.
    fn identity(&self, lane: &Lane) -> Option<Identity> {
        match self.naming {
            Naming::Named(identity) if !lane.has_spent(identity) => Some(identity),
            _ => None,
        }
    }

    /// Every partition, the one behind that which was served last first.
    fn in_turn(&self) -> Vec<Place> {
        let Some(served) = &self.served else { return self.lanes.keys().cloned().collect() };
        let behind = self.lanes.range((Bound::Excluded(served), Bound::Unbounded));
        let before = self.lanes.range((Bound::Unbounded, Bound::Included(served)));
        behind.chain(before).map(|(place, _)| place.clone()).collect()
    }

    fn place_all(&mut self, metadata: &Metadata, moment: Moment) {
        let topics: Vec<String> = self.unplaced.keys().cloned().collect();
        for topic in topics {
            let error = metadata.error(&topic);
            let refused = error.filter(|code| !code.is_retriable());
            let mut queue = self.unplaced.remove(&topic).expect("listed above");
            while let Some(first) = queue.front() {
                let overdue = first.created + self.rules.delivery_timeout <= moment.now;
                if metadata.topic(&topic).is_none() && refused.is_none() && !overdue {
                    break;
                }
                let first = queue.pop_front().expect("a first one");
                self.unplaced_charge -= first.record.bytes_max();
                let cause = match refused {
                    Some(code) => Cause::Refused { code, words: None },
                    None if metadata.topic(&topic).is_some() => {
                        self.place(first, metadata, moment);
                        continue;
                    }
                    None => Cause::Overdue { last: error },
                };
                self.fates.push((first.ticket, Err(Undelivered { cause, definite: true })));
            }
            if !queue.is_empty() {
                self.unplaced.insert(topic, queue);
            }
        }
    }

    /// Puts a record into its partition's lane. Its topic is known.
    fn place(&mut self, unplaced: Unplaced, metadata: &Metadata, moment: Moment) {
        let Unplaced { ticket, record, wall_ms, created } = unplaced;
        let topic = metadata.topic(&record.topic).expect("its topic is known");
        let partition = match record.partition {
            Some(partition) => topic.partitions.contains_key(&partition).then_some(partition),
            None => self.partitioner.place(
                (&record.topic, topic),
                record.key.as_deref(),
                record.bytes_max(),
                self.rules.batch_bytes,
                moment.draw,
            ),
        };
        let Some(partition) = partition else {
            let fate = Undelivered { cause: Cause::NoPartition, definite: true };
            return self.fates.push((ticket, Err(fate)));
        };
        let around = Around { now: created, rules: &self.rules, flushing: self.flushing, draw: moment.draw };
        let lane =
            self.lanes.entry((record.topic.clone(), partition)).or_insert_with(|| Lane::new(partition));
        lane.push(ticket, &record, wall_ms, around);
    }
}

/// Who leads a partition, if anybody does.
fn leader(metadata: &Metadata, (topic, partition): &Place) -> Option<(i32, Leader)> {
    let leader = metadata.leader(topic, *partition)?;
    Some((leader.node?, leader))
}

#[cfg(test)]
#[path = "core_prop.rs"]
mod properties;
#[cfg(test)]
#[path = "core_test.rs"]
mod tests;
