//! The process around the broker: what it does without arguments' help, where it refuses to start, how it ends.

// Starts and stops processes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use tidemark_tests::{Broker, kcat, run};

#[test]
fn says_where_it_listens_and_stores() {
    let Some(mut broker) = Broker::start_own(&[]) else { return };
    broker.stop();
    let printed = broker.printed();
    assert!(printed.contains(&broker.address()), "{printed}");
    assert!(printed.contains(&broker.data().display().to_string()), "{printed}");
}

#[test]
fn a_taken_port_is_told_by_message_and_exit_code() {
    let Some(broker) = Broker::start_own(&[]) else { return };
    let elsewhere = format!("log.dirs={}", broker.scratch().join("elsewhere").display());
    let (status, printed) = broker.second(&[&elsewhere]);
    assert_eq!(status.code(), Some(3), "{printed}");
    assert!(printed.contains(&broker.port().to_string()), "{printed}");
}

#[test]
fn a_taken_directory_is_told_by_message_and_exit_code() {
    let Some(broker) = Broker::start_own(&[]) else { return };
    let (status, printed) = broker.second(&["listeners=PLAINTEXT://127.0.0.1:0"]);
    assert_eq!(status.code(), Some(4), "{printed}");
    assert!(printed.contains(&broker.data().display().to_string()), "{printed}");
}

#[test]
fn a_setting_that_makes_no_sense_is_told_by_message_and_exit_code() {
    let Some(broker) = Broker::start_own(&[]) else { return };
    let (status, printed) = broker.second(&["num.partitions=several"]);
    assert_eq!(status.code(), Some(2), "{printed}");
    assert!(printed.contains("num.partitions"), "{printed}");
}

#[test]
fn what_was_acknowledged_is_there_after_a_stop_and_after_a_kill() {
    if kcat("", &[]).is_none() {
        return;
    }
    let Some(mut broker) = Broker::start_own(&[]) else { return };
    let address = broker.address();
    let kcat = |arguments: &[&str], input: &[u8]| {
        run(&mut kcat(&address, arguments).expect("looked for before"), input).expect("kcat").text()
    };
    let mut wanted = String::new();
    for round in 0..6 {
        let line = format!("round {round}\n");
        kcat(&["-P", "-t", "kept", "-p", "0"], line.as_bytes());
        wanted.push_str(&line);
        if round % 2 == 0 {
            broker.kill()
        } else {
            broker.stop()
        }
        broker.start_again();
        assert_eq!(kcat(&["-C", "-t", "kept", "-p", "0", "-e", "-q"], b""), wanted);
    }
}
