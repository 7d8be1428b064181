//! The consumer's core: what to ask which broker now, and what its answers mean for positions.

use super::position::{Position, Task};
use super::reading::{Consumed, Fetched, Next};
use super::rules::{ConsumeError, ConsumerConfig, Start, Trouble};
use crate::metadata::Metadata;
use bytes::Bytes;
use model::time::Instant;
use model::{LeaderEpoch, TopicId};
use protocol::ErrorCode;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

/// A partition, by its topic's name.
pub(super) type Place = (String, i32);

/// What one broker is to be asked: partitions with the leader epoch that it is taken for the leader in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) request: u64,
    pub(super) what: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// With the timestamp or name of an offset.
    Offsets(Vec<(Place, LeaderEpoch, i64)>),
    /// With the epoch whose end is wanted.
    Ends(Vec<(Place, LeaderEpoch, LeaderEpoch)>),
    /// With the offset to begin at.
    Records(Vec<(Place, LeaderEpoch, i64)>),
}

impl Wanted {
    /// The partitions.
    pub(super) fn places(&self) -> Vec<Place> {
        match self {
            Wanted::Offsets(wanted) | Wanted::Records(wanted) => {
                wanted.iter().map(|(place, ..)| place.clone()).collect()
            }
            Wanted::Ends(wanted) => wanted.iter().map(|(place, ..)| place.clone()).collect(),
        }
    }
}

/// What an answer says of a partition.
#[derive(Debug)]
pub(super) enum Told {
    Offset { offset: Option<i64>, epoch: LeaderEpoch },
    End(Option<(LeaderEpoch, i64)>),
    Records { records: Bytes, high_watermark: i64 },
    Error(ErrorCode),
}

/// A request under way.
#[derive(Debug)]
struct UnderWay {
    node: i32,
    since: Instant,
    is_fetch: bool,
    places: Vec<Place>,
}

#[derive(Debug)]
pub(super) struct Core {
    config: ConsumerConfig,
    positions: BTreeMap<Place, Position>,
    under_way: BTreeMap<u64, UnderWay>,
    next_request: u64,
    /// Whose records were handed out last: others come first.
    served: Option<Place>,
    errors: VecDeque<ConsumeError>,
}

impl Core {
    pub(super) fn new(config: ConsumerConfig) -> Core {
        Core {
            config,
            positions: BTreeMap::new(),
            under_way: BTreeMap::new(),
            next_request: 0,
            served: None,
            errors: VecDeque::new(),
        }
    }

    pub(super) fn config(&self) -> &ConsumerConfig {
        &self.config
    }

    /// Reads a partition from there on, whether it was read before or not.
    pub(super) fn assign(&mut self, place: Place, start: Start) {
        self.positions.insert(place, Position::new(start));
    }

    /// Finds out where that is, and reads nothing.
    pub(super) fn locate(&mut self, place: Place, start: Start) {
        self.positions.insert(place, Position::locating(start));
    }

    /// Whether it is known of every partition where it stands.
    pub(super) fn is_located(&self) -> bool {
        self.positions.values().all(|position| position.offset().is_some())
    }

    pub(super) fn unassign(&mut self, place: &Place) {
        self.positions.remove(place);
    }

    pub(super) fn position(&self, place: &Place) -> Option<&Position> {
        self.positions.get(place)
    }

    /// Whether every partition was at its end when it was last asked for.
    pub(super) fn is_at_end(&self) -> bool {
        self.positions.values().all(Position::is_at_end)
    }

    /// The brokers that there is something to ask of.
    pub(super) fn nodes(&mut self, metadata: &Metadata, now: Instant) -> Vec<i32> {
        self.tasks(metadata, now).into_keys().collect()
    }

