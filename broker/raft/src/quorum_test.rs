//! Transcripts: `testdata/*.txt` hold inputs and the effects expected of them, one story a file.
//!
//! A block is one command, a line `----`, and what it prints, up to an empty line. Lines with `#` are comments. Every
//! random draw is 0, so that timeouts are the shortest that there are.

use super::*;
use crate::Timeouts;
use crate::effect::Failure;
use crate::log_view::{EpochEnd, SnapshotId};
use crate::message::{Batches, Fetch, FetchSnapshot, Records, SnapshotPiece, Vote};
use crate::voters::Voters;
use bytes::Bytes;
use model::{DirectoryId, Uuid};

const TRANSCRIPTS: &[(&str, &str)] = &[
    ("alone", include_str!("../testdata/alone.txt")),
    ("alone_append_fails", include_str!("../testdata/alone_append_fails.txt")),
    ("alone_file_behind_log", include_str!("../testdata/alone_file_behind_log.txt")),
    ("elected", include_str!("../testdata/elected.txt")),
    ("votes", include_str!("../testdata/votes.txt")),
    ("content_follower", include_str!("../testdata/content_follower.txt")),
    ("follows", include_str!("../testdata/follows.txt")),
    ("diverges", include_str!("../testdata/diverges.txt")),
    ("snapshot", include_str!("../testdata/snapshot.txt")),
    ("commits", include_str!("../testdata/commits.txt")),
    ("check_quorum", include_str!("../testdata/check_quorum.txt")),
    ("resigns", include_str!("../testdata/resigns.txt")),
    ("leader_gone", include_str!("../testdata/leader_gone.txt")),
    ("leader_restarted", include_str!("../testdata/leader_restarted.txt")),
    ("replaced_disk", include_str!("../testdata/replaced_disk.txt")),
    ("replaced_disk_of_five", include_str!("../testdata/replaced_disk_of_five.txt")),
    ("late_vote", include_str!("../testdata/late_vote.txt")),
    ("observer", include_str!("../testdata/observer.txt")),
];

#[test]
fn transcripts_replay() {
    for (name, transcript) in TRANSCRIPTS {
        let mut player = Player::default();
        for block in transcript.split("\n\n") {
            let lines = || block.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            let Some(command) = lines().next() else { continue };
            assert_eq!(lines().nth(1), Some("----"), "{name}: after {command}");
            let expected: Vec<&str> = lines().skip(2).collect();
            let actual = player.play(command);
            assert_eq!(actual, expected, "{name}: {command}");
        }
    }
}

#[test]
fn a_fetch_is_back_before_its_follower_loses_patience() {
    for ms in [1, 10, 400, 2000, 60_000] {
        let timeouts = Timeouts { fetch: Duration::from_millis(ms), ..Timeouts::DEFAULT };
        assert!(timeouts.wait() * 2 <= timeouts.fetch, "{ms} ms");
    }
    assert_eq!(Timeouts::DEFAULT.wait(), Timeouts::DEFAULT.park);
}

#[test]
fn what_was_withdrawn_is_placed_again() {
    let mut player = Player::default();
    for command in ["open 1 1", "start", "appended 1", "synced 1"] {
        player.play(command);
    }
    let quorum = player.quorum.as_mut().expect("opened");
    let placed = quorum.propose(3).unwrap();
    quorum.withdraw(placed);
    assert_eq!(quorum.role(), RoleName::Leader);
    let again = quorum.propose(1).unwrap();
    assert_eq!((again.base, again.end), (Offset(1), Offset(2)));
}

#[test]
fn nobody_takes_the_room_for_elections_away() {
    let last = LeaderEpoch(i32::MAX);
    let vote =
        |epoch| Vote { epoch, candidate: key(2), last: EpochEnd { end: Offset(9), epoch }, pre_vote: false };
    let claims = [
        Request::Vote(vote(last)),
        Request::BeginEpoch { epoch: last, leader: BrokerId(2) },
        Request::EndEpoch { epoch: last, leader: BrokerId(2), successors: vec![BrokerId(1)] },
    ];
    let mut player = Player::default();
    for command in [
        "file {\"leaderId\":-1,\"leaderEpoch\":5,\"votedId\":-1,\"votedDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"data_version\":1}",
        "open 1 1,2,3",
        "start",
    ] {
        player.play(command);
    }
    let quorum = player.quorum.as_mut().expect("opened");
    for claim in claims {
        let effects = quorum.step(Instant::default(), 0, Input::Request(Token(1), claim.clone()));
        let told = |effect: &Effect| {
            matches!(
                effect,
                Effect::Reply(_, Response { epoch: LeaderEpoch(5), body: Err(Rejection::Invalid), .. })
            )
        };
        assert!(effects.iter().any(told), "{claim:?}: {effects:?}");
    }
    let ahead = LeaderEpoch(5 + EPOCHS_AHEAD_MAX);
    let _ = quorum.step(Instant::default(), 0, Input::Request(Token(2), Request::Vote(vote(ahead))));
    assert_eq!(quorum.epoch(), ahead, "somebody who was away for long is believed");
}

