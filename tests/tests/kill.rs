//! `kill -9` in a loop under load: nothing acknowledged lost or doubled, order kept.
//!
//! Stock clients do the work and write down what they did and saw; the checkers that judge the simulator judge them. Every
//! value that is read, by three clients at the end, is compared byte for byte with what was sent.

use tidemark_tests::{Broker, History, binary, full, kcat, python, script};

#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_kills() {
    let Some(python) = python() else { return };
    // Only its port and directory are wanted: the script starts and kills the binary itself.
    let Some(mut broker) = Broker::start_own(&[]) else { return };
    broker.stop();
    let history = History(broker.scratch().join("history.jsonl"));
    let (kills, records_per_life, value_bytes) =
        if full() { ("40", "1500", "16384") } else { ("3", "500", "1024") };
    let mut arguments = vec![
        ("--binary", binary().display().to_string()),
        ("--port", broker.port().to_string()),
        ("--directory", broker.data().display().to_string()),
        ("--history", history.0.display().to_string()),
        ("--kills", kills.to_string()),
        ("--records-per-life", records_per_life.to_string()),
        ("--value-bytes", value_bytes.to_string()),
    ];
    if let Some(kcat) = kcat(&broker.address(), &[]) {
        arguments.push(("--kcat", kcat.get_program().display().to_string()));
    }
    let arguments: Vec<&str> = arguments.iter().flat_map(|(name, value)| [*name, value]).collect();
    script(&python, "kill_loop.py", &arguments).expect("the loop of kills");
    history.judge().expect("the checkers' verdict");
}
