//! Transcripts: `testdata/*.txt` hold inputs and the effects expected of them, one story a file.
//!
//! A block is one command, a line `----`, and what it prints, up to an empty line. Lines with `#` are comments.

use super::*;
use model::DirectoryId;
use model::Uuid;

const TRANSCRIPTS: &[(&str, &str)] = &[
    ("first_start", include_str!("../testdata/first_start.txt")),
    ("restart", include_str!("../testdata/restart.txt")),
    ("append_fails", include_str!("../testdata/append_fails.txt")),
    ("resign", include_str!("../testdata/resign.txt")),
    ("file_behind_log", include_str!("../testdata/file_behind_log.txt")),
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
fn quorums_that_are_not_one_voter_are_told_apart() {
    let tail = LogTail { start: Offset(0), end: LogEnd(Offset(0)), last_epoch: None };
    let new = |me, ids: &[i32]| {
        let voters = Voters::new(ids.iter().map(|id| key(*id)));
        Quorum::new(Config { me: key(me), voters }, None, tail).err()
    };
    assert_eq!(new(1, &[1]), None);
    assert_eq!(new(1, &[1, 2]), Some(Unsupported::MoreThanOneVoter));
    assert_eq!(new(3, &[1]), Some(Unsupported::Observer));
}

#[test]
fn a_replaced_directory_is_another_voter() {
    let tail = LogTail { start: Offset(0), end: LogEnd(Offset(0)), last_epoch: None };
    let me = ReplicaKey { id: BrokerId(1), directory: Some(DirectoryId(Uuid([8; 16]))) };
    let result = Quorum::new(Config { me, voters: Voters::new([key(1)]) }, None, tail);
    assert_eq!(result.err(), Some(Unsupported::Observer));
}

#[test]
fn what_was_withdrawn_is_placed_again() {
    let tail = LogTail { start: Offset(0), end: LogEnd(Offset(0)), last_epoch: None };
    let config = Config { me: key(1), voters: Voters::new([key(1)]) };
    let mut quorum = Quorum::new(config, None, tail).unwrap();
    let step = |quorum: &mut Quorum, input| quorum.step(Instant(0), input);
    let effects = step(&mut quorum, Input::Start);
    let [Effect::Persist(state)] = effects[..] else { panic!("{effects:?}") };
    drop(step(&mut quorum, Input::Persisted(state)));
    drop(step(&mut quorum, Input::Appended { end: LogEnd(Offset(1)) }));
    drop(step(&mut quorum, Input::Synced { end: DurableEnd(Offset(1)) }));
    let placed = quorum.propose(3).unwrap();
    quorum.withdraw(placed);
    assert_eq!(quorum.role(), RoleName::Leader);
    let again = quorum.propose(1).unwrap();
    assert_eq!((again.base, again.end), (Offset(1), Offset(2)));
    drop(step(&mut quorum, Input::Appended { end: LogEnd(Offset(2)) }));
    let effects = step(&mut quorum, Input::Synced { end: DurableEnd(Offset(2)) });
    assert_eq!(effects, [Effect::HighWatermark { to: Offset(2) }]);
}

fn key(id: i32) -> ReplicaKey {
    ReplicaKey { id: BrokerId(id), directory: Some(DirectoryId(Uuid([7; 16]))) }
}

/// Plays a transcript: the replica, and the file and log around it as far as a restart needs them.
#[derive(Default)]
struct Player {
    quorum: Option<Quorum>,
    /// What was asked to be persisted and is not known to be.
    persisting: Option<ElectionState>,
    file: Option<ElectionState>,
}

impl Player {
    fn play(&mut self, command: &str) -> Vec<String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<i64>().unwrap();
        match words[0] {
            // open START END LAST_EPOCH: a process starts and has recovered this log.
            "open" => {
                let last_epoch = words[3].parse().ok().map(LeaderEpoch);
                let log = LogTail { start: Offset(number(1)), end: LogEnd(Offset(number(2))), last_epoch };
                let config = Config { me: key(1), voters: Voters::new([key(1)]) };
                self.persisting = None;
                self.quorum = Some(Quorum::new(config, self.file, log).unwrap());
                vec![self.summary()]
            }
            "file" => {
                self.file = Some(ElectionState::decode(words[1]).unwrap());
                vec![]
            }
            "propose" => {
                let quorum = self.quorum.as_mut().unwrap();
                vec![match quorum.propose(number(1) as usize) {
                    Ok(Placement { epoch, base, end }) => format!("placed {base}..{end} in epoch {epoch}"),
                    Err(refusal) => refusal.to_string(),
                }]
            }
            "start" => self.step(Input::Start),
            "persisted" => {
                self.file = self.persisting.take();
                self.step(Input::Persisted(self.file.unwrap()))
            }
            "appended" => self.step(Input::Appended { end: LogEnd(Offset(number(1))) }),
            "synced" => self.step(Input::Synced { end: DurableEnd(Offset(number(1))) }),
            "append-failed" => self.step(Input::AppendFailed),
            "resign" => self.step(Input::Resign),
            other => panic!("{other}?"),
        }
    }

    fn step(&mut self, input: Input) -> Vec<String> {
        let quorum = self.quorum.as_mut().unwrap();
        let effects = quorum.step(Instant(0), input);
        for effect in &effects {
            if let Effect::Persist(state) = effect {
                self.persisting = Some(*state);
            }
        }
        let mut lines: Vec<String> = effects.iter().map(Effect::to_string).collect();
        lines.push(self.summary());
        lines
    }

    fn summary(&self) -> String {
        let quorum = self.quorum.as_ref().unwrap();
        format!("{} in epoch {}", quorum.role(), quorum.epoch())
    }
}
