//! Any value that a version can carry survives the way through its bytes, and whatever the messages hold, nothing panics.

use super::batches::{Batched, check};
use super::*;
use bytes::Bytes;
use model::time::Duration;
use model::{Offset, Timestamp};
use proptest::prelude::*;
use protocol::messages::{
    begin_quorum_epoch as begin_wire, end_quorum_epoch as end_wire, fetch as fetch_wire,
    fetch_snapshot as snapshot_wire, vote as vote_wire,
};
use protocol::{Frame, Message, Request as WireRequest};
use raft::{
    Answer, Batches, EpochEnd, EpochStart, Fetch, FetchSnapshot, Records, Request, SnapshotId, SnapshotPiece,
    Vote,
};
use records::RecordBytes;
use records::batch::BatchBuilder;

fn id() -> impl Strategy<Value = BrokerId> {
    prop_oneof![0..5, Just(i32::MAX)].prop_map(BrokerId)
}

fn epoch() -> impl Strategy<Value = LeaderEpoch> {
    prop_oneof![0..5, 0..=i32::MAX].prop_map(LeaderEpoch)
}

fn offset() -> impl Strategy<Value = Offset> {
    prop_oneof![0..5i64, 0..=i64::MAX].prop_map(Offset)
}

fn directory() -> impl Strategy<Value = Option<DirectoryId>> {
    prop_oneof![Just(None), (1..=255u8).prop_map(|byte| Some(DirectoryId(Uuid([byte; 16]))))]
}

fn replica() -> impl Strategy<Value = ReplicaKey> {
    (id(), directory()).prop_map(|(id, directory)| ReplicaKey { id, directory })
}

fn snapshot_id() -> impl Strategy<Value = SnapshotId> {
    (offset(), epoch()).prop_map(|(end, epoch)| SnapshotId { end, epoch })
}

fn endpoint() -> NodeEndpoint {
    NodeEndpoint { name: "CONTROLLER".into(), host: "localhost".into(), port: 9093, security_protocol: 0 }
}

fn local() -> impl Strategy<Value = Local> {
    (replica(), 1..=i32::MAX, 1..=i32::MAX).prop_map(|(me, log, snapshot)| Local {
        cluster: ClusterId("c".into()),
        me,
        endpoints: vec![endpoint()],
        portions: Portions { log, snapshot },
    })
}

fn rejected() -> impl Strategy<Value = Rejection> {
    prop::sample::select(vec![
        Rejection::FencedEpoch,
        Rejection::UnknownEpoch,
        Rejection::NotLeader,
        Rejection::NotVoter,
        Rejection::Invalid,
        Rejection::SnapshotNotFound,
        Rejection::PositionOutOfRange,
    ])
}

/// An answer of a quorum with this body, or a rejection; and whether it is known where the leader listens.
fn response_of(answer: impl Strategy<Value = Answer>) -> impl Strategy<Value = (Response, bool)> {
    let body = prop_oneof![3 => answer.prop_map(Ok), 1 => rejected().prop_map(Err)];
    (epoch(), prop::option::of(id()), body, any::<bool>())
        .prop_map(|(epoch, leader, body, known)| (Response { epoch, leader, body }, known))
}

fn vote() -> impl Strategy<Value = Vote> {
    (epoch(), 0..=i32::MAX, replica(), offset(), any::<bool>()).prop_map(
        |(last, later, candidate, end, pre_vote)| {
            let at_least = last.0.saturating_add(if pre_vote { 0 } else { 1 });
            // The last epoch of all is followed by none.
            let last = LeaderEpoch(last.0.min(i32::MAX - 1));
            Vote {
                epoch: LeaderEpoch(at_least.max(later)),
                candidate,
                last: EpochEnd { epoch: last, end },
                pre_vote,
            }
        },
    )
}

fn fetch() -> impl Strategy<Value = Fetch> {
    (replica(), epoch(), epoch(), offset(), prop::option::of(offset()), 0..=i32::MAX as u64).prop_map(
        |(replica, one, other, from, high_watermark, wait_ms)| Fetch {
            replica,
            epoch: one.max(other),
            from,
            last_epoch: one.min(other),
            high_watermark,
            wait: Duration::from_millis(wait_ms),
        },
    )
}