    /// What is to be asked now, for each of these brokers that there is something for.
    pub(super) fn asks(
        &mut self,
        metadata: &Metadata,
        now: Instant,
        ready: &BTreeSet<i32>,
    ) -> Vec<(i32, Ask)> {
        let tasks = self.tasks(metadata, now);
        let fetching: BTreeSet<i32> = self
            .under_way
            .values()
            .filter(|under_way| under_way.is_fetch)
            .map(|under_way| under_way.node)
            .collect();
        let mut asks = Vec::new();
        for (node, tasks) in tasks {
            if !ready.contains(&node) {
                continue;
            }
            let (mut offsets, mut ends, mut records) = (Vec::new(), Vec::new(), Vec::new());
            for (place, epoch, task) in tasks {
                match task {
                    Task::List(timestamp) => offsets.push((place, epoch, timestamp)),
                    Task::Validate(last) => ends.push((place, epoch, last)),
                    Task::Fetch(offset) => records.push((place, epoch, offset)),
                }
            }
            if !offsets.is_empty() {
                asks.push((node, self.ask(node, Wanted::Offsets(offsets), now)));
            }
            if !ends.is_empty() {
                asks.push((node, self.ask(node, Wanted::Ends(ends), now)));
            }
            if !records.is_empty() && !fetching.contains(&node) {
                asks.push((node, self.ask(node, Wanted::Records(records), now)));
            }
        }
        asks
    }

    /// What there is to do, by the broker to be asked.
    fn tasks(&mut self, metadata: &Metadata, now: Instant) -> BTreeMap<i32, Vec<(Place, LeaderEpoch, Task)>> {
        let mut tasks: BTreeMap<i32, Vec<(Place, LeaderEpoch, Task)>> = BTreeMap::new();
        for place in in_turn(&self.positions, self.served.as_ref()) {
            let position = self.positions.get_mut(&place).expect("listed");
            let topic = metadata.topic(&place.0);
            let met = position
                .meets(topic.map_or(TopicId::default(), |topic| topic.id), &self.config)
                .and(position.misses(metadata.unknown_for(&place.0).unwrap_or_default(), &self.config));
            if let Err(trouble) = met {
                self.error(&place, trouble);
                continue;
            }
            let Some(leader) = topic.and_then(|topic| topic.partitions.get(&place.1)).copied() else {
                continue;
            };
            let Some(node) = leader.node else { continue };
            if let Some(task) = position.task(leader, now) {
                tasks.entry(node).or_default().push((place, position.epoch(), task));
            }
        }
        tasks
    }

    fn ask(&mut self, node: i32, what: Wanted, now: Instant) -> Ask {
        let request = self.next_request;
        self.next_request += 1;
        let places = what.places();
        for place in &places {
            self.positions.get_mut(place).expect("it has a task").asked(request, node);
        }
        let is_fetch = matches!(what, Wanted::Records(_));
        self.under_way.insert(request, UnderWay { node, since: now, is_fetch, places });
        Ask { request, what }
    }

    /// What came of a request. Partitions that are not told of are asked for again, later. Whether metadata may be wrong.
    pub(super) fn answered(
        &mut self,
        request: u64,
        mut told: BTreeMap<Place, Told>,
        now: Instant,
        draw: u64,
    ) -> bool {
        let under_way = self.under_way.remove(&request).expect("a request under way");
        let mut stale = false;
        for place in under_way.places {
            // Assigned anew meanwhile, or given up.
            let Some(position) = self.positions.get_mut(&place) else { continue };
            if !position.is_answer(request) {
                continue;
            }
            let outcome = match told.remove(&place) {
                None => {
                    position.failed(now, &self.config, draw);
                    Ok(())
                }
                Some(Told::Offset { offset, epoch }) => {
                    position.listed(offset, epoch);
                    Ok(())
                }
                Some(Told::End(end)) => position.validated(end, &self.config),
                Some(Told::Records { records, high_watermark }) => {
                    position.fetch_answered(Fetched::new(records), high_watermark);
                    Ok(())
                }
                Some(Told::Error(ErrorCode::OffsetOutOfRange)) => position.out_of_range(&self.config),
                Some(Told::Error(code)) if code.is_retriable() => {
                    stale = true;
                    position.failed(now, &self.config, draw);
                    Ok(())
                }
                // The broker does not know itself; it may later.
                Some(Told::Error(ErrorCode::UnknownServerError)) => {
                    position.failed(now, &self.config, draw);
                    Ok(())
                }
                // A broker that does not validate.
                Some(Told::Error(ErrorCode::UnsupportedVersion)) if position.not_validated() => Ok(()),
                Some(Told::Error(code)) => Err(position.refused(code)),
            };
            if let Err(trouble) = outcome {
                self.error(&place, trouble);
            }
        }
        stale
    }