/// However it got there: in the last epoch nobody stands, and nobody panics.
#[test]
fn the_last_epoch_has_no_successor() {
    for voters in ["1", "1,2,3"] {
        let last = i32::MAX;
        let mut player = Player::default();
        player.play(&format!("file {{\"leaderId\":-1,\"leaderEpoch\":{last},\"votedId\":-1,\"votedDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"data_version\":1}}"));
        player.play(&format!("open 1 {voters}"));
        player.play("start");
        for _ in 0..5 {
            let told = player.play("wait 2000");
            let last_line = told.last().expect("what it is now");
            assert!(last_line.starts_with(&format!("unattached in epoch {last}, next in")), "{last_line}");
        }
    }
}

#[test]
fn a_replaced_directory_is_another_voter() {
    let voter = ReplicaKey { id: BrokerId(1), directory: Some(DirectoryId(Uuid([8; 16]))) };
    let config = Config { me: key(1), voters: Voters::new([voter]), timeouts: Timeouts::DEFAULT };
    assert!(!config.is_voter());
}

fn key(id: i32) -> ReplicaKey {
    ReplicaKey { id: BrokerId(id), directory: Some(DirectoryId(Uuid([7; 16]))) }
}

/// Plays a transcript: the replica, and the file and log that it starts with.
#[derive(Default)]
struct Player {
    quorum: Option<Quorum>,
    file: Option<ElectionState>,
    now: Instant,
}