/// Batches from `from` on: for each, its epoch's distance from the one before, and its records.
fn batches(from: Offset, first: LeaderEpoch, shape: &[(i32, usize)]) -> Option<Batches> {
    let (mut bytes, mut epochs): (Vec<u8>, Vec<EpochStart>) = (Vec::new(), Vec::new());
    let (mut end, mut epoch) = (from, first);
    for (later, count) in shape {
        epoch = LeaderEpoch(epoch.0 + later);
        let mut batch = BatchBuilder::new(end, epoch);
        (0..*count).for_each(|record| batch.push(Timestamp(7), None, Some(&[record as u8])));
        bytes.extend_from_slice(&batch.build());
        if epochs.last().is_none_or(|last| last.epoch < epoch) {
            epochs.push(EpochStart { epoch, start: end });
        }
        end = end.plus(*count as i64);
    }
    (!bytes.is_empty()).then(|| Batches { bytes: Bytes::from(bytes), base: from, end, epochs })
}

fn through_bytes<M: Message>(message: &M, version: i16) -> M {
    let mut writer = records::codec::Writer::new();
    message.encode(&mut writer, version).expect("a version can carry what is made for it");
    let mut reader = records::codec::Reader::new(writer.into_bytes());
    let message = M::decode(&mut reader, version).expect("what was written can be read");
    assert_eq!(reader.remaining(), 0);
    message
}

/// What a version of a replica's key keeps.
fn keyed(replica: ReplicaKey, with_directory: bool) -> ReplicaKey {
    ReplicaKey { directory: replica.directory.filter(|_| with_directory), ..replica }
}

