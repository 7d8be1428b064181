//! Idempotent producers on the real binary: stock clients with the setting on, and requests that repeat what was sent, byte by
//! byte, across restarts and kills.

use tidemark_tests::{Broker, TOPICS, Three, dump, files, kafka_tools, kcat, python, run, script, until};

#[test]
fn what_is_sent_again_is_answered_as_the_first_time() {
    let Some(python) = python() else { return };
    let broker = Broker::start(&[]);
    let state = broker.scratch().join("state.json");
    let topic = format!("idempotence-{}", std::process::id());
    script(&python, "idempotence.py", &[&broker.address(), &topic, &state.display().to_string(), "begin"])
        .expect("a producer's requests");
}

#[test]
fn a_restart_and_a_kill_forget_no_producer() {
    let Some(python) = python() else { return };
    let Some(mut broker) = Broker::start_own(&[]) else { return };
    let state = broker.scratch().join("state.json").display().to_string();
    let address = broker.address();
    let ask = |how: &str| script(&python, "idempotence.py", &[&address, "kept", &state, how]).expect(how);
    ask("begin");
    broker.stop();
    broker.start_again();
    ask("go-on");
    ask("go-on");
    broker.kill();
    broker.start_again();
    ask("go-on");
    broker.kill();
    broker.start_again();
    broker.stop();
    broker.start_again();
    ask("go-on");
}

#[test]
fn silent_producers_are_forgotten_as_configured() {
    let Some(python) = python() else { return };
    let settings = ["producer.id.expiration.ms=1", "producer.id.expiration.check.interval.ms=100"];
    let Some(broker) = Broker::start_own(&settings) else { return };
    script(&python, "idempotence.py", &[&broker.address(), "forgotten", "-", "forgotten"])
        .expect("forgotten");
}

#[test]
fn the_next_leader_knows_the_producers_of_the_last_one() {
    let Some(python) = python() else { return };
    let settings = ["broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500"];
    let Some(mut three) = Three::start(&settings) else { return };
    three.create("moved", "1", "3");
    let leader = |three: &Three| three.leaders("moved")[&0].0 as usize;
    let state = three.node(1).scratch().join("state.json").display().to_string();
    let ask = |three: &Three, node: usize, how: &str| {
        script(&python, "idempotence.py", &[&three.node(node).address(), "moved", &state, how]).expect(how);
    };
    let first = leader(&three);
    ask(&three, first, "begin");
    three.kill(first);
    until("another leader", || ![0, first].contains(&leader(&three)));
    let second = leader(&three);
    ask(&three, second, "go-on");
    // What is on no other replica yet is not acknowledged, however often it is sent.
    let others: Vec<usize> = three.up().filter(|id| *id != second).collect();
    others.iter().for_each(|id| three.node(*id).pause());
    ask(&three, second, "unheard");
    others.iter().for_each(|id| three.node(*id).resume());
    ask(&three, second, "heard");
    // Back again, it copies what it has missed. When it is in sync, the other two may go.
    three.start_again();
    let in_sync = |three: &Three, id: usize| {
        let described = three.tool(TOPICS, &["--describe", "--topic", "moved"]).expect("describing").text();
        let isr = described.split("Isr: ").nth(1).and_then(|rest| rest.split_whitespace().next());
        isr.is_some_and(|isr| isr.split(',').any(|member| member == id.to_string()))
    };
    until("the first one in sync", || in_sync(&three, first));
    three.stop(second);
    until("a third leader", || ![0, second].contains(&leader(&three)));
    ask(&three, leader(&three), "go-on");
}

#[test]
fn kcat_produces_with_idempotence() {
    if kcat("", &[]).is_none() {
        return;
    }
    let broker = Broker::start(&[]);
    let topic = format!("idempotent-{}", std::process::id());
    let lines: String = (0..2000).map(|n| format!("line {n}\n")).collect();
    let settings = ["-X", "enable.idempotence=true", "-X", "batch.num.messages=50"];
    for _ in 0..2 {
        let arguments = [&["-P", "-t", &topic, "-p", "0"], &settings[..]].concat();
        run(&mut kcat(&broker.address(), &arguments).expect("looked for"), lines.as_bytes())
            .expect("producing");
    }
    let arguments = ["-C", "-t", &topic, "-p", "0", "-e", "-q"];
    let read =
        run(&mut kcat(&broker.address(), &arguments).expect("looked for"), b"").expect("consuming").text();
    assert!(read == lines.repeat(2), "the lines are not those that were sent");
}

#[test]
fn kafkas_own_tool_reads_the_snapshots_of_producers() {
    if kafka_tools().is_none() || kcat("", &[]).is_none() {
        return;
    }
    let Some(mut broker) = Broker::start_own(&["log.segment.bytes=1048576", "num.partitions=1"]) else {
        return;
    };
    let lines: String = (0..3000).map(|n| format!("value {n} {}\n", "x".repeat(1000))).collect();
    let arguments = ["-P", "-t", "dumped", "-p", "0", "-X", "enable.idempotence=true"];
    let arguments = [&arguments[..], &["-X", "batch.num.messages=100"]].concat();
    run(&mut kcat(&broker.address(), &arguments).expect("looked for"), lines.as_bytes()).expect("producing");
    broker.stop();
    let partition = broker.data().join("dumped-0");
    let (segments, snapshots) = (files(&partition, ".log"), files(&partition, ".snapshot"));
    assert!(segments.len() > 2, "{segments:?}");
    // One for each segment but the first, and one for the end.
    assert_eq!(snapshots.len(), segments.len(), "{snapshots:?}");
    let dumped = dump(&[], &snapshots).expect("looked for");
    assert!(dumped.contains("producerEpoch: 0"), "{dumped}");
    assert!(dumped.contains("lastSequence: 2999"), "the last one's\n{dumped}");
    assert!(dumped.contains("lastOffset: 2999"), "{dumped}");
}
