//! Dedicated roles: a controller that serves no client, and a broker that takes part in no election.

// Starts and stops processes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tidemark_tests::{binary, directory, kafka_tools, kcat, run};

/// A node and its settings.
struct Node {
    child: Child,
}

impl Node {
    /// Formats a directory and starts the node on it.
    fn start(dir: &Path, name: &str, settings: &[String]) -> Node {
        let config = dir.join(format!("{name}.properties"));
        let data = format!("log.dirs={}", dir.join(name).display());
        std::fs::write(&config, [settings, &[data]].concat().join("\n")).expect("a file of settings");
        let mut format = Command::new(binary());
        format.args(["format", "--cluster-id", "rlYhqgx0RAemLeR2ZYa7xg", "--config"]).arg(&config);
        run(&mut format, b"").expect("formatting");
        let log = File::create(dir.join(format!("{name}.log"))).expect("a file for its log");
        let child = Command::new(binary())
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary under test");
        Node { child }
    }

    /// SIGTERM, and an orderly end.
    fn stop(mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                assert!(status.success(), "{status}");
                return;
            }
            assert!(Instant::now() < end, "it does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_controller_and_a_broker_apart_serve_clients() {
    if std::env::var_os("TIDEMARK_PEER").is_some() || kcat("", &[]).is_none() {
        return;
    }
    let bound = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    let [controllers, clients] = bound.map(|it| it.local_addr().expect("it is bound").port());
    let dir = directory();
    let settings = |id: u16, role: &str, listener: &str, port: u16| {
        vec![
            format!("node.id={id}"),
            format!("process.roles={role}"),
            format!("controller.quorum.voters=1@127.0.0.1:{controllers}"),
            "controller.listener.names=CONTROLLER".to_owned(),
            format!("listeners={listener}://127.0.0.1:{port}"),
        ]
    };
    let controller =
        Node::start(dir.path(), "controller", &settings(1, "controller", "CONTROLLER", controllers));
    let broker = Node::start(dir.path(), "broker", &settings(2, "broker", "PLAINTEXT", clients));
    let address = format!("127.0.0.1:{clients}");
    let write = ["-P", "-t", "apart", "-p", "0", "-X", "message.timeout.ms=30000"];
    run(&mut kcat(&address, &write).expect("looked for before"), b"far\n").expect("kcat");
    let read = ["-C", "-t", "apart", "-p", "0", "-e", "-q"];
    let read = run(&mut kcat(&address, &read).expect("looked for before"), b"").expect("kcat");
    assert_eq!(read.text(), "far\n");
    if let Some(mut describe) = kafka_tools() {
        // Administrators may speak to controllers directly (KIP-919).
        describe.arg("org.apache.kafka.tools.MetadataQuorumCommand");
        let at = format!("127.0.0.1:{controllers}");
        describe.args(["--bootstrap-controller", &at, "describe", "--status"]);
        let status = run(&mut describe, b"").expect("describing the quorum").text();
        assert!(status.contains("LeaderId:               1\n"), "{status}");
    }
    broker.stop();
    controller.stop();
}

#[test]
fn a_broker_that_finds_no_controller_says_so() {
    if std::env::var_os("TIDEMARK_PEER").is_some() {
        return;
    }
    let bound = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    let [controllers, clients] = bound.map(|it| it.local_addr().expect("it is bound").port());
    let dir = directory();
    let settings = [
        "node.id=2".to_owned(),
        "process.roles=broker".to_owned(),
        format!("controller.quorum.voters=1@127.0.0.1:{controllers}"),
        "controller.listener.names=CONTROLLER".to_owned(),
        format!("listeners=PLAINTEXT://127.0.0.1:{clients}"),
    ];
    let broker = Node::start(dir.path(), "broker", &settings);
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let log = std::fs::read_to_string(dir.path().join("broker.log")).unwrap_or_default();
        if log.contains("a majority of the controllers has to run") {
            break;
        }
        assert!(Instant::now() < end, "it says nothing:\n{log}");
        std::thread::sleep(Duration::from_millis(50));
    }
    broker.stop();
}