/// Where the leader listens stands in a response if it is known, the leader is, and the version has the place.
fn at(known: bool) -> Option<NodeEndpoint> {
    known.then(endpoint)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_vote_survives(here in local(), there in local(), vote in vote(), (answered, known) in response_of(
        any::<bool>().prop_map(|granted| Answer::Vote { granted })
    )) {
        for version in vote::VERSIONS {
            let leader = at(known);
            let response = vote::response(version, &answered, leader.as_ref());
            prop_assert_eq!(response.node_endpoints.len(), usize::from(known && version >= 1 && answered.leader.is_some()));
            prop_assert_eq!(vote::answer(through_bytes(&response, version)), Ok(answered.clone()));

            let Some(request) = vote::request(&here, there.me, version, &vote) else {
                prop_assert!(vote.pre_vote && version < 2);
                continue;
            };
            let read = vote::read(&there, through_bytes(&request, version));
            prop_assert_eq!(read, Ok(Vote { candidate: keyed(vote.candidate, version >= 1), ..vote }));
        }
    }

    #[test]
    fn the_beginning_and_the_end_of_an_epoch_survive(
        here in local(),
        there in local(),
        epoch in epoch(),
        leader in id(),
        successors in prop::collection::vec(id(), 0..4),
        (answered, known) in response_of(Just(Answer::Noted)),
    ) {
        for version in begin_epoch::VERSIONS {
            let request = begin_epoch::request(&here, there.me, version, epoch, leader);
            prop_assert_eq!(request.leader_endpoints.len(), usize::from(version >= 1));
            let read = begin_epoch::read(&there, through_bytes(&request, version));
            prop_assert_eq!(read, Ok(Request::BeginEpoch { epoch, leader }));
            let response = begin_epoch::response(version, &answered, at(known).as_ref());
            prop_assert_eq!(response.node_endpoints.len(), usize::from(known && version >= 1 && answered.leader.is_some()));
            prop_assert_eq!(begin_epoch::answer(through_bytes(&response, version)), Ok(answered.clone()));
        }
        for version in end_epoch::VERSIONS {
            let request = end_epoch::request(&here, version, epoch, leader, &successors);
            prop_assert_eq!(request.leader_endpoints.len(), usize::from(version >= 1));
            let read = end_epoch::read(&there, through_bytes(&request, version));
            prop_assert_eq!(read, Ok(Request::EndEpoch { epoch, leader, successors: successors.clone() }));
            let response = end_epoch::response(version, &answered, at(known).as_ref());
            prop_assert_eq!(response.node_endpoints.len(), usize::from(known && version >= 1 && answered.leader.is_some()));
            prop_assert_eq!(end_epoch::answer(through_bytes(&response, version)), Ok(answered.clone()));
        }
    }

    #[test]
    fn a_fetch_survives(here in local(), there in local(), fetch in fetch()) {
        for version in fetch::VERSIONS {
            let request = through_bytes(&fetch::request(&here, version, &fetch), version);
            let told = if version >= 18 { fetch.high_watermark } else { Some(Offset(i64::MAX)) };
            let expected = Fetch { replica: keyed(fetch.replica, version >= 17), high_watermark: told, ..fetch };
            let bytes_max = BYTES_MAX.min(here.portions.log as usize);
            let asked = fetch::Asked { fetch: expected, bytes_max };
            prop_assert_eq!(fetch::read(&there, version, request), Ok(asked));
        }
    }

    #[test]
    fn the_answer_to_a_fetch_survives(
        asked in fetch(),
        which in 0..4,
        from in 0..100i64,
        last_epoch in 0..3,
        shape in prop::collection::vec((0..3i32, 1..4usize), 0..5),
        high_watermark in prop::option::of(offset()),
        (diverging_epoch, snapshot) in (epoch(), snapshot_id()),
        (mut answered, known) in response_of(Just(Answer::Noted)),
    ) {
        let (from, last_epoch) = (Offset(from), LeaderEpoch(last_epoch));
        let asked = Fetch { from, last_epoch, ..asked };
        let batches = batches(from, last_epoch, &shape);
        let records = RecordBytes::from(batches.clone().map_or_else(Bytes::new, |batches| batches.bytes));
        answered.body = match which {
            0 => Ok(Answer::Diverging(EpochEnd { epoch: diverging_epoch, end: snapshot.end })),
            1 => Ok(Answer::Snapshot(snapshot)),
            2 => answered.body.map(|_| Answer::Records(Records { from, high_watermark, batches: None })),
            _ => {
                answered.epoch = answered.epoch.max(LeaderEpoch(20));
                Ok(Answer::Records(Records { from, high_watermark, batches }))
            }
        };
        let of_records = matches!(&answered.body, Ok(Answer::Records(Records { batches: Some(_), .. })));
        for version in fetch::VERSIONS {
            let read = fetch::Read {
                records: if of_records { records.clone() } else { RecordBytes::new() },
                log_start: Offset(0),
            };
            let response = fetch::response(version, &answered, read, at(known).as_ref());
            prop_assert_eq!(response.node_endpoints.len(), usize::from(known && version >= 17 && answered.leader.is_some()));
            let response = through_bytes(&response, version);
            prop_assert_eq!(fetch::answer(version, &asked, response), Ok(answered.clone()));
        }
    }

    #[test]
    fn a_fetch_of_a_snapshot_survives(
        here in local(),
        there in local(),
        replica in replica(),
        (epoch, id) in (epoch(), snapshot_id()),
        position in 0..i64::MAX as u64 - 100,
        piece in prop::collection::vec(any::<u8>(), 0..100),
        (mut answered, known) in response_of(Just(Answer::Noted)),
    ) {
        let fetch = FetchSnapshot { replica, epoch, id, position };
        let size = position + piece.len() as u64;
        let bytes = Bytes::from(piece);
        answered.body = answered.body.map(|_| Answer::SnapshotPiece(SnapshotPiece { id, size, position, bytes }));
        for version in fetch_snapshot::VERSIONS {
            let request = through_bytes(&fetch_snapshot::request(&here, &fetch), version);
            let expected = FetchSnapshot { replica: keyed(replica, version >= 1), ..fetch };
            let bytes_max = BYTES_MAX.min(here.portions.snapshot as usize);
            let asked = fetch_snapshot::Asked { fetch: expected, bytes_max };
            prop_assert_eq!(fetch_snapshot::read(&there, request), Ok(asked));
            let response = fetch_snapshot::response(version, &answered, at(known).as_ref());
            prop_assert_eq!(response.node_endpoints.len(), usize::from(known && version >= 1 && answered.leader.is_some()));
            prop_assert_eq!(fetch_snapshot::answer(through_bytes(&response, version)), Ok(answered.clone()));
        }
    }
}

