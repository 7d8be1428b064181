//! Fetch sessions (KIP-227): a client says once what it wants, then only what has changed; and is answered likewise.
//!
//! ```text
//! request's epoch   session             becomes
//! -1                any                 none; everything that is named is answered for
//!  0                any                 a new one of what is named; everything is answered for
//!  n                mine, and n is due  itself with what is named, without what is forgotten; n + 1 is due
//!  n                another, or none    refused
//! ```
//!
//! A session lives in the connection that began it and ends with it: whoever continues it elsewhere is told that there is
//! none, and begins another. One request at a time is served of a connection, so there is one copy of a session, and what
//! has been told is what has been sent.

use model::{Offset, Uuid};
use protocol::ErrorCode;
use protocol::messages::fetch::{FetchPartition, FetchRequest, PartitionData};
use std::collections::BTreeMap;

/// Partitions of a session; one more ends it, and its client has to do without.
pub const PARTITIONS_MAX: usize = 200_000;

/// The epoch that follows the last one that a session can have.
const FIRST: i32 = 1;

/// Names a topic as requests do: by name or by id, the other one empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicName {
    /// Its name, before version 13.
    pub name: String,
    /// Its id, from version 13 on.
    pub id: Uuid,
}

/// A partition of a session.
#[derive(Clone, Debug)]
struct Wanted {
    topic: TopicName,
    partition: FetchPartition,
    told: Option<Told>,
}

/// What was told last of a partition, besides records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    high_watermark: Offset,
    log_start: Offset,
}

/// What a client wants from time to time.
#[derive(Debug)]
pub struct Session {
    id: i32,
    /// Of the request that is due.
    epoch: i32,
    /// Whether topics are named by id.
    by_id: bool,
    /// In the order in which they are served: whoever got records goes to the end.
    turns: BTreeMap<u64, Wanted>,
    /// Where each is in that order. Invariant: all of `turns`, and no other.
    places: BTreeMap<(TopicName, i32), u64>,
    next: u64,
}

/// What a request asks for.
#[derive(Debug)]
pub struct Ask {
    /// Each partition, in the order in which they are served.
    pub partitions: Vec<(TopicName, FetchPartition)>,
    /// What is kept of it.
    pub keep: Keep,
}

/// What becomes of the session with the answer.
#[derive(Debug)]
pub enum Keep {
    /// There is none: everything is answered for.
    Nothing,
    /// It begins, if there is room for one: everything is answered for.
    Begin(Session),
    /// It goes on: what is new is answered for.
    Continue(Session),
}

impl Session {
    fn begin(id: i32, by_id: bool, partitions: &[(TopicName, FetchPartition)]) -> Session {
        let mut session =
            Session { id, epoch: FIRST, by_id, turns: BTreeMap::new(), places: BTreeMap::new(), next: 0 };
        for (topic, partition) in partitions {
            session.want(topic.clone(), partition.clone());
        }
        session
    }

    /// Its id, never 0.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// How many partitions are wanted.
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    fn want(&mut self, topic: TopicName, partition: FetchPartition) {
        let key = (topic.clone(), partition.partition);
        match self.places.get(&key) {
            Some(place) => self.turns.get_mut(place).expect("it has a place").partition = partition,
            None => {
                self.places.insert(key, self.next);
                self.turns.insert(self.next, Wanted { topic, partition, told: None });
                self.next += 1;
            }
        }
    }

    fn forget(&mut self, topic: &TopicName, partition: i32) {
        if let Some(place) = self.places.remove(&(topic.clone(), partition)) {
            self.turns.remove(&place);
        }
    }

    /// Notes an answer about one partition. Whether it has to be sent: there are records, or something else is new.
    pub fn answered(&mut self, topic: &TopicName, data: &PartitionData) -> bool {
        let key = (topic.clone(), data.partition_index);
        let Some(place) = self.places.get(&key).copied() else { return true };
        let wanted = self.turns.get_mut(&place).expect("it has a place");
        let told =
            Told { high_watermark: Offset(data.high_watermark), log_start: Offset(data.log_start_offset) };
        let news =
            data.error_code != 0 || data.diverging_epoch.epoch >= 0 || data.preferred_read_replica >= 0;
        let changed = wanted.told != Some(told);
        // Once an error is over, that is news.
        wanted.told = Some(told).filter(|_| data.error_code == 0);
        if data.records.is_empty() {
            return news || changed;
        }
        let wanted = self.turns.remove(&place).expect("it has a place");
        self.places.insert(key, self.next);
        self.turns.insert(self.next, wanted);
        self.next += 1;
        true
    }
}

/// What a request asks for, given the session of its connection, which is over unless it is kept. `id`: of a new session.
///
/// Errors concern the request as a whole: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH,
/// FETCH_SESSION_TOPIC_ID_ERROR.
pub fn ask(
    session: Option<Session>,
    request: &mut FetchRequest,
    version: i16,
    id: i32,
) -> Result<Ask, (ErrorCode, Option<Session>)> {
    let by_id = version >= 13;
    let named = named(request);
    match request.session_epoch {
        -1 => return Ok(Ask { partitions: named, keep: Keep::Nothing }),
        0 => {
            let begin = !named.is_empty() && named.len() <= PARTITIONS_MAX;
            let keep = if begin { Keep::Begin(Session::begin(id, by_id, &named)) } else { Keep::Nothing };
            return Ok(Ask { partitions: named, keep });
        }
        _ => {}
    }
    let Some(mut session) = session.filter(|session| session.id == request.session_id) else {
        return Err((ErrorCode::FetchSessionIdNotFound, None));
    };
    if request.session_epoch != session.epoch {
        return Err((ErrorCode::InvalidFetchSessionEpoch, Some(session)));
    }
    if by_id != session.by_id {
        return Err((ErrorCode::FetchSessionTopicIdError, None));
    }
    session.epoch = if session.epoch == i32::MAX { FIRST } else { session.epoch + 1 };
    for (topic, partition) in named {
        session.want(topic, partition);
    }
    for forgotten in std::mem::take(&mut request.forgotten_topics_data) {
        let topic = TopicName { name: forgotten.topic, id: forgotten.topic_id };
        for partition in forgotten.partitions {
            session.forget(&topic, partition);
        }
    }
    let turns = session.turns.values();
    let partitions = turns.map(|wanted| (wanted.topic.clone(), wanted.partition.clone())).collect();
    if session.is_empty() || session.len() > PARTITIONS_MAX {
        return Ok(Ask { partitions, keep: Keep::Nothing });
    }
    Ok(Ask { partitions, keep: Keep::Continue(session) })
}

/// The partitions that a request names.
fn named(request: &mut FetchRequest) -> Vec<(TopicName, FetchPartition)> {
    let mut named = Vec::new();
    for topic in std::mem::take(&mut request.topics) {
        let name = TopicName { name: topic.topic, id: topic.topic_id };
        named.extend(topic.partitions.into_iter().map(|partition| (name.clone(), partition)));
    }
    named
}

#[cfg(test)]
#[path = "fetch_session_test.rs"]
mod tests;
