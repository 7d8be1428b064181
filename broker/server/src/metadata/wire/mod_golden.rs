//! What a controller of Apache Kafka answered is understood, and the same answers of ours are its bytes.

use super::*;
use bytes::Bytes;
use model::Offset;
use model::time::Duration;
use protocol::messages::{
    begin_quorum_epoch as begin_wire, end_quorum_epoch as end_wire, fetch as fetch_wire,
    fetch_snapshot as snapshot_wire, vote as vote_wire,
};
use protocol::{Frame, Request};
use raft::{Answer, EpochEnd, EpochStart, Fetch, Records, SnapshotId, SnapshotPiece};

const RECORDED: &str = include_str!("testdata/kafka-4.1.0.txt");

/// The recorded answers to a question: version and frame.
fn recorded(question: &str) -> impl Iterator<Item = (i16, Bytes)> {
    let lines = RECORDED.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(move |line| {
        let mut words = line.split(' ');
        let (name, version, frame) = (words.next()?, words.next()?, words.next()?);
        let digits: Vec<u32> = frame.chars().map(|digit| digit.to_digit(16).expect("hexadecimal")).collect();
        let frame: Vec<u8> = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
        (name == question).then(|| (version.parse().expect("a version"), Bytes::from(frame)))
    })
}

fn decoded<Q: Request>(version: i16, frame: &Bytes) -> Q::Response {
    Frame::decode_response::<Q>(frame.clone(), version).expect("a response of Kafka's").1
}

/// A response's frame as it was recorded: correlation id 1, without its length.
fn frame<R: protocol::Response>(version: i16, response: &R) -> Bytes {
    Bytes::from(Frame::response(1, version, response).expect("it can be written").concat()).slice(4..)
}

/// Where the controller that was asked listens.
fn endpoint() -> NodeEndpoint {
    NodeEndpoint { name: "CONTROLLER".into(), host: "127.0.0.1".into(), port: 29193, security_protocol: 0 }
}

fn response(body: Result<Answer, Rejection>) -> Response {
    Response { epoch: LeaderEpoch(4), leader: Some(BrokerId(1)), body }
}

const ID: SnapshotId = SnapshotId { end: Offset(347), epoch: LeaderEpoch(4) };
const HIGH_WATERMARK: Offset = Offset(351);

/// Asked by an observer.
fn fetch(from: i64, last_epoch: i32) -> Fetch {
    Fetch {
        replica: ReplicaKey { id: BrokerId(2), directory: None },
        epoch: LeaderEpoch(4),
        from: Offset(from),
        last_epoch: LeaderEpoch(last_epoch),
        high_watermark: None,
        wait: Duration::ZERO,
    }
}

/// What a recorded answer to a fetch says, once it was seen that ours is its bytes.
fn fetched(version: i16, frame_of_kafka: &Bytes, asked: &Fetch) -> Response {
    let theirs = decoded::<fetch_wire::FetchRequest>(version, frame_of_kafka);
    let said = fetch::answer(version, asked, theirs.clone()).expect("an answer that makes sense");
    let theirs = &theirs.responses[0].partitions[0];
    let read = fetch::Read { records: theirs.records.clone(), log_start: Offset(theirs.log_start_offset) };
    let mut ours = fetch::response(version, &said, read, Some(&endpoint()));
    if !matches!(said.body, Ok(Answer::Records(_))) {
        // Kafka tells its high watermark whatever else it says; whoever hears that its log differs has no use for it.
        ours.responses[0].partitions[0].high_watermark = theirs.high_watermark;
    }
    assert_eq!(frame(version, &ours), frame_of_kafka, "{said}");
    said
}

#[test]
fn a_leaders_records_are_taken() {
    let asked = fetch(345, 4);
    for (version, bytes) in recorded("fetch-records") {
        let said = fetched(version, &bytes, &asked);
        let Ok(Answer::Records(Records { high_watermark, batches: Some(batches), .. })) = said.body else {
            panic!("{said}");
        };
        assert_eq!((said.epoch, said.leader), (LeaderEpoch(4), Some(BrokerId(1))));
        assert_eq!(
            (high_watermark, batches.base, batches.end),
            (Some(HIGH_WATERMARK), Offset(345), HIGH_WATERMARK)
        );
        assert_eq!(batches.epochs, [EpochStart { epoch: LeaderEpoch(4), start: Offset(345) }]);
    }
    assert_eq!(recorded("fetch-records").count(), 6, "versions 13 to 18");
}