/// Bytes that are mostly a message: one that was made, damaged here and there.
fn damaged<M: Message>(message: &M, version: i16, damage: &[(prop::sample::Index, u8)]) -> Option<M> {
    let mut writer = records::codec::Writer::new();
    message.encode(&mut writer, version).ok()?;
    let mut bytes = writer.into_bytes().to_vec();
    for (at, byte) in damage {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    M::decode(&mut records::codec::Reader::new(Bytes::from(bytes)), version).ok()
}

fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    let byte = prop_oneof![any::<u8>(), Just(0xff), Just(0x80), Just(0x7f), Just(0)];
    prop::collection::vec((any::<prop::sample::Index>(), byte), 0..6)
}

/// Whatever `bytes` decode to, if they do, is read and answered without a panic.
fn take(local: &Local, asked: &Fetch, bytes: &Bytes) {
    fn body<R: WireRequest>(bytes: &Bytes, version: i16) -> Option<R> {
        R::decode_body(bytes.clone(), version).ok()
    }
    fn reply<R: WireRequest>(bytes: &Bytes, version: i16) -> Option<R::Response> {
        Frame::decode_response::<R>(bytes.clone(), version).ok().map(|(_, response)| response)
    }
    for version in 0..=19 {
        let _ = body(bytes, version).map(|request| vote::read(local, request));
        let _ = body(bytes, version).map(|request| begin_epoch::read(local, request));
        let _ = body(bytes, version).map(|request| end_epoch::read(local, request));
        let _ = body(bytes, version).map(|request| fetch::read(local, version, request));
        let _ = body(bytes, version).map(|request| fetch_snapshot::read(local, request));
        let _ = reply::<vote_wire::VoteRequest>(bytes, version).map(vote::answer);
        let _ = reply::<begin_wire::BeginQuorumEpochRequest>(bytes, version).map(begin_epoch::answer);
        let _ = reply::<end_wire::EndQuorumEpochRequest>(bytes, version).map(end_epoch::answer);
        let _ = reply::<fetch_wire::FetchRequest>(bytes, version).map(|r| fetch::answer(version, asked, r));
        let _ = reply::<snapshot_wire::FetchSnapshotRequest>(bytes, version).map(fetch_snapshot::answer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes_never_panic(local in local(), asked in fetch(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        take(&local, &asked, &Bytes::from(bytes));
    }

    #[test]
    fn damaged_requests_never_panic(
        here in local(),
        (vote, fetch) in (vote(), fetch()),
        (epoch, id) in (epoch(), snapshot_id()),
        damage in damage(),
    ) {
        let there = here.clone();
        for version in 0..=18 {
            if version <= 2 && let Some(request) = vote::request(&here, there.me, version, &vote) {
                let _ = damaged(&request, version, &damage).map(|request| vote::read(&there, request));
            }
            if version <= 1 {
                let begin = begin_epoch::request(&here, there.me, version, epoch, here.me.id);
                let _ = damaged(&begin, version, &damage).map(|request| begin_epoch::read(&there, request));
                let end = end_epoch::request(&here, version, epoch, here.me.id, &[here.me.id]);
                let _ = damaged(&end, version, &damage).map(|request| end_epoch::read(&there, request));
                let ask = FetchSnapshot { replica: here.me, epoch, id, position: 0 };
                let ask = fetch_snapshot::request(&here, &ask);
                let _ = damaged(&ask, version, &damage).map(|request| fetch_snapshot::read(&there, request));
            }
            if fetch::VERSIONS.contains(&version) {
                let ask = fetch::request(&here, version, &fetch);
                let _ = damaged(&ask, version, &damage).map(|request| fetch::read(&there, version, request));
            }
        }
    }

    #[test]
    fn damaged_responses_never_panic(
        asked in fetch(),
        which in 0..3,
        (mut answered, known) in response_of(Just(Answer::Noted)),
        id in snapshot_id(),
        shape in prop::collection::vec((0..3i32, 1..4usize), 0..3),
        damage in damage(),
    ) {
        let asked = Fetch { from: Offset(3), last_epoch: LeaderEpoch(1), ..asked };
        let leader = at(known);
        for version in 0..=1 {
            let begin = begin_epoch::response(version, &answered, leader.as_ref());
            let _ = damaged(&begin, version, &damage).map(begin_epoch::answer);
        }
        let bytes = batches(asked.from, asked.last_epoch, &shape).map_or_else(Bytes::new, |batches| batches.bytes);
        answered.body = answered.body.map(|_| match which {
            0 => Answer::Records(Records { from: asked.from, high_watermark: None, batches: None }),
            1 => Answer::Snapshot(id),
            _ => Answer::Diverging(EpochEnd { epoch: id.epoch, end: id.end }),
        });
        for version in fetch::VERSIONS {
            let read = fetch::Read { records: RecordBytes::from(bytes.clone()), log_start: Offset(0) };
            let response = fetch::response(version, &answered, read, leader.as_ref());
            let _ = damaged(&response, version, &damage).map(|response| fetch::answer(version, &asked, response));
        }
        answered.body = answered.body.map(|_| {
            Answer::SnapshotPiece(SnapshotPiece { id, size: 1 << 40, position: 7, bytes: bytes.clone() })
        });
        for version in fetch_snapshot::VERSIONS {
            let response = fetch_snapshot::response(version, &answered, leader.as_ref());
            let _ = damaged(&response, version, &damage).map(fetch_snapshot::answer);
        }
    }

    /// Whatever bytes come, what is accepted of them can be appended: it is a prefix of them in whole batches, which begin
    /// where they should, follow each other and are of ascending epochs.
    #[test]
    fn accepted_batches_can_be_appended(
        from in prop_oneof![4 => Just(3), 1 => 0..5i64],
        first in 0..4,
        up_to in 0..8,
        shape in prop::collection::vec((0..3i32, 1..4usize), 0..5),
        cut in 0..80usize,
        damage in prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut bytes = batches(Offset(3), LeaderEpoch(2), &shape).map_or_else(Vec::new, |b| b.bytes.to_vec());
        bytes.truncate(bytes.len().saturating_sub(cut));
        if let Some((at, byte)) = damage && !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let place = Batched { from: Offset(from), epochs: LeaderEpoch(first)..=LeaderEpoch(up_to) };
        let Ok(Some(accepted)) = check(Bytes::from(bytes.clone()), place) else { return Ok(()) };
        prop_assert_eq!(&bytes[..accepted.bytes.len()], &accepted.bytes[..]);
        prop_assert_eq!(accepted.base, Offset(from));
        let mut next = accepted.base;
        let mut epochs: Vec<EpochStart> = Vec::new();
        for batch in records::batch::split(accepted.bytes) {
            let batch = batch.unwrap();
            let header = records::batch::BatchHeader::parse(&batch).unwrap();
            prop_assert_eq!(records::batch::check_crc(&batch), Ok(()));
            prop_assert_eq!(header.base_offset, next);
            prop_assert!(header.leader_epoch.0 >= first && header.leader_epoch.0 <= up_to);
            if epochs.last().is_none_or(|last| last.epoch != header.leader_epoch) {
                epochs.push(EpochStart { epoch: header.leader_epoch, start: next });
            }
            next = next.plus(i64::from(header.last_offset_delta) + 1);
        }
        prop_assert!(epochs.windows(2).all(|pair| pair[0].epoch < pair[1].epoch));
        prop_assert_eq!((accepted.end, accepted.epochs), (next, epochs));
    }
}
