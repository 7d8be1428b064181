//! The binary as a client: `topics`, `produce` and `consume`, against brokers and beside kcat.

// Starts and stops processes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;
use tidemark_tests::{Broker, Output, binary, kcat, run, until};

/// What a client's command exits with when it could not do what was asked for.
const CLIENT_FAILED: i32 = 8;

fn tidemark(address: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).args(["--bootstrap-server", address]);
    command
}

fn say(address: &str, arguments: &[&str], input: &str) -> Output {
    run(&mut tidemark(address, arguments), input.as_bytes()).expect(&arguments.join(" "))
}

/// What a command that must fail says, on a line of its own.
fn refused(address: &str, arguments: &[&str], input: &str) -> String {
    let output = run(&mut tidemark(address, arguments), input.as_bytes());
    assert!(!output.success, "{arguments:?} did not fail:\n{}", output.text());
    let status = tidemark(address, arguments).stdin(Stdio::null()).output().expect("the binary").status;
    assert_eq!(status.code(), Some(CLIENT_FAILED), "{arguments:?}");
    output.stderr
}

fn consume(address: &str, topic: &str, arguments: &[&str]) -> String {
    let all = [&["consume", topic, "--from-beginning", "--exit-at-end"], arguments].concat();
    say(address, &all, "").text()
}

#[test]
fn topics_are_created_described_listed_and_deleted() {
    let broker = Broker::start(&[]);
    let at = &broker.address();
    let create = ["topics", "create", "tide", "--partitions", "3", "--set", "retention.ms=1000"];
    assert_eq!(say(at, &create, "").text(), "created topic tide\n");
    say(at, &["topics", "create", "ebb"], "");
    assert!(refused(at, &create, "").contains("TopicAlreadyExists"));
    say(at, &[&create[..], &["--if-not-exists"]].concat(), "");
    assert_eq!(say(at, &["topics"], "").text(), "ebb\ntide\n");
    let described = say(at, &["topics", "describe", "tide"], "").text();
    let lines: Vec<&str> = described.lines().collect();
    assert_eq!(lines.len(), 4, "{described}");
    assert!(lines[0].contains("PartitionCount: 3\tReplicationFactor: 1\tConfigs: retention.ms=1000"));
    assert!(lines[3].contains("Partition: 2\tLeader: 1\tReplicas: 1\tIsr: 1"), "{described}");
    assert_eq!(say(at, &["topics", "delete", "tide"], "").text(), "deleted topic tide\n");
    assert!(refused(at, &["topics", "delete", "tide"], "").contains("there is no topic"));
    say(at, &["topics", "delete", "tide", "--if-exists"], "");
    assert_eq!(say(at, &["topics", "list"], "").text(), "ebb\n");
}

#[test]
fn what_is_produced_is_consumed_whatever_the_manner() {
    let broker = Broker::start(&[]);
    let at = &broker.address();
    say(at, &["topics", "create", "tide", "--partitions", "1"], "");
    let mut expected = String::new();
    let manners: [&[&str]; 8] = [
        &[],
        &["--acks", "1"],
        &["--acks", "0"],
        &["--no-idempotence", "--linger-ms", "0"],
        &["-z", "gzip"],
        &["-z", "snappy", "--batch-size", "1"],
        &["-z", "lz4"],
        &["-z", "zstd"],
    ];
    for (n, manner) in manners.iter().enumerate() {
        let lines: String = (0..200).map(|line| format!("{n} {line}\n")).collect();
        say(at, &[&["produce", "tide"], *manner].concat(), &lines);
        if manner.contains(&"0") && manner.contains(&"--acks") {
            // Nobody waited for these: they are there soon.
            let there = || consume(at, "tide", &[]).lines().count() == (n + 1) * 200;
            let soon = (0..200).any(|_| {
                std::thread::sleep(Duration::from_millis(50));
                there()
            });
            assert!(soon, "records that were sent with acks=0");
        }
        expected += &lines;
    }
    assert_eq!(consume(at, "tide", &[]), expected);
    if let Some(mut kcat) = kcat(at, &["-C", "-q", "-e", "-t", "tide", "-o", "beginning"]) {
        assert_eq!(run(&mut kcat, b"").expect("kcat").text(), expected);
    }
}