    /// Records that have been fetched, up to the limit of a poll, of each partition in turn.
    pub(super) fn poll(&mut self) -> Vec<Consumed> {
        let mut polled = Vec::new();
        for place in in_turn(&self.positions, self.served.as_ref()) {
            let position = self.positions.get_mut(&place).expect("listed");
            while position.has_fetched() && polled.len() < self.config.poll_records_max {
                let from = position.offset().expect("it was fetched from there");
                match position.fetched().next(from, self.config.batch_bytes_max) {
                    Ok(Next::Record(record, epoch, next)) => {
                        position.advance(next, epoch);
                        polled.push(consumed(&place, *record, epoch));
                    }
                    Ok(Next::Passed(epoch, next)) => position.advance(next, epoch),
                    Ok(Next::End) => {}
                    Err(error) => {
                        let trouble = position.corrupt(error.to_string());
                        self.error(&place, trouble);
                        break;
                    }
                }
            }
            if polled.len() >= self.config.poll_records_max {
                self.served = Some(place);
                break;
            }
        }
        polled
    }

    /// What has gone wrong first and has not been told yet.
    pub(super) fn next_error(&mut self) -> Option<ConsumeError> {
        self.errors.pop_front()
    }

    /// Brokers that have been silent for so long that others had better be asked who leads.
    pub(super) fn suspects(&self, now: Instant) -> BTreeSet<i32> {
        self.suspicions().filter(|(_, at)| *at <= now).map(|(node, _)| node).collect()
    }

    /// When there may be something new to do, though nothing happens: the next such time after now.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        let positions = self.positions.values().filter_map(Position::wake);
        positions.chain(self.suspicions().map(|(_, at)| at)).filter(|at| *at > now).min()
    }

    /// Who is asked, and when it counts as silent.
    fn suspicions(&self) -> impl Iterator<Item = (i32, Instant)> {
        let patience = self.config.max_wait + self.config.patience;
        self.under_way.values().map(move |under_way| (under_way.node, under_way.since + patience))
    }

    fn error(&mut self, (topic, partition): &Place, trouble: Trouble) {
        let offset = self.positions[&(topic.clone(), *partition)].offset().unwrap_or(-1);
        self.errors.push_back(ConsumeError { topic: topic.clone(), partition: *partition, offset, trouble });
    }
}

/// Every partition, the one behind that which was served last first.
fn in_turn(positions: &BTreeMap<Place, Position>, served: Option<&Place>) -> Vec<Place> {
    let Some(served) = served else { return positions.keys().cloned().collect() };
    let behind = positions.range((Bound::Excluded(served), Bound::Unbounded));
    let before = positions.range((Bound::Unbounded, Bound::Included(served)));
    behind.chain(before).map(|(place, _)| place.clone()).collect()
}

fn consumed((topic, partition): &Place, record: records::batch::Record, epoch: LeaderEpoch) -> Consumed {
    Consumed {
        topic: topic.clone(),
        partition: *partition,
        offset: record.offset.0,
        timestamp_ms: record.timestamp.0,
        leader_epoch: epoch.0,
        key: record.key,
        value: record.value,
        headers: record.headers.into_iter().map(|header| (header.key, header.value)).collect(),
    }
}

#[cfg(test)]
#[path = "core_prop.rs"]
mod properties;
#[cfg(test)]
#[path = "core_test.rs"]
mod tests;