impl Player {
    fn play(&mut self, command: &str) -> Vec<String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<i64>().expect("a number");
        let epoch = |at: usize| LeaderEpoch(number(at) as i32);
        let id = |at: usize| BrokerId(number(at) as i32);
        let maybe = |at: usize| (words[at] != "-").then(|| number(at));
        let input = match words[0] {
            "file" => {
                self.file = Some(ElectionState::decode(words[1]).expect("a state"));
                return Vec::new();
            }
            "open" => {
                // open ME VOTERS [END EPOCH]
                let voters = words[2].split(',').map(|id| id.parse().expect("a voter's id"));
                let voters = Voters::new(voters.map(|id| ReplicaKey { directory: None, ..key(id) }));
                let me = key(number(1) as i32);
                let config = Config { me, voters, timeouts: Timeouts::DEFAULT };
                let log = match words.len() {
                    3 => LogView::EMPTY,
                    _ => {
                        let first = EpochStart { epoch: epoch(4), start: Offset(0) };
                        let base = SnapshotId { end: Offset(0), epoch: LeaderEpoch(0) };
                        LogView::recovered(base, None, vec![first], LogEnd(Offset(number(3)))).expect("fits")
                    }
                };
                self.quorum = Some(Quorum::new(config, self.file, log));
                return self.told(Vec::new());
            }
            "propose" => {
                let quorum = self.quorum.as_mut().expect("opened");
                let told = match quorum.propose(number(1) as usize) {
                    Ok(Placement { epoch, base, end }) => format!("placed {base}..{end} in epoch {epoch}"),
                    Err(refusal) => refusal.to_string(),
                };
                return vec![told];
            }
            "start" => Input::Start,
            "wait" => {
                self.now = self.now + Duration::from_millis(number(1) as u64);
                Input::Tick
            }
            // Time goes on, and the process does not.
            "stand-still" => {
                self.now = self.now + Duration::from_millis(number(1) as u64);
                return Vec::new();
            }
            "asked" => {
                let token = Token(number(1) as u64);
                let request = match words[2] {
                    kind @ ("vote" | "pre-vote") => Request::Vote(Vote {
                        candidate: key(number(3) as i32),
                        epoch: epoch(4),
                        last: EpochEnd { end: Offset(number(5)), epoch: epoch(6) },
                        pre_vote: kind == "pre-vote",
                    }),
                    "begin" => Request::BeginEpoch { leader: id(3), epoch: epoch(4) },
                    "end" => {
                        let successors = words[5].split(',').map(|id| BrokerId(id.parse().expect("an id")));
                        Request::EndEpoch { leader: id(3), epoch: epoch(4), successors: successors.collect() }
                    }
                    "fetch" => Request::Fetch(Fetch {
                        replica: key(number(3) as i32),
                        epoch: epoch(4),
                        from: Offset(number(5)),
                        last_epoch: epoch(6),
                        high_watermark: maybe(7).map(Offset),
                        wait: Duration::from_millis(500),
                    }),
                    "fetch-snapshot" => Request::FetchSnapshot(FetchSnapshot {
                        replica: key(number(3) as i32),
                        epoch: epoch(4),
                        id: SnapshotId { end: Offset(number(5)), epoch: epoch(6) },
                        position: number(7) as u64,
                    }),
                    other => panic!("asked {other}"),
                };
                Input::Request(token, request)
            }
            "answer" => {
                let request = RequestId(number(1) as u64);
                let body = match words[4] {
                    "granted" => Ok(Answer::Vote { granted: true }),
                    "refused" => Ok(Answer::Vote { granted: false }),
                    "noted" => Ok(Answer::Noted),
                    "records" => {
                        let base = Offset(number(5));
                        let batches = (words.len() > 7).then(|| Batches {
                            bytes: Bytes::new(),
                            base,
                            end: Offset(number(7)),
                            epochs: vec![EpochStart { epoch: epoch(8), start: base }],
                        });
                        Ok(Answer::Records(Records {
                            from: base,
                            high_watermark: maybe(6).map(Offset),
                            batches,
                        }))
                    }
                    "diverging" => {
                        Ok(Answer::Diverging(EpochEnd { epoch: epoch(5), end: Offset(number(6)) }))
                    }
                    "snapshot" => {
                        Ok(Answer::Snapshot(SnapshotId { end: Offset(number(5)), epoch: epoch(6) }))
                    }
                    "piece" => Ok(Answer::SnapshotPiece(SnapshotPiece {
                        id: SnapshotId { end: Offset(number(5)), epoch: epoch(6) },
                        position: number(7) as u64,
                        bytes: Bytes::from(vec![0; number(8) as usize]),
                        size: number(9) as u64,
                    })),
                    "fenced" => Err(Rejection::FencedEpoch),
                    "not-leader" => Err(Rejection::NotLeader),
                    other => panic!("answered {other}"),
                };
                let leader = maybe(3).map(|id| BrokerId(id as i32));
                Input::Response(request, Response { epoch: epoch(2), leader, body })
            }
            "failed" => {
                let failure = match words[2] {
                    "refused" => Failure::Refused,
                    "lost" => Failure::Lost,
                    _ => Failure::TimedOut,
                };
                Input::Failed(RequestId(number(1) as u64), failure)
            }
            "appended" => Input::Appended { end: LogEnd(Offset(number(1))) },
            "append-failed" => Input::AppendFailed,
            "synced" => Input::Synced { end: DurableEnd(Offset(number(1))) },
            "snapshot-taken" => Input::SnapshotTaken(SnapshotId { end: Offset(number(1)), epoch: epoch(2) }),
            "trimmed" => Input::Trimmed(SnapshotId { end: Offset(number(1)), epoch: epoch(2) }),
            "installed" => Input::SnapshotInstalled(SnapshotId { end: Offset(number(1)), epoch: epoch(2) }),
            "install-failed" => Input::SnapshotFailed(SnapshotId { end: Offset(number(1)), epoch: epoch(2) }),
            "resign" => Input::Resign,
            other => panic!("no command {other}"),
        };
        let effects = self.quorum.as_mut().expect("opened").step(self.now, 0, input);
        self.told(effects)
    }

    fn told(&self, effects: Vec<Effect>) -> Vec<String> {
        let quorum = self.quorum.as_ref().expect("opened");
        let mut told: Vec<String> = effects.iter().map(Effect::to_string).collect();
        let wait = quorum.next_deadline().map(|deadline| deadline.since(self.now).as_millis());
        let wait = wait.map_or("nothing due".to_string(), |ms| format!("next in {ms} ms"));
        told.push(format!("{} in epoch {}, {wait}", quorum.role(), quorum.epoch()));
        told
    }
}