#[test]
fn keys_partitions_and_offsets_are_what_others_make_of_them() {
    let broker = Broker::start(&[]);
    let at = &broker.address();
    say(at, &["topics", "create", "keyed", "--partitions", "4"], "");
    say(at, &["produce", "keyed", "-K", "::"], "a::1\nb::2\na::x::y\n::empty\n");
    say(at, &["produce", "keyed", "-p", "3"], "without\n");
    let flags = ["--print-key", "--print-partition", "--print-offset", "-K", "|"];
    let text = consume(at, "keyed", &flags);
    let read: BTreeSet<&str> = text.lines().collect();
    assert_eq!(read.len(), 5, "{text}");
    let with_a = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|line| line.contains("|a|"));
        lines.filter_map(|line| line.split('|').next()).map(str::to_owned).collect()
    };
    assert_eq!(with_a(&text).len(), 1, "a key has one partition:\n{text}");
    assert!(text.contains("|a|1\n") && text.contains("|a|x::y\n") && text.contains("||empty\n"), "{text}");
    assert!(text.contains("Partition:3|") && text.contains("|null|without\n"), "{text}");
    let one = consume(at, "keyed", &["-p", "3", "--max-messages", "1", "--timeout-ms", "20000"]);
    assert_eq!(one.lines().count(), 1);
    let from = ["consume", "keyed", "-p", "3", "--offset", "0", "-e", "--print-offset"];
    assert!(say(at, &from, "").text().starts_with("Offset:0\t"));
    if let Some(mut kcat) =
        kcat(at, &["-P", "-t", "keyed", "-K", ":", "-z", "zstd", "-X", "partitioner=murmur2"])
    {
        run(&mut kcat, b"a:theirs\n").expect("kcat");
        let text = consume(at, "keyed", &flags);
        assert!(text.contains("|a|theirs\n"), "{text}");
        assert_eq!(with_a(&text).len(), 1, "the same one for others:\n{text}");
    }
}

#[test]
fn what_can_not_be_done_is_said_with_what_to_do() {
    let broker = Broker::start(&["auto.create.topics.enable=false"]);
    let at = &broker.address();
    let unreachable = refused("127.0.0.1:1", &["topics"], "");
    assert!(unreachable.contains("--bootstrap-server"), "{unreachable}");
    for arguments in
        [&["consume", "nowhere"][..], &["produce", "nowhere"], &["topics", "describe", "nowhere"]]
    {
        let said = refused(at, arguments, "");
        assert!(said.contains("tidemark topics create nowhere"), "{said}");
    }
    say(at, &["topics", "create", "small", "--partitions", "1", "--set", "max.message.bytes=100"], "");
    assert!(refused(at, &["produce", "small", "-p", "1"], "").contains("none 1"));
    assert!(refused(at, &["consume", "small", "-o", "9", "--timeout-ms", "20000"], "").contains("offset 9"));
    let long = "x".repeat(200);
    let mut produce =
        tidemark(at, &["produce", "small", "--linger-ms", "0", "--batch-size", "1", "--report-gaps"]);
    let told = run(&mut produce, format!("short\n{long}\nafter\n").as_bytes());
    assert!(!told.success && told.stderr.contains("MessageTooLarge"), "{}", told.stderr);
    assert!(told.stderr.contains("2 records were delivered, 1 were not"), "{}", told.stderr);
    // Those around it are there, in order: the sequences began anew.
    assert_eq!(consume(at, "small", &[]), "short\nafter\n");
}

/// The leader is killed in the middle of it: every line is there once, in order, and the wait is told.
#[test]
fn a_producer_goes_on_without_its_leader() {
    let Some(mut nodes) = Broker::start_cluster(3, &["min.insync.replicas=2"]) else { return };
    let addresses: Vec<String> = nodes.iter().map(Broker::address).collect();
    let all = addresses.join(",");
    let create = ["topics", "create", "tide", "--partitions", "1", "--replication-factor", "3"];
    say(&all, &create, "");
    let described = say(&all, &["topics", "describe", "tide"], "").text();
    let leader = described.split("Leader: ").nth(1).and_then(|rest| rest.split('\t').next());
    let leader: usize =
        leader.and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no leader: {described}"));
    let mut produce = tidemark(&all, &["produce", "tide", "--report-gaps"]);
    produce.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut produce = produce.spawn().expect("the binary");
    let mut lines = produce.stdin.take().expect("piped above");
    let mut expected = String::new();
    for n in 0..600 {
        if n == 300 {
            nodes[leader - 1].kill();
        }
        let line = format!("{n}\n");
        lines.write_all(line.as_bytes()).expect("it reads");
        expected += &line;
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(lines);
    let told = produce.wait_with_output().expect("the child is ours");
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.status.success(), "{said}");
    assert!(said.contains("600 records delivered\nthe longest time without an acknowledgement: "), "{said}");
    let up = addresses.iter().enumerate().find(|(at, _)| at + 1 != leader).map(|(_, address)| address);
    assert_eq!(consume(up.expect("two are up"), "tide", &[]), expected);
}