#[test]
fn a_leaders_other_answers_to_a_fetch_are_understood() {
    let diverging = response(Ok(Answer::Diverging(EpochEnd { epoch: LeaderEpoch(4), end: HIGH_WATERMARK })));
    for (version, bytes) in recorded("fetch-diverging") {
        assert_eq!(fetched(version, &bytes, &fetch(1_000_000, 4)), diverging);
    }
    for (version, bytes) in recorded("fetch-snapshot") {
        assert_eq!(fetched(version, &bytes, &fetch(0, 0)), response(Ok(Answer::Snapshot(ID))));
    }
    for (version, bytes) in recorded("fetch-fenced") {
        assert_eq!(fetched(version, &bytes, &fetch(0, 0)), response(Err(Rejection::FencedEpoch)));
    }
    for (version, bytes) in recorded("fetch-cluster") {
        let theirs = decoded::<fetch_wire::FetchRequest>(version, &bytes);
        let refused = Senseless::Refused(ErrorCode::InconsistentClusterId);
        assert_eq!(fetch::answer(version, &fetch(0, 0), theirs), Err(refused));
        assert_eq!(frame(version, &fetch::refused(ErrorCode::InconsistentClusterId)), bytes);
    }
}

#[test]
fn a_leaders_snapshot_is_taken_piece_by_piece() {
    for (version, bytes) in recorded("snapshot-piece") {
        let theirs = decoded::<snapshot_wire::FetchSnapshotRequest>(version, &bytes);
        let said = fetch_snapshot::answer(theirs).expect("an answer that makes sense");
        let Ok(Answer::SnapshotPiece(SnapshotPiece { id, size, position, bytes: piece })) = &said.body else {
            panic!("{said}");
        };
        assert_eq!((*id, *size, *position, piece.len()), (ID, 5474, 100, 20));
        assert_eq!(frame(version, &fetch_snapshot::response(version, &said, Some(&endpoint()))), bytes);
    }
    // Kafka 4.1 can't write its own errors beside a snapshot's partition: they arrive as unexpected ones of the server.
    for (version, bytes) in recorded("snapshot-none") {
        let theirs = decoded::<snapshot_wire::FetchSnapshotRequest>(version, &bytes);
        let refused = Senseless::Refused(ErrorCode::UnknownServerError);
        assert_eq!(fetch_snapshot::answer(theirs), Err(refused));
    }
}

#[test]
fn a_voters_answers_are_understood() {
    let (granted, fenced) =
        (response(Ok(Answer::Vote { granted: false })), response(Err(Rejection::FencedEpoch)));
    for (version, bytes) in recorded("vote") {
        assert_eq!(vote::answer(decoded::<vote_wire::VoteRequest>(version, &bytes)), Ok(granted.clone()));
        assert_eq!(frame(version, &vote::response(version, &granted, Some(&endpoint()))), bytes);
    }
    for (version, bytes) in recorded("vote-directory") {
        let refused = Senseless::Refused(ErrorCode::InvalidVoterKey);
        assert_eq!(vote::answer(decoded::<vote_wire::VoteRequest>(version, &bytes)), Err(refused));
    }
    for (version, bytes) in recorded("begin") {
        let theirs = decoded::<begin_wire::BeginQuorumEpochRequest>(version, &bytes);
        assert_eq!(begin_epoch::answer(theirs), Ok(fenced.clone()));
        assert_eq!(frame(version, &begin_epoch::response(version, &fenced, Some(&endpoint()))), bytes);
    }
    for (version, bytes) in recorded("end") {
        let theirs = decoded::<end_wire::EndQuorumEpochRequest>(version, &bytes);
        assert_eq!(end_epoch::answer(theirs), Ok(fenced.clone()));
        assert_eq!(frame(version, &end_epoch::response(version, &fenced, Some(&endpoint()))), bytes);
    }
    let names = ["vote", "vote-directory", "begin", "end", "snapshot-piece", "snapshot-none", "fetch-fenced"];
    assert!(names.iter().all(|name| recorded(name).count() > 0));
}
