//! kcat as Debian ships it, with a librdkafka of 2022: an old client's view of the protocol.

// Drives another program and its files.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::{Duration, Instant, SystemTime};
use tidemark_tests::{Broker, Output, full, kcat, run};

/// A broker and a topic name of this test's own.
struct Stage {
    broker: Broker,
    topic: String,
}

impl Stage {
    /// None where kcat is missing.
    fn set(stem: &str) -> Option<Stage> {
        kcat("", &[])?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
        Some(Stage { broker: Broker::start(&[]), topic: format!("{stem}-{}", now.as_nanos()) })
    }

    fn kcat(&self, arguments: &[&str], input: &[u8]) -> Output {
        run(&mut kcat(&self.broker.address(), arguments).expect("looked for before"), input)
    }

    /// Produces to partition 0, so that the topic may be created on the way, and expects success.
    fn produce(&self, arguments: &[&str], input: &[u8]) {
        let fixed = ["-P", "-t", &self.topic, "-p", "0"];
        self.kcat(&[&fixed[..], arguments].concat(), input).expect("producing");
    }

    /// Everything in partition 0, in kcat's format.
    fn consume(&self, format: &str, arguments: &[&str]) -> String {
        let fixed = ["-C", "-t", &self.topic, "-p", "0", "-e", "-q", "-f", format];
        self.kcat(&[&fixed[..], arguments].concat(), b"").expect("consuming").text()
    }
}

#[test]
fn lists_the_broker_and_a_topic() {
    let Some(stage) = Stage::set("listed") else { return };
    stage.produce(&[], b"x\n");
    let listed = stage.kcat(&["-L", "-J"], b"").expect("listing").text();
    assert!(listed.contains(&stage.broker.address()), "{listed}");
    let topic = format!("\"topic\":\"{}\"", stage.topic);
    assert!(listed.contains(&topic), "{listed}");
    assert!(!listed.contains("\"error\""), "{listed}");
}

#[test]
fn records_come_back_in_order_with_every_codec() {
    let Some(stage) = Stage::set("codec") else { return };
    let lines: String = (0..1000).map(|n| format!("line {n} {}\n", "tide ".repeat(n % 40))).collect();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        stage.produce(&["-z", codec], lines.as_bytes());
    }
    assert!(stage.consume("%s\n", &[]) == lines.repeat(5), "the lines are not those that were sent");
}

#[test]
fn keys_headers_and_tombstones_are_kept() {
    let Some(stage) = Stage::set("keys") else { return };
    stage.produce(&["-K:", "-Z", "-H", "tide=high", "-H", "empty="], b"a:1\nb:\n:3\n");
    stage.produce(&["-K:"], b"c:\n");
    assert_eq!(
        stage.consume("%o %K %k %S %s %h\n", &[]),
        "0 1 a 1 1 tide=high,empty=\n1 1 b -1  tide=high,empty=\n2 -1  1 3 tide=high,empty=\n3 1 c 0  \n"
    );
}

#[test]
fn every_level_of_acknowledgement_arrives() {
    let Some(stage) = Stage::set("acks") else { return };
    stage.produce(&["-X", "acks=all"], b"all\n");
    stage.produce(&["-X", "acks=1"], b"one\n");
    stage.produce(&["-X", "acks=0"], b"none\n");
    let end = Instant::now() + Duration::from_secs(60);
    while stage.consume("%s ", &[]) != "all one none " {
        assert!(Instant::now() < end, "acks=0 didn't arrive: {:?}", stage.consume("%s ", &[]));
    }
}

#[test]
fn reading_starts_where_it_is_told() {
    let Some(stage) = Stage::set("offsets") else { return };
    stage.produce(&[], b"0\n1\n2\n3\n4\n");
    assert_eq!(stage.consume("%s ", &["-o", "3"]), "3 4 ");
    assert_eq!(stage.consume("%s ", &["-o", "-2"]), "3 4 ");
    assert_eq!(stage.consume("%s ", &["-o", "1", "-c", "2"]), "1 2 ");
    assert_eq!(stage.consume("%s ", &["-o", "end"]), "");
    for (timestamp, offset) in [("-2", "0"), ("-1", "5"), ("1", "0")] {
        let query = format!("{}:0:{timestamp}", stage.topic);
        let answer = stage.kcat(&["-Q", "-t", &query], b"").expect("asking for an offset").text();
        assert_eq!(answer.trim(), format!("{} [0] offset {offset}", stage.topic));
    }
}

#[test]
fn a_message_too_large_is_refused_and_the_next_is_taken() {
    let Some(stage) = Stage::set("large") else { return };
    let large = stage.broker.scratch().join("large");
    std::fs::write(&large, vec![b'x'; 2_000_000]).expect("a file");
    let large = large.display().to_string();
    let refused =
        stage.kcat(&["-P", "-t", &stage.topic, "-p", "0", "-X", "message.max.bytes=4000000", &large], b"");
    assert!(!refused.success, "2 MB were taken");
    assert!(refused.stderr.contains("Message size too large"), "{}", refused.stderr);
    stage.produce(&[], b"after\n");
    assert_eq!(stage.consume("%o %s", &[]), "0 after");
}

#[test]
fn an_unknown_topic_is_told_and_not_created() {
    let Some(stage) = Stage::set("unknown") else { return };
    let consuming = ["-C", "-t", &stage.topic, "-e", "-X", "allow.auto.create.topics=false"];
    for _ in 0..2 {
        let refused = stage.kcat(&consuming, b"");
        assert!(!refused.success, "{}", refused.text());
        assert!(refused.stderr.contains("Unknown topic or partition"), "{}", refused.stderr);
    }
}

#[test]
fn a_lot_of_lines_comes_back_identical() {
    let Some(stage) = Stage::set("bulk") else { return };
    let megabytes = if full() { 1024 } else { 16 };
    let path = stage.broker.scratch().join("lines");
    let mut lines = Vec::with_capacity(megabytes << 20);
    let mut state = 1u64;
    while lines.len() < megabytes << 20 {
        for _ in 0..64 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            lines.extend_from_slice(format!("{state:016x}").as_bytes());
        }
        lines.push(b'\n');
    }
    std::fs::write(&path, &lines).expect("a file");
    stage.produce(&["-l", &path.display().to_string()], b"");
    let read = stage.kcat(&["-C", "-t", &stage.topic, "-p", "0", "-e", "-q"], b"").expect("consuming");
    assert_eq!(read.stdout.len(), lines.len());
    assert!(read.stdout == lines, "the lines are not those that were sent");
}