/// Epochs begin anew with the topic: what was known of the old one must not keep a consumer waiting for ever.
#[test]
fn a_consumer_hears_of_a_topic_that_was_created_anew() {
    let Some(mut broker) = Broker::start_own(&[]) else { return };
    let at = &broker.address();
    let create = ["topics", "create", "tide", "--partitions", "1"];
    say(at, &create, "");
    // A leader that starts again leads in another epoch.
    broker.stop();
    broker.start_again();
    say(at, &["produce", "tide"], "old\n");
    let mut consumer = tidemark(at, &["consume", "tide", "--from-beginning"]);
    let mut consumer = consumer.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
    let mut line = String::new();
    BufReader::new(consumer.stdout.take().expect("piped above")).read_line(&mut line).expect("a line");
    assert_eq!(line, "old\n");
    say(at, &["topics", "delete", "tide"], "");
    say(at, &create, "");
    say(at, &["produce", "tide"], "new\n");
    let told = consumer.wait_with_output().expect("the child is ours");
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(told.status.code(), Some(CLIENT_FAILED), "{said}");
    assert!(said.contains("deleted and created anew: --from-beginning"), "{said}");
}

/// What was given before it is delivered, though it waits for others to go with.
#[test]
fn a_line_without_a_key_costs_none_before_it() {
    let broker = Broker::start(&[]);
    let at = &broker.address();
    say(at, &["topics", "create", "keyed", "--partitions", "1"], "");
    let produce = ["produce", "keyed", "-K", ":", "--linger-ms", "500"];
    let told = run(&mut tidemark(at, &produce), b"a:1\nb:2\nwithout\nc:3\n");
    assert!(!told.success);
    assert!(
        told.stderr.contains("line 3: there is no key separator in it; 2 records were delivered\n"),
        "{}",
        told.stderr
    );
    assert_eq!(consume(at, "keyed", &[]), "1\n2\n");
}

/// The broker stands still and the buffer is full: the first signal ends the reading, the second the waiting.
#[test]
fn a_producer_that_has_no_room_can_be_stopped() {
    let Some(broker) = Broker::start_own(&[]) else { return };
    let at = &broker.address();
    say(at, &["topics", "create", "tide", "--partitions", "1"], "");
    let mut produce = tidemark(at, &["produce", "tide", "--report-gaps"]);
    produce.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut produce = produce.spawn().expect("the binary");
    let mut lines = produce.stdin.take().expect("piped above");
    lines.write_all(b"first\n").expect("it reads");
    until("the first record", || consume(at, "tide", &[]) == "first\n");
    broker.pause();
    // More than the buffer and everything before it takes.
    let feeder = std::thread::spawn(move || {
        let line = vec![b'x'; 1 << 16].into_iter().chain(*b"\n").collect::<Vec<u8>>();
        while lines.write_all(&line).is_ok() {}
    });
    std::thread::sleep(Duration::from_secs(3));
    let id = produce.id().to_string();
    let signal = |name: &str| Command::new("kill").args([name, &id]).status();
    assert!(signal("-TERM").is_ok_and(|sent| sent.success()));
    std::thread::sleep(Duration::from_millis(500));
    assert!(produce.try_wait().expect("the child is ours").is_none(), "it waits for what it was given");
    assert!(signal("-INT").is_ok_and(|sent| sent.success()));
    let ended = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        produce.try_wait().expect("the child is ours").is_some()
    });
    if !ended {
        produce.kill().expect("the child is ours");
    }
    let told = produce.wait_with_output().expect("the child is ours");
    broker.resume();
    feeder.join().expect("it ends with its reader");
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(ended && told.status.code() == Some(6), "{said}");
    assert!(said.contains("records 1 are told as delivered, 0 as not"), "{said}");
}

/// Silence looks like a fault.
#[test]
fn a_command_says_what_it_waits_for() {
    let Some(broker) = Broker::start_own(&[]) else { return };
    let at = broker.address();
    say(&at, &["topics", "create", "tide", "--partitions", "1"], "");
    broker.pause();
    for command in ["produce", "consume"] {
        let told = run(&mut tidemark(&at, &[command, "tide"]), b"");
        assert!(
            !told.success && told.stderr.starts_with(&format!("no broker answers at {at}: waiting\n")),
            "{}",
            told.stderr
        );
    }
    broker.resume();
}
